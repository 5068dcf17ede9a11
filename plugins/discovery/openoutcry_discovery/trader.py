"""A member for simulations: it opens its session, sends orders until each is answered, and follows what it is told.

One of them may be the operator, who lists the pair and adds the members first. Everything that it sends it can make
again from a number, so it remembers numbers alone.
"""

from collections.abc import Sequence
from typing import Annotated, Any, BinaryIO, Final

import msgspec
import numpy as np
from msgspec import Meta

from openoutcry.book import commands
from openoutcry.domain import OrderType, Pair, Side, TimeInForce
from openoutcry.domain.records import Commands
from openoutcry.host.kinds import Settings
from openoutcry.marketdata.followers import L3Follower
from openoutcry.marketdata.messages import PublicDigest
from openoutcry.marketdata.plain_book import PlainBook
from openoutcry.marketdata.records import L3
from openoutcry.role import FRAME_TAG, TIMER_TAG, Effects, Input, Ports, Record, Send, Timer
from openoutcry.venue.messages import (
    CommandsRefused,
    CommandsTaken,
    EntryFault,
    KeepAlive,
    MemberAdd,
    OperatorDone,
    OrderEntry,
    PairList,
    SessionClosed,
    SessionOpen,
    SessionOpened,
)
from openoutcry.wire.faults import WireFault
from openoutcry.wire.fields import KeyId
from openoutcry.wire.frames import COMMANDS, EVENTS, encode_records, read_header
from openoutcry.wire.messages import StreamHead, StreamSnapshotPart, StreamUseSnapshot
from openoutcry.wire.tags import Message, MessageType, tag_of
from openoutcry_discovery.own_orders import Known, OwnOrders

MS: Final = 1_000_000
PAIR: Final = 0
WINDOW: Final = 8
"""Frames on their way."""
ASK_TICKS: Final = 4
"""Ticks between two questions about the same gap."""
DIGEST_TICKS: Final = 16
"""Ticks between two questions for the digest."""
RATE: Final = 10_000

_TICK: Final = b"tick"
_HEARD: Final[tuple[MessageType, ...]] = (
    SessionOpened,
    SessionClosed,
    CommandsTaken,
    CommandsRefused,
    OperatorDone,
    StreamHead,
    StreamUseSnapshot,
    StreamSnapshotPart,
    PublicDigest,
)
HEARD: Final = frozenset(tag_of(type_) for type_ in _HEARD)
"""Tags that a trader is given."""

_DECODERS: Final[dict[int, "msgspec.msgpack.Decoder[Any]"]] = {
    tag_of(type_): msgspec.msgpack.Decoder(type_) for type_ in _HEARD
}

Key = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class TraderSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """venue: key of its node. members: those whom this one, as the operator, adds; empty for who is none. count: frames
    in all. interval_ms: from one tick to the next. resend_ms: after which a frame is sent again.
    """

    venue: Key
    members: tuple[Key, ...] = ()
    count: Annotated[int, Meta(ge=0, le=10**6)] = 100
    interval_ms: Annotated[int, Meta(ge=1, le=60_000)] = 50
    resend_ms: Annotated[int, Meta(ge=1, le=60_000)] = 200


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    session: int
    ticks: int
    sent: int
    open: list[tuple[int, int]]
    answered: list[tuple[int, list[tuple[int, int]]]]
    done: list[int]
    own: Known | None
    wrong: list[str]
    number: int


_encoder: Final = msgspec.msgpack.Encoder()
_state_decoder: Final = msgspec.msgpack.Decoder(_State)


