"""CANCEL, REDUCE and REPLACE of a live order (rules, section 6)."""

from __future__ import annotations

from openoutcry.book.reference.checks import Terms, check_replace
from openoutcry.book.reference.command import Command
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import COLLECTING, PairBook
from openoutcry.book.reference.placing import enter
from openoutcry.domain import CancelReason, OrderType, Phase, RejectCode
from openoutcry.domain.limits import ICEBERG_PEAKS_MAX, QTY_LOTS_MAX


def cancel(market: Market, c: Command) -> RejectCode | None:
    """Take an order off."""
    code = fault_of_names(market, c)
    if code:
        return code
    order = market.find(c.account, c.pair, c.client_id, c.by_handle)
    if order is None:
        return RejectCode.UNKNOWN_ORDER
    market.cancel(order, CancelReason.USER)
    return None


def reduce(market: Market, c: Command) -> RejectCode | None:
    """Take lots off an order, which keeps its place."""
    code = fault_of_names(market, c)
    if code:
        return code
    if not 1 <= c.qty_lots <= QTY_LOTS_MAX:
        return RejectCode.QUANTITY_OUT_OF_RANGE
    if market.books[c.pair].phase == Phase.CLOSED:
        return RejectCode.PHASE_FORBIDS
    order = market.find(c.account, c.pair, c.client_id, c.by_handle)
    if order is None:
        return RejectCode.UNKNOWN_ORDER
    market.cancel_lots(order, min(c.qty_lots, order.leaves), CancelReason.USER)
    return None


def replace(market: Market, c: Command) -> RejectCode | None:
    """Give an order a new price and new leaves; it keeps its place only when it asks for nothing better."""
    code = fault_of_names(market, c)
    if code:
        return code
    book = market.books[c.pair]
    if not 1 <= c.qty_lots <= (book.pair.qty_lots_max or 0):
        return RejectCode.QUANTITY_OUT_OF_RANGE
    if book.phase != Phase.CONTINUOUS and book.phase not in COLLECTING:
        return RejectCode.PHASE_FORBIDS
    order = market.find(c.account, c.pair, c.client_id, c.by_handle)
    if order is None:
        return RejectCode.UNKNOWN_ORDER
    if order.kind == OrderType.ICEBERG and c.qty_lots > order.peak_lots * ICEBERG_PEAKS_MAX:
        return RejectCode.QUANTITY_OUT_OF_RANGE
    if not replacement_price_fits(book, order, c.price_ticks):
        return RejectCode.PRICE_OUT_OF_RANGE
    waits = order.trigger_ticks != 0
    if c.trigger_ticks and not (waits and book.in_range(c.trigger_ticks)):
        return RejectCode.TRIGGER_OUT_OF_RANGE
    trigger_ticks = c.trigger_ticks or order.trigger_ticks
    same = c.price_ticks == order.own_price_ticks and trigger_ticks == order.trigger_ticks
    if same and c.qty_lots <= order.leaves:
        less_lots = order.leaves - c.qty_lots
        market.close_lots(order, less_lots)
        order.take_off(less_lots)
        market.log.replaced(order, kept_priority=True, in_book=True)
        return None
    terms = check_replace(market, c, order)
    if isinstance(terms, RejectCode):
        return terms
    renew(market, order, terms, c.qty_lots, trigger_ticks)
    market.log.replaced(order)
    enter(market, order)
    return None


def renew(market: Market, order: Order, terms: Terms, qty_lots: int, trigger_ticks: int) -> None:
    """Take an order out of its queue and give it new values."""
    order.book.leave(order)
    market.close_lots(order, order.leaves)
    order.price_ticks, order.priced, order.trigger_ticks = terms.price_ticks, terms.priced, trigger_ticks
    order.displayed_lots, order.reserve_lots, order.original_lots = qty_lots, 0, qty_lots
    market.open_lots(order)


def fault_of_names(market: Market, c: Command) -> RejectCode | None:
    """Whether the command names a pair and an account, and has no flags that it does not know."""
    if market.book(c.pair) is None:
        return RejectCode.UNKNOWN_PAIR
    if c.account not in market.accounts:
        return RejectCode.UNKNOWN_ACCOUNT
    return RejectCode.INVALID_FLAGS if c.unknown_flags else None


def replacement_price_fits(book: PairBook, order: Order, price_ticks: int) -> bool:
    """Whether an order may have this price from now on: one without a price stays without, but a stop may change."""
    if order.kind == OrderType.STOP:
        return price_ticks == 0 or book.in_range(price_ticks)
    return book.in_range(price_ticks) if order.priced else price_ticks == 0
