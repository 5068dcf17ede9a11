"""Writes Databento files of schema MBO with the library's own records: A, C, M, T, F and the flag of an event's end."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa

from openoutcry.domain import Side
from openoutcry.replay.flow import Action, Flow

dbn: Any = import_module("databento_dbn")
"""Its stubs call the members of its enumerations strings."""

PUBLISHER = 2
FIRST_INSTRUMENT = 101
LAST = 128


@dataclass
class Interval:
    """A stretch of days during which a symbol has one instrument id."""

    start_date: datetime.date
    end_date: datetime.date
    symbol: str


@dataclass
class Mapping:
    """A symbol and its instrument ids."""

    raw_symbol: str
    intervals: list[Interval]


def write(flow: Flow, folder: Path, *, compressed: bool = False, moved: frozenset[int] = frozenset()) -> Path:
    """Write a flow. moved: messages (index of a DELETE followed by an ADD of the same id) to write as one M record."""
    content = bytes(metadata(flow)) + b"".join(bytes(record) for record in records(flow, moved))
    path = folder / ("flow.dbn.zst" if compressed else "flow.dbn")
    path.write_bytes(pa.Codec("zstd").compress(content, asbytes=True) if compressed else content)
    return path


def metadata(flow: Flow, schema: str = "mbo") -> Any:
    """Return the header of a file with the flow's symbols."""
    day = datetime.date(2026, 1, 2)
    mappings = [
        Mapping(pair.symbol, [Interval(day, day + datetime.timedelta(1), str(FIRST_INSTRUMENT + number))])
        for number, pair in enumerate(flow.pairs)
    ]
    return dbn.Metadata(
        dataset="XNAS.ITCH",
        start=0,
        stype_in=dbn.SType.RAW_SYMBOL,
        stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.from_str(schema),
        symbols=[pair.symbol for pair in flow.pairs],
        partial=[],
        not_found=[],
        mappings=mappings,
    )


def records(flow: Flow, moved: frozenset[int] = frozenset()) -> Iterator[Any]:
    """Yield the records: a fill is a T, an F and a C, and the last record of a transaction is flagged."""
    messages = flow.messages
    for index in range(len(messages)):
        if index - 1 in moved:
            continue
        message = messages[index]
        last = index + 1 == len(messages) or messages["group"][index + 1] != message["group"]
        if index in moved:
            message = messages[index + 1]
            last = index + 2 == len(messages) or messages["group"][index + 2] != message["group"]
        side = dbn.Side.BID if message["side"] == Side.BUY else dbn.Side.ASK
        other = dbn.Side.ASK if message["side"] == Side.BUY else dbn.Side.BID
        action, order = message["action"], int(message["order_id"])
        kinds = {
            Action.ADD: [(dbn.Action.ADD, order, side)],
            Action.REDUCE: [(dbn.Action.CANCEL, order, side)],
            Action.DELETE: [(dbn.Action.CANCEL, order, side)],
            Action.TRADE: [(dbn.Action.TRADE, 0, other)],
            Action.FILL: [
                (dbn.Action.TRADE, 0, other),
                (dbn.Action.FILL, order, side),
                (dbn.Action.CANCEL, order, side),
            ],
        }[action]
        if index in moved:
            kinds = [(dbn.Action.MODIFY, order, side)]
        unit = int(flow.pairs[int(message["pair"])].tick * 10**9)
        for place, (kind, order_id, record_side) in enumerate(kinds):
            yield dbn.MBOMsg(
                publisher_id=PUBLISHER,
                instrument_id=FIRST_INSTRUMENT + int(message["pair"]),
                ts_event=int(message["time_ns"]),
                order_id=order_id,
                price=int(message["price_ticks"]) * unit,
                size=int(message["qty_lots"]),
                action=kind,
                side=record_side,
                ts_recv=int(message["time_ns"]),
                flags=LAST if last and place + 1 == len(kinds) else 0,
                sequence=index,
            )
