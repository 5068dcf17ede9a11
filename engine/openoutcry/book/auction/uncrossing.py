"""A whole call auction over a list of orders."""

from collections.abc import Iterable

from openoutcry.book.auction.checks import checked
from openoutcry.book.auction.orders import AuctionOrder, Clearing
from openoutcry.domain import AuctionRule


def uncross(
    orders: Iterable[AuctionOrder],
    *,
    reference_ticks: int | None,
    tick: int,
    rule: str | AuctionRule,
    collar: tuple[int, int] | None = None,
) -> Clearing:
    """Return the clearing of a call auction over `orders`, whose order is their time priority.

    reference_ticks: what ties are decided by (the last price, the previous close), 1 to PRICE_TICKS_MAX, or None.
    tick: price_ticks between two allowed prices; limits are multiples of it, the other prices need not be. rule: a
    member of `AuctionRule` or its name in small letters. collar: lowest and highest price that may come out;
    "xetra_continuous_auction" needs one, the quote of its market maker.

    Fills go by price, market orders first, displayed before hidden at one price, then by time.
    Raises ValueError, naming the field, the place of the order and what was expected; then nothing was computed.
    Cost: O(n log n); 100,000 orders take 50 ms, of which finding the price takes 1. The first call loads numba.

    >>> from openoutcry.domain import Side
    >>> orders = [
    ...     AuctionOrder(Side.BUY, 300, 202),
    ...     AuctionOrder(Side.BUY, 200, 201),
    ...     AuctionOrder(Side.SELL, 400, 199),
    ... ]
    >>> clearing = uncross(orders, reference_ticks=None, tick=1, rule="xetra_equities")
    >>> clearing.price_ticks, clearing.volume_lots, clearing.surplus_lots, clearing.surplus_side
    (201, 400, 100, <Side.BUY: 0>)
    >>> clearing.fills
    ((0, 300), (1, 100), (2, 400))
    """
    auction = checked(orders, reference_ticks, tick, rule, collar)
    from openoutcry.book.auction.columns import clear_columns  # numpy and numba, 0.5 s, only for whoever uncrosses

    return clear_columns(auction)
