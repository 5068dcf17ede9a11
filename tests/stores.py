"""Stores for tests: benches, on which a view can lose what was not committed, be deleted, and be opened again."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from openoutcry.node.store import MemoryStore, MemoryView, SqliteStore, View, view_path
from openoutcry.node.store.base import BaseStore
from openoutcry.role import Value

JOURNAL: Final = bytes(range(16))
TABLES: Final = """
CREATE TABLE account (key BLOB PRIMARY KEY, name TEXT, lots INTEGER NOT NULL CHECK (lots >= 0));
CREATE TABLE move (number INTEGER PRIMARY KEY, key BLOB REFERENCES account (key), note TEXT);
CREATE INDEX move_of ON move (key); -- a comment with a ; in it
"""
VIEW: Final = View("ledger", 1, TABLES, JOURNAL)
PUT: Final = "INSERT OR REPLACE INTO account VALUES (?, ?, ?)"
ACCOUNTS: Final = "SELECT key, name, lots FROM account ORDER BY key"
LAST: Final = 1 << 40
"""Of a journal that is ahead of every view of these tests."""


def account(number: int) -> tuple[Value, ...]:
    """Return one row, which follows from its number."""
    return (b"%08d" % number, None if number % 3 else f"n{number}", number)


class Bench(Protocol):
    """A place that a view lies in, between openings."""

    def open(self, view: View = VIEW, last: int = LAST) -> BaseStore:
        """Open the view; the one before was closed or crashed."""
        ...

    def crash(self) -> None:
        """End the open store without closing it."""
        ...

    def delete(self) -> None:
        """Delete the view while nobody has it open."""
        ...


class FileBench:
    """A view in a file."""

    def __init__(self, folder: Path) -> None:
        self.path = view_path(folder, "ledger")
        self.store: SqliteStore | None = None

    def open(self, view: View = VIEW, last: int = LAST) -> SqliteStore:
        self.store = SqliteStore(self.path, view, last)
        return self.store

    def crash(self) -> None:
        """A connection that goes away in a transaction leaves what a process does that is killed."""
        if self.store is not None:
            self.store.close()

    def delete(self) -> None:
        self.crash()
        for path in self.path.parent.glob("*"):
            path.unlink()


class MemoryBench:
    """A view in memory."""

    def __init__(self) -> None:
        self.memory = MemoryView()

    def open(self, view: View = VIEW, last: int = LAST) -> MemoryStore:
        return MemoryStore(self.memory, view, last)

    def crash(self) -> None:
        self.memory.crash()

    def delete(self) -> None:
        self.memory.delete()


def benches(folder: Path, kind: str) -> Iterator[Bench]:
    """Yield one, and clear it away."""
    bench: Bench = FileBench(folder) if kind == "file" else MemoryBench()
    yield bench
    with suppress(FileNotFoundError):
        bench.delete()
