"""PLACE: an order is taken in and goes where it belongs (rules, sections 3 and 5)."""

from __future__ import annotations

from openoutcry.book.reference.checks import Terms, check_place
from openoutcry.book.reference.command import Command
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.matching import match
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import COLLECTING, STOPS
from openoutcry.book.reference.resting import rest
from openoutcry.book.state import Queue
from openoutcry.domain import CommandFlag, OrderType, Phase, RejectCode, SelfTrade, Side, TimeInForce


def place(market: Market, c: Command) -> RejectCode | None:
    """Accept an order and let it match, rest or wait; or say why not."""
    terms = check_place(market, c)
    if isinstance(terms, RejectCode):
        return terms
    order = order_of(c, terms, market.slots.reserve())
    market.admit(order)
    market.open_lots(order)
    market.log.accepted_order(order)
    minimum_lots = 0 if order.kind == OrderType.ICEBERG else c.display_lots
    enter(market, order, minimum_lots)
    return None


def order_of(c: Command, terms: Terms, handle: int) -> Order:
    """The order that a PLACE describes, all of its lots displayed as long as it does not rest."""
    return Order(
        handle=handle,
        client_id=c.client_id,
        indexed=not c.by_handle,
        book=terms.book,
        account=terms.account,
        position=terms.position,
        side=Side(c.side),
        kind=OrderType(c.kind),
        tif=TimeInForce(c.tif),
        stp=SelfTrade(c.stp),
        reduce_only=bool(c.flags & CommandFlag.REDUCE_ONLY),
        backed=terms.account.backed,
        priced=terms.priced,
        price_ticks=terms.price_ticks,
        displayed_lots=c.qty_lots,
        reserve_lots=0,
        peak_lots=c.display_lots if c.kind == OrderType.ICEBERG else 0,
        original_lots=c.qty_lots,
        trigger_ticks=c.trigger_ticks,
        expiry_ns=c.expiry_ns,
    )


def enter(market: Market, order: Order, minimum_lots: int = 0) -> None:
    """Send an order that was just accepted or replaced where it belongs."""
    book = order.book
    if order.tif == TimeInForce.AT_CLOSE and not (book.phase in COLLECTING and book.closing):
        book.join(order, Queue.PARKED)
    elif order.trigger_ticks:
        book.join(order, STOPS[order.side])
    elif book.phase == Phase.CONTINUOUS:
        match(market, order, minimum_lots)
    else:
        rest(market, order)
