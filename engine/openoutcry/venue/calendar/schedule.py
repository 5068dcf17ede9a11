"""From a calendar to moments: at which nanosecond which phase begins.

One rule settles what clocks do to a step: it is taken at the first moment at which clocks in the zone show its time or
a later one. So a time that occurs twice is its first occurrence, one that is skipped is the moment of the change, and
steps never change places. Of several steps at one moment only the last is taken.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from openoutcry.domain import Phase
from openoutcry.venue.calendar.messages import DAY_S, Calendar, Offset, SpecialDay, Step

SECOND_NS: Final = 10**9

CLOSED_ALL_DAY: Final = (Step(0, Phase.CLOSED),)
"""The steps of a holiday, and of a day of the week that has no kind."""


class Transition(NamedTuple):
    """A phase begins at `at_ns`, or at a moment drawn from there up to `random_ns` later.

    closing: the auction is the closing one. random_ns always ends before the next transition begins.
    """

    at_ns: int
    phase: Phase
    closing: bool = False
    random_ns: int = 0


BEFORE: Final = Transition(0, Phase.CLOSED)
"""What holds before the first day."""


def phases(calendar: Calendar, from_ns: int, to_ns: int) -> Iterator[Transition]:
    """Yield the transitions of a calendar from `from_ns` to before `to_ns`, in order; the calendar has no fault.

    A transition to the phase that already is, is left out; but each auction is one of its own. The last one is to
    CLOSED, when the last day ends at the latest. O(days between), 2 microseconds a step, and 30 to begin.
    """
    for before, transition in _changes(calendar, from_ns):
        if transition.at_ns >= to_ns:
            return
        if transition.at_ns >= from_ns and is_change(before, transition):
            yield transition


def next_phase(calendar: Calendar, after_ns: int) -> Transition | None:
    """Return the first transition later than `after_ns`, or None when the calendar has come to its end."""
    return next(phases(calendar, after_ns + 1, (calendar.last_day + 3) * DAY_S * SECOND_NS), None)


def phase_at(calendar: Calendar, now_ns: int) -> Transition:
    """Return the transition that holds at `now_ns`, as if no end were random. O(days since the last step)."""
    holds = BEFORE
    for before, transition in _changes(calendar, now_ns):
        if transition.at_ns > now_ns:
            return before
        holds = transition
    return holds


def drawn(transition: Transition, secret: bytes, pair: int) -> Transition:
    """Return a transition with its random part drawn from a secret: the same one for the same secret and pair.

    secret: 32 bytes of the venue (`Ports.secret`), so that members cannot know the moment before it is there.
    """
    if not transition.random_ns:
        return transition
    seed = secret + pair.to_bytes(4, "little") + transition.at_ns.to_bytes(8, "little")
    number = int.from_bytes(sha256(seed).digest()[:8], "little")
    later_ns = number * (transition.random_ns + 1) >> 64
    return transition._replace(at_ns=transition.at_ns + later_ns, random_ns=0)


def moment_s(calendar: Calendar, local_s: int) -> int:
    """Return the first second (UTC since 1970) at which clocks in the zone show `local_s` or later.

    local_s: date and time as clocks show it, in seconds since 1970 by such a clock. O(log changes).
    """
    offsets = calendar.offsets
    index = max(0, bisect_right(offsets, local_s - DAY_S, key=_start_s) - 1)
    while True:
        found = max(_start_s(offsets[index]), local_s - offsets[index].offset_s)
        index += 1
        if index == len(offsets) or found < _start_s(offsets[index]):
            return found


def is_change(before: Transition, after: Transition) -> bool:
    """Tell whether a transition changes something: each auction ends with its own uncrossing, so two are two."""
    return after.phase is Phase.AUCTION or (before.phase, before.closing) != (after.phase, after.closing)


def _changes(calendar: Calendar, from_ns: int) -> Iterator[tuple[Transition, Transition]]:
    """Yield each transition behind the one before it, beginning so early that what holds at `from_ns` is among them."""
    before = BEFORE
    waiting: Transition | None = None
    for transition in _planned(calendar, from_ns):
        if waiting is not None and waiting.at_ns < transition.at_ns:
            room_ns = transition.at_ns - waiting.at_ns - 1
            waiting = waiting._replace(random_ns=min(waiting.random_ns, room_ns))
            yield before, waiting
            before = waiting
        waiting = transition
    if waiting is not None:
        yield before, waiting


def _planned(calendar: Calendar, from_ns: int) -> Iterator[Transition]:
    """Yield every step of the days around and after `from_ns`, never running back, several of one moment included.

    A local day begins at most a day from the UTC day of its number, and each has a step: three days before are enough.
    """
    first = max(calendar.first_day, from_ns // SECOND_NS // DAY_S - 3)
    for day in range(first, calendar.last_day + 1):
        for step in _steps(calendar, day):
            at_ns = moment_s(calendar, day * DAY_S + step.at_s) * SECOND_NS
            yield Transition(at_ns, step.phase, step.closing, step.random_s * SECOND_NS)
    yield Transition(moment_s(calendar, (calendar.last_day + 1) * DAY_S) * SECOND_NS, Phase.CLOSED)


def _steps(calendar: Calendar, day: int) -> tuple[Step, ...]:
    """Return the steps of a date. 1970-01-01 was a Thursday."""
    kind = calendar.weekdays[(day + 3) % 7]
    index = bisect_left(calendar.special, day, key=_day)
    if index < len(calendar.special) and calendar.special[index].day == day:
        kind = calendar.special[index].kind
    return CLOSED_ALL_DAY if kind < 0 else calendar.kinds[kind].steps


def _day(special: SpecialDay) -> int:
    return special.day


def _start_s(offset: Offset) -> int:
    return offset.from_ns // SECOND_NS
