"""SET_PHASE and what a change of phase does to the orders (rules, section 9)."""

from __future__ import annotations

from openoutcry.book.reference.checks import AUCTION_ONLY
from openoutcry.book.reference.command import Command
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import COLLECTING, MARKET, PairBook
from openoutcry.book.reference.resting import rest
from openoutcry.book.state import Queue
from openoutcry.domain import CancelReason, Op, Phase, RejectCode, TimeInForce

PHASES = len(Phase)


def set_phase(market: Market, c: Command) -> RejectCode | None:
    """Carry out SET_PHASE; stops are elected afterwards."""
    book = market.book(c.pair)
    if book is None:
        return RejectCode.UNKNOWN_PAIR
    if c.kind >= PHASES:
        return RejectCode.INVALID_KIND
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    phase = Phase(c.kind)
    if phase == Phase.CONTINUOUS and book.crossed():
        return RejectCode.BOOK_CROSSED
    market.log.accepted(Op.SET_PHASE, c.pair, c.client_id, c.price_ticks, c.qty_lots)
    change_phase(market, book, phase, closing=phase in COLLECTING and c.flags != 0)
    if book.closing:
        unpark(market, book)
    elif phase == Phase.CONTINUOUS:
        end_auction(market, book)
    elif phase == Phase.CLOSED:
        close(market, book)
    return None


def change_phase(market: Market, book: PairBook, phase: Phase, closing: bool) -> None:
    """Enter a phase; who bettered the market in continuous trading is forgotten at both its ends."""
    if phase != book.phase:
        book.top = [0, 0]
    book.phase, book.closing = phase, closing
    market.log.phase_changed(book.pair.pair_id, phase, closing)


def unpark(market: Market, book: PairBook) -> None:
    """The closing auction collects: at-close orders join the book."""
    for order in list(book.queues[Queue.PARKED].values()):
        book.leave(order)
        rest(market, order)


def end_auction(market: Market, book: PairBook) -> None:
    """Orders that were for the auction only are cancelled."""
    for order in book.in_book_order():
        if order.queue in MARKET or waits_for_auction(order):
            market.cancel(order, CancelReason.AUCTION)


def waits_for_auction(order: Order) -> bool:
    """Whether it is an at-open or at-close order that has joined the book."""
    return order.tif in AUCTION_ONLY and order.queue != Queue.PARKED


def close(market: Market, book: PairBook) -> None:
    """The day is over."""
    for order in book.in_book_order():
        if order.tif == TimeInForce.DAY:
            market.expire(order, CancelReason.DAY)
        elif order.queue in MARKET or order.tif in AUCTION_ONLY:
            market.expire(order, CancelReason.AUCTION)
