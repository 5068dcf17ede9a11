"""The members of a market that writes session files: what they send, and what a venue may try with it."""

import random
from dataclasses import dataclass, field
from enum import Enum
from io import BytesIO
from typing import Final

from openoutcry.book import commands
from openoutcry.domain import AccountField, OrderType, SelfTrade, Side, TimeInForce
from openoutcry.domain.records import Commands
from openoutcry.venue.proof.member import Link, MemberChain
from openoutcry.venue.proof.messages import ChainHead, Sealed
from openoutcry.wire.signed import Signer

GHOST: Final = 10**9
"""Number of a command that a member never sent."""

LIMITS: Final = (
    (AccountField.OPEN, 1),
    (AccountField.OPEN_ORDERS_MAX, 1_000),
    (AccountField.ORDER_LOTS_MAX, 1_000),
    (AccountField.NOTIONAL_MAX, 10**9),
    (AccountField.POSITION_LOTS_MAX, 10**6),
)


class Cheat(Enum):
    """What a venue may try with one frame of a member."""

    TAMPER = "carries out another price than was sent"
    TAMPER_CHAIN = "carries out what was sent, and puts another command into its chain"
    DROP = "acknowledges a frame and forgets it"
    INSERT = "carries out a frame in the member's name that it never sent"
    REORDER = "puts two frames of a member into its chain in the other order"
    REORDER_CHAIN = "gives two frames of two members other places than their order in the book"
    TWO_CHAINS = "shows one member other frames of a third than the others"
    INVENT_FILL = "tells a member of a trade that was none"
    INVENT_MATCH = "signs a match with a command that the member never sent"
    WITHHOLD = "never answers for a receipt"
    HIDE_EVENT = "does not tell a member of one of its fills"
    OTHER_PLACE = "gives a receipt for another place"


@dataclass
class Trader:
    """A member: its chain, its file, and what it has sent."""

    number: int
    signer: Signer
    chain: MemberChain
    file: BytesIO
    sequence: int = 0
    event: int = 0
    client_ids: list[int] = field(default_factory=list)
    records: dict[int, bytes] = field(default_factory=dict)
    runs: dict[int, bytes] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    seen: ChainHead | None = None
    sealed: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)

    @property
    def account(self) -> int:
        """Its only account."""
        return self.number


@dataclass
class Frame:
    """What one member has sent and the venue is about to apply."""

    trader: Trader
    sequence: int
    rows: Commands
    sealed: Sealed | None = None
    parts: list[int] = field(default_factory=list)


def draw_command(draw: random.Random, trader: Trader) -> Commands:
    """Draw a command; one in ten makes no sense."""
    known = trader.client_ids
    kind = draw.random()
    name = draw.choice(known) if known else 1
    if kind < 0.12:
        return commands.cancel(0, trader.account, name)
    if kind < 0.18:
        return commands.reduce(0, trader.account, name, draw.randrange(1, 5))
    if kind < 0.28:
        return commands.replace(0, trader.account, name, draw.randrange(1, 9), 95 + draw.randrange(11))
    client_id = trader.sequence * 100 + draw.randrange(100) + 1
    known.append(client_id)
    side, qty, price = Side(draw.randrange(2)), draw.randrange(1, 10), 95 + draw.randrange(11)
    stp = draw.choice(list(SelfTrade))
    if kind < 0.34:
        peak = max(1, qty // 2)
        return commands.place(
            0, trader.account, client_id, side, qty, price, kind=OrderType.ICEBERG, display_lots=peak, stp=stp
        )
    if kind < 0.4:
        tif = draw.choice([TimeInForce.IOC, TimeInForce.FOK])
        return commands.place(0, trader.account, client_id, side, qty, kind=OrderType.MARKET, tif=tif, stp=stp)
    if kind < 0.45:
        return commands.place(0, trader.account, client_id, side, qty, kind=OrderType.STOP, trigger_ticks=price)
    kinds = [OrderType.LIMIT] * 6 + [OrderType.POST_ONLY_SLIDE, OrderType.HIDDEN, OrderType.MARKET_TO_LIMIT]
    chosen = draw.choice(kinds)
    price = 0 if chosen is OrderType.MARKET_TO_LIMIT else price
    return commands.place(0, trader.account, client_id, side, qty, price, kind=chosen, stp=stp)
