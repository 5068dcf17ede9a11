"""A `Log` in a process that does not write it: reads what is durable as it comes, and keeps snapshots beside it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from openoutcry.node.journal import snapshots
from openoutcry.node.journal.disk import Disk
from openoutcry.node.journal.errors import Damaged, NotAJournal, NotDurable, Stopped
from openoutcry.node.journal.folder import snapshot_name
from openoutcry.node.journal.follow import Follower
from openoutcry.node.journal.layout import RoleVersion, check_roles
from openoutcry.node.journal.log import Batch, Snapshot
from openoutcry.node.journal.source import newest_header
from openoutcry.role import Record


class FollowedLog:
    """Follows the journal in a folder; nothing is locked and nothing changed, but for the snapshots that are kept.

    roles: that understand its records, and their versions; records of others are not handed out. The first `read` says
    where to begin, every further one goes on from there. Used by one thread.
    """

    def __init__(self, folder: Path, roles: Sequence[RoleVersion], *, disk: Disk | None = None) -> None:
        """Look at the journal. Raises NotAJournal, Damaged."""
        check_roles(roles)
        self.folder = folder
        self.roles = tuple(sorted(roles))
        self.journal = newest_header(folder).journal
        self._disk = disk or Disk()
        self._notes: list[str] = []
        self._follower: Follower | None = None

    @property
    def first(self) -> int:
        """Sequence of the record that comes next."""
        return self.last + 1

    @property
    def last(self) -> int:
        """Sequence of the last record that was read, 0 before there was one."""
        return self._follower.next - 1 if self._follower else 0

    @property
    def safe(self) -> int:
        """The same as `last`: only what is durable is read."""
        return self.last

    @property
    def notes(self) -> Sequence[str]:
        """What an operator should read."""
        return tuple(self._notes)

    @property
    def chain(self) -> bytes:
        """The hash that stands for everything that was read."""
        return self._follower.chain if self._follower else b""

    def append(self, records: Sequence[Record]) -> int:
        """Never: raises Stopped."""
        raise Stopped(f"{self.folder} is written by another process")

    def durable(self, sequence: int, wait_s: float | None = None) -> bool:
        """Tell that what was read is durable. Raises ValueError for what was not."""
        if sequence > self.last:
            raise ValueError(f"record {sequence} was not read: the last one is {self.last}")
        return True

    def read(self, first: int = 1) -> Iterator[Batch]:
        """Yield what has become durable since the last time, then end.

        Raises Damaged; NotAJournal where other roles, or other versions of them, have written.
        """
        if self._follower is None:
            self._follower = Follower(self.folder, first)
        elif first != self._follower.next:
            raise ValueError(f"record {first} was asked for where {self._follower.next} comes next")
        return self._read(self._follower)

    def save(self, sequence: int, write: Callable[[BinaryIO], None]) -> None:
        """Keep a snapshot of what was read, and read it back: the records before it will be given up for it.

        Raises ValueError for another sequence than `last`, NotDurable where it could not be kept.
        """
        if sequence != self.last:
            raise ValueError(f"a snapshot of record {sequence}: the records were read up to {self.last}")
        path = self.folder / snapshot_name(sequence)
        try:
            snapshots.save(self.folder, snapshots.Stamp(self.journal, sequence, self.roles), write, self._disk)
            snapshots.open_snapshot(path, self.journal).content.close()
        except OSError as error:
            raise NotDurable(f"{self.folder}: the snapshot of record {sequence} was not kept: {error}") from error
        except Damaged as damage:
            self._disk.remove(path)
            raise NotDurable(f"{path} {damage}: it was written and is not what is read; see to the disk") from damage

    def load(self) -> Snapshot | None:
        """Return the newest good snapshot, None where there is none."""
        snapshot, notes = snapshots.newest(self.folder, self.journal)
        self._notes += [note for note in notes if note not in self._notes]
        return snapshot

    def truncate(self, first: int) -> None:
        """Never: the process that writes does that (`FileLog.retain`). Raises Stopped."""
        raise Stopped(f"{self.folder} is written by another process")

    def close(self) -> None:
        """Let go of the files."""
        if self._follower is not None:
            self._follower.close()

    def _read(self, follower: Follower) -> Iterator[Batch]:
        for batch in follower.poll():
            if follower.roles != self.roles:
                raise NotAJournal(
                    f"{self.folder}: from record {batch.first} on it is written by {_names(follower.roles)}, and this "
                    f"is {_names(self.roles)}: use the version that the node runs"
                )
            yield batch


def _names(roles: Sequence[RoleVersion]) -> str:
    return ", ".join(f"{role.name} {role.version}" for role in roles) or "no role"
