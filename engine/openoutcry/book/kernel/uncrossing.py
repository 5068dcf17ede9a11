"""UNCROSS: the call auction of one pair, on the orders that its queues hold."""

import numpy as np

from openoutcry.book.kernel.allocating import share
from openoutcry.book.kernel.checking import MARKET_TO_LIMIT
from openoutcry.book.kernel.clearing import clear
from openoutcry.book.kernel.compiling import helper
from openoutcry.book.kernel.emitting import AUCTION_RESULT, CANCELLED, F_AUCTION, emit
from openoutcry.book.kernel.ladders import best_of, level_find, next_price, prev_price, tick_of
from openoutcry.book.kernel.layout import (
    ALLOCATION,
    AUCTION_RULE,
    BAND_HIGH,
    BAND_LOW,
    BITS,
    DISPLAYED,
    FILLED_BIT,
    HEAD,
    LAST,
    LOTS,
    NEXT,
    NO_HIGH,
    POS,
    PRICE,
    PRICE_MAX,
    PRICE_MIN,
    PRICED_BIT,
    PRO_RATA_MINIMUM,
    REFERENCE,
    RESERVE,
    SCRATCH,
    SINGLE,
    TIF_SHIFT,
)
from openoutcry.book.kernel.meeting import trade
from openoutcry.book.kernel.memory import get1, get4, get8, put4, put8
from openoutcry.book.kernel.orders import (
    BID,
    HIDDEN_BID,
    MARKET_ASK,
    MARKET_BID,
    PRO_RATA,
    end,
    gone,
    kind_of,
    level_of,
    open_up,
    order_at,
    position_at,
    queue_of,
    replenish,
    rest,
    unlink,
)
from openoutcry.book.kernel.walking import list_queue
from openoutcry.domain.order import TimeInForce
from openoutcry.domain.rejects import CancelReason

AT_OPEN = int(TimeInForce.AT_OPEN)
R_AUCTION = int(CancelReason.AUCTION)
ASK = 1
HIDDEN_ASK = 3


@helper
def level_leaves(h: int, lv: int) -> int:
    """Return all lots of a level, reserves too."""
    lots = 0
    s = get4(lv + HEAD)
    while s:
        o = order_at(h, s)
        lots += get8(o + DISPLAYED) + get8(o + RESERVE)
        s = get4(o + NEXT)
    return lots


@helper
def ladder_leaves(h: int, p: int, ladder: int, price: int) -> int:
    """Return all lots at a price of a ladder."""
    return level_leaves(h, level_find(h, p, tick_of(p, ladder, price)))


@helper
def first_from_below(h: int, p: int, ladder: int) -> int:
    """Return the lowest price in use on a ladder, or NO_HIGH."""
    return next_price(h, p, ladder, get8(p + PRICE_MIN) - 1)


@helper
def next_from_below(h: int, p: int, ladder: int, at: int, price: int) -> int:
    """Return the next price of a ladder when it stands at `price`, else where it stands."""
    return next_price(h, p, ladder, price) if at == price else at


@helper
def count_prices(h: int, p: int) -> int:
    """Return how many different prices the four matching ladders use."""
    count = 0
    at0 = first_from_below(h, p, BID)
    at1 = first_from_below(h, p, ASK)
    at2 = first_from_below(h, p, HIDDEN_BID)
    at3 = first_from_below(h, p, HIDDEN_ASK)
    while True:
        price = min(min(at0, at1), min(at2, at3))
        if price == NO_HIGH:
            return count
        count += 1
        at0 = next_from_below(h, p, BID, at0, price)
        at1 = next_from_below(h, p, ASK, at1, price)
        at2 = next_from_below(h, p, HIDDEN_BID, at2, price)
        at3 = next_from_below(h, p, HIDDEN_ASK, at3, price)


