"""Operator commands: mass cancellation, phases, auctions, time, pairs."""

from typing import Any

import pytest

from openoutcry.book import commands as command
from openoutcry.book.state import Queue
from openoutcry.domain import (
    AccountField,
    AdjustMode,
    Allocation,
    AuctionRule,
    CancelReason,
    EventFlag,
    EventKind,
    Ladder,
    MassCancelScope,
    Op,
    OrderType,
    Pair,
    Phase,
    RejectCode,
    Side,
    TimeInForce,
)
from openoutcry.domain.limits import PRICE_TICKS_MAX, TIME_NS_MAX
from tests.scene import IMPLEMENTATIONS, Make, Scene

AT_OPEN, AT_CLOSE, DAY, GTD = TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE, TimeInForce.DAY, TimeInForce.GTD
MARKET, MARKET_TO_LIMIT = OrderType.MARKET, OrderType.MARKET_TO_LIMIT


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest) -> Make:
    """Each implementation in turn."""
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
def scene(make: Make) -> Scene:
    """A pair that trades continuously and one more."""
    return Scene(make, others=(Pair(1),))


def collecting(make: Make, **fields: Any) -> Scene:
    """A pair before its opening auction."""
    return Scene(make, **({"phase": Phase.PRE_OPEN} | fields))


def test_an_operator_command_is_accepted_with_its_fields_repeated(scene: Scene) -> None:
    """Taker is the client id, code the op; no side, no leaves."""
    row = command.set_band(0, 400, 600)
    row["client_id"], row["qty_lots"], row["side"] = 2**64 - 1, -5, 1
    (event,) = scene.do(row)
    assert (event.kind, event.code, event.taker, event.side) == (EventKind.ACCEPTED, Op.SET_BAND, 2**64 - 1, 0)
    assert (event.pair, event.price_ticks, event.qty_lots, event.maker) == (0, 400, -5, 0)


def test_mass_cancel_takes_what_its_scope_says(scene: Scene) -> None:
    """Account over all pairs, account in a pair, session, pair in book order."""
    why = CancelReason.MASS

    def fill() -> tuple[int, int, int, int]:
        return scene.buy(1, 500), scene.buy(1, 501), scene.buy(1, 500, pair=1), scene.buy(1, 502, account=2)

    first, second, other, stranger = fill()
    scene.do(command.mass_cancel(MassCancelScope.ACCOUNT, account=0))
    assert scene.cancelled == [(second, 1, why), (first, 1, why), (other, 1, why)]
    scene.do(command.mass_cancel(MassCancelScope.PAIR, pair=0))
    assert scene.cancelled == [(stranger, 1, why)]
    first, second, other, stranger = fill()
    scene.do(command.mass_cancel(MassCancelScope.ACCOUNT_PAIR, account=0, pair=1))
    assert scene.cancelled == [(other, 1, why)]
    scene.do(command.mass_cancel(MassCancelScope.PAIR, pair=0))
    assert scene.cancelled == [(stranger, 1, why), (second, 1, why), (first, 1, why)]
    first, second, other, stranger = fill()
    for account in (0, 2):
        scene.do(command.set_limits(account, AccountField.SESSION, 9))
    scene.do(command.mass_cancel(MassCancelScope.SESSION, session=0))
    assert scene.cancelled == []
    scene.do(command.mass_cancel(MassCancelScope.SESSION, session=9))
    assert [order for order, _, _ in scene.cancelled] == [second, first, other, stranger]


def test_a_crossed_book_does_not_open(make: Make) -> None:
    """Hidden orders count; after the auction, or with one of the orders gone, it opens."""
    scene = collecting(make)
    scene.buy(5, 501, kind=OrderType.HIDDEN)
    scene.sell(5, 501)
    assert scene.refused(command.set_phase(0, Phase.CONTINUOUS)) == RejectCode.BOOK_CROSSED
    scene.do(command.uncross(0), command.set_phase(0, Phase.CONTINUOUS))
    assert scene.trades and scene.books.phase(0) == Phase.CONTINUOUS


