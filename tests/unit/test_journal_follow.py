"""A second reader of a journal that is being written: what it sees, when, and what it calls damage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openoutcry.node.journal import Damaged, FileLog, JournalError, NotAJournal, Settings, follow
from openoutcry.node.journal.follow import Follower
from openoutcry.role import Record
from tests.journals import FIRST, HEADER_BYTES, ROLES, SECOND, SMALL, FileBench, fill, flip_bit, plain, record, records
from tests.journals import written as written_journal


def seen(follower: Follower) -> list[Record]:
    """Return what a poll yields, and check that it begins where the last one ended."""
    found: list[Record] = []
    first = follower.next
    for batch in follower.poll():
        assert batch.first == first + len(found)
        found += plain(batch.records)
    assert follower.next == first + len(found)
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[FileBench]:
    """Return a place for a journal with small segments."""
    bench = FileBench(tmp_path / "journal")
    yield bench
    if bench.log is not None:
        bench.hold(False)
        bench.log.close()


def test_only_what_the_journal_calls_durable_is_seen(bench: FileBench) -> None:
    """Syncs that do not end, with three groups behind them; then they end, and the next group says so."""
    log = bench.open()
    follower = Follower(bench.folder)
    assert seen(follower) == []
    fill(log, 10)
    assert seen(follower) == records(1, 5, 1000)
    bench.hold(True)
    for _ in range(3):
        log.append(records(log.last + 1, 5))
    assert seen(follower) == records(6, 5, 1000)
    assert (follower.next, follower.durable) == (11, 10)
    bench.hold(False)
    assert log.durable(25)
    assert seen(follower) == []
    log.append(records(26, 1))
    assert seen(follower) == records(11, 15)
    log.close()
    assert seen(follower) == records(26, 1)
    assert follower.chain == log.chain
    follower.close()


@pytest.mark.parametrize("every", [1, 3, 17, 1000])
def test_segments_archives_and_used_files_are_followed_across(bench: FileBench, every: int) -> None:
    """Fifteen segments, truncated behind snapshots while they are read, now and then or only at the end; retired files
    are used again and again."""
    log = bench.open()
    follower = Follower(bench.folder)
    found = seen(follower)
    for number in range(1, 160):
        log.durable(log.append(records(log.last + 1, 5, 1000)))
        if number % every == 0:
            found += seen(follower)
        if number % 10 == 0:
            log.save(log.safe, lambda out: None)
            log.retain()
            log.settle()
    log.close()
    found += seen(follower)
    assert found == records(1, 795, 1000)
    assert (follower.chain, follower.segment) == (log.chain, len(list(bench.folder.glob("*.journal*"))))
    follower.close()


@pytest.mark.parametrize("first", [1, 2, 56, 57, 58, 200, 201])
def test_following_begins_at_any_record(tmp_path: Path, first: int) -> None:
    """Within a group, at both ends of a segment, at the last record and behind it; in a closed journal."""
    folder = written_journal(tmp_path / "journal")
    follower = Follower(folder, first)
    assert follower.next == first
    assert seen(follower) == records(first, 201 - first, 1000)
    follower.close()


def test_following_begins_in_an_archive(tmp_path: Path) -> None:
    """Segments that were archived before are read, and the roles of each segment are known."""
    folder = written_journal(tmp_path / "journal")
    log = FileLog.open(folder, ROLES, SMALL)
    log.save(150, lambda out: None)
    log.save(200, lambda out: None)
    log.retain()
    log.close()
    assert not (folder / FIRST).exists()
    follower = Follower(folder, 3)
    assert seen(follower) == records(3, 198, 1000)
    assert follower.roles == ROLES
    follower.close()


def test_records_that_are_gone_are_said_to_be(bench: FileBench) -> None:
    """No archives are kept: a follower that comes too late, and one that was too slow, get one line."""
    bench.settings = Settings(segment_bytes=64 << 10, archives_max=0)
    log = bench.open()
    fill(log, 100)
    slow = Follower(bench.folder)
    next(slow.poll())
    fill(log, 200)
    log.save(250, lambda out: None)
    log.save(300, lambda out: None)
    log.retain()
    log.settle()
    with pytest.raises(JournalError, match="record 1 is no longer there"):
        Follower(bench.folder)
    with pytest.raises(JournalError, match=r"000000000001\.journal was given up"):
        list(slow.poll())
    slow.close()


def test_what_is_no_journal_is_not_followed(tmp_path: Path) -> None:
    """A folder that is missing, an empty one, a file of something else."""
    with pytest.raises(NotAJournal, match="is not there"):
        Follower(tmp_path / "none")
    with pytest.raises(NotAJournal, match="holds no journal"):
        Follower(tmp_path)
    (tmp_path / FIRST).write_bytes(b"x" * 5000)
    with pytest.raises(NotAJournal, match="no segment"):
        Follower(tmp_path)


@pytest.mark.parametrize("step", [8, 200, 1016])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_write_under_way_is_never_called_damage(bench: FileBench, step: int, backwards: bool) -> None:
    """Batches copied into the file one after the other, each piece by piece from either end, polled after each."""
    log = bench.open()
    fill(log, 20)
    log.close()
    begin = HEADER_BYTES + bench.size()
    log = bench.open()
    fill(log, 20)
    log.close()
    whole = bench.newest.read_bytes()
    end = HEADER_BYTES + bench.size()
    with bench.newest.open("r+b", buffering=0) as file:
        file.seek(begin)
        file.write(bytes(end - begin))
        follower = Follower(bench.folder)
        assert seen(follower) == records(1, 20, 1000)
        found: list[Record] = []
        while begin < end:
            size = int.from_bytes(whole[begin + 56 : begin + 60], "little")
            pieces = range(begin, begin + size, step)
            for at in reversed(pieces) if backwards else pieces:
                file.seek(at)
                file.write(whole[at : min(at + step, begin + size)])
                found += seen(follower)
            begin += size
    assert found == records(21, 20, 1000)
    follower.close()


def test_a_torn_tail_is_waited_for_until_the_node_has_cut_it(bench: FileBench) -> None:
    """The node ends in the middle of a write and starts again: the follower goes on with what it writes then."""
    log = bench.open()
    fill(log, 20)
    follower = Follower(bench.folder)
    bench.hold(True)
    log.append(records(21, 5, 1000))
    bench.crash(3000)
    assert seen(follower) == records(1, 20, 1000)
    assert seen(follower) + seen(follower) == []
    log = bench.open()
    assert "was cut" in log.notes[0] or "cut at" in log.notes[0]
    assert seen(follower) == []
    fill(log, 10)
    assert seen(follower) == records(21, 5, 1000)
    follower.close()


@pytest.mark.parametrize("where", ["a header", "a body", "a chain", "the first batch"])
@pytest.mark.parametrize("zeros", [False, True])
def test_damage_to_what_was_durable_is_found(bench: FileBench, where: str, zeros: bool) -> None:
    """In the segment that is written, a bit flipped or a line lost; batches before it are handed out first."""
    log = bench.open()
    fill(log, 50)
    size = bench.size() // 10
    offset = {"a header": 5 * size + 8, "a body": 5 * size + 700, "a chain": 6 * size - 8, "the first batch": 90}[where]
    if zeros:
        bench.lose(offset - offset % 64, 64)
    else:
        bench.flip(offset * 8)
    follower = Follower(bench.folder)
    found: list[Record] = []
    with pytest.raises(Damaged, match=r"are damaged at offset \d+, but a later batch says that 45 was durable"):
        for _ in range(2 * follow.SEARCH_POLLS):
            for batch in follower.poll():
                found += plain(batch.records)
    assert found == records(1, 0 if where == "the first batch" else 25, 1000)
    follower.close()


@pytest.mark.parametrize("place", ["middle", "end"])
def test_damage_in_a_finished_segment_is_found(tmp_path: Path, place: str) -> None:
    """The next segment says what was before it."""
    folder = written_journal(tmp_path / "journal")
    at = 30_000 if place == "middle" else len((folder / SECOND).read_bytes().rstrip(b"\0")) - 40
    flip_bit(folder / SECOND, at * 8)
    follower = Follower(folder)
    with pytest.raises(Damaged, match=r"000000000002\.journal: at offset \d+ stands no good batch"):
        seen(follower)
    follower.close()


def test_damage_that_was_only_seen_half_way_is_looked_at_again(
    bench: FileBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch that did not check out has become whole while the follower looked at what is behind it."""
    log = bench.open()
    fill(log, 50)
    log.close()
    size = bench.size() // 11
    bit = (5 * size + 700) * 8
    bench.flip(bit)
    follower = Follower(bench.folder)
    claimed = follower._claimed

    def finish_meanwhile() -> int:
        bench.flip(bit)
        return claimed()

    monkeypatch.setattr(follower, "_claimed", finish_meanwhile)
    assert seen(follower) + seen(follower) == records(1, 50, 1000)
    follower.close()


