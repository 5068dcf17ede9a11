"""The log for simulation ends where it is told to, and the same run gives the same bytes."""

import pytest

from openoutcry.node.journal import Crashed, CrashPoint, JournalError, MemoryDisk, MemoryLog, Stopped
from tests.journals import JOURNAL, ROLES, contents, records


@pytest.mark.parametrize(
    ("point", "written", "acknowledged"),
    [(CrashPoint.BEFORE_APPEND, 3, 3), (CrashPoint.BEFORE_SYNC, 6, 3), (CrashPoint.AFTER_SYNC, 6, 6)],
)
def test_a_node_ends_at_each_crash_point(point: CrashPoint, written: int, acknowledged: int) -> None:
    """What is on the disk then, and what is left of it when everything that was not synced is lost."""
    disk = MemoryDisk(JOURNAL)
    log = MemoryLog(disk, ROLES)
    log.durable(log.append(records(1, 3)))
    disk.crash_at = point
    with pytest.raises(Crashed, match=point.value):
        log.durable(log.append(records(4, 3)))
    assert not issubclass(Crashed, JournalError)
    whole = MemoryDisk(JOURNAL, written=bytearray(disk.written), synced=disk.synced)
    assert contents(MemoryLog(whole, ROLES)) == records(1, written)
    disk.crash()
    assert contents(MemoryLog(disk, ROLES)) == records(1, acknowledged)


def test_the_same_run_gives_the_same_bytes() -> None:
    """Two disks after the same appends, crashes and snapshots."""
    disks = []
    for _ in range(2):
        disk = MemoryDisk(JOURNAL)
        for kept in (0, 100, 64, 1 << 20):
            log = MemoryLog(disk, ROLES)
            log.durable(log.append(records(log.last + 1, 3)))
            log.save(log.last, lambda out: out.writelines([b"state"]))
            log.append(records(log.last + 1, 2))
            disk.crash(kept)
        disks.append(disk)
    assert disks[0] == disks[1]


def test_waiting_for_a_held_disk_would_not_end_and_is_refused() -> None:
    """Time only goes on outside of the log, so a wait without end is a fault of the caller."""
    disk = MemoryDisk(JOURNAL, held=True)
    log = MemoryLog(disk, ROLES)
    log.append(records(1, 1))
    assert not log.durable(1, 5)
    with pytest.raises(Stopped, match="the disk is held, and nothing will release it while this waits"):
        log.durable(1)


def test_what_was_synced_cannot_be_lost() -> None:
    """Only a tail that is not durable may lose sectors."""
    disk = MemoryDisk(JOURNAL)
    log = MemoryLog(disk, ROLES)
    log.durable(log.append(records(1, 3)))
    with pytest.raises(ValueError, match="offset 64 was synced, up to 512"):
        disk.lose(64, 8)
    log.append(records(4, 3, size=2000))
    disk.lose(1024, 512)
    log = MemoryLog(disk, ROLES)
    assert (log.last, ["a sector within a batch was not written" in note for note in log.notes]) == (3, [True])