def test_opening_ends_what_was_for_the_auction_only(make: Make) -> None:
    """Orders without a price and at-open orders, in book order."""
    scene = collecting(make)
    opening, market = scene.buy(1, 500, tif=AT_OPEN), scene.buy(1, kind=MARKET)
    stays = scene.buy(1, 499)
    assert scene.order(market)["queue"] == Queue.MARKET_BID
    scene.do(command.set_phase(0, Phase.CONTINUOUS))
    assert scene.kinds[:2] == [EventKind.ACCEPTED, EventKind.PHASE_CHANGED]
    assert scene.cancelled == [(opening, 1, CancelReason.AUCTION), (market, 1, CancelReason.AUCTION)]
    assert scene.handles() == [stays]


def test_at_close_orders_wait_for_the_closing_auction(scene: Scene) -> None:
    """Parked in continuous trading; an auction that is not the closing one leaves them there; the close ends them."""
    parked = scene.buy(4, 510, tif=AT_CLOSE)
    iceberg = scene.buy(9, 509, tif=AT_CLOSE, kind=OrderType.ICEBERG, display_lots=2)
    market = scene.sell(5, kind=MARKET, tif=AT_CLOSE)
    assert [scene.order(order)["queue"] for order in (parked, iceberg, market)] == [Queue.PARKED] * 3
    scene.do(command.set_phase(0, Phase.AUCTION))
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.PHASE_CHANGED]
    scene.do(command.set_phase(0, Phase.AUCTION, closing=True))
    assert [event.maker for event in scene.events[2:]] == [parked, iceberg, market]
    assert scene.order(iceberg)["displayed_lots"] == 2
    scene.do(command.uncross(0))
    assert sum(lots for _, _, lots in scene.trades) == 5
    assert [order for order, _, _ in scene.cancelled] == [iceberg] and scene.books.live == 0


def test_the_close_expires_the_orders_of_the_day(make: Make) -> None:
    """Wherever they wait: DAY orders, those of auctions, those without a price. The others stay."""
    scene = collecting(make)
    market = scene.buy(1, kind=MARKET)
    day, opening = scene.buy(1, 500, tif=DAY), scene.buy(1, 501, tif=AT_OPEN)
    stop = scene.buy(1, kind=OrderType.STOP, trigger_ticks=600, tif=DAY)
    stays = scene.buy(1, 499)
    scene.do(command.set_phase(0, Phase.CLOSED))
    assert {event.kind for event in scene.events[2:]} == {EventKind.EXPIRED}
    expected = [(opening, CancelReason.AUCTION), (day, CancelReason.DAY), (market, CancelReason.AUCTION)]
    assert [(order, code) for order, _, code in scene.cancelled] == [*expected, (stop, CancelReason.DAY)]
    assert scene.handles() == [stays]


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("closing", (False, True))
def test_a_change_of_phase_is_said_even_when_nothing_changes(scene: Scene, phase: Phase, closing: bool) -> None:
    """The closing flag belongs to pre-open and auction only."""
    for _ in range(2):
        scene.do(command.set_phase(0, phase, closing=closing))
        event = scene.events[1]
        collects = phase in (Phase.PRE_OPEN, Phase.AUCTION)
        flags = EventFlag.CLOSING if closing and collects else 0
        assert (event.kind, event.code, event.flags) == (EventKind.PHASE_CHANGED, phase, flags)


