"""The benchmark workloads: what a figure is measured on must be the flow that the page describes, in every engine."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from benchmarks import flow
from benchmarks.flow import KINDS, Kind
from benchmarks.workloads import FUNDED_UNITS, MESSAGES, QUOTE, Workload, load
from openoutcry.book.reference import ReferenceBooks
from openoutcry.domain import AccountField, EventKind, Op, RejectCode, Side
from openoutcry.domain.records import COMMAND, Events

SMALL: Final = {
    "A": replace(KINDS["A"], resting=300),
    "B": replace(KINDS["B"], resting=300),
    "C": replace(KINDS["C"], books=20, resting=30),
}
"""The same markets with few orders: the plain book takes 20 microseconds a message."""


def small(name: str, *, handles: bool = False, seed: int = 11) -> Workload:
    """Return a small workload, drawn anew."""
    return load(name, handles=handles, messages=3000, seed=seed, kind=SMALL[name], cache=None)


def prepared(workload: Workload) -> ReferenceBooks:
    """Return plain books with the workload's accounts in place and its prefill resting."""
    books = ReferenceBooks(workload.pairs, accounts=workload.accounts)
    for commands in (workload.setup, workload.prefill):
        assert not rejected(books.apply(commands))
    return books


def rejected(events: Events) -> list[RejectCode]:
    """Return the reject codes among events."""
    return [RejectCode(code) for code in events["code"][events["kind"] == EventKind.REJECTED]]


@pytest.mark.parametrize("handles", [False, True])
@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_the_plain_book_trades_a_flow_as_the_flow_says(name: str, handles: bool) -> None:
    """Nothing is refused; trades, lots, resting orders and every engine handle are those of the flow's own book."""
    workload = small(name, handles=handles)
    books = prepared(workload)
    events = books.apply(workload.timed)
    assert rejected(events) == []
    trades = events[events["kind"] == EventKind.TRADED]
    tally = workload.expected
    assert (len(trades), int(trades["qty_lots"].sum()), books.live) == (tally.trades, tally.volume_lots, tally.resting)
    accepted = events[events["kind"] == EventKind.ACCEPTED]
    placed = workload.flow.timed["op"] == flow.PLACE
    assert np.array_equal(accepted["maker"], workload.flow.timed["handle"][placed])


@pytest.mark.parametrize(
    ("name", "trades", "lots"), [("A", 9_760, 302_520), ("B", 10_021, 249_294_393), ("C", 9_730, 297_956)]
)
def test_the_published_seeds_draw_the_published_flows(name: str, trades: int, lots: int) -> None:
    """The first 100,000 messages; a changed draw would make figures incomparable with older ones."""
    kind = KINDS[name]
    assert kind.seed == {"A": 1, "B": 2, "C": 3}[name]
    tally = flow.generate(kind, messages=100_000, seed=kind.seed).timed_tally
    assert (tally.trades, tally.volume_lots) == (trades, lots)


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_the_mix_is_the_one_described(name: str) -> None:
    """Shares of 3,000 messages: cancels 40 to 46 %, replaces 5 %, priced to trade 5 %; the book keeps its size."""
    drawn = small(name).flow
    tally, kind = drawn.timed_tally, SMALL[name]
    count = len(drawn.timed)
    assert 0.38 < tally.cancels / count < 0.48
    assert 0.035 < tally.replaces / count < 0.065
    assert 0.035 < np.count_nonzero(drawn.timed["to_trade"]) / count < 0.065
    assert abs(tally.resting / (kind.resting * kind.books) - 1) < 0.1


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_same_seed_same_commands(name: str) -> None:
    """Drawn twice, byte by byte; another seed draws others."""
    first, again, other = small(name), small(name), small(name, seed=12)
    assert first.timed.tobytes() == again.timed.tobytes()
    assert first.setup.tobytes() == again.setup.tobytes()
    assert first.timed.tobytes() != other.timed.tobytes()


def test_a_cached_flow_is_the_drawn_one(tmp_path: Path) -> None:
    """The first load draws and stores, the second one reads; nothing unfinished stays behind."""
    kind: Kind = SMALL["A"]
    loaded = [load("A", messages=500, seed=5, kind=kind, cache=tmp_path) for _ in range(2)]
    assert loaded[0].timed.tobytes() == loaded[1].timed.tobytes()
    assert loaded[0].flow.timed_tally == loaded[1].flow.timed_tally
    assert [path.suffixes for path in tmp_path.iterdir()] == [[".npz"]]


def test_an_account_only_buys_or_only_sells() -> None:
    """So self-trade prevention, which is on for every order, is checked and never acts."""
    workload = small("A")
    for commands in (workload.prefill, workload.timed):
        assert np.array_equal(commands["account"] % 2, commands["side"])
        assert (commands["stp"] != 0).all()


@pytest.mark.parametrize(
    ("side", "op", "field", "value", "code"),
    [
        (Side.BUY, Op.SET_LIMITS, AccountField.OPEN_ORDERS_MAX, 0, RejectCode.OPEN_ORDERS_LIMIT),
        (Side.BUY, Op.SET_LIMITS, AccountField.ORDER_LOTS_MAX, 0, RejectCode.ORDER_SIZE_LIMIT),
        (Side.BUY, Op.SET_LIMITS, AccountField.NOTIONAL_MAX, 0, RejectCode.NOTIONAL_LIMIT),
        (Side.BUY, Op.SET_LIMITS, AccountField.COLLAR_TICKS, 1, RejectCode.COLLAR_LIMIT),
        (Side.BUY, Op.SET_LIMITS, AccountField.POSITION_LOTS_MAX, 0, RejectCode.POSITION_LIMIT),
        (Side.BUY, Op.FUND, QUOTE, -FUNDED_UNITS, RejectCode.BACKING_LIMIT),
        (Side.SELL, Op.FUND, QUOTE + 1, -FUNDED_UNITS, RejectCode.BACKING_LIMIT),
    ],
)
def test_every_account_check_takes_part(side: Side, op: Op, field: int, value: int, code: RejectCode) -> None:
    """One limit of one account is drawn tight, and the account's next order of the workload is refused for it."""
    workload = small("A")
    books = ReferenceBooks(workload.pairs, accounts=workload.accounts)
    books.apply(workload.setup)
    orders = workload.timed[(workload.timed["op"] == Op.PLACE) & (workload.timed["side"] == side)]
    far = np.abs(orders["price_ticks"] - KINDS["A"].middle_ticks) > 10
    order = orders[far][:1]
    tighten = np.zeros(1, COMMAND)
    tighten["op"], tighten["account"], tighten["qty_lots"] = op, order["account"], value
    tighten["kind" if op is Op.SET_LIMITS else "pair"] = field
    assert rejected(books.apply(tighten)) == []
    assert rejected(books.apply(order)) == [code]


def test_the_published_size_is_a_million_messages() -> None:
    """What `load` draws unless told otherwise."""
    assert MESSAGES == 1_000_000
