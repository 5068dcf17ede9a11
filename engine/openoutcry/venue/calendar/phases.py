"""The phases of all pairs of a venue: which are due to change, and by which commands."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import msgspec

from openoutcry.domain import Phase
from openoutcry.venue.calendar.checks import fault
from openoutcry.venue.calendar.curbs import Curb, CurbFault, obeyed
from openoutcry.venue.calendar.messages import Calendar, CalendarSet
from openoutcry.venue.calendar.pair_schedule import PairSchedule, Wanted, steps_due
from openoutcry.venue.calendar.steps import PhaseStep, phase_steps
from openoutcry.wire.fields import KEY_BYTES, KeyId
from openoutcry.wire.service import MarketState, PairId, StateReason

OPERATOR: Final[KeyId] = bytes(KEY_BYTES)
"""In place of an authority: the venue's own operator."""

_NO_PAIR: Final = PairId(bytes(KEY_BYTES), bytes(KEY_BYTES))


class Change(NamedTuple):
    """A pair goes to another phase, or its phase has another reason. steps: for the book, () for none.

    wanted: phase, reason and end, as a MarketState tells them.
    """

    pair: int
    wanted: Wanted
    steps: tuple[PhaseStep, ...]


class Phases:
    """State of a role: changed in `apply` only, deterministic, saved and loaded.

    After anything that changes it, and at `due_ns`, ask for `changes` and give their steps to the book.
    """

    def __init__(self, secret: bytes) -> None:
        """secret: 32 bytes of the venue (`Ports.secret`), from which random ends are drawn."""
        self._secret = secret
        self._schedules: dict[int, PairSchedule] = {}
        self._wanted: dict[int, Wanted] = {}
        self._changed: dict[int, bool] = {}
        """Pairs to look at, and whether the operator wants them changed though nothing else is wanted."""
        self._due_ns: int | None = None

    def add(self, pair: int, phase: Phase, now_ns: int) -> None:
        """A pair is listed, in this phase; the operator leads it until it gets a calendar."""
        assert pair not in self._schedules
        self._schedules[pair] = PairSchedule(pair, self._secret, by_hand=phase)
        self._wanted[pair] = self._schedules[pair].wanted(now_ns)

    def set_calendar(self, message: CalendarSet) -> str | None:
        """Let pairs follow a calendar; return why not, and then nothing changes."""
        wrong = fault(message.calendar)
        unknown = [pair for pair in message.pairs if pair not in self._schedules]
        if wrong is None and unknown:
            wrong = f"pair {unknown[0]} is not listed"
        if wrong is None:
            for pair in message.pairs:
                self._put(pair, replace(self._schedules[pair], calendar=message.calendar))
        return wrong

    def order(self, pair: int, phase: Phase, closing: bool, now_ns: int) -> CurbFault | None:
        """The operator puts a pair into a phase: by hand without a calendar, else as a curb, which CONTINUOUS lifts.

        CONTINUOUS also ends the auction of a breached band. A pair that its calendar closes stays closed.
        """
        schedule = self._schedules[pair]
        if phase is Phase.CONTINUOUS:
            schedule = replace(schedule, interrupted_ns=0, interrupted_until_ns=0)
        if schedule.calendar is None:
            schedule = replace(schedule, by_hand=phase, by_hand_closing=closing)
        else:
            before = next((curb.sequence for curb in schedule.curbs if curb.authority == OPERATOR), 0)
            state = MarketState(_NO_PAIR, phase, StateReason.OPERATION, 0, OPERATOR, before + 1)
            curbs = obeyed(schedule.curbs, state, now_ns)
            if isinstance(curbs, CurbFault):
                return curbs
            schedule = replace(schedule, curbs=curbs)
        self._put(pair, schedule)
        self._changed[pair] = True
        return None

    def obey(self, pair: int, state: MarketState, now_ns: int) -> CurbFault | None:
        """An authority has said something of a pair; return why it changes nothing, or None. See `curbs.obeyed`."""
        curbs = obeyed(self._schedules[pair].curbs, state, now_ns)
        if isinstance(curbs, CurbFault):
            return curbs
        self._put(pair, replace(self._schedules[pair], curbs=curbs))
        return None

    def breached(self, pair: int, now_ns: int) -> None:
        """The book has put a pair into an auction, because its price left the band (BAND_BREACHED)."""
        self._put(pair, self._schedules[pair].interrupted(now_ns))

    def changes(self, now_ns: int, present: Callable[[int], tuple[Phase, bool]]) -> list[Change]:
        """Return what is to be done now, by pair. present: phase and closing flag of a pair in the book.

        Each change is returned once; a second call at the same time returns nothing. Cost: 80 microseconds for each
        pair that changes.
        """
        if self._due_ns is not None and self._due_ns <= now_ns:
            for pair, wanted in self._wanted.items():
                if 0 < wanted.until_ns <= now_ns:
                    self._changed.setdefault(pair, False)
        changes = []
        for pair, is_ordered in sorted(self._changed.items()):
            before, wanted = self._wanted[pair], self._schedules[pair].wanted(now_ns)
            phase, closing = present(pair)
            steps = steps_due(before, wanted, phase, closing)
            if is_ordered and not steps and phase is not wanted.phase:
                steps = phase_steps(phase, closing, wanted.phase, wanted.closing)
            if steps or (before.phase, before.reason) != (wanted.phase, wanted.reason):
                changes.append(Change(pair, wanted, steps))
            self._wanted[pair] = wanted
        if self._changed:
            self._changed.clear()
            ends = (wanted.until_ns for wanted in self._wanted.values() if wanted.until_ns)
            self._due_ns = min(ends, default=None)
        return changes

    @property
    def due_ns(self) -> int | None:
        """When `changes` has something to do, for a timer; None for not by itself. As of the last `changes`."""
        return self._due_ns

    def is_due(self, now_ns: int) -> bool:
        """Tell whether `changes` has something to look at now."""
        return bool(self._changed) or (self._due_ns is not None and self._due_ns <= now_ns)

    def is_planned(self, pair: int) -> bool:
        """Tell whether a pair follows a calendar, and is not led by hand."""
        return self._schedules[pair].calendar is not None

    def wanted(self, pair: int) -> Wanted:
        """Return what was last wanted of a pair."""
        return self._wanted[pair]

    def save(self) -> bytes:
        """Return the state; the same state gives the same bytes. `changes` has been asked for since the last change."""
        assert not self._changed
        calendars: dict[Calendar, int] = {}
        rows = []
        for pair, one in sorted(self._schedules.items()):
            number = -1 if one.calendar is None else calendars.setdefault(one.calendar, len(calendars))
            by_hand, ends = (one.by_hand, one.by_hand_closing), (one.interrupted_ns, one.interrupted_until_ns)
            rows.append((pair, number, *by_hand, one.curbs, *ends, self._wanted[pair]))
        return msgspec.msgpack.encode((tuple(calendars), rows))

    @classmethod
    def load(cls, state: bytes, secret: bytes) -> "Phases":
        """Return what `save` wrote. Raises ValueError for anything else."""
        made = cls(secret)
        try:
            calendars, rows = _DECODER.decode(state)
        except msgspec.DecodeError as error:
            raise ValueError(f"no phases: {error}") from error
        if any(fault(calendar) is not None for calendar in calendars):
            raise ValueError("no phases: a calendar with a fault")
        for pair, number, by_hand, closing, curbs, since_ns, until_ns, wanted in rows:
            if pair in made._schedules or not -1 <= number < len(calendars):
                raise ValueError(f"no phases: pair {pair} twice, or calendar {number} of {len(calendars)}")
            calendar = None if number < 0 else calendars[number]
            schedule = PairSchedule(pair, secret, calendar, by_hand, closing, curbs, since_ns, until_ns)
            made._schedules[pair], made._wanted[pair] = schedule, wanted
        ends = (wanted.until_ns for wanted in made._wanted.values() if wanted.until_ns)
        made._due_ns = min(ends, default=None)
        return made

    def _put(self, pair: int, schedule: PairSchedule) -> None:
        self._schedules[pair] = schedule
        self._changed.setdefault(pair, False)


_Row = tuple[int, int, Phase, bool, tuple[Curb, ...], int, int, Wanted]
_DECODER: Final = msgspec.msgpack.Decoder(tuple[tuple[Calendar, ...], tuple[_Row, ...]])
