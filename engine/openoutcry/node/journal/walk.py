"""Going through the batches of one segment, and judging what stands where they end.

Three things can stand there: nothing (zeros), a write that was not finished, or damage. To tell the last two apart:

- a disk writes sectors of 512 bytes whole or not at all, and what is copied into memory stops at a multiple of 8;
- a segment is zero before it is written, and the last 8 bytes of a header and of a batch are never zero;
- each batch says which sequence was durable when it was written.

So a write that was not finished has zeros where a whole batch cannot have them, and no batch after it says that it was
durable. Anything else is damage: something that may have been acknowledged is gone, and a person has to look.
"""

from mmap import mmap
from typing import Final, NamedTuple, TypeAlias

from crc32c import crc32c

from openoutcry.node.journal.batch import BatchHeader, chain_after, read_header
from openoutcry.node.journal.errors import Damaged
from openoutcry.node.journal.layout import (
    ALIGN,
    BATCH_HEADER_BYTES,
    BATCH_MAGIC,
    CHAIN_BYTES,
    SECTOR_BYTES,
)

Buffer: TypeAlias = mmap | bytes
"""A segment in memory, as it is searched; what is handed out are views of it."""

WORD_BYTES: Final = 8
CHUNK_BYTES: Final = 1 << 20
ZEROS: Final = bytes(CHUNK_BYTES)
ADVICE: Final = "nothing was changed; restore this file from a backup, and see that the disk is sound"


class Position(NamedTuple):
    """Between two batches: offset in the segment, sequence of the next record, chain so far."""

    offset: int
    next: int
    chain: bytes


class Tear(NamedTuple):
    """A write that was not finished: from `offset` to `end` something stands that is to be zero."""

    offset: int
    end: int
    message: str


class Walk:
    """Goes through one segment from a position.

    data: the whole segment, a multiple of 64 bytes. name: what an error calls it. `position` is after the last batch
    that was good.
    """

    def __init__(self, data: Buffer, name: str, journal: bytes, segment: int, position: Position) -> None:
        self.data = data
        self.view = memoryview(data)
        self.name = name
        self.journal = journal
        self.segment = segment
        self.position = position

    def step(self) -> tuple[BatchHeader, memoryview] | None:
        """Return header and entries of the next batch and move on; None, not moving, where no good batch stands.

        Checks everything: both checksums, place, sequence, chain. 10 microseconds for 16 KiB, most of it SHA-256.
        """
        offset, following, chain = self.position
        view = self.view
        start = offset + BATCH_HEADER_BYTES
        if start > len(view):
            return None
        header = read_header(view[offset:start].tobytes())
        if header is None or self._misplaced(header):
            return None
        end = offset + header.size
        if crc32c(view[start:end]) != header.check:
            return None
        body = view[start : end - CHAIN_BYTES]
        after = chain_after(chain, body)
        if after != view[end - CHAIN_BYTES : end]:
            return None
        self.position = Position(end, following + header.records, after)
        return header, body

    def _misplaced(self, header: BatchHeader) -> str:
        """Say what a header with a good checksum has that does not belong here, or ""."""
        offset, following, _ = self.position
        if header.journal != self.journal:
            return "it belongs to another journal"
        if header.segment != self.segment:
            return f"it belongs to segment {header.segment}"
        if header.first != following:
            return f"it begins with record {header.first} where {following} is due"
        least = BATCH_HEADER_BYTES + CHAIN_BYTES
        if header.size < least or header.size % ALIGN or offset + header.size > len(self.view):
            return f"it claims {header.size} bytes"
        return ""

    def judge(self) -> Tear | None:
        """Say what stands where `step` found no batch: None for zeros up to the end, or the tear that is to be cut.

        Raises Damaged for anything else.
        """
        offset = self.position.offset
        end = self._last_byte(offset)
        if end <= offset:
            return None
        why = self._tear_at(offset)
        later = self._later(offset)
        durable = max((header.durable for header in later), default=0)
        if durable >= self.position.next:
            raise Damaged(
                f"{self.name}: records from {self.position.next} on are damaged at offset {offset}, {why}, but a later "
                f"batch says that {durable} was durable; {ADVICE}"
            )
        more = f", and {len(later)} batches after it" if later else ""
        return Tear(
            offset,
            end,
            f"{self.name}: cut at offset {offset}, after record {self.position.next - 1}: {why}{more}; "
            f"{end - offset} bytes that nobody was promised",
        )

    def _tear_at(self, offset: int) -> str:
        """Say how one sees that what stands at `offset` was not written to its end. Raises Damaged where it was."""
        raw = self.view[offset : offset + BATCH_HEADER_BYTES].tobytes()
        header = read_header(raw)
        if header is not None:
            return self._tear_in_body(offset, header)
        if not any(raw):
            return "something is written behind a header that is not there"
        if not any(raw[-WORD_BYTES:]) or not any(raw[:-WORD_BYTES]):
            return "a header was not written to its end"
        raise Damaged(
            f"{self.name}: the checksum of a header is wrong at offset {offset}, where record {self.position.next} is "
            f"due; {ADVICE}"
        )

    def _tear_in_body(self, offset: int, header: BatchHeader) -> str:
        if why := self._misplaced(header):
            raise Damaged(f"{self.name}: a batch at offset {offset} is out of place: {why}; {ADVICE}")
        end = offset + header.size
        if not any(self.view[end - WORD_BYTES : end]):
            return "a batch was not written to its end"
        sector = offset - offset % SECTOR_BYTES + SECTOR_BYTES  # the sector of the header was written
        while sector < end:
            if not any(self.view[sector : min(sector + SECTOR_BYTES, end)]):
                return "a sector within a batch was not written"
            sector += SECTOR_BYTES
        raise Damaged(
            f"{self.name}: the batch at offset {offset}, {header.records} records from {header.first} on, does not "
            f"have the checksum that it was written with; {ADVICE}"
        )

    def _later(self, offset: int) -> list[BatchHeader]:
        """Return every header of this segment that stands behind `offset` and has a good checksum."""
        found = []
        at = self.data.find(BATCH_MAGIC, offset + 1)
        while at >= 0:
            if at % ALIGN == 0 and at + BATCH_HEADER_BYTES <= len(self.view):
                header = read_header(self.view[at : at + BATCH_HEADER_BYTES].tobytes())
                if header is not None and (header.journal, header.segment) == (self.journal, self.segment):
                    found.append(header)
            at = self.data.find(BATCH_MAGIC, at + 1)
        return found

    def _last_byte(self, offset: int) -> int:
        """Return the offset behind the last byte that is not zero, `offset` where there is none. 10 GB/s."""
        last = offset
        for at in range(offset, len(self.view), CHUNK_BYTES):
            chunk = self.view[at : at + CHUNK_BYTES].tobytes()
            if chunk != ZEROS[: len(chunk)]:
                last = at + len(chunk.rstrip(b"\0"))
        return last
