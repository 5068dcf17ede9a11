"""`outcry simulate`, as it is declared; what it does is in `cli.simulate`, which is only loaded when it runs."""

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(simulate)


def simulate(
    scenario: Annotated[
        str | None, typer.Argument(metavar="SCENARIO", help="One of those that installed plugins bring; else all.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", help="How many runs; 100, or 1 where --seed is given.", min=1)
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", help="The first seed, 0.", min=0)] = None,
    faults: Annotated[
        str | None,
        typer.Option("--faults", metavar="KIND,...", help="Only these kinds of faults; none for no faults; else all."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", metavar="M", help="Go on with new seeds for so long, each scenario.", min=0.0),
    ] = None,
    signatures: Annotated[
        str, typer.Option("--signatures", metavar="KIND", help="mixed, checksum or ed25519.")
    ] = "mixed",
    plugin: Annotated[
        list[str] | None, typer.Option("--plugin", metavar="NAME", help="Load only this plugin; may be repeated.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print every event.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Run small markets on virtual time while everything goes wrong that can, and say what broke.

    The roles and the node are the same as in `outcry run`; network, clocks and disks are simulated. One seed repeats a
    run byte for byte. Exit code 1 where something broke.
    """
    from openoutcry.cli.simulate import Asked, run_simulate

    asked = Asked(scenario, seeds, seed, faults, minutes, signatures, tuple(plugin or ()), verbose, json)
    failures = run_simulate(asked)
    if failures:
        raise typer.Exit(1)
