"""One taker meets one maker: protection, self-trade prevention, the trade and all that it changes."""

from openoutcry.book.kernel.compiling import helper, inline
from openoutcry.book.kernel.emitting import CANCELLED, TRADED, emit
from openoutcry.book.kernel.layout import (
    ACCOUNT_ID,
    ACCOUNTS_MORE,
    ATOMIC,
    AVAILABLE,
    BACKED_BIT,
    BITS,
    CLOCK,
    DISPLAYED,
    DRAWN,
    GROUP,
    ICEBERG_RULE,
    LAST,
    LOTS,
    NET,
    NEXT_TRIP,
    OPEN_LOTS,
    OWED,
    PAIR_ID,
    POS,
    POSITIONS_MORE,
    PRICE,
    PROTECT_DELTA,
    PROTECT_FILLS,
    PROTECT_INTERVAL,
    PROTECT_LOTS,
    RESERVE,
    SPENT,
    STAGE,
    STP_SHIFT,
    TAKER,
    TRIP_FIRST,
    TRIP_LAST,
    TRIPPED,
    WINDOW_BEGIN,
    WINDOW_FILLS,
    WINDOW_LOTS,
    WINDOW_NET,
)
from openoutcry.book.kernel.memory import get1, get4, get8, put4, put8
from openoutcry.book.kernel.orders import (
    account_at,
    backing_at,
    cancel_part,
    end,
    gone,
    handle_of,
    hidden_flag,
    level_of,
    open_lots_at,
    order_at,
    position_at,
    queue_of,
    replenish,
    unlink,
)
from openoutcry.domain.limits import OPEN_LOTS_MAX
from openoutcry.domain.order import SelfTrade
from openoutcry.domain.pair import IcebergRule
from openoutcry.domain.rejects import CancelReason

CANCEL_NEWEST = int(SelfTrade.CANCEL_NEWEST)
CANCEL_OLDEST = int(SelfTrade.CANCEL_OLDEST)
CANCEL_BOTH = int(SelfTrade.CANCEL_BOTH)
R_SELF_TRADE = int(CancelReason.SELF_TRADE)
R_PROTECTION = int(CancelReason.PROTECTION)
LOTS_MAX = OPEN_LOTS_MAX
DISPLAYED_FIRST = int(IcebergRule.DISPLAYED_FIRST)


@inline
def take_taker_off(h: int) -> None:
    """The taker has ended: nothing of it is left to match or to rest."""
    put8(h + TAKER, 0)
    put8(h + STAGE, 0)


@inline
def spend(h: int, po: int, o: int, side: int, price: int, lots: int) -> None:
    """Turn drawn backing of a fill into spent; what a buy saved against its limit becomes available again."""
    if get4(o + BITS) & BACKED_BIT:
        b = backing_at(h, po, side)
        if side:
            put8(b + DRAWN, get8(b + DRAWN) - lots)
            put8(b + SPENT, get8(b + SPENT) + lots)
        else:
            limit = get4(o + PRICE)
            put8(b + DRAWN, get8(b + DRAWN) - limit * lots)
            put8(b + SPENT, get8(b + SPENT) + price * lots)
            put8(b + AVAILABLE, get8(b + AVAILABLE) + (limit - price) * lots)


@inline
def book_fill(po: int, side: int, lots: int) -> None:
    """Move filled lots from a position's open side to its net."""
    at = open_lots_at(po, side)
    put8(at, get8(at) - lots)
    put8(po + NET, get8(po + NET) + (-lots if side else lots))


@helper
def count_fill(h: int, number: int, po: int, a: int, side: int, lots: int) -> None:
    """Count a fill for market-maker protection and trip the position when a limit is reached."""
    m = get8(h + POSITIONS_MORE) + (number << 5)
    now = get8(h + CLOCK)
    if get8(m + WINDOW_FILLS) == 0 or now - get8(m + WINDOW_BEGIN) >= get8(a + PROTECT_INTERVAL):
        put8(m + WINDOW_BEGIN, now)
        put8(m + WINDOW_LOTS, 0)
        put8(m + WINDOW_NET, 0)
        put8(m + WINDOW_FILLS, 0)
    # 128 fills of the largest quantity would wrap: both sums stop at 2^62 - 1
    traded = min(get8(m + WINDOW_LOTS) + lots, LOTS_MAX)
    net = min(max(get8(m + WINDOW_NET) + (-lots if side else lots), -LOTS_MAX), LOTS_MAX)
    fills = get8(m + WINDOW_FILLS) + 1
    put8(m + WINDOW_LOTS, traded)
    put8(m + WINDOW_NET, net)
    put8(m + WINDOW_FILLS, fills)
    if get4(po + TRIPPED):
        return
    am = get8(h + ACCOUNTS_MORE) + (get4(po + ACCOUNT_ID) << 5)
    lots_max = get8(am + PROTECT_LOTS)
    delta_max = get8(am + PROTECT_DELTA)
    fills_max = get8(am + PROTECT_FILLS)
    if (lots_max and traded >= lots_max) or (delta_max and abs(net) >= delta_max) or (fills_max and fills >= fills_max):
        put4(po + TRIPPED, 1)
        if get8(h + TRIP_LAST):
            put4(position_at(h, get8(h + TRIP_LAST)) + NEXT_TRIP, number)
        else:
            put8(h + TRIP_FIRST, number)
        put8(h + TRIP_LAST, number)


@inline
def watch(h: int, o: int, po: int, side: int, lots: int) -> None:
    """Count a fill if the account is protected."""
    a = account_at(h, get4(po + ACCOUNT_ID))
    if get8(a + PROTECT_INTERVAL):
        count_fill(h, get4(o + POS), po, a, side, lots)


