"""Commands as arrays of COMMAND, one small function for each op: for tests, tools and readers of a few orders.

Each returns a (1,) array; `batch` joins them. Code that sends millions fills a COMMAND array column by column instead.
Values are not checked here but by the book, which answers with a reject code; a value that does not fit its field
raises OverflowError.
"""

from typing import Final

import numpy as np

from openoutcry.domain import (
    AccountField,
    AdjustMode,
    CommandFlag,
    MassCancelScope,
    Op,
    OrderType,
    Pair,
    Phase,
    SelfTrade,
    Side,
    TimeInForce,
)
from openoutcry.domain.records import COMMAND, Commands

INT64_MAX: Final = 2**63 - 1


def batch(*rows: Commands) -> Commands:
    """Join arrays of commands into one, in order; an empty array for none.

    >>> len(batch(clock(1), uncross(0)))
    2
    """
    return np.concatenate(rows) if rows else np.empty(0, dtype=COMMAND)


def place(
    pair: int,
    account: int,
    client_id: int,
    side: Side,
    qty_lots: int,
    price_ticks: int = 0,
    *,
    kind: OrderType = OrderType.LIMIT,
    tif: TimeInForce = TimeInForce.GTC,
    stp: SelfTrade = SelfTrade.NONE,
    display_lots: int = 0,
    trigger_ticks: int = 0,
    expiry_ns: int = 0,
    reduce_only: bool = False,
    indexed: bool = True,
) -> Commands:
    """Place an order. display_lots: the peak of an iceberg, else the minimum on arrival.

    indexed=False: the client id is only echoed, and the order is named by its handle from then on.
    """
    flags = CommandFlag.REDUCE_ONLY * reduce_only | CommandFlag.BY_HANDLE * (not indexed)
    return _row(
        Op.PLACE,
        side=side,
        kind=kind,
        tif=tif,
        stp=stp,
        flags=flags,
        pair=pair,
        account=account,
        client_id=client_id,
        price_ticks=price_ticks,
        qty_lots=qty_lots,
        display_lots=display_lots,
        trigger_ticks=trigger_ticks,
        expiry_ns=expiry_ns,
    )


def cancel(pair: int, account: int, name: int, *, by_handle: bool = False) -> Commands:
    """Cancel an order named by client id or handle."""
    return _row(Op.CANCEL, pair=pair, account=account, client_id=name, flags=_by_handle(by_handle))


def reduce(pair: int, account: int, name: int, qty_lots: int, *, by_handle: bool = False) -> Commands:
    """Take lots off an order, which keeps its place."""
    flags = _by_handle(by_handle)
    return _row(Op.REDUCE, pair=pair, account=account, client_id=name, qty_lots=qty_lots, flags=flags)


def replace(
    pair: int,
    account: int,
    name: int,
    qty_lots: int,
    price_ticks: int = 0,
    *,
    trigger_ticks: int = 0,
    by_handle: bool = False,
) -> Commands:
    """Give an order new leaves and a new price (and a waiting stop a new trigger; 0 keeps it)."""
    return _row(
        Op.REPLACE,
        pair=pair,
        account=account,
        client_id=name,
        qty_lots=qty_lots,
        price_ticks=price_ticks,
        trigger_ticks=trigger_ticks,
        flags=_by_handle(by_handle),
    )


def mass_cancel(scope: MassCancelScope, *, account: int = 0, pair: int = 0, session: int = 0) -> Commands:
    """Cancel all orders of an account, an account in a pair, a pair, or a session."""
    return _row(Op.MASS_CANCEL, kind=scope, account=account, pair=pair, client_id=session)


def set_phase(pair: int, phase: Phase, *, closing: bool = False) -> Commands:
    """Change the phase of a pair; closing: the auction that it begins or leads to is the closing one."""
    return _row(Op.SET_PHASE, pair=pair, kind=phase, flags=CommandFlag.CLOSING * closing)


def uncross(pair: int) -> Commands:
    """Hold the auction of a pair."""
    return _row(Op.UNCROSS, pair=pair)


def clock(time_ns: int) -> Commands:
    """Say what time it is, in ns UTC since 1970."""
    return _row(Op.CLOCK, expiry_ns=time_ns)


def set_band(pair: int, low_ticks: int, high_ticks: int) -> Commands:
    """Set the prices within which a pair trades; 0 and 0 for none."""
    return _row(Op.SET_BAND, pair=pair, price_ticks=low_ticks, trigger_ticks=high_ticks)


def set_limits(account: int, field: AccountField, value: int = 1) -> Commands:
    """Set one field of an account, and open it if it is not open."""
    return _row(Op.SET_LIMITS, account=account, kind=field, qty_lots=value)


def fund(account: int, instrument: int, units: int) -> Commands:
    """Add units to an account's backing in an instrument, or take them away."""
    return _row(Op.FUND, account=account, pair=instrument, qty_lots=units)


def move_reference(pair: int, price_ticks: int) -> Commands:
    """Set the reference price of a pair; 0 for none."""
    return _row(Op.MOVE_REFERENCE, pair=pair, price_ticks=price_ticks)


def add_pair(pair: Pair) -> Commands:
    """Open the book of a new pair."""
    assert pair.qty_lots_max is not None and pair.ladder is not None
    instruments = pair.base << 32 | pair.quote
    return _row(
        Op.ADD_PAIR,
        pair=pair.pair_id,
        price_ticks=pair.price_ticks_max,
        display_lots=pair.price_ticks_min,
        qty_lots=pair.qty_lots_max,
        trigger_ticks=instruments if instruments <= INT64_MAX else instruments - 2**64,
        client_id=pair.pro_rata_minimum_lots,
        expiry_ns=pair.reference_ticks,
        kind=pair.allocation,
        tif=pair.auction_rule,
        stp=pair.iceberg_rule,
        side=pair.phase,
        account=int(pair.pro_rata_top) | pair.ladder << 1,
    )


def retire_pair(pair: int) -> Commands:
    """Cancel all orders of a pair and close its book for good."""
    return _row(Op.RETIRE_PAIR, pair=pair)


def adjust_pair(pair: int, mode: AdjustMode, *, up: int = 1, down: int = 1) -> Commands:
    """Cancel all orders of a pair, or multiply its prices by up / down and divide its quantities by it."""
    return _row(Op.ADJUST_PAIR, pair=pair, kind=mode, qty_lots=up, display_lots=down)


def reset_protection(pair: int, account: int) -> Commands:
    """Let an account quote again in a pair where its protection has tripped."""
    return _row(Op.RESET_PROTECTION, pair=pair, account=account)


def _by_handle(by_handle: bool) -> int:
    return CommandFlag.BY_HANDLE if by_handle else 0


def _row(op: Op, **fields: int) -> Commands:
    row = np.zeros(1, dtype=COMMAND)
    row["op"] = op
    for name, value in fields.items():
        row[name] = value
    return row
