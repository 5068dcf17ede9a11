"""Hash tables: client ids to slots, positions, backings.

Open addressing, linear probing, at most half full. Positions and backings are records of their tables and never leave;
their number is their place plus 1, and 0 is an empty record that nobody writes. An entry of the index of client ids
keeps the 32-bit hash of its key, so a probe touches the order only for the entry it wants, and entries move (removal,
growth) without touching orders at all. Hashes are seeded: who chooses client ids cannot know which of them collide.
"""

from openoutcry.book.kernel.compiling import entry, helper, inline
from openoutcry.book.kernel.layout import (
    ACCOUNT_ID,
    AVAILABLE,
    BACKING_COUNT,
    BACKING_MASK,
    BACKINGS,
    BASE_BACKING,
    CLIENT_ID,
    DRAWN,
    ID_INDEX,
    ID_MASK,
    M32,
    NEWEST,
    OLDER,
    ORDERS,
    PAIR_ID,
    POS,
    POSITION_COUNT,
    POSITION_MASK,
    POSITIONS_AT,
    POSITIONS_MORE,
    QUOTE_BACKING,
    SEED,
    SPENT,
    USED,
)
from openoutcry.book.kernel.memory import get4, get8, put4, put8, shift_right


@inline
def key_hash(h: int, owner: int, number: int) -> int:
    """Return 32 hash bits of (owner, number): two rounds of multiply and shift."""
    x = ((number ^ get8(h + SEED)) + owner * -7046029254386353131) * -3372029247567499371
    x = (x ^ shift_right(x, 32)) * -4417276706812531889
    return shift_right(x, 31) & M32


@inline
def id_find(h: int, account: int, client_id: int) -> int:
    """Return the slot of the account's live order with this client id, or 0."""
    tag = key_hash(h, account, client_id)
    table = get8(h + ID_INDEX)
    mask = get8(h + ID_MASK)
    i = tag & mask
    while True:
        word = get8(table + (i << 3))
        slot = word & M32
        if slot == 0:
            return 0
        if shift_right(word, 32) == tag:
            o = get8(h + ORDERS) + (slot << 6)
            if get8(o + CLIENT_ID) == client_id:
                if get4(get8(h + POSITIONS_AT) + (get4(o + POS) << 6) + ACCOUNT_ID) == account:
                    return slot
        i = (i + 1) & mask


@inline
def entry_add(table: int, mask: int, tag: int, reference: int) -> None:
    """Put an entry into the first free place from its home."""
    i = tag & mask
    while get4(table + (i << 3)) != 0:
        i = (i + 1) & mask
    put8(table + (i << 3), tag << 32 | reference)


@inline
def entry_remove(table: int, mask: int, tag: int, reference: int) -> None:
    """Take the entry of a reference out and close the gap, so that no probe meets a hole."""
    i = tag & mask
    while get4(table + (i << 3)) != reference:
        i = (i + 1) & mask
    j = i
    while True:
        j = (j + 1) & mask
        word = get8(table + (j << 3))
        if word & M32 == 0:
            break
        home = shift_right(word, 32) & mask
        if ((j - home) & mask) >= ((j - i) & mask):
            put8(table + (i << 3), word)
            i = j
    put8(table + (i << 3), 0)


@inline
def position_home(h: int, account: int, pair: int) -> int:
    """Return where in the table a position is looked for first."""
    return key_hash(h, account, pair) & get8(h + POSITION_MASK)


@helper
def position_find(h: int, account: int, pair: int) -> int:
    """Return the position's number, or 0 when the account never had one in this pair.

    The records are the table itself: on a thousand books each place looked at is a cache miss.
    """
    table = get8(h + POSITIONS_AT) + 64
    i = position_home(h, account, pair)
    while get4(table + (i << 6) + USED):
        if get8(table + (i << 6)) == (account | pair << 32):
            return i + 1
        i = (i + 1) & get8(h + POSITION_MASK)
    return 0


