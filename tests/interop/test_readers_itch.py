"""The ITCH reader on messages by hand: what each type becomes, and damage."""

import struct
from pathlib import Path

import pytest

from openoutcry.replay import assemble
from openoutcry.replay.error import DamagedInput, ReplayError
from openoutcry.replay.flow import Action, Flow
from openoutcry.replay.readers import itch as reader
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source
from tests.formats.itch import head, stock

START = head(b"S", 0, 1) + b"O"
END = head(b"S", 0, 99) + b"C"


def add(order: int, price: int, shares: int = 100, side: bytes = b"S", time: int = 10, locate: int = 1) -> bytes:
    """Return an A message."""
    return head(b"A", locate, time) + struct.pack(">QcI8sI", order, side, shares, stock("ABC"), price)


def framed(*bodies: bytes) -> bytes:
    """Lead every message with its length."""
    return b"".join(struct.pack(">H", len(body)) + body for body in bodies)


def read(folder: Path, content: bytes, *symbols: str, name: str = "01022026.NASDAQ_ITCH50") -> Flow:
    """Write a file and read it."""
    (folder / name).write_bytes(content)
    return reader.read(Source(folder / name), Options(symbols))


def test_what_each_message_becomes(tmp_path: Path) -> None:
    """Entries, executions at the order's price and at another, one that a cross reports later, a cross, a break."""
    flow = read(
        tmp_path,
        framed(
            START,
            add(1, 10_000),
            add(2, 10_100),
            head(b"E", 1, 20) + struct.pack(">QIQ", 1, 30, 501),
            head(b"C", 1, 30) + struct.pack(">QIQcI", 1, 20, 502, b"Y", 10_050),
            head(b"C", 1, 40) + struct.pack(">QIQcI", 1, 10, 503, b"N", 10_000),
            head(b"X", 1, 50) + struct.pack(">QI", 1, 5),
            head(b"U", 1, 60) + struct.pack(">QQII", 2, 3, 70, 10_200),
            head(b"P", 1, 70) + struct.pack(">QcI8sIQ", 0, b"B", 9, stock("ABC"), 10_000, 504),
            head(b"Q", 1, 80) + struct.pack(">Q8sIQc", 500, stock("ABC"), 10_000, 505, b"O"),
            head(b"Q", 1, 80) + struct.pack(">Q8sIQc", 0, stock("ABC"), 10_000, 506, b"C"),
            head(b"B", 1, 85) + struct.pack(">Q", 504),
            head(b"D", 1, 90) + struct.pack(">Q", 3),
            END,
        ),
    )
    names = [Action(action).name for action in flow.messages["action"].tolist()]
    assert names == [
        "ADD", "ADD", "FILL", "FILL", "REDUCE", "REDUCE", "DELETE", "ADD", "TRADE", "AUCTION", "DELETE",
    ]  # fmt: skip
    assert flow.messages["order_id"].tolist() == [1, 2, 1, 1, 1, 1, 2, 3, 0, 0, 3]
    assert flow.messages["qty_lots"].tolist() == [100, 100, 30, 20, 10, 5, 100, 70, 9, 500, 70]
    assert flow.messages["record"].tolist() == [2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 13]
    assert flow.remarks == {reader.CROSS_PRINT: 1, reader.BROKEN: 1}
    day_ns = 1_767_312_000 * 10**9
    assert flow.messages["time_ns"].tolist()[0] == day_ns + 10


def test_messages_about_orders_never_seen_are_counted_under_their_symbol(tmp_path: Path) -> None:
    """An execution, a cancellation and a replacement of an order from before the recording."""
    flow = read(
        tmp_path,
        framed(
            START,
            add(1, 10_000),
            head(b"E", 1, 20) + struct.pack(">QIQ", 8, 30, 501),
            head(b"X", 1, 30) + struct.pack(">QI", 8, 5),
            head(b"U", 1, 40) + struct.pack(">QQII", 8, 9, 70, 10_200),
            head(b"D", 7, 50) + struct.pack(">Q", 8),
        ),
    )
    assert flow.left_out == {assemble.NEVER_ENTERED: 2}
    assert flow.remarks == {assemble.FILL_UNSEEN[assemble.NEVER_ENTERED]: 1}


def test_bytes_after_the_end_of_messages_are_not_read(tmp_path: Path) -> None:
    """The venue pads its files."""
    flow = read(tmp_path, framed(START, add(1, 10_000), END) + bytes(7))
    assert flow.remarks == {reader.AFTER_END: 7}


GOOD = framed(START, add(1, 10_000), add(2, 10_000))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD[:-1], "record 3, field body: expected 36 bytes, found 35 and the end of the file"),
        (GOOD[:-37], "record 3, field length: expected two bytes, found the end of the file"),
        (GOOD + b"\x00\x00", "record 4, field length: expected at least 1 and a message, found 0"),
        (GOOD + b"\x00\x05Zabcd", "record 4, field message type: expected a type of ITCH 5.0, found 'Z'"),
        (
            GOOD + b"\x00\x25" + add(3, 1) + b"x",
            "record 4, field length: expected 36 for a message of type A, found 37",
        ),
        (framed(START, add(1, 1, time=20), add(2, 1, time=10)), "record 3, field timestamp: expected nanoseconds"),
        (framed(START, add(1, 1, time=86_400 * 10**9)), "record 2, field timestamp: expected nanoseconds"),
        (framed(START), "no order in 1 messages"),
        (b"", "no order in 0 messages"),
    ],
)
def test_damage_is_one_line_with_file_record_and_field(tmp_path: Path, content: bytes, message: str) -> None:
    """Cut off in a body or a length, an unknown type, lengths that are wrong, times that fall, nothing at all."""
    with pytest.raises(ReplayError) as raised:
        read(tmp_path, content)
    assert message in str(raised.value)
    assert "01022026.NASDAQ_ITCH50" in str(raised.value)
    assert isinstance(raised.value, DamagedInput) or "no order" in message


def test_a_symbol_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A file of one other symbol."""
    with pytest.raises(ReplayError, match="no order of XYZ in 3 messages"):
        read(tmp_path, GOOD, "XYZ")


@pytest.mark.parametrize("name", ["S010226-v50.itch", "20260102.itch", "2026-01-02.itch", "20261345.itch", "itch"])
def test_the_day_is_taken_from_the_name_where_it_has_one(tmp_path: Path, name: str) -> None:
    """Two ways of writing the day; where there is none, times count from 1970."""
    flow = read(tmp_path, GOOD, name=name)
    dated = name in ("20260102.itch", "2026-01-02.itch")
    assert int(flow.messages["time_ns"][0]) == (1_767_312_000 * 10**9 if dated else 0) + 10
