"""How large the suites are: as published, or small enough to try them (`OUTCRY_BENCH_QUICK=1`)."""

import os
from dataclasses import dataclass
from typing import Final

QUICK: Final = "OUTCRY_BENCH_QUICK"


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of a run."""

    messages: int
    rounds: int
    resting: int
    """Orders in the books that are saved and restored."""


PUBLISHED: Final = Scale(messages=1_000_000, rounds=5, resting=1_000_000)
SMALL: Final = Scale(messages=100_000, rounds=1, resting=50_000)


def chosen() -> Scale:
    """Return the sizes that the environment asks for."""
    return SMALL if os.environ.get(QUICK) else PUBLISHED
