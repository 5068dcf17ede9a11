"""Random order flow of three markets, as rows that any engine can be driven with.

A: one dense book, as in equities: 10,000 resting orders, nine of ten within some 20 ticks of the middle.
B: one sparse book, as in crypto-assets: 100,000 resting orders, offsets log-uniform over 3 M ticks a side.
C: 1,000 books like A with 100 resting orders each.

A market first fills up (the prefill, not timed), then 40 to 46 % of its messages cancel, so that the number of resting
orders stays where it is; 5 % replace (new price and quantity, priority lost), 5 % are priced to trade, the rest are
new limit orders behind the opposite best. The flow keeps a price-time book of its own, since it must know which orders
live. Same seed, same rows.

A replacement that only shrinks an order at its price (2 in 1,000 messages) is drawn as a cancel and a new order:
engines differ in whether it keeps its place, and all of them shall see the same trades.
"""

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


_Row: TypeAlias = tuple[int, int, bool, int, int, int, int, int]


def generate(kind: Kind, *, messages: int, seed: int) -> Flow:
    """Draw a market's prefill (one new order for each that shall rest) and `messages` further messages.

    The timed part has 2 rows in 1,000 more than messages (see above). Cost: 3 to 5 microseconds a row in
    plain Python. Prices stay within the pairs of `benchmarks.workloads` for any seed that was tried; a book refuses
    what does not.
    """
    source = _Source(kind, seed)
    prefill, prefill_tally = source.collect(kind.resting * kind.books, filling=True)
    timed, timed_tally = source.collect(messages, filling=False)
    return Flow(prefill, timed, prefill_tally, timed_tally)


class _Source:
    """Draws messages one after the other and carries them out in its markets."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind = kind
        self.random = Random(seed)
        self.slots = _Slots()
        self.markets = [_Market(kind, self.slots) for _ in range(kind.books)]
        self.numbered = 0

    def collect(self, messages: int, *, filling: bool) -> tuple[NDArray[np.void], Tally]:
        """Draw messages; return their rows and what they trade."""
        trades, volume = self._traded()
        rows: list[_Row] = []
        resting = resting_max = 0
        for index in range(messages):
            rows += self._place_only(index) if filling else self._message()
            resting = self.slots.used - len(self.slots.freed)
            resting_max = max(resting, resting_max)
        table = np.array(rows, ROW)
        places, cancels, replaces = (int(np.count_nonzero(table["op"] == op)) for op in (PLACE, CANCEL, REPLACE))
        trades_after, volume_after = self._traded()
        tally = Tally(places, cancels, replaces, trades_after - trades, volume_after - volume, resting, resting_max)
        return table, tally

    def _traded(self) -> tuple[int, int]:
        return sum(market.trades for market in self.markets), sum(market.volume for market in self.markets)

    def _place_only(self, index: int) -> list[_Row]:
        """Draw an order of the prefill: book after book."""
        self._draw_book()
        book = index % len(self.markets)
        bests = self._bests_then_drift(book)
        return self._enter(book, PLACE, self._draw_side(), bests, None)

    def _message(self) -> list[_Row]:
        """Draw a message of the mix."""
        random = self.random
        book = self._draw_book()
        market = self.markets[book]
        bests = self._bests_then_drift(book)
        share = random.random()
        cancels = CANCEL_SHARE_THIN if len(market.live) < self.kind.resting else CANCEL_SHARE_FULL
        side = self._draw_side()
        if share >= NEW_OR_CANCEL_SHARE + REPLACE_SHARE:
            return self._enter(book, PLACE, side, bests, None, to_trade=True)
        if share < NEW_OR_CANCEL_SHARE - cancels or len(market.live) < LIVE_ORDERS_MIN:
            return self._enter(book, PLACE, side, bests, None)
        old = market.draw(random)
        if share >= NEW_OR_CANCEL_SHARE:
            return self._enter(book, REPLACE, old.side, bests, old)
        return [self._cancel(book, old)]

    def _draw_book(self) -> int:
        count = len(self.markets)
        return int(self.random.random() * count) if count > 1 else 0

    def _draw_side(self) -> int:
        return BUY if self.random.random() < 0.5 else SELL

    def _bests_then_drift(self, book: int) -> tuple[int | None, int | None]:
        market = self.markets[book]
        bests = (market.halves[BUY].best(), market.halves[SELL].best())
        if self.random.random() < DRIFT_SHARE:
            market.middle += self.kind.drift_ticks(self.random)
        return bests

    def _cancel(self, book: int, order: _Order) -> _Row:
        self.markets[book].leave(order)
        self.slots.free(order.handle)
        return CANCEL, order.side, False, book, order.number, order.handle, 0, 0

    def _enter(
        self,
        book: int,
        op: int,
        side: int,
        bests: tuple[int | None, int | None],
        old: _Order | None,
        *,
        to_trade: bool = False,
    ) -> list[_Row]:
        """Draw price and quantity of a new order or of a replacement, and carry it out."""
        market = self.markets[book]
        lots = 1 + int(self.random.expovariate(1 / self.kind.mean_lots))
        price = market.price(self.random, side, to_trade, bests)
        rows: list[_Row] = []
        if old is None:
            self.numbered += 1
            number, handle = self.numbered, self.slots.take()
        elif price == old.price and lots <= old.lots:
            rows.append(self._cancel(book, old))
            op, number, handle = PLACE, old.number, self.slots.take()
        else:
            market.leave(old)
            number, handle = old.number, old.handle
        market.enter(_Order(number, side, price, lots, handle))
        rows.append((op, side, to_trade, book, number, handle, price, lots))
        return rows
