"""What a replay comes to, in numbers that people and programs can read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import EventKind, RejectCode, Side
from openoutcry.replay.flow import Flow, FlowPair, busiest
from openoutcry.replay.levels import LevelCheck
from openoutcry.replay.market import Market
from openoutcry.replay.rebuild import Rebuilt
from openoutcry.replay.rematch import Rematched
from openoutcry.replay.tape import DEPTH_LEVELS
from openoutcry.replay.tops import NO_PRICE
from openoutcry.replay.trades import trades_of

PAIRS_SHOWN_MAX: Final = 8
"""Of a recording of a whole market, the busiest pairs are described one by one."""

NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Spread:
    """Between the best prices while both sides were there, in price units, weighted by time."""

    mean: float
    smallest: float
    largest: float


def summarize(
    flow: Flow, outcome: Rebuilt | Rematched, *, total_ns: int, levels: LevelCheck | None = None
) -> dict[str, Any]:
    """Return a summary that json.dumps takes. total_ns: how long reading and replaying took together."""
    trades = trades_of(flow, outcome)
    times = flow.messages["time_ns"]
    commands = len(outcome.message)
    kinds, counts = np.unique(outcome.events["kind"], return_counts=True)
    names = {EventKind(kind).name.lower(): count for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True)}
    summary: dict[str, Any] = {
        "source": flow.source,
        "reader": flow.reader,
        "mode": "rematch" if isinstance(outcome, Rematched) else "rebuild",
        "clock": flow.clock,
        "first": moment(int(times[0])) if len(times) else None,
        "last": moment(int(times[-1])) if len(times) else None,
        "records": flow.records,
        "messages": len(flow.messages),
        "left_out": dict(flow.left_out),
        "remarks": dict(flow.remarks),
        "commands": commands,
        "events": names,
        "refused": {RejectCode(code).name.lower(): count for code, count in outcome.refused.items()},
        "trades": len(trades),
        "crossed_at_rest": sum(one.crossed for one in outcome.market),
        "transactions": sum(len(one.time_ns) for one in outcome.market),
        "pairs": [
            _pair(
                flow.pairs[pair], outcome.market[pair], trades[trades["pair"] == pair], outcome.tape.all_depth(), pair
            )
            for pair in busiest(flow.messages, PAIRS_SHOWN_MAX)
        ],
        "pairs_in_all": len(flow.pairs),
        "book_seconds": round(outcome.tape.book_ns / NS_PER_S, 6),
        "total_seconds": round(total_ns / NS_PER_S, 3),
        "commands_per_second_in_book": _rate(commands, outcome.tape.book_ns),
        "messages_per_second": _rate(len(flow.messages), total_ns),
    }
    if isinstance(outcome, Rematched):
        summary["rematch"] = _rematch(outcome)
    else:
        summary["rebuild"] = {"executions": outcome.executions, "faults": dict(outcome.faults)}
    if levels is not None:
        summary["levels"] = {
            "rows": levels.rows,
            "same": levels.same,
            "same_best": levels.same_best,
            "first_difference_after_record": levels.first_record,
        }
    return summary


def moment(time_ns: int) -> str:
    """Write a time, ns since 1970, down to the millisecond: 2026-05-02 02:36:20.521."""
    seconds, rest = divmod(time_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03}"


def spread_of(market: Market, pair: FlowPair) -> Spread | None:
    """Return the spread of a pair, None where there never were two sides."""
    quotes = market.quotes
    both = (quotes.bid_ticks != NO_PRICE) & (quotes.ask_ticks != NO_PRICE)
    if not both.any():
        return None
    ticks = (quotes.ask_ticks - quotes.bid_ticks)[both]
    lasted = np.append(np.diff(market.time_ns), 0)[both]
    mean = float(np.average(ticks, weights=lasted)) if lasted.sum() else float(ticks.mean())
    return Spread(mean * float(pair.tick), float(pair.price(int(ticks.min()))), float(pair.price(int(ticks.max()))))


def _pair(
    pair: FlowPair, market: Market, trades: NDArray[np.void], depth: NDArray[np.void], number: int
) -> dict[str, Any]:
    spread = spread_of(market, pair)
    lots = trades["qty_lots"]
    volume = sum(lots.tolist())
    value = sum(ticks * qty for ticks, qty in zip(trades["price_ticks"].tolist(), lots.tolist(), strict=True))
    mine = depth[depth["pair"] == number]
    samples = len(np.unique(mine["time_ns"]))
    quantity = {
        side.name.lower(): float(pair.quantity(int(mine["qty_lots"][mine["side"] == side].sum()))) / samples
        for side in Side
        if samples
    }
    return {
        "symbol": pair.symbol,
        "tick": f"{pair.tick.normalize():f}",
        "lot": f"{pair.lot.normalize():f}",
        "trades": len(trades),
        "volume": float(pair.quantity(volume)),
        "value": float(pair.quantity(value) * pair.tick),
        "low": float(pair.price(int(trades["price_ticks"].min()))) if len(trades) else None,
        "high": float(pair.price(int(trades["price_ticks"].max()))) if len(trades) else None,
        "spread_mean": spread.mean if spread else None,
        "spread_smallest": spread.smallest if spread else None,
        "spread_largest": spread.largest if spread else None,
        f"depth_bid_{DEPTH_LEVELS}_levels": quantity.get("buy"),
        f"depth_ask_{DEPTH_LEVELS}_levels": quantity.get("sell"),
    }


def _rematch(outcome: Rematched) -> dict[str, Any]:
    comparison = outcome.comparison
    share = comparison.share_ppm()
    return {
        "venue_trades": comparison.venue,
        "same": comparison.same,
        "share_ppm": share,
        "missing": dict(comparison.missing),
        "extra": dict(comparison.extra),
        "repairs": outcome.repairs,
    }


def _rate(count: int, spent_ns: int) -> int | None:
    return count * NS_PER_S // spent_ns if spent_ns else None
