"""A small stage for rule tests: one or more pairs, some accounts, and words for what is done and what happened.

`IMPLEMENTATIONS` lists every set of books that must follow the rules; tests run on each.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from openoutcry.book import Books, ReferenceBooks
from openoutcry.book import commands as command
from openoutcry.domain import EventKind, OrderType, Pair, Phase, RejectCode, SelfTrade, Side, TimeInForce
from openoutcry.domain.records import EVENT, Commands

AnyBooks = Books | ReferenceBooks
Make = Callable[..., AnyBooks]

IMPLEMENTATIONS: Final[dict[str, Make]] = {"plain": ReferenceBooks, "fast": Books}


class Event(NamedTuple):
    """One EVENT record."""

    sequence: int
    kind: int
    side: int
    code: int
    flags: int
    pair: int
    maker: int
    taker: int
    price_ticks: int
    qty_lots: int
    maker_leaves: int
    taker_leaves: int


assert Event._fields == EVENT.names


class Scene:
    """Books with pair 0 (its fields can be given) and 10 accounts without limits; they check themselves after each."""

    def __init__(self, make: Make, *, others: tuple[Pair, ...] = (), accounts: int = 10, **fields: Any) -> None:
        self.make = make
        self.capacity_max = fields.pop("capacity_max", 1000)
        pair = Pair(0, **({"price_ticks_max": 1000, "phase": Phase.CONTINUOUS} | fields))
        self.books = make((pair, *others), accounts=accounts, capacity_max=self.capacity_max)
        self.events: list[Event] = []
        self.next_id = 0

    def do(self, *commands: Commands) -> list[Event]:
        """Apply commands one at a time. The events are also kept in `events`."""
        self.events = []
        for one in commands:
            self.events += [Event(*row) for row in self.books.apply(one).tolist()]
            self.books.check()
        return self.events

    def place(
        self,
        side: Side,
        qty_lots: int,
        price_ticks: int = 0,
        account: int = 0,
        *,
        kind: OrderType = OrderType.LIMIT,
        tif: TimeInForce = TimeInForce.GTC,
        stp: SelfTrade = SelfTrade.NONE,
        pair: int = 0,
        **fields: Any,
    ) -> int:
        """Place an order with a client id of its own. Returns its handle; it must be accepted."""
        self.next_id += 1
        order_id = fields.pop("client_id", self.next_id)
        self.do(
            command.place(pair, account, order_id, side, qty_lots, price_ticks, kind=kind, tif=tif, stp=stp, **fields)
        )
        assert self.events[0].kind == EventKind.ACCEPTED, f"refused: {RejectCode(self.events[0].code).name}"
        return self.events[0].maker

    def buy(self, qty_lots: int, price_ticks: int = 0, account: int = 0, **fields: Any) -> int:
        """Place a buy."""
        return self.place(Side.BUY, qty_lots, price_ticks, account, **fields)

    def sell(self, qty_lots: int, price_ticks: int = 0, account: int = 1, **fields: Any) -> int:
        """Place a sell, by another account."""
        return self.place(Side.SELL, qty_lots, price_ticks, account, **fields)

    def refused(self, one: Commands) -> RejectCode:
        """Send a command that must be refused and change nothing. Returns the code."""
        before = self.books.state()
        self.do(one)
        after = self.books.state()
        assert [event.kind for event in self.events] == [EventKind.REJECTED], self.events
        before.header["sequence"] += 1
        assert before.hash() == after.hash(), "a refused command has changed the state"
        return RejectCode(self.events[0].code)

    @property
    def kinds(self) -> list[EventKind]:
        """What happened, in order."""
        return [EventKind(event.kind) for event in self.events]

    @property
    def trades(self) -> list[tuple[int, int, int]]:
        """Trades of the last call: maker, price, lots."""
        return [(e.maker, e.price_ticks, e.qty_lots) for e in self.events if e.kind == EventKind.TRADED]

    @property
    def cancelled(self) -> list[tuple[int, int, int]]:
        """Cancellations and expiries of the last call: order, lots, reason."""
        ends = (EventKind.CANCELLED, EventKind.EXPIRED)
        return [(e.maker, e.qty_lots, e.code) for e in self.events if e.kind in ends]

    def queue(self, pair: int = 0) -> list[tuple[int, int, int, int]]:
        """Live orders in book order: queue, handle, price, leaves."""
        orders = self.books.orders(pair)
        leaves = orders["displayed_lots"] + orders["reserve_lots"]
        names = ("queue", "handle", "price_ticks")
        return list(zip(*(orders[name].tolist() for name in names), leaves.tolist(), strict=True))

    def handles(self, pair: int = 0) -> list[int]:
        """Live orders in book order."""
        return [handle for _, handle, _, _ in self.queue(pair)]

    def levels(self, pair: int = 0) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """What is displayed: bids and asks as (price, lots, orders), best first."""
        depth = self.books.depth(pair)
        return depth.bids.tolist(), depth.asks.tolist()

    def order(self, handle: int) -> dict[str, int]:
        """A live order's fields."""
        record = self.books.order(handle)
        assert record is not None, f"{handle} is not live"
        return dict(zip(record.dtype.names or (), record.tolist(), strict=True))

    def live(self, handle: int) -> bool:
        """Whether the order lives."""
        return self.books.order(handle) is not None
