"""LOBSTER recordings: a message file, and the order-book file beside it to check the rebuilt book against.

Neither has a header line. Messages: time (seconds after midnight), type, order id, size, price (dollars x 10,000),
direction (1 buy, -1 sell, of the resting order). Order book, one row after each message: ask price, ask size, bid
price, bid size, level by level. Rows of one time are one transaction.

A LOBSTER file begins in the middle of the day: orders that rested before are seen only as levels of the first row of
the order book. Each such level becomes one order of an opening snapshot, and messages about orders that were never
seen entering go to the one at their price.
"""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Side
from openoutcry.replay.assemble import Raw, assemble
from openoutcry.replay.columns import Column, Columns, Kind, read_columns
from openoutcry.replay.error import DamagedInput, ReplayError
from openoutcry.replay.flow import MESSAGE, NO_LEVEL, VENUE_CLOCK, Action, BookRows, Flow, MessageFlag, Messages
from openoutcry.replay.lives import NO_ENTRY, trace
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source, plain_name

NAME: Final = "lobster"

PRICE_UNIT: Final = Decimal("0.0001")
NS_PLACES: Final = 9
SECONDS_MAX: Final = 200_000
"""Latest time in a file, about two days after midnight."""

DUMMY: Final = 9_999_999_999
"""The price of a level that does not exist: positive for asks, negative for bids."""

SEED: Final = 1 << 62
"""Ids of the snapshot's orders begin here; LOBSTER's own are small."""

TYPES: Final = ("1", "2", "3", "4", "5", "6", "7")
ACTION_OF: Final = (
    Action.ADD, Action.REDUCE, Action.DELETE, Action.FILL, Action.TRADE, Action.AUCTION, 0,
)  # fmt: skip
HALT_TYPE: Final = 6

COLUMNS: Final = (
    Column("time", Kind.DECIMAL, places=NS_PLACES),
    Column("type", Kind.WORD, words=TYPES),
    Column("order_id", Kind.UNSIGNED),
    Column("size", Kind.INTEGER),
    Column("price", Kind.INTEGER),
    Column("direction", Kind.WORD, words=("1", "-1")),
)

HALTED: Final = "halt or resumption of trading"
OF_SNAPSHOT: Final = "message about an order from before the recording, taken off the level that was there"

_FILE_NAME: Final = re.compile(r"(?P<symbol>[^_]+)_(?P<date>\d{4}-\d\d-\d\d)_\d+_\d+_message_\d+\.csv")
_FIRST_LINE: Final = re.compile(rb"\d+(\.\d+)?,[1-7],\d+,-?\d+,-?\d+,-?1\r?\n")


def knows(name: str, head: bytes) -> bool:
    """Say whether a file is a message file of this format, from its name and its first bytes."""
    return plain_name(name).endswith(".csv") and "orderbook" not in name and _FIRST_LINE.match(head) is not None


def read(source: Source, options: Options) -> Flow:
    """Read a recording. Raises ReplayError for what is damaged; cost about 1 microsecond a row."""
    name = source.main if source.main is not None else _message_name(source)
    label = source.label(name)
    rows = read_columns(source.read(name), label, COLUMNS, header=False)
    _check_times(rows["time"], label)
    named = _FILE_NAME.fullmatch(plain_name(name))
    symbol = named["symbol"] if named else plain_name(name).removesuffix(".csv")
    midnight = date.fromisoformat(named["date"]) if named else date(1970, 1, 1)
    count = len(rows["time"])
    remarks: dict[str, int] = {}
    messages = _messages(rows, midnight)
    book = _book(source, name, count)
    if book is not None:
        messages = _seeded(messages, rows, book, remarks)
    raw = Raw(label, NAME, [symbol], messages, PRICE_UNIT, Decimal(1), count, VENUE_CLOCK, {}, remarks)
    halts = int((rows["type"] == HALT_TYPE).sum())
    if halts:
        raw.left_out[HALTED] = halts
    flow = assemble(raw, tick=options.tick, symbols=options.symbols)
    return flow if book is None else replace(flow, book=_expected(flow, book))


def _message_name(source: Source) -> str:
    found = [name for name in source.names() if knows(name, source.peek(name))]
    if len(found) != 1:
        raise ReplayError(f"{source.path}: expected one LOBSTER message file in it, found {len(found)}")
    return found[0]


def _check_times(times: NDArray[np.int64], label: str) -> None:
    bad = (times < 0) | (times > SECONDS_MAX * 10**NS_PLACES)
    bad[1:] |= times[1:] < times[:-1]
    if bad.any():
        record = int(np.argmax(bad))
        found = f"{Decimal(int(times[record])).scaleb(-NS_PLACES):f}"
        raise DamagedInput(
            label, record + 1, "time", "seconds after midnight, not before those of the row above", found
        )


