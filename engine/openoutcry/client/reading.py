"""Bounded queues between the thread of a link and whoever reads: a slow reader is told what it has missed."""

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition
from time import monotonic
from typing import Final, Generic, NamedTuple, TypeVar

from openoutcry.client.errors import Closed

Item = TypeVar("Item")

WAITING_MAX: Final = 65_536
"""Items that wait for one reader; of more, the oldest are dropped and counted."""


class Missed(NamedTuple):
    """In place of items that were dropped because their reader was too slow. What they led to can still be asked."""

    items: int


class Reader(Generic[Item]):
    """One reader's queue. Any thread may put; one reads.

    conflate: only the newest item waits, for readers that want what is, not what was; then nothing is ever missed.
    """

    def __init__(self, waiting_max: int = WAITING_MAX, *, conflate: bool = False) -> None:
        """waiting_max: items that wait before the oldest are dropped."""
        self._waiting_max = 1 if conflate else waiting_max
        self._conflate = conflate
        self._items: deque[Item] = deque()
        self._missed = 0
        self._ready = Condition()
        self._error: Exception | None = None
        self._is_closed = False
        self.on_ready: Callable[[], object] | None = None

    def put(self, item: Item) -> None:
        """Add an item. Never waits."""
        with self._ready:
            if self._is_closed:
                return
            if len(self._items) >= self._waiting_max:
                self._items.popleft()
                self._missed += not self._conflate
            self._items.append(item)
            self._ready.notify()
        if self.on_ready is not None:
            self.on_ready()

    def miss(self, count: int) -> None:
        """Note items that never came here."""
        with self._ready:
            self._missed += count
            self._ready.notify()
        if self.on_ready is not None:
            self.on_ready()

    def close(self, error: Exception | None = None) -> None:
        """End: what waits is still read, then reading ends, or raises `error`."""
        with self._ready:
            if not self._is_closed:
                self._is_closed, self._error = True, error
            self._ready.notify_all()
        if self.on_ready is not None:
            self.on_ready()

    def take(self) -> "Item | Missed | None":
        """Return the next item, None where none waits. Raises Closed at the end, or what the end was caused by."""
        with self._ready:
            return self._take()

    def get(self, timeout_s: float | None = None) -> "Item | Missed | None":
        """Return the next item, waiting for it; None when the time is over. Raises as `take` does."""
        end = None if timeout_s is None else monotonic() + timeout_s
        with self._ready:
            while True:
                item = self._take()
                if item is not None:
                    return item
                left = None if end is None else end - monotonic()
                if left is not None and left <= 0:
                    return None
                self._ready.wait(left)

    def __iter__(self) -> "Iterator[Item | Missed]":
        """Yield items as they come, until the end."""
        while True:
            try:
                item = self.get()
            except Closed:
                return
            assert item is not None
            yield item

    def _take(self) -> "Item | Missed | None":
        if self._missed:
            missed, self._missed = self._missed, 0
            return Missed(missed)
        if self._items:
            return self._items.popleft()
        if self._is_closed:
            raise self._error or Closed("there is nothing more to read: it was closed")
        return None
