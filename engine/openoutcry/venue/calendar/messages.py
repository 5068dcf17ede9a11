"""A calendar as an operator hands it in: days, steps and the offsets of its zone, all of it journaled."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from openoutcry.domain import Phase
from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.wire.fields import TimeNs
from openoutcry.wire.tags import Message, MessageType, Tag

DAY_S: Final = 86_400
"""Seconds of a day by a clock on a wall; a real day may have an hour more or less."""

DAY_MAX: Final = 106_000
"""Last day that a calendar may name, in days since 1970: in the year 2260, before nanoseconds end."""

DAYS_MAX: Final = 3_660
"""Days of one calendar: ten years. Zones change their rules more often than that."""

KINDS_MAX: Final = 16
"""Kinds of days in one calendar."""

STEPS_MAX: Final = 256
"""Steps of one kind of day: a call auction every two minutes of a working day. A signed calendar of one such kind
takes 3 KiB."""

SPECIAL_MAX: Final = 1_024
"""Holidays and other days by date in one calendar: ten years of a hundred each."""

OFFSETS_MAX: Final = 128
"""Changes of the zone's clocks in one calendar: Morocco changes them four times a year."""

RANDOM_S_MAX: Final = 3_600
"""Longest window for a random end, in seconds."""

INTERRUPTION_S_MAX: Final = 86_400
"""Longest auction after a breached band, in seconds."""

CALENDAR_PAIRS_MAX: Final = 4_096
"""Pairs to which one CALENDAR_SET applies; more need a second one."""

CalendarName = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"\A[a-z][a-z0-9_-]*\Z")]
ZoneName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9_+/-]+\Z")]
DayNumber = Annotated[int, Meta(ge=1, le=DAY_MAX)]
"""Days since 1970-01-01."""
KindIndex = Annotated[int, Meta(ge=-1, le=KINDS_MAX - 1)]
"""Which kind of day; -1: closed all day."""
OffsetSeconds = Annotated[int, Meta(ge=-DAY_S, le=DAY_S)]


class Step(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """At a time of the day a phase begins.

    at_s: seconds since midnight as clocks in the zone show them. closing: the auction is the closing one. random_s:
    the step is taken at a moment drawn from `at_s` up to so many seconds later.
    """

    at_s: Annotated[int, Meta(ge=0, le=DAY_S - 1)]
    phase: Phase
    closing: bool = False
    random_s: Annotated[int, Meta(ge=0, le=RANDOM_S_MAX)] = 0


class DayKind(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A kind of day: its steps, earliest first."""

    name: CalendarName
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=STEPS_MAX)]


class SpecialDay(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A date that is not as its day of the week: a holiday (kind -1), a half day."""

    day: DayNumber
    kind: KindIndex


class Offset(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """From a moment on, clocks in the zone show UTC plus so many seconds."""

    from_ns: TimeNs
    offset_s: OffsetSeconds


class Calendar(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """When a market is in which phase, from the first to the last day; closed before and after.

    zone: its name, to be shown; what counts is `offsets`, whose first one begins at 0. weekdays: kind of each day of
    the week, Monday first. special: dates that are different, earliest first. interruption_s: how long the auction
    lasts that a breached band begins, 0 for none that ends by itself; interruption_random_s: at most so much longer.
    """

    name: CalendarName
    zone: ZoneName
    first_day: DayNumber
    last_day: DayNumber
    kinds: Annotated[tuple[DayKind, ...], Meta(min_length=1, max_length=KINDS_MAX)]
    weekdays: Annotated[tuple[KindIndex, ...], Meta(min_length=7, max_length=7)]
    special: Annotated[tuple[SpecialDay, ...], Meta(max_length=SPECIAL_MAX)]
    offsets: Annotated[tuple[Offset, ...], Meta(min_length=1, max_length=OFFSETS_MAX)]
    interruption_s: Annotated[int, Meta(ge=0, le=INTERRUPTION_S_MAX)] = 0
    interruption_random_s: Annotated[int, Meta(ge=0, le=RANDOM_S_MAX)] = 0


class CalendarSet(Message, frozen=True, tag=int(Tag.CALENDAR_SET)):
    """Operator: these pairs follow this calendar from now on, in place of the one before."""

    calendar: Calendar
    pairs: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=PAIRS_MAX - 1)], ...], Meta(min_length=1, max_length=CALENDAR_PAIRS_MAX)
    ]


MESSAGES: Final[tuple[MessageType, ...]] = (CalendarSet,)
