"""Whether a PLACE or REPLACE is accepted: the checks, in the order of the reject codes."""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.book.reference.accounts import Account, Position
from openoutcry.book.reference.command import Command
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import COLLECTING, DISPLAYED, PairBook
from openoutcry.domain import CommandFlag, OrderType, Phase, RejectCode, SelfTrade, Side, TimeInForce
from openoutcry.domain.limits import ICEBERG_PEAKS_MAX, OPEN_LOTS_MAX, TIME_NS_MAX

WAITING: Final = frozenset({TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD})
IMMEDIATE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
AUCTION_ONLY: Final = frozenset({TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE})
POST_ONLY: Final = (OrderType.POST_ONLY, OrderType.POST_ONLY_SLIDE)
STOPS: Final = (OrderType.STOP, OrderType.STOP_LIMIT)

TIMES_IN_FORCE: Final[dict[int, frozenset[TimeInForce]]] = {
    OrderType.LIMIT: WAITING | IMMEDIATE | AUCTION_ONLY,
    OrderType.MARKET: WAITING | IMMEDIATE | AUCTION_ONLY,
    OrderType.MARKET_TO_LIMIT: WAITING | IMMEDIATE | AUCTION_ONLY,
    OrderType.STOP: WAITING | IMMEDIATE,
    OrderType.STOP_LIMIT: WAITING | IMMEDIATE,
    OrderType.ICEBERG: WAITING | AUCTION_ONLY,
    OrderType.POST_ONLY: WAITING,
    OrderType.POST_ONLY_SLIDE: WAITING,
    OrderType.HIDDEN: WAITING | AUCTION_ONLY,
}
SIDES: Final = len(Side)
TIFS: Final = len(TimeInForce)
STPS: Final = len(SelfTrade)


class Terms(NamedTuple):
    """What an accepted PLACE or REPLACE comes to: where, for whom, and at which limit."""

    book: PairBook
    account: Account
    position: Position
    price_ticks: int
    priced: bool


def check_place(market: Market, c: Command) -> RejectCode | Terms:
    """Return the terms of a PLACE, or the first check that it fails."""
    book, account = market.book(c.pair), market.accounts.get(c.account)
    if book is None:
        return RejectCode.UNKNOWN_PAIR
    if account is None:
        return RejectCode.UNKNOWN_ACCOUNT
    code = fault_of_fields(book, c, market.clock_ns) or fault_of_phase(book, c)
    if code:
        return code
    if not c.by_handle and (c.account, c.client_id) in market.by_client_id:
        return RejectCode.DUPLICATE_ID
    side, position = Side(c.side), market.position(account, c.pair)
    price_ticks, would_trade = price_on_arrival(book, side, c.kind, c.tif, c.price_ticks)
    priced = price_ticks != 0
    limit_ticks = price_ticks if priced else book.end_of_range(side)
    reduce_only = bool(c.flags & CommandFlag.REDUCE_ONLY)
    code = fault_of_account(
        market, book, position, side, c.qty_lots, limit_ticks, priced=priced, reduce_only=reduce_only,
        backed=account.backed, replaced=None,
    )  # fmt: skip
    if code:
        return code
    if would_trade:
        return RejectCode.WOULD_TRADE
    if market.slots.full or book.open_lots + c.qty_lots > OPEN_LOTS_MAX:
        return RejectCode.CAPACITY
    return Terms(book, account, position, limit_ticks, priced)


def check_replace(market: Market, c: Command, order: Order) -> RejectCode | Terms:
    """Return the terms of a REPLACE that loses priority, or the first account or book check that it fails."""
    book, position, side = order.book, order.position, order.side
    price_ticks, would_trade = c.price_ticks, False
    if order.kind in POST_ONLY:
        price_ticks, would_trade = price_on_arrival(book, side, order.kind, order.tif, c.price_ticks)
    priced = price_ticks != 0
    limit_ticks = price_ticks if priced else book.end_of_range(side)
    code = fault_of_account(
        market, book, position, side, c.qty_lots, limit_ticks, priced=priced, reduce_only=order.reduce_only,
        backed=order.backed, replaced=order,
    )  # fmt: skip
    if code:
        return code
    if would_trade:
        return RejectCode.WOULD_TRADE
    if book.open_lots - order.leaves + c.qty_lots > OPEN_LOTS_MAX:
        return RejectCode.CAPACITY
    return Terms(book, order.account, position, limit_ticks, priced)


def fault_of_fields(book: PairBook, c: Command, clock_ns: int) -> RejectCode | None:
    """What makes no sense anywhere: side to expiry."""
    if c.side >= SIDES:
        return RejectCode.INVALID_SIDE
    if c.kind not in TIMES_IN_FORCE:
        return RejectCode.INVALID_KIND
    if c.tif >= TIFS:
        return RejectCode.INVALID_TIF
    if c.stp >= STPS:
        return RejectCode.INVALID_STP
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    if c.tif not in TIMES_IN_FORCE[c.kind] or (c.flags & CommandFlag.REDUCE_ONLY and c.tif in AUCTION_ONLY):
        return RejectCode.INVALID_COMBINATION
    if not 1 <= c.qty_lots <= (book.pair.qty_lots_max or 0):
        return RejectCode.QUANTITY_OUT_OF_RANGE
    if not price_fits(book, c.kind, c.price_ticks):
        return RejectCode.PRICE_OUT_OF_RANGE
    if not display_fits(c):
        return RejectCode.DISPLAY_OUT_OF_RANGE
    if not (book.in_range(c.trigger_ticks) if c.kind in STOPS else c.trigger_ticks == 0):
        return RejectCode.TRIGGER_OUT_OF_RANGE
    if not (clock_ns < c.expiry_ns <= TIME_NS_MAX if c.tif == TimeInForce.GTD else c.expiry_ns == 0):
        return RejectCode.EXPIRY_OUT_OF_RANGE
    return None


