"""The operator's commands, one at a time: phases, auctions, limits, backing, the clock."""

from openoutcry.book.kernel.adjusting import adjust
from openoutcry.book.kernel.checking import (
    CONTINUOUS,
    EXPIRY_OUT_OF_RANGE,
    INVALID_FLAGS,
    INVALID_KIND,
    PHASE_FORBIDS,
    PRE_OPEN,
    PRICE_OUT_OF_RANGE,
    QUANTITY_OUT_OF_RANGE,
    UNKNOWN_ACCOUNT,
    UNKNOWN_PAIR,
    is_account,
    is_pair,
)
from openoutcry.book.kernel.compiling import entry, helper
from openoutcry.book.kernel.emitting import ACCEPTED, CANCELLED, EXPIRED, emit, is_short, reject
from openoutcry.book.kernel.expiring import next_expired
from openoutcry.book.kernel.index import backing_add, backing_find, position_find
from openoutcry.book.kernel.ladders import best_of
from openoutcry.book.kernel.layout import (
    ACCOUNT_BACKED,
    ACCOUNT_CAPACITY,
    ACCOUNT_COUNT,
    ACCOUNT_FLAGS,
    ACCOUNT_NOTIONAL_MAX,
    ACCOUNT_OPEN,
    ACCOUNTS_MORE,
    AVAILABLE,
    BACKING_COUNT,
    BACKING_MASK,
    BACKINGS,
    BAND_HIGH,
    BAND_LOW,
    BITS,
    BROKER,
    C_CLIENT_ID,
    C_DISPLAY,
    C_EXPIRY,
    C_PRICE,
    C_QTY,
    C_TRIGGER,
    CLOCK,
    COLLAR,
    COMMAND_AT,
    DONE,
    DRAWN,
    EVENTS_PER_STEP,
    GROUP,
    KNOWN,
    LIVE,
    M32,
    NEED_EVENTS,
    NEWEST,
    OP_STAGE,
    OPEN_ORDERS_MAX,
    ORDER_LOTS_MAX,
    PAIR_COUNT,
    PHASE,
    POSITION_MAX,
    POSITIONS_MORE,
    PROTECT_DELTA,
    PROTECT_FILLS,
    PROTECT_INTERVAL,
    PROTECT_LOTS,
    REFERENCE,
    RESUME,
    SCRATCH,
    SEQUENCE,
    SESSION,
    SPENT,
    TIF_SHIFT,
    TRIPPED,
    WINDOW_BEGIN,
    WINDOW_FILLS,
    WINDOW_LOTS,
    WINDOW_NET,
)
from openoutcry.book.kernel.matching import set_phase, settle
from openoutcry.book.kernel.memory import get1, get4, get8, put1, put4, put8
from openoutcry.book.kernel.orders import (
    MARKET_ASK,
    MARKET_BID,
    PARKED,
    account_at,
    end,
    order_at,
    pair_at,
    position_at,
    queue_of,
    rest,
    unlink,
)
from openoutcry.book.kernel.uncrossing import R_AUCTION, auction_price, release_market, release_session, uncross
from openoutcry.book.kernel.walking import list_orders, list_queue
from openoutcry.domain.limits import (
    ACCOUNTS_MAX,
    BACKING_UNITS_MAX,
    NOTIONAL_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    TIME_NS_MAX,
)
from openoutcry.domain.order import AccountField, AdjustMode, CommandFlag, MassCancelScope, Op, TimeInForce
from openoutcry.domain.pair import Phase
from openoutcry.domain.rejects import CancelReason, RejectCode

