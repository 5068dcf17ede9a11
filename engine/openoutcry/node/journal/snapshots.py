"""Snapshots beside a journal: the state after some record, in a file that is either whole or not there.

    header 4096 (magic, format, number of roles, journal, sequence, bytes, SHA-256, roles, crc32c) | content

Functions of a folder, so that another process than the one that writes the journal can use them.
"""

import hashlib
import io
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, cast

from crc32c import crc32c

from openoutcry.node.journal.disk import PART_SUFFIX, Disk
from openoutcry.node.journal.errors import Damaged
from openoutcry.node.journal.folder import SNAPSHOT_SUFFIX, numbered, snapshot_name
from openoutcry.node.journal.layout import RoleVersion, decode_roles, encode_roles
from openoutcry.node.journal.log import Snapshot

MAGIC: Final = b"OUTCRYSS"
FORMAT_VERSION: Final = 1
HEADER_BYTES: Final = 4096
FIELDS: Final = struct.Struct("<8sHHI16sQQ32s")
CHECK: Final = struct.Struct("<I")
SNAPSHOTS_KEPT: Final = 2
"""The newest, and one to fall back to when that is damaged."""

CHUNK_BYTES: Final = 1 << 20


class Stamp(NamedTuple):
    """What a snapshot is of."""

    journal: bytes
    sequence: int
    roles: tuple[RoleVersion, ...]


class _Hashing(io.RawIOBase):
    """Passes on what is written, counts and hashes it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.digest.update(content)
        written = self.file.write(content)
        self.size += written
        return written


def encode_header(stamp: Stamp, size: int, digest: bytes) -> bytes:
    """Return the first page of a snapshot."""
    fields = FIELDS.pack(MAGIC, FORMAT_VERSION, len(stamp.roles), 0, stamp.journal, stamp.sequence, size, digest)
    page = (fields + encode_roles(stamp.roles)).ljust(HEADER_BYTES - CHECK.size, b"\0")
    return page + CHECK.pack(crc32c(page))


def save(folder: Path, stamp: Stamp, write: Callable[[BinaryIO], None], disk: Disk) -> None:
    """Write a snapshot and forget all but the newest two. Raises OSError, with nothing changed, where that fails."""
    path = folder / snapshot_name(stamp.sequence)
    # The node and the process that follows it may write the same one at the same time.
    part = path.with_name(f"{path.name}.{os.getpid()}{PART_SUFFIX}")
    try:
        with open(part, "wb", opener=disk.opener) as file:
            file.write(bytes(HEADER_BYTES))
            content = _Hashing(file)
            write(cast(BinaryIO, content))
            file.seek(0)
            file.write(encode_header(stamp, content.size, content.digest.digest()))
            file.flush()
            disk.sync(file.fileno())
        disk.rename(part, path)
    except BaseException:
        disk.remove(part)
        raise
    for _, old in numbered(folder, SNAPSHOT_SUFFIX)[:-SNAPSHOTS_KEPT]:
        disk.remove(old)


def open_snapshot(path: Path, journal: bytes) -> Snapshot:
    """Return a snapshot, its content checked. Raises Damaged, with the reason in a few words, where it is not good."""
    file = path.open("rb")
    try:
        stamp, size, digest = _read_header(file)
        if stamp.journal != journal:
            raise Damaged("belongs to another journal")
        if path.name != snapshot_name(stamp.sequence):
            raise Damaged(f"is of record {stamp.sequence} by its header")
        actual, length = hashlib.sha256(), 0
        while chunk := file.read(CHUNK_BYTES):
            actual.update(chunk)
            length += len(chunk)
        if length != size:
            raise Damaged(f"has {length} bytes of content in place of {size}")
        if actual.digest() != digest:
            raise Damaged("has content of another checksum")
        file.seek(HEADER_BYTES)
    except BaseException:
        file.close()
        raise
    return Snapshot(stamp.sequence, stamp.roles, file)


def _read_header(file: BinaryIO) -> tuple[Stamp, int, bytes]:
    page = file.read(HEADER_BYTES)
    if len(page) < HEADER_BYTES:
        raise Damaged(f"has only {len(page)} bytes")
    body = page[: -CHECK.size]
    if page[-CHECK.size :] != CHECK.pack(crc32c(body)):
        raise Damaged("has a header of another checksum")
    magic, version, count, _, journal, sequence, size, digest = FIELDS.unpack_from(page)
    if magic != MAGIC:
        raise Damaged("is no snapshot")
    if version != FORMAT_VERSION:
        raise Damaged(f"is written in format {version}, and this release reads format {FORMAT_VERSION}")
    return Stamp(journal, sequence, decode_roles(page, FIELDS.size, count)), size, digest


def newest(folder: Path, journal: bytes) -> tuple[Snapshot | None, list[str]]:
    """Return the newest good snapshot, and a note for each newer one that is damaged."""
    notes: list[str] = []
    for _, path in reversed(numbered(folder, SNAPSHOT_SUFFIX)):
        try:
            return open_snapshot(path, journal), notes
        except Damaged as damage:
            notes.append(f"{path} {damage}: passed over for an older one, or the records themselves")
    return None, notes
