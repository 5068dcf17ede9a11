"""Entries that read or rebuild the whole: lists of orders, depth, restoring. For queries and snapshots."""

from openoutcry.book.kernel.checking import GTD
from openoutcry.book.kernel.compiling import entry
from openoutcry.book.kernel.expiring import push_expiry
from openoutcry.book.kernel.index import backing_add, backing_find, entry_add, key_hash, position_add, position_find
from openoutcry.book.kernel.ladders import best_of, level_find, next_price, prev_price, tick_of
from openoutcry.book.kernel.layout import (
    ACCOUNT_ID,
    AVAILABLE,
    BACKINGS,
    BASE,
    BASE_BACKING,
    BITS,
    CLIENT_ID,
    DRAWN,
    EXPIRES,
    HEAD,
    ID_INDEX,
    ID_MASK,
    LOTS,
    NET,
    NEWER,
    NEXT,
    NO_CLIENT_ID_BIT,
    NO_HIGH,
    NO_LOW,
    OLDER,
    OPEN_BUY,
    OPEN_SELL,
    PAIR_ID,
    POS,
    POSITIONS_MORE,
    QUEUE_SHIFT,
    QUOTE,
    QUOTE_BACKING,
    SPENT,
    TIF_SHIFT,
    TRIPPED,
    WINDOW_BEGIN,
    WINDOW_FILLS,
    WINDOW_LOTS,
    WINDOW_NET,
)
from openoutcry.book.kernel.memory import get4, get8, put4, put8
from openoutcry.book.kernel.orders import NOWHERE, enlist, link, more_at, order_at, pair_at, position_at, queue_of
from openoutcry.book.kernel.walking import list_orders


@entry
def list_pair(h: int, pair: int, at: int) -> int:
    """Write the slots of a pair's orders in book order to `at`, a word each; return how many."""
    return (list_orders(h, pair_at(h, pair), at) - at) >> 3


@entry
def list_depth(h: int, pair: int, side: int, levels: int, at: int) -> int:
    """Write (price, displayed lots, orders with displayed lots) of the best levels of a side; return how many."""
    p = pair_at(h, pair)
    price = best_of(p, side)
    count = 0
    while count < levels and price != NO_LOW and price != NO_HIGH:
        lv = level_find(h, p, tick_of(p, side, price))
        orders = 0
        s = get4(lv + HEAD)
        while s:
            orders += 1
            s = get4(order_at(h, s) + NEXT)
        put8(at, price)
        put8(at + 8, get8(lv + LOTS))
        put8(at + 16, orders)
        at += 24
        count += 1
        price = next_price(h, p, side, price) if side else prev_price(h, p, side, price)
    return count


@entry
def rank_orders(h: int, slots: int, count: int, at: int) -> int:
    """Write to `at`, a u32 per slot, the place of orders among those of their account and pair, oldest 0.

    slots: a word each, whole pairs or one order. Cost: O(count), or, for one order, O(older ones).
    """
    for i in range(count):
        s = get8(slots + (i << 3))
        if count > 1 and get4(order_at(h, s) + NEWER):
            continue
        rank = 0
        each = s
        while each:
            rank += 1
            each = get4(order_at(h, each) + OLDER)
        while s:
            rank -= 1
            put4(at + (s << 2), rank)
            s = get4(order_at(h, s) + OLDER)
    return 0


@entry
def restore_positions(h: int, rows: int, count: int) -> int:
    """Enter restored positions, 64 bytes each as in STATE_POSITION, into an empty table that has room."""
    for i in range(count):
        row = rows + (i << 6)
        number = position_add(h, get4(row), get4(row + 4))
        po = position_at(h, number)
        m = get8(h + POSITIONS_MORE) + (number << 5)
        put8(po + NET, get8(row + 8))
        put8(po + OPEN_BUY, get8(row + 16))
        put8(po + OPEN_SELL, get8(row + 24))
        put8(m + WINDOW_BEGIN, get8(row + 32))
        put8(m + WINDOW_LOTS, get8(row + 40))
        put8(m + WINDOW_NET, get8(row + 48))
        put8(m + WINDOW_FILLS, get4(row + 56))
        put4(po + TRIPPED, get4(row + 60))
        p = pair_at(h, get4(po + PAIR_ID))
        put4(po + BASE_BACKING, backing_find(h, get4(po + ACCOUNT_ID), get4(p + BASE)))
        put4(po + QUOTE_BACKING, backing_find(h, get4(po + ACCOUNT_ID), get4(p + QUOTE)))
    return 0


@entry
def restore_backings(h: int, rows: int, count: int) -> int:
    """Enter restored backings, 32 bytes each as in STATE_BACKING, into an empty table that has room."""
    for i in range(count):
        row = rows + (i << 5)
        b = get8(h + BACKINGS) + (backing_add(h, get4(row), get4(row + 4)) << 5)
        for word in (AVAILABLE, DRAWN, SPENT):
            put8(b + word, get8(row + word))
    return 0


@entry
def link_orders(h: int, by_rank: int, in_book_order: int, count: int) -> int:
    """Bring restored orders into their account lists (slots at `by_rank`) and queues (slots at `in_book_order`)."""
    for i in range(count):
        s = get8(by_rank + (i << 3))
        o = order_at(h, s)
        enlist(h, position_at(h, get4(o + POS)), s, o)
    for i in range(count):
        s = get8(in_book_order + (i << 3))
        o = order_at(h, s)
        bits = get4(o + BITS)
        po = position_at(h, get4(o + POS))
        queue = queue_of(bits)
        put4(o + BITS, bits | NOWHERE << QUEUE_SHIFT)
        link(h, pair_at(h, get4(po + PAIR_ID)), s, o, queue)
        if bits >> TIF_SHIFT & 7 == GTD:
            push_expiry(h, s, get8(more_at(h, s) + EXPIRES))
        if not bits & NO_CLIENT_ID_BIT:
            tag = key_hash(h, get4(po + ACCOUNT_ID), get8(o + CLIENT_ID))
            entry_add(get8(h + ID_INDEX), get8(h + ID_MASK), tag, s)
    return 0


@entry
def find_position(h: int, account: int, pair: int) -> int:
    """Return the number of a position; 0, which is an empty one, when there is none."""
    return position_find(h, account, pair)


@entry
def find_backing(h: int, account: int, instrument: int) -> int:
    """Return the number of a backing; 0, which is an empty one, when there is none."""
    return backing_find(h, account, instrument)
