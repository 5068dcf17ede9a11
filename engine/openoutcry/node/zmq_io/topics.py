"""Topics: one XPUB for those who follow this node, one SUB for each peer that it follows.

A topic is a frame of its own before the content and ends with a zero byte, so that following "trades.7" does not also
bring "trades.70": a subscription of ZeroMQ is a prefix.
"""

from typing import Final

import zmq

from openoutcry.node.core.traffic import Arrival
from openoutcry.node.sessions.gate import Gate
from openoutcry.node.sessions.meter import Meter, Verdict
from openoutcry.node.zmq_io.call import Call
from openoutcry.node.zmq_io.connections import Connections
from openoutcry.node.zmq_io.counters import Counters
from openoutcry.node.zmq_io.frames import content, skip_parts
from openoutcry.node.zmq_io.settings import LinkSettings, Peer

FOLLOWER_BYTES_MAX: Final = 256 * 1024
"""What may be received on a follower's connection beyond heartbeats without one whole subscription, in bytes."""

READ_MAX: Final = 1_024
"""Subscriptions read at a time."""

END: Final = b"\0"


def topic_bytes(topic: str) -> bytes:
    """Return a topic as it stands before its content.

    >>> topic_bytes("trades.7")
    b'trades.7\\x00'
    """
    return topic.encode("utf-8") + END


class _Follower:
    """How many subscriptions a connection has sent that it has not taken back, and how many messages in all."""

    __slots__ = ("curve_key", "seen", "topics")

    def __init__(self, curve_key: bytes) -> None:
        self.curve_key = curve_key
        self.topics = 0
        self.seen = 0


class Publisher:
    """The XPUB. A slow follower loses frames and no one else does; each frame has a number in its stream."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        connections: Connections,
        settings: LinkSettings,
        gate: Gate,
        counters: Counters,
    ) -> None:
        self.socket = socket
        self.connections = connections
        self._settings = settings
        self._gate = gate
        self._counters = counters

    def send(self, topic: str, frame: bytes | bytearray | memoryview) -> None:
        """Send to whoever follows the topic."""
        try:
            self.socket.send(topic_bytes(topic), zmq.NOBLOCK | zmq.SNDMORE)
            self.socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            self._counters.stuck += 1
            return
        self._counters.sent += 1
        self._counters.sent_bytes += len(frame)

    def drain(self, now_ns: int) -> None:
        """Read subscriptions: libzmq has already followed them, here it is counted whose they are."""
        for _ in range(READ_MAX):
            try:
                frame = self.socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._counters.subscriptions += 1
            change = {b"\x01": 1, b"\x00": -1}.get(frame.bytes[:1], 0)
            strange = change == 0 or frame.more
            follower = self._follower(frame)
            skip_parts(self.socket, frame)
            if follower is None:
                continue
            follower.seen += 1
            follower.topics = max(0, follower.topics + change)
            if strange or follower.topics > self._settings.subscriptions_max:
                self._gate.doors.close(follower.curve_key, now_ns)
                self._counters.closed_strangers += self._shut(follower)

    def sweep(self, now_ns: int) -> None:
        """Look at the connections of followers: which have ended, are revoked or send without end."""
        self.connections.follow(now_ns)
        for connection in list(self.connections.by_fd.values()):
            speaker = connection.speaker
            seen = speaker.seen if isinstance(speaker, _Follower) else 0
            received = self.connections.received_bytes(connection)
            if received is not None and connection.unread_bytes(seen, received, now_ns) > FOLLOWER_BYTES_MAX:
                self._counters.closed_heavy += self.connections.shut(connection)
            elif isinstance(speaker, _Follower) and self._gate.is_known_revoked(speaker.curve_key):
                self._counters.refused_revoked += self.connections.shut(connection)

    def _follower(self, frame: zmq.Frame) -> _Follower | None:
        try:
            fd = frame.get(zmq.SRCFD)
        except zmq.ZMQError:
            # Made by libzmq itself, which unsubscribes whoever has gone.
            return None
        connection = self.connections.by_fd.get(fd) if isinstance(fd, int) else None
        if connection is None:
            return None
        if not isinstance(connection.speaker, _Follower):
            connection.speaker = _Follower(bytes.fromhex(str(frame.get("User-Id"))))
        return connection.speaker

    def _shut(self, follower: _Follower) -> bool:
        return any(
            self.connections.shut(connection)
            for connection in self.connections.by_fd.values()
            if connection.speaker is follower
        )


class Following:
    """The SUB to one publisher. CURVE has shown its key, so whatever comes is from it."""

    def __init__(
        self, socket: zmq.Socket[bytes], call: Call, peer: Peer, gate: Gate, counters: Counters, meter: Meter
    ) -> None:
        self.socket = socket
        self.call = call
        self.peer = peer
        self._gate = gate
        self._counters = counters
        self._meter = meter
        self._is_connected = False

        self._topics: set[bytes] = set()
        for topic in peer.topics:
            self.follow(topic)

    def follow(self, topic: str) -> None:
        """Follow one more topic, also on connections to come."""
        wanted = topic_bytes(topic)
        if wanted not in self._topics:
            self._topics.add(wanted)
            self.socket.setsockopt(zmq.SUBSCRIBE, wanted)

    def unfollow(self, topic: str) -> None:
        """Follow a topic no more; what has arrived of it already is dropped."""
        wanted = topic_bytes(topic)
        if wanted in self._topics:
            self._topics.remove(wanted)
            self.socket.setsockopt(zmq.UNSUBSCRIBE, wanted)

    def sweep(self, now_ns: int) -> None:
        """Connect, or leave a publisher that is revoked."""
        if self._gate.is_revoked(self.peer.key):
            if self.call.is_open:
                self._counters.refused_revoked += 1
                self.call.close()
        elif not self._gate.doors.is_closed(self.peer.curve_key, now_ns):
            self.call.open(now_ns)

    def drain(self, quota: int, arrivals: list[Arrival], now_ns: int) -> int:
        """Read at most `quota` messages; return how many there were."""
        recv, counters = self.socket.recv, self._counters
        for count in range(quota):
            try:
                topic = recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return count
            frame = recv(zmq.NOBLOCK, copy=False) if topic.more else topic
            if not topic.more or frame.more or topic.bytes not in self._topics:
                counters.multipart += 1
                skip_parts(self.socket, frame)
                continue
            size = len(frame)
            verdict = self._meter.take(size, now_ns)
            if verdict is not Verdict.WITHIN:
                counters.limited += 1
                if verdict is Verdict.FLOOD and self.call.is_open:
                    counters.closed_flood += 1
                    self._gate.doors.close(self.peer.curve_key, now_ns)
                    self.call.close()
                continue
            counters.arrivals += 1
            counters.arrival_bytes += size
            arrivals.append(Arrival(self.peer.key, content(frame, size)))
        return quota
