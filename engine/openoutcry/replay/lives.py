"""The life of every order of a recording: to which entry each message belongs and how much was left of the order.

Vectorised: one stable sort by order, then running sums inside each life.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.replay.flow import Action, Messages

NO_ENTRY: Final = -1
"""`Lives.entry` of a message whose order was never seen entering."""

NO_ORDER: Final = -2
"""`Lives.entry` of a message that names no order of the book: TRADE, AUCTION."""


@dataclass(frozen=True, slots=True)
class Lives:
    """One value per message: index of the ADD of its order (NO_ENTRY, NO_ORDER), leaves before it and after it."""

    entry: NDArray[np.int64]
    before_lots: NDArray[np.int64]
    after_lots: NDArray[np.int64]


def trace(messages: Messages) -> Lives:
    """Follow every order. An id may be used again once its order is gone. Cost: a sort of all messages."""
    count = len(messages)
    entry = np.full(count, NO_ORDER, dtype=np.int64)
    before = np.zeros(count, dtype=np.int64)
    after = np.zeros(count, dtype=np.int64)
    ours = np.flatnonzero((messages["action"] != Action.TRADE) & (messages["action"] != Action.AUCTION))
    if len(ours) == 0:
        return Lives(entry, before, after)
    order = ours[np.lexsort((messages["order_id"][ours], messages["pair"][ours]))]
    action, ids, pairs = messages["action"][order], messages["order_id"][order], messages["pair"][order]
    quantity = messages["qty_lots"][order]

    is_add = action == Action.ADD
    begins = is_add.copy()
    begins[0] = True
    begins[1:] |= (ids[1:] != ids[:-1]) | (pairs[1:] != pairs[:-1])
    first = np.flatnonzero(begins)[np.cumsum(begins) - 1]

    takes_off = (action == Action.FILL) | (action == Action.TAKE) | (action == Action.REDUCE)
    running = np.cumsum(np.where(takes_off, quantity, 0))
    taken = running - running[first]
    known = is_add[first]
    left = np.where(known, quantity[first] - taken, 0)
    left_before = np.where(takes_off, left + quantity, left)
    left_before[is_add] = 0
    deletes = action == Action.DELETE
    deleted = np.cumsum(deletes)
    gone = deleted - deletes > (deleted - deletes)[first]
    left[deletes | gone] = 0
    left_before[gone] = 0

    entry[order] = np.where(known, order[first], NO_ENTRY)
    before[order] = np.where(known, left_before, 0)
    after[order] = left
    return Lives(entry, before, after)


def add_again(messages: Messages) -> NDArray[np.bool_]:
    """Return which ADDs give an order that is still live its id once more."""
    lives = trace(messages)
    again = np.zeros(len(messages), dtype=np.bool_)
    adds = np.flatnonzero(messages["action"] == Action.ADD)
    if len(adds) < 2:
        return again
    touched = np.flatnonzero(lives.entry >= 0)
    last = np.zeros(len(messages), dtype=np.int64)
    np.maximum.at(last, lives.entry[touched], touched)
    order = adds[np.lexsort((adds, messages["order_id"][adds], messages["pair"][adds]))]
    earlier, later = order[:-1], order[1:]
    same = (messages["order_id"][earlier] == messages["order_id"][later]) & (
        messages["pair"][earlier] == messages["pair"][later]
    )
    again[later[same & (lives.after_lots[last[earlier]] > 0)]] = True
    return again