@helper
def position_add(h: int, account: int, pair: int) -> int:
    """Make a position; the table has room (see `room` in `Books`). Return its number."""
    table = get8(h + POSITIONS_AT) + 64
    i = position_home(h, account, pair)
    while get4(table + (i << 6) + USED):
        i = (i + 1) & get8(h + POSITION_MASK)
    put8(table + (i << 6), account | pair << 32)
    put4(table + (i << 6) + USED, 1)
    put8(h + POSITION_COUNT, get8(h + POSITION_COUNT) + 1)
    return i + 1


@inline
def position_of(h: int, account: int, pair: int) -> int:
    """Return the number of a position, made when it is not there."""
    i = position_home(h, account, pair)
    po = get8(h + POSITIONS_AT) + 64 + (i << 6)
    if get4(po + USED) and get8(po) == (account | pair << 32):
        return i + 1
    number = position_find(h, account, pair)
    return number if number != 0 else position_add(h, account, pair)


@entry
def rehash_positions(h: int, old: int, old_more: int, old_size: int) -> int:
    """Copy all positions of a table at `old` into the header's empty larger one; live orders learn the new numbers."""
    for i in range(1, old_size + 1):
        po = old + (i << 6)
        if get4(po + USED):
            number = position_add(h, get4(po + ACCOUNT_ID), get4(po + PAIR_ID))
            new = get8(h + POSITIONS_AT) + (number << 6)
            for word in range(0, 64, 8):
                put8(new + word, get8(po + word))
            new = get8(h + POSITIONS_MORE) + (number << 5)
            for word in range(0, 32, 8):
                put8(new + word, get8(old_more + (i << 5) + word))
            s = get4(po + NEWEST)
            while s:
                o = get8(h + ORDERS) + (s << 6)
                put4(o + POS, number)
                s = get4(o + OLDER)
    return 0


@inline
def backing_key(account: int, instrument: int) -> int:
    """Return what a backing's record is known by; never 0, which marks a free record."""
    return (account << 32 | instrument) + 1


@helper
def backing_find(h: int, account: int, instrument: int) -> int:
    """Return the number of a backing, or 0 when nothing was ever credited.

    The records are the table itself, since what a new order's backing costs is cache misses: one in place of two.
    """
    key = backing_key(account, instrument)
    table = get8(h + BACKINGS) + 32
    mask = get8(h + BACKING_MASK)
    i = key_hash(h, account, instrument) & mask
    while True:
        found = get8(table + (i << 5))
        if found == key:
            return i + 1
        if found == 0:
            return 0
        i = (i + 1) & mask


@helper
def backing_add(h: int, account: int, instrument: int) -> int:
    """Make a backing of 0; the table has room. Return its number."""
    table = get8(h + BACKINGS) + 32
    mask = get8(h + BACKING_MASK)
    i = key_hash(h, account, instrument) & mask
    while get8(table + (i << 5)) != 0:
        i = (i + 1) & mask
    put8(table + (i << 5), backing_key(account, instrument))
    put8(h + BACKING_COUNT, get8(h + BACKING_COUNT) + 1)
    return i + 1


@entry
def rehash_backings(h: int, old: int, old_size: int) -> int:
    """Copy all backings of a table at `old` into the header's empty larger one; positions learn the new numbers."""
    for i in range(old_size):
        b = old + 32 + (i << 5)
        key = get8(b)
        if key != 0:
            number = backing_add(h, shift_right(key - 1, 32), (key - 1) & M32)
            new = get8(h + BACKINGS) + (number << 5)
            for word in (AVAILABLE, DRAWN, SPENT):
                put8(new + word, get8(b + word))
    for i in range(1, get8(h + POSITION_MASK) + 2):
        po = get8(h + POSITIONS_AT) + (i << 6)
        for at in (BASE_BACKING, QUOTE_BACKING):
            number = get4(po + at)
            if number:
                key = get8(old + (number << 5)) - 1
                put4(po + at, backing_find(h, shift_right(key, 32), key & M32))
    return 0


@entry
def reindex(old: int, old_size: int, new: int, new_mask: int) -> int:
    """Copy all entries of a table at `old` into an empty larger one at `new`. Cost: O(old_size)."""
    for i in range(old_size):
        word = get8(old + (i << 3))
        if word & M32 != 0:
            entry_add(new, new_mask, shift_right(word, 32), word & M32)
    return 0
