"""What a PLACE must satisfy: combinations, ranges, phases, identities, and which check comes first."""

from itertools import product

import pytest

from openoutcry.book import commands as command
from openoutcry.domain import (
    CommandFlag,
    EventKind,
    Op,
    OrderType,
    Pair,
    Phase,
    RejectCode,
    SelfTrade,
    Side,
    TimeInForce,
)
from openoutcry.domain.limits import ICEBERG_PEAKS_MAX, OPEN_LOTS_MAX, TIME_NS_MAX
from openoutcry.domain.records import COMMAND, Commands
from tests.scene import IMPLEMENTATIONS, Make, Scene

GTC, DAY, GTD, IOC, FOK, AT_OPEN, AT_CLOSE = TimeInForce
WAITING = (GTC, DAY, GTD)
ALL = (*WAITING, IOC, FOK, AT_OPEN, AT_CLOSE)
TABLE = {
    OrderType.LIMIT: ALL,
    OrderType.MARKET: ALL,
    OrderType.MARKET_TO_LIMIT: ALL,
    OrderType.STOP: (*WAITING, IOC, FOK),
    OrderType.STOP_LIMIT: (*WAITING, IOC, FOK),
    OrderType.ICEBERG: (*WAITING, AT_OPEN, AT_CLOSE),
    OrderType.POST_ONLY: WAITING,
    OrderType.POST_ONLY_SLIDE: WAITING,
    OrderType.HIDDEN: (*WAITING, AT_OPEN, AT_CLOSE),
}
TRIGGERED = (OrderType.STOP, OrderType.STOP_LIMIT)


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest) -> Make:
    """Each implementation in turn."""
    return IMPLEMENTATIONS[request.param]


def usual(kind: int = OrderType.LIMIT, tif: int = GTC, **fields: int) -> Commands:
    """A buy of 10 at 500 that has what its type and time in force need; any field can be made different."""
    row = command.place(
        0,
        0,
        7,
        Side.BUY,
        10,
        0 if kind == OrderType.MARKET_TO_LIMIT else 500,
        display_lots=5 if kind == OrderType.ICEBERG else 0,
        trigger_ticks=500 if kind in TRIGGERED else 0,
        expiry_ns=1 if tif == GTD else 0,
    )
    for name, value in {"kind": kind, "tif": tif, **fields}.items():
        row[name] = value
    return row


def expected_code(kind: OrderType, tif: TimeInForce, phase: Phase, closing: bool) -> RejectCode | None:
    """The tables of combinations and phases, written once more."""
    if tif not in TABLE[kind]:
        return RejectCode.INVALID_COMBINATION
    if phase in (Phase.CLOSED, Phase.HALTED):
        return RejectCode.PHASE_FORBIDS
    if phase == Phase.CONTINUOUS:
        return RejectCode.PHASE_FORBIDS if tif == AT_OPEN else None
    forbidden = (IOC, FOK, AT_OPEN if closing else AT_CLOSE)
    return RejectCode.PHASE_FORBIDS if tif in forbidden else None


@pytest.mark.parametrize("closing", (False, True))
@pytest.mark.parametrize("phase", Phase)
def test_order_types_and_times_in_force_go_together_as_the_tables_say(make: Make, phase: Phase, closing: bool) -> None:
    """Every order type with every time in force in every phase, on books of their own."""
    scene = Scene(make)
    scene.do(command.set_phase(0, phase, closing=closing))
    for number, (kind, tif) in enumerate(product(OrderType, TimeInForce)):
        row = usual(kind, tif, client_id=number)
        code = expected_code(kind, tif, phase, closing and phase in (Phase.PRE_OPEN, Phase.AUCTION))
        if code is None:
            scene.do(row)
            assert scene.events[0].kind == EventKind.ACCEPTED, (kind.name, tif.name, scene.events)
        else:
            assert scene.refused(row) == code, (kind.name, tif.name)


