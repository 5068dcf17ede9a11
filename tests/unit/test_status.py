"""The status of a node: what is measured, who may ask for it, and that asking disturbs nothing."""

import os
import socket
import threading
from collections import Counter
from pathlib import Path
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.cli.status import describe
from openoutcry.node.core.core import Core
from openoutcry.node.journal import MemoryDisk, MemoryLog, RoleVersion
from openoutcry.node.metering import FRAME_BOUNDS, TIME_BOUNDS_NS, Counts, Histogram, MeteredLog
from openoutcry.node.observing import Observer, Posting, RefusalReport
from openoutcry.node.status import (
    SOCKET_PATH_BYTES_MAX,
    Board,
    DiskStatus,
    HookStatus,
    JournalStatus,
    LinkStatus,
    RoleStatus,
    Status,
    StatusError,
    StatusServer,
    ask_status,
)
from openoutcry.node.zmq_io import Links
from openoutcry.role import NOBODY, Record
from openoutcry.wire.faults import FaultCode
from tests.made_plugins import Heard

NONE = Counts((1, 2), (0, 0, 0), 0)
STATUS = Status(
    name="mule",
    key="ab" * 32,
    curve_key="cd" * 32,
    software="openoutcry 0.1.0",
    process=7,
    started_ns=10**18,
    made_ns=10**18 + 90 * 10**9,
    durability="sync",
    listen="tcp://127.0.0.1:7401",
    publish="",
    roles=(RoleStatus("echo", 1, 1),),
    journal=JournalStatus(3, 9, 8),
    node={"groups": 4, "arrivals": 5, "inputs": 6, "records": 7, "fired": 1, "sends": 2, "replayed": 3},
    refused={"stale": 2, "malformed": 0},
    timers=2,
    group_frames=NONE,
    group_ns=Counts((1_000_000, 2_000_000), (50, 49, 1), 150_000_000),
    sync_ns=NONE,
    links=(LinkStatus("twin", "ef" * 32, "up", True, 1_500, 10, 2_048, 20, 4_096, "busy"),),
    link_states={"up": 1},
    link_counts={"arrivals": 5, "limited": 0},
    plugins=("echo",),
    hooks=(HookStatus("collar", "check_orders", {"calls": 8, "late": 1}),),
    broken={"wolf": "no teeth"},
    disk=DiskStatus(1 << 20, 2_048, 5 << 30),
)


