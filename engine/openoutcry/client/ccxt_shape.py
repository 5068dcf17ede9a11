"""A venue in the shape that programs written for ccxt expect: its names, dictionaries, floats and errors.

For porting a bot, not for writing one. `Exchange` has the calls that wait, `AsyncExchange` those of ccxt.pro. What a
venue does not have (balances, candles, deposits) is not here: a call for it is an AttributeError, not an empty answer.
"""

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from openoutcry.client.aio import AsyncReader, AsyncVenue
from openoutcry.client.ccxt_values import (
    NEWS_MAX,
    BadSymbol,
    BaseError,
    ExchangeError,
    InsufficientFunds,
    InvalidOrder,
    NetworkError,
    OrderNotFound,
    RateLimitExceeded,
    RequestTimeout,
    Shape,
    Times,
    Wanted,
    amount_of,
    as_ccxt,
    id_of,
    market,
    my_trade,
    order,
    order_book,
    price_of,
    ticker,
    trade,
)
from openoutcry.client.listing import Listed
from openoutcry.client.orders import Order, OrderEvent
from openoutcry.client.reading import Missed
from openoutcry.client.session import SessionEvent
from openoutcry.client.venue import Venue
from openoutcry.client.watching import BookWatch, TopWatch, TradeWatch
from openoutcry.domain import EventKind
from openoutcry.marketdata.followers import Top, Trade

__all__ = [
    "AsyncExchange",
    "BadSymbol",
    "BaseError",
    "Exchange",
    "ExchangeError",
    "InsufficientFunds",
    "InvalidOrder",
    "NetworkError",
    "OrderNotFound",
    "RateLimitExceeded",
    "RequestTimeout",
]


