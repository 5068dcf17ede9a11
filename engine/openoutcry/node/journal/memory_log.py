"""The log for simulation: no file, no thread, no clock; it crashes where and how it is told to, and does so again.

Batches are the same bytes as on a disk and are judged by the same rules, so a torn tail or a flipped bit has the same
outcome. What survives a crash is in `MemoryDisk`; a `MemoryLog` is one run of the node on it.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO, Final

from openoutcry.node.journal.batch import Place, pack_records, seal
from openoutcry.node.journal.errors import Damaged, JournalError, NotDurable, Stopped
from openoutcry.node.journal.layout import ALIGN, BATCH_HEADER_BYTES, CHAIN_BYTES, RoleVersion, first_chain
from openoutcry.node.journal.log import Batch, Snapshot
from openoutcry.node.journal.reading import batches
from openoutcry.node.journal.snapshots import SNAPSHOTS_KEPT
from openoutcry.node.journal.walk import Position, Walk
from openoutcry.role import Record

NAME: Final = "journal in memory"
SEGMENT: Final = 1
DIGEST_BYTES: Final = 32
CLOSED: Final = f"{NAME} is closed"


class CrashPoint(Enum):
    """Where a node can be stopped, as far as a log sees it; "while sending" is the runner's."""

    BEFORE_APPEND = "before append"
    BEFORE_SYNC = "after append, before sync"
    AFTER_SYNC = "after sync, before send"


class Crashed(Exception):
    """The node ended here. No JournalError: nothing in a node may catch it."""


