"""From a group's events to public rows: what is shown of each order, of each level, and which of it has changed.

The encoder remembers 16 bytes for each slot of the books (what of its order is displayed, and where) and, in one hash
table for all pairs, lots and orders of each displayed level. So a group costs what it holds and the book is not asked:
counting the orders of a level there would be a walk through them.

`h` is the address of the encoder's header, whose words are the constants below; addresses as in the book's kernel.
"""

from typing import Final, TypeAlias

from openoutcry.book.kernel.compiling import entry, inline
from openoutcry.book.kernel.memory import get4, get8, prefetch, put4, put8, shift_right
from openoutcry.book.kernel.running import ARRAY_DATA
from openoutcry.domain.event import EventFlag, EventKind

_NAMES: Final = (
    "events end row touch group_count epoch shown shown_max levels level_mask level_count level_max "
    "touched mark groups groups_max rows sorted trades level_rows tops"
)
WORDS: Final = {name: index for index, name in enumerate(_NAMES.split())}
"""Index of each int64 word of the header."""
WORD_COUNT: Final = 32

EVENTS: Final = 8 * WORDS["events"]
END: Final = 8 * WORDS["end"]
ROW: Final = 8 * WORDS["row"]
TOUCH: Final = 8 * WORDS["touch"]
GROUP_COUNT: Final = 8 * WORDS["group_count"]
EPOCH: Final = 8 * WORDS["epoch"]
SHOWN_AT: Final = 8 * WORDS["shown"]
SHOWN_MAX: Final = 8 * WORDS["shown_max"]
LEVELS_AT: Final = 8 * WORDS["levels"]
LEVEL_MASK: Final = 8 * WORDS["level_mask"]
LEVEL_COUNT: Final = 8 * WORDS["level_count"]
LEVEL_MAX: Final = 8 * WORDS["level_max"]
TOUCHED: Final = 8 * WORDS["touched"]
MARK: Final = 8 * WORDS["mark"]
GROUPS: Final = 8 * WORDS["groups"]
GROUPS_MAX: Final = 8 * WORDS["groups_max"]
ROWS: Final = 8 * WORDS["rows"]
SORTED: Final = 8 * WORDS["sorted"]
TRADE_ROWS: Final = 8 * WORDS["trades"]
LEVEL_ROWS: Final = 8 * WORDS["level_rows"]
TOPS: Final = 8 * WORDS["tops"]

# One row of `groups` for each pair of the group: 16 words.
G_PAIR: Final = 0
G_ROWS: Final = 8
G_TRADES: Final = 16
G_LEVELS: Final = 24
G_FLAGS: Final = 32
G_BID: Final = 40
G_ASK: Final = 48
G_TRADE_NUMBER: Final = 56
G_ROWS_FROM: Final = 64
G_TRADES_FROM: Final = 72
G_LEVELS_FROM: Final = 80
GROUP_WORDS: Final = 16
GROUP_SHIFT: Final = 7
assert GROUP_WORDS << 3 == 1 << GROUP_SHIFT

PHASE_SEEN: Final = 1
RESULT_SEEN: Final = 2

# A level of the table: key (0: free place), lots, orders, the epoch in which it was last touched.
L_LOTS: Final = 8
L_ORDERS: Final = 16
L_EPOCH: Final = 24

# What `encode` answers.
DONE: Final = 0
NEED_SLOTS: Final = 1
NEED_LEVELS: Final = 2
NEED_GROUPS: Final = 3

RESTING = int(EventKind.RESTING)
TRADED = int(EventKind.TRADED)
CANCELLED = int(EventKind.CANCELLED)
REPLACED = int(EventKind.REPLACED)
TRIGGERED = int(EventKind.TRIGGERED)
REPLENISHED = int(EventKind.REPLENISHED)
EXPIRED = int(EventKind.EXPIRED)
PHASE_CHANGED = int(EventKind.PHASE_CHANGED)
AUCTION_RESULT = int(EventKind.AUCTION_RESULT)
BAND_BREACHED = int(EventKind.BAND_BREACHED)
F_HIDDEN = int(EventFlag.HIDDEN)
F_AUCTION = int(EventFlag.AUCTION)
F_KEPT = int(EventFlag.KEPT_PRIORITY)
UNSEEN = int(EventFlag.HIDDEN | EventFlag.MARKET)
M32 = 0xFFFFFFFF
AHEAD = 8 << 6

