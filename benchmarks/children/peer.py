"""Drives one matching engine from PyPI through a stream of messages and prints what it took, as JSON.

Needs nothing but that engine and the standard library, so that it runs in any interpreter:

    python peer.py ENGINE STREAM

STREAM is a file of 64-bit little-endian integers: books, prefill messages, timed messages, then six columns of that
many rows: op (0 place, 1 cancel, 2 replace), side (0 buy, 1 sell), book, order, price, quantity.

Each engine is driven by the calls that its documentation shows, bound methods and plain integers made beforehand, so
that the loop does nothing but call. Where an engine has no replace, that message is a cancel and a new order.
"""

import gc
import json
import platform
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from typing import Any, BinaryIO, ClassVar, Final, TypeAlias

PLACE: Final = 0
CANCEL: Final = 1
Call: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...]]


class Stream:
    """A flow as rows (op, side, book, order, price, quantity)."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            self.books, self.prefill, self.timed = _integers(file, 3)
            count = self.prefill + self.timed
            columns = [_integers(file, count) for _ in range(6)]
        self.rows = list(zip(*columns, strict=True))


def _integers(file: BinaryIO, count: int) -> list[int]:
    column = array("q")
    column.fromfile(file, count)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tolist()


class Engine:
    """What is common to the engines: one call for each message, or two for a replacement."""

    distribution: ClassVar[str] = ""
    reports: ClassVar[str] = ""
    """What a caller learns from a call."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def calls(self) -> tuple[list[Call], list[Call]]:
        """Return the calls of the prefill and of the timed part, each a function and its arguments."""
        prefill: list[Call] = []
        timed: list[Call] = []
        for index, row in enumerate(self.stream.rows):
            (prefill if index < self.stream.prefill else timed).extend(self.call(*row))
        return prefill, timed

    def call(self, op: int, side: int, book: int, order: int, price: int, quantity: int) -> Iterator[Call]:
        """Return the calls of one message."""
        raise NotImplementedError

    def resting(self) -> int:
        """Return how many orders rest, for the check."""
        raise NotImplementedError

    def volume(self) -> int | None:
        """Return the lots traded since the start, or None where the engine does not say."""
        return None


class LimitOrderBook(Engine):
    """limit-order-book: C++; 2.0.0 through ctypes, 3.1.0 through Cython."""

    distribution: ClassVar[str] = "limit-order-book"
    reports: ClassVar[str] = "nothing: no fills, no errors"

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        book_class = import_module("limit_order_book").LimitOrderBook
        self.opened = [book_class() for _ in range(stream.books)]
        self.place = [(book.limit_buy, book.limit_sell) for book in self.opened]
        self.cancel = [book.cancel for book in self.opened]

    def call(self, op: int, side: int, book: int, order: int, price: int, quantity: int) -> Iterator[Call]:
        if op != PLACE:
            yield self.cancel[book], (order,)
        if op != CANCEL:
            yield self.place[book][side], (order, quantity, price)

    def resting(self) -> int:
        return sum(book.count() for book in self.opened)


class OrderlyChaos(Engine):
    """orderly-chaos: C++ through ctypes, with checks in Python."""

    distribution: ClassVar[str] = "orderly-chaos"
    reports: ClassVar[str] = "the quantity filled at once"

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        package = import_module("orderly_chaos")
        self.sides = (package.Side.BUY, package.Side.SELL)
        self.trades: list[Any] = []
        self.opened = [self.open(package.LimitOrderBook) for _ in range(stream.books)]
        self.limit = [book.limit for book in self.opened]
        self.cancel = [book.cancel for book in self.opened]

    def open(self, book_class: Callable[..., Any]) -> Any:
        """Return a new book."""
        return book_class()

    def call(self, op: int, side: int, book: int, order: int, price: int, quantity: int) -> Iterator[Call]:
        if op != PLACE:
            yield self.cancel[book], (order,)
        if op != CANCEL:
            yield self.limit[book], (self.sides[side], order, quantity, price)

    def resting(self) -> int:
        return sum(book.count() for book in self.opened)


