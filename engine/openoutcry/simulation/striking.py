"""Who decides what strikes which node at which of its groups: chance, or a list."""

from collections.abc import Mapping
from typing import Final, Protocol

from openoutcry.simulation.chance import Chance
from openoutcry.simulation.faults import Blow, Fault, Point, Rates

DOWN_NS_MAX: Final = 4 * 10**9
"""Longest time that a node stays down, or a disk full, by chance; the square of an even distribution, so half of them
last less than a second."""

SECOND: Final = 0.25
"""Crashes that strike at the second group of a step, as a part of 1: one that roles of a node cause by sending to each
other."""

CRASHES: Final = tuple(Point)


class Striker(Protocol):
    """Decides what strikes."""

    def blow(self, node: int, group: int) -> Blow | None:
        """Say what strikes a node at its group of that number (from 1); asked once for each group while faults last."""
        ...


class ByChance:
    """Strikes at the rates of a run."""

    __slots__ = ("_chance", "_strikes", "_sum")

    def __init__(self, rates: Rates, chance: Chance) -> None:
        self._chance = chance
        self._strikes = rates.strikes
        self._sum = sum(rate for _, rate in rates.strikes)

    def blow(self, node: int, group: int) -> Blow | None:
        """Draw; see `Striker`."""
        chance = self._chance
        drawn = chance.draw()
        if drawn >= self._sum:
            return None
        for fault, rate in self._strikes:
            if drawn < rate:
                return self._draw(fault)
            drawn -= rate
        return None

    def _draw(self, fault: Fault) -> Blow:
        chance = self._chance
        down_ns = 1 + int(chance.draw() ** 2 * DOWN_NS_MAX)
        part, kept = chance.draw(), chance.draw()
        whole = float(kept < 0.5)
        if fault is Fault.CRASH:
            point = chance.one_of(CRASHES)
            return Blow(fault, down_ns, point, part, whole, skip=int(chance.draw() < SECOND))
        if fault is Fault.BIT_FLIP:
            if chance.draw() < 0.5:
                return Blow(fault, down_ns, Point.AFTER_SYNC, part, synced=True)
            return Blow(fault, down_ns, Point.BEFORE_SYNC, part, whole or kept)
        if fault is Fault.LOST_SECTOR:
            kept = 1.0
        return Blow(fault, down_ns, Point.BEFORE_SYNC, part, kept)


class ByList:
    """Strikes where it is told to, and nowhere else. blows: node index and number of its group to what happens."""

    __slots__ = ("_blows",)

    def __init__(self, blows: Mapping[tuple[int, int], Blow]) -> None:
        self._blows = blows

    def blow(self, node: int, group: int) -> Blow | None:
        """Look it up; see `Striker`."""
        return self._blows.get((node, group))
