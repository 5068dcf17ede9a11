"""What a follower's book of one pair answers, in both implementations: `FastBook` and its plain twin `PlainBook`."""

from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.depth import Depth
from openoutcry.domain import Phase
from openoutcry.domain.records import Events
from openoutcry.marketdata.shown import digest_of

ORDERS_MAX: Final = 2**22
"""Displayed orders of one pair that a follower keeps unless its owner says otherwise: some 300 MB. A venue that shows
more is not followed, so that nobody's memory depends on what a stranger claims."""


class LastTrade(NamedTuple):
    """The last trade that a book has heard of: price in ticks, lots, number of the command that caused it."""

    price_ticks: int
    qty_lots: int
    sequence: int


class FollowedBook(Protocol):
    """The displayed orders of one pair, made from public rows."""

    pair: int

    def apply(self, rows: Events) -> int | None:
        """Apply public rows in order; return None, or the index of the first that does not fit what is held.

        A book that was given such a row is of no use until `clear`.
        """
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...

    @property
    def live(self) -> int:
        """Number of displayed orders."""
        ...

    def side(self, side: int) -> NDArray[np.void]:
        """Return the orders of a side as SHOWN records, best price first, each level in priority."""
        ...

    def best(self) -> tuple[int | None, int | None]:
        """Return the best bid and ask, None for an empty side."""
        ...

    def depth(self, levels: int = 10) -> Depth:
        """Return the best `levels` levels of each side."""
        ...

    @property
    def phase(self) -> Phase | None:
        """The phase of the pair, None before it was said."""
        ...

    @property
    def last_trade(self) -> LastTrade | None:
        """The last trade, None before the first that was heard of."""
        ...


def digest(book: FollowedBook) -> bytes:
    """Return the digest of a followed book, equal to `shown.book_digest` of the books that it follows."""
    return digest_of(book.pair, book.side(0), book.side(1))
