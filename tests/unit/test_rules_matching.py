"""How a taker meets the book: priority, order types, times in force, self-trade prevention, the band."""

import pytest

from openoutcry.book import commands as command
from openoutcry.book.state import Queue
from openoutcry.domain import (
    AccountField,
    CancelReason,
    EventFlag,
    EventKind,
    OrderType,
    Phase,
    RejectCode,
    SelfTrade,
    Side,
    TimeInForce,
)
from tests.scene import IMPLEMENTATIONS, Scene

IOC, FOK, GTC, DAY = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTC, TimeInForce.DAY


@pytest.fixture(params=IMPLEMENTATIONS)
def scene(request: pytest.FixtureRequest) -> Scene:
    """A scene with one pair that trades continuously, on each implementation."""
    return Scene(IMPLEMENTATIONS[request.param])


def test_better_prices_come_first_then_earlier_orders(scene: Scene) -> None:
    """Each trade is at the maker's price; the taker's rest joins its side."""
    late, early, best = scene.sell(5, 502), scene.sell(5, 501), scene.sell(5, 500)
    second = scene.sell(5, 500)
    taker = scene.buy(18, 502)
    assert scene.trades == [(best, 500, 5), (second, 500, 5), (early, 501, 5), (late, 502, 3)]
    assert not scene.live(taker)
    taker = scene.buy(9, 502)
    assert scene.trades == [(late, 502, 2)] and scene.levels() == ([(502, 7, 1)], [])
    assert scene.books.last(0) == 502 and scene.books.best(0) == (502, None)


def test_a_trade_names_maker_and_taker_with_what_is_left_of_them(scene: Scene) -> None:
    """Side is the taker's; leaves are absolute."""
    maker = scene.buy(10, 500)
    taker = scene.sell(4, 499)
    trade = scene.events[1]
    assert (trade.side, trade.maker, trade.taker) == (1, maker, taker)
    assert (trade.price_ticks, trade.qty_lots, trade.maker_leaves, trade.taker_leaves) == (500, 4, 6, 0)
    assert scene.books.position(0, 0) == 4 and scene.books.position(1, 0) == -4


def test_immediate_or_cancel_never_rests(scene: Scene) -> None:
    """What is left is cancelled with reason IOC, also when nothing traded."""
    scene.sell(5, 500)
    taker = scene.buy(8, 500, tif=IOC)
    assert scene.cancelled == [(taker, 3, CancelReason.IOC)]
    taker = scene.buy(8, 500, tif=IOC)
    assert scene.trades == [] and scene.cancelled == [(taker, 8, CancelReason.IOC)]


def test_fill_or_kill_trades_all_or_nothing(scene: Scene) -> None:
    """One lot short: nothing happens. Just enough, over two levels, hidden lots and reserves included: all trades."""
    scene.sell(5, 500)
    scene.sell(4, 501, kind=OrderType.HIDDEN)
    scene.sell(6, 501, kind=OrderType.ICEBERG, display_lots=2)
    taker = scene.buy(16, 501, tif=FOK)
    assert scene.trades == [] and scene.cancelled == [(taker, 16, CancelReason.FOK)]
    taker = scene.buy(15, 501, tif=FOK)
    assert sum(lots for _, _, lots in scene.trades) == 15 and scene.handles() == []


def test_a_minimum_is_traded_on_arrival_or_the_order_is_cancelled(scene: Scene) -> None:
    """The rest of an order that met its minimum rests."""
    scene.sell(5, 500)
    taker = scene.buy(10, 500, display_lots=6)
    assert scene.trades == [] and scene.cancelled == [(taker, 10, CancelReason.MINIMUM)]
    taker = scene.buy(10, 500, display_lots=5)
    assert len(scene.trades) == 1 and scene.levels() == ([(500, 5, 1)], [])
    assert scene.order(taker)["peak_lots"] == 0


def test_a_market_order_takes_what_there_is_and_never_rests(scene: Scene) -> None:
    """Without a price it sweeps; a protection price stops it; the reason is NO_LIQUIDITY, or IOC."""
    scene.sell(5, 500)
    scene.sell(5, 900)
    taker = scene.buy(12, kind=OrderType.MARKET, price_ticks=500)
    assert len(scene.trades) == 1 and scene.cancelled == [(taker, 7, CancelReason.NO_LIQUIDITY)]
    taker = scene.buy(12, kind=OrderType.MARKET, tif=IOC)
    assert [price for _, price, _ in scene.trades] == [900]
    assert scene.cancelled == [(taker, 7, CancelReason.IOC)]


def test_market_to_limit_stops_at_the_best_price_and_rests_there(scene: Scene) -> None:
    """It takes the best displayed price, never a hidden one, and shows it in ACCEPTED; without one it is cancelled."""
    scene.sell(5, 500)
    scene.sell(5, 501)
    taker = scene.buy(8, kind=OrderType.MARKET_TO_LIMIT)
    assert scene.events[0].price_ticks == 500 and [price for _, price, _ in scene.trades] == [500]
    assert scene.order(taker)["price_ticks"] == 500 and scene.levels()[0] == [(500, 3, 1)]
    other = Scene(scene.make)
    other.sell(5, 500, kind=OrderType.HIDDEN)
    taker = other.buy(8, kind=OrderType.MARKET_TO_LIMIT)
    assert other.events[0].price_ticks == 0 and other.cancelled == [(taker, 8, CancelReason.NO_LIQUIDITY)]


