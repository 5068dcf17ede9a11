"""A process that appends numbered records and acknowledges over a pipe what is durable, until something kills it.

`python -m tests.journal_writer FOLDER SEED POINT AFTER`: opens the journal, says which number it goes on with, then
appends groups of random size and writes "number\n" for each group once it is durable. At the crash point, the AFTER-th
time that it is reached, the process sends SIGKILL to itself; point "none" leaves that to others.
"""

import os
import signal
import sys
from enum import Enum
from functools import partial
from pathlib import Path
from random import Random
from typing import BinaryIO, Final

from openoutcry.node.journal import Disk, FileLog, RoleVersion, Settings
from openoutcry.role import NOBODY, Record

ROLES: Final = (RoleVersion(1, "writer", 1),)
SETTINGS: Final = Settings(segment_bytes=256 << 10)
SNAPSHOT_GROUPS: Final = 25
OUT: Final = 1


class Point(Enum):
    """Where the writer can end."""

    NONE = "none"
    BEFORE_APPEND = "before append"
    BEFORE_SYNC = "after append, before sync"
    BEFORE_ACKNOWLEDGE = "after sync, before acknowledge"
    ACKNOWLEDGING = "mid-acknowledge"


class Killer:
    """Ends the process when a point has been reached often enough."""

    def __init__(self, point: Point, after: int) -> None:
        self.point = point
        self.left = after

    def reach(self, point: Point) -> bool:
        """Tell whether this is the moment; the caller may do half of something before `kill`."""
        self.left -= point is self.point
        return point is self.point and self.left <= 0

    def kill(self) -> None:
        """End now, as the system ends a process: nothing is flushed, closed or said."""
        os.kill(os.getpid(), signal.SIGKILL)


class KillingDisk(Disk):
    """A disk before whose sync the process may end."""

    def __init__(self, killer: Killer) -> None:
        self.killer = killer

    def sync(self, file: int) -> None:
        if self.killer.reach(Point.BEFORE_SYNC):
            self.killer.kill()
        super().sync(file)


def record(number: int, size: int) -> Record:
    """Return a record that holds its number at both ends."""
    mark = number.to_bytes(8, "little")
    return Record(1, 7, number, NOBODY, mark + bytes([number % 255 + 1]) * size + mark)


def number_of(raw: bytes | memoryview) -> int:
    """Return the number of a record; raises ValueError where its two ends differ."""
    if raw[:8] != raw[-8:]:
        raise ValueError(f"{bytes(raw[:8])!r} is not {bytes(raw[-8:])!r}")
    return int.from_bytes(raw[:8], "little")


def main(folder: Path, seed: int, point: Point, after: int) -> None:
    """Write until killed. Sequences and numbers are the same, so the journal itself says where to go on."""
    random = Random(seed)
    killer = Killer(Point.NONE, 0)
    log = FileLog.open(folder, ROLES, SETTINGS, disk=KillingDisk(killer))
    os.write(OUT, b"from %d\n" % (log.last + 1))
    killer.point, killer.left = point, after
    group = 0
    waiting: list[int] = []
    while True:
        group += 1
        if killer.reach(Point.BEFORE_APPEND):
            killer.kill()
        size = random.choice((16, 64, 600, 16_384))
        first = log.last + 1
        waiting.append(log.append([record(number, size) for number in range(first, first + random.randint(1, 4))]))
        if random.random() < 0.5:
            continue
        for sequence in waiting:
            log.durable(sequence)
            if killer.reach(Point.BEFORE_ACKNOWLEDGE):
                killer.kill()
            line = b"%d\n" % sequence
            if killer.reach(Point.ACKNOWLEDGING):
                os.write(OUT, line[: len(line) // 2])
                killer.kill()
            os.write(OUT, line)
        waiting.clear()
        if group % SNAPSHOT_GROUPS == 0:
            number = log.safe
            log.save(number, partial(write_number, number))
            if (older := min(path_number(path) for path in folder.glob("*.snapshot"))) < number:
                log.truncate(older + 1)


def write_number(number: int, out: BinaryIO) -> None:
    """Write what a snapshot holds here."""
    out.write(b"%d" % number)


def path_number(path: Path) -> int:
    """Return the number in a file's name."""
    return int(path.name.partition(".")[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Point(sys.argv[3]), int(sys.argv[4]))
