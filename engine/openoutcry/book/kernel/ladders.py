"""Price levels and the bitmaps that find the next one.

Every ladder of a pair has a range of bitmap indices ("ticks" here). Bit t of `bits0` says that the level of tick t has
orders; bit t of `bits1` that word t of `bits0` is not 0, and so on up to `bits3`, so the next price is found in at most
seven loads wherever it is. A direct ladder has a level for every tick; a hashed one keeps the levels in use in one
open-addressed table (keys beside levels), five times faster where a million ticks hold a few thousand levels.
"""

from openoutcry.book.kernel.compiling import entry, helper, inline
from openoutcry.book.kernel.layout import (
    BEST,
    BITS0,
    BITS1,
    BITS2,
    BITS3,
    HASHED_LEVELS,
    HEAD,
    IS_HASHED,
    LADDER_AT,
    LEVEL_KEYS,
    LEVEL_MASK,
    LEVEL_SHIFT,
    LEVELS,
    LOTS,
    NO_HIGH,
    NO_LOW,
    PRICE_MIN,
    STRIDE,
)
from openoutcry.book.kernel.memory import get1, get8, highest_bit, lowest_bit, put8, shift_right


@inline
def tick_of(p: int, ladder: int, price: int) -> int:
    """Return the bitmap index of a price on a ladder of the pair at `p`."""
    return get8(p + LADDER_AT) + ladder * get8(p + STRIDE) + price


@inline
def is_lowest_first(ladder: int) -> int:
    """Tell whether the best price of a ladder is its lowest: asks, hidden asks, stop buys."""
    return (0b011010 >> ladder) & 1


@inline
def set_bit(h: int, t: int) -> None:
    """Mark tick t as in use on all four storeys."""
    a = get8(h + BITS0) + (t >> 6 << 3)
    word = get8(a)
    put8(a, word | (1 << (t & 63)))
    if word == 0:
        t >>= 6
        a = get8(h + BITS1) + (t >> 6 << 3)
        word = get8(a)
        put8(a, word | (1 << (t & 63)))
        if word == 0:
            t >>= 6
            a = get8(h + BITS2) + (t >> 6 << 3)
            word = get8(a)
            put8(a, word | (1 << (t & 63)))
            if word == 0:
                t >>= 6
                a = get8(h + BITS3) + (t >> 6 << 3)
                put8(a, get8(a) | (1 << (t & 63)))


@inline
def clear_bit(h: int, t: int) -> None:
    """Mark tick t as not in use; a storey's word that becomes 0 is cleared on the storey above."""
    a = get8(h + BITS0) + (t >> 6 << 3)
    word = get8(a) & ~(1 << (t & 63))
    put8(a, word)
    if word == 0:
        t >>= 6
        a = get8(h + BITS1) + (t >> 6 << 3)
        word = get8(a) & ~(1 << (t & 63))
        put8(a, word)
        if word == 0:
            t >>= 6
            a = get8(h + BITS2) + (t >> 6 << 3)
            word = get8(a) & ~(1 << (t & 63))
            put8(a, word)
            if word == 0:
                t >>= 6
                a = get8(h + BITS3) + (t >> 6 << 3)
                put8(a, get8(a) & ~(1 << (t & 63)))


@helper
def next_far(h: int, t: int, end: int) -> int:
    """Return the lowest tick in use above the word of t and below `end`, or -1, by the upper storeys."""
    b1 = get8(h + BITS1)
    b2 = get8(h + BITS2)
    b3 = get8(h + BITS3)
    i = t >> 6
    word = get8(b1 + (i >> 6 << 3)) & (-2 << (i & 63))
    if word == 0:
        i >>= 6
        word = get8(b2 + (i >> 6 << 3)) & (-2 << (i & 63))
        if word == 0:
            i >>= 6
            word = get8(b3 + (i >> 6 << 3)) & (-2 << (i & 63))
            k = i >> 6
            last = end >> 24
            while word == 0:
                k += 1
                if k > last:
                    return -1
                word = get8(b3 + (k << 3))
            i = k << 6 | lowest_bit(word)
            word = get8(b2 + (i << 3))
            i = i << 6 | lowest_bit(word)
        else:
            i = i >> 6 << 6 | lowest_bit(word)
        word = get8(b1 + (i << 3))
        i = i << 6 | lowest_bit(word)
    else:
        i = i >> 6 << 6 | lowest_bit(word)
    found = i << 6 | lowest_bit(get8(get8(h + BITS0) + (i << 3)))
    return found if found < end else -1


@helper
def prev_far(h: int, t: int, begin: int) -> int:
    """Return the highest tick in use below the word of t and not below `begin`, or -1, by the upper storeys."""
    b1 = get8(h + BITS1)
    b2 = get8(h + BITS2)
    b3 = get8(h + BITS3)
    i = t >> 6
    word = get8(b1 + (i >> 6 << 3)) & ((1 << (i & 63)) - 1)
    if word == 0:
        i >>= 6
        word = get8(b2 + (i >> 6 << 3)) & ((1 << (i & 63)) - 1)
        if word == 0:
            i >>= 6
            word = get8(b3 + (i >> 6 << 3)) & ((1 << (i & 63)) - 1)
            k = i >> 6
            first = begin >> 24
            while word == 0:
                k -= 1
                if k < first:
                    return -1
                word = get8(b3 + (k << 3))
            i = k << 6 | highest_bit(word)
            word = get8(b2 + (i << 3))
            i = i << 6 | highest_bit(word)
        else:
            i = i >> 6 << 6 | highest_bit(word)
        word = get8(b1 + (i << 3))
        i = i << 6 | highest_bit(word)
    else:
        i = i >> 6 << 6 | highest_bit(word)
    found = i << 6 | highest_bit(get8(get8(h + BITS0) + (i << 3)))
    return found if found >= begin else -1


