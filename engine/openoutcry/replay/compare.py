"""Our trades against the venue's: how many are the same, and why the others are not."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.replay.books import INFERRED
from openoutcry.replay.flow import Action, MessageFlag, Messages

STALE: Final = "a stale order of the opening snapshot stood first"
DISPLACED: Final = "an order had lost its place by an earlier difference"
PRIORITY: Final = "another order at the same price came first"
SIZE: Final = "another quantity of the same two orders"
PRICE: Final = "at another price"
NO_TRADE: Final = "our book did not trade"
ONLY_OURS: Final = "our book traded where the venue let the order rest"
HIDDEN: Final = "with a hidden order"
UNSEEN: Final = "with an order that the recording does not have"
AUCTION: Final = "in an auction"
OTHER: Final = "other"
CLASSES: Final = (
    STALE, DISPLACED, PRIORITY, SIZE, PRICE, NO_TRADE, ONLY_OURS, HIDDEN, UNSEEN, AUCTION, OTHER,
)  # fmt: skip
"""Every way in which our trades and the venue's can differ, in the order in which the first that applies is taken."""

Order: TypeAlias = tuple[int, int]
"""Pair and id of an order."""

Trade: TypeAlias = tuple[int, int, int, int, int]
"""Pair, taker, maker, price, quantity."""

COMPARED: Final = ("pair", "taker", "maker", "price_ticks", "qty_lots")


@dataclass(slots=True)
class Comparison:
    """venue: trades of the venue. same: of those, how many ours equal in taker, maker, price and quantity. missing:
    the venue's trades that ours do not have, by class. extra: ours that the venue does not have, by class. displaced:
    orders that lost their place when our book was brought back to the venue's. stale: stale orders of the snapshot.
    """

    venue: int = 0
    same: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)
    displaced: set[Order] = field(default_factory=set)
    stale: frozenset[Order] = frozenset()

    @staticmethod
    def begin(messages: Messages) -> "Comparison":
        """Return a comparison that has counted the trades no book could make: hidden, unseen, of an auction."""
        action, flags = messages["action"], messages["flags"]
        unseen = (action == Action.TRADE) & ((flags & MessageFlag.UNSEEN) != 0)
        counts = {
            HIDDEN: int(((action == Action.TRADE) & ~unseen).sum()),
            UNSEEN: int(unseen.sum()),
            AUCTION: int((action == Action.AUCTION).sum()),
        }
        stale = messages[(action == Action.ADD) & ((flags & MessageFlag.STALE) != 0)]
        orders = frozenset(zip(stale["pair"].tolist(), stale["order_id"].tolist(), strict=True))
        missing = Counter({name: count for name, count in counts.items() if count})
        return Comparison(venue=missing.total(), missing=missing, stale=orders)

    def share_ppm(self) -> int | None:
        """Return the share of the venue's trades that came out the same, in parts per million; None without trades."""
        return self.same * 1_000_000 // self.venue if self.venue else None


def compare(comparison: Comparison, ours: NDArray[np.void], venue: NDArray[np.void]) -> list[Order]:
    """Count the trades of one stretch. Return the orders that our book and the venue may now have different leaves of.

    ours: OURS records. venue: VENUE_TRADE records. Both in the order in which they were made.
    """
    comparison.venue += len(venue)
    if len(ours) == len(venue) and all(np.array_equal(ours[name], venue[name]) for name in COMPARED):
        comparison.same += len(venue)
        return []
    our_trades, venue_trades = Counter(_trades(ours)), Counter(_trades(venue))
    comparison.same += (our_trades & venue_trades).total()
    missing, extra = venue_trades - our_trades, our_trades - venue_trades
    for trade in missing.elements():
        comparison.missing[_class_of_missing(comparison, trade, our_trades, extra)] += 1
    takers_of_missing = {(trade[0], trade[1]) for trade in missing}
    for trade in extra.elements():
        comparison.extra[_class_of_extra(comparison, trade, takers_of_missing, missing)] += 1
    touched = {
        (pair, order) for pair, taker, maker, _, _ in [*missing, *extra] for order in (taker, maker) if order < INFERRED
    }
    return sorted(touched)


def _trades(records: NDArray[np.void]) -> list[Trade]:
    return list(zip(*(records[name].tolist() for name in COMPARED), strict=True))


def _class_of_missing(comparison: Comparison, trade: Trade, ours: Counter[Trade], extra: Counter[Trade]) -> str:
    pair, taker, maker, price, _ = trade
    instead = [other for other in extra if other[:2] == (pair, taker)]
    met = {(pair, other[2]) for other in instead}
    if met & comparison.stale:
        return STALE
    if (met | {(pair, maker), (pair, taker)}) & comparison.displaced:
        return DISPLACED
    if not any(other[:2] == (pair, taker) for other in ours):
        return NO_TRADE
    if any(other[2:4] == (maker, price) for other in instead):
        return SIZE
    if any(other[3] == price for other in instead):
        return PRIORITY
    if any(other[2] == maker for other in instead) or instead:
        return PRICE
    return OTHER


def _class_of_extra(
    comparison: Comparison, trade: Trade, takers_of_missing: set[Order], missing: Counter[Trade]
) -> str:
    pair, taker, maker, price, _ = trade
    if (pair, maker) in comparison.stale:
        return STALE
    if {(pair, maker), (pair, taker)} & comparison.displaced:
        return DISPLACED
    if (pair, taker) not in takers_of_missing:
        return ONLY_OURS
    instead = [other for other in missing if other[:2] == (pair, taker)]
    if any(other[2:4] == (maker, price) for other in instead):
        return SIZE
    return PRIORITY if any(other[3] == price for other in instead) else PRICE
