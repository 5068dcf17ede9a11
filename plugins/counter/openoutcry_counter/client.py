"""Load for counters: increments on a timer, asked again until each has a final answer; all answers are remembered.

Everything about an increment follows from its number and the client's key, so that it is the same when it is asked
again. Lifetimes run from one millisecond to the longest, since what matters happens at the end of one.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, BinaryIO, Final

import msgspec
from msgspec import Meta

from openoutcry.host.kinds import Settings
from openoutcry.role import TIMER_TAG, Effects, Input, Ports, Record, Send, Timer
from openoutcry.wire.fields import KeyId
from openoutcry_counter.messages import FINAL, ID_BYTES, CounterAnswer, CounterIncrement, Outcome
from openoutcry_counter.role import MS, Milliseconds

RESENDS_MAX: Final = 256
"""Increments that are asked again at one tick."""
CONTRADICTIONS_MAX: Final = 8
"""Contradictions that are kept word by word."""
COUNT_MAX: Final = 1_000_000

_TICK: Final = b"tick"
_STIR: Final = 0x9E37_79B9_7F4A_7C15
"""Odd, and as good as random: 2^64 over the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4)."""
_MASK: Final = 2**64 - 1

NodeKey = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class CounterClientSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """nodes: keys of the counters, 64 hexadecimal digits each, asked in turn. count: increments in all. batch: of one
    tick. interval_ms: from one tick to the next. resend_ms: after which one is asked again. lifetime_ms: the longest
    time from the first ask to the expiry. amount_max: of one increment. signed: whether they go in signed envelopes.
    """

    nodes: Annotated[tuple[NodeKey, ...], Meta(min_length=1, max_length=16)]
    count: Annotated[int, Meta(ge=0, le=COUNT_MAX)] = 1_000
    batch: Annotated[int, Meta(ge=1, le=256)] = 8
    interval_ms: Milliseconds = 20
    resend_ms: Milliseconds = 100
    lifetime_ms: Milliseconds = 10_000
    amount_max: Annotated[int, Meta(ge=1, le=2**53)] = 1_000
    signed: bool = True


class Asked(msgspec.Struct, array_like=True, gc=False):
    """An increment without a final answer."""

    expiry_ns: int
    asked_ns: int


class Answered(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An increment with one, and the answer."""

    expiry_ns: int
    outcome: int
    total: int
    decided_ns: int


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    sent: int
    due_ns: int | None
    open: list[tuple[int, Asked]]
    answered: list[tuple[int, Answered]]
    contradictions: list[str]


_encoder: Final = msgspec.msgpack.Encoder()
_state_decoder: Final = msgspec.msgpack.Decoder(_State)
_answer: Final = msgspec.msgpack.Decoder(CounterAnswer).decode


