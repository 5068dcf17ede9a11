"""Calendars for tests: a text, a random calendar, and a plain twin that looks at the clock once a minute."""

import datetime
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from openoutcry.client.calendar_file import zone_offsets
from openoutcry.domain import Phase
from openoutcry.venue.calendar.messages import DAY_S, Calendar, DayKind, SpecialDay, Step
from openoutcry.venue.calendar.schedule import SECOND_NS, Transition

EXAMPLE: Final = """\
name = "frankfurt"
zone = "Europe/Berlin"
first_day = 2026-01-01
last_day = 2027-12-31
holidays = [2026-01-01, 2026-04-03, 2026-12-25]
interruption_s = 120
interruption_random_s = 30

[days.regular]
weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"]
steps = [
    { at = "07:30", phase = "pre_open" },
    { at = "08:50", phase = "auction" },
    { at = "09:00", phase = "continuous", random_s = 30 },
    { at = "17:30", phase = "auction", closing = true },
    { at = "17:35", phase = "closed", random_s = 30 },
]

[days.half]
dates = [2026-12-30]
steps = [
    { at = "08:50", phase = "auction" },
    { at = "09:00", phase = "continuous" },
    { at = "14:00", phase = "closed" },
]
"""

ZONES: Final = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
)
"""Two changes a year, none, one of half an hour, four a year, and a day that never was (2011-12-30)."""


def day_number(text: str) -> int:
    """Return days since 1970 of a date."""
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


@st.composite
def calendars(draw: st.DrawFn, zone: str, first: int, days: int) -> Calendar:
    """A calendar of whole minutes without random ends, with steps often about the hours in which clocks change."""
    minutes = st.one_of(st.integers(0, 4 * 60), st.integers(0, 24 * 60 - 1))
    kinds = []
    for index in range(draw(st.integers(1, 3))):
        at = sorted(draw(st.sets(minutes, min_size=1, max_size=8)))
        phases = st.sampled_from((Phase.CLOSED, Phase.PRE_OPEN, Phase.AUCTION, Phase.CONTINUOUS))
        steps = []
        for minute in at:
            phase = draw(phases)
            closing = phase in (Phase.PRE_OPEN, Phase.AUCTION) and draw(st.booleans())
            steps.append(Step(minute * 60, phase, closing))
        kinds.append(DayKind(f"k{index}", tuple(steps)))
    kind = st.integers(-1, len(kinds) - 1)
    special = draw(st.dictionaries(st.integers(first, first + days - 1), kind, max_size=6))
    offsets = tuple(zone_offsets(ZoneInfo(zone), (first - 2) * DAY_S, (first + days + 3) * DAY_S))
    return Calendar(
        "random",
        zone,
        first,
        first + days - 1,
        tuple(kinds),
        tuple(draw(st.lists(kind, min_size=7, max_size=7))),
        tuple(SpecialDay(day, special[day]) for day in sorted(special)),
        offsets,
    )


def busy_calendar(zone: str, first: int, days: int) -> Calendar:
    """A calendar whose steps lie where clocks change: from midnight to four, every half hour, and at noon."""
    collect = (Phase.PRE_OPEN, Phase.AUCTION, Phase.CONTINUOUS, Phase.AUCTION)
    steps = [Step(index * 1_800, collect[index % 4], index % 8 == 3) for index in range(9)]
    regular = DayKind("regular", (*steps, Step(DAY_S // 2, Phase.CLOSED)))
    sunday = DayKind("sunday", (Step(2 * 3_600 + 900, Phase.PRE_OPEN), Step(22 * 3_600, Phase.CONTINUOUS)))
    special = tuple(SpecialDay(first + day, day % 3 - 1) for day in range(10, days, 37))
    offsets = tuple(zone_offsets(ZoneInfo(zone), (first - 2) * DAY_S, (first + days + 3) * DAY_S))
    weekdays = (0, 0, 0, 0, 0, -1, 1)
    return Calendar("busy", zone, first, first + days - 1, (regular, sunday), weekdays, special, offsets)


def minute_by_minute(calendar: Calendar, from_day: int, to_day: int) -> Iterator[Transition]:
    """Look at the zone's clock once a minute, from `from_day` to `to_day` (UTC), and say when a phase begins.

    The twin: no table of offsets, no search. At each minute every step up to the time that the clock shows is taken,
    in order, and the last of them counts. It begins in the first minute with all that lies behind.
    """
    zone = ZoneInfo(calendar.zone)
    special = {one.day: one.kind for one in calendar.special}
    steps = []
    for day in range(calendar.first_day, calendar.last_day + 1):
        kind = special.get(day, calendar.weekdays[datetime.date.fromordinal(719_163 + day).weekday()])
        for step in calendar.kinds[kind].steps if kind >= 0 else (Step(0, Phase.CLOSED),):
            steps.append((datetime.datetime(1970, 1, 1) + datetime.timedelta(days=day, seconds=step.at_s), step))
    end = datetime.datetime(1970, 1, 1) + datetime.timedelta(days=calendar.last_day + 1)
    steps.append((end, Step(0, Phase.CLOSED)))
    present, taken = Step(0, Phase.CLOSED), 0
    minute = datetime.timedelta(minutes=1)
    utc = datetime.datetime(1970, 1, 1, tzinfo=zone) + datetime.timedelta(days=from_day)
    for second in range(from_day * DAY_S, to_day * DAY_S, 60):
        local = zone.fromutc(utc).replace(tzinfo=None)
        utc += minute
        before = taken
        while taken < len(steps) and steps[taken][0] <= local:
            taken += 1
        if taken == before:
            continue
        step = steps[taken - 1][1]
        changed = (step.phase, step.closing) != (present.phase, present.closing) or step.phase is Phase.AUCTION
        if changed and second > from_day * DAY_S:
            yield Transition(second * SECOND_NS, step.phase, step.closing)
        present = step