@helper
def auction_price(h: int, p: int) -> tuple[int, int, int]:
    """Return price (0: none), volume and surplus of the auction that the pair's queues would give now."""
    count = count_prices(h, p)
    prices = np.empty(count, np.int64)
    buys = np.zeros(count, np.int64)
    sells = np.zeros(count, np.int64)
    at0 = first_from_below(h, p, BID)
    at1 = first_from_below(h, p, ASK)
    at2 = first_from_below(h, p, HIDDEN_BID)
    at3 = first_from_below(h, p, HIDDEN_ASK)
    for i in range(count):
        price = min(min(at0, at1), min(at2, at3))
        prices[i] = price
        if at0 == price:
            buys[i] += ladder_leaves(h, p, BID, price)
        if at1 == price:
            sells[i] += ladder_leaves(h, p, ASK, price)
        if at2 == price:
            buys[i] += ladder_leaves(h, p, HIDDEN_BID, price)
        if at3 == price:
            sells[i] += ladder_leaves(h, p, HIDDEN_ASK, price)
        at0 = next_from_below(h, p, BID, at0, price)
        at1 = next_from_below(h, p, ASK, at1, price)
        at2 = next_from_below(h, p, HIDDEN_BID, at2, price)
        at3 = next_from_below(h, p, HIDDEN_ASK, at3, price)
    low = get8(p + PRICE_MIN)
    high = get8(p + PRICE_MAX)
    reference = get8(p + REFERENCE)
    if reference == 0:
        reference = get8(p + LAST)
    if reference != 0:
        reference = min(max(reference, low), high)
    collar_low = 0
    collar_high = 0
    rule = get1(p + AUCTION_RULE)
    if get8(p + BAND_HIGH) != 0:
        collar_low = max(low, get8(p + BAND_LOW))
        collar_high = min(high, get8(p + BAND_HIGH))
        if collar_low > collar_high:
            return 0, 0, 0
    elif rule == 1:
        collar_low = low
        collar_high = high
    market_buy = level_leaves(h, p + SINGLE)
    market_sell = level_leaves(h, p + SINGLE + 16)
    return clear(prices, buys, sells, market_buy, market_sell, reference, 1, rule, collar_low, collar_high)


@helper
def serve_level(h: int, p: int, lv: int, volume: int, at: int, pro_rata: int) -> int:
    """Write (slot, lots) of a level's orders to `at` until `volume` is served; return the address behind them.

    Only a level that holds more than `volume` is rationed: by shares where `pro_rata`, then first in, first out.
    """
    whole = level_leaves(h, lv) if pro_rata else 0
    begin = at
    left = volume
    minimum = get8(p + PRO_RATA_MINIMUM)
    rationed = pro_rata and whole > volume
    s = get4(lv + HEAD)
    while s and (left or rationed):
        o = order_at(h, s)
        lots = get8(o + DISPLAYED) + get8(o + RESERVE)
        if rationed:
            lots = share(lots, volume, whole)
            if lots < minimum:
                lots = 0
        else:
            lots = min(lots, left)
        put8(at, s)
        put8(at + 8, lots)
        at += 16
        left -= lots
        s = get4(o + NEXT)
    i = begin
    while rationed and left:
        o = order_at(h, get8(i))
        more = min(left, get8(o + DISPLAYED) + get8(o + RESERVE) - get8(i + 8))
        put8(i + 8, get8(i + 8) + more)
        left -= more
        i += 16
    return at


@helper
def served(begin: int, end: int) -> int:
    """Return the lots of a list of (slot, lots)."""
    lots = 0
    while begin < end:
        lots += get8(begin + 8)
        begin += 16
    return lots


@helper
def serve(h: int, p: int, side: int, volume: int, at: int) -> int:
    """Write (slot, lots) of the orders of a side that trade `volume`, in priority; return the address behind them."""
    pro_rata = get1(p + ALLOCATION) == PRO_RATA
    begin = at
    at = serve_level(h, p, p + SINGLE + (side << 4), volume, at, False)
    left = volume - served(begin, at)
    shown = best_of(p, side)
    hidden = best_of(p, 2 + side)
    while left:
        price = min(shown, hidden) if side else max(shown, hidden)
        for ladder in (side, 2 + side):
            if left and (shown if ladder == side else hidden) == price:
                begin = at
                lv = level_find(h, p, tick_of(p, ladder, price))
                at = serve_level(h, p, lv, left, at, pro_rata and ladder == side)
                left -= served(begin, at)
        if shown == price:
            shown = next_price(h, p, side, price) if side else prev_price(h, p, side, price)
        if hidden == price:
            hidden = next_price(h, p, 2 + side, price) if side else prev_price(h, p, 2 + side, price)
    return at