def test_post_only_is_refused_where_it_would_trade(scene: Scene) -> None:
    """Displayed or hidden, the best opposite price counts; one tick short of it is good."""
    scene.sell(5, 500, kind=OrderType.HIDDEN)
    post = command.place(0, 0, 99, Side.BUY, 5, 500, kind=OrderType.POST_ONLY)
    assert scene.refused(post) == RejectCode.WOULD_TRADE
    scene.buy(5, 499, kind=OrderType.POST_ONLY)
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.RESTING]


def test_post_only_slide_rests_one_tick_short(scene: Scene) -> None:
    """The slid price is its price from then on; at the end of the range there is nowhere to slide to."""
    scene.buy(5, 500)
    slid = scene.sell(5, 300, kind=OrderType.POST_ONLY_SLIDE)
    assert scene.events[0].price_ticks == 501 and scene.order(slid)["price_ticks"] == 501
    other = Scene(scene.make)
    other.sell(5, 1)
    nowhere = command.place(0, 0, 99, Side.BUY, 5, 1, kind=OrderType.POST_ONLY_SLIDE)
    assert other.refused(nowhere) == RejectCode.WOULD_TRADE


def test_hidden_lots_come_after_all_displayed_ones_at_their_price(scene: Scene) -> None:
    """Also after a replenished iceberg, but before a worse price; depth does not show them."""
    hidden = scene.sell(5, 500, kind=OrderType.HIDDEN)
    assert scene.events[1].flags == EventFlag.HIDDEN and scene.levels() == ([], []) and scene.books.best(0)[1] is None
    iceberg = scene.sell(4, 500, kind=OrderType.ICEBERG, display_lots=2)
    worse = scene.sell(5, 501)
    scene.buy(10, 501)
    assert scene.trades == [(iceberg, 500, 2), (iceberg, 500, 2), (hidden, 500, 5), (worse, 501, 1)]
    flags = [event.flags for event in scene.events if event.kind == EventKind.TRADED]
    assert flags == [0, 0, EventFlag.HIDDEN, 0]


def test_an_iceberg_goes_to_the_back_when_its_peak_is_used_up(scene: Scene) -> None:
    """Peak rotation; the last peak may be smaller; REPLENISHED follows the trade."""
    iceberg = scene.sell(7, 500, kind=OrderType.ICEBERG, display_lots=3)
    limit = scene.sell(4, 500)
    assert scene.levels()[1] == [(500, 7, 2)]
    scene.buy(10, 500)
    assert scene.trades == [(iceberg, 500, 3), (limit, 500, 4), (iceberg, 500, 3)]
    assert [(e.qty_lots, e.maker_leaves) for e in scene.events if e.kind == EventKind.REPLENISHED] == [(3, 4), (1, 1)]
    assert scene.levels()[1] == [(500, 1, 1)]


GROUPED = (SelfTrade.CANCEL_NEWEST, SelfTrade.CANCEL_OLDEST, SelfTrade.CANCEL_BOTH, SelfTrade.DECREMENT)


@pytest.mark.parametrize("stp", GROUPED)
def test_self_trade_prevention_keeps_a_group_apart(scene: Scene, stp: SelfTrade) -> None:
    """The taker's mode decides which of the two orders goes; strangers behind it still trade where the taker lives."""
    own, stranger = scene.sell(4, 500, account=0), scene.sell(4, 500, account=1)
    taker = scene.buy(10, 500, stp=stp)
    why = CancelReason.SELF_TRADE
    expected = {
        SelfTrade.CANCEL_NEWEST: ([], [(taker, 10, why)]),
        SelfTrade.CANCEL_OLDEST: ([(stranger, 500, 4)], [(own, 4, why)]),
        SelfTrade.CANCEL_BOTH: ([], [(own, 4, why), (taker, 10, why)]),
        SelfTrade.DECREMENT: ([(stranger, 500, 4)], [(own, 4, why), (taker, 4, why)]),
    }
    assert (scene.trades, scene.cancelled) == expected[stp]
    others = {event.maker: event.taker for event in scene.events if event.kind == EventKind.CANCELLED}
    assert all(others[order] == (taker if order == own else own) for order in others)


