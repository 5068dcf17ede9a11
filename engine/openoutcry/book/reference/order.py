"""An order as the plain book keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from openoutcry.book.state import Queue
from openoutcry.domain import OrderType, SelfTrade, Side, TimeInForce

if TYPE_CHECKING:
    from openoutcry.book.reference.accounts import Account, Position
    from openoutcry.book.reference.pair_book import PairBook

Rank = tuple[int, int, int]
"""Place in a queue: price rank, size rank, arrival; the smallest is served first."""


@dataclass(slots=True, eq=False)
class Order:
    """A live order. Prices in ticks, quantities in lots, times in ns.

    price_ticks: its limit, which is the end of the pair's range while it has no price of its own (`priced` is False).
    displayed_lots, reserve_lots: its leaves; only an iceberg that rests has a reserve.
    original_lots: quantity at placement or at the last replacement that lost priority. trigger_ticks: 0 unless it is
    a stop that waits. atomic: it must trade so much or nothing, so protection that trips does not come between.
    queue, rank: where it waits; queue is None while it is a taker.
    """

    handle: int
    client_id: int
    indexed: bool
    book: PairBook
    account: Account
    position: Position
    side: Side
    kind: OrderType
    tif: TimeInForce
    stp: SelfTrade
    reduce_only: bool
    backed: bool
    priced: bool
    price_ticks: int
    displayed_lots: int
    reserve_lots: int
    peak_lots: int
    original_lots: int
    trigger_ticks: int
    expiry_ns: int
    queue: Queue | None = None
    rank: Rank = (0, 0, 0)
    live: bool = True
    atomic: bool = False

    @property
    def leaves(self) -> int:
        """Lots that are left."""
        return self.displayed_lots + self.reserve_lots

    @property
    def own_price_ticks(self) -> int:
        """Its own price, or 0 when it has none."""
        return self.price_ticks if self.priced else 0

    @property
    def hidden(self) -> bool:
        """Whether public market data leaves it out."""
        return self.kind == OrderType.HIDDEN

    def take_off(self, lots: int) -> None:
        """Take lots off as a cancellation does: the reserve first, then displayed lots."""
        from_reserve = min(lots, self.reserve_lots)
        self.reserve_lots -= from_reserve
        self.displayed_lots -= lots - from_reserve

    def fill(self, lots: int) -> None:
        """Take lots off as a trade does: displayed lots first, then the reserve."""
        from_displayed = min(lots, self.displayed_lots)
        self.displayed_lots -= from_displayed
        self.reserve_lots -= lots - from_displayed

    def would_trade_with_itself(self, taker: Order) -> bool:
        """Whether the taker asked for self-trade prevention and this order is of its account group."""
        group = taker.account.group
        return bool(taker.stp) and group != 0 and group == self.account.group
