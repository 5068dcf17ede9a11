"""What each mode says to the books."""

from openoutcry.domain import Op, OrderType, Side, TimeInForce
from openoutcry.replay.books import INFERRED
from openoutcry.replay.commands import rebuild_script, rematch_script
from openoutcry.replay.flow import Action
from tests.flows import flow_of, message


def test_rebuild_says_every_message_of_a_displayed_order_to_the_letter() -> None:
    """One message of each action; kinds and times in force do not matter where nothing is matched."""
    flow = flow_of(
        message(Action.ADD, 1, price=5, lots=9, kind=OrderType.POST_ONLY, tif=TimeInForce.IOC),
        message(Action.TRADE, 0, price=5),
        message(Action.FILL, 1, price=5, lots=2),
        message(Action.TAKE, 1, price=5, lots=2),
        message(Action.REDUCE, 1, lots=3),
        message(Action.AUCTION, 0, price=5),
        message(Action.DELETE, 1, lots=2),
        message(Action.ADD, 2, kind=OrderType.MARKET),
    )
    script = rebuild_script(flow)
    assert script.message.tolist() == [0, 2, 3, 4, 6, 7]
    assert script.commands["op"].tolist() == [Op.PLACE, Op.REDUCE, Op.REDUCE, Op.REDUCE, Op.CANCEL, Op.PLACE]
    assert script.commands["kind"].tolist() == [OrderType.LIMIT] * 5 + [OrderType.MARKET]
    assert set(script.commands["tif"].tolist()) == {TimeInForce.GTC}


def test_fills_without_a_taker_become_the_order_that_must_have_caused_them() -> None:
    """Three makers at two prices, filled in a row: one order to buy, immediate-or-cancel, at the worst price."""
    flow = flow_of(
        message(Action.ADD, 1, price=5, side=Side.SELL),
        message(Action.ADD, 2, price=5, side=Side.SELL),
        message(Action.ADD, 3, price=6, side=Side.SELL, lots=4),
        message(Action.FILL, 1, price=5, side=Side.SELL, group=1),
        message(Action.TRADE, 0, price=5, side=Side.SELL, group=1),
        message(Action.FILL, 2, price=5, side=Side.SELL, group=1),
        message(Action.FILL, 3, price=6, side=Side.SELL, lots=3, group=1),
    )
    script, trades = rematch_script(flow)
    taker = script.commands[-1]
    assert len(script.commands) == 4
    assert (taker["op"], taker["side"], taker["tif"]) == (Op.PLACE, Side.BUY, TimeInForce.IOC)
    assert (taker["price_ticks"], taker["qty_lots"], taker["client_id"]) == (6, 5, INFERRED)
    assert taker["account"] == 1
    assert script.message.tolist() == [0, 1, 2, 3]
    assert trades["taker"].tolist() == [INFERRED] * 3
    assert trades["maker"].tolist() == [1, 2, 3]


def takers_of(*fills: tuple[int, int, int, int]) -> list[int]:
    """Return the number of the inferred order of each fill, given as maker, price, maker's side, group."""
    rows = [message(Action.ADD, number, price=price, side=side) for number, price, side, _ in fills]
    rows += [message(Action.FILL, number, price=price, side=side, group=group) for number, price, side, group in fills]
    return [int(taker) - INFERRED for taker in rematch_script(flow_of(*rows))[1]["taker"].tolist()]


def test_fills_belong_to_different_orders_where_one_order_could_not_have_caused_them() -> None:
    """Another transaction, another side, a better price after a worse one, the same maker twice."""
    sell, buy = Side.SELL, Side.BUY
    assert takers_of((1, 5, sell, 1), (2, 5, sell, 2)) == [0, 1]
    assert takers_of((1, 5, sell, 1), (2, 4, buy, 1)) == [0, 1]
    assert takers_of((1, 6, sell, 1), (2, 5, sell, 1)) == [0, 1]
    assert takers_of((1, 4, buy, 1), (2, 5, buy, 1)) == [0, 1]
    assert takers_of((1, 5, sell, 1), (2, 5, sell, 1), (3, 6, sell, 1)) == [0, 0, 0]
    assert takers_of((1, 5, buy, 1), (2, 5, buy, 1), (3, 4, buy, 1)) == [0, 0, 0]
    rows = [message(Action.ADD, order, price=5, side=sell, lots=9) for order in (1, 2)]
    rows += [message(Action.FILL, order, price=5, side=sell, group=1) for order in (1, 2, 1)]
    assert [int(taker) - INFERRED for taker in rematch_script(flow_of(*rows))[1]["taker"].tolist()] == [0, 0, 1]


def test_another_message_between_two_fills_ends_the_order() -> None:
    """What rests of the first order enters between the fills of the first and of the second."""
    flow = flow_of(
        message(Action.ADD, 1, price=5, side=Side.SELL),
        message(Action.ADD, 2, price=5, side=Side.SELL),
        message(Action.FILL, 1, price=5, side=Side.SELL, group=1),
        message(Action.ADD, 3, price=4, group=1),
        message(Action.FILL, 2, price=5, side=Side.SELL, group=1),
    )
    script, trades = rematch_script(flow)
    assert [int(taker) - INFERRED for taker in trades["taker"].tolist()] == [0, 1]
    assert script.message.tolist() == [0, 1, 2, 3, 4]


def test_a_shown_taker_is_the_aggressor_itself() -> None:
    """Its fills add nothing; what it took from an order that is not in the flow is taken off it beforehand."""
    flow = flow_of(
        message(Action.ADD, 1, price=5, side=Side.SELL, lots=2),
        message(Action.ADD, 7, price=6, lots=10, group=1),
        message(Action.TRADE, 0, price=5, side=Side.SELL, lots=3, group=1),
        message(Action.TAKE, 7, other=99, price=5, lots=3, group=1),
        message(Action.FILL, 1, other=7, price=5, side=Side.SELL, lots=2, group=1),
        message(Action.TAKE, 7, other=1, price=5, lots=2, group=1),
    )
    script, trades = rematch_script(flow)
    assert script.commands["client_id"].tolist() == [1, 7]
    assert script.commands["qty_lots"].tolist() == [2, 7]
    assert (trades["taker"].tolist(), trades["maker"].tolist()) == ([7], [1])
