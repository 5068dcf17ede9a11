"""UNCROSS: one price for all that was collected (rules, section 9; the price itself is in `auction`)."""

from __future__ import annotations

from typing import NamedTuple

from openoutcry.book.reference.allocation import pro_rata
from openoutcry.book.reference.auction import clear_plain
from openoutcry.book.reference.command import Command
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.operations import accept
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import COLLECTING, DISPLAYED, HIDDEN, MARKET, PairBook
from openoutcry.book.reference.phases import waits_for_auction
from openoutcry.book.reference.resting import rest
from openoutcry.domain import Allocation, AuctionRule, CancelReason, EventFlag, OrderType, RejectCode, Side


class Result(NamedTuple):
    """Of an auction: price (0: none), lots that trade, lots left over there (positive: of buys)."""

    price_ticks: int
    volume_lots: int
    surplus_lots: int


def indicate(book: PairBook) -> Result:
    """What an auction held now would come to. Icebergs and hidden orders take part with all leaves."""
    lots_at: dict[int, list[int]] = {}
    market_lots = [0, 0]
    for side in Side:
        for queue in (DISPLAYED[side], HIDDEN[side]):
            for order in book.queues[queue].values():
                lots_at.setdefault(order.price_ticks, [0, 0])[side] += order.leaves
        market_lots[side] = sum(order.leaves for order in book.queues[MARKET[side]].values())
    low_ticks, high_ticks = collar(book)
    if low_ticks > high_ticks:
        return Result(0, 0, 0)
    prices = sorted(lots_at)
    price_ticks, volume_lots, surplus_lots = clear_plain(
        prices,
        [lots_at[price][Side.BUY] for price in prices],
        [lots_at[price][Side.SELL] for price in prices],
        market_lots[Side.BUY],
        market_lots[Side.SELL],
        reference(book),
        1,
        book.pair.auction_rule,
        low_ticks,
        high_ticks,
    )
    return Result(price_ticks, volume_lots, surplus_lots)


def reference(book: PairBook) -> int:
    """The reference price of an auction, brought into the pair's range; 0 for none."""
    ticks = book.reference_ticks or book.last_ticks
    return max(book.pair.price_ticks_min, min(ticks, book.pair.price_ticks_max)) if ticks else 0


def collar(book: PairBook) -> tuple[int, int]:
    """The prices that an auction may have, lowest and highest: the band within the pair's range; 0 and 0 for all.

    The rule for a market maker's quote needs one: without a band it is the whole range.
    """
    pair = book.pair
    if book.band_high_ticks:
        return max(book.band_low_ticks, pair.price_ticks_min), min(book.band_high_ticks, pair.price_ticks_max)
    if pair.auction_rule == AuctionRule.XETRA_CONTINUOUS_AUCTION:
        return pair.price_ticks_min, pair.price_ticks_max
    return 0, 0


def uncross(market: Market, c: Command) -> RejectCode | None:
    """Hold the auction: result, trades, and the end of all orders that were for it only."""
    book = market.book(c.pair)
    if book is None:
        return RejectCode.UNKNOWN_PAIR
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    if book.phase not in COLLECTING:
        return RejectCode.PHASE_FORBIDS
    accept(market, c)
    result = indicate(book)
    market.log.auction_result(c.pair, *result)
    filled = trade(market, book, result) if result.price_ticks else frozenset()
    for side in Side:
        for order in list(book.queues[MARKET[side]].values()):
            if order.kind == OrderType.MARKET_TO_LIMIT and order.handle in filled:
                book.leave(order)
                market.give_price(order, result.price_ticks)
                rest(market, order)
            else:
                market.cancel(order, CancelReason.AUCTION)
    for order in book.in_book_order():
        if waits_for_auction(order):
            market.cancel(order, CancelReason.AUCTION)
    market.pull_tripped()
    return None


def trade(market: Market, book: PairBook, result: Result) -> frozenset[int]:
    """Walk the served buys and sells side by side; an order is settled after its last trade. Returns their handles."""
    buys, sells = served(book, Side.BUY, result), served(book, Side.SELL, result)
    filled = frozenset(order.handle for order, _ in (*buys, *sells))
    while buys and sells:
        lots = min(buys[-1][1], sells[-1][1])
        market.trade(buys[-1][0], sells[-1][0], result.price_ticks, lots, EventFlag.AUCTION)
        for orders in (buys, sells):
            order, due_lots = orders.pop()
            if due_lots > lots:
                orders.append((order, due_lots - lots))
            elif order.leaves == 0:
                market.forget(order)
            elif order.displayed_lots == 0:
                market.replenish(order)
    assert not buys and not sells, f"pair {book.pair.pair_id}: an auction served one side more than the other"
    return filled


def served(book: PairBook, side: Side, result: Result) -> list[tuple[Order, int]]:
    """The orders of one side that trade, and how many lots each; the first to be served is last in the list."""
    left_lots = result.volume_lots
    orders: list[tuple[Order, int]] = []
    for level in (list(book.queues[MARKET[side]].values()), *book.levels_within(side, result.price_ticks)):
        sizes = [order.leaves for order in level]
        if left_lots < sum(sizes) and book.pair.allocation == Allocation.PRO_RATA and level[0].queue in DISPLAYED:
            parts = pro_rata(sizes, left_lots, book.pair.pro_rata_minimum_lots)
        else:
            parts = first_in_first_out(sizes, left_lots)
        orders += [(order, lots) for order, lots in zip(level, parts, strict=True) if lots]
        left_lots -= sum(parts)
    return orders[::-1]


def first_in_first_out(sizes_lots: list[int], lots: int) -> list[int]:
    """Serve sizes in their order until the lots run out.

    >>> first_in_first_out([5, 20, 50], 10)
    [5, 5, 0]
    """
    parts = []
    for size in sizes_lots:
        parts.append(min(size, lots))
        lots -= parts[-1]
    return parts
