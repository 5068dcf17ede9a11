"""The fast books' memory as canonical state, and back."""

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.kernel.surveying import link_orders, list_pair, rank_orders, restore_backings, restore_positions
from openoutcry.book.state import (
    STATE_ACCOUNT,
    STATE_BACKING,
    STATE_HEADER,
    STATE_ORDER,
    STATE_PAIR,
    STATE_POSITION,
    STATE_SLOT,
    Queue,
    State,
)
from openoutcry.book.state_check import pair_of
from openoutcry.book.storage import Storage
from openoutcry.domain.order import OrderType, TimeInForce
from openoutcry.domain.pair import Pair

Table = NDArray[np.void]

LIVE = 1 << 20
PAIR_FIELDS = {
    "base": "base",
    "quote": "quote",
    "phase": "phase",
    "closing": "closing",
    "allocation": "allocation",
    "iceberg_rule": "iceberg_rule",
    "auction_rule": "auction_rule",
    "pro_rata_top": "pro_rata_top",
    "ladder": "hashed",
    "price_ticks_min": "price_min",
    "price_ticks_max": "price_max",
    "qty_lots_max": "qty_max",
    "pro_rata_minimum_lots": "pro_rata_minimum",
    "last_ticks": "last",
    "reference_ticks": "reference",
    "band_low_ticks": "band_low",
    "band_high_ticks": "band_high",
    "open_lots": "open_lots",
}
"""Field of STATE_PAIR: field of the pool."""
ACCOUNT_FIELDS = {
    "group": "group",
    "broker": "broker",
    "session": "session",
    "open_orders": "open_orders",
    "open_orders_max": "open_orders_max",
    "order_lots_max": "order_lots_max",
    "notional_max": "notional_max",
    "collar_ticks": "collar",
    "position_lots_max": "position_max",
    "protect_interval_ns": "protect_interval",
}
MORE_FIELDS = {"protect_lots": "protect_lots", "protect_delta_lots": "protect_delta", "protect_fills": "protect_fills"}
POSITION_FIELDS = {
    "account": "account",
    "pair": "pair",
    "net_lots": "net",
    "open_buy_lots": "open_buy",
    "open_sell_lots": "open_sell",
    "tripped": "tripped",
}
WINDOW_FIELDS = {
    "window_begin_ns": "window_begin",
    "window_lots": "window_lots",
    "window_net_lots": "window_net",
    "window_fills": "window_fills",
}


def copy_fields(to: Table, source: Table, names: dict[str, str]) -> None:
    """Copy fields from one structured array to another under other names."""
    for name, theirs in names.items():
        to[name] = source[theirs]


def order_records(storage: Storage, slots: NDArray[np.int64]) -> Table:
    """Return the STATE_ORDER records of live orders, in the order of `slots`."""
    ranks = np.zeros(storage.word("high") + 1, dtype=np.uint32)
    slots = np.ascontiguousarray(slots)
    rank_orders(storage.address, slots.ctypes.data, len(slots), ranks.ctypes.data)
    rows = storage.table("orders")[slots]
    more = storage.table("more")[slots]
    position = storage.table("positions")[rows["position"]]
    out = np.zeros(len(slots), dtype=STATE_ORDER)
    bits = rows["bits"]
    out["handle"] = rows["generation"].astype(np.uint64) << np.uint64(32) | slots.astype(np.uint64)
    out["client_id"] = rows["client_id"]
    out["pair"], out["account"] = position["pair"], position["account"]
    out["side"] = bits & 1
    out["queue"] = bits >> 1 & 15
    out["kind"] = bits >> 5 & 15
    out["tif"] = bits >> 9 & 7
    out["stp"] = bits >> 12 & 7
    out["flags"] = bits >> 16 & 15
    out["account_rank"] = ranks[slots]
    out["price_ticks"] = rows["price"]
    out["displayed_lots"] = rows["displayed"]
    out["reserve_lots"] = rows["reserve"]
    out["original_lots"] = rows["original"]
    out["peak_lots"] = np.where(out["kind"] == OrderType.ICEBERG, more["peak"], 0)
    waits = (out["queue"] >= Queue.STOP_BUY) & (out["queue"] <= Queue.ELECTED)
    out["trigger_ticks"] = np.where(waits, more["trigger"], 0)
    out["expiry_ns"] = np.where(out["tif"] == TimeInForce.GTD, more["expiry"], 0)
    return out


