"""Account checks, backing and market-maker protection."""

from typing import Any

import pytest

from openoutcry.book import commands as command
from openoutcry.domain import (
    AccountField,
    CancelReason,
    EventKind,
    OrderType,
    Pair,
    Phase,
    RejectCode,
    Side,
    TimeInForce,
)
from openoutcry.domain.limits import BACKING_UNITS_MAX
from openoutcry.domain.records import Commands
from tests.scene import IMPLEMENTATIONS, Make, Scene

BASE, QUOTE = 1, 0
SECOND_NS = 1_000_000_000


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest) -> Make:
    """Each implementation in turn."""
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
def scene(make: Make) -> Scene:
    """A pair that trades continuously and one more, 10 accounts without limits."""
    return Scene(make, others=(Pair(1, base=2, quote=QUOTE),))


def limit(scene: Scene, account: int, **fields: int) -> None:
    """Set fields of an account by name."""
    for name, value in fields.items():
        scene.do(command.set_limits(account, AccountField[name], value))


def order(side: Side, qty_lots: int, price_ticks: int = 500, **fields: Any) -> Commands:
    """An order of account 0."""
    return command.place(
        fields.pop("pair", 0), 0, fields.pop("client_id", 1_000), side, qty_lots, price_ticks, **fields
    )


def test_the_number_of_live_orders_is_limited(scene: Scene) -> None:
    """Over all pairs; a filled or cancelled order makes room; an order that would not rest counts too."""
    limit(scene, 0, OPEN_ORDERS_MAX=2)
    scene.buy(1, 400)
    scene.buy(1, 400, pair=1)
    assert scene.refused(order(Side.BUY, 1, tif=TimeInForce.IOC)) == RejectCode.OPEN_ORDERS_LIMIT
    scene.sell(1, 400)
    scene.do(order(Side.BUY, 1))
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.RESTING]


def test_the_size_of_an_order_is_limited(scene: Scene) -> None:
    """The limit itself is allowed."""
    limit(scene, 0, ORDER_LOTS_MAX=10)
    assert scene.refused(order(Side.BUY, 11)) == RejectCode.ORDER_SIZE_LIMIT
    scene.buy(10, 500)


def test_price_times_quantity_is_limited(scene: Scene) -> None:
    """For an order without a price at the end of the range: the highest for a buy, the lowest for a sell."""
    limit(scene, 0, NOTIONAL_MAX=5_000)
    assert scene.refused(order(Side.BUY, 11, 500)) == RejectCode.NOTIONAL_LIMIT
    assert scene.refused(order(Side.BUY, 6, 0, kind=OrderType.MARKET)) == RejectCode.NOTIONAL_LIMIT
    scene.do(order(Side.SELL, 5_000, 0, kind=OrderType.MARKET), order(Side.BUY, 10, 500))
    assert EventKind.REJECTED not in scene.kinds


def test_the_collar_is_around_the_last_price(scene: Scene) -> None:
    """Else around the reference; none without either, nor for an order without a price; a slid price is what counts."""
    limit(scene, 0, COLLAR_TICKS=10)
    scene.buy(1, 900)
    scene.do(command.cancel(0, 0, 1), command.move_reference(0, 500))
    assert scene.refused(order(Side.BUY, 1, 511)) == RejectCode.COLLAR_LIMIT
    scene.buy(1, 510, account=2)
    scene.sell(1, 510, account=3)
    assert scene.refused(order(Side.BUY, 1, 499)) == RejectCode.COLLAR_LIMIT
    scene.do(order(Side.BUY, 1, 0, kind=OrderType.MARKET), order(Side.BUY, 1, 500))
    scene.sell(1, 515)
    scene.do(order(Side.BUY, 1, 600, kind=OrderType.POST_ONLY_SLIDE, client_id=1_001))
    assert scene.events[0].price_ticks == 514


