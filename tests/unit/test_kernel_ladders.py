"""Bitmaps and level tables of the fast books, against a dictionary of lists.

Orders are placed and cancelled while the pair collects (pre-open), where nothing trades, so that every price of the
range is free to both sides. Prices lie at the ends of the range, where the words of each storey of the bitmaps end, and
anywhere between; best levels are cancelled more often than others, since that is when the next price is looked for.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
import pytest

from openoutcry.book import Books, Queue, commands
from openoutcry.domain import EventKind, Ladder, Op, OrderType, Pair, Phase, Side
from openoutcry.domain.limits import PRICE_TICKS_MAX
from openoutcry.domain.records import Commands

BATCHES: Final = 60
STOREY_TICKS: Final = (64, 64**2, 64**3, 64**4)
"""Ticks that one word of each storey stands for."""

PAIRS: Final = {
    "direct, three storeys": Pair(0, price_ticks_max=1 << 19, ladder=Ladder.DIRECT),
    "direct, one word": Pair(0, price_ticks_min=500, price_ticks_max=530, ladder=Ladder.DIRECT),
    "direct, ends within words": Pair(0, price_ticks_min=63, price_ticks_max=4_163, ladder=Ladder.DIRECT),
    "hashed, the whole range": Pair(0, price_ticks_max=PRICE_TICKS_MAX, ladder=Ladder.HASHED),
    "hashed, ends within words": Pair(0, price_ticks_min=1_000_001, price_ticks_max=18_000_000, ladder=Ladder.HASHED),
    "hashed, one word": Pair(0, price_ticks_min=7, price_ticks_max=40, ladder=Ladder.HASHED),
}
TAKES: Final = {
    Queue.BID: (Side.BUY, OrderType.LIMIT),
    Queue.ASK: (Side.SELL, OrderType.LIMIT),
    Queue.HIDDEN_BID: (Side.BUY, OrderType.HIDDEN),
    Queue.HIDDEN_ASK: (Side.SELL, OrderType.HIDDEN),
    Queue.STOP_BUY: (Side.BUY, OrderType.STOP),
    Queue.STOP_SELL: (Side.SELL, OrderType.STOP),
}
LOWEST_FIRST: Final = (Queue.ASK, Queue.HIDDEN_ASK, Queue.STOP_BUY)


class Order(NamedTuple):
    """What the dictionary keeps of an order; price_ticks is what its queue is sorted by."""

    queue: Queue
    price_ticks: int
    qty_lots: int


class Plain:
    """Six dictionaries from price to handles, first in first."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.levels: dict[Queue, dict[int, list[int]]] = {queue: defaultdict(list) for queue in TAKES}

    def add(self, handle: int, order: Order) -> None:
        """An order comes to the back of its level."""
        self.orders[handle] = order
        self.levels[order.queue][order.price_ticks].append(handle)

    def remove(self, handle: int) -> None:
        """An order goes, and its level with it when it was the last."""
        order = self.orders.pop(handle)
        level = self.levels[order.queue][order.price_ticks]
        level.remove(handle)
        if not level:
            del self.levels[order.queue][order.price_ticks]

    def prices(self, queue: Queue) -> list[int]:
        """Prices in use, best first."""
        return sorted(self.levels[queue], reverse=queue not in LOWEST_FIRST)

    def depth(self, queue: Queue) -> list[tuple[int, int, int]]:
        """Price, lots and orders of each level, best first."""
        levels = self.levels[queue]
        return [
            (price, sum(self.orders[handle].qty_lots for handle in levels[price]), len(levels[price]))
            for price in self.prices(queue)
        ]

    def book_order(self) -> list[int]:
        """Handles, queue by queue, best level first, first in first."""
        return [handle for queue in TAKES for price in self.prices(queue) for handle in self.levels[queue][price]]


def telling_prices(pair: Pair, dice: np.random.Generator) -> list[int]:
    """Return the ends of a pair's range, ticks beside the ends of words of each storey, and some anywhere."""
    low, high = pair.price_ticks_min, pair.price_ticks_max
    found = {low, low + 1, high - 1, high}
    for ticks in STOREY_TICKS:
        for word in (1, 2, int(dice.integers(1, 300))):
            found |= {low + word * ticks + away for away in (-1, 0, 1)}
    found |= {int(price) for price in dice.integers(low, high + 1, 20)}
    return sorted(price for price in found if low <= price <= high)


def draw_place(pair: Pair, prices: list[int], number: int, dice: np.random.Generator) -> tuple[Order, Commands]:
    """Return an order for one of the six ladders, and the command that places it."""
    queue = list(TAKES)[int(dice.integers(len(TAKES)))]
    side, kind = TAKES[queue]
    anywhere = dice.random() < 0.2
    drawn = dice.integers(pair.price_ticks_min, pair.price_ticks_max + 1) if anywhere else dice.choice(prices)
    order = Order(queue, int(drawn), int(dice.integers(1, 100)))
    where = "trigger_ticks" if kind == OrderType.STOP else "price_ticks"
    fields: dict[str, Any] = {where: order.price_ticks}
    return order, commands.place(0, 0, number, side, order.qty_lots, kind=kind, **fields)


