"""What of a book's events is public, case by case, by both encoders."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
import pytest

from openoutcry.book import Books
from openoutcry.book import commands as build
from openoutcry.domain import (
    AccountField,
    AdjustMode,
    Allocation,
    EventFlag,
    EventKind,
    IcebergRule,
    OrderType,
    Pair,
    Phase,
    SelfTrade,
    Side,
    TimeInForce,
)
from openoutcry.domain.records import EVENT, Commands
from openoutcry.marketdata.encoder import Encoder, PairRows
from openoutcry.marketdata.plain_encoder import PlainEncoder

BUY, SELL = Side.BUY, Side.SELL
Make: TypeAlias = Callable[[], Encoder | PlainEncoder]


class Tape:
    """A book with an encoder behind it. Each call is a group, and returns its public rows with names for numbers."""

    def __init__(self, make: Make, **rules: Any) -> None:
        self.books = Books([Pair(7, **rules), Pair(8)], accounts=4)
        self.encoder = make()
        self.ids = 0
        self.last: list[PairRows] = []

    def next_trade(self, pair: int) -> int:
        """The number of the next trade."""
        return 41

    def group(self, *commands: Commands) -> list[tuple[Any, ...]]:
        """Apply commands together: (kind, side, maker, price, lots, left) of each public row."""
        events = self.books.apply(np.concatenate(commands))
        self.last = self.encoder.encode(events, self.books, self, 5)
        return [
            (
                EventKind(row["kind"]).name,
                *(int(row[name]) for name in ("side", "maker", "price_ticks", "qty_lots", "maker_leaves")),
            )
            for rows in self.last
            for row in rows.l3
        ]

    def place(self, side: Side, price: int, lots: int, account: int = 0, pair: int = 7, **more: Any) -> Commands:
        """A new order with a client id that nobody may see."""
        self.ids += 1
        return build.place(
            pair, account, client_id=10**9 + self.ids, side=side, price_ticks=price, qty_lots=lots, **more
        )


ENCODERS: Final = (Encoder, PlainEncoder)
pytestmark = pytest.mark.parametrize("make", ENCODERS, ids=lambda make: make.__name__)


def test_an_order_is_public_by_its_handle_and_without_its_owner(make: Make) -> None:
    """No ACCEPTED, no REJECTED, no client id in any field of any row, no reason of a cancellation."""
    tape = Tape(make)
    assert tape.group(tape.place(BUY, 100, 5), tape.place(BUY, 0, 5)) == [("RESTING", BUY, 2**32 + 1, 100, 5, 5)]
    assert tape.group(build.cancel(7, 0, 10**9 + 1)) == [("CANCELLED", BUY, 2**32 + 1, 100, 5, 0)]
    (row,) = tape.last[0].l3.tolist()
    assert row == (3, EventKind.CANCELLED, BUY, 0, 0, 7, 2**32 + 1, 0, 100, 5, 0, 0)


def test_a_trade_names_the_order_that_rested_and_not_the_one_that_came(make: Make) -> None:
    """Taker and its leaves are 0; the TRADE record has number, time and side of who came."""
    tape = Tape(make)
    tape.group(tape.place(SELL, 100, 5))
    assert tape.group(tape.place(BUY, 101, 3, 1)) == [("TRADED", BUY, 2**32 + 1, 100, 3, 2)]
    assert tape.last[0].l3[["taker", "taker_leaves", "flags"]].tolist() == [(0, 0, 0)]
    assert tape.last[0].trades.tolist() == [(41, 2, 5, 100, 3, BUY, 0)]
    assert tape.last[0].levels.tolist() == [(2, 100, 2, 1, SELL)]
    assert tape.last[0].top.tolist() == [(2, 0, 0, 100, 2, 0, 1)]


def test_a_hidden_order_is_seen_only_in_its_trades(make: Make) -> None:
    """Nothing when it rests or goes; its trade has no maker and says that the maker was hidden."""
    tape = Tape(make)
    hidden = tape.place(SELL, 100, 5, kind=OrderType.HIDDEN)
    assert tape.group(hidden) == []
    assert tape.group(tape.place(BUY, 100, 2, 1)) == [("TRADED", BUY, 0, 100, 2, 0)]
    assert tape.last[0].l3["flags"].tolist() == tape.last[0].trades["flags"].tolist() == [EventFlag.HIDDEN]
    assert len(tape.last[0].levels) == 0
    assert tape.group(build.cancel(7, 0, 10**9 + 1)) == []


@pytest.mark.parametrize("rule", IcebergRule)
def test_an_iceberg_shows_its_peak_and_never_its_reserve(make: Make, rule: IcebergRule) -> None:
    """10 lots in peaks of 2, met by takers of 1 and 3, reduced and pulled: no row has more than the peak."""
    tape = Tape(make, iceberg_rule=rule)
    handle = 2**32 + 1
    iceberg = tape.place(SELL, 100, 10, kind=OrderType.ICEBERG, display_lots=2)
    assert tape.group(iceberg) == [("RESTING", SELL, handle, 100, 2, 2)]
    assert tape.group(tape.place(BUY, 100, 1, 1)) == [("TRADED", BUY, handle, 100, 1, 1)]
    rows = tape.group(tape.place(BUY, 100, 2, 1))
    assert rows[0] == ("TRADED", BUY, handle, 100, 1, 0)
    # Its reserve trades at once where displayed lots go first, by nobody as far as others see; else the next peak does.
    rests = {
        IcebergRule.PEAK_ROTATION: [("REPLENISHED", SELL, handle, 100, 2, 2), ("TRADED", BUY, handle, 100, 1, 1)],
        IcebergRule.DISPLAYED_FIRST: [("TRADED", BUY, 0, 100, 1, 0), ("REPLENISHED", SELL, handle, 100, 2, 2)],
    }
    assert rows[1:] == rests[rule]
    assert tape.last[0].levels["qty_lots"].tolist() == [tape.books.depth(7).asks["qty_lots"][0]]
    # The reserve goes first, so nobody sees it; then what is displayed.
    assert tape.group(build.reduce(7, 0, 10**9 + 1, 2)) == []
    gone = tape.group(build.cancel(7, 0, 10**9 + 1))
    assert [row[0] for row in gone] == ["CANCELLED"] and gone[0][4] <= 2 and gone[0][5] == 0


def test_stops_and_orders_without_a_price_are_nobodys_business_until_they_trade(make: Make) -> None:
    """A stop that waits, is replaced, triggers and trades; a market order that collects: rows only for what trades."""
    tape = Tape(make)
    tape.group(tape.place(SELL, 100, 5), tape.place(SELL, 101, 5), tape.place(BUY, 90, 1, 1))
    stop = tape.place(BUY, 0, 3, 2, kind=OrderType.STOP, trigger_ticks=100)
    assert tape.group(stop) == []
    assert tape.group(build.replace(7, 2, 10**9 + 4, price_ticks=0, qty_lots=4, trigger_ticks=100)) == []
    rows = tape.group(tape.place(BUY, 100, 1, 1))
    assert [(row[0], row[4]) for row in rows] == [("TRADED", 1), ("TRADED", 4)]
    tape.group(build.set_phase(7, Phase.AUCTION))
    assert tape.group(tape.place(BUY, 0, 2, 1, kind=OrderType.MARKET)) == []
    assert tape.group(build.uncross(7))[0][0] == "AUCTION_RESULT"


def test_an_auction_names_both_orders_as_far_as_they_are_displayed(make: Make) -> None:
    """A displayed buy meets a displayed and a hidden sell."""
    tape = Tape(make, phase=Phase.AUCTION)
    tape.group(tape.place(BUY, 100, 5), tape.place(SELL, 100, 2, 1), tape.place(SELL, 100, 2, 1, kind=OrderType.HIDDEN))
    tape.group(build.uncross(7))
    trades = [row for row in tape.last[0].l3.tolist() if row[1] == EventKind.TRADED]
    assert [(row[6], row[7], row[9], row[10], row[11]) for row in trades] == [
        (2**32 + 1, 2**32 + 2, 2, 3, 0),
        (2**32 + 1, 0, 2, 1, 0),
    ]
    assert {row[4] for row in trades} == {EventFlag.AUCTION}
    assert tape.last[0].auctioned and not tape.last[0].phase_changed


def test_self_trade_prevention_does_not_tell_who_belongs_together(make: Make) -> None:
    """The cancelled maker's row names no other order and gives no reason."""
    tape = Tape(make)
    tape.group(tape.place(SELL, 100, 5))
    (row,) = [tape.group(tape.place(BUY, 100, 5, stp=SelfTrade.CANCEL_BOTH))]
    assert row == [("CANCELLED", SELL, 2**32 + 1, 100, 5, 0)]
    assert tape.last[0].l3[["code", "taker"]].tolist() == [(0, 0)]


