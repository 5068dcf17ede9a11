"""Who at one price is filled first: size, broker, pro-rata, displayed first."""

from typing import Any

import pytest

from openoutcry.book import commands as command
from openoutcry.domain import (
    AccountField,
    Allocation,
    CancelReason,
    EventKind,
    IcebergRule,
    OrderType,
    Phase,
    SelfTrade,
    TimeInForce,
)
from tests.scene import IMPLEMENTATIONS, Make, Scene


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest) -> Make:
    """Each implementation in turn."""
    return IMPLEMENTATIONS[request.param]


def pro_rata(make: Make, **fields: Any) -> Scene:
    """A pair that is shared out by size."""
    return Scene(make, allocation=Allocation.PRO_RATA, **fields)


def test_larger_orders_come_first_where_size_ranks(make: Make) -> None:
    """By quantity at placement, not by what is left; the earlier of two equal ones."""
    scene = Scene(make, allocation=Allocation.PRICE_SIZE_TIME)
    small, large, equal = scene.sell(5, 500), scene.sell(9, 500), scene.sell(9, 500)
    scene.buy(8, 500)
    assert scene.trades == [(large, 500, 8)]
    scene.buy(3, 500)
    assert scene.trades == [(large, 500, 1), (equal, 500, 2)]
    scene.do(command.replace(0, 1, small, 20, 500, by_handle=True))
    assert scene.handles() == [small, equal]


def test_a_replenished_iceberg_keeps_its_rank_by_size(make: Make) -> None:
    """It goes behind those of its own quantity, ahead of smaller ones."""
    scene = Scene(make, allocation=Allocation.PRICE_SIZE_TIME)
    small = scene.sell(5, 500)
    iceberg = scene.sell(9, 500, kind=OrderType.ICEBERG, display_lots=3)
    equal = scene.sell(9, 500)
    scene.buy(14, 500)
    assert scene.trades == [(iceberg, 500, 3), (equal, 500, 9), (iceberg, 500, 2)]
    assert scene.handles() == [iceberg, small]


def test_the_takers_broker_comes_first_even_at_worse_prices(make: Make) -> None:
    """Within the limit, displayed before hidden at each price; then everybody by price and time."""
    scene = Scene(make, allocation=Allocation.BROKER_PRICE_TIME)
    for account in (0, 2):
        scene.do(command.set_limits(account, AccountField.BROKER, 5))
    best = scene.sell(4, 500, account=1)
    ours_hidden = scene.sell(4, 501, account=2, kind=OrderType.HIDDEN)
    ours = scene.sell(4, 501, account=2)
    scene.sell(4, 502, account=2)
    scene.buy(10, 501, account=0)
    assert scene.trades == [(ours, 501, 4), (ours_hidden, 501, 4), (best, 500, 2)]
    scene.buy(1, 502, account=3)
    assert scene.trades == [(best, 500, 1)], "a taker without a broker has no priority"


def test_a_broker_order_outside_the_band_breaches_it(make: Make) -> None:
    """Broker priority reaches it first, so nothing trades before the auction starts."""
    scene = Scene(make, allocation=Allocation.BROKER_PRICE_TIME)
    for account in (0, 2):
        scene.do(command.set_limits(account, AccountField.BROKER, 5))
    scene.sell(4, 500, account=1)
    scene.sell(4, 510, account=2)
    scene.do(command.set_band(0, 490, 509))
    scene.buy(6, 510, account=0)
    assert scene.trades == [] and scene.books.phase(0) == Phase.AUCTION
    assert scene.levels() == ([(510, 6, 1)], [(500, 4, 1), (510, 4, 1)])


def test_shares_are_rounded_down_and_the_rest_goes_first_in_first_out(make: Make) -> None:
    """10 over 3, 3 and 5 of 11: 2, 2, 4 and then one each to the first two."""
    scene = pro_rata(make)
    a, b, c = scene.sell(3, 500), scene.sell(3, 500), scene.sell(5, 500)
    scene.buy(10, 500)
    assert scene.trades == [(a, 500, 3), (b, 500, 3), (c, 500, 4)]


def test_shares_below_the_minimum_are_left_out(make: Make) -> None:
    """They may still get something of the rest, by time."""
    scene = pro_rata(make, pro_rata_minimum_lots=3)
    early, large, late = scene.sell(5, 500), scene.sell(90, 500), scene.sell(5, 500)
    scene.buy(20, 500)
    assert scene.trades == [(early, 500, 2), (large, 500, 18)]
    assert scene.live(late)


