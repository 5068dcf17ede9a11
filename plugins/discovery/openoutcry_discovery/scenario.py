"""A small market for simulation: a venue, and three who trade on it, of whom one is also its operator."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from openoutcry.host.kinds import Cast, Scenario
from openoutcry.role import Role
from openoutcry.venue.questions import open_orders
from openoutcry.venue.role import VenueRole
from openoutcry.wire.fields import KeyId
from openoutcry_discovery.kinds import DISCOVERY, TRADER, DiscoverySettings
from openoutcry_discovery.trader import PAIR, Trader, TraderSettings, first_of

TRADERS: Final = ("alice", "bob", "carol")
FRAMES: Final = 60
"""Of each trader, at most eight on their way, 50 ms a tick."""


def nodes(keys: Mapping[str, KeyId]) -> Mapping[str, Sequence[Cast]]:
    """Return who does what."""
    venue = keys["venue"].hex()
    members = tuple(keys[name].hex() for name in TRADERS)
    traders = {
        name: [Cast(TRADER, TraderSettings(venue, members if name == TRADERS[0] else (), FRAMES))] for name in TRADERS
    }
    return {"venue": [Cast(DISCOVERY, DiscoverySettings((members[0],)))], **traders}


def broken(roles: Mapping[str, Mapping[str, Role]]) -> list[str]:
    """Return whose commands were acknowledged and are not there, or have the number of another's."""
    venue = venue_of(roles)
    lines: list[str] = []
    numbers: Counter[int] = Counter()
    for name, trader in traders_of(roles):
        numbers.update(number for own in trader.answered.values() for number in own)
        if venue is None or not trader.number:
            continue
        sessions = venue.floor.sessions
        session = sessions.numbers.get(trader.own_key)
        if session != trader.number:
            lines.append(f"{name} was told session {trader.number}, the venue knows it as {session}")
            continue
        following = sessions.value(session, "next_sequence")
        last = max(trader.answered, default=0)
        if last and first_of(last + 1) > following:
            lines.append(f"{name} has an answer to frame {last}, the venue waits for command {following}")
    lines += [f"{count} commands have book number {number}" for number, count in numbers.items() if count > 1]
    if venue is not None and numbers and max(numbers) > venue.floor.books.sequence:
        lines.append(f"book number {max(numbers)} was told, the book is at {venue.floor.books.sequence}")
    return lines


def unsettled(roles: Mapping[str, Mapping[str, Role]]) -> list[str]:
    """Return who waits for answers, or sees something else than the venue."""
    venue = venue_of(roles)
    if venue is None or venue.floor.feeds is None:
        return ["the venue is down"]
    lines: list[str] = []
    if PAIR not in venue.floor.pairs:
        return ["the pair is not listed yet"]
    digest = venue.floor.feeds.feed(PAIR).digest(venue.floor.books).digest
    for name, trader in traders_of(roles):
        if trader.unanswered:
            lines.append(f"{name} waits for {trader.unanswered} answers")
        if trader.own is None:
            lines.append(f"{name} has no session yet")
            continue
        orders = open_orders(venue.floor, trader.number)
        left = (orders["displayed_lots"] + orders["reserve_lots"]).tolist()
        if trader.own.leaves != dict(zip(orders["handle"].tolist(), left, strict=True)):
            lines.append(f"{name} sees {len(trader.own.leaves)} own orders, the venue {len(orders)}, or other ones")
        if trader.public.digest() != digest:
            lines.append(f"{name} sees another public book than the venue's")
    return lines


def venue_of(roles: Mapping[str, Mapping[str, Role]]) -> VenueRole | None:
    """Return the venue, None while it is down."""
    return next((role for role in roles.get("venue", {}).values() if isinstance(role, VenueRole)), None)


def traders_of(roles: Mapping[str, Mapping[str, Role]]) -> list[tuple[str, Trader]]:
    """Return the traders that are up, with the names of their nodes."""
    return [(name, role) for name in TRADERS for role in roles.get(name, {}).values() if isinstance(role, Trader)]


SCENARIOS: Final = (
    Scenario("venue", "a venue and three who trade on it", ("venue", *TRADERS), nodes, broken, unsettled),
)