ADD_PAIR = int(Op.ADD_PAIR)
MASS_CANCEL = int(Op.MASS_CANCEL)
SET_PHASE = int(Op.SET_PHASE)
UNCROSS = int(Op.UNCROSS)
CLOCK_OP = int(Op.CLOCK)
SET_BAND = int(Op.SET_BAND)
SET_LIMITS = int(Op.SET_LIMITS)
FUND = int(Op.FUND)
MOVE_REFERENCE = int(Op.MOVE_REFERENCE)
RETIRE_PAIR = int(Op.RETIRE_PAIR)
ADJUST_PAIR = int(Op.ADJUST_PAIR)
RESET_PROTECTION = int(Op.RESET_PROTECTION)
CLOSING_FLAG = int(CommandFlag.CLOSING)
SCOPE_ACCOUNT = int(MassCancelScope.ACCOUNT)
SCOPE_ACCOUNT_PAIR = int(MassCancelScope.ACCOUNT_PAIR)
SCOPE_PAIR = int(MassCancelScope.PAIR)
SCOPE_SESSION = int(MassCancelScope.SESSION)
ADJUST_CANCEL = int(AdjustMode.CANCEL)
ADJUST_REPRICE = int(AdjustMode.REPRICE)
CLOSED = int(Phase.CLOSED)
AUCTION = int(Phase.AUCTION)
LAST_PHASE = int(max(Phase))
DAY = int(TimeInForce.DAY)
AT_OPEN = int(TimeInForce.AT_OPEN)
R_MASS = int(CancelReason.MASS)
R_DAY = int(CancelReason.DAY)
R_GTD = int(CancelReason.GTD)
R_RETIRED = int(CancelReason.RETIRED)
R_ADJUSTED = int(CancelReason.ADJUSTED)
BOOK_CROSSED = int(RejectCode.BOOK_CROSSED)
PARAMETER_OUT_OF_RANGE = int(RejectCode.PARAMETER_OUT_OF_RANGE)
TIME_RUNS_BACK = int(RejectCode.TIME_RUNS_BACK)
RATIO_MAX = 1 << 20
"""Largest numerator and denominator of ADJUST_PAIR."""

F_OPEN = int(AccountField.OPEN)
F_OPEN_ORDERS_MAX = int(AccountField.OPEN_ORDERS_MAX)
F_ORDER_LOTS_MAX = int(AccountField.ORDER_LOTS_MAX)
F_NOTIONAL_MAX = int(AccountField.NOTIONAL_MAX)
F_COLLAR_TICKS = int(AccountField.COLLAR_TICKS)
F_POSITION_LOTS_MAX = int(AccountField.POSITION_LOTS_MAX)
F_GROUP = int(AccountField.GROUP)
F_BROKER = int(AccountField.BROKER)
F_SESSION = int(AccountField.SESSION)
F_BACKED = int(AccountField.BACKED)
F_PROTECT_INTERVAL_NS = int(AccountField.PROTECT_INTERVAL_NS)
F_PROTECT_LOTS = int(AccountField.PROTECT_LOTS)
F_PROTECT_DELTA_LOTS = int(AccountField.PROTECT_DELTA_LOTS)
F_PROTECT_FILLS = int(AccountField.PROTECT_FILLS)
LAST_FIELD = int(max(AccountField))
ACCOUNTS_END = ACCOUNTS_MAX
UNITS_MAX = BACKING_UNITS_MAX
LOTS_62 = NOTIONAL_MAX
PRICE_END = PRICE_TICKS_MAX
LOTS_END = QTY_LOTS_MAX
TIME_MAX = TIME_NS_MAX


@helper
def field_max(field: int) -> int:
    """Return the largest value of an account's field."""
    if field == F_OPEN or field == F_BACKED:
        return 1
    if field == F_ORDER_LOTS_MAX:
        return LOTS_END
    if field == F_COLLAR_TICKS:
        return PRICE_END
    if field == F_PROTECT_INTERVAL_NS:
        return TIME_MAX
    if field in (F_NOTIONAL_MAX, F_POSITION_LOTS_MAX, F_PROTECT_LOTS, F_PROTECT_DELTA_LOTS):
        return LOTS_62
    return M32


@helper
def is_crossed(p: int) -> bool:
    """Tell whether the best bid reaches the best ask, hidden orders included."""
    return max(best_of(p, 0), best_of(p, 2)) >= min(best_of(p, 1), best_of(p, 3))


@helper
def examine_mass_cancel(h: int, c: int, pair: int, account: int) -> int:
    """Return the reject code of a MASS_CANCEL, or 0."""
    scope = get1(c + 2)
    if scope > SCOPE_SESSION:
        return INVALID_KIND
    if (scope == SCOPE_ACCOUNT_PAIR or scope == SCOPE_PAIR) and not is_pair(h, pair):
        return UNKNOWN_PAIR
    if (scope == SCOPE_ACCOUNT or scope == SCOPE_ACCOUNT_PAIR) and not is_account(h, account):
        return UNKNOWN_ACCOUNT
    return INVALID_FLAGS if get1(c + 5) else 0


@helper
def examine_limits(h: int, c: int, account: int) -> int:
    """Return the reject code of a SET_LIMITS, or 0."""
    field = get1(c + 2)
    if account >= ACCOUNTS_END:
        return UNKNOWN_ACCOUNT
    if field > LAST_FIELD:
        return INVALID_KIND
    if get1(c + 5):
        return INVALID_FLAGS
    least = 1 if field == F_OPEN else 0
    return 0 if least <= get8(c + C_QTY) <= field_max(field) else QUANTITY_OUT_OF_RANGE


