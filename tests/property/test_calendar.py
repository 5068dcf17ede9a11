"""Calendars against a twin that looks at the zone's clock once a minute, over years, in several zones."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.client.calendar_file import zone_offsets
from openoutcry.domain import Phase
from openoutcry.venue.calendar.checks import fault
from openoutcry.venue.calendar.messages import DAY_S, Calendar, DayKind, Offset, Step
from openoutcry.venue.calendar.schedule import (
    BEFORE,
    SECOND_NS,
    Transition,
    drawn,
    moment_s,
    next_phase,
    phase_at,
    phases,
)
from tests.calendars import ZONES, busy_calendar, calendars, day_number, minute_by_minute

STARTS = {"Pacific/Apia": "2011-11-20"}
"""A zone to the day from which its calendars begin; for the others a winter before both changes of a year."""


def first_day(zone: str) -> int:
    """The first day of a zone's calendars."""
    return day_number(STARTS.get(zone, "2026-02-01"))


@pytest.mark.parametrize("zone", ZONES)
def test_two_years_are_those_of_the_twin(zone: str) -> None:
    """Every minute of two years; a working day with steps in every hour in which clocks change, nights on Sundays."""
    first, days = first_day(zone), 730
    calendar = busy_calendar(zone, first, days)
    found = list(phases(calendar, (first - 5) * DAY_S * SECOND_NS + 1, (first + days + 5) * DAY_S * SECOND_NS))
    assert found == list(minute_by_minute(calendar, first - 5, first + days + 5))
    assert len(found) > 5 * days


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=6)
@given(data=st.data())
def test_weeks_around_a_change_are_those_of_the_twin(zone: str, data: st.DataObject) -> None:
    """Random calendars, most of their steps in the first hours of the day, read over 75 days with a change inside."""
    first = first_day(zone)
    calendar = data.draw(calendars(zone, first, 70))
    assert fault(calendar) is None
    from_day = data.draw(st.integers(first - 3, first + 20))
    found = list(phases(calendar, from_day * DAY_S * SECOND_NS + 1, (first + 75) * DAY_S * SECOND_NS))
    assert found == list(minute_by_minute(calendar, from_day, first + 75))


@settings(max_examples=60)
@given(data=st.data())
def test_all_questions_have_one_answer(data: st.DataObject) -> None:
    """`phases` in two parts, `next_phase` step by step, and `phase_at` at, before and between say the same."""
    zone = data.draw(st.sampled_from(ZONES))
    first = first_day(zone)
    calendar = data.draw(calendars(zone, first, 40))
    from_ns, to_ns = (first - 2) * DAY_S * SECOND_NS, (first + 43) * DAY_S * SECOND_NS
    whole = list(phases(calendar, from_ns, to_ns))
    middle_ns = data.draw(st.integers(from_ns, to_ns))
    assert [*phases(calendar, from_ns, middle_ns), *phases(calendar, middle_ns, to_ns)] == whole
    walked, at = [], next_phase(calendar, from_ns - 1)
    while at is not None:
        walked.append(at)
        at = next_phase(calendar, at.at_ns)
    assert walked == whole
    for before, after in pairwise([BEFORE, *whole]):
        assert before.at_ns < after.at_ns
        for moment, holds in ((after.at_ns - 1, before), (after.at_ns, after)):
            found = phase_at(calendar, moment)
            assert (found.phase, found.closing) == (holds.phase, holds.closing)


@settings(max_examples=200)
@given(
    changes=st.lists(st.tuples(st.integers(1, 400), st.integers(-50, 50)), max_size=5, unique_by=lambda one: one[0]),
    start=st.integers(-50, 50),
    local=st.integers(-50, 500),
)
def test_a_moment_is_the_first_whose_clock_shows_the_time_or_later(
    changes: list[tuple[int, int]], start: int, local: int
) -> None:
    """Made-up zones whose clocks jump as they like, against looking at every second from the first."""
    offsets = [Offset(0, start), *(Offset(at * SECOND_NS, offset) for at, offset in sorted(changes))]
    calendar = Calendar("c", "Made/Up", 1, 1, (DayKind("d", (Step(0, Phase.CLOSED),)),), (0,) * 7, (), tuple(offsets))

    def shown(second: int) -> int:
        return second + [one for one in offsets if one.from_ns <= second * SECOND_NS][-1].offset_s

    assert max(0, moment_s(calendar, local)) == next(second for second in range(1_000) if shown(second) >= local)


@settings(max_examples=100)
@given(
    secret=st.binary(min_size=32, max_size=32),
    pair=st.integers(0, 65_535),
    at_ns=st.integers(0, 2**62),
    random_ns=st.integers(0, 3_600 * SECOND_NS),
)
def test_a_random_end_is_within_its_window_and_the_same_again(
    secret: bytes, pair: int, at_ns: int, random_ns: int
) -> None:
    """Drawn twice, and again from what was drawn."""
    transition = Transition(at_ns, Phase.CONTINUOUS, False, random_ns)
    once = drawn(transition, secret, pair)
    assert at_ns <= once.at_ns <= at_ns + random_ns
    assert once == drawn(transition, secret, pair) == drawn(once, secret, pair)


def test_random_ends_are_spread_over_the_window() -> None:
    """A thousand days: each tenth of a window gets 60 to 140; two pairs, or two secrets, get different ends."""
    window_ns = 30 * SECOND_NS
    planned = [Transition(day * DAY_S * SECOND_NS, Phase.CLOSED, False, window_ns) for day in range(1_000)]
    for secret, pair in ((b"s" * 32, 0), (b"s" * 32, 1), (b"t" * 32, 0)):
        late = [drawn(one, secret, pair).at_ns - one.at_ns for one in planned]
        counts = [sum(1 for ns in late if ns * 10 // (window_ns + 1) == tenth) for tenth in range(10)]
        assert all(60 <= count <= 140 for count in counts), counts
    ends = {drawn(planned[1], secret, pair).at_ns for secret, pair in ((b"s" * 32, 0), (b"s" * 32, 1), (b"t" * 32, 0))}
    assert len(ends) == 3


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_are_those_of_the_zone(zone: str) -> None:
    """Every hour of twelve years, and the second before and at each change."""
    zone_info = ZoneInfo(zone)
    from_s, to_s = day_number("2010-01-01") * DAY_S, day_number("2022-01-01") * DAY_S
    offsets = list(zone_offsets(zone_info, from_s, to_s))
    looked = set(range(from_s, to_s, 3_600 * 7))
    for one in offsets[1:]:
        looked |= {one.from_ns // SECOND_NS - 1, one.from_ns // SECOND_NS}
    index = 0
    for second in sorted(looked):
        while index + 1 < len(offsets) and offsets[index + 1].from_ns <= second * SECOND_NS:
            index += 1
        (again,) = list(zone_offsets(zone_info, second, second))
        assert offsets[index].offset_s == again.offset_s
