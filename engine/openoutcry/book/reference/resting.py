"""How an order comes to rest in the book (rules, section 5)."""

from __future__ import annotations

from openoutcry.book.reference.market import Market
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import DISPLAYED, HIDDEN, MARKET
from openoutcry.domain import OrderType, Phase


def rest(market: Market, order: Order) -> None:
    """Put an order at the back of its level, an iceberg with its first peak displayed."""
    book = order.book
    if not order.priced:
        book.join(order, MARKET[order.side])
    elif order.hidden:
        book.join(order, HIDDEN[order.side])
    else:
        if order.kind == OrderType.ICEBERG:
            lots = order.leaves
            order.displayed_lots = min(order.peak_lots, lots)
            order.reserve_lots = lots - order.displayed_lots
        before = book.first(DISPLAYED[order.side])
        book.join(order, DISPLAYED[order.side])
        betters = before is None or order.rank[0] < before.rank[0]
        if book.pair.pro_rata_top and book.phase == Phase.CONTINUOUS and betters:
            book.top[order.side] = order.handle
    market.log.resting(order)
