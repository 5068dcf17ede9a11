"""Between a `Market` and the canonical `State` (rules, section 11)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.reference.accounts import Account, Backing
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.pair_book import PairBook
from openoutcry.book.state import (
    STATE_ACCOUNT,
    STATE_BACKING,
    STATE_HEADER,
    STATE_ORDER,
    STATE_PAIR,
    STATE_POSITION,
    STATE_SLOT,
    OrderFlag,
    Queue,
    State,
)
from openoutcry.book.state_check import pair_of
from openoutcry.domain import (
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
    slot_of,
)

ACCOUNT_FIELDS = STATE_ACCOUNT.names or ()


def state_of(market: Market) -> State:
    """Write down everything that decides what the books will answer."""
    books = [market.books[pair_id] for pair_id in sorted(market.books)]
    positions = sorted((p for p in market.positions.values() if not p.empty), key=lambda p: p.key)
    backings = sorted(market.backings.items())
    return State(
        header=table(STATE_HEADER, [(market.log.sequence, market.clock_ns, market.slots.capacity_max)]),
        pairs=table(STATE_PAIR, map(pair_row, books)),
        accounts=table(STATE_ACCOUNT, (account_row(market.accounts[key]) for key in sorted(market.accounts))),
        positions=table(
            STATE_POSITION,
            (
                (
                    *p.key, p.net_lots, *p.open_lots, p.window_begin_ns, p.window_lots, p.window_net_lots,
                    p.window_fills, p.tripped,
                )
                for p in positions
            ),
        ),
        backings=table(
            STATE_BACKING,
            ((*key, b.available, b.drawn, b.spent) for key, b in backings if b.available or b.drawn or b.spent),
        ),
        orders=order_table(order for book in books for order in book.in_book_order()),
        slots=table(STATE_SLOT, slot_rows(market)),
    )  # fmt: skip


def table(dtype: np.dtype[np.void], rows: Iterable[tuple[int, ...]]) -> NDArray[np.void]:
    """Records of these rows."""
    return np.array(list(rows), dtype=dtype)


def pair_row(book: PairBook) -> tuple[int, ...]:
    """One pair as a STATE_PAIR row."""
    pair = book.pair
    assert pair.qty_lots_max is not None and pair.ladder is not None
    return (
        pair.pair_id, pair.base, pair.quote, book.retired, book.phase, book.closing, pair.allocation, pair.iceberg_rule,
        pair.auction_rule, pair.pro_rata_top, pair.ladder, 0, pair.price_ticks_min, pair.price_ticks_max,
        pair.qty_lots_max, pair.pro_rata_minimum_lots, book.last_ticks, book.reference_ticks, book.band_low_ticks,
        book.band_high_ticks, book.open_lots, *book.top,
    )  # fmt: skip


def account_row(account: Account) -> tuple[int, ...]:
    """One account as a STATE_ACCOUNT row; the fields have the names of the attributes."""
    return (account.account_id, *(int(getattr(account, name)) for name in ACCOUNT_FIELDS[1:]))


def order_table(orders: Iterable[Order]) -> NDArray[np.void]:
    """Live orders as STATE_ORDER records, in the order given."""
    ranks: dict[int, dict[int, int]] = {}
    rows = []
    for order in orders:
        at = id(order.position)
        if at not in ranks:
            ranks[at] = {handle: rank for rank, handle in enumerate(order.position.orders)}
        rows.append(order_row(order, ranks[at][order.handle]))
    return table(STATE_ORDER, rows)


def order_row(order: Order, account_rank: int) -> tuple[int, ...]:
    """One live order as a STATE_ORDER row."""
    assert order.queue is not None
    flags = (
        OrderFlag.NO_CLIENT_ID * (not order.indexed)
        | OrderFlag.REDUCE_ONLY * order.reduce_only
        | OrderFlag.BACKED * order.backed
        | OrderFlag.PRICED * order.priced
    )
    return (
        order.handle, order.client_id, order.book.pair.pair_id, order.account.account_id, order.queue, order.side,
        order.kind, order.tif, order.stp, flags, 0, account_rank, 0, order.price_ticks, order.displayed_lots,
        order.reserve_lots, order.peak_lots, order.original_lots, order.trigger_ticks, order.expiry_ns,
    )  # fmt: skip


def slot_rows(market: Market) -> list[tuple[int, int]]:
    """Every slot ever used: its generation, and its place in the stack of free slots."""
    free_ranks = {slot: rank for rank, slot in enumerate(market.slots.stack, start=1)}
    return [(generation, free_ranks.get(slot, 0)) for slot, generation in enumerate(market.slots.generations)][1:]


def market_of(state: State) -> Market:
    """Build books that answer like those which the state was taken from."""
    sequence, clock_ns, capacity_max = state.header[0].tolist()
    market = Market(capacity_max)
    market.log.sequence, market.clock_ns = sequence, clock_ns
    for row in state.pairs:
        restore_pair(market, row)
    for values in state.accounts.tolist():
        account = Account(**dict(zip(("account_id", *ACCOUNT_FIELDS[1:]), values, strict=True)))
        account.backed = bool(account.backed)
        market.accounts[account.account_id] = account
    for account_id, pair_id, net_lots, buys, sells, begin_ns, lots, net, fills, tripped in state.positions.tolist():
        position = market.position(market.accounts[account_id], pair_id)
        position.net_lots, position.open_lots, position.tripped = net_lots, [buys, sells], bool(tripped)
        position.window_begin_ns, position.window_lots = begin_ns, lots
        position.window_net_lots, position.window_fills = net, fills
    for account_id, instrument, *amounts in state.backings.tolist():
        market.backings[account_id, instrument] = Backing(*amounts)
    restore_slots(market, state)
    return market


def restore_pair(market: Market, row: np.void) -> None:
    """Open the book of a pair with the values that it had."""
    pair = pair_of(row)
    market.add_pair(pair)
    book = market.books[pair.pair_id]
    book.retired, book.closing = bool(row["retired"]), bool(row["closing"])
    book.last_ticks, book.open_lots = int(row["last_ticks"]), int(row["open_lots"])
    book.band_low_ticks, book.band_high_ticks = int(row["band_low_ticks"]), int(row["band_high_ticks"])
    book.top = [int(row["top_bid"]), int(row["top_ask"])]


def restore_slots(market: Market, state: State) -> None:
    """Put the live orders back: into their slots, the books, and the indices, each in its order."""
    slots = market.slots
    generations, free_ranks = state.slots["generation"].tolist(), state.slots["free_rank"].tolist()
    slots.generations += generations
    slots.orders += [None] * len(generations)
    free = sorted((rank, slot) for slot, rank in enumerate(free_ranks, start=1) if rank)
    slots.stack = [slot for _, slot in free]
    orders = [order_of_row(market, row) for row in state.orders]
    for order, row in zip(orders, state.orders, strict=True):
        order.book.join(order, Queue(int(row["queue"])))
        slots.orders[slot_of(order.handle)] = order
        if order.indexed:
            market.by_client_id[order.account.account_id, order.client_id] = order
        if order.tif == TimeInForce.GTD:
            market.by_expiry[order.expiry_ns, slot_of(order.handle)] = order
    for index in np.argsort(state.orders["account_rank"], kind="stable").tolist():
        order = orders[index]
        order.position.orders[order.handle] = order


def order_of_row(market: Market, row: np.void) -> Order:
    """Read one STATE_ORDER row."""
    book, account, flags = market.books[int(row["pair"])], market.accounts[int(row["account"])], int(row["flags"])
    return Order(
        handle=int(row["handle"]),
        client_id=int(row["client_id"]),
        indexed=not flags & OrderFlag.NO_CLIENT_ID,
        book=book,
        account=account,
        position=market.position(account, book.pair.pair_id),
        side=Side(int(row["side"])),
        kind=OrderType(int(row["kind"])),
        tif=TimeInForce(int(row["tif"])),
        stp=SelfTrade(int(row["stp"])),
        reduce_only=bool(flags & OrderFlag.REDUCE_ONLY),
        backed=bool(flags & OrderFlag.BACKED),
        priced=bool(flags & OrderFlag.PRICED),
        price_ticks=int(row["price_ticks"]),
        displayed_lots=int(row["displayed_lots"]),
        reserve_lots=int(row["reserve_lots"]),
        peak_lots=int(row["peak_lots"]),
        original_lots=int(row["original_lots"]),
        trigger_ticks=int(row["trigger_ticks"]),
        expiry_ns=int(row["expiry_ns"]),
    )
