"""Links without CURVE that also publish, to show what CURVE costs. A peer's key is its routing id."""

from collections.abc import Sequence

import zmq

from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.zmq_io.topics import topic_bytes

ID_BYTES = 5
"""Length of a routing id; the key is it, filled up with zeros."""


def key_of(routing_id: bytes) -> bytes:
    """Return the key that a routing id stands for."""
    return routing_id.ljust(32, b"\0")


class PlainLinks:
    """A ROUTER and an XPUB that trust everybody."""

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._keys: dict[bytes, bytes] = {}
        self._topics = self._context.socket(zmq.XPUB)
        for socket in (self._socket, self._topics):
            socket.setsockopt(zmq.LINGER, 0)
            socket.set_hwm(1_000_000)
        self.address = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.publish_address = f"tcp://127.0.0.1:{self._topics.bind_to_random_port('tcp://127.0.0.1')}"

    def receive(self, wait_s: float, arrivals_max: int) -> list[Arrival]:
        """Return what has arrived."""
        arrivals: list[Arrival] = []
        if not self._socket.poll(int(wait_s * 1000)):
            return arrivals
        recv, keys = self._socket.recv, self._keys
        try:
            while len(arrivals) < arrivals_max:
                peer = recv(zmq.NOBLOCK)
                key = keys.get(peer)
                if key is None:
                    key = keys[peer] = key_of(peer)
                arrivals.append(Arrival(key, recv(zmq.NOBLOCK)))
        except zmq.Again:
            pass
        return arrivals

    def send(self, frames: Sequence[Outgoing]) -> None:
        """Send everything."""
        for to, frame in frames:
            if isinstance(to, str):
                self._topics.send(topic_bytes(to), zmq.NOBLOCK | zmq.SNDMORE)
                self._topics.send(frame, zmq.NOBLOCK)
            else:
                self._socket.send(to[:ID_BYTES], zmq.NOBLOCK | zmq.SNDMORE)
                self._socket.send(frame, zmq.NOBLOCK)

    def fault(self, peer: bytes, count: int = 1) -> None:
        """Nobody is held to account."""

    def wake(self) -> None:
        """The runner looks again by itself."""

    def close(self) -> None:
        """Let go."""
        self._socket.close()
        self._topics.close()
        self._context.term()