@inline
def next_price(h: int, p: int, ladder: int, price: int) -> int:
    """Return the lowest price in use above `price` on a ladder, or NO_HIGH."""
    begin = tick_of(p, ladder, 0)
    t = begin + price
    word = get8(get8(h + BITS0) + (t >> 6 << 3)) & (-2 << (t & 63))
    if word != 0:
        found = t >> 6 << 6 | lowest_bit(word)
        return found - begin if found < begin + get8(p + PRICE_MIN) + get8(p + STRIDE) else NO_HIGH
    found = next_far(h, t, begin + get8(p + PRICE_MIN) + get8(p + STRIDE))
    return found - begin if found >= 0 else NO_HIGH


@inline
def prev_price(h: int, p: int, ladder: int, price: int) -> int:
    """Return the highest price in use below `price` on a ladder, or NO_LOW."""
    begin = tick_of(p, ladder, 0)
    t = begin + price
    word = get8(get8(h + BITS0) + (t >> 6 << 3)) & ((1 << (t & 63)) - 1)
    if word != 0:
        found = t >> 6 << 6 | highest_bit(word)
        return found - begin if found >= begin + get8(p + PRICE_MIN) else NO_LOW
    found = prev_far(h, t, begin + get8(p + PRICE_MIN))
    return found - begin if found >= 0 else NO_LOW


@inline
def best_of(p: int, ladder: int) -> int:
    """Return the best price of a ladder, or its sentinel."""
    return get8(p + BEST + (ladder << 3))


@inline
def level_hash(tick: int) -> int:
    """Spread ticks over the level table; neighbours stay in one cache line of keys."""
    return shift_right((tick >> 3) * -7046029254386353131, 20) ^ tick


@helper
def hashed_find(h: int, tick: int) -> int:
    """Return the address of a hashed level that exists."""
    keys = get8(h + LEVEL_KEYS)
    mask = get8(h + LEVEL_MASK)
    i = level_hash(tick) & mask
    while get8(keys + (i << 3)) != tick + 1:
        i = (i + 1) & mask
    return get8(h + HASHED_LEVELS) + (i << 4)


@helper
def hashed_add(h: int, tick: int) -> int:
    """Return the address of a hashed level, made empty when it does not exist; the table always has a free place."""
    keys = get8(h + LEVEL_KEYS)
    mask = get8(h + LEVEL_MASK)
    i = level_hash(tick) & mask
    key = get8(keys + (i << 3))
    while key != 0 and key != tick + 1:
        i = (i + 1) & mask
        key = get8(keys + (i << 3))
    level = get8(h + HASHED_LEVELS) + (i << 4)
    if key == 0:
        put8(keys + (i << 3), tick + 1)
        put8(level + HEAD, 0)
        put8(level + LOTS, 0)
    return level


@helper
def hashed_remove(h: int, tick: int) -> None:
    """Take a hashed level out; what was pushed on by it moves back, so levels move: hold no address across this."""
    keys = get8(h + LEVEL_KEYS)
    levels = get8(h + HASHED_LEVELS)
    mask = get8(h + LEVEL_MASK)
    i = level_hash(tick) & mask
    while get8(keys + (i << 3)) != tick + 1:
        i = (i + 1) & mask
    j = i
    while True:
        j = (j + 1) & mask
        key = get8(keys + (j << 3))
        if key == 0:
            break
        home = level_hash(key - 1) & mask
        if ((j - home) & mask) >= ((j - i) & mask):
            put8(keys + (i << 3), key)
            put8(levels + (i << 4) + HEAD, get8(levels + (j << 4) + HEAD))
            put8(levels + (i << 4) + LOTS, get8(levels + (j << 4) + LOTS))
            i = j
    put8(keys + (i << 3), 0)


@inline
def level_find(h: int, p: int, tick: int) -> int:
    """Return the address of the level of a tick that has orders."""
    if get1(p + IS_HASHED):
        return hashed_find(h, tick)
    return get8(h + LEVELS) + (tick + get8(p + LEVEL_SHIFT) << 4)


@inline
def level_find_or_add(h: int, p: int, tick: int) -> int:
    """Return the address of the level of a tick; a new one is empty."""
    if get1(p + IS_HASHED):
        return hashed_add(h, tick)
    return get8(h + LEVELS) + (tick + get8(p + LEVEL_SHIFT) << 4)


@inline
def level_remove(h: int, p: int, tick: int) -> None:
    """Forget the level of a tick whose last order has left (its head, tail and lots are 0)."""
    if get1(p + IS_HASHED):
        hashed_remove(h, tick)


@entry
def rehash_levels(h: int, old_keys: int, old_levels: int, old_size: int) -> int:
    """Copy the levels of a smaller table into the header's empty one."""
    for i in range(old_size):
        key = get8(old_keys + (i << 3))
        if key != 0:
            level = hashed_add(h, key - 1)
            put8(level + HEAD, get8(old_levels + (i << 4) + HEAD))
            put8(level + LOTS, get8(old_levels + (i << 4) + LOTS))
    return 0
