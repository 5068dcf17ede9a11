"""`VenueRole`: a venue as a state machine. What arrives is admitted or answered here, and applied on the floor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np

from openoutcry.book.books import Books
from openoutcry.domain.records import COMMAND
from openoutcry.marketdata.messages import PublicDigestWanted
from openoutcry.role import FRAME_TAG, TIMER_TAG, Effects, Input, Ports, Record, Send, SignedInput, Timer
from openoutcry.venue import kernel, members, operators, questions, rulings
from openoutcry.venue.admission import Admission, Arrived, Checks
from openoutcry.venue.floor import BooksKind, Floor, FloorState
from openoutcry.venue.limits import HEADS_NS
from openoutcry.venue.messages import (
    EVENT_STREAM_MIN,
    CommandsRefused,
    EntryFault,
    KeepAlive,
    OperatorDone,
    OrderEntry,
    PairsAsk,
    SessionClose,
    SessionOpen,
)
from openoutcry.venue.office import Office
from openoutcry.venue.proof.messages import CommandsSigned, ProofAsk
from openoutcry.venue.receipts import Receipts
from openoutcry.venue.statements.messages import DayReportAsk, StatementAsk
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.fields import KeyId
from openoutcry.wire.frames import COMMANDS, encode_records
from openoutcry.wire.messages import StreamHead, StreamResend, StreamSnapshotWanted
from openoutcry.wire.signed import Signed
from openoutcry.wire.tags import Message, MessageType, Tag, tag_of
from openoutcry.wire.versions import refuse

MAGIC: Final = b"OOVENUE\x01"

WAKE: Final = b"wake"
"""The first record after each start: time goes on, and the other timers are set."""
CLOCK: Final = b"clock"
HEADS: Final = b"heads"
INDICATE: Final = b"indicate"
PHASES: Final = b"phases"
RECEIPTS: Final = b"receipts"

OFFICE_SECRET: Final = "auction ends"
"""Path of the secret from which random ends of auctions are drawn."""

MEMBER_MESSAGES: Final[tuple[MessageType, ...]] = (SessionOpen, SessionClose, KeepAlive)
QUESTIONS: Final[tuple[MessageType, ...]] = (
    PairsAsk,
    StreamResend,
    StreamSnapshotWanted,
    PublicDigestWanted,
    StatementAsk,
    DayReportAsk,
    ProofAsk,
)
_TAKEN: Final[tuple[MessageType, ...]] = (
    *MEMBER_MESSAGES,
    *QUESTIONS,
    OrderEntry,
    Signed,
    CommandsSigned,
    *operators.DEEDS,
)
TAKES: Final = frozenset(tag_of(type_) for type_ in _TAKEN)
"""Tags that a venue is given, beside frames of commands."""

_DECODERS: Final[dict[int, "msgspec.msgpack.Decoder[Any]"]] = {
    tag_of(type_): msgspec.msgpack.Decoder(type_) for type_ in [*MEMBER_MESSAGES, *operators.DEEDS]
}
_NO_RECEIPTS: Final = fault(FaultCode.UNKNOWN_TAG, "this venue gives no receipts")
_encoder: Final = msgspec.msgpack.Encoder()
_state_decoder: Final = msgspec.msgpack.Decoder(FloorState)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a venue is run. operators: keys that may command it. is_lit: whether it publishes. orders_first: orders that
    the books have room for at first. authorities: keys whose MARKET_STATE it obeys. receipts: whether it signs in which
    order it has carried commands out, for as long as it exists.
    """

    operators: frozenset[KeyId]
    is_lit: bool = True
    orders_first: int = 65_536
    authorities: frozenset[KeyId] = frozenset()
    receipts: bool = True


