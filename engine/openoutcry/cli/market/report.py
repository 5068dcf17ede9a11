"""The end of the first market, in words."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openoutcry.cli.market.market import Outcome


def show_outcome(outcome: Outcome, console: Console, plain: bool) -> None:
    """Print the proof as a table, and one line of what it comes to."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.title = "Is it the market that it would have been without the kill?"
    twin = "plain Python books, " if plain else ""
    for name, justify in (
        ("", "left"),
        ("through the network, killed once", "right"),
        (f"{twin}directly, uninterrupted", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for line in outcome.lines:
        mark = Text("same", "green") if line.holds else Text("DIFFERENT", "bold white on red")
        table.add_row(line.claim, line.found, line.wanted, mark)
    console.print(table)
    words = (
        f"{outcome.commands:,} commands, {outcome.trades:,} trades; the venue was killed and away for "
        f"{outcome.down_s:.1f} s, {outcome.resent} commands on their way were sent again. {outcome.seconds:.0f} s."
    )
    console.print(words, highlight=False)
    if outcome.holds:
        console.print("Nothing was lost, nothing was done twice, and every trade is the same.", style="bold green")
    else:
        console.print("This is not the market that it would have been: see the lines above.", style="bold red")
