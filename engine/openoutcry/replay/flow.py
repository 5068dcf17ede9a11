"""What every reader makes of a recording: the messages of a venue, in one shape, in the venue's order.

A message says what happened at the venue to one order. The two modes turn messages into commands: `rebuild` follows
them to the letter, `rematch` keeps only what traders did and lets our book do the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum, IntFlag
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Pair


class Action(IntEnum):
    """The `action` of a message."""

    ADD = 1
    """An order enters, with limit and quantity; `kind` and `tif` as far as the recording shows them."""
    FILL = 2
    """A resting order trades: quantity, trade price; `other_id` is the taker where the recording names it, else 0."""
    TAKE = 3
    """The taker's own half of a fill (only in recordings that show takers); `other_id` is the maker."""
    REDUCE = 4
    """Quantity is taken off a resting order, which keeps its place."""
    DELETE = 5
    """An order is gone with all that was left of it."""
    TRADE = 6
    """A trade with an order that the recording does not show: a hidden one, or (UNSEEN) one that is not known."""
    AUCTION = 7
    """A trade of an auction."""


class MessageFlag(IntFlag):
    """The `flags` of a message."""

    SNAPSHOT = 1
    """The order was there when the recording began: part of an opening snapshot."""
    STALE = 2
    """An order of the opening snapshot that the venue no longer had when its live messages began (with SNAPSHOT)."""
    UNSEEN = 4
    """A TRADE whose maker was displayed, but never seen entering, or left out."""


MESSAGE: Final = np.dtype(
    [
        ("time_ns", "<i8"),
        ("record", "<u8"),
        ("order_id", "<u8"),
        ("other_id", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("group", "<u4"),
        ("pair", "<u4"),
        ("action", "u1"),
        ("side", "u1"),
        ("kind", "u1"),
        ("tif", "u1"),
        ("flags", "u1"),
        ("spare", "V3"),
    ]
)
"""One message, 64 bytes. `record` is where it stands in its file, from 1. `group` counts the venue's transactions
from 0 and never falls: between two groups the venue is at rest, so its book is not crossed. `side` is that of the
order named by `order_id`; of a TRADE or AUCTION that of the resting order, as far as it is known. `pair` indexes
`Flow.pairs`."""

Messages: TypeAlias = NDArray[np.void]
"""A one-dimensional array of MESSAGE."""

UTC: Final = "UTC"
VENUE_CLOCK: Final = "venue's local time"
"""The recording counts from midnight of an unnamed time zone; shown as it is."""


@dataclass(frozen=True, slots=True)
class FlowPair:
    """A pair of a recording. price = ticks x tick, quantity = lots x lot, both exact decimals."""

    symbol: str
    tick: Decimal
    lot: Decimal
    pair: Pair

    def price(self, ticks: int) -> Decimal:
        """Return the price of a number of ticks."""
        return self.tick * ticks

    def quantity(self, lots: int) -> Decimal:
        """Return the quantity of a number of lots."""
        return self.lot * lots


@dataclass(frozen=True, slots=True)
class BookRows:
    """What the recording says of the book, to check ours against.

    message: index of the message after which each row holds. price_ticks, qty_lots: (rows, 2 x levels); ask 1, bid 1,
    ask 2, bid 2 and so on; NO_LEVEL as price where there is no such level.
    """

    message: NDArray[np.int64]
    price_ticks: NDArray[np.int64]
    qty_lots: NDArray[np.int64]


NO_LEVEL: Final = -1


@dataclass(frozen=True, slots=True)
class Flow:
    """A recording, read.

    source: what was read, for people. reader: its name. clock: what times are counted in, UTC or VENUE_CLOCK.
    records: records in the file. left_out: why a record has no message, and how many such. remarks: what else the
    reader noticed, and how often; both in the reader's words. book: see BookRows, None where the recording has none.
    """

    source: str
    reader: str
    pairs: tuple[FlowPair, ...]
    messages: Messages
    records: int
    clock: str = UTC
    left_out: Mapping[str, int] = field(default_factory=dict)
    remarks: Mapping[str, int] = field(default_factory=dict)
    book: BookRows | None = None


def busiest(messages: Messages, most: int) -> list[int]:
    """Return the pairs with the most messages, busiest first, at most `most` of them."""
    counts = np.bincount(messages["pair"]) if len(messages) else np.zeros(0, dtype=np.int64)
    order = np.argsort(-counts, kind="stable")[:most]
    return [int(pair) for pair in order if counts[pair]]
