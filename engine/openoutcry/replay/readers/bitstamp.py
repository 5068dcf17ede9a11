"""Bitstamp level-3 recordings: `orders.csv` with one row per message of the live-orders channel.

Columns: id, exchange_timestamp (milliseconds UTC), price, volume (what is left of the order), action (created,
changed, deleted), direction (bid, ask); others are not read. Rows are in the venue's order; rows of one millisecond
are one transaction. Beside it, when there: `trades.csv` (buy_order_id, sell_order_id, price, amount) to check the
fills against, and `meta.json`, which says whether the recording opens with a snapshot and closes with deletions that
are not the venue's.

What an order wanted is read from what became of it: see docs/reference/readers.md.
"""

import json
from collections import Counter
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import OrderType, Side, TimeInForce
from openoutcry.replay.assemble import ALREADY_GONE, NEVER_ENTERED, Raw, assemble
from openoutcry.replay.columns import Column, Columns, Kind, read_columns
from openoutcry.replay.error import DamagedInput, ReplayError
from openoutcry.replay.flow import MESSAGE, Action, Flow, MessageFlag, Messages
from openoutcry.replay.readers.options import Options
from openoutcry.replay.snapshot import STALE, drop_stale
from openoutcry.replay.source import Source, plain_name

NAME: Final = "bitstamp"

PLACES: Final = 8
UNIT: Final = Decimal("1e-8")
"""Prices and volumes are exact to eight decimal places."""

MARKET_BUY_PRICE: Final = 999_999_999 * 10**PLACES
"""The price that the venue shows for a market order to buy; one to sell has price 0."""

NS_PER_MS: Final = 1_000_000
TIME_MS_MAX: Final = 2**63 // NS_PER_MS - 1

CREATED, CHANGED, DELETED = range(3)
ACTIONS: Final = ("created", "changed", "deleted")
DIRECTIONS: Final = ("bid", "ask")

ORDERS: Final = (
    Column("id", Kind.UNSIGNED),
    Column("exchange_timestamp", Kind.INTEGER),
    Column("price", Kind.DECIMAL, places=PLACES),
    Column("volume", Kind.DECIMAL, places=PLACES),
    Column("action", Kind.WORD, words=ACTIONS),
    Column("direction", Kind.WORD, words=DIRECTIONS),
)
TRADES: Final = (
    Column("price", Kind.DECIMAL, places=PLACES),
    Column("amount", Kind.DECIMAL, places=PLACES),
    Column("buy_order_id", Kind.UNSIGNED),
    Column("sell_order_id", Kind.UNSIGNED),
)

CLOSING: Final = "deletion with which the recording closes, not the venue's"
CHANGED_ALONE: Final = "change without a counterpart, taken as a reduction"
POST_ONLY: Final = "order that the venue refused or withdrew untouched at once, taken as post-only"
IMMEDIATE: Final = "order that traded and whose rest was withdrawn at once, taken as immediate-or-cancel"
MARKET: Final = "market order"
BY_AMOUNT: Final = "market order by amount, its quantity taken from its fills"
NOT_IN_TRADES: Final = "fill that trades.csv does not list"
NOT_IN_ORDERS: Final = "trade of trades.csv that the orders do not show"


def knows(name: str, head: bytes) -> bool:
    """Say whether a file is an order file of this format, from its name and its first bytes."""
    first = head.split(b"\n", 1)[0]
    return plain_name(name).endswith(".csv") and all(
        column.name.encode() in first.split(b",") for column in ORDERS if column.name != "direction"
    )


def read(source: Source, options: Options) -> Flow:
    """Read a recording. Raises ReplayError for what is damaged; cost about 3 microseconds a row."""
    name = source.main if source.main is not None else _orders_name(source)
    label = source.label(name)
    rows = read_columns(source.read(name), label, ORDERS, header=True)
    _check_times(rows["exchange_timestamp"], label)
    meta = _meta(source, name)
    remarks: dict[str, int] = {}
    left_out: dict[str, int] = {}
    messages = _messages(rows, meta, left_out, remarks)
    trades = source.sibling(name, "trades.csv", "trades.csv.gz")
    if trades is not None:
        listed = read_columns(source.read(trades), source.label(trades), TRADES, header=True)
        _compare(messages, listed, remarks)
    symbol = str(meta.get("pair", "bitstamp")).upper()
    raw = Raw(label, NAME, [symbol], messages, UNIT, UNIT, len(rows["id"]), left_out=left_out, remarks=remarks)
    flow = assemble(raw, tick=options.tick, symbols=options.symbols)
    kept, stale = drop_stale(flow.messages)
    if stale:
        remarks = {**flow.remarks, STALE: stale}
        return Flow(flow.source, flow.reader, flow.pairs, kept, flow.records, flow.clock, flow.left_out, remarks)
    return flow


def _orders_name(source: Source) -> str:
    found = [name for name in source.names() if plain_name(name) == "orders.csv"]
    if len(found) != 1:
        raise ReplayError(f"{source.path}: expected one orders.csv or orders.csv.gz in it, found {len(found)}")
    return found[0]


