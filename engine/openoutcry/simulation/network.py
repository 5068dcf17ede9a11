"""The virtual network: says when a frame arrives, once, twice or never.

Time is cut into steps (`STEP_NS`): what arrives at one node in one step is one group, as a runner takes what has
arrived while it was busy. Without faults every frame takes one step, so links keep their order.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from openoutcry.simulation.chance import Chance
from openoutcry.simulation.faults import NONE, Fault, Rates

STEP_NS: Final = 1_000_000
DELAY_STEPS_MAX: Final = 5_000
"""Five seconds: longer than a node waits before it sends again."""
DELAY_SCALE: Final = 4
"""Steps of a delayed frame: this over a number between 0 and 1, so half take more than 8 ms and one in 40 more than
160 ms (a Pareto distribution with exponent 1, cut off)."""
REORDER_STEPS_MAX: Final = 20


class Network:
    """Links between nodes, which are named by their index.

    counts: how often each fault really happened; a reordered frame is one that overtook another.
    """

    __slots__ = ("_chance", "_last", "_late", "_size", "counts", "cut", "rates")

    def __init__(self, size: int, chance: Chance, rates: Rates, counts: Counter[str]) -> None:
        self._size = size
        self._chance = chance
        self.rates = rates
        self.counts = counts
        self.cut = [False] * (size * size)
        self._last = [0] * (size * size)
        self._late = [0] * (size * size)

    def carry(self, sender: int, receiver: int, now_ns: int) -> Sequence[int]:
        """Return the times at which a frame that leaves now arrives: none where it is lost.

        Cost: 0.2 microseconds without faults, one with.
        """
        link = sender * self._size + receiver
        if self.cut[link]:
            self.counts["frames lost in partitions"] += 1
            return ()
        rates = self.rates
        due_ns = now_ns + STEP_NS
        last = self._last
        if rates is NONE:
            if due_ns < last[link]:
                due_ns = last[link]
            last[link] = due_ns
            return (due_ns,)
        draw = self._chance.draw
        if draw() < rates.drop:
            self.counts[Fault.DROP] += 1
            return ()
        if draw() < rates.delay:
            self.counts[Fault.DELAY] += 1
            due_ns += STEP_NS * min(DELAY_STEPS_MAX, int(DELAY_SCALE / (1.0 - draw())))
        if draw() < rates.reorder:
            # Behind later ones rather than before earlier ones: that is the same, and needs no knowledge of them.
            due_ns += STEP_NS * (1 + int(draw() * REORDER_STEPS_MAX))
        else:
            if due_ns < last[link]:
                due_ns = last[link]
            last[link] = due_ns
        if due_ns < self._late[link]:
            self.counts[Fault.REORDER] += 1
        else:
            self._late[link] = due_ns
        if draw() < rates.duplicate:
            self.counts[Fault.DUPLICATE] += 1
            return (due_ns, due_ns + STEP_NS * int(draw() * REORDER_STEPS_MAX))
        return (due_ns,)

    def part(self, inside: Sequence[bool], into: bool, out: bool) -> None:
        """Cut the links between the nodes that are `inside` and the others: those that lead in, out, or both."""
        for sender in range(self._size):
            for receiver in range(self._size):
                if inside[sender] != inside[receiver]:
                    self.cut[sender * self._size + receiver] = into if inside[receiver] else out

    def mend(self) -> None:
        """Cut no link."""
        self.cut = [False] * len(self.cut)