def test_net_position_plus_open_lots_of_a_side_are_limited(scene: Scene) -> None:
    """Fills and cancellations move the room; the other side has its own."""
    limit(scene, 0, POSITION_LOTS_MAX=10)
    scene.buy(6, 500)
    assert scene.refused(order(Side.BUY, 5)) == RejectCode.POSITION_LIMIT
    scene.sell(6, 500)
    assert scene.refused(order(Side.BUY, 5)) == RejectCode.POSITION_LIMIT
    scene.do(order(Side.SELL, 16, 600))
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.RESTING]
    assert scene.refused(order(Side.SELL, 1, 600, client_id=1_001)) == RejectCode.POSITION_LIMIT


def test_reduce_only_passes_the_limits_but_never_increases(scene: Scene) -> None:
    """Number, size, notional and position limits are skipped; open sells of the account count against it."""
    scene.buy(10, 500)
    scene.sell(10, 500)
    limit(scene, 0, OPEN_ORDERS_MAX=0, ORDER_LOTS_MAX=0, NOTIONAL_MAX=0, POSITION_LOTS_MAX=0)
    assert scene.refused(order(Side.BUY, 1, reduce_only=True)) == RejectCode.WOULD_INCREASE
    assert scene.refused(order(Side.SELL, 11, reduce_only=True)) == RejectCode.WOULD_INCREASE
    scene.do(order(Side.SELL, 6, reduce_only=True))
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.RESTING]
    assert scene.refused(order(Side.SELL, 5, reduce_only=True, client_id=1_001)) == RejectCode.WOULD_INCREASE
    assert scene.refused(command.replace(0, 0, 1_000, 11, 500)) == RejectCode.WOULD_INCREASE
    scene.do(command.replace(0, 0, 1_000, 10, 501))
    assert scene.kinds[0] == EventKind.REPLACED


def test_the_first_account_check_that_fails_is_named(scene: Scene) -> None:
    """All limits at once, lifted one after the other."""
    scene.buy(1, 500, account=2)
    scene.sell(1, 500, account=3)
    limit(scene, 0, OPEN_ORDERS_MAX=0, ORDER_LOTS_MAX=0, NOTIONAL_MAX=0, COLLAR_TICKS=1, POSITION_LOTS_MAX=0, BACKED=1)
    lifts = (
        ("OPEN_ORDERS_MAX", 9, RejectCode.OPEN_ORDERS_LIMIT),
        ("ORDER_LOTS_MAX", 9, RejectCode.ORDER_SIZE_LIMIT),
        ("NOTIONAL_MAX", 9_999, RejectCode.NOTIONAL_LIMIT),
        ("COLLAR_TICKS", 0, RejectCode.COLLAR_LIMIT),
        ("POSITION_LOTS_MAX", 9, RejectCode.POSITION_LIMIT),
        ("BACKED", 0, RejectCode.BACKING_LIMIT),
    )
    for name, value, code in lifts:
        assert scene.refused(order(Side.BUY, 1, 600)) == code
        limit(scene, 0, **{name: value})
    scene.do(order(Side.BUY, 1, 600))
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.RESTING]


def test_an_order_draws_backing_and_fills_spend_it(scene: Scene) -> None:
    """A buy draws limit x lots of the quote instrument; what it saves, and what is cancelled, is available again."""
    limit(scene, 0, BACKED=1)
    scene.do(command.fund(0, QUOTE, 5_000))
    scene.sell(4, 450)
    assert scene.refused(order(Side.BUY, 11, 500)) == RejectCode.BACKING_LIMIT
    scene.do(order(Side.BUY, 10, 500))
    assert scene.books.backing(0, QUOTE) == (4 * 50, 6 * 500, 4 * 450)
    scene.do(command.reduce(0, 0, 1_000, 2))
    assert scene.books.backing(0, QUOTE) == (4 * 50 + 2 * 500, 4 * 500, 4 * 450)
    scene.do(command.cancel(0, 0, 1_000))
    assert scene.books.backing(0, QUOTE) == (5_000 - 4 * 450, 0, 4 * 450)


