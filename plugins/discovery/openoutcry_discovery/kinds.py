"""The kinds of roles that this plugin brings."""

from typing import Annotated, Any, Final

from msgspec import Meta

from openoutcry.domain.limits import ORDERS_MAX
from openoutcry.host.kinds import Answers, RoleKind, Settings
from openoutcry.marketdata import messages as marketdata
from openoutcry.marketdata.records import INDICATIONS, L3, LEVELS, TOPS, TRADES
from openoutcry.role import Ports
from openoutcry.venue import messages as venue
from openoutcry.venue.calendar import messages as calendar
from openoutcry.venue.proof import messages as proof
from openoutcry.venue.role import TAKES, Terms, VenueRole
from openoutcry.venue.statements import messages as statements
from openoutcry.venue.tariffs import messages as tariffs
from openoutcry.wire.frames import COMMANDS, EVENTS
from openoutcry.wire.tags import MessageType
from openoutcry_discovery.trader import HEARD, Trader, TraderSettings

Key = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class DiscoverySettings(Settings, frozen=True, forbid_unknown_fields=True):
    """operators: keys of those who may command the venue, 64 hexadecimal digits each; without one there are neither
    members nor pairs. orders_first: live orders that the books have room for at first; they grow by themselves.
    authorities: keys whose MARKET_STATE the venue obeys, 64 hexadecimal digits each. receipts: whether it signs in
    which order it has carried commands out; cannot be changed later.
    """

    operators: Annotated[tuple[Key, ...], Meta(max_length=64)] = ()
    orders_first: Annotated[int, Meta(ge=1, le=ORDERS_MAX)] = 65_536
    authorities: Annotated[tuple[Key, ...], Meta(max_length=16)] = ()
    receipts: bool = True


def _discovery(settings: Any, ports: Ports, answers: Answers) -> VenueRole:
    operators = frozenset(bytes.fromhex(key) for key in settings.operators)
    authorities = frozenset(bytes.fromhex(key) for key in settings.authorities)
    terms = Terms(
        operators, is_lit=True, orders_first=settings.orders_first, authorities=authorities, receipts=settings.receipts
    )
    return VenueRole("discovery", terms, ports, answers)


MESSAGES: Final[tuple[MessageType, ...]] = (
    *venue.MESSAGES,
    *marketdata.MESSAGES,
    *calendar.MESSAGES,
    *tariffs.MESSAGES,
    *statements.MESSAGES,
    *proof.MESSAGES,
)
"""All that a venue and those who trade or watch there say to each other."""

DISCOVERY: Final = RoleKind(
    name="discovery",
    version=VenueRole.version,
    summary="a lit venue: members trade on its books, anyone may watch them",
    make=_discovery,
    settings=DiscoverySettings,
    messages=MESSAGES,
    records=(L3, LEVELS, TOPS, TRADES, INDICATIONS),
    takes=TAKES,
    takes_records=frozenset([COMMANDS.number]),
)


def _trader(settings: Any, ports: Ports, answers: Answers) -> Trader:
    return Trader(settings, ports)


TRADER: Final = RoleKind(
    name="trader",
    version=Trader.version,
    summary="a member of a venue, for simulations: trades, and compares what it is told",
    make=_trader,
    settings=TraderSettings,
    messages=(*venue.MESSAGES, *marketdata.MESSAGES),
    records=(L3, LEVELS, TOPS, TRADES, INDICATIONS),
    takes=HEARD,
    takes_records=frozenset(kind.number for kind in (EVENTS, L3, LEVELS, TOPS, TRADES, INDICATIONS)),
)
