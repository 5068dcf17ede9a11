"""The journal on a disk: its files, who may open them, and what each kind of wrong file says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from openoutcry.node.journal import (
    Damaged,
    Disk,
    FileLog,
    JournalError,
    NotAJournal,
    NotDurable,
    RoleVersion,
    Settings,
    Stopped,
    verify,
)
from tests.journals import (
    FIRST,
    JOURNAL,
    ROLES,
    SECOND,
    SMALL,
    THIRD,
    FaultyDisk,
    FileBench,
    contents,
    fill,
    flip_bit,
    names,
    record,
    records,
    reopened,
    write_state,
    written,
)


def test_a_journal_goes_through_segments(tmp_path: Path) -> None:
    """Records are read across them before and after reopening; each has the length it should and is private."""
    folder = written(tmp_path / "journal")
    assert names(folder, "*.journal") == [FIRST, SECOND, THIRD, "000000000004.journal"]
    assert {(path.stat().st_size, path.stat().st_mode & 0o777) for path in folder.glob("*.journal")} == {(65536, 0o600)}
    assert folder.stat().st_mode & 0o777 == 0o700
    log = reopened(folder)
    assert contents(log) == records(1, 200, 1000)
    for first in range(1, 201, 17):
        assert contents(log, first) == records(first, 201 - first, 1000)
    log.close()
    found = verify(folder)
    assert (found.first, found.last, found.segments, found.notes) == (1, 200, 4, ())


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    """Two journals of one id; the hash that stands for all of it is the same, and another one with one byte changed."""
    one, other = written(tmp_path / "one", 70), written(tmp_path / "other", 70)
    assert [(one / name).read_bytes() == (other / name).read_bytes() for name in (FIRST, SECOND)] == [True, True]
    assert verify(one).chain == verify(other).chain
    different = FileLog.create(tmp_path / "different", ROLES, SMALL, journal=JOURNAL)
    different.append([record(1)._replace(tag=0)])
    same = FileLog.create(tmp_path / "same", ROLES, SMALL, journal=JOURNAL)
    same.append([record(1)])
    assert same.chain != different.chain
    same.close()
    different.close()


def empty(folder: Path) -> None:
    """Make the newest segment empty."""
    (folder / SECOND).write_bytes(b"")


def replaced(folder: Path) -> None:
    """Put another file in its place."""
    (folder / SECOND).write_bytes(b"%PDF-1.7\n" + bytes(65527))


def cut(folder: Path) -> None:
    """Lose the zeros at the end, as some ways of copying do."""
    os.truncate(folder / SECOND, 40_000)


def cut_in_header(folder: Path) -> None:
    """Lose all but a part of the header."""
    os.truncate(folder / SECOND, 1000)


def newer(folder: Path) -> None:
    """Write the version of a later format, with its checksum."""
    from crc32c import crc32c

    content = bytearray((folder / SECOND).read_bytes())
    content[8] = 2
    content[4092:4096] = crc32c(bytes(content[:4092])).to_bytes(4, "little")
    (folder / SECOND).write_bytes(content)


def renamed(folder: Path) -> None:
    """Swap two segments."""
    (folder / FIRST).rename(folder / "x")
    (folder / SECOND).rename(folder / FIRST)
    (folder / "x").rename(folder / SECOND)


def lost(folder: Path) -> None:
    """Remove one between two others."""
    written_more = reopened(folder)
    fill(written_more, 60)
    written_more.close()
    (folder / SECOND).unlink()


def foreign(folder: Path) -> None:
    """Put a segment of another journal in."""
    other = FileLog.create(folder.parent / "other", ROLES, SMALL, journal=bytes(16), disk=FaultyDisk())
    fill(other, 100)
    other.close()
    shutil.copy(folder.parent / "other" / SECOND, folder / SECOND)


def emptied(folder: Path) -> None:
    """Remove every segment."""
    for path in folder.glob("*"):
        path.unlink()


def gone(folder: Path) -> None:
    """Remove the folder."""
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("damage", "kind", "says"),
    [
        (gone, NotAJournal, r"journal is not there, or no folder: name the folder of a journal, or create one"),
        (emptied, NotAJournal, r"journal holds no journal: it has no file \*\.journal; create one, or restore it"),
        (empty, NotAJournal, r"2\.journal is empty: a segment of a journal never is; restore this file from a backup"),
        (replaced, NotAJournal, r"2\.journal is no segment of a journal: it begins with b'%PDF-1.7'; move it away"),
        (cut, Damaged, r"2\.journal has 40000 bytes, its header says 65536: .* restore this file from a backup"),
        (cut_in_header, Damaged, r"2\.journal: it ends at offset 1000, within its header; restore this file"),
        (newer, NotAJournal, r"2\.journal is written in format 2; this release reads format 1"),
        (renamed, Damaged, r"1\.journal is segment 2 by its header: name it 000000000002\.journal"),
        (lost, Damaged, r"journal: 000000000002\.journal is missing; restore it from a backup"),
        (foreign, NotAJournal, r"2\.journal belongs to another journal than 000000000001\.journal; move one of them"),
    ],
)
def test_a_wrong_file_is_one_line_that_says_what_to_do(
    tmp_path: Path, damage: Callable[[Path], None], kind: type[JournalError], says: str
) -> None:
    """Each kind of wrong file; opening and verifying say the same, and change nothing."""
    folder = written(tmp_path / "journal", 70)
    damage(folder)
    before = {path: path.read_bytes() for path in folder.glob("*")}
    for call in (lambda: reopened(folder), lambda: verify(folder)):
        with pytest.raises(kind, match=says) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in folder.glob("*")} == before


def test_a_flipped_bit_in_the_page_of_a_header_is_damage(tmp_path: Path) -> None:
    """In the magic, the version, each field, the names of the roles, the unused rest, the checksum."""
    folder = written(tmp_path / "journal", 5)
    for byte in (*range(120), *range(120, 4096, 97), 4092, 4095):
        flip_bit(folder / FIRST, byte * 8 + byte % 8)
        with pytest.raises(Damaged, match=r"1\.journal: the checksum of its header \(offset 0\) is wrong; restore"):
            reopened(folder)
        flip_bit(folder / FIRST, byte * 8 + byte % 8)
    reopened(folder).close()


def test_damage_in_an_older_segment_is_found_when_it_is_read(tmp_path: Path) -> None:
    """Opening looks only at the newest one; reading names file and offset, and gives nothing from behind the damage."""
    folder = written(tmp_path / "journal")
    flip_bit(folder / SECOND, 30_000 * 8)
    log = reopened(folder)
    good = 0
    with pytest.raises(Damaged, match=r"2\.journal: at offset \d+ stands no good batch, and .*3\.journal begins with"):
        for batch in log.read():
            good += len(batch.records)
    assert 60 < good < 120
    assert contents(log, 120) == records(120, 81, 1000)
    log.close()
    with pytest.raises(Damaged, match="restore this file from a backup"):
        verify(folder)


def test_what_is_overwritten_while_the_log_is_open_is_found(tmp_path: Path) -> None:
    """A batch of the newest segment that has become zeros under the writer's hands."""
    folder = tmp_path / "journal"
    log = FileLog.create(folder, ROLES, SMALL, disk=FaultyDisk())
    fill(log, 20)
    with (folder / FIRST).open("r+b") as file:
        file.seek(4096)
        file.write(bytes(20_000))
    with pytest.raises(Damaged, match=r"1\.journal.*records up to 20 were written; restore this file"):
        contents(log)
    log.close()


