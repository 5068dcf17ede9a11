"""Orders in and out of the pool, their queues and their account: what every rule is made of.

`s` is a slot, `o` the address of its order, `p` of a pair, `a` of an account, `po` of a position, `lv` of a level.
"""

from openoutcry.book.kernel.compiling import helper, inline
from openoutcry.book.kernel.emitting import CANCELLED, F_HIDDEN, F_MARKET, REPLENISHED, RESTING, emit
from openoutcry.book.kernel.index import entry_remove, key_hash
from openoutcry.book.kernel.ladders import (
    best_of,
    clear_bit,
    is_lowest_first,
    level_find,
    level_find_or_add,
    level_remove,
    next_price,
    prev_price,
    set_bit,
    tick_of,
)
from openoutcry.book.kernel.layout import (
    ACCOUNT_ID,
    ACCOUNTS,
    ALLOCATION,
    AVAILABLE,
    BACKED_BIT,
    BACKINGS,
    BASE_BACKING,
    BEST,
    BITS,
    CLIENT_ID,
    DISPLAYED,
    DRAWN,
    FREE,
    GENERATION,
    HEAD,
    HIGH,
    ID_INDEX,
    ID_MASK,
    KIND_SHIFT,
    LIVE,
    LIVE_BIT,
    LOTS,
    MORE,
    NEWER,
    NEWEST,
    NEXT,
    NO_CLIENT_ID_BIT,
    OLDER,
    OPEN_BUY,
    OPEN_LOTS,
    OPEN_ORDERS,
    ORDERS,
    ORIGINAL,
    PAIR_ID,
    PAIRS,
    PEAK,
    PHASE,
    POS,
    POSITIONS_AT,
    PREV,
    PRICE,
    PRICED_BIT,
    PRO_RATA_TOP,
    QUEUE_MASK,
    QUEUE_SHIFT,
    QUOTE_BACKING,
    RESERVE,
    SINGLE,
    TAIL,
    TOP,
    TRIGGER,
)
from openoutcry.book.kernel.memory import get1, get4, get8, put4, put8
from openoutcry.domain.order import OrderType
from openoutcry.domain.pair import Allocation, Phase

LIMIT = int(OrderType.LIMIT)
ICEBERG = int(OrderType.ICEBERG)
HIDDEN = int(OrderType.HIDDEN)
CONTINUOUS = int(Phase.CONTINUOUS)
PRICE_SIZE_TIME = int(Allocation.PRICE_SIZE_TIME)
PRO_RATA = int(Allocation.PRO_RATA)

# The numbers of `openoutcry.book.state.Queue`; NOWHERE is a taker's.
BID = 0
HIDDEN_BID = 2
MARKET_BID = 4
MARKET_ASK = 5
STOP_BUY = 6
STOP_SELL = 7
ELECTED = 8
PARKED = 9
NOWHERE = 15


@inline
def order_at(h: int, s: int) -> int:
    """Return the address of a slot's order."""
    return get8(h + ORDERS) + (s << 6)


@inline
def more_at(h: int, s: int) -> int:
    """Return the address of a slot's seldom used fields."""
    return get8(h + MORE) + (s << 5)


@inline
def pair_at(h: int, pair: int) -> int:
    """Return the address of a pair."""
    return get8(h + PAIRS) + (pair << 8)


@inline
def position_at(h: int, number: int) -> int:
    """Return the address of a position."""
    return get8(h + POSITIONS_AT) + (number << 6)


@inline
def account_at(h: int, account: int) -> int:
    """Return the address of an account."""
    return get8(h + ACCOUNTS) + (account << 6)


@inline
def queue_of(bits: int) -> int:
    """Return the queue of an order."""
    return bits >> QUEUE_SHIFT & 15


@inline
def kind_of(bits: int) -> int:
    """Return the order type of an order."""
    return bits >> KIND_SHIFT & 15


@inline
def handle_of(o: int, s: int) -> int:
    """Return the handle of an order."""
    return get4(o + GENERATION) << 32 | s


@inline
def own_price(o: int) -> int:
    """Return an order's own price, 0 when it has none."""
    return get4(o + PRICE) if get4(o + BITS) & PRICED_BIT else 0


@inline
def hidden_flag(bits: int) -> int:
    """Return the HIDDEN flag of an event about an order."""
    return F_HIDDEN if kind_of(bits) == HIDDEN else 0


@inline
def single_index(queue: int) -> int:
    """Return which of the pair's single levels a queue is, or -1 for a ladder's queue."""
    if queue == MARKET_BID or queue == MARKET_ASK:
        return queue - MARKET_BID
    if queue == ELECTED or queue == PARKED:
        return queue - ELECTED + 2
    return -1


@inline
def ladder_of(queue: int) -> int:
    """Return the ladder of a queue that is one."""
    return queue if queue < MARKET_BID else queue - 2


