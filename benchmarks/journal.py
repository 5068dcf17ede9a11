"""What it costs to make commands durable, and how fast they are read back, checked and applied.

`python -m benchmarks.run --only journal`. Commands are workload A in frames of 256, as a
member of a venue sends them; a group is what is appended at once. One thread appends and waits; nothing is applied in
between, so the figures are the journal's alone. A group takes from before `append` until `durable` returned. With
`ahead` 2 the next group is appended while the disk still syncs the one before.

Written to a folder beside the results unless OUTCRY_BENCH_FOLDER names another one: a disk is measured, not /tmp in
memory. Left out: signatures, the network, other load on the disk.
"""

import os
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np

from benchmarks import books
from benchmarks.record import ROOT, Recorder
from benchmarks.workloads import Workload, load
from openoutcry.domain.records import COMMAND, Commands
from openoutcry.node.journal import FileLog, RoleVersion, verify
from openoutcry.role import NOBODY, Record

FRAME: Final = 256
GROUPS: Final = ((1, 1), (1, 2), (4, 1), (16, 1), (64, 1))
"""Frames of a group, groups that are on their way at once."""

COMMANDS: Final = 8_000_000
"""Of each case, 512 MB: eight segments, so that beginning a segment is part of the figures."""

COMMANDS_QUICK: Final = 256_000
ROLES: Final = (RoleVersion(1, "book", 1),)


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time appending in groups of several sizes, then reading, checking and applying what one of them wrote."""
    workload = load("A", handles=False, messages=100_000) if quick else load("A", handles=False)
    count = COMMANDS_QUICK if quick else COMMANDS
    with tempfile.TemporaryDirectory(dir=os.environ.get("OUTCRY_BENCH_FOLDER", ROOT)) as folder:
        for frames, ahead in GROUPS:
            path = Path(folder) / f"{frames}-{ahead}"
            case: dict[str, str | int | bool] = {"what": "append", "frames": frames, "ahead": ahead}
            recorder.add("journal", case, append(path, frames_of(workload.timed, count), frames, ahead))
        path = Path(folder) / "replay"
        append(path, frames_of(workload.timed, len(workload.timed)), 4, 1)
        recorder.add("journal", {"what": "open"}, time_open(path))
        recorder.add("journal", {"what": "read and check"}, time_read(path))
        recorder.add("journal", {"what": "verify"}, time_verify(path))
        recorder.add("journal", {"what": "read, check and apply"}, time_replay(path, workload))


def frames_of(commands: Commands, count: int) -> list[memoryview]:
    """Return frames with that many commands in all, the workload's again and again."""
    frames = [frame.data for frame in books.split(commands, FRAME)]
    frames = [frame for frame in frames if frame.nbytes == FRAME * COMMAND.itemsize] or frames
    return [frames[index % len(frames)] for index in range(-(-count // FRAME))]


def append(path: Path, frames: Sequence[memoryview], size: int, ahead: int) -> dict[str, float | int]:
    """Append all frames to a new journal and return rates and how long groups took."""
    groups = [
        [Record(1, 1, at, NOBODY, frame) for frame in frames[at : at + size]] for at in range(0, len(frames), size)
    ]
    log = FileLog.create(path, ROLES)
    log.settle()
    laps: list[float] = []
    waiting: deque[tuple[float, int]] = deque()
    with books.paused_collection():
        begin = perf_counter()
        for group in groups:
            waiting.append((perf_counter(), log.append(group)))
            if len(waiting) == ahead:
                took(log, waiting, laps)
        while waiting:
            took(log, waiting, laps)
        seconds = perf_counter() - begin
    log.close()
    p50, p99, p999 = (float(value) * 1e6 for value in np.percentile(laps, (50, 99, 99.9)))
    return {
        "commands_per_s": len(frames) * FRAME / seconds,
        "groups_per_s": len(groups) / seconds,
        "group_p50_us": p50,
        "group_p99_us": p99,
        "group_p99_9_us": p999,
        "group_max_us": max(laps) * 1e6,
        "commands": len(frames) * FRAME,
    }


def took(log: FileLog, waiting: deque[tuple[float, int]], laps: list[float]) -> None:
    """Wait for the oldest group and note how long it took."""
    begin, sequence = waiting.popleft()
    log.durable(sequence)
    laps.append(perf_counter() - begin)


def time_open(path: Path) -> dict[str, float | int]:
    """Open a journal that was closed."""
    begin = perf_counter()
    log = FileLog.open(path, ROLES)
    seconds = perf_counter() - begin
    records = log.last
    log.close()
    return {"seconds": seconds, "frames": records}


def time_read(path: Path) -> dict[str, float | int]:
    """Read every frame as an array, which checks it, and look at none."""
    log = FileLog.open(path, ROLES)
    log.settle()
    count = 0
    begin = perf_counter()
    for batch in log.read():
        for record in batch.records:
            count += len(np.frombuffer(record.raw, COMMAND))
    seconds = perf_counter() - begin
    log.close()
    return {"commands_per_s": count / seconds, "commands": count}


def time_verify(path: Path) -> dict[str, float | int]:
    """Check a journal as an auditor does."""
    begin = perf_counter()
    verified = verify(path)
    seconds = perf_counter() - begin
    return {"commands_per_s": verified.last * FRAME / seconds, "commands": verified.last * FRAME}


def time_replay(path: Path, workload: Workload) -> dict[str, float | int]:
    """Read, check and apply to books that have been filled as the workload asks."""
    log = FileLog.open(path, ROLES)
    log.settle()
    opened = books.open_books(workload)
    count = 0
    with books.paused_collection():
        begin = perf_counter()
        for batch in log.read():
            for record in batch.records:
                commands = np.frombuffer(record.raw, COMMAND)
                opened.apply(commands)
                count += len(commands)
        seconds = perf_counter() - begin
    log.close()
    return {"commands_per_s": count / seconds, "commands": count}
