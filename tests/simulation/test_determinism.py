"""One seed repeats a run byte for byte: within a process, in another one, and whatever strings hash to."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from openoutcry.simulation.faults import ALL, Fault
from openoutcry.simulation.options import Options
from openoutcry.simulation.scenarios import resized
from openoutcry.simulation.world import simulate
from openoutcry_counter.scenario import SMALL_SCENARIO
from openoutcry_echo.scenario import SCENARIOS as ECHO_SCENARIOS
from tests.simulation.payments import payments

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (1, 2, 16)
"""Two with the keyed checksum, one with real signatures."""

PROGRAM = """
from tests.simulation.test_determinism import digests
print(*digests())
"""
SCENARIOS = (payments(), SMALL_SCENARIO, resized(ECHO_SCENARIOS[1], {"echo_client": {"count": 40}}))
"""Coins, counters, and an echo with a view in SQL."""


def digests() -> list[str]:
    """Return what the runs come to in this process."""
    return [simulate(scenario, seed).digest for scenario in SCENARIOS for seed in SEEDS]


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_a_seed_repeats_a_run_in_another_process(hash_seed: str) -> None:
    """The digest of every event, from a fresh interpreter with another PYTHONHASHSEED."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == digests()


def test_two_seeds_are_two_runs() -> None:
    """A digest that everything is left out of would be equal for all."""
    assert len(set(digests())) == len(SEEDS) * len(SCENARIOS)


def test_telling_and_asking_less_often_change_nothing() -> None:
    """The digest with every event told, and with invariants asked after every tenth group."""
    told: list[str] = []
    plain = simulate(payments(), 5)
    assert simulate(payments(), 5, Options(tell=told.append)).digest == plain.digest
    assert simulate(payments(), 5, Options(check_every=10)).digest == plain.digest
    assert len(told) > plain.groups


@pytest.mark.parametrize("fault", ALL)
def test_leaving_one_kind_of_fault_out_leaves_it_out(fault: Fault) -> None:
    """Every other kind happens, that one never."""
    others = tuple(one for one in ALL if one is not fault)
    counts = [simulate(payments(40), seed, Options(others)).counts for seed in range(8)]
    assert not any(count.get(fault) for count in counts)
    assert all(any(count.get(other) for count in counts) for other in (Fault.DROP, Fault.DELAY) if other is not fault)


def test_the_order_in_which_nodes_are_named_does_not_come_from_a_set() -> None:
    """Nodes in another order are another run; in the same order, the same one."""
    scenario = payments()
    turned = replace(scenario, names=tuple(reversed(scenario.names)))
    assert simulate(turned, 1).digest == simulate(turned, 1).digest != simulate(scenario, 1).digest
