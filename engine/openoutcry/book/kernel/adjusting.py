"""ADJUST_PAIR with a ratio: prices times n / d, quantities times d / n, for what stays whole; the rest is cancelled."""

from openoutcry.book.kernel.checking import ICEBERG, covers, in_range
from openoutcry.book.kernel.compiling import helper
from openoutcry.book.kernel.emitting import CANCELLED, REPLACED, emit
from openoutcry.book.kernel.layout import (
    BACKED_BIT,
    BAND_HIGH,
    BAND_LOW,
    BITS,
    DISPLAYED,
    LAST,
    NET,
    OPEN_LOTS,
    ORIGINAL,
    PAIR_ID,
    PEAK,
    POS,
    POSITION_MASK,
    PRICE,
    PRICED_BIT,
    QTY_MAX,
    QUEUE_SHIFT,
    REFERENCE,
    RESERVE,
    SCRATCH,
    TOP,
    TRIGGER,
    USED,
)
from openoutcry.book.kernel.memory import get4, get8, put4, put8
from openoutcry.book.kernel.orders import (
    ELECTED,
    STOP_BUY,
    gone,
    handle_of,
    hidden_flag,
    kind_of,
    link,
    more_at,
    open_lots_at,
    open_up,
    order_at,
    own_price,
    position_at,
    queue_of,
    unlink,
)
from openoutcry.book.kernel.walking import list_orders
from openoutcry.domain.limits import OPEN_LOTS_MAX, POSITION_LOTS_MAX, PRICE_TICKS_MAX
from openoutcry.domain.rejects import CancelReason

R_ADJUSTED = int(CancelReason.ADJUSTED)
PRICE_END = PRICE_TICKS_MAX
NET_MAX = POSITION_LOTS_MAX
LOTS_MAX = OPEN_LOTS_MAX


@helper
def common_divisor(a: int, b: int) -> int:
    """Return the greatest common divisor of two positive numbers."""
    while b:
        a, b = b, a % b
    return a


@helper
def nearest(price: int, n: int, d: int) -> int:
    """Return price * n / d to the nearest tick, half up, within 1 and PRICE_TICKS_MAX; 0 stays 0."""
    if price == 0:
        return 0
    return min(max((2 * price * n + d) // (2 * d), 1), PRICE_END)


@helper
def scaled_net(net: int, n: int, d: int) -> int:
    """Return net * d / n towards zero, cut to POSITION_LOTS_MAX."""
    size = abs(net)
    whole = size // n
    if whole > NET_MAX // d:
        size = NET_MAX
    else:
        size = min(whole * d + size % n * d // n, NET_MAX)
    return -size if net < 0 else size


@helper
def scaled_lots(lots: int, n: int, d: int, most: int) -> int:
    """Return lots * d / n when that is whole and at most `most`, else -1. n and d have no common divisor."""
    if lots % n or lots // n > most // d:
        return -1
    return lots // n * d


@helper
def scaled_price(price: int, n: int, d: int) -> int:
    """Return price * n / d when that is whole, else -1."""
    return price * n // d if price * n % d == 0 else -1


@helper
def adjust_order(h: int, p: int, s: int, n: int, d: int) -> bool:
    """Give an order that is in no queue and open nowhere its new price and lots; tell whether it could be done."""
    o = order_at(h, s)
    bits = get4(o + BITS)
    side = bits & 1
    kind = kind_of(bits)
    m = more_at(h, s)
    price = get4(o + PRICE)
    if bits & PRICED_BIT:
        price = scaled_price(price, n, d)
        if not in_range(p, price):
            return False
    most = get8(p + QTY_MAX)
    displayed = scaled_lots(get8(o + DISPLAYED), n, d, most)
    reserve = scaled_lots(get8(o + RESERVE), n, d, most)
    original = scaled_lots(get8(o + ORIGINAL), n, d, most)
    if displayed < 0 or reserve < 0 or original < 0 or displayed + reserve > most:
        return False
    peak = 0
    if kind == ICEBERG:
        peak = scaled_lots(get8(m + PEAK), n, d, most)
        if peak < 0:
            return False
    trigger = 0
    waits = STOP_BUY <= queue_of(bits) <= ELECTED
    if waits:
        trigger = scaled_price(get8(m + TRIGGER), n, d)
        if not in_range(p, trigger):
            return False
    lots = displayed + reserve
    if get8(p + OPEN_LOTS) + lots > LOTS_MAX:
        return False
    po = position_at(h, get4(o + POS))
    net = -get8(po + NET) if side else get8(po + NET)
    if net + get8(open_lots_at(po, side)) + lots > NET_MAX:
        return False
    if bits & BACKED_BIT and not covers(h, p, po, side, lots if side else lots * price):
        return False
    put4(o + PRICE, price)
    put8(o + DISPLAYED, displayed)
    put8(o + RESERVE, reserve)
    put8(o + ORIGINAL, original)
    if kind == ICEBERG:
        put8(m + PEAK, peak)
    if waits:
        put8(m + TRIGGER, trigger)
    open_up(h, p, po, o, side, price, lots)
    return True


@helper
def adjust(h: int, p: int, pair: int, n: int, d: int) -> None:
    """Re-price a pair. Room for an event per order was made sure of."""
    divisor = common_divisor(n, d)
    n //= divisor
    d //= divisor
    begin = get8(h + SCRATCH)
    end_at = list_orders(h, p, begin)
    at = begin
    while at < end_at:
        s = get8(at)
        o = order_at(h, s)
        queue = queue_of(get4(o + BITS))
        po = position_at(h, get4(o + POS))
        unlink(h, p, s, o)
        leaves = get8(o + DISPLAYED) + get8(o + RESERVE)
        open_up(h, p, po, o, get4(o + BITS) & 1, get4(o + PRICE), -leaves)
        put8(at, s | queue << 32)
        at += 8
    for word in (LAST, REFERENCE, BAND_LOW, BAND_HIGH):
        put8(p + word, nearest(get8(p + word), n, d))
    put8(p + TOP, 0)
    put8(p + TOP + 8, 0)
    for number in range(1, get8(h + POSITION_MASK) + 2):
        po = position_at(h, number)
        if get4(po + USED) and get4(po + PAIR_ID) == pair:
            put8(po + NET, scaled_net(get8(po + NET), n, d))
    at = begin
    while at < end_at:
        s = get8(at) & 0xFFFFFFFF
        queue = get8(at) >> 32
        at += 8
        o = order_at(h, s)
        bits = get4(o + BITS)
        side = bits & 1
        put4(o + BITS, bits & ~(15 << QUEUE_SHIFT) | queue << QUEUE_SHIFT)
        if adjust_order(h, p, s, n, d):
            link(h, p, s, o, STOP_BUY + side if queue == ELECTED else queue)
            displayed = get8(o + DISPLAYED)
            lots = displayed + get8(o + RESERVE)
            flags = hidden_flag(bits)
            emit(h, REPLACED, side, 0, flags, pair, handle_of(o, s), 0, own_price(o), lots, lots, displayed)
        else:
            lots = get8(o + DISPLAYED) + get8(o + RESERVE)
            flags = hidden_flag(bits)
            emit(h, CANCELLED, side, R_ADJUSTED, flags, pair, handle_of(o, s), 0, own_price(o), lots, 0, 0)
            gone(h, p, s, o)
