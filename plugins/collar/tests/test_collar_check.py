"""The price collar: what passes, what does not, and that the rule and the check are the same."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from openoutcry.domain import Op, RejectCode
from openoutcry.domain.records import COMMAND
from openoutcry_collar.plugin import Collar
from openoutcry_collar.rule import PRICE_TICKS_MAX, CollarSettings, bounds

REFUSED = int(RejectCode.COLLAR_LIMIT)


def orders(*prices: int, op: Op = Op.PLACE, pair: int = 7) -> NDArray[np.void]:
    """Orders at these prices."""
    commands = np.zeros(len(prices), dtype=COMMAND)
    commands["op"], commands["pair"], commands["price_ticks"] = op, pair, prices
    return commands


def codes(settings: CollarSettings, commands: NDArray[np.void], last_ticks: int) -> list[int]:
    """Ask the check; None is no objection."""
    answer = Collar(settings).check_orders(commands, np.full(len(commands), last_ticks, dtype=np.int64))
    return [0] * len(commands) if answer is None else answer.tolist()


def test_a_price_passes_up_to_the_distance_and_no_further() -> None:
    """Five prices around both ends of a collar of 5 % at 1,000."""
    settings = CollarSettings(distance_ppm=50_000)
    assert codes(settings, orders(949, 950, 1_000, 1_050, 1_051), 1_000) == [REFUSED, 0, 0, 0, REFUSED]


def test_a_cheap_pair_can_move_by_the_least_number_of_ticks() -> None:
    """5 % of 10 is no tick, so `ticks_min` decides."""
    settings = CollarSettings(distance_ppm=50_000, ticks_min=2)
    assert codes(settings, orders(7, 8, 12, 13), 10) == [REFUSED, 0, 0, REFUSED]


@pytest.mark.parametrize("op", [Op.CANCEL, Op.REDUCE, Op.MASS_CANCEL])
def test_what_takes_an_order_out_of_the_book_passes(op: Op) -> None:
    """A cancellation with any price in its field."""
    assert codes(CollarSettings(), orders(9_999, op=op), 1_000) == [0]


def test_an_order_that_is_replaced_is_held_to_its_new_price() -> None:
    """REPLACE beside PLACE, at one price."""
    assert codes(CollarSettings(), orders(9_999, op=Op.REPLACE), 1_000) == [REFUSED]


def test_an_order_without_a_price_passes() -> None:
    """A market order has price 0."""
    assert codes(CollarSettings(), orders(0), 1_000) == [0]


def test_before_the_first_trade_the_reference_of_the_settings_counts() -> None:
    """Two pairs without a last price, one of them with a reference; and a last price comes before a reference."""
    settings = CollarSettings(references={"7": 1_000})
    assert codes(settings, orders(5_000, pair=7), 0) == [REFUSED]
    assert codes(settings, orders(5_000, pair=8), 0) == [0]
    assert codes(settings, orders(5_000, pair=7), 5_000) == [0]


@given(
    last=st.integers(1, PRICE_TICKS_MAX),
    price=st.integers(1, PRICE_TICKS_MAX),
    distance_ppm=st.integers(1, 10_000_000),
    ticks_min=st.integers(1, 1_000),
)
def test_the_check_refuses_what_is_outside_the_bounds(last: int, price: int, distance_ppm: int, ticks_min: int) -> None:
    """Any order, against the bounds that `outcry collar explain` prints."""
    settings = CollarSettings(distance_ppm, ticks_min)
    low, high = bounds(last, settings)
    assert codes(settings, orders(price), last) == [0 if low <= price <= high else REFUSED]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"distance_ppm": 0}, "distance_ppm"),
        ({"distance": 5}, "unknown field `distance`"),
        ({"references": {"BTC": 5}}, "references"),
        ({"references": {"7": 0}}, "references"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], words: str) -> None:
    """Each is converted as the host does it."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(settings, CollarSettings)
