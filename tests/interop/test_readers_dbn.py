"""The DBN reader on records by hand: what each action becomes, and damage."""

from pathlib import Path
from typing import Any

import pytest

from openoutcry.replay import assemble
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import Action, Flow, MessageFlag
from openoutcry.replay.readers import dbn as reader
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source
from tests.flows import flow_of, message
from tests.formats.dbn import FIRST_INSTRUMENT, LAST, PUBLISHER, dbn, metadata

BUY, SELL, NONE = dbn.Side.BID, dbn.Side.ASK, dbn.Side.NONE
HEADER = bytes(metadata(flow_of(message(Action.ADD, 1))))
CENT = 10_000_000


def record(action: str, order: int, side: Any = SELL, **fields: int) -> bytes:
    """Return one MBO record; its time is its `time`, or 1."""
    time = fields.get("time", 1)
    return bytes(
        dbn.MBOMsg(
            publisher_id=fields.get("publisher", PUBLISHER),
            instrument_id=FIRST_INSTRUMENT,
            ts_event=time,
            order_id=order,
            price=fields.get("price", 100) * CENT,
            size=fields.get("size", 10),
            action=dbn.Action.from_str(action),
            side=side,
            ts_recv=time,
            flags=fields.get("flags", LAST),
        )
    )


def read(folder: Path, *records: bytes, header: bytes = HEADER) -> Flow:
    """Write a file and read it."""
    (folder / "day.dbn").write_bytes(header + b"".join(records))
    return reader.read(Source(folder / "day.dbn"), Options())


def summary(flow: Flow) -> list[tuple[str, int, int]]:
    """Return action, order and quantity of each message."""
    columns = (flow.messages[name].tolist() for name in ("action", "order_id", "qty_lots"))
    return [(Action(action).name, order, lots) for action, order, lots in zip(*columns, strict=True)]


def test_a_trade_its_fills_and_the_cancellations_that_carry_them_out(tmp_path: Path) -> None:
    """Two makers filled, one of them whole; 3 of the trade met a hidden order; all of it is one transaction."""
    flow = read(
        tmp_path,
        record("A", 1),
        record("A", 2, price=101),
        record("T", 0, BUY, size=10, price=100, flags=0),
        record("F", 1, size=10, flags=0),
        record("C", 1, size=10, flags=0),
        record("T", 0, BUY, size=7, price=101, flags=0),
        record("F", 2, size=4, price=101, flags=0),
        record("C", 2, size=4, price=101),
        record("C", 2, size=6, price=101),
    )
    assert summary(flow) == [
        ("ADD", 1, 10), ("ADD", 2, 10), ("FILL", 1, 10), ("FILL", 2, 4), ("TRADE", 0, 3), ("DELETE", 2, 6),
    ]  # fmt: skip
    assert flow.messages["group"].tolist() == [0, 1, 2, 2, 2, 3]
    assert not flow.left_out
    assert not flow.remarks


def test_a_fill_that_a_modification_carries_out(tmp_path: Path) -> None:
    """Some venues say what is left of the order in place of what is taken off."""
    flow = read(
        tmp_path,
        record("A", 1),
        record("T", 0, BUY, size=4, flags=0),
        record("F", 1, size=4, flags=0),
        record("M", 1, size=6),
        record("C", 1, size=6),
    )
    assert summary(flow) == [("ADD", 1, 10), ("FILL", 1, 4), ("DELETE", 1, 6)]


def test_modifications_keep_or_lose_their_place(tmp_path: Path) -> None:
    """Less: a reduction. The same: nothing. More, or another price: a deletion and an entry. Unknown: an entry."""
    flow = read(
        tmp_path,
        record("A", 1),
        record("M", 1, size=7),
        record("M", 1, size=7),
        record("M", 1, size=9),
        record("M", 1, size=9, price=102),
        record("M", 5, size=3),
    )
    assert summary(flow) == [
        ("ADD", 1, 10), ("REDUCE", 1, 3), ("DELETE", 1, 7), ("ADD", 1, 9),
        ("DELETE", 1, 9), ("ADD", 1, 9), ("ADD", 5, 3),
    ]  # fmt: skip


def test_a_snapshot_and_records_without_effect(tmp_path: Path) -> None:
    """The book is cleared, entered anew with the flag of a snapshot, and a record of no action follows."""
    snapshot = reader.SNAPSHOT
    flow = read(
        tmp_path,
        record("A", 1),
        record("R", 0, NONE, flags=snapshot),
        record("A", 1, size=4, flags=snapshot),
        record("A", 2, size=5, flags=snapshot | LAST),
        record("N", 0, NONE),
        record("C", 77),
    )
    assert summary(flow) == [("ADD", 1, 10), ("DELETE", 1, 10), ("ADD", 1, 4), ("ADD", 2, 5)]
    assert flow.messages["flags"].tolist() == [0, MessageFlag.SNAPSHOT, MessageFlag.SNAPSHOT, MessageFlag.SNAPSHOT]
    assert flow.left_out == {reader.NO_EFFECT: 1, assemble.NEVER_ENTERED: 1}


def test_venues_that_share_an_instrument_are_pairs_of_their_own(tmp_path: Path) -> None:
    """Two publishers, the same instrument, the same order id."""
    flow = read(tmp_path, record("A", 1), record("A", 1, publisher=3, price=200))
    assert [pair.symbol for pair in flow.pairs] == ["P0@2", "P0@3"]
    assert flow.messages["pair"].tolist() == [0, 1]


def test_an_instrument_without_a_symbol_goes_by_its_number(tmp_path: Path) -> None:
    """A header without mappings."""
    nameless = dbn.Metadata(
        dataset="XNAS.ITCH",
        start=0,
        stype_in=None,
        stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.MBO,
        symbols=[],
        partial=[],
        not_found=[],
        mappings=[],
    )
    assert read(tmp_path, record("A", 1), header=bytes(nameless)).pairs[0].symbol == "101"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"DBN", "header: expected it to begin with DBN and a version"),
        (b"XYZ" + HEADER[3:], "header: expected it to begin with DBN and a version"),
        (HEADER[:40], f"header: expected {len(HEADER)} bytes, found 40 and the end of the file"),
        (bytes(metadata(flow_of(message(Action.ADD, 1)), "trades")), "header: expected schema mbo, found trades"),
        (HEADER, "no records"),
        (HEADER + record("A", 1) * 2 + record("A", 1)[:50], "record 3, field length: expected 56 bytes, found 50"),
        (HEADER + record("A", 1) + bytes(56), "record 2, field rtype: expected type 160 of 56 bytes, found type 0"),
        (HEADER + record("A", 1, time=5) + record("A", 2, time=4), "record 2, field ts_recv: expected nanoseconds"),
        (HEADER + record("A", 1, time=2**64 - 1), "record 1, field ts_recv: expected nanoseconds"),
        (HEADER + record("A", 1).replace(b"AA", b"ZA"), "record 1, field action: expected one of A, M, C, R, T, F, N"),
        (HEADER + record("A", 1).replace(b"AA", b"AZ"), "record 1, field side: expected one of A, B, N"),
    ],
)
def test_damage_is_one_line_with_file_record_and_field(tmp_path: Path, content: bytes, message: str) -> None:
    """Headers and records that are cut off or not what they should be, times that fall."""
    with pytest.raises(ReplayError) as raised:
        read(tmp_path, header=content)
    assert message in str(raised.value)
    assert "day.dbn" in str(raised.value)
    assert "\n" not in str(raised.value)
