"""What happens behind the writer's back: the next segment is made ready, and old ones are archived or used again.

One thread of its own, so that a group never waits for zeros to be written or for a segment to be compressed.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Final

import zstandard

from openoutcry.node.journal.disk import Disk
from openoutcry.node.journal.errors import Damaged
from openoutcry.node.journal.folder import (
    ARCHIVE_SUFFIX,
    RETIRED_SUFFIX,
    SPARE_NAME,
    Kept,
    archive_name,
    numbered,
    read_archive,
)
from openoutcry.node.journal.reading import batches, load_segment, walk_of

ARCHIVE_LEVEL: Final = 3
"""Of zstandard: higher levels win a few percent on order flow and take several times as long."""

PAUSE_S: Final = 0.001
"""Between two parts of a segment that is filled with zeros, 0.4 s in all: a group that comes while one part is written
waits a few hundred microseconds longer."""

RETIRED_MAX: Final = 4
"""Segments that wait to be used again; more are deleted."""


class Keeper:
    """Owns the files of a journal's folder that are not written to: the spare, retired segments and archives.

    archives_max: how many archived segments are kept, None for all, 0 to archive none. note: takes a line for the
    operator. in_use: tells whether someone still holds records of that segment in memory.
    """

    def __init__(
        self,
        folder: Path,
        segment_bytes: int,
        archives_max: int | None,
        disk: Disk,
        note: Callable[[str], None],
        in_use: Callable[[int], bool],
    ) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self.archives_max = archives_max
        self.disk = disk
        self.note = note
        self.in_use = in_use
        self._thread = ThreadPoolExecutor(1, "journal keeper")
        self._spare: Future[Path] | None = None
        self._hurry = Event()
        self._dropping: list[Future[None]] = []

    def prepare(self) -> None:
        """Begin to make the next segment ready, unless that is done."""
        if self._spare is None:
            self._hurry.clear()
            self._spare = self._thread.submit(self._make_spare)

    def take(self) -> Path:
        """Return a file of zeros that becomes the next segment. Raises OSError where there is none; asking again helps.

        Waits where it is not ready yet.
        """
        self.prepare()
        assert self._spare is not None
        spare, self._spare = self._spare, None
        self._hurry.set()
        return spare.result()

    def drop(self, segments: list[Kept], done: Callable[[int], None]) -> None:
        """Archive and retire segments, in this order; `done` is told the number of each one when it is over."""
        self._dropping = [drop for drop in self._dropping if not drop.done()]
        self._dropping.append(self._thread.submit(self._drop_all, segments, done))

    @property
    def is_dropping(self) -> bool:
        """Tell whether segments are being archived and retired."""
        return not all(drop.done() for drop in self._dropping)

    def settle(self) -> None:
        """Wait until everything that was begun is done."""
        for drop in self._dropping:
            drop.result()
        if self._spare is not None:
            self._hurry.set()
            self._spare.exception()

    def close(self) -> None:
        """Finish what was begun and end the thread."""
        self._hurry.set()
        self._thread.shutdown(wait=True)

    def _make_spare(self) -> Path:
        spare = self.folder / SPARE_NAME
        for _, retired in numbered(self.folder, RETIRED_SUFFIX)[:1]:
            if not spare.exists():
                self.disk.rename(retired, spare)
        self.disk.fill(spare, self.segment_bytes, lambda: self._hurry.wait(PAUSE_S))
        return spare

    def _drop_all(self, segments: list[Kept], done: Callable[[int], None]) -> None:
        try:
            for segment in segments:
                if self.archives_max != 0:
                    self._archive(segment)
                self._retire(segment)
                done(segment.header.number)
            if self.archives_max is not None:
                archives = numbered(self.folder, ARCHIVE_SUFFIX)
                for _, old in archives[: max(0, len(archives) - self.archives_max)]:
                    self.disk.remove(old)
        except (OSError, Damaged) as error:
            self.note(f"old segments of {self.folder} stay until the next truncation: {error}")

    def _archive(self, segment: Kept) -> None:
        """Compress a segment up to its last batch, and read it back before it counts."""
        walk = walk_of(segment, load_segment)
        for _ in batches(walk, walk.position.next):
            pass
        content = walk.view[: walk.position.offset]
        path = self.folder / archive_name(segment.header.number)
        compressor = zstandard.ZstdCompressor(level=ARCHIVE_LEVEL, write_checksum=True)
        self.disk.put(path, compressor.compress(content))
        if read_archive(path) != content:
            raise Damaged(f"{path} does not hold what was written to it")

    def _retire(self, segment: Kept) -> None:
        retired = segment.path.with_suffix(RETIRED_SUFFIX)
        self.disk.rename(segment.path, retired)  # first: from now on nobody can begin to read it
        if self.in_use(segment.header.number) or len(numbered(self.folder, RETIRED_SUFFIX)) > RETIRED_MAX:
            self.disk.remove(retired)
