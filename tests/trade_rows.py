"""Random trades for tests of statements: events, accounts and fees, and the rows that follow from them."""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from openoutcry.domain import EventFlag, EventKind
from openoutcry.domain.records import EVENT, Events
from openoutcry.venue.statements.rows import I64

PAIRS, ACCOUNTS = 3, 5
TICK_UNITS = np.array([1, 7, 2**20], np.int64)


class Group(NamedTuple):
    """The trades of one record."""

    traded: Events
    accounts: tuple[NDArray[np.uint32], NDArray[np.uint32]]
    fees: tuple[I64, I64]


@st.composite
def groups(draw: st.DrawFn, most: int = 8) -> Group:
    """Trades in three pairs among five accounts, some of the largest value there can be."""
    rows: list[Any] = []
    fees: list[tuple[int, int]] = []
    owners: list[tuple[int, int]] = []
    for _ in range(draw(st.integers(0, most))):
        pair, side = draw(st.integers(0, PAIRS - 1)), draw(st.integers(0, 1))
        flags = draw(st.sampled_from((0, int(EventFlag.AUCTION), int(EventFlag.HIDDEN))))
        price = draw(st.integers(1, 1_000))
        lots = draw(st.one_of(st.integers(1, 9), st.integers(1, (2**62 - 1) // 1_000 // int(TICK_UNITS[pair]) >> 7)))
        rows.append(
            (1, EventKind.TRADED, 1 if flags & EventFlag.AUCTION else side, 0, flags, pair, 1, 2, price, lots, 0, 0)
        )
        fees.append((draw(st.integers(-(2**61), 2**61)), draw(st.integers(-5, 5))))
        owners.append((draw(st.integers(0, ACCOUNTS - 1)), draw(st.integers(0, ACCOUNTS - 1))))
    makers, takers = np.array(owners, np.uint32).reshape(-1, 2).T
    maker_fees, taker_fees = np.array(fees, np.int64).reshape(-1, 2).T
    return Group(np.array(rows, EVENT), (makers, takers), (maker_fees, taker_fees))
