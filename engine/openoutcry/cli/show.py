"""A replay's summary as tables for people."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table

REFUSALS: Final = {
    "would_trade": "a post-only order that would have traded",
    "unknown_order": "deletes an order that our book refused, or has no more",
}
"""Reject codes that a replay of good data brings, and why."""


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print a summary (openoutcry.replay.summary)."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _lines(summary):
        table.add_row(name, value)
    console.print(table, highlight=False)


def _lines(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "source", f"{summary['source']} (reader {summary['reader']})"
    if summary["first"] is not None:
        yield "time", f"{summary['first']} to {summary['last']}, {summary['clock']}"
    yield "records", f"{summary['records']:,}, as {summary['messages']:,} messages"
    yield from _counts("left out", summary["left_out"])
    yield from _counts("noticed", summary["remarks"])
    yield "commands", f"{summary['commands']:,}"
    yield "events", ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in summary["events"].items())
    yield from _counts("refused", {_refusal(name): count for name, count in summary["refused"].items()})
    for pair in summary["pairs"]:
        yield from _pair(pair)
    if summary["pairs_in_all"] > len(summary["pairs"]):
        yield "", f"and {summary['pairs_in_all'] - len(summary['pairs']):,} more pairs"
    crossed = summary["crossed_at_rest"]
    yield (
        "crossed",
        f"{'never' if not crossed else f'{crossed:,} times'} after {summary['transactions']:,} transactions",
    )
    yield from _rebuild(summary)
    yield from _rematch(summary)
    yield "speed", _speed(summary)


def _refusal(code: str) -> str:
    words = code.replace("_", " ")
    return f"{words} ({REFUSALS[code]})" if code in REFUSALS else words


def _counts(name: str, counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for words, count in counts.items():
        yield name, f"{count:,} x {words}"
        name = ""


def _pair(pair: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "pair", f"{pair['symbol']}, tick {pair['tick']}, lot {pair['lot']}"
    prices = f", at {pair['low']:,g} to {pair['high']:,g}" if pair["trades"] else ""
    yield "trades", f"{pair['trades']:,}{prices}, volume {pair['volume']:,.8g}"
    if pair["spread_mean"] is not None:
        spread = (pair["spread_mean"], pair["spread_smallest"], pair["spread_largest"])
        yield "spread", "{:,.4g} on average, {:,g} to {:,g}".format(*spread)
    depths = [(name.split("_")[1:3], value) for name, value in pair.items() if name.startswith("depth_")]
    if all(value is not None for _, value in depths):
        sides = " and ".join(f"{value:,.4g} {side}" for (side, _), value in depths)
        yield "depth", f"{sides} in the {depths[0][0][1]} best levels, on average"


def _rebuild(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    checked = summary.get("rebuild")
    if checked is not None:
        wrong = sum(checked["faults"].values())
        right = "all right" if not wrong else f"{wrong:,} wrong"
        yield "executions", f"{checked['executions']:,} checked against the book, {right}"
        yield from _counts("", {words: count for words, count in checked["faults"].items() if count})
    levels = summary.get("levels")
    if levels is not None:
        same, best = (_percent(levels[name], levels["rows"]) for name in ("same", "same_best"))
        first = levels["first_difference_after_record"]
        since = "" if first is None else f", first difference after record {first:,}"
        yield "levels", f"{levels['rows']:,} rows, {same} the same in all levels, {best} in the best{since}"


def _rematch(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    compared = summary.get("rematch")
    if compared is None:
        return
    same, venue = compared["same"], compared["venue_trades"]
    if not venue:
        yield "same trades", "the recording has none to compare with"
        return
    yield "same trades", f"{same:,} of the venue's {venue:,} ({_percent(same, venue)}): taker, maker, price, quantity"
    yield from _counts("only theirs", compared["missing"])
    yield from _counts("only ours", compared["extra"])
    if compared["repairs"]:
        yield "brought back", f"{compared['repairs']:,} commands, after differences"


def _percent(part: int, whole: int) -> str:
    """Write a share so that only the whole is 100 %."""
    hundredths = part * 10_000 // whole if whole else 0
    return f"{hundredths // 100}.{hundredths % 100:02} %"


def _speed(summary: Mapping[str, Any]) -> str:
    overall, book = summary["messages_per_second"], summary["commands_per_second_in_book"]
    parts = []
    if overall is not None:
        parts.append(f"{overall:,} messages/s with reading")
    if book is not None:
        parts.append(f"{book:,} commands/s in the book alone")
    return ", ".join(parts)
