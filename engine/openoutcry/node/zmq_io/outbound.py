"""A link that this node opens: one DEALER to one peer, greeting again whenever it is connected anew."""

from collections.abc import Callable
from typing import Final

import zmq

from openoutcry.node.core.traffic import Arrival
from openoutcry.node.sessions.gate import Gate
from openoutcry.node.sessions.handshake import Introduction, check_record
from openoutcry.node.sessions.meter import Allowance, Meter, Verdict
from openoutcry.node.zmq_io.call import Call, Change
from openoutcry.node.zmq_io.counters import Counters
from openoutcry.node.zmq_io.frames import (
    FAULT_BURST_NS,
    REFUSE_INTERVAL_NS,
    SPECIAL_TAG_MAX,
    content,
    is_too_long,
    skip_parts,
)
from openoutcry.node.zmq_io.session import NEVER_NS
from openoutcry.node.zmq_io.settings import LinkSettings, Peer
from openoutcry.node.zmq_io.status import LinkState, PeerStatus
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import FaultCode, WireFault, name_of
from openoutcry.wire.messages import Refuse
from openoutcry.wire.tags import Tag
from openoutcry.wire.versions import Agreed

GREETING_RETRY_NS: Final = 2_000_000_000
"""An answer to a greeting that takes longer is asked for again."""

REFUSED_RETRY_NS: Final = 5_000_000_000
"""A link that was refused greets again after so long."""

LINK_REASONS: Final = frozenset(
    [FaultCode.RATE_LIMITED, FaultCode.NOT_ADMITTED, FaultCode.REVOKED, FaultCode.BUSY, FaultCode.EXPIRED]
)
"""Reasons of a REFUSE that speak of the link; others are the node's to read."""

_DETAILS: Final = {
    Change.ENDED: "the connection has ended",
    Change.DENIED: "the other node does not let this one in",
    Change.FAILED: "the handshake has failed: another key, or no node",
}


