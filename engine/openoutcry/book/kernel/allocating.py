"""Who at a price is met next, where it is not simply the first in the queue."""

from openoutcry.book.kernel.compiling import helper
from openoutcry.book.kernel.emitting import is_short
from openoutcry.book.kernel.ladders import best_of, level_find, next_price, prev_price, tick_of
from openoutcry.book.kernel.layout import (
    ACCOUNT_ID,
    ATOMIC,
    BITS,
    BROKER,
    DISPLAYED,
    DONE,
    EVENTS_PER_STEP,
    HEAD,
    LOTS,
    NEED_EVENTS,
    NEXT,
    NO_LOW,
    OWED,
    POS,
    PRO_RATA_MINIMUM,
    PRO_RATA_TOP,
    SCRATCH,
    TOP,
    TRIPPED,
)
from openoutcry.book.kernel.meeting import avoid, fill
from openoutcry.book.kernel.memory import get1, get4, get8, put8
from openoutcry.book.kernel.orders import (
    account_at,
    handle_of,
    order_at,
    position_at,
    replenish,
)
from openoutcry.book.kernel.walking import list_level


@helper
def displayed_first_maker(h: int, lv: int) -> int:
    """Return the first order of a level with displayed lots, or, when there is none, the first."""
    s = get4(lv + HEAD)
    while s:
        o = order_at(h, s)
        if get8(o + DISPLAYED):
            return s
        s = get4(o + NEXT)
    return get4(lv + HEAD)


@helper
def pay_owed(h: int, p: int) -> int:
    """Replenish every iceberg of a level whose displayed lots the last taker used up. Returns DONE or NEED_EVENTS."""
    owed = get8(h + OWED)
    ladder = owed & 1
    price = owed >> 1
    # the level may be gone: then nothing is owed
    best = best_of(p, ladder)
    if best != price:
        put8(h + OWED, 0)
        return DONE
    lv = level_find(h, p, tick_of(p, ladder, price))
    count = 0
    s = get4(lv + HEAD)
    while s:
        count += 1
        s = get4(order_at(h, s) + NEXT)
    if is_short(h, count + EVENTS_PER_STEP):
        return NEED_EVENTS
    # listed first: where rank decides, a replenished order need not go to the very back
    at = get8(h + SCRATCH)
    end = list_level(h, lv, at)
    while at < end:
        s = get8(at)
        at += 8
        o = order_at(h, s)
        if get8(o + DISPLAYED) == 0:
            replenish(h, p, s, o, lv)
    put8(h + OWED, 0)
    return DONE


@helper
def broker_in_level(h: int, lv: int, broker: int) -> int:
    """Return the first order of a level whose account has this broker, or 0."""
    s = get4(lv + HEAD)
    while s:
        o = order_at(h, s)
        a = account_at(h, get4(position_at(h, get4(o + POS)) + ACCOUNT_ID))
        if get4(a + BROKER) == broker:
            return s
        s = get4(o + NEXT)
    return 0


@helper
def after_price(h: int, p: int, ladder: int, price: int, side: int) -> int:
    """Return the next worse price of a ladder that a taker of `side` meets, or the sentinel."""
    return prev_price(h, p, ladder, price) if side else next_price(h, p, ladder, price)


@helper
def broker_maker(h: int, p: int, tpo: int, side: int, limit: int) -> int:
    """Return the first order within the limit of the taker's broker, best price first, or 0.

    Cost: O(orders within the limit): broker priority is for dark books, where one price holds all.
    """
    broker = get4(account_at(h, get4(tpo + ACCOUNT_ID)) + BROKER)
    if broker == 0:
        return 0
    shown = best_of(p, 1 - side)
    hidden = best_of(p, 3 - side)
    while True:
        price = max(shown, hidden) if side else min(shown, hidden)
        if (price < limit or price == NO_LOW) if side else price > limit:
            return 0
        if shown == price:
            found = broker_in_level(h, level_find(h, p, tick_of(p, 1 - side, price)), broker)
            if found:
                return found
            shown = after_price(h, p, 1 - side, price, side)
        if hidden == price:
            found = broker_in_level(h, level_find(h, p, tick_of(p, 3 - side, price)), broker)
            if found:
                return found
            hidden = after_price(h, p, 3 - side, price, side)


