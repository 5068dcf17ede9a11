"""The displayed book of one pair as a follower keeps it: orders by handle, levels, best prices.

Levels, bitmaps and best prices are those of the book's own ladders (`openoutcry.book.kernel.ladders`): ladder 0 bids,
1 asks, hashed levels. So the header has their words at the same places, and `p` is a PAIR record. An order is 32 bytes,
found by its handle through a hash. Nothing in a row is believed: one that does not fit what the book holds is answered
with its index, and the book is then of no use until it is loaded anew.
"""

from typing import Final

import numpy as np

from openoutcry.book.kernel.compiling import entry, helper, inline
from openoutcry.book.kernel.index import entry_add, entry_remove, key_hash
from openoutcry.book.kernel.ladders import (
    best_of,
    clear_bit,
    hashed_add,
    hashed_find,
    hashed_remove,
    next_price,
    prev_price,
    set_bit,
    tick_of,
)
from openoutcry.book.kernel.layout import (
    BEST,
    FREE,
    HEAD,
    HEADER,
    HIGH,
    ID_INDEX,
    ID_MASK,
    LIVE,
    LOTS,
    M32,
    NO_HIGH,
    NO_LOW,
    ORDERS,
    PAIRS,
    PRICE_MAX,
    TAIL,
)
from openoutcry.book.kernel.memory import get4, get8, put4, put8, shift_right
from openoutcry.book.kernel.running import ARRAY_DATA
from openoutcry.domain.event import EventFlag, EventKind
from openoutcry.domain.limits import OPEN_LOTS_MAX
from openoutcry.domain.pair import Phase

FOLLOWED: Final = np.dtype(
    [
        ("next", "<u4"),  # towards the back of its level; free slots: the next free slot
        ("prev", "<u4"),
        ("price", "<u4"),
        ("side", "<u4"),
        ("lots", "<i8"),
        ("handle", "<u8"),
    ]
)
assert FOLLOWED.itemsize == 32
F_PREV: Final = 4
F_PRICE: Final = 8
F_SIDE: Final = 12
F_LOTS: Final = 16
F_HANDLE: Final = 24

RESTING = int(EventKind.RESTING)
TRADED = int(EventKind.TRADED)
CANCELLED = int(EventKind.CANCELLED)
REPLACED = int(EventKind.REPLACED)
REPLENISHED = int(EventKind.REPLENISHED)
EXPIRED = int(EventKind.EXPIRED)
PHASE_CHANGED = int(EventKind.PHASE_CHANGED)
AUCTION_RESULT = int(EventKind.AUCTION_RESULT)
BAND_BREACHED = int(EventKind.BAND_BREACHED)
F_KEPT = int(EventFlag.KEPT_PRIORITY)
PHASE_HIGHEST = int(max(Phase))
LOTS_MAX = OPEN_LOTS_MAX

# Words behind those of the book's header: the pair's id, the last trade that was heard of, and the phase plus 1.
assert len(HEADER) <= 59
PAIR_NUMBER: Final = 59
TRADE_SEQUENCE: Final = 60
TRADE_PRICE: Final = 61
TRADE_LOTS: Final = 62
PHASE_NEXT: Final = 63
TRADED_AT: Final = 8 * TRADE_SEQUENCE
PHASE_AT: Final = 8 * PHASE_NEXT
PAIR_AT: Final = 8 * PAIR_NUMBER
FITS: Final = -1
"""What `follow` answers where every row fits."""


@inline
def followed_at(h: int, s: int) -> int:
    """Return the address of a slot's order."""
    return get8(h + ORDERS) + (s << 5)


@inline
def slot_with(h: int, handle: int) -> int:
    """Return the slot of the order with a handle, or 0."""
    tag = key_hash(h, 0, handle)
    table = get8(h + ID_INDEX)
    mask = get8(h + ID_MASK)
    i = tag & mask
    while True:
        word = get8(table + (i << 3))
        s = word & M32
        if s == 0 or (shift_right(word, 32) == tag and get8(followed_at(h, s) + F_HANDLE) == handle):
            return s
        i = (i + 1) & mask


