"""What is wrong with a calendar, whoever has made it: a stranger's message is checked like an operator's file."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from openoutcry.domain import Phase
from openoutcry.venue.calendar.messages import DAY_S, DAYS_MAX, Calendar, Step

COLLECTING = (Phase.PRE_OPEN, Phase.AUCTION)
"""Phases in which orders collect and may cross."""


class StepFault(NamedTuple):
    """What is wrong with one step of a list.

    number: of the step, from 0. key: its field. what, expected, hint: as an error says it.
    """

    number: int
    key: str
    what: str
    expected: str
    hint: str = ""


def step_fault(steps: Sequence[Step]) -> StepFault | None:
    """Return the first thing that is wrong with the steps of a kind of day, or None.

    >>> step_fault((Step(32_400, Phase.CONTINUOUS), Step(32_400, Phase.CLOSED)))
    StepFault(number=1, key='at', what='a step at 09:00:00', expected='a time after 09:00:00', hint='earliest first')
    """
    for index, step in enumerate(steps):
        before = steps[index - 1] if index else None
        after = steps[index + 1] if index + 1 < len(steps) else None
        if before is not None and step.at_s <= before.at_s:
            return StepFault(
                index, "at", f"a step at {clock(step.at_s)}", f"a time after {clock(before.at_s)}", "earliest first"
            )
        if step.phase is Phase.HALTED:
            return StepFault(index, "phase", "a step to halted", "a phase that is planned", "halts are ordered")
        if step.closing and step.phase not in COLLECTING:
            return StepFault(
                index, "closing", f"a closing {step.phase.name.lower()}", "pre_open or auction", "remove closing"
            )
        if step.random_s and (before is None or before.phase not in COLLECTING):
            return StepFault(
                index,
                "random_s",
                "a random time for a step that ends no auction",
                "auction or pre_open before it",
                "remove random_s",
            )
        end_s = after.at_s if after is not None else DAY_S
        if step.random_s and step.at_s + step.random_s >= end_s:
            until = clock(end_s) if after is not None else "midnight"
            return StepFault(
                index, "random_s", f"a random time of up to {step.random_s} s", f"an end before {until}", "shorten it"
            )
    return None


def fault(calendar: Calendar) -> str | None:
    """Say in one line what is wrong with a calendar beside the ranges of its fields, or None. O(its size)."""
    days = calendar.last_day - calendar.first_day + 1
    if not 1 <= days <= DAYS_MAX:
        return f"{days} days from the first to the last, expected 1 to {DAYS_MAX}"
    names = [kind.name for kind in calendar.kinds]
    if len(set(names)) < len(names):
        return "two kinds of days of one name"
    for kind in calendar.kinds:
        wrong = step_fault(kind.steps)
        if wrong is not None:
            return f"{kind.name}, step {wrong.number + 1}: {wrong.what}, expected {wrong.expected}"
    if max([*calendar.weekdays, *(special.kind for special in calendar.special)]) >= len(calendar.kinds):
        return f"a day of a kind that is not there, expected 0 to {len(calendar.kinds) - 1}"
    special = [special.day for special in calendar.special]
    if any(later <= earlier for earlier, later in pairwise(special)):
        return "special days are not in order, or one is there twice"
    if special and not calendar.first_day <= special[0] <= special[-1] <= calendar.last_day:
        return "a special day outside the days of the calendar"
    starts = [offset.from_ns for offset in calendar.offsets]
    if starts[0] != 0:
        return f"offsets begin at {starts[0]}, expected 0"
    if any(later <= earlier for earlier, later in pairwise(starts)):
        return "offsets are not in order"
    if any(start % 10**9 for start in starts):
        return "an offset that begins within a second"
    if calendar.interruption_random_s and not calendar.interruption_s:
        return "a random end of an interruption that does not end"
    return None


def clock(at_s: int) -> str:
    """Return a time of the day as a clock shows it.

    >>> clock(32_461)
    '09:01:01'
    """
    return f"{at_s // 3600:02}:{at_s // 60 % 60:02}:{at_s % 60:02}"