def test_a_replaced_order_keeps_its_place_or_leaves_and_comes_back(make: Make) -> None:
    """Fewer lots: it keeps its place. Another price: it leaves at the old one, and rests or trades at the new one."""
    tape = Tape(make)
    tape.group(tape.place(SELL, 100, 5), tape.place(BUY, 90, 1, 1))
    kept = tape.group(build.replace(7, 0, 10**9 + 1, price_ticks=100, qty_lots=4))
    assert kept == [("REPLACED", SELL, 2**32 + 1, 100, 4, 4)]
    assert tape.last[0].l3["flags"].tolist() == [EventFlag.KEPT_PRIORITY]
    assert tape.group(build.replace(7, 0, 10**9 + 1, price_ticks=102, qty_lots=6)) == [
        ("REPLACED", SELL, 2**32 + 1, 100, 4, 0),
        ("RESTING", SELL, 2**32 + 1, 102, 6, 6),
    ]
    assert tape.last[0].levels.tolist() == [(4, 100, 0, 0, SELL), (4, 102, 6, 1, SELL)]
    assert [row[0] for row in tape.group(build.replace(7, 0, 10**9 + 1, price_ticks=90, qty_lots=6))] == [
        "REPLACED", "TRADED", "RESTING",
    ]  # fmt: skip


