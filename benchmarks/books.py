"""Opens books for a workload, checks what they do with it, and times nothing but `apply`."""

import gc
from collections.abc import Sequence
from time import perf_counter
from typing import Final

import numpy as np

from benchmarks.flow import Tally
from benchmarks.workloads import Workload
from openoutcry.book import Books
from openoutcry.domain import EventKind, Op
from openoutcry.domain.records import Commands, Events

SETUP_BATCH: Final = 16_384


def open_books(workload: Workload) -> Books:
    """Return fresh books with the workload's pairs and accounts in place and its prefill resting."""
    books = new_books(workload)
    for commands in (workload.setup, workload.prefill):
        for batch in split(commands, SETUP_BATCH):
            books.apply(batch)
    return books


def new_books(workload: Workload) -> Books:
    """Return empty books for a workload."""
    return Books(workload.pairs, accounts=workload.accounts, capacity=workload.capacity, prefetch=workload.prefetch)


def split(commands: Commands, size: int) -> list[Commands]:
    """Return the commands in batches of `size`, as views; made beforehand, so that slicing is not timed."""
    return [commands[begin : begin + size] for begin in range(0, len(commands), size)]


def apply_all(books: Books, batches: Sequence[Commands]) -> None:
    """Apply every batch: what is timed. The events are written and not read."""
    apply = books.apply
    for batch in batches:
        apply(batch)


def run(books: Books, batches: Sequence[Commands]) -> float:
    """Apply every batch; return the seconds that passed."""
    with paused_collection():
        begin = perf_counter()
        apply_all(books, batches)
        return perf_counter() - begin


class paused_collection:
    """Context in which Python's cyclic garbage collector does not run: it would go through the million batches."""

    def __enter__(self) -> None:
        gc.collect()
        gc.disable()

    def __exit__(self, *exc_info: object) -> None:
        gc.enable()


class Disagreement(AssertionError):
    """Books did not trade what the flow says: a figure from them would mean nothing."""


def check(workload: Workload, batch: int) -> int:
    """Apply a workload once, compare what it trades with the flow's own book, and return the number of events.

    Raises Disagreement where anything is refused, or trades, volume or resting orders differ.
    """
    books = new_books(workload)
    for commands in (workload.setup, workload.prefill):
        for part in split(commands, SETUP_BATCH):
            _refuse_rejects(books.apply(part))
    resting = int(np.count_nonzero(workload.prefill["op"] == Op.PLACE))
    trades = volume = events = gone = 0
    for part in split(workload.timed, batch):
        seen = books.apply(part)
        _refuse_rejects(seen)
        traded = seen[seen["kind"] == EventKind.TRADED]
        events += len(seen)
        trades += len(traded)
        volume += int(traded["qty_lots"].sum())
        gone += int(np.count_nonzero(traded["maker_leaves"] == 0) + np.count_nonzero(traded["taker_leaves"] == 0))
        gone += int(np.count_nonzero(seen["kind"] == EventKind.CANCELLED))
    resting += int(np.count_nonzero(workload.timed["op"] == Op.PLACE)) - gone
    found = (trades, volume, resting)
    tally: Tally = workload.expected
    expected = (tally.trades, tally.volume_lots, tally.resting)
    if found != expected:
        raise Disagreement(f"{workload.name}: trades, lots, resting orders are {found}, expected {expected}")
    return events


def _refuse_rejects(events: Events) -> None:
    rejected = events[events["kind"] == EventKind.REJECTED]
    if len(rejected):
        raise Disagreement(f"command {rejected['sequence'][0]} was refused with code {rejected['code'][0]}")
