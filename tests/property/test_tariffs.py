"""Fees of many trades at once against the rule in plain integers and in fractions, and what follows from the rule."""

from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from openoutcry.domain import EventFlag, EventKind, Pair
from openoutcry.domain.limits import PRICE_TICKS_MAX, QTY_LOTS_MAX
from openoutcry.domain.records import EVENT, Events
from openoutcry.venue.proof.limits import FEE_UNITS_MAX
from openoutcry.venue.tariffs.fees import (
    TARIFF_PPM_MAX,
    VALUE_UNITS_MAX,
    auction_ppm,
    fee,
    tick_units_fault,
    trade_fees,
)
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.venue.tariffs.tariffs import ALL_PAIRS, Tariffs

UNITS = st.one_of(st.integers(0, 100), st.integers(0, QTY_LOTS_MAX))
RATES = st.one_of(st.integers(-100, 100), st.integers(-TARIFF_PPM_MAX, TARIFF_PPM_MAX))
VALUES = st.one_of(st.integers(1, 3_000_000), st.integers(1, VALUE_UNITS_MAX))


@st.composite
def tariffs(draw: st.DrawFn, from_ns: int = 0) -> Tariff:
    """A tariff that can be set."""
    maker, taker = draw(RATES), draw(RATES)
    assume(maker + taker >= 0)
    minimum = draw(UNITS)
    maximum = draw(st.one_of(st.just(0), st.integers(minimum, QTY_LOTS_MAX)))
    return Tariff(from_ns, maker, taker, minimum, draw(UNITS), maximum)


