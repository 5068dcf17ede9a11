"""LOBSTER files and our own CSV by hand: what their rows become, and damage."""

from pathlib import Path

import pytest

from openoutcry.domain import OrderType, TimeInForce
from openoutcry.replay import assemble
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import NO_LEVEL, Action, Flow, MessageFlag
from openoutcry.replay.readers import lobster, plain
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source

MESSAGES = "ABC_2026-01-02_34200000_57600000_message_1.csv"
BOOK = MESSAGES.replace("message", "orderbook")
ROWS = "34200.000000001,1,11,100,10100,-1\n34200.5,1,12,50,10000,1\n"
LEVELS = "10100,100,-9999999999,0\n10100,100,10000,50\n"


def read_lobster(folder: Path, rows: str, book: str | None = None) -> Flow:
    """Write a message file, and a book file if there is one, and read them."""
    (folder / MESSAGES).write_text(rows, encoding="ascii")
    (folder / BOOK).unlink(missing_ok=True)
    if book is not None:
        (folder / BOOK).write_text(book, encoding="ascii")
    return lobster.read(Source(folder / MESSAGES), Options())


def test_each_type_of_lobster_message(tmp_path: Path) -> None:
    """Entry, reduction, deletion, execution, hidden execution, cross, halt."""
    rows = ROWS + "34201,4,11,10,10100,-1\n34201,2,11,20,10100,-1\n34202,5,0,7,10050,-1\n34203,6,0,9,10000,-1\n"
    rows += "34204,7,0,0,-1,-1\n34205,3,11,70,10100,-1\n"
    flow = read_lobster(tmp_path, rows)
    assert [Action(action).name for action in flow.messages["action"].tolist()] == [
        "ADD", "ADD", "FILL", "REDUCE", "TRADE", "AUCTION", "DELETE",
    ]  # fmt: skip
    assert flow.left_out == {lobster.HALTED: 1}
    assert flow.messages["group"].tolist() == [0, 1, 2, 2, 3, 4, 6]
    assert int(flow.messages["time_ns"][0]) == (1_767_312_000 + 34_200) * 10**9 + 1
    assert flow.pairs[0].symbol == "ABC"
    assert flow.clock == "venue's local time"
    assert flow.book is None


def test_levels_of_the_lobster_book_are_read_beside_the_messages(tmp_path: Path) -> None:
    """A level that is not there has the dummy price of the format."""
    flow = read_lobster(tmp_path, ROWS, LEVELS)
    assert flow.book is not None
    assert flow.book.price_ticks.tolist() == [[101, NO_LEVEL], [101, 100]]
    assert flow.book.qty_lots.tolist() == [[100, 0], [100, 50]]


def test_a_level_from_before_the_recording_is_an_order_of_a_snapshot(tmp_path: Path) -> None:
    """The first message takes 30 off an order from before, and the level still shows 70: it was one of 100."""
    flow = read_lobster(tmp_path, "34200,4,5,30,10100,-1\n34201,3,6,50,10100,-1\n", "10100,70,0,0\n10100,20,0,0\n")
    assert flow.messages["qty_lots"].tolist() == [100, 30, 50]
    assert flow.messages["flags"].tolist() == [MessageFlag.SNAPSHOT, 0, 0]
    assert flow.messages["action"].tolist() == [Action.ADD, Action.FILL, Action.REDUCE]
    assert len(set(flow.messages["order_id"].tolist())) == 1
    assert flow.remarks == {lobster.OF_SNAPSHOT: 2}


@pytest.mark.parametrize(
    ("rows", "book", "message"),
    [
        (ROWS + "34199,1,13,1,10000,1\n", None, "record 3, field time: expected seconds after midnight"),
        (ROWS + "99999999,1,13,1,10000,1\n", None, "record 3, field time: expected seconds after midnight"),
        (ROWS + "34201,8,13,1,10000,1\n", None, "record 3, field type: expected 1 or 2 or 3"),
        (ROWS + "34201,1,13,1,10000,0\n", None, "record 3, field direction: expected 1 or -1, found '0'"),
        (ROWS + "34201,1,13,1,10000\n", None, "record 3, field direction: expected 6 fields in all, found 5"),
        (ROWS[:-3], None, "record 2 is cut off"),
        (ROWS, LEVELS + LEVELS, "expected one row for each of 2 messages, found 4"),
        (ROWS, "1,2,3\n1,2,3\n", "record 1, field level: expected four fields for each level, found 3 fields"),
        (ROWS, LEVELS.replace("50\n", "x\n"), "record 2, field bid size 1: expected an integer of 64 bits, found 'x'"),
    ],
)
def test_damaged_lobster_files_are_one_line(tmp_path: Path, rows: str, book: str | None, message: str) -> None:
    """In the message file and in the book file, each named."""
    with pytest.raises(ReplayError) as raised:
        read_lobster(tmp_path, rows, book)
    assert message in str(raised.value)
    assert (MESSAGES if book is None else BOOK) in str(raised.value)
    assert "\n" not in str(raised.value)