def test_an_auction_trades_at_one_price(make: Make) -> None:
    """Market orders first, then by price, displayed before hidden; each trade names the buy as maker."""
    scene = collecting(make, reference_ticks=500)
    limit, hidden = scene.buy(5, 501), scene.buy(5, 502, kind=OrderType.HIDDEN)
    market = scene.buy(3, kind=MARKET)
    sell, dear = scene.sell(10, 499), scene.sell(5, 505)
    assert scene.books.indicative(0) == (501, 10, 3)
    scene.do(command.uncross(0))
    result = scene.events[1]
    assert (result.kind, result.price_ticks, result.qty_lots) == (EventKind.AUCTION_RESULT, 501, 10)
    assert (result.maker_leaves, result.side, result.flags) == (3, Side.BUY, EventFlag.AUCTION)
    trades = [(e.maker, e.taker, e.price_ticks, e.qty_lots, e.side) for e in scene.events if e.kind == EventKind.TRADED]
    assert trades == [(buy, sell, 501, lots, Side.SELL) for buy, lots in ((market, 3), (hidden, 5), (limit, 2))]
    assert scene.handles() == [limit, dear] and scene.books.last(0) == 501
    assert scene.books.phase(0) == Phase.PRE_OPEN


def test_an_auction_without_a_price_ends_too(make: Make) -> None:
    """Nothing trades; what was for the auction only is cancelled."""
    scene = collecting(make)
    market, stays = scene.buy(3, kind=MARKET), scene.buy(3, 400)
    scene.do(command.uncross(0))
    assert scene.events[1].price_ticks == 0 and scene.trades == []
    assert scene.cancelled == [(market, 3, CancelReason.AUCTION)] and scene.live(stays)


def test_market_to_limit_rests_at_the_price_of_the_auction(make: Make) -> None:
    """When it was filled in part; what it drew for more than that is available again. Not filled: cancelled."""
    scene = collecting(make)
    scene.do(command.set_limits(0, AccountField.BACKED, 1), command.fund(0, 0, 20_000))
    first, second = scene.buy(10, kind=MARKET_TO_LIMIT), scene.buy(10, kind=MARKET_TO_LIMIT)
    assert scene.books.backing(0, 0) == (0, 20_000, 0)
    scene.sell(4, 500)
    scene.do(command.uncross(0))
    assert scene.cancelled == [(second, 10, CancelReason.AUCTION)]
    assert scene.queue() == [(Queue.BID, first, 500, 6)]
    assert scene.books.backing(0, 0) == (20_000 - 5_000, 3_000, 2_000)


def test_icebergs_take_part_in_an_auction_with_all_their_lots(make: Make) -> None:
    """Displayed lots go first; with none left the next peak is shown, behind the level."""
    scene = collecting(make)
    iceberg = scene.sell(10, 500, kind=OrderType.ICEBERG, display_lots=3)
    behind = scene.sell(5, 500)
    scene.buy(8, 500)
    scene.do(command.uncross(0))
    assert [lots for _, _, lots in scene.trades] == [8]
    replenished = next(event for event in scene.events if event.kind == EventKind.REPLENISHED)
    assert (replenished.maker, replenished.qty_lots, replenished.maker_leaves) == (iceberg, 2, 2)
    assert scene.handles() == [behind, iceberg]


def test_the_last_level_of_an_auction_is_shared_pro_rata(make: Make) -> None:
    """By leaves, parts below the minimum left out, the rest first in, first out."""
    scene = collecting(make, allocation=Allocation.PRO_RATA, pro_rata_minimum_lots=3)
    small, large = scene.sell(10, 500), scene.sell(90, 500)
    scene.buy(20, 500)
    scene.do(command.uncross(0))
    taken = [(event.taker, event.qty_lots) for event in scene.events if event.kind == EventKind.TRADED]
    assert taken == [(small, 2), (large, 18)]


def test_the_band_is_the_collar_of_an_auction(make: Make) -> None:
    """Only its part within the pair's range counts, and the price is inside."""
    scene = collecting(make, auction_rule=AuctionRule.EURONEXT)
    scene.buy(5, 520)
    scene.sell(5, 480)
    scene.do(command.set_band(0, 505, PRICE_TICKS_MAX))
    assert scene.books.indicative(0)[0] in range(505, 521)
    scene.do(command.set_band(0, 2_000, PRICE_TICKS_MAX))
    assert scene.books.indicative(0) == (None, 0, 0)


