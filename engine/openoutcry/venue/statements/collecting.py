"""The machine code of the tray: from all events of a batch, the trades and the counts that accounting needs.

One module, since numba notices a change of the file that it compiles and no other (see `book.kernel.compiling`).
"""

from typing import Final

from openoutcry.book.kernel.compiling import entry
from openoutcry.book.kernel.memory import get4, get8, put8, shift_right
from openoutcry.book.kernel.running import ARRAY_DATA
from openoutcry.domain import EventKind, Phase

TRADED: Final = int(EventKind.TRADED)
CANCELLED: Final = int(EventKind.CANCELLED)
EXPIRED: Final = int(EventKind.EXPIRED)
PHASE_CHANGED: Final = int(EventKind.PHASE_CHANGED)
HALTED: Final = int(Phase.HALTED)


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
