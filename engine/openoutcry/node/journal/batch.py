"""One batch: the records of one group, with their length, checksum and place in the hash chain.

    header 64 | entry, entry, ... | padding | chain 32

An entry is a header of 64 bytes and the record's content, filled up to a multiple of 64. The chain is
SHA-256(chain of the batch before | entries and padding), so it ends with bytes that are never all zero: a batch whose
end was not written can be told from one that was written and then damaged.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from crc32c import crc32c

from openoutcry.node.journal.layout import (
    BATCH_CHECKED_BYTES,
    BATCH_HEADER,
    BATCH_HEADER_BYTES,
    BATCH_MAGIC,
    CHAIN_BYTES,
    ENTRY_HEADER,
    ENTRY_HEADER_BYTES,
    RECORDS_MAX,
    padding,
)
from openoutcry.role import Record
from openoutcry.wire.fields import KEY_BYTES

PADS: Final = tuple(bytes(length) for length in range(64))


class BatchHeader(NamedTuple):
    """What the first 64 bytes of a batch say, once their checksum is good."""

    journal: bytes
    segment: int
    first: int
    durable: int
    records: int
    check: int
    size: int


class Encoded(NamedTuple):
    """A batch in three parts, ready to be written, and the chain after it (which is the last part)."""

    header: bytes
    body: bytes
    chain: bytes

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return BATCH_HEADER_BYTES + len(self.body) + CHAIN_BYTES


class Place(NamedTuple):
    """Where a batch goes: its journal and segment, the sequence of its first record, what was durable, the chain."""

    journal: bytes
    segment: int
    first: int
    durable: int
    chain: bytes


def pack_records(records: Sequence[Record]) -> bytes:
    """Return entries and padding of a batch. Copies each record once; about 1 microsecond a record.

    Raises ValueError for more than RECORDS_MAX records or a sender of another length, struct.error for a number that is
    out of range.
    """
    if len(records) > RECORDS_MAX:
        raise ValueError(f"{len(records)} records in one group: at most {RECORDS_MAX}")
    parts: list[bytes | memoryview] = []
    pack = ENTRY_HEADER.pack
    total = CHAIN_BYTES
    for role, tag, time_ns, sender, raw in records:
        length = raw.nbytes if isinstance(raw, memoryview) else len(raw)
        if len(sender) != KEY_BYTES:
            raise ValueError(f"the sender of a record has {len(sender)} bytes in place of {KEY_BYTES}")
        pad = PADS[-length % 64]
        parts += (pack(time_ns, length, tag, role, 0, 0, sender), raw, pad)
        total += ENTRY_HEADER_BYTES + length + len(pad)
    parts.append(PADS[padding(total)])
    return b"".join(parts)


def seal(place: Place, count: int, body: bytes) -> Encoded:
    """Return the batch with these entries at a place."""
    digest = hashlib.sha256(place.chain)
    digest.update(body)
    chain = digest.digest()
    check = crc32c(chain, crc32c(body))
    size = BATCH_HEADER_BYTES + len(body) + CHAIN_BYTES
    fields = BATCH_HEADER.pack(
        BATCH_MAGIC, place.journal, place.segment, place.first, place.durable, count, check, size, 0
    )[:BATCH_CHECKED_BYTES]
    return Encoded(fields + crc32c(fields).to_bytes(4, "little"), body, chain)


def read_header(header: bytes) -> BatchHeader | None:
    """Return what 64 bytes say as a header of a batch, or None where they are none."""
    magic, journal, segment, first, durable, count, check, size, own = BATCH_HEADER.unpack(header)
    if magic != BATCH_MAGIC or own != crc32c(header[:BATCH_CHECKED_BYTES]):
        return None
    return BatchHeader(journal, segment, first, durable, count, check, size)


def chain_after(chain: bytes, body: bytes | memoryview) -> bytes:
    """Return the chain after a batch with these entries."""
    digest = hashlib.sha256(chain)
    digest.update(body)
    return digest.digest()


def unpack_records(body: memoryview, count: int) -> list[Record] | None:
    """Return the records of entries whose checksum is good, or None where they do not add up to `count`.

    Their content is not copied: each `raw` is a part of `body`. About 1 microsecond a record.
    """
    records: list[Record] = []
    at = 0
    unpack = ENTRY_HEADER.unpack_from
    end = len(body)
    for _ in range(count):
        if at + ENTRY_HEADER_BYTES > end:
            return None
        time_ns, length, tag, role, _, _, sender = unpack(body, at)
        at += ENTRY_HEADER_BYTES
        if at + length > end:
            return None
        records.append(Record(role, tag, time_ns, sender, body[at : at + length]))
        at += length + -length % 64
    return records if end - at < 64 else None
