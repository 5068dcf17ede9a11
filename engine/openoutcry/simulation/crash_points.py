"""Every crash point of a small run, one at a time and in pairs, without chance.

A run without faults says which groups each node works on. Then there is one run for each of these groups, each way to
end there, and each of several times to stay down; and, for pairs, one for each of the groups that follow the first
crash, whichever node works on it. The network is without faults, so whatever breaks is due to the crashes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from openoutcry.host.kinds import Scenario
from openoutcry.simulation.faults import Blow, Fault, Point
from openoutcry.simulation.network import STEP_NS
from openoutcry.simulation.options import DEFAULT, Options
from openoutcry.simulation.outcome import Outcome
from openoutcry.simulation.world import simulate

DOWN_NS: Final = (STEP_NS, 30 * STEP_NS, 400 * STEP_NS)
"""Down for less than a frame takes, for longer than a node waits before it sends again, for longer than anything in a
small scenario is remembered."""

EXPLORING_NS: Final = 60 * 10**9
"""How long crashes may happen in one run, in virtual time; it goes on as soon as all is settled."""


SEED: Final = 1
"""A seed only names the keys here; this one is signed for by the keyed checksum."""


class Way(NamedTuple):
    """One way to end: where, how much of what was not synced survives, and which part of the frames had left."""

    point: Point
    kept: float = 0.0
    part: float = 0.0


WAYS: Final = (
    Way(Point.BEFORE_APPEND),
    Way(Point.BEFORE_SYNC, kept=0.0),
    Way(Point.BEFORE_SYNC, kept=1.0),
    Way(Point.AFTER_SYNC),
    Way(Point.MID_SEND, part=0.0),
    Way(Point.MID_SEND, part=0.5),
    Way(Point.MID_SEND, part=0.999),
)
"""What was written may be there or not after a crash before the sync; none, half or all of the frames may have left."""

WAYS_IN_PAIRS: Final = tuple(way for way in WAYS if way.part != 0.5)


class Step(NamedTuple):
    """One group of one node."""

    node: int
    group: int


class _Steps:
    """A striker by a list that also notes, in order, at which groups it was asked."""

    def __init__(self, blows: dict[Step, Blow]) -> None:
        self.blows = blows
        self.asked: list[Step] = []

    def blow(self, node: int, group: int) -> Blow | None:
        step = Step(node, group)
        self.asked.append(step)
        return self.blows.get(step)


def crashes(
    scenario: Scenario, seed: int = SEED, *, options: Options = DEFAULT, down_ns: Sequence[int] = DOWN_NS
) -> Iterator[Outcome]:
    """Yield the run without faults, then one for each group of it, each way to end there and each time to stay down."""
    base = _Steps({})
    yield _run(scenario, seed, options, base)
    for step in base.asked:
        for way in WAYS:
            for down in down_ns:
                yield _run(scenario, seed, options, _Steps({step: _blow(way, down)}))


def pairs_of_crashes(
    scenario: Scenario,
    seed: int = SEED,
    *,
    options: Options = DEFAULT,
    down_ns: Sequence[int] = DOWN_NS,
    within: int | None = None,
) -> Iterator[Outcome]:
    """Yield a run for each pair of crashes: the second at any of the groups that follow the first, of any node.

    within: only the next so many groups, None for all.
    """
    base = _Steps({})
    _run(scenario, seed, options, base)
    for step in base.asked:
        for way in WAYS_IN_PAIRS:
            for down in down_ns:
                first = {step: _blow(way, down)}
                after = _Steps(first)
                _run(scenario, seed, options, after)
                begin = after.asked.index(step) + 1
                for later in after.asked[begin : None if within is None else begin + within]:
                    for other in WAYS_IN_PAIRS:
                        yield _run(scenario, seed, options, _Steps({**first, later: _blow(other, down)}))


def _blow(way: Way, down_ns: int) -> Blow:
    return Blow(Fault.CRASH, down_ns, way.point, way.part, way.kept)


def _run(scenario: Scenario, seed: int, options: Options, striker: _Steps) -> Outcome:
    return simulate(scenario, seed, replace(options, faults=(), striker=striker, faults_ns=EXPLORING_NS, saves=False))