def state_of(storage: Storage, pairs: dict[int, Pair]) -> State:
    """Return the canonical state of the fast books."""
    header = np.zeros(1, dtype=STATE_HEADER)
    header["sequence"], header["clock_ns"] = storage.word("sequence"), storage.word("clock")
    header["capacity_max"] = storage.capacity_max
    return State(
        header=header,
        pairs=_pairs(storage, pairs),
        accounts=_accounts(storage),
        positions=_positions(storage),
        backings=_backings(storage),
        orders=order_records(storage, _all_slots(storage, pairs)),
        slots=_slots(storage),
    )


def _all_slots(storage: Storage, pairs: dict[int, Pair]) -> NDArray[np.int64]:
    out = np.zeros(storage.word("live") + 1, dtype=np.int64)
    at = 0
    for pair in sorted(pairs):
        at += list_pair(storage.address, pair, out.ctypes.data + 8 * at)
    return out[:at]


def _pairs(storage: Storage, pairs: dict[int, Pair]) -> Table:
    ids = np.array(sorted(pairs), dtype=np.int64)
    rows = storage.table("pairs")[ids]
    out = np.zeros(len(ids), dtype=STATE_PAIR)
    out["pair"] = ids
    out["retired"] = rows["known"] == 2
    copy_fields(out, rows, PAIR_FIELDS)
    out["top_bid"], out["top_ask"] = rows["top"][:, 0], rows["top"][:, 1]
    return out


def _accounts(storage: Storage) -> Table:
    count = storage.word("account_count")
    rows = storage.table("accounts")[:count]
    ids = np.flatnonzero(rows["flags"] & 1)
    out = np.zeros(len(ids), dtype=STATE_ACCOUNT)
    out["account"] = ids
    copy_fields(out, rows[ids], ACCOUNT_FIELDS)
    copy_fields(out, storage.table("accounts_more")[ids], MORE_FIELDS)
    out["backed"] = rows[ids]["flags"] >> 1 & 1
    return out


def _positions(storage: Storage) -> Table:
    there = np.flatnonzero(storage.table("positions")["used"])
    rows, more = storage.table("positions")[there], storage.table("positions_more")[there]
    used = (rows["net"] != 0) | (rows["open_buy"] != 0) | (rows["open_sell"] != 0)
    used |= (rows["tripped"] != 0) | (more["window_fills"] != 0)
    out = np.zeros(int(used.sum()), dtype=STATE_POSITION)
    copy_fields(out, rows[used], POSITION_FIELDS)
    copy_fields(out, more[used], WINDOW_FIELDS)
    return out[np.lexsort((out["pair"], out["account"]))]


def _backings(storage: Storage) -> Table:
    rows = storage.table("backings")
    rows = rows[(rows["available"] != 0) | (rows["drawn"] != 0) | (rows["spent"] != 0)]
    out = np.zeros(len(rows), dtype=STATE_BACKING)
    out["account"] = rows["key"] - 1 >> 32
    out["instrument"] = rows["key"] - 1 & 0xFFFFFFFF
    copy_fields(out, rows, {name: name for name in ("available", "drawn", "spent")})
    return out[np.lexsort((out["instrument"], out["account"]))]


def _slots(storage: Storage) -> Table:
    high = storage.word("high")
    rows = storage.table("orders")
    out = np.zeros(high, dtype=STATE_SLOT)
    out["generation"] = rows["generation"][1 : high + 1]
    free, slot = [], storage.word("free")
    following = rows["next"]
    while slot:
        free.append(slot)
        slot = int(following[slot])
    out["free_rank"][np.array(free, dtype=np.int64) - 1] = np.arange(len(free), 0, -1)
    return out


