"""The canonical state of a set of books: what both implementations hash, save and restore.

A `State` is seven arrays of little-endian records, in one order that does not depend on how a book stores anything, so
a snapshot of the fast book restores the plain one and the other way round.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.state_check import fault_of


class Queue(IntEnum):
    """Where a live order waits; "book order" is queue by queue, best level first, first in first."""

    BID = 0
    ASK = 1
    HIDDEN_BID = 2
    HIDDEN_ASK = 3
    MARKET_BID = 4
    MARKET_ASK = 5
    STOP_BUY = 6
    STOP_SELL = 7
    ELECTED = 8
    PARKED = 9


class OrderFlag(IntFlag):
    """What an order remembers besides its fields."""

    NO_CLIENT_ID = 1
    """Placed BY_HANDLE: its client id is not indexed."""
    REDUCE_ONLY = 2
    BACKED = 4
    """It drew backing when it was accepted."""
    PRICED = 8
    """It has a price of its own; without this flag `price_ticks` is the end of the range."""


STATE_HEADER: Final = np.dtype([("sequence", "<u8"), ("clock_ns", "<i8"), ("capacity_max", "<u8")])
STATE_PAIR: Final = np.dtype(
    [
        ("pair", "<u4"),
        ("base", "<u4"),
        ("quote", "<u4"),
        ("retired", "u1"),
        ("phase", "u1"),
        ("closing", "u1"),
        ("allocation", "u1"),
        ("iceberg_rule", "u1"),
        ("auction_rule", "u1"),
        ("pro_rata_top", "u1"),
        ("ladder", "u1"),
        ("spare", "<u4"),
        ("price_ticks_min", "<i8"),
        ("price_ticks_max", "<i8"),
        ("qty_lots_max", "<i8"),
        ("pro_rata_minimum_lots", "<i8"),
        ("last_ticks", "<i8"),
        ("reference_ticks", "<i8"),
        ("band_low_ticks", "<i8"),
        ("band_high_ticks", "<i8"),
        ("open_lots", "<i8"),
        ("top_bid", "<u8"),
        ("top_ask", "<u8"),
    ]
)
STATE_ACCOUNT: Final = np.dtype(
    [
        ("account", "<u4"),
        ("group", "<u4"),
        ("broker", "<u4"),
        ("session", "<u4"),
        ("open_orders", "<u4"),
        ("open_orders_max", "<u4"),
        ("backed", "<u4"),
        ("protect_fills", "<u4"),
        ("order_lots_max", "<i8"),
        ("notional_max", "<i8"),
        ("collar_ticks", "<i8"),
        ("position_lots_max", "<i8"),
        ("protect_interval_ns", "<i8"),
        ("protect_lots", "<i8"),
        ("protect_delta_lots", "<i8"),
    ]
)
STATE_POSITION: Final = np.dtype(
    [
        ("account", "<u4"),
        ("pair", "<u4"),
        ("net_lots", "<i8"),
        ("open_buy_lots", "<i8"),
        ("open_sell_lots", "<i8"),
        ("window_begin_ns", "<i8"),
        ("window_lots", "<i8"),
        ("window_net_lots", "<i8"),
        ("window_fills", "<u4"),
        ("tripped", "<u4"),
    ]
)
"""Only those with something in them: net, open lots, fills of the window, or tripped. No fills: the window is zero."""
STATE_BACKING: Final = np.dtype(
    [("account", "<u4"), ("instrument", "<u4"), ("available", "<i8"), ("drawn", "<i8"), ("spent", "<i8")]
)
"""Only those with something in them."""
STATE_ORDER: Final = np.dtype(
    [
        ("handle", "<u8"),
        ("client_id", "<u8"),
        ("pair", "<u4"),
        ("account", "<u4"),
        ("queue", "u1"),
        ("side", "u1"),
        ("kind", "u1"),
        ("tif", "u1"),
        ("stp", "u1"),
        ("flags", "u1"),
        ("spare", "<u2"),
        ("account_rank", "<u4"),
        ("spare2", "<u4"),
        ("price_ticks", "<i8"),
        ("displayed_lots", "<i8"),
        ("reserve_lots", "<i8"),
        ("peak_lots", "<i8"),
        ("original_lots", "<i8"),
        ("trigger_ticks", "<i8"),
        ("expiry_ns", "<i8"),
    ]
)
"""`account_rank`: place among the live orders of its account and pair, by acceptance, from 0. `peak_lots`: 0 but for
an iceberg. `original_lots`: quantity at placement or at the last replacement that lost priority."""
STATE_SLOT: Final = np.dtype([("generation", "<u4"), ("free_rank", "<u4")])
"""One per slot from 1 to the highest ever used. `generation` that its present or next order has; `free_rank` 0 for a
slot in use, else its place in the stack of free slots, from 1 at the bottom."""

SECTIONS: Final = (
    ("header", STATE_HEADER),
    ("pairs", STATE_PAIR),
    ("accounts", STATE_ACCOUNT),
    ("positions", STATE_POSITION),
    ("backings", STATE_BACKING),
    ("orders", STATE_ORDER),
    ("slots", STATE_SLOT),
)
HASHED: Final = ("header", "pairs", "accounts", "positions", "backings", "orders")
MAGIC: Final = b"OOBOOK\x00\x01"
"""Eight bytes: name and version of the snapshot format."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decides what a set of books will answer; each array has the STATE_ dtype of its name."""

    header: NDArray[np.void]
    pairs: NDArray[np.void]
    accounts: NDArray[np.void]
    positions: NDArray[np.void]
    backings: NDArray[np.void]
    orders: NDArray[np.void]
    slots: NDArray[np.void]

    def hash(self) -> str:
        """SHA-256 over header, pairs, accounts, positions, backings and orders, each led by its name and length."""
        digest = hashlib.sha256()
        for name in HASHED:
            array = getattr(self, name)
            digest.update(f"{name}:{len(array)};".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def pack(self) -> bytes:
        """Return the snapshot: magic, then per section its length and records, then SHA-256 of all that."""
        parts = [MAGIC]
        for name, _ in SECTIONS:
            array = getattr(self, name)
            parts.append(struct.pack("<Q", len(array)))
            parts.append(array.tobytes())
        body = b"".join(parts)
        return body + hashlib.sha256(body).digest()

    @staticmethod
    def unpack(data: bytes) -> "State":
        """Read a snapshot. Raises ValueError naming what is wrong: no snapshot, another version, cut off, damaged, or
        a state that no book can be in (see `state_check`)."""
        if len(data) < len(MAGIC) + 32 or data[:6] != MAGIC[:6]:
            raise ValueError("snapshot: not a snapshot of books (it should begin with OOBOOK)")
        if data[:8] != MAGIC:
            raise ValueError(f"snapshot: format version {data[7]}, expected {MAGIC[7]}")
        if hashlib.sha256(data[:-32]).digest() != data[-32:]:
            raise ValueError("snapshot: damaged or cut off (the SHA-256 at its end does not match)")
        at, arrays, end = len(MAGIC), {}, len(data) - 32
        for name, dtype in SECTIONS:
            (count,) = struct.unpack_from("<Q", data, at) if at + 8 <= end else (0,)
            at += 8
            if at + count * dtype.itemsize > end:
                raise ValueError(f"snapshot: {name}: {count} records do not fit into it")
            arrays[name] = np.frombuffer(data, dtype=dtype, count=count, offset=at).copy()
            at += count * dtype.itemsize
        if at != end:
            raise ValueError(f"snapshot: {end - at} bytes after its last section")
        state = State(**arrays)
        fault = fault_of(state)
        if fault is not None:
            raise ValueError(f"snapshot: {fault}")
        return state
