"""Snapshots that somebody has changed: both books refuse them in one line, or restore them to the same state."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.book import Books, ReferenceBooks, State
from openoutcry.book.state import SECTIONS
from tests.streams import ACCOUNTS, Driver, pairs_to_stream

VALUES = (0, 1, 2, 255, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1)


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    """Books after a while of random trading."""
    pairs = pairs_to_stream(6)
    books = Books(pairs, accounts=ACCOUNTS, capacity_max=200)
    driver = Driver(5, pairs, adds_pairs=False)
    commands = driver.set_up()
    driver.learn(commands, books.apply(commands).copy())
    driver.drive(books, 1_500)
    assert len(books.state().orders) > 20
    return books.snapshot()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_changed_field_is_refused_or_restored_alike(snapshot: bytes, data: st.DataObject) -> None:
    """Any field of any record set to an edge value, with a digest that fits: no crash, and both books say the same."""
    state = State.unpack(snapshot)
    name, dtype = data.draw(st.sampled_from(SECTIONS))
    table = getattr(state, name)
    fields = dtype.names
    assert fields is not None
    if not len(table):
        return
    field = data.draw(st.sampled_from(fields))
    at = data.draw(st.integers(0, len(table) - 1))
    bits = 8 * table[field].dtype.itemsize
    value = data.draw(st.sampled_from(VALUES)) % 2**bits
    table[field][at] = np.array([value], dtype=f"<u{bits // 8}").view(table[field].dtype)[0]
    packed = state.pack()
    try:
        fast = Books.restore(packed)
    except ValueError as error:
        assert str(error).startswith("snapshot: ")
        with pytest.raises(ValueError, match="snapshot: "):
            ReferenceBooks.restore(packed)
        return
    plain = ReferenceBooks.restore(packed)
    assert fast.live == plain.live
    for row in state.pairs:
        fast.depth(int(row["pair"]))


@pytest.mark.parametrize("cut", [0, 5, 8, 40, -33, -1])
def test_a_cut_off_snapshot_is_refused(snapshot: bytes, cut: int) -> None:
    """One line that says snapshot."""
    with pytest.raises(ValueError, match="snapshot: "):
        Books.restore(snapshot[:cut])
