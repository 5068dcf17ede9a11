"""What is seen of the first market: ladder, tape, who trades, what happens. Lines where there is no terminal."""

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from openoutcry.cli.market.crew import Crew
from openoutcry.cli.market.pacing import Pacing
from openoutcry.cli.market.play import Play
from openoutcry.client import BookView, Listed
from openoutcry.marketdata.followers import Trade

FRAMES_PER_S: Final = 8
LEVELS: Final = 7
TRADES: Final = 2 * LEVELS + 1
BAR_CHARS: Final = 14
LINE_EVERY_S: Final = 2.0
"""Between two lines of progress, where there is no terminal."""

WIDTH: Final = 100

STATES: Final = {
    "running": ("running", "bold green"),
    "killed": ("KILLED (SIGKILL)", "bold white on red"),
    "restarting": ("RESTARTING", "bold black on yellow"),
}


class Notes:
    """What has happened, with the seconds since the beginning. Any thread may add."""

    def __init__(self, say: "Console | None") -> None:
        """say: prints each note at once."""
        self.lines: list[tuple[float, str]] = []
        self._say = say
        self._begin = time.monotonic()
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self._begin

    def __call__(self, text: str) -> None:
        """Add what has happened now."""
        with self._lock:
            self.lines.append((self.seconds(), text))
            if self._say is not None:
                self._say.print(f"{self.seconds():5.1f} s  {text}", highlight=False, soft_wrap=True)


