"""Messages of market data beside their content as plain values, and rows of its records, written out by hand."""

import struct
from typing import Any, Final

from openoutcry.marketdata.messages import PublicDigest, PublicDigestWanted, StreamCut
from openoutcry.wire.tags import Message
from tests.wire.samples import HASH, LARGEST

FEED_SAMPLES: Final[tuple[tuple[Message, list[Any]], ...]] = (
    (PublicDigest(1_795, 2**32, HASH), [50, 1_795, 2**32, HASH]),
    (PublicDigest(3, 0, HASH), [50, 3, 0, HASH]),
    (PublicDigestWanted(1_795), [51, 1_795]),
    (StreamCut(1_797, LARGEST), [52, 1_797, LARGEST]),
)

FEED_ROWS: Final[tuple[tuple[int, str, tuple[int, ...]], ...]] = (
    (3, "<Q4BIQQqqqq", (9, 3, 1, 0, 0, 7, 2**63, 2**32 + 5, 100, 3, 3, 0)),
    (4, "<QqqII", (9, 100, 2**56, 2**32 - 1, 1)),
    (5, "<QqqqqII", (9, 99, 5, 100, 2**56, 1, 2**32 - 1)),
    (6, "<QQqqqII", (1, 9, 2**63 - 2, 100, 3, 1, 2)),
    (7, "<QqqqqII", (9, 2**63 - 2, 100, 3, -4, 2, 1)),
)
"""Record kind, layout for struct, and one row."""


def packed(layout: str, row: tuple[int, ...]) -> bytes:
    """Return a row's bytes."""
    return struct.pack(layout, *row)