class Outbound:
    """The DEALER to one peer, with its monitor. Times are of a clock that never runs back, but a record's."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        call: Call,
        peer: Peer,
        settings: LinkSettings,
        introduction: Introduction,
        gate: Gate,
        counters: Counters,
        clock_ns: Callable[[], int],
        allowance: Allowance,
    ) -> None:
        """Does not connect yet: `sweep` does, while the peer is not revoked."""
        self.socket = socket
        self.call = call
        self.peer = peer
        self.state = LinkState.DOWN
        self.messages_in = self.messages_out = self.bytes_in = self.bytes_out = 0
        self.heard_ns = 0
        self.detail = ""
        self._settings = settings
        self._introduction = introduction
        self._gate = gate
        self._counters = counters
        self._clock_ns = clock_ns
        self._meter = Meter(allowance)
        self._faults = Meter(Allowance(settings.faults_per_s, 1, FAULT_BURST_NS, 0))
        self._welcome: Agreed | None = None
        self._agreed: Agreed | None = None
        self._expiry_ns = 0
        self._shown = b""
        self._retry_ns = 0
        self._limited_ns = NEVER_NS
        self._stuck = 0

    def follow(self, now_ns: int) -> None:
        """Take note of what libzmq has done with the connection; greet a new one."""
        for change in self.call.follow(now_ns):
            if change in (Change.UP, Change.ENDED) and not self.call.is_open:
                # Of a connection that this node has dropped meanwhile; why stands in `detail`.
                continue
            if change is Change.UP:
                self._greet(now_ns)
            else:
                self._down(_DETAILS[change])

    def sweep(self, now_ns: int, utc_ns: int) -> None:
        """Greet again where an answer is overdue, a record is old or a refusal is over; drop a revoked peer."""
        if self._gate.is_revoked(self.peer.key):
            if self.call.is_open:
                self._counters.refused_revoked += 1
                self._disconnect("revoked")
            return
        if not self.call.is_open:
            if not self._gate.doors.is_closed(self.peer.curve_key, now_ns):
                self.call.open(now_ns)
        elif self.state is LinkState.UP:
            if self._shown != self._introduction.record(utc_ns):
                self._counters.renewed += self._say_hello(now_ns)
            elif self._expiry_ns <= utc_ns:
                self.detail = "its service record has expired"
                self._greet(now_ns)
        elif self.state is not LinkState.DOWN and now_ns >= self._retry_ns:
            self._greet(now_ns)

    def drain(self, quota: int, arrivals: list[Arrival], now_ns: int) -> int:
        """Read at most `quota` messages; return how many there were."""
        recv, counters = self.socket.recv, self._counters
        for count in range(quota):
            try:
                frame = recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return count
            if frame.more:
                counters.multipart += 1
                skip_parts(self.socket, frame)
                self.fault(now_ns)
                continue
            size = len(frame)
            verdict = self._meter.take(size, now_ns)
            if verdict is not Verdict.WITHIN:
                self._over(verdict, now_ns)
                continue
            data = content(frame, size)
            if self.state is not LinkState.UP or (size > 1 and data[1] <= SPECIAL_TAG_MAX):
                if not self._is_arrival(bytes(data), now_ns):
                    continue
            elif self._welcome is not None and self._take_record(bytes(data), now_ns):
                continue
            self.heard_ns = now_ns
            self.messages_in += 1
            self.bytes_in += size
            counters.arrivals += 1
            counters.arrival_bytes += size
            arrivals.append(Arrival(self.peer.key, data))
        return quota

    def send(self, frame: bytes | bytearray | memoryview) -> bool:
        """Send, where the link is up; False where it is not. A full one drops the frame, and is counted."""
        if self.state is not LinkState.UP:
            return False
        assert self._agreed is not None
        if is_too_long(frame, self._agreed):
            self._counters.too_long += 1
        elif self._put(frame):
            self._counters.sent += 1
            self._counters.sent_bytes += len(frame)
        return True

    def fault(self, now_ns: int) -> None:
        """Count one frame with which nothing could be done; too many end the link for a while."""
        if self._faults.take(0, now_ns) is not Verdict.WITHIN and self.call.is_open:
            self._counters.closed_faults += 1
            self._close_door("too many frames that are of no use", now_ns)

    def status(self) -> PeerStatus:
        """Return how the link is."""
        return PeerStatus(
            self.peer.key,
            self.peer.name,
            True,
            self.state,
            self.heard_ns,
            self.messages_in,
            self.bytes_in,
            self.messages_out,
            self.bytes_out,
            self.detail,
        )

    def _is_arrival(self, frame: bytes, now_ns: int) -> bool:
        """Take what belongs to the link itself; True for what is the node's to read."""
        tag = frame[1] if len(frame) > 1 else 0
        if tag in (Tag.WELCOME, Tag.REFUSE):
            answer = self._introduction.accept(frame)
            if isinstance(answer, Agreed) and answer.peer != self.peer.key:
                self._counters.refused_hello += 1
                self._refused("WELCOME of another node", now_ns)
            elif isinstance(answer, Agreed):
                self._welcome = answer
            elif isinstance(answer, WireFault):
                self._counters.refused_hello += 1
                self._refused(str(answer), now_ns)
            elif self.state is LinkState.UP and answer.reason not in LINK_REASONS:
                return True
            else:
                self._refused_by_peer(answer, now_ns)
        elif self._welcome is not None:
            self._take_record(frame, now_ns)
        elif self.state is LinkState.UP:
            return True
        else:
            self._counters.not_admitted += 1
        return False

    def _take_record(self, frame: bytes, now_ns: int) -> bool:
        """Take the record that follows a WELCOME. Always True."""
        agreed, self._welcome = self._welcome, None
        assert agreed is not None
        found = check_record(frame, self.peer.key, self.peer.curve_key, self._clock_ns())
        if isinstance(found, WireFault):
            self._counters.refused_record += 1
            self._refused(str(found), now_ns)
            return True
        if self.state is not LinkState.UP:
            self._counters.admitted += 1
        self.state, self.detail, self.heard_ns = LinkState.UP, "", now_ns
        self._agreed, self._expiry_ns = agreed, found.expiry_ns
        return True

    def _refused_by_peer(self, answer: Refuse, now_ns: int) -> None:
        self._counters.refused_by_peer += 1
        detail = f"{name_of(answer.reason)}: {answer.detail}"
        if self.state is LinkState.UP and answer.reason == FaultCode.RATE_LIMITED:
            self.detail = detail
        elif self.state is LinkState.UP and answer.reason == FaultCode.NOT_ADMITTED:
            self.detail = detail
            self._greet(now_ns)
        else:
            self._refused(detail, now_ns)

    def _refused(self, detail: str, now_ns: int) -> None:
        self.state, self.detail = LinkState.REFUSED, detail
        self._welcome = self._agreed = None
        self._retry_ns = now_ns + REFUSED_RETRY_NS

    def _greet(self, now_ns: int) -> None:
        """Begin anew on this connection: nothing else is sent until the other node has answered."""
        self.state = LinkState.GREETING
        self._agreed = None
        self._say_hello(now_ns)

    def _say_hello(self, now_ns: int) -> bool:
        self._welcome = None
        self._retry_ns = now_ns + GREETING_RETRY_NS
        hello, self._shown = self._introduction.greeting(self._clock_ns())
        return self._put(hello) and self._put(self._shown)

    def _put(self, frame: bytes | bytearray | memoryview) -> bool:
        try:
            self.socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            self._counters.stuck += 1
            self._stuck += 1
            if self._stuck > self._settings.stuck_frames_max:
                self._counters.closed_stuck += 1
                self._disconnect("it does not read")
            return False
        self._stuck = 0
        self.messages_out += 1
        self.bytes_out += len(frame)
        return True

    def _over(self, verdict: Verdict, now_ns: int) -> None:
        self._counters.limited += 1
        if verdict is Verdict.FLOOD:
            self._counters.closed_flood += self.call.is_open
            self._close_door("far more than it may send", now_ns)
        elif now_ns - self._limited_ns >= REFUSE_INTERVAL_NS and self.state is LinkState.UP:
            self._limited_ns = now_ns
            self._put(encode(Refuse(FaultCode.RATE_LIMITED, 0, "slower, please: frames are dropped")))

    def _close_door(self, detail: str, now_ns: int) -> None:
        self._gate.doors.close(self.peer.curve_key, now_ns)
        self._disconnect(detail)

    def _disconnect(self, detail: str) -> None:
        """Drop the connection with all that waits in it; `sweep` opens another one."""
        self.call.close()
        self._stuck = 0
        self._down(detail)

    def _down(self, detail: str) -> None:
        self.state = LinkState.DOWN
        self._welcome = self._agreed = None
        self.detail = detail
