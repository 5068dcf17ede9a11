"""The call auction in plain Python: the rules of docs/reference/auctions.md, step by step, over a list of prices.

The twin of `openoutcry.book.kernel.clearing` and `openoutcry.book.auction`, written to be read beside the rules: every
candidate price is looked at by itself, and each step throws some out.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from openoutcry.book.auction.checks import Auction, checked
from openoutcry.book.auction.orders import NOTHING_TRADES, AuctionOrder, Clearing
from openoutcry.domain import AuctionRule, Side

LIMITS_ONLY = (
    AuctionRule.XETRA_EQUITIES,
    AuctionRule.OKC_BINANCE_DEX,
    AuctionRule.NSE,
    AuctionRule.HKEX,
    AuctionRule.VOLUME_ONLY,
)
"""Rules under which only limits are candidates; under the others every tick between the outermost ones is."""

NO_PRESSURE = (AuctionRule.OKC_BINANCE_DEX, AuctionRule.NSE, AuctionRule.VOLUME_ONLY)
"""Rules without the step in which all surplus on one side decides (OKC moves the reference instead)."""

TWO_FINALISTS = (AuctionRule.XETRA_EQUITIES, AuctionRule.SGX, AuctionRule.ASX)
"""Rules under which surplus on both sides leaves two prices: the highest with bid, the lowest with ask surplus."""


@dataclass(frozen=True, slots=True)
class Market:
    """What is known at every price: lots wanted, lots offered. knots: prices at which one of them changes."""

    buy_limits: list[int]
    sell_limits: list[int]
    knots: list[int]
    demand: Callable[[int], int]
    supply: Callable[[int], int]

    def volume(self, price: int) -> int:
        """Return the lots that can trade at a price."""
        return min(self.demand(price), self.supply(price))

    def surplus(self, price: int) -> int:
        """Return what is left over at a price: positive on the bid side, negative on the ask side."""
        return self.demand(price) - self.supply(price)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a price is found: reference (0: none), tick, rule, collar (both 0: none)."""

    reference: int
    tick: int
    rule: AuctionRule
    collar_low: int
    collar_high: int

    def nearest_tick(self, price: int) -> int:
        """Return the nearest allowed price, half up."""
        low = price - price % self.tick
        return low if price - low < low + self.tick - price else low + self.tick

    def into_collar(self, price: int) -> int:
        """Return the allowed price of the collar that is nearest to a price."""
        if not self.collar_high:
            return price
        low, high = -(-self.collar_low // self.tick) * self.tick, self.collar_high // self.tick * self.tick
        return max(low, min(price, high))

    def collar_is_empty(self) -> bool:
        """Tell whether no multiple of the tick lies within the collar."""
        return self.collar_high > 0 and -(-self.collar_low // self.tick) > self.collar_high // self.tick


def clear_plain(
    prices: Sequence[int],
    buy_lots: Sequence[int],
    sell_lots: Sequence[int],
    market_buy: int,
    market_sell: int,
    reference: int,
    tick: int,
    rule: int,
    collar_low: int,
    collar_high: int,
) -> tuple[int, int, int]:
    """Return price, volume and surplus of a call auction; 0, 0, 0 for no price. Arguments as in `clearing.clear`."""
    buys_below = list(accumulate(buy_lots, initial=0))
    sells_below = list(accumulate(sell_lots, initial=0))
    market = Market(
        [price for price, lots in zip(prices, buy_lots, strict=True) if lots],
        [price for price, lots in zip(prices, sell_lots, strict=True) if lots],
        list(prices),
        lambda price: market_buy + buys_below[-1] - buys_below[bisect_left(prices, price)],
        lambda price: market_sell + sells_below[bisect_right(prices, price)],
    )
    return decide(market, Terms(reference, tick, AuctionRule(rule), collar_low, collar_high))


def uncross_plain(
    orders: Iterable[AuctionOrder],
    *,
    reference_ticks: int | None,
    tick: int,
    rule: str | AuctionRule,
    collar: tuple[int, int] | None = None,
) -> Clearing:
    """Return the clearing of a call auction. Arguments and errors as in `openoutcry.book.auction.uncross`."""
    auction = checked(orders, reference_ticks, tick, rule, collar)
    minimums = auction.minimums or [0] * len(auction.lots)
    book = list(zip(auction.buys, auction.lots, auction.limits, minimums, strict=True))

    def demand(price: int) -> int:
        return sum(lots for buy, lots, limit, low in book if buy and (not limit or limit >= price) and low <= price)

    def supply(price: int) -> int:
        return sum(lots for buy, lots, limit, _ in book if not buy and (not limit or limit <= price))

    market = Market(
        sorted({limit for buy, _, limit, _ in book if buy and limit}),
        sorted({limit for buy, _, limit, _ in book if not buy and limit}),
        sorted({price for _, _, limit, low in book for price in (limit, low) if price}),
        demand,
        supply,
    )
    terms = Terms(auction.reference, auction.tick, auction.rule, auction.collar_low, auction.collar_high)
    price, volume, surplus = decide(market, terms)
    if not price:
        return NOTHING_TRADES
    fills = sorted(fill(auction, Side.BUY, price, volume) + fill(auction, Side.SELL, price, volume))
    side = None if not surplus else Side.BUY if surplus > 0 else Side.SELL
    return Clearing(price, volume, abs(surplus), side, tuple(fills))


def fill(auction: Auction, side: Side, price: int, volume: int) -> list[tuple[int, int]]:
    """Return (place, lots) of the orders of one side that trade, best priority first, until the volume is used up."""
    queue = []
    for place, buy in enumerate(auction.buys):
        limit = auction.limits[place]
        if buy is not (side is Side.BUY) or (auction.minimums and auction.minimums[place] > price):
            continue
        ahead = 0 if not limit else limit - price if buy else price - limit
        if ahead >= 0:
            hidden = bool(auction.hidden) and auction.hidden[place]
            queue.append((bool(limit), -ahead, hidden, place))
    fills = []
    for *_, place in sorted(queue):
        lots = min(volume, auction.lots[place])
        if lots:
            fills.append((place, lots))
        volume -= lots
    return fills


def decide(market: Market, terms: Terms) -> tuple[int, int, int]:
    """Return price, volume and surplus; 0, 0, 0 for no price."""
    limits = sorted({*market.buy_limits, *market.sell_limits})
    if terms.collar_is_empty():
        return 0, 0, 0
    if terms.rule is not AuctionRule.XETRA_CONTINUOUS_AUCTION and not limits:
        price = terms.reference and terms.into_collar(max(terms.tick, terms.nearest_tick(terms.reference)))
    else:
        price = choose(candidates(market, limits, terms), market, terms)
    if not price or not market.volume(price):
        return 0, 0, 0
    return price, market.volume(price), market.surplus(price)


def bounds(market: Market, limits: list[int], terms: Terms) -> tuple[int, int]:
    """Return the lowest and highest candidate; (0, 0) without a collar where the rule needs one."""
    if terms.rule is AuctionRule.XETRA_CONTINUOUS_AUCTION:
        return (terms.into_collar(1), terms.into_collar(terms.collar_high)) if terms.collar_high else (0, 0)
    outermost = [limits[0], limits[-1]]
    if terms.rule is AuctionRule.HKEX and market.buy_limits and market.sell_limits:
        outermost = [market.buy_limits[-1], market.sell_limits[0]]
    if terms.rule is AuctionRule.EURONEXT and terms.reference:
        outermost.append(max(terms.tick, terms.nearest_tick(terms.reference)))
    return terms.into_collar(min(outermost)), terms.into_collar(max(outermost))


def candidates(market: Market, limits: list[int], terms: Terms) -> list[int]:
    """Return the candidate prices that matter, ascending.

    Between two knots nothing changes, so of a stretch of ticks only its ends and those next to the reference can win.
    """
    low, high = bounds(market, limits, terms)
    if not high:
        return []
    prices = {low, high}
    if terms.rule in LIMITS_ONLY:
        prices |= set(limits)
    else:
        below = terms.reference - terms.reference % terms.tick
        for knot in (low, high, *market.knots):
            prices |= {knot - terms.tick, knot, knot + terms.tick}
        prices |= {below, below + terms.tick}
    return sorted(price for price in prices if low <= price <= high)


def choose(prices: list[int], market: Market, terms: Terms) -> int:
    """Return the price among ascending candidates, or 0 when nothing trades at any of them."""
    most = max((market.volume(price) for price in prices), default=0)
    if not most:
        return 0
    prices = [price for price in prices if market.volume(price) == most]
    least = min(abs(market.surplus(price)) for price in prices)
    prices = [price for price in prices if abs(market.surplus(price)) == least]
    bid = [price for price in prices if market.surplus(price) > 0]
    ask = [price for price in prices if market.surplus(price) < 0]

    if terms.rule not in NO_PRESSURE:
        if bid == prices:
            return prices[-1]
        if ask == prices:
            return prices[0]
    if terms.rule is AuctionRule.XETRA_CONTINUOUS_AUCTION:
        middle = -(-(prices[0] + prices[-1]) // (2 * terms.tick)) * terms.tick
        same = market.volume(middle) == most and abs(market.surplus(middle)) == least
        return middle if same else nearest(prices, middle)
    if terms.rule is AuctionRule.OKC_BINANCE_DEX:
        if not terms.reference:
            return prices[0] if ask == prices else prices[-1]
        percent = 105 if bid == prices else 95 if ask == prices else 100
        wanted = terms.reference * percent  # in hundredths
        whole = wanted // (100 * terms.tick) * terms.tick
        rounded = whole if wanted - 100 * whole < 100 * (whole + terms.tick) - wanted else whole + terms.tick
        price = max(prices[0], min(rounded, prices[-1]))
        return price if market.volume(price) == most else nearest(prices, price)
    if terms.rule in TWO_FINALISTS and bid and ask:
        prices = sorted((bid[-1], ask[0]))
    if not terms.reference:
        return prices[-1]
    if terms.rule is AuctionRule.NSE:
        below = [price for price in prices if price < terms.reference]
        above = [price for price in prices if price > terms.reference]
        if terms.reference not in prices and below and above and sum((below[-1], above[0])) == 2 * terms.reference:
            middle = terms.nearest_tick(terms.reference)
            return middle if market.volume(middle) == most else above[0]
    return nearest(prices, terms.reference)


def nearest(prices: list[int], target: int) -> int:
    """Return the price that is nearest to the target; of two equally near the higher."""
    return min(prices, key=lambda price: (abs(price - target), -price))
