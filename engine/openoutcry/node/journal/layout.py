"""How the files of a journal look, byte by byte: docs/reference/journal-format.md is the same in words.

All numbers are little-endian and unsigned, but for times. Everything starts at a multiple of 64 bytes, so that a frame
of records in a mapped file lies on cache lines of its own.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from crc32c import crc32c

from openoutcry.node.journal.errors import Damaged, NotAJournal

FORMAT_VERSION: Final = 1

ALIGN: Final = 64
"""One cache line, and the size of a COMMAND."""

SECTOR_BYTES: Final = 512
"""What a disk writes whole or not at all."""

SEGMENT_HEADER_BYTES: Final = 4096
SEGMENT_MAGIC: Final = b"OUTCRYJL"
SEGMENT_BYTES_DEFAULT: Final = 64 << 20
"""Zero-filling it takes some tens of milliseconds in the background; at full speed it lasts two thirds of a second."""
SEGMENT_BYTES_MIN: Final = 64 << 10
SEGMENT_BYTES_MAX: Final = 1 << 30

BATCH_MAGIC: Final = b"OCBATCH1"
BATCH_HEADER_BYTES: Final = 64
ENTRY_HEADER_BYTES: Final = 64
CHAIN_BYTES: Final = 32
JOURNAL_ID_BYTES: Final = 16
RECORDS_MAX: Final = 65_536
"""Of one batch: a group of the runner is bounded far below."""

ROLES_MAX: Final = 64
ROLE_NAME_BYTES_MAX: Final = 32

SEGMENT_FIELDS: Final = struct.Struct("<8sHHIQ16sQQ32s")
"""Magic, format version, number of roles, zero, segment bytes, journal id, segment number, first sequence, chain."""
SEGMENT_CHECK: Final = struct.Struct("<I")
ROLE_FIELDS: Final = struct.Struct("<HHI")
"""Number, length of the name, version."""

BATCH_HEADER: Final = struct.Struct("<8s16sQQQIIII")
"""Magic, journal id, segment number, first sequence, sequence that was durable when this was written, number of
records, crc32c of what follows the header, bytes of the whole batch, crc32c of the header up to here."""
BATCH_CHECKED_BYTES: Final = BATCH_HEADER_BYTES - 4

ENTRY_HEADER: Final = struct.Struct("<qIIHHI32s8x")
"""Time, bytes, tag, role, zero, zero, sender."""

assert BATCH_HEADER.size == BATCH_HEADER_BYTES
assert ENTRY_HEADER.size == ENTRY_HEADER_BYTES


class RoleVersion(NamedTuple):
    """Which role a number in the journal stands for, and which version of it wrote the records."""

    number: int
    name: str
    version: int


class SegmentHeader(NamedTuple):
    """The first page of a segment: what it continues."""

    journal: bytes
    number: int
    first: int
    chain: bytes
    segment_bytes: int
    roles: tuple[RoleVersion, ...]


def padding(size: int) -> int:
    """Return how many bytes are missing to a multiple of 64."""
    return -size % ALIGN


def first_chain(journal: bytes) -> bytes:
    """Return the hash that the first batch of a journal follows."""
    return hashlib.sha256(b"openoutcry/1|journal|" + journal).digest()


def check_roles(roles: Sequence[RoleVersion]) -> None:
    """Raise ValueError for a list of roles that does not go into a header."""
    if len(roles) > ROLES_MAX:
        raise ValueError(f"{len(roles)} roles: a journal has at most {ROLES_MAX}")
    if len({role.number for role in roles}) != len(roles):
        raise ValueError("two roles of a journal have the same number")
    for role in roles:
        if not 0 < len(role.name.encode()) <= ROLE_NAME_BYTES_MAX or not role.name.isprintable():
            raise ValueError(
                f"the name of role {role.number} must have 1 to {ROLE_NAME_BYTES_MAX} bytes, all of them printable"
            )
        if not (0 <= role.number < 1 << 16 and 0 < role.version < 1 << 32):
            raise ValueError(f"role {role.name} has number {role.number} and version {role.version}: out of range")


def encode_roles(roles: Sequence[RoleVersion]) -> bytes:
    """Return the roles as they stand in a header, in the order of their numbers."""
    names = [(role, role.name.encode()) for role in sorted(roles)]
    return b"".join(ROLE_FIELDS.pack(role.number, len(name), role.version) + name for role, name in names)


def decode_roles(page: bytes, offset: int, count: int) -> tuple[RoleVersion, ...]:
    """Return the roles of a header. Raises Damaged, with the reason in a few words, where they cannot be read."""
    roles = []
    try:
        for _ in range(count):
            number, length, version = ROLE_FIELDS.unpack_from(page, offset)
            offset += ROLE_FIELDS.size
            roles.append(RoleVersion(number, page[offset : offset + length].decode(), version))
            offset += length
        check_roles(roles)
    except (UnicodeDecodeError, struct.error, ValueError) as error:
        raise Damaged(f"has a header with roles that cannot be: {error}") from error
    return tuple(roles)


def encode_segment_header(header: SegmentHeader) -> bytes:
    """Return the first page of a segment."""
    fields = SEGMENT_FIELDS.pack(
        SEGMENT_MAGIC,
        FORMAT_VERSION,
        len(header.roles),
        0,
        header.segment_bytes,
        header.journal,
        header.number,
        header.first,
        header.chain,
    )
    page = (fields + encode_roles(header.roles)).ljust(SEGMENT_HEADER_BYTES - SEGMENT_CHECK.size, b"\0")
    return page + SEGMENT_CHECK.pack(crc32c(page))


def decode_segment_header(page: bytes, name: str) -> SegmentHeader:
    """Return what the first page of a segment says.

    page: the first SEGMENT_HEADER_BYTES, or what there is of them. name: what an error calls the file.
    Raises NotAJournal for a file that is empty, of another kind or of another version, Damaged for a bad checksum.
    """
    if not page:
        raise NotAJournal(f"{name} is empty: a segment of a journal never is; restore this file from a backup")
    if page[: len(SEGMENT_MAGIC)] != SEGMENT_MAGIC and not _is_damaged_header(page):
        raise NotAJournal(f"{name} is no segment of a journal: it begins with {page[:8]!r}; move it away")
    if len(page) < SEGMENT_HEADER_BYTES:
        raise Damaged(f"{name}: it ends at offset {len(page)}, within its header; restore this file from a backup")
    version = int.from_bytes(page[8:10], "little")
    if not _checks(page):
        raise Damaged(f"{name}: the checksum of its header (offset 0) is wrong; restore this file from a backup")
    if version != FORMAT_VERSION:
        raise NotAJournal(f"{name} is written in format {version}; this release reads format {FORMAT_VERSION}")
    _, _, count, _, segment_bytes, journal, number, first, chain = SEGMENT_FIELDS.unpack_from(page)
    try:
        roles = decode_roles(page, SEGMENT_FIELDS.size, count)
    except Damaged as damage:
        raise Damaged(f"{name} {damage}; restore this file from a backup") from damage
    return SegmentHeader(journal, number, first, chain, segment_bytes, roles)


def _checks(page: bytes) -> bool:
    body = page[: SEGMENT_HEADER_BYTES - SEGMENT_CHECK.size]
    return len(page) >= SEGMENT_HEADER_BYTES and page[len(body) : SEGMENT_HEADER_BYTES] == SEGMENT_CHECK.pack(
        crc32c(body)
    )


def _is_damaged_header(page: bytes) -> bool:
    """Tell whether only the magic is wrong: then this is our file, and something happened to it."""
    return _checks(SEGMENT_MAGIC + page[len(SEGMENT_MAGIC) :])
