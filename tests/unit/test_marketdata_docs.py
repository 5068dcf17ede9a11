"""docs/reference/market-data.md says of streams, records, bounds and digest what the code does."""

import re
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from openoutcry.marketdata import limits
from openoutcry.marketdata.records import INDICATIONS, LEVELS, SHOWN, TOPS, TRADES
from openoutcry.marketdata.slow_readers import CONFLATED
from openoutcry.marketdata.topics import CHANNEL_BITS, KIND_OF, Channel
from openoutcry.wire.frames import RecordKind

PAGE: Final = (Path(__file__).parents[2] / "docs" / "reference" / "market-data.md").read_text(encoding="utf-8")
TYPES: Final = {"u64": "<u8", "i64": "<i8", "u32": "<u4"}


def test_the_table_of_streams_has_every_channel() -> None:
    """Topic, number, record kind."""
    rows = re.findall(r"^\| `(\w+)\.<pair>` \| (\d) \| (\d) (\w+) \|", PAGE, re.MULTILINE)
    assert rows == [
        (channel.name.lower(), str(int(channel)), str(KIND_OF[channel].number), KIND_OF[channel].name)
        for channel in Channel
    ]
    assert 1 << CHANNEL_BITS == 256 and CONFLATED == 128


@pytest.mark.parametrize("kind", [LEVELS, TOPS, TRADES, INDICATIONS], ids=lambda kind: kind.name)
def test_each_layout_is_that_of_the_record(kind: RecordKind) -> None:
    """Length, fields and their types; a type belongs to all names before it that have none."""
    found = re.search(rf"^\| {kind.name} \| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert found is not None and int(found[1]) == kind.dtype.itemsize
    fields: list[tuple[str, str]] = []
    names: list[str] = []
    for part in found[2].split(", "):
        name, _, type_ = part.partition(" ")
        names.append(name)
        if type_:
            fields += [(each, TYPES[type_]) for each in names]
            names = []
    assert np.dtype(fields) == kind.dtype


def test_the_bounds_are_those_of_the_limits() -> None:
    """Each figure stands on the page."""
    for said in (
        f"latest {limits.RETAINED_ITEMS_MAX:,} frames of a stream",
        f"{limits.L3_RETAINED_BYTES_MAX >> 20} MiB of level 3 or {limits.RETAINED_BYTES_MAX >> 20} MiB of another",
        f"at most {limits.CONFLATED_KEYS_MAX:,} of them",
        f"at most {limits.QUEUED_FRAMES_MAX:,} or {limits.QUEUED_BYTES_MAX >> 20} MiB",
        f"| {SHOWN.itemsize} each | handle u64, price_ticks i64, displayed lots i64",
    ):
        assert said in PAGE, said
    assert limits.INDICATION_INTERVAL_NS * 4 == 10**9 and "at most four times a second" in PAGE


def test_the_example_on_the_page_runs() -> None:
    """Its block of Python, as it stands."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(block, "market-data.md", "exec"), {})
