"""`outcry watch`: the ladder and the tape of a pair, live in the terminal, once, or as JSON."""

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from openoutcry.cli.reach import OK_EXIT, print_json, reach
from openoutcry.client import BookView, Listed, Missed, Venue
from openoutcry.client.watching import BookWatch, TradeWatch
from openoutcry.domain import Side
from openoutcry.marketdata.followers import Trade

FRAMES_PER_S: Final = 10
"""How often the terminal is drawn at most: an eye sees no more."""

BAR_CHARS: Final = 24
"""Width of the longest bar."""


def run_watch(profile: Path, pair: str, levels: int, trades: int, once: bool, as_json: bool) -> int:
    """Follow a pair until stopped, or show it once."""

    def use(venue: Venue) -> int:
        listed = venue.pair(pair)
        with venue.watch_book(listed) as book, venue.watch_trades(listed) as tape:
            if once:
                view = book.view(levels)
                if as_json:
                    print_json(book_values(view, listed))
                else:
                    Console().print(draw(view, [], listed))
            elif as_json:
                _stream(book, tape, levels, listed)
            else:
                _show(book, tape, levels, trades, listed)
        return OK_EXIT

    return reach(profile, use, trades=False)


def _stream(book: BookWatch, tape: TradeWatch, levels: int, listed: Listed) -> None:
    """Print the book whenever it has changed, and each trade, one JSON object a line."""
    print_json(book_values(book.view(levels), listed))
    while True:
        changed = book.get(1 / FRAMES_PER_S)
        while (trade := tape.reader.take()) is not None:
            print_json(trade_values(trade, listed))
        if changed is not None:
            print_json(book_values(book.view(levels), listed))


def _show(book: BookWatch, tape: TradeWatch, levels: int, trades: int, listed: Listed) -> None:
    """Draw the book and the latest trades until stopped."""
    latest: deque[Trade | Missed] = deque(maxlen=trades)
    with Live(draw(book.view(levels), [], listed), refresh_per_second=FRAMES_PER_S) as live:
        while True:
            book.get(1 / FRAMES_PER_S)
            while (trade := tape.reader.take()) is not None:
                latest.appendleft(trade)
            live.update(draw(book.view(levels), list(latest), listed))


def draw(view: BookView, trades: list[Trade | Missed], listed: Listed) -> Group:
    """Return ladder and tape as they are printed: asks above, bids below, the best in the middle."""
    scale = listed.scale
    phase = view.phase.name.lower() if view.phase is not None else "phase unknown"
    state = "" if view.is_current else ", catching up"
    head = Text(f"{listed.name}  {phase}, item {view.sequence}{state}", style="bold")
    ladder = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for name, justify in (("bid", "right"), ("price", "right"), ("ask", "left"), ("orders", "right")):
        ladder.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    bids, asks = view.depth.bids.tolist(), view.depth.asks.tolist()
    most = max((lots for _, lots, _ in (*bids, *asks)), default=1)
    for price, lots, orders in reversed(asks):
        bar = Text(f"{_bar(lots, most)} {scale.qty(lots)}", style="red")
        ladder.add_row("", str(scale.price(price)), bar, str(orders))
    if bids and asks:
        ladder.add_row("", Text(f"({scale.price(asks[0][0] - bids[0][0])})", style="dim"), "", "")
    for price, lots, orders in bids:
        bar = Text(f"{scale.qty(lots)} {_bar(lots, most)}", style="green")
        ladder.add_row(bar, str(scale.price(price)), "", str(orders))
    if not bids and not asks:
        ladder.add_row("", Text("no orders", style="dim"), "", "")
    parts: list[Any] = [head, ladder]
    if trades:
        parts += [Text("trades", style="dim"), *(_trade_line(trade, listed) for trade in trades)]
    return Group(*parts)


def _trade_line(trade: Trade | Missed, listed: Listed) -> Text:
    if isinstance(trade, Missed):
        return Text(f"({trade.items} trades missed)", style="dim")
    scale = listed.scale
    style = "green" if trade.side is Side.BUY else "red"
    text = f"{_time(trade.time_ns)}  {scale.price(trade.price_ticks)}  {scale.qty(trade.qty_lots)}"
    return Text(text, style=style)


def book_values(view: BookView, listed: Listed) -> dict[str, Any]:
    """Return a book as plain values; decimals as text, since JSON has none."""
    scale = listed.scale
    sides = (view.depth.bids.tolist(), view.depth.asks.tolist())
    bids, asks = (
        [
            {"price": str(scale.price(price)), "qty": str(scale.qty(lots)), "orders": orders}
            for price, lots, orders in side
        ]
        for side in sides
    )
    return {
        "pair": listed.name,
        "item": view.sequence,
        "is_current": view.is_current,
        "phase": view.phase.name.lower() if view.phase is not None else None,
        "bids": bids,
        "asks": asks,
    }


def trade_values(trade: Trade | Missed, listed: Listed) -> dict[str, Any]:
    """Return a trade as plain values."""
    if isinstance(trade, Missed):
        return {"pair": listed.name, "missed_trades": trade.items}
    return {
        "pair": listed.name,
        "trade": trade.number,
        "time_ns": trade.time_ns,
        "side": trade.side.name.lower(),
        "price": str(listed.scale.price(trade.price_ticks)),
        "qty": str(listed.scale.qty(trade.qty_lots)),
    }


def _bar(lots: int, most: int) -> str:
    return "█" * max(1, lots * BAR_CHARS // most)


def _time(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%H:%M:%S")
