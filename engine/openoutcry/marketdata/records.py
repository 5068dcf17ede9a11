"""The records of public market data: dtypes, record kinds, and what the numbers in them mean.

All little-endian, in multiples of 8 bytes. None names its pair but L3: the stream that it comes in does.
"""

from enum import IntFlag
from typing import Final

import numpy as np

from openoutcry.domain import Phase
from openoutcry.domain.records import EVENT
from openoutcry.wire.frames import KINDS as WIRE_KINDS
from openoutcry.wire.frames import RecordKind, RecordTable

LEVEL: Final[np.dtype[np.void]] = np.dtype(
    [
        ("sequence", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("orders", "<u4"),
        ("side", "<u4"),
    ]
)
"""One level after a group: displayed lots and how many orders they belong to, both 0 when it is gone.

`sequence` is the number of the book's last command of the group, here and in all other records."""

TOP: Final[np.dtype[np.void]] = np.dtype(
    [
        ("sequence", "<u8"),
        ("bid_ticks", "<i8"),
        ("bid_lots", "<i8"),
        ("ask_ticks", "<i8"),
        ("ask_lots", "<i8"),
        ("bid_orders", "<u4"),
        ("ask_orders", "<u4"),
    ]
)
"""The best displayed level of each side after a group; zeros for an empty side."""

TRADE: Final[np.dtype[np.void]] = np.dtype(
    [
        ("number", "<u8"),
        ("sequence", "<u8"),
        ("time_ns", "<i8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("side", "<u4"),
        ("flags", "<u4"),
    ]
)
"""One trade. `number` counts the trades of the pair from 1, and is its sequence in the stream. `side` is that of the
order that came (SELL in an auction, where nobody came); `flags` are those of the event, HIDDEN and AUCTION, and
`TradeFlag`."""


class TradeFlag(IntFlag):
    """What `flags` of a TRADE says beside the flags of the event."""

    ANNULLED = 128
    """No new trade: the trade whose number stands in `sequence` is void, and this repeats it."""


INDICATION: Final[np.dtype[np.void]] = np.dtype(
    [
        ("sequence", "<u8"),
        ("time_ns", "<i8"),
        ("price_ticks", "<i8"),
        ("volume_lots", "<i8"),
        ("surplus_lots", "<i8"),
        ("phase", "<u4"),
        ("flags", "<u4"),
    ]
)
"""What an auction held now would come to, or has come to: price (0: none), volume, surplus (positive: of buys)."""


class IndicationFlag(IntFlag):
    """The `flags` of an INDICATION."""

    RESULT = 1
    """The auction was held; this is what it came to."""


SHOWN: Final[np.dtype[np.void]] = np.dtype([("handle", "<u8"), ("price_ticks", "<i8"), ("qty_lots", "<i8")])
"""One displayed order, as the digest of a book covers it; `qty_lots` is what is displayed of it."""

L3: Final = RecordKind(3, "l3", EVENT)
"""Public events: the EVENT layout, with what docs/reference/market-data.md says of each kind. No field has a range,
since every row is held against the book that it changes."""
LEVELS: Final = RecordKind(4, "level", LEVEL, (("side", 0, 1),))
TOPS: Final = RecordKind(5, "top", TOP)
TRADES: Final = RecordKind(6, "trade", TRADE, (("side", 0, 1),))
INDICATIONS: Final = RecordKind(7, "indication", INDICATION, (("phase", int(min(Phase)), int(max(Phase))),))

KINDS: Final[RecordTable] = WIRE_KINDS.extended([L3, LEVELS, TOPS, TRADES, INDICATIONS])
"""Every record kind up to market data."""

assert LEVEL.itemsize == 32 and SHOWN.itemsize == 24
assert TOP.itemsize == TRADE.itemsize == INDICATION.itemsize == 48
