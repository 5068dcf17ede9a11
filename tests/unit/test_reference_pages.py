"""The reference pages name every number of the domain, each with the right number."""

import re
from enum import IntEnum, IntFlag
from pathlib import Path

import numpy as np
import pytest

from openoutcry.domain import (
    AccountField,
    AdjustMode,
    Allocation,
    AuctionRule,
    CancelReason,
    CommandFlag,
    EventFlag,
    EventKind,
    IcebergRule,
    Ladder,
    MassCancelScope,
    Op,
    OrderType,
    Phase,
    RejectCode,
    SelfTrade,
    TimeInForce,
)
from openoutcry.domain.records import COMMAND, EVENT

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"

IN_TABLES: tuple[tuple[str, str, type[IntEnum] | type[IntFlag]], ...] = (
    ("commands.md", "Ops", Op),
    ("commands.md", "Order types", OrderType),
    ("commands.md", "Times in force", TimeInForce),
    ("commands.md", "Self-trade prevention", SelfTrade),
    ("commands.md", "Flags", CommandFlag),
    ("commands.md", "Scopes of a mass cancellation", MassCancelScope),
    ("commands.md", "Phases", Phase),
    ("commands.md", "Fields of an account", AccountField),
    ("commands.md", "Modes of an adjustment", AdjustMode),
    ("events.md", "Kinds", EventKind),
    ("events.md", "Flags", EventFlag),
    ("events.md", "Reasons", CancelReason),
    ("reject-codes.md", "", RejectCode),
)


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next of its rank; the whole page for an empty one."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    if not heading:
        return text
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize(("page", "heading", "numbers"), IN_TABLES)
def test_each_number_has_a_line_in_its_table(page: str, heading: str, numbers: type[IntEnum] | type[IntFlag]) -> None:
    """First column the name, second the number; and no line names a number that is none."""
    rows = re.findall(r"^\| ([A-Z_]+)[^|]*\| (\d+) \|", section(page, heading), re.MULTILINE)
    assert {(name, int(number)) for name, number in rows} == {(member.name, int(member)) for member in numbers}


@pytest.mark.parametrize("numbers", (Allocation, IcebergRule, AuctionRule, Ladder))
def test_the_rules_of_a_pair_are_listed(numbers: type[IntEnum]) -> None:
    """In one line each."""
    listed = section("commands.md", "Rules of a pair")
    assert all(f"{member.name} {int(member)}" in listed for member in numbers)


@pytest.mark.parametrize(("page", "dtype"), (("commands.md", COMMAND), ("events.md", EVENT)), ids=("COMMAND", "EVENT"))
def test_each_field_of_a_record_is_listed_with_its_type(page: str, dtype: np.dtype[np.void]) -> None:
    """In the order of the record."""
    rows = re.findall(r"^\| ([a-z_]+) \| ([ui]\d+) \|", section(page, "The record"), re.MULTILINE)
    assert rows == [(name, f"{dtype[name].kind}{8 * dtype[name].itemsize}") for name in dtype.names or ()]


def test_the_page_of_order_types_has_all_of_them() -> None:
    """Each type and each time in force has a line, each mode of self-trade prevention is named."""
    types, lives = section("order-types.md", "In one line each"), section("order-types.md", "How long an order lives")
    assert re.findall(r"^\| ([A-Z_]+) \|", types, re.MULTILINE) == [member.name for member in OrderType]
    assert re.findall(r"^\| ([A-Z_]+) \|", lives, re.MULTILINE) == [member.name for member in TimeInForce]
    together = section("order-types.md", "Which go together")
    assert all(member.name in together for member in (*OrderType, *SelfTrade))
