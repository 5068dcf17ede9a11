"""A bot that was written for ccxt, on a venue: the same calls, the same dictionaries, the same names of errors."""

import asyncio
from typing import Any

import pytest

from openoutcry.client import AsyncVenue, Venue
from openoutcry.client.ccxt_shape import (
    AsyncExchange,
    BadSymbol,
    Exchange,
    InvalidOrder,
    NetworkError,
    OrderNotFound,
)
from tests.clients.served import access, serving

ORDER_KEYS = {
    *("id", "clientOrderId", "timestamp", "datetime", "lastTradeTimestamp", "lastUpdateTimestamp", "symbol", "type"),
    *("timeInForce", "postOnly", "reduceOnly", "side", "price", "stopPrice", "triggerPrice", "average", "amount"),
    *("filled", "remaining", "cost", "status", "trades", "fee", "fees", "info"),
}
"""The keys of an order in the manual of ccxt, "Order Structure"."""

TRADE_KEYS = {
    *("id", "timestamp", "datetime", "symbol", "order", "type", "side", "takerOrMaker", "price", "amount", "cost"),
    *("fee", "fees", "info"),
}
"""The keys of a trade there, "Trade Structure"."""


def test_a_bot_places_edits_and_cancels_and_reads_the_book() -> None:
    """Floats that are no tick are rounded, amounts cut; statuses are open, closed and canceled."""
    with serving("ann") as served, Venue(access(served, "ann")) as venue, Exchange(venue) as exchange:
        assert exchange.load_markets()["EURUSD"]["precision"] == {"price": 0.01, "amount": 0.1}
        placed = exchange.create_order("EURUSD", "limit", "buy", 1.57, 1.0849)
        assert set(placed) == ORDER_KEYS and placed["datetime"].endswith("Z")
        assert (placed["amount"], placed["price"], placed["status"]) == (1.5, 1.08, "open")
        book = exchange.fetch_order_book("EURUSD")
        assert (book["bids"], book["asks"], book["symbol"]) == ([[1.08, 1.5]], [], "EURUSD")
        assert exchange.fetch_ticker("EURUSD")["bid"] == 1.08
        edited = exchange.edit_order(placed["id"], "EURUSD", "limit", "buy", 2.0, 1.07)
        assert (edited["remaining"], edited["price"]) == (2.0, 1.07)
        sold = exchange.create_market_order("EURUSD", "sell", 0.5)
        assert (sold["status"], sold["filled"], sold["average"], sold["cost"]) == ("closed", 0.5, 1.07, 0.535)
        assert [one["id"] for one in exchange.fetch_open_orders("EURUSD")] == [placed["id"]]
        assert exchange.cancel_order(placed["id"], "EURUSD")["status"] == "canceled"
        exchange.create_limit_buy_order("EURUSD", 1, 1)
        exchange.create_limit_sell_order("EURUSD", 1, 2, {"postOnly": True, "clientOrderId": "77"})
        assert {one["status"] for one in exchange.cancel_all_orders()} == {"canceled"}
        assert exchange.fetch_order("77", "EURUSD")["status"] == "canceled"


def test_errors_have_the_names_that_a_bot_catches() -> None:
    """Each kind once; and the client's own error is the cause."""
    with serving("ann") as served, Venue(access(served, "ann"), timeout_s=1) as venue:
        exchange = Exchange(venue)
        wrong: list[tuple[type[Exception], tuple[Any, ...]]] = [
            (BadSymbol, ("BTCUSD", "limit", "buy", 1, 1)),
            (InvalidOrder, ("EURUSD", "limit", "buy", 1)),
            (InvalidOrder, ("EURUSD", "limt", "buy", 1, 1)),
            (InvalidOrder, ("EURUSD", "limit", "bye", 1, 1)),
            (InvalidOrder, ("EURUSD", "limit", "buy", 0.01, 1)),
            (InvalidOrder, ("EURUSD", "limit", "buy", 1, 1, {"leverage": 5})),
            (InvalidOrder, ("EURUSD", "limit", "buy", 1, 1, {"timeInForce": "GTX"})),
        ]
        for error, arguments in wrong:
            with pytest.raises(error):
                exchange.create_order(*arguments)
        for id in ("12", "abc"):
            with pytest.raises(OrderNotFound):
                exchange.cancel_order(id, "EURUSD")
        served.pause(True)
        with pytest.raises(NetworkError):
            exchange.create_limit_buy_order("EURUSD", 1, 1)
        served.pause(False)


def test_what_is_watched_comes_as_with_ccxt_pro() -> None:
    """Books, trades, tickers, own orders and own fills, each by the call that a bot makes in a loop."""

    async def bot() -> None:
        with serving("ann", "bob") as served:
            async with (
                AsyncExchange(await connected(AsyncVenue(access(served, "ann")))) as ann,
                AsyncExchange(await connected(AsyncVenue(access(served, "bob")))) as bob,
            ):
                assert (await ann.watch_order_book("EURUSD"))["bids"] == []
                await ann.watch_ticker("EURUSD")
                trades = asyncio.create_task(ann.watch_trades("EURUSD"))
                fills = asyncio.create_task(ann.watch_my_trades())
                await asyncio.sleep(0.2)
                placed = await ann.create_order("EURUSD", "limit", "buy", 2, 1.08)
                while (await ann.watch_order_book("EURUSD"))["bids"] != [[1.08, 2.0]]:
                    pass
                while (await ann.watch_ticker("EURUSD"))["bid"] != 1.08:
                    pass
                await bob.create_order("EURUSD", "limit", "sell", 0.5, 1.08)
                told = await asyncio.wait_for(trades, 10)
                assert set(told[0]) == TRADE_KEYS and (told[0]["price"], told[0]["amount"]) == (1.08, 0.5)
                mine = await asyncio.wait_for(fills, 10)
                assert (mine[0]["order"], mine[0]["takerOrMaker"]) == (placed["id"], "maker")
                changed: list[dict[str, Any]] = []
                while not any(one["filled"] == 0.5 for one in changed):
                    changed += await asyncio.wait_for(ann.watch_orders("EURUSD"), 10)
                assert (await ann.fetch_order_book("EURUSD"))["bids"] == [[1.08, 1.5]]
                assert [one["status"] for one in await ann.cancel_all_orders("EURUSD")] == ["canceled"]
                assert await ann.fetch_open_orders() == []
                assert "EURUSD" in await ann.load_markets()

    async def connected(venue: AsyncVenue) -> AsyncVenue:
        await venue.connect()
        return venue

    asyncio.run(bot())
