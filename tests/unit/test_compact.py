"""A process that follows a node and makes its snapshots; here both take turns in one process."""

import io
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from openoutcry.host.kinds import Settings
from openoutcry.node.compacting import Compactor
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.errors import BrokenInvariant, RoleFailed
from openoutcry.node.core.parts import Part
from openoutcry.node.core.traffic import Arrival
from openoutcry.node.journal import Damaged, FileLog, FollowedLog, NotAJournal, NotDurable, RoleVersion, Stopped
from openoutcry.node.store import SqliteStore
from openoutcry.wire.codec import encode
from tests.journals import FaultyDisk, flip_bit, names
from tests.small_roles import SECOND_NS, TALLY, Add, NoAnswers, identity
from tests.stored_role import CLIENT, LEDGER, ROLES, group, ledger_of, make_core, open_log, open_view, rows_of, view_of


class Node:
    """A node of one ledger on a disk, and the process that follows it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.random = Random(7)
        self.now_s = 0.0
        self.start()

    def start(self) -> None:
        self.log = open_log(self.data)
        self.store = open_view(self.data, self.log)
        self.core = make_core(self.log, self.store)
        self.core.start(self.core.clock_ns + 1)

    def stop(self) -> None:
        self.store.close()
        self.log.close()

    def add(self, groups: int, size_max: int = 60) -> None:
        """Take so many groups."""
        for _ in range(groups):
            self.core.step(group(self.random, size_max), self.core.clock_ns + self.random.randrange(1, SECOND_NS))

    def follow(
        self, records: int = 1_000_000, every_s: float = 1e9, roles: tuple[RoleVersion, ...] = ROLES
    ) -> Compactor:
        """Begin to follow, as a process of its own would."""
        log = FollowedLog(self.data / "journal", roles, disk=FaultyDisk())
        store = SqliteStore(self.data / "compact" / "ledger.sqlite", view_of(log.journal), 0)
        return Compactor(make_core(log, store), log, lambda: self.now_s, records=records, every_s=every_s)

    def end(self, compactor: Compactor) -> None:
        compactor.log.close()
        store = compactor.core.parts[1].store
        assert store is not None
        store.close()

    @property
    def snapshots(self) -> list[str]:
        return names(self.data / "journal", "*.snapshot")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Return a node that has started."""
    node = Node(tmp_path)
    yield node
    node.stop()


def state(core: Core) -> bytes:
    """Return all that a node knows."""
    out = io.BytesIO()
    core.write_state(out)
    return out.getvalue()


def content(path: Path) -> bytes:
    """Return what a snapshot holds behind its header."""
    return path.read_bytes()[4096:]


def test_the_snapshot_is_the_one_that_the_node_itself_would_write(node: Node) -> None:
    """After every few groups the node's state and that of the follower are the same bytes, of the same record; also
    when the follower begins anew from its own snapshot, and its view from nothing."""
    compactor = node.follow()
    for number in range(6):
        node.add(5)
        node.log.close()  # so that the last group is known to be durable
        compactor.finish()
        assert compactor.done.last == compactor.done.kept == node.log.last
        assert content(node.data / "journal" / node.snapshots[-1]) == state(node.core)
        assert rows_of(ledger_of(compactor.core).store) == rows_of(node.store)
        node.store.close()
        node.start()
        if number % 2:
            node.end(compactor)
            compactor = node.follow()
    assert len(node.snapshots) == 2
    node.end(compactor)


def test_a_snapshot_comes_after_so_many_records_or_so_many_seconds(node: Node) -> None:
    """Neither: none. Records: within a turn as often as they are due. Seconds: only when there is something new."""
    compactor = node.follow(records=200, every_s=60.0)
    assert compactor.turn() == 0
    node.now_s = 100.0
    assert compactor.turn() == 0
    assert compactor.done.snapshots == 0
    node.add(100, 10)
    assert compactor.turn() > 400
    due = compactor.done.records // 200
    assert compactor.done.snapshots in (due, due + 1)
    kept = compactor.done.kept
    node.add(2, 10)
    compactor.turn()
    assert compactor.done.kept == kept
    node.now_s += 60.0
    node.add(2, 10)
    compactor.turn()
    assert compactor.done.kept == compactor.done.last > kept
    node.end(compactor)


def test_a_node_starts_from_it_and_gives_up_what_is_before(node: Node) -> None:
    """Segments before the older snapshot become archives; the next start replays what came after the newer one."""
    compactor = node.follow(records=500)
    for _ in range(30):
        node.add(5)
        compactor.turn()
        node.log.retain()
        node.log.settle()
    assert len(names(node.data / "journal", "*.zst")) > 2
    before = state(node.core)
    kept = compactor.done.kept
    node.stop()
    node.start()
    assert state(node.core) == before
    assert node.core.counters.replayed == node.log.last - kept < 600
    assert list(node.log.notes) == []
    node.end(compactor)


