"""CANCEL, REDUCE and REPLACE; stops."""

import pytest

from openoutcry.book import commands as command
from openoutcry.book.state import Queue
from openoutcry.domain import (
    CancelReason,
    EventFlag,
    EventKind,
    MassCancelScope,
    OrderType,
    Pair,
    Phase,
    RejectCode,
    SelfTrade,
    TimeInForce,
)
from tests.scene import IMPLEMENTATIONS, Scene


@pytest.fixture(params=IMPLEMENTATIONS)
def scene(request: pytest.FixtureRequest) -> Scene:
    """A pair that trades continuously and one more."""
    return Scene(IMPLEMENTATIONS[request.param], others=(Pair(1),))


def test_an_order_is_found_only_by_its_owner_in_its_pair(scene: Scene) -> None:
    """By handle and by client id; another account, another pair or a made-up handle finds nothing."""
    handle = scene.buy(5, 500, client_id=7)
    for pair, account in ((1, 0), (0, 1)):
        assert scene.refused(command.cancel(pair, account, handle, by_handle=True)) == RejectCode.UNKNOWN_ORDER
        assert scene.refused(command.cancel(pair, account, 7)) == RejectCode.UNKNOWN_ORDER
    for name in (0, 1, 2**64 - 1, handle + 1, handle + 2**32):
        assert scene.refused(command.cancel(0, 0, name, by_handle=True)) == RejectCode.UNKNOWN_ORDER
    scene.do(command.cancel(0, 0, handle, by_handle=True))
    assert scene.cancelled == [(handle, 5, CancelReason.USER)] and scene.books.live == 0


def test_reduce_keeps_the_place_and_takes_the_reserve_first(scene: Scene) -> None:
    """All of it, or more, cancels the order."""
    iceberg = scene.sell(10, 500, kind=OrderType.ICEBERG, display_lots=4)
    behind = scene.sell(5, 500)
    scene.do(command.reduce(0, 1, iceberg, 7, by_handle=True))
    event = scene.events[0]
    assert (event.qty_lots, event.maker_leaves, event.taker_leaves, event.code) == (7, 3, 3, CancelReason.USER)
    assert scene.handles() == [iceberg, behind]
    scene.do(command.reduce(0, 1, iceberg, 2**56 - 1, by_handle=True))
    assert scene.cancelled == [(iceberg, 3, CancelReason.USER)] and not scene.live(iceberg)
    for lots in (0, -1, 2**56):
        assert scene.refused(command.reduce(0, 1, behind, lots, by_handle=True)) == RejectCode.QUANTITY_OUT_OF_RANGE


@pytest.mark.parametrize(
    ("phase", "op", "code"),
    (
        (Phase.CLOSED, "reduce", RejectCode.PHASE_FORBIDS),
        (Phase.CLOSED, "replace", RejectCode.PHASE_FORBIDS),
        (Phase.HALTED, "replace", RejectCode.PHASE_FORBIDS),
        (Phase.CLOSED, "cancel", None),
        (Phase.HALTED, "reduce", None),
        (Phase.PRE_OPEN, "replace", None),
        (Phase.AUCTION, "replace", None),
    ),
)
def test_phases_take_changes_as_the_table_says(scene: Scene, phase: Phase, op: str, code: RejectCode | None) -> None:
    """Cancel always; reduce unless closed; replace where orders are collected or match."""
    handle = scene.buy(5, 500)
    scene.do(command.set_phase(0, phase))
    row = {
        "cancel": command.cancel(0, 0, handle, by_handle=True),
        "reduce": command.reduce(0, 0, handle, 1, by_handle=True),
        "replace": command.replace(0, 0, handle, 9, 501, by_handle=True),
    }[op]
    if code is None:
        assert EventKind.REJECTED not in {event.kind for event in scene.do(row)}
    else:
        assert scene.refused(row) == code


def test_replace_keeps_the_place_only_for_less_at_the_same_price(scene: Scene) -> None:
    """More lots or another price go to the back of the level with new original quantity; handle and id stay."""
    first, second = scene.buy(5, 500), scene.buy(5, 500)
    scene.do(command.replace(0, 0, first, 3, 500, by_handle=True))
    assert scene.events[0].flags == EventFlag.KEPT_PRIORITY and scene.handles() == [first, second]
    assert scene.order(first)["original_lots"] == 5
    scene.do(command.replace(0, 0, 1, 4, 500))
    assert scene.kinds == [EventKind.REPLACED, EventKind.RESTING] and scene.handles() == [second, first]
    assert scene.order(first)["original_lots"] == 4
    scene.do(command.replace(0, 0, 1, 4, 501))
    assert scene.handles() == [first, second]


