"""ADD_PAIR, RETIRE_PAIR and ADJUST_PAIR (rules, section 9)."""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.book.pair_command import pair_from_fields
from openoutcry.book.reference.command import Command
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.operations import accept
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import STOPS, PairBook
from openoutcry.book.state import Queue
from openoutcry.domain import (
    AdjustMode,
    CancelReason,
    Ladder,
    Pair,
    RejectCode,
    Side,
)
from openoutcry.domain.limits import OPEN_LOTS_MAX, POSITION_LOTS_MAX, PRICE_TICKS_MAX

LADDERS: Final = 6
"""Of a pair: displayed, hidden and stop orders, each of two sides."""
WORD_TICKS: Final = 64
PLACES_MAX: Final = 2**36
DIRECT_PLACES_MAX: Final = 2**32
"""Ticks of all ladders together, and of all direct ladders; those of retired pairs count too."""

RATIO_MAX: Final = 2**20
"""Largest term of the ratio of an adjustment: price x term fits 48 bits, and a net position x term 82."""


def add_pair(market: Market, c: Command) -> RejectCode | None:
    """Open the book of a new pair."""
    fields = c._asdict()
    del fields["op"], fields["spare"]
    pair = pair_from_fields(**fields)
    if isinstance(pair, RejectCode):
        return pair
    if c.pair in market.books:
        return RejectCode.DUPLICATE_ID
    if not has_room(market, pair):
        return RejectCode.CAPACITY
    accept(market, c)
    market.add_pair(pair)
    return None


def has_room(market: Market, pair: Pair) -> bool:
    """Whether the ladders of one more pair would fit in the fast books, which have a place for every tick."""
    pairs = [pair, *(book.pair for book in market.books.values())]
    direct = [other for other in pairs if other.ladder == Ladder.DIRECT]
    return sum(map(places, pairs)) <= PLACES_MAX and sum(map(places, direct)) <= DIRECT_PLACES_MAX


def places(pair: Pair) -> int:
    """Ticks of a pair in all its ladders, each rounded up to whole words."""
    ticks = pair.price_ticks_max - pair.price_ticks_min + 1
    return LADDERS * -(-ticks // WORD_TICKS) * WORD_TICKS


def retire_pair(market: Market, c: Command) -> RejectCode | None:
    """Cancel all orders of a pair and close its book for good."""
    book = market.book(c.pair)
    if book is None:
        return RejectCode.UNKNOWN_PAIR
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    accept(market, c)
    for order in book.in_book_order():
        market.cancel(order, CancelReason.RETIRED)
    book.retired = True
    return None


def adjust_pair(market: Market, c: Command) -> RejectCode | None:
    """Cancel all orders, or give prices and quantities a ratio; stops are elected afterwards."""
    book = market.book(c.pair)
    if book is None:
        return RejectCode.UNKNOWN_PAIR
    if c.kind >= len(AdjustMode):
        return RejectCode.INVALID_KIND
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    reprices = c.kind == AdjustMode.REPRICE
    if reprices and not (1 <= c.qty_lots <= RATIO_MAX and 1 <= c.display_lots <= RATIO_MAX):
        return RejectCode.PARAMETER_OUT_OF_RANGE
    accept(market, c)
    if reprices:
        reprice(market, book, c.qty_lots, c.display_lots)
    else:
        for order in book.in_book_order():
            market.cancel(order, CancelReason.ADJUSTED)
    return None


def reprice(market: Market, book: PairBook, up: int, down: int) -> None:
    """Multiply prices by up / down and divide quantities by it. All orders leave, and those that can come back do."""
    orders = book.in_book_order()
    queues = [order.queue for order in orders]
    for order in orders:
        book.leave(order)
        market.close_lots(order, order.leaves)
    for name in ("last_ticks", "reference_ticks", "band_low_ticks", "band_high_ticks"):
        setattr(book, name, scaled_price(getattr(book, name), up, down))
    for (_, pair_id), position in market.positions.items():
        if pair_id == book.pair.pair_id:
            net_lots = min(abs(position.net_lots) * down // up, POSITION_LOTS_MAX)
            position.net_lots = net_lots if position.net_lots > 0 else -net_lots
    for order, queue in zip(orders, queues, strict=True):
        assert queue is not None
        values = scaled(order, up, down)
        if values is not None and fits(market, order, values):
            (
                order.price_ticks, order.trigger_ticks, order.displayed_lots, order.reserve_lots, order.peak_lots,
                order.original_lots,
            ) = values  # fmt: skip
            market.open_lots(order)
            book.join(order, STOPS[order.side] if queue == Queue.ELECTED else queue)
            market.log.replaced(order, in_book=True)
        else:
            market.open_lots(order)
            market.cancel(order, CancelReason.ADJUSTED)


class Scaled(NamedTuple):
    """What a scaled order looks like."""

    price_ticks: int
    trigger_ticks: int
    displayed_lots: int
    reserve_lots: int
    peak_lots: int
    original_lots: int


def scaled(order: Order, up: int, down: int) -> Scaled | None:
    """The scaled values of an order, or None when one of them is not whole or not in range."""
    pair = order.book.pair
    prices = [order.own_price_ticks, order.trigger_ticks]
    lots = [order.displayed_lots, order.reserve_lots, order.peak_lots, order.original_lots]
    if any(price * up % down for price in prices) or any(qty * down % up for qty in lots):
        return None
    price_ticks, trigger_ticks = (price * up // down for price in prices)
    displayed, reserve, peak, original = (qty * down // up for qty in lots)
    if any(price and not order.book.in_range(price) for price in (price_ticks, trigger_ticks)):
        return None
    if max(displayed + reserve, peak, original) > (pair.qty_lots_max or 0):
        return None
    return Scaled(price_ticks or order.price_ticks, trigger_ticks, displayed, reserve, peak, original)


def fits(market: Market, order: Order, values: Scaled) -> bool:
    """Whether the pair's open lots, the position and the backing can take the scaled order."""
    lots = values.displayed_lots + values.reserve_lots
    is_buy = order.side == Side.BUY
    net_lots = order.position.net_lots if is_buy else -order.position.net_lots
    if order.book.open_lots + lots > OPEN_LOTS_MAX:
        return False
    if net_lots + order.position.open_lots[order.side] + lots > POSITION_LOTS_MAX:
        return False
    draws = values.price_ticks * lots if is_buy else lots
    return not order.backed or draws <= market.backing_of(order).available


def scaled_price(price_ticks: int, up: int, down: int) -> int:
    """The nearest tick of a scaled price, half up; 0, which is none, stays 0.

    >>> [scaled_price(price_ticks, 1, 2) for price_ticks in (0, 1, 3)]
    [0, 1, 2]
    """
    if price_ticks == 0:
        return 0
    return max(1, min((2 * price_ticks * up + down) // (2 * down), PRICE_TICKS_MAX))
