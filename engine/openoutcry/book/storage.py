"""The memory of the fast book: every array that the kernels work on, and how it grows.

Arrays come zeroed from the system and cost memory only where touched, so bounds can be generous. A kernel never
allocates: it returns a need, and `Storage` doubles what is short between two entries. Growth copies one pool and, for
an index, re-enters its entries; nothing else holds an address.
"""

from typing import Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from openoutcry.book.kernel.layout import (
    ACCOUNT,
    ACCOUNT_MORE,
    BACKING,
    ENTRY,
    EXPIRY,
    HEADER,
    HEADER_WORDS,
    LADDERS,
    LEVEL,
    NO_HIGH,
    NO_LOW,
    ORDER,
    ORDER_MORE,
    PAIR,
    POSITION,
    POSITION_MORE,
)
from openoutcry.domain.limits import ORDERS_MAX
from openoutcry.domain.pair import Ladder, Pair
from openoutcry.domain.records import EVENT

EVENTS_FIRST: Final = 1 << 14
"""Events that the buffer holds at first: 1 MiB, what a batch of 4,096 commands seldom passes."""
POSITIONS_FIRST: Final = 1 << 12
POSITIONS_HINT_MAX: Final = 1 << 20
"""Up to this many positions (accounts times pairs) are given room at first: 192 MiB of addresses, memory as used."""
BACKINGS_FIRST: Final = 1 << 10
DIRECT_TICKS_MAX: Final = 1 << 32
"""Ticks of all direct ladders together: 64 GiB of addresses, of which only levels in use become memory."""
TICKS_MAX: Final = 1 << 36
"""Ticks of all ladders together: 8 GiB of addresses for the lowest storey of the bitmaps."""
WORD_TICKS: Final = 64
CACHE_LINE: Final = 64
HASH_SEED: Final = 0x51ED_270B_0F2E_9D4C

Table = NDArray[np.void]


def zeros(count: int, dtype: DTypeLike) -> NDArray[np.generic]:
    """Return `count` zeroed elements that begin at a cache line, which numpy does not promise.

    Numpy's large arrays begin 16 bytes into a page, so each 64-byte record would lie across two cache lines: two misses
    for one, and a prefetch of half a record. On a thousand books a command cost 160 ns that way, and costs 85 this way.
    """
    size = count * np.dtype(dtype).itemsize
    room = np.zeros(size + CACHE_LINE, dtype=np.uint8)
    begin = -room.ctypes.data % CACHE_LINE
    return room[begin : begin + size].view(dtype)


def power_of_two(least: int) -> int:
    """Return the smallest power of two that is not below `least`."""
    return 1 << max(0, least - 1).bit_length()


