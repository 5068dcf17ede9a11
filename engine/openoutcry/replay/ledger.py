"""Whose handle is whose, and how much is left of every order, kept from a book's events alone."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import EventKind
from openoutcry.domain.records import Events

SLOT_MASK: Final = np.uint64(0xFFFFFFFF)

OURS: Final = np.dtype(
    [
        ("sequence", "<u8"),
        ("maker", "<u8"),
        ("taker", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("pair", "<u4"),
        ("side", "u1"),
        ("spare", "V3"),
    ]
)
"""A trade of ours: sequence of its command, client ids of maker and taker, and as in EVENT."""


class Ledger:
    """One entry per slot: the handle, pair, client id and leaves of the order that used it last."""

    def __init__(self) -> None:
        self._handle = np.zeros(1, dtype=np.uint64)
        self._client_id = np.zeros(1, dtype=np.uint64)
        self._pair = np.zeros(1, dtype=np.uint32)
        self._leaves = np.zeros(1, dtype=np.int64)

    def enter(self, events: Events) -> NDArray[np.void]:
        """Take in a batch of events; return its trades (OURS), in order, with client ids for handles."""
        accepted = events[(events["kind"] == EventKind.ACCEPTED) & (events["maker"] != 0)]
        traded = np.flatnonzero(events["kind"] == EventKind.TRADED)
        trades = np.zeros(len(traded), dtype=OURS)
        for name in ("sequence", "price_ticks", "qty_lots", "pair", "side"):
            trades[name] = events[name][traded]
        for name in ("maker", "taker"):
            trades[name] = self._ids(events[name][traded], accepted)
        self._grow(accepted["maker"])
        slots = _slots(accepted["maker"])
        self._handle[slots] = accepted["maker"]
        self._client_id[slots] = accepted["taker"]
        self._pair[slots] = accepted["pair"]
        self._enter_leaves(events)
        return trades

    def leaves(self, pair: int, client_id: int) -> int:
        """Return what rests of the pair's order with this client id, 0 if none does. Cost: a pass over all slots."""
        resting = np.flatnonzero((self._client_id == client_id) & (self._pair == pair) & (self._leaves > 0))
        return int(self._leaves[resting[0]]) if len(resting) else 0

    def _ids(self, handles: NDArray[np.uint64], accepted: Events) -> NDArray[np.uint64]:
        """Resolve handles of orders accepted earlier or in this batch."""
        slots = np.minimum(_slots(handles), len(self._handle) - 1)
        ids = self._client_id[slots]
        fresh = np.flatnonzero(self._handle[slots] != handles)
        if len(fresh):
            order = np.argsort(accepted["maker"])
            at = order[np.searchsorted(accepted["maker"][order], handles[fresh])]
            ids[fresh] = accepted["taker"][at]
        return ids

    def _grow(self, handles: NDArray[np.uint64]) -> None:
        size = int(_slots(handles).max(initial=0)) + 1
        more = max(size, 2 * len(self._handle)) - len(self._handle)
        if size > len(self._handle):
            self._handle = np.concatenate([self._handle, np.zeros(more, dtype=np.uint64)])
            self._client_id = np.concatenate([self._client_id, np.zeros(more, dtype=np.uint64)])
            self._pair = np.concatenate([self._pair, np.zeros(more, dtype=np.uint32)])
            self._leaves = np.concatenate([self._leaves, np.zeros(more, dtype=np.int64)])

    def _enter_leaves(self, events: Events) -> None:
        """Set leaves to what the last event about each slot says. Assigning through an array of indices, numpy keeps
        the last of several values for one index.
        """
        kinds = (EventKind.RESTING, EventKind.CANCELLED, EventKind.EXPIRED, EventKind.TRADED)
        about = events[np.isin(events["kind"], kinds)]
        both = np.empty((len(about), 2), dtype=np.int64)
        slots = np.empty((len(about), 2), dtype=np.int64)
        both[:, 0], both[:, 1] = about["maker_leaves"], about["taker_leaves"]
        slots[:, 0] = _slots(about["maker"])
        slots[:, 1] = np.where(about["kind"] == EventKind.TRADED, _slots(about["taker"]), 0)
        self._leaves[slots.ravel()] = both.ravel()


def _slots(handles: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (handles & SLOT_MASK).astype(np.int64)
