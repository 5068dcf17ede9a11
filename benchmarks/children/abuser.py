"""A peer that does one thing wrong, as fast as it can, until its standard input ends; see `benchmarks.nodes.abuse`.

python -m benchmarks.children.abuser KIND ADDRESS SERVER_CURVE_KEY

Prints "ready" when it begins, and at the end how often it has done it.
"""

import os
import select
import socket as sockets
import sys
import time
from collections.abc import Callable
from typing import Final

import zmq

from openoutcry.wire.codec import encode
from openoutcry.wire.requests import enclose
from openoutcry_echo.messages import EchoRequest
from tests.links.nodes import identity
from tests.links.strangers import Stranger, strangers

HUGE: Final = (
    bytes.fromhex("ff00000000000000017f03004e554c4c").ljust(64, b"\0") + b"\x06" + (1 << 62).to_bytes(8, "big")
)
"""The ZMTP greeting of a NULL peer, and the head of a command of four exabytes."""


class Abuse:
    """Each kind is a method that does it once and tells whether it could."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", address: str, curve: bytes) -> None:
        self.context, self.address, self.curve = context, address, curve
        self.serial = 0
        self.peer: Stranger | None = None
        self.request = encode(EchoRequest(1, bytes(64)))
        self.old = b""

    def opened(self, **how: bytes) -> Stranger:
        """Return a link that has greeted; it is opened again when it was closed, which costs what it costs anyone."""
        if self.peer is None:
            self.peer = Stranger(self.context, self.address, self.curve, "abuser", **how)
            self.peer.greet()
            time.sleep(0.05)
        elif any(event == zmq.EVENT_HANDSHAKE_SUCCEEDED for event in self.peer.events()):
            self.peer.greet()
        return self.peer

    def flood(self) -> bool:
        """Good requests, as many as go; what is answered is read now and then."""
        peer = self.opened()
        self.serial += 1
        if self.serial % 256 == 0:
            peer.heard()
        return peer.send(self.request)

    def deaf(self) -> bool:
        """Good requests whose answers are never read."""
        return self.opened().send(self.request)

    def junk(self) -> bool:
        """Bytes that are no message."""
        return self.opened().send(os.urandom(64))

    def forge(self) -> bool:
        """A new link each time, with the record of the victim."""
        self.serial += 1
        peer = Stranger(self.context, self.address, self.curve, f"forger {self.serial % 64}")
        peer.greet(who="victim", record_of="victim")
        time.sleep(0.01)
        self.close(peer)
        return True

    def repeat(self) -> bool:
        """One signed request, again and again."""
        peer = self.opened()
        if not self.old:
            expiry_ns = time.time_ns() + 300 * 10**9
            server = identity("server").signer.key
            self.old = encode(enclose([self.request], peer.identity.signer, server, 1, expiry_ns, bytes(32)))
        return peer.send(self.old)

    def squat(self) -> bool:
        """The routing id of the victim, on a new link each time."""
        self.serial += 1
        peer = Stranger(self.context, self.address, self.curve, f"squatter {self.serial % 64}", routing_id=b"victim")
        peer.greet()
        time.sleep(0.01)
        done = peer.send(self.request)
        self.close(peer)
        return done

    def huge(self) -> bool:
        """A length that nobody has the memory for, on a bare TCP connection."""
        host, port = self.address.removeprefix("tcp://").rsplit(":", 1)
        with sockets.create_connection((host, int(port)), timeout=5) as link:
            link.sendall(HUGE)
        time.sleep(0.002)
        return True

    def null(self) -> bool:
        """A peer that speaks NULL."""
        peer = Stranger(self.context, self.address, None, "null")
        time.sleep(0.01)
        done = peer.send(self.request)
        self.close(peer)
        return not done

    def close(self, peer: Stranger) -> None:
        """Close a link."""
        peer.socket.disable_monitor()
        peer.monitor.close()
        peer.socket.close()


KINDS: Final = ("flood", "deaf", "junk", "forge", "repeat", "squat", "huge", "null")


def main() -> None:
    """Do it until standard input ends."""
    kind, address, curve = sys.argv[1:]
    with strangers() as context:
        abuse = Abuse(context, address, bytes.fromhex(curve))
        do: Callable[[], bool] = getattr(abuse, kind)
        do()
        print("ready", flush=True)
        count = 0
        while True:
            for _ in range(64 if kind in {"flood", "deaf", "junk", "repeat"} else 1):
                if do():
                    count += 1
                else:
                    time.sleep(0.001)
            if select.select([sys.stdin], [], [], 0)[0]:
                break
        print(count, flush=True)


if __name__ == "__main__":
    main()
