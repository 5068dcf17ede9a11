"""PLACE and REPLACE once they may: slot, account, lots, backing; then to wherever the order belongs."""

from openoutcry.book.kernel.checking import (
    AT_CLOSE,
    AUCTION,
    CONTINUOUS,
    GTD,
    ICEBERG,
    IOC,
    MARKET,
    MARKET_TO_LIMIT,
    PHASE_FORBIDS,
    POST_ONLY,
    POST_ONLY_SLIDE,
    PRE_OPEN,
    PRICE_OUT_OF_RANGE,
    QUANTITY_OUT_OF_RANGE,
    STOP,
    STOP_LIMIT,
    TRIGGER_OUT_OF_RANGE,
    UNKNOWN_ORDER,
    account_code,
    best_opposite,
    crosses,
    end_of_range,
    find_order,
    in_range,
)
from openoutcry.book.kernel.compiling import helper, inline
from openoutcry.book.kernel.emitting import ACCEPTED, F_KEPT, REPLACED, emit
from openoutcry.book.kernel.expiring import push_expiry
from openoutcry.book.kernel.index import entry_add, key_hash
from openoutcry.book.kernel.ladders import best_of
from openoutcry.book.kernel.layout import (
    BACKED_BIT,
    BITS,
    C_CLIENT_ID,
    C_DISPLAY,
    C_EXPIRY,
    C_PRICE,
    C_QTY,
    C_TRIGGER,
    CLIENT_ID,
    CLOSING,
    DISPLAYED,
    EXPIRES,
    ID_INDEX,
    ID_MASK,
    KIND_SHIFT,
    LIVE,
    LIVE_BIT,
    NO_CLIENT_ID_BIT,
    OPEN_LOTS,
    OPEN_ORDERS,
    ORIGINAL,
    PEAK,
    PHASE,
    POS,
    PRICE,
    PRICED_BIT,
    PRO_RATA_TOP,
    QTY_MAX,
    QUEUE_SHIFT,
    REDUCE_ONLY_BIT,
    RESERVE,
    STP_SHIFT,
    TIF_SHIFT,
    TOP,
    TRIGGER,
)
from openoutcry.book.kernel.matching import start_taker
from openoutcry.book.kernel.memory import get1, get4, get8, put4, put8
from openoutcry.book.kernel.orders import (
    ELECTED,
    NOWHERE,
    PARKED,
    STOP_BUY,
    account_at,
    enlist,
    handle_of,
    hidden_flag,
    kind_of,
    link,
    more_at,
    open_up,
    order_at,
    own_price,
    position_at,
    queue_of,
    rest,
    take_off,
    take_slot,
    unlink,
)
from openoutcry.domain.limits import ICEBERG_PEAKS_MAX, OPEN_LOTS_MAX
from openoutcry.domain.rejects import RejectCode

WOULD_TRADE = int(RejectCode.WOULD_TRADE)
CAPACITY_CODE = int(RejectCode.CAPACITY)
LOTS_MAX = OPEN_LOTS_MAX
PEAKS_MAX = ICEBERG_PEAKS_MAX


@helper
def limit_without_price(p: int, side: int, kind: int, tif: int) -> int:
    """Return the limit of a market, stop or market-to-limit order, times 2, plus 1 when it is a price of its own."""
    if kind == MARKET_TO_LIMIT and tif != AT_CLOSE and get1(p + PHASE) == CONTINUOUS:
        best = best_of(p, 1 - side)
        if in_range(p, best):
            return best << 1 | 1
    return end_of_range(p, side) << 1


@helper
def slide(p: int, side: int, price: int) -> int:
    """Return the price of a sliding post-only order: one tick short of the best that it would reach, if it may."""
    if get1(p + PHASE) == CONTINUOUS and crosses(p, side, price):
        best = best_opposite(p, side)
        short = best + 1 if side else best - 1
        return short if in_range(p, short) else price
    return price


