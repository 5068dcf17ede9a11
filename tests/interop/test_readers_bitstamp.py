"""The Bitstamp reader on small recordings by hand, one for each thing that it reads out of the rows."""

import json
from pathlib import Path

import pytest

from openoutcry.domain import OrderType, RejectCode, TimeInForce
from openoutcry.replay import assemble
from openoutcry.replay.books import open_plain
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import Action, Flow, MessageFlag
from openoutcry.replay.readers import bitstamp
from openoutcry.replay.readers.options import Options
from openoutcry.replay.rebuild import rebuild
from openoutcry.replay.rematch import rematch
from openoutcry.replay.snapshot import STALE
from openoutcry.replay.source import Source
from tests.flows import silent, stopped

HEADER = "id,timestamp,exchange_timestamp,price,volume,action,direction\n"
TRADES_HEADER = "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n"


def row(order: int, time: int, price: str, volume: str, action: str, direction: str) -> str:
    """Return one row of orders.csv."""
    return f"{order},{time + 80},{time},{price},{volume},{action},{direction}\n"


BOOK = row(1, 0, "100", "1", "created", "ask") + row(2, 0, "101", "2", "created", "ask") + row(
    3, 0, "99", "1", "created", "bid"
)  # fmt: skip


def read(folder: Path, rows: str, trades: str | None = None, **meta: int) -> Flow:
    """Write a recording of rows, trades and meta.json and read it."""
    (folder / "orders.csv").write_text(HEADER + rows, encoding="ascii")
    if trades is not None:
        (folder / "trades.csv").write_text(TRADES_HEADER + trades, encoding="ascii")
    (folder / "meta.json").write_text(json.dumps({"pair": "btcusd", **meta}), encoding="ascii")
    return bitstamp.read(Source(folder), Options())


def actions(flow: Flow) -> list[str]:
    """Return the name of each message's action."""
    return [Action(action).name for action in flow.messages["action"].tolist()]


def test_a_taker_its_fills_and_their_makers(tmp_path: Path) -> None:
    """An order to buy 2.5 at 101 takes 1 from order 1 and 1.5 from order 2; trades.csv lists just that."""
    rows = BOOK
    rows += row(9, 5, "101", "2.5", "created", "bid")
    rows += row(9, 5, "100", "1.5", "changed", "bid") + row(1, 5, "100", "0", "deleted", "ask")
    rows += row(9, 5, "101", "0", "deleted", "bid") + row(2, 5, "101", "0.5", "changed", "ask")
    trades = "7,85,5,100,1,9,1,buy\n8,85,5,101,1.5,9,2,buy\n"
    flow = read(tmp_path, rows, trades)
    assert flow.pairs[0].symbol == "BTCUSD"
    assert actions(flow) == ["ADD"] * 4 + ["TAKE", "FILL", "TAKE", "FILL"]
    fills = flow.messages[flow.messages["action"] == Action.FILL]
    assert fills["order_id"].tolist() == [1, 2]
    assert fills["other_id"].tolist() == [9, 9]
    assert fills["qty_lots"].tolist() == [100_000_000, 150_000_000]
    assert fills["price_ticks"].tolist() == [100, 101]
    assert not flow.remarks
    assert not any(rebuild(flow, open_plain, stopped, silent).faults.values())
    comparison = rematch(flow, open_plain, stopped, silent).comparison
    assert (comparison.same, comparison.venue) == (2, 2)


def test_trades_that_the_orders_do_not_show_and_fills_that_are_not_listed(tmp_path: Path) -> None:
    """One trade of trades.csv has another amount."""
    rows = BOOK + row(9, 5, "100", "1", "created", "bid")
    rows += row(9, 5, "100", "0", "deleted", "bid") + row(1, 5, "100", "0", "deleted", "ask")
    flow = read(tmp_path, rows, "7,85,5,100,0.9,9,1,buy\n")
    assert flow.remarks == {bitstamp.NOT_IN_TRADES: 1, bitstamp.NOT_IN_ORDERS: 1}


def test_what_an_order_wanted_is_read_from_what_became_of_it(tmp_path: Path) -> None:
    """Refused at once: post-only. Traded and the rest withdrawn at once: immediate-or-cancel. Price 0: market."""
    rows = BOOK
    rows += row(7, 1, "100", "5", "created", "bid") + row(7, 1, "100", "5", "deleted", "bid")
    rows += row(8, 2, "100", "5", "created", "bid")
    rows += row(8, 2, "100", "4", "changed", "bid") + row(1, 2, "100", "0", "deleted", "ask")
    rows += row(8, 2, "100", "4", "deleted", "bid")
    rows += row(9, 3, "0", "0.5", "created", "ask")
    rows += row(9, 3, "99", "0", "deleted", "ask") + row(3, 3, "99", "0.5", "changed", "bid")
    flow = read(tmp_path, rows)
    entries = {int(entry["order_id"]): entry for entry in flow.messages[flow.messages["action"] == Action.ADD]}
    assert entries[7]["kind"] == OrderType.POST_ONLY
    assert (entries[8]["kind"], entries[8]["tif"]) == (OrderType.LIMIT, TimeInForce.IOC)
    assert (entries[9]["kind"], entries[9]["tif"], entries[9]["price_ticks"]) == (OrderType.MARKET, TimeInForce.IOC, 0)
    assert (entries[3]["kind"], entries[3]["tif"]) == (OrderType.LIMIT, TimeInForce.GTC)
    assert flow.remarks == {bitstamp.MARKET: 1, bitstamp.POST_ONLY: 1, bitstamp.IMMEDIATE: 1}
    found = rematch(flow, open_plain, stopped, silent)
    assert (found.comparison.same, found.comparison.venue) == (2, 2)
    assert found.refused == {RejectCode.WOULD_TRADE: 1, RejectCode.UNKNOWN_ORDER: 2}


