"""Numbers drawn from a seed. Each part of a simulation draws from a stream of its own, so that switching one kind of
fault off does not change what the others do."""

import random
from collections.abc import Sequence
from typing import TypeVar

Thing = TypeVar("Thing")


class Chance:
    """One stream of one seed.

    Uses only `random.Random.random`, the one method whose sequence Python promises to keep from release to release.
    draw: a number from 0 up to, not including, 1.
    """

    __slots__ = ("draw",)

    def __init__(self, seed: int, stream: str) -> None:
        self.draw = random.Random(f"{stream}/{seed}").random

    def below(self, bound: int) -> int:
        """Return an integer from 0 up to, not including, `bound` (at most 2^53)."""
        return int(self.draw() * bound)

    def between(self, least: int, most: int) -> int:
        """Return an integer from `least` to `most`, both included."""
        return least + self.below(most - least + 1)

    def one_of(self, things: Sequence[Thing]) -> Thing:
        """Return one of several things."""
        return things[self.below(len(things))]