def _messages(rows: Columns, midnight: date) -> Messages:
    """Return one message per row but for halts."""
    start = datetime(midnight.year, midnight.month, midnight.day, tzinfo=UTC)
    time = rows["time"]
    out = np.zeros(len(time), dtype=MESSAGE)
    out["time_ns"] = time + int(start.timestamp()) * 10**NS_PLACES
    out["record"] = np.arange(1, len(time) + 1)
    out["group"][1:] = np.cumsum(time[1:] != time[:-1])
    out["action"] = np.array(ACTION_OF, dtype=np.uint8)[rows["type"]]
    out["order_id"] = rows["order_id"]
    out["side"] = rows["direction"]
    out["price_ticks"], out["qty_lots"] = rows["price"], rows["size"]
    kept: Messages = out[rows["type"] != HALT_TYPE]
    return kept


def _book(source: Source, name: str, count: int) -> NDArray[np.int64] | None:
    """Return the order-book file beside a message file, (rows, 4 x levels), or None where there is none."""
    last = name.rpartition("/")[2]
    beside = source.sibling(name, last.replace("message", "orderbook")) if "message" in last else None
    if beside is None:
        return None
    data, label = source.read(beside), source.label(beside)
    width = data.split(b"\n", 1)[0].count(b",") + 1
    if width % 4:
        raise DamagedInput(label, 1, "level", "four fields for each level", f"{width} fields")
    names = [f"{what} {level}" for level in range(1, width // 4 + 1) for what in _LEVEL]
    columns = read_columns(data, label, [Column(column, Kind.INTEGER) for column in names], header=False)
    book = np.stack([columns[column] for column in names], axis=1)
    if len(book) != count:
        raise ReplayError(f"{label}: expected one row for each of {count} messages, found {len(book)}")
    return book


_LEVEL: Final = ("ask price", "ask size", "bid price", "bid size")


def _seeded(messages: Messages, rows: Columns, book: NDArray[np.int64], remarks: dict[str, int]) -> Messages:
    """Put the levels that were there before the first message in front of it, and send to them the messages about
    orders that were never seen entering.
    """
    levels = _levels_before(rows, book[0])
    lives = trace(messages)
    orphans = np.flatnonzero(lives.entry == NO_ENTRY)
    known = {level: SEED + place for place, level in enumerate(levels)}
    found = 0
    for row in orphans.tolist():
        seed = known.get((int(messages["side"][row]), int(messages["price_ticks"][row])))
        if seed is not None:
            found += 1
            messages["order_id"][row] = seed
            if messages["action"][row] == Action.DELETE:
                messages["action"][row] = Action.REDUCE
    if found:
        remarks[OF_SNAPSHOT] = found
    seeds = np.zeros(len(levels), dtype=MESSAGE)
    if len(messages):
        for name in ("time_ns", "group"):
            seeds[name] = messages[name][0]
    seeds["action"], seeds["flags"] = Action.ADD, MessageFlag.SNAPSHOT
    for place, ((side, price), size) in enumerate(levels.items()):
        seeds["order_id"][place], seeds["side"][place] = SEED + place, side
        seeds["price_ticks"][place], seeds["qty_lots"][place] = price, size
    return np.concatenate([seeds, messages])


def _levels_before(rows: Columns, first: NDArray[np.int64]) -> dict[tuple[int, int], int]:
    """Return the size at each side and price before the first message: the first row of the book without its effect."""
    levels: dict[tuple[int, int], int] = {}
    for place, (price, size) in enumerate(zip(first[0::2].tolist(), first[1::2].tolist(), strict=True)):
        if abs(price) != DUMMY:
            levels[Side.BUY if place % 2 else Side.SELL, price] = size
    level = (int(rows["direction"][0]), int(rows["price"][0]))
    action = ACTION_OF[int(rows["type"][0])]
    if action == Action.ADD:
        levels[level] = levels.get(level, 0) - int(rows["size"][0])
    elif action in (Action.REDUCE, Action.DELETE, Action.FILL):
        levels[level] = levels.get(level, 0) + int(rows["size"][0])
    return {level: size for level, size in levels.items() if size > 0}


def _expected(flow: Flow, book: NDArray[np.int64]) -> BookRows:
    """Return the rows of the book that hold after a message of the flow, in ticks and lots."""
    step = int(flow.pairs[0].tick / PRICE_UNIT)
    shown = np.flatnonzero(flow.messages["record"] > 0)
    rows = book[flow.messages["record"][shown].astype(np.int64) - 1]
    prices = rows[:, 0::2]
    missing = np.abs(prices) == DUMMY
    ticks = np.where(missing, NO_LEVEL, prices // step)
    return BookRows(shown, ticks, np.where(missing, 0, rows[:, 1::2]))
