"""`outcry init`, `run` and `status`: their options."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Argument(metavar="FILE", help="The node's configuration.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(run)
    app.command()(status)


def init(
    roles: Annotated[
        list[str], typer.Argument(metavar="ROLE...", help="What the node is to do; `outcry plugins` lists.")
    ],
    dir: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Folder of the node; its name by default.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the node; the first role by default.")
    ] = None,
    plugin: Annotated[
        list[str] | None,
        typer.Option("--plugin", metavar="NAME", help="A plugin that brings roles of other names; may be repeated."),
    ] = None,
    unlock: Annotated[
        str | None,
        typer.Option(
            "--unlock",
            metavar="SOURCE",
            help="Also make the keystore; its passphrase comes from prompt, fd:N, file:PATH or credential:NAME.",
        ),
    ] = None,
) -> None:
    """Write the configuration of a node, with every setting explained, and make its data folder."""
    from openoutcry.cli.init import run_init

    run_init(roles, dir, name, plugin or [], unlock)


def run(
    file: ConfigFile,
    check: Annotated[bool, typer.Option("--check", help="Only look whether the configuration is right.")] = False,
) -> int:
    """Run a node until it is told to stop."""
    from openoutcry.cli.run import run_run

    return run_run(file, check)


def status(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The node's configuration.")] = Path("node.toml"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Show how a running node is."""
    from openoutcry.cli.status import run_status

    return run_status(file, json)
