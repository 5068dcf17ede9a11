"""What an auction refuses, and that its words can be imported without its machinery."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from openoutcry.book.auction import AuctionOrder, Clearing, uncross
from openoutcry.book.reference.auction import uncross_plain
from openoutcry.domain import AuctionRule, Side
from openoutcry.domain.limits import OPEN_LOTS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

GOOD = AuctionOrder(Side.BUY, 1, 5)


def order(**fields: Any) -> AuctionOrder:
    """Return a good order with some fields replaced, by anything."""
    return AuctionOrder(**({"side": Side.BUY, "qty_lots": 1, "price_ticks": 5} | fields))


BAD_ORDERS: list[tuple[Any, str]] = [
    (order(qty_lots=0), "order 1: qty_lots is 0, expected an integer from 1 to"),
    (order(qty_lots=-3), "order 1: qty_lots is -3"),
    (order(qty_lots=QTY_LOTS_MAX + 1), "order 1: qty_lots is"),
    (order(qty_lots=2**63), "order 1: qty_lots is"),
    (order(qty_lots=1.0), "order 1: qty_lots is 1.0"),
    (order(qty_lots=True), "order 1: qty_lots is True"),
    (order(qty_lots=None), "order 1: qty_lots is None"),
    (order(qty_lots="1"), "order 1: qty_lots is '1'"),
    (order(price_ticks=0), "order 1: price_ticks is 0, expected None or an integer from 1 to"),
    (order(price_ticks=-1), "order 1: price_ticks is -1"),
    (order(price_ticks=PRICE_TICKS_MAX + 1), "order 1: price_ticks is"),
    (order(price_ticks=10.5), "order 1: price_ticks is 10.5"),
    (order(side="B"), "order 1: side is 'B', expected Side.BUY or Side.SELL"),
    (order(side=0), "order 1: side is 0"),
    (order(hidden=1), "order 1: hidden is 1, expected True or False"),
    (order(market_to_limit=None), "order 1: market_to_limit is None"),
    (order(market_to_limit=True), "order 1: price_ticks is 5, expected None, since it is market to limit"),
    (order(side=Side.SELL, strike_match_minimum_ticks=4), "order 1: strike_match_minimum_ticks is 4, expected None"),
    (order(strike_match_minimum_ticks=6), "order 1: strike_match_minimum_ticks is 6, expected at most its price_ticks"),
    (order(strike_match_minimum_ticks=0), "order 1: strike_match_minimum_ticks is 0"),
    (None, "order 1 is None, expected an AuctionOrder"),
    ((Side.BUY, 1, 5), "order 1 is"),
]
BAD_TERMS: list[tuple[dict[str, Any], str]] = [
    ({"rule": "xetra"}, "rule is 'xetra', expected one of xetra_equities, xetra_continuous_auction,"),
    ({"rule": "EURONEXT"}, "rule is 'EURONEXT'"),
    ({"rule": 4}, "rule is 4"),
    ({"rule": None}, "rule is None"),
    ({"tick": 0}, "tick is 0, expected an integer from 1 to"),
    ({"tick": -1}, "tick is -1"),
    ({"tick": 0.5}, "tick is 0.5"),
    ({"tick": 3}, "order 0: price_ticks is 5, expected a multiple of tick 3"),
    ({"reference_ticks": 0}, "reference_ticks is 0"),
    ({"reference_ticks": PRICE_TICKS_MAX + 1}, "reference_ticks is"),
    ({"reference_ticks": 10.0}, "reference_ticks is 10.0"),
    ({"collar": (9, 8)}, "collar is .9, 8., expected low to be at most high"),
    ({"collar": (0, 8)}, "collar low is 0"),
    ({"collar": (1, 2**40)}, "collar high is"),
    ({"collar": (1,)}, r"collar is .1,., expected .low, high. or None"),
    ({"collar": 8}, "collar is 8"),
    ({"collar": (6, 9), "tick": 5}, "collar is .6, 9., expected a multiple of tick 5 within it"),
    ({"rule": "xetra_continuous_auction"}, "collar is None, expected .low, high.: the quote of the market maker"),
]


@pytest.mark.parametrize("by", [uncross, uncross_plain])
@pytest.mark.parametrize(("bad", "message"), BAD_ORDERS)
def test_a_bad_order_is_named(by: Callable[..., Clearing], bad: Any, message: str) -> None:
    """One bad order behind a good one: a ValueError with its place, field, value and what was expected."""
    with pytest.raises(ValueError, match=f"^{message}"):
        by([GOOD, bad], reference_ticks=None, tick=1, rule="nse")


@pytest.mark.parametrize("by", [uncross, uncross_plain])
@pytest.mark.parametrize(("terms", "message"), BAD_TERMS)
def test_bad_terms_are_named(by: Callable[..., Clearing], terms: dict[str, Any], message: str) -> None:
    """Good orders, one argument replaced."""
    good: dict[str, Any] = {"reference_ticks": None, "tick": 1, "rule": "nse", "collar": None}
    with pytest.raises(ValueError, match=f"^{message}"):
        by([GOOD, GOOD], **(good | terms))


def test_all_lots_together_stay_within_the_bound() -> None:
    """64 of the largest orders just fit and clear without wrapping; 65 are refused."""
    orders = [AuctionOrder(Side(place % 2), QTY_LOTS_MAX, PRICE_TICKS_MAX) for place in range(64)]
    assert 64 * QTY_LOTS_MAX < OPEN_LOTS_MAX
    half = 32 * QTY_LOTS_MAX
    clearing = uncross(orders, reference_ticks=None, tick=1, rule="hkex")
    assert (clearing.price_ticks, clearing.volume_lots, clearing.surplus_lots) == (PRICE_TICKS_MAX, half, 0)
    assert sum(lots for _, lots in clearing.fills) == 2 * half
    with pytest.raises(ValueError, match=r"^qty_lots of all orders together is"):
        uncross([*orders, orders[0]], reference_ticks=None, tick=1, rule="hkex")


def test_rules_are_taken_as_names_and_as_members() -> None:
    """Both give the same clearing; orders may be any iterable, quantities any integer type."""
    orders = [GOOD, AuctionOrder(Side.SELL, np.int64(2), np.int32(4))]  # type: ignore[arg-type]
    for rule in AuctionRule:
        by_member = uncross(iter(orders), reference_ticks=5, tick=1, rule=rule, collar=(1, 9))
        assert by_member == uncross(orders, reference_ticks=5, tick=1, rule=rule.name.lower(), collar=(1, 9))
        assert by_member.volume_lots == 1


def test_values_cannot_change() -> None:
    """Both dataclasses are frozen and have slots."""
    for value, field in ((GOOD, "side"), (Clearing(None, 0, 0, None, ()), "fills")):
        with pytest.raises(AttributeError):
            setattr(value, field, None)
        assert not hasattr(value, "__dict__")


def test_importing_the_words_loads_no_kernel() -> None:
    """A fresh interpreter imports `AuctionOrder` and has neither numpy nor numba; the first auction loads them."""
    program = (
        "import sys; from openoutcry.book.auction import AuctionOrder, uncross\n"
        "from openoutcry.domain import Side\n"
        "assert not {'numpy', 'numba'} & set(sys.modules)\n"
        "uncross([AuctionOrder(Side.BUY, 1, 5)], reference_ticks=None, tick=1, rule='nse')\n"
        "assert 'numba' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
