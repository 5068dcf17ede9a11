"""Own orders: their states with cumulative fills, and positions, folded from the events of a member's own stream.

A pure state machine. States and the legal moves:

| state | event | next |
|---|---|---|
| SENT | ACCEPTED | LIVE |
| SENT | REJECTED | REJECTED |
| SENT | the venue refuses the frame | REFUSED |
| LIVE | TRADED, leaves 0 | FILLED |
| LIVE | CANCELLED, leaves 0 | CANCELLED |
| LIVE | EXPIRED | EXPIRED |
| LIVE | any other | LIVE |
| SENT, LIVE | a snapshot that does not have it, in place of events that are kept no more | LOST |

A book names an order by its handle and the trader by a client id; only ACCEPTED carries both. Commands of one session
are applied in order, and each of them has a first event of its own, so the first answer about a client id belongs to
the first command about it that has none yet.
"""

from collections import deque
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from openoutcry.client.errors import Rejected
from openoutcry.domain import CancelReason, EventKind, Op, RejectCode, Side
from openoutcry.domain.event import EventFlag
from openoutcry.domain.records import Events

FINISHED_MAX: Final = 4_096
"""Orders that are over and still to be found by client id; the oldest is forgotten first."""

Row: TypeAlias = tuple[int, ...]
"""One EVENT as Python integers, in the order of its fields."""


class OrderState(IntEnum):
    """Where an order is."""

    SENT = 1
    """Sent or to be sent; the venue has said nothing of it."""
    LIVE = 2
    """Accepted: it rests, waits for its trigger or an auction, or trades."""
    FILLED = 3
    CANCELLED = 4
    EXPIRED = 5
    REJECTED = 6
    """By the book."""
    REFUSED = 7
    """The venue did not take the frame that it was in."""
    LOST = 8
    """It is over, or was never accepted, and the venue no longer keeps which: the client was away for too long."""

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self >= OrderState.FILLED


class Order(msgspec.Struct, frozen=True, gc=False):
    """One own order as it is now. Prices in ticks, quantities in lots, all int.

    account: -1 where the client did not send it itself and the member has several. handle: 0 until it is accepted.
    value: sum of price times lots of its fills. reason: the last `RejectCode` (REJECTED) or `CancelReason`, 0 for none.
    """

    pair: int
    account: int
    client_id: int
    side: Side
    price_ticks: int
    qty_lots: int
    leaves_lots: int
    filled_lots: int
    value: int
    state: OrderState
    handle: int = 0
    reason: int = 0

    @property
    def reason_name(self) -> str:
        """The name of the reason, "" for none."""
        if not self.reason:
            return ""
        return name_of(RejectCode if self.state is OrderState.REJECTED else CancelReason, self.reason)


class OrderEvent(NamedTuple):
    """Something happened to an own order.

    number: of the event on the member's stream, 0 for what is not on it. kind: of the EVENT, 0 where the frame was
    refused. order: as it is after it. price_ticks, qty_lots: of the event; of the fill where kind is TRADED.
    is_maker: whether the order had rested. sequence: the book's number of the command that caused it.
    """

    number: int
    kind: int
    order: Order
    price_ticks: int
    qty_lots: int
    is_maker: bool
    sequence: int


class Position(msgspec.Struct, frozen=True, gc=False):
    """What the fills that this client has seen come to, in one pair: net lots, and the ticks x lots that were paid."""

    lots: int = 0
    paid: int = 0
    traded_lots: int = 0


Answer: TypeAlias = Callable[[Order | None, Exception | None], object]
"""Called once, with the order that a command was about, or with why there is none."""


class Asked:
    """A command that waits for its first event."""

    __slots__ = ("account", "answer", "client_id", "op", "pair", "sequence")

    def __init__(self, op: int, pair: int, account: int, client_id: int, sequence: int, answer: Answer | None) -> None:
        self.op = op
        self.pair = pair
        self.account = account
        self.client_id = client_id
        self.sequence = sequence
        self.answer = answer


