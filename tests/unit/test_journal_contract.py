"""What every log must do, whatever it writes to: the same tests on each bench of tests/journals.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from openoutcry.domain.records import COMMAND
from openoutcry.node.journal import Damaged, FileLog, JournalError, Log, NotDurable, Stopped
from tests.journals import Bench, benches, contents, plain, record, records

GROUP = 5
SIZE = 700
"""A record that spans more than a sector."""


@pytest.fixture(params=["file", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Return an empty place for a log, of each kind in turn."""
    yield dict(benches(tmp_path))[request.param]


def fill(log: Log, groups: int, size: int = 64) -> None:
    """Append groups of five records with numbers in a row, each durable before the next."""
    for _ in range(groups):
        log.durable(log.append(records(log.last + 1, GROUP, size)))


def test_records_are_numbered_from_one_and_come_back_in_their_groups(bench: Bench) -> None:
    """Groups of one to seven records of several lengths, also an empty content; read before and after reopening."""
    log = bench.open()
    assert (log.first, log.last, log.safe, list(log.read())) == (1, 0, 0, [])
    sizes = [1, 7, 3, 2, 5]
    groups = []
    for at, count in enumerate(sizes):
        group = records(log.last + 1, count, size=(0, 1, 63, 64, 65, 1000)[at])
        groups.append((log.last + 1, group))
        assert log.append(group) == sum(sizes[: at + 1])
    for _ in range(2):
        assert log.durable(log.last)
        assert [(batch.first, plain(batch.records)) for batch in log.read()] == groups
        log.close()
        log = bench.open()
        assert (log.first, log.last, log.safe, list(log.notes)) == (1, 18, 18, [])
    log.close()


def test_reading_begins_at_any_record(bench: Bench) -> None:
    """From each record of three groups, and from behind the last one."""
    log = bench.open()
    fill(log, 3)
    for first in range(1, 17):
        assert contents(log, first) == records(first, 16 - first)
    log.close()


def test_an_empty_group_is_nothing(bench: Bench) -> None:
    """It returns the last sequence and leaves no trace."""
    log = bench.open()
    fill(log, 1)
    assert (log.append([]), log.last) == (5, 5)
    log.close()


def test_contents_are_copied_in_and_not_copied_out(bench: Bench) -> None:
    """A frame that is changed after it was appended is still read as it was, as an array of another's memory."""
    frame = np.zeros(256, COMMAND)
    frame["client_id"] = np.arange(256)
    log = bench.open()
    log.append([record(1)._replace(raw=frame.data), record(2)])
    frame["client_id"] = 0
    (batch,) = log.read()
    found = np.frombuffer(batch.records[0].raw, COMMAND)
    assert found["client_id"].tolist() == list(range(256))
    assert isinstance(batch.records[0].raw, memoryview)
    assert not found.flags.owndata
    assert found.ctypes.data % 64 == 0 or not isinstance(log, FileLog)
    log.close()


def test_what_cannot_be_a_record_leaves_no_trace(bench: Bench) -> None:
    """A sender of 31 bytes, more records than a batch may have, then a good group."""
    log = bench.open()
    fill(log, 1)
    with pytest.raises(ValueError, match="31 bytes in place of 32"):
        log.append([record(6)._replace(sender=record(6).sender[1:])])
    with pytest.raises(ValueError, match="65537 records in one group: at most 65536"):
        log.append([record(6)] * 65_537)
    assert log.last == 5
    fill(log, 1)
    assert contents(log) == records(1, 10)
    log.close()


def test_nothing_is_safe_before_the_sync(bench: Bench) -> None:
    """A sync that does not end: looking says no, as often as one looks; then it ends."""
    log = bench.open()
    fill(log, 1)
    bench.hold(True)
    log.append(records(6, GROUP))
    assert [log.durable(10, 0), log.durable(10, 0.001), log.safe] == [False, False, 5]
    assert log.durable(5)
    bench.hold(False)
    assert log.durable(10)
    assert log.safe == 10
    with pytest.raises(ValueError, match="record 11 was not appended: the last one is 10"):
        log.durable(11)
    log.close()


def test_a_crash_before_append_loses_nothing(bench: Bench) -> None:
    """Everything was durable: opening has nothing to say."""
    log = bench.open()
    fill(log, 4)
    bench.crash()
    log = bench.open()
    assert (contents(log), log.safe, list(log.notes)) == (records(1, 20), 20, [])
    log.close()


