"""`outcry compact`: its options."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compact)


def compact(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The node's configuration.")] = Path("node.toml"),
    once: Annotated[
        bool, typer.Option("--once", help="Read to the end of what is durable, write one snapshot, and stop.")
    ] = False,
    unlock: Annotated[
        str | None,
        typer.Option(
            "--unlock",
            metavar="SOURCE",
            help="For roles that ask for secrets: prompt, fd:N, file:PATH, credential:NAME or service:SOCKET.",
        ),
    ] = None,
    records: Annotated[
        int, typer.Option("--records", min=1, metavar="N", help="Records between two snapshots.")
    ] = 1_000_000,
    minutes: Annotated[
        int, typer.Option("--minutes", min=1, metavar="N", help="Minutes after which one is written anyway.")
    ] = 10,
) -> int:
    """Follow a node beside it: prove its journal, check its roles, write its snapshots."""
    from openoutcry.cli.compact import run_compact

    return run_compact(file, once, unlock, records, minutes)