@inline
def trade(
    h: int, p: int, t: int, to: int, tpo: int, m: int, mo: int, mpo: int, price: int, lots: int, flags: int
) -> None:
    """Make one trade; the maker's and the taker's own leaves were taken down by the caller."""
    side = get4(to + BITS) & 1
    put8(p + LAST, price)
    put8(p + OPEN_LOTS, get8(p + OPEN_LOTS) - 2 * lots)
    book_fill(mpo, 1 - side, lots)
    book_fill(tpo, side, lots)
    spend(h, mpo, mo, 1 - side, price, lots)
    spend(h, tpo, to, side, price, lots)
    maker_leaves = get8(mo + DISPLAYED) + get8(mo + RESERVE)
    taker_leaves = get8(to + DISPLAYED) + get8(to + RESERVE)
    flags |= hidden_flag(get4(mo + BITS))
    pair = get4(tpo + PAIR_ID)
    emit(h, TRADED, side, 0, flags, pair, handle_of(mo, m), handle_of(to, t), price, lots, maker_leaves, taker_leaves)
    watch(h, mo, mpo, 1 - side, lots)
    watch(h, to, tpo, side, lots)


@inline
def same_group(h: int, tpo: int, mpo: int) -> bool:
    """Tell whether two positions belong to one account group."""
    group = get4(account_at(h, get4(tpo + ACCOUNT_ID)) + GROUP)
    return group != 0 and group == get4(account_at(h, get4(mpo + ACCOUNT_ID)) + GROUP)


@helper
def prevent(h: int, t: int, m: int, stp: int) -> int:
    """Apply self-trade prevention to a taker and a maker of one group. Returns whether the taker has ended."""
    to = order_at(h, t)
    mo = order_at(h, m)
    taker = handle_of(to, t)
    maker = handle_of(mo, m)
    if stp == CANCEL_NEWEST:
        end(h, t, CANCELLED, R_SELF_TRADE, maker)
        take_taker_off(h)
        return True
    if stp == CANCEL_OLDEST:
        end(h, m, CANCELLED, R_SELF_TRADE, taker)
        return False
    if stp == CANCEL_BOTH:
        end(h, m, CANCELLED, R_SELF_TRADE, taker)
        end(h, t, CANCELLED, R_SELF_TRADE, maker)
        take_taker_off(h)
        return True
    lots = min(get8(to + DISPLAYED), get8(mo + DISPLAYED) + get8(mo + RESERVE))
    ends = lots == get8(to + DISPLAYED)
    cancel_part(h, m, lots, R_SELF_TRADE, taker)
    cancel_part(h, t, lots, R_SELF_TRADE, maker)
    if ends:
        take_taker_off(h)
    return ends


@helper
def avoid(h: int, t: int, tpo: int, m: int, mpo: int) -> int:
    """See to a maker that must not trade with the taker. Returns 0: may trade, 1: seen to, 2: the taker has ended."""
    if get4(mpo + TRIPPED) and not get8(h + ATOMIC):
        end(h, m, CANCELLED, R_PROTECTION, 0)
        return 1
    stp = get4(order_at(h, t) + BITS) >> STP_SHIFT & 7
    if stp and same_group(h, tpo, mpo):
        return 2 if prevent(h, t, m, stp) else 1
    return 0


@helper
def fill(h: int, p: int, t: int, to: int, tpo: int, m: int, mo: int, mpo: int, price: int, lots: int) -> bool:
    """Trade lots of the maker's displayed quantity, or of its reserve when nothing is displayed.

    Returns whether the taker has ended (filled, or its protection tripped).
    """
    put8(to + DISPLAYED, get8(to + DISPLAYED) - lots)
    displayed = get8(mo + DISPLAYED)
    queue = queue_of(get4(mo + BITS))
    if displayed:
        left = displayed - lots
        put8(mo + DISPLAYED, left)
        reserve = get8(mo + RESERVE)
        trade(h, p, t, to, tpo, m, mo, mpo, price, lots, 0)
        lv = level_of(h, p, m, mo, queue)
        put8(lv + LOTS, get8(lv + LOTS) - lots)
        if left == 0:
            if reserve == 0:
                unlink(h, p, m, mo)
                gone(h, p, m, mo)
            elif get1(p + ICEBERG_RULE) == DISPLAYED_FIRST:
                put8(h + OWED, get4(mo + PRICE) << 1 | (get4(mo + BITS) & 1))
            else:
                replenish(h, p, m, mo, lv)
    else:
        put8(mo + RESERVE, get8(mo + RESERVE) - lots)
        trade(h, p, t, to, tpo, m, mo, mpo, price, lots, 0)
        if get8(mo + RESERVE) == 0:
            unlink(h, p, m, mo)
            gone(h, p, m, mo)
    if get8(to + DISPLAYED) == 0:
        gone(h, p, t, to)
        take_taker_off(h)
        return True
    if get4(tpo + TRIPPED) and not get8(h + ATOMIC):
        end(h, t, CANCELLED, R_PROTECTION, 0)
        take_taker_off(h)
        return True
    return False


@helper
def meet(h: int, p: int, t: int, to: int, tpo: int, m: int, price: int) -> bool:
    """Let the taker meet a maker at its price. Returns whether the taker has ended."""
    mo = order_at(h, m)
    mpo = position_at(h, get4(mo + POS))
    seen = avoid(h, t, tpo, m, mpo)
    if seen:
        return seen == 2
    offered = get8(mo + DISPLAYED)
    if offered == 0:
        offered = get8(mo + RESERVE)
    return fill(h, p, t, to, tpo, m, mo, mpo, price, min(get8(to + DISPLAYED), offered))
