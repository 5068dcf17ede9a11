"""Orders of an opening snapshot that the venue no longer had when its live messages began.

A snapshot and a live stream are fetched one after the other; what is cancelled in between stays in the snapshot for
ever. Such an order gives itself away when the venue lets an order of the other side rest at its price or beyond it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import OrderType, Side
from openoutcry.replay.flow import Action, MessageFlag, Messages
from openoutcry.replay.lives import Lives, trace
from openoutcry.replay.tops import NO_PRICE, Rests, best_prices

STALE: Final = "order of the snapshot that the venue no longer had"


@dataclass(frozen=True, slots=True)
class _Entries:
    """Orders with a price: index of their ADD, and of the message with which they were gone (or the end)."""

    add: NDArray[np.int64]
    end: NDArray[np.int64]
    own_end: NDArray[np.bool_]


def drop_stale(messages: Messages) -> tuple[Messages, int]:
    """Return the messages with each stale order deleted just before the message that gave it away, and their number.

    Only an order of the snapshot with no later message of its own can be stale: for one that has, the venue still had
    it. Its ADD is flagged STALE.
    """
    if len(messages) == 0:
        return messages, 0
    lives = trace(messages)
    entries = _entries(messages, lives)
    added = messages[entries.add]
    in_snapshot = (added["flags"] & MessageFlag.SNAPSHOT) != 0
    suspects = in_snapshot & ~entries.own_end
    ends_of_groups = np.flatnonzero(np.append(messages["group"][1:] != messages["group"][:-1], True))
    there = Rests(added["order_id"], added["side"], added["price_ticks"], entries.add, entries.end)
    live = Rests(
        there.handle[~suspects], there.side[~suspects], there.price_ticks[~suspects], there.begin[~suspects],
        there.end[~suspects],
    )  # fmt: skip
    stale_at = np.full(len(added), -1, dtype=np.int64)
    for side in Side:
        best = best_prices(live, side.opposite, len(messages))[ends_of_groups]
        sign = 1 if side is Side.SELL else -1
        reach = np.maximum.accumulate(np.where(best == NO_PRICE, np.iinfo(np.int64).min, sign * best))
        mine = np.flatnonzero(suspects & (added["side"] == side))
        group = np.searchsorted(reach, sign * there.price_ticks[mine], side="left")
        found = group < len(reach)
        starts = np.append(0, ends_of_groups[:-1] + 1)
        stale_at[mine[found]] = starts[group[found]]
    stale = np.flatnonzero(stale_at >= 0)
    if len(stale) == 0:
        return messages, 0
    messages = messages.copy()
    messages["flags"][entries.add[stale]] |= np.uint8(MessageFlag.STALE)
    deletions = messages[entries.add[stale]].copy()
    where = stale_at[stale]
    deletions["action"] = Action.DELETE
    for name in ("group", "time_ns", "record"):
        deletions[name] = messages[name][where]
    order = np.argsort(where, kind="stable")
    return np.insert(messages, where[order], deletions[order]), len(stale)


def _entries(messages: Messages, lives: Lives) -> _Entries:
    is_limit = (messages["action"] == Action.ADD) & (messages["kind"] != OrderType.MARKET)
    add = np.flatnonzero(is_limit)
    end = np.full(len(messages), len(messages), dtype=np.int64)
    followed = np.zeros(len(messages), dtype=np.bool_)
    later = np.flatnonzero((lives.entry >= 0) & (messages["action"] != Action.ADD))
    followed[lives.entry[later]] = True
    last = later[lives.after_lots[later] <= 0]
    end[lives.entry[last]] = last
    return _Entries(add, end[add], followed[add])
