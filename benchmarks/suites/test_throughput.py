"""Messages a second of each workload, by batch size and by how orders are named."""

import gc

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import books
from benchmarks.suites.scale import Scale
from benchmarks.workloads import Workload, load

BATCHES = (1, 16, 256, 4096)
SINGLE_CALLS = 250_000
"""Messages that are applied one by one, the first of the timed part."""


@pytest.fixture(
    scope="module", params=[("A", True), ("A", False), ("B", True), ("B", False), ("C", True), ("C", False)]
)
def workload(request: pytest.FixtureRequest, scale: Scale) -> Workload:
    """Each workload, by engine handle and by client id; checked once to trade what it should."""
    name, handles = request.param
    loaded = load(name, handles=handles, messages=scale.messages)
    books.check(loaded, batch=256)
    return loaded


@pytest.mark.parametrize("batch", BATCHES)
def test_messages(benchmark: BenchmarkFixture, workload: Workload, batch: int, scale: Scale) -> None:
    """All of the timed part on fresh books with the prefill resting; nothing but `apply` is timed."""
    timed = workload.timed[:SINGLE_CALLS] if batch == 1 else workload.timed
    batches = books.split(timed, batch)

    def fresh() -> tuple[tuple[object, ...], dict[str, object]]:
        opened = books.open_books(workload)
        gc.collect()
        return (opened, batches), {}

    benchmark.extra_info |= {
        "measure": "throughput",
        "case": {"workload": workload.name, "naming": "handles" if workload.handles else "client ids", "batch": batch},
        "messages": len(timed),
    }
    benchmark.pedantic(books.apply_all, setup=fresh, rounds=scale.rounds)
