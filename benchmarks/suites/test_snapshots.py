"""Saving and restoring books with a million resting orders, and the hash of their state."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.suites.scale import Scale
from openoutcry.book import Books
from openoutcry.domain import Op, Pair
from openoutcry.domain.records import COMMAND

ACCOUNTS = 1000
BATCH = 16_384


@pytest.fixture(scope="module")
def filled(scale: Scale) -> Books:
    """Books with many orders, by client id, on 500 prices a side."""
    orders = np.zeros(scale.resting, COMMAND)
    numbers = np.arange(1, scale.resting + 1)
    sides = numbers % 2
    offsets = 1 + numbers // 2 % 500
    orders["op"] = Op.PLACE
    orders["side"] = sides
    orders["account"] = numbers % ACCOUNTS
    orders["client_id"] = numbers
    orders["price_ticks"] = 10_000 + np.where(sides == 1, offsets, -offsets)
    orders["qty_lots"] = 100
    books = Books([Pair(0)], accounts=ACCOUNTS)
    for begin in range(0, scale.resting, BATCH):
        books.apply(orders[begin : begin + BATCH])
    assert books.live == scale.resting
    return books


def test_snapshot(benchmark: BenchmarkFixture, filled: Books, scale: Scale) -> None:
    """`snapshot` to bytes."""
    data = benchmark.pedantic(filled.snapshot, rounds=scale.rounds)
    benchmark.extra_info |= {
        "measure": "snapshots",
        "case": {"what": "snapshot", "resting": scale.resting},
        "size_bytes": len(data),
    }


def test_restore(benchmark: BenchmarkFixture, filled: Books, scale: Scale) -> None:
    """`restore` from bytes, ready for the next command; the restored books have the same state."""
    data = filled.snapshot()
    restored = benchmark.pedantic(Books.restore, args=(data,), rounds=scale.rounds)
    assert restored.state_hash() == filled.state_hash()
    benchmark.extra_info |= {"measure": "snapshots", "case": {"what": "restore", "resting": scale.resting}}


def test_state_hash(benchmark: BenchmarkFixture, filled: Books, scale: Scale) -> None:
    """`state_hash`: canonical order and SHA-256."""
    benchmark.pedantic(filled.state_hash, rounds=scale.rounds)
    benchmark.extra_info |= {"measure": "snapshots", "case": {"what": "state_hash", "resting": scale.resting}}
