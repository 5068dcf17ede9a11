"""What libzmq does with the connections of a socket, as its monitor tells it."""

import struct
from collections.abc import Iterator
from typing import Final

import zmq

from openoutcry.node.zmq_io.options import EVENTS_MAX, set_inner

_EVENT: Final = struct.Struct("=HI")

FAILED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
"""The connection has never got as far as a message."""

WATCHED: Final = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | FAILED


class Watch:
    """Events of one socket, in the order in which they happened. Open it before bind or connect."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], watched: zmq.Socket[bytes], name: str) -> None:
        """name: of the socket, different from that of any other of this context."""
        address = f"inproc://watch.{name}"
        self._watched = watched
        self.socket = context.socket(zmq.PAIR)
        set_inner(self.socket, EVENTS_MAX)
        watched.monitor(address, WATCHED)
        self.socket.connect(address)

    def events(self) -> Iterator[tuple[int, int]]:
        """Yield event and value (a descriptor for ACCEPTED and DISCONNECTED) of all that has happened."""
        recv = self.socket.recv_multipart
        while True:
            try:
                event, value = _EVENT.unpack(recv(zmq.NOBLOCK)[0])
            except zmq.Again:
                return
            yield event, value

    def close(self) -> None:
        """Stop, and give the sockets back; before the watched one is closed."""
        # Emptied first: libzmq's thread may be waiting for room, with the lock that stopping needs.
        for _ in self.events():
            pass
        self._watched.monitor(None, 0)
        self.socket.close()
