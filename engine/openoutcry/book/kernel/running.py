"""The entry of all commands: one loop over a batch, with what every order needs inlined and all else called.

Returns to `Books` when the batch is done, or when a buffer or a pool must grow first. One entry for traders and
operators: with two, every operator command would leave the kernel for Python and come back, and the machine code of
matching would be kept twice.
"""

from openoutcry.book.kernel.checking import (
    BY_HANDLE,
    CONTINUOUS,
    INVALID_FLAGS,
    LIMIT,
    PHASE_FORBIDS,
    POST_ONLY,
    POST_ONLY_SLIDE,
    QUANTITY_OUT_OF_RANGE,
    REDUCE_ONLY,
    UNKNOWN_ACCOUNT,
    UNKNOWN_OP,
    UNKNOWN_ORDER,
    UNKNOWN_PAIR,
    account_code,
    crosses,
    examine_place,
    find_order,
    in_range,
    is_account,
    is_pair,
)
from openoutcry.book.kernel.compiling import entry, helper, inline
from openoutcry.book.kernel.emitting import ACCEPTED, CANCELLED, emit, reject
from openoutcry.book.kernel.index import id_find, position_of
from openoutcry.book.kernel.layout import (
    ACCOUNT_BACKED,
    ACCOUNT_FLAGS,
    C_CLIENT_ID,
    C_DISPLAY,
    C_EXPIRY,
    C_PAIR,
    C_PRICE,
    C_QTY,
    C_TRIGGER,
    CAPACITY,
    CLOCK,
    COMMAND_AT,
    COMMAND_END,
    DONE,
    EVENT_AT,
    EVENT_END,
    EVENTS_AT,
    EVENTS_PER_STEP,
    EXPIRIES,
    EXPIRY_COUNT,
    FREE,
    HIGH,
    M32,
    NEED,
    NEED_EVENTS,
    NEED_MEMORY,
    NEED_ROOM,
    OPEN_LOTS,
    PAIR_COUNT,
    PHASE,
    PREFETCH,
    QTY_MAX,
    RESUME,
    ROOM,
    SEQUENCE,
)
from openoutcry.book.kernel.looking import FAR, MIDDLE, NEAR, look_far, look_middle, look_near
from openoutcry.book.kernel.matching import settle
from openoutcry.book.kernel.memory import get1, get4, get8, put8, shift_right
from openoutcry.book.kernel.operating import needs_memory, operate
from openoutcry.book.kernel.orders import account_at, cancel_part, end_order, order_at, pair_at, position_at
from openoutcry.book.kernel.placing import (
    CAPACITY_CODE,
    LOTS_MAX,
    WOULD_TRADE,
    accept,
    limit_without_price,
    replace,
    route,
    slide,
)
from openoutcry.domain.limits import QTY_LOTS_MAX, TIME_NS_MAX
from openoutcry.domain.order import Op
from openoutcry.domain.rejects import CancelReason, RejectCode

PLACE = int(Op.PLACE)
CANCEL = int(Op.CANCEL)
REDUCE = int(Op.REDUCE)
REPLACE = int(Op.REPLACE)
CLOCK_OP = int(Op.CLOCK)
LAST_OP = int(max(Op))
R_USER = int(CancelReason.USER)
DUPLICATE_ID = int(RejectCode.DUPLICATE_ID)
REDUCE_LOTS_MAX = QTY_LOTS_MAX
TIME_MAX = TIME_NS_MAX

# What may be set in the first eight bytes of a plain order, op, side, kind, tif, stp, flags, spare from the lowest up;
# as int64: the two spare bytes are the sign's.
PLAIN_BITS = -(1 << 48) | 0x03_07_01_00_01_01

ARRAY_DATA = 16
"""Offset of the data pointer in numpy's array object (PyArrayObject, part of numpy's C interface): reading it here
costs nothing, asking numpy for it 0.8 to 7 microseconds. `Books` checks it once at import."""


@inline
def is_plain(h: int, c: int, pair: int, account: int) -> bool:
    """Tell whether a PLACE is a limit order, good till cancelled, for the day, IOC or FOK, that passes `examine_place`.

    One test for the order that is nine in ten; all others are examined in order.
    """
    if pair >= get8(h + PAIR_COUNT):
        return False
    p = pair_at(h, pair)
    word = get8(c)
    # bytes: op 1, side 0 or 1, kind LIMIT, tif GTC or DAY, stp at most 7, flags BY_HANDLE and REDUCE_ONLY, spare any
    return (
        word & ~PLAIN_BITS == 0
        and get1(c + 4) <= 4
        and get1(p + PHASE) == CONTINUOUS
        and is_pair(h, pair)
        and is_account(h, account)
        and 1 <= get8(c + C_QTY) <= get8(p + QTY_MAX)
        and in_range(p, get8(c + C_PRICE))
        and get8(c + C_DISPLAY) | get8(c + C_TRIGGER) | get8(c + C_EXPIRY) == 0
    )


