"""One member's session at one venue, without a socket: opening, commands, own events, life signs, and coming back.

The shells give it what arrives, what the user wants and the time; it answers with frames to send and with what has
happened. After a cut link or a killed venue it opens the session again, sends every command that is not settled once
more under the same numbers, and asks for the events that it has missed.

| state | on | next | sends |
|---|---|---|---|
| DOWN | link up | OPENING | SESSION_OPEN |
| OPENING | SESSION_OPENED | OPEN | unsettled commands, the missing range of events |
| OPENING | no answer in time | OPENING | SESSION_OPEN |
| OPEN | SESSION_CLOSED, or the venue knows no session | OPENING | SESSION_OPEN |
| any | link down | DOWN | |
| OPEN | close | CLOSING | SESSION_CLOSE |
| CLOSING | SESSION_CLOSED | CLOSED | |
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from openoutcry.book.state import STATE_ORDER
from openoutcry.client.errors import VenueFault
from openoutcry.client.following import Following
from openoutcry.client.orders import Asked, OrderEvent, OwnOrders
from openoutcry.client.outbox import Batch, BatchState, Outbox
from openoutcry.domain.records import EVENT, Commands, Events
from openoutcry.venue.messages import (
    CommandsRefused,
    CommandsTaken,
    EntryFault,
    KeepAlive,
    SessionClose,
    SessionClosed,
    SessionOpen,
    SessionOpened,
)
from openoutcry.wire.codec import encode
from openoutcry.wire.frames import RecordFrame
from openoutcry.wire.limits import FRAME_HEADER_BYTES
from openoutcry.wire.messages import StreamHead, StreamSnapshotPart, StreamUseSnapshot
from openoutcry.wire.streams import Item
from openoutcry.wire.tags import Message

OPEN_RETRY_NS: Final = 1_000_000_000
"""A venue that has not answered SESSION_OPEN by then is asked again."""

KEEP_ALIVE_NS: Final = 500_000_000
"""A life sign after so long without anything sent: a sixth of the three seconds after which a venue cancels, and a
quarter of the shortest lease."""


class SessionState(IntEnum):
    """Where a session is."""

    DOWN = 1
    OPENING = 2
    OPEN = 3
    CLOSING = 4
    CLOSED = 5


class Happening(IntEnum):
    """What a `SessionEvent` tells."""

    OPENED = 1
    """For the first time, or again after the link was lost."""
    LINK_LOST = 2
    """Commands wait until it is back; with cancel on disconnect the venue cancels after three seconds."""
    CLOSED = 3
    """By the venue, with so many orders cancelled; it is opened again by itself, unless this client closed it."""
    RESTORED = 4
    """Events were missed that the venue no longer keeps: live orders were replaced by its snapshot, and fills between
    are not counted in positions."""


class SessionEvent(NamedTuple):
    """Something happened to the session itself."""

    happening: Happening
    detail: str
    cancelled: int = 0


class EventFrame(NamedTuple):
    """Events of the member's own stream as they came, `number` of the first one; a read-only view of the frame."""

    number: int
    events: Events