def price_fits(book: PairBook, kind: int, price_ticks: int) -> bool:
    """Whether an order type may have this price; 0 is none."""
    if price_ticks == 0:
        return kind in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT, OrderType.STOP)
    return kind != OrderType.MARKET_TO_LIMIT and book.in_range(price_ticks)


def display_fits(c: Command) -> bool:
    """Whether the peak of an iceberg, or the minimum of another order, is one that it can have."""
    if c.kind == OrderType.ICEBERG:
        return 1 <= c.display_lots <= c.qty_lots <= c.display_lots * ICEBERG_PEAKS_MAX
    if c.kind in STOPS or c.kind in POST_ONLY or c.tif in AUCTION_ONLY or c.tif == TimeInForce.FOK:
        return c.display_lots == 0
    return 0 <= c.display_lots <= c.qty_lots


def fault_of_phase(book: PairBook, c: Command) -> RejectCode | None:
    """Whether the pair's phase takes this order."""
    if book.phase == Phase.CONTINUOUS:
        fits = c.tif != TimeInForce.AT_OPEN
    elif book.phase in COLLECTING:
        wrong_auction = TimeInForce.AT_OPEN if book.closing else TimeInForce.AT_CLOSE
        has_minimum = c.display_lots != 0 and c.kind != OrderType.ICEBERG
        fits = c.tif not in IMMEDIATE and c.tif != wrong_auction and not has_minimum
    else:
        fits = False
    return None if fits else RejectCode.PHASE_FORBIDS


def price_on_arrival(book: PairBook, side: Side, kind: int, tif: int, price_ticks: int) -> tuple[int, bool]:
    """The price that an order really gets, 0 for none, and whether it is one that must not trade but would.

    In a phase that matches, market-to-limit takes the best displayed opposite price, and post-only-slide stays one
    tick short of the best opposite price, displayed or hidden.
    """
    if book.phase != Phase.CONTINUOUS or tif == TimeInForce.AT_CLOSE:
        return price_ticks, False
    if kind == OrderType.MARKET_TO_LIMIT:
        best = book.first(DISPLAYED[side.opposite])
        return (best.price_ticks if best else 0), False
    if kind in POST_ONLY:
        best = book.best(side.opposite)
        if best is not None and reaches(side, price_ticks, best.price_ticks):
            short_ticks = best.price_ticks + (-1 if side == Side.BUY else 1)
            if kind == OrderType.POST_ONLY or not book.in_range(short_ticks):
                return price_ticks, True
            return short_ticks, False
    return price_ticks, False


def reaches(side: Side, limit_ticks: int, price_ticks: int) -> bool:
    """Whether an order of this side and limit would trade at this price."""
    return limit_ticks >= price_ticks if side == Side.BUY else limit_ticks <= price_ticks


def fault_of_account(
    market: Market,
    book: PairBook,
    position: Position,
    side: Side,
    qty_lots: int,
    limit_ticks: int,
    *,
    priced: bool,
    reduce_only: bool,
    backed: bool,
    replaced: Order | None,
) -> RejectCode | None:
    """The account checks. What a replaced order holds counts as returned."""
    account = position.account
    own_lots = 0 if replaced is None else replaced.leaves
    open_lots = position.open_lots[side] - own_lots
    net_lots = position.net_lots if side == Side.BUY else -position.net_lots
    if position.tripped:
        return RejectCode.PROTECTED
    if not reduce_only:
        if replaced is None and account.open_orders >= account.open_orders_max:
            return RejectCode.OPEN_ORDERS_LIMIT
        if qty_lots > account.order_lots_max:
            return RejectCode.ORDER_SIZE_LIMIT
        if limit_ticks * qty_lots > account.notional_max:
            return RejectCode.NOTIONAL_LIMIT
    around_ticks = book.last_ticks or book.reference_ticks
    if account.collar_ticks and priced and around_ticks and abs(limit_ticks - around_ticks) > account.collar_ticks:
        return RejectCode.COLLAR_LIMIT
    if not reduce_only and net_lots + open_lots + qty_lots > account.position_lots_max:
        return RejectCode.POSITION_LIMIT
    if reduce_only and qty_lots > -net_lots - open_lots:
        return RejectCode.WOULD_INCREASE
    if backed:
        draws, drawn = (limit_ticks, replaced.price_ticks if replaced else 0) if side == Side.BUY else (1, 1)
        instrument = book.pair.quote if side == Side.BUY else book.pair.base
        if draws * qty_lots > market.backing(account.account_id, instrument).available + drawn * own_lots:
            return RejectCode.BACKING_LIMIT
    return None
