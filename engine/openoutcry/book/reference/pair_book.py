"""One pair: its rules, its prices, and its ten queues of live orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby, takewhile

from sortedcontainers import SortedDict

from openoutcry.book.reference.order import Order, Rank
from openoutcry.book.state import Queue
from openoutcry.domain import Allocation, IcebergRule, Pair, Phase, Side

DISPLAYED = (Queue.BID, Queue.ASK)
HIDDEN = (Queue.HIDDEN_BID, Queue.HIDDEN_ASK)
MARKET = (Queue.MARKET_BID, Queue.MARKET_ASK)
STOPS = (Queue.STOP_BUY, Queue.STOP_SELL)
"""Each the queue of buys, then that of sells: index them with a Side."""

COLLECTING = (Phase.PRE_OPEN, Phase.AUCTION)
"""The phases in which orders rest without trading."""

HIGHEST_FIRST = (Queue.BID, Queue.HIDDEN_BID, Queue.STOP_SELL)
LOWEST_FIRST = (Queue.ASK, Queue.HIDDEN_ASK, Queue.STOP_BUY)
PRICED = (*DISPLAYED, *HIDDEN)


@dataclass(slots=True, eq=False)
class PairBook:
    """The book of one pair.

    A queue is a sorted dictionary from rank to order. The rank is (price rank, size rank, arrival), so iterating over
    a queue is book order, and a level is a run of equal price ranks. Arrivals count up and are no part of the state:
    only their order matters.
    """

    pair: Pair
    phase: Phase
    closing: bool = False
    retired: bool = False
    last_ticks: int = 0
    reference_ticks: int = 0
    band_low_ticks: int = 0
    band_high_ticks: int = 0
    open_lots: int = 0
    top: list[int] = field(default_factory=lambda: [0, 0])
    arrivals: int = 0
    queues: list[SortedDict[Rank, Order]] = field(default_factory=lambda: [SortedDict() for _ in Queue])

    @property
    def peaks_rotate(self) -> bool:
        """Whether an iceberg shows its next peak as soon as one is used up."""
        return self.pair.iceberg_rule == IcebergRule.PEAK_ROTATION

    def end_of_range(self, side: Side) -> int:
        """The limit of an order without a price."""
        return self.pair.price_ticks_max if side == Side.BUY else self.pair.price_ticks_min

    def in_range(self, price_ticks: int) -> bool:
        """Whether it is a price of this pair."""
        return self.pair.price_ticks_min <= price_ticks <= self.pair.price_ticks_max

    def in_band(self, price_ticks: int) -> bool:
        """Whether trades at this price are allowed now."""
        return self.band_low_ticks == 0 or self.band_low_ticks <= price_ticks <= self.band_high_ticks

    def join(self, order: Order, queue: Queue) -> None:
        """Put the order at the back of its level."""
        if queue in HIGHEST_FIRST:
            price = -(order.trigger_ticks if queue == Queue.STOP_SELL else order.price_ticks)
        elif queue in LOWEST_FIRST:
            price = order.trigger_ticks if queue == Queue.STOP_BUY else order.price_ticks
        else:
            price = 0
        by_size = queue in PRICED and self.pair.allocation == Allocation.PRICE_SIZE_TIME
        self.arrivals += 1
        order.rank = (price, -order.original_lots if by_size else 0, self.arrivals)
        order.queue = queue
        self.queues[queue][order.rank] = order

    def leave(self, order: Order) -> None:
        """Take the order out of its queue, where it is in one."""
        if order.queue is not None:
            del self.queues[order.queue][order.rank]
            order.queue = None
            if self.top[order.side] == order.handle:
                self.top[order.side] = 0

    def move_to_back(self, order: Order) -> None:
        """Put an order whose peak was replenished behind its level, where its rank allows."""
        queue = order.queue
        assert queue is not None
        del self.queues[queue][order.rank]
        self.join(order, queue)

    def stands_before(self, order: Order) -> int:
        """The handle of the next displayed order behind it on its level; 0 for the last or where size does not rank."""
        if self.pair.allocation != Allocation.PRICE_SIZE_TIME or order.queue not in DISPLAYED:
            return 0
        orders = self.queues[order.queue]
        for rank in orders.irange(order.rank, inclusive=(False, False)):
            if rank[0] != order.rank[0]:
                break
            if orders[rank].displayed_lots:
                return orders[rank].handle
        return 0

    def first(self, queue: Queue) -> Order | None:
        """The order that is served first, or None."""
        orders = self.queues[queue]
        return orders.peekitem(0)[1] if orders else None

    def best(self, side: Side) -> Order | None:
        """First order of the best level, displayed or hidden; displayed first at the same price."""
        displayed, hidden = self.first(DISPLAYED[side]), self.first(HIDDEN[side])
        if displayed is None or (hidden is not None and hidden.rank[0] < displayed.rank[0]):
            return hidden
        return displayed

    def level(self, queue: Queue, price_ticks: int) -> list[Order]:
        """The orders of one level, first in first. O(log n + orders of the level)."""
        price = -price_ticks if queue in HIGHEST_FIRST else price_ticks
        orders = self.queues[queue]
        return [orders[rank] for rank in orders.irange((price,), (price + 1,))]  # type: ignore[arg-type]

    def levels_within(self, side: Side, limit_ticks: int) -> Iterator[list[Order]]:
        """The levels of a side from its best price to a limit; displayed before hidden at the same price."""
        reach = -limit_ticks if side == Side.BUY else limit_ticks
        queues = (self.queues[DISPLAYED[side]].values(), self.queues[HIDDEN[side]].values())
        within = takewhile(lambda order: order.rank[0] <= reach, merge(*queues, key=lambda order: order.rank[0]))
        for _, level in groupby(within, key=lambda order: (order.rank[0], order.queue)):
            yield list(level)

    def in_book_order(self) -> list[Order]:
        """All live orders: queue by queue, best level first, first in first."""
        return [order for queue in self.queues for order in queue.values()]

    def crossed(self) -> bool:
        """Whether the best bid reaches the best ask, displayed or hidden."""
        bid, ask = self.best(Side.BUY), self.best(Side.SELL)
        return bid is not None and ask is not None and bid.price_ticks >= ask.price_ticks