class Session:
    """The state machine. Times are of a clock that never runs back.

    out: frames to be sent, in order; the owner empties it. told: what has happened, in order; the owner empties it.
    """

    def __init__(self, *, cancel_on_disconnect: bool = False, lease_ns: int = 0, track: bool = True) -> None:
        """track: fold events into own orders and positions, 2 microseconds each; without it only `EventFrame`s come."""
        self.state = SessionState.DOWN
        self.outbox = Outbox()
        self.orders = OwnOrders()
        self.opened: SessionOpened | None = None
        self.following: Following | None = None
        self.out: list[bytes | bytearray] = []
        self.told: list[OrderEvent | SessionEvent | EventFrame] = []
        self.settled: list[Batch] = []
        self.refused_open: CommandsRefused | None = None
        self._open = SessionOpen(cancel_on_disconnect, lease_ns)
        self._track = track
        self._awaited: list[Batch] = []
        self._open_ns = 0
        self._alive_ns = 0

    @property
    def fault(self) -> VenueFault | None:
        """What makes it impossible to go on, or None."""
        return self.outbox.fault

    def link_up(self, now_ns: int) -> None:
        """The link is there, or there again: whatever was sent before may be lost."""
        if self.state is not SessionState.CLOSED:
            self._say_open(now_ns)

    def link_down(self, detail: str) -> None:
        """The link is gone."""
        if self.state in (SessionState.OPEN, SessionState.OPENING, SessionState.CLOSING):
            if self.state is SessionState.OPEN:
                self.told.append(SessionEvent(Happening.LINK_LOST, detail))
            self.state = SessionState.DOWN

    def submit(self, commands: Commands, asked: list[Asked] | None = None) -> Batch:
        """Number commands and send them as soon as there is room; raises as `Outbox.add` does.

        asked: of each command that is to be answered, when tracking. `now_ns` comes with the next `tick`.
        """
        batch = self.outbox.add(commands)
        if asked:
            batch.asked = asked
        return batch

    def close(self, cancel: bool) -> None:
        """Say that this client has done; cancel: with its orders, or they stay."""
        if self.state is SessionState.OPEN and self.opened is not None:
            # What was submitted in this very moment still goes out, before the farewell.
            self.out += self.outbox.sendable(self._alive_ns)
            self._send(SessionClose(self.opened.session, cancel))
            self.state = SessionState.CLOSING
        else:
            self._closed()

    def abandon(self) -> None:
        """End without asking the venue: what is not settled is abandoned."""
        self._closed()

    def hear(self, message: Message, now_ns: int) -> bool:
        """Take a message of the venue; False for one that is not about this session."""
        match message:
            case CommandsTaken():
                self.outbox.taken(message, now_ns)
                self._collect()
            case CommandsRefused():
                self._refused(message, now_ns)
            case SessionOpened():
                self._opened(message, now_ns)
            case SessionClosed():
                self._session_closed(message, now_ns)
            case StreamHead() | StreamUseSnapshot() | StreamSnapshotPart():
                return self._stream(message, now_ns)
            case _:
                return False
        return True

    def hear_events(self, frame: RecordFrame, raw: bytes | memoryview, now_ns: int) -> bool:
        """Take a frame of events, checked, and its bytes; False where it is of another stream.

        Cost: 3 microseconds, and those of tracking.
        """
        following = self.following
        if following is None or frame.stream != following.follower.stream:
            return False
        self._apply(following.receive(Item(frame.sequence, len(frame.records), raw), now_ns))
        self._ask()
        return True

    def tick(self, now_ns: int) -> None:
        """Do what is due, and send what there is room for."""
        if self.state is SessionState.OPENING and now_ns >= self._open_ns + OPEN_RETRY_NS:
            self._say_open(now_ns)
        if self.state is SessionState.OPEN:
            frames = self.outbox.sendable(now_ns)
            if frames:
                self.out += frames
                self._alive_ns = now_ns
            elif now_ns >= self._alive_ns + KEEP_ALIVE_NS:
                assert self.opened is not None
                self._send(KeepAlive(self.opened.session))
                self._alive_ns = now_ns
            if self.following is not None:
                self.following.tick(now_ns)
                self._ask()

    def due_ns(self) -> int | None:
        """Return when `tick` has something to do; None for not before something else happens."""
        if self.state is SessionState.OPENING:
            return self._open_ns + OPEN_RETRY_NS
        if self.state is not SessionState.OPEN:
            return None
        dues = [self._alive_ns + KEEP_ALIVE_NS, self.outbox.due_ns()]
        if self.following is not None:
            dues.append(self.following.due_ns)
        return min(due for due in dues if due is not None)

    def _say_open(self, now_ns: int) -> None:
        self.state, self._open_ns = SessionState.OPENING, now_ns
        self._send(self._open)

    def _opened(self, message: SessionOpened, now_ns: int) -> None:
        if self.state is not SessionState.OPENING:
            return
        self.refused_open = None
        first_account = message.accounts[0] if message.accounts else 0
        self.outbox.opened(message.session, message.next_sequence, first_account, message.commands_per_s)
        if self.fault is not None:
            return
        first, self.opened = self.opened is None, message
        self.state, self._alive_ns = SessionState.OPEN, now_ns
        if self.following is None:
            self.orders.account = message.accounts[0] if len(message.accounts) == 1 else -1
            # From the start where the venue still has it: then states, fills and positions are all there.
            self.following = Following(message.event_stream, 1)
        following = self.following
        if following.follower.stream != message.event_stream or message.event_head < following.applied:
            self.outbox.fault = VenueFault(
                f"the venue's stream {message.event_stream} of events ends at {message.event_head}, after "
                f"{following.applied} were received: it has lost what it had acknowledged; ask its operator"
            )
            return
        self.told.append(SessionEvent(Happening.OPENED, "" if first else "again"))
        following.again(now_ns)
        self._apply(following.hear_head(StreamHead(message.event_stream, message.event_head), now_ns))
        self._ask()

    def _refused(self, message: CommandsRefused, now_ns: int) -> None:
        if self.state is SessionState.OPENING:
            self.refused_open = message
            return
        self.outbox.refused(message, now_ns)
        self._collect()
        if message.reason is EntryFault.UNKNOWN_SESSION and self.state is SessionState.OPEN:
            self._say_open(now_ns)

    def _session_closed(self, message: SessionClosed, now_ns: int) -> None:
        if self.opened is None or message.session != self.opened.session:
            return
        self.told.append(SessionEvent(Happening.CLOSED, message.detail, message.cancelled))
        if self.state is SessionState.CLOSING:
            self._closed()
        elif self.state is SessionState.OPEN:
            self._say_open(now_ns)

    def _closed(self) -> None:
        self.state = SessionState.CLOSED
        self.outbox.close()
        self._collect()

    def _stream(self, message: Message, now_ns: int) -> bool:
        following = self.following
        if following is None or message.stream != following.follower.stream:  # type: ignore[attr-defined]
            return False
        match message:
            case StreamHead():
                self._apply(following.hear_head(message, now_ns))
            case StreamUseSnapshot():
                following.hear_use_snapshot(message, now_ns)
            case StreamSnapshotPart():
                snapshot = following.hear_part(message)
                if snapshot is not None and len(snapshot.body) % STATE_ORDER.itemsize == 0:
                    items = following.restore(snapshot, now_ns)
                    if items is not None:
                        self.orders.restore(np.frombuffer(snapshot.body, STATE_ORDER))
                        self.told.append(SessionEvent(Happening.RESTORED, f"as of event {snapshot.sequence}"))
                        self._apply(items)
        self._ask()
        return True

    def _apply(self, items: tuple[Item, ...]) -> None:
        for item in items:
            events = np.frombuffer(item.frame, EVENT, item.span, FRAME_HEADER_BYTES)
            self.told.append(EventFrame(item.sequence, events))
            if self._track:
                self.orders.fold(item.sequence, events, self.told)  # type: ignore[arg-type]
        if items and self._awaited:
            self._answer_rest()

    def _collect(self) -> None:
        """Tell what has become of batches. A refused one answers its commands now, a taken one by its events."""
        for batch in self.outbox.settled:
            self.settled.append(batch)
            if batch.is_filler:
                continue
            if batch.state is BatchState.TAKEN:
                if batch.asked:
                    self._awaited.append(batch)
            else:
                assert batch.error is not None
                for asked in batch.asked:
                    self.orders.refuse(asked, batch.error, self.told)  # type: ignore[arg-type]
        self.outbox.settled.clear()
        if self._awaited:
            self._answer_rest()

    def _answer_rest(self) -> None:
        """Answer commands whose events have all come, and there was none: there was nothing to do."""
        applied = self.following.applied if self.following is not None else 0
        while self._awaited and self._awaited[0].event_head <= applied:
            for asked in self._awaited.pop(0).asked:
                self.orders.settle(asked)

    def _ask(self) -> None:
        if self.following is not None and self.following.asks:
            self.out += [encode(ask) for ask in self.following.asks]
            self.following.asks.clear()

    def _send(self, message: Message) -> None:
        self.out.append(encode(message))
