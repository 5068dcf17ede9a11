"""Sums by key that never wrap: int64 while they surely fit, Python integers beyond."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

I64: TypeAlias = NDArray[np.int64]

SURE_MAX: Final = 2**62
"""As long as all that was ever added to a column is below this, no sum in it can have wrapped."""


class Keys:
    """Keys (int64) to slots, which are numbered from 0 in the order in which keys come. Grows; a slot never changes."""

    def __init__(self) -> None:
        self._sorted: I64 = np.zeros(0, np.int64)
        self._slots: I64 = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._sorted)

    @property
    def sorted(self) -> I64:
        """All keys, ascending."""
        return self._sorted

    @property
    def slots(self) -> I64:
        """The slot of each of `sorted`."""
        return self._slots

    def take(self, keys: I64) -> I64:
        """Return the slot of each key; new keys get new ones. O(n log keys), and O(keys) where one is new."""
        slots, is_known = self.find(keys)
        if not is_known.all():
            new = np.unique(keys[~is_known])
            both = np.concatenate((self._sorted, new))
            numbers = np.concatenate((self._slots, np.arange(len(self), len(self) + len(new), dtype=np.int64)))
            order = np.argsort(both, kind="stable")
            self._sorted, self._slots = both[order], numbers[order]
            slots, is_known = self.find(keys)
        assert is_known.all()
        return slots

    def find(self, keys: I64) -> tuple[I64, NDArray[np.bool_]]:
        """Return the slot of each key, and whether it has one; 0 where not."""
        if not len(self):
            return np.zeros(len(keys), np.int64), np.zeros(len(keys), np.bool_)
        places = np.minimum(np.searchsorted(self._sorted, keys), len(self) - 1)
        is_known = self._sorted[places] == keys
        return np.where(is_known, self._slots[places], 0), is_known


class Sums:
    """Columns of sums, one place for each slot."""

    def __init__(self, columns: int) -> None:
        self._small: I64 = np.zeros((columns, 0), np.int64)
        self._large: list[dict[int, int]] = [{} for _ in range(columns)]
        self._bound = [0] * columns
        """No sum in the column of `_small` is further from 0 than this."""

    def room(self, slots: int) -> None:
        """Have places for so many slots."""
        have = self._small.shape[1]
        if slots > have:
            grown = np.zeros((len(self._small), max(slots, 2 * have, 64)), np.int64)
            grown[:, :have] = self._small
            self._small = grown

    def claim(self, column: int, most: int) -> bool:
        """Make sure that sums in `small` of a column can grow by `most` in all; False where that may be too much."""
        if most > SURE_MAX:
            return False
        if self._bound[column] + most > SURE_MAX:
            self._carry(column)
        self._bound[column] += most
        return True

    @property
    def small(self) -> I64:
        """The (columns, slots) sums that are surely right as int64; only after `claim` may they be added to."""
        return self._small

    def add(self, column: int, slots: I64, values: I64) -> None:
        """Add each value, from -2^62 to 2^62, to its slot's sum; a slot may occur often. 10 ns a value."""
        if not len(values):
            return
        most = max(abs(int(values.max())), abs(int(values.min()))) * len(values)
        if self._bound[column] + most > SURE_MAX:
            self._carry(column)
            if most > SURE_MAX:
                for slot, value in zip(slots.tolist(), values.tolist(), strict=True):
                    self.add_large(column, slot, value)
                return
        self._bound[column] += most
        np.add.at(self._small[column], slots, values)

    def add_large(self, column: int, slot: int, value: int) -> None:
        """Add an integer of any size to one sum."""
        large = self._large[column]
        large[slot] = large.get(slot, 0) + value

    def of(self, column: int, slot: int) -> int:
        """Return one sum."""
        return int(self._small[column, slot]) + self._large[column].get(slot, 0)

    def _carry(self, column: int) -> None:
        small = self._small[column]
        for slot in np.flatnonzero(small).tolist():
            self.add_large(column, slot, int(small[slot]))
        small[:] = 0
        self._bound[column] = 0