Tables: TypeAlias = tuple[int, int, int, int]
"""What every event needs of the header: address of what is shown, of the table of levels, its mask, the epoch."""


@inline
def level_home(key: int, mask: int) -> int:
    """Return where in the table a level is looked for first.

    Neighbouring prices are spread: side by side, what one overflowed to was another's home, and a group took twice as
    long.
    """
    return shift_right(key * -7046029254386353131, 32) & mask


@inline
def level_at(table: int, mask: int, key: int) -> int:
    """Return the address of the level with this key, or of the free place where it would be."""
    i = level_home(key, mask)
    found = get8(table + (i << 5))
    while found != key and found != 0:
        i = (i + 1) & mask
        found = get8(table + (i << 5))
    return table + (i << 5)


@inline
def find_level(h: int, key: int) -> int:
    """`level_at` for whoever looks up only a few."""
    return level_at(get8(h + LEVELS_AT), get8(h + LEVEL_MASK), key)


@inline
def change_level(h: int, t: Tables, group: int, pair: int, place: int, lots: int, orders: int) -> None:
    """Add to a level of a pair (`place`: price << 1 | side), and note it where this group has not touched it before."""
    key = (pair << 32 | place) + 1
    lv = level_at(t[1], t[2], key)
    if get8(lv) == 0:
        put8(lv, key)
        put8(lv + L_LOTS, 0)
        put8(lv + L_ORDERS, 0)
        put8(lv + L_EPOCH, 0)
        put8(h + LEVEL_COUNT, get8(h + LEVEL_COUNT) + 1)
    put8(lv + L_LOTS, get8(lv + L_LOTS) + lots)
    put8(lv + L_ORDERS, get8(lv + L_ORDERS) + orders)
    if get8(lv + L_EPOCH) != t[3]:
        put8(lv + L_EPOCH, t[3])
        count = get8(h + TOUCH)
        put8(get8(h + TOUCHED) + (count << 3), key)
        put8(h + TOUCH, count + 1)
        put8(group + G_LEVELS, get8(group + G_LEVELS) + 1)


@inline
def group_of(h: int, pair: int) -> int:
    """Return the address of a pair's row among the pairs of this group; a new one is empty."""
    mark = get8(h + MARK) + (pair << 3)
    word = get8(mark)
    if word >> 20 == get8(h + EPOCH):
        return get8(h + GROUPS) + ((word & 0xFFFFF) << GROUP_SHIFT)
    count = get8(h + GROUP_COUNT)
    put8(h + GROUP_COUNT, count + 1)
    put8(mark, get8(h + EPOCH) << 20 | count)
    group = get8(h + GROUPS) + (count << GROUP_SHIFT)
    for word_at in range(GROUP_WORDS):
        put8(group + (word_at << 3), 0)
    put8(group + G_PAIR, pair)
    return group


@inline
def write_row(row: int, e: int, word: int, maker: int, taker: int, price: int, lots: int) -> None:
    """Write the first six words of a public row; `word` holds kind, side, code, flags and pair."""
    put8(row, get8(e))
    put8(row + 8, word)
    put8(row + 16, maker)
    put8(row + 24, taker)
    put8(row + 32, price)
    put8(row + 40, lots)


@inline
def trade_off(h: int, t: Tables, group: int, pair: int, o: int, lots: int) -> int:
    """Take traded lots off what is displayed of an order; return what is left of it."""
    place = get4(o + 8)
    shown = get8(o)
    left = shown - min(lots, shown)
    change_level(h, t, group, pair, place, left - shown, 0 if left else -1)
    put8(o, left)
    if left == 0:
        put4(o + 8, 0)
    return left


