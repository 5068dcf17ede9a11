"""Good-till-date orders by the time at which they end: a binary heap of (expiry, slot), cleaned when it fills up.

An order that ends earlier leaves its entry behind; the generation tells. The heap has room for twice the capacity of
orders, so cleaning always frees half of it: O(1) amortised.
"""

from openoutcry.book.kernel.compiling import helper
from openoutcry.book.kernel.layout import (
    BITS,
    EXPIRIES,
    EXPIRY_CAPACITY,
    EXPIRY_COUNT,
    GENERATION,
    LIVE_BIT,
    M32,
)
from openoutcry.book.kernel.memory import get4, get8, put8, shift_right
from openoutcry.book.kernel.orders import order_at


@helper
def before(a: int, b: int) -> bool:
    """Tell whether the entry at address a comes before the one at b: by expiry, then slot."""
    return get8(a) < get8(b) or (get8(a) == get8(b) and get4(a + 8) < get4(b + 8))


@helper
def swap(a: int, b: int) -> None:
    """Exchange two entries."""
    for word in (0, 8):
        x = get8(a + word)
        put8(a + word, get8(b + word))
        put8(b + word, x)


@helper
def sift_up(heap: int, i: int) -> None:
    """Move entry i up to where it belongs."""
    while i > 0:
        parent = (i - 1) >> 1
        if not before(heap + (i << 4), heap + (parent << 4)):
            break
        swap(heap + (i << 4), heap + (parent << 4))
        i = parent


@helper
def sift_down(heap: int, i: int, count: int) -> None:
    """Move entry i down to where it belongs."""
    while True:
        least = i
        for child in (2 * i + 1, 2 * i + 2):
            if child < count and before(heap + (child << 4), heap + (least << 4)):
                least = child
        if least == i:
            break
        swap(heap + (i << 4), heap + (least << 4))
        i = least


@helper
def is_stale(h: int, e: int) -> bool:
    """Tell whether the order of an entry has ended."""
    o = order_at(h, get4(e + 8))
    return not get4(o + BITS) & LIVE_BIT or get4(o + GENERATION) != shift_right(get8(e + 8), 32)


@helper
def clean(h: int) -> None:
    """Drop stale entries and restore the heap. Cost: O(entries)."""
    heap = get8(h + EXPIRIES)
    kept = 0
    for i in range(get8(h + EXPIRY_COUNT)):
        e = heap + (i << 4)
        if not is_stale(h, e):
            k = heap + (kept << 4)
            put8(k, get8(e))
            put8(k + 8, get8(e + 8))
            kept += 1
    put8(h + EXPIRY_COUNT, kept)
    i = (kept >> 1) - 1
    while i >= 0:
        sift_down(heap, i, kept)
        i -= 1


@helper
def push_expiry(h: int, s: int, expiry: int) -> None:
    """Remember when the order in slot s ends."""
    if get8(h + EXPIRY_COUNT) == get8(h + EXPIRY_CAPACITY):
        clean(h)
    heap = get8(h + EXPIRIES)
    count = get8(h + EXPIRY_COUNT)
    e = heap + (count << 4)
    put8(e, expiry)
    put8(e + 8, get4(order_at(h, s) + GENERATION) << 32 | s)
    put8(h + EXPIRY_COUNT, count + 1)
    sift_up(heap, count)


@helper
def next_expired(h: int, now: int) -> int:
    """Take out and return the next order whose time has come, or 0."""
    heap = get8(h + EXPIRIES)
    while True:
        count = get8(h + EXPIRY_COUNT)
        if count == 0 or get8(heap) > now:
            return 0
        word = get8(heap + 8)
        stale = is_stale(h, heap)
        count -= 1
        swap(heap, heap + (count << 4))
        put8(h + EXPIRY_COUNT, count)
        sift_down(heap, 0, count)
        if not stale:
            return word & M32
