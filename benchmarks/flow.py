"""Random order flow of three markets, as rows that any engine can be driven with.

A: one dense book, as in equities: 10,000 resting orders, nine of ten within some 20 ticks of the middle.
B: one sparse book, as in crypto-assets: 100,000 resting orders, offsets log-uniform over 3 M ticks a side.
C: 1,000 books like A with 100 resting orders each.

A market first fills up (the prefill, not timed), then 40 to 46 % of its messages cancel, so that the number of resting
orders stays where it is; 5 % replace (new price and quantity, priority lost), 5 % are priced to trade, the rest are
new limit orders behind the opposite best. The flow keeps a price-time book of its own, since it must know which orders
live. Same seed, same rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

PLACE: Final = 0
CANCEL: Final = 1
REPLACE: Final = 2

ROW: np.dtype[np.void] = np.dtype(
    [
        ("op", "u1"),
        ("side", "u1"),
        ("to_trade", "?"),
        ("book", "<u4"),
        ("order", "<u4"),
        ("handle", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
    ]
)
"""One message. `order` numbers orders from 1; `handle` is what a book calls it that reuses slots last in, first out."""

BUY: Final = 0
SELL: Final = 1
DRIFT_SHARE: Final = 0.02
CANCEL_SHARE_THIN: Final = 0.40
CANCEL_SHARE_FULL: Final = 0.46
REPLACE_SHARE: Final = 0.05
TO_TRADE_SHARE: Final = 0.05
NEW_OR_CANCEL_SHARE: Final = 1 - REPLACE_SHARE - TO_TRADE_SHARE
LIVE_ORDERS_MIN: Final = 5
"""A book with fewer live orders gets new ones instead of cancels and replaces."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What tells one market from another; prices in ticks, quantities in lots."""

    name: str
    books: int
    resting: int
    """Orders that rest in each book."""
    middle_ticks: int
    mean_lots: float
    sparse: bool
    seed: int
    """The seed of the published figures."""

    def offset_ticks(self, random: Random) -> int:
        """Draw how far from the middle a resting order is priced, at least 1."""
        if self.sparse:
            return 1 + int(2.718281828 ** (random.random() * 14.9))
        if random.random() < 0.93:
            return 1 + int(random.expovariate(1 / 8))
        return 1 + int(random.random() * 500)

    def reach_ticks(self, random: Random) -> int:
        """Draw how far past the opposite best an order goes that is priced to trade."""
        return int(random.random() * (2000 if self.sparse else 4))

    def drift_ticks(self, random: Random) -> int:
        """Draw by how much the middle moves when it moves."""
        return int(random.gauss(0, 40)) if self.sparse else random.choice((-1, 1))