@inline
def encode_one(h: int, t: Tables, e: int, row: int, word: int, group: int) -> int:
    """Write the public row of one event, if it has one; return the address behind it."""
    kind = word & 255
    pair = shift_right(word, 32)
    flags = word >> 24 & 255
    maker = get8(e + 16)
    lots = get8(e + 40)
    bare = word & ~(255 << 16 | 255 << 24)
    o = t[0] + ((maker & M32) << 4)
    place = get4(o + 8)
    if kind in (RESTING, REPLENISHED):
        if flags & UNSEEN:
            return row
        price = get8(e + 32)
        put8(o, lots)
        put4(o + 8, price << 1 | (word >> 8 & 1))
        change_level(h, t, group, pair, price << 1 | (word >> 8 & 1), lots, 1)
        write_row(row, e, bare, maker, get8(e + 24), price, lots)
        put8(row + 48, lots)
        put8(row + 56, 0)
        return row + 64
    if kind == TRADED:
        public = flags & F_AUCTION
        left = 0
        if place:
            left = trade_off(h, t, group, pair, o, lots)
        else:
            maker = 0
            if public == 0:
                public = F_HIDDEN
        taker = 0
        taker_left = 0
        if flags & F_AUCTION:
            other = t[0] + ((get8(e + 24) & M32) << 4)
            if get4(other + 8):
                taker = get8(e + 24)
                taker_left = trade_off(h, t, group, pair, other, lots)
        write_row(row, e, bare | public << 24, maker, taker, get8(e + 32), lots)
        put8(row + 48, left)
        put8(row + 56, taker_left)
        put8(group + G_TRADES, get8(group + G_TRADES) + 1)
        return row + 64
    if kind in (PHASE_CHANGED, AUCTION_RESULT, BAND_BREACHED):
        write_row(row, e, word, 0, 0, get8(e + 32), lots if kind != BAND_BREACHED else 0)
        put8(row + 48, get8(e + 48) if kind != BAND_BREACHED else 0)
        put8(row + 56, 0)
        if kind == PHASE_CHANGED:
            put8(group + G_FLAGS, get8(group + G_FLAGS) | PHASE_SEEN)
        elif kind == AUCTION_RESULT:
            put8(group + G_FLAGS, get8(group + G_FLAGS) | RESULT_SEEN)
        return row + 64
    # CANCELLED, EXPIRED, REPLACED of an order that is displayed
    if place == 0:
        return row
    shown = get8(o)
    left = get8(e + 56)
    price = place >> 1
    if kind == REPLACED and flags & F_KEPT == 0:
        change_level(h, t, group, pair, place, -shown, -1)
        put4(o + 8, 0)
        if left:
            price = get8(e + 32)
            put8(o, left)
            put4(o + 8, price << 1 | (place & 1))
            change_level(h, t, group, pair, price << 1 | (place & 1), left, 1)
        write_row(row, e, bare, maker, 0, price, left if left else shown)
    else:
        if left == shown:
            return row
        change_level(h, t, group, pair, place, left - shown, 0 if left else -1)
        put8(o, left)
        if left == 0:
            put4(o + 8, 0)
        lots = left if kind == REPLACED else shown - left
        write_row(row, e, bare | (flags & F_KEPT) << 24, maker, 0, price, lots)
    put8(row + 48, left)
    put8(row + 56, 0)
    return row + 64


@entry
def encode(h: int, array: int, count: int) -> int:
    """Encode a group: write public rows, keep levels, note what was touched. Return DONE or a need.

    array: the numpy array of its events (the `id` of the object), `count` of them; 0: go on where there was a need. A
    need changes nothing of the event at which it arises.
    """
    if array:
        put8(h + EVENTS, get8(array + ARRAY_DATA))
        put8(h + END, get8(h + EVENTS) + (count << 6))
        put8(h + ROW, get8(h + ROWS))
        put8(h + TOUCH, 0)
        put8(h + GROUP_COUNT, 0)
        put8(h + EPOCH, get8(h + EPOCH) + 1)
    e = get8(h + EVENTS)
    end = get8(h + END)
    row = get8(h + ROW)
    shown_max = get8(h + SHOWN_MAX)
    t = (get8(h + SHOWN_AT), get8(h + LEVELS_AT), get8(h + LEVEL_MASK), get8(h + EPOCH))
    pair = -1
    group = 0
    before = row
    answer = DONE
    while e < end:
        if e + AHEAD < end:
            prefetch(t[0] + ((get8(e + AHEAD + 16) & M32) << 4))
        word = get8(e + 8)
        kind = word & 255
        if kind < RESTING or kind == TRIGGERED:
            e += 64
            continue
        if get8(e + 16) & M32 >= shown_max or get8(e + 24) & M32 >= shown_max:
            answer = NEED_SLOTS
            break
        if shift_right(word, 32) != pair:
            if get8(h + GROUP_COUNT) == get8(h + GROUPS_MAX):
                answer = NEED_GROUPS
                break
            if group:
                put8(group + G_ROWS, get8(group + G_ROWS) + ((row - before) >> 6))
            before = row
            pair = shift_right(word, 32)
            group = group_of(h, pair)
        # An event changes two levels at most.
        if get8(h + LEVEL_COUNT) + 2 > get8(h + LEVEL_MAX):
            answer = NEED_LEVELS
            break
        row = encode_one(h, t, e, row, word, group)
        e += 64
    if group:
        put8(group + G_ROWS, get8(group + G_ROWS) + ((row - before) >> 6))
    put8(h + EVENTS, e)
    put8(h + ROW, row)
    return answer


