"""`outcry keys`: its commands and their options."""

from pathlib import Path
from typing import Annotated, Final

import typer

keys_app: Final = typer.Typer(help="The keys of a node: make, show, renew, revoke, give out.", no_args_is_help=True)

Keystore = Annotated[Path, typer.Argument(metavar="PATH", help="The keystore.")]
Unlock = Annotated[
    str,
    typer.Option(
        "--unlock",
        metavar="SOURCE",
        help="Where the passphrase comes from: prompt, fd:N, file:PATH or credential:NAME.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(keys_app, name="keys")


@keys_app.command()
def new(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The keystore to make.")],
    unlock: Unlock = "prompt",
    cost: Annotated[
        str,
        typer.Option(
            "--cost",
            metavar="COST",
            help="Work for each guess of the passphrase: interactive (64 MiB), moderate (256 MiB), sensitive (1 GiB).",
        ),
    ] = "moderate",
) -> None:
    """Make a keystore with a new identity."""
    from openoutcry.cli.keys import run_new

    run_new(path, unlock, cost)


@keys_app.command()
def show(
    path: Keystore,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    statements: Annotated[
        bool, typer.Option("--statements", help="Also write all statements of the keystore beside it.")
    ] = False,
) -> None:
    """Show identity, link key, and what was said of them. Needs no passphrase."""
    from openoutcry.cli.keys import run_show

    run_show(path, json, statements)


@keys_app.command()
def rotate(
    path: Keystore,
    links: Annotated[bool, typer.Option("--links", help="Only a new link key, under the same identity.")] = False,
    unlock: Unlock = "prompt",
) -> None:
    """Give the node a new identity, and write a statement of that, signed by the old one and the new one."""
    from openoutcry.cli.keys import run_rotate

    run_rotate(path, links, unlock)


@keys_app.command()
def revoke(
    path: Keystore,
    reason: Annotated[str, typer.Option("--reason", metavar="REASON", help="stolen, lost or retired.")],
    key: Annotated[
        str, typer.Option("--key", metavar="DIGITS", help="An earlier identity, by its first 8 digits or more.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From when, such as 2026-11-25T17:00:00Z; else from now.")
    ] = "",
    unlock: Unlock = "prompt",
) -> None:
    """Give up an identity for good, and write a statement of that.

    A node goes on after this only where it was rotated first; then give --key with the old identity.
    """
    from openoutcry.cli.keys import run_revoke

    run_revoke(path, reason, key, since, unlock)


@keys_app.command()
def passphrase(
    path: Keystore,
    unlock: Unlock = "prompt",
    new_unlock: Annotated[
        str, typer.Option("--new-unlock", metavar="SOURCE", help="Where the new passphrase comes from.")
    ] = "prompt",
) -> None:
    """Put a keystore under another passphrase."""
    from openoutcry.cli.keys import run_passphrase

    run_passphrase(path, unlock, new_unlock)


@keys_app.command()
def serve(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="The keystores, all under one passphrase.")],
    socket: Annotated[
        Path, typer.Option("--socket", metavar="SOCKET", help="Where nodes ask: a name in a folder that is only yours.")
    ],
    unlock: Unlock = "prompt",
) -> None:
    """Open keystores once, and give the nodes of this machine their secrets until stopped."""
    from openoutcry.cli.keys import run_serve

    run_serve(paths, socket, unlock)