def test_a_journal_belongs_to_one_process(tmp_path: Path) -> None:
    """A second opening is refused while the first one lasts; verifying only reads."""
    folder = written(tmp_path / "journal", 5)
    log = reopened(folder)
    with pytest.raises(NotAJournal, match="journal is in use by another process: stop that one first"):
        reopened(folder)
    with pytest.raises(NotAJournal, match="in use"):
        FileLog.create(folder, ROLES, SMALL)
    log.close()
    with pytest.raises(NotAJournal, match="already holds a journal: open it, or name another folder"):
        FileLog.create(folder, ROLES, SMALL)
    reopened(folder).close()


def test_another_version_of_a_role_needs_a_snapshot_of_everything(tmp_path: Path) -> None:
    """Refused with what to do; after a snapshot of the last record it begins a segment of its own."""
    folder = written(tmp_path / "journal", 20)
    raised = (RoleVersion(1, "counter", 2), ROLES[1])
    says = r"written by counter 1, echo 3, not by counter 2, echo 3: .* snapshot of record 20, the newest is of 0; take"
    with pytest.raises(NotAJournal, match=says):
        reopened(folder, roles=raised)
    log = reopened(folder)
    log.save(20, write_state)
    log.close()
    log = reopened(folder, roles=raised)
    assert names(folder, "*.journal") == [FIRST, SECOND]
    fill(log, 20)
    assert contents(log) == records(1, 40, 1000)
    log.close()
    with pytest.raises(NotAJournal, match="written by counter 2, echo 3, not by counter 1, echo 3"):
        reopened(folder)


