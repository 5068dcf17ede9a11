"""Every reader against recordings that another program wrote from the format's description (tests/formats).

A generated market is written in each format and read back: the messages must be the same, the book must rebuild without
fault, and matched anew every trade with a displayed order must come out as the venue made it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from openoutcry.domain import Pair
from openoutcry.replay import compare
from openoutcry.replay.books import open_fast, open_plain
from openoutcry.replay.flow import Action, Flow, FlowPair
from openoutcry.replay.levels import check_levels
from openoutcry.replay.readers import lobster as lobster_reader
from openoutcry.replay.readers import plain
from openoutcry.replay.readers.options import Options
from openoutcry.replay.rebuild import rebuild
from openoutcry.replay.rematch import rematch
from openoutcry.replay.source import Source
from openoutcry.replay.table import AUTO, read
from tests.flows import generated, silent, stopped
from tests.formats import dbn, itch, lobster

COMPARED = ("time_ns", "order_id", "price_ticks", "qty_lots", "action", "side")
"""What a recording without takers says of each message."""


def write_plain(flow: Flow, folder: Path) -> Path:
    """Write our own format."""
    path = folder / "flow.csv"
    plain.write(flow, path)
    return path


def write_compressed(flow: Flow, folder: Path) -> Path:
    """Write DBN, compressed."""
    return dbn.write(flow, folder, compressed=True)


WRITERS = {
    "csv": write_plain,
    "lobster": lobster.write,
    "itch": itch.write,
    "dbn": dbn.write,
    "dbn.zst": write_compressed,
}


def read_back(write: Callable[[Flow, Path], Path], flow: Flow, folder: Path, *symbols: str) -> Flow:
    """Write a flow and let the reader that knows the file read it."""
    return read(Source(write(flow, folder)), AUTO, Options(symbols))


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_generated_market_comes_back_from_every_format_as_it_was(tmp_path: Path, name: str) -> None:
    """Displayed orders only: every message, in order, and the transactions that they belong to."""
    flow = generated()
    found = read_back(WRITERS[name], flow, tmp_path)
    assert found.reader == name.removesuffix(".zst")
    assert found.pairs[0].symbol == ("ABC" if name != "csv" else flow.pairs[0].symbol)
    assert found.pairs[0].tick == flow.pairs[0].tick
    assert not found.left_out
    assert not found.remarks
    for field in COMPARED:
        assert np.array_equal(found.messages[field], flow.messages[field]), field
    assert np.array_equal(np.diff(found.messages["group"]) > 0, np.diff(flow.messages["group"]) > 0)


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_format_rebuilds_and_matches_anew_to_the_last_displayed_trade(tmp_path: Path, name: str) -> None:
    """With hidden orders: their trades are the only ones that are not the same, each counted as hidden."""
    found = read_back(WRITERS[name], generated(hidden_ppm=60_000), tmp_path)
    rebuilt = rebuild(found, open_fast, stopped, silent)
    assert rebuilt.executions > 300
    assert not any(rebuilt.faults.values())
    assert not rebuilt.refused
    assert rebuilt.market[0].crossed == 0
    comparison = rematch(found, open_fast, stopped, silent).comparison
    hidden = int((found.messages["action"] == Action.TRADE).sum())
    assert hidden > 20
    assert comparison.missing == {compare.HIDDEN: hidden}
    assert comparison.same == comparison.venue - hidden == rebuilt.executions
    assert not comparison.extra


def test_takers_come_back_from_our_own_format(tmp_path: Path) -> None:
    """A recording that shows takers, with every column: all fields of all messages."""
    flow = generated(takers_shown=True, hidden_ppm=30_000)
    found = read_back(write_plain, flow, tmp_path)
    for field in flow.messages.dtype.names or ():
        assert np.array_equal(found.messages[field], flow.messages[field]), field


def test_every_row_of_a_lobster_order_book_is_ours(tmp_path: Path) -> None:
    """Five levels after each message, hidden executions included."""
    found = read_back(lobster.write, generated(hidden_ppm=30_000), tmp_path)
    assert found.book is not None
    for opened in (open_fast, open_plain):
        checked = check_levels(found, found.book, opened, silent)
        assert (checked.rows, checked.same, checked.first_record) == (found.records, found.records, None)


def test_a_lobster_row_that_is_not_ours_is_found(tmp_path: Path) -> None:
    """The size of the best bid is changed in one row of the order-book file."""
    path = lobster.write(generated(), tmp_path)
    book = path.with_name(path.name.replace("message", "orderbook"))
    rows = book.read_text(encoding="ascii").splitlines()
    fields = rows[1000].split(",")
    fields[3] = str(int(fields[3]) + 1)
    rows[1000] = ",".join(fields)
    book.write_text("\n".join(rows) + "\n", encoding="ascii")
    found = read(Source(path), AUTO, Options())
    assert found.book is not None
    checked = check_levels(found, found.book, open_plain, silent)
    assert (checked.same, checked.same_best, checked.first_record) == (found.records - 1, found.records - 1, 1001)


def test_a_lobster_recording_may_begin_in_the_middle_of_the_day(tmp_path: Path) -> None:
    """The first 2,000 messages are missing: what they left on the best levels is taken from the order book."""
    flow = generated()
    found = read(Source(lobster.write(flow, tmp_path, levels=50, skip=2000)), AUTO, Options())
    assert found.remarks[lobster_reader.OF_SNAPSHOT] > 50
    assert not found.left_out
    assert found.book is not None
    checked = check_levels(found, found.book, open_plain, silent)
    assert checked.same == checked.rows == len(flow.messages) - 2000
    assert not any(rebuild(found, open_plain, stopped, silent).faults.values())
    comparison = rematch(found, open_plain, stopped, silent).comparison
    assert comparison.same == comparison.venue > 200


def with_moves(flow: Flow) -> tuple[Flow, frozenset[int]]:
    """Return a flow in which every tenth cancellation is followed by an entry of the same quantity two ticks away from
    the market, and the indices of those cancellations.
    """
    rows = []
    moved = []
    deletes = 0
    new_id = 1_000_000
    for message in flow.messages:
        rows.append(message)
        if message["action"] == Action.DELETE:
            deletes += 1
            if deletes % 10 == 0:
                moved.append(len(rows) - 1)
                entry = message.copy()
                new_id += 1
                entry["action"], entry["order_id"] = Action.ADD, new_id
                entry["price_ticks"] += 2 if message["side"] else -2
                rows.append(entry)
    return replace(flow, messages=np.array(rows, dtype=flow.messages.dtype)), frozenset(moved)


def test_an_itch_replacement_is_a_deletion_and_an_entry(tmp_path: Path) -> None:
    """Cancellations that are followed by an entry, written as one U message: the same messages, of one record."""
    flow, moved = with_moves(generated())
    found = read_back(lambda flow, folder: itch.write(flow, folder, replaced=moved), flow, tmp_path)
    for field in COMPARED:
        assert np.array_equal(found.messages[field], flow.messages[field]), field
    pairs = sorted(moved)
    assert np.array_equal(found.messages["record"][pairs], found.messages["record"][[index + 1 for index in pairs]])


def test_a_dbn_modification_that_loses_its_place_is_a_deletion_and_an_entry(tmp_path: Path) -> None:
    """The same in one M record, which keeps the id."""
    flow, moved = with_moves(generated())
    for index in moved:
        flow.messages["order_id"][index + 1] = flow.messages["order_id"][index]
    found = read_back(lambda flow, folder: dbn.write(flow, folder, moved=moved), flow, tmp_path)
    for field in COMPARED:
        assert np.array_equal(found.messages[field], flow.messages[field]), field


def test_symbols_of_one_file_are_pairs_of_their_own(tmp_path: Path) -> None:
    """Two markets in turn in one file, read whole and one symbol alone, from ITCH, DBN and our own format."""
    one, other = generated(800), generated(800, seed=8)
    both = np.concatenate([one.messages, other.messages])
    both["pair"][len(one.messages) :] = 1
    order = np.argsort(both["time_ns"], kind="stable")
    both = both[order]
    both["order_id"] += both["pair"].astype(np.uint64) * np.uint64(100_000)
    both["group"] = np.unique(both["time_ns"], return_inverse=True)[1]
    second = FlowPair("XYZ", other.pairs[0].tick, other.pairs[0].lot, Pair(1, price_ticks_max=20_000))
    flow = replace(one, pairs=(one.pairs[0], second), messages=both)
    for write in (write_plain, itch.write, dbn.write):
        found = read_back(write, flow, tmp_path)
        assert [pair.symbol for pair in found.pairs] == ["ABC", "XYZ"]
        for field in (*COMPARED, "pair"):
            assert np.array_equal(found.messages[field], both[field]), field
        comparison = rematch(found, open_fast, stopped, silent).comparison
        assert comparison.same == comparison.venue > 100
        alone = read_back(write, flow, tmp_path, "XYZ")
        assert [pair.symbol for pair in alone.pairs] == ["XYZ"]
        for field in COMPARED:
            assert np.array_equal(alone.messages[field], both[both["pair"] == 1][field]), field
