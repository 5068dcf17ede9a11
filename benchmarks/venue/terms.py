"""What the venue of the benchmarks trades, and within which limits."""

from typing import Final

from benchmarks import workloads
from openoutcry.domain import AccountField, Pair

ACCOUNTS: Final = 250
"""Accounts of each member."""

RATE: Final = 10**8
"""Commands a second that a member may send: what is measured is the venue, not its limits."""

LIMITS: Final = (
    (AccountField.OPEN_ORDERS_MAX, 2**30),
    (AccountField.ORDER_LOTS_MAX, 2**30),
    (AccountField.NOTIONAL_MAX, 2**54),
    (AccountField.COLLAR_TICKS, 2**24),
    (AccountField.POSITION_LOTS_MAX, 2**50),
)
"""Finite, so that each is compared, and so wide that none refuses an order."""


def pair() -> Pair:
    """Return the pair that mix A trades."""
    low, high = workloads.PRICE_TICKS_RANGE["A"]
    return Pair(0, base=1, quote=0, price_ticks_min=low, price_ticks_max=high)