@inline
def ladder_price(h: int, s: int, o: int, queue: int) -> int:
    """Return the price by which a ladder sorts an order: its trigger in a stop queue, else its limit."""
    return get8(more_at(h, s) + TRIGGER) if queue >= STOP_BUY else get4(o + PRICE)


@inline
def append(h: int, lv: int, s: int, o: int) -> None:
    """Put an order at the back of a level."""
    tail = get4(lv + TAIL)
    put4(o + NEXT, 0)
    put4(o + PREV, tail)
    if tail:
        put4(order_at(h, tail) + NEXT, s)
    else:
        put4(lv + HEAD, s)
    put4(lv + TAIL, s)


@helper
def insert_ranked(h: int, lv: int, s: int, o: int) -> None:
    """Put an order behind the last one of its original quantity or more. Cost: O(smaller ones of the level)."""
    lots = get8(o + ORIGINAL)
    before = get4(lv + TAIL)
    while before and get8(order_at(h, before) + ORIGINAL) < lots:
        before = get4(order_at(h, before) + PREV)
    after = get4(order_at(h, before) + NEXT) if before else get4(lv + HEAD)
    put4(o + PREV, before)
    put4(o + NEXT, after)
    if before:
        put4(order_at(h, before) + NEXT, s)
    else:
        put4(lv + HEAD, s)
    if after:
        put4(order_at(h, after) + PREV, s)
    else:
        put4(lv + TAIL, s)


@inline
def link_on_ladder(h: int, p: int, s: int, o: int, queue: int, price: int) -> None:
    """Put an order into one of the six ladder queues and keep best price, bitmap and level lots."""
    ladder = ladder_of(queue)
    tick = tick_of(p, ladder, price)
    lv = level_find_or_add(h, p, tick)
    put4(o + BITS, get4(o + BITS) & ~QUEUE_MASK | queue << QUEUE_SHIFT)
    if get4(lv + HEAD) == 0:
        set_bit(h, tick)
        best = best_of(p, ladder)
        if is_lowest_first(ladder):
            if price < best:
                put8(p + BEST + (ladder << 3), price)
        elif price > best:
            put8(p + BEST + (ladder << 3), price)
    if get1(p + ALLOCATION) == PRICE_SIZE_TIME and queue < MARKET_BID:
        insert_ranked(h, lv, s, o)
    else:
        append(h, lv, s, o)
    put8(lv + LOTS, get8(lv + LOTS) + get8(o + DISPLAYED))


@helper
def link(h: int, p: int, s: int, o: int, queue: int) -> None:
    """Put an order at the back of a queue (where rank allows)."""
    single = single_index(queue)
    if single < 0:
        link_on_ladder(h, p, s, o, queue, ladder_price(h, s, o, queue))
        return
    lv = p + SINGLE + (single << 4)
    put4(o + BITS, get4(o + BITS) & ~QUEUE_MASK | queue << QUEUE_SHIFT)
    append(h, lv, s, o)
    put8(lv + LOTS, get8(lv + LOTS) + get8(o + DISPLAYED))


@inline
def cut(h: int, lv: int, o: int) -> bool:
    """Take an order out of the list of its level; tell whether the level is empty now."""
    following = get4(o + NEXT)
    previous = get4(o + PREV)
    if previous:
        put4(order_at(h, previous) + NEXT, following)
    else:
        put4(lv + HEAD, following)
    if following:
        put4(order_at(h, following) + PREV, previous)
    else:
        put4(lv + TAIL, previous)
    return (following | previous) == 0


@inline
def level_emptied(h: int, p: int, ladder: int, price: int) -> None:
    """Forget a level without orders and find the next best price when it was the best."""
    tick = tick_of(p, ladder, price)
    level_remove(h, p, tick)
    clear_bit(h, tick)
    if best_of(p, ladder) == price:
        if is_lowest_first(ladder):
            put8(p + BEST + (ladder << 3), next_price(h, p, ladder, price))
        else:
            put8(p + BEST + (ladder << 3), prev_price(h, p, ladder, price))


@inline
def level_of(h: int, p: int, s: int, o: int, queue: int) -> int:
    """Return the address of the level that an order waits in."""
    single = single_index(queue)
    if single >= 0:
        return p + SINGLE + (single << 4)
    return level_find(h, p, tick_of(p, ladder_of(queue), ladder_price(h, s, o, queue)))


@inline
def unlink(h: int, p: int, s: int, o: int) -> None:
    """Take an order out of its queue (a taker is in none)."""
    bits = get4(o + BITS)
    queue = queue_of(bits)
    if queue != NOWHERE:
        lv = level_of(h, p, s, o, queue)
        put8(lv + LOTS, get8(lv + LOTS) - get8(o + DISPLAYED))
        if cut(h, lv, o) and single_index(queue) < 0:
            level_emptied(h, p, ladder_of(queue), ladder_price(h, s, o, queue))
        put4(o + BITS, bits | NOWHERE << QUEUE_SHIFT)


