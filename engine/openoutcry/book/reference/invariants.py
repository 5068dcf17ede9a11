"""What must hold between any two commands, whatever they were."""

from __future__ import annotations

from collections import Counter

from openoutcry.book.reference.market import Market, units
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import DISPLAYED, HIDDEN, MARKET, STOPS, PairBook
from openoutcry.book.state import Queue
from openoutcry.domain import OrderType, Phase, Side, TimeInForce
from openoutcry.domain.limits import BACKING_UNITS_MAX, OPEN_LOTS_MAX


def check(market: Market) -> None:
    """Raise AssertionError, naming what is broken and where. O(orders log orders)."""
    orders: list[Order] = []
    for book in market.books.values():
        check_queues(market, book)
        orders += book.in_book_order()
    check_indices(market, orders)
    check_sums(market, orders)
    assert not market.tripped, "a tripped position still waits for its orders to be cancelled"


def check_queues(market: Market, book: PairBook) -> None:
    """Each order is where it belongs; continuous trading has left nothing to do."""
    name = f"pair {book.pair.pair_id}"
    for queue in Queue:
        for rank, order in book.queues[queue].items():
            where = f"{name}, {queue.name}, order {order.handle}"
            assert order.live and order.queue == queue and order.rank == rank, f"{where}: misplaced"
            assert order.displayed_lots > 0 and order.reserve_lots >= 0, f"{where}: nothing displayed"
            assert queue in DISPLAYED or order.reserve_lots == 0, f"{where}: a reserve outside the displayed book"
            assert order.kind == OrderType.ICEBERG or order.reserve_lots == 0, f"{where}: a reserve without a peak"
            assert book.in_range(order.price_ticks), f"{where}: price {order.price_ticks} out of range"
            limit_ticks = book.end_of_range(order.side)
            assert order.priced or order.price_ticks == limit_ticks, f"{where}: limit {order.price_ticks}"
            sides = (DISPLAYED, HIDDEN, MARKET, STOPS)
            assert queue >= Queue.ELECTED or any(q[order.side] == queue for q in sides), f"{where}: wrong side"
            assert (order.trigger_ticks != 0) == (queue in (*STOPS, Queue.ELECTED)), f"{where}: trigger"
            assert queue not in HIDDEN or order.hidden, f"{where}: not hidden"
            assert queue not in MARKET or not order.priced, f"{where}: has a price"
            assert not order.position.tripped, f"{where}: its position has tripped"
    if book.retired:
        assert not any(book.queues), f"{name}: retired with orders"
    if book.phase == Phase.CONTINUOUS:
        assert not book.crossed(), f"{name}: crossed in continuous trading"
        assert not book.queues[Queue.ELECTED], f"{name}: an elected stop did not enter"
        for queue in MARKET:
            assert not book.queues[queue], f"{name}: {queue.name} in continuous trading"
        buy, sell = book.first(Queue.STOP_BUY), book.first(Queue.STOP_SELL)
        if book.last_ticks:
            assert buy is None or buy.trigger_ticks > book.last_ticks, f"{name}: a stop buy was missed"
            assert sell is None or sell.trigger_ticks < book.last_ticks, f"{name}: a stop sell was missed"
    for side in Side:
        top = market.slots.order(book.top[side]) if book.top[side] else None
        assert book.top[side] == 0 or (top is not None and top.queue == DISPLAYED[side]), f"{name}: top order is gone"


def check_indices(market: Market, orders: list[Order]) -> None:
    """Slots, client ids, expiries and the accounts' lists name exactly the live orders."""
    handles = sorted(order.handle for order in orders)
    in_slots = sorted(order.handle for order in market.slots.orders if order is not None)
    assert handles == in_slots, "slots and queues hold different orders"
    assert market.slots.live == len(orders), f"{market.slots.live} slots in use by {len(orders)} orders"
    assert len(set(market.slots.stack)) == len(market.slots.stack), "a slot is free twice"
    listed = sorted(handle for position in market.positions.values() for handle in position.orders)
    assert handles == listed, "queues and accounts hold different orders"
    with_id = {(order.account.account_id, order.client_id): order for order in orders if order.indexed}
    assert with_id == market.by_client_id, "client ids name other orders than the live ones"
    until_date = sorted(order.handle for order in orders if order.tif == TimeInForce.GTD)
    assert until_date == sorted(order.handle for order in market.by_expiry.values()), "expiries name other orders"
    assert all(expiry_ns > market.clock_ns for expiry_ns, _ in market.by_expiry), "an order has outlived its expiry"


def check_sums(market: Market, orders: list[Order]) -> None:
    """Open lots, live orders and backing add up, and no sum is out of bounds."""
    by_pair: Counter[int] = Counter()
    by_position: Counter[tuple[int, int, Side]] = Counter()
    by_account: Counter[int] = Counter()
    drawn: Counter[tuple[int, int]] = Counter()
    for order in orders:
        pair, account_id = order.book.pair, order.account.account_id
        by_pair[pair.pair_id] += order.leaves
        by_position[account_id, pair.pair_id, order.side] += order.leaves
        by_account[account_id] += 1
        if order.backed:
            instrument = pair.quote if order.side == Side.BUY else pair.base
            drawn[account_id, instrument] += units(order, order.leaves)
    net_by_pair: Counter[int] = Counter()
    for (account_id, pair_id), position in market.positions.items():
        name = f"account {account_id}, pair {pair_id}"
        for side in Side:
            lots = position.open_lots[side]
            assert lots == by_position[account_id, pair_id, side], f"{name}: open {side.name} lots {lots}"
        net_by_pair[pair_id] += position.net_lots
    for pair_id, book in market.books.items():
        assert 0 <= book.open_lots == by_pair[pair_id] <= OPEN_LOTS_MAX, f"pair {pair_id}: open lots {book.open_lots}"
    for account_id, account in market.accounts.items():
        assert account.open_orders == by_account[account_id], f"account {account_id}: {account.open_orders} live orders"
    for key, backing in market.backings.items():
        name = f"account {key[0]}, instrument {key[1]}"
        assert backing.drawn == drawn[key], f"{name}: drawn {backing.drawn}, orders draw {drawn[key]}"
        assert backing.available >= 0 and backing.spent >= 0, f"{name}: {backing}"
        assert backing.available + backing.drawn + backing.spent <= BACKING_UNITS_MAX, f"{name}: {backing}"
    assert drawn.keys() <= market.backings.keys(), "an order draws on backing that was never funded"
