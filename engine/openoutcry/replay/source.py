"""Where the bytes of a recording come from: a file, a folder, or a zip archive such as a Python wheel.

Readers ask for files by name and get bytes; compression (.gz, .zst) is undone here. Damaged or cut-off archives and
compressed files are one line of `ReplayError`.
"""

import gzip
import zipfile
import zlib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Final, TypeAlias

from openoutcry.replay.error import MissingLibrary, ReplayError

SOURCE_BYTES_MAX: Final = 8 * 2**30
"""Largest file after decompression, 8 GiB: a small archive must not be able to fill the memory."""

PEEK_BYTES: Final = 4096
"""How much of a file a reader sees when it is asked whether it knows the format."""

CHUNK_BYTES: Final = 2**24

Read: TypeAlias = Callable[[int], bytes]

ARCHIVES: Final = (".zip", ".whl")
COMPRESSED: Final = (".gz", ".zst")


class Source:
    """A recording as the user named it: one file with its neighbours, a folder, or an archive.

    path: what the user named. Raises ReplayError when it does not exist or is no readable archive.
    `main` is the file that the user pointed at, None for a folder or an archive.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise ReplayError(f"{path}: no such file or folder{_meant(path)}")
        self.path = path
        self.main: str | None = None
        self._archive: zipfile.ZipFile | None = None
        if path.is_dir():
            self._root = path
        elif path.suffix in ARCHIVES:
            try:
                self._archive = zipfile.ZipFile(path)
            except (zipfile.BadZipFile, OSError) as error:
                raise ReplayError(f"{path}: expected a zip archive, {error}") from error
        else:
            self._root = path.parent
            self.main = path.name

    def names(self) -> list[str]:
        """Name the files to choose from, sorted; for a single file only that one."""
        if self.main is not None:
            return [self.main]
        if self._archive is not None:
            return sorted(name for name in self._archive.namelist() if not name.endswith("/"))
        return sorted(entry.name for entry in self._root.iterdir() if entry.is_file())

    def label(self, name: str) -> str:
        """Name a file as a user would look for it."""
        return f"{self.path}!{name}" if self._archive is not None else str(self._root / name)

    def sibling(self, name: str, *others: str) -> str | None:
        """Name the first of `others` that lies beside `name`, or None."""
        folder = name.rpartition("/")[0]
        for other in others:
            candidate = f"{folder}/{other}" if folder else other
            if self._exists(candidate):
                return candidate
        return None

    def read(self, name: str) -> bytes:
        """Return a file's content, decompressed. Raises ReplayError for what is cut off, damaged or too large."""
        return self._content(name, SOURCE_BYTES_MAX, whole=True)

    def peek(self, name: str) -> bytes:
        """Return the first PEEK_BYTES of a file, decompressed."""
        return self._content(name, PEEK_BYTES, whole=False)

    def _exists(self, name: str) -> bool:
        if self._archive is not None:
            return name in self._archive.namelist()
        return (self._root / name).is_file()

    def _content(self, name: str, bytes_max: int, *, whole: bool) -> bytes:
        label = self.label(name)
        try:
            with self._open(name) as raw:
                return _bounded(_decompressed(raw, name, label), bytes_max, label, whole=whole)
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            raise ReplayError(f"{label}: compressed data is cut off or damaged ({error})") from error
        except OSError as error:
            raise ReplayError(f"{label}: cannot be read ({error})") from error

    def _open(self, name: str) -> IO[bytes]:
        if self._archive is not None:
            return self._archive.open(name)
        return (self._root / name).open("rb")


def plain_name(name: str) -> str:
    """Return the last part of a name without its compression suffix: `a/orders.csv.gz` is `orders.csv`."""
    last = name.rpartition("/")[2]
    for suffix in COMPRESSED:
        last = last.removesuffix(suffix)
    return last


def _meant(path: Path) -> str:
    """Name the neighbour that a missing file's name may have been meant to be."""
    if not path.parent.is_dir():
        return ""
    close = get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=1)
    return f": did you mean {path.parent / close[0]}?" if close else ""


def _decompressed(raw: IO[bytes], name: str, label: str) -> Read:
    if name.endswith(".gz"):
        return gzip.GzipFile(fileobj=raw).read
    if name.endswith(".zst"):
        try:
            import pyarrow as pa
        except ImportError as error:
            raise MissingLibrary(f"{label}: a .zst file", "pyarrow", "replay") from error
        stream = pa.PythonFile(raw, mode="r")  # type: ignore[arg-type]  # any object with `read` will do
        return pa.CompressedInputStream(stream, "zstd").read
    return raw.read


def _bounded(read: Read, bytes_max: int, label: str, *, whole: bool) -> bytes:
    parts: list[bytes] = []
    size = 0
    while whole or size < bytes_max:
        part = read(CHUNK_BYTES if whole else bytes_max - size)
        if not part:
            break
        size += len(part)
        if whole and size > bytes_max:
            raise ReplayError(f"{label}: larger than {bytes_max} bytes after decompression")
        parts.append(part)
    return b"".join(parts)
