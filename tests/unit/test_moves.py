"""State machines as tables, on a door."""

from collections.abc import Callable
from typing import Any

import pytest

from openoutcry.moves import Machine, Move


class Door:
    """What happened to a door."""

    def __init__(self, locked: bool = False, now_ns: int = 0) -> None:
        self.locked = locked
        self.now_ns = now_ns
        self.done: list[str] = []


Functions = dict[str, Callable[[Door, Move], Any]]

MOVES = (
    Move("closed", "push", "open", ("unlocked",), ("swing", "creak")),
    Move("closed", "push", "closed", (), ("knock",)),
    Move("open", "wait", "closed", ("late",), ("slam",)),
    Move("open", "remove", "gone"),
)
GUARDS: Functions = {
    "unlocked": lambda door, move: not door.locked,
    "late": lambda door, move: door.now_ns >= 10 + move.slack_ns,
}


def note(name: str) -> Callable[[Door, Move], None]:
    """Return an action that notes that it was done."""

    def act(door: Door, move: Move) -> None:
        door.done.append(f"{name} to {move.next}")

    return act


ACTIONS: Functions = {name: note(name) for name in ("swing", "creak", "knock", "slam")}


def machine() -> Machine[Door]:
    """Return the door's machine."""
    return Machine("door", MOVES, GUARDS, ACTIONS, ["late"])


def test_the_first_row_that_fits_is_taken_and_its_actions_are_done_in_order() -> None:
    """An open and a locked door are pushed; `find` names the row that `take` takes, and does nothing."""
    for locked, row, after, done in (
        (False, 0, "open", ["swing to open", "creak to open"]),
        (True, 1, "closed", ["knock to closed"]),
    ):
        door = Door(locked)
        assert machine().find("closed", "push", door) == row
        assert door.done == []
        assert machine().take("closed", "push", door) == after
        assert door.done == done


def test_what_has_no_row_does_not_happen() -> None:
    """An event that the state does not know, a state that nobody knows, and a guard that does not hold."""
    door = Door(now_ns=9)
    for state, event in (("closed", "wait"), ("painted", "push"), ("open", "wait")):
        assert machine().find(state, event, door) is None
        assert machine().take(state, event, door) is None
    assert door.done == []


def test_a_mutant_has_another_table_and_the_same_guards_and_actions() -> None:
    """A skipped guard, swapped actions and a wider deadline each change what happens; the machine itself stays."""
    original = machine()
    skipped = original.with_moves((MOVES[0]._replace(guards=()), *MOVES[1:]))
    swapped = original.with_moves((MOVES[0]._replace(actions=("creak", "swing")), *MOVES[1:]))
    widened = original.with_moves((*MOVES[:2], MOVES[2]._replace(slack_ns=1), MOVES[3]))
    assert skipped.take("closed", "push", Door(locked=True)) == "open"
    door = Door()
    swapped.take("closed", "push", door)
    assert door.done == ["creak to open", "swing to open"]
    assert [one.find("open", "wait", Door(now_ns=10)) for one in (original, widened)] == [2, None]
    assert widened.find("open", "wait", Door(now_ns=11)) == 2
    assert original.moves == MOVES


def test_states_are_listed_in_the_order_of_the_table_and_ends_are_those_that_no_row_leaves() -> None:
    """Of the door."""
    assert machine().states == ("closed", "open", "gone")
    assert machine().ends == {"gone"}


@pytest.mark.parametrize(
    ("moves", "guards", "actions", "deadlines", "words"),
    [
        (MOVES, {"late": GUARDS["late"]}, ACTIONS, [], "guard unlocked is not used or not defined"),
        (MOVES[:1], GUARDS, ACTIONS, [], "guard late is not used or not defined"),
        (MOVES, GUARDS, {**ACTIONS, "paint": ACTIONS["slam"]}, [], "action paint is not used or not defined"),
        (MOVES, GUARDS, ACTIONS, ["soon"], "a deadline that is no guard"),
    ],
)
def test_a_table_with_a_name_that_nobody_knows_or_uses_is_refused(
    moves: tuple[Move, ...],
    guards: Functions,
    actions: Functions,
    deadlines: list[str],
    words: str,
) -> None:
    """Each kind of mistake once."""
    with pytest.raises(ValueError, match=f"machine door: {words}"):
        Machine("door", moves, guards, actions, deadlines)