@pytest.mark.parametrize(
    ("roles", "says"),
    [
        ((RoleVersion(1, "a", 1), RoleVersion(1, "b", 1)), "same number"),
        ((RoleVersion(1, "", 1),), "1 to 32 bytes"),
        ((RoleVersion(1, "x" * 33, 1),), "1 to 32 bytes"),
        ((RoleVersion(1, "a", 0),), "out of range"),
        ((RoleVersion(70_000, "a", 1),), "out of range"),
        (tuple(RoleVersion(number, "a", 1) for number in range(65)), "at most 64"),
    ],
)
def test_roles_that_do_not_go_into_a_header_are_refused(
    tmp_path: Path, roles: tuple[RoleVersion, ...], says: str
) -> None:
    """Before anything is made."""
    with pytest.raises(ValueError, match=says):
        FileLog.create(tmp_path / "journal", roles, SMALL)
    assert not (tmp_path / "journal").exists()


def test_as_many_roles_as_there_may_be_go_into_a_header(tmp_path: Path) -> None:
    """64 roles with names of 32 bytes."""
    roles = tuple(RoleVersion(number, "x" * 32, 2**32 - 1) for number in range(64))
    FileLog.create(tmp_path / "journal", roles, SMALL).close()
    reopened(tmp_path / "journal", roles=roles).close()


@pytest.mark.parametrize("settings", [(1 << 16) - 1, (1 << 16) + 1, (1 << 30) + 4096, 0])
def test_impossible_sizes_of_a_segment_are_refused(settings: int) -> None:
    """Too small, not in pages, too large."""
    with pytest.raises(ValueError, match=f"segment_bytes is {settings}: it goes from 65536 to 1073741824 in steps of"):
        Settings(segment_bytes=settings)
    with pytest.raises(ValueError, match="archives_max is -1"):
        Settings(archives_max=-1)


def test_a_group_that_does_not_fit_a_segment_is_refused(tmp_path: Path) -> None:
    """The largest that fits is kept."""
    log = FileLog.create(tmp_path / "journal", ROLES, SMALL, disk=FaultyDisk())
    room = 65_536 - 4096 - 64 - 64 - 64
    with pytest.raises(ValueError, match="a group of 61504 bytes: a segment has room for 61440"):
        log.append([record(1, room + 1)])
    log.append([record(1, room)])
    log.append([record(2, room)])
    assert contents(log) == [record(1, room), record(2, room)]
    log.close()


class ShortDisk(FaultyDisk):
    """A disk that writes only a part, and may not be able to take it back."""

    part: int | None = None
    calls_left = 1_000

    def write(self, file: int, parts: Sequence[bytes], offset: int) -> int:
        joined = b"".join(parts)
        self.calls_left -= 1
        if self.calls_left < 0:
            raise OSError(5, "input/output error")
        return super().write(file, [joined[: self.part]], offset)


def test_a_part_of_a_group_is_taken_back(tmp_path: Path) -> None:
    """A long group of which a part was written, then a short one in its place: after a crash only that is there."""
    disk = ShortDisk()
    log = FileLog.create(tmp_path / "journal", ROLES, SMALL, disk=disk)
    disk.part = 3000
    with pytest.raises(NotDurable, match="nothing of this group was kept: only 3000 of 5568 bytes were written"):
        log.append(records(1, 5, 1000))
    disk.part = None
    log.durable(log.append([record(1)]))
    disk.crashed = True
    with pytest.raises(JournalError):
        log.close()
    log = reopened(tmp_path / "journal")
    assert (contents(log), list(log.notes)) == ([record(1)], [])
    log.close()