@inline
def copy_row(source: int, target: int) -> None:
    """Copy 64 bytes."""
    for at in range(0, 64, 8):
        put8(target + at, get8(source + at))


@inline
def write_trade(row: int, time_ns: int, number: int, target: int) -> None:
    """Write a TRADE record from a public row."""
    word = get8(row + 8)
    put8(target, number)
    put8(target + 8, get8(row))
    put8(target + 16, time_ns)
    put8(target + 24, get8(row + 32))
    put8(target + 32, get8(row + 40))
    put8(target + 40, (word >> 8 & 255) | (word >> 24 & 255) << 32)


@entry
def arrange(h: int, sequence: int, time_ns: int) -> int:
    """Bring rows, trades and levels into order by pair, each pair's as they came; write the top of each pair.

    Each pair's row of `groups` has its best bid and ask (0: none) and its next trade's number; offsets are written
    there. With one pair the rows stay where they are. Returns whether they were moved to `sorted`.
    """
    pairs = get8(h + GROUP_COUNT)
    groups = get8(h + GROUPS)
    rows_from = 0
    trades_from = 0
    levels_from = 0
    for i in range(pairs):
        group = groups + (i << GROUP_SHIFT)
        put8(group + G_ROWS_FROM, rows_from)
        put8(group + G_TRADES_FROM, trades_from)
        put8(group + G_LEVELS_FROM, levels_from)
        rows_from += get8(group + G_ROWS)
        trades_from += get8(group + G_TRADES)
        levels_from += get8(group + G_LEVELS)
        top = get8(h + TOPS) + 48 * i
        put8(top, sequence)
        for side in range(2):
            price = get8(group + G_BID + (side << 3))
            lv = find_level(h, (get8(group + G_PAIR) << 32 | price << 1 | side) + 1)
            put8(top + 8 + (side << 4), price)
            put8(top + 16 + (side << 4), get8(lv + L_LOTS) if price else 0)
            put4(top + 40 + (side << 2), get8(lv + L_ORDERS) if price else 0)
    if pairs > 1 or trades_from:
        row = get8(h + ROWS)
        end = row + (rows_from << 6)
        while row < end:
            word = get8(row + 8)
            group = group_of(h, shift_right(word, 32))
            if word & 255 == TRADED:
                at = get8(group + G_TRADES_FROM)
                put8(group + G_TRADES_FROM, at + 1)
                number = get8(group + G_TRADE_NUMBER)
                put8(group + G_TRADE_NUMBER, number + 1)
                write_trade(row, time_ns, number, get8(h + TRADE_ROWS) + at * 48)
            if pairs > 1:
                at = get8(group + G_ROWS_FROM)
                put8(group + G_ROWS_FROM, at + 1)
                copy_row(row, get8(h + SORTED) + (at << 6))
            row += 64
    touched = get8(h + TOUCHED)
    for i in range(get8(h + TOUCH)):
        key = get8(touched + (i << 3))
        lv = find_level(h, key)
        group = group_of(h, shift_right(key - 1, 32))
        at = get8(group + G_LEVELS_FROM)
        put8(group + G_LEVELS_FROM, at + 1)
        target = get8(h + LEVEL_ROWS) + (at << 5)
        put8(target, sequence)
        put8(target + 8, ((key - 1) & M32) >> 1)
        # a level that growing has dropped had no orders
        put8(target + 16, get8(lv + L_LOTS) if get8(lv) else 0)
        put4(target + 24, get8(lv + L_ORDERS) if get8(lv) else 0)
        put4(target + 28, (key - 1) & 1)
    return int(pairs > 1)


@entry
def rehash(h: int, old: int, size: int) -> int:
    """Bring the levels that have orders from an old table of `size` places into the header's empty one."""
    count = 0
    for i in range(size):
        lv = old + (i << 5)
        key = get8(lv)
        if key and get8(lv + L_ORDERS):
            target = find_level(h, key)
            put8(target, key)
            for word in (L_LOTS, L_ORDERS, L_EPOCH):
                put8(target + word, get8(lv + word))
            count += 1
    put8(h + LEVEL_COUNT, count)
    return count
