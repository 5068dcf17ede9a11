"""How long one call takes that applies one message: not the mean, but the median and the slow ones."""

from time import perf_counter_ns
from typing import Any, Final

import numpy as np

from benchmarks import books
from benchmarks.record import Recorder
from benchmarks.workloads import load
from openoutcry.book import Books
from openoutcry.domain.records import Commands

CALLS: Final = 250_000
WARM_UP_CALLS: Final = 10_000
"""Calls at the start that are not counted."""


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time single calls on A, B and C, by handle and by client id, each call by itself."""
    calls = 25_000 if quick else CALLS
    for name in ("A", "B", "C"):
        for handles in (True, False):
            workload = load(name, handles=handles, messages=100_000) if quick else load(name, handles=handles)
            laps = time_calls(books.open_books(workload), books.split(workload.timed[:calls], 1))
            case = {"workload": name, "naming": "handles" if handles else "client ids"}
            recorder.add("latency", case, describe(laps))


def time_calls(opened: Books, batches: list[Commands]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the nanoseconds of each call after the warm-up, reading the clock included."""
    apply = opened.apply
    laps = []
    with books.paused_collection():
        for batch in batches:
            begin = perf_counter_ns()
            apply(batch)
            laps.append(perf_counter_ns() - begin)
    return np.array(laps[WARM_UP_CALLS:], np.int64)


def describe(laps: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, float | int]:
    """Return median, 99th percentile and worst, and what reading the clock twice takes by itself."""
    p50, p99, p999 = (float(value) for value in np.percentile(laps, (50, 99, 99.9)))
    return {
        "p50_ns": p50,
        "p99_ns": p99,
        "p99_9_ns": p999,
        "max_ns": int(laps.max()),
        "calls": len(laps),
        "clock_ns": clock_cost_ns(),
    }


def clock_cost_ns() -> float:
    """Return the median of two readings of the clock with nothing between them."""
    empty = []
    for _ in range(10_000):
        begin = perf_counter_ns()
        empty.append(perf_counter_ns() - begin)
    return float(np.median(empty))