@st.composite
def trades(draw: st.DrawFn) -> tuple[Events, dict[int, int]]:
    """TRADED events and the units of each pair; no value passes the bound, but the largest factors together may."""
    rows: list[Any] = []
    units: dict[int, int] = {}
    for _ in range(draw(st.integers(0, 20))):
        pair = draw(st.integers(0, 3))
        unit = units.setdefault(pair, draw(st.one_of(st.integers(1, 10), st.integers(1, 2**40))))
        price = draw(st.integers(1, min(PRICE_TICKS_MAX, VALUE_UNITS_MAX // unit)))
        lots = draw(st.integers(1, min(QTY_LOTS_MAX, VALUE_UNITS_MAX // unit // price)))
        flags = draw(st.sampled_from((0, int(EventFlag.HIDDEN), int(EventFlag.AUCTION))))
        rows.append((1, EventKind.TRADED, 0, 0, flags, pair, 1, 2, price, lots, 0, 0))
    return np.array(rows, EVENT), units


@settings(max_examples=300)
@given(data=st.data())
def test_many_at_once_are_each_as_the_rule_says(data: st.DataObject) -> None:
    """Up to 20 trades in 4 pairs under random tariffs, up to the largest value that a trade may have."""
    traded, units = data.draw(trades())
    book = Tariffs()
    for pair in data.draw(st.sets(st.integers(ALL_PAIRS, 3))):
        assert book.set(pair, data.draw(tariffs()), 0) is None
    maker, taker = book.fees(traded, np.array([units.get(pair, 1) for pair in range(4)], np.int64), 5)
    assert maker.dtype == taker.dtype == np.dtype(np.int64)
    for row, event in enumerate(traded.tolist()):
        pair, price, lots = event[5], event[8], event[9]
        is_auction = bool(event[4] & EventFlag.AUCTION)
        expected = trade_fees(price, lots, units[pair], is_auction, book.of(pair, 5))
        assert (int(maker[row]), int(taker[row])) == expected


@settings(max_examples=300)
@given(value=VALUES, rate=RATES, tariff=tariffs())
def test_a_fee_is_the_exact_share_rounded_up(value: int, rate: int, tariff: Tariff) -> None:
    """In fractions: the exact share, rounded up, brought between minimum and maximum, and the flat part."""
    exact = Fraction(value * rate, 1_000_000)
    part = ceil(exact)
    if rate > 0 and part < tariff.minimum_units:
        part = tariff.minimum_units
    if tariff.maximum_units and abs(part) > tariff.maximum_units:
        part = tariff.maximum_units if part > 0 else -tariff.maximum_units
    assert fee(value, rate, tariff) == part + tariff.flat_units
    assert 0 <= ceil(exact) - exact < 1


@settings(max_examples=300)
@given(parts=st.lists(st.integers(1, 10**15), min_size=1, max_size=12), rate=RATES)
def test_parts_cost_at_least_the_whole_and_less_than_a_unit_each_more(parts: list[int], rate: int) -> None:
    """An order filled in parts at one price, with a rate alone: no way of splitting saves a unit."""
    tariff = Tariff(0, 0, 0)
    whole, pieces = fee(sum(parts), rate, tariff), sum(fee(part, rate, tariff) for part in parts)
    assert whole <= pieces <= whole + len(parts) - 1


@settings(max_examples=300)
@given(value=VALUES, tariff=tariffs(), is_auction=st.booleans())
def test_a_trade_never_pays_out_more_than_it_takes(value: int, tariff: Tariff, is_auction: bool) -> None:
    """Both fees together are at least 0 for every tariff that can be set, and each fits a MATCH, at any value."""
    maker, taker = trade_fees(1, value, 1, is_auction, tariff)
    assert maker + taker >= 0
    assert max(abs(maker), abs(taker)) <= FEE_UNITS_MAX


@settings(max_examples=200)
@given(value=VALUES, tariff=tariffs())
def test_the_sides_of_an_auction_pay_the_same_whoever_is_named_first(value: int, tariff: Tariff) -> None:
    """Also when the two rates change places; and together not less than in continuous trading, rate for rate."""
    changed = Tariff(
        0, tariff.taker_ppm, tariff.maker_ppm, *(tariff.minimum_units, tariff.flat_units, tariff.maximum_units)
    )
    maker, taker = trade_fees(1, value, 1, True, tariff)
    assert maker == taker
    assert (maker, taker) == trade_fees(1, value, 1, True, changed)
    assert tariff.maker_ppm + tariff.taker_ppm <= 2 * auction_ppm(tariff) <= tariff.maker_ppm + tariff.taker_ppm + 1


@settings(max_examples=200)
@given(less=VALUES, more=VALUES, tariff=tariffs())
def test_a_larger_trade_costs_a_positive_rate_no_less(less: int, more: int, tariff: Tariff) -> None:
    """Fees rise with the value; rebates grow."""
    less, more = sorted((less, more))
    for rate in (tariff.maker_ppm, tariff.taker_ppm):
        small, large = fee(less, rate, tariff), fee(more, rate, tariff)
        assert small <= large if rate >= 0 else small >= large


@settings(max_examples=200)
@given(
    price=st.integers(1, PRICE_TICKS_MAX),
    lots=st.integers(1, QTY_LOTS_MAX),
    units=st.one_of(st.integers(1, 1_000), st.integers(1, QTY_LOTS_MAX)),
)
def test_a_pair_that_may_be_listed_has_no_trade_above_the_bound(price: int, lots: int, units: int) -> None:
    """The largest trade of the pair, computed, in both directions."""
    assume(price * lots < 2**62)
    pair = Pair(0, price_ticks_max=price, qty_lots_max=lots)
    assert (tick_units_fault(pair, units) is None) == (price * lots * units <= VALUE_UNITS_MAX)


@settings(max_examples=100)
@given(data=st.data())
def test_the_tariff_that_holds_is_the_last_one_set_for_that_time(data: st.DataObject) -> None:
    """Random settings at growing times, read at every time, against a list of what was said; saved and loaded."""
    book = Tariffs()
    said: list[Tariff] = []
    now = 0
    for _ in range(data.draw(st.integers(1, 8))):
        now += data.draw(st.integers(0, 3))
        tariff = data.draw(tariffs(from_ns=now + data.draw(st.integers(0, 5))))
        assert book.set(1, tariff, now) is None
        said = [one for one in said if one.from_ns < tariff.from_ns] + [tariff]
        book = Tariffs.load(book.save())
    traded = np.array([(1, EventKind.TRADED, 0, 0, 0, 1, 1, 2, 7, 10**6, 0, 0)], EVENT)
    for moment in range(now, now + 10):
        holding = [one for one in said if one.from_ns <= moment]
        expected = holding[-1] if holding else Tariff(0, 0, 0)
        assert book.of(1, moment) == expected
        maker, taker = book.fees(traded, np.ones(2, np.int64), moment)
        assert (int(maker[0]), int(taker[0])) == trade_fees(7, 10**6, 1, False, expected)