@inline
def stand(h: int, s: int, side: int, price: int, lots: int, before: int) -> bool:
    """Put an order into its level before another one of it (0: at its back); False where it cannot stand there."""
    p = get8(h + PAIRS)
    o = followed_at(h, s)
    if before:
        b = followed_at(h, before)
        if get4(b + F_PRICE) != price or get4(b + F_SIDE) != side:
            return False
    tick = tick_of(p, side, price)
    lv = hashed_add(h, tick)
    total = get8(lv + LOTS) + lots
    if total > LOTS_MAX:
        return False
    put8(lv + LOTS, total)
    put4(o + F_PRICE, price)
    put4(o + F_SIDE, side)
    put8(o + F_LOTS, lots)
    if get4(lv + HEAD) == 0:
        set_bit(h, tick)
        best = best_of(p, side)
        if (price < best) if side else (price > best):
            put8(p + BEST + (side << 3), price)
    previous = get4(followed_at(h, before) + F_PREV) if before else get4(lv + TAIL)
    put4(o, before)
    put4(o + F_PREV, previous)
    if previous:
        put4(followed_at(h, previous), s)
    else:
        put4(lv + HEAD, s)
    if before:
        put4(followed_at(h, before) + F_PREV, s)
    else:
        put4(lv + TAIL, s)
    return True


@inline
def leave(h: int, o: int) -> None:
    """Take an order out of its level."""
    p = get8(h + PAIRS)
    side = get4(o + F_SIDE)
    price = get4(o + F_PRICE)
    tick = tick_of(p, side, price)
    lv = hashed_find(h, tick)
    put8(lv + LOTS, get8(lv + LOTS) - get8(o + F_LOTS))
    following = get4(o)
    previous = get4(o + F_PREV)
    if previous:
        put4(followed_at(h, previous), following)
    else:
        put4(lv + HEAD, following)
    if following:
        put4(followed_at(h, following) + F_PREV, previous)
    else:
        put4(lv + TAIL, previous)
    if (following | previous) == 0:
        hashed_remove(h, tick)
        clear_bit(h, tick)
        if best_of(p, side) == price:
            if side:
                put8(p + BEST + 8, next_price(h, p, 1, price))
            else:
                put8(p + BEST, prev_price(h, p, 0, price))


@inline
def remove(h: int, s: int, o: int) -> None:
    """Forget an order."""
    leave(h, o)
    entry_remove(get8(h + ID_INDEX), get8(h + ID_MASK), key_hash(h, 0, get8(o + F_HANDLE)), s)
    put4(o, get8(h + FREE))
    put8(o + F_HANDLE, 0)
    put8(h + FREE, s)
    put8(h + LIVE, get8(h + LIVE) - 1)


@inline
def shrink(h: int, handle: int, left: int) -> bool:
    """Leave an order `left` lots, fewer than it has, and forget it at 0; False where that does not fit."""
    s = slot_with(h, handle)
    if s == 0:
        return False
    o = followed_at(h, s)
    lots = get8(o + F_LOTS)
    if left < 0 or left >= lots:
        return False
    if left == 0:
        remove(h, s, o)
    else:
        lv = hashed_find(h, tick_of(get8(h + PAIRS), get4(o + F_SIDE), get4(o + F_PRICE)))
        put8(lv + LOTS, get8(lv + LOTS) - lots + left)
        put8(o + F_LOTS, left)
    return True


@inline
def join(h: int, handle: int, side: int, price: int, lots: int, before_handle: int) -> bool:
    """Enter a new order; there is room for it. False where it does not fit."""
    before = 0
    if before_handle:
        before = slot_with(h, before_handle)
        if before == 0:
            return False
    if handle == 0 or slot_with(h, handle):
        return False
    s = get8(h + FREE)
    if s:
        put8(h + FREE, get4(followed_at(h, s)))
    else:
        s = get8(h + HIGH) + 1
        put8(h + HIGH, s)
    put8(followed_at(h, s) + F_HANDLE, handle)
    if not stand(h, s, side, price, lots, before):
        return False
    entry_add(get8(h + ID_INDEX), get8(h + ID_MASK), key_hash(h, 0, handle), s)
    put8(h + LIVE, get8(h + LIVE) + 1)
    return True


@helper
def move(h: int, handle: int, price: int, lots: int) -> bool:
    """Move an order to the back of the level of another price; False where that does not fit."""
    s = slot_with(h, handle)
    if s == 0:
        return False
    o = followed_at(h, s)
    side = get4(o + F_SIDE)
    leave(h, o)
    return stand(h, s, side, price, lots, 0)


