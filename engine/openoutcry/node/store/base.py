"""What every store of ours does the same way, whatever the database lies in."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from openoutcry.node.store.sql import SqlView
from openoutcry.node.store.view import View
from openoutcry.role import Value


class BaseStore(ABC):
    """A `core.parts.ViewStore` on one `SqlView`, used by one thread.

    Each kind says where that comes from, and what making it anew means.
    """

    def __init__(self, view: View, name: str) -> None:
        """view: what it is of. name: what a note calls it."""
        self.view = view
        self.name = name
        self._notes: list[str] = []

    @property
    @abstractmethod
    def _sql(self) -> SqlView:
        """The open database."""

    @abstractmethod
    def _make_anew(self) -> None:
        """Delete what there is and make an empty view. Raises StoreError."""

    @abstractmethod
    def close(self) -> None:
        """Let go; see `ViewStore`."""

    @property
    def applied(self) -> int:
        """Sequence of the last record that the view has, 0 when it is empty."""
        return self._sql.applied

    @property
    def notes(self) -> Sequence[str]:
        """What an operator should read."""
        return tuple(self._notes)

    def begin(self) -> None:
        """Begin the transaction of one group; see `ViewStore`."""
        self._sql.begin()

    def commit(self, sequence: int) -> None:
        """Keep a group; see `ViewStore`."""
        self._sql.commit(sequence)

    def rollback(self) -> None:
        """Forget a group; see `ViewStore`."""
        self._sql.rollback()

    def execute(self, statement: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        """Run one statement of a role and return its rows; see `Store`."""
        return self._sql.execute(statement, values)

    def execute_many(self, statement: str, values: Iterable[Sequence[Value]]) -> None:
        """Run one statement of a role for each row of values; see `Store`."""
        self._sql.execute_many(statement, values)

    def reset(self) -> None:
        """Make the view empty; see `ViewStore`. What was begun is forgotten."""
        self._make_anew()

    def _reset_as(self, why: str) -> None:
        """Make the view empty and say why."""
        self._make_anew()
        self._notes.append(f"{self.name} is made anew from the journal: {why}")
