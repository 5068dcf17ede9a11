"""What goes into a call auction and what comes out."""

from dataclasses import dataclass

from openoutcry.domain import Side


@dataclass(frozen=True, slots=True)
class AuctionOrder:
    """One order of a call auction; its place in the list is its time priority.

    qty_lots: 1 to QTY_LOTS_MAX; an iceberg takes part with all of it. price_ticks: the limit, 1 to PRICE_TICKS_MAX and
    a multiple of the tick, or None for a market order. market_to_limit: a market order whose rest becomes a limit
    order at the clearing price afterwards; within the auction it is any market order. hidden: filled after everything
    displayed at its price. strike_match_minimum_ticks: a buy that takes part only where the clearing price is at
    least this.

    Nothing is checked here: `uncross` checks, since it can say which order is wrong.
    """

    side: Side
    qty_lots: int
    price_ticks: int | None
    market_to_limit: bool = False
    hidden: bool = False
    strike_match_minimum_ticks: int | None = None


@dataclass(frozen=True, slots=True)
class Clearing:
    """The result of a call auction.

    price_ticks: None where nothing can trade; the rest is then 0, None and empty. volume_lots: what trades.
    surplus_lots, surplus_side: the difference of demand and supply at the price, and which is larger (None when equal).
    fills: (place of the order in the list, lots) for each order that trades, in order of the list; the lots of the
    buys and of the sells are `volume_lots` each.
    """

    price_ticks: int | None
    volume_lots: int
    surplus_lots: int
    surplus_side: Side | None
    fills: tuple[tuple[int, int], ...]


NOTHING_TRADES = Clearing(None, 0, 0, None, ())
