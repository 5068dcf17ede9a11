"""Both modes on small flows in which something is wrong, and on generated ones in which nothing is."""

from collections import Counter

import numpy as np
import pytest

from openoutcry.domain import OrderType, RejectCode, Side, TimeInForce
from openoutcry.replay import compare
from openoutcry.replay.books import OpenBooks, open_fast, open_plain
from openoutcry.replay.compare import Comparison
from openoutcry.replay.flow import Action, Flow, MessageFlag
from openoutcry.replay.rebuild import NO_ORDER, NOT_BEST, OTHER_PRICE, TOO_MUCH, rebuild
from openoutcry.replay.rematch import Rematched, rematch
from openoutcry.replay.summary import summarize
from tests.flows import flow_of, generated, message, silent, stopped

SELL = Side.SELL


def matched(flow: Flow) -> Rematched:
    """Match a flow anew with the plain books."""
    return rematch(flow, open_plain, stopped, silent)


def differences(flow: Flow) -> tuple[Counter[str], Counter[str]]:
    """Return what is missing and what is extra, by class."""
    comparison: Comparison = matched(flow).comparison
    return comparison.missing, comparison.extra


@pytest.mark.parametrize("takers_shown", [False, True])
@pytest.mark.parametrize("hidden_ppm", [0, 60_000])
def test_a_generated_market_is_rebuilt_without_fault_and_matched_anew_to_the_last_trade(
    takers_shown: bool, hidden_ppm: int
) -> None:
    """With and without takers in the recording, with and without hidden orders, which alone may differ."""
    flow = generated(takers_shown=takers_shown, hidden_ppm=hidden_ppm)
    rebuilt = rebuild(flow, open_plain, stopped, silent)
    assert rebuilt.executions == int((flow.messages["action"] == Action.FILL).sum()) > 300
    assert not any(rebuilt.faults.values())
    assert not rebuilt.refused
    assert rebuilt.market[0].crossed == 0
    found = matched(flow)
    hidden = int((flow.messages["action"] == Action.TRADE).sum())
    assert found.comparison.same == found.comparison.venue - hidden
    assert found.comparison.missing == (Counter({compare.HIDDEN: hidden}) if hidden else Counter())
    assert not found.comparison.extra
    assert found.repairs == 0
    assert (hidden > 20) == (hidden_ppm > 0)


@pytest.mark.parametrize("takers_shown", [False, True])
def test_fast_and_plain_books_make_the_same_replay(takers_shown: bool) -> None:
    """Every event of both modes, and the summary but for its speed."""
    flow = generated(takers_shown=takers_shown)
    for mode in (rebuild, rematch):
        outcomes = [mode(flow, opened, stopped, silent) for opened in (open_fast, open_plain)]
        assert np.array_equal(outcomes[0].events, outcomes[1].events)
        assert np.array_equal(outcomes[0].tape.all_depth(), outcomes[1].tape.all_depth())
        assert summarize(flow, outcomes[0], total_ns=0) == summarize(flow, outcomes[1], total_ns=0)


@pytest.mark.parametrize("opened", [open_fast, open_plain])
def test_each_fault_of_an_execution_is_counted_under_its_name(opened: OpenBooks) -> None:
    """Four executions that are wrong in one way each, and one that is right."""
    flow = flow_of(
        *(message(Action.ADD, order, price=price, side=SELL, lots=5) for order, price in ((1, 10), (2, 11), (3, 12))),
        message(Action.FILL, 1, price=10, side=SELL, group=1),
        message(Action.FILL, 1, price=9, side=SELL, group=2),
        message(Action.FILL, 3, price=12, side=SELL, group=3),
        message(Action.FILL, 1, price=10, side=SELL, lots=9, group=4),
        message(Action.FILL, 77, price=11, side=SELL, group=5),
    )
    rebuilt = rebuild(flow, opened, stopped, silent)
    assert rebuilt.executions == 5
    assert rebuilt.faults == {NO_ORDER: 1, OTHER_PRICE: 1, TOO_MUCH: 1, NOT_BEST: 1}
    assert rebuilt.refused == {RejectCode.UNKNOWN_ORDER: 1}


def test_a_crossed_book_is_seen_only_while_the_venue_is_at_rest() -> None:
    """Crossed within transaction 1, at rest after transaction 2, healed by transaction 3."""
    flow = flow_of(
        message(Action.ADD, 1, price=10, side=SELL),
        message(Action.ADD, 2, price=11, group=1),
        message(Action.DELETE, 2, price=11, group=1),
        message(Action.ADD, 3, price=10, group=2),
        message(Action.DELETE, 1, side=SELL, group=3),
    )
    market = rebuild(flow, open_plain, stopped, silent).market[0]
    assert (market.crossed, market.first_crossed_ns) == (1, 2_000_000)
    assert market.quotes.bid_ticks.tolist() == [0, 0, 10, 10]
    assert market.quotes.ask_ticks.tolist() == [10, 10, 10, 0]