class Screen:
    """Draws the market while it is played."""

    def __init__(self, play: Play, listed: Listed, crew: Crew, pacing: Pacing, notes: Notes, venue: str) -> None:
        """venue: how it is reached."""
        self.play, self.listed, self.crew, self.pacing, self.notes, self.venue = (
            play, listed, crew, pacing, notes, venue,
        )  # fmt: skip
        self.latest: deque[Trade] = deque(maxlen=TRADES)
        self.while_dead: RenderableType = ""

    def look(self, view: BookView) -> None:
        """Remember what there is to see while the venue is dead."""
        if self.pacing.state == "killed":
            self.while_dead = self.draw(view)

    def draw(self, view: BookView) -> Group:
        """Return everything."""
        middle = Table.grid(padding=(0, 1))
        middle.add_column(width=58)
        middle.add_column(width=40)
        middle.add_row(self._ladder(view), Group(self._tape(), self._members()))
        return Group(self._head(), middle, self._progress(), self._happened())

    def line(self, view: BookView) -> str:
        """Return the state as a line."""
        done, total = self.pacing.done, len(self.play.commands)
        bids, asks = view.depth.bids.tolist(), view.depth.asks.tolist()
        price = self.listed.scale.price
        best = f"{price(bids[0][0]):f} / {price(asks[0][0]):f}" if bids and asks else "one side is empty"
        return f"{done:>9,} of {total:,} commands, {100 * done // total:3} %, {self.listed.name} {best}"

    def _head(self) -> RenderableType:
        words, style = STATES[self.pacing.state]
        text = Text.assemble(
            (self.listed.name, "bold"),
            f"  recorded {self.play.day()}, {self.play.clock(min(self.pacing.done, len(self.play.commands) - 1))} UTC",
            "    venue ",
            (f" {words} ", style),
            (f"  {self.venue}", "dim"),
        )
        return text

    def _ladder(self, view: BookView) -> RenderableType:
        scale = self.listed.scale
        grid = Table(box=None, pad_edge=False, padding=(0, 1), expand=True)
        for name, justify in (("to buy", "right"), ("price", "right"), ("to sell", "left")):
            grid.add_column(name, justify=justify, no_wrap=True, header_style="dim")  # type: ignore[arg-type]
        bids, asks = view.depth.bids.tolist()[:LEVELS], view.depth.asks.tolist()[:LEVELS]
        most = max((lots for _, lots, _ in (*bids, *asks)), default=1)
        rows: list[tuple[RenderableType, ...]] = [("", "", "")] * (LEVELS - len(asks))
        for price, lots, _ in reversed(asks):
            rows.append(
                (
                    "",
                    Text(f"{scale.price(price):,f}", "red"),
                    Text(f"{_bar(lots, most)} {_qty(self.listed, lots)}", "red"),
                )
            )
        spread = f"{scale.price(asks[0][0] - bids[0][0]):f} apart" if bids and asks else ""
        rows.append(("", Text(spread, "dim"), ""))
        for price, lots, _ in bids:
            rows.append(
                (
                    Text(f"{_qty(self.listed, lots)} {_bar(lots, most)}", "green"),
                    Text(f"{scale.price(price):,f}", "green"),
                    "",
                )
            )
        rows += [("", "", "")] * (LEVELS - len(bids))
        for row in rows:
            grid.add_row(*row)
        stale = "" if view.is_current else ", waiting for the venue"
        return Panel(grid, title=f"the book, as it is followed{stale}", box=ROUNDED, title_align="left")

    def _tape(self) -> RenderableType:
        shown = LEVELS - 1
        lines = [self._trade(trade) for trade in list(self.latest)[:shown]]
        lines += [Text("")] * (shown - len(lines))
        return Panel(Group(*lines), title="trades", box=ROUNDED, title_align="left")

    def _trade(self, trade: Trade) -> Text:
        scale = self.listed.scale
        style = "green" if trade.side == 0 else "red"
        word = "bought" if trade.side == 0 else "sold"
        return Text(f"{word:<6} {_qty(self.listed, trade.qty_lots):>12}  at {scale.price(trade.price_ticks):,f}", style)

    def _members(self) -> RenderableType:
        grid = Table(box=None, pad_edge=False, padding=(0, 1), expand=True)
        for name, justify in (("", "left"), ("process", "right"), ("acknowledged", "right")):
            grid.add_column(name, justify=justify, no_wrap=True, header_style="dim")  # type: ignore[arg-type]
        for number, member in enumerate(self.crew.members):
            turn = "▸" if number == self.pacing.member else " "
            grid.add_row(f"{turn} {member.name}", str(member.pid), f"{member.taken:,}")
        return Panel(grid, title="members", box=ROUNDED, title_align="left")

    def _progress(self) -> RenderableType:
        total = len(self.play.commands)
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=62)
        grid.add_column()
        grid.add_row(
            ProgressBar(total=total, completed=self.pacing.done, width=62),
            f"{self.pacing.done:,} of {total:,} commands",
        )
        return grid

    def _happened(self) -> RenderableType:
        lines = [
            Text(f"{seconds:5.1f} s  {text}", no_wrap=True, overflow="ellipsis")
            for seconds, text in self.notes.lines[-6:]
        ]
        lines += [Text("")] * (6 - len(lines))
        return Panel(Group(*lines), title="what happens", box=ROUNDED, title_align="left", width=WIDTH)


@contextmanager
def shown(screen: Screen, console: Console, view: BookView, *, live: bool) -> Iterator["Shower"]:
    """Show a screen while the block runs."""
    if not live:
        yield Shower(screen, console, None)
        return
    with Live(screen.draw(view), console=console, auto_refresh=False) as drawn:
        yield Shower(screen, console, drawn)


class Shower:
    """Brings a screen up to date."""

    def __init__(self, screen: Screen, console: Console, live: Live | None) -> None:
        self._screen, self._console, self._live = screen, console, live
        self._said = time.monotonic()

    def update(self, view: BookView) -> None:
        """Draw, or print a line when it is time."""
        if self._live is not None:
            self._live.update(self._screen.draw(view), refresh=True)
        elif time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            self._screen.notes(self._screen.line(view))


def is_live(console: Console) -> bool:
    """Tell whether the terminal can be drawn on."""
    return console.is_terminal and os.environ.get("TERM") != "dumb"


def _bar(lots: int, most: int) -> str:
    return "█" * max(1, lots * BAR_CHARS // max(1, most))


def _qty(listed: Listed, lots: int) -> str:
    return f"{listed.scale.qty(lots):f}"
