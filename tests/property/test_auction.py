"""Random call auctions: the fast implementation against the plain one, and what must hold under every rule."""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.book.auction import AuctionOrder, Clearing, uncross
from openoutcry.book.auction.checks import checked
from openoutcry.book.kernel.clearing import clear
from openoutcry.book.reference import auction as plain
from openoutcry.domain import AuctionRule, Side
from openoutcry.domain.limits import OPEN_LOTS_MAX, PRICE_TICKS_MAX

QUOTED = AuctionRule.XETRA_CONTINUOUS_AUCTION
RULES = st.sampled_from(AuctionRule)


@dataclass(frozen=True)
class Case:
    """The arguments of one `uncross`."""

    orders: tuple[AuctionOrder, ...]
    reference: int | None
    tick: int
    rule: AuctionRule
    collar: tuple[int, int] | None

    def run(self, by: object = uncross) -> Clearing:
        """Clear it."""
        result = by(  # type: ignore[operator]
            self.orders, reference_ticks=self.reference, tick=self.tick, rule=self.rule, collar=self.collar
        )
        assert isinstance(result, Clearing)
        return result

    def demand(self, price: int) -> int:
        """Return the lots wanted at a price."""
        return sum(order.qty_lots for order in self.orders if order.side is Side.BUY and reaches(order, price))

    def supply(self, price: int) -> int:
        """Return the lots offered at a price."""
        return sum(order.qty_lots for order in self.orders if order.side is Side.SELL and reaches(order, price))


def reaches(order: AuctionOrder, price: int) -> bool:
    """Tell whether an order may trade at a price."""
    if order.strike_match_minimum_ticks is not None and price < order.strike_match_minimum_ticks:
        return False
    if order.price_ticks is None:
        return True
    return order.price_ticks >= price if order.side is Side.BUY else order.price_ticks <= price


