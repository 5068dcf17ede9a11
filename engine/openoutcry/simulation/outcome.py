"""What came of a run, and of many."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from openoutcry.simulation.faults import Fault, Point
from openoutcry.simulation.trace import seconds

CrashPlace: TypeAlias = tuple[str, str, Point]
"""Role, what it was about to do (a row of its table, or the type of a record), and where the node ended."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that must never be. time_ns: virtual, since the begin. events: the last ones before it, in words."""

    scenario: str
    seed: int
    time_ns: int
    node: str
    broken: tuple[str, ...]
    events: tuple[str, ...]

    def __str__(self) -> str:
        head = f"{self.scenario}, seed {self.seed}, at {seconds(self.time_ns).strip()}, node {self.node}"
        return "\n".join(
            [
                head,
                *(f"  broken: {line}" for line in self.broken),
                "  what led to it:",
                *(f"    {line}" for line in self.events),
            ]
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. messages: that roles were given. frames: that arrived. groups: that nodes worked on. time_ns: virtual.
    counts: each fault, and what came of it, by name. places: crash places that were struck, with how often. digest: of
    every event; equal for equal runs.
    """

    scenario: str
    seed: int
    digest: str
    messages: int
    frames: int
    groups: int
    time_ns: int
    counts: Mapping[str, int]
    places: Mapping[CrashPlace, int]
    failure: Failure | None


@dataclass(slots=True)
class Totals:
    """Many runs of one scenario, added up."""

    scenario: str
    seeds: int = 0
    messages: int = 0
    frames: int = 0
    groups: int = 0
    time_ns: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    places: Counter[CrashPlace] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Add one run."""
        self.seeds += 1
        self.messages += outcome.messages
        self.frames += outcome.frames
        self.groups += outcome.groups
        self.time_ns += outcome.time_ns
        self.counts.update(outcome.counts)
        self.places.update(outcome.places)
        if outcome.failure is not None:
            self.failures.append(outcome.failure)

    def merge(self, other: "Totals") -> None:
        """Add the runs of another campaign."""
        self.seeds += other.seeds
        self.messages += other.messages
        self.frames += other.frames
        self.groups += other.groups
        self.time_ns += other.time_ns
        self.counts.update(other.counts)
        self.places.update(other.places)
        self.failures += other.failures

    def faults(self) -> dict[str, int]:
        """Return how often each kind of fault happened, in the order of the kinds."""
        return {str(fault): self.counts[fault] for fault in Fault}

    def points(self) -> dict[str, int]:
        """Return how many different things each crash point was met at."""
        return {str(point): sum(place[2] is point for place in self.places) for point in Point}