class OrderlyChaosWithTrades(OrderlyChaos):
    """orderly-chaos with its trade handler: what it takes to learn who traded with whom."""

    reports: ClassVar[str] = "every trade, through a handler"

    def open(self, book_class: Callable[..., Any]) -> Any:
        return book_class(on_trade=self.trades.append)

    def volume(self) -> int | None:
        lots: int = sum(trade.quantity for trade in self.trades)
        return lots


class LightMatchingEngine(Engine):
    """lightmatchingengine: plain Python; it numbers the orders itself."""

    distribution: ClassVar[str] = "lightmatchingengine"
    reports: ClassVar[str] = "the order and its trades"

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        package = import_module("lightmatchingengine.lightmatchingengine")
        self.engine = package.LightMatchingEngine()
        self.sides = (package.Side.BUY, package.Side.SELL)
        self.numbers: dict[int, int] = {}
        self.placed = 0

    def call(self, op: int, side: int, book: int, order: int, price: int, quantity: int) -> Iterator[Call]:
        if op != PLACE:
            yield self.engine.cancel_order, (self.numbers[order], book)
        if op != CANCEL:
            self.placed += 1
            self.numbers[order] = self.placed
            yield self.engine.add_order, (book, price, quantity, self.sides[side])

    def resting(self) -> int:
        books = self.engine.order_books.values()
        return sum(len(level) for book in books for side in (book.bids, book.asks) for level in side.values())


class OrderMatching(Engine):
    """order-matching: plain Python, placing and matching apart; its sizes are floats."""

    distribution: ClassVar[str] = "order-matching"
    reports: ClassVar[str] = "the trades"

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        import_module("loguru").logger.remove()
        self.now = datetime(2024, 1, 1)
        self.engine = import_module("order_matching.matching_engine").MatchingEngine(seed=1)
        side = import_module("order_matching.enums").Side
        self.sides = (side.BUY, side.SELL)
        self.order = import_module("order_matching.order").LimitOrder
        self.orders = import_module("order_matching.orders").Orders

    def call(self, op: int, side: int, book: int, order: int, price: int, quantity: int) -> Iterator[Call]:
        if op != PLACE:
            yield self.engine.cancel_order, (str(order),)
        if op != CANCEL:
            made = self.order(
                side=self.sides[side],
                price=price,
                size=float(quantity),
                timestamp=self.now,
                order_id=str(order),
                trader_id="",
            )
            yield self.engine.place, (self.orders([made]),)
            yield self.engine.match, (self.now,)

    def resting(self) -> int:
        book = self.engine.unprocessed_orders
        return sum(len(level) for side in (book.bids, book.offers) for level in side.values())


ENGINES: Final[dict[str, type[Engine]]] = {
    "limit-order-book": LimitOrderBook,
    "orderly-chaos": OrderlyChaos,
    "orderly-chaos, trades": OrderlyChaosWithTrades,
    "lightmatchingengine": LightMatchingEngine,
    "order-matching": OrderMatching,
}


def measure(kind: type[Engine], stream: Stream) -> tuple[float, int, int | None]:
    """Return the seconds that the timed part took on fresh books, the orders that rest and the lots traded."""
    engine = kind(stream)
    prefill, timed = engine.calls()
    for function, arguments in prefill:
        function(*arguments)
    gc.collect()
    gc.disable()
    begin = time.perf_counter()
    for function, arguments in timed:
        function(*arguments)
    seconds = time.perf_counter() - begin
    gc.enable()
    return seconds, engine.resting(), engine.volume()


def main() -> None:
    """Measure once, and print one JSON object."""
    name, path = sys.argv[1:]
    kind = ENGINES[name]
    seconds, resting, volume = measure(kind, Stream(path))
    result = {
        "version": version(kind.distribution),
        "python": platform.python_version(),
        "reports": kind.reports,
        "seconds": seconds,
        "resting": resting,
        "volume_lots": volume,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