KINDS: Final = {
    "A": Kind("A", books=1, resting=10_000, middle_ticks=10_000, mean_lots=60, sparse=False, seed=1),
    "B": Kind("B", books=1, resting=100_000, middle_ticks=6_500_000, mean_lots=50_000, sparse=True, seed=2),
    "C": Kind("C", books=1000, resting=100, middle_ticks=10_000, mean_lots=60, sparse=False, seed=3),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """What the flow's own book says about one part of the flow: how an engine's trades are checked."""

    places: int
    cancels: int
    replaces: int
    trades: int
    volume_lots: int
    resting: int
    """Orders that rest at the end of the part."""
    resting_max: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Rows of a market, and what they trade."""

    prefill: NDArray[np.void]
    timed: NDArray[np.void]
    prefill_tally: Tally
    timed_tally: Tally


class _Order:
    __slots__ = ("handle", "lots", "number", "place", "price", "side")

    def __init__(self, number: int, side: int, price: int, lots: int, handle: int) -> None:
        self.number = number
        self.side = side
        self.price = price
        self.lots = lots
        self.handle = handle
        self.place = 0


_Level: TypeAlias = dict[int, _Order]
"""Orders at one price, first in first; a dict keeps that order and loses any of them in O(1)."""


class _Slots:
    """Handles as docs/reference/rules.md section 1 assigns them: the slot freed last is used first."""

    def __init__(self) -> None:
        self.freed: list[int] = []
        self.used = 0

    def take(self) -> int:
        if self.freed:
            return self.freed.pop()
        self.used += 1
        return 1 << 32 | self.used

    def free(self, handle: int) -> None:
        self.freed.append(handle + (1 << 32))


class _Half:
    """One side of a book: levels by price, and a heap of prices that may hold some which are gone."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[int, _Level] = {}
        self.heap: list[int] = []

    def best(self) -> int | None:
        heap, levels, sign = self.heap, self.levels, self.sign
        while heap and heap[0] * sign not in levels:
            heappop(heap)
        return heap[0] * sign if heap else None

    def add(self, order: _Order) -> None:
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = {}
            heappush(self.heap, order.price * self.sign)
        level[order.number] = order

    def remove(self, order: _Order) -> None:
        level = self.levels[order.price]
        del level[order.number]
        if not level:
            del self.levels[order.price]


class _Market:
    """One book and the list of its live orders, from which orders to cancel and replace are drawn."""

    def __init__(self, kind: Kind, slots: _Slots) -> None:
        self.kind = kind
        self.slots = slots
        self.middle = kind.middle_ticks
        self.halves = (_Half(-1), _Half(1))
        self.live: list[_Order] = []
        self.trades = 0
        self.volume = 0

    def draw(self, random: Random) -> _Order:
        """Draw a live order: half of the time any, half of the time one of the newest tenth."""
        count = len(self.live)
        if random.random() < 0.5:
            return self.live[int(random.random() * count)]
        newest = min(count, max(10, self.kind.resting // 10))
        return self.live[count - 1 - int(random.random() * newest)]

    def price(self, random: Random, side: int, to_trade: bool, bests: tuple[int | None, int | None]) -> int:
        bid, ask = bests
        toward = 1 if side == BUY else -1
        if to_trade:
            opposite = ask if side == BUY else bid
            if opposite is None:
                opposite = self.middle
            return opposite + toward * self.kind.reach_ticks(random)
        offset = self.kind.offset_ticks(random)
        if side == BUY:
            price = self.middle - offset
            if ask is not None and price >= ask:
                price = ask - 1
        else:
            price = self.middle + offset - 1
            if bid is not None and price <= bid:
                price = bid + 1
        return max(price, 1)

    def enter(self, order: _Order) -> None:
        """Trade what the order reaches, then let the rest of it rest."""
        other = self.halves[1 - order.side]
        while order.lots:
            best = other.best()
            if best is None or (order.price < best if order.side == BUY else order.price > best):
                break
            level = other.levels[best]
            for maker in list(level.values()):
                lots = min(maker.lots, order.lots)
                maker.lots -= lots
                order.lots -= lots
                self.trades += 1
                self.volume += lots
                if not maker.lots:
                    self.leave(maker)
                    self.slots.free(maker.handle)
                if not order.lots:
                    break
        if order.lots:
            self.halves[order.side].add(order)
            order.place = len(self.live)
            self.live.append(order)
        else:
            self.slots.free(order.handle)

    def leave(self, order: _Order) -> None:
        """Take a resting order out."""
        self.halves[order.side].remove(order)
        last = self.live.pop()
        if last is not order:
            self.live[order.place] = last
            last.place = order.place


def generate(kind: Kind, *, messages: int, seed: int) -> Flow:
    """Draw a market's prefill (one new order for each that shall rest) and `messages` further rows.

    Cost: 3 to 5 microseconds a row in plain Python. Prices stay within the pairs of `benchmarks.workloads` for
    any seed that was tried; a book refuses what does not.
    """
    slots = _Slots()
    markets = [_Market(kind, slots) for _ in range(kind.books)]
    random = Random(seed)
    rows = _rows(kind, random, markets)
    prefill, prefill_tally = _collect(rows, kind.resting * kind.books, markets, Tally(0, 0, 0, 0, 0, 0, 0))
    timed, timed_tally = _collect(rows, messages, markets, prefill_tally)
    return Flow(prefill, timed, prefill_tally, timed_tally)


_Row: TypeAlias = tuple[int, int, bool, int, int, int, int, int]


def _collect(rows: Iterator[_Row], count: int, markets: list[_Market], before: Tally) -> tuple[NDArray[np.void], Tally]:
    """Take the next `count` rows, and say what they trade."""
    trades = sum(market.trades for market in markets)
    volume = sum(market.volume for market in markets)
    table = np.zeros(count, ROW)
    ops = [0, 0, 0]
    slots = markets[0].slots
    resting = before.resting
    resting_max = resting
    for index in range(count):
        row = table[index] = next(rows)
        ops[row[0]] += 1
        resting = slots.used - len(slots.freed)
        resting_max = max(resting, resting_max)
    return table, Tally(
        places=ops[PLACE],
        cancels=ops[CANCEL],
        replaces=ops[REPLACE],
        trades=sum(market.trades for market in markets) - trades,
        volume_lots=sum(market.volume for market in markets) - volume,
        resting=resting,
        resting_max=resting_max,
    )


def _rows(kind: Kind, random: Random, markets: list[_Market]) -> Iterator[_Row]:
    """Yield rows without end: first the prefill, book after book, then the mix."""
    count = len(markets)
    slots = markets[0].slots
    numbered = 0
    for index in _forever():
        filling = index < kind.resting * count
        book = int(random.random() * count) if count > 1 else 0
        if filling and count > 1:
            book = index % count
        market = markets[book]
        bests = (market.halves[BUY].best(), market.halves[SELL].best())
        if random.random() < DRIFT_SHARE:
            market.middle += kind.drift_ticks(random)
        op, to_trade = (PLACE, False) if filling else _draw_op(kind, random, len(market.live))
        side = BUY if random.random() < 0.5 else SELL
        old = None
        if op != PLACE:
            old = market.draw(random)
            side = old.side
            if op == CANCEL:
                market.leave(old)
                slots.free(old.handle)
                yield CANCEL, side, False, book, old.number, old.handle, 0, 0
                continue
        lots = 1 + int(random.expovariate(1 / kind.mean_lots))
        price = market.price(random, side, to_trade, bests)
        if old is not None:
            market.leave(old)
            number, handle = old.number, old.handle
        else:
            numbered += 1
            number, handle = numbered, slots.take()
        market.enter(_Order(number, side, price, lots, handle))
        yield op, side, to_trade, book, number, handle, price, lots


def _draw_op(kind: Kind, random: Random, live: int) -> tuple[int, bool]:
    """Draw what the next message does, and whether it is a new order that is priced to trade."""
    share = random.random()
    cancels = CANCEL_SHARE_THIN if live < kind.resting else CANCEL_SHARE_FULL
    if share >= NEW_OR_CANCEL_SHARE + REPLACE_SHARE:
        return PLACE, True
    if share < NEW_OR_CANCEL_SHARE - cancels or live < LIVE_ORDERS_MIN:
        return PLACE, False
    return (CANCEL if share < NEW_OR_CANCEL_SHARE else REPLACE), False


def _forever() -> Iterator[int]:
    index = 0
    while True:
        yield index
        index += 1
