"""The view of a role in a file: `views/<role>.sqlite` in the data folder. It can be deleted while the node is down.

Cheap because it is no truth: a commit writes to SQLite's log and waits for no disk (WAL, synchronous NORMAL). A process
that is killed loses nothing of it; a power cut may take the newest groups, and the journal has those.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

from openoutcry.node.store.base import BaseStore
from openoutcry.node.store.errors import StoreError
from openoutcry.node.store.sql import SqlView
from openoutcry.node.store.view import View

VIEWS_FOLDER: Final = "views"
SUFFIX: Final = ".sqlite"
COMPANIONS: Final = ("", "-wal", "-shm")
"""The database before its log: SQLite throws away a log that stands beside an empty database."""

UNUSABLE: Final = frozenset([sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR])
"""What opening a file meets where the content is at fault, and not the disk or who may read it."""

FILE_MODE: Final = 0o600
"""What a role keeps is as private as the journal; the log gets the mode of the database."""

BUSY_S: Final = 1.0
"""How long a commit waits for a person who looks at the file with a tool that locks it."""

CHECK_S_MAX: Final = 0.25
"""How long `open` looks for damage, 1.5 GB/s where the file is in memory; what is not reached is checked when read."""

FILE_SETTINGS: Final = (
    # Readers do not block the writer, and a commit appends to a log.
    "journal_mode = WAL",
    # A commit waits for no disk; the file is synced when the log is copied into it, so that it is never in between.
    "synchronous = NORMAL",
    # Pages of 4 KiB that the log holds before the group that fills it copies it into the file: 4 MiB take that group
    # 5 ms, 16 MiB 13 ms, and all groups together 10 % less.
    "wal_autocheckpoint = 1000",
    # What the log shrinks to when a reader that held it up has gone.
    "journal_size_limit = 67108864",
    # An error of the disk is an error, and not the end of the process.
    "mmap_size = 0",
)


def view_path(data: Path, role: str) -> Path:
    """Return where the view of a role lies in the node's data folder."""
    return data / VIEWS_FOLDER / f"{role}{SUFFIX}"


class SqliteStore(BaseStore):
    """A `ViewStore` in a file. Opening one never fails for what is in the file: then it is made anew, and noted."""

    def __init__(self, path: Path, view: View, last: int) -> None:
        """Open or make the view; its folder is made where it is missing.

        last: the last sequence of the journal. Raises StoreError where the file cannot be read or written, or the
        tables of the role cannot be made.
        """
        super().__init__(view, str(path))
        self.path = path
        self._opened: SqlView | None = None
        if not path.exists():
            self._make_anew()
        elif why := self._open(last):
            self._reset_as(why)

    @property
    def _sql(self) -> SqlView:
        assert self._opened is not None, f"{self.path} is closed"
        return self._opened

    def close(self) -> None:
        """Let go; a view in which damage was met is deleted, so that the next start makes it anew."""
        damaged = self._opened is not None and self._opened.damaged
        self._let_go()
        if damaged:
            self._delete()

    def _open(self, last: int) -> str:
        """Take up the file; return why it cannot be used, "" where it can."""
        try:
            sql = self._connect()
            return sql.find_damage(CHECK_S_MAX) or sql.read_mark(self.view, last)
        except sqlite3.Error as error:
            self._let_go()
            if error.sqlite_errorcode & 0xFF not in UNUSABLE:
                raise StoreError(f"{self.path} cannot be opened: {error}") from error
            return f"it is no view, or damaged ({error})"

    def _make_anew(self) -> None:
        self._let_go()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._delete()
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
            self._connect().make(self.view)
        except (OSError, sqlite3.Error) as error:
            self._let_go()
            raise StoreError(f"{self.path} cannot be made: {error}") from error

    def _connect(self) -> SqlView:
        connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        try:
            for setting in FILE_SETTINGS:
                connection.execute(f"PRAGMA {setting}")
            self._opened = SqlView(connection, self.name)
        except BaseException:
            connection.close()
            raise
        return self._opened

    def _delete(self) -> None:
        for companion in COMPANIONS:
            self.path.with_name(self.path.name + companion).unlink(missing_ok=True)

    def _let_go(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.connection.close()
