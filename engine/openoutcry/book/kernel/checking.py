"""What a command must satisfy, in the order of the reject codes. See docs/reference/rules.md, section 2."""

from openoutcry.book.kernel.compiling import helper, inline
from openoutcry.book.kernel.index import backing_find, id_find
from openoutcry.book.kernel.ladders import best_of
from openoutcry.book.kernel.layout import (
    ACCOUNT_COUNT,
    ACCOUNT_FLAGS,
    ACCOUNT_ID,
    ACCOUNT_NOTIONAL_MAX,
    ACCOUNT_OPEN,
    AVAILABLE,
    BACKINGS,
    BASE,
    BASE_BACKING,
    BITS,
    C_CLIENT_ID,
    C_DISPLAY,
    C_EXPIRY,
    C_PRICE,
    C_QTY,
    C_TRIGGER,
    CLOCK,
    CLOSING,
    COLLAR,
    GENERATION,
    HIGH,
    KNOWN,
    LAST,
    LIVE_BIT,
    M32,
    NET,
    OPEN_BUY,
    OPEN_ORDERS,
    OPEN_ORDERS_MAX,
    OPEN_SELL,
    ORDER_LOTS_MAX,
    PAIR_COUNT,
    PAIR_ID,
    PHASE,
    POS,
    POSITION_MAX,
    PRICE_MAX,
    PRICE_MIN,
    QTY_MAX,
    QUOTE,
    QUOTE_BACKING,
    REFERENCE,
    TRIPPED,
)
from openoutcry.book.kernel.memory import get1, get4, get8, put4, shift_right
from openoutcry.book.kernel.orders import account_at, order_at, pair_at, position_at
from openoutcry.domain.limits import ICEBERG_PEAKS_MAX, TIME_NS_MAX
from openoutcry.domain.order import CommandFlag, OrderType, TimeInForce
from openoutcry.domain.pair import Phase
from openoutcry.domain.rejects import RejectCode

NO_TIME_MAX = TIME_NS_MAX
PEAKS_MAX = ICEBERG_PEAKS_MAX
BY_HANDLE = int(CommandFlag.BY_HANDLE)
REDUCE_ONLY = int(CommandFlag.REDUCE_ONLY)
LIMIT = int(OrderType.LIMIT)
MARKET = int(OrderType.MARKET)
MARKET_TO_LIMIT = int(OrderType.MARKET_TO_LIMIT)
STOP = int(OrderType.STOP)
STOP_LIMIT = int(OrderType.STOP_LIMIT)
ICEBERG = int(OrderType.ICEBERG)
POST_ONLY = int(OrderType.POST_ONLY)
POST_ONLY_SLIDE = int(OrderType.POST_ONLY_SLIDE)
HIDDEN = int(OrderType.HIDDEN)
DAY = int(TimeInForce.DAY)
GTD = int(TimeInForce.GTD)
IOC = int(TimeInForce.IOC)
FOK = int(TimeInForce.FOK)
AT_OPEN = int(TimeInForce.AT_OPEN)
AT_CLOSE = int(TimeInForce.AT_CLOSE)
PRE_OPEN = int(Phase.PRE_OPEN)
AUCTION = int(Phase.AUCTION)
CONTINUOUS = int(Phase.CONTINUOUS)

UNKNOWN_OP = int(RejectCode.UNKNOWN_OP)
UNKNOWN_PAIR = int(RejectCode.UNKNOWN_PAIR)
UNKNOWN_ACCOUNT = int(RejectCode.UNKNOWN_ACCOUNT)
INVALID_SIDE = int(RejectCode.INVALID_SIDE)
INVALID_KIND = int(RejectCode.INVALID_KIND)
INVALID_TIF = int(RejectCode.INVALID_TIF)
INVALID_STP = int(RejectCode.INVALID_STP)
INVALID_FLAGS = int(RejectCode.INVALID_FLAGS)
INVALID_COMBINATION = int(RejectCode.INVALID_COMBINATION)
QUANTITY_OUT_OF_RANGE = int(RejectCode.QUANTITY_OUT_OF_RANGE)
PRICE_OUT_OF_RANGE = int(RejectCode.PRICE_OUT_OF_RANGE)
DISPLAY_OUT_OF_RANGE = int(RejectCode.DISPLAY_OUT_OF_RANGE)
TRIGGER_OUT_OF_RANGE = int(RejectCode.TRIGGER_OUT_OF_RANGE)
EXPIRY_OUT_OF_RANGE = int(RejectCode.EXPIRY_OUT_OF_RANGE)
PHASE_FORBIDS = int(RejectCode.PHASE_FORBIDS)
UNKNOWN_ORDER = int(RejectCode.UNKNOWN_ORDER)
PROTECTED = int(RejectCode.PROTECTED)
OPEN_ORDERS_LIMIT = int(RejectCode.OPEN_ORDERS_LIMIT)
ORDER_SIZE_LIMIT = int(RejectCode.ORDER_SIZE_LIMIT)
NOTIONAL_LIMIT = int(RejectCode.NOTIONAL_LIMIT)
COLLAR_LIMIT = int(RejectCode.COLLAR_LIMIT)
POSITION_LIMIT = int(RejectCode.POSITION_LIMIT)
WOULD_INCREASE = int(RejectCode.WOULD_INCREASE)
BACKING_LIMIT = int(RejectCode.BACKING_LIMIT)

