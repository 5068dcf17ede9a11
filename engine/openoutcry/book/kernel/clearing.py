"""The price of a call auction: which price, how much trades at it, what is left over.

Prices fall into rows in which demand and supply are constant: one row for each price at which an order has its limit,
one for each stretch between two of them. Every rule is then a choice among rows: which rows are candidates, which of
these trade most and leave least over, and, where several remain, pressure and a tie-break. So the cost is that of one
pass over the limits, whatever the distance between them in ticks. Rules: docs/reference/auctions.md.

Nothing raises and nothing wraps, given what `clear` asks for. Imports only numpy, numba's decorators and the domain.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.kernel.compiling import entry, helper
from openoutcry.domain import AuctionRule
from openoutcry.domain.limits import PRICE_TICKS_MAX

XETRA_EQUITIES: Final = int(AuctionRule.XETRA_EQUITIES)
XETRA_CONTINUOUS_AUCTION: Final = int(AuctionRule.XETRA_CONTINUOUS_AUCTION)
OKC_BINANCE_DEX: Final = int(AuctionRule.OKC_BINANCE_DEX)
LSE_SETS: Final = int(AuctionRule.LSE_SETS)
EURONEXT: Final = int(AuctionRule.EURONEXT)
NSE: Final = int(AuctionRule.NSE)
HKEX: Final = int(AuctionRule.HKEX)
SGX: Final = int(AuctionRule.SGX)
ASX: Final = int(AuctionRule.ASX)
VOLUME_ONLY: Final = int(AuctionRule.VOLUME_ONLY)

SHIFT_PERCENT: Final = 5
"""OKC and Binance DEX: how far pressure moves the reference."""

LOW, HIGH, DEMAND, SUPPLY = 0, 1, 2, 3
"""Columns of a row: lowest and highest allowed price in it, lots wanted and lots offered at each of its prices."""

I64 = NDArray[np.int64]


@entry
def clear(
    prices: I64,
    buy_lots: I64,
    sell_lots: I64,
    market_buy: int,
    market_sell: int,
    reference: int,
    tick: int,
    rule: int,
    collar_low: int,
    collar_high: int,
) -> tuple[int, int, int]:
    """Return price, volume and surplus (demand less supply at that price) of a call auction; 0, 0, 0 for no price.

    prices: (n,) int64, ascending, unique, 1 to PRICE_TICKS_MAX, multiples of tick; n may be 0. buy_lots, sell_lots:
    (n,) int64, lots of the limit orders at each price, not cumulative; a price with neither counts as no limit.
    market_buy, market_sell: lots of orders without a price. All lots together at most OPEN_LOTS_MAX. reference: ticks,
    0 for none; need not be a multiple of tick. rule: a value of `AuctionRule`. collar_low, collar_high: ticks, both 0
    for none; XETRA_CONTINUOUS_AUCTION clears nothing without one. Arguments are only read. Never raises.
    Cost: O(n) time and memory, about 5 ns a price.
    """
    never = np.zeros(0, np.int64)
    return clear_with_minimums(
        prices,
        buy_lots,
        sell_lots,
        never,
        market_buy,
        market_sell,
        reference,
        tick,
        rule,
        collar_low,
        collar_high,
    )


@entry
def clear_with_minimums(
    prices: I64,
    buy_lots: I64,
    sell_lots: I64,
    minimum_lots: I64,
    market_buy: int,
    market_sell: int,
    reference: int,
    tick: int,
    rule: int,
    collar_low: int,
    collar_high: int,
) -> tuple[int, int, int]:
    """As `clear`, with buys that take part only from a minimum price on (strike match).

    minimum_lots: (n,) int64, or (0,) when there are none: lots that take part from this price upwards. They are also
    in buy_lots at their limit (at or above the minimum) or in market_buy. A minimum is a price in `prices` but no
    limit: with no order there it is no candidate where the rule takes limits only.
    """
    low, high, every_tick = candidate_range(prices, buy_lots, sell_lots, reference, tick, rule, collar_low, collar_high)
    price = 0
    if low == 0:
        if rule != XETRA_CONTINUOUS_AUCTION and reference > 0:
            price = within_collar(nearest_tick(reference, tick), tick, collar_low, collar_high)
    elif low <= high:
        rows = np.empty((2 * prices.shape[0] + 2, 4), np.int64)
        count = fill_rows(
            rows, prices, buy_lots, sell_lots, minimum_lots, market_buy, market_sell, low, high, every_tick, tick
        )
        count = keep_best(rows, count)
        if count > 0:
            price = choose(rows, count, reference, tick, rule)
            if rule == OKC_BINANCE_DEX or rule == NSE:
                # These may take a price between two limits. Where minimums make demand rise with the price, less may
                # trade there; then the nearest of the best candidates is taken.
                best = min(rows[0, DEMAND], rows[0, SUPPLY])
                demand, supply = at_price(prices, buy_lots, sell_lots, minimum_lots, market_buy, market_sell, price)
                if min(demand, supply) < best:
                    price = nearest(rows, count, price, tick)
    if price == 0:
        return 0, 0, 0
    demand, supply = at_price(prices, buy_lots, sell_lots, minimum_lots, market_buy, market_sell, price)
    if min(demand, supply) == 0:
        return 0, 0, 0
    return price, min(demand, supply), demand - supply


@helper
def candidate_range(
    prices: I64,
    buy_lots: I64,
    sell_lots: I64,
    reference: int,
    tick: int,
    rule: int,
    collar_low: int,
    collar_high: int,
) -> tuple[int, int, bool]:
    """Return lowest and highest candidate, and whether every tick between is one or only limits are.

    Both prices are 0 when there is no candidate (no limits, or no collar where the rule needs one); low is above high
    when the collar holds no allowed price. A limit outside the collar counts as one at the collar's end.
    """
    if rule == XETRA_CONTINUOUS_AUCTION:
        if collar_high == 0:
            return 0, 0, True
        return tick_above(collar_low, tick), tick_below(collar_high, tick), True
    low, high, best_bid, best_ask = 0, 0, 0, 0
    for i in range(prices.shape[0]):
        price = prices[i]
        if buy_lots[i] > 0:
            best_bid = price
        if sell_lots[i] > 0 and best_ask == 0:
            best_ask = price
        if buy_lots[i] > 0 or sell_lots[i] > 0:
            high = price
            if low == 0:
                low = price
    if low == 0:
        return 0, 0, False
    if rule == HKEX and best_bid > 0 and best_ask > 0:
        low, high = min(best_bid, best_ask), max(best_bid, best_ask)
    if rule == EURONEXT and reference > 0:
        near = max(tick, nearest_tick(reference, tick))
        low, high = min(low, near), max(high, near)
    if collar_high > 0:
        first, last = tick_above(collar_low, tick), tick_below(collar_high, tick)
        if first > last:
            return first, last, False
        low, high = min(max(low, first), last), min(max(high, first), last)
    return low, high, rule == LSE_SETS or rule == EURONEXT or rule == SGX or rule == ASX


@helper
def fill_rows(
    rows: I64,
    prices: I64,
    buy_lots: I64,
    sell_lots: I64,
    minimum_lots: I64,
    market_buy: int,
    market_sell: int,
    low: int,
    high: int,
    every_tick: bool,
    tick: int,
) -> int:
    """Write the candidates from low to high as rows, ascending; return how many. O(n)."""
    minimums = minimum_lots.shape[0] > 0
    demand, supply = market_buy, market_sell
    for i in range(prices.shape[0]):
        demand += buy_lots[i]
        if minimums:
            demand -= minimum_lots[i]
    count = 0
    start = low
    for i in range(prices.shape[0]):
        price = prices[i]
        if price > high:
            break
        if price > start:
            count = add_stretch(rows, count, start, price - tick, demand, supply, low, high, every_tick)
            start = price
        if minimums:
            demand += minimum_lots[i]
        supply += sell_lots[i]
        if price == start:
            if every_tick or buy_lots[i] > 0 or sell_lots[i] > 0 or price == low or price == high:
                count = add_row(rows, count, price, price, demand, supply)
            start = price + tick
        demand -= buy_lots[i]
    if start <= high:
        count = add_stretch(rows, count, start, high, demand, supply, low, high, every_tick)
    return count


@helper
def add_stretch(
    rows: I64,
    count: int,
    first: int,
    last: int,
    demand: int,
    supply: int,
    low: int,
    high: int,
    every_tick: bool,
) -> int:
    """Add the prices from first to last, between two limits: all of them, or only an end of the range."""
    if every_tick:
        return add_row(rows, count, first, last, demand, supply)
    if first == low:
        count = add_row(rows, count, low, low, demand, supply)
    if last == high and high != low:
        count = add_row(rows, count, high, high, demand, supply)
    return count


@helper
def add_row(rows: I64, count: int, low: int, high: int, demand: int, supply: int) -> int:
    """Append a row, return the new count."""
    rows[count, LOW] = low
    rows[count, HIGH] = high
    rows[count, DEMAND] = demand
    rows[count, SUPPLY] = supply
    return count + 1


@helper
def keep_best(rows: I64, count: int) -> int:
    """Keep the rows with the largest volume and, of these, the smallest surplus; return how many, 0 if none trades."""
    volume, surplus, kept = 0, 0, 0
    for row in range(count):
        demand, supply = rows[row, DEMAND], rows[row, SUPPLY]
        here = min(demand, supply)
        over = abs(demand - supply)
        if here > volume or (here == volume and over < surplus):
            volume, surplus, kept = here, over, 0
        if here > 0 and here == volume and over == surplus:
            kept = add_row(rows, kept, rows[row, LOW], rows[row, HIGH], demand, supply)
    return kept


@helper
def choose(rows: I64, count: int, reference: int, tick: int, rule: int) -> int:
    """Return the price among equally good rows: pressure, then the tie-break of the rule.

    Without a reference every price is equally near to it, and the highest is taken.
    """
    lowest: int = rows[0, LOW]
    highest: int = rows[count - 1, HIGH]
    bid_highest, ask_lowest = 0, 0
    for row in range(count):
        if rows[row, DEMAND] > rows[row, SUPPLY]:
            bid_highest = rows[row, HIGH]
        elif rows[row, DEMAND] < rows[row, SUPPLY] and ask_lowest == 0:
            ask_lowest = rows[row, LOW]
    all_bid = bid_highest > 0 and ask_lowest == 0
    all_ask = ask_lowest > 0 and bid_highest == 0

    if rule == OKC_BINANCE_DEX:
        if reference == 0:
            return lowest if all_ask else highest
        percent = 100
        if all_bid:
            percent += SHIFT_PERCENT
        elif all_ask:
            percent -= SHIFT_PERCENT
        shifted = (2 * reference * percent + 100 * tick) // (200 * tick) * tick
        return min(max(shifted, lowest), highest)
    if rule != NSE and rule != VOLUME_ONLY:
        if all_bid:
            return highest
        if all_ask:
            return lowest
    if rule == XETRA_CONTINUOUS_AUCTION:
        return nearest(rows, count, tick_above((lowest + highest + 1) // 2, tick), tick)
    if (rule == XETRA_EQUITIES or rule == SGX or rule == ASX) and bid_highest > 0:
        lower, upper = min(bid_highest, ask_lowest), max(bid_highest, ask_lowest)
        return upper if reference == 0 or upper - reference <= reference - lower else lower
    if reference == 0:
        return highest
    if rule == NSE:
        below, above = neighbours(rows, count, reference, tick)
        if below > 0 and above > 0 and above - reference == reference - below:
            return nearest_tick(reference, tick)
    return nearest(rows, count, reference, tick)


@helper
def neighbours(rows: I64, count: int, target: int, tick: int) -> tuple[int, int]:
    """Return the highest price in the rows that is not above the target and the lowest not below it; 0 for none."""
    below, above = 0, 0
    for row in range(count):
        low, high = rows[row, LOW], rows[row, HIGH]
        if low <= target:
            below = max(below, min(high, tick_below(target, tick)))
        if high >= target:
            candidate = max(low, tick_above(target, tick))
            if above == 0 or candidate < above:
                above = candidate
    return below, above


@helper
def nearest(rows: I64, count: int, target: int, tick: int) -> int:
    """Return the price in the rows that is nearest to the target; of two equally near the higher."""
    below, above = neighbours(rows, count, target, tick)
    if above == 0 or (below > 0 and target - below < above - target):
        return below
    return above


@helper
def at_price(
    prices: I64,
    buy_lots: I64,
    sell_lots: I64,
    minimum_lots: I64,
    market_buy: int,
    market_sell: int,
    price: int,
) -> tuple[int, int]:
    """Return demand and supply at a price. O(n)."""
    demand, supply = market_buy, market_sell
    for i in range(prices.shape[0]):
        if prices[i] >= price:
            demand += buy_lots[i]
        if prices[i] <= price:
            supply += sell_lots[i]
    for i in range(minimum_lots.shape[0]):
        if prices[i] > price:
            demand -= minimum_lots[i]
    return demand, supply


@helper
def tick_below(price: int, tick: int) -> int:
    """Return the highest allowed price that is not above."""
    return price // tick * tick


@helper
def tick_above(price: int, tick: int) -> int:
    """Return the lowest allowed price that is not below."""
    return (price + tick - 1) // tick * tick


@helper
def nearest_tick(price: int, tick: int) -> int:
    """Return the nearest allowed price, half up; may be 0."""
    return (2 * price + tick) // (2 * tick) * tick


@helper
def within_collar(price: int, tick: int, collar_low: int, collar_high: int) -> int:
    """Return the nearest allowed price within the collar, 0 when it holds none. Without a collar: at least one tick."""
    low, high = tick, tick_below(PRICE_TICKS_MAX, tick)
    if collar_high > 0:
        low, high = tick_above(collar_low, tick), tick_below(collar_high, tick)
    return min(max(price, low), high) if low <= high else 0
