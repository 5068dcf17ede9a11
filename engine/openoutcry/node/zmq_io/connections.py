"""The TCP connections of a bound socket: how many, which of them say nothing or too much, and how one is shut.

libzmq has no call that ends one connection of a ROUTER. Its monitor tells the descriptor of each, and a descriptor can
be shut down, after which libzmq sees the end of the connection and cleans up as if the peer had left. Decision record
0015 has the risk of that and what is checked against it.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import zmq

from openoutcry.node.zmq_io.counters import Counters
from openoutcry.node.zmq_io.watch import Watch

_RECEIVED_AT: Final = 128
"""Offset of `tcpi_bytes_received` in the kernel's `struct tcp_info` (linux/tcp.h, since 4.1)."""

_TCP_INFO_BYTES: Final = _RECEIVED_AT + 8

HEARTBEAT_BYTES_PER_S: Final = 256
"""What a link without messages receives each second at most: a PING of its own and a PONG, some 60 bytes each."""


class Connection:
    """One accepted connection. speaker: whatever its owner notes of the link that came by it."""

    __slots__ = ("_mark", "_mark_bytes", "_mark_ns", "address", "fd", "is_shut", "since_ns", "speaker")

    def __init__(self, fd: int, address: tuple[int, object] | None, now_ns: int) -> None:
        self.fd = fd
        self.address = address
        self.since_ns = now_ns
        self.speaker: object | None = None
        self.is_shut = False
        self._mark = 0
        self._mark_bytes = 0
        self._mark_ns = now_ns

    def unread_bytes(self, mark: int, received_bytes: int, now_ns: int) -> int:
        """Return what has come since the last message beyond heartbeats; mark: how many messages there were so far."""
        if mark != self._mark:
            self._mark = mark
            self._mark_bytes = received_bytes
            self._mark_ns = now_ns
        heartbeats = (now_ns - self._mark_ns) * HEARTBEAT_BYTES_PER_S // 1_000_000_000
        return received_bytes - self._mark_bytes - heartbeats


class Connections:
    """Accepted connections of one bound socket, by descriptor. shaken: how many came through their handshake."""

    def __init__(self, watch: Watch, port: int, most: int, counters: Counters) -> None:
        """port: of the bound socket. most: one more, and the oldest one without a speaker is shut."""
        self.watch = watch
        self.by_fd: dict[int, Connection] = {}
        self.shaken = 0
        self._port = port
        self._most = most
        self._counters = counters

    def follow(self, now_ns: int) -> list[Connection]:
        """Take note of what has happened; return the connections that have ended."""
        ended: list[Connection] = []
        for event, value in self.watch.events():
            if event == zmq.EVENT_ACCEPTED:
                self._counters.accepted += 1
                self._accepted(value, now_ns)
            elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.shaken += 1
            elif event == zmq.EVENT_DISCONNECTED:
                self._counters.disconnected += 1
                connection = self.by_fd.pop(value, None)
                if connection is not None:
                    ended.append(connection)
                    self._counters.unheard += connection.speaker is None and not connection.is_shut
        return ended

    def shut(self, connection: Connection) -> bool:
        """End a connection; False where it is over already, or its descriptor is another one by now. Once for each."""
        if connection.is_shut:
            return False
        with _looked_at(connection.fd) as looked:
            if looked is None or not self._is(looked, connection):
                return False
            connection.is_shut = True
            try:
                looked.shutdown(socket.SHUT_RDWR)
            except OSError:
                return False
        return True

    def received_bytes(self, connection: Connection) -> int | None:
        """Return how many bytes the kernel has received on a connection; None where it has ended. 4 microseconds."""
        with _looked_at(connection.fd) as looked:
            if looked is None or not self._is(looked, connection):
                return None
            info = looked.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        return int(struct.unpack_from("<Q", info, _RECEIVED_AT)[0]) if len(info) == _TCP_INFO_BYTES else None

    def _accepted(self, fd: int, now_ns: int) -> None:
        with _looked_at(fd) as looked:
            ends = None if looked is None else _ends(looked)
        # What it is when we look may be another one already; then its end is the next event, and nothing shuts it.
        address = ends if ends is not None and ends[0] == self._port else None
        self.by_fd[fd] = Connection(fd, address, now_ns)
        if len(self.by_fd) > self._most:
            for oldest in self.by_fd.values():
                if oldest.speaker is None and self.shut(oldest):
                    self._counters.closed_crowd += 1
                    return

    def _is(self, looked: socket.socket, connection: Connection) -> bool:
        return connection.address is not None and _ends(looked) == connection.address


@contextmanager
def _looked_at(fd: int) -> Iterator[socket.socket | None]:
    """Give a duplicate of a descriptor as a socket, or None where it is none; libzmq keeps its own.

    While the duplicate is open, the connection behind it cannot turn into another one.
    """
    try:
        own = os.dup(fd)
    except OSError:
        yield None
        return
    try:
        looked = socket.socket(fileno=own)
    except OSError:
        os.close(own)
        yield None
        return
    with looked:
        yield looked


def _ends(looked: socket.socket) -> tuple[int, object] | None:
    """Return own port and the other end's address; None where there is no other end."""
    try:
        own, other = looked.getsockname(), looked.getpeername()
    except OSError:
        return None
    return (own[1], other) if isinstance(own, tuple) else None