class _Own:
    """An order while it may still change."""

    __slots__ = (
        "account",
        "client_id",
        "filled",
        "handle",
        "leaves",
        "pair",
        "price",
        "qty",
        "reason",
        "side",
        "state",
        "value",
    )

    def __init__(self, pair: int, account: int, client_id: int, side: Side, price: int, qty: int) -> None:
        self.pair, self.account, self.client_id, self.side = pair, account, client_id, side
        self.price, self.qty, self.leaves = price, qty, qty
        self.filled = self.value = self.handle = self.reason = 0
        self.state = OrderState.SENT

    def seen(self) -> Order:
        return Order(
            self.pair,
            self.account,
            self.client_id,
            self.side,
            self.price,
            self.qty,
            self.leaves,
            self.filled,
            self.value,
            self.state,
            self.handle,
            self.reason,
        )


class OwnOrders:
    """All own orders of one session, and what the events make of them."""

    def __init__(self, account: int = -1) -> None:
        """account: of orders whose command this client does not know; -1 where the member has several."""
        self.account = account
        self.positions: dict[tuple[int, int], Position] = {}
        self._live: dict[int, _Own] = {}
        self._named: dict[tuple[int, int], _Own] = {}
        self._finished: deque[tuple[int, int]] = deque()
        self._asked: dict[tuple[int, int], deque[Asked]] = {}
        self._actions: Final[dict[int, Callable[[int, Row, list[OrderEvent]], None]]] = {
            EventKind.ACCEPTED: self._accepted,
            EventKind.REJECTED: self._rejected,
            EventKind.RESTING: self._resting,
            EventKind.TRADED: self._traded,
            EventKind.CANCELLED: self._cancelled,
            EventKind.REPLACED: self._replaced,
            EventKind.TRIGGERED: self._told,
            EventKind.REPLENISHED: self._told,
            EventKind.EXPIRED: self._expired,
        }

    def live(self) -> Iterator[Order]:
        """Yield every order that is accepted and not over, oldest first."""
        return (own.seen() for own in self._live.values())

    def unanswered(self) -> Iterator[Order]:
        """Yield every order of which the venue has said nothing."""
        return (own.seen() for own in self._named.values() if own.state is OrderState.SENT)

    def find(self, pair: int, client_id: int) -> Order | None:
        """Return an order by client id: the live one, else the last one that is over and not forgotten."""
        own = self._named.get((pair, client_id))
        return None if own is None else own.seen()

    def holder(self, pair: int, client_id: int) -> int | None:
        """Return the account of the order of this id that is not over; None where there is none."""
        own = self._named.get((pair, client_id))
        return None if own is None or own.state.is_over else own.account

    def ask(self, asked: Asked, side: int = 0, price_ticks: int = 0, qty_lots: int = 0) -> None:
        """Note a command that goes out; of a PLACE also what is placed."""
        key = (asked.pair, asked.client_id)
        self._asked.setdefault(key, deque()).append(asked)
        if asked.op == Op.PLACE:
            own = self._named.get(key)
            if own is None or own.state.is_over:
                self._named[key] = _Own(*key[:1], asked.account, asked.client_id, _side(side), price_ticks, qty_lots)

    def refuse(self, asked: Asked, why: Exception, out: list[OrderEvent]) -> None:
        """Note that the frame of a command was not taken, or will never be sent."""
        self._take(asked)
        key = (asked.pair, asked.client_id)
        own = self._named.get(key)
        if asked.op == Op.PLACE and own is not None and own.state is OrderState.SENT:
            own.state, own.leaves = OrderState.REFUSED, 0
            self._finish(own)
            out.append(OrderEvent(0, 0, own.seen(), own.price, own.qty, False, 0))
        if asked.answer is not None:
            asked.answer(None, why)

    def settle(self, asked: Asked) -> None:
        """Note that a command was applied and caused no event of this member's: there was nothing to do."""
        if not self._take(asked):
            return
        own = self._named.get((asked.pair, asked.client_id))
        if asked.op == Op.PLACE and own is not None and own.state is OrderState.SENT:
            self._lose(own)
        if asked.answer is not None:
            asked.answer(None if own is None else own.seen(), None)

    def fold(self, number: int, events: Events, out: list[OrderEvent]) -> None:
        """Apply events, of which the first one has this number on the member's stream. About 2 microseconds each."""
        actions = self._actions
        for row in events.tolist():
            action = actions.get(row[1])
            if action is not None:
                action(number, row, out)
            number += 1

    def restore(self, orders: NDArray[np.void]) -> None:
        """Replace all live orders by those of a snapshot, STATE_ORDER records; positions and what was asked stay."""
        before, self._live = self._live, {}
        for row in orders:
            handle, name, pair = int(row["handle"]), int(row["client_id"]), int(row["pair"])
            own = before.pop(handle, None) or self._named.get((pair, name))
            if own is None or own.state.is_over:
                own = _Own(pair, int(row["account"]), name, _side(int(row["side"])), 0, 0)
            own.state, own.handle, own.price = OrderState.LIVE, handle, int(row["price_ticks"])
            own.qty, own.leaves = int(row["original_lots"]), int(row["displayed_lots"] + row["reserve_lots"])
            own.filled = own.qty - own.leaves
            self._live[handle] = self._named[pair, name] = own
        for own in before.values():
            self._lose(own)

    def _accepted(self, number: int, row: Row, out: list[OrderEvent]) -> None:
        key = (row[5], row[7])
        asked = self._answered(key, (row[3],))
        if row[3] != Op.PLACE:
            if asked is not None and asked.answer is not None:
                asked.answer(None, None)
            return
        own = self._named.get(key)
        if own is None or own.state is not OrderState.SENT:
            own = self._named[key] = _Own(*key[:1], self.account, key[1], _side(row[2]), row[8], row[9])
        own.state, own.handle, own.price, own.qty, own.leaves = OrderState.LIVE, row[6], row[8], row[9], row[9]
        self._live[own.handle] = own
        out.append(_event(number, row, own, False))
        if asked is not None and asked.answer is not None:
            asked.answer(own.seen(), None)

    def _rejected(self, number: int, row: Row, out: list[OrderEvent]) -> None:
        asked = self._answered((row[5], row[7]), ())
        if asked is None:
            return
        name = name_of(RejectCode, row[3])
        if asked.op == Op.PLACE:
            own = self._named.get((row[5], row[7]))
            if own is not None and own.state is OrderState.SENT:
                own.state, own.reason, own.leaves = OrderState.REJECTED, row[3], 0
                self._finish(own)
                out.append(_event(number, row, own, False))
        if asked.answer is not None:
            asked.answer(None, Rejected(f"the book refuses {name_of(Op, asked.op)} {row[7]}: {name}", row[3]))

    def _resting(self, number: int, row: Row, out: list[OrderEvent]) -> None:
        own = self._live.get(row[6])
        if own is not None:
            own.leaves = row[10]
            if not row[4] & EventFlag.MARKET:
                own.price = row[8]
            out.append(_event(number, row, own, True))

    def _traded(self, number: int, row: Row, out: list[OrderEvent]) -> None:
        for handle, leaves, is_maker in ((row[6], row[10], True), (row[7], row[11], False)):
            own = self._live.get(handle)
            if own is None:
                continue
            own.filled += row[9]
            own.value += row[8] * row[9]
            own.leaves = leaves
            held = self.positions.get((own.account, own.pair), Position())
            sign = 1 if own.side is Side.BUY else -1
            self.positions[own.account, own.pair] = Position(
                held.lots + sign * row[9], held.paid + sign * row[8] * row[9], held.traded_lots + row[9]
            )
            if not leaves:
                own.state = OrderState.FILLED
                self._finish(own)
            out.append(_event(number, row, own, is_maker))

    def _cancelled(self, number: int, row: Row, out: list[OrderEvent]) -> None:
        self._left(number, row, OrderState.CANCELLED, out)

    def _expired(self, number: int, row: Row, out: list[OrderEvent]) -> None:
        self._left(number, row, OrderState.EXPIRED, out)

    def _left(self, number: int, row: Row, over: OrderState, out: list[OrderEvent]) -> None:
        own = self._live.get(row[6])
        if own is None:
            return
        own.leaves, own.reason = row[10], row[3]
        own.qty = own.filled + own.leaves if own.leaves else own.qty
        if not own.leaves:
            own.state = over
            self._finish(own)
        out.append(_event(number, row, own, True))
        if row[3] == CancelReason.USER:
            self._tell(own, (Op.CANCEL, Op.REDUCE))

    def _replaced(self, number: int, row: Row, out: list[OrderEvent]) -> None:
        own = self._live.get(row[6])
        if own is None:
            return
        own.price, own.leaves = row[8], row[10]
        own.qty = own.filled + own.leaves
        out.append(_event(number, row, own, True))
        self._tell(own, (Op.REPLACE,))

    def _told(self, number: int, row: Row, out: list[OrderEvent]) -> None:
        own = self._live.get(row[6])
        if own is not None:
            out.append(_event(number, row, own, True))

    def _tell(self, own: _Own, ops: tuple[int, ...]) -> None:
        """Answer the command that has changed an order, by client id or by handle."""
        asked = self._answered((own.pair, own.client_id), ops) or self._answered((own.pair, own.handle), ops)
        if asked is not None and asked.answer is not None:
            asked.answer(own.seen(), None)

    def _answered(self, key: tuple[int, int], ops: tuple[int, ...]) -> Asked | None:
        """Take the first command about an id off, where it is one of `ops` (of any for none)."""
        waiting = self._asked.get(key)
        if waiting is None or (ops and waiting[0].op not in ops):
            return None
        asked = waiting.popleft()
        if not waiting:
            del self._asked[key]
        return asked

    def _take(self, asked: Asked) -> bool:
        """Take one command off; False where it was answered before."""
        waiting = self._asked.get((asked.pair, asked.client_id))
        if waiting is None or asked not in waiting:
            return False
        waiting.remove(asked)
        if not waiting:
            del self._asked[asked.pair, asked.client_id]
        return True

    def _lose(self, own: _Own) -> None:
        own.state, own.leaves = OrderState.LOST, 0
        self._finish(own)

    def _finish(self, own: _Own) -> None:
        self._live.pop(own.handle, None)
        self._finished.append((own.pair, own.client_id))
        if len(self._finished) > FINISHED_MAX:
            key = self._finished.popleft()
            old = self._named.get(key)
            if old is not None and old.state.is_over:
                del self._named[key]


def name_of(kind: type[IntEnum], number: int) -> str:
    """Name a number, also one that this version does not know."""
    return kind(number).name if number in kind._value2member_map_ else str(number)


def _side(number: int) -> Side:
    """Return a side. The book rejects any other number, and a venue that says one is not worth an exception."""
    return Side.SELL if number == Side.SELL else Side.BUY


def _event(number: int, row: Row, own: _Own, is_maker: bool) -> OrderEvent:
    return OrderEvent(number, row[1], own.seen(), row[8], row[9], is_maker, row[0])


def describe(event: OrderEvent) -> dict[str, Any]:
    """Return an event as plain values, for logs and JSON."""
    order = event.order
    return {
        "number": event.number,
        "kind": name_of(EventKind, event.kind) if event.kind else "REFUSED",
        "pair": order.pair,
        "account": order.account,
        "client_id": order.client_id,
        "side": order.side.name,
        "state": order.state.name,
        "price_ticks": event.price_ticks,
        "qty_lots": event.qty_lots,
        "filled_lots": order.filled_lots,
        "leaves_lots": order.leaves_lots,
        "reason": order.reason_name,
    }
