"""`Venue`: a venue from a program that waits for its answers."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from openoutcry.client.access import Access, read_profile
from openoutcry.client.admin import Administration
from openoutcry.client.errors import NoAnswer, UnknownOrder
from openoutcry.client.listing import Listed, Number, PairLike
from openoutcry.client.orders import Order, OrderEvent, Position
from openoutcry.client.reading import WAITING_MAX, Reader
from openoutcry.client.session import EventFrame, SessionEvent
from openoutcry.client.shell import Shell, Taken
from openoutcry.client.watching import AuctionWatch, BookWatch, TopWatch, TradeWatch, watch
from openoutcry.domain import OrderType, SelfTrade, Side, TimeInForce
from openoutcry.domain.records import Commands
from openoutcry.marketdata.topics import Channel
from openoutcry.venue.messages import OperatorDone
from openoutcry.wire.tags import Message

Result = TypeVar("Result")

TIMEOUT_S: Final = 10.0
"""How long a call waits for the venue unless it is told otherwise: a restart of a venue takes less."""


class Venue:
    """A venue, from any thread. Connects when it is entered, closes when it is left.

    Calls wait for the venue's answer, at most `timeout_s`; where none comes they raise NoAnswer, and what was sent is
    still tried until the client closes. `later` has the same calls without the wait, as futures. A lost link comes back
    by itself, and nothing that was asked is lost or done twice.

        with Venue.open("venue.toml") as venue:
            order = venue.place("EURUSD", Side.BUY, "10", "1.0850")
            venue.cancel(order)
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
        """Open the sockets; `connect`, or `with`, begins. Raises NotConnected.

        trades: False for a client that only watches or operates. track: False where events are read as frames only,
        which costs nothing for each event; then `submit` is the only way to send.
        """
        self.later = Shell(access, trades=trades, track=track, software=software)
        self.timeout_s = timeout_s
        self.administration = Administration(lambda message: self.operate(message))
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
        """Read a profile and open its keystore. Raises ConfigError, and as the constructor does."""
        access = read_profile(Path(profile)).open()
        return cls(access, trades=trades, track=track, timeout_s=timeout_s, software=software)

    def connect(self) -> None:
        """Begin, and wait until the session is open and own orders are known. Raises NotConnected; once for each."""
        if not self._has_begun:
            self._has_begun = True
            self.later.start()
        try:
            self.later.ready.result(self.timeout_s)
        except FutureTimeout:
            raise self.later.not_connected() from None

    def close(self, *, cancel: bool = False) -> None:
        """End; see `Shell.stop`. cancel: with all own orders. What is not settled is abandoned; twice is once."""
        self.later.stop(cancel=cancel)

    def __enter__(self) -> Self:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- trading

    def place(
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
        """Place an order, and return it as it is after the book has taken it, with what it has traded at once.

        qty, price, display, trigger: Decimal, int or text, never a float; see `Scale`. Without a price it is a MARKET
        order unless `kind` says otherwise. account: the profile's, else the member's first. client_id: the number of
        the command unless given, which no other order of the member has.
        Raises Rejected, Refused, NoAnswer, UnknownPair, NotRepresentable, DuplicateId, Full.
        """
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
        return self._wait(future, "place")

    def cancel(self, order: Order | int, pair: PairLike | None = None, account: int | None = None) -> Order:
        """Cancel an order, given as `place` returned it or by client id and pair; return it as it ended.

        Raises Rejected with UNKNOWN_ORDER where it is over already, and as `place` does.
        """
        return self._wait(self.later.cancel(order, pair, account), "cancel")

    def reduce(
        self, order: Order | int, qty: Number, pair: PairLike | None = None, account: int | None = None
    ) -> Order:
        """Take a quantity off an order, which keeps its place in the book."""
        lots = self.later.pair(given(order, pair)).scale.lots(qty)
        return self._wait(self.later.reduce(order, lots, pair, account), "reduce")

    def replace(
        self,
        order: Order | int,
        qty: Number,
        price: Number,
        pair: PairLike | None = None,
        account: int | None = None,
    ) -> Order:
        """Give an order a new price and a new quantity left."""
        scale = self.later.pair(given(order, pair)).scale
        future = self.later.replace(order, scale.lots(qty), scale.ticks(price), pair, account)
        return self._wait(future, "replace")

    def mass_cancel(self, pair: PairLike | None = None, account: int | None = None) -> None:
        """Cancel all orders: of every account, of one account, or of one account in one pair."""
        self._wait(self.later.mass_cancel(pair, account), "mass_cancel")

    def submit(self, commands: Commands) -> Taken:
        """Send (n,) COMMAND as one frame, copied, and wait until it is taken. Raises Refused, NoAnswer, Full.

        The fast way: 10 microseconds for 256 commands without tracking; `later.submit` does not wait.
        """
        return self._wait(self.later.submit(commands), "submit")

    def operate(self, message: Message) -> OperatorDone:
        """Send a signed operator's command; `administration` has a function for each. Raises OperatorRefused."""
        return self._wait(self.later.operate(message), type(message).__name__)

    # -- what is known

    def orders(self) -> list[Order]:
        """Return own orders that are live or not answered yet."""
        return self.later.orders()

    def order(self, client_id: int, pair: PairLike) -> Order:
        """Return an order by client id, also one that is over as long as it is remembered. Raises UnknownOrder."""
        return self.later.order(client_id, pair)

    def positions(self) -> dict[tuple[int, int], Position]:
        """Return (account, pair) to net lots and what was paid, of the fills that this client has seen."""
        return self.later.positions()

    def pairs(self) -> list[Listed]:
        """Return what the venue trades."""
        return self.later.pairs()

    def pair(self, pair: PairLike) -> Listed:
        """Return one pair by number or name. Raises UnknownPair."""
        return self.later.pair(pair)

    # -- events

    @contextmanager
    def events(self, waiting_max: int = WAITING_MAX) -> Iterator[Reader[OrderEvent | SessionEvent]]:
        """Read what happens to own orders and the session from here on; a slow reader is told what it has `Missed`."""
        reader: Reader[OrderEvent | SessionEvent] = Reader(waiting_max)
        with self.later.reading(reader, self.later.events):
            yield reader

    @contextmanager
    def frames(self, waiting_max: int = WAITING_MAX) -> Iterator[Reader[EventFrame]]:
        """Read own events from here on as arrays of EVENT, as they come."""
        reader: Reader[EventFrame] = Reader(waiting_max)
        with self.later.reading(reader, self.later.frames):
            yield reader

    def on_event(self, handler: Callable[[OrderEvent | SessionEvent], object]) -> None:
        """Have a function called with whatever happens, in the client's own thread.

        It must be quick and must not wait for this client. What it raises is raised by the next call, as HandlerFailed.
        """
        self.later.call(handler)

    # -- market data

    def watch_book(self, pair: PairLike, *, level: int = 3) -> BookWatch:
        """Follow the displayed book of a pair: every order (3) or every level (2). Close the watch when it is done."""
        watched = BookWatch(self.later, self.pair(pair), Channel.L3 if level == 3 else Channel.L2)
        return watch(watched, self.timeout_s)

    def watch_trades(self, pair: PairLike) -> TradeWatch:
        """Follow the trades of a pair."""
        return watch(TradeWatch(self.later, self.pair(pair)), self.timeout_s)

    def watch_top(self, pair: PairLike) -> TopWatch:
        """Follow the best level of each side of a pair."""
        return watch(TopWatch(self.later, self.pair(pair)), self.timeout_s)

    def watch_auction(self, pair: PairLike) -> AuctionWatch:
        """Follow what an auction of a pair would come to."""
        return watch(AuctionWatch(self.later, self.pair(pair)), self.timeout_s)

    def _wait(self, future: "Future[Result]", what: str) -> Result:
        assert not self.later.line.is_own_thread, "a function that a client calls must not wait for that client"
        try:
            return future.result(self.timeout_s)
        except FutureTimeout:
            if future.done():
                raise
            self.later.check()
            raise NoAnswer(
                f"{what}: no answer within {self.timeout_s:g} s; it is tried until this client closes, "
                "and events tell what became of it"
            ) from None


def given(order: Order | int, pair: PairLike | None) -> PairLike:
    """Return the pair of an order that is meant. Raises UnknownOrder where nobody says it."""
    if isinstance(order, Order):
        return order.pair
    if pair is None:
        raise UnknownOrder(f"order {order}: give the pair as well, or the order that place returned")
    return pair