@helper
def share(lots: int, part: int, whole: int) -> int:
    """Return floor(lots * part / whole) exactly, for 0 <= part <= whole <= 2^62: long division, a bit a step."""
    if lots < 1 << 31 and part < 1 << 31:
        return lots * part // whole
    quotient = 0
    rest = 0
    bit = 62
    while bit >= 0:
        quotient <<= 1
        if rest >= whole - rest:
            rest -= whole - rest
            quotient += 1
        else:
            rest += rest
        if lots >> bit & 1:
            if rest >= whole - part:
                rest -= whole - part
                quotient += 1
            else:
                rest += part
        bit -= 1
    return quotient


@helper
def pro_rata(h: int, p: int, t: int, to: int, lv: int, price: int) -> int:
    """Let the taker meet a displayed level pro rata. Returns DONE or NEED_EVENTS (before anything has happened).

    The taker has ended when the header's TAKER is 0 afterwards. Scratch holds one word (the lots given) per order.
    """
    tpo = position_at(h, get4(to + POS))
    side = get4(to + BITS) & 1
    count = 0
    s = get4(lv + HEAD)
    while s:
        count += 1
        s = get4(order_at(h, s) + NEXT)
    if is_short(h, 4 * count + EVENTS_PER_STEP):
        return NEED_EVENTS
    # whom it must not trade with, first in first; each end may empty the level
    s = get4(lv + HEAD)
    left = count
    while left:
        o = order_at(h, s)
        following = get4(o + NEXT)
        left -= 1
        seen = avoid(h, t, tpo, s, position_at(h, get4(o + POS)))
        if seen == 2:
            return DONE
        if seen == 1:
            count -= 1
            if count == 0:
                return DONE
        s = following
    lv = level_find(h, p, tick_of(p, 1 - side, price))
    lots = get8(to + DISPLAYED)
    whole = get8(lv + LOTS)
    given = get8(h + SCRATCH)
    top = 0
    if lots >= whole:
        s = get4(lv + HEAD)
        for i in range(count):
            o = order_at(h, s)
            put8(given + (i << 4), s)
            put8(given + (i << 4) + 8, get8(o + DISPLAYED))
            s = get4(o + NEXT)
    else:
        remaining = lots
        for_top = 0
        if get1(p + PRO_RATA_TOP):
            top = top_on_level(h, p, 1 - side, lv)
            if top:
                for_top = min(remaining, get8(order_at(h, top) + DISPLAYED))
                remaining -= for_top
                whole -= get8(order_at(h, top) + DISPLAYED)
        part = remaining
        minimum = get8(p + PRO_RATA_MINIMUM)
        s = get4(lv + HEAD)
        for i in range(count):
            o = order_at(h, s)
            if s == top:
                amount = for_top
            else:
                amount = share(get8(o + DISPLAYED), part, whole) if part else 0
                if amount < minimum:
                    amount = 0
                remaining -= amount
            put8(given + (i << 4), s)
            put8(given + (i << 4) + 8, amount)
            s = get4(o + NEXT)
        for i in range(count):
            if remaining == 0:
                break
            at = given + (i << 4)
            more = min(remaining, get8(order_at(h, get8(at)) + DISPLAYED) - get8(at + 8))
            put8(at + 8, get8(at + 8) + more)
            remaining -= more
    if top:
        for i in range(count):
            at = given + (i << 4)
            if get8(at) == top and get8(at + 8):
                lots = get8(at + 8)
                put8(at + 8, 0)
                if give(h, p, t, to, tpo, top, price, lots):
                    return DONE
    for i in range(count):
        at = given + (i << 4)
        if get8(at + 8):
            if give(h, p, t, to, tpo, get8(at), price, get8(at + 8)):
                return DONE
    return DONE


@helper
def top_on_level(h: int, p: int, ladder: int, lv: int) -> int:
    """Return the slot of a side's top order when it waits in this level, else 0."""
    top = get8(p + TOP + (ladder << 3))
    s = get4(lv + HEAD)
    while s:
        o = order_at(h, s)
        if handle_of(o, s) == top:
            return s
        s = get4(o + NEXT)
    return 0


@helper
def give(h: int, p: int, t: int, to: int, tpo: int, m: int, price: int, lots: int) -> bool:
    """Trade a pro-rata amount with a maker, unless its protection has tripped. Returns whether the taker has ended."""
    mo = order_at(h, m)
    mpo = position_at(h, get4(mo + POS))
    if get4(mpo + TRIPPED) and not get8(h + ATOMIC):
        avoid(h, t, tpo, m, mpo)
        return False
    return fill(h, p, t, to, tpo, m, mo, mpo, price, lots)
