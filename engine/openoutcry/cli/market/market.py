"""The first market from beginning to end: processes, play, kill, proof."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console, RenderableType

from openoutcry.cli.market.crew import Crew, MarketBroken
from openoutcry.cli.market.pacing import Pacing
from openoutcry.cli.market.play import MEMBERS, Play
from openoutcry.cli.market.proof import Line, hold_journal, prove, read_results, run_direct
from openoutcry.cli.market.screen import FRAMES_PER_S, LEVELS, Notes, Screen, is_live, shown, size_of
from openoutcry.client import ClientError, Missed, Scale, Venue
from openoutcry.client.practice import Practice
from openoutcry.client.watching import BookWatch, TradeWatch
from openoutcry.marketdata.followers import Trade

INSTRUMENTS: Final = (b"\x01".ljust(32, b"\0"), b"\x02".ljust(32, b"\0"))
"""Hashes that name base and quote: here nobody settles anything."""

SETTLE_S: Final = 20.0
"""How long the tape may take to reach the venue's last trade."""

OPERATOR: Final = "operator"
WATCHER: Final = "watcher"
"""Whose link the market data come by. It has a key of its own, since a node keeps one link for each key."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a market came to. while_dead: the screen as it was when the venue had been killed."""

    lines: tuple[Line, ...]
    commands: int
    trades: int
    waited: int
    down_s: float
    seconds: float
    while_dead: RenderableType

    @property
    def holds(self) -> bool:
        """Whether everything that is claimed is so."""
        return all(line.holds for line in self.lines)

    def values(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "holds": self.holds,
            "lines": [asdict(line) for line in self.lines],
            "commands": self.commands,
            "trades": self.trades,
            "waited": self.waited,
            "down_s": self.down_s,
            "seconds": self.seconds,
        }


def play_market(play: Play, console: Console, out: Path, *, live: bool, plain: bool, quiet: bool) -> Outcome:
    """Run the market and prove it. Raises MarketBroken, ClientError; every process has ended then.

    out: where the venue's log is kept if it breaks. live: draw, where the console can be drawn on. plain: prove with
    the plain books. quiet: say nothing.
    """
    live = live and is_live(console) and not quiet
    notes = Notes(None if live or quiet else console)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="outcry-") as folder:
        practice = Practice(Path(folder) / "v", members=(*MEMBERS, WATCHER), pairs=(), is_apart=True)
        with _log_kept(practice, out), practice:
            address = practice.access(WATCHER).venue.address.removeprefix("tcp://")
            notes(f"a venue at {address}: encrypted links, this machine only, a journal on the disk")
            tape, books, crew, screen = _trade(play, practice, console, notes, live, quiet)
            results = read_results(crew.members)
        notes("the venue has stopped; now the same commands without network, members and kill")
        direct = run_direct(play, [member.account for member in crew.members], plain)
        kept = hold_journal(play, crew.members, results, practice.folder / "data" / "journal")
    lines = prove(play, direct, results, kept, tape, books)
    back = sum(member.returns > 0 for member in crew.members)
    lines.append(Line("members back by themselves", f"{back}", f"{len(MEMBERS)}", back == len(MEMBERS)))
    waited = sum(member.waited for member in crew.members)
    seconds, down_s = time.monotonic() - begin, screen.pacing.down_s
    dead = screen.while_dead
    return Outcome(tuple(lines), len(play.commands), len(direct.trades), waited, down_s, seconds, dead)


def _trade(
    play: Play, practice: Practice, console: Console, notes: Notes, live: bool, quiet: bool
) -> tuple[list[Trade], tuple[str, str], Crew, Screen]:
    """Play; return the public tape, the digests of the book as followed and at the venue, the members, the screen."""
    scale = Scale(play.listed.tick.normalize(), play.listed.lot.normalize())
    name = play.listed.symbol[:32] or "MARKET"
    access = msgspec.structs.replace(practice.access(WATCHER), scales={name: scale})
    with Venue(practice.access(OPERATOR), trades=False, timeout_s=60) as operator:
        operator.administration.list_pair(play.pair, base=INSTRUMENTS[0], quote=INSTRUMENTS[1], name=name)
    with Venue(access, trades=False, timeout_s=60) as watcher, Crew(practice, play) as crew:
        notes(f"{len(crew.members)} members, each a process of its own: {', '.join(MEMBERS)}")
        listed = watcher.pair(0)
        with watcher.watch_book(listed) as book, watcher.watch_trades(listed) as tape:
            pacing = Pacing(play, crew, practice, notes)
            screen = Screen(play, listed, crew, pacing, notes, size_of(console, live))
            read: list[Trade] = []
            with _running(pacing, crew), shown(screen, console, book.view(LEVELS), live=live) as shower:
                while pacing.is_alive():
                    pacing.join(1 / FRAMES_PER_S)
                    _read(tape, read, screen)
                    view = book.view(LEVELS)
                    screen.look(view)
                    if not quiet:
                        shower.update(view)
                if pacing.failed is not None:
                    raise pacing.failed
                _settle(book, tape, read, screen, crew)
                if not quiet:
                    shower.update(book.view(LEVELS))
            for member in crew.members:
                member.finish()
            is_same = book.verify()
            own = book.digest().hex()
            return read, (own, own if is_same else "another one"), crew, screen


def _read(tape: TradeWatch, read: list[Trade], screen: Screen) -> None:
    """Take what is new on the tape. Raises MarketBroken where trades were missed."""
    while (trade := tape.reader.take()) is not None:
        if isinstance(trade, Missed):
            raise MarketBroken(f"{trade.items} trades are missing on the public tape")
        read.append(trade)
        screen.latest.appendleft(trade)


def _settle(book: BookWatch, tape: TradeWatch, read: list[Trade], screen: Screen, crew: Crew) -> None:
    """Wait until the book as followed is the venue's: then its tape is there as well, or soon."""
    assert crew.members
    book.verify()
    end = time.monotonic() + SETTLE_S
    before = -1
    while (before != len(read) or not (tape.is_current and book.is_current)) and time.monotonic() < end:
        before = len(read)
        time.sleep(0.3)
        _read(tape, read, screen)


@contextmanager
def _log_kept(practice: Practice, out: Path) -> Iterator[None]:
    """Copy the venue's log to where it can be read when something breaks."""
    try:
        yield
    except (MarketBroken, ClientError):
        shutil.copy(practice.folder / "venue.log", out / "venue.log")
        raise


@contextmanager
def _running(pacing: Pacing, crew: Crew) -> Iterator[None]:
    """Let the pacing run. When the block is left early the members end first, so that it waits for none of them."""
    pacing.start()
    try:
        yield
    finally:
        if pacing.is_alive():
            pacing.is_stopping = True
            crew.close()
            pacing.join()