def test_self_trade_prevention_needs_a_group_and_a_mode(scene: Scene) -> None:
    """Mode NONE trades with itself, so does group 0; two accounts of one group are kept apart; the maker has no say."""
    scene.sell(1, 500, account=0, stp=SelfTrade.CANCEL_OLDEST)
    scene.buy(1, 500)
    assert len(scene.trades) == 1
    for account in (2, 3):
        scene.do(command.set_limits(account, AccountField.GROUP, 0))
    scene.sell(1, 500, account=2)
    scene.buy(1, 500, account=2, stp=SelfTrade.CANCEL_NEWEST)
    assert len(scene.trades) == 1
    for account in (2, 3):
        scene.do(command.set_limits(account, AccountField.GROUP, 77))
    scene.sell(1, 500, account=2)
    scene.buy(1, 500, account=3, stp=SelfTrade.CANCEL_NEWEST)
    assert len(scene.trades) == 0 and len(scene.cancelled) == 1


def test_an_own_order_out_of_reach_does_not_matter(scene: Scene) -> None:
    """Prevention applies only where the order would be met by priority."""
    stranger = scene.sell(4, 500, account=1)
    scene.sell(4, 500, account=0)
    scene.buy(4, 500, stp=SelfTrade.CANCEL_NEWEST)
    assert scene.trades == [(stranger, 500, 4)] and scene.cancelled == []


def test_decrement_takes_the_makers_reserve_first(scene: Scene) -> None:
    """What stays displayed keeps its place; the taker is gone."""
    own = scene.sell(10, 500, account=0, kind=OrderType.ICEBERG, display_lots=4)
    taker = scene.buy(7, 500, stp=SelfTrade.DECREMENT)
    assert scene.cancelled == [(own, 7, CancelReason.SELF_TRADE), (taker, 7, CancelReason.SELF_TRADE)]
    order = scene.order(own)
    assert (order["displayed_lots"], order["reserve_lots"]) == (3, 0)


@pytest.mark.parametrize("stp", GROUPED)
def test_a_fill_or_kill_counts_on_nothing_behind_an_own_order(scene: Scene, stp: SelfTrade) -> None:
    """A reserve is met after the own order behind its peak: it counts only where that order would be cancelled."""
    scene.sell(10, 500, account=1, kind=OrderType.ICEBERG, display_lots=2)
    scene.sell(1, 500, account=0)
    scene.buy(5, 500, tif=FOK, stp=stp)
    filled = sum(lots for _, _, lots in scene.trades)
    assert filled == (5 if stp == SelfTrade.CANCEL_OLDEST else 0)
    scene.buy(2, 500, tif=FOK, stp=stp)
    assert sum(lots for _, _, lots in scene.trades) == 2


@pytest.mark.parametrize(
    ("kind", "tif", "rests"),
    (
        (OrderType.LIMIT, GTC, True),
        (OrderType.LIMIT, DAY, True),
        (OrderType.LIMIT, IOC, False),
        (OrderType.MARKET, GTC, False),
        (OrderType.ICEBERG, GTC, True),
    ),
)
def test_a_trade_outside_the_band_starts_an_auction_instead(
    scene: Scene, kind: OrderType, tif: TimeInForce, rests: bool
) -> None:
    """Levels inside trade; then BAND_BREACHED, PHASE_CHANGED, and the rest is collected or cancelled."""
    scene.sell(5, 500)
    scene.sell(5, 510)
    scene.do(command.set_band(0, 490, 509))
    taker = scene.buy(8, 510, kind=kind, tif=tif, display_lots=3 if kind == OrderType.ICEBERG else 0)
    assert [price for _, price, _ in scene.trades] == [500]
    breach = next(event for event in scene.events if event.kind == EventKind.BAND_BREACHED)
    assert (breach.taker, breach.price_ticks, breach.qty_lots) == (taker, 510, 3)
    assert scene.books.phase(0) == Phase.AUCTION and scene.live(taker) == rests
    assert scene.cancelled == ([] if rests else [(taker, 3, CancelReason.BAND)])
    assert scene.kinds[-1] == (EventKind.RESTING if rests else EventKind.CANCELLED)


def test_a_fill_or_kill_does_not_breach_the_band(scene: Scene) -> None:
    """Its dry run ends at the band, so it is cancelled and trading goes on."""
    scene.sell(5, 500)
    scene.sell(5, 510)
    scene.do(command.set_band(0, 490, 509))
    taker = scene.buy(8, 510, tif=FOK)
    assert scene.cancelled == [(taker, 8, CancelReason.FOK)] and scene.books.phase(0) == Phase.CONTINUOUS


def test_hidden_and_displayed_queues_are_told_apart_in_the_state(scene: Scene) -> None:
    """Book order: bids, asks, hidden bids, hidden asks, stops; best first."""
    for price in (500, 502, 501):
        scene.buy(1, price)
        scene.buy(1, price, kind=OrderType.HIDDEN)
        scene.sell(1, price + 10)
    scene.sell(1, 400, kind=OrderType.STOP_LIMIT, trigger_ticks=400)
    queues = [(Queue(queue).name, price) for queue, _, price, _ in scene.queue()]
    assert queues == [
        ("BID", 502), ("BID", 501), ("BID", 500), ("ASK", 510), ("ASK", 511), ("ASK", 512), ("HIDDEN_BID", 502),
        ("HIDDEN_BID", 501), ("HIDDEN_BID", 500), ("STOP_SELL", 400),
    ]  # fmt: skip