FAULTS = (
    ({"op": 0}, RejectCode.UNKNOWN_OP),
    ({"op": 17}, RejectCode.UNKNOWN_OP),
    ({"pair": 1}, RejectCode.UNKNOWN_PAIR),
    ({"pair": 2**32 - 1}, RejectCode.UNKNOWN_PAIR),
    ({"account": 10}, RejectCode.UNKNOWN_ACCOUNT),
    ({"account": 2**32 - 1}, RejectCode.UNKNOWN_ACCOUNT),
    ({"side": 2}, RejectCode.INVALID_SIDE),
    ({"kind": 9}, RejectCode.INVALID_KIND),
    ({"tif": 7}, RejectCode.INVALID_TIF),
    ({"stp": 5}, RejectCode.INVALID_STP),
    ({"flags": CommandFlag.CLOSING}, RejectCode.INVALID_FLAGS),
    ({"flags": 128}, RejectCode.INVALID_FLAGS),
    ({"kind": OrderType.HIDDEN, "tif": IOC}, RejectCode.INVALID_COMBINATION),
    ({"qty_lots": 0}, RejectCode.QUANTITY_OUT_OF_RANGE),
    ({"qty_lots": -1}, RejectCode.QUANTITY_OUT_OF_RANGE),
    ({"qty_lots": 2**63 - 1}, RejectCode.QUANTITY_OUT_OF_RANGE),
    ({"price_ticks": 0}, RejectCode.PRICE_OUT_OF_RANGE),
    ({"price_ticks": 99}, RejectCode.PRICE_OUT_OF_RANGE),
    ({"price_ticks": 901}, RejectCode.PRICE_OUT_OF_RANGE),
    ({"price_ticks": -(2**63)}, RejectCode.PRICE_OUT_OF_RANGE),
    ({"display_lots": 11}, RejectCode.DISPLAY_OUT_OF_RANGE),
    ({"display_lots": -1}, RejectCode.DISPLAY_OUT_OF_RANGE),
    ({"trigger_ticks": 500}, RejectCode.TRIGGER_OUT_OF_RANGE),
    ({"expiry_ns": 1}, RejectCode.EXPIRY_OUT_OF_RANGE),
    ({"tif": GTD, "expiry_ns": 0}, RejectCode.EXPIRY_OUT_OF_RANGE),
    ({"tif": GTD, "expiry_ns": TIME_NS_MAX + 1}, RejectCode.EXPIRY_OUT_OF_RANGE),
    ({"tif": AT_OPEN}, RejectCode.PHASE_FORBIDS),
)


@pytest.mark.parametrize(("fields", "code"), FAULTS)
def test_each_fault_has_its_code_and_changes_nothing(make: Make, fields: dict[str, int], code: RejectCode) -> None:
    """A good order with one thing wrong."""
    scene = Scene(make, price_ticks_min=100, price_ticks_max=900)
    assert scene.refused(usual(**fields)) == code
    event = scene.events[0]
    row = dict(zip(COMMAND.names or (), usual(**fields)[0].tolist(), strict=True))
    repeated = ("side", "pair", "price_ticks", "qty_lots")
    assert all(getattr(event, name) == row[name] for name in repeated) and event.taker == row["client_id"]


def test_the_lowest_code_that_applies_is_given(make: Make) -> None:
    """All faults at once; repairing the one that was named brings out the next."""
    scene = Scene(make, others=(Pair(1, phase=Phase.CLOSED),))
    scene.do(usual(pair=0))
    row = usual(
        op=99, pair=9, account=99, side=9, kind=99, tif=99, stp=99, flags=99, qty_lots=0, price_ticks=-1,
        display_lots=-1, trigger_ticks=-1, expiry_ns=-1,
    )  # fmt: skip
    repairs: list[tuple[RejectCode, dict[str, int]]] = [
        (RejectCode.UNKNOWN_OP, {"op": Op.PLACE}),
        (RejectCode.UNKNOWN_PAIR, {"pair": 1}),
        (RejectCode.UNKNOWN_ACCOUNT, {"account": 0}),
        (RejectCode.INVALID_SIDE, {"side": 0}),
        (RejectCode.INVALID_KIND, {"kind": OrderType.POST_ONLY}),
        (RejectCode.INVALID_TIF, {"tif": AT_OPEN}),
        (RejectCode.INVALID_STP, {"stp": 0}),
        (RejectCode.INVALID_FLAGS, {"flags": 0}),
        (RejectCode.INVALID_COMBINATION, {"tif": GTC}),
        (RejectCode.QUANTITY_OUT_OF_RANGE, {"qty_lots": 10}),
        (RejectCode.PRICE_OUT_OF_RANGE, {"price_ticks": 500}),
        (RejectCode.DISPLAY_OUT_OF_RANGE, {"display_lots": 0}),
        (RejectCode.TRIGGER_OUT_OF_RANGE, {"trigger_ticks": 0}),
        (RejectCode.EXPIRY_OUT_OF_RANGE, {"expiry_ns": 0}),
        (RejectCode.PHASE_FORBIDS, {"pair": 0}),
        (RejectCode.DUPLICATE_ID, {"client_id": 8}),
    ]
    for code, fields in repairs:
        assert scene.refused(row) == code
        for name, value in fields.items():
            row[name] = value
    scene.do(row)
    assert scene.kinds == [EventKind.ACCEPTED, EventKind.RESTING]