def test_a_market_order_by_amount_has_the_quantity_of_its_fills(tmp_path: Path) -> None:
    """It is created with volume 0 and price 999999999, and its own rows say nothing of its size."""
    rows = BOOK + row(9, 5, "999999999", "0", "created", "bid")
    rows += row(9, 5, "100", "0.00000001", "changed", "bid") + row(1, 5, "100", "0.4", "changed", "ask")
    rows += row(9, 5, "100", "0", "deleted", "bid")
    flow = read(tmp_path, rows)
    entry = flow.messages[(flow.messages["order_id"] == 9) & (flow.messages["action"] == Action.ADD)]
    assert entry["qty_lots"].tolist() == [60_000_000]
    assert flow.remarks == {bitstamp.MARKET: 1, bitstamp.BY_AMOUNT: 1}
    comparison = rematch(flow, open_plain, stopped, silent).comparison
    assert (comparison.same, comparison.venue) == (1, 1)


def test_opening_and_closing_rows_are_known_from_the_description(tmp_path: Path) -> None:
    """Three orders of a snapshot; one is stale, since a bid rests at its price; three deletions that close it all."""
    rows = BOOK + row(9, 5, "100", "1", "created", "bid")
    rows += "".join(row(order, 9, "1", "1", "deleted", "bid") for order in (1, 2, 3))
    flow = read(tmp_path, rows, synthetic_created=3, synthetic_deleted=3)
    assert flow.left_out == {bitstamp.CLOSING: 3}
    assert flow.remarks == {STALE: 1}
    assert flow.messages["order_id"].tolist() == [1, 2, 3, 1, 9]
    assert flow.messages["flags"].tolist()[0] == MessageFlag.SNAPSHOT | MessageFlag.STALE
    rebuilt = rebuild(flow, open_plain, stopped, silent)
    assert rebuilt.market[0].crossed == 0
    plainly = read(tmp_path, rows)
    assert not plainly.left_out
    assert rebuild(plainly, open_plain, stopped, silent).market[0].crossed == 1


def test_rows_without_a_past_and_changes_without_a_counterpart(tmp_path: Path) -> None:
    """A deletion of an order never created, a second deletion, a change that no other row explains."""
    rows = BOOK
    rows += row(77, 1, "100", "5", "deleted", "bid")
    rows += row(3, 2, "99", "0.25", "changed", "bid")
    rows += row(2, 3, "101", "2", "deleted", "ask") + row(2, 4, "101", "2", "deleted", "ask")
    flow = read(tmp_path, rows)
    assert flow.left_out == {assemble.NEVER_ENTERED: 1, assemble.ALREADY_GONE: 1}
    assert flow.remarks == {bitstamp.CHANGED_ALONE: 1}
    assert actions(flow) == ["ADD", "ADD", "ADD", "REDUCE", "DELETE"]
    assert flow.messages["qty_lots"].tolist()[3] == 75_000_000


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (BOOK + row(4, -1, "1", "1", "created", "bid"), "record 4, field exchange_timestamp: expected milliseconds"),
        (BOOK + row(4, 2**62, "1", "1", "created", "bid"), "record 4, field exchange_timestamp: expected milliseconds"),
        (row(1, 5, "1", "1", "created", "bid") + BOOK, "record 2, field exchange_timestamp: expected milliseconds"),
        (BOOK + row(4, 1, "x", "1", "created", "bid"), "record 4, field price: expected a decimal number"),
        (BOOK + row(4, 1, "1", "1", "made", "bid"), "record 4, field action: expected created or changed or deleted"),
        (BOOK[:-4], "record 3 is cut off"),
    ],
)
def test_a_damaged_recording_is_one_line(tmp_path: Path, rows: str, message: str) -> None:
    """Times that fall or are absurd, fields that are not what they should be, a cut-off file."""
    with pytest.raises(ReplayError) as raised:
        read(tmp_path, rows)
    assert message in str(raised.value)
    assert str(tmp_path / "orders.csv") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_without_recording_and_a_damaged_description(tmp_path: Path) -> None:
    """No orders.csv; a meta.json that is no JSON, or no object."""
    with pytest.raises(ReplayError, match=r"expected one orders\.csv or orders\.csv\.gz in it, found 0"):
        bitstamp.read(Source(tmp_path), Options())
    (tmp_path / "orders.csv").write_text(HEADER + BOOK, encoding="ascii")
    for text, message in (("{", "expected JSON"), ("[]", "expected a JSON object")):
        (tmp_path / "meta.json").write_text(text, encoding="ascii")
        with pytest.raises(ReplayError, match=message):
            bitstamp.read(Source(tmp_path), Options())
