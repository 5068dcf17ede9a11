"""What a book displays, as rows: for snapshots, for the digest, and for whoever begins with books that hold orders.

The digest of a pair's displayed book is SHA-256 over, little-endian:

| bytes | what |
|---|---|
| 16 | `openoutcry/l3/1\\0` |
| 8 | pair |
| 8, 8 | number of displayed buy orders, of displayed sell orders |
| 24 each | SHOWN records: buys, best price first, each level in priority; then sells likewise |
"""

import hashlib
import struct
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.state import Queue
from openoutcry.domain import EventKind, Side
from openoutcry.domain.records import EVENT, Events
from openoutcry.marketdata.records import SHOWN

_PREFIX: Final = b"openoutcry/l3/1\0"
_COUNTS: Final = struct.Struct("<QQQ")


class HasOrders(Protocol):
    """Any set of books: live orders of a pair as STATE_ORDER records, in book order."""

    def orders(self, pair: int) -> NDArray[np.void]:
        """Return the live orders of a pair."""
        ...


def shown_orders(books: HasOrders, pair: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return the displayed buys and sells of a pair as SHOWN records, in priority. Cost: O(live orders of the pair)."""
    orders = books.orders(pair)
    sides = []
    for queue in (Queue.BID, Queue.ASK):
        found = orders[orders["queue"] == queue]
        rows = np.zeros(len(found), SHOWN)
        rows["handle"], rows["price_ticks"], rows["qty_lots"] = (
            found["handle"], found["price_ticks"], found["displayed_lots"],
        )  # fmt: skip
        sides.append(rows)
    return sides[0], sides[1]


def resting_rows(books: HasOrders, pair: int) -> Events:
    """Return the displayed orders of a pair as public RESTING rows in priority: what a snapshot of level 3 holds."""
    sides = shown_orders(books, pair)
    rows = np.zeros(len(sides[0]) + len(sides[1]), EVENT)
    rows["kind"], rows["pair"] = EventKind.RESTING, pair
    at = 0
    for side, orders in zip(Side, sides, strict=True):
        part = rows[at : at + len(orders)]
        at += len(orders)
        part["side"], part["maker"], part["price_ticks"] = side, orders["handle"], orders["price_ticks"]
        part["qty_lots"] = part["maker_leaves"] = orders["qty_lots"]
    return rows


def digest_of(pair: int, bids: NDArray[np.void], asks: NDArray[np.void]) -> bytes:
    """Return the digest of a displayed book whose SHOWN rows are given in priority. Cost: some 10 ns an order."""
    digest = hashlib.sha256(_PREFIX + _COUNTS.pack(pair, len(bids), len(asks)))
    digest.update(bids.tobytes())
    digest.update(asks.tobytes())
    return digest.digest()


def book_digest(books: HasOrders, pair: int) -> bytes:
    """Return the digest of what books display of a pair. Cost: O(live orders of the pair), some 100 ns each."""
    return digest_of(pair, *shown_orders(books, pair))
