"""The timers of a node's roles: in the order in which they are due, and as they were set where two are due at once."""

import heapq
from collections.abc import Iterable

from openoutcry.role import Timer
from openoutcry.wire.limits import TIMER_KEY_BYTES_MAX


class Timers:
    """Timers by role and key. Setting and cancelling cost O(log n); what was replaced is dropped when it would be due,
    or when such entries outnumber the others."""

    __slots__ = ("_count", "_due", "_heap")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, bytes]] = []
        self._due: dict[tuple[int, bytes], tuple[int, int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    def set(self, role: int, timers: Iterable[Timer]) -> None:
        """Set, replace or cancel timers of one role."""
        for key, due_ns in timers:
            assert len(key) <= TIMER_KEY_BYTES_MAX, f"role {role}: the key of a timer has {len(key)} bytes"
            if due_ns is None:
                self._due.pop((role, key), None)
            else:
                self._count += 1
                self._due[role, key] = due_ns, self._count
                heapq.heappush(self._heap, (due_ns, self._count, role, key))
        if len(self._heap) > 64 + 2 * len(self._due):
            self._heap = [(due_ns, count, role, key) for (role, key), (due_ns, count) in self._due.items()]
            heapq.heapify(self._heap)

    @property
    def due_ns(self) -> int | None:
        """When the next one is due, None where none is set."""
        self._drop_replaced()
        return self._heap[0][0] if self._heap else None

    def take(self, now_ns: int, most: int) -> list[tuple[int, bytes]]:
        """Remove and return role and key of those that are due, at most so many."""
        taken: list[tuple[int, bytes]] = []
        while len(taken) < most:
            self._drop_replaced()
            if not self._heap or self._heap[0][0] > now_ns:
                break
            _, _, role, key = heapq.heappop(self._heap)
            del self._due[role, key]
            taken.append((role, key))
        return taken

    def _drop_replaced(self) -> None:
        heap = self._heap
        while heap:
            due_ns, count, role, key = heap[0]
            if self._due.get((role, key)) == (due_ns, count):
                return
            heapq.heappop(heap)
