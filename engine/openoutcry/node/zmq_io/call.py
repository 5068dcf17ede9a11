"""A connection that this node opens: libzmq opens it again when it ends, and this does where libzmq gives up.

libzmq 4.3.5 never tries again after a peer has refused its key or a handshake has gone wrong, as a restarted or busy
node would make it; so whatever failed is disconnected and connected anew, with growing pauses.
"""

import errno
from enum import Enum
from typing import Final

import zmq

from openoutcry.node.zmq_io.counters import Counters
from openoutcry.node.zmq_io.watch import FAILED, Watch

PAUSE_NS: Final = 250_000_000
"""First pause after a connection that was refused."""

PAUSE_NS_MAX: Final = 5_000_000_000
"""Longest one: each is twice the one before."""


class Change(Enum):
    """What has happened to the connection."""

    UP = 1
    ENDED = 2
    DENIED = 3
    FAILED = 4


class Call:
    """Connects one socket to one address. Times are of a clock that never runs back."""

    def __init__(self, socket: zmq.Socket[bytes], watch: Watch, address: str, counters: Counters) -> None:
        """Does not connect yet."""
        self.watch = watch
        self.is_open = False
        self._socket = socket
        self._address = address
        self._counters = counters
        self._pause_ns = PAUSE_NS
        self._again_ns = 0

    def follow(self, now_ns: int) -> list[Change]:
        """Return what has happened, in order."""
        changes = []
        for event, _ in self.watch.events():
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._pause_ns = PAUSE_NS
                changes.append(Change.UP)
            elif event == zmq.EVENT_DISCONNECTED:
                changes.append(Change.ENDED)
            elif event & FAILED:
                self._counters.failed_handshake += 1
                changes.append(Change.DENIED if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH else Change.FAILED)
                if self.is_open:
                    self.close()
                    self._again_ns = now_ns + self._pause_ns
                    self._pause_ns = min(2 * self._pause_ns, PAUSE_NS_MAX)
        return changes

    def open(self, now_ns: int) -> None:
        """Begin to connect, unless it is too early after the last failure."""
        if not self.is_open and now_ns >= self._again_ns:
            self._socket.connect(self._address)
            self.is_open = True

    def close(self) -> None:
        """Drop the connection with all that waits in it."""
        self.is_open = False
        try:
            self._socket.disconnect(self._address)
        except zmq.ZMQError as error:
            # libzmq has dropped it already.
            if error.errno != errno.ENOENT:
                raise