def restore_storage(storage: Storage, state: State) -> dict[int, Pair]:
    """Fill empty memory from a state; return its pairs."""
    orders = state.orders
    storage.reserve(len(state.slots), len(state.positions), len(state.backings))
    for name in ("sequence", "clock"):
        storage.set_word(name, int(state.header[0]["sequence" if name == "sequence" else "clock_ns"]))
    pairs = {int(row["pair"]): pair_of(row) for row in state.pairs}
    storage.add_pairs(list(pairs.values()))
    rows = storage.table("pairs")
    for row in state.pairs:
        pair = int(row["pair"])
        for name, ours in PAIR_FIELDS.items():
            rows[pair][ours] = row[name]
        rows[pair]["known"] = 2 if row["retired"] else 1
        rows[pair]["top"] = [row["top_bid"], row["top_ask"]]
    _restore_accounts(storage, state.accounts)
    _restore_pools(storage, state)
    _restore_orders(storage, orders, state.slots)
    return pairs


def _restore_accounts(storage: Storage, accounts: Table) -> None:
    if not len(accounts):
        return
    count = int(accounts["account"].max()) + 1
    storage.make_accounts(count)
    storage.set_word("account_count", count)
    rows, more = storage.table("accounts"), storage.table("accounts_more")
    ids = accounts["account"]
    for name, ours in ACCOUNT_FIELDS.items():
        rows[ours][ids] = accounts[name]
    for name, ours in MORE_FIELDS.items():
        more[ours][ids] = accounts[name]
    rows["flags"][ids] = 1 | accounts["backed"] << 1


def _restore_pools(storage: Storage, state: State) -> None:
    backings, positions = np.ascontiguousarray(state.backings), np.ascontiguousarray(state.positions)
    restore_backings(storage.address, backings.ctypes.data, len(backings))
    restore_positions(storage.address, positions.ctypes.data, len(positions))


def _restore_orders(storage: Storage, orders: Table, slots: Table) -> None:
    rows, more = storage.table("orders"), storage.table("more")
    high = len(slots)
    rows["generation"][1 : high + 1] = slots["generation"]
    storage.set_word("high", high)
    free = np.flatnonzero(slots["free_rank"])
    stack = free[np.argsort(slots["free_rank"][free])] + 1
    below = 0
    for slot in stack.tolist():
        rows["next"][slot] = below
        below = slot
    storage.set_word("free", below)
    storage.set_word("live", len(orders))
    at = (orders["handle"] & np.uint64(0xFFFFFFFF)).astype(np.int64)
    wide = {name: orders[name].astype(np.uint32) for name in ("side", "queue", "kind", "tif", "stp", "flags")}
    bits = wide["side"] | wide["queue"] << 1 | wide["kind"] << 5 | wide["tif"] << 9 | wide["stp"] << 12
    rows["bits"][at] = bits | wide["flags"] << 16 | LIVE
    rows["client_id"][at] = orders["client_id"]
    rows["price"][at] = orders["price_ticks"]
    rows["displayed"][at] = orders["displayed_lots"]
    rows["reserve"][at] = orders["reserve_lots"]
    rows["original"][at] = orders["original_lots"]
    for name, field in (("peak", "peak_lots"), ("trigger", "trigger_ticks"), ("expiry", "expiry_ns")):
        used = orders[field] != 0
        more[name][at[used]] = orders[field][used]
    rows["position"][at] = _position_numbers(storage, orders)
    ranked = np.ascontiguousarray(at[np.argsort(orders["account_rank"], kind="stable")])
    link_orders(storage.address, ranked.ctypes.data, at.ctypes.data, len(at))


def _position_numbers(storage: Storage, orders: Table) -> NDArray[np.int64]:
    """Return the number of each order's position; every live order has one, since its lots are open."""
    rows = storage.table("positions")
    there = np.flatnonzero(rows["used"])
    keys = rows["account"][there].astype(np.uint64) << np.uint64(32) | rows["pair"][there].astype(np.uint64)
    wanted = orders["account"].astype(np.uint64) << np.uint64(32) | orders["pair"].astype(np.uint64)
    by_key = np.argsort(keys)
    numbers: NDArray[np.int64] = there[by_key][np.searchsorted(keys[by_key], wanted)]
    return numbers
