"""A taker meets the book: one maker at a time, everything that must survive a pause in memory.

When the event buffer runs low in the middle of a sweep, `settle` returns NEED_EVENTS; `Books` enlarges the buffer and
enters again, and matching goes on with the taker that the header names. So a batch split by a pause, a growth or the
caller gives the same events.
"""

from openoutcry.book.kernel.allocating import broker_maker, displayed_first_maker, pay_owed, pro_rata
from openoutcry.book.kernel.compiling import helper
from openoutcry.book.kernel.dry_run import reachable
from openoutcry.book.kernel.emitting import (
    BAND_BREACHED,
    CANCELLED,
    F_CLOSING,
    PHASE_CHANGED,
    TRIGGERED,
    emit,
    is_short,
)
from openoutcry.book.kernel.ladders import best_of, level_find, tick_of
from openoutcry.book.kernel.layout import (
    ALLOCATION,
    ATOMIC,
    BAND_HIGH,
    BAND_LOW,
    BITS,
    CLOSING,
    DISPLAYED,
    DONE,
    EVENTS_PER_STEP,
    HEAD,
    ICEBERG_RULE,
    LADDER_STOP_BUY,
    LADDER_STOP_SELL,
    LAST,
    NEED_EVENTS,
    NEWEST,
    NEXT_TRIP,
    NO_LOW,
    OWED,
    PAIR_ID,
    PHASE,
    POS,
    PRICE,
    PRICED_BIT,
    SINGLE,
    STAGE,
    TAKER,
    TIF_SHIFT,
    TOP,
    TRIGGER,
    TRIP_FIRST,
    TRIP_LAST,
)
from openoutcry.book.kernel.meeting import meet
from openoutcry.book.kernel.memory import get1, get4, get8, put1, put4, put8
from openoutcry.book.kernel.orders import (
    CONTINUOUS,
    ELECTED,
    PRO_RATA,
    end,
    handle_of,
    kind_of,
    link,
    more_at,
    order_at,
    pair_at,
    position_at,
    rest,
    unlink,
)
from openoutcry.domain.order import OrderType, TimeInForce
from openoutcry.domain.pair import Allocation, IcebergRule, Phase
from openoutcry.domain.rejects import CancelReason

MARKET = int(OrderType.MARKET)
MARKET_TO_LIMIT = int(OrderType.MARKET_TO_LIMIT)
STOP = int(OrderType.STOP)
IOC = int(TimeInForce.IOC)
FOK = int(TimeInForce.FOK)
GTD = int(TimeInForce.GTD)
AUCTION = int(Phase.AUCTION)
BROKER_PRICE_TIME = int(Allocation.BROKER_PRICE_TIME)
DISPLAYED_FIRST = int(IcebergRule.DISPLAYED_FIRST)
R_IOC = int(CancelReason.IOC)
R_FOK = int(CancelReason.FOK)
R_MINIMUM = int(CancelReason.MINIMUM)
R_NO_LIQUIDITY = int(CancelReason.NO_LIQUIDITY)
R_PROTECTION = int(CancelReason.PROTECTION)
R_BAND = int(CancelReason.BAND)

STAGE_MATCH = 1
STAGE_REST = 2
STAGE_BAND = 3


@helper
def breach_band(h: int, p: int, s: int, o: int, price: int) -> None:
    """Refuse a trade outside the band: the pair goes to auction, the taker's rest is seen to after the trips."""
    po = position_at(h, get4(o + POS))
    pair = get4(po + PAIR_ID)
    side = get4(o + BITS) & 1
    emit(h, BAND_BREACHED, side, 0, 0, pair, 0, handle_of(o, s), price, get8(o + DISPLAYED), 0, 0)
    set_phase(h, p, pair, AUCTION, 0)
    put8(h + STAGE, STAGE_BAND)


@helper
def set_phase(h: int, p: int, pair: int, phase: int, closing: int) -> None:
    """Change the phase and say so; top orders belong to continuous trading."""
    if (get1(p + PHASE) == CONTINUOUS) != (phase == CONTINUOUS):
        put8(p + TOP, 0)
        put8(p + TOP + 8, 0)
    put1(p + PHASE, phase)
    put1(p + CLOSING, closing)
    emit(h, PHASE_CHANGED, 0, phase, F_CLOSING if closing else 0, pair, 0, 0, 0, 0, 0, 0)


@helper
def match(h: int) -> int:
    """Let the header's taker trade until it is done, blocked or out of reach. Returns DONE or NEED_EVENTS."""
    s = get8(h + TAKER)
    o = order_at(h, s)
    po = position_at(h, get4(o + POS))
    p = pair_at(h, get4(po + PAIR_ID))
    side = get4(o + BITS) & 1
    limit = get4(o + PRICE)
    allocation = get1(p + ALLOCATION)
    displayed_first = get1(p + ICEBERG_RULE) == DISPLAYED_FIRST
    shown = 1 - side
    hidden = 3 - side
    while True:
        if is_short(h, EVENTS_PER_STEP):
            return NEED_EVENTS
        price = best_of(p, shown)
        behind = best_of(p, hidden)
        ladder = shown
        if side:
            if behind > price:
                price = behind
                ladder = hidden
            if price < limit or price == NO_LOW:
                break
        else:
            if behind < price:
                price = behind
                ladder = hidden
            if price > limit:
                break
        maker = 0
        if allocation == BROKER_PRICE_TIME:
            maker = broker_maker(h, p, po, side, limit)
            if maker:
                price = get4(order_at(h, maker) + PRICE)
        high = get8(p + BAND_HIGH)
        if high and (price > high or price < get8(p + BAND_LOW)):
            breach_band(h, p, s, o, price)
            return DONE
        if maker == 0:
            lv = level_find(h, p, tick_of(p, ladder, price))
            if allocation == PRO_RATA and ladder == shown:
                if pro_rata(h, p, s, o, lv, price):
                    return NEED_EVENTS
                if get8(h + TAKER) == 0:
                    return DONE
                continue
            maker = displayed_first_maker(h, lv) if displayed_first else get4(lv + HEAD)
        if meet(h, p, s, o, po, maker, price):
            return DONE
    put8(h + STAGE, STAGE_REST)
    return DONE


