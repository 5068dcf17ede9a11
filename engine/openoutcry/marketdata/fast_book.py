"""`FastBook`: the followed book in machine code; memory that grows between frames, behind the interface of `books`."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.depth import DEPTH, Depth
from openoutcry.book.kernel.layout import HEADER, HEADER_WORDS, LEVEL, NO_HIGH, NO_LOW, PAIR
from openoutcry.book.storage import HASH_SEED, power_of_two, zeros
from openoutcry.domain import Phase
from openoutcry.domain.limits import PRICE_TICKS_MAX
from openoutcry.domain.records import EVENT, Events
from openoutcry.marketdata.books import ORDERS_MAX, LastTrade
from openoutcry.marketdata.kernel import following
from openoutcry.marketdata.kernel.following import FOLLOWED
from openoutcry.marketdata.memory import records_of
from openoutcry.marketdata.records import SHOWN

ORDERS_FIRST: Final = 1_024
"""Orders that a book has room for at first."""


class FastBook:
    """A followed book; interface and rules as `books.FollowedBook` says.

    price_ticks_max: highest price of the pair, where it is known: untouched bitmaps cost addresses only, two bits a
    price. orders_max: a row that would show more orders does not fit.
    """

    def __init__(
        self,
        pair: int,
        *,
        price_ticks_max: int = PRICE_TICKS_MAX,
        orders_max: int = ORDERS_MAX,
        hash_seed: int = HASH_SEED,
    ) -> None:
        assert 0 < price_ticks_max <= PRICE_TICKS_MAX and 0 < orders_max < 2**31
        self.pair = pair
        self._price_max, self._orders_max, self._seed = price_ticks_max, orders_max, hash_seed
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._header = np.zeros(HEADER_WORDS, np.int64)
        self._address = self._header.ctypes.data
        self._put("seed", self._seed)
        self._header[following.PAIR_NUMBER] = self.pair
        stride = (self._price_max + 64) // 64 * 64
        self._pair = records_of(1, PAIR)
        self._pair["hashed"], self._pair["stride"], self._pair["price_max"] = 1, stride, self._price_max
        self._pair["best"][0, :2] = (NO_LOW, NO_HIGH)
        self._put("pairs", self._pair.ctypes.data)
        self._bits = []
        ticks = 2 * stride
        for storey in range(4):
            ticks = ticks // 64 + 1
            self._bits.append(zeros(ticks, np.int64))
            self._put(f"bits{storey}", self._bits[-1].ctypes.data)
        self._orders = records_of(0, FOLLOWED)
        self._grow(ORDERS_FIRST)

    def apply(self, rows: Events) -> int | None:
        """Apply public rows in order; return None, or the index of the first that does not fit what is held."""
        assert rows.dtype == EVENT and rows.ndim == 1
        if not rows.flags.c_contiguous:
            rows = np.ascontiguousarray(rows)
        if self.live + len(rows) >= len(self._orders):
            self._grow(2 * (self.live + len(rows)))
        wrong = following.follow(self._address, id(rows), len(rows))
        if wrong != following.FITS:
            return wrong
        return len(rows) - 1 if self.live > self._orders_max else None

    @property
    def live(self) -> int:
        """Number of displayed orders."""
        return int(self._header[HEADER["live"]])

    def side(self, side: int) -> NDArray[np.void]:
        """Return the orders of a side as SHOWN records, best price first, each level in priority."""
        rows: NDArray[np.void] = np.zeros(self.live, SHOWN)
        return rows[: following.list_side(self._address, side, rows.ctypes.data)]

    def best(self) -> tuple[int | None, int | None]:
        """Return the best bid and ask, None for an empty side."""
        bid, ask = self._pair["best"][0, :2].tolist()
        return (None if bid == NO_LOW else bid), (None if ask == NO_HIGH else ask)

    def depth(self, levels: int = 10) -> Depth:
        """Return the best `levels` levels of each side. Cost: O(orders in them)."""
        sides = []
        for side in range(2):
            rows = np.zeros(min(levels, self.live), DEPTH)
            sides.append(rows[: following.list_levels(self._address, side, len(rows), rows.ctypes.data)])
        return Depth(sides[0], sides[1])

    @property
    def phase(self) -> Phase | None:
        """The phase of the pair, None before it was said."""
        number = int(self._header[following.PHASE_NEXT])
        return Phase(number - 1) if number else None

    @property
    def last_trade(self) -> LastTrade | None:
        """The last trade, None before the first that was heard of."""
        sequence, price, lots = self._header[following.TRADE_SEQUENCE : following.TRADE_LOTS + 1].tolist()
        return LastTrade(price, lots, sequence) if sequence else None

    def _put(self, word: str, value: int) -> None:
        self._header[HEADER[word]] = value

    def _grow(self, count: int) -> None:
        """Make room for `count` orders; what is there keeps its slots."""
        count = power_of_two(count)
        old, self._orders = self._orders, records_of(count, FOLLOWED)
        self._orders[: len(old)] = old
        self._put("orders", self._orders.ctypes.data)
        self._index = zeros(2 * count, np.int64)
        self._put("id_index", self._index.ctypes.data)
        self._put("id_mask", 2 * count - 1)
        self._level_keys, self._levels = zeros(2 * count, np.int64), records_of(2 * count, LEVEL)
        self._put("level_keys", self._level_keys.ctypes.data)
        self._put("hashed_levels", self._levels.ctypes.data)
        self._put("level_mask", 2 * count - 1)
        following.reindex(self._address)
