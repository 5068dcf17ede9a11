"""`Encoder`: the memory of the encoding kernel, and one call that turns a group's events into public rows."""

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain.ids import slot_of
from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.domain.records import EVENT, Events
from openoutcry.marketdata.kernel import encoding
from openoutcry.marketdata.memory import records_of
from openoutcry.marketdata.records import LEVEL, TOP, TRADE
from openoutcry.marketdata.shown import HasOrders, resting_rows

SHOWN_FIRST: Final = 4_096
"""Slots of orders that an encoder has room for at first."""

LEVELS_FIRST: Final = 4_096
"""Places of the table of levels at first."""

LEVELS_PART: Final = 4
"""One place of so many is used at most. Levels without orders stay until the table grows; a quarter full, nearly every
look-up finds its level at once."""

_STATE: Final = np.dtype([("lots", "<i8"), ("place", "<u4"), ("spare", "<u4")])
_LEVEL_STATE: Final = np.dtype([("key", "<i8"), ("lots", "<i8"), ("orders", "<i8"), ("epoch", "<i8")])
_W: Final = encoding.WORDS
_GROUP_COUNT: Final = _W["group_count"]


class PairRows(NamedTuple):
    """What is public of one pair's part in a group. Views: they are valid until the next call of the encoder.

    l3: (n,) EVENT, as docs/reference/market-data.md says. trades: (n,) TRADE. levels: (n,) LEVEL, each level that was
    touched once. top: (1,) TOP. phase_changed, auctioned: whether such an event was among them.
    """

    pair: int
    l3: NDArray[np.void]
    trades: NDArray[np.void]
    levels: NDArray[np.void]
    top: NDArray[np.void]
    phase_changed: bool
    auctioned: bool


class AnyBooks(HasOrders, Protocol):
    """What the encoder asks of a set of books."""

    @property
    def sequence(self) -> int:
        """Number of the last command."""
        ...

    def best(self, pair: int) -> tuple[int | None, int | None]:
        """Return the best displayed bid and ask of a pair."""
        ...


class TradeNumbers(Protocol):
    """Whoever knows the number of a pair's next trade."""

    def next_trade(self, pair: int) -> int:
        """Return the number of the pair's next trade, from 1."""
        ...


class Encoder:
    """Turns events into public rows. It follows the books from their first event on, or from `load`.

    Not a function of one group: it remembers what is displayed of each order, so every event of its books must pass
    through it once and in order.
    """

    def __init__(self) -> None:
        self._header = np.zeros(encoding.WORD_COUNT, np.int64)
        self._address = self._header.ctypes.data
        self._mark = np.zeros(PAIRS_MAX, np.int64)
        self._put("mark", self._mark.ctypes.data)
        self._shown: NDArray[np.void] = np.zeros(0, _STATE)
        self._levels: NDArray[np.void] = np.zeros(0, _LEVEL_STATE)
        self._grow_shown(SHOWN_FIRST)
        self._grow_levels(LEVELS_FIRST)
        self._rows_max = 0
        self._make_rows(256)
        self._groups = np.zeros((0, encoding.GROUP_WORDS), np.int64)
        self._grow_groups(16)

    def load(self, books: AnyBooks, pairs: Iterable[int]) -> None:
        """Take over what books display that already hold orders. The encoder has encoded nothing yet."""
        assert self._header[_W["epoch"]] == 0
        for pair in pairs:
            self._run(resting_rows(books, pair))

    def encode(self, events: Events, books: AnyBooks, trades: TradeNumbers, time_ns: int) -> list[PairRows]:
        """Return what is public of a group, pair by pair in the order in which they first appear.

        events: (m,) EVENT, all that the books answered to the group, contiguous. books: after the group. trades: who
        numbers them. time_ns: of the group, for the trades. Pairs of which nothing became public are left out.
        Cost: see docs/reference/benchmarks.md.
        """
        self._run(events)
        header = self._header
        count = int(header[_GROUP_COUNT])
        if count == 0:
            return []
        for row in self._groups[:count]:
            pair = int(row[0])
            bid, ask = books.best(pair)
            row[5:8] = (bid or 0, ask or 0, trades.next_trade(pair))
        moved = encoding.arrange(self._address, books.sequence, time_ns)
        rows = self._sorted if moved else self._rows
        found = []
        for number, words in enumerate(self._groups[:count].tolist()):
            pair, row_count, trade_count, level_count, flags, _, _, _, rows_end, trades_end, levels_end = words[:11]
            if row_count == 0:
                continue
            begin = rows_end - row_count if moved else 0
            found.append(
                PairRows(
                    pair,
                    rows[begin : begin + row_count],
                    self._trades[trades_end - trade_count : trades_end],
                    self._level_rows[levels_end - level_count : levels_end],
                    self._tops[number : number + 1],
                    flags & encoding.PHASE_SEEN != 0,
                    flags & encoding.RESULT_SEEN != 0,
                )
            )
        return found

    def _run(self, events: Events) -> None:
        """Encode a group into `rows`, making memory where it is short."""
        assert events.dtype == EVENT and events.ndim == 1
        if not events.flags.c_contiguous:
            events = np.ascontiguousarray(events)
        count = len(events)
        if count > self._rows_max:
            self._make_rows(count)
        need = encoding.encode(self._address, id(events), count)
        while need != encoding.DONE:
            if need == encoding.NEED_SLOTS:
                left = (int(self._header[_W["end"]]) - int(self._header[_W["events"]])) // EVENT.itemsize
                event = events[count - left]
                slots = max(slot_of(int(event["maker"])), slot_of(int(event["taker"]))) + 1
                self._grow_shown(max(slots, 2 * len(self._shown)))
            elif need == encoding.NEED_GROUPS:
                self._grow_groups(2 * len(self._groups))
            else:
                self._grow_levels(2 * len(self._levels))
            need = encoding.encode(self._address, 0, 0)

    def _put(self, word: str, value: int) -> None:
        self._header[_W[word]] = value

    def _grow_shown(self, count: int) -> None:
        old, self._shown = self._shown, records_of(count, _STATE)
        self._shown[: len(old)] = old
        self._put("shown", self._shown.ctypes.data)
        self._put("shown_max", count)

    def _grow_levels(self, count: int) -> None:
        """Make a table of `count` places (a power of two); levels without orders are left behind."""
        old, self._levels = self._levels, records_of(count, _LEVEL_STATE)
        self._put("levels", self._levels.ctypes.data)
        self._put("level_mask", count - 1)
        self._put("level_max", count // LEVELS_PART)
        encoding.rehash(self._address, old.ctypes.data, len(old))

    def _grow_groups(self, count: int) -> None:
        old, self._groups = self._groups, np.zeros((count, encoding.GROUP_WORDS), np.int64)
        self._groups[: len(old)] = old
        self._tops = np.zeros(count, TOP)
        self._put("tops", self._tops.ctypes.data)
        self._put("groups", self._groups.ctypes.data)
        self._put("groups_max", count)

    def _make_rows(self, count: int) -> None:
        """Make room for the public rows of `count` events, each of which touches two levels at most."""
        self._rows_max = count
        self._rows, self._sorted = records_of(count, EVENT), records_of(count, EVENT)
        self._trades, self._level_rows = records_of(count, TRADE), records_of(2 * count, LEVEL)
        self._touched = np.zeros(2 * count, np.int64)
        self._put("sorted", self._sorted.ctypes.data)
        self._put("trades", self._trades.ctypes.data)
        self._put("level_rows", self._level_rows.ctypes.data)
        self._put("touched", self._touched.ctypes.data)
        self._put("rows", self._rows.ctypes.data)
