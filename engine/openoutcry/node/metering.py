"""How long groups and syncs take, as counts by size: cheap enough to be kept for every group.

Kept by the node's own thread as plain integers (0.4 microseconds a value); others read copies of them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter_ns
from typing import BinaryIO, Final

import msgspec

from openoutcry.node.journal import Batch, Log, Snapshot
from openoutcry.role import Record

TIME_BOUNDS_NS: Final = tuple(step * 10**power for power in range(4, 10) for step in (1, 2, 5))
"""10 microseconds to 5 seconds: a sync takes 0.2 to 20 ms, and one of five seconds is a disk that dies."""

FRAME_BOUNDS: Final = tuple(1 << power for power in range(11))
"""1 to 1,024 frames, the longest group."""


class Counts(msgspec.Struct, frozen=True):
    """How many values were at most each bound, and above all of them: a copy of a `Histogram`, not cumulated."""

    bounds: tuple[int, ...]
    counts: tuple[int, ...]
    total: int

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def quantile(self, ppm: int) -> int | None:
        """Return the bound below which so many of a million values are; None where there were none.

        Above the last bound, that is returned.
        """
        wanted = -(-self.count * ppm // 1_000_000)
        if not wanted:
            return None
        for bound, count in zip(self.bounds, self.counts, strict=False):
            wanted -= count
            if wanted <= 0:
                return bound
        return self.bounds[-1]


class Histogram:
    """Counts values by size."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[int]) -> None:
        """bounds: ascending; each value is counted at the first one that is not below it."""
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0

    def add(self, value: int) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def read(self) -> Counts:
        """Return what was counted."""
        return Counts(self._bounds, tuple(self._counts), self._total)


class MeteredLog:
    """A `Log` that measures how long a group takes from its append until it is durable; else the log inside."""

    def __init__(self, log: Log, add: Callable[[int], None]) -> None:
        """add: is told nanoseconds, once a group."""
        self.inner = log
        self._add = add
        self._appended_ns = 0

    @property
    def first(self) -> int:
        """See `Log`."""
        return self.inner.first

    @property
    def last(self) -> int:
        """See `Log`."""
        return self.inner.last

    @property
    def safe(self) -> int:
        """See `Log`."""
        return self.inner.safe

    @property
    def notes(self) -> Sequence[str]:
        """See `Log`."""
        return self.inner.notes

    def append(self, records: Sequence[Record]) -> int:
        """See `Log`."""
        self._appended_ns = perf_counter_ns()
        return self.inner.append(records)

    def durable(self, sequence: int, wait_s: float | None = None) -> bool:
        """See `Log`."""
        is_durable = self.inner.durable(sequence, wait_s)
        if is_durable and self._appended_ns:
            self._add(perf_counter_ns() - self._appended_ns)
            self._appended_ns = 0
        return is_durable

    def read(self, first: int = 1) -> Iterator[Batch]:
        """See `Log`."""
        return self.inner.read(first)

    def save(self, sequence: int, write: Callable[[BinaryIO], None]) -> None:
        """See `Log`."""
        self.inner.save(sequence, write)

    def load(self) -> Snapshot | None:
        """See `Log`."""
        return self.inner.load()

    def truncate(self, first: int) -> None:
        """See `Log`."""
        self.inner.truncate(first)

    def close(self) -> None:
        """See `Log`."""
        self.inner.close()
