"""One connection to SQLite as a view: transactions, what a role may say, and which values go in and out.

What a role may not say is refused when its statement is prepared: to begin or end a transaction, which would keep a
group that is not durable yet; to touch the table that is ours; and whatever gives another answer in a replay.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Final

from openoutcry.node.store.errors import StoreError
from openoutcry.node.store.view import OWN_SCHEMA, OWN_TABLE, View
from openoutcry.role import Value

INT_MAX: Final = (1 << 63) - 1

DENIED: Final = frozenset(
    [
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_PRAGMA,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
    ]
)
UNREPEATABLE: Final = frozenset(
    [
        "current_date",
        "current_time",
        "current_timestamp",
        "date",
        "datetime",
        "julianday",
        "load_extension",
        "random",
        "randomblob",
        "strftime",
        "time",
        "timediff",
        "total_changes",
        "unixepoch",
    ]
)
"""Functions that depend on the clock, on chance or on the process; times are integers that records carry."""

CHECK_STEPS: Final = 10_000
"""Steps of SQLite between two looks at the clock, some 0.1 ms."""

EXACT: Final = frozenset([int, str, bytes, type(None)])

SETTINGS: Final = (
    # Statements in a schema that someone has changed cannot call functions.
    "trusted_schema = OFF",
    # A damaged page is found when it is read, not when it has led somewhere.
    "cell_size_check = ON",
    # A reference that a role declares is meant.
    "foreign_keys = ON",
    # Sorting needs no files.
    "temp_store = MEMORY",
    # 16 MiB of pages: the tables of a role, mostly; the default of 2 MB reads the same pages again and again.
    "cache_size = -16384",
)
BEGIN: Final = "BEGIN IMMEDIATE /* view */"
COMMIT: Final = "COMMIT /* view */"
ROLLBACK: Final = "ROLLBACK /* view */"
WRITABLE: Final = "PRAGMA query_only = 0 /* view */"
READ_ONLY: Final = "PRAGMA query_only = 1 /* view */"
NOTE: Final = f"UPDATE {OWN_TABLE} SET applied_sequence = ? /* view */"
FRESH: Final = f"INSERT INTO {OWN_TABLE} VALUES (1, ?, ?, ?, ?, 0)"
FOUND: Final = f"SELECT role, version, tables, journal, applied_sequence FROM {OWN_TABLE}"


class SqlView:
    """A connection that is set up as the view of one role; what is common to a file and to memory.

    connection: opened with isolation_level None, so that nothing begins or commits by itself. name: what an error calls
    it. Outside of a transaction it is read-only. A group costs 10 microseconds more than its rows.
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        """Set the connection up. Raises sqlite3.Error where the file is none of SQLite's."""
        assert connection.isolation_level is None
        self.connection = connection
        self.name = name
        self.applied = 0
        self.damaged = False
        self._own = False
        self._cursor = connection.cursor()
        self._many = connection.cursor()
        connection.set_authorizer(self._authorize)
        self._say(*(f"PRAGMA {setting}" for setting in SETTINGS))

    def find_damage(self, seconds: float) -> str:
        """Say what is wrong with the file, as far as that can be seen in so many seconds. Raises sqlite3.Error."""
        until = monotonic() + seconds
        self.connection.set_progress_handler(lambda: monotonic() > until, CHECK_STEPS)
        try:
            self._say("PRAGMA quick_check(1)")
            found = self._cursor.fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return ""
        finally:
            self.connection.set_progress_handler(None, 0)
        return "" if found == [("ok",)] else f"it is damaged ({' '.join(str(found[0][0]).split())})"

    def read_mark(self, view: View, last: int) -> str:
        """Take over how far a view was applied; return why it cannot be used, "" where it can.

        last: the last sequence of the journal. Raises sqlite3.Error where there is no mark.
        """
        self._say(READ_ONLY, FOUND)
        row = self._cursor.fetchone()
        if row is None:
            return "it was not finished"
        role, version, digest, journal, applied = row
        if journal != view.journal:
            return "it belongs to another journal"
        if (role, version) != (view.role, view.version):
            return f"it was made by {role} {version}, and this is {view.role} {view.version}"
        if digest != view.digest:
            return "its tables are declared in another way now"
        if applied > last:
            return f"it was applied up to record {applied}, and the journal ends with {last}"
        self.applied = applied
        return ""

    def make(self, view: View) -> None:
        """Make the tables of an empty database, all or none. Raises sqlite3.Error."""
        statements = list(view.statements)
        self._say(WRITABLE, BEGIN, OWN_SCHEMA)
        try:
            self._say(FRESH, values=(view.role, view.version, view.digest, view.journal))
            for statement in statements:
                self._cursor.execute(statement)
        except BaseException:
            self.rollback()
            raise
        self._say(COMMIT, READ_ONLY)
        self.applied = 0

    def begin(self) -> None:
        """Begin the transaction of one group; see `ViewStore`."""
        assert not self.connection.in_transaction, f"{self.name}: a group was begun within a group"
        self._guard(lambda: self._say(WRITABLE, BEGIN))

    def commit(self, sequence: int) -> None:
        """Keep a group; see `ViewStore`."""
        assert self.connection.in_transaction, f"{self.name}: nothing was begun"
        assert self.applied <= sequence <= INT_MAX, f"{self.name}: {sequence} comes before {self.applied}"
        self._guard(lambda: self._finish(sequence))
        self.applied = sequence

    def rollback(self) -> None:
        """Forget a group; see `ViewStore`."""
        statements = (ROLLBACK, READ_ONLY) if self.connection.in_transaction else (READ_ONLY,)
        self._guard(lambda: self._say(*statements))

    def execute(self, statement: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        """Run one statement of a role and return its rows; see `Store`.

        Raises StoreError, also for a statement that roles may not say, and TypeError for a float that goes in or out.
        """
        _require(values)
        rows = self._guard(lambda: self._cursor.execute(statement, values).fetchall())
        for row in rows:
            _require(row)
        return rows

    def execute_many(self, statement: str, values: Iterable[Sequence[Value]]) -> None:
        """Run one statement of a role for each row of values; raises as `execute`."""
        self._guard(lambda: self._many.executemany(statement, _required(values)))

    def _finish(self, sequence: int) -> None:
        self._say(NOTE, values=(sequence,))
        self._say(COMMIT, READ_ONLY)

    def _say(self, *statements: str, values: Sequence[Value] = ()) -> None:
        """Run statements of ours; the values are for each of them."""
        self._own = True
        try:
            for statement in statements:
                self._cursor.execute(statement, values)
        finally:
            self._own = False

    def _guard(self, what: Callable[[], object]) -> list[tuple[Value, ...]]:
        """Do it and return the rows, if any; turn what SQLite raises into one line."""
        try:
            done = what()
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None) or 0  # none where the module itself refuses
            if code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                self.damaged = True
                raise StoreError(f"{self.name} is damaged ({error}): it is made anew when the node starts") from error
            raise StoreError(f"{self.name}: {error}") from error
        return done if isinstance(done, list) else []

    def _authorize(
        self, action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None
    ) -> int:
        """Say whether a statement may be prepared; asked once for each thing that it does, then it is kept prepared."""
        if self._own:
            return sqlite3.SQLITE_OK
        denied = (
            action in DENIED
            or OWN_TABLE in (first, second)
            or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in UNREPEATABLE)
        )
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK


def _required(rows: Iterable[Sequence[Value]]) -> Iterator[Sequence[Value]]:
    for row in rows:
        if not EXACT.issuperset(map(type, row)):
            _require(row)
        yield row


def _require(row: Sequence[Value]) -> None:
    """Raise TypeError for a value that has no place in a view."""
    if EXACT.issuperset(map(type, row)):
        return
    for value in row:
        if value is not None and not isinstance(value, int | str | bytes):
            raise TypeError(f"a view holds int, str, bytes and None, and no {type(value).__name__}: {value!r:.60}")