def test_the_ends_of_every_range_are_inside(make: Make) -> None:
    """Smallest and largest price, quantity, trigger, expiry and peak are taken."""
    scene = Scene(make, price_ticks_min=100, price_ticks_max=900, qty_lots_max=5_000)
    for number, fields in enumerate(
        (
            {"price_ticks": 100},
            {"price_ticks": 900, "qty_lots": 5_000},
            {"qty_lots": 1},
            {"kind": OrderType.STOP, "trigger_ticks": 900, "price_ticks": 0},
            {"kind": OrderType.STOP_LIMIT, "trigger_ticks": 100},
            {"kind": OrderType.ICEBERG, "display_lots": 10},
            {"kind": OrderType.ICEBERG, "display_lots": 5, "qty_lots": 5 * ICEBERG_PEAKS_MAX},
            {"tif": GTD, "expiry_ns": TIME_NS_MAX},
            {"client_id": 2**64 - 1},
        )
    ):
        scene.do(usual(**({"client_id": number} | fields)))
        assert scene.events[0].kind == EventKind.ACCEPTED, fields


def test_an_iceberg_of_too_many_peaks_is_refused(make: Make) -> None:
    """One lot more than the bound, on placing and on replacing; a taker could else be made to trade for hours."""
    scene = Scene(make)
    most = 5 * ICEBERG_PEAKS_MAX
    assert scene.refused(usual(OrderType.ICEBERG, qty_lots=most + 1)) == RejectCode.DISPLAY_OUT_OF_RANGE
    scene.do(usual(OrderType.ICEBERG, qty_lots=most))
    assert scene.refused(command.replace(0, 0, 7, most + 1, 500)) == RejectCode.QUANTITY_OUT_OF_RANGE


def test_a_client_id_is_free_again_when_its_order_is_gone(make: Make) -> None:
    """Ids belong to one account over all pairs; an order placed by handle takes none."""
    scene = Scene(make, others=(Pair(1),))
    scene.do(usual())
    assert scene.refused(usual(pair=1)) == RejectCode.DUPLICATE_ID
    scene.do(usual(account=1), usual(flags=CommandFlag.BY_HANDLE), command.cancel(0, 0, 7), usual(pair=1))
    assert scene.events[-1].kind == EventKind.RESTING
    assert scene.refused(command.cancel(0, 0, 7)) == RejectCode.UNKNOWN_ORDER


def test_a_handle_never_names_another_order(make: Make) -> None:
    """The slot is used again with the next generation; the old handle finds nothing."""
    scene = Scene(make)
    first = scene.buy(1, 500)
    scene.do(command.cancel(0, 0, first, by_handle=True))
    second = scene.buy(1, 500)
    assert second & 0xFFFFFFFF == first & 0xFFFFFFFF and second != first
    assert scene.refused(command.cancel(0, 0, first, by_handle=True)) == RejectCode.UNKNOWN_ORDER
    assert scene.live(second)


def test_no_more_orders_than_there_are_slots(make: Make) -> None:
    """Also an order that would trade at once and never rest."""
    scene = Scene(make, capacity_max=2)
    scene.sell(1, 500)
    scene.sell(1, 501)
    assert scene.refused(usual(tif=IOC)) == RejectCode.CAPACITY
    scene.do(command.cancel(0, 1, 1))
    scene.buy(5, 501)
    assert scene.trades[0][1:] == (501, 1)


def test_open_lots_of_a_pair_stay_below_their_bound(make: Make) -> None:
    """Sixty-four orders of the largest size fit, the next one does not; what is left fits to the lot."""
    scene = Scene(make, price_ticks_max=1)
    most = 2**56 - 1
    for number in range(64):
        scene.do(usual(client_id=number, account=number % 2, qty_lots=most, price_ticks=1))
    left = OPEN_LOTS_MAX - 64 * most
    assert scene.refused(usual(client_id=99, qty_lots=left + 1, price_ticks=1)) == RejectCode.CAPACITY
    scene.do(usual(client_id=99, qty_lots=left, price_ticks=1))
    assert scene.events[0].kind == EventKind.ACCEPTED


@pytest.mark.parametrize("stp", SelfTrade)
def test_an_order_rests_whole_when_nothing_is_there(make: Make, stp: SelfTrade) -> None:
    """ACCEPTED and RESTING carry handle, id, price and lots."""
    scene = Scene(make)
    handle = scene.buy(10, 500, stp=stp)
    accepted, resting = scene.events
    assert (accepted.code, accepted.taker, accepted.maker, accepted.taker_leaves) == (Op.PLACE, 1, handle, 10)
    assert (resting.maker, resting.price_ticks, resting.qty_lots, resting.maker_leaves) == (handle, 500, 10, 10)
    assert scene.levels() == ([(500, 10, 1)], [])
