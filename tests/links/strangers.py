"""A peer that does by hand what a link does by itself, so that it can do each thing wrong."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import zmq

from openoutcry.node.sessions.handshake import GREETINGS, Introduction
from openoutcry.node.zmq_io import LinkIdentity
from openoutcry.node.zmq_io.watch import FAILED
from openoutcry.wire.faults import WireFault
from openoutcry.wire.messages import Refuse, Welcome
from openoutcry.wire.tags import Message
from openoutcry.wire.versions import Offer
from tests.links.nodes import identity

DEEP: Final = 1_000_000
"""High-water mark of a peer that never wants to wait, in messages."""


def introduction(who: LinkIdentity, curve_public: bytes = b"") -> Introduction:
    """Return what a node says of itself; curve_public: the key that its record certifies, where not its own."""
    return Introduction(who.signer, curve_public or who.curve_public, ("echo",), (), Offer(who.signer.key))


class Stranger:
    """One DEALER to one server."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        address: str,
        server_curve: bytes | None,
        name: str = "stranger",
        routing_id: bytes = b"",
    ) -> None:
        """server_curve: the CURVE key that it expects of the server; None: it speaks NULL."""
        self.identity = identity(name)
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, DEEP)
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        if routing_id:
            self.socket.setsockopt(zmq.ROUTING_ID, routing_id)
        if server_curve is not None:
            self.socket.setsockopt(zmq.CURVE_SERVERKEY, server_curve)
            self.socket.setsockopt(zmq.CURVE_PUBLICKEY, self.identity.curve_public)
            self.socket.setsockopt(zmq.CURVE_SECRETKEY, self.identity.curve_secret)
        self.monitor = self.socket.get_monitor_socket()
        self._address = address
        self.socket.connect(address)

    def greet(self, who: str = "", record_of: str = "") -> None:
        """Say HELLO as `who` and show the record of `record_of`; both this peer itself where not given."""
        hello, own = introduction(identity(who) if who else self.identity).greeting(time.time_ns())
        self.send(hello)
        self.send(introduction(identity(record_of)).record(time.time_ns()) if record_of else own)

    def send(self, frame: bytes) -> bool:
        """Send; False where there is no connection or its queue is full."""
        try:
            self.socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def is_connected(self) -> bool:
        """Tell whether libzmq would take a message now: it has a connection that is through its handshake."""
        return bool(self.socket.poll(0, zmq.POLLOUT))

    def heard(self) -> list[bytes]:
        """Return what has come so far."""
        frames = []
        while self.socket.poll(0):
            frames.append(self.socket.recv())
        return frames

    def events(self) -> list[int]:
        """Return what its monitor has seen so far, as numbers of events.

        Where libzmq has given up, since it was denied, it connects anew: whoever means harm would.
        """
        events = []
        while self.monitor.poll(0):
            events.append(int.from_bytes(self.monitor.recv_multipart()[0][:2], "little"))
        if any(event & FAILED for event in events):
            with suppress(zmq.ZMQError):
                self.socket.disconnect(self._address)
            self.socket.connect(self._address)
        return events


@contextmanager
def strangers() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    """Give a context whose sockets are all closed in the end."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        yield context
    finally:
        context.destroy(linger=0)


def greetings(frames: list[bytes]) -> list[Message | WireFault]:
    """Return frames as messages of a handshake."""
    return [GREETINGS.decode(frame) for frame in frames]


def refusals(frames: list[bytes]) -> list[int]:
    """Return the reasons of the REFUSEs among some frames."""
    return [message.reason for message in greetings(frames) if isinstance(message, Refuse)]


def is_welcome(frames: list[bytes]) -> bool:
    """Tell whether there is a WELCOME among some frames."""
    return any(isinstance(message, Welcome) for message in greetings(frames))
