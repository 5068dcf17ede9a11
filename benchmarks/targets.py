"""What the figures are held against: a number below `least` is a fault, `aim` is where we want to be."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Throughput:
    """Messages a second at batches of at least `batch`."""

    batch: int
    least: float
    aim: float


THROUGHPUT: Final = {
    ("A", "handles"): Throughput(256, 20e6, 30e6),
    ("A", "client ids"): Throughput(256, 12e6, 20e6),
    ("B", "handles"): Throughput(256, 6e6, 10e6),
    ("B", "client ids"): Throughput(256, 6e6, 10e6),
    ("C", "handles"): Throughput(256, 7e6, 12e6),
    ("C", "client ids"): Throughput(256, 7e6, 12e6),
}
SMALL_BATCH: Final = Throughput(16, 5e6, 8e6)
"""Workload A by handle."""

CALL_P99_NS_MAX: Final = 4_000
PEER_MULTIPLE: Final = {"handles": 10, "client ids": 5}
"""How many times as fast as the fastest other engine, ours in batches."""

START_SECONDS_MAX: Final = {"compile everything": 30.0, "first match": 1.0, "outcry --help": 0.4}
MEMORY_BYTES_PER_ORDER_MAX: Final = 128

SIMULATED_PER_S: Final = 100_000
SIMULATED_WITH: Final = "keyed checksum"
"""Messages per CPU second of simulation, with signatures replaced by a keyed checksum."""
