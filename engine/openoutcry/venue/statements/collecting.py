"""The machine code of accounting: from the events of a batch its trades and counts, from trades the sums of a ledger.

One module, since numba notices a change of the file that it compiles and no other (see `book.kernel.compiling`).
"""

from typing import Final

from openoutcry.book.kernel.compiling import entry, inline
from openoutcry.book.kernel.memory import get1, get4, get8, put8, shift_right
from openoutcry.book.kernel.running import ARRAY_DATA
from openoutcry.domain import EventFlag, EventKind, Phase, Side
from openoutcry.venue.statements.rows import TRADE_ROW

TRADED: Final = int(EventKind.TRADED)
CANCELLED: Final = int(EventKind.CANCELLED)
EXPIRED: Final = int(EventKind.EXPIRED)
PHASE_CHANGED: Final = int(EventKind.PHASE_CHANGED)
HALTED: Final = int(Phase.HALTED)
BUY: Final = int(Side.BUY)
AUCTION: Final = int(EventFlag.AUCTION)

TRADES, BOUGHT, SOLD, BOUGHT_UNITS, SOLD_UNITS, MAKER_FEES, TAKER_FEES = range(7)
"""Columns of a ledger's sums that trades are added to; others follow."""


def _at(field: str) -> int:
    fields = TRADE_ROW.fields
    assert fields is not None
    return int(fields[field][1])


ROW_BYTES: Final = TRADE_ROW.itemsize
R_LOTS: Final = _at("qty_lots")
R_UNITS: Final = _at("value_units")
R_MAKER_FEE: Final = _at("maker_fee_units")
R_TAKER_FEE: Final = _at("taker_fee_units")
R_SIDE: Final = _at("side")
R_FLAGS: Final = _at("flags")


@entry
def collect(
    array: int, count: int, parties: int, trades: int, holders: int, times: int, at: int, time_ns: int, counts: int
) -> int:
    """Copy the trades of `count` events to places from `at` on, count the rest, and return the next place.

    array: address of the numpy array of the events. parties: PARTIES of each. trades: EVENT rows; holders: their
    PARTIES; times: int64. counts: two int64 for each pair: halts, and orders that left the book without a trade. The
    caller has made room for `count` trades and every pair. Cost: 1 ns an event, 5 a trade.
    """
    e = get8(array + ARRAY_DATA)
    for i in range(count):
        word = get8(e + 8)
        kind = word & 255
        if kind == TRADED:
            to = trades + (at << 6)
            for offset in range(0, 64, 8):
                put8(to + offset, get8(e + offset))
            put8(holders + (at << 3), get8(parties + (i << 3)))
            put8(times + (at << 3), time_ns)
            at += 1
        elif kind == EXPIRED or (kind == CANCELLED and get8(e + 48) == 0):
            place = counts + (shift_right(word, 32) << 4) + 8
            put8(place, get8(place) + 1)
        elif kind == PHASE_CHANGED and word >> 16 & 255 == HALTED:
            place = counts + (get4(e + 12) << 4)
            put8(place, get8(place) + 1)
        e += 64
    return at


@inline
def add(sums: int, width: int, column: int, slot: int, value: int) -> None:
    """Add to one sum. sums: address of (columns, width) int64."""
    place = sums + ((column * width + slot) << 3)
    put8(place, get8(place) + value)


@entry
def tally(rows: int, count: int, slots: int, sums: int, width: int, sign: int) -> int:
    """Add both sides of `count` TRADE_ROWs to the sums of a ledger, (columns, width) int64; return how many.

    slots: int64, of the makers, then of the takers. sign: 1, or -1 to take them back. The caller has made sure that no
    sum can wrap. Cost: 15 ns a trade.
    """
    for i in range(count):
        row = rows + i * ROW_BYTES
        maker = get8(slots + (i << 3))
        taker = get8(slots + ((count + i) << 3))
        lots = sign * get8(row + R_LOTS)
        units = sign * get8(row + R_UNITS)
        buyer = taker if get1(row + R_SIDE) == BUY else maker
        seller = maker if get1(row + R_SIDE) == BUY else taker
        add(sums, width, TRADES, maker, sign)
        add(sums, width, TRADES, taker, sign)
        add(sums, width, BOUGHT, buyer, lots)
        add(sums, width, SOLD, seller, lots)
        add(sums, width, BOUGHT_UNITS, buyer, units)
        add(sums, width, SOLD_UNITS, seller, units)
        column = TAKER_FEES if get1(row + R_FLAGS) & AUCTION else MAKER_FEES
        add(sums, width, column, maker, sign * get8(row + R_MAKER_FEE))
        add(sums, width, TAKER_FEES, taker, sign * get8(row + R_TAKER_FEE))
    return count
