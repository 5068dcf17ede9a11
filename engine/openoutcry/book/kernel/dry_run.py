"""The dry run: could a fill-or-kill, or an order with a minimum, trade enough on arrival? Changes nothing."""

from openoutcry.book.kernel.allocating import after_price
from openoutcry.book.kernel.compiling import helper
from openoutcry.book.kernel.ladders import best_of, level_find, tick_of
from openoutcry.book.kernel.layout import (
    ACCOUNT_ID,
    ALLOCATION,
    BAND_HIGH,
    BAND_LOW,
    BITS,
    BROKER,
    DISPLAYED,
    HEAD,
    NEXT,
    NO_LOW,
    PAIR_ID,
    POS,
    PRICE,
    RESERVE,
    STP_SHIFT,
)
from openoutcry.book.kernel.meeting import CANCEL_OLDEST, same_group
from openoutcry.book.kernel.memory import get1, get4, get8
from openoutcry.book.kernel.orders import PRO_RATA, account_at, order_at, pair_at, position_at
from openoutcry.domain.pair import Allocation

BROKER_PRICE_TIME = int(Allocation.BROKER_PRICE_TIME)
ANY = 0
ONLY = 1
OTHERS = 2
BLOCKED = -1


@helper
def level_lots(h: int, lv: int, tpo: int, stp: int, which: int, broker: int, at_once: int) -> int:
    """Return the lots of a level that the taker could have, or -1 - lots when its own group ends the walk in it.

    which: all orders, only those of a broker, or all others. at_once: an own order ends the walk before the level.
    Ahead of an own order only displayed lots can be had: reserves go behind it.
    """
    lots = 0
    displayed = 0
    s = get4(lv + HEAD)
    while s:
        o = order_at(h, s)
        mpo = position_at(h, get4(o + POS))
        s = get4(o + NEXT)
        if which:
            of_broker = get4(account_at(h, get4(mpo + ACCOUNT_ID)) + BROKER) == broker
            if of_broker != (which == ONLY):
                continue
        if stp and same_group(h, tpo, mpo):
            if stp == CANCEL_OLDEST:
                continue
            return BLOCKED if at_once else BLOCKED - displayed
        displayed += get8(o + DISPLAYED)
        lots += get8(o + DISPLAYED) + get8(o + RESERVE)
    return lots


@helper
def meets_somebody(h: int, lv: int, which: int, broker: int) -> bool:
    """Tell whether a pass would meet an order of this level."""
    if which == ANY:
        return True
    s = get4(lv + HEAD)
    while s:
        o = order_at(h, s)
        a = account_at(h, get4(position_at(h, get4(o + POS)) + ACCOUNT_ID))
        if (get4(a + BROKER) == broker) == (which == ONLY):
            return True
        s = get4(o + NEXT)
    return False


@helper
def walk(h: int, t: int, need: int, which: int) -> int:
    """Add up what a taker could trade until `need` is reached; -1 - lots when the walk ended for good."""
    to = order_at(h, t)
    tpo = position_at(h, get4(to + POS))
    p = pair_at(h, get4(tpo + PAIR_ID))
    bits = get4(to + BITS)
    side = bits & 1
    stp = bits >> STP_SHIFT & 7
    limit = get4(to + PRICE)
    broker = get4(account_at(h, get4(tpo + ACCOUNT_ID)) + BROKER)
    pro_rata = get1(p + ALLOCATION) == PRO_RATA
    high = get8(p + BAND_HIGH)
    low = get8(p + BAND_LOW)
    shown = best_of(p, 1 - side)
    hidden = best_of(p, 3 - side)
    total = 0
    while total < need:
        price = max(shown, hidden) if side else min(shown, hidden)
        if (price < limit or price == NO_LOW) if side else price > limit:
            return total
        outside = high != 0 and (price > high or price < low)
        if shown == price:
            lv = level_find(h, p, tick_of(p, 1 - side, price))
            if outside and meets_somebody(h, lv, which, broker):
                return BLOCKED - total
            lots = level_lots(h, lv, tpo, stp, which, broker, pro_rata)
            if lots < 0:
                return BLOCKED - (total + BLOCKED - lots)
            total += lots
            shown = after_price(h, p, 1 - side, price, side)
        if total < need and hidden == price:
            lv = level_find(h, p, tick_of(p, 3 - side, price))
            if outside and meets_somebody(h, lv, which, broker):
                return BLOCKED - total
            lots = level_lots(h, lv, tpo, stp, which, broker, False)
            if lots < 0:
                return BLOCKED - (total + BLOCKED - lots)
            total += lots
            hidden = after_price(h, p, 3 - side, price, side)
    return total


@helper
def reachable(h: int, t: int, need: int) -> bool:
    """Tell whether the taker in slot t would trade `need` lots. Cost: O(orders that it would meet)."""
    to = order_at(h, t)
    tpo = position_at(h, get4(to + POS))
    p = pair_at(h, get4(tpo + PAIR_ID))
    broker = get4(account_at(h, get4(tpo + ACCOUNT_ID)) + BROKER)
    if get1(p + ALLOCATION) != BROKER_PRICE_TIME or broker == 0:
        found = walk(h, t, need, ANY)
        return found >= need or BLOCKED - found >= need
    first = walk(h, t, need, ONLY)
    if first < 0 or first >= need:
        return first >= need or BLOCKED - first >= need
    rest = walk(h, t, need - first, OTHERS)
    return rest >= need - first or BLOCKED - rest >= need - first
