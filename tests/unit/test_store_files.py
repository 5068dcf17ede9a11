"""The view in a file: what it looks like on the disk, what is in its way, and what is made of a damaged one."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from openoutcry.node.store import SqliteStore, StoreError, sqlite_store, view_path
from tests.stores import ACCOUNTS, LAST, PUT, VIEW, account

ROWS = 2_000


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Return the path of a closed view with some hundred kilobytes in it."""
    path = view_path(tmp_path, "ledger")
    store = SqliteStore(path, VIEW, LAST)
    store.begin()
    store.execute_many(PUT, (account(number) for number in range(ROWS)))
    store.commit(ROWS)
    store.close()
    yield path


def opened(path: Path) -> SqliteStore:
    """Open a view that is there."""
    return SqliteStore(path, VIEW, LAST)


def test_only_its_owner_reads_a_view(path: Path) -> None:
    """Mode 0600 of the file and of the log beside it, 0700 of the folder; one file when it is closed."""
    assert [entry.name for entry in path.parent.iterdir()] == ["ledger.sqlite"]
    store = opened(path)
    store.begin()
    store.execute(PUT, account(1))
    store.commit(ROWS + 1)
    modes = {entry.name: entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()}
    assert modes == {"ledger.sqlite": 0o600, "ledger.sqlite-wal": 0o600, "ledger.sqlite-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    store.close()


def test_the_settings_are_those_that_are_meant(path: Path) -> None:
    """WAL, NORMAL (1), foreign keys, no functions in a schema, no mapped file: as SQLite itself says."""
    store = opened(path)
    store._sql._own = True
    expected = {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "mmap_size": 0,
        "query_only": 1,
        "wal_autocheckpoint": 1000,
    }
    assert {name: store._sql.execute(f"PRAGMA {name}")[0][0] for name in expected} == expected
    store.close()


@pytest.mark.parametrize(
    "place", ["all of it", "first page", "a page within", "last page", "empty", "cut in the middle"]
)
def test_a_damaged_file_is_made_anew_and_said(path: Path, place: str) -> None:
    """Bytes overwritten in several regions, an empty file, half a file: an empty view, one note, no exception."""
    content = bytearray(path.read_bytes())
    size = len(content)
    if place == "cut in the middle":
        del content[size // 2 :]
    elif place == "empty":
        content.clear()
    else:
        at, length = {
            "all of it": (0, size),
            "first page": (0, 4096),
            "a page within": (size // 8192 * 4096, 4096),
            "last page": (size - 4096, 4096),
        }[place]
        content[at : at + length] = b"\xa5" * length
    path.write_bytes(content)
    store = opened(path)
    assert (store.applied, store.execute("SELECT count(*) FROM account")) == (0, [(0,)])
    (note,) = store.notes
    assert note.startswith(f"{path} is made anew from the journal: ")
    assert note.isprintable()
    store.close()


def test_a_database_of_somebody_else_is_made_anew(path: Path) -> None:
    """A good file without our mark."""
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE secret (a)")
    other.close()
    store = opened(path)
    assert "no view, or damaged" in store.notes[0]
    assert store.execute("SELECT name FROM sqlite_master WHERE name = 'secret'") == []
    store.close()


def test_damage_that_opening_did_not_reach_is_met_when_it_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for damage gets no time at all; reading then fails with one line, and the next start begins anew."""
    monkeypatch.setattr(sqlite_store, "CHECK_S_MAX", 0.0)
    monkeypatch.setattr("openoutcry.node.store.sql.CHECK_STEPS", 1)
    content = bytearray(path.read_bytes())
    content[8192:-4096] = b"\xa5" * (len(content) - 12288)
    path.write_bytes(content)
    store = opened(path)
    assert (store.applied, list(store.notes)) == (ROWS, [])
    with pytest.raises(StoreError, match=r"is damaged .* made anew when the node starts"):
        store.execute(ACCOUNTS)
    store.close()
    assert not path.exists()
    store = opened(path)
    assert (store.applied, store.execute(ACCOUNTS)) == (0, [])
    store.close()


def test_a_log_left_beside_a_deleted_view_is_not_taken_for_its_content(path: Path) -> None:
    """Somebody deletes the database and not the log of a process that was killed: the view is empty."""
    store = opened(path)
    store.begin()
    store.execute_many(PUT, (account(number) for number in range(ROWS, ROWS + 50)))
    store.commit(ROWS + 1)
    log = path.with_name("ledger.sqlite-wal").read_bytes()
    store.close()
    path.unlink()
    path.with_name("ledger.sqlite-wal").write_bytes(log)
    store = opened(path)
    assert (store.applied, store.execute(ACCOUNTS)) == (0, [])
    store.close()


def test_a_view_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A file stands where its folder has to be; a folder stands where its file has to be."""
    (tmp_path / "views").write_text("")
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be made"):
        SqliteStore(view_path(tmp_path, "ledger"), VIEW, LAST)
    (tmp_path / "views").unlink()
    view_path(tmp_path, "ledger").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be opened"):
        SqliteStore(view_path(tmp_path, "ledger"), VIEW, LAST)


def test_others_may_read_while_the_node_writes(path: Path) -> None:
    """A second connection in a long read sees one state throughout and holds nobody up; a writer gets one line."""
    store = opened(path)
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM account").fetchone() == (ROWS,)
    for number in range(3):
        store.begin()
        store.execute(PUT, account(ROWS + number))
        store.commit(ROWS + number)
    assert reader.execute("SELECT count(*) FROM account").fetchone() == (ROWS,)
    reader.close()
    store.close()


def test_a_lock_of_somebody_else_stops_the_group_and_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another connection holds the lock to write: one line, and after it let go the group is taken."""
    monkeypatch.setattr(sqlite_store, "BUSY_S", 0.0)
    store = opened(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"ledger\.sqlite: database is locked"):
        store.begin()
    other.execute("ROLLBACK")
    other.close()
    store.begin()
    store.execute(PUT, account(ROWS))
    store.commit(ROWS + 1)
    assert store.execute("SELECT count(*) FROM account") == [(ROWS + 1,)]
    store.close()


def test_a_full_disk_takes_nothing_of_a_group(path: Path) -> None:
    """The database may not grow: the statement fails with one line; when the group is taken back all is as before."""
    store = opened(path)
    store._sql._say("PRAGMA max_page_count = 1")
    store.begin()
    with pytest.raises(StoreError, match="full"):
        store.execute_many(PUT, ((os.urandom(3000), None, number) for number in range(3_000)))
    store.rollback()
    assert (store.applied, store.execute("SELECT count(*) FROM account")) == (ROWS, [(ROWS,)])
    store.close()