def test_replace_may_trade(scene: Scene) -> None:
    """As a taker with the self-trade mode that it was placed with, whatever rests meanwhile."""
    order = scene.buy(10, 490, stp=SelfTrade.CANCEL_OLDEST)
    own, stranger = scene.sell(4, 500, account=0), scene.sell(4, 500, account=1)
    scene.do(command.replace(0, 0, order, 10, 500, by_handle=True))
    assert scene.trades == [(stranger, 500, 4)] and scene.cancelled == [(own, 4, CancelReason.SELF_TRADE)]
    assert scene.levels()[0] == [(500, 6, 1)]


def test_replace_is_checked_like_a_new_order(scene: Scene) -> None:
    """Price, trigger and post-only; its own open lots count as returned."""
    order = scene.buy(10, 490)
    assert scene.refused(command.replace(0, 0, order, 10, 0, by_handle=True)) == RejectCode.PRICE_OUT_OF_RANGE
    bad = command.replace(0, 0, order, 10, 490, trigger_ticks=5, by_handle=True)
    assert scene.refused(bad) == RejectCode.TRIGGER_OUT_OF_RANGE
    assert scene.refused(command.replace(0, 0, order, 0, 490, by_handle=True)) == RejectCode.QUANTITY_OUT_OF_RANGE
    post = scene.buy(10, 480, kind=OrderType.POST_ONLY)
    slide = scene.buy(10, 480, kind=OrderType.POST_ONLY_SLIDE)
    scene.sell(5, 500)
    assert scene.refused(command.replace(0, 0, post, 10, 500, by_handle=True)) == RejectCode.WOULD_TRADE
    scene.do(command.replace(0, 0, slide, 10, 510, by_handle=True))
    assert scene.events[0].price_ticks == 499 and scene.order(slide)["price_ticks"] == 499


def test_an_iceberg_keeps_its_peak(scene: Scene) -> None:
    """Also where it loses its place and gets a larger quantity."""
    iceberg = scene.sell(10, 500, kind=OrderType.ICEBERG, display_lots=4)
    scene.do(command.replace(0, 1, iceberg, 30, 500, by_handle=True))
    order = scene.order(iceberg)
    assert (order["displayed_lots"], order["reserve_lots"], order["peak_lots"]) == (4, 26, 4)


def test_a_replaced_order_keeps_its_place_among_those_of_its_account(scene: Scene) -> None:
    """Mass cancellation goes by acceptance, newest first, whatever was replaced since."""
    orders = [scene.buy(1, 500), scene.buy(1, 499), scene.buy(1, 498)]
    scene.do(
        command.replace(0, 0, orders[0], 2, 497, by_handle=True),
        command.mass_cancel(MassCancelScope.ACCOUNT, account=0),
    )
    assert [order for order, _, _ in scene.cancelled] == orders[::-1]


def trade_at(scene: Scene, price_ticks: int) -> None:
    """Make the last price."""
    scene.buy(1, price_ticks, account=8)
    scene.sell(1, price_ticks, account=9)


def test_stops_trigger_on_the_last_price(scene: Scene) -> None:
    """After the command that moved it: buys from the lowest trigger, then sells from the highest, first in first."""
    high = scene.buy(1, 600, kind=OrderType.STOP_LIMIT, trigger_ticks=520)
    low = scene.buy(1, 600, kind=OrderType.STOP_LIMIT, trigger_ticks=510)
    later = scene.buy(1, 600, kind=OrderType.STOP_LIMIT, trigger_ticks=510)
    sell = scene.sell(1, 700, kind=OrderType.STOP_LIMIT, trigger_ticks=530)
    scene.buy(1, 600, kind=OrderType.STOP_LIMIT, trigger_ticks=531)
    trade_at(scene, 530)
    triggered = [(event.maker, event.price_ticks) for event in scene.events if event.kind == EventKind.TRIGGERED]
    assert triggered == [(low, 510), (later, 510), (high, 520), (sell, 530)]
    assert scene.order(low)["queue"] == Queue.BID and scene.order(low)["trigger_ticks"] == 0


