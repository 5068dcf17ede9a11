"""What a set of books knows, and the few moves that every rule is made of.

Each move keeps all sums in step: a pair's open lots, a position's open lots, an account's live orders, backing, slots.
Rules live in the other modules; they read a `Market` and change it only through these moves.
"""

from __future__ import annotations

from sortedcontainers import SortedDict

from openoutcry.book.reference.accounts import Account, Backing, Position
from openoutcry.book.reference.event_log import EventLog
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import PairBook
from openoutcry.book.reference.slots import Slots
from openoutcry.domain import CancelReason, Pair, Side, TimeInForce, slot_of


class Market:
    """Pairs, accounts, positions, backing and live orders of one set of books."""

    def __init__(self, capacity_max: int) -> None:
        self.clock_ns = 0
        self.log = EventLog()
        self.slots = Slots(capacity_max)
        self.books: dict[int, PairBook] = {}
        self.accounts: dict[int, Account] = {}
        self.positions: dict[tuple[int, int], Position] = {}
        self.backings: dict[tuple[int, int], Backing] = {}
        self.by_client_id: dict[tuple[int, int], Order] = {}
        self.by_expiry: SortedDict[tuple[int, int], Order] = SortedDict()
        self.tripped: list[Position] = []

    def add_pair(self, pair: Pair) -> None:
        """Open the book of a pair."""
        self.books[pair.pair_id] = PairBook(pair, phase=pair.phase, reference_ticks=pair.reference_ticks)

    def book(self, pair_id: int) -> PairBook | None:
        """The book of a pair, or None when it was never added or is retired."""
        book = self.books.get(pair_id)
        return None if book is None or book.retired else book

    def open_account(self, account_id: int) -> Account:
        """The account, opened without limits if it was not open."""
        return self.accounts.setdefault(account_id, Account.without_limits(account_id))

    def position(self, account: Account, pair_id: int) -> Position:
        """What an account has in a pair."""
        key = (account.account_id, pair_id)
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = Position(account, pair_id)
        return position

    def backing(self, account_id: int, instrument: int) -> Backing:
        """What an account may spend of an instrument."""
        return self.backings.setdefault((account_id, instrument), Backing())

    def backing_of(self, order: Order) -> Backing:
        """What an order draws on: the quote instrument for a buy, the base instrument for a sell."""
        pair = order.book.pair
        return self.backing(order.account.account_id, pair.quote if order.side == Side.BUY else pair.base)

    def find(self, account_id: int, pair_id: int, name: int, by_handle: bool) -> Order | None:
        """The live order of this account in this pair with this handle or client id."""
        order = self.slots.order(name) if by_handle else self.by_client_id.get((account_id, name))
        if order is None or order.account.account_id != account_id or order.book.pair.pair_id != pair_id:
            return None
        return order

    def admit(self, order: Order) -> None:
        """Let a new order count as live, in the slot that its handle names."""
        self.slots.take(order)
        order.position.orders[order.handle] = order
        order.account.open_orders += 1
        if order.indexed:
            self.by_client_id[order.account.account_id, order.client_id] = order
        if order.tif == TimeInForce.GTD:
            self.by_expiry[order.expiry_ns, slot_of(order.handle)] = order

    def open_lots(self, order: Order) -> None:
        """Count the leaves as open, and draw what they may cost."""
        lots = order.leaves
        order.book.open_lots += lots
        order.position.open_lots[order.side] += lots
        if order.backed:
            self.backing_of(order).draw(units(order, lots))

    def close_lots(self, order: Order, lots: int) -> None:
        """The reverse for lots that will not trade any more."""
        order.book.open_lots -= lots
        order.position.open_lots[order.side] -= lots
        if order.backed:
            self.backing_of(order).draw(-units(order, lots))

    def trade(self, maker: Order, taker: Order, price_ticks: int, lots: int, flags: int = 0) -> list[Position]:
        """Two orders trade. Returns the positions that tripped by it, the maker's first. The orders stay live."""
        for order in (maker, taker):
            order.fill(lots)
            order.book.open_lots -= lots
            order.position.fill(order.side, lots)
            if order.backed:
                cost = price_ticks * lots if order.side == Side.BUY else lots
                self.backing_of(order).spend(units(order, lots), cost)
        maker.book.last_ticks = price_ticks
        self.log.traded(maker, taker, price_ticks, lots, flags)
        trips = [
            order.position for order in (maker, taker) if order.position.count_fill(order.side, lots, self.clock_ns)
        ]
        self.tripped += trips
        return trips

    def give_price(self, order: Order, price_ticks: int) -> None:
        """An order without a price takes one; what it drew too much is available again."""
        lots = order.leaves
        self.close_lots(order, lots)
        order.price_ticks, order.priced = price_ticks, True
        self.open_lots(order)

    def replenish(self, order: Order) -> None:
        """Show the next peak of an iceberg, behind its level."""
        order.displayed_lots = min(order.peak_lots, order.reserve_lots)
        order.reserve_lots -= order.displayed_lots
        order.book.move_to_back(order)
        self.log.replenished(order)

    def cancel(self, order: Order, reason: CancelReason, other: int = 0) -> None:
        """Take an order off whole. `other` is the handle of the order that it must not trade with."""
        self.cancel_lots(order, order.leaves, reason, other)

    def cancel_lots(self, order: Order, lots: int, reason: CancelReason, other: int = 0) -> None:
        """Take lots off an order, which is gone when none are left."""
        self.close_lots(order, lots)
        order.take_off(lots)
        self.log.cancelled(order, lots, reason, other)
        if order.leaves == 0:
            self.forget(order)

    def expire(self, order: Order, reason: CancelReason) -> None:
        """Take off an order whose time has come."""
        lots = order.leaves
        self.close_lots(order, lots)
        order.take_off(lots)
        self.log.expired(order, lots, reason)
        self.forget(order)

    def forget(self, order: Order) -> None:
        """An order without leaves is gone; its slot is free."""
        assert order.live and order.leaves == 0, f"order {order.handle} is forgotten with {order.leaves} lots"
        order.live = False
        order.book.leave(order)
        del order.position.orders[order.handle]
        order.account.open_orders -= 1
        if order.indexed:
            del self.by_client_id[order.account.account_id, order.client_id]
        if order.tif == TimeInForce.GTD:
            del self.by_expiry[order.expiry_ns, slot_of(order.handle)]
        self.slots.free(order.handle)

    def pull_tripped(self) -> None:
        """Cancel all orders of the positions that tripped, in the order of tripping, newest first."""
        tripped, self.tripped = self.tripped, []
        for position in tripped:
            for order in reversed(list(position.orders.values())):
                self.cancel(order, CancelReason.PROTECTION)


def units(order: Order, lots: int) -> int:
    """What so many lots of an order draw: price x lots for a buy at its limit, lots for a sell."""
    return order.price_ticks * lots if order.side == Side.BUY else lots
