"""Operator commands on accounts, time, prices and many orders at once (rules, section 9)."""

from __future__ import annotations

from typing import Final

from openoutcry.book.reference.accounts import COUNT_MAX, Account
from openoutcry.book.reference.changes import fault_of_names
from openoutcry.book.reference.command import Command
from openoutcry.book.reference.market import Market
from openoutcry.domain import AccountField, CancelReason, MassCancelScope, Op, RejectCode
from openoutcry.domain.limits import (
    ACCOUNTS_MAX,
    NOTIONAL_MAX,
    POSITION_LOTS_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    TIME_NS_MAX,
)

FIELD_RANGES: Final[dict[int, tuple[int, int]]] = {
    AccountField.OPEN: (1, 1),
    AccountField.OPEN_ORDERS_MAX: (0, COUNT_MAX),
    AccountField.ORDER_LOTS_MAX: (0, QTY_LOTS_MAX),
    AccountField.NOTIONAL_MAX: (0, NOTIONAL_MAX),
    AccountField.COLLAR_TICKS: (0, PRICE_TICKS_MAX),
    AccountField.POSITION_LOTS_MAX: (0, POSITION_LOTS_MAX),
    AccountField.GROUP: (0, COUNT_MAX),
    AccountField.BROKER: (0, COUNT_MAX),
    AccountField.SESSION: (0, COUNT_MAX),
    AccountField.BACKED: (0, 1),
    AccountField.PROTECT_INTERVAL_NS: (0, TIME_NS_MAX),
    AccountField.PROTECT_LOTS: (0, 2**62 - 1),
    AccountField.PROTECT_DELTA_LOTS: (0, 2**62 - 1),
    AccountField.PROTECT_FILLS: (0, COUNT_MAX),
}
"""What SET_LIMITS takes, smallest and largest; a field in small letters is the name of the account's attribute."""


def mass_cancel(market: Market, c: Command) -> RejectCode | None:
    """Cancel all orders of an account, an account in a pair, a pair, or a session."""
    if c.kind >= len(MassCancelScope):
        return RejectCode.INVALID_KIND
    scope = MassCancelScope(c.kind)
    book = market.book(c.pair)
    if book is None and scope in (MassCancelScope.ACCOUNT_PAIR, MassCancelScope.PAIR):
        return RejectCode.UNKNOWN_PAIR
    account = market.accounts.get(c.account)
    if account is None and scope in (MassCancelScope.ACCOUNT, MassCancelScope.ACCOUNT_PAIR):
        return RejectCode.UNKNOWN_ACCOUNT
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    accept(market, c)
    if scope == MassCancelScope.PAIR and book is not None:
        for order in book.in_book_order():
            market.cancel(order, CancelReason.MASS)
    elif scope == MassCancelScope.SESSION:
        for account_id in sorted(market.accounts):
            if market.accounts[account_id].session == c.client_id != 0:
                cancel_newest_first(market, account_id, sorted(market.books))
    elif account is not None:
        pair_ids = [c.pair] if scope == MassCancelScope.ACCOUNT_PAIR else sorted(market.books)
        cancel_newest_first(market, account.account_id, pair_ids)
    return None


def cancel_newest_first(market: Market, account_id: int, pair_ids: list[int]) -> None:
    """Cancel an account's orders, pair by pair."""
    for pair_id in pair_ids:
        position = market.positions.get((account_id, pair_id))
        for order in reversed(list(position.orders.values())) if position else ():
            market.cancel(order, CancelReason.MASS)


def clock(market: Market, c: Command) -> RejectCode | None:
    """Time has come; good-till-date orders expire with it."""
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    if not 0 <= c.expiry_ns <= TIME_NS_MAX:
        return RejectCode.EXPIRY_OUT_OF_RANGE
    if c.expiry_ns < market.clock_ns:
        return RejectCode.TIME_RUNS_BACK
    accept(market, c)
    market.clock_ns = c.expiry_ns
    while market.by_expiry and market.by_expiry.peekitem(0)[0][0] <= c.expiry_ns:
        market.expire(market.by_expiry.peekitem(0)[1], CancelReason.GTD)
    return None


def set_band(market: Market, c: Command) -> RejectCode | None:
    """Set the prices within which the pair trades."""
    book = market.book(c.pair)
    if book is None:
        return RejectCode.UNKNOWN_PAIR
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    low_ticks, high_ticks = c.price_ticks, c.trigger_ticks
    if not (low_ticks == high_ticks == 0 or 1 <= low_ticks <= high_ticks <= PRICE_TICKS_MAX):
        return RejectCode.PARAMETER_OUT_OF_RANGE
    accept(market, c)
    book.band_low_ticks, book.band_high_ticks = low_ticks, high_ticks
    return None


def move_reference(market: Market, c: Command) -> RejectCode | None:
    """Set the pair's reference price."""
    book = market.book(c.pair)
    if book is None:
        return RejectCode.UNKNOWN_PAIR
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    if not 0 <= c.price_ticks <= PRICE_TICKS_MAX:
        return RejectCode.PRICE_OUT_OF_RANGE
    accept(market, c)
    book.reference_ticks = c.price_ticks
    return None


def set_limits(market: Market, c: Command) -> RejectCode | None:
    """Set one field of an account, which is opened where it was not."""
    if c.account >= ACCOUNTS_MAX:
        return RejectCode.UNKNOWN_ACCOUNT
    if c.kind not in FIELD_RANGES:
        return RejectCode.INVALID_KIND
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    low, high = FIELD_RANGES[c.kind]
    if not low <= c.qty_lots <= high:
        return RejectCode.QUANTITY_OUT_OF_RANGE
    accept(market, c)
    set_field(market.open_account(c.account), AccountField(c.kind), c.qty_lots)
    return None


def set_field(account: Account, field: AccountField, value: int) -> None:
    """Give one field of an account its value; OPEN has none."""
    if field == AccountField.BACKED:
        account.backed = value == 1
    elif field != AccountField.OPEN:
        setattr(account, field.name.lower(), value)


def fund(market: Market, c: Command) -> RejectCode | None:
    """Add to, or take from, what an account may spend of an instrument."""
    if c.account not in market.accounts:
        return RejectCode.UNKNOWN_ACCOUNT
    if c.unknown_flags:
        return RejectCode.INVALID_FLAGS
    backing = market.backing(c.account, c.pair)
    if c.qty_lots == 0 or not backing.may_add(c.qty_lots):
        return RejectCode.QUANTITY_OUT_OF_RANGE
    accept(market, c)
    backing.available += c.qty_lots
    return None


def reset_protection(market: Market, c: Command) -> RejectCode | None:
    """Let an account quote again in a pair."""
    code = fault_of_names(market, c)
    if code:
        return code
    accept(market, c)
    market.position(market.accounts[c.account], c.pair).reset_protection()
    return None


def accept(market: Market, c: Command) -> None:
    """Say that an operator command is carried out; its consequences follow."""
    market.log.accepted(Op(c.op), c.pair, c.client_id, c.price_ticks, c.qty_lots)
