"""`outcry venue`: what an operator tells a venue."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from openoutcry.cli.order import choice
from openoutcry.cli.reach import OK_EXIT, key_of, print_json, reach
from openoutcry.cli.usage import UsageError
from openoutcry.client import Venue
from openoutcry.client.admin import instrument_number
from openoutcry.domain import AccountField, Pair, Phase
from openoutcry.venue.messages import OperatorDone

NOT_A_LIMIT: Final = frozenset({AccountField.OPEN, AccountField.SESSION})
"""Fields of an account that a venue keeps itself."""


def run_member_add(profile: Path, key: str, accounts: int, rate: int, name: str, as_json: bool) -> int:
    """Add a member."""
    member = key_of(key)
    return done(
        profile,
        lambda venue: venue.administration.add_member(member, accounts=accounts, commands_per_s=rate, name=name),
        lambda done: f"member {key[:16]} trades as session {done.number}, on {accounts} accounts",
        as_json,
    )


def run_member_suspend(profile: Path, key: str, again: bool, keep: bool, as_json: bool) -> int:
    """Suspend a member, or let it trade again."""
    member = key_of(key)
    if again:
        return done(
            profile,
            lambda venue: venue.administration.reinstate(member),
            lambda done: f"member {key[:16]} trades again",
            as_json,
        )
    return done(
        profile,
        lambda venue: venue.administration.suspend(member, cancel=not keep),
        lambda done: f"member {key[:16]} is suspended, {done.number} orders cancelled",
        as_json,
    )


def run_member_limits(
    profile: Path, key: str, limits: list[str], account: int | None, rate: int | None, as_json: bool
) -> int:
    """Set limits of a member."""
    member = key_of(key)
    wanted = [_limit(limit) for limit in limits]
    if not wanted and rate is None:
        raise UsageError("which limit? write it as in order_lots_max=1000, or give --rate")

    def use(venue: Venue) -> OperatorDone:
        administration = venue.administration
        for field, value in wanted:
            done = administration.limit(member, field, value, account=-1 if account is None else account)
        if rate is not None:
            done = administration.rate(member, rate)
        return done

    count = len(wanted) + (rate is not None)
    return done(profile, use, lambda done: f"{count} limits of member {key[:16]} are set", as_json)


def run_list(
    profile: Path,
    number: int,
    name: str,
    base: str,
    quote: str,
    tick_units: int,
    price_ticks_max: int,
    auction: bool,
    as_json: bool,
) -> int:
    """List a pair."""
    if not name:
        raise UsageError("a new pair needs a name, as in: outcry venue list 0 EURUSD --base HASH --quote HASH")
    instruments = key_of(base), key_of(quote)
    try:
        phase = Phase.AUCTION if auction else Phase.CONTINUOUS
        numbers = [instrument_number(one) for one in instruments]
        pair = Pair(number, base=numbers[0], quote=numbers[1], price_ticks_max=price_ticks_max, phase=phase)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return done(
        profile,
        lambda venue: venue.administration.list_pair(
            pair, base=instruments[0], quote=instruments[1], name=name, tick_units=tick_units
        ),
        lambda done: f"pair {number}, {name}, is listed",
        as_json,
    )


def run_pairs(profile: Path, as_json: bool) -> int:
    """Show what a venue trades."""

    def use(venue: Venue) -> int:
        if as_json:
            rows = [
                {
                    "pair": listed.number,
                    "name": listed.name,
                    "phase": listed.said.phase.name.lower(),
                    "tick": str(listed.scale.tick),
                    "lot": str(listed.scale.lot),
                    "tick_units": listed.said.tick_units,
                    "price_ticks_max": listed.said.price_ticks_max,
                    "maker_ppm": listed.said.maker_ppm,
                    "taker_ppm": listed.said.taker_ppm,
                }
                for listed in venue.pairs()
            ]
            print_json(rows)
            return OK_EXIT
        for listed in venue.pairs():
            said = listed.said
            print(
                f"{listed.number}  {listed.name}  {said.phase.name.lower()}, tick {listed.scale.tick}, "
                f"lot {listed.scale.lot}, maker {said.maker_ppm} ppm, taker {said.taker_ppm} ppm"
            )
        if not venue.pairs():
            print("no pairs: list one with outcry venue list NUMBER NAME --base HASH --quote HASH")
        return OK_EXIT

    return reach(profile, use, trades=False)


def run_phase(profile: Path, pair: str, phase: str, why: str, as_json: bool) -> int:
    """Bring a pair into a phase."""
    wanted = choice("phase", phase, Phase)
    return done(
        profile,
        lambda venue: venue.administration.phase(venue.pair(pair).number, wanted, detail=why),
        lambda done: f"{pair} is {phase}",
        as_json,
    )


def run_cancel_for(profile: Path, key: str, pair: str | None, as_json: bool) -> int:
    """Cancel a member's orders."""
    member = key_of(key)
    return done(
        profile,
        lambda venue: venue.administration.cancel_for(member, pair=-1 if pair is None else venue.pair(pair).number),
        lambda done: f"{done.number} orders of member {key[:16]} cancelled",
        as_json,
    )


def done(
    profile: Path, ask: Callable[[Venue], OperatorDone], text: Callable[[OperatorDone], str], as_json: bool
) -> int:
    """Ask an operator's command and print what was done."""

    def use(venue: Venue) -> int:
        done = ask(venue)
        if as_json:
            print_json({"done": True, "number": done.number, "detail": done.detail})
        else:
            print(text(done))
        return OK_EXIT

    return reach(profile, use, trades=False)


def _limit(text: str) -> tuple[AccountField, int]:
    name, equals, value = text.partition("=")
    field = choice("limit", name, AccountField)
    if field in NOT_A_LIMIT:
        raise UsageError(f"limit {name} is the venue's own: it is not set by hand")
    digits = value.removeprefix("-")
    if not equals or not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise UsageError(f"limit {text[:40]}: expected a whole number, as in {name}=1000")
    return field, int(value)
