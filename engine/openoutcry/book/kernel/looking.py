"""Looking ahead: the memory that later commands of the batch will touch is asked for before they come.

A command on a thousand books touches a dozen cache lines, each a miss of 20 to 100 ns, and most are reached through
another one. So there are three looks at each command, far, middle and near, each following the addresses that the look
before has brought into the cache. Nothing here changes anything, and a wrong guess only wastes a line.
On one dense book, where all fits the cache, it costs 5 ns a command: `Books` leaves it out there.
"""

from openoutcry.book.kernel.checking import BY_HANDLE
from openoutcry.book.kernel.compiling import inline
from openoutcry.book.kernel.index import key_hash, position_home
from openoutcry.book.kernel.ladders import level_hash, tick_of
from openoutcry.book.kernel.layout import (
    ACCOUNTS,
    BACKING_MASK,
    BACKINGS,
    BASE,
    BASE_BACKING,
    BITS,
    C_ACCOUNT,
    C_CLIENT_ID,
    C_PAIR,
    C_PRICE,
    HASHED_LEVELS,
    HIGH,
    ID_INDEX,
    ID_MASK,
    IS_HASHED,
    LEVEL_KEYS,
    LEVEL_MASK,
    LEVEL_SHIFT,
    LEVELS,
    M32,
    NEWER,
    NEWEST,
    NEXT,
    OLDER,
    ORDERS,
    PAIR_COUNT,
    POSITIONS_AT,
    PREV,
    PRICE,
    PRICE_MAX,
    PRICE_MIN,
    QUOTE,
    QUOTE_BACKING,
    TAIL,
)
from openoutcry.book.kernel.memory import get1, get4, get8, prefetch
from openoutcry.book.kernel.orders import order_at, pair_at
from openoutcry.domain.order import Op

PLACE = int(Op.PLACE)
FAR = 22
"""Commands ahead of the first look: what a command addresses itself. 8 x 30 ns to the next look cover an access."""
MIDDLE = 14
"""Commands ahead of the second: what those lead to."""
NEAR = 6
"""Commands ahead of the third."""


@inline
def position_place(h: int, c: int) -> int:
    """Return the address where a command's position is looked for first."""
    return get8(h + POSITIONS_AT) + 64 + (position_home(h, get4(c + C_ACCOUNT), get4(c + C_PAIR)) << 6)


@inline
def id_entry(h: int, c: int) -> int:
    """Return the address of the index place where a command's client id is looked for first."""
    return get8(h + ID_INDEX) + ((key_hash(h, get4(c + C_ACCOUNT), get8(c + C_CLIENT_ID)) & get8(h + ID_MASK)) << 3)


@inline
def backing_place(h: int, c: int, p: int) -> int:
    """Return the address where a new order's backing is looked for first."""
    instrument = get4(p + BASE) if get1(c + 1) else get4(p + QUOTE)
    return get8(h + BACKINGS) + 32 + ((key_hash(h, get4(c + C_ACCOUNT), instrument) & get8(h + BACKING_MASK)) << 5)


@inline
def guessed_slot(h: int, c: int) -> int:
    """Return the slot that a command names, as far as one look at the index tells; 0 when it tells nothing."""
    s = get8(c + C_CLIENT_ID) & M32 if get1(c + 5) & BY_HANDLE else get4(id_entry(h, c))
    return s if s <= get8(h + HIGH) else 0


@inline
def look_far(h: int, c: int) -> None:
    """Ask for account, pair, position and index entry, and for an order that is named by handle."""
    prefetch(get8(h + ACCOUNTS) + (get4(c + C_ACCOUNT) << 6))
    pair = get4(c + C_PAIR)
    if pair < get8(h + PAIR_COUNT):
        p = pair_at(h, pair)
        prefetch(p)
        prefetch(p + 64)
    if get1(c + 5) & BY_HANDLE:
        prefetch(get8(h + ORDERS) + ((get8(c + C_CLIENT_ID) & M32) << 6))
    else:
        prefetch(id_entry(h, c))
    prefetch(position_place(h, c))


@inline
def look_middle(h: int, c: int) -> None:
    """Ask for level and backing of a new order, and for an order that is named by client id."""
    pair = get4(c + C_PAIR)
    if get1(c) != PLACE:
        prefetch(order_at(h, guessed_slot(h, c)))
    elif pair < get8(h + PAIR_COUNT):
        p = pair_at(h, pair)
        look_at_level(h, p, get1(c + 1) & 1, get8(c + C_PRICE))
        prefetch(backing_place(h, c, p))


@inline
def look_at_level(h: int, p: int, side: int, price: int) -> None:
    """Ask for the level of a displayed order."""
    tick = tick_of(p, side, price)
    if get1(p + IS_HASHED):
        i = level_hash(tick) & get8(h + LEVEL_MASK)
        prefetch(get8(h + LEVEL_KEYS) + (i << 3))
        prefetch(get8(h + HASHED_LEVELS) + (i << 4))
    else:
        prefetch(get8(h + LEVELS) + (tick + get8(p + LEVEL_SHIFT) << 4))


@inline
def look_near(h: int, c: int) -> None:
    """Ask for the orders beside the one that comes or goes, and for the backing of one that goes."""
    pair = get4(c + C_PAIR)
    if pair >= get8(h + PAIR_COUNT):
        return
    p = pair_at(h, pair)
    if get1(c) != PLACE:
        s = guessed_slot(h, c)
        o = order_at(h, s)
        prefetch(order_at(h, get4(o + NEXT)))
        prefetch(order_at(h, get4(o + PREV)))
        prefetch(order_at(h, get4(o + OLDER)))
        prefetch(order_at(h, get4(o + NEWER)))
        side = get4(o + BITS) & 1
        price = get4(o + PRICE)
        if get8(p + PRICE_MIN) <= price <= get8(p + PRICE_MAX):
            look_at_level(h, p, side, price)
        # not the position that the order names: where the index has led to another order, that is not in the cache
        po = position_place(h, c)
        number = get4(po + BASE_BACKING) if side else get4(po + QUOTE_BACKING)
        prefetch(get8(h + BACKINGS) + (number << 5))
        return
    po = position_place(h, c)
    prefetch(order_at(h, get4(po + NEWEST)))
    price = get8(c + C_PRICE)
    if not get1(p + IS_HASHED) and get8(p + PRICE_MIN) <= price <= get8(p + PRICE_MAX):
        lv = get8(h + LEVELS) + (tick_of(p, get1(c + 1) & 1, price) + get8(p + LEVEL_SHIFT) << 4)
        prefetch(order_at(h, get4(lv + TAIL)))