def test_the_order_that_bettered_the_market_is_filled_first(make: Make) -> None:
    """Top status needs a strictly better price, and is lost when another order betters it, or to a phase change."""
    scene = pro_rata(make, pro_rata_top=True)
    first = scene.sell(10, 501)
    top, other = scene.sell(4, 500), scene.sell(16, 500)
    scene.buy(8, 500)
    assert scene.trades == [(top, 500, 4), (other, 500, 4)]
    scene.buy(12, 500)
    scene.buy(2, 501)
    assert scene.trades == [(first, 501, 2)]
    top, other = scene.sell(4, 490), scene.sell(16, 490)
    scene.do(command.set_phase(0, Phase.HALTED), command.set_phase(0, Phase.CONTINUOUS))
    scene.buy(5, 490)
    assert scene.trades == [(top, 490, 1), (other, 490, 4)]


def test_a_level_that_is_taken_whole_shows_its_next_peaks(make: Make) -> None:
    """All displayed lots, first in first out; then what was replenished, pro rata again."""
    scene = pro_rata(make)
    iceberg = scene.sell(10, 500, kind=OrderType.ICEBERG, display_lots=4)
    limit = scene.sell(4, 500)
    scene.buy(10, 500)
    assert scene.trades == [(iceberg, 500, 4), (limit, 500, 4), (iceberg, 500, 2)]


@pytest.mark.parametrize("stp", (SelfTrade.CANCEL_NEWEST, SelfTrade.CANCEL_OLDEST))
def test_prevention_comes_before_shares(make: Make, stp: SelfTrade) -> None:
    """An own order at the end of the level is seen to before anybody gets a share."""
    scene = pro_rata(make)
    stranger, own = scene.sell(6, 500, account=1), scene.sell(6, 500, account=0)
    taker = scene.buy(6, 500, stp=stp)
    if stp == SelfTrade.CANCEL_NEWEST:
        assert scene.trades == [] and scene.cancelled == [(taker, 6, CancelReason.SELF_TRADE)]
    else:
        assert scene.cancelled == [(own, 6, CancelReason.SELF_TRADE)] and scene.trades == [(stranger, 500, 6)]


def test_large_sizes_are_shared_exactly(make: Make) -> None:
    """Products of two sizes of 2^55 lots need 110 bits."""
    scene = pro_rata(make, price_ticks_max=60)
    size = 2**55 - 1
    a, b = scene.sell(size, 50), scene.sell(size - 2, 50)
    scene.buy(size, 50)
    given = {maker: lots for maker, _, lots in scene.trades}
    total = 2 * size - 2
    share_b = (size - 2) * size // total
    assert given == {a: size - share_b, b: share_b}


def test_displayed_lots_of_a_level_come_before_any_reserve(make: Make) -> None:
    """Then each reserve in one trade; a level that is left shows its icebergs again, at the back."""
    scene = Scene(make, iceberg_rule=IcebergRule.DISPLAYED_FIRST)
    iceberg = scene.sell(20, 500, kind=OrderType.ICEBERG, display_lots=2)
    limit = scene.sell(3, 500)
    second = scene.sell(9, 500, kind=OrderType.ICEBERG, display_lots=3)
    scene.buy(20, 500)
    assert scene.trades == [(iceberg, 500, 2), (limit, 500, 3), (second, 500, 3), (iceberg, 500, 12)]
    replenished = [event.maker for event in scene.events if event.kind == EventKind.REPLENISHED]
    assert replenished == [iceberg, second] and scene.handles() == [iceberg, second]
    assert scene.levels()[1] == [(500, 5, 2)]


def test_an_iceberg_shows_again_whatever_ended_the_taker(make: Make) -> None:
    """Here its own group's order behind the iceberg ends it, after the iceberg's peak has traded."""
    scene = Scene(make, iceberg_rule=IcebergRule.DISPLAYED_FIRST)
    iceberg = scene.sell(20, 500, kind=OrderType.ICEBERG, display_lots=2)
    own = scene.sell(3, 500, account=0)
    scene.buy(9, 500, stp=SelfTrade.CANCEL_NEWEST, tif=TimeInForce.GTC)
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.TRADED, EventKind.CANCELLED, EventKind.REPLENISHED]
    assert scene.handles() == [own, iceberg]
