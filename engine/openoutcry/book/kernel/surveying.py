"""Entries that read or rebuild the whole: lists of orders, depth, restoring. Used by queries and snapshots, not per command."""

from openoutcry.book.kernel.checking import GTD
from openoutcry.book.kernel.compiling import entry
from openoutcry.book.kernel.expiring import push_expiry
from openoutcry.book.kernel.index import backing_add, backing_find, entry_add, key_hash, position_find
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
    NEWEST,
    NEXT,
    NO_CLIENT_ID_BIT,
    NO_HIGH,
    NO_LOW,
    OLDER,
    PAIR_ID,
    POS,
    POSITION_COUNT,
    POSITION_INDEX,
    POSITION_MASK,
    POSITIONS_AT,
    QUEUE_SHIFT,
    QUOTE,
    QUOTE_BACKING,
    SPENT,
    TIF_SHIFT,
)
from openoutcry.book.kernel.memory import get4, get8, put4, put8
from openoutcry.book.kernel.orders import NOWHERE, enlist, link, more_at, order_at, pair_at, position_at, queue_of
from openoutcry.book.kernel.walking import list_orders


@entry
def list_pair(h, pair, at):
    """Write the slots of a pair's orders in book order to `at`, a word each; return how many."""
    return (list_orders(h, pair_at(h, pair), at) - at) >> 3


@entry
def list_depth(h, pair, side, levels, at):
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
def rank_orders(h, at):
    """Write to `at`, a u32 per slot, the place of each live order among those of its account and pair, oldest 0."""
    for number in range(1, get8(h + POSITION_COUNT) + 1):
        newest = get4(position_at(h, number) + NEWEST)
        rank = 0
        s = newest
        while s:
            rank += 1
            s = get4(order_at(h, s) + OLDER)
        s = newest
        while s:
            rank -= 1
            put4(at + (s << 2), rank)
            s = get4(order_at(h, s) + OLDER)
    return 0


@entry
def index_pools(h):
    """Enter all positions into their empty index, and point them at their backings."""
    for number in range(1, get8(h + POSITION_COUNT) + 1):
        po = get8(h + POSITIONS_AT) + (number << 6)
        tag = key_hash(h, get4(po + ACCOUNT_ID), get4(po + PAIR_ID))
        entry_add(get8(h + POSITION_INDEX), get8(h + POSITION_MASK), tag, number)
        p = pair_at(h, get4(po + PAIR_ID))
        put4(po + BASE_BACKING, backing_find(h, get4(po + ACCOUNT_ID), get4(p + BASE)))
        put4(po + QUOTE_BACKING, backing_find(h, get4(po + ACCOUNT_ID), get4(p + QUOTE)))
    return 0


@entry
def restore_backings(h, rows, count):
    """Enter restored backings, 32 bytes each as in STATE_BACKING, into an empty table that has room."""
    for i in range(count):
        row = rows + (i << 5)
        b = get8(h + BACKINGS) + (backing_add(h, get4(row), get4(row + 4)) << 5)
        for word in (AVAILABLE, DRAWN, SPENT):
            put8(b + word, get8(row + word))
    return 0


@entry
def link_orders(h, by_rank, in_book_order, count):
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
def find_position(h, account, pair):
    """Return the number of a position; 0, which is an empty one, when there is none."""
    return position_find(h, account, pair)


@entry
def find_backing(h, account, instrument):
    """Return the number of a backing; 0, which is an empty one, when there is none."""
    return backing_find(h, account, instrument)