def test_no_auction_outside_the_phases_that_collect(scene: Scene) -> None:
    """And no indication."""
    assert scene.refused(command.uncross(0)) == RejectCode.PHASE_FORBIDS
    assert scene.books.indicative(0) == (None, 0, 0)


def test_orders_expire_with_the_clock(scene: Scene) -> None:
    """By expiry, then slot, in all pairs; time never runs back; the same time is good."""
    late = scene.buy(1, 500, tif=GTD, expiry_ns=20)
    early = scene.buy(1, 500, tif=GTD, expiry_ns=10, pair=1)
    same = scene.buy(1, 499, tif=GTD, expiry_ns=20)
    scene.do(command.clock(9))
    assert scene.cancelled == []
    scene.do(command.clock(20), command.clock(20))
    assert scene.cancelled == [(order, 1, CancelReason.GTD) for order in (early, late, same)]
    assert scene.refused(command.clock(19)) == RejectCode.TIME_RUNS_BACK
    for time_ns in (-1, TIME_NS_MAX + 1):
        assert scene.refused(command.clock(time_ns)) == RejectCode.EXPIRY_OUT_OF_RANGE
    gone = command.place(0, 0, 99, Side.BUY, 1, 500, tif=GTD, expiry_ns=20)
    assert scene.refused(gone) == RejectCode.EXPIRY_OUT_OF_RANGE and scene.books.clock_ns == 20


@pytest.mark.parametrize("band", ((0, 5), (5, 0), (6, 5), (-1, 5), (1, PRICE_TICKS_MAX + 1)))
def test_a_band_has_two_ends_or_none(scene: Scene, band: tuple[int, int]) -> None:
    """Anything else is refused."""
    assert scene.refused(command.set_band(0, *band)) == RejectCode.PARAMETER_OUT_OF_RANGE
    assert scene.refused(command.move_reference(0, -1)) == RejectCode.PRICE_OUT_OF_RANGE


def test_a_pair_can_be_added_and_retired(scene: Scene) -> None:
    """Its orders are cancelled, its id is never used again, its position stays."""
    pair = Pair(
        7, base=2**32 - 2, quote=5, price_ticks_min=10, price_ticks_max=90, qty_lots_max=50, phase=Phase.AUCTION,
        allocation=Allocation.PRO_RATA, auction_rule=AuctionRule.ASX, pro_rata_minimum_lots=2, pro_rata_top=True,
        reference_ticks=33, ladder=Ladder.HASHED,
    )  # fmt: skip
    scene.do(command.add_pair(pair))
    row = scene.books.state().pairs[2]
    for name in (
        "base",
        "quote",
        "price_ticks_min",
        "price_ticks_max",
        "qty_lots_max",
        "phase",
        "allocation",
        "ladder",
    ):
        assert row[name] == getattr(pair, name), name
    assert (row["auction_rule"], row["pro_rata_minimum_lots"], row["pro_rata_top"]) == (AuctionRule.ASX, 2, 1)
    assert row["reference_ticks"] == 33 and scene.books.phase(7) == Phase.AUCTION
    assert scene.refused(command.add_pair(pair)) == RejectCode.DUPLICATE_ID
    bid, ask = scene.buy(5, 50, pair=7), scene.sell(2, 50, pair=7)
    scene.do(command.uncross(7))
    scene.do(command.retire_pair(7))
    assert scene.cancelled == [(bid, 3, CancelReason.RETIRED)] and not scene.live(ask)
    assert scene.books.position(0, 7) == 2
    assert scene.refused(command.place(7, 0, 9, Side.BUY, 1, 50)) == RejectCode.UNKNOWN_PAIR
    assert scene.refused(command.add_pair(pair)) == RejectCode.DUPLICATE_ID


