"""`outcry venue calendar`, `tariff` and `annul`: what an operator rules of pairs and trades."""

from datetime import UTC, datetime
from pathlib import Path

import typer

from openoutcry.cli.reach import PROFILE_EXIT
from openoutcry.cli.usage import UsageError
from openoutcry.cli.venue import done
from openoutcry.client.calendar_file import read_calendar
from openoutcry.node.config.errors import ConfigError
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.venue.tariffs.tariffs import ALL_PAIRS

AT_ONCE = 0


def run_calendar(profile: Path, file: Path, pairs: list[str], as_json: bool) -> int:
    """Hand in a calendar."""
    try:
        calendar = read_calendar(file)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        return PROFILE_EXIT
    return done(
        profile,
        lambda venue: venue.administration.calendar(calendar, [venue.pair(pair).number for pair in pairs]),
        lambda told: f"{told.number} pairs follow calendar {calendar.name}",
        as_json,
    )


def run_tariff(
    profile: Path, pair: str, rates: tuple[int, int, int, int, int], start: str | None, as_json: bool
) -> int:
    """Set a tariff. rates: maker, taker, minimum, maximum, flat."""
    maker, taker, minimum, maximum, flat = rates
    from_ns = AT_ONCE if start is None else _time_ns(start)
    tariff = Tariff(from_ns, maker, taker, minimum, flat, maximum)
    return done(
        profile,
        lambda venue: venue.administration.tariff(tariff, ALL_PAIRS if pair == "all" else venue.pair(pair).number),
        lambda told: f"{pair}: maker {maker} ppm, taker {taker} ppm from {start or 'now'} on",
        as_json,
    )


def run_annul(profile: Path, pair: str, number: int, why: str, as_json: bool) -> int:
    """Annul a trade."""
    return done(
        profile,
        lambda venue: venue.administration.annul(venue.pair(pair).number, number, why),
        lambda told: f"trade {number} of {pair} is void",
        as_json,
    )


def _time_ns(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--from {text[:40]}: expected a time as 2026-12-01 or 2026-12-01T08:00") from None
    seconds = found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    if seconds <= 0:
        raise UsageError(f"--from {text[:40]}: expected a time to come")
    return int(seconds) * 10**9