@helper
def examine_fund(h: int, c: int, instrument: int, account: int) -> int:
    """Return the reject code of a FUND, or 0."""
    if not is_account(h, account):
        return UNKNOWN_ACCOUNT
    if get1(c + 5):
        return INVALID_FLAGS
    amount = get8(c + C_QTY)
    if amount == 0 or not -UNITS_MAX <= amount <= UNITS_MAX:
        return QUANTITY_OUT_OF_RANGE
    available = 0
    used = 0
    number = backing_find(h, account, instrument)
    if number:
        b = get8(h + BACKINGS) + (number << 5)
        available = get8(b + AVAILABLE)
        used = get8(b + DRAWN) + get8(b + SPENT)
    if available + amount < 0 or available + used + amount > UNITS_MAX:
        return QUANTITY_OUT_OF_RANGE
    return 0


@helper
def examine_pair_command(h: int, c: int, p: int, op: int) -> int:
    """Return the reject code of an operator command about a known pair, or 0."""
    flags = get1(c + 5)
    kind = get1(c + 2)
    if op == SET_PHASE:
        if kind > LAST_PHASE:
            return INVALID_KIND
        if flags & ~CLOSING_FLAG:
            return INVALID_FLAGS
        return BOOK_CROSSED if kind == CONTINUOUS and is_crossed(p) else 0
    if op == ADJUST_PAIR and kind > ADJUST_REPRICE:
        return INVALID_KIND
    if flags:
        return INVALID_FLAGS
    if op == UNCROSS:
        phase = get1(p + PHASE)
        return 0 if phase == PRE_OPEN or phase == AUCTION else PHASE_FORBIDS
    price = get8(c + C_PRICE)
    if op == MOVE_REFERENCE:
        return 0 if 0 <= price <= PRICE_END else PRICE_OUT_OF_RANGE
    if op == SET_BAND:
        high = get8(c + C_TRIGGER)
        return 0 if (price == 0 and high == 0) or 1 <= price <= high <= PRICE_END else PARAMETER_OUT_OF_RANGE
    if op == ADJUST_PAIR and kind == ADJUST_REPRICE:
        if not 1 <= get8(c + C_QTY) <= RATIO_MAX or not 1 <= get8(c + C_DISPLAY) <= RATIO_MAX:
            return PARAMETER_OUT_OF_RANGE
    return 0


@helper
def examine(h: int, c: int, op: int, pair: int, account: int) -> int:
    """Return the reject code of an operator command, or 0."""
    if op == MASS_CANCEL:
        return examine_mass_cancel(h, c, pair, account)
    if op == SET_LIMITS:
        return examine_limits(h, c, account)
    if op == FUND:
        return examine_fund(h, c, pair, account)
    if op == CLOCK_OP:
        if get1(c + 5):
            return INVALID_FLAGS
        now = get8(c + C_EXPIRY)
        if not 0 <= now <= TIME_MAX:
            return EXPIRY_OUT_OF_RANGE
        return TIME_RUNS_BACK if now < get8(h + CLOCK) else 0
    if not is_pair(h, pair):
        return UNKNOWN_PAIR
    if op == RESET_PROTECTION and not is_account(h, account):
        return UNKNOWN_ACCOUNT
    return examine_pair_command(h, c, pair_at(h, pair), op)


@helper
def cancel_position(h: int, account: int, pair: int) -> None:
    """Cancel an account's orders in one pair, newest first."""
    number = position_find(h, account, pair)
    if number:
        po = position_at(h, number)
        while get4(po + NEWEST):
            end(h, get4(po + NEWEST), CANCELLED, R_MASS, 0)


@helper
def cancel_account(h: int, account: int) -> None:
    """Cancel an account's orders, pair by pair."""
    for pair in range(get8(h + PAIR_COUNT)):
        if get4(account_at(h, account)) == 0:
            break
        cancel_position(h, account, pair)


@helper
def cancel_pair(h: int, p: int, reason: int) -> None:
    """Cancel all orders of a pair in book order."""
    at = get8(h + SCRATCH)
    end_at = list_orders(h, p, at)
    while at < end_at:
        end(h, get8(at), CANCELLED, reason, 0)
        at += 8


@helper
def mass_cancel(h: int, c: int, pair: int, account: int) -> None:
    """Carry out a MASS_CANCEL."""
    scope = get1(c + 2)
    if scope == SCOPE_ACCOUNT:
        cancel_account(h, account)
    elif scope == SCOPE_ACCOUNT_PAIR:
        cancel_position(h, account, pair)
    elif scope == SCOPE_PAIR:
        cancel_pair(h, pair_at(h, pair), R_MASS)
    else:
        session = get8(c + C_CLIENT_ID)
        if session:
            for each in range(get8(h + ACCOUNT_COUNT)):
                a = account_at(h, each)
                if get4(a + SESSION) == session and get4(a + ACCOUNT_FLAGS) & ACCOUNT_OPEN:
                    cancel_account(h, each)