@pytest.mark.parametrize(
    ("fields", "code"),
    (
        ({"pair": 2**16}, RejectCode.UNKNOWN_PAIR),
        ({"flags": 1}, RejectCode.INVALID_FLAGS),
        ({"kind": 4}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"tif": 10}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"stp": 2}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"side": 5}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"account": 4}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"price_ticks": 0}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"price_ticks": 2**63 - 1}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"display_lots": 0}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"qty_lots": 2**63 - 1}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"client_id": 0}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"expiry_ns": -1}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"trigger_ticks": -1}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"trigger_ticks": 3 << 32 | 3}, RejectCode.PARAMETER_OUT_OF_RANGE),
        ({"pair": 0}, RejectCode.DUPLICATE_ID),
    ),
)
def test_an_impossible_pair_is_not_added(scene: Scene, fields: dict[str, int], code: RejectCode) -> None:
    """A good ADD_PAIR with one thing wrong."""
    row = command.add_pair(Pair(7))
    for name, value in fields.items():
        row[name] = value
    assert scene.refused(row) == code


def test_a_split_reprices_what_rests(make: Make) -> None:
    """Two for one: prices halve, lots double, positions too; what would not be whole is cancelled, in book order."""
    scene = Scene(make)
    scene.buy(3, 500)
    scene.sell(3, 500)
    whole, odd = scene.buy(3, 400), scene.buy(3, 401)
    iceberg = scene.sell(10, 600, kind=OrderType.ICEBERG, display_lots=4)
    stop = scene.buy(1, kind=OrderType.STOP, trigger_ticks=700)
    scene.do(command.set_band(0, 101, 901), command.move_reference(0, 501))
    scene.do(command.adjust_pair(0, AdjustMode.REPRICE, up=1, down=2))
    kinds = [(event.kind, event.maker, event.price_ticks, event.qty_lots) for event in scene.events[1:]]
    assert kinds == [
        (EventKind.CANCELLED, odd, 401, 3), (EventKind.REPLACED, whole, 200, 6), (EventKind.REPLACED, iceberg, 300, 20),
        (EventKind.REPLACED, stop, 0, 2),
    ]  # fmt: skip
    order = scene.order(iceberg)
    assert [order[f"{name}_lots"] for name in ("displayed", "reserve", "peak", "original")] == [8, 12, 8, 20]
    assert scene.order(stop)["trigger_ticks"] == 350
    row = scene.books.state().pairs[0]
    assert (row["last_ticks"], row["reference_ticks"]) == (250, 251)
    assert (row["band_low_ticks"], row["band_high_ticks"]) == (51, 451)
    assert (scene.books.position(0, 0), scene.books.position(1, 0)) == (6, -6)


def test_an_adjustment_can_also_cancel_everything(scene: Scene) -> None:
    """In book order; a ratio is within 1 and 2^20 on both sides."""
    ask, bid = scene.sell(1, 600), scene.buy(1, 500)
    for up, down in ((0, 1), (1, 0), (2**20 + 1, 1), (1, 2**63 - 1)):
        bad = command.adjust_pair(0, AdjustMode.REPRICE, up=up, down=down)
        assert scene.refused(bad) == RejectCode.PARAMETER_OUT_OF_RANGE
    scene.do(command.adjust_pair(0, AdjustMode.CANCEL))
    assert scene.cancelled == [(bid, 1, CancelReason.ADJUSTED), (ask, 1, CancelReason.ADJUSTED)]


@pytest.mark.parametrize(
    "op", (Op.SET_PHASE, Op.UNCROSS, Op.SET_BAND, Op.MOVE_REFERENCE, Op.RETIRE_PAIR, Op.ADJUST_PAIR)
)
def test_an_operator_command_needs_a_pair_that_lives_and_flags_that_are_known(scene: Scene, op: Op) -> None:
    """Pair first, flags after the kind."""
    row = command.set_phase(9, Phase.CONTINUOUS)
    row["op"], row["flags"] = op, 128
    assert scene.refused(row) == RejectCode.UNKNOWN_PAIR
    row["pair"], row["kind"] = 0, 0
    assert scene.refused(row) == RejectCode.INVALID_FLAGS
