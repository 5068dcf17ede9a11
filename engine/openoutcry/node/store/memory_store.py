"""The view for simulation: SQLite without a file, which loses in a crash what was not committed, or all of it."""

import sqlite3

from openoutcry.node.store.base import BaseStore
from openoutcry.node.store.errors import StoreError
from openoutcry.node.store.sql import SqlView
from openoutcry.node.store.view import View


class MemoryView:
    """What survives a crash of the node: the database as it was last committed. Closed by whoever made it."""

    def __init__(self) -> None:
        """Begin without a database."""
        self.sql: SqlView | None = None

    def crash(self) -> None:
        """Lose what was not committed; the store that wrote it must not be used any more."""
        if self.sql is not None:
            self.sql.rollback()

    def delete(self) -> None:
        """Lose everything, as when a person deletes the file while the node is down; also what ends the use of this."""
        if self.sql is not None:
            self.sql.connection.close()
            self.sql = None


class MemoryStore(BaseStore):
    """A `ViewStore` on a `MemoryView`. Making one is what opening a file is; closing leaves the view for the next."""

    def __init__(self, memory: MemoryView, view: View, last: int) -> None:
        """Open or make the view. last: the last sequence of the journal. Raises StoreError as `SqliteStore`."""
        super().__init__(view, f"the view of {view.role}")
        self.memory = memory
        if memory.sql is None:
            self._make_anew()
        elif why := memory.sql.read_mark(view, last):
            self._reset_as(why)

    @property
    def _sql(self) -> SqlView:
        assert self.memory.sql is not None, f"{self.name} was deleted"
        return self.memory.sql

    def close(self) -> None:
        """Let go; what was not committed is forgotten."""
        self.memory.crash()

    def _make_anew(self) -> None:
        self.memory.delete()
        sql = SqlView(sqlite3.connect(":memory:", isolation_level=None), self.name)
        try:
            sql.make(self.view)
        except sqlite3.Error as error:
            sql.connection.close()
            raise StoreError(f"{self.name} cannot be made: {error}") from error
        self.memory.sql = sql