# Times in force that an order type goes with: seven bits each, lowest type first.
_ANY = 0b1111111
_WAITS = 0b1100111
_STOPS = 0b0011111
_MAKES = 0b0000111
TIFS_OF_KIND = sum(
    mask << 7 * kind for kind, mask in enumerate((_ANY, _ANY, _ANY, _STOPS, _STOPS, _WAITS, _MAKES, _MAKES, _WAITS))
)


@inline
def is_pair(h: int, pair: int) -> bool:
    """Tell whether a pair was added and not retired."""
    return pair < get8(h + PAIR_COUNT) and get1(pair_at(h, pair) + KNOWN) == 1


@inline
def is_account(h: int, account: int) -> bool:
    """Tell whether an account is open."""
    return account < get8(h + ACCOUNT_COUNT) and get4(account_at(h, account) + ACCOUNT_FLAGS) & ACCOUNT_OPEN != 0


@inline
def in_range(p: int, price: int) -> bool:
    """Tell whether a price is within the pair's range."""
    return get8(p + PRICE_MIN) <= price <= get8(p + PRICE_MAX)


@helper
def examine_place(h: int, c: int, pair: int, account: int) -> int:
    """Return the reject code of a PLACE that does not depend on what its account may, or 0."""
    if not is_pair(h, pair):
        return UNKNOWN_PAIR
    if not is_account(h, account):
        return UNKNOWN_ACCOUNT
    p = pair_at(h, pair)
    kind = get1(c + 2)
    tif = get1(c + 3)
    flags = get1(c + 5)
    if get1(c + 1) > 1:
        return INVALID_SIDE
    if kind > HIDDEN:
        return INVALID_KIND
    if tif > AT_CLOSE:
        return INVALID_TIF
    if get1(c + 4) > 4:
        return INVALID_STP
    if flags & ~(BY_HANDLE | REDUCE_ONLY):
        return INVALID_FLAGS
    if TIFS_OF_KIND >> (7 * kind + tif) & 1 == 0 or (flags & REDUCE_ONLY and tif >= AT_OPEN):
        return INVALID_COMBINATION
    lots = get8(c + C_QTY)
    if not 1 <= lots <= get8(p + QTY_MAX):
        return QUANTITY_OUT_OF_RANGE
    price = get8(c + C_PRICE)
    if not in_range(p, price):
        if price != 0 or (kind != MARKET and kind != MARKET_TO_LIMIT and kind != STOP):
            return PRICE_OUT_OF_RANGE
    elif kind == MARKET_TO_LIMIT:
        return PRICE_OUT_OF_RANGE
    display = get8(c + C_DISPLAY)
    is_stop = kind == STOP or kind == STOP_LIMIT
    if kind == ICEBERG:
        if not 1 <= display <= lots or (lots - 1) // display >= PEAKS_MAX:
            return DISPLAY_OUT_OF_RANGE
    elif display != 0:
        if not 0 <= display <= lots or is_stop or kind == POST_ONLY or kind == POST_ONLY_SLIDE or tif >= FOK:
            return DISPLAY_OUT_OF_RANGE
    trigger = get8(c + C_TRIGGER)
    if not in_range(p, trigger) if is_stop else trigger != 0:
        return TRIGGER_OUT_OF_RANGE
    expiry = get8(c + C_EXPIRY)
    if not get8(h + CLOCK) < expiry <= NO_TIME_MAX if tif == GTD else expiry != 0:
        return EXPIRY_OUT_OF_RANGE
    phase = get1(p + PHASE)
    if phase == CONTINUOUS:
        return PHASE_FORBIDS if tif == AT_OPEN else 0
    if phase != PRE_OPEN and phase != AUCTION:
        return PHASE_FORBIDS
    if tif == IOC or tif == FOK or (display != 0 and kind != ICEBERG):
        return PHASE_FORBIDS
    closing = get1(p + CLOSING)
    if (tif == AT_OPEN and closing) or (tif == AT_CLOSE and not closing):
        return PHASE_FORBIDS
    return 0


