"""What must hold in the fast books' memory after every command, checked from scratch.

A broken invariant is a bug of ours: the caller stops the node. Nothing here is fast, and nothing trusts a sum that the
kernels keep: every list is walked, every total is added up anew.
"""

from collections import defaultdict

import numpy as np

from openoutcry.book.kernel.layout import LADDERS, NO_HIGH, NO_LOW
from openoutcry.book.snapshots import state_of
from openoutcry.book.state import OrderFlag, Queue, State
from openoutcry.book.storage import Storage
from openoutcry.domain.ids import slot_of
from openoutcry.domain.limits import BACKING_UNITS_MAX, OPEN_LOTS_MAX
from openoutcry.domain.pair import Pair, Phase

SINGLES = {Queue.MARKET_BID: 0, Queue.MARKET_ASK: 1, Queue.ELECTED: 2, Queue.PARKED: 3}
LADDER_OF = {
    Queue.BID: 0,
    Queue.ASK: 1,
    Queue.HIDDEN_BID: 2,
    Queue.HIDDEN_ASK: 3,
    Queue.STOP_BUY: 4,
    Queue.STOP_SELL: 5,
}
LOWEST_FIRST = (1, 3, 4)


def check_invariants(storage: Storage, pairs: dict[int, Pair]) -> None:
    """Raise AssertionError naming the first broken invariant."""
    state = state_of(storage, pairs)
    _check_slots(storage, state)
    _check_sums(state)
    for pair in pairs:
        _check_ladders(storage, state, pair)
    _check_index(storage, state)


def _check_slots(storage: Storage, state: State) -> None:
    orders = state.orders
    assert len(orders) == storage.word("live"), f"{len(orders)} orders in queues, {storage.word('live')} live"
    slots = [slot_of(int(handle)) for handle in orders["handle"]]
    assert len(set(slots)) == len(slots), "an order is in two places"
    free = int((state.slots["free_rank"] > 0).sum())
    assert free + len(slots) == len(state.slots), f"{len(state.slots)} slots, {free} free, {len(slots)} live"
    assert all(state.slots["free_rank"][slot - 1] == 0 for slot in slots), "a live order's slot is free"
    assert not storage.word("taker") and not storage.word("trip_first"), "a command was left half done"
    assert not storage.word("resume") and not storage.word("owed"), "a command was left half done"


def _check_sums(state: State) -> None:
    open_lots: dict[int, int] = defaultdict(int)
    open_side: dict[tuple[int, int, int], int] = defaultdict(int)
    open_orders: dict[int, int] = defaultdict(int)
    drawn: dict[tuple[int, int], int] = defaultdict(int)
    pair_rows = {int(row["pair"]): row for row in state.pairs}
    for order in state.orders:
        pair, account, side = int(order["pair"]), int(order["account"]), int(order["side"])
        leaves = int(order["displayed_lots"]) + int(order["reserve_lots"])
        assert leaves > 0, f"order {int(order['handle'])} has no leaves"
        assert int(order["displayed_lots"]) > 0, f"order {int(order['handle'])} displays nothing"
        open_lots[pair] += leaves
        open_side[account, pair, side] += leaves
        open_orders[account] += 1
        if int(order["flags"]) & OrderFlag.BACKED:
            instrument = int(pair_rows[pair]["base" if side else "quote"])
            drawn[account, instrument] += leaves * (1 if side else int(order["price_ticks"]))
    for row in state.pairs:
        pair = int(row["pair"])
        assert int(row["open_lots"]) == open_lots[pair] <= OPEN_LOTS_MAX, f"pair {pair}: open lots do not add up"
    for row in state.accounts:
        account = int(row["account"])
        assert int(row["open_orders"]) == open_orders[account], f"account {account}: open orders do not add up"
    seen = set()
    for row in state.positions:
        account, pair = int(row["account"]), int(row["pair"])
        for side, field in ((0, "open_buy_lots"), (1, "open_sell_lots")):
            seen.add((account, pair, side))
            wrong = f"account {account}, pair {pair}: {field} do not add up"
            assert int(row[field]) == open_side[account, pair, side], wrong
        if row["tripped"]:
            left = open_side[account, pair, 0] + open_side[account, pair, 1]
            assert left == 0, f"account {account}, pair {pair}: tripped with live orders"
    assert all(key in seen for key, lots in open_side.items() if lots), "open lots without a position"
    for row in state.backings:
        key = int(row["account"]), int(row["instrument"])
        available, spent = int(row["available"]), int(row["spent"])
        assert int(row["drawn"]) == drawn.pop(key, 0), f"backing {key}: drawn does not add up"
        assert available >= 0 <= spent, f"backing {key}: negative"
        assert available + int(row["drawn"]) + spent <= BACKING_UNITS_MAX, f"backing {key}: more than was credited"
    assert not any(drawn.values()), "backing drawn without a record"


