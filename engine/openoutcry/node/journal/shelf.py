"""The segments that a journal has, read while the last of them is written and the first ones are put away."""

from collections.abc import Iterator
from itertools import pairwise
from mmap import mmap
from pathlib import Path
from weakref import WeakSet

from openoutcry.node.journal.errors import Damaged, JournalError
from openoutcry.node.journal.folder import Kept, archive_name, map_segment
from openoutcry.node.journal.log import Batch
from openoutcry.node.journal.reading import batches, load_segment, read_segments, require_joint, walk_of
from openoutcry.node.journal.walk import Buffer, Walk


class Shelf:
    """Knows every segment of a folder, and which of them someone still looks at.

    The writer's thread adds and reads; `put_away` and `is_in_use` may be called from another thread.
    """

    def __init__(self, folder: Path, segments: list[Kept]) -> None:
        """segments: what there is, in order; the last one is being written."""
        self.folder = folder
        self._segments = segments
        self._put_away: set[int] = set()
        self._mapped: dict[int, WeakSet[mmap]] = {}

    @property
    def newest(self) -> Kept:
        """The segment that is being written."""
        return self._segments[-1]

    @property
    def first(self) -> int:
        """Sequence of the first record that can be read."""
        return self.readable()[0].header.first

    def readable(self) -> list[Kept]:
        """Return the segments that can be read, archives first."""
        found = [self._archive_of(one) if one.header.number in self._put_away else one for one in self._segments]
        return [one for one in found if not one.archived or one.path.exists()]

    def add(self, segment: Kept) -> None:
        """Take up the segment that is written from now on."""
        self._segments.append(segment)

    def before(self, first: int) -> list[Kept]:
        """Return the segments that are no archives and hold only records before `first`."""
        return [
            segment
            for segment, following in pairwise(self.readable())
            if not segment.archived and following.header.first <= first
        ]

    def put_away(self, number: int) -> None:
        """Take note that a segment is now an archive, or gone."""
        self._put_away.add(number)

    def is_in_use(self, number: int) -> bool:
        """Tell whether someone still holds records of a segment in memory that its file lies behind."""
        return len(self._mapped.get(number, ())) > 0

    def walk(self, segment: Kept) -> Walk:
        """Return a walk that stands at the begin of a segment."""
        return walk_of(segment, self._load)

    def read(self, first: int, last: int) -> Iterator[Batch]:
        """Yield the records from `first` to `last`, which are all written; see `Log.read`."""
        segments = self.readable()
        if first < segments[0].header.first:
            raise JournalError(
                f"{self.folder}: record {first} is no longer there, the first one is {segments[0].header.first}"
            )
        return self._read(segments, first, last) if first <= last else iter(())

    def _read(self, segments: list[Kept], first: int, last: int) -> Iterator[Batch]:
        yield from read_segments(segments, first, self._load)
        walk = self.walk(segments[-1])
        while walk.position.next <= last:
            found = next(batches(walk, first), None)
            if found is None:
                raise self._gone(walk, last)
            yield found

    def _gone(self, walk: Walk, last: int) -> Damaged:
        """Return why records that were written cannot be read."""
        for following in self._segments:
            if following.header.number == walk.segment + 1:
                require_joint(walk, following)
        tear = walk.judge()
        why = tear.message if tear else f"{walk.name}: nothing stands at offset {walk.position.offset}"
        return Damaged(f"{why}; but records up to {last} were written; restore this file from a backup")

    def _load(self, segment: Kept) -> Buffer:
        """Return the content of a segment, which may have been archived since it was listed."""
        if not segment.archived:
            try:
                mapped = map_segment(segment.path)
            except FileNotFoundError:
                segment = self._archive_of(segment)
            else:
                self._mapped.setdefault(segment.header.number, WeakSet()).add(mapped)
                return mapped
        try:
            return load_segment(segment)
        except FileNotFoundError as error:
            raise JournalError(f"{segment.path} is no longer there: it was truncated while it was read") from error

    def _archive_of(self, segment: Kept) -> Kept:
        return segment._replace(path=self.folder / archive_name(segment.header.number), archived=True)
