"""What the simulator is for: a bug that was planted is found, the failure says where, and its seed shows it again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, BinaryIO

import pytest

from openoutcry.host.kinds import RoleKind, Scenario
from openoutcry.node.core.core import Core
from openoutcry.node.core.language import Language
from openoutcry.node.core.parts import Identity, Part
from openoutcry.node.journal import MemoryLog
from openoutcry.role import Effects, Record
from openoutcry.simulation.faults import Fault
from openoutcry.simulation.options import DEFAULT, Options
from openoutcry.simulation.outcome import Outcome
from openoutcry.simulation.scenarios import recast
from openoutcry.simulation.virtual_node import NO_PLUGINS, Leave
from openoutcry.simulation.world import simulate
from tests.simulation.payments import FORGETFUL, PAYEE, Payee, payments

SEEDS = range(60)


def first_failure(scenario: Scenario, options: Options = DEFAULT) -> Outcome | None:
    """Return the first run that fails."""
    return next((found for seed in SEEDS if (found := simulate(scenario, seed, options)).failure), None)


def test_a_role_without_bugs_never_fails() -> None:
    """The same seeds, the same faults, and nothing is wrong."""
    assert first_failure(payments(payers=1)) is None


def test_a_planted_bug_is_found_and_its_seed_repeats_it() -> None:
    """A payee that books what comes twice: the run names seed, time, node and what broke, and runs again the same."""
    scenario = payments(payers=1, payee=FORGETFUL)
    found = first_failure(scenario)
    assert found is not None and found.failure is not None
    again = simulate(scenario, found.seed)
    assert again == found
    text = str(found.failure)
    assert text.startswith(f"payments, seed {found.seed}, at ")
    assert found.failure.node in ("payee", "payer-0")
    assert "is booked 2 times" in text
    assert any("Pay(number=" in line for line in found.failure.events)
    assert 0 < found.failure.time_ns == found.time_ns


def test_without_the_fault_that_it_needs_the_bug_is_not_found() -> None:
    """Clocks that differ and disks that fill up do not make a coin come twice: the kinds of faults are kept apart."""
    scenario = payments(payers=1, payee=FORGETFUL)
    assert first_failure(scenario, Options((Fault.SKEW,))) is None
    assert first_failure(scenario, Options((Fault.DUPLICATE, Fault.DROP))) is not None


class Lazy(Core):
    """A node that sends without waiting for its disk."""

    def __init__(self, parts: Sequence[Part], log: MemoryLog, identity: Identity, language: Language) -> None:
        super().__init__(parts, log, identity, NO_PLUGINS, sync=False, language=language)


def lazy(parts: Sequence[Part], log: MemoryLog, identity: Identity, language: Language, leave: Leave) -> Core:
    """Make one."""
    return Lazy(parts, log, identity, language)


def test_a_node_that_does_not_wait_for_its_disk_is_found() -> None:
    """The setting that is said to lose what was acknowledged does: coins are receipted and then booked nowhere."""
    found = first_failure(payments(payers=1), Options(make_core=lazy, faults=(Fault.CRASH, Fault.TORN_TAIL)))
    assert found is not None and found.failure is not None
    assert any("are receipted and" in line or "another state" in line for line in found.failure.broken)


class Restless(Payee):
    """Keeps how often payees were started with what it knows: a replay comes to something else."""

    lives = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        Restless.lives += 1
        self.life = Restless.lives

    def snapshot(self, out: BinaryIO) -> None:
        super().snapshot(out)
        out.write(self.life.to_bytes(4, "big"))


class Raising(Payee):
    """Raises where a role must not."""

    def apply(self, records: Sequence[Record]) -> Effects:
        raise KeyError("no such coin")


class Deaf(Payee):
    """Never answers."""

    def apply(self, records: Sequence[Record]) -> Effects:
        return Effects([], [])


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (Restless, "a replay comes to another state than the one that it had"),
        (Raising, "no such coin"),
        (Deaf, "not settled 120 s after faults ended"),
    ],
)
def test_every_way_to_be_wrong_is_a_failure(role: type[Payee], words: str) -> None:
    """A replay that differs, an exception, a market that never settles: each is told in words."""
    kind: RoleKind = replace(PAYEE, make=role)
    found = first_failure(recast(payments(payers=1), kind))
    assert found is not None and found.failure is not None
    assert words in str(found.failure)