@inline
def place(h: int, c: int, pair: int, account: int) -> bool:
    """Carry out a PLACE, or refuse it. Returns whether `settle` has work."""
    if not is_plain(h, c, pair, account):
        code = examine_place(h, c, pair, account)
        if code:
            reject(h, c, pair, code)
            return False
    p = pair_at(h, pair)
    side = get1(c + 1)
    kind = get1(c + 2)
    flags = get1(c + 5)
    lots = get8(c + C_QTY)
    limit = get8(c + C_PRICE)
    priced = True
    if kind != LIMIT:
        if limit == 0:
            word = limit_without_price(p, side, kind, get1(c + 3))
            limit = word >> 1
            priced = word & 1 == 1
        elif kind == POST_ONLY_SLIDE:
            limit = slide(p, side, limit)
    if not flags & BY_HANDLE and id_find(h, account, get8(c + C_CLIENT_ID)):
        reject(h, c, pair, DUPLICATE_ID)
        return False
    a = account_at(h, account)
    number = position_of(h, account, pair)
    po = position_at(h, number)
    backed = get4(a + ACCOUNT_FLAGS) & ACCOUNT_BACKED
    reduce_only = flags & REDUCE_ONLY
    code = account_code(h, p, a, po, side, limit, lots, priced, reduce_only, backed, False, 0, 0)
    if code == 0 and (kind == POST_ONLY or kind == POST_ONLY_SLIDE):
        if get1(p + PHASE) == CONTINUOUS and crosses(p, side, limit):
            code = WOULD_TRADE
    if code == 0 and get8(p + OPEN_LOTS) + lots > LOTS_MAX:
        code = CAPACITY_CODE
    if code == 0 and get8(h + FREE) == 0 and get8(h + HIGH) >= get8(h + CAPACITY):
        code = CAPACITY_CODE
    if code:
        reject(h, c, pair, code)
        return False
    put8(h + ROOM, get8(h + ROOM) - 1)
    s = accept(h, c, p, pair, a, account, number, po, side, limit, priced, backed)
    return route(h, c, p, pair, s, side, limit, kind, get1(c + 3))


@inline
def cancel(h: int, c: int, pair: int, account: int) -> None:
    """Carry out a CANCEL, or refuse it."""
    flags = get1(c + 5)
    if not is_pair(h, pair):
        reject(h, c, pair, UNKNOWN_PAIR)
    elif not is_account(h, account):
        reject(h, c, pair, UNKNOWN_ACCOUNT)
    elif flags & ~BY_HANDLE:
        reject(h, c, pair, INVALID_FLAGS)
    else:
        s = find_order(h, c, pair, account, flags)
        if s == 0:
            reject(h, c, pair, UNKNOWN_ORDER)
        else:
            end_order(h, pair_at(h, pair), s, order_at(h, s), CANCELLED, R_USER, 0)


@helper
def reduce(h: int, c: int, pair: int, account: int) -> None:
    """Carry out a REDUCE, or refuse it."""
    flags = get1(c + 5)
    lots = get8(c + C_QTY)
    code = 0
    s = 0
    if not is_pair(h, pair):
        code = UNKNOWN_PAIR
    elif not is_account(h, account):
        code = UNKNOWN_ACCOUNT
    elif flags & ~BY_HANDLE:
        code = INVALID_FLAGS
    elif not 1 <= lots <= REDUCE_LOTS_MAX:
        code = QUANTITY_OUT_OF_RANGE
    elif get1(pair_at(h, pair) + PHASE) == 0:
        code = PHASE_FORBIDS
    else:
        s = find_order(h, c, pair, account, flags)
        if s == 0:
            code = UNKNOWN_ORDER
    if code:
        reject(h, c, pair, code)
    else:
        cancel_part(h, s, lots, R_USER, 0)


