"""A replay as Parquet files: trades, quotes, depth.

Prices and quantities are doubles for convenience; ticks and lots, which are exact, stand beside them.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.replay.error import MissingLibrary
from openoutcry.replay.flow import UTC, Flow
from openoutcry.replay.rebuild import Rebuilt
from openoutcry.replay.rematch import Rematched
from openoutcry.replay.tops import NO_PRICE
from openoutcry.replay.trades import trades_of

SIDES: Final = ("buy", "sell")
PRICE_OF: Final = {"price_ticks": "price", "bid_ticks": "bid_price", "ask_ticks": "ask_price"}
QUANTITY_OF: Final = {"qty_lots": "quantity", "bid_lots": "bid_quantity", "ask_lots": "ask_quantity"}
"""Exact column to the column of doubles beside it."""


def write_tables(flow: Flow, outcome: Rebuilt | Rematched, folder: Path) -> list[Path]:
    """Write trades.parquet, quotes.parquet and depth.parquet into a folder that exists; return their paths."""
    try:
        import pyarrow  # noqa: F401  # only to say which extra brings it
    except ImportError as error:
        raise MissingLibrary("writing tables", "pyarrow", "replay") from error
    written = []
    for name, columns in (
        ("trades", _trades(flow, outcome)),
        ("quotes", _quotes(flow, outcome)),
        ("depth", _depth(flow, outcome)),
    ):
        path = folder / f"{name}.parquet"
        _write(flow, columns, path)
        written.append(path)
    return written


def _trades(flow: Flow, outcome: Rebuilt | Rematched) -> dict[str, NDArray[Any]]:
    rows = trades_of(flow, outcome)
    return {
        "time": rows["time_ns"],
        "pair": rows["pair"],
        "price_ticks": rows["price_ticks"],
        "qty_lots": rows["qty_lots"],
        "side": rows["side"],
        "maker_id": rows["maker"],
        "taker_id": rows["taker"],
        "by_venue": rows["by_venue"],
    }


def _quotes(flow: Flow, outcome: Rebuilt | Rematched) -> dict[str, NDArray[Any]]:
    """Return the quotes that differ from the one before."""
    parts: dict[str, list[NDArray[Any]]] = {}
    for pair, market in enumerate(outcome.market):
        found = market.quotes
        values = {
            "bid_ticks": found.bid_ticks,
            "ask_ticks": found.ask_ticks,
            "bid_lots": found.bid_lots,
            "ask_lots": found.ask_lots,
        }
        changed = np.ones(len(market.time_ns), dtype=np.bool_)
        if len(changed):
            changed[1:] = np.any([value[1:] != value[:-1] for value in values.values()], axis=0)
        parts.setdefault("time", []).append(market.time_ns[changed])
        parts.setdefault("pair", []).append(np.full(int(changed.sum()), pair, dtype=np.uint32))
        for name, value in values.items():
            parts.setdefault(name, []).append(value[changed])
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _depth(flow: Flow, outcome: Rebuilt | Rematched) -> dict[str, NDArray[Any]]:
    rows = outcome.tape.all_depth()
    names = ("pair", "side", "level", "price_ticks", "qty_lots", "orders")
    return {"time": rows["time_ns"], **{name: rows[name] for name in names}}


def _write(flow: Flow, columns: dict[str, NDArray[Any]], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    pairs = columns.pop("pair")
    ticks = np.array([float(one.tick) for one in flow.pairs])
    lots = np.array([float(one.lot) for one in flow.pairs])
    zone = "UTC" if flow.clock == UTC else None
    arrays: dict[str, Any] = {
        "time": pa.array(columns.pop("time").astype("datetime64[ns]"), type=pa.timestamp("ns", tz=zone)),
        "symbol": _words(pairs, [one.symbol for one in flow.pairs]),
    }
    for name, values in columns.items():
        if name == "side":
            arrays[name] = _words(values, list(SIDES))
            continue
        arrays[name] = pa.array(values)
        if name in PRICE_OF:
            arrays[PRICE_OF[name]] = pa.array(values * ticks[pairs], mask=values == NO_PRICE)
        elif name in QUANTITY_OF:
            arrays[QUANTITY_OF[name]] = pa.array(values * lots[pairs])
    parquet.write_table(pa.table(arrays), path, compression="zstd")


def _words(indices: NDArray[Any], words: list[str]) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(indices.astype(np.int32), pa.array(words))
