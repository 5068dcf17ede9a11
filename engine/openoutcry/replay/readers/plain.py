"""Our own plain CSV: one line per message, for recordings of any other origin and for small examples by hand.

The columns are described in docs/reference/readers.md; `write` writes a flow in this format.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import OrderType, TimeInForce
from openoutcry.domain.limits import TIME_NS_MAX
from openoutcry.replay.assemble import Raw, assemble
from openoutcry.replay.columns import Column, Kind, read_columns
from openoutcry.replay.error import DamagedInput, ReplayError
from openoutcry.replay.flow import MESSAGE, Action, Flow, MessageFlag
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source, plain_name

NAME: Final = "csv"

PLACES: Final = 9
UNIT: Final = Decimal("1e-9")
"""Prices and quantities are exact to nine decimal places."""

ACTIONS: Final = tuple(action.name.lower() for action in Action)
SIDES: Final = ("buy", "sell")
TYPES: Final = ("limit", "market", "post_only")
TYPE_OF: Final = (OrderType.LIMIT, OrderType.MARKET, OrderType.POST_ONLY)
TIMES: Final = ("gtc", "ioc", "fok")
TIME_OF: Final = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
ORIGINS: Final = ("live", "snapshot")

COLUMNS: Final = (
    Column("time_ns", Kind.INTEGER),
    Column("action", Kind.WORD, words=ACTIONS),
    Column("order_id", Kind.UNSIGNED),
    Column("side", Kind.WORD, words=SIDES),
    Column("price", Kind.DECIMAL, places=PLACES),
    Column("quantity", Kind.DECIMAL, places=PLACES),
    Column("symbol", Kind.TEXT, optional=True),
    Column("other_id", Kind.UNSIGNED, optional=True),
    Column("type", Kind.WORD, words=TYPES, optional=True),
    Column("time_in_force", Kind.WORD, words=TIMES, optional=True),
    Column("origin", Kind.WORD, words=ORIGINS, optional=True),
)


def knows(name: str, head: bytes) -> bool:
    """Say whether a file is of this format, from its name and its first bytes."""
    first = head.split(b"\n", 1)[0].strip().split(b",")
    return plain_name(name).endswith(".csv") and all(
        column.name.encode() in first for column in COLUMNS if not column.optional
    )


def read(source: Source, options: Options) -> Flow:
    """Read a recording. Raises ReplayError for what is damaged; cost about 1 microsecond a row."""
    name = source.main if source.main is not None else _only_csv(source)
    label = source.label(name)
    rows = read_columns(source.read(name), label, COLUMNS, header=True)
    count = len(rows["time_ns"])
    times = rows["time_ns"]
    bad = (times < 0) | (times > TIME_NS_MAX)
    bad[1:] |= times[1:] < times[:-1]
    if bad.any():
        record = int(np.argmax(bad))
        expected = "nanoseconds since 1970, not before those of the row above"
        raise DamagedInput(label, record + 1, "time_ns", expected, str(int(times[record])))

    messages = np.zeros(count, dtype=MESSAGE)
    messages["time_ns"] = times
    messages["record"] = np.arange(1, count + 1)
    messages["group"][1:] = np.cumsum(times[1:] != times[:-1])
    messages["action"] = rows["action"] + 1
    messages["order_id"], messages["side"] = rows["order_id"], rows["side"]
    messages["price_ticks"] = rows["price"]
    places = _places(rows["quantity"])
    messages["qty_lots"] = rows["quantity"] // 10 ** (PLACES - places)
    if "other_id" in rows:
        messages["other_id"] = rows["other_id"]
    if "type" in rows:
        messages["kind"] = np.array(TYPE_OF, dtype=np.uint8)[rows["type"]]
    if "time_in_force" in rows:
        messages["tif"] = np.array(TIME_OF, dtype=np.uint8)[rows["time_in_force"]]
    if "origin" in rows:
        messages["flags"] = rows["origin"] * MessageFlag.SNAPSHOT
    symbols = [plain_name(name).removesuffix(".csv")]
    if "symbol" in rows:
        found, messages["pair"] = np.unique(rows["symbol"].astype(str), return_inverse=True)
        symbols = found.tolist()
    lot = Decimal(1).scaleb(-places)
    return assemble(Raw(label, NAME, symbols, messages, UNIT, lot, count), tick=options.tick, symbols=options.symbols)


def write(flow: Flow, path: Path) -> None:
    """Write a flow; reading it gives the same messages. Cost about 3 microseconds a message."""
    header = "time_ns,action,symbol,order_id,side,price,quantity,other_id,type,time_in_force,origin\n"
    with path.open("w", encoding="ascii", newline="") as out:
        out.write(header)
        out.writelines(_lines(flow))


def _lines(flow: Flow) -> Iterator[str]:
    fields = ("time_ns", "action", "pair", "order_id", "side", "price_ticks", "qty_lots", "other_id", "kind", "tif")
    columns = [flow.messages[name].tolist() for name in (*fields, "flags")]
    types = dict(zip(TYPE_OF, TYPES, strict=True))
    times = dict(zip(TIME_OF, TIMES, strict=True))
    for time, action, pair, order, side, ticks, lots, other, kind, tif, flags in zip(*columns, strict=True):
        one = flow.pairs[pair]
        yield (
            f"{time},{ACTIONS[action - 1]},{one.symbol},{order},{SIDES[side]},{one.price(ticks):f},"
            f"{one.quantity(lots):f},{other},{types[kind]},{times[tif]},{ORIGINS[flags & MessageFlag.SNAPSHOT]}\n"
        )


def _only_csv(source: Source) -> str:
    found = [name for name in source.names() if knows(name, source.peek(name))]
    if len(found) != 1:
        raise ReplayError(f"{source.path}: expected one file of the plain CSV format in it, found {len(found)}")
    return found[0]


def _places(quantities: NDArray[np.int64]) -> int:
    """Return how many decimal places the quantities use."""
    used = int(np.gcd.reduce(quantities)) if len(quantities) else 0
    places = PLACES
    while places and used % 10 == 0:
        places, used = places - 1, used // 10
    return places