class CounterClient:
    """The role. sent: increments so far, numbered from 1. answered: number to final answer. counted, uncertain: for
    each node, the amounts that it has counted, and that it may have: those without an answer, and those of which it can
    say nothing any more. touched: numbers that the last group answered, all of them after a restart.
    """

    name = "counter_client"
    version = 1

    def __init__(self, settings: CounterClientSettings, ports: Ports) -> None:
        self.settings = settings
        self.own: KeyId = ports.own
        self.nodes: tuple[KeyId, ...] = tuple(bytes.fromhex(node) for node in settings.nodes)
        self.sent = 0
        self.answered: dict[int, Answered] = {}
        self.counted = [0] * len(self.nodes)
        self.uncertain = [0] * len(self.nodes)
        self.touched: list[int] = []
        self.contradictions: list[str] = []
        self._number = ports.number
        self._seed = int.from_bytes(self.own[:8], "little")
        self._open: dict[int, Asked] = {}
        """By number; what was asked longest ago comes first."""
        self._due_ns: int | None = 0
        """When the timer is due; None where everything is answered."""

    @property
    def unanswered(self) -> int:
        """How many increments have no final answer, those included that were not sent yet."""
        return self.settings.count - len(self.answered)

    def node_of(self, number: int) -> int:
        """Return which of the nodes owns an increment."""
        return number % len(self.nodes)

    def amount(self, number: int) -> int:
        """Return the amount of an increment."""
        return 1 + (self._stirred(number) >> 40) % self.settings.amount_max

    def lifetime_ns(self, number: int) -> int:
        """Return how long an increment can be taken; of every fourth, one to three milliseconds."""
        if number % 4 == 0:
            return MS * (1 + number // 4 % 3)
        return MS * (1 + (self._stirred(number) >> 20) % self.settings.lifetime_ms)

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Keep each final answer that is new: the first one of an increment, and any other that differs from it."""
        records: list[Record] = []
        for sender, tag, body, raw in inputs:
            assert isinstance(body, CounterAnswer)
            number = int.from_bytes(body.id, "big")
            known = self.answered.get(number)
            if known is None:
                keep = number in self._open and (body.outcome in FINAL or body.outcome == Outcome.FORGOTTEN)
            else:
                keep = body.outcome in FINAL and _differs(known, body)
            if keep and sender == self.nodes[self.node_of(number)]:
                records.append(Record(self._number, tag, now_ns, sender, raw))
        return records, []

    def apply(self, records: Sequence[Record]) -> Effects:
        """Remember answers, and ask what is due."""
        self.touched = []
        effects = Effects([], [])
        for record in records:
            if record.tag == TIMER_TAG:
                self._tick(record.time_ns, effects)
            else:
                self._remember(_answer(record.raw))
        return effects

    def resume(self) -> Effects:
        """Go on with the timer; what has no answer is asked again when it is due."""
        self.touched = list(self.answered)
        return Effects([], [] if self._due_ns is None else [Timer(_TICK, self._due_ns)])

    def snapshot(self, out: BinaryIO) -> None:
        """Write what is open, the longest ago first, and all answers, in the order in which they came."""
        state = _State(
            self.sent, self._due_ns, list(self._open.items()), list(self.answered.items()), self.contradictions
        )
        out.write(_encoder.encode(state))

    def restore(self, source: BinaryIO) -> None:
        """Take a state over."""
        try:
            state = _state_decoder.decode(source.read())
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of a client of counters: {error}") from error
        self.sent, self._due_ns = state.sent, state.due_ns
        self._open, self.answered = dict(state.open), dict(state.answered)
        self.contradictions = state.contradictions
        for number in self._open:
            self.uncertain[self.node_of(number)] += self.amount(number)
        for number, answer in self.answered.items():
            if answer.outcome == Outcome.FORGOTTEN:
                self.uncertain[self.node_of(number)] += self.amount(number)
            self._add(number, answer)

    def check(self) -> list[str]:
        """Return what cannot be: two answers to one increment, or an increment that was lost."""
        broken = list(self.contradictions)
        if len(self._open) + len(self.answered) != self.sent:
            broken.append(f"{self.sent} sent, {len(self.answered)} answered, {len(self._open)} open")
        return broken

    def _tick(self, now_ns: int, effects: Effects) -> None:
        settings = self.settings
        asked_ns = now_ns - settings.resend_ms * MS
        due = [number for number, asked in islice(self._open.items(), RESENDS_MAX) if asked.asked_ns <= asked_ns]
        for number in due:
            asked = self._open.pop(number)
            asked.asked_ns = now_ns
            self._open[number] = asked
            effects.sends.append(self._increment(number, asked.expiry_ns))
        last = min(settings.count, self.sent + settings.batch)
        for number in range(self.sent + 1, last + 1):
            self._open[number] = Asked(now_ns + self.lifetime_ns(number), now_ns)
            self.uncertain[self.node_of(number)] += self.amount(number)
            effects.sends.append(self._increment(number, self._open[number].expiry_ns))
        self.sent = last
        self._due_ns = now_ns + settings.interval_ms * MS if self._open or self.sent < settings.count else None
        effects.timers.append(Timer(_TICK, self._due_ns))

    def _increment(self, number: int, expiry_ns: int) -> Send:
        body = CounterIncrement(number.to_bytes(ID_BYTES, "big"), self.amount(number), expiry_ns)
        return Send(self.nodes[self.node_of(number)], body, self.settings.signed)

    def _remember(self, body: CounterAnswer) -> None:
        number = int.from_bytes(body.id, "big")
        known = self.answered.get(number)
        if known is None:
            asked = self._open.pop(number, None)
            if asked is None:
                return
            answer = Answered(asked.expiry_ns, body.outcome, body.total, body.decided_ns)
            self.answered[number] = answer
            self._add(number, answer)
            if body.outcome != Outcome.FORGOTTEN:
                self.uncertain[self.node_of(number)] -= self.amount(number)
            if body.outcome == Outcome.COUNTED and body.total < self.amount(number):
                self._contradict(f"increment {number} counts, in a total of {body.total} that it is no part of")
            if body.outcome in (Outcome.COUNTED, Outcome.CANCELLED) and not body.decided_ns:
                self._contradict(f"increment {number} was settled at no time")
            self.touched.append(number)
        elif _differs(known, body):
            self._contradict(f"increment {number} was answered {known}, then {body}")

    def _add(self, number: int, answer: Answered) -> None:
        if answer.outcome == Outcome.COUNTED:
            self.counted[self.node_of(number)] += self.amount(number)

    def _contradict(self, line: str) -> None:
        if len(self.contradictions) < CONTRADICTIONS_MAX:
            self.contradictions.append(line)

    def _stirred(self, number: int) -> int:
        return (number + self._seed) * _STIR & _MASK


def _differs(known: Answered, body: CounterAnswer) -> bool:
    """Tell whether an answer says another thing than the one that is known. FORGOTTEN says nothing."""
    same = (known.outcome, known.total, known.decided_ns) == (body.outcome, body.total, body.decided_ns)
    return not same and known.outcome != Outcome.FORGOTTEN and body.outcome in FINAL