@helper
def cancel_trips(h: int) -> int:
    """Cancel all orders of the positions that tripped, newest first. Returns DONE or NEED_EVENTS."""
    while get8(h + TRIP_FIRST):
        po = position_at(h, get8(h + TRIP_FIRST))
        while get4(po + NEWEST):
            s = get4(po + NEWEST)
            if is_short(h, EVENTS_PER_STEP):
                return NEED_EVENTS
            if s == get8(h + TAKER):
                put8(h + TAKER, 0)
                put8(h + STAGE, 0)
            end(h, s, CANCELLED, R_PROTECTION, 0)
        following = get4(po + NEXT_TRIP)
        put4(po + NEXT_TRIP, 0)
        put8(h + TRIP_FIRST, following)
        if following == 0:
            put8(h + TRIP_LAST, 0)
    return DONE


@helper
def finish_taker(h: int) -> None:
    """Let what is left of the taker rest, or cancel it."""
    s = get8(h + TAKER)
    stage = get8(h + STAGE)
    put8(h + TAKER, 0)
    put8(h + STAGE, 0)
    o = order_at(h, s)
    bits = get4(o + BITS)
    kind = kind_of(bits)
    tif = bits >> TIF_SHIFT & 7
    pair = get4(position_at(h, get4(o + POS)) + PAIR_ID)
    if stage == STAGE_BAND:
        if tif > GTD or kind == MARKET or kind == STOP:
            end(h, s, CANCELLED, R_BAND, 0)
            return
    elif tif == IOC or tif == FOK:
        end(h, s, CANCELLED, R_IOC, 0)
        return
    elif kind == MARKET or kind == STOP:
        end(h, s, CANCELLED, R_NO_LIQUIDITY, 0)
        return
    rest(h, pair_at(h, pair), s, o, pair)


@helper
def start_taker(h: int, s: int, minimum: int) -> None:
    """Make an accepted, triggered or replaced order the taker, after its dry run when it needs one."""
    o = order_at(h, s)
    bits = get4(o + BITS)
    tif = bits >> TIF_SHIFT & 7
    if kind_of(bits) == MARKET_TO_LIMIT and not bits & PRICED_BIT:
        end(h, s, CANCELLED, R_NO_LIQUIDITY, 0)
        return
    if tif == FOK:
        if not reachable(h, s, get8(o + DISPLAYED)):
            end(h, s, CANCELLED, R_FOK, 0)
            return
    elif minimum:
        if not reachable(h, s, minimum):
            end(h, s, CANCELLED, R_MINIMUM, 0)
            return
    put8(h + TAKER, s)
    put8(h + STAGE, STAGE_MATCH)
    put8(h + ATOMIC, tif == FOK or minimum > 0)


@helper
def elect(h: int, p: int) -> None:
    """Move every stop that the last price reaches to the elected list: buys by rising, sells by falling trigger."""
    last = get8(p + LAST)
    while best_of(p, LADDER_STOP_BUY) <= last:
        lv = level_find(h, p, tick_of(p, LADDER_STOP_BUY, best_of(p, LADDER_STOP_BUY)))
        s = get4(lv + HEAD)
        o = order_at(h, s)
        unlink(h, p, s, o)
        link(h, p, s, o, ELECTED)
    while best_of(p, LADDER_STOP_SELL) >= last:
        lv = level_find(h, p, tick_of(p, LADDER_STOP_SELL, best_of(p, LADDER_STOP_SELL)))
        s = get4(lv + HEAD)
        o = order_at(h, s)
        unlink(h, p, s, o)
        link(h, p, s, o, ELECTED)


@helper
def settle(h: int, p: int) -> int:
    """Finish what a command began in a pair: taker, peaks owed, trips, rest, stops. Returns DONE or NEED_EVENTS."""
    while True:
        if get8(h + TAKER) and get8(h + STAGE) == STAGE_MATCH:
            if match(h) == NEED_EVENTS:
                return NEED_EVENTS
        if get8(h + OWED):
            if pay_owed(h, p) == NEED_EVENTS:
                return NEED_EVENTS
        if get8(h + TRIP_FIRST):
            if cancel_trips(h) == NEED_EVENTS:
                return NEED_EVENTS
        if is_short(h, EVENTS_PER_STEP):
            return NEED_EVENTS
        if get8(h + TAKER):
            finish_taker(h)
        last = get8(p + LAST)
        if get1(p + PHASE) != CONTINUOUS or last == 0:
            return DONE
        elect(h, p)
        s = get4(p + SINGLE + ((ELECTED - 6) << 4) + HEAD)
        if s == 0:
            return DONE
        o = order_at(h, s)
        unlink(h, p, s, o)
        bits = get4(o + BITS)
        lots = get8(o + DISPLAYED)
        pair = get4(position_at(h, get4(o + POS)) + PAIR_ID)
        trigger = get8(more_at(h, s) + TRIGGER)
        emit(h, TRIGGERED, bits & 1, 0, 0, pair, handle_of(o, s), 0, trigger, lots, lots, 0)
        start_taker(h, s, 0)
