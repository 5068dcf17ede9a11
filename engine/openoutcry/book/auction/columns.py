"""A checked auction as numpy columns: lots added up by price, the price from the kernel, fills by priority."""

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.auction.checks import NO_PRICE, Auction
from openoutcry.book.auction.orders import NOTHING_TRADES, Clearing
from openoutcry.book.kernel.clearing import clear_with_minimums
from openoutcry.domain import Side

I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]


def clear_columns(auction: Auction) -> Clearing:
    """Return the clearing of a checked auction. O(n log n), the log only from sorting the limits."""
    buys = np.array(auction.buys, np.bool_)
    lots = np.array(auction.lots, np.int64)
    limits = np.array(auction.limits, np.int64)
    hidden = np.array(auction.hidden, np.bool_) if auction.hidden else np.zeros(lots.size, np.bool_)
    minimums = np.array(auction.minimums, np.int64)

    levels, place = _levels(np.concatenate(([NO_PRICE], limits, minimums)))  # level 0 holds the market orders
    level, minimum_level = place[1 : 1 + lots.size], place[1 + lots.size :]
    buy_lots = _sums(level[buys], lots[buys], levels.size)
    sell_lots = _sums(level[~buys], lots[~buys], levels.size)
    minimum_lots = np.zeros(0, np.int64)
    if minimums.size > 0:
        given = minimums != NO_PRICE
        minimum_lots = _sums(minimum_level[given], lots[given], levels.size)[1:]
    price, volume, surplus = clear_with_minimums(
        levels[1:],
        buy_lots[1:],
        sell_lots[1:],
        minimum_lots,
        int(buy_lots[0]),
        int(sell_lots[0]),
        auction.reference,
        auction.tick,
        int(auction.rule),
        auction.collar_low,
        auction.collar_high,
    )
    if price == 0:
        return NOTHING_TRADES

    market = limits == NO_PRICE
    buys_in = buys & (market | (limits >= price))
    if minimums.size > 0:
        buys_in &= minimums <= price
    sells_in = ~buys & (market | (limits <= price))
    fills = np.zeros(lots.size, np.int64)
    sell_rank = 2 * level + hidden
    buy_rank = np.where(market, 0, 2 * (levels.size - level)) + hidden
    _fill(fills, np.flatnonzero(buys_in), lots, buy_rank, volume)
    _fill(fills, np.flatnonzero(sells_in), lots, sell_rank, volume)
    filled = np.flatnonzero(fills)
    return Clearing(
        price,
        volume,
        abs(surplus),
        None if surplus == 0 else Side.BUY if surplus > 0 else Side.SELL,
        tuple(zip(filled.tolist(), fills[filled].tolist(), strict=True)),
    )


def _levels(prices: I64) -> tuple[I64, I64]:
    """Return the different prices, ascending, and each price's place among them.

    Sorting is five times faster than np.unique, which hashes (numpy 2.4: 2 ms against 12 for 100,000 prices).
    """
    order = np.argsort(prices)
    ascending = prices[order]
    is_new = np.ones(prices.size, np.bool_)
    is_new[1:] = ascending[1:] != ascending[:-1]
    place = np.empty(prices.size, np.int64)
    place[order] = np.cumsum(is_new) - 1
    return ascending[is_new], place


def _sums(groups: I64, lots: I64, size: int) -> I64:
    """Return the sum of lots of each group. (np.bincount would add in floats.)"""
    sums = np.zeros(size, np.int64)
    np.add.at(sums, groups, lots)
    return sums


def _fill(fills: I64, orders: I64, lots: I64, rank: I64, volume: int) -> None:
    """Write the fills of one side's `orders` (places, in time order), smallest rank first, up to `volume` lots.

    Ranks are counted through: all before the one where the volume runs out are filled whole, and only that one is
    gone through by time.
    """
    rank, lots = rank[orders], lots[orders]
    by_rank = _sums(rank, lots, int(rank.max()) + 1)
    through = np.cumsum(by_rank)
    last = int(np.searchsorted(through, volume))
    taken = np.where(rank < last, lots, 0)
    at_last = rank == last
    before = through[last] - by_rank[last] + np.cumsum(lots[at_last]) - lots[at_last]
    taken[at_last] = np.clip(volume - before, 0, lots[at_last])
    fills[orders] = taken