def draw_cancel(plain: Plain, dice: np.random.Generator) -> tuple[int, Commands]:
    """Return a live order, more often than not one of a best level, and the command that cancels it."""
    queues = [queue for queue in TAKES if plain.levels[queue]]
    queue = queues[int(dice.integers(len(queues)))]
    prices = plain.prices(queue)
    price = prices[0] if dice.random() < 0.6 else prices[int(dice.integers(len(prices)))]
    handle = plain.levels[queue][price][0]
    return handle, commands.cancel(0, 0, handle, by_handle=True)


def compare(books: Books, plain: Plain) -> None:
    """Bests, all levels and all orders are the dictionary's."""
    bids, asks = plain.prices(Queue.BID), plain.prices(Queue.ASK)
    assert books.best(0) == (bids[0] if bids else None, asks[0] if asks else None)
    depth = books.depth(0, levels=10_000)
    assert depth.bids.tolist() == plain.depth(Queue.BID)
    assert depth.asks.tolist() == plain.depth(Queue.ASK)
    assert books.orders(0)["handle"].tolist() == plain.book_order()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", list(PAIRS))
def test_the_next_price_and_its_level_are_found_wherever_they_are(name: str, seed: int) -> None:
    """After each batch all bests, levels and orders are compared; the book fills, empties and fills again."""
    dice = np.random.default_rng([seed, len(name)])
    pair = PAIRS[name]
    # a neighbour on either side of the pair's ladders: its prices must never be seen
    books = Books([pair, Pair(1, price_ticks_max=100)], capacity=4)
    books.apply(commands.batch(commands.set_phase(0, Phase.PRE_OPEN), commands.place(1, 0, 1, Side.BUY, 1, 1)))
    plain, number = Plain(), 1
    prices = telling_prices(pair, dice)
    for batch in range(BATCHES):
        rows, cancels = [], batch % 10 > 4
        waiting: list[Order] = []
        for _ in range(40):
            if cancels and plain.orders:
                handle, command = draw_cancel(plain, dice)
                plain.remove(handle)
            else:
                number += 1
                order, command = draw_place(pair, prices, number, dice)
                waiting.append(order)
            rows.append(command)
        events = books.apply(commands.batch(*rows))
        assert not (events["kind"] == EventKind.REJECTED).any()
        accepted = events[(events["kind"] == EventKind.ACCEPTED) & (events["code"] == Op.PLACE)]
        for handle, order in zip(accepted["maker"].tolist(), waiting, strict=True):
            plain.add(handle, order)
        compare(books, plain)
    if pair.price_ticks_max < 1 << 20:
        books.check()


@pytest.mark.parametrize("ladder", Ladder)
def test_a_sweep_from_end_to_end_meets_every_level_once(ladder: Ladder) -> None:
    """Asks at every telling price of a range of 2^25 ticks (2^19 for a direct ladder); one market buy takes all."""
    pair = Pair(0, price_ticks_max=1 << (25 if ladder == Ladder.HASHED else 19), ladder=ladder)
    prices = telling_prices(pair, np.random.default_rng(5))
    books = Books([pair], accounts=2)
    books.apply(commands.batch(*(commands.place(0, 0, price, Side.SELL, 1, price) for price in reversed(prices))))
    assert books.best(0) == (None, prices[0])
    events = books.apply(commands.place(0, 1, 1, Side.BUY, len(prices), kind=OrderType.MARKET))
    assert events["price_ticks"][events["kind"] == EventKind.TRADED].tolist() == prices
    assert books.live == 0


def test_a_full_level_table_finds_what_was_pushed_on() -> None:
    """A table at its limit of half full, levels on 512 neighbouring ticks: every second one goes, the others get more.

    A level whose neighbour has gone must move back to where it is looked for first, or a second level would be made.
    """
    pair = Pair(0, price_ticks_max=1 << 22, ladder=Ladder.HASHED, phase=Phase.PRE_OPEN)
    books = Books([pair], capacity=512, capacity_max=512)
    first = 1 << 21
    for _ in range(3):
        even, odd = range(first, first + 512, 2), range(first + 1, first + 512, 2)
        apply_all(books, (commands.place(0, 0, price, Side.BUY, 1, price) for price in range(first, first + 512)))
        apply_all(books, (commands.cancel(0, 0, price) for price in even))
        apply_all(books, (commands.place(0, 0, price, Side.BUY, 2, price + 1) for price in even))
        assert books.depth(0, 512).bids.tolist() == [(price, 3, 2) for price in reversed(odd)]
        books.check()
        apply_all(books, (commands.cancel(0, 0, price) for price in range(first, first + 512)))
        assert books.best(0) == (None, None)
        first += 300


def apply_all(books: Books, rows: Iterable[Commands]) -> None:
    """Apply commands none of which is refused."""
    events = books.apply(commands.batch(*rows))
    assert not (events["kind"] == EventKind.REJECTED).any()
