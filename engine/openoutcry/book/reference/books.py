"""`ReferenceBooks`: the books in plain Python, with the interface of the fast ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.depth import DEPTH, Depth
from openoutcry.book.reference import changes, invariants, operations, pairs, phases, placing, snapshot, uncrossing
from openoutcry.book.reference.command import Command
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import COLLECTING, PairBook
from openoutcry.book.reference.pairs import has_room
from openoutcry.book.reference.stops import run_stops
from openoutcry.book.state import Queue, State
from openoutcry.domain import Op, Pair, Phase, RejectCode
from openoutcry.domain.limits import ACCOUNTS_MAX, BATCH_COMMANDS_MAX, ORDERS_MAX
from openoutcry.domain.records import COMMAND, Commands, Events

OPERATIONS: Final[dict[int, Callable[[Market, Command], RejectCode | None]]] = {
    Op.PLACE: placing.place,
    Op.CANCEL: changes.cancel,
    Op.REDUCE: changes.reduce,
    Op.REPLACE: changes.replace,
    Op.MASS_CANCEL: operations.mass_cancel,
    Op.SET_PHASE: phases.set_phase,
    Op.UNCROSS: uncrossing.uncross,
    Op.CLOCK: operations.clock,
    Op.SET_BAND: operations.set_band,
    Op.SET_LIMITS: operations.set_limits,
    Op.FUND: operations.fund,
    Op.MOVE_REFERENCE: operations.move_reference,
    Op.ADD_PAIR: pairs.add_pair,
    Op.RETIRE_PAIR: pairs.retire_pair,
    Op.ADJUST_PAIR: pairs.adjust_pair,
    Op.RESET_PROTECTION: operations.reset_protection,
}
LAST_PRICE_MOVERS: Final = frozenset({Op.PLACE, Op.REPLACE, Op.SET_PHASE, Op.ADJUST_PAIR})
"""After these a stop may be due; after any other command nothing has changed for a stop."""


class ReferenceBooks:
    """The books of several pairs, as docs/reference/rules.md describes them.

    pairs: each id once. accounts: 0 to accounts - 1 are open, without limits. capacity: a hint that this
    implementation does not need. capacity_max: largest number of live orders.
    Raises ValueError for a pair id given twice and for numbers out of range.
    """

    def __init__(
        self, pairs: Iterable[Pair], *, accounts: int = 1, capacity: int = 65_536, capacity_max: int = ORDERS_MAX
    ) -> None:
        if not 0 <= accounts <= ACCOUNTS_MAX:
            raise ValueError(f"accounts is {accounts}, expected 0 to {ACCOUNTS_MAX}")
        if not 1 <= capacity_max <= ORDERS_MAX:
            raise ValueError(f"capacity_max is {capacity_max}, expected 1 to {ORDERS_MAX}")
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}, expected 1 or more")
        self._market = Market(capacity_max)
        for pair in pairs:
            if pair.pair_id in self._market.books:
                raise ValueError(f"pair {pair.pair_id} is given twice")
            if not has_room(self._market, pair):
                raise ValueError(f"pair {pair.pair_id}: no room for its ladders")
            self._market.add_pair(pair)
        for account_id in range(accounts):
            self._market.open_account(account_id)

    def apply(self, commands: Commands) -> Events:
        """Carry out commands, each whole before the next. Returns their events in order.

        commands: (n,) COMMAND, n at most BATCH_COMMANDS_MAX. Raises TypeError for another dtype and ValueError for
        another shape; a command that makes no sense raises nothing but is a REJECTED event.
        """
        if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND:
            raise TypeError(f"commands: {getattr(commands, 'dtype', type(commands))}, expected the COMMAND dtype")
        if commands.ndim != 1:
            raise ValueError(f"commands: {commands.ndim} dimensions, expected 1")
        if len(commands) > BATCH_COMMANDS_MAX:
            raise ValueError(f"commands: {len(commands)} of them, expected at most {BATCH_COMMANDS_MAX}")
        for row in commands.tolist():
            self._carry_out(Command._make(row))
        return self._market.log.take()

    def _carry_out(self, c: Command) -> None:
        market = self._market
        market.log.sequence += 1
        operation = OPERATIONS.get(c.op)
        code = RejectCode.UNKNOWN_OP if operation is None else operation(market, c)
        if code:
            market.log.rejected(code, c.pair, c.side, c.client_id, c.price_ticks, c.qty_lots)
        elif c.op in LAST_PRICE_MOVERS:
            run_stops(market, market.books[c.pair])

    def depth(self, pair: int, levels: int = 10) -> Depth:
        """The best levels of displayed orders, at most `levels` on each side. Raises KeyError for an unknown pair."""
        book = self._book(pair)
        return Depth(_levels(book, Queue.BID, levels), _levels(book, Queue.ASK, levels))

    def best(self, pair: int) -> tuple[int | None, int | None]:
        """Best displayed bid and ask in ticks, None where there is none. Raises KeyError for an unknown pair."""
        bid, ask = (self._book(pair).first(queue) for queue in (Queue.BID, Queue.ASK))
        return (bid.price_ticks if bid else None), (ask.price_ticks if ask else None)

    def orders(self, pair: int) -> NDArray[np.void]:
        """All live orders of a pair as STATE_ORDER records, in book order. Raises KeyError for an unknown pair."""
        return snapshot.order_table(self._book(pair).in_book_order())

    def order(self, handle: int) -> np.void | None:
        """The live order with this handle as a STATE_ORDER record, or None."""
        order = self._market.slots.order(handle)
        if order is None:
            return None
        record: np.void = snapshot.order_table([order])[0]
        return record

    def position(self, account: int, pair: int) -> int:
        """Net lots of an account in a pair: bought less sold; 0 where there is nothing."""
        position = self._market.positions.get((account, pair))
        return position.net_lots if position else 0

    def backing(self, account: int, instrument: int) -> tuple[int, int, int]:
        """Available, drawn and spent units of an account's backing; zeros where it was never funded."""
        backing = self._market.backings.get((account, instrument))
        return (backing.available, backing.drawn, backing.spent) if backing else (0, 0, 0)

    def indicative(self, pair: int) -> tuple[int | None, int, int]:
        """What an auction held now would come to: price or None, volume, surplus (positive: of buys), in lots.

        (None, 0, 0) in phases that do not collect. Raises KeyError for an unknown pair.
        """
        book = self._book(pair)
        if book.phase not in COLLECTING:
            return None, 0, 0
        result = uncrossing.indicate(book)
        return result.price_ticks or None, result.volume_lots, result.surplus_lots

    def phase(self, pair: int) -> Phase:
        """The pair's phase. Raises KeyError for an unknown pair."""
        return self._book(pair).phase

    def last(self, pair: int) -> int | None:
        """The price of the pair's last trade, None before the first. Raises KeyError for an unknown pair."""
        return self._book(pair).last_ticks or None

    @property
    def clock_ns(self) -> int:
        """The time of the last CLOCK."""
        return self._market.clock_ns

    @property
    def sequence(self) -> int:
        """The number of the last command."""
        return self._market.log.sequence

    @property
    def live(self) -> int:
        """Number of live orders."""
        return self._market.slots.live

    @property
    def next_expiry_ns(self) -> int | None:
        """When the next good-till-date order ends, None where there is none."""
        orders = self._market.by_expiry
        return orders.peekitem(0)[0][0] if orders else None

    def state(self) -> State:
        """Everything that decides what these books will answer, in canonical form. O(orders)."""
        return snapshot.state_of(self._market)

    def state_hash(self) -> str:
        """SHA-256 of the state; equal for books that have seen the same commands. O(orders)."""
        return self.state().hash()

    def snapshot(self) -> bytes:
        """The state as bytes, for `restore` of either implementation."""
        return self.state().pack()

    @classmethod
    def restore(cls, data: bytes) -> ReferenceBooks:
        """Books that go on where the snapshot was taken. Raises ValueError saying what is wrong with the bytes."""
        books = cls(())
        books._market = snapshot.market_of(State.unpack(data))
        return books

    def check(self) -> None:
        """Raise AssertionError naming the invariant that is broken, if one is. O(orders log orders)."""
        invariants.check(self._market)

    def _book(self, pair: int) -> PairBook:
        book = self._market.books.get(pair)
        if book is None:
            raise KeyError(f"pair {pair}: never added")
        return book


def _levels(book: PairBook, queue: Queue, count: int) -> NDArray[np.void]:
    """The first levels of a displayed queue as DEPTH records."""

    def price(order: Order) -> int:
        return order.price_ticks

    rows = []
    for price_ticks, level in islice(groupby(book.queues[queue].values(), key=price), max(0, count)):
        lots = [order.displayed_lots for order in level]
        rows.append((price_ticks, sum(lots), len(lots)))
    return np.array(rows, dtype=DEPTH)
