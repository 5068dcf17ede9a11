"""`outcry venue calendar`, `tariff`, `annul` and `report`: their options."""

from pathlib import Path
from typing import Annotated

import typer

from openoutcry.cli.venue_options import PROFILE_DEFAULT, Detail, Json, PairName, Profile


def add_to(venue_app: typer.Typer) -> None:
    """Add the commands to those of `outcry venue`."""
    for command in (calendar, tariff, annul, report):
        venue_app.command()(command)


def calendar(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The calendar, in TOML.")],
    pairs: Annotated[list[str], typer.Argument(metavar="PAIR...", help="Names or numbers of the pairs.")],
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Let pairs trade by a calendar from now on."""
    from openoutcry.cli.rulings import run_calendar

    return run_calendar(venue, file, pairs, json)


def tariff(
    pair: Annotated[str, typer.Argument(metavar="PAIR|all", help="A pair, or all that have no tariff of their own.")],
    maker: Annotated[int, typer.Option("--maker", metavar="PPM", help="Of the side that rested; may be negative.")],
    taker: Annotated[int, typer.Option("--taker", metavar="PPM", help="Of the side that came.")],
    minimum: Annotated[int, typer.Option("--minimum", metavar="UNITS", min=0, help="At least, of a trade.")] = 0,
    maximum: Annotated[int, typer.Option("--maximum", metavar="UNITS", min=0, help="At most; 0: no limit.")] = 0,
    flat: Annotated[int, typer.Option("--flat", metavar="UNITS", min=0, help="Besides, of each side.")] = 0,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="As in 2026-12-01 or 2026-12-01T08:00, by UTC.")
    ] = None,
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Say what a trade costs from a time on, or at once."""
    from openoutcry.cli.rulings import run_tariff

    return run_tariff(venue, pair, (maker, taker, minimum, maximum, flat), start, json)


def annul(
    pair: PairName,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Of the trade, as its feed counts.")],
    why: Detail = "",
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Make a trade void, before its first lock."""
    from openoutcry.cli.rulings import run_annul

    return run_annul(venue, pair, number, why, json)


def report(
    day: Annotated[str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="By UTC; else today.")] = None,
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Say what happened in each pair on a day."""
    from openoutcry.cli.statement import run_day_report

    return run_day_report(venue, day, json)