class VenueRole:
    """The role. kind: of books; the plain ones do for a replay without feeds."""

    version = 1

    def __init__(self, name: str, terms: Terms, ports: Ports, checks: Checks, kind: BooksKind = Books) -> None:
        # the first order shall not wait for a compiler
        kernel.load()
        self.name = name
        self._terms = terms
        self._number = ports.number
        self._own = ports.own
        self._kind = kind
        self._admission = Admission(ports.number, checks)
        self._verify = ports.verify
        self._secret_of = ports.secret
        self._secret = ports.secret(OFFICE_SECRET)
        books = kind((), accounts=0, capacity=terms.orders_first)
        self.floor = Floor(books, ports.own, terms.is_lit, Office(self._secret), self._receipts())
        self._set: dict[bytes, int] = {}
        """Timers of the floor that are set, and when they are due."""

    def _receipts(self) -> Receipts | None:
        return Receipts(self._own, self._secret_of) if self._terms.receipts else None

    # -- admit -----------------------------------------------------------------------------------------------------

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Keep what may change the venue, answer questions and refusals; see docs/reference/sessions.md."""
        floor = self.floor
        senders, tags, _, raws = zip(*inputs, strict=True)
        if tags.count(FRAME_TAG) == len(tags):
            open_ = floor.sessions.open
            arrived = Arrived(senders, [open_.get(sender, 0) for sender in senders], raws)
            records, sends = self._admission.take(arrived, floor.sessions, floor.books, now_ns)
            return [record for record in records if record is not None], sends
        return self._admit_mixed(inputs, now_ns)

    def _admit_mixed(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Admit a group with other things than frames; sessions that open or close in it count from there on."""
        floor = self.floor
        sessions = floor.sessions
        sends: list[Send] = []
        kept: list[tuple[int, Record]] = []
        frame_senders: list[KeyId] = []
        frame_sessions: list[int] = []
        raws: list[bytes | memoryview] = []
        places: list[int] = []
        opening: dict[KeyId, int] = {}
        for place, one in enumerate(inputs):
            sender, tag, body, raw = one
            if tag == FRAME_TAG or isinstance(body, OrderEntry):
                if isinstance(body, OrderEntry):
                    raw = memoryview(_frame_of(body))
                frame_senders.append(sender)
                frame_sessions.append(opening.get(sender, sessions.open.get(sender, 0)))
                raws.append(raw)
                places.append(place)
                continue
            assert isinstance(body, Message)
            if self._admit_one(one, body, opening, now_ns, sends):
                kept.append((place, Record(self._number, tag, now_ns, sender, raw)))
        if raws:
            arrived = Arrived(frame_senders, frame_sessions, raws)
            records, answers = self._admission.take(arrived, sessions, floor.books, now_ns)
            sends += answers
            kept += [(place, record) for place, record in zip(places, records, strict=True) if record is not None]
            kept.sort(key=lambda one: one[0])
        return [record for _, record in kept], sends

    def _admit_one(self, one: Input, body: Message, opening: dict[KeyId, int], now_ns: int, sends: list[Send]) -> bool:
        """Tell whether a message becomes a record, and answer it where it does not."""
        sessions = self.floor.sessions
        sender = one.sender
        if isinstance(body, questions.Question):
            sends += questions.answer(self.floor, sender, body, now_ns, sender in self._terms.operators)
            return False
        if isinstance(body, CommandsSigned):
            receipts = self.floor.receipts
            wrong = _NO_RECEIPTS if receipts is None else receipts.judge(body, sender, self._verify)
            if wrong is not None:
                sends.append(Send(sender, refuse(wrong, one.tag)))
            return wrong is None
        if isinstance(body, Signed):
            said = rulings.read_state(self.floor, body, self._terms.authorities, self._verify)
            if isinstance(said, WireFault):
                sends.append(Send(sender, refuse(said, one.tag)))
            return not isinstance(said, WireFault)
        if type(body) in operators.DEEDS:
            found = operators.why_not(sender, isinstance(one, SignedInput), self._terms.operators)
            if found is not None:
                sends.append(Send(sender, OperatorDone(one.tag, found, 0)))
            return found is None
        number = sessions.numbers.get(sender)
        if number is None or (isinstance(body, SessionClose | KeepAlive) and body.session != number):
            session = body.session if isinstance(body, SessionClose | KeepAlive) else 0
            sends.append(Send(sender, CommandsRefused(session, 1, EntryFault.UNKNOWN_SESSION, 0, 1)))
            return False
        if isinstance(body, KeepAlive):
            is_open = opening.get(sender, sessions.open.get(sender, 0))
            if not is_open:
                expected = sessions.value(number, "next_sequence")
                sends.append(Send(sender, CommandsRefused(number, expected, EntryFault.UNKNOWN_SESSION, 0, expected)))
                return False
            head = sessions.value(number, "event_head")
            sends.append(Send(sender, StreamHead(EVENT_STREAM_MIN + number, head)))
            return members.is_news(self.floor, number, now_ns)
        opening[sender] = number if isinstance(body, SessionOpen) else 0
        return True

    # -- apply -----------------------------------------------------------------------------------------------------

    def apply(self, records: Sequence[Record]) -> Effects:
        """Carry out a group: time first, then each record in order, commands that follow each other at once."""
        floor = self.floor
        sends: list[Send] = []
        timers: list[Timer] = []
        time_ns = records[0].time_ns
        floor.begin(time_ns)
        if floor.office.phases.is_due(time_ns):
            # what the calendar has planned for an earlier moment comes before orders that come later
            floor.flush(time_ns, sends)
            rulings.lead(floor, time_ns, sends)
        frames: list[bytes | memoryview] = []
        for _, tag, _, sender, raw in records:
            if tag == FRAME_TAG:
                frames.append(raw)
                continue
            if frames:
                floor.gather(frames, time_ns)
                frames = []
            floor.flush(time_ns, sends)
            if tag == TIMER_TAG:
                self._fire(bytes(raw), time_ns, sends, timers)
            else:
                self._control(tag, sender, raw, time_ns, sends, timers)
        if frames:
            floor.gather(frames, time_ns)
        floor.flush(time_ns, sends)
        rulings.lead(floor, time_ns, sends)
        if floor.receipts is not None:
            floor.receipts.close(time_ns, sends)
            self._set_one(RECEIPTS, floor.receipts.due_ns, timers)
        self._set_timers(timers)
        return Effects(sends, timers)

    def _control(
        self, tag: int, sender: KeyId, raw: bytes | memoryview, time_ns: int, sends: list[Send], timers: list[Timer]
    ) -> None:
        floor = self.floor
        if tag == Tag.SIGNED:
            rulings.obey(floor, sender, raw, time_ns, sends)
            return
        if tag == Tag.COMMANDS_SIGNED:
            assert floor.receipts is not None
            floor.receipts.hear(sender, raw, time_ns, sends)
            return
        message = _DECODERS[tag].decode(raw)
        if isinstance(message, KeepAlive):
            members.keep_alive(floor, sender, time_ns)
        elif isinstance(message, SessionOpen):
            sends += members.open_session(floor, sender, message, time_ns, timers)
        elif isinstance(message, SessionClose):
            members.close_session(floor, sender, message, time_ns, sends, timers)
        else:
            done = operators.carry_out(floor, message, time_ns, sends)
            sends.append(Send(sender, done))

    def _fire(self, key: bytes, time_ns: int, sends: list[Send], timers: list[Timer]) -> None:
        """A timer was due. The clock itself has gone on with the group already."""
        self._set.pop(key, None)
        floor = self.floor
        if key.startswith(members.SILENCE_KEY):
            members.hear_silence(floor, int(key[len(members.SILENCE_KEY) :]), time_ns, sends, timers)
        elif key == WAKE:
            members.begin_anew(floor, time_ns, timers)
            if floor.feeds is not None:
                timers.append(Timer(HEADS, time_ns + HEADS_NS))
        elif key == HEADS and floor.feeds is not None:
            sends += [Send(topic, head) for topic, head in floor.feeds.announce()]
            timers.append(Timer(HEADS, time_ns + HEADS_NS))
        elif key == INDICATE and floor.feeds is not None:
            sends += [Send(topic, frame) for topic, frame in floor.feeds.indicate(floor.books, time_ns)]

    def _set_timers(self, timers: list[Timer]) -> None:
        """Set the timers that follow from the state: the next order that expires, indication, change of a phase."""
        floor = self.floor
        self._set_one(PHASES, floor.office.phases.due_ns, timers)
        self._set_one(CLOCK, floor.books.next_expiry_ns, timers)
        if floor.feeds is not None:
            self._set_one(INDICATE, floor.feeds.due_ns if floor.collecting else None, timers)

    def _set_one(self, key: bytes, due_ns: int | None, timers: list[Timer]) -> None:
        if self._set.get(key) == due_ns:
            return
        timers.append(Timer(key, due_ns))
        if due_ns is None:
            del self._set[key]
        else:
            self._set[key] = due_ns

    def resume(self) -> Effects:
        """Wake up: members who have missed something ask, and the other timers are set then."""
        self._set.clear()
        return Effects([], [Timer(WAKE, 0)])

    # -- state -----------------------------------------------------------------------------------------------------

    def snapshot(self, out: BinaryIO) -> None:
        """Write the state of the floor."""
        out.write(MAGIC)
        out.write(_encoder.encode(self.floor.state()))

    def restore(self, source: BinaryIO) -> None:
        """Take a state over. Raises ValueError for what is none."""
        data = source.read()
        if data[: len(MAGIC)] != MAGIC:
            raise ValueError("no state of a venue of this version")
        try:
            state = _state_decoder.decode(memoryview(data)[len(MAGIC) :])
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of a venue: {error}") from error
        is_lit, secret = self._terms.is_lit, self._secret
        self.floor = Floor.restored(state, self._kind, self._own, is_lit, secret, self._receipts())

    def check(self) -> list[str]:
        """Return one line for each broken invariant of books, sessions and streams."""
        return self.floor.check()


def _frame_of(entry: OrderEntry) -> bytearray:
    """Return the frame that says the same as an ORDER_ENTRY; the journal knows frames alone."""
    return encode_records(COMMANDS, entry.session, entry.sequence, np.frombuffer(entry.command, COMMAND))


assert Tag.ORDER_ENTRY in TAKES
