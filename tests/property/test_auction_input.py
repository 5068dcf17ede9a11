"""Anything at all as the input of an auction: a clearing or a ValueError, alike under both implementations."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.book.auction import AuctionOrder, Clearing, uncross
from openoutcry.book.reference.auction import uncross_plain
from openoutcry.domain import AuctionRule, Side
from openoutcry.domain.limits import OPEN_LOTS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

EDGES = [0, 1, -1, 2, PRICE_TICKS_MAX, PRICE_TICKS_MAX + 1, QTY_LOTS_MAX, QTY_LOTS_MAX + 1, OPEN_LOTS_MAX, 2**63 - 1]
NUMBERS = st.sampled_from(EDGES) | st.integers(1, 9) | st.integers(1, 9) | st.integers()
JUNK = st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.just(()) | st.binary(max_size=2)
ANYTHING = NUMBERS | NUMBERS | JUNK
ORDERS = st.lists(
    st.builds(
        AuctionOrder,
        st.sampled_from(Side) | st.sampled_from(Side) | ANYTHING,
        ANYTHING,
        st.none() | ANYTHING,
        st.booleans() | st.booleans() | ANYTHING,
        st.booleans() | ANYTHING,
        st.none() | st.none() | ANYTHING,
    )
    | ANYTHING,
    max_size=4,
)
RULES = st.sampled_from(AuctionRule) | st.sampled_from([rule.name.lower() for rule in AuctionRule]) | ANYTHING


@given(
    orders=ORDERS,
    reference=st.none() | ANYTHING,
    tick=st.just(1) | ANYTHING,
    rule=RULES,
    collar=st.none() | st.tuples(ANYTHING, ANYTHING) | ANYTHING,
)
def test_any_input_clears_or_is_refused(orders: list[Any], reference: Any, tick: Any, rule: Any, collar: Any) -> None:
    """Fields of wrong types, at and beyond every bound: the same clearing, or the same message, from both."""
    results: list[Clearing | str] = []
    for by in (uncross, uncross_plain):
        try:
            results.append(by(orders, reference_ticks=reference, tick=tick, rule=rule, collar=collar))
        except ValueError as error:
            results.append(str(error))
    assert results[0] == results[1]
    assert results[0] != ""
