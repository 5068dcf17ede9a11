"""From raw messages to a flow: ticks, ranges, what is left out and why."""

from decimal import Decimal

import pytest

from openoutcry.domain import OrderType
from openoutcry.domain.limits import NOTIONAL_MAX, PRICE_TICKS_MAX
from openoutcry.replay import assemble as module
from openoutcry.replay.assemble import Raw, assemble
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import Action, MessageFlag, Messages
from tests.flows import message, messages


def raw(rows: Messages, symbols: tuple[str, ...] = ("ABC",), unit: str = "0.0001") -> Raw:
    """Wrap messages whose prices count `unit`."""
    return Raw("file", "test", symbols, rows, Decimal(unit), Decimal(1), len(rows))


def test_the_tick_is_the_largest_that_divides_every_entry() -> None:
    """Prices 1.50, 1.55 and 2.00 in ten-thousandths: 0.05; named smaller, it is taken as named."""
    rows = messages(
        *(message(Action.ADD, order, price=price) for order, price in ((1, 15_000), (2, 15_500), (3, 20_000)))
    )
    flow = assemble(raw(rows))
    assert flow.pairs[0].tick == Decimal("0.05")
    assert flow.messages["price_ticks"].tolist() == [30, 31, 40]
    finer = assemble(raw(rows), tick=Decimal("0.01"))
    assert finer.messages["price_ticks"].tolist() == [150, 155, 200]
    assert finer.pairs[0].price(150) == Decimal("1.5")


def test_a_tick_coarser_than_the_prices_leaves_out_what_lies_between() -> None:
    """Tick 1: the order at 1.50 and its cancellation are left out, the one at 2 stays; nonsense ticks are errors."""
    rows = messages(
        message(Action.ADD, 1, price=15_000), message(Action.ADD, 2, price=20_000), message(Action.DELETE, 1)
    )
    flow = assemble(raw(rows), tick=Decimal(1))
    assert flow.left_out == {module.BETWEEN_TICKS: 1, module.OF_LEFT_OUT: 1}
    assert flow.messages["order_id"].tolist() == [2]
    for tick in ("0.00015", "0.00001"):
        with pytest.raises(ReplayError, match=f"--tick {tick}: expected a multiple of 0.0001"):
            assemble(raw(rows), tick=Decimal(tick))


def test_absurd_prices_and_quantities_are_left_out_by_class() -> None:
    """A thousand sane orders and one of each absurdity; the product of the bounds keeps within the domain's."""
    sane = [message(Action.ADD, order, price=100 + order % 7, lots=5) for order in range(1, 1001)]
    absurd = [
        message(Action.ADD, 2001, price=0),
        message(Action.ADD, 2002, price=-5),
        message(Action.ADD, 2003, price=2**63 - 1),
        message(Action.ADD, 2004, price=100, lots=0),
        message(Action.ADD, 2005, price=100, lots=-(2**62)),
        message(Action.ADD, 2006, price=100, lots=2**63 - 1),
        message(Action.REDUCE, 1, lots=0),
    ]
    flow = assemble(raw(messages(*sane, *absurd)))
    pair = flow.pairs[0].pair
    assert flow.left_out == {
        module.BELOW_ONE_TICK: 2,
        module.ABOVE_RANGE: 1,
        module.NO_QUANTITY: 3,
        module.ABOVE_QUANTITY: 1,
    }
    assert len(flow.messages) == 1000
    assert pair.qty_lots_max is not None
    assert pair.price_ticks_max * pair.qty_lots_max <= NOTIONAL_MAX


def test_the_price_range_reaches_twice_the_highest_trade() -> None:
    """Orders at 100, one at 1,000, a trade at 300: 1023 would do for all, 1023 is also the first beyond 600."""
    rows = [message(Action.ADD, order, price=100) for order in range(1, 3000)]
    rows += [message(Action.ADD, 4000, price=300), message(Action.FILL, 4000, price=300)]
    rows += [message(Action.ADD, 5000, price=PRICE_TICKS_MAX)]
    flow = assemble(raw(messages(*rows)), tick=Decimal("0.0001"))
    assert flow.pairs[0].pair.price_ticks_max == 1023
    assert flow.left_out == {module.ABOVE_RANGE: 1}


def test_messages_that_make_no_sense_are_left_out_but_their_fills_stay_as_trades() -> None:
    """Of an order never seen, of one that is gone, of one left out: cancels go, fills stay as unseen trades."""
    rows = messages(
        message(Action.DELETE, 9),
        message(Action.FILL, 9, price=100),
        message(Action.ADD, 1, price=100),
        message(Action.DELETE, 1),
        message(Action.REDUCE, 1),
        message(Action.FILL, 1, price=100),
        message(Action.ADD, 2, price=0),
        message(Action.FILL, 2, price=100),
        message(Action.ADD, 3, price=100),
        message(Action.ADD, 3, price=100),
        message(Action.FILL, 3, price=100, lots=50),
    )
    flow = assemble(raw(rows), tick=Decimal("0.0001"))
    assert flow.left_out == {
        module.NEVER_ENTERED: 1,
        module.ALREADY_GONE: 1,
        module.BELOW_ONE_TICK: 1,
        module.ENTERED_AGAIN: 1,
    }
    assert flow.remarks == {
        module.FILL_UNSEEN[module.NEVER_ENTERED]: 1,
        module.FILL_UNSEEN[module.ALREADY_GONE]: 1,
        module.FILL_UNSEEN[module.OF_LEFT_OUT]: 1,
        module.TAKEN_TOO_MUCH: 1,
    }
    trades = flow.messages[flow.messages["action"] == Action.TRADE]
    assert len(trades) == 3
    assert (trades["flags"] == MessageFlag.UNSEEN).all()


def test_market_orders_need_no_price() -> None:
    """A market order with price 0 is kept, and does not take part in the choice of the tick."""
    rows = messages(message(Action.ADD, 1, price=500), message(Action.ADD, 2, kind=OrderType.MARKET))
    flow = assemble(raw(rows))
    assert flow.messages["price_ticks"].tolist() == [1, 0]
    assert not flow.left_out


def test_only_the_symbols_asked_for_become_pairs() -> None:
    """Three symbols with ticks of their own; two are asked for and numbered anew; an unknown one is an error."""
    rows = messages(
        message(Action.ADD, 1, price=100, pair=0),
        message(Action.ADD, 1, price=250, pair=1),
        message(Action.ADD, 1, price=7, pair=2),
        message(Action.TRADE, 0, price=7, pair=2),
    )
    every = assemble(raw(rows, ("A", "B", "C")))
    assert [pair.symbol for pair in every.pairs] == ["A", "B", "C"]
    some = assemble(raw(rows, ("A", "B", "C")), symbols=("C", "A"))
    assert [pair.symbol for pair in some.pairs] == ["A", "C"]
    assert some.messages["pair"].tolist() == [0, 1, 1]
    assert some.left_out == {module.NOT_CHOSEN: 1}
    with pytest.raises(ReplayError, match="no symbol D, it has A, B, C"):
        assemble(raw(rows, ("A", "B", "C")), symbols=("D",))


def test_a_trade_between_two_ticks_is_kept_and_remarked() -> None:
    """A hidden order trades at half a tick."""
    rows = messages(message(Action.ADD, 1, price=100), message(Action.TRADE, 0, price=250))
    flow = assemble(raw(rows))
    assert flow.messages["price_ticks"].tolist() == [1, 2]
    assert flow.remarks == {module.TRADE_BETWEEN_TICKS: 1}
