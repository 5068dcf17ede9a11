"""What every store must do, whatever it lies in: the same tests on each bench of tests/stores.py."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any, cast

import pytest

from openoutcry.node.core.parts import ViewStore
from openoutcry.node.store import StoreError
from openoutcry.role import Value
from tests.stores import ACCOUNTS, PUT, VIEW, Bench, account, benches


@pytest.fixture(params=["file", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Return an empty place for a view, of each kind in turn."""
    yield from benches(tmp_path, request.param)


def test_a_new_view_is_empty_and_has_the_tables_of_its_role(bench: Bench) -> None:
    """Nothing is applied and nothing noted; opened again it is the same."""
    for _ in range(2):
        store = bench.open()
        _as_the_node_wants_it: ViewStore = store
        assert (store.applied, list(store.notes), list(store.execute(ACCOUNTS))) == (0, [], [])
        store.close()


def test_a_group_is_kept_whole_with_the_sequence_it_reaches(bench: Bench) -> None:
    """Three groups by both calls; reads within a group see what it wrote; all is there after opening again."""
    store = bench.open()
    for number in range(3):
        store.begin()
        store.execute_many(PUT, (account(index) for index in range(number * 10, number * 10 + 9)))
        store.execute(PUT, account(number * 10 + 9))
        assert len(list(store.execute(ACCOUNTS))) == number * 10 + 10
        store.commit(number * 100 + 7)
    for _ in range(2):
        assert list(store.execute(ACCOUNTS)) == [account(number) for number in range(30)]
        assert store.applied == 207
        store.close()
        store = bench.open()
    assert list(store.notes) == []


@pytest.mark.parametrize("end", ["crash", "close", "rollback"])
def test_what_was_not_committed_is_lost_and_nothing_else(bench: Bench, end: str) -> None:
    """A group is kept, a second one is begun and ends by a crash, by closing, or because the node takes it back."""
    store = bench.open()
    store.begin()
    store.execute(PUT, account(1))
    store.commit(5)
    store.begin()
    store.execute(PUT, account(2))
    store.execute("DELETE FROM account WHERE lots = 1")
    if end == "rollback":
        store.rollback()
    else:
        bench.crash() if end == "crash" else store.close()
        store = bench.open()
    assert (store.applied, list(store.execute(ACCOUNTS))) == (5, [account(1)])
    store.begin()
    store.execute(PUT, account(3))
    store.commit(6)
    assert list(store.execute(ACCOUNTS)) == [account(1), account(3)]


def test_nothing_is_written_outside_of_a_group(bench: Bench) -> None:
    """Before the first group, between two, and after one that was taken back; reading works throughout."""
    store = bench.open()
    for end in ("none", "commit", "rollback"):
        if end != "none":
            store.begin()
            store.commit(1) if end == "commit" else store.rollback()
        with pytest.raises(StoreError, match="readonly"):
            store.execute(PUT, account(1))
        with pytest.raises(StoreError, match="readonly"):
            store.execute_many(PUT, [account(1)])
        assert list(store.execute(ACCOUNTS)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT one",
        "ATTACH ':memory:' AS other",
        "PRAGMA query_only = 0",
        "PRAGMA synchronous = OFF",
        "UPDATE openoutcry_view SET applied_sequence = 9",
        "DROP TABLE openoutcry_view",
        "SELECT applied_sequence FROM openoutcry_view",
        "CREATE TEMP TABLE gone (a)",
        "CREATE VIRTUAL TABLE words USING fts5 (word)",
        "SELECT random()",
        "SELECT hex(RandomBlob(4))",
        "SELECT datetime('now')",
        "INSERT INTO account VALUES (x'00', CURRENT_TIMESTAMP, 1)",
        "SELECT load_extension('x')",
    ],
)
def test_what_would_break_the_group_or_the_replay_is_refused(bench: Bench, statement: str) -> None:
    """Ends of transactions, settings, the table that is ours, chance and clock: no trace, and the group goes on."""
    store = bench.open()
    store.begin()
    store.execute(PUT, account(1))
    with pytest.raises(StoreError, match=r"not authorized|not allowed|prohibited"):
        store.execute(statement)
    store.execute(PUT, account(2))
    store.commit(3)
    assert (store.applied, len(list(store.execute(ACCOUNTS)))) == (3, 2)


class Side(IntEnum):
    """A number with a name, as roles have them."""

    BUY = 1


class Rate(float):
    """What numpy's numbers are."""


def test_values_are_whole_numbers_texts_and_bytes(bench: Bench) -> None:
    """The largest of each go in and come out as they were; a named number is a number."""
    store = bench.open()
    store.begin()
    rows: list[tuple[Value, ...]] = [(b"", "", 0), (b"\0\xff" * 9, "\0 é 日", 2**63 - 1), (b"n", None, Side.BUY)]
    store.execute_many(PUT, rows)
    assert sorted(store.execute(ACCOUNTS), key=str) == sorted([*rows[:2], (b"n", None, 1)], key=str)
    assert list(store.execute("SELECT ?, ?", (-(2**63), True))) == [(-(2**63), 1)]


