"""Statements and day reports for a reader: as lines of text, and as plain values for JSON. Integers throughout."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from openoutcry.venue.statements.messages import DayLine, PairName, StatementLine, narrow

Values: TypeAlias = dict[str, Any]

STATEMENT_HEADS: Final = {
    "account": "account",
    "name": "pair",
    "opening_lots": "opening",
    "bought_lots": "bought",
    "sold_lots": "sold",
    "adjusted_lots": "adjusted",
    "closing_lots": "closing",
    "trades": "trades",
    "bought_units": "paid",
    "sold_units": "received",
    "maker_fees_units": "maker fees",
    "taker_fees_units": "taker fees",
}
"""Key of a line to the head of its column; lots, then units of the quote instrument."""

DAY_HEADS: Final = {
    "name": "pair",
    "open_ticks": "open",
    "high_ticks": "high",
    "low_ticks": "low",
    "close_ticks": "close",
    "trades": "trades",
    "volume_lots": "lots",
    "value_units": "value",
    "annulled": "annulled",
    "halts": "halts",
    "cancels": "cancels",
    "members": "members",
}


def month_name(month: int) -> str:
    """Return a month as it is written.

    >>> month_name(24_322), month_number("2026-11")
    ('2026-11', 24322)
    """
    return f"{month // 12:04}-{month % 12 + 1:02}"


def month_number(text: str) -> int:
    """Return the number of a month that is written `2026-11`. Raises ValueError."""
    date = datetime.strptime(text, "%Y-%m")
    if date.year < 1970 or len(text) != 7:
        raise ValueError(f"{text} is no month from 1970-01 on")
    return date.year * 12 + date.month - 1


def day_name(day: int) -> str:
    """Return a day as it is written.

    >>> day_name(20_782), day_number("2026-11-25")
    ('2026-11-25', 20782)
    """
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day):%Y-%m-%d}"


def day_number(text: str) -> int:
    """Return the number of a day that is written `2026-11-25`. Raises ValueError."""
    day = (datetime.strptime(text, "%Y-%m-%d") - datetime(1970, 1, 1)).days
    if day < 0 or len(text) != 10:
        raise ValueError(f"{text} is no day from 1970-01-01 on")
    return day


def line_values(lines: Iterable[StatementLine | DayLine], names: Iterable[PairName]) -> list[Values]:
    """Return the numbers of each line by name, `name` and `quote` of its pair among them; sums as integers."""
    known: Mapping[int, PairName] = {name.pair: name for name in names}
    shown = []
    for line in lines:
        values = msgspec.structs.asdict(line)
        pair = known.get(line.pair)
        values = {key: narrow(value) if isinstance(value, bytes) else value for key, value in values.items()}
        values["name"] = pair.name if pair is not None and pair.name else str(line.pair)
        values["quote"] = pair.quote.hex() if pair is not None else ""
        shown.append(values)
    return shown


def fee_totals(values: Iterable[Values]) -> list[Values]:
    """Return what was paid in fees in each quote instrument, by instrument: never summed over instruments."""
    totals: dict[str, int] = {}
    for line in values:
        fees = line["maker_fees_units"] + line["taker_fees_units"]
        totals[line["quote"]] = totals.get(line["quote"], 0) + fees
    return [{"quote": quote, "fees_units": totals[quote]} for quote in sorted(totals)]


def table(values: Sequence[Values], heads: Mapping[str, str]) -> list[str]:
    """Return lines of text with a head; names to the left, numbers to the right, columns without any number left out.

    >>> table([{"name": "OUT/EUR", "trades": 12, "halts": 0}], {"name": "pair", "trades": "trades", "halts": "halts"})
    ['pair     trades', 'OUT/EUR      12']
    """
    keys = [key for key in heads if key in ("name", "account", "trades") or any(line[key] for line in values)]
    rows = [[heads[key] for key in keys], *([str(line[key]) for key in keys] for line in values)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(keys))]
    return [
        "  ".join(
            cell.ljust(width) if key == "name" else cell.rjust(width)
            for key, cell, width in zip(keys, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def statement_text(month: int, until_ns: int, values: Sequence[Values]) -> str:
    """Return a statement as text."""
    lines = [f"Statement for {month_name(month)}, up to {_time(until_ns)}", ""]
    if not values:
        return "\n".join([*lines, "No trades and no positions.", ""])
    lines += table(values, STATEMENT_HEADS)
    lines.append("")
    for total in fee_totals(values):
        of = f"instrument {total['quote'][:16]}" if total["quote"] else "quote instruments that are not named"
        lines.append(f"Fees: {total['fees_units']} units of {of}")
    return "\n".join([*lines, "Positions, bought and sold in lots; paid, received and fees in units.", ""])


def day_text(day: int, until_ns: int, values: Sequence[Values]) -> str:
    """Return a day report as text."""
    lines = [f"Report of {day_name(day)}, up to {_time(until_ns)}", ""]
    lines += table(values, DAY_HEADS) if values else ["Nothing happened."]
    return "\n".join([*lines, ""])


def _time(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC"