@helper
def take_lots(h: int, p: int, s: int, o: int, lots: int) -> None:
    """Take an auction's fill off an order's leaves, displayed lots first."""
    shown = min(lots, get8(o + DISPLAYED))
    put8(o + DISPLAYED, get8(o + DISPLAYED) - shown)
    put8(o + RESERVE, get8(o + RESERVE) - (lots - shown))
    lv = level_of(h, p, s, o, queue_of(get4(o + BITS)))
    put8(lv + LOTS, get8(lv + LOTS) - shown)
    put4(o + BITS, get4(o + BITS) | FILLED_BIT)


@helper
def after_fills(h: int, p: int, s: int) -> None:
    """See to an order after its last trade of the auction: gone, or replenished, or as it is."""
    o = order_at(h, s)
    if get8(o + DISPLAYED) == 0:
        if get8(o + RESERVE) == 0:
            unlink(h, p, s, o)
            gone(h, p, s, o)
        else:
            replenish(h, p, s, o, level_of(h, p, s, o, queue_of(get4(o + BITS))))


@helper
def pair_off(h: int, p: int, price: int, buys: int, buys_end: int, sells: int) -> None:
    """Trade the served buys with the served sells, side by side. Both lists hold the same lots."""
    while buys < buys_end:
        lots = min(get8(buys + 8), get8(sells + 8))
        if lots:
            m = get8(buys)
            t = get8(sells)
            mo = order_at(h, m)
            to = order_at(h, t)
            take_lots(h, p, m, mo, lots)
            take_lots(h, p, t, to, lots)
            mpo = position_at(h, get4(mo + POS))
            tpo = position_at(h, get4(to + POS))
            trade(h, p, t, to, tpo, m, mo, mpo, price, lots, F_AUCTION)
            put8(buys + 8, get8(buys + 8) - lots)
            put8(sells + 8, get8(sells + 8) - lots)
            if get8(buys + 8) == 0:
                after_fills(h, p, m)
            if get8(sells + 8) == 0:
                after_fills(h, p, t)
            if get8(buys + 8) == 0:
                buys += 16
            if get8(sells + 8) == 0:
                sells += 16
        elif get8(buys + 8) == 0:
            buys += 16
        else:
            sells += 16


@helper
def release_market(h: int, p: int, pair: int, queue: int, price: int) -> None:
    """Cancel what an auction left of orders without a price; a market-to-limit order that it filled takes its price."""
    at = get8(h + SCRATCH)
    end_at = list_queue(h, p, queue, at)
    while at < end_at:
        s = get8(at)
        at += 8
        o = order_at(h, s)
        bits = get4(o + BITS)
        if price and kind_of(bits) == MARKET_TO_LIMIT and bits & FILLED_BIT:
            side = bits & 1
            po = position_at(h, get4(o + POS))
            lots = get8(o + DISPLAYED)
            unlink(h, p, s, o)
            open_up(h, p, po, o, side, get4(o + PRICE), -lots)
            put4(o + PRICE, price)
            put4(o + BITS, get4(o + BITS) | PRICED_BIT)
            open_up(h, p, po, o, side, price, lots)
            rest(h, p, s, o, pair)
        else:
            end(h, s, CANCELLED, R_AUCTION, 0)


@helper
def release_session(h: int, p: int, kind: int, reason: int) -> None:
    """End the at-open and at-close orders that rest in BID to HIDDEN_ASK, in book order."""
    at = get8(h + SCRATCH)
    end_at = at
    for queue in range(4):
        end_at = list_queue(h, p, queue, end_at)
    while at < end_at:
        s = get8(at)
        at += 8
        if get4(order_at(h, s) + BITS) >> TIF_SHIFT & 7 >= AT_OPEN:
            end(h, s, kind, reason, 0)


@helper
def uncross(h: int, p: int, pair: int) -> None:
    """Run the auction: result, trades, what it leaves. Room for the events was made sure of."""
    price, volume, surplus = auction_price(h, p)
    emit(h, AUCTION_RESULT, 1 if surplus < 0 else 0, 0, F_AUCTION, pair, 0, 0, price, volume, abs(surplus), 0)
    if volume:
        buys = get8(h + SCRATCH)
        buys_end = serve(h, p, 0, volume, buys)
        serve(h, p, 1, volume, buys_end)
        pair_off(h, p, price, buys, buys_end, buys_end)
    release_market(h, p, pair, MARKET_BID, price)
    release_market(h, p, pair, MARKET_ASK, price)
    release_session(h, p, CANCELLED, R_AUCTION)