def test_a_sell_draws_lots_of_the_base_instrument(scene: Scene) -> None:
    """Of its own pair's base; a market order too; nothing is credited for what is bought."""
    limit(scene, 0, BACKED=1)
    scene.do(command.fund(0, BASE, 7))
    scene.buy(3, 500, account=2)
    scene.do(order(Side.SELL, 7, 0, kind=OrderType.MARKET))
    assert scene.books.backing(0, BASE) == (4, 0, 3) and scene.books.backing(0, QUOTE) == (0, 0, 0)
    assert scene.refused(order(Side.SELL, 5)) == RejectCode.BACKING_LIMIT


def test_an_order_remembers_whether_it_drew(scene: Scene) -> None:
    """Turning backing on or off changes nothing for orders that live, nor for their replacements."""
    scene.do(command.fund(0, QUOTE, 5_000), order(Side.BUY, 100, 500))
    limit(scene, 0, BACKED=1)
    scene.do(command.replace(0, 0, 1_000, 200, 500))
    assert scene.kinds[0] == EventKind.REPLACED and scene.books.backing(0, QUOTE) == (5_000, 0, 0)
    scene.do(order(Side.BUY, 4, 500, client_id=1_001))
    limit(scene, 0, BACKED=0)
    assert scene.refused(command.replace(0, 0, 1_001, 11, 500)) == RejectCode.BACKING_LIMIT
    scene.do(command.replace(0, 0, 1_001, 10, 499))
    assert scene.books.backing(0, QUOTE) == (10, 4_990, 0)


def test_funding_stays_within_its_bounds(scene: Scene) -> None:
    """Not below what is available, not above the largest amount ever credited, and never 0."""
    for units in (0, -1, -(2**63), BACKING_UNITS_MAX + 1, 2**63 - 1):
        assert scene.refused(command.fund(0, QUOTE, units)) == RejectCode.QUANTITY_OUT_OF_RANGE
    scene.do(command.fund(0, QUOTE, BACKING_UNITS_MAX))
    assert scene.refused(command.fund(0, QUOTE, 1)) == RejectCode.QUANTITY_OUT_OF_RANGE
    scene.do(command.fund(0, QUOTE, -BACKING_UNITS_MAX))
    assert scene.books.backing(0, QUOTE) == (0, 0, 0)


def quoting(scene: Scene, **fields: int) -> list[int]:
    """Account 0 quotes three asks of 5 lots, and a bid in the other pair, under protection."""
    limit(scene, 0, PROTECT_INTERVAL_NS=SECOND_NS, **fields)
    scene.buy(5, 400, pair=1)
    return [scene.sell(5, price, account=0) for price in (500, 501, 502)]


@pytest.mark.parametrize("fields", ({"PROTECT_LOTS": 7}, {"PROTECT_DELTA_LOTS": 6}, {"PROTECT_FILLS": 2}))
def test_protection_pulls_the_quotes_of_the_pair(scene: Scene, fields: dict[str, int]) -> None:
    """After the trade that trips it, newest first, bids too; then the pair is closed to the account until a reset."""
    first, second, third = quoting(scene, **fields)
    bid = scene.buy(1, 300, account=0)
    scene.buy(20, 500, account=2)
    taker = scene.buy(2, 501, account=2)
    assert scene.trades == [(second, 501, 2)]
    why = CancelReason.PROTECTION
    assert scene.cancelled == [(bid, 1, why), (third, 5, why), (second, 3, why)]
    assert not scene.live(taker) and not scene.live(first)
    assert scene.refused(order(Side.SELL, 1)) == RejectCode.PROTECTED
    assert scene.refused(order(Side.BUY, 1, 400, reduce_only=True)) == RejectCode.PROTECTED
    scene.do(order(Side.BUY, 1, 400, pair=1))
    scene.do(command.reset_protection(0, 0), order(Side.SELL, 1, 600, client_id=1_001))
    assert scene.kinds[-1] == EventKind.RESTING