class Storage:
    """Arrays by name and the header that tells kernels where they are.

    `header` (64 words, int64) is what kernels get the address of; `words` reads and writes it by name.
    """

    def __init__(
        self, capacity: int, capacity_max: int, accounts: int, seed: int, positions: int = POSITIONS_FIRST
    ) -> None:
        self.header: NDArray[np.int64] = zeros(HEADER_WORDS, np.int64).view(np.int64)
        self.address: int = self.header.ctypes.data
        self.arrays: dict[str, NDArray[np.generic]] = {}
        self.capacity_max = capacity_max
        self.hashed = False
        self.set_word("seed", seed)
        self._set_capacity(capacity)
        self._set("pairs", zeros(1, PAIR))
        self._set("accounts", zeros(max(1, accounts), ACCOUNT))
        self._set("accounts_more", zeros(max(1, accounts), ACCOUNT_MORE))
        self.set_word("account_capacity", max(1, accounts))
        self._make_positions(power_of_two(2 * positions))
        self._set("backings", zeros(BACKINGS_FIRST + 1, BACKING))
        self.set_word("backing_mask", BACKINGS_FIRST - 1)
        self.ticks = 0
        self.levels = 0
        self._grow_ticks(1, 1)
        self.events: Table = np.empty(0, dtype=EVENT)
        self.events_at = 0
        self.grow_events(0)

    # -- words and arrays ----------------------------------------------------------------------------------------

    def word(self, name: str) -> int:
        """Return a word of the header."""
        return int(self.header[HEADER[name]])

    def set_word(self, name: str, value: int) -> None:
        """Set a word of the header."""
        self.header[HEADER[name]] = value

    def table(self, name: str) -> Table:
        """Return a pool as a structured array."""
        array: Table = self.arrays[name]  # type: ignore[assignment]
        return array

    def _set(self, name: str, array: NDArray[np.generic]) -> None:
        self.arrays[name] = array
        self.set_word(name, array.ctypes.data)

    def _enlarge(self, name: str, count: int) -> None:
        """Replace an array by a longer one that begins with its content."""
        old = self.arrays[name]
        new = zeros(count, old.dtype)
        new[: len(old)] = old
        self._set(name, new)

    def _reindex(self, name: str, mask_name: str, size: int) -> None:
        """Replace a hash index by a larger one with the same entries."""
        from openoutcry.book.kernel.index import reindex

        old = self.arrays[name]
        new = zeros(size, ENTRY)
        reindex(old.ctypes.data, len(old), new.ctypes.data, size - 1)
        self._set(name, new)
        self.set_word(mask_name, size - 1)

    # -- orders --------------------------------------------------------------------------------------------------

    def _set_capacity(self, capacity: int) -> None:
        """Make pools for `capacity` orders; slot 0 is nobody's. The first time, or larger ones in place of those."""
        first = "orders" not in self.arrays
        for name, dtype in (("orders", ORDER), ("more", ORDER_MORE)):
            if first:
                self._set(name, zeros(capacity + 1, dtype))
            else:
                self._enlarge(name, capacity + 1)
        size = power_of_two(2 * capacity)
        if first:
            self._set("id_index", zeros(size, ENTRY))
            self.set_word("id_mask", size - 1)
            self._set("expiries", zeros(2 * capacity, EXPIRY))
        else:
            self._reindex("id_index", "id_mask", size)
            self._enlarge("expiries", 2 * capacity)
        self.set_word("expiry_capacity", 2 * capacity)
        # an auction lists every order once, as (slot, lots)
        self._set("scratch", zeros(2 * capacity + 2, np.int64))
        self.set_word("capacity", capacity)
        self._size_hashed_levels()

    def _size_hashed_levels(self) -> None:
        """Make the level table twice as large as there can be levels: one per order, and only with a hashed pair."""
        size = power_of_two(2 * self.word("capacity")) if self.hashed else 1
        old_keys = self.arrays.get("level_keys")
        if old_keys is not None and len(old_keys) == size:
            return
        old_levels = self.arrays.get("hashed_levels")
        self._set("level_keys", zeros(size, np.int64))
        self._set("hashed_levels", zeros(size, LEVEL))
        self.set_word("level_mask", size - 1)
        if old_keys is not None and old_levels is not None and self.hashed:
            from openoutcry.book.kernel.ladders import rehash_levels

            rehash_levels(self.address, old_keys.ctypes.data, old_levels.ctypes.data, len(old_keys))

    def make_room(self) -> None:
        """Make sure that at least one PLACE finds a slot, or finds that there is none, and a position."""
        size = self.word("position_mask") + 1
        if 2 * self.word("position_count") >= size:
            size *= 2
            self._size_positions(size)
        room = size // 2 - self.word("position_count")
        capacity = self.word("capacity")
        if capacity < self.capacity_max:
            if self.word("live") >= capacity:
                capacity = min(2 * capacity, self.capacity_max)
                self._set_capacity(capacity)
            if capacity < self.capacity_max:
                room = min(room, capacity - self.word("live"))
        self.set_word("room", room)

    def make_backing_room(self) -> None:
        """Make sure that one FUND finds room: the table of backings is at most half full."""
        size = self.word("backing_mask") + 1
        if 2 * self.word("backing_count") >= size:
            self._size_backings(2 * size)

    def _size_backings(self, size: int) -> None:
        from openoutcry.book.kernel.index import rehash_backings

        old = self.arrays["backings"]
        self._set("backings", zeros(size + 1, BACKING))
        self.set_word("backing_mask", size - 1)
        self.set_word("backing_count", 0)
        rehash_backings(self.address, old.ctypes.data, len(old) - 1)

    def _make_positions(self, size: int) -> None:
        self._set("positions", zeros(size + 1, POSITION))
        self._set("positions_more", zeros(size + 1, POSITION_MORE))
        self.set_word("position_mask", size - 1)
        self.set_word("position_count", 0)

    def _size_positions(self, size: int) -> None:
        from openoutcry.book.kernel.index import rehash_positions

        old, old_more = self.arrays["positions"], self.arrays["positions_more"]
        self._make_positions(size)
        rehash_positions(self.address, old.ctypes.data, old_more.ctypes.data, len(old) - 1)

    def reserve(self, orders: int, positions: int, backings: int) -> None:
        """Make room for a restored state."""
        if orders > self.word("capacity"):
            self._set_capacity(power_of_two(orders))
        if 2 * positions > self.word("position_mask"):
            self._size_positions(power_of_two(2 * positions + 1))
        if 2 * backings > self.word("backing_mask"):
            self._size_backings(power_of_two(2 * backings + 1))

    def make_accounts(self, count: int) -> None:
        """Make the account table at least `count` long."""
        have = len(self.arrays["accounts"])
        if count > have:
            longer = max(count, 2 * have)
            self._enlarge("accounts", longer)
            self._enlarge("accounts_more", longer)
            self.set_word("account_capacity", longer)

    # -- events --------------------------------------------------------------------------------------------------

    def grow_events(self, need: int) -> None:
        """Double the event buffer until `need` more events fit; what it holds is kept."""
        held = 0
        if len(self.events):
            held = (self.word("event") - self.events_at) // EVENT.itemsize
        size = max(EVENTS_FIRST, len(self.events))
        while size < held + need or size == len(self.events):
            size *= 2
        events: Table = zeros(size, EVENT).view(EVENT)
        events[:held] = self.events[:held]
        self.events = events
        self.events_at = events.ctypes.data
        self.set_word("event", events.ctypes.data + held * EVENT.itemsize)
        self.set_word("events", events.ctypes.data)
        self.set_word("event_end", events.ctypes.data + size * EVENT.itemsize)

    # -- pairs ---------------------------------------------------------------------------------------------------

    def _grow_ticks(self, ticks: int, levels: int) -> None:
        """Make bitmaps for `ticks` ticks (a word more, so that a search may look past the end) and direct levels."""
        size = ticks
        for storey in range(4):
            size = size // WORD_TICKS + 2
            name = f"bits{storey}"
            if name not in self.arrays:
                self._set(name, zeros(size, np.int64))
            elif size > len(self.arrays[name]):
                self._enlarge(name, size)
        if "levels" not in self.arrays:
            self._set("levels", zeros(levels, LEVEL))
        elif levels > len(self.arrays["levels"]):
            self._enlarge("levels", levels)

    def has_room_for(self, pair: Pair) -> bool:
        """Tell whether the ladders of one more pair still fit."""
        more = LADDERS * self._stride(pair)
        if self.ticks + more > TICKS_MAX:
            return False
        return pair.ladder != Ladder.DIRECT or self.levels + more <= DIRECT_TICKS_MAX

    @staticmethod
    def _stride(pair: Pair) -> int:
        ticks = pair.price_ticks_max - pair.price_ticks_min + 1
        return -(-ticks // WORD_TICKS) * WORD_TICKS

    def add_pairs(self, pairs: list[Pair]) -> None:
        """Make rows and ladders for new pairs; their ids were never used."""
        if not pairs:
            return
        count = max(pair.pair_id for pair in pairs) + 1
        if count > len(self.arrays["pairs"]):
            self._enlarge("pairs", power_of_two(count))
        self.set_word("pair_count", max(count, self.word("pair_count")))
        rows = self.table("pairs")
        for pair in pairs:
            self._fill(rows, pair)
        # a quarter more than is needed now, so that adding pairs one by one stays linear
        have = len(self.arrays["bits0"]) * WORD_TICKS
        ticks = self.ticks if self.ticks <= have else self.ticks + self.ticks // 4
        self._grow_ticks(ticks, self.levels if self.levels <= len(self.arrays["levels"]) else self.levels * 5 // 4)
        if not self.hashed and any(pair.ladder == Ladder.HASHED for pair in pairs):
            self.hashed = True
            self._size_hashed_levels()

    def _fill(self, rows: Table, pair: Pair) -> None:
        stride = self._stride(pair)
        row = rows[pair.pair_id]
        row["best"] = [NO_LOW, NO_HIGH, NO_LOW, NO_HIGH, NO_HIGH, NO_LOW]
        row["ladder_at"] = self.ticks - pair.price_ticks_min
        row["stride"] = stride
        row["level_shift"] = self.levels - self.ticks
        self.ticks += LADDERS * stride
        if pair.ladder == Ladder.DIRECT:
            self.levels += LADDERS * stride
        row["price_min"], row["price_max"] = pair.price_ticks_min, pair.price_ticks_max
        row["qty_max"] = pair.qty_lots_max
        row["known"] = 1
        row["phase"] = pair.phase
        row["allocation"] = pair.allocation
        row["iceberg_rule"] = pair.iceberg_rule
        row["auction_rule"] = pair.auction_rule
        row["pro_rata_top"] = pair.pro_rata_top
        row["hashed"] = pair.ladder == Ladder.HASHED
        row["base"], row["quote"] = pair.base, pair.quote
        row["reference"] = pair.reference_ticks
        row["pro_rata_minimum"] = pair.pro_rata_minimum_lots


def check_capacity(capacity: int, capacity_max: int) -> None:
    """Raise ValueError when the capacities make no sense."""
    if not 1 <= capacity_max <= ORDERS_MAX:
        raise ValueError(f"capacity_max is {capacity_max}, expected 1 to {ORDERS_MAX}")
    if capacity < 1:
        raise ValueError(f"capacity is {capacity}, expected 1 or more")