@inline
def is_place(h: int, side: int, price: int, lots: int) -> bool:
    """Tell whether an order of the pair could stand there with so many lots."""
    return side <= 1 and 0 < price <= get8(get8(h + PAIRS) + PRICE_MAX) and 0 < lots <= LOTS_MAX


@inline
def follow_one(h: int, row: int) -> bool:
    """Apply one row; tell whether it fits."""
    word = get8(row + 8)
    kind = word & 255
    handle = get8(row + 16)
    left = get8(row + 48)
    if shift_right(word, 32) != get8(h + PAIR_AT):
        return False
    if kind in (RESTING, REPLENISHED):
        price = get8(row + 32)
        side = word >> 8 & 255
        if not is_place(h, side, price, left):
            return False
        return join(h, handle, side, price, left, get8(row + 24))
    if kind == TRADED:
        put8(h + TRADED_AT, get8(row))
        put8(h + TRADED_AT + 8, get8(row + 32))
        put8(h + TRADED_AT + 16, get8(row + 40))
        if handle and not shrink(h, handle, left):
            return False
        other = get8(row + 24)
        return other == 0 or shrink(h, other, get8(row + 56))
    if kind in (CANCELLED, EXPIRED):
        return shrink(h, handle, left)
    if kind == REPLACED:
        if word >> 24 & F_KEPT or left == 0:
            return shrink(h, handle, left)
        price = get8(row + 32)
        return is_place(h, 0, price, left) and move(h, handle, price, left)
    if kind == PHASE_CHANGED:
        put8(h + PHASE_AT, (word >> 16 & 255) + 1)
        return (word >> 16 & 255) <= PHASE_HIGHEST
    return kind in (AUCTION_RESULT, BAND_BREACHED)


@entry
def follow(h: int, array: int, count: int) -> int:
    """Apply public rows, 64 bytes each; return FITS, or the index of the first that does not fit what the book holds.

    array: the numpy array of the rows (the `id` of the object).
    There is room for as many more orders as there are rows.
    """
    rows = get8(array + ARRAY_DATA)
    for i in range(count):
        if not follow_one(h, rows + (i << 6)):
            return i
    return FITS


@entry
def list_side(h: int, side: int, at: int) -> int:
    """Write (handle, price, lots) of a side's orders in priority to `at`, three words each; return how many."""
    p = get8(h + PAIRS)
    begin = at
    price = best_of(p, side)
    while price != NO_LOW and price != NO_HIGH:
        s = get4(hashed_find(h, tick_of(p, side, price)) + HEAD)
        while s:
            o = followed_at(h, s)
            put8(at, get8(o + F_HANDLE))
            put8(at + 8, price)
            put8(at + 16, get8(o + F_LOTS))
            at += 24
            s = get4(o)
        price = next_price(h, p, side, price) if side else prev_price(h, p, side, price)
    return (at - begin) // 24


@entry
def list_levels(h: int, side: int, levels: int, at: int) -> int:
    """Write (price, lots, orders) of the best levels of a side to `at`, three words each; return how many."""
    p = get8(h + PAIRS)
    count = 0
    price = best_of(p, side)
    while count < levels and price != NO_LOW and price != NO_HIGH:
        lv = hashed_find(h, tick_of(p, side, price))
        orders = 0
        s = get4(lv + HEAD)
        while s:
            orders += 1
            s = get4(followed_at(h, s))
        put8(at, price)
        put8(at + 8, get8(lv + LOTS))
        put8(at + 16, orders)
        at += 24
        count += 1
        price = next_price(h, p, side, price) if side else prev_price(h, p, side, price)
    return count


@entry
def reindex(h: int) -> int:
    """Enter every order's handle into the header's empty index, and every level into its empty table of levels."""
    p = get8(h + PAIRS)
    for s in range(1, get8(h + HIGH) + 1):
        o = followed_at(h, s)
        handle = get8(o + F_HANDLE)
        if handle:
            entry_add(get8(h + ID_INDEX), get8(h + ID_MASK), key_hash(h, 0, handle), s)
            lv = hashed_add(h, tick_of(p, get4(o + F_SIDE), get4(o + F_PRICE)))
            put8(lv + LOTS, get8(lv + LOTS) + get8(o + F_LOTS))
            if get4(o + F_PREV) == 0:
                put4(lv + HEAD, s)
            if get4(o) == 0:
                put4(lv + TAIL, s)
    return 0
