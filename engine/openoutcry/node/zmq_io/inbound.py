"""Links that others have opened: one ROUTER, a session for each, and what is done about those that do no good."""

from collections.abc import Callable
from typing import Final

import zmq

from openoutcry.node.core.traffic import Arrival
from openoutcry.node.sessions.gate import Gate
from openoutcry.node.sessions.handshake import Introduction, check_record
from openoutcry.node.sessions.meter import Allowance, Meter, Verdict
from openoutcry.node.zmq_io.connections import Connections
from openoutcry.node.zmq_io.counters import Counters
from openoutcry.node.zmq_io.frames import (
    FAULT_BURST_NS,
    REFUSE_INTERVAL_NS,
    SPECIAL_TAG_MAX,
    content,
    is_too_long,
    skip_parts,
)
from openoutcry.node.zmq_io.routing_ids import RoutingIds
from openoutcry.node.zmq_io.session import Session
from openoutcry.node.zmq_io.settings import MS, LinkSettings
from openoutcry.node.zmq_io.status import LinkState, PeerStatus
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.messages import Refuse
from openoutcry.wire.tags import Tag
from openoutcry.wire.versions import Agreed

SESSIONS_PER_KEY_MAX: Final = 4
"""Links that one node may have open here: one, one that has not noticed its end yet, and some room."""

GREETING_FRAMES_MAX: Final = 16
"""Frames on a link that has not greeted, before its door is closed: each may cost a signature, 70 microseconds."""

GONE_NS: Final = 1_000_000_000
"""How long a session outlives its connection: what came before the end may still be waiting to be read."""

IDLE_NS: Final = 10_000_000_000
"""A link that was silent for so long makes room for another one."""

RENEWAL_NS_MIN: Final = 60_000_000_000
"""A link may show its record again so often; each time costs two signatures."""

UNREAD_BYTES_SPARE: Final = 8 * 1024 * 1024
"""What the kernel may have received beyond a full queue and two of the longest frames without a message that was read,
in bytes: its own buffer, and what ZMTP and CURVE add, some 40 bytes a frame."""

UNGREETED_BYTES_MAX: Final = 256 * 1024
"""What may be received on a connection that has not greeted, in bytes: twenty times a handshake."""


