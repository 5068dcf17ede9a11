"""`outcry statement`: its options."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(statement)


def statement(
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="By UTC; else the present month.")
    ] = None,
    venue: Annotated[
        Path, typer.Option("--venue", metavar="FILE", help="How the venue is reached, and with which keys.")
    ] = Path("venue.toml"),
    session: Annotated[
        Path | None,
        typer.Option("--session", metavar="FILE", help="Ask nobody: add up the matches that a client has recorded."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Say what a member has traded in a month, what it paid in fees, and where its positions stand."""
    from openoutcry.cli.statement import run_statement

    return run_statement(month, venue, session, json)
