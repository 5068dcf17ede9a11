"""The log on a disk: segments of zeros, written ahead of time and filled with checked, chained batches."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from openoutcry.node.journal import snapshots
from openoutcry.node.journal.batch import Encoded, Place, pack_records, seal
from openoutcry.node.journal.disk import PART_SUFFIX, Disk
from openoutcry.node.journal.errors import Damaged, InUse, NotAJournal, NotDurable, Stopped
from openoutcry.node.journal.folder import (
    SEGMENT_SUFFIX,
    SNAPSHOT_SUFFIX,
    TORN_SUFFIX,
    Kept,
    list_kept,
    numbered,
    require_folder,
    segment_name,
)
from openoutcry.node.journal.keeping import Keeper
from openoutcry.node.journal.layout import (
    BATCH_HEADER_BYTES,
    CHAIN_BYTES,
    JOURNAL_ID_BYTES,
    SEGMENT_HEADER_BYTES,
    RoleVersion,
    SegmentHeader,
    check_roles,
    encode_segment_header,
    first_chain,
    padding,
)
from openoutcry.node.journal.log import Batch, Snapshot
from openoutcry.node.journal.reading import batches
from openoutcry.node.journal.settings import Settings
from openoutcry.node.journal.shelf import Shelf
from openoutcry.node.journal.syncing import Syncer
from openoutcry.node.journal.walk import Position, Tear, Walk
from openoutcry.role import Record

HELPED_BYTES_MIN: Final = 32 * 1024
"""A group that is longer than this is synced by the helper while it is applied, in bytes: two frames of 256 commands
take as long to apply as the helper to wake. A shorter one is synced by whoever waits for it."""

MARK_BODY: Final = bytes(padding(CHAIN_BYTES))
"""Of a batch without records: it says what was durable when the log was closed."""


class FileLog:
    """A `Log` in a folder of its own, which it locks. Made by `FileLog.create` and `FileLog.open`.

    append and durable together take about 35 microseconds for a frame of 256 commands, and the disk's sync.
    """

    def __init__(self, folder: Path, kept: list[Kept], lock: int, settings: Settings, disk: Disk) -> None:
        """For `open`: a folder that is locked, with its segments."""
        self.folder = folder
        self.journal = kept[-1].header.journal
        self.settings = settings
        self._disk = disk
        self._lock = lock
        self._shelf = Shelf(folder, kept)
        self._notes: list[str] = []
        self._stopped: str | None = None
        self._closed = False
        self._keeper = Keeper(
            folder, settings.segment_bytes, settings.archives_max, disk, self._notes.append, self._shelf.is_in_use
        )

    @classmethod
    def create(
        cls,
        folder: Path,
        roles: Sequence[RoleVersion],
        settings: Settings | None = None,
        *,
        journal: bytes | None = None,
        disk: Disk | None = None,
    ) -> "FileLog":
        """Make an empty journal in a folder, which is made where it is missing, and open it.

        journal: its 16-byte id, random by default. Raises NotAJournal where the folder already holds one, OSError where
        it cannot be written.
        """
        settings, disk = settings or Settings(), disk or Disk()
        check_roles(roles)
        journal = os.urandom(JOURNAL_ID_BYTES) if journal is None else journal
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.sync_folder(folder.parent)
        lock = _lock(folder)
        try:
            if numbered(folder, SEGMENT_SUFFIX):
                raise NotAJournal(f"{folder} already holds a journal: open it, or name another folder")
            path = folder / segment_name(1)
            part = path.with_name(path.name + PART_SUFFIX)
            disk.fill(part, settings.segment_bytes, lambda: None)
            file = disk.open(part)
            try:
                header = SegmentHeader(
                    journal, 1, 1, first_chain(journal), settings.segment_bytes, tuple(sorted(roles))
                )
                disk.write(file, [encode_segment_header(header)], 0)
                disk.sync(file)
            finally:
                os.close(file)
            disk.rename(part, path)
        finally:
            os.close(lock)
        return cls.open(folder, roles, settings, disk=disk)

    @classmethod
    def open(
        cls,
        folder: Path,
        roles: Sequence[RoleVersion],
        settings: Settings | None = None,
        *,
        disk: Disk | None = None,
    ) -> "FileLog":
        """Open a journal to go on writing it. A write that was not finished is cut, and `notes` says so.

        roles: which ones will write, and their versions. Where they are not those of the last segment, a new one is
        begun, for which the newest snapshot has to hold everything.
        Raises NotAJournal, Damaged, or OSError; then nothing was changed.
        """
        require_folder(folder)
        check_roles(roles)
        lock = _lock(folder)
        try:
            log = cls(folder, list_kept(folder), lock, settings or Settings(), disk or Disk())
        except BaseException:
            os.close(lock)
            raise
        try:
            log._recover(tuple(sorted(roles)))
        except BaseException:
            log._let_go()
            raise
        return log

    @property
    def first(self) -> int:
        """Sequence of the first record that can still be read; last + 1 where there is none."""
        return self._shelf.first

    @property
    def last(self) -> int:
        """Sequence of the last record that was appended, 0 for none."""
        return self._position.next - 1

    @property
    def safe(self) -> int:
        """Up to here everything survives a crash."""
        return self._syncer.safe

    @property
    def notes(self) -> Sequence[str]:
        """What an operator should read."""
        return tuple(self._notes)

    @property
    def chain(self) -> bytes:
        """The hash that stands for everything that was appended so far."""
        return self._position.chain

    def append(self, records: Sequence[Record]) -> int:
        """Write the records of one group and return the sequence of the last one; see `Log`."""
        self._require_running()
        if not records:
            return self.last
        body = pack_records(records)
        size = BATCH_HEADER_BYTES + len(body) + CHAIN_BYTES
        room = self.settings.segment_bytes - SEGMENT_HEADER_BYTES
        if size > room:
            raise ValueError(f"a group of {size} bytes: a segment has room for {room}")
        if self._position.offset + size > self._shelf.newest.header.segment_bytes:
            self._begin_segment(self._shelf.newest.header.roles)
        self._write(seal(self._place(), len(records), body), len(records))
        self._syncer.ask(self._file, self.last, begin=size > HELPED_BYTES_MIN)
        return self.last

    def durable(self, sequence: int, wait_s: float | None = None) -> bool:
        """Wait until everything up to `sequence` is safe; see `Log`."""
        if sequence > self.last:
            raise ValueError(f"record {sequence} was not appended: the last one is {self.last}")
        if self._syncer.wait(sequence, wait_s):
            return True
        self._require_running()
        return False

    def read(self, first: int = 1) -> Iterator[Batch]:
        """Yield the records from `first` to `last`; see `Log`. 10 million commands a second in frames of 256."""
        return self._shelf.read(first, self.last)

    def save(self, sequence: int, write: Callable[[BinaryIO], None]) -> None:
        """Keep a snapshot; see `Log`. Blocks for as long as it takes to write it."""
        self._require_running()
        if not 0 <= sequence <= self.safe:
            raise ValueError(f"a snapshot of record {sequence}: only up to {self.safe} the records are safe")
        stamp = snapshots.Stamp(self.journal, sequence, self._shelf.newest.header.roles)
        try:
            snapshots.save(self.folder, stamp, write, self._disk)
        except OSError as error:
            raise NotDurable(f"{self.folder}: the snapshot of record {sequence} was not kept: {error}") from error

    def load(self) -> Snapshot | None:
        """Return the newest good snapshot; see `Log`."""
        snapshot, notes = snapshots.newest(self.folder, self.journal)
        self._notes += [note for note in notes if note not in self._notes]
        sequence = snapshot.sequence if snapshot else 0
        fault = ""
        if sequence > self.last:
            fault = f"its records end with {self.last}, but there is a snapshot of record {sequence}"
        elif sequence + 1 < self.first:
            fault = f"its records begin with {self.first}, and no good snapshot reaches so far"
        if fault:
            if snapshot:
                snapshot.content.close()
            raise Damaged(f"{self.folder}: {fault}; restore its files from a backup")
        return snapshot

    def truncate(self, first: int) -> None:
        """Archive or delete whole segments before record `first`, in the background; see `Log`."""
        self._require_running()
        kept = numbered(self.folder, SNAPSHOT_SUFFIX)
        if not kept:
            raise ValueError(f"{self.folder} has no snapshot yet: every record is still needed")
        if first > kept[0][0] + 1:
            raise ValueError(f"the snapshot of record {kept[0][0]} may still need the records before {first}")
        old = self._shelf.before(first)
        if old:
            self._keeper.drop(old, self._shelf.put_away)

    def retain(self) -> None:
        """Truncate what neither of two snapshots needs; nothing where there are fewer, or the last time still runs.

        For a node whose snapshots another process writes: to be called every now and then. Costs 20 microseconds where
        there is nothing to do. Raises Stopped as `append`.
        """
        kept = numbered(self.folder, SNAPSHOT_SUFFIX)
        if len(kept) >= snapshots.SNAPSHOTS_KEPT and not self._keeper.is_dropping:
            self.truncate(kept[0][0] + 1)

    def settle(self) -> None:
        """Wait until the next segment is ready and what was truncated is archived."""
        self._keeper.settle()

    def close(self) -> None:
        """Wait until all is safe, note that it is, and let go; see `Log`."""
        if self._closed:
            return
        try:
            self.durable(self.last)
            self._require_running()
            if self._position.offset + BATCH_HEADER_BYTES + CHAIN_BYTES + len(MARK_BODY) <= (
                self._shelf.newest.header.segment_bytes
            ):
                self._write(seal(self._place(), 0, MARK_BODY), 0)
                self._sync_or_stop(self._file)
        finally:
            self._syncer.close()
            os.close(self._file)
            self._let_go()

    def _recover(self, roles: tuple[RoleVersion, ...]) -> None:
        """Find the end of the journal, cut what was not finished, and get ready to write."""
        self._file = self._disk.open(self._shelf.newest.path)
        try:
            self._disk.sync(self._file)
            self._disk.forget(self._file)
            self._find_end(roles)
        except BaseException:
            os.close(self._file)
            raise
        for unfinished in self.folder.glob(f"*{PART_SUFFIX}"):
            self._disk.remove(unfinished)
        self._keeper.prepare()

    def _find_end(self, roles: tuple[RoleVersion, ...]) -> None:
        walk = self._shelf.walk(self._shelf.newest)
        for _ in batches(walk, walk.position.next):
            pass
        tear = walk.judge()
        self._position = walk.position
        snapshot = self.load()
        covered = snapshot.sequence if snapshot else 0
        if snapshot:
            snapshot.content.close()
        header = self._shelf.newest.header
        if roles != header.roles and covered != self.last:
            raise NotAJournal(
                f"{self.folder} was written by {_names(header.roles)}, not by {_names(roles)}: a new version starts "
                f"from a snapshot of record {self.last}, the newest is of {covered}; take one with the old version"
            )
        if tear:
            self._cut(tear, walk)
        self._syncer = Syncer(self._disk.sync, self.last)
        if roles != header.roles:
            try:
                self._begin_segment(roles)
            except BaseException:
                self._syncer.close()
                raise

    def _cut(self, tear: Tear, walk: Walk) -> None:
        """Put zeros where a write was not finished; what stood there goes into a file beside the journal."""
        beside = self._shelf.newest.path.with_suffix(f".{tear.offset}{TORN_SUFFIX}")
        self._disk.put(beside, walk.view[tear.offset : tear.end].tobytes())
        self._disk.write(self._file, [bytes(tear.end - tear.offset)], tear.offset)
        self._disk.sync(self._file)
        self._notes.append(f"{tear.message}; they are kept in {beside.name}")

    def _place(self) -> Place:
        at = self._position
        return Place(self.journal, self._shelf.newest.header.number, at.next, self._syncer.safe, at.chain)

    def _write(self, batch: Encoded, count: int) -> None:
        """Write a batch at the end and move the end; where that fails, leave no trace of it."""
        offset, following, _ = self._position
        why = f"{self._shelf.newest.path}: nothing of this group was kept"
        try:
            written = self._disk.write(self._file, batch[:3], offset)
        except OSError as error:  # an error is only returned where not a single byte was written
            raise NotDurable(f"{why}: {error}") from error
        if written != batch.size:
            self._undo(offset, written)
            raise NotDurable(f"{why}: only {written} of {batch.size} bytes were written")
        self._position = Position(offset + batch.size, following + count, batch.chain)

    def _undo(self, offset: int, size: int) -> None:
        """Put zeros where a part of a batch stands: the next one may be shorter."""
        try:
            if self._disk.write(self._file, [bytes(size)], offset) != size:
                raise OSError(errno.ENOSPC, "not all of the zeros were written")
        except OSError as error:
            raise self._stop(f"a part of a group cannot be taken back: {error}") from error

    def _begin_segment(self, roles: tuple[RoleVersion, ...]) -> None:
        """Go on in a new segment, which says what was before: so all of that is made safe first."""
        self.durable(self.last)
        size = self.settings.segment_bytes
        number = self._shelf.newest.header.number + 1
        header = SegmentHeader(self.journal, number, self._position.next, self._position.chain, size, roles)
        path = self.folder / segment_name(number)
        try:
            spare = self._keeper.take()
            file = self._disk.open(spare)
            try:
                self._write_header(file, header)
            except OSError:
                os.close(file)
                raise
        except OSError as error:  # the next try begins with a new file
            raise NotDurable(f"{self.folder}: no room for segment {path.name}: {error}") from error
        try:
            self._disk.sync(file)
            self._disk.rename(spare, path)
        except OSError as error:
            os.close(file)
            raise self._stop(f"segment {path.name} cannot be begun: {error}") from error
        os.close(self._file)
        self._file = file
        self._shelf.add(Kept(path, False, header))
        self._position = Position(SEGMENT_HEADER_BYTES, header.first, header.chain)
        self._keeper.prepare()

    def _write_header(self, file: int, header: SegmentHeader) -> None:
        if self._disk.write(file, [encode_segment_header(header)], 0) != SEGMENT_HEADER_BYTES:
            raise OSError(errno.ENOSPC, "its header was not written")

    def _sync_or_stop(self, file: int) -> None:
        try:
            self._disk.sync(file)
        except OSError as error:
            raise self._stop(f"the disk did not sync: {error}") from error

    def _require_running(self) -> None:
        """Raise Stopped after the first failure that leaves it unknown what the disk holds."""
        if self._syncer.error is not None:
            raise self._stop(f"the disk did not sync: {self._syncer.error}")
        if self._stopped is not None:
            raise Stopped(self._stopped)
        if self._closed:
            raise Stopped(f"{self.folder} is closed")

    def _stop(self, why: str) -> Stopped:
        if self._stopped is None:
            self._stopped = (
                f"{self.folder}: {why}; records after {self._syncer.safe} may be lost: see to the disk, then start the "
                "node anew"
            )
        return Stopped(self._stopped)

    def _let_go(self) -> None:
        self._closed = True
        self._keeper.close()
        os.close(self._lock)


def _names(roles: Sequence[RoleVersion]) -> str:
    return ", ".join(f"{role.name} {role.version}" for role in roles) or "no role"


def _lock(folder: Path) -> int:
    """Lock a folder until the descriptor is closed, also by the end of the process."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise InUse(f"{folder} is in use by another process: stop that one first") from error
    return lock