def test_a_tripped_maker_is_cancelled_in_passing(scene: Scene) -> None:
    """The taker goes on with what lies behind it."""
    first, second, third = quoting(scene, PROTECT_FILLS=1)
    behind = scene.sell(5, 502, account=3)
    scene.buy(20, 502, account=2)
    assert scene.trades == [(first, 500, 5), (behind, 502, 5)]
    assert [order for order, _, _ in scene.cancelled] == [second, third]
    assert scene.levels()[0] == [(502, 10, 1)]


def test_a_fill_or_kill_gets_what_its_dry_run_promised(scene: Scene) -> None:
    """Quotes of a position that trips on the way still trade; what is left of them is pulled afterwards."""
    first, second, third = quoting(scene, PROTECT_FILLS=1)
    scene.buy(12, 502, account=2, tif=TimeInForce.FOK)
    assert scene.trades == [(first, 500, 5), (second, 501, 5), (third, 502, 2)]
    assert scene.cancelled == [(third, 3, CancelReason.PROTECTION)]


def test_a_taker_that_trips_is_cancelled(scene: Scene) -> None:
    """After the trade by which it trips, before its other orders."""
    limit(scene, 0, PROTECT_INTERVAL_NS=SECOND_NS, PROTECT_FILLS=1)
    other = scene.buy(1, 300)
    scene.sell(1, 500)
    scene.sell(1, 500)
    taker = scene.buy(5, 500)
    assert len(scene.trades) == 1
    assert scene.cancelled == [(taker, 4, CancelReason.PROTECTION), (other, 1, CancelReason.PROTECTION)]


def test_a_new_window_begins_with_the_first_fill_after_the_last(scene: Scene) -> None:
    """Fills of an interval count together; at its very end a new one begins."""
    _, second, _ = quoting(scene, PROTECT_LOTS=5)
    scene.buy(4, 500, account=2)
    scene.do(command.clock(SECOND_NS))
    scene.buy(4, 501, account=2)
    assert scene.cancelled == []
    scene.do(command.clock(2 * SECOND_NS - 1))
    scene.buy(1, 501, account=2)
    assert len(scene.cancelled) == 2 and not scene.live(second)


def test_protection_waits_for_the_end_of_an_auction(scene: Scene) -> None:
    """All trades of the auction are made; then the quotes that are left are pulled."""
    first, second, third = quoting(scene, PROTECT_FILLS=1)
    scene.do(command.set_phase(0, Phase.AUCTION))
    scene.buy(12, 502, account=2)
    scene.do(command.uncross(0))
    assert sum(lots for _, _, lots in scene.trades) == 12
    assert scene.cancelled == [(third, 3, CancelReason.PROTECTION)]
    assert not scene.live(first) and not scene.live(second)


def test_an_account_is_opened_by_its_first_limit(scene: Scene) -> None:
    """It has no other limits; values outside a field's range, unknown fields and too large ids are refused."""
    assert scene.refused(command.place(0, 50, 1, Side.BUY, 1, 500)) == RejectCode.UNKNOWN_ACCOUNT
    scene.do(command.set_limits(50, AccountField.OPEN))
    scene.do(command.place(0, 50, 1, Side.BUY, 1, 500))
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.RESTING]
    for field, value in ((AccountField.OPEN, 0), (AccountField.BACKED, 2), (AccountField.GROUP, 2**32)):
        assert scene.refused(command.set_limits(50, field, value)) == RejectCode.QUANTITY_OUT_OF_RANGE
    assert scene.refused(command.set_limits(2**24, AccountField.OPEN)) == RejectCode.UNKNOWN_ACCOUNT
    unknown = command.set_limits(50, AccountField.OPEN)
    unknown["kind"] = 14
    assert scene.refused(unknown) == RejectCode.INVALID_KIND
