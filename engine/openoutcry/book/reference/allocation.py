"""Who of one price level is filled first, and what happens when two orders meet (rules, sections 4 and 8)."""

from __future__ import annotations

from openoutcry.book.reference.market import Market
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import DISPLAYED
from openoutcry.domain import Allocation, CancelReason, SelfTrade


def serve_level(market: Market, taker: Order, best: Order) -> None:
    """Let the taker meet the level of `best` until one of them is used up (pro-rata: once through the level)."""
    book = taker.book
    assert best.queue is not None
    if book.pair.allocation == Allocation.PRO_RATA and best.queue in DISPLAYED:
        serve_pro_rata(market, taker, book.level(best.queue, best.price_ticks))
    elif book.peaks_rotate:
        meet(market, best, taker, best.displayed_lots)
    else:
        serve_displayed_first(market, taker, book.level(best.queue, best.price_ticks))


def levels_of_broker(taker: Order) -> list[list[Order]]:
    """The orders within the limit that came through the taker's broker, where the pair serves them first; by level."""
    book, broker = taker.book, taker.account.broker
    if book.pair.allocation != Allocation.BROKER_PRICE_TIME or broker == 0:
        return []
    levels = book.levels_within(taker.side.opposite, taker.price_ticks)
    ours = ([order for order in level if order.account.broker == broker] for level in levels)
    return [level for level in ours if level]


def serve_in_turn(market: Market, taker: Order, level: list[Order]) -> None:
    """Let the taker meet some orders of a level until one of them is used up; replenished ones come again."""
    while level and taker.live:
        maker = level.pop(0)
        meet(market, maker, taker, maker.displayed_lots)
        if maker.live:
            level.append(maker)


def serve_displayed_first(market: Market, taker: Order, level: list[Order]) -> None:
    """All displayed lots of the level, then the reserves, each whole; then the icebergs show again, at the back."""
    for maker in level:
        if taker.live and maker.displayed_lots:
            meet(market, maker, taker, maker.displayed_lots)
    for maker in level:
        if taker.live and maker.reserve_lots:
            meet(market, maker, taker, maker.reserve_lots)
    for maker in level:
        if maker.live and maker.displayed_lots == 0:
            market.replenish(maker)


def serve_pro_rata(market: Market, taker: Order, level: list[Order]) -> None:
    """Prevention first, then one pass of trades whose lots are fixed at its start."""
    for maker in level:
        if taker.live:
            prevent(market, maker, taker)
    if not taker.live:
        return
    makers = [maker for maker in level if maker.live]
    for maker, lots in shares(market, taker, makers):
        if taker.live:
            meet(market, maker, taker, lots)


def shares(market: Market, taker: Order, makers: list[Order]) -> list[tuple[Order, int]]:
    """What each maker of a level is to get, in the order of trading; makers that get nothing are left out."""
    book, rest_lots = taker.book, taker.leaves
    if rest_lots >= sum(maker.displayed_lots for maker in makers):
        return [(maker, maker.displayed_lots) for maker in makers]
    given: list[tuple[Order, int]] = []
    top = next((maker for maker in makers if book.pair.pro_rata_top and maker.handle == book.top[maker.side]), None)
    if top is not None:
        given.append((top, min(rest_lots, top.displayed_lots)))
        rest_lots -= given[0][1]
        makers = [maker for maker in makers if maker is not top]
    parts = pro_rata([maker.displayed_lots for maker in makers], rest_lots, book.pair.pro_rata_minimum_lots)
    given += zip(makers, parts, strict=True)
    return [(maker, lots) for maker, lots in given if lots]


def pro_rata(sizes_lots: list[int], lots: int, minimum_lots: int) -> list[int]:
    """Divide lots by size, rounded down, parts below the minimum left out; the rest goes first in, first out.

    sizes_lots: what each may get at most, together more than `lots`. Source: CME allocation algorithm A.

    >>> pro_rata([5, 20, 50, 75], 50, 2)
    [3, 6, 16, 25]
    """
    total_lots = sum(sizes_lots)
    parts = [size * lots // total_lots for size in sizes_lots]
    parts = [part if part >= minimum_lots else 0 for part in parts]
    rest_lots = lots - sum(parts)
    for index, size in enumerate(sizes_lots):
        more = min(rest_lots, size - parts[index])
        parts[index] += more
        rest_lots -= more
    return parts


def meet(market: Market, maker: Order, taker: Order, offered_lots: int) -> None:
    """The taker has reached this maker: prevention, or a trade of at most the lots that the maker offers."""
    if prevent(market, maker, taker):
        return
    trips = market.trade(maker, taker, maker.price_ticks, min(taker.leaves, offered_lots))
    if maker.leaves == 0:
        market.forget(maker)
    elif maker.displayed_lots == 0 and maker.book.peaks_rotate:
        market.replenish(maker)
    if taker.leaves == 0:
        market.forget(taker)
    elif taker.position in trips and not taker.atomic:
        market.cancel(taker, CancelReason.PROTECTION)


def prevent(market: Market, maker: Order, taker: Order) -> bool:
    """Keep two orders apart that must not trade; False when they may."""
    if maker.position.tripped and not taker.atomic:
        market.cancel(maker, CancelReason.PROTECTION)
        return True
    if not maker.would_trade_with_itself(taker):
        return False
    lots = min(maker.leaves, taker.leaves) if taker.stp == SelfTrade.DECREMENT else 0
    if lots:
        market.cancel_lots(maker, lots, CancelReason.SELF_TRADE, taker.handle)
        market.cancel_lots(taker, lots, CancelReason.SELF_TRADE, maker.handle)
    if taker.stp in (SelfTrade.CANCEL_OLDEST, SelfTrade.CANCEL_BOTH):
        market.cancel(maker, CancelReason.SELF_TRADE, taker.handle)
    if taker.stp in (SelfTrade.CANCEL_NEWEST, SelfTrade.CANCEL_BOTH):
        market.cancel(taker, CancelReason.SELF_TRADE, maker.handle)
    return True