@pytest.mark.parametrize("part", range(4))
def test_a_tail_torn_anywhere_is_cut_and_said(bench: Bench, part: int) -> None:
    """A crash after append and before sync leaves the first n bytes, n in steps of 8: the group is there or not."""
    log = bench.open()
    size = 64 + 3 * 128 + 32 + 32
    for kept in range(part * 8, size + 1, 32):
        before = log.last
        bench.hold(True)
        log.append(records(before + 1, 3))
        bench.crash(kept)
        bench.hold(False)
        log = bench.open()
        assert contents(log) == records(1, log.last)
        assert (log.last == before + 3) == (kept >= size)
        assert [("not written to its end" in note, "was promised" in note) for note in log.notes] == (
            [(True, True)] if 0 < kept < size else []
        )
        fill(log, 1)
    log.close()


def test_a_whole_group_that_nobody_was_promised_may_stay(bench: Bench) -> None:
    """All of its bytes survive: it is read, since that is allowed and losing it would not be better."""
    log = bench.open()
    bench.hold(True)
    log.append(records(1, 3))
    bench.crash(1 << 20)
    bench.hold(False)
    log = bench.open()
    assert contents(log) == records(1, 3)
    log.close()


def test_sectors_that_were_written_in_another_order_are_a_tear(bench: Bench) -> None:
    """Of three groups that were not synced the first loses each of its sectors in turn; the others are whole."""
    size = 64 + GROUP * (64 + 704) + 32 + 32
    for sector in range(1, size // 512):
        log = bench.open()
        before, begin = log.last, bench.size()
        bench.hold(True)
        for _ in range(3):
            log.append(records(log.last + 1, GROUP, SIZE))
        bench.crash(1 << 20)
        bench.hold(False)
        at = begin - begin % 512 + sector * 512
        bench.lose(at, 512)
        log = bench.open()
        assert (log.last, contents(log)) == (before, contents(log))
        (note,) = log.notes
        assert "a sector within a batch was not written, and 2 batches after it" in note
        fill(log, 1)
        log.close()


def test_the_first_sector_of_a_group_can_be_the_one_that_is_missing(bench: Bench) -> None:
    """What stands behind it belongs to nothing and is cut."""
    log = bench.open()
    bench.hold(True)
    for _ in range(2):
        log.append(records(log.last + 1, GROUP, SIZE))
    bench.crash(1 << 20)
    bench.lose(0, 512)
    bench.hold(False)
    log = bench.open()
    assert log.last == 0
    assert ["behind a header that is not there, and 1 batches after it" in note for note in log.notes] == [True]
    fill(log, 1)
    assert contents(log) == records(1, 5)
    log.close()


def test_a_missing_sector_of_what_was_durable_is_damage(bench: Bench) -> None:
    """The same zeros, but a later group says that this one was safe."""
    log = bench.open()
    fill(log, 2, SIZE)
    bench.crash()
    bench.lose(1024, 512)
    with pytest.raises(
        Damaged, match=r"records from 1 on are damaged at offset .* a later batch says that 5 was durable"
    ):
        bench.open()


def test_a_flipped_bit_in_any_byte_of_what_was_durable_is_damage(bench: Bench) -> None:
    """Each byte of the headers, lengths, checksums, entries, contents, padding and chains of three groups in turn."""
    log = bench.open()
    for size in (64, 100, 700):
        log.durable(log.append([record(log.last + 1, size)]))
    bench.crash()
    for byte in range(bench.size()):
        bench.flip(byte * 8 + byte % 8)
        with pytest.raises(Damaged, match=r"offset \d+.*nothing was changed; restore this file from a backup"):
            bench.open()
        bench.flip(byte * 8 + byte % 8)
    log = bench.open()
    assert (log.last, list(log.notes)) == (3, [])
    log.close()


def test_a_flipped_bit_behind_the_end_is_cut(bench: Bench) -> None:
    """No record is touched; each of the next bytes, and one far behind."""
    log = bench.open()
    fill(log, 2)
    bench.crash()
    end = bench.size()
    for byte in (*range(end, end + 130, 3), end + 40_000):
        bench.flip(byte * 8 + byte % 8)
        log = bench.open()
        assert (contents(log), len(log.notes)) == (records(1, 10), 1)
        assert f"after record 10: {'a header was not' if byte < end + 64 else 'something is'} written" in log.notes[0]
        bench.crash()
    log = bench.open()
    assert list(log.notes) == []
    log.close()


def test_a_full_disk_keeps_nothing_and_acknowledges_nothing(bench: Bench) -> None:
    """Twice refused, then there is room again: no record is missing and none is there twice."""
    log = bench.open()
    fill(log, 1)
    bench.fill(True)
    for _ in range(2):
        with pytest.raises(NotDurable, match="nothing of this group was kept"):
            log.append(records(6, GROUP))
        assert (log.last, log.safe) == (5, 5)
    bench.fill(False)
    fill(log, 2)
    bench.crash()
    log = bench.open()
    assert (contents(log), list(log.notes)) == (records(1, 15), [])
    log.close()


def test_a_failed_sync_stops_the_log_for_good(bench: Bench) -> None:
    """Nothing of it is ever called safe, not even when the disk works again; what was safe before is there."""
    log = bench.open()
    fill(log, 1)
    bench.fail(True)
    log.append(records(6, GROUP))
    with pytest.raises(Stopped, match=r"did not sync.*records after 5 may be lost"):
        log.durable(10)
    bench.fail(False)
    calls = (lambda: log.append(records(11, 1)), lambda: log.durable(10, 0), lambda: save(log, 5), log.close)
    for call in (*calls, lambda: log.truncate(1)):
        with pytest.raises(Stopped, match="did not sync"):
            call()
    assert log.safe == 5
    assert log.durable(5)
    bench.crash()
    log = bench.open()
    assert contents(log) == records(1, 5)
    log.close()


def state(number: int) -> bytes:
    """Return what a snapshot after a record holds in these tests."""
    return b"state %d" % number * 100


def save(log: Log, sequence: int) -> None:
    """Keep a snapshot, written in parts."""

    def write(out: BinaryIO) -> None:
        for at in range(0, len(state(sequence)), 7):
            out.write(state(sequence)[at : at + 7])

    log.save(sequence, write)


def loaded(log: Log) -> int:
    """Return the sequence of the newest good snapshot, 0 for none, and check its content."""
    snapshot = log.load()
    if snapshot is None:
        return 0
    with snapshot.content as content:
        assert content.read() == state(snapshot.sequence)
    assert [role.name for role in snapshot.roles] == ["counter", "echo"]
    return snapshot.sequence


def test_the_newest_snapshot_is_loaded(bench: Bench) -> None:
    """Also one within a group, also after a crash; one is never kept of records that are not safe."""
    log = bench.open()
    assert loaded(log) == 0
    fill(log, 2)
    for sequence in (5, 8, 10):
        save(log, sequence)
        assert loaded(log) == sequence
    bench.hold(True)
    log.append(records(11, 1))
    with pytest.raises(ValueError, match="a snapshot of record 11: only up to 10 the records are safe"):
        save(log, 11)
    bench.crash()
    bench.hold(False)
    log = bench.open()
    assert (loaded(log), contents(log, 11)) == (10, [])
    log.close()


def test_a_damaged_snapshot_falls_back_to_the_older_one_and_says_so(bench: Bench) -> None:
    """Then that one is damaged too, and every record since the first is still there."""
    log = bench.open()
    fill(log, 2)
    save(log, 5)
    save(log, 10)
    log.close()
    bench.damage_snapshot(10)
    log = bench.open()
    assert loaded(log) == 5
    assert ["passed over for an older one" in note for note in log.notes] == [True]
    log.close()
    bench.damage_snapshot(5)
    log = bench.open()
    assert (loaded(log), len(log.notes), contents(log)) == (0, 2, records(1, 10))
    log.close()


def test_a_full_disk_keeps_the_snapshots_that_there_are(bench: Bench) -> None:
    """The new one is refused, the old one loads."""
    log = bench.open()
    fill(log, 2)
    save(log, 5)
    bench.fill(True)
    with pytest.raises(NotDurable, match="the snapshot of record 10 was not kept"):
        save(log, 10)
    bench.fill(False)
    assert loaded(log) == 5
    log.close()


def test_only_what_the_older_snapshot_covers_can_be_forgotten(bench: Bench) -> None:
    """Without a snapshot nothing; afterwards what follows the older one always stays."""
    log = bench.open()
    fill(log, 4)
    with pytest.raises(ValueError, match="no snapshot yet"):
        log.truncate(1)
    save(log, 10)
    save(log, 20)
    with pytest.raises(ValueError, match="the snapshot of record 10 may still need the records before 12"):
        log.truncate(12)
    log.truncate(11)
    assert log.first <= 11
    assert contents(log, 11) == records(11, 10)
    log.close()
    log = bench.open()
    assert contents(log, 11) == records(11, 10)
    if log.first > 1:
        with pytest.raises(JournalError, match="record 1 is no longer there"):
            log.read(1)
    log.close()


def test_a_closed_log_takes_nothing(bench: Bench) -> None:
    """Closing twice is closing once."""
    log = bench.open()
    fill(log, 1)
    log.close()
    log.close()
    with pytest.raises(Stopped, match="is closed"):
        log.append(records(6, 1))
