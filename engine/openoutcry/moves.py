"""State machines as tables: each legal move is one row, and there is no other way to move.

A row says in which state what may happen, under which guards, what then is the case and what is done. Since the table
is data, `outcry spec export` writes it, the reference shows it, crash points are taken from it, and simulation makes
mutants of it: every row with a guard skipped, its actions swapped, its deadline widened.

Pure. Line 2 of the engine; may import domain and wire.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

Case = TypeVar("Case")
"""What guards look at and actions change: the role's own record of one thing, with what has happened to it."""


class Move(NamedTuple):
    """One row: in `state`, when `event` happens and every guard holds, do the actions in order and be in `next`.

    The first row that fits is taken. guards, actions: names, which the machine of the table knows. slack_ns: added to
    the deadline that a guard of this row compares with; 0 in every table that is shipped.
    """

    state: str
    event: str
    next: str
    guards: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    slack_ns: int = 0


class Machine(Generic[Case]):
    """A table with what its guards and actions are. Immutable.

    guards: name to a function of case and row that tells whether it holds; it changes nothing. actions: name to a
    function of case and row that does something to the case. deadlines: names of the guards that compare a time with
    `slack_ns` added to a deadline.
    """

    __slots__ = ("_rows", "actions", "deadlines", "guards", "moves", "name")

    def __init__(
        self,
        name: str,
        moves: Sequence[Move],
        guards: Mapping[str, Callable[[Case, Move], bool]],
        actions: Mapping[str, Callable[[Case, Move], None]],
        deadlines: Iterable[str] = (),
    ) -> None:
        """Put a machine together. Raises ValueError for a name that a row uses and nobody defines, or nobody uses."""
        self.name = name
        self.guards = MappingProxyType(dict(guards))
        self.actions = MappingProxyType(dict(actions))
        self.deadlines = frozenset(deadlines)
        for what, known, used in (
            ("guard", set(guards), {guard for move in moves for guard in move.guards}),
            ("action", set(actions), {action for move in moves for action in move.actions}),
        ):
            if known != used:
                raise ValueError(f"machine {name}: {what} {', '.join(sorted(known ^ used))} is not used or not defined")
        if not self.deadlines <= set(guards):
            raise ValueError(f"machine {name}: a deadline that is no guard")
        self._set(moves)

    def find(self, state: str, event: str, case: Case) -> int | None:
        """Return the number of the row that is taken, None where there is none. Changes nothing."""
        for number, move, guards, _ in self._rows.get((state, event), ()):
            for guard in guards:
                if not guard(case, move):
                    break
            else:
                return number
        return None

    def take(self, state: str, event: str, case: Case) -> str | None:
        """Do what the row says and return the state after it; None where no row fits, and nothing was done.

        Cost: 0.2 microseconds, and what guards and actions take.
        """
        for _, move, guards, actions in self._rows.get((state, event), ()):
            for guard in guards:
                if not guard(case, move):
                    break
            else:
                for action in actions:
                    action(case, move)
                return move.next
        return None

    def with_moves(self, moves: Sequence[Move]) -> "Machine[Case]":
        """Return a machine with another table: a mutant. Guards and actions that it no longer uses stay known."""
        other: Machine[Case] = object.__new__(Machine)
        other.name, other.guards, other.actions, other.deadlines = self.name, self.guards, self.actions, self.deadlines
        other._set(moves)
        return other

    @property
    def states(self) -> tuple[str, ...]:
        """Every state that the table names, in the order in which it names them."""
        return tuple(dict.fromkeys(state for move in self.moves for state in (move.state, move.next)))

    @property
    def ends(self) -> frozenset[str]:
        """The states that no row leaves."""
        return frozenset(self.states) - {move.state for move in self.moves}

    def _set(self, moves: Sequence[Move]) -> None:
        self.moves = tuple(moves)
        rows: dict[tuple[str, str], list[_Row[Case]]] = {}
        for number, move in enumerate(self.moves):
            guards = tuple(self.guards[guard] for guard in move.guards)
            actions = tuple(self.actions[action] for action in move.actions)
            rows.setdefault((move.state, move.event), []).append(_Row(number, move, guards, actions))
        self._rows = rows


class _Row(NamedTuple, Generic[Case]):
    """A row as it is looked up: with the functions in place of their names."""

    number: int
    move: Move
    guards: tuple[Callable[[Case, Move], bool], ...]
    actions: tuple[Callable[[Case, Move], None], ...]


def described(machine: Machine[Any]) -> dict[str, Any]:
    """Return a machine as values that JSON can write: its states and its rows, in order."""
    rows = [
        {
            "state": move.state,
            "event": move.event,
            "guards": list(move.guards),
            "actions": list(move.actions),
            "next": move.next,
        }
        for move in machine.moves
    ]
    return {"name": machine.name, "states": list(machine.states), "moves": rows}
