"""Calendar files: TOML with local times, and the zone's offsets looked up, into a `Calendar` that needs neither again.

The only reader of zone files (Python's `zoneinfo`: those of the system, else the package `tzdata`). It runs where the
operator is; what it has found travels in the calendar and is journaled by the venue.
"""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec
from msgspec import Meta

from openoutcry.domain import Phase
from openoutcry.node.config.convert import convert, unknown, value_of
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.fields import SHAPES, pattern_of
from openoutcry.node.config.positions import KeyPath
from openoutcry.node.config.source import Source, shown
from openoutcry.venue.calendar.checks import fault, step_fault
from openoutcry.venue.calendar.messages import (
    DAY_S,
    DAYS_MAX,
    INTERRUPTION_S_MAX,
    KINDS_MAX,
    OFFSETS_MAX,
    RANDOM_S_MAX,
    SPECIAL_MAX,
    STEPS_MAX,
    Calendar,
    CalendarName,
    DayKind,
    Offset,
    SpecialDay,
    Step,
    ZoneName,
)

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EPOCH: Final = datetime.date(1970, 1, 1)
SECOND_NS: Final = 10**9
LOOK_S: Final = 6 * 3_600
"""How far apart a zone is looked at. Two changes have never been closer than some weeks."""

TimeOfDay = Annotated[str, Meta(pattern=r"\A([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?\Z")]

SHAPES.update(
    {
        pattern_of(TimeOfDay): 'a time of the day in quotes, such as "09:00" or "09:00:30"',
        pattern_of(
            CalendarName
        ): 'a name in quotes: a letter, then up to 31 of a to z, 0 to 9, _ and -, such as "xetra"',
        pattern_of(ZoneName): 'an IANA zone in quotes, such as "Europe/Berlin"',
    }
)


class StepTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a day."""

    at: Annotated[TimeOfDay, Meta(examples=["09:00"])]
    """When, as clocks in the zone show it."""
    phase: Annotated[Literal["closed", "pre_open", "auction", "continuous"], Meta(examples=["continuous"])]
    """The phase that begins."""
    closing: bool = False
    """Whether the auction that begins, or that pre-open leads to, is the closing one."""
    random_s: Annotated[int, Meta(ge=0, le=RANDOM_S_MAX)] = 0
    """The step is taken at a moment drawn from `at` up to so many seconds later."""


class DayTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of day."""

    steps: tuple[dict[str, Any], ...]
    """Its steps, earliest first."""
    weekdays: tuple[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], ...] = ()
    """The days of the week that are of this kind."""
    dates: tuple[datetime.date, ...] = ()
    """Dates that are of this kind, whatever their day of the week."""


class HeadTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a calendar says besides its days."""

    name: Annotated[CalendarName, Meta(examples=["xetra"])]
    """What reports call it."""
    zone: Annotated[ZoneName, Meta(examples=["Europe/Berlin"])]
    """IANA name of the zone whose clocks count."""
    first_day: datetime.date
    """Before this day the market is closed."""
    last_day: datetime.date
    """After this day the market is closed, so hand in the next calendar in time."""
    holidays: tuple[datetime.date, ...] = ()
    """Dates on which the market is closed all day."""
    interruption_s: Annotated[int, Meta(ge=0, le=INTERRUPTION_S_MAX)] = 0
    """How long the auction lasts that a breached price band begins, in seconds; 0: until the operator ends it."""
    interruption_random_s: Annotated[int, Meta(ge=0, le=RANDOM_S_MAX)] = 0
    """At most so much longer, drawn, in seconds."""


def read_calendar(path: Path) -> Calendar:
    """Read a calendar file. Raises ConfigError: file, line, what is wrong, what to do."""
    return _calendar(Source.read(path))


def parse_calendar(text: str, name: str = "calendar.toml") -> Calendar:
    """Return the calendar that a TOML text describes. Raises ConfigError as `read_calendar` does.

    Cost: 20 ms for three years, most of it looking at the zone.
    """
    return _calendar(Source.parse(name, Path(), text.encode()))


def zone_offsets(zone: ZoneInfo, from_s: int, to_s: int) -> Iterator[Offset]:
    """Yield the offset that holds at `from_s` as if from 0, then each change until `to_s`, to the second."""
    offset_s = _offset_s(zone, from_s)
    yield Offset(0, offset_s)
    for look_s in range(from_s, to_s, LOOK_S):
        end_s = look_s + LOOK_S
        if _offset_s(zone, end_s) == offset_s:
            continue
        low_s = look_s
        while end_s - low_s > 1:
            middle_s = (low_s + end_s) // 2
            if _offset_s(zone, middle_s) == offset_s:
                low_s = middle_s
            else:
                end_s = middle_s
        offset_s = _offset_s(zone, end_s)
        yield Offset(end_s * SECOND_NS, offset_s)


def _calendar(source: Source) -> Calendar:
    values = dict(source.values)
    days = values.pop("days", {})
    known = [*(field.name for field in msgspec.structs.fields(HeadTable)), "days"]
    for key in values:
        if key not in known:
            raise source.error((key,), *unknown((key,), known, "key"))
    head = convert(source, (), values, HeadTable)
    zone = _zone(source, head.zone)
    first, last = _day(source, ("first_day",), head.first_day), _day(source, ("last_day",), head.last_day)
    if not 0 <= last - first < DAYS_MAX:
        what = f"last_day is {head.last_day}"
        raise source.error(("last_day",), what, f"at most {DAYS_MAX - 1} days after first_day, not before it")
    kinds, weekdays, special = _kinds(source, days, first, last)
    for index, date in enumerate(head.holidays):
        _note(source, ("holidays", index), special, date, -1, first, last)
    if head.interruption_random_s and not head.interruption_s:
        what = "interruption_random_s without interruption_s"
        raise source.error(("interruption_random_s",), what, "interruption_s as well", "remove it")
    if len(special) > SPECIAL_MAX:
        raise source.error(
            ("holidays",), f"{len(special)} dates", f"at most {SPECIAL_MAX}", "make the calendar shorter"
        )
    offsets = tuple(zone_offsets(zone, (first - 2) * DAY_S, (last + 3) * DAY_S))
    if len(offsets) > OFFSETS_MAX:
        what = f"{head.zone} changes its clocks {len(offsets) - 1} times"
        raise source.error(("zone",), what, f"less than {OFFSETS_MAX}", "make the calendar shorter")
    calendar = Calendar(
        head.name,
        head.zone,
        first,
        last,
        kinds,
        tuple(weekdays),
        tuple(SpecialDay(day, special[day]) for day in sorted(special)),
        offsets,
        head.interruption_s,
        head.interruption_random_s,
    )
    assert fault(calendar) is None, fault(calendar)
    return calendar


def _kinds(source: Source, days: Any, first: int, last: int) -> tuple[tuple[DayKind, ...], list[int], dict[int, int]]:
    """Return the kinds of days, the kind of each day of the week, and that of each date."""
    if not isinstance(days, dict) or not days:
        what = f"days is {value_of(days)}" if days else "no kind of day"
        raise source.error(("days",), what, "a table for each kind of day", "write [days.regular]")
    if len(days) > KINDS_MAX:
        raise source.error(("days", list(days)[KINDS_MAX]), f"{len(days)} kinds of days", f"at most {KINDS_MAX}")
    kinds: list[DayKind] = []
    weekdays = [-1] * len(WEEKDAYS)
    special: dict[int, int] = {}
    for index, (name, values) in enumerate(days.items()):
        path: KeyPath = ("days", name)
        if not re.fullmatch(pattern_of(CalendarName)[2:-2], name) or len(name) > 32:
            raise source.error(path, f"{shown(path)} is no name", "a to z, 0 to 9, _ and -, at most 32")
        if not isinstance(values, dict):
            raise source.error(path, f"{shown(path)} is {value_of(values)}", "a table", f"write [days.{name}]")
        table = convert(source, path, values, DayTable)
        kinds.append(DayKind(name, _steps(source, path, table.steps)))
        for place, weekday in enumerate(table.weekdays):
            number = WEEKDAYS.index(weekday)
            if weekdays[number] >= 0:
                what = f"{weekday} is of kind {kinds[weekdays[number]].name} already"
                raise source.error(
                    (*path, "weekdays", place), what, "each day of the week once", "remove one of the two"
                )
            weekdays[number] = index
        for place, date in enumerate(table.dates):
            _note(source, (*path, "dates", place), special, date, index, first, last)
    return tuple(kinds), weekdays, special


def _steps(source: Source, path: KeyPath, tables: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    at = (*path, "steps")
    if not 1 <= len(tables) <= STEPS_MAX:
        hint = "list a day without steps under holidays" if not tables else ""
        raise source.error(at, f"{len(tables)} steps", f"1 to {STEPS_MAX}", hint)
    steps = []
    for index, values in enumerate(tables):
        table = convert(source, (*at, index), values, StepTable)
        hours, minutes, *seconds = (int(part) for part in table.at.split(":"))
        at_s = hours * 3_600 + minutes * 60 + sum(seconds)
        steps.append(Step(at_s, Phase[table.phase.upper()], table.closing, table.random_s))
    wrong = step_fault(steps)
    if wrong is not None:
        raise source.error((*at, wrong.number, wrong.key), wrong.what, wrong.expected, wrong.hint)
    return tuple(steps)


def _note(
    source: Source, path: KeyPath, special: dict[int, int], date: datetime.date, kind: int, first: int, last: int
) -> None:
    """Enter a date that is not as its day of the week."""
    day = _day(source, path, date)
    if not first <= day <= last:
        raise source.error(path, f"{date} is outside the calendar", "a date from first_day to last_day", "remove it")
    if day in special:
        raise source.error(path, f"{date} is there twice", "each date once", "remove one of the two")
    special[day] = kind


def _day(source: Source, path: KeyPath, date: datetime.date) -> int:
    if isinstance(date, datetime.datetime) or not 1971 <= date.year <= 2259:
        raise source.error(path, f"{shown(path)} is {date}", "a date from 1971 to 2259, such as 2026-12-25")
    return (date - EPOCH).days


def _zone(source: Source, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        zones = available_timezones()
        hint = "install the package tzdata: this system has no zones" if not zones else ""
        wrong: ConfigError = source.error(("zone",), f'zone is "{name}"', "an IANA zone", hint)
        if zones:
            what, expected, close = unknown((name,), sorted(zones), "IANA zone")
            wrong = source.error(("zone",), f"zone {what}", expected[:60], close)
        raise wrong from error


def _offset_s(zone: ZoneInfo, at_s: int) -> int:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=at_s)
    offset = zone.fromutc(moment.replace(tzinfo=zone)).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
