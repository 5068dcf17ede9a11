"""COMMAND and EVENT: 64-byte little-endian records, the only things that go into a book and come out of one.

The only module of the domain that imports numpy.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

COMMAND: np.dtype[np.void] = np.dtype(
    [
        ("op", "u1"),
        ("side", "u1"),
        ("kind", "u1"),
        ("tif", "u1"),
        ("stp", "u1"),
        ("flags", "u1"),
        ("spare", "<u2"),
        ("pair", "<u4"),
        ("account", "<u4"),
        ("client_id", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("display_lots", "<i8"),
        ("trigger_ticks", "<i8"),
        ("expiry_ns", "<i8"),
    ]
)
"""What enters a book; the meaning of each field per op is in docs/reference/commands.md.

`display_lots` is the peak of an iceberg and the minimum quantity on arrival of any other order.
"""

EVENT: np.dtype[np.void] = np.dtype(
    [
        ("sequence", "<u8"),
        ("kind", "u1"),
        ("side", "u1"),
        ("code", "u1"),
        ("flags", "u1"),
        ("pair", "<u4"),
        ("maker", "<u8"),
        ("taker", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("maker_leaves", "<i8"),
        ("taker_leaves", "<i8"),
    ]
)
"""What a book says happened; `sequence` numbers the commands of this book from 1."""

assert COMMAND.itemsize == 64
assert EVENT.itemsize == 64

Commands: TypeAlias = NDArray[np.void]
"""A one-dimensional, contiguous array of COMMAND."""

Events: TypeAlias = NDArray[np.void]
"""A one-dimensional array of EVENT."""