class Inbound:
    """The ROUTER with its sessions. Not thread-safe; all times but a record's are of a clock that never runs back."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        connections: Connections,
        routing_ids: RoutingIds,
        settings: LinkSettings,
        introduction: Introduction,
        gate: Gate,
        counters: Counters,
        clock_ns: Callable[[], int],
        names: dict[bytes, str],
        allowance: Allowance,
    ) -> None:
        self.socket = socket
        self.connections = connections
        self.sessions: dict[bytes, Session] = {}
        self.by_key: dict[bytes, list[Session]] = {}
        self._routing_ids = routing_ids
        self._settings = settings
        self._introduction = introduction
        self._gate = gate
        self._counters = counters
        self._clock_ns = clock_ns
        self._names = names
        self._allowance = allowance
        self._fault_allowance = Allowance(settings.faults_per_s, 1, FAULT_BURST_NS, 0)

    def drain(self, quota: int, arrivals: list[Arrival], now_ns: int) -> int:
        """Read at most `quota` messages, in libzmq's turn among the peers; return how many there were.

        Cost of one that arrives: 2 microseconds up to some hundred bytes, 3 for 16 KiB.
        """
        recv, sessions, counters = self.socket.recv, self.sessions, self._counters
        within, up = Verdict.WITHIN, LinkState.UP
        for count in range(quota):
            try:
                routing_id = recv(zmq.NOBLOCK)
            except zmq.Again:
                return count
            frame = recv(zmq.NOBLOCK, copy=False)
            user_id = frame.get("User-Id")
            session = sessions.get(routing_id)
            if session is None or session.user_id != user_id:
                session = self._session(routing_id, str(user_id), frame, now_ns)
                if session is None:
                    skip_parts(self.socket, frame)
                    continue
            session.seen += 1
            if frame.more:
                counters.multipart += 1
                skip_parts(self.socket, frame)
                self.fault(session, now_ns)
                continue
            size = len(frame)
            verdict = session.meter.take(size, now_ns)
            if verdict is not within:
                self._over(session, verdict, now_ns)
                continue
            data = content(frame, size)
            if session.state is not up or session.agreement is not None or (size > 1 and data[1] <= SPECIAL_TAG_MAX):
                self._special(session, data, arrivals, now_ns)
                continue
            session.heard_ns = now_ns
            session.messages_in += 1
            session.bytes_in += size
            counters.arrivals += 1
            counters.arrival_bytes += size
            arrivals.append(Arrival(session.key, data))
        return quota

    def send(self, key: bytes, frame: bytes | bytearray | memoryview, now_ns: int) -> bool:
        """Send by the newest link of a key; False where it has none. A full one drops the frame, and is counted."""
        for session in reversed(self.by_key.get(key, ())):
            if not session.gone_ns:
                self._send_to(session, frame, now_ns)
                return True
        return False

    def follow(self, now_ns: int) -> None:
        """Take note of connections that have come and gone."""
        for connection in self.connections.follow(now_ns):
            if isinstance(connection.speaker, Session):
                connection.speaker.gone_ns = now_ns

    def sweep(self, now_ns: int, utc_ns: int) -> None:
        """Look at every link: who is gone, silent, too heavy, expired or revoked. Some 10 microseconds a link."""
        self.follow(now_ns)
        for session in list(self.sessions.values()):
            if session.gone_ns and now_ns - session.gone_ns > GONE_NS:
                self._forget(session)
            elif session.state is LinkState.UP:
                if self._gate.is_revoked(session.key):
                    self._counters.refused_revoked += 1
                    self._refuse(session, Refuse(FaultCode.REVOKED, 0, ""), now_ns)
                    self._end(session)
                elif session.expiry_ns <= utc_ns:
                    self._back_to_greeting(session)
        settings = self._settings
        silent_ns = settings.greeting_ms * MS
        full_bytes = settings.link_bytes_max + 2 * settings.frame_bytes_max + UNREAD_BYTES_SPARE
        for connection in list(self.connections.by_fd.values()):
            speaker = connection.speaker
            is_up = isinstance(speaker, Session) and speaker.state is LinkState.UP
            if isinstance(speaker, Session) and speaker.state is LinkState.REFUSED:
                self.connections.shut(connection)
                continue
            if not is_up and now_ns - connection.since_ns > silent_ns:
                self._counters.closed_silent += self.connections.shut(connection)
                continue
            seen = speaker.seen if isinstance(speaker, Session) else 0
            received = self.connections.received_bytes(connection)
            most = full_bytes if is_up else UNGREETED_BYTES_MAX
            if received is not None and connection.unread_bytes(seen, received, now_ns) > most:
                self._counters.closed_heavy += 1
                if isinstance(speaker, Session):
                    self._close_door(speaker, now_ns)
                self.connections.shut(connection)

    def fault(self, session: Session, now_ns: int) -> None:
        """Count one frame with which nothing could be done; too many close the door."""
        if session.faults.take(0, now_ns) is not Verdict.WITHIN and session.state is not LinkState.REFUSED:
            self._counters.closed_faults += 1
            self._close_door(session, now_ns)

    def fault_of(self, key: bytes, now_ns: int) -> None:
        """The same for the newest link of a node."""
        for session in self.by_key.get(key, ())[-1:]:
            self.fault(session, now_ns)

    def statuses(self) -> list[PeerStatus]:
        """Return how each link is, in the order in which they came."""
        return [
            PeerStatus(
                session.key or bytes(32),
                session.name,
                False,
                LinkState.DOWN if session.gone_ns else session.state,
                session.heard_ns,
                session.messages_in,
                session.bytes_in,
                session.messages_out,
                session.bytes_out,
                session.detail,
            )
            for session in self.sessions.values()
        ]

    def _session(self, routing_id: bytes, user_id: str, frame: zmq.Frame, now_ns: int) -> Session | None:
        """Return a new session for a link that has none; None for a message that pretends to belong to another's."""
        self.follow(now_ns)
        old = self.sessions.get(routing_id)
        if old is not None:
            if not old.gone_ns:
                self._counters.forged += 1
                return None
            self._forget(old)
        fd = frame.get(zmq.SRCFD)
        connection = self.connections.by_fd.get(fd) if isinstance(fd, int) else None
        if connection is not None and connection.speaker is not None:
            # The descriptor is another connection by now; this one has ended.
            connection = None
        session = Session(
            routing_id,
            user_id,
            connection,
            Meter(self._allowance),
            Meter(self._fault_allowance),
            bytes.fromhex(user_id) in self._gate.listed,
        )
        if connection is None:
            session.gone_ns = now_ns
        else:
            connection.speaker = session
        self.sessions[routing_id] = session
        if not self._routing_ids.is_given(routing_id, self.connections.shaken):
            self._counters.refused_routing_id += 1
            self._close_door(session, now_ns)
        return session

    def _special(self, session: Session, data: bytes | memoryview, arrivals: list[Arrival], now_ns: int) -> None:
        """Take a frame of a link that is not admitted, or one that greets again or refuses."""
        if session.state is LinkState.REFUSED:
            self._counters.not_admitted += 1
            return
        tag = data[1] if len(data) > 1 else 0
        if tag == Tag.HELLO:
            self._hello(session, bytes(data), now_ns)
        elif session.agreement is not None:
            self._record(session, bytes(data), now_ns)
        elif session.state is LinkState.UP:
            session.heard_ns = now_ns
            session.messages_in += 1
            session.bytes_in += len(data)
            self._counters.arrivals += 1
            self._counters.arrival_bytes += len(data)
            arrivals.append(Arrival(session.key, data))
        else:
            self._counters.not_admitted += 1
            self._refuse(session, Refuse(FaultCode.NOT_ADMITTED, 0, "a link begins with HELLO"), now_ns)
            self._strange(session, now_ns)

    def _hello(self, session: Session, frame: bytes, now_ns: int) -> None:
        self._strange(session, now_ns)
        answer = self._introduction.answer(frame)
        session.agreement = None
        if isinstance(answer, Refuse):
            self._counters.refused_hello += 1
            self._refuse(session, answer, now_ns)
        else:
            session.agreement = answer

    def _record(self, session: Session, frame: bytes, now_ns: int) -> None:
        agreement = session.agreement
        assert agreement is not None
        session.agreement = None
        key = agreement.agreed.peer
        utc_ns = self._clock_ns()
        found = check_record(frame, key, session.curve_key, utc_ns)
        if not isinstance(found, WireFault) and self._gate.listed.get(session.curve_key, key) != key:
            found = WireFault(FaultCode.WRONG_SENDER, "the link's CURVE key is listed for another node")
        if isinstance(found, WireFault):
            self._counters.refused_record += 1
            self._refuse(session, Refuse(found.code, int(Tag.SERVICE_RECORD), found.detail), now_ns)
            self._strange(session, now_ns)
        elif self._gate.is_revoked(key):
            self._counters.refused_revoked += 1
            self._gate.admitted(session.curve_key, key)
            self._refuse(session, Refuse(FaultCode.REVOKED, int(Tag.SERVICE_RECORD), ""), now_ns)
            self._end(session)
        elif session.state is not LinkState.UP and not self._has_room(session, now_ns):
            self._counters.refused_busy += 1
            self._refuse(session, Refuse(FaultCode.BUSY, int(Tag.HELLO), "no room for another link"), now_ns)
            self._end(session)
        else:
            session.expiry_ns = found.expiry_ns
            self._admit(session, key, agreement.agreed, now_ns)
            self._send_to(session, agreement.welcome, now_ns)
            self._send_to(session, self._introduction.record(utc_ns), now_ns)

    def _admit(self, session: Session, key: bytes, agreed: Agreed, now_ns: int) -> None:
        if session.state is LinkState.UP:
            self._counters.renewed += 1
            self._unlist(session)
        else:
            self._counters.admitted += 1
        if now_ns - session.admitted_ns > RENEWAL_NS_MIN:
            session.strange = 0
        session.admitted_ns = session.heard_ns = now_ns
        session.key, session.agreed, session.state, session.detail = key, agreed, LinkState.UP, ""
        session.name = self._names.get(key, "")
        self._gate.admitted(session.curve_key, key)
        links = self.by_key.setdefault(key, [])
        links.append(session)
        alive = [link for link in links if not link.gone_ns]
        if len(alive) > SESSIONS_PER_KEY_MAX:
            self._counters.dropped_idle += 1
            self._end(alive[0])

    def _has_room(self, session: Session, now_ns: int) -> bool:
        """Tell whether one more link may be admitted; gives up the one that is idle longest where that is needed."""
        if session.is_listed:
            return True
        others = [
            other
            for other in self.sessions.values()
            if other.state is LinkState.UP and not other.is_listed and not other.gone_ns
        ]
        if len(others) < self._settings.sessions_max:
            return True
        idlest = min(others, key=lambda other: other.heard_ns)
        if now_ns - idlest.heard_ns < IDLE_NS:
            return False
        self._counters.dropped_idle += 1
        self._end(idlest)
        return True

    def _over(self, session: Session, verdict: Verdict, now_ns: int) -> None:
        self._counters.limited += 1
        if verdict is Verdict.FLOOD:
            self._counters.closed_flood += session.state is not LinkState.REFUSED
            self._close_door(session, now_ns)
        else:
            self._refuse(session, Refuse(FaultCode.RATE_LIMITED, 0, "slower, please: frames are dropped"), now_ns)

    def _strange(self, session: Session, now_ns: int) -> None:
        session.strange += 1
        if session.strange > GREETING_FRAMES_MAX:
            self._counters.closed_strangers += session.state is not LinkState.REFUSED
            self._close_door(session, now_ns)

    def _refuse(self, session: Session, refuse: Refuse, now_ns: int) -> None:
        """Say why, at most once in an interval for each reason that the link goes on giving."""
        session.detail = f"{FaultCode(refuse.reason).name}: {refuse.detail}"
        if now_ns - session.refused_ns >= REFUSE_INTERVAL_NS:
            session.refused_ns = now_ns
            self._send_to(session, encode(refuse), now_ns)

    def _send_to(self, session: Session, frame: bytes | bytearray | memoryview, now_ns: int) -> None:
        if session.agreed is not None and is_too_long(frame, session.agreed):
            self._counters.too_long += 1
            return
        try:
            self.socket.send(session.routing_id, zmq.NOBLOCK | zmq.SNDMORE)
        except zmq.Again:
            self._counters.stuck += 1
            session.stuck += 1
            if session.stuck > self._settings.stuck_frames_max:
                self._counters.closed_stuck += session.state is not LinkState.REFUSED
                self._close_door(session, now_ns)
            return
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._counters.unreachable += 1
            session.gone_ns = session.gone_ns or now_ns
            return
        self.socket.send(frame, zmq.NOBLOCK)
        session.stuck = 0
        session.messages_out += 1
        session.bytes_out += len(frame)
        self._counters.sent += 1
        self._counters.sent_bytes += len(frame)

    def _close_door(self, session: Session, now_ns: int) -> None:
        """Shut a link and deny its CURVE key for a while."""
        self._gate.doors.close(session.curve_key, now_ns)
        self._end(session, at_once=True)

    def _end(self, session: Session, at_once: bool = False) -> None:
        """Shut a link now, or at the next sweep, so that it still hears why; what comes from it is dropped.

        The session stays until its connection is known to be gone.
        """
        self._unlist(session)
        session.state = LinkState.REFUSED
        if at_once and session.connection is not None:
            self.connections.shut(session.connection)

    def _back_to_greeting(self, session: Session) -> None:
        self._unlist(session)
        session.state, session.key, session.agreed = LinkState.GREETING, b"", None
        session.detail = "its service record has expired"

    def _unlist(self, session: Session) -> None:
        links = self.by_key.get(session.key)
        if links is not None and session in links:
            links.remove(session)
            if not links:
                del self.by_key[session.key]

    def _forget(self, session: Session) -> None:
        self._unlist(session)
        del self.sessions[session.routing_id]
