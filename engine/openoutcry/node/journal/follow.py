"""Reading a journal while another process writes it: what is durable, once, in order, and all of it checked.

The writer is not asked and not disturbed. What is handed out is durable because the journal itself says so: each batch
notes what was durable when it was written, and a segment is begun when everything before it is. The last group of a
node that has nothing to do therefore waits for the next one, or for the log to be closed.

Everything is copied before it is checked, since a segment may be put away, filled with zeros and used again at any
time. So what does not check out is one of four things, and is looked at again before it is called anything:

- not there yet: zeros, or a batch that is being written;
- an old segment in a new place: its file has another name now, and reading goes on in its archive;
- the end of a segment: there is a next one, and it continues exactly here;
- damage: none of these, and what the journal says was durable is not here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from openoutcry.node.journal.batch import BatchHeader, read_header, unpack_records
from openoutcry.node.journal.errors import Damaged, JournalError, NotAJournal
from openoutcry.node.journal.folder import ARCHIVE_SUFFIX, SEGMENT_SUFFIX, numbered, require_folder, segment_name
from openoutcry.node.journal.layout import (
    ALIGN,
    BATCH_HEADER_BYTES,
    BATCH_MAGIC,
    SEGMENT_HEADER_BYTES,
    RoleVersion,
    SegmentHeader,
)
from openoutcry.node.journal.log import Batch
from openoutcry.node.journal.source import Source, open_source
from openoutcry.node.journal.walk import ADVICE, Position, Walk

CHUNK_BYTES: Final = 1 << 20
"""What is read at once; more where one batch is longer, or says nothing about those before it."""

SEARCH_POLLS: Final = 64
"""How often nothing may go on before zeros are searched for what stands behind them."""


class Whole(NamedTuple):
    """A batch that checks out and is durable, and where it begins."""

    header: BatchHeader
    body: memoryview
    begin: Position


class Follower:
    """Follows the journal in a folder from record `first` on. Holds one chunk and, of an archive, one segment.

    Used by one thread. 1 GB/s, most of it SHA-256.
    """

    def __init__(self, folder: Path, first: int = 1) -> None:
        """Find the segment that record `first` is or will be in; it is checked from its begin.

        Raises NotAJournal, Damaged; JournalError where the record is no longer there.
        """
        require_folder(folder)
        self.folder = folder
        self.first = first
        self.durable = 0
        self._following: Source | None = None
        self._waits = self._waits_at = 0
        self._searched = (0, 0)
        self._source = self._find(first)
        self.journal = self._source.header.journal
        self._at = _begin(self._source.header)
        self.durable = self._source.header.first - 1

    @property
    def next(self) -> int:
        """Sequence of the record that comes next."""
        return max(self._at.next, self.first)

    @property
    def chain(self) -> bytes:
        """The hash that stands for every record before the next batch."""
        return self._at.chain

    @property
    def roles(self) -> tuple[RoleVersion, ...]:
        """Which roles wrote the segment that is being read."""
        return self._source.header.roles

    @property
    def segment(self) -> int:
        """Number of the segment that is being read."""
        return self._source.header.number

    def poll(self) -> Iterator[Batch]:
        """Yield what is durable and was not yielded before, then end: ask again later. Damage is found by the time
        that nothing new has come so often as SEARCH_POLLS.

        The content of the records is this object's own copy. Raises Damaged; JournalError where the writer has given
        up, without an archive, what was not read yet.
        """
        size = CHUNK_BYTES
        while True:
            walk, base = self._walk(size), self._at.offset
            while (whole := self._step(walk)) is not None:
                end = walk.position
                self._at = end._replace(offset=base + end.offset)
                if whole.header.records and self._at.next > self.first:
                    yield self._batch(whole)
            if self._at.offset > base:
                size = CHUNK_BYTES
            elif self._needs_more(walk):
                size = 4 * len(walk.view)
            elif not self._turn(walk):
                return

    def close(self) -> None:
        """Let go of the files."""
        self._source.close()
        if self._following is not None:
            self._following.close()

    def _walk(self, size: int) -> Walk:
        """Read on from here."""
        data = self._source.read(self._at.offset, size)
        header = self._source.header
        return Walk(data, str(self._source.path), header.journal, header.number, self._at._replace(offset=0))

    def _step(self, walk: Walk) -> Whole | None:
        """Return the next batch if it is whole and durable, and move on."""
        begin = walk.position
        header = self._header_at(walk.view, begin.offset)
        if header is None or not self._is_durable(walk, header):
            return None
        found = walk.step()
        return None if found is None else Whole(*found, begin)

    def _is_durable(self, walk: Walk, header: BatchHeader) -> bool:
        """Tell whether any batch behind this one says that it was durable, or this one has nothing to lose."""
        last = header.first + header.records - 1
        offset = walk.position.offset
        after: BatchHeader | None = header
        while self.durable < last and after is not None:
            self.durable = max(self.durable, _says_durable(after))
            offset += max(after.size, ALIGN)
            after = self._header_at(walk.view, offset)
        return self.durable >= last

    def _header_at(self, view: memoryview, offset: int) -> BatchHeader | None:
        """Return the header at an offset of what was read, if one of this segment stands there."""
        raw = view[offset : offset + BATCH_HEADER_BYTES].tobytes()
        header = read_header(raw) if len(raw) == BATCH_HEADER_BYTES else None
        here = self._source.header
        if header is None or (header.journal, header.segment) != (here.journal, here.number):
            return None
        return header

    def _needs_more(self, walk: Walk) -> bool:
        """Tell whether what was read ends within a batch, or before one that says what is durable."""
        read_to = self._at.offset + len(walk.view)
        return self._end_of(walk) + BATCH_HEADER_BYTES > len(walk.view) and read_to < self._source.size_bytes

    def _end_of(self, walk: Walk) -> int:
        """Return the offset behind the last header that follows from here, and its batch, in what was read."""
        offset = 0
        while (header := self._header_at(walk.view, offset)) is not None:
            offset += max(header.size, ALIGN)
        return offset

    def _batch(self, whole: Whole) -> Batch:
        records = unpack_records(whole.body, whole.header.records)
        if records is None:
            raise Damaged(
                f"{self._source.path}: the records of the batch that begins with record {whole.begin.next} do not add "
                "up; restore this file from a backup"
            )
        skip = max(0, self.first - whole.begin.next)
        return Batch(whole.begin.next + skip, records[skip:])

    def _turn(self, walk: Walk) -> bool:
        """Where no durable batch stands: go on elsewhere, or look again. False where one can only wait."""
        if self._source.is_moved():
            self._replace(self._open_or_gone(self.segment), self._at)
            return True
        if self._following is None:
            self._following = open_source(self.folder, self.segment + 1)
            if self._following is None:
                return self._has_damage(walk)
            # It was begun when all before it was durable; something of that may have come since we looked.
            self.durable = max(self.durable, self._following.header.first - 1)
            return True
        following = self._following
        if (self._at.next, self._at.chain) != (following.header.first, following.header.chain):
            if self._source.is_moved():
                return True
            raise Damaged(
                f"{self._source.path}: at offset {self._at.offset} stands no good batch from record {self._at.next} "
                f"on, and {following.path.name} begins with record {following.header.first}; {ADVICE}"
            )
        self._following = None
        self._replace(following, _begin(following.header))
        return True

    def _has_damage(self, walk: Walk) -> bool:
        """Look behind the place where nothing goes on; True to look at it again.

        A write that is under way is not whole, and nothing behind it says that it is durable. Raises Damaged where
        something does, and it is not whole all the same when it is read once more. Looking takes some milliseconds, so
        it is done where nothing goes on for the second time and the file was written to since; where only zeros stand
        behind the last whole batch, one time in SEARCH_POLLS.
        """
        self._waits = self._waits + 1 if self._waits_at == self._at.offset else 1
        self._waits_at = self._at.offset
        place = (self._at.offset, self._source.changed_ns)
        end = self._end_of(walk)
        if self._waits < 2 or place == self._searched:
            return False
        is_waiting = not any(walk.view[end : end + BATCH_HEADER_BYTES]) and (not end or walk.step() is not None)
        if is_waiting and self._waits % SEARCH_POLLS:
            return False
        claimed = self._claimed()
        self._searched = place
        if claimed < self._at.next:
            return False
        again = self._walk(len(walk.view))
        if self._source.is_moved() or again.step() is not None:
            self.durable = max(self.durable, claimed)
            return True
        raise Damaged(
            f"{self._source.path}: records from {self._at.next} on are damaged at offset {self._at.offset}, but a "
            f"later batch says that {claimed} was durable; {ADVICE}"
        )

    def _claimed(self) -> int:
        """Return the last sequence that any header behind this place says was durable. 10 GB/s through zeros."""
        claimed = 0
        for offset in range(self._at.offset, self._source.size_bytes, CHUNK_BYTES):
            chunk = self._source.read(offset, CHUNK_BYTES)
            at = chunk.find(BATCH_MAGIC)
            while at >= 0:
                header = self._header_at(memoryview(chunk), at) if at % ALIGN == 0 else None
                claimed = max(claimed, _says_durable(header) if header else 0)
                at = chunk.find(BATCH_MAGIC, at + 1)
        return claimed

    def _find(self, first: int) -> Source:
        """Open the last segment that begins with record `first` or before it."""
        found = {number for suffix in (SEGMENT_SUFFIX, ARCHIVE_SUFFIX) for number, _ in numbered(self.folder, suffix)}
        begins = first
        for number in sorted(found, reverse=True):
            source = open_source(self.folder, number)
            if source is None:  # given up since it was listed
                continue
            begins = source.header.first
            if begins <= first:
                return source
            source.close()
        if not found:
            raise NotAJournal(f"{self.folder} holds no journal: it has no file *{SEGMENT_SUFFIX}; name another folder")
        raise JournalError(f"{self.folder}: record {first} is no longer there, the first one is {begins}")

    def _open_or_gone(self, number: int) -> Source:
        source = open_source(self.folder, number)
        if source is None:
            raise JournalError(
                f"{self.folder / segment_name(number)} was given up by the node before record {self.next} was read: "
                "begin again from a snapshot, or let the node keep archives"
            )
        return source

    def _replace(self, source: Source, at: Position) -> None:
        self._source.close()
        self._source = source
        self._at = at
        self._waits = self._waits_at = 0
        self._searched = (0, 0)


def _says_durable(header: BatchHeader) -> int:
    """Return the last sequence of which a batch can know that it was durable: not of itself."""
    return min(header.durable, header.first - 1)


def _begin(header: SegmentHeader) -> Position:
    return Position(SEGMENT_HEADER_BYTES, header.first, header.chain)