HEADER = "time_ns,action,order_id,side,price,quantity"


def read_plain(folder: Path, text: str) -> Flow:
    """Write a file of our own format and read it."""
    (folder / "flow.csv").write_text(text, encoding="ascii")
    return plain.read(Source(folder / "flow.csv"), Options())


def test_our_own_format_needs_six_columns_and_takes_five_more(tmp_path: Path) -> None:
    """The smallest file, and one with every column."""
    small = read_plain(tmp_path, HEADER + "\n1,add,1,buy,10.25,3\n2,reduce,1,buy,0,1\n2,delete,1,buy,0,0\n")
    assert (small.pairs[0].symbol, str(small.pairs[0].tick.normalize()), str(small.pairs[0].lot)) == (
        "flow",
        "10.25",
        "1",
    )
    assert small.messages["group"].tolist() == [0, 1, 1]
    wide = read_plain(
        tmp_path,
        HEADER + ",symbol,other_id,type,time_in_force,origin\n"
        "1,add,1,sell,10,0.50,B,0,limit,gtc,snapshot\n"
        "2,add,2,buy,0,0.25,B,0,market,ioc,live\n"
        "2,fill,1,sell,10,0.25,B,2,limit,gtc,live\n"
        "2,take,2,buy,10,0.25,B,1,limit,gtc,live\n",
    )
    assert wide.pairs[0].symbol == "B"
    assert str(wide.pairs[0].lot) == "0.01"
    assert wide.messages["qty_lots"].tolist() == [50, 25, 25, 25]
    assert wide.messages["kind"].tolist() == [OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT]
    assert wide.messages["tif"].tolist() == [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTC, TimeInForce.GTC]
    assert wide.messages["other_id"].tolist() == [0, 0, 2, 1]
    assert wide.messages["flags"].tolist() == [MessageFlag.SNAPSHOT, 0, 0, 0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("5,add,1,buy,10,3\n4,add,2,buy,10,3\n", "record 2, field time_ns: expected nanoseconds since 1970"),
        ("-5,add,1,buy,10,3\n", "record 1, field time_ns: expected nanoseconds since 1970"),
        ("5,ad,1,buy,10,3\n", "record 1, field action: expected add or fill or take"),
        ("5,add,1,bid,10,3\n", "record 1, field side: expected buy or sell, found 'bid'"),
        ("5,add,1,buy,0.0000000001,3\n", "record 1, field price: expected a decimal number with at most 9 places"),
    ],
)
def test_damaged_files_of_our_own_format_are_one_line(tmp_path: Path, rows: str, message: str) -> None:
    """Times that fall, words that are none, digits beyond what is kept."""
    with pytest.raises(ReplayError) as raised:
        read_plain(tmp_path, f"{HEADER}\n{rows}")
    assert message in str(raised.value)


def test_absurd_values_of_our_own_format_are_left_out_by_class(tmp_path: Path) -> None:
    """The ends of what 64 bits hold, and beyond."""
    huge = 2**63 - 1
    rows = "".join(
        f"1,add,{order},buy,{price},{quantity}\n"
        for order, (price, quantity) in enumerate(
            [(1, 1), (2, 2), (huge, 1), (-huge, 1), (1, huge), (1, -huge), (1, 0), (10**25, 10**25)], start=1
        )
    )
    flow = read_plain(tmp_path, f"{HEADER}\n{rows}")
    assert flow.messages["order_id"].tolist() == [1, 2]
    assert sum(flow.left_out.values()) == 6
    assert flow.left_out[assemble.NO_QUANTITY] == 2
