"""The readers by name, and which of them knows a file."""

import sys
from pathlib import Path

import pytest

from openoutcry.replay import table
from openoutcry.replay.error import MissingLibrary, ReplayError
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source

FIRST_BYTES = {
    "bitstamp": ("orders.csv", b"id,timestamp,exchange_timestamp,price,volume,action,direction\n"),
    "lobster": ("ABC_2026-01-02_1_2_message_5.csv", b"34200.1,1,5,100,100,-1\n"),
    "itch": ("day.itch", b"\x00\x0cS" + bytes(11)),
    "dbn": ("day.dbn", b"DBN\x03" + bytes(20)),
    "csv": ("flow.csv", b"time_ns,action,order_id,side,price,quantity\n"),
}


@pytest.mark.parametrize("name", list(table.READERS))
def test_exactly_one_reader_knows_a_file_of_each_format(tmp_path: Path, name: str) -> None:
    """The first bytes of each format, under a name that it may have."""
    file, content = FIRST_BYTES[name]
    (tmp_path / file).write_bytes(content)
    assert table.detect(Source(tmp_path / file)) == name
    assert table.detect(Source(tmp_path)) == name


def test_a_file_that_no_reader_or_that_several_know_needs_a_name(tmp_path: Path) -> None:
    """A text of nothing; a folder with two formats."""
    (tmp_path / "notes.txt").write_bytes(b"hello\n")
    with pytest.raises(ReplayError, match="none of the readers knows it; name one with --reader: bitstamp"):
        table.detect(Source(tmp_path / "notes.txt"))
    for name in ("csv", "dbn"):
        file, content = FIRST_BYTES[name]
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ReplayError, match="dbn and csv all know it"):
        table.detect(Source(tmp_path))


def test_a_misspelt_reader_is_told_with_a_suggestion() -> None:
    """Close to one, close to none."""
    with pytest.raises(ReplayError, match="no reader bitsamp: did you mean bitstamp"):
        table.reader("bitsamp")
    with pytest.raises(ReplayError, match="no reader zzz: expected one of auto, bitstamp, lobster"):
        table.reader("zzz")


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("itch", "itchcpp.parser", "itch"), ("dbn", "databento_dbn", "dbn"), ("csv", "pyarrow", "replay")],
)
def test_a_missing_library_names_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str
) -> None:
    """The library is made impossible to import."""
    monkeypatch.setitem(sys.modules, module, None)
    file, content = FIRST_BYTES[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(MissingLibrary, match=rf'pip install "openoutcry\[{extra}\]"'):
        table.read(Source(tmp_path / file), name, Options())