@st.composite
def cases(draw: st.DrawFn, minimums: bool = True, rules: st.SearchStrategy[AuctionRule] = RULES) -> Case:
    """Draw up to a dozen orders on a short stretch of prices, where ties and gaps are frequent."""
    tick = draw(st.sampled_from([1, 1, 2, 5]))
    base = draw(st.sampled_from([1, 40, PRICE_TICKS_MAX // tick - 12]))
    prices = st.integers(base, base + draw(st.sampled_from([2, 6, 12]))).map(lambda steps: steps * tick)
    order = st.builds(
        AuctionOrder,
        st.sampled_from(Side),
        st.integers(1, 4),
        st.none() | prices | prices,
        hidden=st.booleans(),
        strike_match_minimum_ticks=st.none() | prices if minimums else st.none(),
    )
    orders = [possible(order) for order in draw(st.lists(order, max_size=12))]
    reference = draw(st.none() | st.integers(max(1, (base - 4) * tick), min(PRICE_TICKS_MAX, (base + 16) * tick)))
    rule = draw(rules)
    collar = draw(st.tuples(prices, prices).map(lambda pair: (min(pair), max(pair))))
    return Case(tuple(orders), reference, tick, rule, collar if rule is QUOTED or draw(st.booleans()) else None)


def possible(order: AuctionOrder) -> AuctionOrder:
    """Return the order without a minimum that it cannot have."""
    minimum, limit = order.strike_match_minimum_ticks, order.price_ticks
    if minimum is not None and (order.side is Side.SELL or (limit is not None and minimum > limit)):
        return replace(order, strike_match_minimum_ticks=None)
    return order


@given(cases())
def test_the_fast_auction_equals_the_plain_one(case: Case) -> None:
    """The whole clearing, fills included, under any rule."""
    assert case.run() == case.run(plain.uncross_plain)


@given(
    levels=st.dictionaries(st.integers(1, 30), st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=10),
    market=st.tuples(st.integers(0, 8), st.integers(0, 8)),
    reference=st.integers(0, 35),
    rule=RULES,
    collar=st.just((0, 0)) | st.tuples(st.integers(1, 35), st.integers(1, 35)).map(lambda pair: (min(pair), max(pair))),
    spread=st.sampled_from([1, 3, 1_000_000]),
    tick=st.sampled_from([1, 3]),
)
def test_the_fast_price_equals_the_plain_one(
    levels: dict[int, tuple[int, int]],
    market: tuple[int, int],
    reference: int,
    rule: AuctionRule,
    collar: tuple[int, int],
    spread: int,
    tick: int,
) -> None:
    """`clear` against `clear_plain` on levels, some of them empty, near each other and a million ticks apart."""
    unit = spread * tick
    prices = sorted(levels)
    buys, sells = [levels[price][0] for price in prices], [levels[price][1] for price in prices]
    prices = [price * unit for price in prices]
    assert_alike(prices, buys, sells, *market, reference * spread, tick, rule, *(end * spread for end in collar))


def assert_alike(prices: list[int], buys: list[int], sells: list[int], *terms: int) -> None:
    """Compare `clear` with `clear_plain`, and see that the arrays are only read."""
    arrays = np.array(prices, np.int64), np.array(buys, np.int64), np.array(sells, np.int64)
    assert clear(arrays[0], arrays[1], arrays[2], *terms) == plain.clear_plain(prices, buys, sells, *terms)
    assert [array.tolist() for array in arrays] == [prices, buys, sells]


@given(cases(rules=st.sampled_from([rule for rule in AuctionRule if rule not in plain.LIMITS_ONLY])))
def test_looking_at_every_tick_changes_nothing(case: Case) -> None:
    """The plain auction skips ticks that cannot win; here all of them stand for election."""
    auction = checked(case.orders, case.reference, case.tick, case.rule, case.collar)
    limits = sorted({order.price_ticks for order in case.orders if order.price_ticks is not None})
    if not limits and case.rule is not QUOTED:
        return
    market = plain.Market(
        sorted({order.price_ticks for order in case.orders if order.side is Side.BUY and order.price_ticks}),
        sorted({order.price_ticks for order in case.orders if order.side is Side.SELL and order.price_ticks}),
        [],
        case.demand,
        case.supply,
    )
    terms = plain.Terms(auction.reference, auction.tick, auction.rule, auction.collar_low, auction.collar_high)
    low, high = plain.bounds(market, limits, terms)
    price = plain.choose(list(range(low, high + 1, case.tick)), market, terms)
    assert case.run().price_ticks == (price or None)


@given(cases())
def test_fills_are_consistent_with_the_price(case: Case) -> None:
    """Both sides trade the volume, nobody beyond quantity, limit or minimum; volume and surplus are those there."""
    clearing = case.run()
    if clearing.price_ticks is None:
        assert clearing == Clearing(None, 0, 0, None, ())
        return
    price = clearing.price_ticks
    assert price % case.tick == 0
    if case.collar is not None:
        assert case.collar[0] <= price <= case.collar[1]
    demand, supply = case.demand(price), case.supply(price)
    assert clearing.volume_lots == min(demand, supply) > 0
    assert clearing.surplus_lots == abs(demand - supply)
    assert clearing.surplus_side == (None if demand == supply else Side.BUY if demand > supply else Side.SELL)
    lots: defaultdict[Side, int] = defaultdict(int)
    assert [place for place, _ in clearing.fills] == sorted({place for place, _ in clearing.fills})
    for place, filled in clearing.fills:
        order = case.orders[place]
        assert 1 <= filled <= order.qty_lots
        assert reaches(order, price)
        lots[order.side] += filled
    assert lots == {Side.BUY: clearing.volume_lots, Side.SELL: clearing.volume_lots}


@given(cases())
def test_priority_is_respected(case: Case) -> None:
    """When an order trades, every order of its side that takes part and ranks before it is filled whole."""
    clearing = case.run()
    if clearing.price_ticks is None:
        return
    filled = dict(clearing.fills)

    def rank(place: int) -> tuple[bool, int, bool, int]:
        order = case.orders[place]
        limit = order.price_ticks or 0
        return order.price_ticks is not None, -limit if order.side is Side.BUY else limit, order.hidden, place

    for side in Side:
        places = [
            place
            for place, order in enumerate(case.orders)
            if order.side is side and reaches(order, clearing.price_ticks)
        ]
        places.sort(key=rank)
        rest = [case.orders[place].qty_lots - filled.get(place, 0) for place in places]
        for better, worse in pairwise(places):
            assert worse not in filled or rest[places.index(better)] == 0


@given(cases(minimums=False))
def test_no_price_trades_more(case: Case) -> None:
    """The volume is the largest over all allowed prices in the collar (hkex: between the best limits).

    Left out: an auction of market orders without a reference, which has no price.
    """
    clearing = case.run()
    limits = [order.price_ticks for order in case.orders if order.price_ticks is not None]
    if not limits and case.reference is None and case.rule is not QUOTED:
        assert clearing.price_ticks is None
        return
    low, high = case.collar or (1, PRICE_TICKS_MAX)
    first = -(-max(low, min(limits, default=low) - 3 * case.tick) // case.tick) * case.tick
    last = min(high, max(limits, default=low) + 3 * case.tick)
    prices = {max(first, case.tick), *range(first, last + 1, case.tick), -(-low // case.tick) * case.tick}
    prices |= {high // case.tick * case.tick}
    if case.rule is AuctionRule.HKEX:
        bids = [order.price_ticks for order in case.orders if order.side is Side.BUY and order.price_ticks]
        asks = [order.price_ticks for order in case.orders if order.side is Side.SELL and order.price_ticks]
        if bids and asks:
            ends = sorted((min(max(max(bids), low), high), min(max(min(asks), low), high)))
            prices = set(range(ends[0], ends[1] + 1, case.tick))
    assert clearing.volume_lots == max(min(case.demand(price), case.supply(price)) for price in prices)


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_moves_no_price(case: Case, random: object) -> None:
    """Shuffled orders clear alike; each group of one side, price, display and minimum gets the same lots."""
    shuffled = list(case.orders)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = case.run(), replace(case, orders=tuple(shuffled)).run()
    assert replace(one, fills=()) == replace(other, fills=())

    def by_group(orders: list[AuctionOrder], clearing: Clearing) -> dict[tuple[object, ...], int]:
        lots: defaultdict[tuple[object, ...], int] = defaultdict(int)
        for place, filled in clearing.fills:
            order = orders[place]
            lots[order.side, order.price_ticks, order.hidden] += filled
        return dict(lots)

    assert by_group(list(case.orders), one) == by_group(shuffled, other)


@given(cases(), st.sampled_from([2, 7]))
def test_a_finer_unit_of_price_changes_nothing(case: Case, factor: int) -> None:
    """All prices and the tick multiplied: the clearing price is multiplied, all else stays."""

    def scaled(price: int | None) -> int | None:
        return None if price is None else price * factor

    orders = tuple(
        replace(
            order,
            price_ticks=scaled(order.price_ticks),
            strike_match_minimum_ticks=scaled(order.strike_match_minimum_ticks),
        )
        for order in case.orders
    )
    prices = [case.tick, *(price for order in orders if (price := order.price_ticks))]
    prices += [price for order in orders if (price := order.strike_match_minimum_ticks)]
    prices += [price * factor for price in (case.reference or 0, *(case.collar or ()))]
    if max(prices) > PRICE_TICKS_MAX:
        return
    collar = None if case.collar is None else (case.collar[0] * factor, case.collar[1] * factor)
    fine = Case(orders, scaled(case.reference), case.tick * factor, case.rule, collar).run()
    coarse = case.run()
    assert fine == replace(coarse, price_ticks=scaled(coarse.price_ticks))


@pytest.mark.parametrize("rule", AuctionRule)
@given(
    prices=st.lists(st.sampled_from([1, 2, PRICE_TICKS_MAX // 2, PRICE_TICKS_MAX]), unique=True).map(sorted),
    seed=st.integers(0, 2**32 - 1),
    reference=st.sampled_from([0, 1, PRICE_TICKS_MAX]),
    collar=st.sampled_from([(0, 0), (1, PRICE_TICKS_MAX), (PRICE_TICKS_MAX, PRICE_TICKS_MAX)]),
    tick=st.sampled_from([1, PRICE_TICKS_MAX]),
)
def test_the_largest_numbers_do_not_wrap(
    rule: AuctionRule, prices: list[int], seed: int, reference: int, collar: tuple[int, int], tick: int
) -> None:
    """OPEN_LOTS_MAX lots spread at random over prices at both ends of the range, against Python's integers."""
    random = np.random.default_rng(seed)
    prices = [price for price in prices if price % tick == 0]
    shares = random.integers(0, 2**20, 2 * len(prices) + 2)
    lots = [int(share) * (OPEN_LOTS_MAX // max(1, int(shares.sum()))) for share in shares]
    buys, sells, market = lots[: len(prices)], lots[len(prices) : -2], lots[-2:]
    assert_alike(prices, buys, sells, *market, reference, tick, rule, *collar)
