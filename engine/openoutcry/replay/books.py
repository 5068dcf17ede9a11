"""What a replay needs of a set of books; the fast and the plain ones both have it."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Pair
from openoutcry.domain.records import Commands, Events

INFERRED: Final = 1 << 63
"""Ids of aggressive orders that `rematch` infers begin here; they also have accounts of their own, so that they never
meet ids of the recording."""


def accounts(pairs: int) -> int:
    """Return how many accounts a replay of so many pairs needs: account n trades pair n, so that an order id may
    occur in several pairs; account pairs + n places the aggressive orders inferred for pair n.
    """
    return 2 * pairs


class Levels(Protocol):
    """What `depth` answers: structured arrays with price_ticks, qty_lots, orders, best level first."""

    @property
    def bids(self) -> NDArray[np.void]:
        """Displayed bids."""

    @property
    def asks(self) -> NDArray[np.void]:
        """Displayed asks."""


class ReplayBooks(Protocol):
    """A set of books."""

    def apply(self, commands: Commands) -> Events:
        """Carry commands out and return their events, valid until the next call."""

    def depth(self, pair: int, levels: int) -> Levels:
        """Return the best levels of both sides."""


OpenBooks: TypeAlias = Callable[[Sequence[Pair]], ReplayBooks]
"""Opens books for pairs, with as many accounts as `accounts` says."""


def open_fast(pairs: Sequence[Pair]) -> ReplayBooks:
    """Open the books compiled by numba."""
    from openoutcry.book import Books

    books: ReplayBooks = Books(pairs, accounts=accounts(len(pairs)))
    return books


def open_plain(pairs: Sequence[Pair]) -> ReplayBooks:
    """Open the plain Python books: a hundred times slower, the same events."""
    from openoutcry.book.reference import ReferenceBooks

    books: ReplayBooks = ReferenceBooks(pairs, accounts=accounts(len(pairs)))
    return books