@inline
def open_lots_at(po: int, side: int) -> int:
    """Return the address of a position's open lots on a side."""
    return po + OPEN_BUY + (side << 3)


@inline
def backing_at(h: int, po: int, side: int) -> int:
    """Return the address of the backing that a side draws from: buys the quote instrument, sells the base."""
    number = get4(po + BASE_BACKING) if side else get4(po + QUOTE_BACKING)
    return get8(h + BACKINGS) + (number << 5)


@inline
def draw(h: int, po: int, side: int, price: int, lots: int) -> None:
    """Move backing from available to drawn (a negative quantity gives it back)."""
    b = backing_at(h, po, side)
    amount = lots if side else lots * price
    put8(b + AVAILABLE, get8(b + AVAILABLE) - amount)
    put8(b + DRAWN, get8(b + DRAWN) + amount)


@inline
def open_up(h: int, p: int, po: int, o: int, side: int, price: int, lots: int) -> None:
    """Count lots as open: pair, position, and backing for an order that draws it. Negative lots close."""
    put8(p + OPEN_LOTS, get8(p + OPEN_LOTS) + lots)
    at = open_lots_at(po, side)
    put8(at, get8(at) + lots)
    if get4(o + BITS) & BACKED_BIT:
        draw(h, po, side, price, lots)


@inline
def enlist(h: int, po: int, s: int, o: int) -> None:
    """Make an order the newest of its account and pair."""
    newest = get4(po + NEWEST)
    put4(o + OLDER, newest)
    put4(o + NEWER, 0)
    if newest:
        put4(order_at(h, newest) + NEWER, s)
    put4(po + NEWEST, s)


@inline
def gone(h: int, p: int, s: int, o: int) -> None:
    """Free an order that is in no queue and whose lots are closed: account, client id, slot."""
    bits = get4(o + BITS)
    po = position_at(h, get4(o + POS))
    older = get4(o + OLDER)
    newer = get4(o + NEWER)
    if newer:
        put4(order_at(h, newer) + OLDER, older)
    else:
        put4(po + NEWEST, older)
    if older:
        put4(order_at(h, older) + NEWER, newer)
    account = get4(po + ACCOUNT_ID)
    a = account_at(h, account)
    put4(a + OPEN_ORDERS, get4(a + OPEN_ORDERS) - 1)
    if not bits & NO_CLIENT_ID_BIT:
        tag = key_hash(h, account, get8(o + CLIENT_ID))
        entry_remove(get8(h + ID_INDEX), get8(h + ID_MASK), tag, s)
    if get1(p + PRO_RATA_TOP):
        at = p + TOP + ((bits & 1) << 3)
        if get8(at) == handle_of(o, s):
            put8(at, 0)
    put4(o + BITS, bits & ~LIVE_BIT)
    put4(o + GENERATION, get4(o + GENERATION) + 1)
    put4(o + NEXT, get8(h + FREE))
    put8(h + FREE, s)
    put8(h + LIVE, get8(h + LIVE) - 1)


@inline
def take_slot(h: int) -> int:
    """Return the slot for a new order: the last one freed, else the lowest never used."""
    s = get8(h + FREE)
    if s:
        put8(h + FREE, get4(order_at(h, s) + NEXT))
    else:
        s = get8(h + HIGH) + 1
        put8(h + HIGH, s)
        put4(order_at(h, s) + GENERATION, 1)
    return s


@inline
def end_order(h: int, p: int, s: int, o: int, kind: int, reason: int, other: int) -> None:
    """End a live order wherever it is: event (CANCELLED or EXPIRED), queue, lots, slot."""
    bits = get4(o + BITS)
    side = bits & 1
    leaves = get8(o + DISPLAYED) + get8(o + RESERVE)
    po = position_at(h, get4(o + POS))
    pair = get4(po + PAIR_ID)
    emit(h, kind, side, reason, hidden_flag(bits), pair, handle_of(o, s), other, own_price(o), leaves, 0, 0)
    unlink(h, p, s, o)
    open_up(h, p, po, o, side, get4(o + PRICE), -leaves)
    gone(h, p, s, o)


@helper
def end(h: int, s: int, kind: int, reason: int, other: int) -> None:
    """`end_order` as a call of its own."""
    o = order_at(h, s)
    p = pair_at(h, get4(position_at(h, get4(o + POS)) + PAIR_ID))
    end_order(h, p, s, o, kind, reason, other)


