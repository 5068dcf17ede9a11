"""Whether a taker that must trade so many lots could (rules, section 4). Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable

from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import DISPLAYED
from openoutcry.domain import Allocation, SelfTrade


def could_trade(taker: Order, need_lots: int) -> bool:
    """Walk the orders that the taker would meet, adding up their lots, until the need is reached."""
    passes: list[Callable[[Order], bool]] = [lambda maker: True]
    broker = taker.account.broker
    if taker.book.pair.allocation == Allocation.BROKER_PRICE_TIME and broker != 0:
        passes = [lambda maker: maker.account.broker == broker, lambda maker: maker.account.broker != broker]
    found_lots = 0
    for meets in passes:
        lots, stopped = walk(taker, need_lots - found_lots, meets)
        found_lots += lots
        if stopped or found_lots >= need_lots:
            break
    return found_lots >= need_lots


def walk(taker: Order, need_lots: int, meets: Callable[[Order], bool]) -> tuple[int, bool]:
    """Lots found among the makers that it meets, and whether the band or an order of its own group ended the walk.

    Where an own order does, the orders ahead of it on its level count with their displayed lots only, since their
    reserves come behind it; on a level that is shared pro rata nothing counts, since prevention comes before any trade.
    """
    book, found_lots = taker.book, 0
    for level in book.levels_within(taker.side.opposite, taker.price_ticks):
        met = [maker for maker in level if meets(maker)]
        if met and not book.in_band(met[0].price_ticks):
            return found_lots, True
        ahead: list[Order] = []
        for maker in met:
            if not maker.would_trade_with_itself(taker):
                ahead.append(maker)
            elif taker.stp != SelfTrade.CANCEL_OLDEST:
                if book.pair.allocation == Allocation.PRO_RATA and maker.queue in DISPLAYED:
                    ahead = []
                return found_lots + sum(order.displayed_lots for order in ahead), True
        found_lots += sum(order.leaves for order in ahead)
        if found_lots >= need_lots:
            break
    return found_lots, False