class Trader:
    """The role. session: 0 while it has none. answered: frame to the book's numbers of its commands. own: what it knows
    of its orders. public: what it knows of everybody's.
    """

    name = "trader"
    version = 1

    def __init__(self, settings: TraderSettings, ports: Ports) -> None:
        self._settings = settings
        self.own_key: KeyId = ports.own
        self._number = ports.number
        self._venue: KeyId = bytes.fromhex(settings.venue)
        self.session = 0
        self.number = 0
        """The session's number, once it was told; it stays when the session is closed."""
        self.sent = 0
        self.answered: dict[int, list[int]] = {}
        self.own: OwnOrders | None = None
        self.public = L3Follower(PAIR, PlainBook)
        self.public.begin()
        self._ticks = 0
        self._open: dict[int, int] = {}
        self._done: set[int] = set()
        self._wrong: list[str] = []

    @property
    def unanswered(self) -> int:
        """Frames that are not answered yet, those included that were not sent yet."""
        return self._settings.count - len(self.answered)

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Keep what the venue says; of its feeds level 3 alone."""
        records = []
        for sender, tag, _, raw in inputs:
            if sender != self._venue or (tag == FRAME_TAG and _kind_of(raw) not in (EVENTS.number, L3.number)):
                continue
            records.append(Record(self._number, tag, now_ns, sender, raw))
        return records, []

    def apply(self, records: Sequence[Record]) -> Effects:
        """Hear what was said, and act where a tick is due."""
        effects = Effects([], [])
        for record in records:
            if record.tag == TIMER_TAG:
                self._tick(record.time_ns, effects)
            elif record.tag == FRAME_TAG:
                self._hear_frame(bytes(record.raw), effects.sends)
            elif record.tag in _DECODERS:
                self._hear(_DECODERS[record.tag].decode(record.raw), effects.sends)
        return effects

    def resume(self) -> Effects:
        """Go on with the next tick."""
        return Effects([], [Timer(_TICK, 0)])

    # -- what it does ----------------------------------------------------------------------------------------------

    def _tick(self, now_ns: int, effects: Effects) -> None:
        settings, sends = self._settings, effects.sends
        self._ticks += 1
        effects.timers.append(Timer(_TICK, now_ns + settings.interval_ms * MS))
        if settings.members:
            # the pair comes before the members: whoever has a session can trade
            missing = [index for index in range(len(settings.members) + 1) if index not in self._done]
            sends += [Send(self._venue, self._deed(index), sign=True) for index in missing]
        if not self.session:
            sends.append(Send(self._venue, SessionOpen(True, 0)))
        else:
            sends.append(Send(self._venue, KeepAlive(self.session)))
            self._trade(now_ns, sends)
        if self._ticks % ASK_TICKS == 0:
            if self.own is not None:
                self._ask(self.own.retry(), sends)
            self._ask(self.public.retry(), sends)
        if self._ticks % DIGEST_TICKS == 0:
            sends.append(Send(self._venue, self.public.want_digest()))

    def _trade(self, now_ns: int, sends: list[Send]) -> None:
        """Send again, all in order, where the oldest frame was not answered in time; then what has room."""
        oldest = min(self._open.values(), default=now_ns)
        if now_ns - oldest >= self._settings.resend_ms * MS:
            for frame in sorted(self._open):
                self._open[frame] = now_ns
                sends.append(Send(self._venue, self._frame(frame)))
        while len(self._open) < WINDOW and self.sent < self._settings.count:
            self.sent += 1
            self._open[self.sent] = now_ns
            sends.append(Send(self._venue, self._frame(self.sent)))

    def _deed(self, index: int) -> Message:
        if index == 0:
            return PairList(commands.add_pair(Pair(PAIR)).tobytes(), b"B" * 32, b"Q" * 32, "SIM/SIM", 1)
        return MemberAdd(bytes.fromhex(self._settings.members[index - 1]), 2, RATE)

    def _frame(self, frame: int) -> Message | memoryview:
        """Return frame `frame` of this member: the same at any time. Those of one command go as ORDER_ENTRY."""
        first, rows = first_of(frame), rows_of(frame, 2 * (self.number - 1))
        if len(rows) == 1:
            return OrderEntry(self.number, first, rows.tobytes())
        return memoryview(encode_records(COMMANDS, self.number, first, rows))

    def _ask(self, question: Message | WireFault | None, sends: list[Send]) -> None:
        if isinstance(question, Message):
            sends.append(Send(self._venue, question))

    # -- what it hears ---------------------------------------------------------------------------------------------

    def _hear_frame(self, raw: bytes, sends: list[Send]) -> None:
        header = read_header(raw)
        assert header is not None, "a frame was decoded before it came here"
        if header.kind == L3.number:
            self._ask(self.public.receive(raw), sends)
        elif self.own is not None:
            self._ask(self.own.receive(raw), sends)

    def _hear(self, message: Message, sends: list[Send]) -> None:
        match message:
            case SessionOpened(session=session):
                self.session = self.number = session
                if self.own is None:
                    self.own = OwnOrders(session)
                self._ask(self.own.hear(StreamHead(message.event_stream, message.event_head)), sends)
            case SessionClosed():
                self.session = 0
            case CommandsTaken():
                self._hear_taken(message)
            case CommandsRefused(reason=EntryFault.UNKNOWN_SESSION):
                self.session = 0
            case CommandsRefused(reason=EntryFault.GAP):
                pass
            case CommandsRefused():
                self._wrong.append(f"frame at {message.sequence} was refused: {message.reason.name}")
            case OperatorDone(about=about, number=number):
                self._hear_done(about, number)
            case PublicDigest():
                if self.public.hear_digest(message) is False:
                    self._wrong.append(f"the digest after item {message.sequence} is not ours")
            case StreamHead() | StreamUseSnapshot() | StreamSnapshotPart():
                if self.own is not None and message.stream == self.own.follower.stream:
                    self._ask(self.own.hear(message), sends)
                elif message.stream == self.public.stream:
                    self._ask(self.public.hear(message), sends)

    def _hear_taken(self, message: CommandsTaken) -> None:
        numbers = [run.book_sequence + index for run in message.runs for index in range(run.count)]
        first = message.sequence
        frame = frame_of(first)
        while numbers:
            count = count_of(frame)
            mine, numbers = numbers[:count], numbers[count:]
            if len(mine) != count or self.answered.setdefault(frame, mine) != mine:
                self._wrong.append(f"frame {frame} was answered with {mine}, before with {self.answered.get(frame)}")
            self._open.pop(frame, None)
            frame += 1

    def _hear_done(self, about: int, number: int) -> None:
        if about == tag_of(PairList):
            self._done.add(0)
        elif about == tag_of(MemberAdd) and number:
            self._done.add(number)

    # -- state -----------------------------------------------------------------------------------------------------

    def snapshot(self, out: BinaryIO) -> None:
        """Write numbers and own orders; the public book is asked for again."""
        own = self.own
        state = _State(
            self.session,
            self._ticks,
            self.sent,
            sorted(self._open.items()),
            [(frame, _pairs(numbers)) for frame, numbers in sorted(self.answered.items())],
            sorted(self._done),
            own.known if own else None,
            self._wrong,
            self.number,
        )
        out.write(_encoder.encode(state))

    def restore(self, source: BinaryIO) -> None:
        """Take over a state. What waited for earlier items is asked for again."""
        try:
            state = _state_decoder.decode(source.read())
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of a trader: {error}") from error
        self.session, self.number, self._ticks, self.sent = state.session, state.number, state.ticks, state.sent
        self._open, self._done, self._wrong = dict(state.open), set(state.done), state.wrong
        self.answered = {
            frame: [first + index for first, count in runs for index in range(count)] for frame, runs in state.answered
        }
        if state.own is not None:
            self.own = OwnOrders(state.number, state.own)

    def check(self) -> list[str]:
        """Return what cannot be: another answer to the same frame, a digest that is not ours, a frame that is lost."""
        broken = list(self._wrong)
        if sorted([*self.answered, *self._open]) != list(range(1, self.sent + 1)):
            broken.append(f"{self.sent} frames sent, {len(self.answered)} answered, {len(self._open)} open")
        return broken


def _pairs(numbers: list[int]) -> list[tuple[int, int]]:
    return [(number, 1) for number in numbers]


def count_of(frame: int) -> int:
    """Return how many commands a frame has: 1, 2, 3, 1, 2, 3 and so on."""
    return 1 + (frame - 1) % 3


def first_of(frame: int) -> int:
    """Return the sequence of the first command of a frame."""
    whole, rest = divmod(frame - 1, 3)
    return 1 + 6 * whole + (0, 1, 3)[rest]


def frame_of(sequence: int) -> int:
    """Return the frame whose first command has this sequence."""
    whole, rest = divmod(sequence - 1, 6)
    return 1 + 3 * whole + {0: 0, 1: 1, 3: 2}[rest]


def rows_of(frame: int, account: int) -> Commands:
    """Return the commands of a frame: orders around one price, and now and then the end of an earlier one."""
    rows = []
    for at in range(count_of(frame)):
        number = first_of(frame) + at
        which = account + number % 2
        spread = number * 7 % 11
        side = Side(number // 2 % 2)
        price = 100 + (spread - 7 if side == Side.BUY else 7 - spread)
        if number % 5 == 0:
            rows.append(commands.cancel(PAIR, account + (number - 3) % 2, number - 3))
        elif number % 7 == 0:
            rows.append(commands.place(PAIR, which, number, side, 3, price, tif=TimeInForce.IOC))
        elif number % 9 == 0:
            rows.append(commands.place(PAIR, which, number, side, 9, price, kind=OrderType.ICEBERG, display_lots=2))
        else:
            rows.append(commands.place(PAIR, which, number, side, 1 + number % 6, price))
    return np.concatenate(rows)


def _kind_of(raw: bytes | memoryview) -> int:
    return int.from_bytes(raw[4:6], "little")
