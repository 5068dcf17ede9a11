"""`outcry verify`: its commands and their options."""

from pathlib import Path
from typing import Annotated, Final

import typer

verify_app: Final = typer.Typer(help="Check what a venue has signed, off line.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(verify_app, name="verify")


@verify_app.callback()
def _verify() -> None:
    """Check what a venue has signed, off line."""


@verify_app.command()
def session(
    member: Annotated[str, typer.Option("--member", metavar="KEY", help="Whose session it is: 64 hexadecimal digits.")],
    file: Annotated[Path, typer.Option("--session", metavar="FILE", help="The file that the member's client wrote.")],
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Another member's file: were both shown the same chain?"),
    ] = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="Only what is wrong, not what became of orders.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Check a member's session against heads, receipts, signatures and rules; say of each order why it did or did not
    trade.

    One line for each finding. Exit code 1 where there is one.
    """
    from openoutcry.cli.verify import run_verify_session

    if run_verify_session(member, file, against, findings, json):
        raise typer.Exit(1)
