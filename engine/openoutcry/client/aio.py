"""`AsyncVenue`: a venue from a program that runs on asyncio. The same calls as `Venue`, awaited."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from openoutcry.client.access import Access, read_profile
from openoutcry.client.admin import Administration
from openoutcry.client.errors import Closed, NoAnswer
from openoutcry.client.listing import Listed, Number, PairLike
from openoutcry.client.orders import Order, OrderEvent, Position
from openoutcry.client.reading import WAITING_MAX, Missed, Reader
from openoutcry.client.session import EventFrame, SessionEvent
from openoutcry.client.shell import Shell, Taken
from openoutcry.client.venue import TIMEOUT_S, given
from openoutcry.client.watching import AuctionWatch, BookWatch, TopWatch, TradeWatch
from openoutcry.domain import OrderType, SelfTrade, Side, TimeInForce
from openoutcry.domain.records import Commands
from openoutcry.marketdata.topics import Channel
from openoutcry.venue.messages import OperatorDone
from openoutcry.wire.tags import Message

Result = TypeVar("Result")
Item = TypeVar("Item")
AnyWatch = TypeVar("AnyWatch", BookWatch, TradeWatch, TopWatch, AuctionWatch)


class AsyncReader(Generic[Item]):
    """Reads a `Reader` by `async for`, or `get`. One task reads."""

    def __init__(self, reader: Reader[Item]) -> None:
        """Make it in the loop that reads."""
        self.reader = reader
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        reader.on_ready = self._wake

    async def get(self) -> "Item | Missed":
        """Return the next item, waiting for it. Raises Closed at the end."""
        while True:
            self._ready.clear()
            item = self.reader.take()
            if item is not None:
                return item
            await self._ready.wait()

    def _wake(self) -> None:
        """Tell the loop; called from the client's thread."""
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:
            # The loop has ended: nobody reads any more, and the client goes on without.
            self.reader.on_ready = None

    async def __aiter__(self) -> "AsyncIterator[Item | Missed]":
        """Yield items as they come, until the end."""
        while True:
            try:
                item = await self.get()
            except Closed:
                return
            yield item


