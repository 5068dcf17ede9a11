"""The counter: admits what the table has a row for, moves increments, and repeats what was not answered.

A message that changes nothing is no record: a client that asks again, a twin that asks again are answered at once from
what is known. Every message may be lost, come twice, late, or before the one that was sent before it.
"""

from collections.abc import Sequence
from heapq import heappop
from itertools import islice
from typing import Annotated, BinaryIO, Final

import msgspec
from msgspec import Meta

from openoutcry.host.kinds import Settings
from openoutcry.moves import Machine
from openoutcry.role import TIMER_TAG, Effects, Input, Ports, Record, Send, Timer
from openoutcry.wire.fields import KeyId
from openoutcry.wire.limits import INT_MAX
from openoutcry_counter import messages
from openoutcry_counter.ledger import (
    CLOSED,
    COUNTED,
    HELD,
    NEW,
    PENDING,
    Bounds,
    Entry,
    Key,
    Ledger,
)
from openoutcry_counter.messages import (
    CounterAnswer,
    CounterHeld,
    CounterHold,
    CounterIncrement,
    CounterQuery,
    CounterSettle,
    CounterSettled,
    CounterTotal,
    Outcome,
)
from openoutcry_counter.table import MACHINE, Case

MS: Final = 1_000_000
"""Nanoseconds in a millisecond."""
RESENDS_MAX: Final = 256
"""Increments that are told or asked again at one tick: one envelope's worth."""

_TICK: Final = b"tick"

Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
Increments = Annotated[int, Meta(ge=1, le=10_000_000)]


class CounterSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """twin: key of the other node, 64 hexadecimal digits. deadline_ms: how long it may take to confirm. resend_ms:
    after which it is asked again. remember_ms: how long after its expiry it is known what became of an increment.
    ahead_ms: how far ahead an increment may expire. amount_max: of one increment; total_max: of all. own_max, held_max:
    increments that are kept, as owner and as twin. signed: whether messages go in signed envelopes.
    """

    twin: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    deadline_ms: Milliseconds = 1_000
    resend_ms: Milliseconds = 200
    remember_ms: Milliseconds = 60_000
    ahead_ms: Milliseconds = 60_000
    amount_max: Annotated[int, Meta(ge=1, le=2**53)] = 1_000_000
    total_max: Annotated[int, Meta(ge=1, le=INT_MAX)] = INT_MAX
    own_max: Increments = 100_000
    held_max: Increments = 100_000
    signed: bool = True


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    owned: int
    copied: int
    closed: int
    serial: int
    turn: int
    ticked_ns: int
    now_ns: int
    due_ns: int | None
    own: list[Entry]
    theirs: list[Entry]


_encoder: Final = msgspec.msgpack.Encoder()
_state_decoder: Final = msgspec.msgpack.Decoder(_State)
_increment: Final = msgspec.msgpack.Decoder(CounterIncrement).decode
_hold: Final = msgspec.msgpack.Decoder(CounterHold).decode
_held: Final = msgspec.msgpack.Decoder(CounterHeld).decode
_settle: Final = msgspec.msgpack.Decoder(CounterSettle).decode
_settled: Final = msgspec.msgpack.Decoder(CounterSettled).decode


