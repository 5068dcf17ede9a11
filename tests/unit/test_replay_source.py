"""Where recordings come from: files, folders, archives, compressed or damaged."""

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from openoutcry.replay import source as module
from openoutcry.replay.error import ReplayError
from openoutcry.replay.source import Source, plain_name

TEXT = b"one,two\n1,2\n" * 50


def test_a_file_comes_out_of_folder_archive_and_compression_the_same(tmp_path: Path) -> None:
    """The same bytes written plain, as .gz, as .zst, and inside a .whl."""
    (tmp_path / "a.csv").write_bytes(TEXT)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(TEXT))
    (tmp_path / "c.csv.zst").write_bytes(pa.Codec("zstd").compress(TEXT, asbytes=True))
    with zipfile.ZipFile(tmp_path / "d.whl", "w") as archive:
        archive.writestr("inner/a.csv.gz", gzip.compress(TEXT))
    for name in ("a.csv", "b.csv.gz", "c.csv.zst"):
        assert Source(tmp_path / name).read(name) == TEXT
        assert Source(tmp_path / name).peek(name) == TEXT[: module.PEEK_BYTES]
    assert Source(tmp_path / "d.whl").names() == ["inner/a.csv.gz"]
    assert Source(tmp_path / "d.whl").read("inner/a.csv.gz") == TEXT
    assert Source(tmp_path).names() == ["a.csv", "b.csv.gz", "c.csv.zst", "d.whl"]
    assert {plain_name(name) for name in ("x/a.csv", "a.csv.gz", "a.csv.zst")} == {"a.csv"}


def test_siblings_are_found_beside_a_file_and_inside_an_archive(tmp_path: Path) -> None:
    """Two files in one folder, and the same two in a folder of an archive."""
    for name in ("orders.csv", "trades.csv"):
        (tmp_path / name).write_bytes(TEXT)
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("deep/orders.csv", TEXT)
        archive.writestr("deep/trades.csv", TEXT)
        archive.writestr("meta.json", "{}")
    assert Source(tmp_path / "orders.csv").sibling("orders.csv", "none.csv", "trades.csv") == "trades.csv"
    packed = Source(tmp_path / "both.zip")
    assert packed.sibling("deep/orders.csv", "trades.csv") == "deep/trades.csv"
    assert packed.sibling("deep/orders.csv", "meta.json") is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "not compressed"])
def test_damaged_compression_is_one_line_that_names_the_file(tmp_path: Path, damage: str) -> None:
    """A .gz cut short, one with a flipped byte, one that never was compressed."""
    content = bytearray(gzip.compress(TEXT))
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    else:
        content = bytearray(TEXT)
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(content)
    with pytest.raises(ReplayError) as raised:
        Source(path).read(path.name)
    message = str(raised.value)
    assert "\n" not in message
    assert str(path) in message


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    """A .whl that is no zip archive at all, and one whose member is damaged."""
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"no archive")
    with pytest.raises(ReplayError, match=r"broken\.whl: expected a zip archive"):
        Source(broken)
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.csv", TEXT)
    content = bytearray(whole.read_bytes())
    content[60] ^= 0xFF
    whole.write_bytes(content)
    with pytest.raises(ReplayError, match="cut off or damaged"):
        Source(whole).read("a.csv")


def test_a_file_larger_than_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is lowered to 100 bytes: a small archive of a large file is refused, whatever it claims."""
    monkeypatch.setattr(module, "SOURCE_BYTES_MAX", 100)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(bytes(10_000)))
    with pytest.raises(ReplayError, match="larger than 100 bytes after decompression"):
        Source(path).read(path.name)


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    """A misspelt name beside the right one; a name beside nothing like it."""
    (tmp_path / "orders.csv").write_bytes(TEXT)
    with pytest.raises(ReplayError, match=r"order\.csv: no such file or folder: did you mean .*orders\.csv\?"):
        Source(tmp_path / "order.csv")
    with pytest.raises(ReplayError, match=r"no such file or folder$"):
        Source(tmp_path / "zzzz")
