"""Where a replay stops between two batches of commands: to sample the depth, to compare trades, to bound a batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.replay.tape import BATCH_COMMANDS

SAMPLES: Final = 2000
"""About how many samples of the depth a replay takes unless it is told otherwise: what a picture can show."""

SAMPLED_PAIRS_MAX: Final = 8
"""Of a recording of a whole market, the depth of the busiest pairs is sampled."""

STEPS_NS: Final[tuple[int, ...]] = tuple(step * 10**power for power in range(3, 13) for step in (1, 2, 5))
"""Times between samples that people can read: 1, 2 or 5 times a power of ten, from a microsecond."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop before command `end`; sample_ns: the time of the sample to take there, None for no sample."""

    end: int
    sample_ns: int | None


def sample_step(times: NDArray[np.int64]) -> int:
    """Return a time between samples, in ns, that gives at most SAMPLES of them."""
    span = int(times[-1] - times[0]) if len(times) else 0
    return next((step for step in STEPS_NS if span // step < SAMPLES), STEPS_NS[-1])


def stops(times: NDArray[np.int64], sample_ns: int, also: NDArray[np.int64]) -> Iterator[Stop]:
    """Yield every stop, in order; the last is after the last command.

    times: of the commands, never falling. sample_ns: a sample is taken at each of its multiples that lies within the
    times, after all commands of that time; where nothing happens between several, only at the last of them. also:
    further places to stop at, ascending.
    """
    count = len(times)
    if count == 0:
        return
    ends = np.union1d(also, np.append(np.arange(BATCH_COMMANDS, count, BATCH_COMMANDS), count))
    first, last = -(-int(times[0]) // sample_ns), int(times[-1]) // sample_ns
    samples = np.arange(first, last + 1, dtype=np.int64) * sample_ns
    at = np.searchsorted(times, samples, side="right")
    due = dict(zip(at.tolist(), samples.tolist(), strict=True))
    for end in np.union1d(ends, at[at > 0]).tolist():
        yield Stop(end, due.get(end))