def test_another_order_first_at_the_price() -> None:
    """The venue fills the younger of two orders; our book fills the older, and is brought back."""
    flow = flow_of(
        message(Action.ADD, 1, price=10, side=SELL, lots=3),
        message(Action.ADD, 2, price=10, side=SELL, lots=3),
        message(Action.FILL, 2, price=10, side=SELL, lots=3, group=1),
        message(Action.FILL, 1, price=10, side=SELL, lots=3, group=2),
    )
    found = matched(flow)
    assert found.comparison.missing == {compare.PRIORITY: 1}
    assert found.comparison.extra == {compare.PRIORITY: 1}
    assert found.repairs == 2
    assert (found.comparison.venue, found.comparison.same, found.comparison.share_ppm()) == (2, 1, 500_000)


def test_an_order_that_lost_its_place_explains_what_follows() -> None:
    """After the venue fills the younger, our older order comes back behind a third: the next fill differs by that."""
    flow = flow_of(
        *(message(Action.ADD, order, price=10, side=SELL, lots=3) for order in (1, 2, 3)),
        message(Action.FILL, 2, price=10, side=SELL, lots=3, group=1),
        message(Action.FILL, 1, price=10, side=SELL, lots=3, group=2),
    )
    assert differences(flow)[0] == {compare.PRIORITY: 1, compare.DISPLACED: 1}


def test_a_stale_order_of_the_snapshot_first() -> None:
    """The venue no longer has order 1; our book still does."""
    flow = flow_of(
        message(Action.ADD, 1, price=10, side=SELL, flags=MessageFlag.SNAPSHOT | MessageFlag.STALE),
        message(Action.ADD, 2, price=10, side=SELL, flags=MessageFlag.SNAPSHOT),
        message(Action.FILL, 2, price=10, side=SELL, group=1),
    )
    assert differences(flow) == ({compare.STALE: 1}, {compare.STALE: 1})


def test_other_quantities_other_prices_and_no_trade_at_all() -> None:
    """The venue splits one fill in an impossible way; it trades at a worse price; it trades with nobody of ours."""
    taker = message(Action.ADD, 9, price=12, lots=4, tif=TimeInForce.IOC, group=1)
    smaller = flow_of(
        message(Action.ADD, 1, price=10, side=SELL, lots=9),
        taker,
        message(Action.FILL, 1, other=9, price=10, side=SELL, lots=3, group=1),
    )
    assert differences(smaller) == ({compare.SIZE: 1}, {compare.SIZE: 1})
    worse = flow_of(
        message(Action.ADD, 1, price=10, side=SELL, lots=9),
        message(Action.ADD, 2, price=12, side=SELL, lots=4),
        taker,
        message(Action.FILL, 2, other=9, price=12, side=SELL, lots=4, group=1),
    )
    assert differences(worse) == ({compare.PRICE: 1}, {compare.PRICE: 1})
    refused = flow_of(
        message(Action.ADD, 1, price=10, side=SELL, lots=9),
        message(Action.ADD, 9, price=12, lots=4, kind=OrderType.POST_ONLY, group=1),
        message(Action.FILL, 1, other=9, price=10, side=SELL, lots=4, group=1),
    )
    assert differences(refused) == ({compare.NO_TRADE: 1}, {})


def test_our_book_trades_where_the_venue_let_an_order_rest() -> None:
    """A recording that is crossed at rest."""
    flow = flow_of(
        message(Action.ADD, 1, price=10, side=SELL, lots=2), message(Action.ADD, 2, price=10, lots=2, group=1)
    )
    found = matched(flow)
    assert found.comparison.extra == {compare.ONLY_OURS: 1}
    assert found.comparison.venue == 0
    assert found.comparison.share_ppm() is None


def test_trades_that_no_book_could_make_count_as_the_venues() -> None:
    """A hidden order, an auction, an order that the recording does not have."""
    flow = flow_of(
        message(Action.TRADE, 0, price=10),
        message(Action.AUCTION, 0, price=10),
        message(Action.TRADE, 5, price=10, flags=MessageFlag.UNSEEN),
    )
    found = matched(flow).comparison
    assert (found.venue, found.same) == (3, 0)
    assert found.missing == {compare.HIDDEN: 1, compare.AUCTION: 1, compare.UNSEEN: 1}


def test_the_same_order_id_in_two_pairs_is_two_orders() -> None:
    """Both pairs have an order 1; each is filled in its own pair."""
    flow = flow_of(
        message(Action.ADD, 1, price=10, side=SELL, lots=2),
        message(Action.ADD, 1, price=20, side=SELL, lots=2, pair=1),
        message(Action.FILL, 1, price=20, side=SELL, lots=1, pair=1, group=1),
        message(Action.FILL, 1, price=10, side=SELL, lots=2, group=2),
        pairs=2,
    )
    assert matched(flow).comparison.same == 2
    rebuilt = rebuild(flow, open_plain, stopped, silent)
    assert not any(rebuilt.faults.values())
    assert [market.quotes.ask_lots.tolist() for market in rebuilt.market] == [[2, 0], [2, 1]]


def test_a_flow_of_nothing_is_replayed_to_nothing() -> None:
    """No message at all."""
    flow = flow_of()
    assert rebuild(flow, open_plain, stopped, silent).executions == 0
    assert matched(flow).comparison.venue == 0
    assert summarize(flow, matched(flow), total_ns=0)["first"] is None
