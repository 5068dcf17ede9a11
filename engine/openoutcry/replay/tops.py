"""Best prices after every command, worked out from a book's events alone.

Independent of how a book finds its best price, so it also checks that; and vectorised, so that a quote after each of a
million commands costs a fraction of a second.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import EventFlag, EventKind, Side
from openoutcry.domain.records import Events

NO_PRICE: Final = 0
"""Best price of a side without orders; no order has this price."""

GONE: Final = (EventKind.TRADED, EventKind.CANCELLED, EventKind.EXPIRED)
"""After one of these with no leaves, the maker is no longer in the book."""


@dataclass(frozen=True, slots=True)
class PairEvents:
    """The events of one pair. place: for each, which of the pair's commands it answers, from 0. count: its commands."""

    events: Events
    place: NDArray[np.int64]
    count: int


@dataclass(frozen=True, slots=True)
class Rests:
    """Displayed orders while they rest, one element each.

    begin, end: the order is there after every command of begin <= command < end.
    """

    handle: NDArray[np.uint64]
    side: NDArray[np.uint8]
    price_ticks: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quotes:
    """Best price and its displayed quantity on both sides, 0 where there is none; one element per row asked for."""

    bid_ticks: NDArray[np.int64]
    ask_ticks: NDArray[np.int64]
    bid_lots: NDArray[np.int64]
    ask_lots: NDArray[np.int64]


def rests(tape: PairEvents) -> Rests:
    """Return when each displayed order of a pair rested.

    For books without icebergs and replacements, where an order rests at most once.
    """
    events = tape.events
    shown = np.flatnonzero(_shows(events))
    over = np.flatnonzero(np.isin(events["kind"], GONE) & (events["maker_leaves"] == 0))
    handle = events["maker"][shown]
    end = np.full(len(shown), tape.count, dtype=np.int64)
    at, ended = find(events["maker"][over], handle)
    end[ended] = tape.place[over[at[ended]]]
    return Rests(handle, events["side"][shown], events["price_ticks"][shown], tape.place[shown], end)


def find(values: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return for each wanted value an index at which `values` has it, and whether it has it at all."""
    if len(values) == 0:
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    order = np.argsort(values)
    at = order[np.minimum(np.searchsorted(values[order], wanted), len(values) - 1)]
    return at, values[at] == wanted


def best_prices(there: Rests, side: Side, count: int) -> NDArray[np.int64]:
    """Return the best price of a side after each of `count` commands, NO_PRICE where there is none.

    Every rest is covered by two runs of 2^k commands, entered in a table of level k; then each level hands its maxima
    down to the next (a sparse table for range maximum, run backwards). Cost: O(count x log count), vectorised.
    """
    which = (there.side == side) & (there.end > there.begin)
    begin, end = there.begin[which], there.end[which]
    sign = 1 if side is Side.BUY else -1
    lowest = np.iinfo(np.int64).min
    value = sign * there.price_ticks[which]
    level = np.frexp((end - begin).astype(np.float64))[1] - 1
    best = np.full(count, lowest, dtype=np.int64)
    for k in range(int(level.max(initial=-1)), -1, -1):
        now = level == k
        np.maximum.at(best, begin[now], value[now])
        np.maximum.at(best, end[now] - (1 << k), value[now])
        if k:
            half = 1 << (k - 1)
            best[half:] = np.maximum(best[half:], best[:-half].copy())
    return np.where(best == lowest, NO_PRICE, sign * best)


def quotes(tape: PairEvents, there: Rests, rows: NDArray[np.int64]) -> Quotes:
    """Return the quote after each of the pair's commands `rows`, ascending."""
    bid = best_prices(there, Side.BUY, tape.count)[rows]
    ask = best_prices(there, Side.SELL, tape.count)[rows]
    return Quotes(bid, ask, _displayed(tape, there, Side.BUY, bid, rows), _displayed(tape, there, Side.SELL, ask, rows))


def _shows(events: Events) -> NDArray[np.bool_]:
    open_ = (events["flags"] & (EventFlag.HIDDEN | EventFlag.MARKET)) == 0
    return np.asarray((events["kind"] == EventKind.RESTING) & open_)


def _displayed(
    tape: PairEvents, there: Rests, side: Side, price: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the quantity displayed at `price` after command `rows`: a running sum of all changes of that level."""
    events = tape.events
    owner, known = find(there.handle, events["maker"])
    if len(there.handle) == 0:
        return np.zeros(len(rows), dtype=np.int64)
    adds = _shows(events)
    takes = np.isin(events["kind"], GONE) & (tape.place >= there.begin[owner])
    changes = np.flatnonzero((adds | takes) & known & (there.side[owner] == side))
    lots = np.where(adds[changes], events["qty_lots"][changes], -events["qty_lots"][changes])
    level = there.price_ticks[owner[changes]]
    prices = np.unique(level)
    key = np.searchsorted(prices, level) * tape.count + tape.place[changes]
    order = np.argsort(key, kind="stable")
    key, total = key[order], np.append(0, np.cumsum(lots[order]))
    asked = np.searchsorted(prices, price) * tape.count
    upto = total[np.searchsorted(key, asked + rows, side="right")] - total[np.searchsorted(key, asked)]
    return np.where(price == NO_PRICE, 0, upto)