@inline
def accept(
    h: int,
    c: int,
    p: int,
    pair: int,
    a: int,
    account: int,
    number: int,
    po: int,
    side: int,
    limit: int,
    priced: int,
    backed: int,
) -> int:
    """Give an order its slot and count it everywhere; emits ACCEPTED. Returns the slot."""
    s = take_slot(h)
    o = order_at(h, s)
    kind = get1(c + 2)
    tif = get1(c + 3)
    flags = get1(c + 5)
    lots = get8(c + C_QTY)
    client_id = get8(c + C_CLIENT_ID)
    bits = side | NOWHERE << QUEUE_SHIFT | kind << KIND_SHIFT | tif << TIF_SHIFT | get1(c + 4) << STP_SHIFT | LIVE_BIT
    # BY_HANDLE and REDUCE_ONLY are bits 0 and 1 of a command's flags and of an order's
    bits |= (flags & 3) << 16
    if priced:
        bits |= PRICED_BIT
    if backed:
        bits |= BACKED_BIT
    put4(o + POS, number)
    put4(o + PRICE, limit)
    put4(o + BITS, bits)
    put8(o + DISPLAYED, lots)
    put8(o + RESERVE, 0)
    put8(o + ORIGINAL, lots)
    put8(o + CLIENT_ID, client_id)
    if kind == ICEBERG or kind == STOP or kind == STOP_LIMIT or tif == GTD:
        m = more_at(h, s)
        put8(m + PEAK, get8(c + C_DISPLAY))
        put8(m + TRIGGER, get8(c + C_TRIGGER))
        put8(m + EXPIRES, get8(c + C_EXPIRY))
        if tif == GTD:
            push_expiry(h, s, get8(c + C_EXPIRY))
    put8(h + LIVE, get8(h + LIVE) + 1)
    put4(a + OPEN_ORDERS, get4(a + OPEN_ORDERS) + 1)
    enlist(h, po, s, o)
    if not bits & NO_CLIENT_ID_BIT:
        entry_add(get8(h + ID_INDEX), get8(h + ID_MASK), key_hash(h, account, client_id), s)
    open_up(h, p, po, o, side, limit, lots)
    emit(h, ACCEPTED, side, 1, 0, pair, handle_of(o, s), client_id, limit if priced else 0, lots, 0, lots)
    return s


@inline
def route(h: int, c: int, p: int, pair: int, s: int, side: int, limit: int, kind: int, tif: int) -> bool:
    """Send an accepted order on its way. Returns whether `settle` has work."""
    o = order_at(h, s)
    phase = get1(p + PHASE)
    if tif == AT_CLOSE and not get1(p + CLOSING):
        link(h, p, s, o, PARKED)
        return False
    if kind == STOP or kind == STOP_LIMIT:
        link(h, p, s, o, STOP_BUY + side)
        return phase == CONTINUOUS
    if phase != CONTINUOUS:
        rest(h, p, s, o, pair)
        return False
    minimum = 0 if kind == ICEBERG else get8(c + C_DISPLAY)
    if tif < IOC and minimum == 0 and kind != MARKET and kind != MARKET_TO_LIMIT and not crosses(p, side, limit):
        rest(h, p, s, o, pair)
        return False
    start_taker(h, s, minimum)
    return True


@helper
def replace_code(h: int, p: int, s: int, price: int, trigger: int) -> int:
    """Return the reject code of a REPLACE whose order is found, by price and trigger, or 0."""
    bits = get4(order_at(h, s) + BITS)
    kind = kind_of(bits)
    queue = queue_of(bits)
    waits = STOP_BUY <= queue <= ELECTED
    needs_none = not bits & PRICED_BIT and (kind == MARKET or kind == MARKET_TO_LIMIT)
    if needs_none:
        if price != 0:
            return PRICE_OUT_OF_RANGE
    elif not in_range(p, price) and not (kind == STOP and price == 0):
        return PRICE_OUT_OF_RANGE
    if trigger != 0 and not (waits and in_range(p, trigger)):
        return TRIGGER_OUT_OF_RANGE
    return 0


