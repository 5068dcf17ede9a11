"""Stops trigger on the last price and then trade (rules, section 7)."""

from __future__ import annotations

from openoutcry.book.reference.market import Market
from openoutcry.book.reference.matching import match
from openoutcry.book.reference.pair_book import STOPS, PairBook
from openoutcry.book.state import Queue
from openoutcry.domain import Phase, Side


def run_stops(market: Market, book: PairBook) -> None:
    """Elect the stops that the last price has reached, and let them trade one after the other while that is allowed."""
    while book.phase == Phase.CONTINUOUS:
        elect(book)
        order = book.first(Queue.ELECTED)
        if order is None:
            return
        book.leave(order)
        market.log.triggered(order)
        order.trigger_ticks = 0
        match(market, order)


def elect(book: PairBook) -> None:
    """Move the stops that are reached to the elected: buys from the lowest trigger, then sells from the highest."""
    last_ticks = book.last_ticks
    if last_ticks == 0:
        return
    for side in Side:
        while (order := book.first(STOPS[side])) is not None and (
            order.trigger_ticks <= last_ticks if side == Side.BUY else order.trigger_ticks >= last_ticks
        ):
            book.leave(order)
            book.join(order, Queue.ELECTED)