@helper
def close_day(h: int, p: int) -> None:
    """End what does not outlive the close: day, at-open, at-close orders and those without a price, in book order."""
    at = get8(h + SCRATCH)
    end_at = list_orders(h, p, at)
    while at < end_at:
        s = get8(at)
        at += 8
        bits = get4(order_at(h, s) + BITS)
        tif = bits >> TIF_SHIFT & 7
        queue = queue_of(bits)
        if tif == DAY:
            end(h, s, EXPIRED, R_DAY, 0)
        elif tif >= AT_OPEN or queue == MARKET_BID or queue == MARKET_ASK:
            end(h, s, EXPIRED, R_AUCTION, 0)


@helper
def unpark(h: int, p: int, pair: int) -> None:
    """Let the parked at-close orders join the book, first in first."""
    at = get8(h + SCRATCH)
    end_at = list_queue(h, p, PARKED, at)
    while at < end_at:
        s = get8(at)
        at += 8
        o = order_at(h, s)
        unlink(h, p, s, o)
        rest(h, p, s, o, pair)


@helper
def change_phase(h: int, c: int, p: int, pair: int) -> None:
    """Carry out a SET_PHASE up to its stops."""
    phase = get1(c + 2)
    collects = phase == PRE_OPEN or phase == AUCTION
    closing = get1(c + 5) & CLOSING_FLAG != 0 and collects
    set_phase(h, p, pair, phase, 1 if closing else 0)
    if phase == CONTINUOUS:
        # book order: what rests with a price comes before what waits without one
        release_session(h, p, CANCELLED, R_AUCTION)
        release_market(h, p, pair, MARKET_BID, 0)
        release_market(h, p, pair, MARKET_ASK, 0)
    elif phase == CLOSED:
        close_day(h, p)
    elif closing:
        unpark(h, p, pair)


@helper
def set_field(h: int, account: int, field: int, value: int) -> None:
    """Open an account if it is not open and set one of its fields."""
    if account >= get8(h + ACCOUNT_COUNT):
        put8(h + ACCOUNT_COUNT, account + 1)
    a = account_at(h, account)
    more = get8(h + ACCOUNTS_MORE) + (account << 5)
    flags = get4(a + ACCOUNT_FLAGS)
    if not flags & ACCOUNT_OPEN:
        flags |= ACCOUNT_OPEN
        put4(a + OPEN_ORDERS_MAX, M32)
        put4(a + GROUP, account + 1)
        put8(a + ORDER_LOTS_MAX, LOTS_END)
        put8(a + ACCOUNT_NOTIONAL_MAX, LOTS_62)
        put8(a + POSITION_MAX, LOTS_62)
        put4(a + ACCOUNT_FLAGS, flags)
    if field == F_OPEN_ORDERS_MAX:
        put4(a + OPEN_ORDERS_MAX, value)
    elif field == F_ORDER_LOTS_MAX:
        put8(a + ORDER_LOTS_MAX, value)
    elif field == F_NOTIONAL_MAX:
        put8(a + ACCOUNT_NOTIONAL_MAX, value)
    elif field == F_COLLAR_TICKS:
        put8(a + COLLAR, value)
    elif field == F_POSITION_LOTS_MAX:
        put8(a + POSITION_MAX, value)
    elif field == F_GROUP:
        put4(a + GROUP, value)
    elif field == F_BROKER:
        put4(a + BROKER, value)
    elif field == F_SESSION:
        put4(a + SESSION, value)
    elif field == F_BACKED:
        put4(a + ACCOUNT_FLAGS, flags & ~ACCOUNT_BACKED | value * ACCOUNT_BACKED)
    elif field == F_PROTECT_INTERVAL_NS:
        put8(a + PROTECT_INTERVAL, value)
    elif field == F_PROTECT_LOTS:
        put8(more + PROTECT_LOTS, value)
    elif field == F_PROTECT_DELTA_LOTS:
        put8(more + PROTECT_DELTA, value)
    elif field == F_PROTECT_FILLS:
        put8(more + PROTECT_FILLS, value)


@helper
def fund(h: int, instrument: int, account: int, amount: int) -> None:
    """Add to available backing; the table has room for one more."""
    number = backing_find(h, account, instrument)
    if number == 0:
        number = backing_add(h, account, instrument)
    b = get8(h + BACKINGS) + (number << 5)
    put8(b + AVAILABLE, get8(b + AVAILABLE) + amount)


