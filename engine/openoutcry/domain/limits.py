"""Every bound of the domain, with its unit and its reason.

Three of them together make wrapping impossible in int64 arithmetic: the product of a pair's largest price and largest
quantity stays below 2^62, all open quantity of a pair stays below 2^62, and all amounts ever credited to one backing
stay below 2^62. So every sum of two such terms stays below 2^63.
"""

from typing import Final

PRICE_TICKS_MAX: Final = 2**28 - 1
"""Largest price of any pair, in ticks. A pair's prices are bits of a bitmap: 2^28 bits are 32 MiB a side."""

QTY_LOTS_MAX: Final = 2**56 - 1
"""Largest quantity of one order, in lots, before a pair narrows it (see `NOTIONAL_MAX`)."""

NOTIONAL_MAX: Final = 2**62 - 1
"""A pair must have price_ticks_max * qty_lots_max <= NOTIONAL_MAX, so that price x quantity never wraps."""

OPEN_LOTS_MAX: Final = 2**62 - 1
"""All open quantity of one pair, in lots: an order that would pass it is rejected, so no sum over orders wraps."""

BACKING_UNITS_MAX: Final = 2**62 - 1
"""All that was ever credited to one account in one instrument."""

POSITION_LOTS_MAX: Final = 2**62 - 1
"""Largest net position plus open quantity on one side, in lots; also the position limit of a new account."""

TIME_NS_MAX: Final = 2**63 - 2
"""Latest time a command may carry, nanoseconds UTC since 1970."""

ORDERS_MAX: Final = 2**26
"""Largest capacity of one `Books`, in orders that rest at once: 4 GiB of order records."""

PAIRS_MAX: Final = 2**16
"""Largest pair id + 1."""

ACCOUNTS_MAX: Final = 2**24
"""Largest account id + 1."""

INSTRUMENTS_MAX: Final = 2**32 - 1
"""Largest instrument index inside one `Books` + 1."""

ICEBERG_PEAKS_MAX: Final = 1_000
"""An iceberg is at most so many peaks: it can be replenished no more often, so one taker cannot make events for hours.
Venues ask for a peak of 1 % to 5 %."""

BATCH_COMMANDS_MAX: Final = 2**24
"""Commands in one `apply`: 1 GiB of records."""