class Exchange:
    """A venue as ccxt's synchronous exchanges are used. Give it a `Venue` that is connected; close it with this."""

    id = "openoutcry"

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self._times = Times()

    def load_markets(self, reload: bool = False) -> dict[str, Shape]:
        """Return symbol to market."""
        return {listed.name: market(listed) for listed in self.venue.pairs()}

    def fetch_markets(self) -> list[Shape]:
        """Return every market."""
        return list(self.load_markets().values())

    def fetch_order_book(self, symbol: str, limit: int | None = None) -> Shape:
        """Return the displayed book, at most `limit` levels of each side (10 unless given)."""
        with as_ccxt(), self.venue.watch_book(symbol, level=2) as book:
            return order_book(book.view(limit or 10), book.listed, limit)

    def fetch_ticker(self, symbol: str) -> Shape:
        """Return the best prices."""
        with as_ccxt(), self.venue.watch_top(symbol) as top:
            return ticker(top.top, top.listed)

    def create_order(
        self, symbol: str, type: str, side: str, amount: Any, price: Any = None, params: Shape | None = None
    ) -> Shape:
        """Place an order. params: timeInForce, postOnly, reduceOnly, clientOrderId, triggerPrice, account."""
        with as_ccxt():
            listed = self.venue.pair(symbol)
            wanted = Wanted(listed, type, side, amount, price, params or {})
            placed = self.venue.place(listed, wanted.side, wanted.qty, wanted.price, **wanted.options)
            self._times.note(placed)
            return order(placed, listed, self._times.of(placed))

    def create_limit_buy_order(self, symbol: str, amount: Any, price: Any, params: Shape | None = None) -> Shape:
        """Place a limit order to buy."""
        return self.create_order(symbol, "limit", "buy", amount, price, params)

    def create_limit_sell_order(self, symbol: str, amount: Any, price: Any, params: Shape | None = None) -> Shape:
        """Place a limit order to sell."""
        return self.create_order(symbol, "limit", "sell", amount, price, params)

    def create_market_order(self, symbol: str, side: str, amount: Any, params: Shape | None = None) -> Shape:
        """Place a market order."""
        return self.create_order(symbol, "market", side, amount, None, params)

    def cancel_order(self, id: str, symbol: str, params: Shape | None = None) -> Shape:
        """Cancel an order by its id."""
        with as_ccxt():
            listed = self.venue.pair(symbol)
            return order(self.venue.cancel(id_of(id), listed), listed)

    def cancel_all_orders(self, symbol: str | None = None, params: Shape | None = None) -> list[Shape]:
        """Cancel all own orders, of one pair or of all; return those that were live."""
        with as_ccxt():
            before = self.fetch_open_orders(symbol)
            self.venue.mass_cancel(symbol)
            return [self.fetch_order(one["id"], one["symbol"]) for one in before]

    def edit_order(
        self, id: str, symbol: str, type: str, side: str, amount: Any, price: Any, params: Shape | None = None
    ) -> Shape:
        """Give an order a new price and a new amount left."""
        with as_ccxt():
            listed = self.venue.pair(symbol)
            placed = self.venue.replace(id_of(id), amount_of(listed, amount), price_of(listed, price), listed)
            return order(placed, listed, self._times.of(placed))

    def fetch_order(self, id: str, symbol: str) -> Shape:
        """Return an own order, also one that is over as long as it is remembered."""
        with as_ccxt():
            listed = self.venue.pair(symbol)
            found = self.venue.order(id_of(id), listed)
            return order(found, listed, self._times.of(found))

    def fetch_open_orders(self, symbol: str | None = None) -> list[Shape]:
        """Return own live orders."""
        with as_ccxt():
            return _open_orders(self.venue.orders(), self.venue.pair, symbol, self._times)

    def close(self) -> None:
        """Close the venue's client."""
        self.venue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncExchange:
    """A venue as ccxt.pro's exchanges are used. Give it an `AsyncVenue` that is connected; close it with this.

    Each `watch_` call waits for news and returns it, and the first one of a pair what is; news that came between two
    calls is not lost, as long as a `Reader` holds it.
    """

    id = "openoutcry"

    def __init__(self, venue: AsyncVenue) -> None:
        self.venue = venue
        self._times = Times()
        self._books: dict[str, tuple[BookWatch, AsyncReader[int]]] = {}
        self._tops: dict[str, tuple[TopWatch, AsyncReader[Top]]] = {}
        self._tapes: dict[str, tuple[TradeWatch, AsyncReader[Trade]]] = {}
        self._open: list[Any] = []
        self._orders = self._events()
        self._fills = self._events()

    async def load_markets(self, reload: bool = False) -> dict[str, Shape]:
        """Return symbol to market."""
        return {listed.name: market(listed) for listed in self.venue.pairs()}

    async def fetch_order_book(self, symbol: str, limit: int | None = None) -> Shape:
        """Return the displayed book as it is now."""
        with as_ccxt():
            book, _ = await self._book(symbol)
            return order_book(book.view(limit or 10), book.listed, limit)

    async def create_order(
        self, symbol: str, type: str, side: str, amount: Any, price: Any = None, params: Shape | None = None
    ) -> Shape:
        """Place an order; see `Exchange.create_order`."""
        with as_ccxt():
            listed = self.venue.pair(symbol)
            wanted = Wanted(listed, type, side, amount, price, params or {})
            placed = await self.venue.place(listed, wanted.side, wanted.qty, wanted.price, **wanted.options)
            self._times.note(placed)
            return order(placed, listed, self._times.of(placed))

    async def cancel_order(self, id: str, symbol: str, params: Shape | None = None) -> Shape:
        """Cancel an order by its id."""
        with as_ccxt():
            listed = self.venue.pair(symbol)
            return order(await self.venue.cancel(id_of(id), listed), listed)

    async def cancel_all_orders(self, symbol: str | None = None, params: Shape | None = None) -> list[Shape]:
        """Cancel all own orders, of one pair or of all; return those that were live."""
        with as_ccxt():
            before = await self.fetch_open_orders(symbol)
            await self.venue.mass_cancel(symbol)
            return [await self.fetch_order(one["id"], one["symbol"]) for one in before]

    async def fetch_order(self, id: str, symbol: str) -> Shape:
        """Return an own order, also one that is over as long as it is remembered."""
        with as_ccxt():
            listed = self.venue.pair(symbol)
            found = self.venue.order(id_of(id), listed)
            return order(found, listed, self._times.of(found))

    async def fetch_open_orders(self, symbol: str | None = None) -> list[Shape]:
        """Return own live orders."""
        with as_ccxt():
            return _open_orders(self.venue.orders(), self.venue.pair, symbol, self._times)

    async def watch_order_book(self, symbol: str, limit: int | None = None) -> Shape:
        """Return the book when it has changed since the last call; the newest state, never a queue of old ones."""
        with as_ccxt():
            is_first = symbol not in self._books
            book, reader = await self._book(symbol)
            if not is_first:
                await reader.get()
            return order_book(book.view(limit or 10), book.listed, limit)

    async def watch_ticker(self, symbol: str) -> Shape:
        """Return the best prices when they have changed since the last call."""
        with as_ccxt():
            if symbol not in self._tops:
                watch = await self.venue.watch_top(symbol)
                self._tops[symbol] = watch, AsyncReader(watch.reader)
                return ticker(watch.top, watch.listed)
            watch, reader = self._tops[symbol]
            await reader.get()
            return ticker(watch.top, watch.listed)

    async def watch_trades(self, symbol: str) -> list[Shape]:
        """Return the trades since the last call, oldest first, waiting for one. Those that were missed are left out."""
        with as_ccxt():
            if symbol not in self._tapes:
                watch = await self.venue.watch_trades(symbol)
                self._tapes[symbol] = watch, AsyncReader(watch.reader)
            watch, reader = self._tapes[symbol]
            news = await _news(reader, lambda one: isinstance(one, Trade))
            return [trade(one, watch.listed) for one in news]

    async def watch_orders(self, symbol: str | None = None) -> list[Shape]:
        """Return own orders that have changed since the last call, each as it is after its last change."""
        with as_ccxt():
            news = await _news(self._orders, lambda one: self._is_of(one, symbol))
            latest = {(event.order.pair, event.order.client_id): event.order for event in news}
            return [order(one, self.venue.pair(one.pair), self._times.of(one)) for one in latest.values()]

    async def watch_my_trades(self, symbol: str | None = None) -> list[Shape]:
        """Return own fills since the last call, oldest first, waiting for one."""
        with as_ccxt():
            fills = await _news(self._fills, lambda one: self._is_of(one, symbol) and one.kind == EventKind.TRADED)
            return [my_trade(event, self.venue.pair(event.order.pair)) for event in fills]

    async def close(self) -> None:
        """Close the venue's client and all watches."""
        for watch, _ in (*self._books.values(), *self._tops.values(), *self._tapes.values()):
            watch.close()  # type: ignore[attr-defined]
        for manager in self._open:
            manager.__exit__(None, None, None)
        await self.venue.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _book(self, symbol: str) -> tuple[BookWatch, AsyncReader[int]]:
        if symbol not in self._books:
            watch = await self.venue.watch_book(symbol, level=2)
            self._books[symbol] = watch, AsyncReader(watch.reader)
        return self._books[symbol]

    def _events(self) -> AsyncReader[OrderEvent | SessionEvent]:
        manager = self.venue.events()
        self._open.append(manager)
        return manager.__enter__()

    def _is_of(self, one: Any, symbol: str | None) -> bool:
        if not isinstance(one, OrderEvent):
            return False
        return symbol is None or one.order.pair == self.venue.pair(symbol).number


async def _news(reader: AsyncReader[Any], wanted: Callable[[Any], bool]) -> list[Any]:
    """Wait for something that is wanted, and return it with whatever is there already."""
    news: deque[Any] = deque()
    while not news:
        one: Any = await reader.get()
        while one is not None and len(news) < NEWS_MAX:
            if not isinstance(one, Missed) and wanted(one):
                news.append(one)
            one = reader.reader.take()
    return list(news)


def _open_orders(
    orders: list[Order], pair: Callable[[str | int], Listed], symbol: str | None, times: Times
) -> list[Shape]:
    number = None if symbol is None else pair(symbol).number
    return [order(one, pair(one.pair), times.of(one)) for one in orders if number in (None, one.pair)]