@helper
def take_off(h: int, p: int, s: int, o: int, lots: int) -> None:
    """Close part of a live order (less than its leaves): the reserve first, then displayed lots. No event."""
    side = get4(o + BITS) & 1
    from_reserve = min(lots, get8(o + RESERVE))
    put8(o + RESERVE, get8(o + RESERVE) - from_reserve)
    from_displayed = lots - from_reserve
    if from_displayed:
        put8(o + DISPLAYED, get8(o + DISPLAYED) - from_displayed)
        queue = queue_of(get4(o + BITS))
        if queue != NOWHERE:
            lv = level_of(h, p, s, o, queue)
            put8(lv + LOTS, get8(lv + LOTS) - from_displayed)
    open_up(h, p, position_at(h, get4(o + POS)), o, side, get4(o + PRICE), -lots)


@helper
def cancel_part(h: int, s: int, lots: int, reason: int, other: int) -> None:
    """Take lots off a live order (all of them end it) and say so."""
    o = order_at(h, s)
    if lots >= get8(o + DISPLAYED) + get8(o + RESERVE):
        end(h, s, CANCELLED, reason, other)
        return
    po = position_at(h, get4(o + POS))
    take_off(h, pair_at(h, get4(po + PAIR_ID)), s, o, lots)
    bits = get4(o + BITS)
    displayed = get8(o + DISPLAYED)
    leaves = displayed + get8(o + RESERVE)
    flags = hidden_flag(bits)
    pair = get4(po + PAIR_ID)
    emit(h, CANCELLED, bits & 1, reason, flags, pair, handle_of(o, s), other, own_price(o), lots, leaves, displayed)


@inline
def show_peak(h: int, s: int, o: int) -> None:
    """Split what an order has left (all in `displayed`) into displayed lots and reserve."""
    if kind_of(get4(o + BITS)) == ICEBERG:
        leaves = get8(o + DISPLAYED)
        peak = get8(more_at(h, s) + PEAK)
        if leaves > peak:
            put8(o + DISPLAYED, peak)
            put8(o + RESERVE, leaves - peak)


@inline
def stands_before(h: int, p: int, o: int) -> int:
    """Return the handle of the next displayed order behind one that has just joined a level; 0 where there is none.

    Only where size ranks can anybody be behind it, and public market data must say where it stands. An iceberg that
    waits to be replenished is not displayed.
    """
    following = get4(o + NEXT) if get1(p + ALLOCATION) == PRICE_SIZE_TIME else 0
    while following and get8(order_at(h, following) + DISPLAYED) == 0:
        following = get4(order_at(h, following) + NEXT)
    return handle_of(order_at(h, following), following) if following else 0


@inline
def rest(h: int, p: int, s: int, o: int, pair: int) -> None:
    """Let an order with a place in the book (a price of its own, or an auction to wait for) join its queue."""
    bits = get4(o + BITS)
    side = bits & 1
    before = 0
    show_peak(h, s, o)
    if bits & PRICED_BIT:
        price = get4(o + PRICE)
        if kind_of(bits) == HIDDEN:
            link_on_ladder(h, p, s, o, HIDDEN_BID + side, price)
            flags = F_HIDDEN
        else:
            if get1(p + PRO_RATA_TOP) and get1(p + PHASE) == CONTINUOUS:
                best = best_of(p, side)
                if (price < best) if side else (price > best):
                    put8(p + TOP + (side << 3), handle_of(o, s))
            link_on_ladder(h, p, s, o, side, price)
            before = stands_before(h, p, o)
            flags = 0
    else:
        price = 0
        link(h, p, s, o, MARKET_BID + side)
        flags = F_MARKET
    displayed = get8(o + DISPLAYED)
    leaves = displayed + get8(o + RESERVE)
    emit(h, RESTING, side, 0, flags, pair, handle_of(o, s), before, price, displayed, leaves, displayed)


@helper
def move_back(h: int, p: int, s: int, o: int, lv: int) -> None:
    """Move an order to the back of its level, where rank allows; the level's lots stay."""
    if get4(lv + HEAD) != get4(lv + TAIL):
        cut(h, lv, o)
        if get1(p + ALLOCATION) == PRICE_SIZE_TIME:
            insert_ranked(h, lv, s, o)
        else:
            append(h, lv, s, o)


@helper
def replenish(h: int, p: int, s: int, o: int, lv: int) -> None:
    """Show the next peak of an iceberg with nothing displayed, at the back of its level."""
    reserve = get8(o + RESERVE)
    shown = min(get8(more_at(h, s) + PEAK), reserve)
    put8(o + DISPLAYED, shown)
    put8(o + RESERVE, reserve - shown)
    put8(lv + LOTS, get8(lv + LOTS) + shown)
    move_back(h, p, s, o, lv)
    bits = get4(o + BITS)
    pair = get4(position_at(h, get4(o + POS)) + PAIR_ID)
    before = stands_before(h, p, o)
    emit(h, REPLENISHED, bits & 1, 0, 0, pair, handle_of(o, s), before, get4(o + PRICE), shown, reserve, shown)
