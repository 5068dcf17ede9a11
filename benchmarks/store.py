"""What it costs to keep rows as a view of the journal, beside SQLite as the truth itself, and how fast it is made anew.

`python -m benchmarks.run --only store`. A group is so many rows of a ledger: half new entries, half new balances of
10,000 accounts. "truth" is SQLite alone, which waits for the disk at each commit (WAL, synchronous FULL), and whose
answers may go out then. "view" is `SqliteStore` alone. "journal and view" is what a node does: the group is appended,
the rows are written while the disk syncs, and the view is committed when the journal is durable. Each row is one record
of 64 bytes there. Beginning anew is a deleted view that is filled in one transaction, as from a snapshot.

Written to a folder beside the results unless OUTCRY_BENCH_FOLDER names another one. Left out: the role's own work, and
other load on the disk.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final, TypeAlias

import numpy as np

from benchmarks import books
from benchmarks.record import ROOT, Recorder
from openoutcry.node.journal import FileLog, RoleVersion
from openoutcry.node.store import SqliteStore, View
from openoutcry.role import NOBODY, Record, Value

Row: TypeAlias = tuple[Value, ...]

GROUPS: Final = (1, 16, 128, 512, 4096)
"""Rows of a group."""

ROWS: Final = 400_000
"""Of each case; of groups of one row a tenth, of which each waits for the disk."""

ROWS_QUICK: Final = 4_096
ACCOUNTS: Final = 10_000
TABLES: Final = """
CREATE TABLE entry (number INTEGER PRIMARY KEY, account BLOB NOT NULL, lots INTEGER NOT NULL, time_ns INTEGER NOT NULL);
CREATE TABLE balance (account BLOB PRIMARY KEY, lots INTEGER NOT NULL) WITHOUT ROWID;
"""
ENTRY: Final = "INSERT INTO entry VALUES (?, ?, ?, ?)"
BALANCE: Final = "INSERT INTO balance VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET lots = excluded.lots"
VIEW: Final = View("ledger", 1, TABLES, bytes(16))
ROLES: Final = (RoleVersion(1, "ledger", 1),)


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time the three ways for groups of several sizes, then making a view anew and opening it."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("OUTCRY_BENCH_FOLDER", ROOT)) as folder:
        for size in (512,) if quick else GROUPS:
            rows = ROWS_QUICK if quick else ROWS // 10 if size == 1 else ROWS
            groups = make_groups(rows, size)
            for what, time in (("truth", time_truth), ("view", time_view), ("journal and view", time_node)):
                recorder.add("store", {"what": what, "rows": size}, time(Path(folder) / f"{what}-{size}", groups))
        recorder.add("store", {"what": "made anew"}, time_anew(Path(folder) / "anew", ROWS_QUICK if quick else ROWS))


def make_groups(rows: int, size: int) -> list[tuple[list[Row], list[Row]]]:
    """Return groups of entries and balances, the same for every way."""
    random = Random(1)
    accounts = [random.randbytes(32) for _ in range(ACCOUNTS)]
    groups: list[tuple[list[Row], list[Row]]] = []
    for first in range(0, rows, size):
        numbers = range(first, first + size)
        entries: list[Row] = [
            (number, random.choice(accounts), random.randrange(1 << 40), 10**18 + number) for number in numbers[::2]
        ]
        groups.append((entries, [(random.choice(accounts), random.randrange(1 << 40)) for _ in numbers[1::2]]))
    return groups


def time_truth(path: Path, groups: Sequence[tuple[list[Row], list[Row]]]) -> dict[str, float | int]:
    """SQLite, whose commit is the acknowledgement."""
    path.mkdir()
    database = sqlite3.connect(path / "truth.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(TABLES)

    def keep(number: int, entries: list[Row], balances: list[Row]) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(ENTRY, entries)
        database.executemany(BALANCE, balances)
        database.execute("COMMIT")

    found = time_groups(groups, keep)
    database.close()
    return found


def time_view(path: Path, groups: Sequence[tuple[list[Row], list[Row]]]) -> dict[str, float | int]:
    """The view alone."""
    store = SqliteStore(path / "view.sqlite", VIEW, 1 << 40)

    def keep(number: int, entries: list[Row], balances: list[Row]) -> None:
        store.begin()
        store.execute_many(ENTRY, entries)
        store.execute_many(BALANCE, balances)
        store.commit(number)

    found = time_groups(groups, keep)
    store.close()
    return found


def time_node(path: Path, groups: Sequence[tuple[list[Row], list[Row]]]) -> dict[str, float | int]:
    """The journal, and the view while the disk syncs."""
    log = FileLog.create(path / "journal", ROLES)
    log.settle()
    store = SqliteStore(path / "view.sqlite", VIEW, 1 << 40)
    record = Record(1, 7, 1, NOBODY, bytes(range(64)))

    def keep(number: int, entries: list[Row], balances: list[Row]) -> None:
        last = log.append([record] * (len(entries) + len(balances)))
        store.begin()
        store.execute_many(ENTRY, entries)
        store.execute_many(BALANCE, balances)
        log.durable(last)
        store.commit(last)

    found = time_groups(groups, keep)
    store.close()
    log.close()
    return found


def time_groups(
    groups: Sequence[tuple[list[Row], list[Row]]], keep: Callable[[int, list[Row], list[Row]], None]
) -> dict[str, float | int]:
    """Return rates and how long groups took."""
    laps: list[float] = []
    with books.paused_collection():
        begin = perf_counter()
        for number, (entries, balances) in enumerate(groups, 1):
            at = perf_counter()
            keep(number, entries, balances)
            laps.append(perf_counter() - at)
        seconds = perf_counter() - begin
    rows = sum(len(entries) + len(balances) for entries, balances in groups)
    p50, p99 = (float(value) * 1e6 for value in np.percentile(laps, (50, 99)))
    return {"rows_per_s": rows / seconds, "group_p50_us": p50, "group_p99_us": p99, "all_rows": rows}


def time_anew(path: Path, rows: int) -> dict[str, float | int]:
    """Fill an empty view at once, then open it, which looks for damage."""
    ((entries, balances),) = make_groups(rows, rows)
    store = SqliteStore(path / "view.sqlite", VIEW, 1 << 40)
    begin = perf_counter()
    store.begin()
    store.execute_many(ENTRY, entries)
    store.execute_many(BALANCE, balances)
    store.commit(rows)
    filled = perf_counter() - begin
    store.close()
    begin = perf_counter()
    store = SqliteStore(path / "view.sqlite", VIEW, 1 << 40)
    opened = perf_counter() - begin
    assert store.applied == rows
    store.close()
    size = (path / "view.sqlite").stat().st_size
    return {"rows_per_s": rows / filled, "open_ms": opened * 1e3, "mb": size / 1e6, "all_rows": rows}
