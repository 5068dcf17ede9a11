"""One client of one venue, as both shells use it: a desk, the line that drives it, and futures for what is asked.

Everything here may be called from any thread. Nothing waits but `stop`: what takes time is a future, which the line's
thread answers.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from openoutcry.book import commands as make
from openoutcry.client.access import Access
from openoutcry.client.desk import Desk, Told
from openoutcry.client.errors import ClientError, DuplicateId, HandlerFailed, NotConnected, UnknownOrder
from openoutcry.client.line import Line
from openoutcry.client.listing import Listed, Number, PairLike
from openoutcry.client.orders import Asked, Order, OrderEvent, Position
from openoutcry.client.outbox import Batch, BatchState
from openoutcry.client.reading import Reader
from openoutcry.client.session import EventFrame, Session, SessionEvent, SessionState
from openoutcry.domain import MassCancelScope, Op, OrderType, SelfTrade, Side, TimeInForce
from openoutcry.domain.records import Commands
from openoutcry.venue.messages import OperatorDone, SessionOpened
from openoutcry.wire.tags import Message

MS: Final = 1_000_000

GOODBYE_S: Final = 1.0
"""How long a client that closes waits for the venue's word."""

Result = TypeVar("Result")


class Taken(NamedTuple):
    """The venue has taken a frame of commands and will not lose it.

    sequence: the member's number of the first of so many commands. book_sequence: the book's number of it, 0 where the
    venue knows it no more. event_head: the last event on the member's stream after them.
    """

    sequence: int
    commands: int
    book_sequence: int
    event_head: int