@given(st.lists(st.integers(0, 2 * TIME_BOUNDS_NS[-1]), max_size=60), st.integers(1, 1_000_000))
def test_a_quantile_is_the_bound_that_so_many_values_are_below(values: list[int], ppm: int) -> None:
    """Random values against their sorted list; the sum is exact."""
    histogram = Histogram(TIME_BOUNDS_NS)
    for value in values:
        histogram.add(value)
    counts = histogram.read()
    assert (counts.count, counts.total) == (len(values), sum(values))
    bound = counts.quantile(ppm)
    if not values:
        assert bound is None
        return
    exact = sorted(values)[-(-len(values) * ppm // 1_000_000) - 1]
    assert bound == next((one for one in TIME_BOUNDS_NS if exact <= one), TIME_BOUNDS_NS[-1])


def test_bounds_are_ascending_and_reach_the_longest_group() -> None:
    """The bounds themselves, and values on them and above the last."""
    assert list(TIME_BOUNDS_NS) == sorted(set(TIME_BOUNDS_NS))
    histogram = Histogram(FRAME_BOUNDS)
    for value in (1, 2, 3, 1_024, 1_025):
        histogram.add(value)
    assert histogram.read().counts == (1, 1, 1, *[0] * 7, 1, 1)


def test_a_metered_log_is_the_log_inside_and_times_each_group_once() -> None:
    """Two groups, the second one asked for twice, and what a log has besides."""
    seen: list[int] = []
    inner = MemoryLog(MemoryDisk(bytes(16)), [RoleVersion(1, "echo", 1)])
    log = MeteredLog(inner, seen.append)
    for number in range(2):
        last = log.append([Record(1, 10_001, number, NOBODY, b"x")] * 3)
        assert log.durable(last) and log.durable(last)
    assert (len(seen), min(seen) > 0) == (2, True)
    log.save(6, lambda out: (out.write(b"state"), None)[1])
    snapshot = log.load()
    assert snapshot is not None and snapshot.content.read() == b"state"
    log.truncate(1)
    assert (log.first, log.last, log.safe, list(log.notes)) == (inner.first, 6, 6, [])
    assert [len(batch.records) for batch in log.read()] == [3, 3]
    log.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a journal of some bytes."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "1.journal").write_bytes(b"x" * 10_000)
    return tmp_path


def test_the_status_is_asked_for_over_a_socket_that_only_its_user_reaches(folder: Path) -> None:
    """The value that was put, with what the disk says; the mode of the socket, and that it is gone afterwards."""
    board = Board(folder)
    server = StatusServer(folder / "status.sock", board.with_disk)
    try:
        with pytest.raises(StatusError, match="still starting"):
            ask_status(server.path)
        board.put(STATUS)
        told = ask_status(server.path)
        assert (folder / "status.sock").stat().st_mode & 0o777 == 0o600
    finally:
        server.close()
    assert told.disk is not None and told.disk.journal_bytes >= 10_000 and told.disk.views_bytes == 0
    assert msgspec.structs.replace(told, disk=STATUS.disk) == STATUS
    assert not server.path.exists()


def test_those_who_hang_or_go_away_keep_nobody_waiting_for_long(folder: Path) -> None:
    """Connections that are opened and closed at once, and one that stays open, before one that asks."""
    board = Board(folder)
    board.put(STATUS)
    server = StatusServer(folder / "status.sock", board.with_disk)
    try:
        for _ in range(20):
            with socket.socket(socket.AF_UNIX) as gone:
                gone.connect(str(server.path))
        with socket.socket(socket.AF_UNIX) as idle:
            idle.connect(str(server.path))
            assert ask_status(server.path).name == "mule"
    finally:
        server.close()
    assert "status" not in [thread.name for thread in threading.enumerate()]


def test_what_a_killed_node_left_is_replaced(folder: Path) -> None:
    """A socket file that nobody listens at: it is told, and the next node takes its place."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "status.sock"))
    with pytest.raises(StatusError, match="no node runs here"):
        ask_status(folder / "status.sock")
    board = Board(folder)
    board.put(STATUS)
    server = StatusServer(folder / "status.sock", board.with_disk)
    try:
        assert ask_status(server.path).name == "mule"
    finally:
        server.close()


def test_a_node_that_cannot_be_asked_is_told_in_one_line(folder: Path) -> None:
    """No socket, a path that is too long, an answer of something else, and none."""
    with pytest.raises(StatusError, match=r"status\.sock: no node runs here: start it with `outcry run`"):
        ask_status(folder / "status.sock")
    with pytest.raises(OSError, match="too long for a socket"):
        StatusServer(folder / ("x" * SOCKET_PATH_BYTES_MAX), lambda: None)
    with pytest.raises(StatusError, match="too long"):
        ask_status(folder / ("x" * SOCKET_PATH_BYTES_MAX))
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "other.sock"))
        other.listen()

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b'{"name": 3}')

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(StatusError, match="another release"):
            ask_status(folder / "other.sock")
        thread.join()
        with pytest.raises(StatusError, match=r"does not answer within 0\.05 s"):
            ask_status(folder / "other.sock", wait_s=0.05)


def test_a_status_is_described_in_words() -> None:
    """Each line of what `outcry status` prints, of a node that works and of one that hangs."""
    lines = dict(line.split(None, 1) for line in describe(STATUS, STATUS.made_ns) if not line.startswith(" "))
    assert lines == {
        "node": "mule, openoutcry 0.1.0, process 7, durability sync",
        "key": "ab" * 32,
        "link": f"key   {'cd' * 32}",
        "listens": "tcp://127.0.0.1:7401",
        "up": "1 min 30 s",
        "roles": "echo 1 (number 1)",
        "records": "9, safe up to 8, kept from 3; replayed 3",
        "groups": "4: frames 5, messages 6, records 7, timers 1 (2 set), sent 2",
        "group": "p50 below 1 ms, p99 below 2 ms, p99.9 below 2 ms; mean 1.500 ms of 100",
        "sync": "none yet",
        "refused": "stale 2",
        "links": "arrivals 5",
        "plugins": "echo",
        "disk": "journal 1.0 MiB, views 2.0 KiB, free 5.0 GiB",
        "peer": "key               state  opened by  heard      in            out           last refusal",
        "twin": "efefefefefefefef  up     us         1.5 s ago  10 (2.0 KiB)  20 (4.0 KiB)  busy",
    }
    text = "\n".join(describe(STATUS, STATUS.made_ns))
    assert "wolf is off: no teeth" in text and "collar check_orders: calls 8, late 1" in text
    assert "hangs" not in text
    assert "for 2 min 0 s: it hangs" in "\n".join(describe(STATUS, STATUS.made_ns + 120 * 10**9))


def test_the_disk_is_measured_while_files_come_and_go(folder: Path) -> None:
    """A link that leads nowhere, and a folder that is gone."""
    os.symlink("nowhere", folder / "journal" / "2.journal")
    board = Board(folder)
    board.put(STATUS)
    status = board.with_disk()
    assert status is not None and status.disk is not None and status.disk.free_bytes > 0


class Slow:
    """An observer whose clock moves on by what each making costs."""

    def __init__(self, cost_ns: int) -> None:
        self.now_ns = 0
        self.cost_ns = cost_ns
        self.made = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def make(self, now_ns: int) -> Status:
        self.made += 1
        self.now_ns += self.cost_ns
        return STATUS


def test_making_a_status_takes_at_most_a_hundredth_of_the_time(folder: Path) -> None:
    """A hundred seconds, with makings that cost a millisecond and ones that cost a hundred."""
    for cost_ns, made in ((1_000_000, 100), (100_000_000, 10)):
        slow = Slow(cost_ns)
        posting = Posting(cast(Observer, slow), Board(folder))
        for second in range(100):
            slow.now_ns = max(slow.now_ns, second * 10**9)
            posting.turn(second)
        assert slow.made == made


class Refusing:
    """Stands for a core and links: only what they have refused."""

    def __init__(self) -> None:
        self.inbox = self
        self.counters = self
        self.refused: Counter[FaultCode] = Counter()
        self.on_links = {"limited": 0, "sent": 0, "denied_unlisted": 0, "closed_flood": 0}

    def as_mapping(self) -> dict[str, int]:
        return self.on_links


def test_a_flood_of_refusals_is_one_line_with_what_is_new() -> None:
    """Nothing, a flood, nothing more, and another kind: what was told is not told again, and what was sent never is."""
    refusing, heard = Refusing(), Heard()
    report = RefusalReport(cast(Core, refusing), cast(Links, refusing), heard)
    report.tell(1)
    refusing.refused[FaultCode.MALFORMED] = 100_000
    refusing.on_links |= {"limited": 5, "sent": 9}
    report.tell(2)
    report.tell(3)
    refusing.refused[FaultCode.MALFORMED] += 1
    refusing.on_links["closed_flood"] = 1
    report.tell(4)
    assert heard.events == [
        ("refused", {"counts": "limited 5, malformed 100000"}),
        ("refused", {"counts": "closed_flood 1, malformed 1"}),
    ]