def test_a_part_that_cannot_be_taken_back_stops_the_log(tmp_path: Path) -> None:
    """It is a tear when the journal is opened again, and what was cut lies beside it."""
    disk = ShortDisk()
    folder = tmp_path / "journal"
    log = FileLog.create(folder, ROLES, SMALL, disk=disk)
    fill(log, 5)
    disk.part, disk.calls_left = 3000, 1
    for _ in range(2):
        with pytest.raises(Stopped, match=r"a part of a group cannot be taken back: .*input/output error"):
            log.append(records(6, 5, 1000))
    with pytest.raises(Stopped):
        log.close()
    log = reopened(folder)
    assert contents(log) == records(1, 5, 1000)
    (note,) = log.notes
    (torn,) = folder.glob("*.torn")
    assert note.endswith(f"bytes that nobody was promised; they are kept in {torn.name}")
    assert torn.read_bytes().startswith(b"OCBATCH1")
    log.close()


def test_a_disk_that_is_full_when_a_segment_ends_is_asked_again(tmp_path: Path) -> None:
    """No room for the next segment: the group is refused and the log goes on when there is room."""
    bench = FileBench(tmp_path / "journal")
    log = bench.open()
    log.settle()
    fill(log, 55)
    fill(log, 55)  # now in the second segment; the third one is not ready
    bench.fill(True)
    refused = 0
    while refused < 3:
        try:
            log.durable(log.append(records(log.last + 1, 5, 1000)))
        except NotDurable as error:
            assert "no space left on device" in str(error)
            refused += 1
        if log.last > 200:
            break
    bench.fill(False)
    fill(log, 60)
    count = log.last
    log.close()
    log = bench.open()
    assert (refused, contents(log)) == (3, records(1, count, 1000))
    log.close()


def test_a_limit_of_the_system_is_a_full_disk(tmp_path: Path) -> None:
    """A process that may not write beyond 100 kB: the second segment of 64 KiB fits, one of 128 KiB does not."""
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from openoutcry.node.journal import FileLog, NotDurable, Settings\n"
        "from openoutcry.role import NOBODY, Record\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "log = FileLog.create(Path(sys.argv[1]), (), Settings(segment_bytes=65536))\n"
        "log.close()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "log = FileLog.open(Path(sys.argv[1]), (), Settings(segment_bytes=131072))\n"
        "while log.last < 100:\n"
        "    try:\n"
        "        log.durable(log.append([Record(1, 1, 1, NOBODY, bytes(1000))]))\n"
        "    except NotDurable as error:\n"
        "        print(log.last, log.safe, error)\n"
        "        break\n"
        "log.close()\n"
    )
    folder = tmp_path / "journal"
    engine = str(Path(__file__).parents[2] / "engine")
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env={**os.environ, "PYTHONPATH": engine},
        capture_output=True,
        text=True,
        check=True,
    )
    last = int(done.stdout.split()[0])
    assert done.stdout.startswith(f"{last} {last} {folder}: no room for segment 000000000002.journal: ")
    assert verify(folder).last == last > 40


class Unsynced(FaultyDisk):
    """A disk that fails when it syncs the header of a new segment or its folder."""

    def sync(self, file: int) -> None:
        if self.fails and os.readlink(f"/proc/self/fd/{file}").endswith("spare"):
            raise OSError(5, "input/output error")
        self.fails, fails = False, self.fails
        super().sync(file)
        self.fails = fails


def test_a_segment_whose_header_is_not_synced_stops_the_log(tmp_path: Path) -> None:
    """Nothing of it is known to be there, so nothing more is written; what was safe is read after reopening."""
    disk = Unsynced()
    log = FileLog.create(tmp_path / "journal", ROLES, SMALL, disk=disk)
    disk.fails = True
    with pytest.raises(Stopped, match=r"segment 000000000002\.journal cannot be begun: .*input/output error"):
        fill(log, 100)
    safe = log.safe
    with pytest.raises(Stopped):
        log.append([record(1)])
    with pytest.raises(Stopped):
        log.close()
    log = reopened(tmp_path / "journal")
    assert contents(log) == records(1, safe, 1000)
    log.close()


def test_the_real_disk_fills_writes_and_renames(tmp_path: Path) -> None:
    """A file that had content becomes zeros of another length and keeps its blocks; a file is put whole."""
    disk, path, pauses = Disk(), tmp_path / "file", []
    path.write_bytes(b"x" * 1_000_000)
    disk.fill(path, 600_000, lambda: pauses.append(1))
    assert (path.read_bytes() == bytes(600_000), len(pauses)) == (True, 3)
    disk.put(path, b"whole")
    disk.rename(path, tmp_path / "new")
    assert ((tmp_path / "new").read_bytes(), names(tmp_path, "*")) == (b"whole", ["new"])
    disk.remove(path)