def test_following_does_not_write_to_the_journal(node: Node) -> None:
    """It refuses to, and the only new names are snapshots."""
    node.add(3)
    compactor = node.follow()
    for refused in (lambda: compactor.log.append([]), lambda: compactor.log.truncate(1)):
        with pytest.raises(Stopped, match="written by another process"):
            refused()
    before = names(node.data / "journal", "*")
    compactor.turn()
    assert names(node.data / "journal", "*") == before
    compactor.keep()
    assert names(node.data / "journal", "*") == sorted([*before, *node.snapshots])
    node.end(compactor)


def test_a_damaged_journal_gets_no_snapshot(node: Node) -> None:
    """A bit is wrong in what the node was told is durable."""
    node.add(10)
    flip_bit(node.data / "journal" / "000000000001.journal", (4096 + 500) * 8)
    compactor = node.follow()
    with pytest.raises(Damaged, match="damaged at offset 4096"):
        compactor.finish()
    assert node.snapshots == []
    node.end(compactor)


def test_a_damaged_snapshot_is_passed_over(node: Node) -> None:
    """The newer one is damaged: it begins with the older one, notes it, and comes to the same state."""
    compactor = node.follow(records=100)
    for _ in range(8):
        node.add(5)
        compactor.turn()
    node.end(compactor)
    flip_bit(node.data / "journal" / node.snapshots[-1], 5000 * 8)
    node.log.close()
    compactor = node.follow(records=100)
    assert "passed over for an older one" in compactor.log.notes[0]
    compactor.finish()
    assert state(compactor.core) == state(node.core)
    node.end(compactor)


def test_a_snapshot_that_cannot_be_kept_is_tried_again(node: Node) -> None:
    """The disk is full, then has room again: the next turn keeps one, without a new record."""
    compactor = node.follow(records=50)
    disk = compactor.log._disk
    assert isinstance(disk, FaultyDisk)
    node.add(5)
    disk.full = True
    with pytest.raises(NotDurable, match="was not kept"):
        compactor.turn()
    assert (node.snapshots, compactor.done.kept, names(node.data, "journal/*.part")) == ([], 0, [])
    disk.full = False
    compactor.turn()
    assert compactor.done.kept > 0
    assert node.snapshots[-1] == f"{compactor.done.kept:012}.snapshot"
    node.end(compactor)


def test_a_snapshot_is_read_back_before_it_counts(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk turns a bit over after it said that all is well: the snapshot is removed and the older ones stay."""
    node.add(5)
    compactor = node.follow()
    compactor.turn()
    compactor.keep()
    good = node.snapshots
    rename = FaultyDisk.rename

    def spoil(disk: FaultyDisk, path: Path, new: Path) -> None:
        flip_bit(path, 5000 * 8)
        rename(disk, path, new)

    monkeypatch.setattr(FaultyDisk, "rename", spoil)
    node.add(5)
    compactor.turn()
    with pytest.raises(NotDurable, match="see to the disk"):
        compactor.keep()
    assert node.snapshots == good
    node.end(compactor)


def test_records_of_another_version_are_not_applied(node: Node) -> None:
    """The node runs another version of the role than the one that follows."""
    node.add(5)
    other = (NODE_ROLE, RoleVersion(1, LEDGER.name, 2))
    compactor = node.follow(roles=other)
    with pytest.raises(NotAJournal, match=r"is written by node 1, ledger 1, and this is node 1, ledger 2"):
        compactor.turn()
    node.end(compactor)


def test_a_state_that_cannot_be_is_not_kept(node: Node) -> None:
    """An invariant of the role is broken in the follower: it stops with the reason and keeps nothing."""
    node.add(5)
    compactor = node.follow()
    compactor.turn()
    ledger_of(compactor.core).total += 1
    with pytest.raises(BrokenInvariant, match="role ledger"):
        compactor.keep()
    assert node.snapshots == []
    node.end(compactor)


def test_a_record_that_a_role_fails_on_is_told(tmp_path: Path) -> None:
    """The node itself ended on it, and so does what follows it."""
    versions = (NODE_ROLE, RoleVersion(1, TALLY.name, TALLY.version))
    log = FileLog.create(tmp_path / "journal", versions)
    core = Core([Part(1, TALLY, Settings())], log, identity("node"), NoAnswers())
    core.start(1)
    core.step([Arrival(CLIENT.key, encode(Add(5)))], 2)
    with pytest.raises(RoleFailed):
        core.step([Arrival(CLIENT.key, encode(Add(17)))], 3)
    log.close()
    followed = FollowedLog(tmp_path / "journal", versions)
    compactor = Compactor(
        Core([Part(1, TALLY, Settings())], followed, identity("node"), NoAnswers()), followed, lambda: 0
    )
    with pytest.raises(RoleFailed, match="seventeen"):
        compactor.turn()
    followed.close()