@pytest.mark.parametrize("value", [1.0, Rate(2.0), [1], object(), 1j, float("nan")])
def test_no_float_and_no_other_thing_goes_in(bench: Bench, value: Any) -> None:
    """As a value of one statement and in the second of many rows, which leave no first row behind after the group."""
    store = bench.open()
    store.begin()
    with pytest.raises(TypeError, match=f"no {type(value).__name__}"):
        store.execute("SELECT ?", (value,))
    with pytest.raises(TypeError, match=f"no {type(value).__name__}"):
        store.execute_many(PUT, [account(1), cast(Sequence[Value], (b"2", None, value))])
    store.rollback()
    assert list(store.execute(ACCOUNTS)) == []


def test_no_float_comes_out(bench: Bench) -> None:
    """An average, and a division that SQLite makes of whole numbers only when it is asked to."""
    store = bench.open()
    assert list(store.execute("SELECT 7 / 2")) == [(3,)]
    for statement in ("SELECT 7 / 2.0", "SELECT avg(1)"):
        with pytest.raises(TypeError, match="no float"):
            store.execute(statement)


def test_a_wrong_statement_says_where_and_leaves_the_group_as_it_was(bench: Bench) -> None:
    """A misspelt table, a broken check, a reference to nothing, too many values; then the group is committed."""
    store = bench.open()
    store.begin()
    store.execute(PUT, account(1))
    for statement, values, why in (
        ("SELECT * FROM acount", (), "no such table: acount"),
        (PUT, (b"x", None, -1), "CHECK constraint failed"),
        ("SELECT 1", (1, 2), "bindings"),
        ("SELECT 1; SELECT 2", (), "one statement"),
    ):
        with pytest.raises(StoreError, match=why):
            store.execute(statement, cast(Sequence[Value], values))
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.execute("INSERT INTO move VALUES (1, x'ee', NULL)")
    store.commit(1)
    assert list(store.execute(ACCOUNTS)) == [account(1)]


def test_a_deleted_view_is_empty_and_takes_the_groups_again(bench: Bench) -> None:
    """Deleted between two openings: nothing is applied, and the same groups make the same rows."""
    found = []
    for _ in range(2):
        store = bench.open()
        assert store.applied == 0
        for number in range(1, 5):
            store.begin()
            store.execute_many(PUT, [account(number), account(number + 1)])
            store.commit(number)
        found.append(list(store.execute(ACCOUNTS)))
        store.close()
        bench.delete()
    assert found[0] == found[1] == [account(number) for number in range(1, 6)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"journal": bytes(16)}, "belongs to another journal"),
        ({"version": 2}, "made by ledger 1, and this is ledger 2"),
        ({"role": "other"}, "made by ledger 1, and this is other 1"),
        ({"tables": VIEW.tables + "CREATE TABLE more (a INTEGER);"}, "declared in another way"),
        ({}, "applied up to record 9, and the journal ends with 8"),
    ],
)
def test_a_view_of_something_else_is_made_anew_and_said(bench: Bench, change: dict[str, Any], why: str) -> None:
    """Another journal, version, role, declaration; or a journal that ends before the view does."""
    store = bench.open()
    store.begin()
    store.execute(PUT, account(1))
    store.commit(9)
    store.close()
    store = bench.open(replace(VIEW, **change), 9 if change else 8)
    assert (store.applied, list(store.execute(ACCOUNTS))) == (0, [])
    assert [why in note and "made anew from the journal" in note for note in store.notes] == [True]
    store.close()
    store = bench.open(replace(VIEW, **change))
    assert list(store.notes) == []


def test_resetting_empties_a_view_also_within_a_group(bench: Bench) -> None:
    """As for a snapshot that is newer than the view: then it is filled and goes on from there."""
    store = bench.open()
    store.begin()
    store.execute(PUT, account(1))
    store.commit(4)
    store.begin()
    store.execute(PUT, account(2))
    store.reset()
    assert (store.applied, list(store.execute(ACCOUNTS))) == (0, [])
    assert list(store.notes) == []
    store.begin()
    store.execute(PUT, account(3))
    store.commit(90)
    store.close()
    store = bench.open()
    assert (store.applied, list(store.execute(ACCOUNTS))) == (90, [account(3)])


@pytest.mark.parametrize("tables", ["CREATE TABLE half (a INTEGER", "CREATE TABLE a (b); CREATE TABLE a (c);", "x;"])
def test_tables_that_cannot_be_made_are_refused(bench: Bench, tables: str) -> None:
    """A statement without an end, a table twice, nonsense; the next try with good ones finds no trace."""
    with pytest.raises(StoreError, match="cannot be made"):
        bench.open(replace(VIEW, tables=tables))
    store = bench.open()
    assert list(store.execute("SELECT name FROM sqlite_master WHERE name IN ('a', 'half')")) == []


def test_a_role_without_tables_may_make_them_in_a_group(bench: Bench) -> None:
    """A table that is made and filled in a group is gone with it, and stays with the next."""
    store = bench.open(replace(VIEW, tables=""))
    for end in ("rollback", "commit"):
        store.begin()
        store.execute("CREATE TABLE late (a INTEGER)")
        store.execute("INSERT INTO late VALUES (1)")
        store.rollback() if end == "rollback" else store.commit(1)
    assert list(store.execute("SELECT a FROM late")) == [(1,)]
