"""`PlainBook`: the followed book in plain Python, the twin of `FastBook` and the explanation of what a row does."""

import numpy as np
from numpy.typing import NDArray
from sortedcontainers import SortedDict

from openoutcry.book.depth import DEPTH, Depth
from openoutcry.domain import EventFlag, EventKind, Phase, Side
from openoutcry.domain.limits import OPEN_LOTS_MAX, PRICE_TICKS_MAX
from openoutcry.domain.records import Events
from openoutcry.marketdata.books import ORDERS_MAX, LastTrade
from openoutcry.marketdata.records import SHOWN

Row = tuple[int, int, int, int, int, int, int, int, int, int, int, int]


class PlainBook:
    """A followed book; interface and rules as `books.FollowedBook` says."""

    def __init__(self, pair: int, *, price_ticks_max: int = PRICE_TICKS_MAX, orders_max: int = ORDERS_MAX) -> None:
        self.pair = pair
        self._price_max, self._orders_max = price_ticks_max, orders_max
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        # handle to side, price, lots; levels of each side, by price rank (best lowest), with handles in priority
        self._orders: dict[int, tuple[int, int, int]] = {}
        self._levels: tuple[SortedDict[int, list[int]], SortedDict[int, list[int]]] = (SortedDict(), SortedDict())
        self.phase: Phase | None = None
        self.last_trade: LastTrade | None = None

    def apply(self, rows: Events) -> int | None:
        """Apply public rows in order; return None, or the index of the first that does not fit what is held."""
        for index, row in enumerate(rows.tolist()):
            if not self._fits(row):
                return index
        return len(rows) - 1 if self.live > self._orders_max else None

    @property
    def live(self) -> int:
        """Number of displayed orders."""
        return len(self._orders)

    def side(self, side: int) -> NDArray[np.void]:
        """Return the orders of a side as SHOWN records, best price first, each level in priority."""
        handles = [handle for level in self._levels[side].values() for handle in level]
        return np.array([(handle, *self._orders[handle][1:]) for handle in handles], SHOWN)

    def best(self) -> tuple[int | None, int | None]:
        """Return the best bid and ask, None for an empty side."""
        bid, ask = (abs(levels.peekitem(0)[0]) if levels else None for levels in self._levels)
        return bid, ask

    def depth(self, levels: int = 10) -> Depth:
        """Return the best `levels` levels of each side."""
        sides = [
            [(abs(rank), self._lots_of(level), len(level)) for rank, level in list(side.items())[:levels]]
            for side in self._levels
        ]
        return Depth(np.array(sides[0], DEPTH), np.array(sides[1], DEPTH))

    def _fits(self, row: Row) -> bool:
        """Apply one row; tell whether it fits."""
        sequence, kind, side, code, flags, pair, maker, taker, price, lots, left, taker_left = row
        if pair != self.pair:
            return False
        match kind:
            case EventKind.RESTING | EventKind.REPLENISHED:
                return maker != 0 and maker not in self._orders and self._stand(maker, side, price, left, taker)
            case EventKind.TRADED:
                self.last_trade = LastTrade(price, lots, sequence)
                return (not maker or self._shrink(maker, left)) and (not taker or self._shrink(taker, taker_left))
            case EventKind.CANCELLED | EventKind.EXPIRED:
                return self._shrink(maker, left)
            case EventKind.REPLACED if flags & EventFlag.KEPT_PRIORITY or left == 0:
                return self._shrink(maker, left)
            case EventKind.REPLACED:
                return maker in self._orders and self._stand(maker, self._leave(maker), price, left, 0)
            case EventKind.PHASE_CHANGED if code in Phase._value2member_map_:
                self.phase = Phase(code)
                return True
            case _:
                return kind in (EventKind.AUCTION_RESULT, EventKind.BAND_BREACHED)

    def _stand(self, handle: int, side: int, price: int, lots: int, before: int) -> bool:
        """Put an order into its level before another one of it (0: at its back)."""
        if side > Side.SELL or not 0 < price <= self._price_max or not 0 < lots <= OPEN_LOTS_MAX:
            return False
        level = self._levels[side].setdefault(_rank(side, price), [])
        if (before and before not in level) or self._lots_of(level) + lots > OPEN_LOTS_MAX:
            return False
        level.insert(level.index(before) if before else len(level), handle)
        self._orders[handle] = side, price, lots
        return True

    def _leave(self, handle: int) -> int:
        """Take an order out of its level; return its side."""
        side, price, _ = self._orders.pop(handle)
        level = self._levels[side][_rank(side, price)]
        level.remove(handle)
        if not level:
            del self._levels[side][_rank(side, price)]
        return side

    def _shrink(self, handle: int, left: int) -> bool:
        """Leave an order `left` lots, fewer than it has, and forget it at 0."""
        if handle not in self._orders:
            return False
        side, price, lots = self._orders[handle]
        if not 0 <= left < lots:
            return False
        if left:
            self._orders[handle] = side, price, left
        else:
            self._leave(handle)
        return True

    def _lots_of(self, level: list[int]) -> int:
        return sum(self._orders[handle][2] for handle in level)


def _rank(side: int, price: int) -> int:
    """Return the place of a price among those of its side, the best first."""
    return price if side else -price
