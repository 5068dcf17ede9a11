"""Every crash point of small runs, singly and in pairs: nothing is lost, nothing happens twice, all settles."""

from collections.abc import Iterable

import pytest

from openoutcry.host.kinds import Scenario
from openoutcry.simulation.crash_points import DOWN_NS, WAYS, WAYS_IN_PAIRS, crashes, pairs_of_crashes
from openoutcry.simulation.faults import Fault, Point
from openoutcry.simulation.outcome import Outcome, Totals
from openoutcry.simulation.scenarios import resized
from openoutcry_counter.scenario import SMALL_SCENARIO
from openoutcry_echo.scenario import SCENARIOS as ECHO_SCENARIOS
from tests.simulation.payments import FORGETFUL, payments

ECHO = resized(ECHO_SCENARIOS[0], {"echo_client": {"count": 6, "batch": 2}})
COUNTER_IN_PAIRS = resized(SMALL_SCENARIO, {"counter_client": {"count": 2}})
ECHO_IN_PAIRS = resized(ECHO_SCENARIOS[0], {"echo_client": {"count": 2, "batch": 1}})
WITHIN = 3


def add_up(runs: Iterable[Outcome]) -> Totals:
    """Return all runs together; a failure says what struck where."""
    totals = Totals("crash points")
    for outcome in runs:
        assert outcome.failure is None, str(outcome.failure)
        totals.add(outcome)
    return totals


@pytest.mark.parametrize("down_ns", DOWN_NS)
def test_no_single_crash_breaks_counters(down_ns: int) -> None:
    """Each group of each node, each way to end there: every move of the table is met at each of the four points."""
    totals = add_up(crashes(SMALL_SCENARIO, down_ns=[down_ns]))
    assert (totals.seeds - 1) % len(WAYS) == 0 and totals.seeds > 50 * len(WAYS)
    assert totals.counts[Fault.CRASH] > totals.seeds // 2
    rows = {f"row {row}" for row in (0, 1, 2, 3, 6, 7)}
    for point in Point:
        met = {doing for role, doing, where in totals.places if role == "counter" and where is point}
        assert rows <= met, (point, rows - met)


def test_no_single_crash_breaks_an_echo() -> None:
    """The same, for requests and record frames."""
    totals = add_up(crashes(ECHO, down_ns=DOWN_NS[1:]))
    assert {(role, doing) for role, doing, _ in totals.places} >= {("echo", "echo_request"), ("echo_client", "timer")}
    assert totals.counts[Fault.CRASH] > 50


@pytest.mark.parametrize("scenario", [COUNTER_IN_PAIRS, ECHO_IN_PAIRS], ids=lambda scenario: scenario.name)
def test_no_pair_of_crashes_breaks_anything(scenario: Scenario) -> None:
    """Each crash, and a second one at each of the next groups of any node, also while the first node is down."""
    totals = add_up(pairs_of_crashes(scenario, down_ns=DOWN_NS[1:2], within=WITHIN))
    assert totals.seeds % len(WAYS_IN_PAIRS) == 0 and totals.seeds > 900
    assert totals.counts[Fault.CRASH] > totals.seeds


def test_a_bug_that_needs_a_crash_is_found_by_trying_all() -> None:
    """A payee that books twice what comes twice: a crash of the payer after sending is enough, and is among them."""
    found = [one for one in crashes(payments(3, 1, FORGETFUL, at_once=2)) if one.failure is not None]
    assert found and all("is booked 2 times" in str(one.failure) for one in found)
    assert {place[2] for one in found for place in one.places} >= {Point.MID_SEND}
