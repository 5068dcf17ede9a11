"""What a snapshot must hold before a book believes it.

The digest at its end shows damage, not malice: anybody can write a snapshot with a matching digest. A kernel checks no
address, so every number that becomes one, and every quantity that enters a sum, is checked here. Vectorised: 0.1
microseconds an order.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain.limits import (
    ACCOUNTS_MAX,
    BACKING_UNITS_MAX,
    NOTIONAL_MAX,
    OPEN_LOTS_MAX,
    ORDERS_MAX,
    POSITION_LOTS_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    TIME_NS_MAX,
)
from openoutcry.domain.order import OrderType, SelfTrade, TimeInForce
from openoutcry.domain.pair import Allocation, AuctionRule, IcebergRule, Ladder, Pair, Phase

if TYPE_CHECKING:
    from openoutcry.book.state import State

Table = NDArray[np.void]

SEQUENCE_MAX = 2**62
"""Commands that a book can have had; a billion a second for a century are 2^61."""
QUEUES = 10
STOP_BUY, ELECTED = 6, 8
LIMITS = (
    ("accounts", "order_lots_max", QTY_LOTS_MAX),
    ("accounts", "notional_max", NOTIONAL_MAX),
    ("accounts", "collar_ticks", PRICE_TICKS_MAX),
    ("accounts", "position_lots_max", POSITION_LOTS_MAX),
    ("accounts", "protect_interval_ns", TIME_NS_MAX),
    ("accounts", "protect_lots", NOTIONAL_MAX),
    ("accounts", "protect_delta_lots", NOTIONAL_MAX),
    ("positions", "open_buy_lots", OPEN_LOTS_MAX),
    ("positions", "open_sell_lots", OPEN_LOTS_MAX),
    ("positions", "window_begin_ns", TIME_NS_MAX),
    ("positions", "window_lots", OPEN_LOTS_MAX),
    ("backings", "available", BACKING_UNITS_MAX),
    ("backings", "drawn", BACKING_UNITS_MAX),
    ("backings", "spent", BACKING_UNITS_MAX),
    ("pairs", "last_ticks", PRICE_TICKS_MAX),
    ("pairs", "reference_ticks", PRICE_TICKS_MAX),
    ("pairs", "band_low_ticks", PRICE_TICKS_MAX),
    ("pairs", "band_high_ticks", PRICE_TICKS_MAX),
    ("pairs", "open_lots", OPEN_LOTS_MAX),
    ("pairs", "retired", 1),
    ("pairs", "closing", 1),
    ("pairs", "pro_rata_top", 1),
    ("pairs", "spare", 0),
    ("accounts", "backed", 1),
    ("positions", "tripped", 1),
    ("orders", "spare", 0),
    ("orders", "spare2", 0),
    ("orders", "reserve_lots", QTY_LOTS_MAX),
    ("orders", "peak_lots", QTY_LOTS_MAX),
    ("orders", "original_lots", QTY_LOTS_MAX),
    ("orders", "expiry_ns", TIME_NS_MAX),
    ("orders", "queue", QUEUES - 1),
    ("orders", "side", 1),
    ("orders", "kind", max(OrderType)),
    ("orders", "tif", max(TimeInForce)),
    ("orders", "stp", max(SelfTrade)),
    ("orders", "flags", 15),
)
"""Section, field, largest value; the least is 0."""


def fault_of(state: "State") -> str | None:
    """Say what is impossible about a state (section, record, field, expectation), or None."""
    return (
        _header_fault(state.header)
        or _limit_fault(state)
        or _pair_fault(state.pairs)
        or _key_fault(state)
        or _slot_fault(state.orders, state.slots)
        or _order_fault(state)
    )


def _first(section: str, wrong: NDArray[np.bool_], what: str) -> str | None:
    at = np.flatnonzero(wrong)
    return f"{section} {int(at[0])}: {what}" if len(at) else None


def _header_fault(header: Table) -> str | None:
    if len(header) != 1:
        return f"header: {len(header)} records, expected 1"
    if not 1 <= int(header[0]["capacity_max"]) <= ORDERS_MAX:
        return f"header: capacity_max is {int(header[0]['capacity_max'])}, expected 1 to {ORDERS_MAX}"
    if int(header[0]["sequence"]) > SEQUENCE_MAX:
        return f"header: sequence is {int(header[0]['sequence'])}, expected at most {SEQUENCE_MAX}"
    if not 0 <= int(header[0]["clock_ns"]) <= TIME_NS_MAX:
        return f"header: clock_ns is {int(header[0]['clock_ns'])}, expected 0 to {TIME_NS_MAX}"
    return None


def _limit_fault(state: "State") -> str | None:
    for section, field, most in LIMITS:
        values = getattr(state, section)[field]
        wrong = (values < 0) | (values > most)
        fault = _first(section, wrong, f"{field} is outside 0 to {most}")
        if fault:
            return fault
    wrong = np.abs(state.positions["net_lots"].astype(np.float64)) > POSITION_LOTS_MAX
    return _first("positions", wrong, f"net_lots is beyond {POSITION_LOTS_MAX}")


def _pair_fault(pairs: Table) -> str | None:
    for at, row in enumerate(pairs):
        try:
            pair_of(row)
        except ValueError as error:
            return f"pairs {at}: {error}"
    return None


def pair_of(row: np.void) -> Pair:
    """Return the pair of a STATE_PAIR record. Raises ValueError when it is none."""
    return Pair(
        int(row["pair"]),
        base=int(row["base"]),
        quote=int(row["quote"]),
        price_ticks_min=int(row["price_ticks_min"]),
        price_ticks_max=int(row["price_ticks_max"]),
        qty_lots_max=int(row["qty_lots_max"]),
        phase=Phase(int(row["phase"])),
        allocation=Allocation(int(row["allocation"])),
        iceberg_rule=IcebergRule(int(row["iceberg_rule"])),
        auction_rule=AuctionRule(int(row["auction_rule"])),
        pro_rata_minimum_lots=int(row["pro_rata_minimum_lots"]),
        pro_rata_top=bool(row["pro_rata_top"]),
        reference_ticks=int(row["reference_ticks"]),
        ladder=Ladder(int(row["ladder"])),
    )


def _keys(table: Table, first: str, second: str) -> NDArray[np.uint64]:
    keys: NDArray[np.uint64] = table[first].astype(np.uint64) << np.uint64(32) | table[second].astype(np.uint64)
    return keys


def _rising_fault(section: str, keys: NDArray[np.uint64], what: str) -> str | None:
    return _first(section, np.concatenate([[False], keys[1:] <= keys[:-1]]), f"{what} does not rise")


def _key_fault(state: "State") -> str | None:
    pairs, accounts = state.pairs["pair"], state.accounts["account"]
    known = _first("accounts", accounts >= ACCOUNTS_MAX, f"account is beyond {ACCOUNTS_MAX - 1}")
    return (
        known
        or _rising_fault("pairs", pairs.astype(np.uint64), "pair")
        or _rising_fault("accounts", accounts.astype(np.uint64), "account")
        or _rising_fault("positions", _keys(state.positions, "account", "pair"), "account and pair")
        or _rising_fault("backings", _keys(state.backings, "account", "instrument"), "account and instrument")
        or _first("positions", ~np.isin(state.positions["pair"], pairs), "pair is not in the snapshot")
        or _first("positions", ~np.isin(state.positions["account"], accounts), "account is not in the snapshot")
        or _first("backings", ~np.isin(state.backings["account"], accounts), "account is not in the snapshot")
    )


def _slot_fault(orders: Table, slots: Table) -> str | None:
    if len(slots) > ORDERS_MAX:
        return f"slots: {len(slots)}, expected at most {ORDERS_MAX}"
    at = (orders["handle"] & np.uint64(0xFFFFFFFF)).astype(np.int64) - 1
    fault = _first("orders", (at < 0) | (at >= len(slots)), "handle names a slot that is not in the snapshot")
    if fault:
        return fault
    if len(np.unique(at)) != len(at):
        return "orders: two in one slot"
    wrong = orders["handle"] >> np.uint64(32) != slots["generation"][at]
    ranks = np.sort(slots["free_rank"][slots["free_rank"] > 0])
    if not np.array_equal(ranks, np.arange(1, len(ranks) + 1)) or len(ranks) + len(orders) != len(slots):
        return "slots: each must be taken by an order or have its own place in the stack of free ones"
    return _first("orders", wrong, "handle is of another generation than its slot") or _first(
        "orders", slots["free_rank"][at] != 0, "its slot is free"
    )


def _order_fault(state: "State") -> str | None:
    orders, pairs = state.orders, state.pairs
    if not len(orders):
        return None
    fault = _first("orders", ~np.isin(orders["pair"], pairs["pair"]), "pair is not in the snapshot") or _first(
        "orders",
        ~np.isin(_keys(orders, "account", "pair"), _keys(state.positions, "account", "pair")),
        "its account has no position in the pair",
    )
    if fault:
        return fault
    row = pairs[np.searchsorted(pairs["pair"], orders["pair"])]
    low, high = row["price_ticks_min"], row["price_ticks_max"]
    price, trigger = orders["price_ticks"], orders["trigger_ticks"]
    waits = (orders["queue"] >= STOP_BUY) & (orders["queue"] <= ELECTED)
    lots = orders["displayed_lots"]
    place = _keys(orders, "pair", "queue")
    iceberg = orders["kind"] == OrderType.ICEBERG
    return (
        _first("orders", (price < low) | (price > high), "price_ticks is outside the pair's range")
        or _first("orders", np.where(waits, (trigger < low) | (trigger > high), trigger != 0), "trigger_ticks")
        or _first("orders", (lots < 1) | (lots > row["qty_lots_max"]), "displayed_lots is no quantity of the pair")
        or _first("orders", orders["reserve_lots"] > row["qty_lots_max"] - lots, "more leaves than the pair allows")
        or _first("orders", iceberg != (orders["peak_lots"] > 0), "peak_lots belongs to an iceberg and to no other")
        or _first("orders", (orders["tif"] == TimeInForce.GTD) != (orders["expiry_ns"] > 0), "expiry_ns belongs to GTD")
        or _first("orders", np.concatenate([[False], place[1:] < place[:-1]]), "not in book order")
    )
