"""What a second process that follows the journal costs the node: `python -m benchmarks.run --only following`.

A thread appends groups of one frame of 256 commands, 1,000 a second, and waits for each; alone, and beside a process
that reads and checks all of it as it comes. Turn by turn in one run, three times each, since only the ratio means
something. A group takes from before `append` until `durable` returned.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Final

import numpy as np

from benchmarks.record import ROOT, Recorder
from openoutcry.domain.records import COMMAND
from openoutcry.node.journal import FileLog, RoleVersion
from openoutcry.role import NOBODY, Record

FRAME: Final = 256
GROUPS: Final = 5_000
GROUPS_QUICK: Final = 200
EVERY_S: Final = 0.001
TURNS: Final = 3
ROLES: Final = (RoleVersion(1, "book", 1),)


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time both, in turns."""
    count = GROUPS_QUICK if quick else GROUPS
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(dir=os.environ.get("OUTCRY_BENCH_FOLDER", ROOT)) as folder:
        for turn in range(1 if quick else TURNS):
            for followed in (False, True):
                found[followed].append(time_groups(Path(folder) / f"{turn}-{followed}", count, followed))
    alone, beside = ([median(turn[part] for turn in found[followed]) for part in (0, 1)] for followed in (False, True))
    figures = {
        "alone_p50_us": alone[0],
        "alone_p99_us": alone[1],
        "followed_p50_us": beside[0],
        "followed_p99_us": beside[1],
        "ratio_p50": beside[0] / alone[0],
        "ratio_p99": beside[1] / alone[1],
    }
    recorder.add("following", {"frames": 1, "groups_per_s": int(1 / EVERY_S)}, figures)


def time_groups(path: Path, count: int, followed: bool) -> tuple[float, float]:
    """Return median and 99th percentile of a group, in microseconds."""
    log = FileLog.create(path, ROLES)
    log.settle()
    group = [Record(1, 1, 1, NOBODY, np.ones(FRAME, COMMAND).tobytes())]
    command = [sys.executable, "-m", "benchmarks.children.follower", str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "engine", ROOT)))}
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) if followed else None
    try:
        if child is not None and child.stdout is not None:
            child.stdout.readline()
        laps = []
        due = perf_counter()
        for _ in range(count):
            due += EVERY_S
            sleep(max(0.0, due - perf_counter()))
            begin = perf_counter()
            log.durable(log.append(group))
            laps.append((perf_counter() - begin) * 1e6)
    finally:
        if child is not None:
            child.kill()
            child.communicate()
        log.close()
    p50, p99 = (float(value) for value in np.percentile(laps, (50, 99)))
    return p50, p99
