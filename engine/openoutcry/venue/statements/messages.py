"""Statements, day reports and annulment, as members, operator and venue say them to each other.

Sums may be larger than any 64-bit integer: they travel as `Wide`, 16 bytes.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from openoutcry.domain import Side
from openoutcry.domain.limits import ACCOUNTS_MAX, PAIRS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from openoutcry.wire.fields import Count, Detail, InstrumentId, SequenceNumber, TimeNs
from openoutcry.wire.limits import INT_MAX
from openoutcry.wire.tags import Message, MessageType, Tag

MONTH_MAX: Final = 2_261 * 12
"""Last month, in months since the year 0: before nanoseconds end."""

DAY_MAX: Final = 106_751
"""Last day, in days since 1970: before nanoseconds end."""

LINES_MAX: Final = 256
"""Lines of one STATEMENT or DAY_REPORT: at most 200 bytes each, so they stay below the longest control message."""

WIDE_BYTES: Final = 16

Wide = Annotated[bytes, Meta(min_length=WIDE_BYTES, max_length=WIDE_BYTES)]
"""A sum, as a signed little-endian integer of 16 bytes: 2^64 trades of the largest value fit."""

Month = Annotated[int, Meta(ge=1_970 * 12, le=MONTH_MAX)]
"""Year x 12 + month - 1, by UTC."""
Day = Annotated[int, Meta(ge=0, le=DAY_MAX)]
"""Days since 1970-01-01, by UTC."""
Pair = Annotated[int, Meta(ge=0, le=PAIRS_MAX - 1)]
Account = Annotated[int, Meta(ge=0, le=ACCOUNTS_MAX - 1)]
Position = Annotated[int, Meta(ge=-INT_MAX, le=INT_MAX)]
SignedCount = Annotated[int, Meta(ge=-INT_MAX, le=INT_MAX)]
Ticks = Annotated[int, Meta(ge=0, le=PRICE_TICKS_MAX)]
SignedUnits = Annotated[int, Meta(ge=-INT_MAX, le=INT_MAX)]
ShortName = Annotated[str, Meta(max_length=32, pattern=r"\A[ -~]*\Z")]


def wide(value: int) -> bytes:
    """Return a sum as it travels. Raises OverflowError beyond 127 bits.

    >>> narrow(wide(-(2**100))) == -(2**100)
    True
    """
    return value.to_bytes(WIDE_BYTES, "little", signed=True)


def narrow(value: bytes) -> int:
    """Return the integer that `wide` wrote."""
    return int.from_bytes(value, "little", signed=True)


class Annul(Message, frozen=True, tag=int(Tag.ANNUL)):
    """Operator: trade `number` of a pair is void; only before its first lock."""

    pair: Pair
    number: SequenceNumber
    detail: Detail = ""


class Annulled(Message, frozen=True, tag=int(Tag.ANNULLED)):
    """To both members of a trade: it is void. What it did to the position and the fee of this side is taken back.

    book_sequence: of the command that made the orders meet, as MATCH has it. side: on which the account was; as_maker:
    whether as maker. fee_units: what was charged to this side, now returned (negative: now paid back).
    """

    pair: Pair
    number: SequenceNumber
    book_sequence: SequenceNumber
    account: Account
    side: Side
    as_maker: bool
    price_ticks: Ticks
    qty_lots: Annotated[int, Meta(ge=1, le=QTY_LOTS_MAX)]
    fee_units: SignedUnits
    time_ns: TimeNs
    detail: Detail = ""


class StatementAsk(Message, frozen=True, tag=int(Tag.STATEMENT_ASK)):
    """A member: what have my accounts traded in this month? From this account and pair on."""

    month: Month
    account: Account = 0
    pair: Pair = 0


class StatementLine(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One account in one pair. opening, closing: net lots when the month began and when it ended, or now.

    trades: sides of trades that were made less those annulled; what is annulled is taken off in the month in which that
    happens, so this and all sums may be less than 0. bought, sold: lots; units: their value in the
    quote instrument. maker_fees, taker_fees: units; auctions count as taker. adjusted: lots that adjusting the pair
    (a split) has added to the position. opening + bought - sold + adjusted = closing.
    """

    account: Account
    pair: Pair
    opening_lots: Position
    closing_lots: Position
    trades: SignedCount
    bought_lots: Wide
    sold_lots: Wide
    bought_units: Wide
    sold_units: Wide
    maker_fees_units: Wide
    taker_fees_units: Wide
    adjusted_lots: Wide


class PairName(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """How a pair of a statement is called, and in which instrument its units are."""

    pair: Pair
    name: ShortName
    quote: InstrumentId


class Statement(Message, frozen=True, tag=int(Tag.STATEMENT)):
    """Lines by account, then pair; `more`: ask again behind the last one. pairs: of these lines, by number.

    until_ns: when it was made, or when the month ended.
    """

    month: Month
    until_ns: TimeNs
    lines: Annotated[tuple[StatementLine, ...], Meta(max_length=LINES_MAX)]
    pairs: Annotated[tuple[PairName, ...], Meta(max_length=LINES_MAX)]
    more: bool


class DayReportAsk(Message, frozen=True, tag=int(Tag.DAY_REPORT_ASK)):
    """Operator: what happened on this day? From this pair on."""

    day: Day
    pair: Pair = 0


class DayLine(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One pair on one day. Prices in ticks, 0 without a trade; those of an annulled trade stay in them.

    trades, volume (lots), value (units of the quote instrument): without annulled trades, which `annulled` counts.
    halts: how often it was halted. cancels: orders that left the book without a trade. members: with a trade.
    """

    pair: Pair
    open_ticks: Ticks
    high_ticks: Ticks
    low_ticks: Ticks
    close_ticks: Ticks
    trades: Count
    volume_lots: Wide
    value_units: Wide
    annulled: Count
    halts: Count
    cancels: Count
    members: Count


class DayReport(Message, frozen=True, tag=int(Tag.DAY_REPORT)):
    """Lines by pair; `more`: ask again behind the last one. pairs: their names. until_ns: as in STATEMENT."""

    day: Day
    until_ns: TimeNs
    lines: Annotated[tuple[DayLine, ...], Meta(max_length=LINES_MAX)]
    pairs: Annotated[tuple[PairName, ...], Meta(max_length=LINES_MAX)]
    more: bool


MESSAGES: Final[tuple[MessageType, ...]] = (
    Annul,
    Annulled,
    StatementAsk,
    Statement,
    DayReportAsk,
    DayReport,
)