def _meta(source: Source, name: str) -> dict[str, Any]:
    beside = source.sibling(name, "meta.json")
    if beside is None:
        return {}
    try:
        meta = json.loads(source.read(beside))
    except ValueError as error:
        raise ReplayError(f"{source.label(beside)}: expected JSON ({error})") from error
    if not isinstance(meta, dict):
        raise ReplayError(f"{source.label(beside)}: expected a JSON object")
    return meta


def _check_times(times: NDArray[np.int64], label: str) -> None:
    bad = (times < 0) | (times > TIME_MS_MAX)
    bad[1:] |= times[1:] < times[:-1]
    if bad.any():
        record = int(np.argmax(bad))
        expected = f"milliseconds since 1970, not before those of the row above, at most {TIME_MS_MAX}"
        raise DamagedInput(label, record + 1, "exchange_timestamp", expected, str(int(times[record])))


def _messages(rows: Columns, meta: dict[str, Any], left_out: dict[str, int], remarks: dict[str, int]) -> Messages:
    """Turn rows into messages, one for one, but for those of orders that never entered and of the closing."""
    ids, action, volume = rows["id"], rows["action"], rows["volume"]
    count = len(ids)
    time = rows["exchange_timestamp"]
    group = np.zeros(count, dtype=np.int64)
    group[1:] = np.cumsum(time[1:] != time[:-1])

    before, created_at, live = _history(ids, action, volume)
    opening = _opening(group, action, meta)
    closing = _closing(group, action, meta)
    orphan = (action != CREATED) & (created_at < 0)
    gone = (action != CREATED) & (created_at >= 0) & ~live
    if gone.any():
        left_out[ALREADY_GONE] = int(gone.sum())
    if orphan.any():
        left_out[NEVER_ENTERED] = int(orphan.sum())
    if closing.any():
        left_out[CLOSING] = int(closing.sum())
    use = ~(orphan | gone | closing)

    out = np.zeros(count, dtype=MESSAGE)
    out["time_ns"] = time * NS_PER_MS
    out["record"] = np.arange(1, count + 1)
    out["order_id"] = ids
    out["price_ticks"] = rows["price"]
    out["group"] = group
    out["side"] = rows["direction"]
    out["action"] = np.choose(action, [Action.ADD, Action.REDUCE, Action.DELETE])
    out["qty_lots"] = np.where(action == CREATED, volume, np.where(action == DELETED, before, before - volume))
    out["flags"][opening] = MessageFlag.SNAPSHOT

    by_amount = (action == CREATED) & (volume == 0) & _is_market(rows) & ~opening
    taker_rows, maker_rows = _fills(rows, group, before, created_at, use, by_amount)
    _mark_fills(out, rows, before, taker_rows, maker_rows)
    alone = use & (action == CHANGED) & (out["action"] == Action.REDUCE)
    if alone.any():
        remarks[CHANGED_ALONE] = int(alone.sum())
    _mark_types(out, rows, group, before, created_at, taker_rows, opening, remarks)
    _size_by_amount(out, np.flatnonzero(by_amount), created_at, taker_rows, remarks)
    use &= ~((out["action"] == Action.REDUCE) & (out["qty_lots"] <= 0))
    kept: Messages = out[use]
    return kept


