"""What a replay leaves behind: tables, a picture, numbers."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from openoutcry.domain import Side
from openoutcry.replay.books import open_plain
from openoutcry.replay.flow import Action
from openoutcry.replay.market import Market
from openoutcry.replay.picture import draw, spread_by_stretch
from openoutcry.replay.rebuild import Rebuilt, rebuild
from openoutcry.replay.rematch import Rematched, rematch
from openoutcry.replay.schedule import SAMPLES, Stop, sample_step, stops
from openoutcry.replay.summary import moment, summarize
from openoutcry.replay.tables import write_tables
from openoutcry.replay.tops import Quotes
from tests.flows import flow_of, generated, message, silent, stopped


def outcomes() -> list[Rebuilt | Rematched]:
    """Return a generated market in both modes."""
    flow = generated(takers_shown=True)
    return [rebuild(flow, open_plain, stopped, silent), rematch(flow, open_plain, stopped, silent)]


def test_both_modes_write_the_same_market_into_their_tables(tmp_path: Path) -> None:
    """Trades, quotes and depth of a market that comes out the same both ways are the same tables."""
    flow = generated(takers_shown=True)
    tables = []
    for number, outcome in enumerate(outcomes()):
        folder = tmp_path / str(number)
        folder.mkdir()
        tables.append([parquet.read_table(path) for path in write_tables(flow, outcome, folder)])
    for one, other in zip(*tables, strict=True):
        assert one.equals(other)
    trades, quotes, depth = tables[0]
    assert trades.num_rows == int((flow.messages["action"] == Action.FILL).sum())
    assert trades.schema.field("time").type == pa.timestamp("ns", tz="UTC")
    assert set(trades["symbol"].to_pylist()) == {"ABC"}
    assert set(trades["side"].to_pylist()) == {"buy", "sell"}
    assert np.allclose(trades["price"].to_numpy(), trades["price_ticks"].to_numpy() * 0.01)
    assert all(trades["by_venue"].to_pylist())
    rows = quotes.select(["bid_ticks", "ask_ticks", "bid_lots", "ask_lots"]).to_pylist()
    assert all(one != other for one, other in pairwise(rows))
    assert quotes["bid_price"].null_count == quotes["bid_ticks"].to_pylist().count(0)
    assert set(depth["level"].to_pylist()) == set(range(1, 11))


def test_the_picture_is_a_png_of_the_announced_size(tmp_path: Path) -> None:
    """Signature and dimensions, for both modes, and for a flow of one order without any trade."""
    for number, outcome in enumerate(outcomes()):
        path = tmp_path / f"{number}.png"
        draw(generated(takers_shown=True), outcome, 0, path)
        check_png(path)
    lonely = flow_of(message(Action.ADD, 1, price=10))
    draw(lonely, rebuild(lonely, open_plain, stopped, silent), 0, tmp_path / "lonely.png")
    check_png(tmp_path / "lonely.png")


def check_png(path: Path) -> None:
    """A PNG begins with eight bytes of signature, then a header chunk with width and height."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")) == (1800, 1350)


def test_a_spread_is_averaged_over_time_and_its_largest_is_kept() -> None:
    """Spread 2 for ten seconds, but 12 for a tenth of one; then 4 for ten: two stretches."""
    times = np.array([0.0, 5.0, 5.1, 10.0, 20.0]) * 1e9
    bid = np.array([10, 10, 10, 10, 10])
    ask = np.array([12, 22, 12, 14, 14])
    market = Market(times.astype(np.int64), Quotes(bid, ask, bid, ask), 0, None)
    found = spread_by_stretch(market, 2)
    assert found is not None
    edges, mean, largest = found
    assert edges.tolist() == [0, 10_000_000_000, 20_000_000_000]
    assert mean.tolist() == pytest.approx([2.1, 4.0])
    assert largest.tolist() == [12.0, 4.0]
    none = Market(times.astype(np.int64), Quotes(bid * 0, ask, bid, ask), 0, None)
    assert spread_by_stretch(none, 2) is None


def test_a_summary_is_json_and_its_numbers_are_those_of_the_flow() -> None:
    """Counted by hand from the messages."""
    flow = generated(takers_shown=True)
    fills = flow.messages[flow.messages["action"] == Action.FILL]
    for outcome in outcomes():
        summary = json.loads(json.dumps(summarize(flow, outcome, total_ns=2_000_000_000)))
        (pair,) = summary["pairs"]
        assert (summary["trades"], pair["trades"]) == (len(fills), len(fills))
        assert pair["volume"] == int(fills["qty_lots"].sum())
        assert pair["high"] == pytest.approx(int(fills["price_ticks"].max()) * 0.01)
        assert summary["messages_per_second"] == len(flow.messages) // 2
        assert summary["events"].get("traded", len(fills)) == len(fills)
    assert moment(1_777_689_380_521_999_999) == "2026-05-02 02:36:20.521"


def test_stops_cover_every_command_and_sample_after_all_commands_of_their_time() -> None:
    """Times 10, 10, 20, 35 in steps of ten: samples at 10, 20 and 30, the last stop at the end."""
    found = list(stops(np.array([10, 10, 20, 35]), 10, np.array([1])))
    assert found == [Stop(1, None), Stop(2, 10), Stop(3, 30), Stop(4, None)]
    assert list(stops(np.zeros(0, dtype=np.int64), 10, np.zeros(0, dtype=np.int64))) == []


@pytest.mark.parametrize("span", [0, 1, 10**6, 1_800 * 10**9, 2**62])
def test_a_replay_of_any_length_takes_a_bounded_number_of_samples(span: int) -> None:
    """From nothing to a hundred years; only beyond 115 days are there more than SAMPLES."""
    step = sample_step(np.array([5, 5 + span], dtype=np.int64))
    assert span // step < SAMPLES or step == 5 * 10**12


def test_sides_of_trades_are_the_takers() -> None:
    """A resting ask is filled: the taker bought."""
    flow = flow_of(
        message(Action.ADD, 1, price=10, side=Side.SELL), message(Action.FILL, 1, price=10, side=Side.SELL, group=1)
    )
    outcome = rematch(flow, open_plain, stopped, silent)
    assert outcome.ours["side"].tolist() == outcome.trades["side"].tolist() == [Side.BUY]