class Shell:
    """A client. trades: with a session; without one it watches and operates only. track: see `Session`."""

    def __init__(self, access: Access, *, trades: bool = True, track: bool = True, software: str = "") -> None:
        """Open the sockets. Raises NotConnected where that cannot be done."""
        lease_ns = access.lease_ms * MS
        cancels = access.cancel_on_disconnect
        session = Session(cancel_on_disconnect=cancels, lease_ns=lease_ns, track=track) if trades else None
        self.access = access
        self.desk = Desk(session, access.signer, access.venue.key, access.scales)
        self.ready: Future[None] = _future()
        self._track = track
        self.events: list[Reader[OrderEvent | SessionEvent]] = []
        self.frames: list[Reader[EventFrame]] = []
        self._handlers: list[Callable[[OrderEvent | SessionEvent], object]] = []
        self._failed: HandlerFailed | None = None
        self.watches: list[Reader[Any]] = []
        self.line = Line(self.desk, access.identity, access.venue, self._deliver, software)

    def start(self) -> None:
        """Begin to connect."""
        self.line.start()

    def stop(self, *, cancel: bool = False) -> None:
        """Tell the venue that this client has done, close the sockets, end every reader; twice is once.

        cancel: with all orders; they are cancelled as well where the session is one that cancels on disconnect. What is
        not settled is abandoned. Waits for the venue's word at most `GOODBYE_S`.
        """
        session = self.desk.session
        if session is not None and self.line.failure() is None and not self.line.is_own_thread:
            with self.line.lock:
                says = session.state is SessionState.OPEN
                if says:
                    session.close(cancel or self.access.cancel_on_disconnect)
                    self.line.wake()
            if says:
                self.line.wait_for(lambda: session.state is SessionState.CLOSED, GOODBYE_S)
        self.line.stop()

    @property
    def session(self) -> Session:
        """The session. Raises ClientError for a client without one."""
        if self.desk.session is None:
            raise ClientError("this client only watches: open it with trades=True to trade")
        return self.desk.session

    @property
    def opened(self) -> SessionOpened:
        """What the venue said of the session. Raises NotConnected before it was opened."""
        opened = self.session.opened
        if opened is None:
            raise self.not_connected()
        return opened

    def check(self) -> None:
        """Raise what has happened to the client, or to a function that was given to it, since the last call."""
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
        failure = self.line.failure()
        if failure is not None:
            raise failure

    def not_connected(self) -> ClientError:
        """Return why there is no session."""
        failure = self.line.failure()
        if failure is not None:
            return failure
        venue, desk = self.access.venue, self.desk
        where = f"{venue.name or venue.key.hex()[:16]} at {venue.address}"
        refused = desk.session.refused_open if desk.session is not None else None
        if refused is not None:
            key = self.access.signer.key.hex()[:16]
            detail = f": {refused.detail}" if refused.detail else ""
            return NotConnected(
                f"{where} opens no session for key {key} ({refused.reason.name}{detail}): ask its operator for one"
            )
        if not desk.is_up:
            return NotConnected(f"no link to {where}: {desk.detail}; is it running, and are its keys right?")
        return NotConnected(f"{where} does not answer: the link is there, and nothing comes")

    # -- commands

    def submit(self, commands: Commands) -> "Future[Taken]":
        """Send commands as they are, in one frame; the future is answered when the venue has taken or refused them.

        commands: (n,) COMMAND, copied; n at most 16,384. Client ids are the caller's. Raises as `Outbox.add` does.
        """
        future: Future[Taken] = _future()
        with self.line.lock:
            self.check()
            self._require_opened()
            batch = self.session.submit(commands)
            if self._track:
                batch.asked = self._note(commands, batch.sequence)
            batch.on_settled = lambda settled: _settle(settled, future)
            self.line.wake()
        return future

    def place(
        self,
        pair: PairLike,
        side: Side,
        qty_lots: int,
        price_ticks: int = 0,
        *,
        account: int | None = None,
        client_id: int | None = None,
        kind: OrderType = OrderType.LIMIT,
        tif: TimeInForce = TimeInForce.GTC,
        stp: SelfTrade = SelfTrade.NONE,
        display_lots: int = 0,
        trigger_ticks: int = 0,
        expiry_ns: int = 0,
        reduce_only: bool = False,
    ) -> "Future[Order]":
        """Place an order; see `Venue.place` for the arguments, here in ticks and lots."""
        with self.line.lock:
            self.check()
            self._require_opened()
            listed = self.desk.listing[pair]
            owner = self.account(account)
            # A command's own number is given once, so it is an id that no other order has.
            name = self.session.outbox.next_sequence if client_id is None else client_id
            holder = self.session.orders.holder(listed.number, name)
            if holder is not None and holder != owner:
                raise DuplicateId(f"account {holder} has a live order {name}: give each order an id of its own")
            record = make.place(
                listed.number,
                owner,
                name,
                side,
                qty_lots,
                price_ticks,
                kind=kind,
                tif=tif,
                stp=stp,
                display_lots=display_lots,
                trigger_ticks=trigger_ticks,
                expiry_ns=expiry_ns,
                reduce_only=reduce_only,
            )
            return self._send_one(record, Op.PLACE)

    def place_decimal(
        self,
        pair: PairLike,
        side: Side,
        qty: Number,
        price: Number | None,
        *,
        account: int | None,
        client_id: int | None,
        kind: OrderType | None,
        tif: TimeInForce,
        stp: SelfTrade,
        display: Number | None,
        trigger: Number | None,
        expiry_ns: int,
        reduce_only: bool,
    ) -> "Future[Order]":
        """Place an order whose numbers are people's; see `Venue.place`."""
        listed = self.pair(pair)
        scale = listed.scale
        if kind is None:
            kind = OrderType.MARKET if price is None else OrderType.LIMIT
        return self.place(
            listed,
            side,
            scale.lots(qty),
            0 if price is None else scale.ticks(price),
            account=account,
            client_id=client_id,
            kind=kind,
            tif=tif,
            stp=stp,
            display_lots=0 if display is None else scale.lots(display),
            trigger_ticks=0 if trigger is None else scale.ticks(trigger),
            expiry_ns=expiry_ns,
            reduce_only=reduce_only,
        )

    def cancel(self, order: Order | int, pair: PairLike | None = None, account: int | None = None) -> "Future[Order]":
        """Cancel an order, named by what `place` gave or by its client id and pair."""
        with self.line.lock:
            where, owner, name = self._named(order, pair, account)
            return self._send_one(make.cancel(where, owner, name), Op.CANCEL)

    def reduce(
        self, order: Order | int, qty_lots: int, pair: PairLike | None = None, account: int | None = None
    ) -> "Future[Order]":
        """Take lots off an order, which keeps its place."""
        with self.line.lock:
            where, owner, name = self._named(order, pair, account)
            return self._send_one(make.reduce(where, owner, name, qty_lots), Op.REDUCE)

    def replace(
        self,
        order: Order | int,
        qty_lots: int,
        price_ticks: int,
        pair: PairLike | None = None,
        account: int | None = None,
    ) -> "Future[Order]":
        """Give an order new leaves and a new price."""
        with self.line.lock:
            where, owner, name = self._named(order, pair, account)
            record = make.replace(where, owner, name, qty_lots, price_ticks)
            return self._send_one(record, Op.REPLACE)

    def mass_cancel(self, pair: PairLike | None = None, account: int | None = None) -> "Future[None]":
        """Cancel all orders of an account, in one pair or in all; of all accounts where none is given and no pair."""
        with self.line.lock:
            self.check()
            self._require_opened()
            name = self.session.outbox.next_sequence
            if pair is None and account is None:
                session = self.opened.session
                record = make.mass_cancel(MassCancelScope.SESSION, account=self.account(None), session=session)
                name = session
            elif pair is None:
                record = make.mass_cancel(MassCancelScope.ACCOUNT, account=self.account(account), session=name)
            else:
                where = self.desk.listing[pair].number
                scope = MassCancelScope.ACCOUNT_PAIR
                record = make.mass_cancel(scope, account=self.account(account), pair=where, session=name)
            return self._send_one(record, Op.MASS_CANCEL)

    def operate(self, message: Message) -> "Future[OperatorDone]":
        """Send an operator's command, signed; the future is answered with OPERATOR_DONE or why it was refused."""
        future: Future[OperatorDone] = _future()
        with self.line.lock:
            self.check()
            self.desk.operator.ask(message, lambda done, error: self.desk.tell(lambda: _answer(future, done, error)))
            self.line.wake()
        return future

    # -- what is known

    def account(self, account: int | None) -> int:
        """Return the account that is meant: the given one, that of the profile, or the member's first."""
        if account is not None:
            return account
        if self.access.account is not None:
            return self.access.account
        accounts = self.opened.accounts
        return accounts[0] if accounts else 0

    def orders(self) -> list[Order]:
        """Return own orders that are live, and those of which the venue has said nothing yet."""
        with self.line.lock:
            self.check()
            orders = self.session.orders
            return [*orders.live(), *orders.unanswered()]

    def order(self, client_id: int, pair: PairLike) -> Order:
        """Return an order, also one that is over, as long as it is remembered. Raises UnknownOrder."""
        with self.line.lock:
            listed = self.desk.listing[pair]
            found = self.session.orders.find(listed.number, client_id)
        if found is None:
            raise UnknownOrder(f"this client knows no order {client_id} in {listed.name}")
        return found

    def positions(self) -> dict[tuple[int, int], Position]:
        """Return account and pair to what the fills that this client has seen come to."""
        with self.line.lock:
            return dict(self.session.orders.positions)

    def pairs(self) -> list[Listed]:
        """Return what the venue trades."""
        with self.line.lock:
            return list(self.desk.listing)

    def pair(self, pair: PairLike) -> Listed:
        """Return one pair. Raises UnknownPair."""
        with self.line.lock:
            return self.desk.listing[pair]

    # -- reading

    @contextmanager
    def reading(self, reader: Reader[Result], readers: list[Reader[Result]]) -> Iterator[None]:
        """Give a reader what one of the lists of readers, `events`, `frames` or `watches`, is given."""
        with self.line.lock:
            self.check()
            readers.append(reader)
        try:
            yield
        finally:
            with self.line.lock:
                readers.remove(reader)
            reader.close()

    def call(self, handler: Callable[[OrderEvent | SessionEvent], object]) -> None:
        """Call a function with what happens, in the thread of the line: it must not wait for this client."""
        self._handlers.append(handler)

    # -- inside

    def _require_opened(self) -> None:
        if self.session.state is SessionState.CLOSED or not self.session.outbox.is_numbered:
            raise self.not_connected()

    def _named(self, order: Order | int, pair: PairLike | None, account: int | None) -> tuple[int, int, int]:
        """Return pair, account and client id of an order that is meant."""
        self.check()
        self._require_opened()
        if isinstance(order, Order):
            return order.pair, self.account(account if order.account < 0 else order.account), order.client_id
        if pair is None:
            raise UnknownOrder(f"order {order}: give the pair as well, or the order that place returned")
        where = self.desk.listing[pair].number
        known = self.session.orders.find(where, order)
        if account is None and known is not None and known.account >= 0:
            account = known.account
        return where, self.account(account), order

    def _send_one(self, record: Commands, op: Op) -> "Future[Any]":
        future: Future[Any] = _future()
        desk = self.desk
        if not self._track:
            raise ClientError("this client does not track orders: use submit, or open it with track=True")

        def answer(order: Order | None, error: Exception | None) -> None:
            desk.tell(lambda: _answer(future, self._as_it_is(order), error))

        asked = _asked(record[0], self.session.outbox.next_sequence, answer)
        batch = self.session.submit(record, [asked])
        asked.sequence = batch.sequence
        self._ask(record, [asked])
        self.line.wake()
        return future

    def _as_it_is(self, order: Order | None) -> Order | None:
        """Return an order after everything that came together with the answer about it: what it has traded at once."""
        if order is None:
            return None
        with self.line.lock:
            found = self.session.orders.find(order.pair, order.client_id)
        return order if found is None else found

    def _note(self, commands: Commands, sequence: int) -> list[Asked]:
        """Note every command of a frame, so that its events find it."""
        asked = [_asked(row, sequence + at, None) for at, row in enumerate(commands)]
        self._ask(commands, asked)
        return asked

    def _ask(self, commands: Commands, asked: list[Asked]) -> None:
        orders = self.session.orders
        columns = (commands[name].tolist() for name in ("side", "price_ticks", "qty_lots"))
        for one, side, price, qty in zip(asked, *columns, strict=True):
            orders.ask(one, side, price, qty)

    def _deliver(self, told: list[Told], settled: list[Batch]) -> None:
        for batch in settled:
            if batch.on_settled is not None:
                batch.on_settled(batch)
        for one in told:
            if isinstance(one, OrderEvent | SessionEvent):
                for reader in list(self.events):
                    reader.put(one)
                for handler in self._handlers:
                    self._call(handler, one)
            elif isinstance(one, EventFrame):
                for frames in list(self.frames):
                    frames.put(one)
            else:
                one()
        if not self.ready.done():
            self._look_ready()
        if self.line.failure() is not None:
            self._fail()

    def _call(self, handler: Callable[[OrderEvent | SessionEvent], object], one: OrderEvent | SessionEvent) -> None:
        try:
            handler(one)
        except Exception as error:  # the user's own; raised at the next call
            self._failed = HandlerFailed(f"a function given to this client raised {type(error).__name__}: {error}")
            self._failed.__cause__ = error

    def _look_ready(self) -> None:
        session, desk = self.desk.session, self.desk
        if session is not None and session.refused_open is not None:
            self.ready.set_exception(self.not_connected())
            return
        if not (desk.is_up and desk.listing.is_complete):
            return
        if session is None or (
            session.state is SessionState.OPEN and session.following is not None and session.following.is_current
        ):
            self.ready.set_result(None)

    def _fail(self) -> None:
        failure = self.line.failure()
        assert failure is not None
        if not self.ready.done():
            self.ready.set_exception(failure)
        readers: list[Reader[Any]] = [*self.events, *self.frames, *self.watches]
        for reader in readers:
            reader.close(failure)


def _asked(row: np.void, sequence: int, answer: Callable[[Order | None, Exception | None], object] | None) -> Asked:
    return Asked(int(row["op"]), int(row["pair"]), int(row["account"]), int(row["client_id"]), sequence, answer)


def _future() -> "Future[Any]":
    """Return a future that nobody can cancel: what was sent cannot be called back."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future


def _answer(future: "Future[Any]", result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _settle(batch: Batch, future: "Future[Taken]") -> None:
    if batch.state is BatchState.TAKEN:
        future.set_result(Taken(batch.sequence, batch.count, batch.book_sequence, batch.event_head))
    else:
        assert batch.error is not None
        future.set_exception(batch.error)
