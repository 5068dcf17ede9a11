"""One segment, open for reading in another process than the one that writes it, moves it and uses it again."""

import os
from pathlib import Path
from typing import Final

from openoutcry.node.journal.errors import Damaged, JournalError, NotAJournal
from openoutcry.node.journal.folder import (
    SEGMENT_SUFFIX,
    archive_name,
    numbered,
    read_archive,
    require_folder,
    require_size,
    segment_name,
)
from openoutcry.node.journal.layout import ALIGN, SEGMENT_HEADER_BYTES, SegmentHeader, decode_segment_header

OPEN_TRIES: Final = 10
"""A segment is moved once in its life, and then its archive is there: the second try finds that."""


class Source:
    """One segment, open for reading: a file that may be written or moved away meanwhile, or an archive in memory."""

    def __init__(self, path: Path, header: SegmentHeader, file: int, content: bytes) -> None:
        """file: a descriptor, which this closes; -1 for an archive, whose bytes are `content`."""
        self.path = path
        self.header = header
        self._file = file
        self._content = content

    def read(self, offset: int, size: int) -> bytes:
        """Return a copy of so many bytes, less where the segment ends, filled up to a whole line."""
        size = min(size, self.size_bytes - offset)
        found = self._content[offset : offset + size] if self._file < 0 else os.pread(self._file, size, offset)
        return found + bytes(-len(found) % ALIGN)

    @property
    def size_bytes(self) -> int:
        """How far there is anything to read."""
        return self.header.segment_bytes if self._file >= 0 else len(self._content)

    @property
    def changed_ns(self) -> int:
        """When the file was written to; an archive never is."""
        return os.fstat(self._file).st_mtime_ns if self._file >= 0 else 0

    def is_moved(self) -> bool:
        """Tell whether the file that is open is no longer the one of this name: then its content may be anything."""
        return self._file >= 0 and not _is_same(self.path, self._file)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def open_source(folder: Path, number: int) -> Source | None:
    """Open a segment, or its archive; None where neither is there. Raises Damaged, NotAJournal."""
    path = folder / segment_name(number)
    for _ in range(OPEN_TRIES):
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # its archive was there before it went
            return _open_archive(folder / archive_name(number), number)
        try:
            page = os.pread(file, SEGMENT_HEADER_BYTES, 0)
            if _is_same(path, file):  # still: so the page is of this segment, and not of what was made of its file
                header = _read_header(page, path, number)
                require_size(path, header, os.fstat(file).st_size)
                return Source(path, header, file, b"")
        except BaseException:
            os.close(file)
            raise
        os.close(file)
    raise JournalError(f"{path} is moved again and again: no journal does that")


def _open_archive(path: Path, number: int) -> Source | None:
    try:
        content = read_archive(path)
    except FileNotFoundError:
        return None
    return Source(path, _read_header(content[:SEGMENT_HEADER_BYTES], path, number), -1, content)


def _read_header(page: bytes, path: Path, number: int) -> SegmentHeader:
    header = decode_segment_header(page, str(path))
    if header.number != number:
        raise Damaged(f"{path} is segment {header.number} by its header: name it {segment_name(header.number)}")
    return header


def _is_same(path: Path, file: int) -> bool:
    """Tell whether an open file still has that name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def newest_header(folder: Path) -> SegmentHeader:
    """Return the header of the segment that is written. Raises NotAJournal, Damaged."""
    require_folder(folder)
    for number, _ in reversed(numbered(folder, SEGMENT_SUFFIX)):
        source = open_source(folder, number)
        if source is not None:
            source.close()
            return source.header
    raise NotAJournal(f"{folder} holds no journal: it has no file *{SEGMENT_SUFFIX}; name another folder")
