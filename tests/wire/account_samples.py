"""Messages of calendars, tariffs and statements, each beside its content as plain values, written out by hand."""

from typing import Any, Final

from openoutcry.domain import Phase, Side
from openoutcry.venue.calendar.messages import Calendar, CalendarSet, DayKind, Offset, SpecialDay, Step
from openoutcry.venue.statements.messages import (
    Annul,
    Annulled,
    DayLine,
    DayReport,
    DayReportAsk,
    PairName,
    Statement,
    StatementAsk,
    StatementLine,
)
from openoutcry.venue.tariffs.messages import Tariff, TariffSet
from openoutcry.wire.tags import Message

TIME_NS: Final = 1_700_000_000_000_000_000
QUOTE: Final = b"Q" * 32
ONE, LESS = b"\x01" + bytes(15), b"\xff" * 16
"""The numbers 1 and -1 in 16 bytes."""

_CALENDAR = Calendar(
    "frankfurt",
    "Europe/Berlin",
    20_000,
    20_001,
    (DayKind("regular", (Step(32_400, Phase.AUCTION, True), Step(32_500, Phase.CONTINUOUS, False, 30))),),
    (0, 0, 0, 0, 0, -1, -1),
    (SpecialDay(20_001, -1),),
    (Offset(0, 3_600), Offset(TIME_NS, 7_200)),
    300,
    30,
)
_CALENDAR_PLAIN: list[Any] = [
    "frankfurt",
    "Europe/Berlin",
    20_000,
    20_001,
    [["regular", [[32_400, 2, True, 0], [32_500, 3, False, 30]]]],
    [0, 0, 0, 0, 0, -1, -1],
    [[20_001, -1]],
    [[0, 3_600], [TIME_NS, 7_200]],
    300,
    30,
]

ACCOUNT_SAMPLES: Final[tuple[tuple[Message, list[Any]], ...]] = (
    (CalendarSet(_CALENDAR, (7, 65_535)), [82, _CALENDAR_PLAIN, [7, 65_535]]),
    (TariffSet(-1, Tariff(TIME_NS, -20, 35, 1, 2, 3)), [83, -1, [TIME_NS, -20, 35, 1, 2, 3]]),
    (Annul(7, 9, "a wrong price"), [84, 7, 9, "a wrong price"]),
    (
        Annulled(7, 9, 44, 3, Side.SELL, True, 100, 5, -2, TIME_NS, "why"),
        [85, 7, 9, 44, 3, 1, True, 100, 5, -2, TIME_NS, "why"],
    ),
    (StatementAsk(24_322, 3, 7), [86, 24_322, 3, 7]),
    (
        Statement(
            24_322,
            TIME_NS,
            (StatementLine(3, 7, -(2**62) + 1, 5, 2, ONE, ONE, ONE, ONE, LESS, ONE, LESS),),
            (PairName(7, "OUT/EUR", QUOTE),),
            True,
        ),
        [
            87,
            24_322,
            TIME_NS,
            [[3, 7, -(2**62) + 1, 5, 2, ONE, ONE, ONE, ONE, LESS, ONE, LESS]],
            [[7, "OUT/EUR", QUOTE]],
            True,
        ],
    ),
    (DayReportAsk(20_000, 7), [88, 20_000, 7]),
    (
        DayReport(
            20_000,
            TIME_NS,
            (DayLine(7, 100, 103, 98, 101, 12, ONE, ONE, 1, 2, 4, 3),),
            (PairName(7, "OUT/EUR", QUOTE),),
            False,
        ),
        [
            89,
            20_000,
            TIME_NS,
            [[7, 100, 103, 98, 101, 12, ONE, ONE, 1, 2, 4, 3]],
            [[7, "OUT/EUR", QUOTE]],
            False,
        ],
    ),
)