class AsyncVenue:
    """A venue, from one event loop. Connects when it is entered, closes when it is left; see `Venue` for each call.

    async with AsyncVenue.open("venue.toml") as venue:
        order = await venue.place("EURUSD", Side.BUY, "10", "1.0850")
        await venue.cancel(order)
    """

    def __init__(
        self,
        access: Access,
        *,
        trades: bool = True,
        track: bool = True,
        timeout_s: float = TIMEOUT_S,
        software: str = "",
    ) -> None:
        """Open the sockets; `connect`, or `async with`, begins. Raises NotConnected."""
        self.later = Shell(access, trades=trades, track=track, software=software)
        self.timeout_s = timeout_s
        self.administration = Administration(self.operate)
        self._has_begun = False

    @classmethod
    def open(
        cls,
        profile: Path | str,
        *,
        trades: bool = True,
        track: bool = True,
        timeout_s: float = TIMEOUT_S,
        software: str = "",
    ) -> Self:
        """Read a profile and open its keystore, which may take a second. Raises ConfigError."""
        access = read_profile(Path(profile)).open()
        return cls(access, trades=trades, track=track, timeout_s=timeout_s, software=software)

    async def connect(self) -> None:
        """Begin, and wait until the session is open and own orders are known. Raises NotConnected."""
        if not self._has_begun:
            self._has_begun = True
            self.later.start()
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self.later.ready)), self.timeout_s)
        except TimeoutError:
            raise self.later.not_connected() from None

    async def close(self, *, cancel: bool = False) -> None:
        """End; see `Shell.stop`. cancel: with all own orders."""
        await asyncio.get_running_loop().run_in_executor(None, lambda: self.later.stop(cancel=cancel))

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def place(
        self,
        pair: PairLike,
        side: Side,
        qty: Number,
        price: Number | None = None,
        *,
        account: int | None = None,
        client_id: int | None = None,
        kind: OrderType | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        stp: SelfTrade = SelfTrade.NONE,
        display: Number | None = None,
        trigger: Number | None = None,
        expiry_ns: int = 0,
        reduce_only: bool = False,
    ) -> Order:
        """Place an order; see `Venue.place`."""
        future = self.later.place_decimal(
            pair,
            side,
            qty,
            price,
            account=account,
            client_id=client_id,
            kind=kind,
            tif=tif,
            stp=stp,
            display=display,
            trigger=trigger,
            expiry_ns=expiry_ns,
            reduce_only=reduce_only,
        )
        return await self._wait(future, "place")

    async def cancel(self, order: Order | int, pair: PairLike | None = None, account: int | None = None) -> Order:
        """Cancel an order; see `Venue.cancel`."""
        return await self._wait(self.later.cancel(order, pair, account), "cancel")

    async def reduce(
        self, order: Order | int, qty: Number, pair: PairLike | None = None, account: int | None = None
    ) -> Order:
        """Take a quantity off an order."""
        lots = self.pair(given(order, pair)).scale.lots(qty)
        return await self._wait(self.later.reduce(order, lots, pair, account), "reduce")

    async def replace(
        self,
        order: Order | int,
        qty: Number,
        price: Number,
        pair: PairLike | None = None,
        account: int | None = None,
    ) -> Order:
        """Give an order a new price and a new quantity left."""
        scale = self.pair(given(order, pair)).scale
        future = self.later.replace(order, scale.lots(qty), scale.ticks(price), pair, account)
        return await self._wait(future, "replace")

    async def mass_cancel(self, pair: PairLike | None = None, account: int | None = None) -> None:
        """Cancel all orders: of every account, of one account, or of one account in one pair."""
        await self._wait(self.later.mass_cancel(pair, account), "mass_cancel")

    async def submit(self, commands: Commands) -> Taken:
        """Send (n,) COMMAND as one frame, and wait until the venue has taken it."""
        return await self._wait(self.later.submit(commands), "submit")

    async def operate(self, message: Message) -> OperatorDone:
        """Send a signed operator's command; `administration` has a function for each."""
        return await self._wait(self.later.operate(message), type(message).__name__)

    def orders(self) -> list[Order]:
        """Return own orders that are live or not answered yet."""
        return self.later.orders()

    def order(self, client_id: int, pair: PairLike) -> Order:
        """Return an order by client id. Raises UnknownOrder."""
        return self.later.order(client_id, pair)

    def positions(self) -> dict[tuple[int, int], Position]:
        """Return (account, pair) to what the fills that this client has seen come to."""
        return self.later.positions()

    def pairs(self) -> list[Listed]:
        """Return what the venue trades."""
        return self.later.pairs()

    def pair(self, pair: PairLike) -> Listed:
        """Return one pair. Raises UnknownPair."""
        return self.later.pair(pair)

    @contextmanager
    def events(self, waiting_max: int = WAITING_MAX) -> Iterator[AsyncReader[OrderEvent | SessionEvent]]:
        """Read what happens to own orders and the session from here on."""
        reader: Reader[OrderEvent | SessionEvent] = Reader(waiting_max)
        with self.later.reading(reader, self.later.events):
            yield AsyncReader(reader)

    @contextmanager
    def frames(self, waiting_max: int = WAITING_MAX) -> Iterator[AsyncReader[EventFrame]]:
        """Read own events from here on as arrays of EVENT."""
        reader: Reader[EventFrame] = Reader(waiting_max)
        with self.later.reading(reader, self.later.frames):
            yield AsyncReader(reader)

    async def watch_book(self, pair: PairLike, *, level: int = 3) -> BookWatch:
        """Follow the displayed book of a pair; `AsyncReader(watch.reader)` tells when it changes."""
        channel = Channel.L3 if level == 3 else Channel.L2
        return await self._watch(BookWatch(self.later, self.pair(pair), channel))

    async def watch_trades(self, pair: PairLike) -> TradeWatch:
        """Follow the trades of a pair."""
        return await self._watch(TradeWatch(self.later, self.pair(pair)))

    async def watch_top(self, pair: PairLike) -> TopWatch:
        """Follow the best level of each side of a pair."""
        return await self._watch(TopWatch(self.later, self.pair(pair)))

    async def watch_auction(self, pair: PairLike) -> AuctionWatch:
        """Follow what an auction of a pair would come to."""
        return await self._watch(AuctionWatch(self.later, self.pair(pair)))

    async def _watch(self, watched: AnyWatch) -> AnyWatch:
        try:
            await asyncio.get_running_loop().run_in_executor(None, watched.wait, self.timeout_s)
        except BaseException:
            watched.close()
            raise
        return watched

    async def _wait(self, future: "Future[Result]", what: str) -> Result:
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), self.timeout_s)
        except TimeoutError:
            self.later.check()
            raise NoAnswer(
                f"{what}: no answer within {self.timeout_s:g} s; it is tried until this client closes, "
                "and events tell what became of it"
            ) from None
