"""What is seen of the first market: ladder, tape, who trades, what happens. Lines where there is no terminal."""

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

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
WIDTH: Final = 100
HEIGHT: Final = 30
LINE_EVERY_S: Final = 2.0
"""Between two lines of progress, where there is no terminal."""


class Size(NamedTuple):
    """How much there is room for: columns, those of the right half, levels of a side, notes, columns of a bar."""

    width: int
    right: int
    levels: int
    notes: int
    bar: int

    @property
    def trades(self) -> int:
        """Return how many trades stand above the members, so that both halves are as high."""
        return 2 * self.levels - 5


FULL: Final = Size(WIDTH, 40, LEVELS, 6, 14)
SMALL: Final = Size(80, 33, 5, 3, 4)
"""For a terminal of 80 columns and 24 lines."""

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
        self.say(text)

    def say(self, text: str) -> None:
        """Print a line without keeping it."""
        if self._say is not None:
            self._say.print(f"{self.seconds():5.1f} s  {text}", highlight=False, soft_wrap=True)


class Screen:
    """Draws the market while it is played."""

    def __init__(self, play: Play, listed: Listed, crew: Crew, pacing: Pacing, notes: Notes, size: Size) -> None:
        self.play, self.listed, self.crew, self.pacing, self.notes, self.size = play, listed, crew, pacing, notes, size
        self.latest: deque[Trade] = deque(maxlen=FULL.trades)
        self.while_dead: RenderableType = ""

    def look(self, view: BookView) -> None:
        """Remember what there is to see while the venue is dead."""
        if self.pacing.state == "killed":
            self.while_dead = self.draw(view)

    def draw(self, view: BookView) -> Group:
        """Return everything."""
        middle = Table.grid(padding=(0, 1, 0, 0))
        middle.add_column(width=self.size.width - self.size.right - 1)
        middle.add_column(width=self.size.right)
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
            f"  real orders of {self.play.day()}, " if self.play.is_real else "  GENERATED orders, ",
            f"{self.play.clock(min(self.pacing.done, len(self.play.commands) - 1))}    venue ",
            (f" {words} ", style),
        )
        return text

    def _ladder(self, view: BookView) -> RenderableType:
        scale = self.listed.scale
        grid = Table(box=None, pad_edge=False, padding=(0, 1), expand=True)
        for name, justify in (("to buy", "right"), ("price", "right"), ("to sell", "left")):
            grid.add_column(name, justify=justify, no_wrap=True, header_style="dim")  # type: ignore[arg-type]
        levels = self.size.levels
        bids, asks = view.depth.bids.tolist()[:levels], view.depth.asks.tolist()[:levels]
        most = max((lots for _, lots, _ in (*bids, *asks)), default=1)
        rows: list[tuple[RenderableType, ...]] = [("", "", "")] * (levels - len(asks))
        for price, lots, _ in reversed(asks):
            offer = f"{self._bar(lots, most)} {_qty(self.listed, lots)}"
            rows.append(("", Text(f"{scale.price(price):,f}", "red"), Text(offer, "red")))
        spread = f"{scale.price(asks[0][0] - bids[0][0]):f} apart" if bids and asks else ""
        rows.append(("", Text(spread, "dim"), ""))
        for price, lots, _ in bids:
            bid = f"{_qty(self.listed, lots)} {self._bar(lots, most)}"
            rows.append((Text(bid, "green"), Text(f"{scale.price(price):,f}", "green"), ""))
        rows += [("", "", "")] * (levels - len(bids))
        for row in rows:
            grid.add_row(*row)
        stale = "" if view.is_current else ", waiting"
        return Panel(grid, title=f"order book{stale}", box=ROUNDED, title_align="left")

    def _tape(self) -> RenderableType:
        shown = self.size.trades
        lines = [self._trade(trade) for trade in list(self.latest)[:shown]]
        lines += [Text("")] * (shown - len(lines))
        return Panel(Group(*lines), title="trades, newest first", box=ROUNDED, title_align="left")

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
        return Panel(grid, title="members, a process each", box=ROUNDED, title_align="left")

    def _progress(self) -> RenderableType:
        total = len(self.play.commands)
        grid = Table.grid(padding=(0, 1))
        width = self.size.width - self.size.right
        grid.add_column(width=width)
        grid.add_column()
        done = f"{self.pacing.done:,} of {total:,} commands"
        grid.add_row(ProgressBar(total=total, completed=self.pacing.done, width=width), done)
        return grid

    def _happened(self) -> RenderableType:
        count = self.size.notes
        lines = [
            Text(f"{seconds:5.1f} s  {text}", no_wrap=True, overflow="ellipsis")
            for seconds, text in self.notes.lines[-count:]
        ]
        lines += [Text("")] * (count - len(lines))
        return Panel(Group(*lines), title="what happens", box=ROUNDED, title_align="left", width=self.size.width)

    def _bar(self, lots: int, most: int) -> str:
        return "█" * max(1, lots * self.size.bar // max(1, most))


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
            self._screen.notes.say(self._screen.line(view))


def is_live(console: Console) -> bool:
    """Tell whether the terminal can be drawn on."""
    return console.is_terminal and os.environ.get("TERM") != "dumb"


def size_of(console: Console, live: bool) -> Size:
    """Return the size for a console; where nothing is drawn on it, the full one."""
    return FULL if not live or (console.width >= WIDTH and console.height >= HEIGHT) else SMALL


def _qty(listed: Listed, lots: int) -> str:
    return f"{listed.scale.qty(lots):f}"
