"""Old segments become archives and are used again; snapshots are whole or not there."""

import os
import shutil
from pathlib import Path

import pytest
import zstandard

from openoutcry.node.journal import Damaged, FileLog, JournalError, NotAJournal, Settings, verify
from tests.journals import (
    FIRST,
    ROLES,
    SMALL,
    THIRD,
    FaultyDisk,
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


def snapshots(log: FileLog, *sequences: int) -> None:
    """Keep a snapshot after each of these records."""
    for sequence in sequences:
        log.save(sequence, write_state)


def test_what_is_truncated_is_archived_and_read_as_before(tmp_path: Path) -> None:
    """Segments become archives a tenth as long; reading, reopening and verifying go through both."""
    folder = written(tmp_path / "journal")
    log = reopened(folder)
    snapshots(log, 150, 200)
    log.truncate(151)
    log.settle()
    assert names(folder, "*.journal*") == [
        "000000000001.journal.zst",
        "000000000002.journal.zst",
        THIRD,
        "000000000004.journal",
    ]
    assert (folder / "000000000001.journal.zst").stat().st_size < 6_000
    assert contents(log) == records(1, 200, 1000)
    fill(log, 100)
    log.close()
    log = reopened(folder)
    assert contents(log) == records(1, 300, 1000)
    log.close()
    found = verify(folder)
    assert (found.first, found.last, found.segments) == (1, 300, 6)


def test_retaining_gives_up_what_neither_snapshot_needs(tmp_path: Path) -> None:
    """Snapshots come from elsewhere: none, one, two, then newer ones; segments before the older of two go, once."""
    folder = written(tmp_path / "journal")
    log = reopened(folder)
    left = []
    for sequence in (0, 57, 120, 200):
        if sequence:
            snapshots(log, sequence)
        log.retain()
        log.retain()  # also while the first one is still at work
        log.settle()
        left.append(len(names(folder, "*.journal")))
    assert left == [4, 4, 3, 2]
    assert list(log.notes) == []
    assert contents(log) == records(1, 200, 1000)
    log.close()


@pytest.mark.parametrize(("kept", "first"), [(0, 113), (1, 57), (2, 1), (None, 1)])
def test_so_many_archives_are_kept_as_the_operator_says(tmp_path: Path, kept: int | None, first: int) -> None:
    """Two segments are put away; what is not kept is refused by number."""
    settings = Settings(segment_bytes=SMALL.segment_bytes, archives_max=kept)
    folder = written(tmp_path / "journal", 200, settings)
    log = reopened(folder, settings)
    snapshots(log, 150, 200)
    log.truncate(151)
    log.settle()
    found = log.first
    assert len(names(folder, "*.zst")) == (2 if kept is None else kept)
    assert contents(log, found) == records(found, 201 - found, 1000)
    if found > 1:
        with pytest.raises(JournalError, match=f"record 1 is no longer there, the first one is {found}"):
            log.read()
    log.close()
    assert verify(folder).first == found
    assert abs(found - first) <= 5
    log = reopened(folder, settings)
    assert log.first == found
    log.close()


def test_segments_that_were_put_away_are_written_again(tmp_path: Path) -> None:
    """The file of the first one comes back as a later one: the same file of the system, filled with zeros."""
    settings = Settings(segment_bytes=SMALL.segment_bytes, archives_max=0)
    folder = written(tmp_path / "journal", 200, settings)
    log = FileLog.open(folder, ROLES, settings)
    file = (folder / FIRST).stat().st_ino
    snapshots(log, 150, 200)
    log.truncate(151)
    log.settle()
    assert names(folder, "*.retired") == ["000000000001.retired", "000000000002.retired"]
    fill(log, 200)
    log.close()
    assert file in {path.stat().st_ino for path in folder.iterdir()}
    assert names(folder, "*.retired") == []
    assert verify(folder).last == 400


def test_records_that_someone_still_holds_are_not_overwritten(tmp_path: Path) -> None:
    """A record of a segment that was put away and would be used again: its content stays what it was."""
    settings = Settings(segment_bytes=SMALL.segment_bytes, archives_max=0)
    folder = written(tmp_path / "journal", 200, settings)
    log = FileLog.open(folder, ROLES, settings)
    held = next(iter(log.read())).records[0]
    snapshots(log, 150, 200)
    log.truncate(151)
    fill(log, 200)
    log.settle()
    assert bytes(held.raw) == record(1, 1000).raw
    log.close()


def test_segments_that_are_archived_while_they_are_read_are_read_to_their_end(tmp_path: Path) -> None:
    """A reader that has begun before the truncation; one whose archives are not kept is told."""
    folder = written(tmp_path / "journal")
    log = reopened(folder)
    reader = log.read()
    count = len(next(reader).records)
    snapshots(log, 150, 200)
    log.truncate(151)
    log.settle()
    assert count + sum(len(batch.records) for batch in reader) == 200
    reader = log.read()
    next(reader)
    for path in folder.glob("*.zst"):
        path.unlink()
    with pytest.raises(JournalError, match="is no longer there: it was truncated while it was read"):
        list(reader)
    log.close()


def test_an_archive_that_is_damaged_is_named(tmp_path: Path) -> None:
    """A flipped bit, an archive of something else, one that claims to hold a terabyte."""
    folder = written(tmp_path / "journal")
    log = reopened(folder)
    snapshots(log, 150, 200)
    log.truncate(151)
    log.settle()
    log.close()
    archive = folder / "000000000001.journal.zst"
    good = archive.read_bytes()
    flip_bit(archive, len(good) * 4)
    with pytest.raises(Damaged, match=r"1\.journal\.zst"):
        verify(folder)
    archive.write_bytes(zstandard.compress(b"hello"))
    with pytest.raises(NotAJournal, match=r"1\.journal\.zst is no segment of a journal"):
        reopened(folder)
    archive.write_bytes(b"hello")
    with pytest.raises(Damaged, match=r"1\.journal\.zst cannot be decompressed"):
        reopened(folder)
    archive.write_bytes(good)
    assert verify(folder).first == 1


class NoArchives(FaultyDisk):
    """A disk on which no archive can be written."""

    def put(self, path: Path, content: bytes) -> None:
        raise OSError(28, "no space left on device")


def test_segments_that_cannot_be_archived_stay(tmp_path: Path) -> None:
    """The operator is told, and the next truncation tries again."""
    folder = written(tmp_path / "journal")
    log = FileLog.open(folder, ROLES, SMALL, disk=NoArchives())
    snapshots(log, 150, 200)
    log.truncate(151)
    log.settle()
    assert [note.split(": ")[0] for note in log.notes] == [f"old segments of {folder} stay until the next truncation"]
    assert contents(log) == records(1, 200, 1000)
    log.close()
    log = reopened(folder)
    log.truncate(151)
    log.settle()
    assert len(names(folder, "*.zst")) == 2
    log.close()


def test_a_snapshot_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """A role that fails while it writes leaves no file; a cut, foreign, empty or renamed snapshot is passed over."""
    folder = written(tmp_path / "journal", 20)
    log = reopened(folder)

    def fail(out: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        log.save(10, fail)
    assert names(folder, "*snapshot*") == []
    (folder / "000000000010.snapshot.part").write_bytes(b"killed here")
    log.close()
    log = reopened(folder)
    assert names(folder, "*snapshot*") == []
    snapshots(log, 5)
    path = folder / "000000000010.snapshot"
    for content, says in [
        (b"", "has only 0 bytes"),
        (b"x" * 5000, "has a header of another checksum"),
        ((folder / "000000000005.snapshot").read_bytes(), "is of record 5 by its header"),
        ((folder / "000000000005.snapshot").read_bytes()[:-1], "is of record 5 by its header"),
    ]:
        path.write_bytes(content)
        found = log.load()
        assert found is not None
        found.content.close()
        assert (found.sequence, f"{path} {says}: passed over for an older one" in log.notes[-1]) == (5, True)
    path.unlink()
    os.truncate(folder / "000000000005.snapshot", 4096 + 999)
    assert log.load() is None
    assert "has 999 bytes of content in place of 1000" in log.notes[-1]
    log.close()


def test_a_snapshot_that_is_ahead_of_the_records_says_that_records_are_lost(tmp_path: Path) -> None:
    """The journal of yesterday with the snapshot of today; and a journal without begin or snapshot."""
    folder = written(tmp_path / "journal", 20)
    shutil.copytree(folder, tmp_path / "yesterday")
    log = reopened(folder)
    fill(log, 20)
    snapshots(log, 40)
    log.close()
    shutil.copy(folder / "000000000040.snapshot", tmp_path / "yesterday")
    with pytest.raises(
        Damaged, match="its records end with 20, but there is a snapshot of record 40; restore its files"
    ):
        reopened(tmp_path / "yesterday")
    (written(tmp_path / "late") / FIRST).unlink()
    with pytest.raises(Damaged, match=r"its records begin with \d+, and no good snapshot reaches so far; restore"):
        reopened(tmp_path / "late")


def test_a_closed_journal_says_that_its_last_group_was_durable(tmp_path: Path) -> None:
    """A sector of the last group is lost after the log was closed: damage, although nothing but the mark follows."""
    folder = written(tmp_path / "journal", 5)
    with (folder / FIRST).open("r+b") as file:
        file.seek(4608)
        file.write(bytes(512))
    with pytest.raises(Damaged, match="a later batch says that 5 was durable"):
        reopened(folder)