def test_size_ranks_before_time_where_the_pair_says_so(make: Make) -> None:
    """PRICE_SIZE_TIME: a larger order that comes later names the smaller one that it stands before."""
    tape = Tape(make, allocation=Allocation.PRICE_SIZE_TIME)
    tape.group(tape.place(SELL, 100, 5), tape.place(SELL, 100, 9), tape.place(SELL, 100, 5))
    assert tape.last[0].l3["taker"].tolist() == [0, 2**32 + 1, 0]


def test_an_adjusted_order_stands_at_its_new_price_at_once(make: Make) -> None:
    """A two for one split of an iceberg: half the price, twice the peak."""
    tape = Tape(make)
    tape.group(tape.place(SELL, 100, 10, kind=OrderType.ICEBERG, display_lots=2), tape.place(SELL, 99, 1))
    rows = tape.group(build.adjust_pair(7, AdjustMode.REPRICE, up=1, down=2))
    assert rows == [("CANCELLED", SELL, 2**32 + 2, 99, 1, 0), ("REPLACED", SELL, 2**32 + 1, 50, 4, 4)]


def test_pairs_of_one_group_are_told_apart(make: Make) -> None:
    """Commands of two pairs in turn: each pair's rows in order, with its own trades and levels."""
    tape = Tape(make)
    tape.group(
        tape.place(SELL, 100, 5, pair=8), tape.place(SELL, 50, 1), tape.place(BUY, 100, 2, 1, pair=8),
        tape.place(BUY, 40, 1, 1),
    )  # fmt: skip
    assert [(rows.pair, rows.l3["pair"].tolist(), len(rows.trades), len(rows.levels)) for rows in tape.last] == [
        (8, [8, 8], 1, 1),
        (7, [7, 7], 0, 2),
    ]
    assert [rows.top.tolist()[0][1:5] for rows in tape.last] == [(0, 0, 100, 3), (40, 1, 50, 1)]


def test_an_empty_group_and_one_of_refusals_tell_nothing(make: Make) -> None:
    """No events, and events that are all private."""
    tape = Tape(make)
    assert tape.encoder.encode(np.zeros(0, EVENT), tape.books, tape, 0) == []
    assert tape.group(tape.place(BUY, 0, 5), build.set_limits(0, AccountField.OPEN_ORDERS_MAX, 9)) == []
    assert tape.group(tape.place(BUY, 5, 5, tif=TimeInForce.IOC)) == []