@helper
def try_replace(h: int, c: int, pair: int, account: int) -> bool:
    """Carry out a REPLACE, or refuse it. Returns whether `settle` has work."""
    flags = get1(c + 5)
    if not is_pair(h, pair):
        code = UNKNOWN_PAIR
    elif not is_account(h, account):
        code = UNKNOWN_ACCOUNT
    elif flags & ~BY_HANDLE:
        code = INVALID_FLAGS
    else:
        code = replace(h, c, pair_at(h, pair), pair, account, flags)
    if code:
        reject(h, c, pair, code)
        return False
    return True


@inline
def is_quiet_clock(h: int, c: int) -> int:
    """Tell whether a CLOCK is valid and no order ends by it: the one operator command that every group carries."""
    now = get8(c + C_EXPIRY)
    quiet = get8(h + EXPIRY_COUNT) == 0 or get8(get8(h + EXPIRIES)) > now
    return get8(h + CLOCK) <= now <= TIME_MAX and get1(c + 5) == 0 and quiet


@inline
def answer(h: int, code: int) -> int:
    """Return a code and the number of events so far in one number."""
    return (get8(h + EVENT_AT) - get8(h + EVENTS_AT)) >> 3 | code


@entry
def run(h: int, array: int, count: int) -> int:
    """Carry out commands up to the first need. Returns events so far << 3 | a code of the layout.

    array: address of the numpy array object that holds `count` commands, to begin a batch; 0 to go on with the last.
    """
    if array:
        first = get8(array + ARRAY_DATA)
        put8(h + COMMAND_AT, first)
        put8(h + COMMAND_END, first + (count << 6))
        put8(h + EVENT_AT, get8(h + EVENTS_AT))
    elif get8(h + RESUME):
        if settle(h, get8(h + RESUME)) == NEED_EVENTS:
            return answer(h, NEED_EVENTS)
        put8(h + RESUME, 0)
    c = get8(h + COMMAND_AT)
    end = get8(h + COMMAND_END)
    ahead = get8(h + PREFETCH)
    while c < end:
        if ahead:
            if c + (FAR << 6) < end:
                look_far(h, c + (FAR << 6))
            if c + (MIDDLE << 6) < end:
                look_middle(h, c + (MIDDLE << 6))
            if c + (NEAR << 6) < end:
                look_near(h, c + (NEAR << 6))
        if get8(h + EVENT_AT) + (EVENTS_PER_STEP << 6) > get8(h + EVENT_END):
            put8(h + NEED, EVENTS_PER_STEP)
            put8(h + COMMAND_AT, c)
            return answer(h, NEED_EVENTS)
        op = get1(c)
        word = get8(c + C_PAIR)
        pair = word & M32
        account = shift_right(word, 32)
        work = False
        if op == PLACE:
            if get8(h + ROOM) <= 0:
                put8(h + COMMAND_AT, c)
                return answer(h, NEED_ROOM)
            put8(h + SEQUENCE, get8(h + SEQUENCE) + 1)
            work = place(h, c, pair, account)
        elif op == CANCEL:
            put8(h + SEQUENCE, get8(h + SEQUENCE) + 1)
            cancel(h, c, pair, account)
        elif op == REPLACE:
            put8(h + SEQUENCE, get8(h + SEQUENCE) + 1)
            work = try_replace(h, c, pair, account)
        elif op == REDUCE:
            put8(h + SEQUENCE, get8(h + SEQUENCE) + 1)
            reduce(h, c, pair, account)
        elif op == CLOCK_OP and is_quiet_clock(h, c):
            put8(h + SEQUENCE, get8(h + SEQUENCE) + 1)
            now = get8(c + C_EXPIRY)
            put8(h + CLOCK, now)
            client_id = get8(c + C_CLIENT_ID)
            emit(h, ACCEPTED, 0, CLOCK_OP, 0, pair, 0, client_id, get8(c + C_PRICE), get8(c + C_QTY), 0, 0)
        elif op == 0 or op > LAST_OP:
            put8(h + SEQUENCE, get8(h + SEQUENCE) + 1)
            reject(h, c, pair, UNKNOWN_OP)
        else:
            put8(h + COMMAND_AT, c)
            if needs_memory(h, c, op, account):
                return answer(h, NEED_MEMORY)
            if operate(h, c, op, pair, account) == NEED_EVENTS:
                return answer(h, NEED_EVENTS)
            c += 64
            continue
        c += 64
        if work:
            p = pair_at(h, pair)
            if settle(h, p) == NEED_EVENTS:
                put8(h + RESUME, p)
                put8(h + COMMAND_AT, c)
                return answer(h, NEED_EVENTS)
    put8(h + COMMAND_AT, c)
    return answer(h, DONE)
