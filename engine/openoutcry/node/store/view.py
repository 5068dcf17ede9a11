"""What a view belongs to, and what the node asks of a store beside what roles ask of it."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from openoutcry.role import Store

OWN_TABLE: Final = "openoutcry_view"
"""The one table that is not the role's; roles cannot reach it."""

OWN_SCHEMA: Final = f"""
CREATE TABLE {OWN_TABLE} (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    role TEXT NOT NULL,
    version INTEGER NOT NULL,
    tables BLOB NOT NULL,
    journal BLOB NOT NULL,
    applied_sequence INTEGER NOT NULL CHECK (applied_sequence >= 0)
)"""


@dataclass(frozen=True, slots=True)
class View:
    """What a view is of; one of anything else is deleted and made anew.

    role, version: name and version of the role. tables: the statements that make its tables, `RoleKind.tables`.
    journal: the 16-byte id of the journal.
    """

    role: str
    version: int
    tables: str
    journal: bytes

    @property
    def digest(self) -> bytes:
        """Of the statements, as they are written: a comment that changes makes a new view, which is only work."""
        return hashlib.sha256(self.tables.encode()).digest()

    @property
    def statements(self) -> Iterator[str]:
        """The statements one by one. Raises ValueError where the last one is not finished."""
        begun = ""
        for part in self.tables.splitlines(keepends=True):
            begun += part
            if sqlite3.complete_statement(begun):
                yield begun
                begun = ""
        if begun.strip():
            raise ValueError(f"the tables of role {self.role} end within a statement: {begun.strip()[:60]!r}")


class ViewStore(Store, Protocol):
    """A `Store` with transactions, for the node. Used by one thread.

    A role reads at any time and writes between `begin` and `commit`; a read before the commit sees what was written.
    """

    @property
    def applied(self) -> int:
        """Sequence of the last record that the view has, 0 when it is empty."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What an operator should read: why it was made anew."""
        ...

    def begin(self) -> None:
        """Begin the transaction of one group. Raises StoreError."""
        ...

    def commit(self, sequence: int) -> None:
        """Keep what was written since `begin`, all of it or nothing, as the view after record `sequence`.

        Only called when the journal is durable up to there: a view is never ahead of its journal. Raises StoreError.
        """
        ...

    def rollback(self) -> None:
        """Forget what was written since `begin`; without one there is nothing to forget."""
        ...

    def reset(self, why: str) -> None:
        """Make the view empty, with `applied` 0, and note why. What was begun is forgotten. Raises StoreError."""
        ...

    def close(self) -> None:
        """Let go. What was begun and not committed is forgotten."""
        ...