def test_memory_is_bounded_and_batches_of_any_length_are_read(
    bench: FileBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches longer than what is read at once, between short ones; and no search through a journal that only waits."""
    monkeypatch.setattr(follow, "CHUNK_BYTES", 4096)
    log = bench.open()
    follower = Follower(bench.folder)
    searches: list[int] = []
    claimed = follower._claimed

    def count() -> int:
        searches.append(0)
        return claimed()

    monkeypatch.setattr(follower, "_claimed", count)
    expected: list[Record] = []
    found: list[Record] = []
    for size in (1, 40_000, 64, 5000, 50_000, 3, 2000, 2000):
        group = [record(number, size) for number in range(log.last + 1, log.last + 2)]
        expected += group
        log.durable(log.append(group))
        found += seen(follower)
        found += seen(follower)
    log.close()
    assert found + seen(follower) == expected
    assert searches == []
    follower.close()


def test_a_follower_leaves_no_trace(bench: FileBench) -> None:
    """No file is made or changed, no lock is taken: the same names and times, and another log opens the journal."""
    log = bench.open()
    fill(log, 50)
    log.close()
    before = {path.name: path.stat().st_mtime_ns for path in bench.folder.iterdir()}
    follower = Follower(bench.folder)
    seen(follower)
    assert {path.name: path.stat().st_mtime_ns for path in bench.folder.iterdir()} == before
    bench.open().close()
    follower.close()
