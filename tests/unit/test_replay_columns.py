"""Delimited text as exact integers, and the place of the first fault."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.replay.columns import INT64_MAX, Column, Kind, read_columns
from openoutcry.replay.error import DamagedInput, ReplayError

COLUMNS = (
    Column("id", Kind.UNSIGNED),
    Column("time", Kind.INTEGER),
    Column("price", Kind.DECIMAL, places=8),
    Column("side", Kind.WORD, words=("bid", "ask")),
    Column("note", Kind.TEXT, optional=True),
)
HEADER = "time,id,side,price\n"


def read(text: str, header: bool = True) -> dict[str, list[object]]:
    """Read text and return plain lists."""
    found = read_columns(text.encode(), "orders.csv", COLUMNS if header else COLUMNS[:4], header=header)
    return {name: values.tolist() for name, values in found.items()}


def test_columns_are_found_by_name_in_any_order() -> None:
    """Columns in another order, one that is not asked for, an optional one."""
    found = read("extra,note,time,id,side,price\nx,hello,-5,18446744073709551615,ask,1.5\n")
    assert found == {"id": [2**64 - 1], "time": [-5], "price": [150_000_000], "side": [1], "note": ["hello"]}
    assert "note" not in read(HEADER + "1,2,bid,3\n")


def test_a_file_without_header_is_read_in_order() -> None:
    """Fields by position."""
    assert read("7,-1,0.00000001,bid\n", header=False) == {"id": [7], "time": [-1], "price": [1], "side": [0]}


@given(st.decimals(min_value=-(10**10), max_value=10**10, places=8))
def test_decimals_are_exact(number: Decimal) -> None:
    """Plain and scientific notation against Python's own decimals."""
    for text in (f"{number:f}", f"{number:e}"):
        assert read(HEADER + f"1,2,bid,{text}\n")["price"] == [int(number * 10**8)]


@pytest.mark.parametrize("text", ["92233720368.54775808", "1e20", "99999999999999999999999999999"])
def test_a_decimal_beyond_64_bits_becomes_the_end_of_the_range(text: str) -> None:
    """The smallest such value and two large ones, of both signs."""
    assert read(HEADER + f"1,2,bid,{text}\n1,2,bid,-{text}\n")["price"] == [INT64_MAX, -INT64_MAX]


@pytest.mark.parametrize(
    ("row", "field", "expected", "found"),
    [
        ("1,2,bid", "price", "4 fields in all", "3"),
        ("1,2,bid,3,4", "price", "4 fields in all", "5"),
        ("", "time", "4 fields in all", "0"),
        ("x,2,bid,3", "time", "an integer of 64 bits", "'x'"),
        (",2,bid,3", "time", "an integer of 64 bits", "''"),
        ("9223372036854775808,2,bid,3", "time", "an integer of 64 bits", "'9223372036854775808'"),
        ("1,-2,bid,3", "id", "an integer from 0 to 2^64 - 1", "'-2'"),
        ("1,1.5,bid,3", "id", "an integer from 0 to 2^64 - 1", "'1.5'"),
        ("1,2,bud,3", "side", "bid or ask", "'bud'"),
        ("1,2,,3", "side", "bid or ask", "''"),
        ("1,2,bid,", "price", "a decimal number with at most 8 places", "''"),
        ("1,2,bid,nan", "price", "a decimal number with at most 8 places", "'nan'"),
        ("1,2,bid,inf", "price", "a decimal number with at most 8 places", "'inf'"),
        ("1,2,bid,0.123456789", "price", "a decimal number with at most 8 places", "'0.123456789'"),
        ("1,2,bid,1e99", "price", "a decimal number with at most 8 places", "'1e99'"),
        ("1,2,bid,\x00\x01", "price", "a decimal number with at most 8 places", "'\\x00\\x01'"),
    ],
)
def test_a_damaged_field_is_named_with_record_expectation_and_find(
    row: str, field: str, expected: str, found: str
) -> None:
    """One bad row after two good ones: record 3."""
    with pytest.raises(DamagedInput) as raised:
        read(HEADER + "1,2,bid,3\n" * 2 + row + "\n" + "1,2,bid,3\n")
    fault = raised.value
    assert (fault.file, fault.record, fault.field) == ("orders.csv", 3, field)
    assert (fault.expected, fault.found) == (expected, found)
    assert str(fault).count("\n") == 0


def test_the_first_of_several_faults_is_told() -> None:
    """A fault in a late column of an early row before one in an early column of a later row."""
    with pytest.raises(DamagedInput, match="record 2, field price"):
        read(HEADER + "1,2,bid,3\n1,2,bid,x\nx,2,bid,3\n")


def test_a_file_cut_off_inside_a_line_is_refused() -> None:
    """Without a line break at the end nobody can know whether a number goes on."""
    with pytest.raises(ReplayError, match=r"orders\.csv: record 2 is cut off"):
        read(HEADER + "1,2,bid,3\n1,2,bid,3")
    with pytest.raises(ReplayError, match="record 1 is cut off"):
        read("7,-1,0.1,bid", header=False)


def test_a_missing_column_an_empty_file_and_a_header_alone() -> None:
    """The first two are errors; a header alone is a recording of nothing."""
    with pytest.raises(ReplayError, match="header line: expected a column price, found 'time,id,side'"):
        read("time,id,side\n1,2,bid\n")
    with pytest.raises(ReplayError, match="is empty"):
        read("")
    assert read(HEADER) == {"id": [], "time": [], "price": [], "side": []}