class Counter:
    """The role. ledger: what it knows, to look at. touched: increments that the last group changed, all of them after a
    restart, with their keys. now_ns: the time of the last record.
    """

    name = "counter"
    version = 1

    def __init__(self, settings: CounterSettings, ports: Ports, machine: Machine[Case] = MACHINE) -> None:
        self.settings = settings
        self.machine = machine
        self.own: KeyId = ports.own
        self.twin: KeyId = bytes.fromhex(settings.twin)
        self.ledger = Ledger(
            Bounds(
                settings.deadline_ms * MS,
                settings.resend_ms * MS,
                settings.remember_ms * MS,
                settings.own_max,
                settings.held_max,
                settings.total_max,
            )
        )
        self.now_ns = 0
        self.touched: list[tuple[Key, Entry]] = []
        self._number = ports.number
        self._due_ns: int | None = None
        """When the timer is due, None where none is set."""
        self._case = Case(self.ledger, self.twin, settings.signed)
        self._ends = machine.ends

    # -- admit: what becomes a record, and what is answered at once ---------------------------------------------------

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Keep what may change something, and answer the rest. Cost: 0.5 microseconds each."""
        records: list[Record] = []
        case = Case(self.ledger, self.twin, self.settings.signed)
        number = self._number
        for sender, tag, body, raw in inputs:
            if tag == messages.INCREMENT:
                assert isinstance(body, CounterIncrement)
                keep = self._admit_increment(sender, body, now_ns, case)
            elif tag == messages.QUERY:
                assert isinstance(body, CounterQuery)
                case.sends.append(Send(sender, self._total(body.number), case.sign))
                keep = False
            else:
                keep = sender == self.twin and self._admit_twin(body, now_ns, case)
            if keep:
                records.append(Record(number, tag, now_ns, sender, raw))
        return records, case.sends

    def _admit_increment(self, sender: KeyId, body: CounterIncrement, now_ns: int, case: Case) -> bool:
        entry = self.ledger.own.get(sender + body.id)
        if entry is not None:
            if entry.state != PENDING:
                case.entry = entry
                case.answer_again(entry.state)
            return False
        settings = self.settings
        if not 1 <= body.amount <= settings.amount_max:
            case.sends.append(_refusal(sender, body.id, Outcome.WRONG_AMOUNT, case.sign))
            return False
        if body.expiry_ns > now_ns + settings.ahead_ms * MS:
            case.sends.append(_refusal(sender, body.id, Outcome.TOO_FAR_AHEAD, case.sign))
            return False
        return True

    def _admit_twin(self, body: object, now_ns: int, case: Case) -> bool:
        """Judge a message of the twin. Where it speaks of what is settled, it is told so."""
        own, theirs = self.ledger.own, self.ledger.theirs
        if isinstance(body, CounterHold):
            entry = theirs.get(body.client + body.id)
            if entry is None:
                return True
            case.entry = entry
            if entry.state == HELD:
                case.held_again()
            return False
        if isinstance(body, CounterHeld):
            entry = own.get(body.client + body.id)
            if entry is not None and entry.state == PENDING:
                return True
            case.entry = entry or Entry(body.client, body.id, 0, 0)
            case.settle_again(case.entry.state in (COUNTED, CLOSED))
            return False
        if isinstance(body, CounterSettle):
            entry = theirs.get(body.client + body.id)
            if entry is not None and entry.state == HELD:
                return True
            # What is not known was counted and then forgotten, where it has expired. Where it has not, it never was
            # here, and nobody could have said that it counts.
            if body.counted and (entry is not None or now_ns >= body.expiry_ns):
                case.entry = entry or Entry(body.client, body.id, 0, 0)
                case.settled_again()
            return False
        if isinstance(body, CounterSettled):
            entry = own.get(body.client + body.id)
            return entry is not None and entry.state == COUNTED
        return False

    def _total(self, number: int) -> CounterTotal:
        of = self.ledger
        return CounterTotal(number, of.total, of.owned, len(of.repeats))

    # -- apply: the only place where anything changes -----------------------------------------------------------------

    def apply(self, records: Sequence[Record]) -> Effects:
        """Move increments. Cost: 2 microseconds for each record."""
        self.touched = []
        case = self._case
        case.sends = []
        for record in records:
            case.now_ns = self.now_ns = record.time_ns
            if record.tag == TIMER_TAG:
                self._tick()
                continue
            found = self._find(record)
            if found is None:
                continue
            case.entry, event = found
            if not self._move(event) and event == "increment" and case.entry.state == NEW:
                entry = case.entry
                case.sends.append(_refusal(entry.client, entry.id, self._why(entry), case.sign))
        waiting = self.ledger.waiting
        while waiting and waiting[0].state != PENDING:
            waiting.popleft()
        return Effects(case.sends, self._timers())

    def row_of(self, record: Record) -> int | None:
        """Return the row of the table that a record would take now, None for none; of a timer's rows the first.

        Changes nothing.
        """
        case = Case(self.ledger, self.twin, self.settings.signed)
        case.now_ns = record.time_ns
        if record.tag == TIMER_TAG:
            for entry in self._first():
                case.entry = entry
                row = self.machine.find(entry.state, "tick", case)
                if row is not None:
                    return row
            return None
        found = self._find(record)
        if found is None:
            return None
        case.entry, event = found
        return self.machine.find(case.entry.state, event, case)

    def _first(self) -> list[Entry]:
        """Return the increments that a tick looks at first: the one that is overdue, and out of date, before others."""
        of = self.ledger
        pending = (entry for entry in of.waiting if entry.state == PENDING)
        return [*islice(pending, 1), *(entry for _, _, entry in of.settled[:1])]

    def _find(self, record: Record) -> tuple[Entry, str] | None:
        """Return the increment that a record is about, a new one where it is not known, and what happens to it."""
        tag, raw = record.tag, record.raw
        try:
            if tag == messages.INCREMENT:
                body = _increment(raw)
                entry = self.ledger.own.get(record.sender + body.id)
                return entry or Entry(record.sender, body.id, body.amount, body.expiry_ns), "increment"
            if tag == messages.HOLD:
                asked = _hold(raw)
                entry = self.ledger.theirs.get(asked.client + asked.id)
                return entry or Entry(asked.client, asked.id, asked.amount, asked.expiry_ns), "hold"
            if tag == messages.HELD:
                held = _held(raw)
                entry = self.ledger.own.get(held.client + held.id)
                return None if entry is None else (entry, "held")
            if tag == messages.SETTLE:
                settle = _settle(raw)
                entry = self.ledger.theirs.get(settle.client + settle.id)
                return None if entry is None else (entry, "count" if settle.counted else "cancel")
            if tag == messages.SETTLED:
                settled = _settled(raw)
                entry = self.ledger.own.get(settled.client + settled.id)
                return None if entry is None else (entry, "settled")
        except msgspec.DecodeError:
            return None  # a record that none of our versions has written
        return None

    def _move(self, event: str) -> bool:
        """Let the table decide what becomes of the increment in hand. False where it has no row."""
        case = self._case
        entry = case.entry
        after = self.machine.take(entry.state, event, case)
        if after is None:
            return False
        entry.state = after
        if after in self._ends:
            self.ledger.drop(entry)
        self.touched.append((entry.client + entry.id, entry))
        return True

    def _tick(self) -> None:
        """Look at the clock: what is overdue is cancelled, what is out of date forgotten, the rest repeated."""
        of, case = self.ledger, self._case
        of.ticked_ns = case.now_ns
        self._due_ns = None
        while of.waiting:
            case.entry = of.waiting[0]
            if case.entry.state == PENDING and not self._move("tick"):
                break
            of.waiting.popleft()
        while of.settled:
            case.entry = of.settled[0][2]
            if not self._move("tick"):
                break
            heappop(of.settled)
        asked_ns = case.now_ns - of.bounds.resend_ns
        for entry in list(islice(of.repeats.values(), RESENDS_MAX)):
            if entry.asked_ns > asked_ns:
                break
            case.entry = entry
            self._say_again(case)
            of.repeat(entry, case.now_ns)

    def _say_again(self, case: Case) -> None:
        """Tell or ask the other node what it was told or asked about an increment that is not settled."""
        state = case.entry.state
        if state == PENDING:
            case.hold_again()
        elif state == COUNTED:
            case.settle_again(True)
        else:
            case.held_again()

    def _timers(self) -> list[Timer]:
        due_ns = self.ledger.next_tick_ns(self.now_ns)
        if due_ns is None or (self._due_ns is not None and self._due_ns <= due_ns):
            return []
        self._due_ns = due_ns
        return [Timer(_TICK, due_ns)]

    def _why(self, entry: Entry) -> Outcome:
        """Say why the table has no row for an increment that is not known."""
        of = self.ledger
        if self.now_ns >= entry.expiry_ns:
            return Outcome.EXPIRED if self.now_ns < entry.expiry_ns + of.bounds.remember_ns else Outcome.FORGOTTEN
        return Outcome.FULL if len(of.own) >= of.bounds.own_max else Outcome.OVERFLOW

    # -- restarts -----------------------------------------------------------------------------------------------------

    def resume(self) -> Effects:
        """Say again what was not answered, as at a tick, and go on with the timer."""
        self.touched = [*self.ledger.own.items(), *self.ledger.theirs.items()]
        case = Case(self.ledger, self.twin, self.settings.signed)
        for entry in islice(self.ledger.repeats.values(), RESENDS_MAX):
            case.entry = entry
            self._say_again(case)
        return Effects(case.sends, [] if self._due_ns is None else [Timer(_TICK, self._due_ns)])

    def snapshot(self, out: BinaryIO) -> None:
        """Write every increment that is known, in the order in which they were taken."""
        of = self.ledger
        state = _State(
            of.owned,
            of.copied,
            of.closed,
            of.serial,
            of.turn,
            of.ticked_ns,
            self.now_ns,
            self._due_ns,
            list(of.own.values()),
            list(of.theirs.values()),
        )
        out.write(_encoder.encode(state))

    def restore(self, source: BinaryIO) -> None:
        """Take a state over. Raises ValueError for one that this configuration has no room for."""
        try:
            state = _state_decoder.decode(source.read())
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of a counter: {error}") from error
        of = self.ledger
        of.owned, of.copied, of.closed = state.owned, state.copied, state.closed
        of.total = of.owned + of.copied
        of.serial, of.turn, of.ticked_ns = state.serial, state.turn, state.ticked_ns
        self.now_ns, self._due_ns = state.now_ns, state.due_ns
        of.own = {entry.client + entry.id: entry for entry in state.own}
        of.theirs = {entry.client + entry.id: entry for entry in state.theirs}
        of.derive()
        if broken := of.faults():
            raise ValueError(f"this counter cannot go on from that state: {'; '.join(broken)}")

    def check(self) -> list[str]:
        """Return what cannot be, in sums and bounds and in what the last group changed. Cost: 0.5 microseconds for each
        of those; after a restart for each increment that is known.
        """
        of = self.ledger
        return of.faults() + [line for _, entry in self.touched for line in of.entry_faults(entry, self.now_ns)]


def _refusal(client: KeyId, request: bytes, outcome: Outcome, sign: bool) -> Send:
    return Send(client, CounterAnswer(request, outcome, 0, 0), sign)