@inline
def best_opposite(p: int, side: int) -> int:
    """Return the best price that a side could trade at, displayed or hidden, or a sentinel that nothing reaches."""
    return max(best_of(p, 0), best_of(p, 2)) if side else min(best_of(p, 1), best_of(p, 3))


@inline
def crosses(p: int, side: int, limit: int) -> bool:
    """Tell whether an order with this limit would trade."""
    best = best_opposite(p, side)
    return best >= limit if side else best <= limit


@inline
def end_of_range(p: int, side: int) -> int:
    """Return the limit of an order without a price."""
    return get8(p + PRICE_MIN) if side else get8(p + PRICE_MAX)


@helper
def backing_number(h: int, p: int, po: int, side: int) -> int:
    """Return the number of the backing that a side of a position draws from, 0 when nothing was ever credited."""
    at = po + BASE_BACKING if side else po + QUOTE_BACKING
    number = get4(at)
    if number == 0:
        number = backing_find(h, get4(po + ACCOUNT_ID), get4(p + BASE) if side else get4(p + QUOTE))
        put4(at, number)
    return number


@inline
def covers(h: int, p: int, po: int, side: int, amount: int) -> bool:
    """Tell whether available backing covers an amount."""
    number = get4(po + BASE_BACKING) if side else get4(po + QUOTE_BACKING)
    if number == 0:
        number = backing_number(h, p, po, side)
    return number != 0 and get8(get8(h + BACKINGS) + (number << 5) + AVAILABLE) >= amount


@inline
def account_code(
    h: int,
    p: int,
    a: int,
    po: int,
    side: int,
    limit: int,
    lots: int,
    priced: int,
    reduce_only: int,
    backed: int,
    replaced: int,
    own_lots: int,
    own_drawn: int,
) -> int:
    """Return the reject code of the account checks, or 0.

    replaced: the order replaces one that is live, whose open lots and drawn backing count as returned.
    """
    if get4(po + TRIPPED):
        return PROTECTED
    position = -get8(po + NET) if side else get8(po + NET)
    open_same = (get8(po + OPEN_SELL) if side else get8(po + OPEN_BUY)) - own_lots
    if not reduce_only:
        if not replaced and get4(a + OPEN_ORDERS) >= get4(a + OPEN_ORDERS_MAX):
            return OPEN_ORDERS_LIMIT
        if lots > get8(a + ORDER_LOTS_MAX):
            return ORDER_SIZE_LIMIT
        if limit * lots > get8(a + ACCOUNT_NOTIONAL_MAX):
            return NOTIONAL_LIMIT
    collar = get8(a + COLLAR)
    if collar and priced:
        around = get8(p + LAST)
        if around == 0:
            around = get8(p + REFERENCE)
        if around and abs(limit - around) > collar:
            return COLLAR_LIMIT
    if reduce_only:
        if lots > -position - open_same:
            return WOULD_INCREASE
    elif position + open_same + lots > get8(a + POSITION_MAX):
        return POSITION_LIMIT
    if backed:
        amount = lots if side else limit * lots
        if not covers(h, p, po, side, amount - own_drawn):
            return BACKING_LIMIT
    return 0


@inline
def find_order(h: int, c: int, pair: int, account: int, flags: int) -> int:
    """Return the slot of the live order that a command names, or 0; it must be of this account and pair."""
    number = get8(c + C_CLIENT_ID)
    if flags & BY_HANDLE:
        s = number & M32
        if s == 0 or s > get8(h + HIGH):
            return 0
        o = order_at(h, s)
        if not get4(o + BITS) & LIVE_BIT or get4(o + GENERATION) != shift_right(number, 32):
            return 0
        po = position_at(h, get4(o + POS))
        return s if get4(po + ACCOUNT_ID) == account and get4(po + PAIR_ID) == pair else 0
    s = id_find(h, account, number)
    if s and get4(position_at(h, get4(order_at(h, s) + POS)) + PAIR_ID) != pair:
        return 0
    return s
