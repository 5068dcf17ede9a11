"""Names and contents of a journal's folder, for those who write it and those who only read it."""

import mmap
import os
from pathlib import Path
from typing import Final, NamedTuple

import zstandard

from openoutcry.node.journal.errors import Damaged, NotAJournal
from openoutcry.node.journal.layout import (
    SEGMENT_BYTES_MAX,
    SEGMENT_HEADER_BYTES,
    SegmentHeader,
    decode_segment_header,
)

SEGMENT_SUFFIX: Final = ".journal"
ARCHIVE_SUFFIX: Final = ".journal.zst"
SNAPSHOT_SUFFIX: Final = ".snapshot"
TORN_SUFFIX: Final = ".torn"
RETIRED_SUFFIX: Final = ".retired"
SPARE_NAME: Final = "spare"
DIGITS: Final = 12


class Kept(NamedTuple):
    """One segment: its file, whether that is an archive, and its header."""

    path: Path
    archived: bool
    header: SegmentHeader


def segment_name(number: int) -> str:
    """Return the name of a segment's file."""
    return f"{number:0{DIGITS}}{SEGMENT_SUFFIX}"


def archive_name(number: int) -> str:
    """Return the name of the file that a segment is archived in."""
    return f"{number:0{DIGITS}}{ARCHIVE_SUFFIX}"


def snapshot_name(sequence: int) -> str:
    """Return the name of the file of the snapshot after record `sequence`."""
    return f"{sequence:0{DIGITS}}{SNAPSHOT_SUFFIX}"


def numbered(folder: Path, suffix: str) -> list[tuple[int, Path]]:
    """Return number and path of every file named by a number and `suffix`, in order of the numbers."""
    found = [(path.name.removesuffix(suffix), path) for path in folder.iterdir() if path.name.endswith(suffix)]
    return sorted((int(name), path) for name, path in found if name.isascii() and name.isdigit())


def require_folder(folder: Path) -> None:
    """Raise NotAJournal where there is no such folder."""
    if not folder.is_dir():
        raise NotAJournal(f"{folder} is not there, or no folder: name the folder of a journal, or create one")


def list_kept(folder: Path) -> list[Kept]:
    """Return every segment of a journal in order, archives first, each with a good header.

    Raises NotAJournal where there is none, Damaged where one is missing between others or does not belong to them.
    """
    require_folder(folder)
    live = {number: (path, False) for number, path in numbered(folder, SEGMENT_SUFFIX)}
    found = {number: (path, True) for number, path in numbered(folder, ARCHIVE_SUFFIX)} | live
    if not live:
        raise NotAJournal(f"{folder} holds no journal: it has no file *{SEGMENT_SUFFIX}; create one, or restore it")
    kept: list[Kept] = []
    for number, (path, archived) in sorted(found.items()):
        header = read_archive_header(path) if archived else read_segment_header(path)
        if header.number != number:
            raise Damaged(f"{path} is segment {header.number} by its header: name it {segment_name(header.number)}")
        if kept and number != kept[-1].header.number + 1:
            raise Damaged(f"{folder}: {segment_name(kept[-1].header.number + 1)} is missing; restore it from a backup")
        if kept and header.journal != kept[-1].header.journal:
            raise NotAJournal(f"{path} belongs to another journal than {kept[-1].path.name}; move one of them away")
        kept.append(Kept(path, archived, header))
    return kept


def read_segment_header(path: Path) -> SegmentHeader:
    """Return the header of a segment that has the size it says."""
    with path.open("rb") as file:
        page = file.read(SEGMENT_HEADER_BYTES)
        header = decode_segment_header(page, str(path))
        size = os.fstat(file.fileno()).st_size
    require_size(path, header, size)
    return header


def require_size(path: Path, header: SegmentHeader, size: int) -> None:
    """Raise Damaged for a segment that does not have the size it says."""
    if size != header.segment_bytes:
        raise Damaged(
            f"{path} has {size} bytes, its header says {header.segment_bytes}: a part of it was lost when it was "
            "copied; restore this file from a backup"
        )


def read_archive(path: Path) -> bytes:
    """Return what an archive holds. Raises Damaged where it cannot be read, or claims more than a segment holds."""
    packed = path.read_bytes()
    try:
        size = zstandard.get_frame_parameters(packed).content_size
        if size > SEGMENT_BYTES_MAX:
            raise Damaged(f"{path} claims to hold {size} bytes; restore this file from a backup")
        return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise Damaged(f"{path} cannot be decompressed ({error}); restore this file from a backup") from error


def read_archive_header(path: Path) -> SegmentHeader:
    """Return the header of the segment that an archive holds, which reads only the beginning of it."""
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as content:
            page = content.read(SEGMENT_HEADER_BYTES)
    except zstandard.ZstdError as error:
        raise Damaged(f"{path} cannot be decompressed ({error}); restore this file from a backup") from error
    return decode_segment_header(page, str(path))


def map_segment(path: Path) -> mmap.mmap:
    """Return a segment as memory that is read from the disk when it is looked at."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    mapped.madvise(mmap.MADV_WILLNEED)
    return mapped
