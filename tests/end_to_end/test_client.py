"""A client and a venue over real sockets: trading, what is known of own orders, market data, operators."""

from decimal import Decimal

import pytest

from openoutcry.client import (
    DuplicateId,
    Missed,
    NotConnected,
    NotRepresentable,
    OperatorRefused,
    OrderEvent,
    OrderState,
    Refused,
    Rejected,
    UnknownPair,
    Venue,
)
from openoutcry.domain import EventKind, OrderType, Pair, Phase, RejectCode, Side, TimeInForce
from openoutcry.marketdata.followers import Trade
from tests.clients.served import access, serving
from tests.links.nodes import key


def test_two_members_trade_and_both_know_what_they_have() -> None:
    """One order rests, the other trades against it; orders, fills and positions on both sides."""
    with serving("ann", "bob") as served, Venue(access(served, "ann")) as ann, Venue(access(served, "bob")) as bob:
        rests = ann.place("EURUSD", Side.BUY, "1.5", "1.08")
        assert (rests.state, rests.qty_lots, rests.price_ticks) == (OrderState.LIVE, 15, 108)
        with ann.events() as events:
            taker = bob.place("EURUSD", Side.SELL, Decimal("1.0"), "1.08", tif=TimeInForce.IOC)
            told = events.get(10)
        assert isinstance(told, OrderEvent)
        assert (told.kind, told.qty_lots, told.price_ticks, told.is_maker) == (EventKind.TRADED, 10, 108, True)
        assert (told.order.filled_lots, told.order.leaves_lots, told.order.value) == (10, 5, 1080)
        assert [order.client_id for order in ann.orders()] == [rests.client_id] and bob.orders() == []
        assert bob.order(taker.client_id, "EURUSD").state is OrderState.FILLED
        assert ann.positions()[0, 0].lots == 10 and bob.positions()[2, 0].paid == -1080


def test_an_order_is_replaced_reduced_and_cancelled() -> None:
    """Each call returns the order as it then is; after the last one there is nothing to cancel."""
    with serving("ann") as served, Venue(access(served, "ann")) as ann:
        order = ann.place("EURUSD", Side.BUY, "1.5", "1.08")
        replaced = ann.replace(order, "2", "1.07")
        assert (replaced.leaves_lots, replaced.price_ticks) == (20, 107)
        assert ann.reduce(order.client_id, "0.5", "EURUSD").leaves_lots == 15
        assert ann.cancel(order).state is OrderState.CANCELLED
        with pytest.raises(Rejected) as rejected:
            ann.cancel(order)
        assert rejected.value.code is RejectCode.UNKNOWN_ORDER
        for _ in range(3):
            ann.place("EURUSD", Side.BUY, "1", "1.00", account=1)
        ann.mass_cancel("EURUSD", account=1)
        assert ann.orders() == []
        ann.mass_cancel()


def test_what_cannot_be_is_said_in_one_line() -> None:
    """Prices between ticks, floats, unknown pairs, foreign accounts, an order check, an id that is taken."""
    with serving("ann") as served, Venue(access(served, "ann")) as ann:
        wrong: list[tuple[type[Exception], str, tuple[object, ...], dict[str, object]]] = [
            (NotRepresentable, "the nearest are 1.08 and 1.09", ("EURUSD", Side.BUY, "1", "1.085"), {}),
            (NotRepresentable, "is a float", ("EURUSD", Side.BUY, 1.5, "1.08"), {}),
            (UnknownPair, "did you mean EURUSD?", ("EURUSB", Side.BUY, "1", "1"), {}),
            (Refused, "FOREIGN_ACCOUNT", ("EURUSD", Side.BUY, "1", "1"), {"account": 9}),
            (Refused, "CHECK", ("EURUSD", Side.BUY, "66.6", "1"), {}),
            (Rejected, "PRICE_OUT_OF_RANGE", ("EURUSD", Side.BUY, "1", "99999"), {}),
        ]
        for error, text, arguments, options in wrong:
            with pytest.raises(error, match=text) as raised:
                ann.place(*arguments, **options)  # type: ignore[arg-type]
            assert "\n" not in str(raised.value)
        ann.place("EURUSD", Side.BUY, "1", "1", client_id=70)
        with pytest.raises(DuplicateId):
            ann.place("EURUSD", Side.BUY, "1", "1", client_id=70, account=1)
        with pytest.raises(Rejected, match="DUPLICATE_ID"):
            ann.place("EURUSD", Side.BUY, "1", "1", client_id=70)
        assert [order.client_id for order in ann.orders()] == [70]


def test_a_key_without_a_session_and_a_venue_that_is_not_there_are_told() -> None:
    """A stranger, and an address where nobody listens; both name the venue."""
    with serving("ann") as served:
        with pytest.raises(NotConnected, match="ask its operator"), Venue(access(served, "stranger"), timeout_s=1):
            pass
        reach = access(served, "ann")
    with pytest.raises(NotConnected, match="is it running"), Venue(reach, timeout_s=0.3):
        pass


def test_the_displayed_book_trades_and_top_are_followed() -> None:
    """A watcher without a session of its own; its book's digest is the venue's."""
    with (
        serving("ann", "bob") as served,
        Venue(access(served, "ann")) as ann,
        Venue(access(served, "eve"), trades=False) as eve,
    ):
        ann.place("EURUSD", Side.BUY, "1.5", "1.00")
        with (
            eve.watch_book("EURUSD") as book,
            eve.watch_book("EURUSD", level=2) as levels,
            eve.watch_trades("EURUSD") as tape,
            eve.watch_top("EURUSD") as top,
        ):
            assert book.view().depth.bids.tolist() == [(100, 15, 1)] and book.view().phase is Phase.CONTINUOUS
            ann.place("EURUSD", Side.SELL, "0.7", "1.00", account=1)
            assert isinstance(trade := tape.get(10), Trade) and (trade.price_ticks, trade.qty_lots) == (100, 7)
            while (best := top.get(10)) is not None and not isinstance(best, Missed) and best.bid_lots != 8:
                pass
            assert book.verify() and levels.view().depth.bids.tolist() == [(100, 8, 1)]


def test_an_operator_adds_members_and_halts_a_pair() -> None:
    """Signed commands, answered; a key that is no operator's is refused by name."""
    with serving("ann") as served, Venue(access(served, "operator"), trades=False) as operator:
        done = operator.administration.add_member(key("carl"), accounts=2, name="carl")
        assert done.number == 2
        with pytest.raises(OperatorRefused, match="KNOWN_MEMBER"):
            operator.administration.add_member(key("carl"))
        operator.administration.list_pair(Pair(1), base=bytes(32), quote=bytes([1] * 32), name="GBPUSD")
        with Venue(access(served, "carl")) as carl:
            carl.place("GBPUSD", Side.BUY, 1, 5, kind=OrderType.LIMIT)
            operator.administration.halt(1)
            with pytest.raises(Rejected, match="PHASE_FORBIDS"):
                carl.place("GBPUSD", Side.BUY, 1, 5)
            operator.administration.resume(1)
            operator.administration.cancel_for(key("carl"))
        with Venue(access(served, "ann")) as ann, pytest.raises(OperatorRefused, match="NOT_AN_OPERATOR"):
            ann.administration.halt(0)
