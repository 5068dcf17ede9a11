"""The fee of one side of a trade, in units of the quote instrument: the rule, in Python integers of any size.

`Tariffs.fees` does the same for many trades at once; the tests hold them against each other.
"""

from typing import Final

from openoutcry.domain import Pair
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.wire.service import Rate

PPM: Final = 1_000_000

TARIFF_PPM_MAX: Final = 500_000
"""Largest rate of a tariff, either way: then the fee of the largest trade, minimum and flat part included, stays below
2^62 units, which a MATCH has room for."""

VALUE_UNITS_MAX: Final = 2**62 - 1
"""Largest value of one trade, in units: as for backing. A pair that may pass it is not listed (`tick_units_fault`)."""


def fee(value_units: int, rate_ppm: int, tariff: Tariff) -> int:
    """Return what one side pays for a trade of this value, negative where the venue pays.

    The rate's part is rounded up: a fee to the next unit, a rebate towards zero. A positive rate's part is at least the
    minimum and at most the maximum, a rebate at most the maximum; then comes the flat part.

    >>> tariff = Tariff(0, maker_ppm=-20, taker_ppm=35, minimum_units=1, flat_units=0)
    >>> fee(1_000_000, 35, tariff), fee(1_000_001, 35, tariff), fee(10, 35, tariff), fee(99_999, -20, tariff)
    (35, 36, 1, -1)
    """
    part = -(-value_units * rate_ppm // PPM)
    if rate_ppm > 0:
        part = max(part, tariff.minimum_units)
    if tariff.maximum_units:
        part = max(min(part, tariff.maximum_units), -tariff.maximum_units)
    return part + tariff.flat_units


def auction_ppm(tariff: Tariff) -> int:
    """Return the rate of both sides of an auction's trade, where nobody rests and nobody comes: the mean, rounded up.

    >>> auction_ppm(Tariff(0, -20, 35)), auction_ppm(Tariff(0, 10, 20))
    (8, 15)
    """
    return -(-(tariff.maker_ppm + tariff.taker_ppm) // 2)


def trade_fees(price_ticks: int, qty_lots: int, tick_units: int, is_auction: bool, tariff: Tariff) -> tuple[int, int]:
    """Return what maker and taker (in an auction buyer and seller) pay for one trade, in units.

    tick_units: units of the quote instrument that one lot costs at one tick.

    >>> trade_fees(100, 1_000, 10, False, Tariff(0, -20, 35, 1))
    (-20, 35)
    """
    value_units = price_ticks * qty_lots * tick_units
    if is_auction:
        both = fee(value_units, auction_ppm(tariff), tariff)
        return both, both
    return fee(value_units, tariff.maker_ppm, tariff), fee(value_units, tariff.taker_ppm, tariff)


def rate_of(role: str, tariff: Tariff) -> Rate:
    """Return a tariff as a service record shows it; a maximum is not part of it.

    >>> rate_of("discovery", Tariff(0, -20, 35, 1)).taker_ppm
    35
    """
    return Rate(role, tariff.maker_ppm, tariff.taker_ppm, tariff.minimum_units, tariff.flat_units)


def tick_units_fault(pair: Pair, tick_units: int) -> str | None:
    """Say why a pair cannot be listed with these units of a tick, or None: a trade's value has to stay within int64.

    >>> tick_units_fault(Pair(0, price_ticks_max=1_000, qty_lots_max=10**6), 10)
    >>> tick_units_fault(Pair(0), 2)
    'a trade of up to 9223372036854743040 units, expected at most 4611686018427387903: lower qty_lots_max'
    """
    assert pair.qty_lots_max is not None
    return value_fault(pair.price_ticks_max, pair.qty_lots_max, tick_units)


def value_fault(price_ticks_max: int, qty_lots_max: int, tick_units: int) -> str | None:
    """The same for the bounds of a pair that nobody has checked yet."""
    most = price_ticks_max * qty_lots_max * tick_units
    if tick_units < 1:
        return f"tick_units is {tick_units}, expected at least 1"
    if most > VALUE_UNITS_MAX:
        return f"a trade of up to {most} units, expected at most {VALUE_UNITS_MAX}: lower qty_lots_max"
    return None


def tariff_fault(tariff: Tariff, now_ns: int) -> str | None:
    """Say why a tariff cannot be set at `now_ns`, or None.

    Rates that pay out more than they take would pay whoever trades with himself; what was charged stays charged.
    """
    if tariff.from_ns < now_ns:
        return "from_ns is in the past: a tariff holds from its setting on at the earliest"
    if max(abs(tariff.maker_ppm), abs(tariff.taker_ppm)) > TARIFF_PPM_MAX:
        return f"{tariff.maker_ppm} and {tariff.taker_ppm} ppm: expected at most {TARIFF_PPM_MAX} either way"
    if tariff.maker_ppm + tariff.taker_ppm < 0:
        return f"{tariff.maker_ppm} and {tariff.taker_ppm} ppm: expected a sum of at least 0"
    if 0 < tariff.maximum_units < tariff.minimum_units:
        return f"maximum_units is {tariff.maximum_units}, expected 0 or at least {tariff.minimum_units}"
    return None