def test_a_triggered_stop_trades_like_a_market_order(scene: Scene) -> None:
    """Up to its protection price; what it moves may trigger more; nothing of it rests."""
    stop = scene.buy(4, 506, kind=OrderType.STOP, trigger_ticks=500)
    chained = scene.buy(1, kind=OrderType.STOP, trigger_ticks=505)
    for price in (505, 506, 507):
        scene.sell(1, price, account=3)
    trade_at(scene, 500)
    assert [(price, lots) for _, price, lots in scene.trades] == [(500, 1), (505, 1), (506, 1), (507, 1)]
    assert scene.cancelled == [(stop, 2, CancelReason.NO_LIQUIDITY)] and not scene.live(chained)


def test_a_stop_that_is_due_triggers_at_once(scene: Scene) -> None:
    """On arrival in continuous trading, or when trading starts; an auction's price counts."""
    trade_at(scene, 500)
    scene.sell(1, 400, kind=OrderType.STOP_LIMIT, trigger_ticks=500)
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.TRIGGERED, EventKind.RESTING]
    scene.do(command.set_phase(0, Phase.PRE_OPEN))
    stop = scene.buy(1, 450, kind=OrderType.STOP_LIMIT, trigger_ticks=400)
    assert scene.kinds == [EventKind.ACCEPTED]
    scene.do(command.uncross(0), command.set_phase(0, Phase.CONTINUOUS))
    assert EventKind.TRIGGERED in scene.kinds and not scene.live(stop)


def test_elected_stops_wait_out_an_auction_that_a_band_started(scene: Scene) -> None:
    """The first one breaches; the second is still elected, can be changed, and goes on with continuous trading."""
    first = scene.buy(1, kind=OrderType.STOP, trigger_ticks=500)
    second = scene.buy(2, 600, kind=OrderType.STOP_LIMIT, trigger_ticks=500)
    third = scene.buy(3, 600, kind=OrderType.STOP_LIMIT, trigger_ticks=500)
    scene.sell(1, 520, account=3)
    scene.do(command.set_band(0, 490, 510))
    trade_at(scene, 500)
    assert scene.books.phase(0) == Phase.AUCTION and scene.cancelled == [(first, 1, CancelReason.BAND)]
    assert [scene.order(order)["queue"] for order in (second, third)] == [Queue.ELECTED] * 2
    scene.do(command.replace(0, 0, second, 1, 600, by_handle=True))
    assert scene.events[0].flags == EventFlag.KEPT_PRIORITY
    scene.do(command.replace(0, 0, third, 3, 600, trigger_ticks=700, by_handle=True))
    assert scene.order(third)["queue"] == Queue.STOP_BUY
    scene.do(command.set_band(0, 0, 0), command.set_phase(0, Phase.CONTINUOUS))
    assert [event.maker for event in scene.events if event.kind == EventKind.TRIGGERED] == [second]


def test_a_waiting_stop_can_get_another_trigger_and_protection(scene: Scene) -> None:
    """Trigger 0 keeps it; price 0 takes a stop's protection away."""
    stop = scene.buy(5, 600, kind=OrderType.STOP, trigger_ticks=550)
    scene.do(command.replace(0, 0, stop, 5, 600, trigger_ticks=560, by_handle=True))
    assert scene.order(stop)["trigger_ticks"] == 560
    scene.do(command.replace(0, 0, stop, 5, 0, by_handle=True))
    order = scene.order(stop)
    assert (order["trigger_ticks"], order["price_ticks"]) == (560, 1000)
    scene.do(command.replace(0, 0, stop, 4, 0, by_handle=True))
    assert scene.events[0].flags == EventFlag.KEPT_PRIORITY


def test_a_stop_keeps_its_time_in_force(scene: Scene) -> None:
    """Fill-or-kill is tried when it triggers; the reason says so."""
    stop = scene.buy(5, 600, kind=OrderType.STOP_LIMIT, trigger_ticks=500, tif=TimeInForce.FOK)
    scene.sell(4, 510, account=3)
    trade_at(scene, 500)
    assert scene.cancelled == [(stop, 5, CancelReason.FOK)]
