"""Damaged recordings: a reader either refuses one in one line, or what it reads can be replayed by both books.

Structure-aware: a recording of each format is damaged in its fields, records and bytes, so that most damage gets past
the first check.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openoutcry.replay.books import open_fast, open_plain
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import Flow
from openoutcry.replay.levels import check_levels
from openoutcry.replay.readers import plain
from openoutcry.replay.readers.options import Options
from openoutcry.replay.rebuild import rebuild
from openoutcry.replay.rematch import rematch
from openoutcry.replay.source import Source
from openoutcry.replay.summary import summarize
from openoutcry.replay.table import read
from tests.flows import generated, silent, stopped
from tests.formats import dbn, itch, lobster

ABSURD = (0, 1, -1, 2**31, 2**32, 2**56, 2**62, 2**63 - 1, -(2**63), 2**64 - 1, 2**64, 10**30)
WORDS = (*map(str, ABSURD), "", "nan", "inf", "1e400", "-0", "0.0", "1e-9", "add", "fill", "deleted", "x" * 70, "\x00")
ORDERS = 60

BITSTAMP = "id,exchange_timestamp,price,volume,action,direction\n" + "".join(
    [
        *(f"{order},1000,{100 + order},{order},created,ask\n" for order in range(1, 9)),
        *(f"{order},1000,{109 - order},1,created,bid\n" for order in range(10, 19)),
        "20,1001,103,4,created,bid\n",
        "20,1001,101,3,changed,bid\n1,1001,101,0,deleted,ask\n",
        "20,1001,102,1,changed,bid\n2,1001,102,0,deleted,ask\n",
        "20,1001,103,0,deleted,bid\n3,1001,103,2,changed,ask\n",
        "21,1002,999999999,0,created,bid\n21,1002,103,1,changed,bid\n3,1002,103,1,changed,ask\n21,1002,103,0,deleted,bid\n",
        "22,1003,0,1,created,ask\n22,1003,99,0,deleted,ask\n10,1003,99,0,deleted,bid\n",
        "23,1004,103,1,created,bid\n23,1004,103,1,deleted,bid\n",
    ]
)


def written(write: Callable[[Flow, Path], Path], folder: Path) -> bytes:
    """Return the content of a small recording."""
    return write(generated(ORDERS, hidden_ppm=100_000), folder).read_bytes()


def write_plain(flow: Flow, folder: Path) -> Path:
    """Write our own format."""
    path = folder / "flow.csv"
    plain.write(flow, path)
    return path


Writer = Callable[[Flow, Path], Path]

TEXT: dict[str, Writer] = {"csv": write_plain, "lobster": lobster.write}
BINARY: dict[str, Writer] = {"itch": itch.write, "dbn": dbn.write}
NAMES = {"csv": "flow.csv", "lobster": "A_2026-01-02_1_2_message_5.csv", "itch": "a.itch", "dbn": "a.dbn"}


def check(name: str, path: Path) -> None:
    """Read, and replay what was read both ways with both books; anything but a ReplayError is a fault."""
    try:
        flow = read(Source(path), name, Options())
    except ReplayError as error:
        assert "\n" not in str(error)
        assert str(path.parent) in str(error)
        return
    for mode in (rebuild, rematch):
        fast, slow = (mode(flow, opened, stopped, silent) for opened in (open_fast, open_plain))
        assert np.array_equal(fast.events, slow.events)
        assert summarize(flow, fast, total_ns=0) == summarize(flow, slow, total_ns=0)
    if flow.book is not None:
        check_levels(flow, flow.book, open_plain, silent)


@pytest.mark.parametrize("name", ["bitstamp", *TEXT])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_text_with_damaged_fields_is_refused_or_replayed(name: str, tmp_path: Path, data: st.DataObject) -> None:
    """Fields replaced by absurd ones, rows dropped, doubled and exchanged, and the end cut off."""
    content = BITSTAMP if name == "bitstamp" else written(TEXT[name], tmp_path).decode("ascii")
    rows = [row.split(",") for row in content.splitlines()]
    for _ in range(data.draw(st.integers(1, 4), label="faults")):
        kind = data.draw(st.sampled_from(["field", "drop", "double", "exchange"]), label="kind")
        place = data.draw(st.integers(0, len(rows) - 1), label="row")
        if kind == "field":
            column = data.draw(st.integers(0, len(rows[place]) - 1), label="column")
            rows[place] = [*rows[place]]
            rows[place][column] = data.draw(st.sampled_from(WORDS), label="word")
        elif kind == "drop" and len(rows) > 2:
            del rows[place]
        elif kind == "double":
            rows.insert(place, [*rows[place]])
        else:
            other = data.draw(st.integers(0, len(rows) - 1), label="other")
            rows[place], rows[other] = rows[other], rows[place]
    text = "".join(",".join(row) + "\n" for row in rows)
    if data.draw(st.booleans(), label="cut"):
        text = text[: data.draw(st.integers(0, len(text)), label="length")]
    path = tmp_path / ("orders.csv" if name == "bitstamp" else NAMES[name])
    path.write_bytes(text.encode())
    check(name, path)


@pytest.mark.parametrize("name", list(BINARY))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_binary_with_damaged_bytes_is_refused_or_replayed(name: str, tmp_path: Path, data: st.DataObject) -> None:
    """Numbers of one to eight bytes overwritten by absurd ones, and the end cut off."""
    content = bytearray(written(BINARY[name], tmp_path))
    for _ in range(data.draw(st.integers(1, 4), label="faults")):
        size = data.draw(st.sampled_from([1, 2, 4, 8]), label="size")
        place = data.draw(st.integers(0, len(content) - size), label="place")
        value = data.draw(st.sampled_from(ABSURD), label="value") % 2 ** (8 * size)
        content[place : place + size] = value.to_bytes(
            size, data.draw(st.sampled_from(["big", "little"]), label="order")
        )
    if data.draw(st.booleans(), label="cut"):
        content = content[: data.draw(st.integers(0, len(content)), label="length")]
    path = tmp_path / NAMES[name]
    path.write_bytes(content)
    check(name, path)