def _check_ladders(storage: Storage, state: State, pair: int) -> None:
    row = storage.table("pairs")[pair]
    mine = state.orders[state.orders["pair"] == pair]
    levels: dict[tuple[int, int], int] = defaultdict(int)
    for order in mine:
        queue = Queue(int(order["queue"]))
        if queue in SINGLES:
            continue
        stop = queue in (Queue.STOP_BUY, Queue.STOP_SELL)
        price = int(order["trigger_ticks" if stop else "price_ticks"])
        levels[LADDER_OF[queue], price] += int(order["displayed_lots"])
    bits = storage.arrays["bits0"].view(np.uint64)
    for ladder in range(LADDERS):
        prices = sorted(price for each, price in levels if each == ladder)
        lowest_first = ladder in LOWEST_FIRST
        best = (prices[0] if lowest_first else prices[-1]) if prices else (NO_HIGH if lowest_first else NO_LOW)
        assert int(row["best"][ladder]) == best, f"pair {pair}, ladder {ladder}: best is not {best}"
        begin = int(row["ladder_at"]) + ladder * int(row["stride"]) + int(row["price_min"])
        words = bits[begin >> 6 : (begin + int(row["stride"])) >> 6]
        there = np.flatnonzero(words)
        bit = np.unpackbits(words[there].view(np.uint8), bitorder="little").reshape(-1, 64)
        word, place = np.nonzero(bit)
        used = 64 * there[word] + place + int(row["price_min"])
        assert used.tolist() == prices, f"pair {pair}, ladder {ladder}: bitmap does not show the levels"
    for (ladder, price), lots in levels.items():
        kept = _level_lots(storage, row, ladder, price)
        assert kept == lots, f"pair {pair}, ladder {ladder}, price {price}: {kept} lots kept, {lots} there"
    for queue, index in SINGLES.items():
        lots = int(mine["displayed_lots"][mine["queue"] == queue].sum())
        assert int(row["single"][index]["lots"]) == lots, f"pair {pair}, {queue.name}: lots do not add up"
    if row["phase"] == Phase.CONTINUOUS and row["known"] == 1:
        best = row["best"]
        assert max(int(best[0]), int(best[2])) < min(int(best[1]), int(best[3])), f"pair {pair}: crossed"


def _level_lots(storage: Storage, row: np.void, ladder: int, price: int) -> int:
    tick = int(row["ladder_at"]) + ladder * int(row["stride"]) + price
    if row["hashed"]:
        found = np.flatnonzero(storage.arrays["level_keys"] == tick + 1)
        assert len(found) == 1, f"level {tick} is {len(found)} times in the table"
        return int(storage.table("hashed_levels")[found[0]]["lots"])
    return int(storage.table("levels")[tick + int(row["level_shift"])]["lots"])


def _check_index(storage: Storage, state: State) -> None:
    entries = storage.table("id_index")
    indexed = sorted(int(slot) for slot in entries["reference"][entries["reference"] != 0])
    named = (state.orders["flags"] & OrderFlag.NO_CLIENT_ID) == 0
    expected = sorted(slot_of(int(handle)) for handle in state.orders["handle"][named])
    assert indexed == expected, "the index of client ids does not hold exactly the orders that have one"