@helper
def replace(h: int, c: int, p: int, pair: int, account: int, flags: int) -> int:
    """Carry out a REPLACE of a known pair and account. Returns its reject code, or 0; `settle` may have work then."""
    lots = get8(c + C_QTY)
    if not 1 <= lots <= get8(p + QTY_MAX):
        return QUANTITY_OUT_OF_RANGE
    phase = get1(p + PHASE)
    if phase != CONTINUOUS and phase != PRE_OPEN and phase != AUCTION:
        return PHASE_FORBIDS
    s = find_order(h, c, pair, account, flags)
    if s == 0:
        return UNKNOWN_ORDER
    if kind_of(get4(order_at(h, s) + BITS)) == ICEBERG and (lots - 1) // get8(more_at(h, s) + PEAK) >= PEAKS_MAX:
        return QUANTITY_OUT_OF_RANGE
    price = get8(c + C_PRICE)
    trigger = get8(c + C_TRIGGER)
    code = replace_code(h, p, s, price, trigger)
    if code:
        return code
    o = order_at(h, s)
    bits = get4(o + BITS)
    kind = kind_of(bits)
    side = bits & 1
    queue = queue_of(bits)
    leaves = get8(o + DISPLAYED) + get8(o + RESERVE)
    waits = STOP_BUY <= queue <= ELECTED
    if waits and trigger == 0:
        trigger = get8(more_at(h, s) + TRIGGER)
    handle = handle_of(o, s)
    if price == own_price(o) and lots <= leaves and (not waits or trigger == get8(more_at(h, s) + TRIGGER)):
        if lots < leaves:
            take_off(h, p, s, o, leaves - lots)
        kept = F_KEPT | hidden_flag(bits)
        emit(h, REPLACED, side, 0, kept, pair, handle, 0, price, lots, lots, get8(o + DISPLAYED))
        return 0
    limit = price
    if price == 0:
        limit = end_of_range(p, side)
    elif kind == POST_ONLY_SLIDE:
        limit = slide(p, side, price)
    priced = price != 0
    a = account_at(h, account)
    po = position_at(h, get4(o + POS))
    old = get4(o + PRICE)
    drawn = leaves if side else leaves * old
    backed = bits & BACKED_BIT
    reduce_only = bits & REDUCE_ONLY_BIT
    code = account_code(h, p, a, po, side, limit, lots, priced, reduce_only, backed, True, leaves, drawn)
    if code:
        return code
    if (kind == POST_ONLY or kind == POST_ONLY_SLIDE) and phase == CONTINUOUS and crosses(p, side, limit):
        return WOULD_TRADE
    if get8(p + OPEN_LOTS) - leaves + lots > LOTS_MAX:
        return CAPACITY_CODE
    unlink(h, p, s, o)
    open_up(h, p, po, o, side, old, -leaves)
    if get1(p + PRO_RATA_TOP) and get8(p + TOP + (side << 3)) == handle:
        put8(p + TOP + (side << 3), 0)
    put8(o + DISPLAYED, lots)
    put8(o + RESERVE, 0)
    put8(o + ORIGINAL, lots)
    put4(o + PRICE, limit)
    bits = get4(o + BITS) & ~PRICED_BIT
    put4(o + BITS, bits | PRICED_BIT if priced else bits)
    if waits:
        put8(more_at(h, s) + TRIGGER, trigger)
    open_up(h, p, po, o, side, limit, lots)
    emit(h, REPLACED, side, 0, hidden_flag(bits), pair, handle, 0, limit if priced else 0, lots, lots, 0)
    if waits:
        link(h, p, s, o, STOP_BUY + side)
    elif queue == PARKED or (bits >> TIF_SHIFT & 7 == AT_CLOSE and not get1(p + CLOSING)):
        link(h, p, s, o, PARKED)
    elif phase != CONTINUOUS:
        rest(h, p, s, o, pair)
    else:
        start_taker(h, s, 0)
    return 0
