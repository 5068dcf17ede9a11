"""The end of the first market, in words and as a picture."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from openoutcry.cli.market.market import Outcome
from openoutcry.cli.market.screen import WIDTH


def show_outcome(outcome: Outcome, console: Console, plain: bool) -> None:
    """Print the proof as a table, and one line of what it comes to. plain: it was held against the plain books."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    books = "plain books, no kill" if plain else "books alone, no kill"
    for name, justify in (("", "left"), ("network, killed once", "right"), (books, "right"), ("", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for line in outcome.lines:
        mark = Text("same", "green") if line.holds else Text("DIFFERENT", "bold white on red")
        table.add_row(line.claim, line.found, line.wanted, mark)
    console.print()
    console.print(table, highlight=False)
    console.print()
    console.print(
        f"{outcome.commands:,} commands, {outcome.trades:,} trades, {outcome.seconds:.0f} s. The venue was dead for "
        f"{outcome.down_s:.1f} s; {outcome.waited} commands had no answer when it died, and were sent again.",
        highlight=False,
    )
    if outcome.holds:
        console.print("Nothing was lost, nothing was done twice, and every trade is the same.", style="bold green")
    else:
        console.print("This is not the market that it would have been: see what is DIFFERENT above.", style="bold red")


def write_picture(outcome: Outcome, path: Path, plain: bool) -> None:
    """Write an SVG of the screen while the venue was dead, with the proof under it. Raises OSError."""
    console = Console(record=True, width=WIDTH, force_terminal=True, file=io.StringIO())
    console.print(outcome.while_dead)
    show_outcome(outcome, console, plain)
    svg = console.export_svg(title="outcry demo", unique_id="market")
    svg = svg.replace("Fira Code, monospace", "monospace")
    # rich lets a browser fetch its font from elsewhere; any fixed-width one will do.
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), encoding="utf-8")
