"""Rows of the EVENT record as the plain book writes them, one method for each kind of event."""

from __future__ import annotations

import numpy as np

from openoutcry.book.reference.order import Order
from openoutcry.domain import CancelReason, EventFlag, EventKind, Op, RejectCode, Side
from openoutcry.domain.records import EVENT, Events

Row = tuple[int, int, int, int, int, int, int, int, int, int, int, int]
"""sequence, kind, side, code, flags, pair, maker, taker, price_ticks, qty_lots, maker_leaves, taker_leaves."""


class EventLog:
    """Collects the events of one call of `apply`."""

    def __init__(self) -> None:
        self.sequence = 0
        self.rows: list[Row] = []

    def take(self) -> Events:
        """Return the collected events as records and begin anew."""
        rows, self.rows = self.rows, []
        return np.array(rows, dtype=EVENT)

    def accepted(self, op: Op, pair: int, taker: int, price_ticks: int, qty_lots: int) -> None:
        """An operator command was carried out."""
        self.rows.append((self.sequence, EventKind.ACCEPTED, 0, op, 0, pair, 0, taker, price_ticks, qty_lots, 0, 0))

    def accepted_order(self, order: Order) -> None:
        """An order was taken in, with the price that it has after sliding."""
        self.rows.append(
            (
                self.sequence, EventKind.ACCEPTED, order.side, Op.PLACE, 0, order.book.pair.pair_id,
                order.handle, order.client_id, order.own_price_ticks, order.leaves, 0, order.leaves,
            )
        )  # fmt: skip

    def rejected(self, code: RejectCode, pair: int, side: int, taker: int, price_ticks: int, qty_lots: int) -> None:
        """A command was refused; its fields are repeated as given."""
        self.rows.append(
            (self.sequence, EventKind.REJECTED, side, code, 0, pair, 0, taker, price_ticks, qty_lots, 0, 0)
        )

    def resting(self, order: Order) -> None:
        """An order waits in the book."""
        flags = _hidden(order) if order.priced else EventFlag.MARKET
        before = order.book.stands_before(order)
        self._order(EventKind.RESTING, order, order.own_price_ticks, order.displayed_lots, taker=before, flags=flags)

    def traded(self, maker: Order, taker: Order, price_ticks: int, qty_lots: int, flags: int = 0) -> None:
        """Two orders traded; their leaves are those after it."""
        self.rows.append(
            (
                self.sequence, EventKind.TRADED, taker.side, 0, flags | _hidden(maker), maker.book.pair.pair_id,
                maker.handle, taker.handle, price_ticks, qty_lots, maker.leaves, taker.leaves,
            )
        )  # fmt: skip

    def cancelled(self, order: Order, qty_lots: int, reason: CancelReason, other: int = 0) -> None:
        """Lots were taken off an order; its leaves are those after it."""
        self._order(
            EventKind.CANCELLED, order, order.own_price_ticks, qty_lots, code=reason, taker=other, flags=_hidden(order)
        )

    def expired(self, order: Order, qty_lots: int, reason: CancelReason) -> None:
        """The time of an order has come."""
        self._order(EventKind.EXPIRED, order, order.own_price_ticks, qty_lots, code=reason, flags=_hidden(order))

    def replaced(self, order: Order, kept_priority: bool = False, in_book: bool = False) -> None:
        """An order has new values. in_book: it kept its priority, or is back in its queue (ADJUST_PAIR)."""
        flags = _hidden(order) | (EventFlag.KEPT_PRIORITY if kept_priority else 0)
        displayed = order.displayed_lots if in_book else 0
        self._order(
            EventKind.REPLACED, order, order.own_price_ticks, order.leaves, displayed_lots=displayed, flags=flags
        )

    def triggered(self, order: Order) -> None:
        """A stop enters the book."""
        self._order(EventKind.TRIGGERED, order, order.trigger_ticks, order.leaves, displayed_lots=0)

    def replenished(self, order: Order) -> None:
        """An iceberg shows its next peak."""
        before = order.book.stands_before(order)
        self._order(EventKind.REPLENISHED, order, order.price_ticks, order.displayed_lots, taker=before)

    def phase_changed(self, pair: int, phase: int, closing: bool) -> None:
        """A pair is in a phase."""
        flags = EventFlag.CLOSING if closing else 0
        self.rows.append((self.sequence, EventKind.PHASE_CHANGED, 0, phase, flags, pair, 0, 0, 0, 0, 0, 0))

    def auction_result(self, pair: int, price_ticks: int, volume_lots: int, surplus_lots: int) -> None:
        """An auction was held; a positive surplus is one of buys."""
        side = Side.SELL if surplus_lots < 0 else Side.BUY
        self.rows.append(
            (
                self.sequence, EventKind.AUCTION_RESULT, side, 0, EventFlag.AUCTION, pair,
                0, 0, price_ticks, volume_lots, abs(surplus_lots), 0,
            )
        )  # fmt: skip

    def band_breached(self, taker: Order, price_ticks: int) -> None:
        """A trade outside the band was not made."""
        self.rows.append(
            (
                self.sequence, EventKind.BAND_BREACHED, taker.side, 0, 0, taker.book.pair.pair_id,
                0, taker.handle, price_ticks, taker.leaves, 0, 0,
            )
        )  # fmt: skip

    def _order(
        self,
        kind: EventKind,
        order: Order,
        price_ticks: int,
        qty_lots: int,
        *,
        code: int = 0,
        taker: int = 0,
        displayed_lots: int | None = None,
        flags: int = 0,
    ) -> None:
        """An event about one order, named as maker, with its leaves and what of them is displayed."""
        displayed = order.displayed_lots if displayed_lots is None else displayed_lots
        self.rows.append(
            (
                self.sequence, kind, order.side, code, flags, order.book.pair.pair_id,
                order.handle, taker, price_ticks, qty_lots, order.leaves, displayed,
            )
        )  # fmt: skip


def _hidden(order: Order) -> int:
    return EventFlag.HIDDEN if order.hidden else 0