@helper
def reset_protection(h: int, account: int, pair: int) -> None:
    """Let an account trade again in a pair."""
    number = position_find(h, account, pair)
    if number:
        put4(position_at(h, number) + TRIPPED, 0)
        m = get8(h + POSITIONS_MORE) + (number << 5)
        put8(m + WINDOW_BEGIN, 0)
        put8(m + WINDOW_LOTS, 0)
        put8(m + WINDOW_NET, 0)
        put8(m + WINDOW_FILLS, 0)


@helper
def carry_out(h: int, c: int, op: int, pair: int, account: int) -> bool:
    """Carry out an examined operator command other than CLOCK. Returns whether stops may follow."""
    p = pair_at(h, pair)
    if op == MASS_CANCEL:
        mass_cancel(h, c, pair, account)
    elif op == SET_PHASE:
        change_phase(h, c, p, pair)
        return True
    elif op == UNCROSS:
        uncross(h, p, pair)
        return True
    elif op == SET_BAND:
        put8(p + BAND_LOW, get8(c + C_PRICE))
        put8(p + BAND_HIGH, get8(c + C_TRIGGER))
    elif op == SET_LIMITS:
        set_field(h, account, get1(c + 2), get8(c + C_QTY))
    elif op == FUND:
        fund(h, pair, account, get8(c + C_QTY))
    elif op == MOVE_REFERENCE:
        put8(p + REFERENCE, get8(c + C_PRICE))
    elif op == RETIRE_PAIR:
        cancel_pair(h, p, R_RETIRED)
        put1(p + KNOWN, 2)
    elif op == ADJUST_PAIR:
        if get1(c + 2) == ADJUST_CANCEL:
            cancel_pair(h, p, R_ADJUSTED)
        else:
            adjust(h, p, pair, get8(c + C_QTY), get8(c + C_DISPLAY))
        return True
    else:
        reset_protection(h, account, pair)
    return False


@helper
def expire(h: int, now: int) -> int:
    """End the orders whose time has come. Returns DONE or NEED_EVENTS."""
    while True:
        if is_short(h, EVENTS_PER_STEP):
            return NEED_EVENTS
        s = next_expired(h, now)
        if s == 0:
            return DONE
        end(h, s, EXPIRED, R_GTD, 0)


@helper
def needs_memory(h: int, c: int, op: int, account: int) -> bool:
    """Tell whether `Books` must make memory before a command: a new pair, an account or backing beyond its table."""
    if op == ADD_PAIR:
        return True
    if op == SET_LIMITS:
        return account >= get8(h + ACCOUNT_CAPACITY) and examine_limits(h, c, account) == 0
    return op == FUND and 2 * get8(h + BACKING_COUNT) > get8(h + BACKING_MASK)


@helper
def operate(h: int, c: int, op: int, pair: int, account: int) -> int:
    """Carry out an operator command that needs no memory. Returns DONE, or NEED_EVENTS with a place to go on from."""
    if get8(h + OP_STAGE) == 0:
        # a trade of an auction ends or replenishes its two orders: at most four events for each order that lives
        if op != CLOCK_OP and is_short(h, 4 * get8(h + LIVE) + EVENTS_PER_STEP):
            return NEED_EVENTS
        put8(h + SEQUENCE, get8(h + SEQUENCE) + 1)
        code = examine(h, c, op, pair, account)
        if code:
            reject(h, c, pair, code)
            return DONE
        number = get8(c + C_CLIENT_ID)
        emit(h, ACCEPTED, 0, op, 0, pair, 0, number, get8(c + C_PRICE), get8(c + C_QTY), 0, 0)
        if op == CLOCK_OP:
            put8(h + CLOCK, get8(c + C_EXPIRY))
    if op == CLOCK_OP:
        put8(h + OP_STAGE, 1)
        if expire(h, get8(c + C_EXPIRY)) == NEED_EVENTS:
            return NEED_EVENTS
        put8(h + OP_STAGE, 0)
        return DONE
    if carry_out(h, c, op, pair, account):
        p = pair_at(h, pair)
        if settle(h, p) == NEED_EVENTS:
            put8(h + RESUME, p)
            put8(h + COMMAND_AT, c + 64)
            return NEED_EVENTS
    return DONE


@entry
def indicate(h: int, pair: int, out: int) -> int:
    """Write price (0: none), volume and surplus of the auction that a pair would have now to three words at `out`."""
    price, volume, surplus = auction_price(h, pair_at(h, pair))
    put8(out, price)
    put8(out + 8, volume)
    put8(out + 16, surplus)
    return 0