@dataclass(slots=True)
class MemoryDisk:
    """What a crash leaves, and the faults that are to happen.

    full: an append finds no room. sync_fails: a sync fails. held: a sync does not end. crash_at: the next call that
    comes there ends the node, once. All can be set at any time.
    """

    journal: bytes
    full: bool = False
    sync_fails: bool = False
    held: bool = False
    crash_at: CrashPoint | None = None
    written: bytearray = field(default_factory=bytearray)
    synced: int = 0
    begin: Position = field(init=False)
    snapshots: dict[int, bytearray] = field(default_factory=dict)
    roles: dict[int, tuple[RoleVersion, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin empty."""
        self.begin = Position(0, 1, first_chain(self.journal))

    def crash(self, kept: int = 0) -> None:
        """Lose what was not synced, but for its first `kept` bytes (of words of 8): the tail that a crash tears."""
        keep = min(len(self.written), self.synced + kept - kept % 8)
        self.written[keep:] = bytes(len(self.written) - keep)

    def lose(self, offset: int, size: int) -> None:
        """Lose a part of what was not synced, as when a disk writes sectors in another order than they came."""
        if offset < self.synced:
            raise ValueError(f"offset {offset} was synced, up to {self.synced}")
        end = min(offset + size, len(self.written))
        self.written[offset:end] = bytes(max(0, end - offset))

    def flip(self, bit: int) -> None:
        """Flip one bit of what was written."""
        self.written[bit // 8] ^= 1 << bit % 8

    def reach(self, point: CrashPoint) -> None:
        """Raise Crashed where that is the point to crash at."""
        if self.crash_at is point:
            self.crash_at = None
            raise Crashed(point.value)


class MemoryLog:
    """A `Log` on a `MemoryDisk`. Making one is what opening a journal is: it recovers, and raises Damaged."""

    def __init__(self, disk: MemoryDisk, roles: Sequence[RoleVersion] = ()) -> None:
        """Open what is on the disk; roles are those that write from now on."""
        self.disk = disk
        self._roles = tuple(sorted(roles))
        self._notes: list[str] = []
        self._stopped: str | None = None
        walk = self._walk()
        for _ in batches(walk, walk.position.next):
            pass
        tear = walk.judge()
        self._position = walk.position
        if snapshot := self.load():
            snapshot.content.close()
        del disk.written[self._position.offset :]
        if tear:
            self._notes.append(tear.message)
        disk.synced = self._position.offset
        self._safe = self.last

    @property
    def first(self) -> int:
        """Sequence of the first record that can still be read; last + 1 where there is none."""
        return self.disk.begin.next

    @property
    def last(self) -> int:
        """Sequence of the last record that was appended, 0 for none."""
        return self._position.next - 1

    @property
    def safe(self) -> int:
        """Up to here everything survives a crash."""
        return self._safe

    @property
    def notes(self) -> Sequence[str]:
        """What an operator should read."""
        return tuple(self._notes)

    def append(self, records: Sequence[Record]) -> int:
        """Write the records of one group; see `Log`."""
        self._require_running()
        self.disk.reach(CrashPoint.BEFORE_APPEND)
        if not records:
            return self.last
        body = pack_records(records)
        if self.disk.full:
            raise NotDurable(f"{NAME}: nothing of this group was kept: no room")
        offset, following, chain = self._position
        batch = seal(Place(self.disk.journal, SEGMENT, following, self._safe, chain), len(records), body)
        self.disk.written += batch.header + batch.body + batch.chain
        self._position = Position(offset + batch.size, following + len(records), batch.chain)
        self.disk.reach(CrashPoint.BEFORE_SYNC)
        return self.last

    def durable(self, sequence: int, wait_s: float | None = None) -> bool:
        """Sync, which takes no time unless the disk holds it; see `Log`. Raises Stopped where a wait would not end.

        With `wait_s` 0 it only looks, as `Log` says: a disk that has not been waited for has promised nothing.
        """
        if sequence > self.last:
            raise ValueError(f"record {sequence} was not appended: the last one is {self.last}")
        if sequence <= self._safe:
            return True
        self._require_running()
        if wait_s == 0:
            return False
        if self.disk.sync_fails:
            raise self._stop("the disk did not sync")
        if self.disk.held:
            if wait_s is None:
                raise self._stop("the disk is held, and nothing will release it while this waits")
            return False
        self.disk.synced = len(self.disk.written)
        self._safe = self.last
        self.disk.reach(CrashPoint.AFTER_SYNC)
        return True

    def read(self, first: int = 1) -> Iterator[Batch]:
        """Yield the records from `first` to `last`; see `Log`."""
        if first < self.first:
            raise JournalError(f"{NAME}: record {first} is no longer there, the first one is {self.first}")
        return self._read(first, self.last) if first <= self.last else iter(())

    def save(self, sequence: int, write: Callable[[BinaryIO], None]) -> None:
        """Keep a snapshot; see `Log`."""
        self._require_running()
        if not 0 <= sequence <= self._safe:
            raise ValueError(f"a snapshot of record {sequence}: only up to {self._safe} the records are safe")
        if self.disk.full:
            raise NotDurable(f"{NAME}: the snapshot of record {sequence} was not kept: no room")
        content = io.BytesIO()
        write(content)
        kept = self.disk.snapshots
        kept[sequence] = bytearray(_digest(content.getvalue()) + content.getvalue())
        self.disk.roles[sequence] = self._roles
        for old in sorted(kept)[:-SNAPSHOTS_KEPT]:
            del kept[old], self.disk.roles[old]

    def load(self) -> Snapshot | None:
        """Return the newest good snapshot; see `Log`."""
        for sequence, content in sorted(self.disk.snapshots.items(), reverse=True):
            state = bytes(content[DIGEST_BYTES:])
            if content[:DIGEST_BYTES] != _digest(state):
                note = f"{NAME}: the snapshot of record {sequence} is damaged: passed over for an older one"
                self._notes += [] if note in self._notes else [note]
                continue
            if sequence > self.last:
                raise Damaged(f"{NAME}: its records end with {self.last}, but there is a snapshot of record {sequence}")
            return Snapshot(sequence, self.disk.roles[sequence], io.BytesIO(state))
        if self.first > 1:
            raise Damaged(f"{NAME}: its records begin with {self.first}, and no good snapshot reaches so far")
        return None

    def truncate(self, first: int) -> None:
        """Forget whole batches before record `first`, at once; see `Log`."""
        self._require_running()
        kept = sorted(self.disk.snapshots)
        if not kept:
            raise ValueError(f"{NAME} has no snapshot yet: every record is still needed")
        if first > kept[0] + 1:
            raise ValueError(f"the snapshot of record {kept[0]} may still need the records before {first}")
        walk = self._walk()
        begin = walk.position
        while walk.position.next <= first and walk.position.offset <= self.disk.synced:
            begin = walk.position
            if walk.step() is None:
                break
        del self.disk.written[: begin.offset]
        self.disk.synced -= begin.offset
        self.disk.begin = begin._replace(offset=0)
        self._position = self._position._replace(offset=self._position.offset - begin.offset)

    def close(self) -> None:
        """Sync and let go; see `Log`."""
        if self._stopped == CLOSED:
            return
        self.durable(self.last)
        self._require_running()
        self._stopped = CLOSED

    def _read(self, first: int, last: int) -> Iterator[Batch]:
        walk = self._walk()
        while walk.position.next <= last:
            found = next(batches(walk, first), None)
            if found is None:
                raise Damaged(f"{NAME}: records from {walk.position.next} to {last} were written and are gone")
            yield found

    def _walk(self) -> Walk:
        """Return a walk over a copy of what is written, with zeros behind it as in a segment."""
        written = bytes(self.disk.written)
        data = written + bytes(-len(written) % ALIGN + BATCH_HEADER_BYTES + CHAIN_BYTES)
        return Walk(data, NAME, self.disk.journal, SEGMENT, self.disk.begin)

    def _require_running(self) -> None:
        if self._stopped is not None:
            raise Stopped(self._stopped)

    def _stop(self, why: str) -> Stopped:
        self._stopped = f"{NAME}: {why}; records after {self._safe} may be lost"
        return Stopped(self._stopped)


def _digest(state: bytes) -> bytes:
    return hashlib.sha256(state).digest()