def _history(
    ids: NDArray[np.uint64], action: NDArray[np.uint8], volume: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return for each row: the volume before it, the row that created its order (-1: none), whether it was live."""
    order = np.argsort(ids, kind="stable")
    begins = action[order] == CREATED
    first = np.ones(len(ids), dtype=np.bool_)
    first[1:] = ids[order][1:] != ids[order][:-1]
    begins |= first
    start = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    created = np.where(action[order][start] == CREATED, order[start], -1)
    before = np.zeros(len(ids), dtype=np.int64)
    live = np.zeros(len(ids), dtype=np.bool_)
    inner = np.flatnonzero(~begins)
    before[order[inner]] = volume[order[inner - 1]]
    live[order[inner]] = action[order[inner - 1]] != DELETED
    created_at = np.empty(len(ids), dtype=np.int64)
    created_at[order] = created
    return before, created_at, live


def _opening(group: NDArray[np.int64], action: NDArray[np.uint8], meta: dict[str, Any]) -> NDArray[np.bool_]:
    """Return the rows of the opening snapshot: the first transaction, if it only creates and meta.json says so."""
    first = np.asarray(group == 0)
    if meta.get("synthetic_created", 0) and bool((action[first] == CREATED).all()):
        return first
    return np.zeros(len(group), dtype=np.bool_)


def _closing(group: NDArray[np.int64], action: NDArray[np.uint8], meta: dict[str, Any]) -> NDArray[np.bool_]:
    """Return the rows that close the recording: the last transactions, as many deletions as meta.json says."""
    rows = np.zeros(len(group), dtype=np.bool_)
    count = int(meta.get("synthetic_deleted", 0))
    if 0 < count <= len(rows) and bool((action[-count:] == DELETED).all()):
        rows[-count:] = True
    return rows


def _is_market(rows: Columns) -> NDArray[np.bool_]:
    buys, sells = rows["direction"] == Side.BUY, rows["direction"] == Side.SELL
    return np.asarray((buys & (rows["price"] >= MARKET_BUY_PRICE)) | (sells & (rows["price"] == 0)))


def _fills(
    rows: Columns,
    group: NDArray[np.int64],
    before: NDArray[np.int64],
    created_at: NDArray[np.int64],
    use: NDArray[np.bool_],
    by_amount: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the fills: two rows in succession that take the same volume off orders of opposite sides.

    Returns the taker's and the maker's row of each. The taker is the order that was created later.
    """
    action, volume, side = rows["action"], rows["volume"], rows["direction"]
    takes = use & ((action == CHANGED) | ((action == DELETED) & (volume == 0)))
    row = np.flatnonzero(takes)
    if len(row) < 2:
        return row[:0], row[:0]
    one, two = row[:-1], row[1:]
    taken = before - volume
    paired = (group[one] == group[two]) & (side[one] != side[two])
    paired &= (taken[one] == taken[two]) | by_amount[created_at[one]] | by_amount[created_at[two]]
    run_start = np.ones(len(paired), dtype=np.bool_)
    run_start[1:] = ~paired[:-1]
    place = np.arange(len(paired)) - np.maximum.accumulate(np.where(run_start, np.arange(len(paired)), 0))
    chosen = np.flatnonzero(paired & (place % 2 == 0))
    one, two = one[chosen], two[chosen]
    swap = created_at[two] > created_at[one]
    return np.where(swap, two, one), np.where(swap, one, two)


def _mark_fills(
    out: Messages, rows: Columns, before: NDArray[np.int64], taker: NDArray[np.int64], maker: NDArray[np.int64]
) -> None:
    quantity = before[maker] - rows["volume"][maker]
    out["action"][taker], out["action"][maker] = Action.TAKE, Action.FILL
    out["other_id"][taker], out["other_id"][maker] = out["order_id"][maker], out["order_id"][taker]
    out["qty_lots"][taker] = out["qty_lots"][maker] = quantity
    out["price_ticks"][maker] = rows["price"][taker]


def _mark_types(
    out: Messages,
    rows: Columns,
    group: NDArray[np.int64],
    before: NDArray[np.int64],
    created_at: NDArray[np.int64],
    taker: NDArray[np.int64],
    opening: NDArray[np.bool_],
    remarks: dict[str, int],
) -> None:
    """Say what kind of order each was, from what became of it within its first transaction."""
    created = (rows["action"] == CREATED) & ~opening
    market = created & _is_market(rows)
    withdrawn = np.flatnonzero((rows["action"] == DELETED) & (created_at >= 0) & (rows["volume"] != 0))
    withdrawn = withdrawn[group[withdrawn] == group[created_at[withdrawn]]]
    at_once = created_at[withdrawn]
    traded = np.zeros(len(created), dtype=np.bool_)
    traded[created_at[taker]] = True
    gone = np.zeros(len(created), dtype=np.bool_)
    gone[at_once] = True
    untouched = gone & created & ~market & ~traded
    immediate = gone & created & ~market & traded
    out["kind"][market] = OrderType.MARKET
    out["tif"][market] = TimeInForce.IOC
    out["price_ticks"][market] = 0
    out["kind"][untouched] = OrderType.POST_ONLY
    out["tif"][immediate] = TimeInForce.IOC
    for words, which in ((MARKET, market), (POST_ONLY, untouched), (IMMEDIATE, immediate)):
        if which.any():
            remarks[words] = int(which.sum())


def _size_by_amount(
    out: Messages,
    orders: NDArray[np.int64],
    created_at: NDArray[np.int64],
    taker: NDArray[np.int64],
    remarks: dict[str, int],
) -> None:
    """Give a market order by amount, which has no volume of its own, the sum of its fills as quantity."""
    if len(orders) == 0:
        return
    total = np.zeros(len(out), dtype=np.int64)
    np.add.at(total, created_at[taker], out["qty_lots"][taker])
    out["qty_lots"][orders] = total[orders]
    remarks[BY_AMOUNT] = len(orders)


def _compare(messages: Messages, listed: Columns, remarks: dict[str, int]) -> None:
    """Count where the fills that the orders show and the listed trades disagree."""
    fills = messages[messages["action"] == Action.FILL]
    sells = fills["side"] == Side.SELL
    seller = np.where(sells, fills["order_id"], fills["other_id"])
    buyer = np.where(sells, fills["other_id"], fills["order_id"])
    shown = Counter(
        zip(buyer.tolist(), seller.tolist(), fills["price_ticks"].tolist(), fills["qty_lots"].tolist(), strict=True)
    )
    columns = (listed[name].tolist() for name in ("buy_order_id", "sell_order_id", "price", "amount"))
    trades = Counter(zip(*columns, strict=True))
    for words, count in ((NOT_IN_TRADES, (shown - trades).total()), (NOT_IN_ORDERS, (trades - shown).total())):
        if count:
            remarks[words] = count
