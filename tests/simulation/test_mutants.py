"""Every generated mutant of the counter is found, or is proved to be the counter itself."""

from typing import Final

import pytest

from openoutcry.simulation.crash_points import DOWN_NS
from openoutcry.simulation.mutants import Change, Hunting, Mutant, hunt, mutants_of
from openoutcry_counter.kinds import kind
from openoutcry_counter.ledger import Bounds, Entry, Ledger
from openoutcry_counter.scenario import COUNTER_SCENARIO, SMALL_SCENARIO
from openoutcry_counter.table import MACHINE, Case
from tests.simulation.payments import COIN

MUTANTS: Final = tuple(mutants_of(MACHINE))
HUNTING: Final = Hunting(SMALL_SCENARIO, COUNTER_SCENARIO, range(60))
A_LITTLE: Final = Hunting(SMALL_SCENARIO, COUNTER_SCENARIO, range(4), DOWN_NS[1:2])

SENDS_NOTHING: Final = "no action of the row sends anything, so there is nothing that could leave too early"
EQUIVALENT: Final = {
    "counter row 3 (counted, settled) sends before it is kept": SENDS_NOTHING,
    "counter row 8 (held, cancel) sends before it is kept": SENDS_NOTHING,
}
"""Mutants that behave as the counter does, and why; `SENDS_NOTHING` is shown by calling the actions."""


@pytest.mark.parametrize("row", range(len(MACHINE.moves)))
def test_every_mutant_of_a_row_is_found(row: int) -> None:
    """Seeds with every kind of fault, and every crash point of a small run, until something breaks."""
    mutants = [one for one in MUTANTS if one.row == row and one.name not in EQUIVALENT]
    assert mutants
    verdicts = [hunt(one, MACHINE, kind, HUNTING) for one in mutants]
    assert [one.mutant.name for one in verdicts if not one.by] == []


@pytest.mark.parametrize("name", EQUIVALENT)
def test_an_equivalent_mutant_is_one(name: str) -> None:
    """It does what its proof says, and a short hunt does not find it."""
    (mutant,) = (one for one in MUTANTS if one.name == name)
    assert EQUIVALENT[name] == SENDS_NOTHING and mutant.change is Change.EARLY
    assert sends_of(mutant) == 0
    assert hunt(mutant, MACHINE, kind, A_LITTLE).by == ""


def sends_of(mutant: Mutant) -> int:
    """Return how many messages the actions of a row send."""
    entry = Entry(bytes(32), bytes(16), 5, 10**18, state=mutant.move.state)
    case = Case(Ledger(Bounds(1, 1, 1, 1, 1, 10)), bytes(32), False)
    case.entry = entry
    for action in mutant.move.actions:
        MACHINE.actions[action](case, mutant.move)
    return len(case.sends)


def test_every_kind_of_mutant_is_generated_for_every_row() -> None:
    """Counted from the table: guards, neighbouring actions, deadlines, and two for what the node does with a row."""
    expected = {
        Change.SKIP: sum(len(move.guards) for move in MACHINE.moves),
        Change.SWAP: sum(max(0, len(move.actions) - 1) for move in MACHINE.moves),
        Change.WIDEN: sum(bool(MACHINE.deadlines & set(move.guards)) for move in MACHINE.moves),
        Change.UNKEPT: len(MACHINE.moves),
        Change.EARLY: sum(bool(move.actions) for move in MACHINE.moves),
    }
    assert {change: sum(one.change is change for one in MUTANTS) for change in Change} == expected
    assert len({one.name for one in MUTANTS}) == len(MUTANTS) == sum(expected.values())
    assert len(list(mutants_of(COIN))) == 6


def test_a_mutant_differs_from_its_table_in_one_row() -> None:
    """Those of the table; what the node does wrong leaves the table as it is."""
    for mutant in MUTANTS:
        other = [at for at, (a, b) in enumerate(zip(MACHINE.moves, mutant.moves, strict=True)) if a != b]
        assert other == ([] if mutant.change in (Change.UNKEPT, Change.EARLY) else [mutant.row])
