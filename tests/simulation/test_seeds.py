"""A thousand seeds of each example role, with every kind of fault: nothing breaks, all settles, each fault happened."""

from collections import Counter

import pytest

from openoutcry.host.kinds import Scenario
from openoutcry.simulation.campaign import run_campaign
from openoutcry.simulation.faults import ALL, Point
from openoutcry.simulation.outcome import Totals
from openoutcry.simulation.scenarios import resized
from openoutcry_counter.scenario import COUNTER_SCENARIO
from openoutcry_echo.scenario import SCENARIOS as ECHO_SCENARIOS

COUNTER = resized(COUNTER_SCENARIO, {"counter_client": {"count": 160}})
ECHO, ECHO_VIEW = (resized(one, {"echo_client": {"count": 100}}) for one in ECHO_SCENARIOS)
PART = 100
LEAST = 60
"""Of each kind of fault, in each hundred seeds; the rarest happens 138 times in those of the echo."""


def run(scenario: Scenario, part: int) -> Totals:
    """Run one part of the seeds; a failure prints the seed that repeats it."""
    totals = run_campaign(scenario, range(part * PART, (part + 1) * PART))
    assert not totals.failures, "\n\n".join(map(str, totals.failures[:3]))
    return totals


def require_faults(totals: Totals) -> None:
    """Every kind happened, every crash point was met, and flipped bits were both repaired and refused."""
    assert {kind: count for kind, count in totals.faults().items() if count < LEAST} == {}
    assert set(totals.faults()) == set(map(str, ALL))
    met = Counter({point: sum(count for place, count in totals.places.items() if place[2] is point) for point in Point})
    assert min(met[point] for point in Point) >= 20, met
    assert totals.counts["flipped bits, refused"] >= 40 and totals.counts["flipped bits, cut or passed over"] >= 10
    assert totals.counts["snapshots"] >= 20


@pytest.mark.parametrize("part", range(10))
def test_counters_agree_whatever_happens(part: int) -> None:
    """A hundred seeds a part: each increment counts at both nodes, once, or at neither, and clients are told so."""
    require_faults(run(COUNTER, part))


@pytest.mark.parametrize("part", range(10))
def test_an_echo_answers_whatever_happens(part: int) -> None:
    """A hundred seeds a part: every request is answered with what was sent, and counted before."""
    require_faults(run(ECHO, part))


def test_a_view_in_sql_changes_nothing() -> None:
    """An echo that keeps its counts in SQL, whose view some crashes take along: the same runs, the same totals."""
    with_view, without = run(ECHO_VIEW, 0), run(ECHO, 0)
    assert with_view.faults() == without.faults()
    assert (with_view.messages, with_view.groups) == (without.messages, without.groups)
