"""How fast a node comes up again: its journal read, checked and applied to the books of a test role, by `Core.start`.

Workload A in frames of 256, four frames a group, on a disk whose pages are in memory. No snapshot: all of it is
replayed. Left out: making the keys and opening the links.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np

from benchmarks import books
from benchmarks.journal import FRAME, frames_of
from benchmarks.record import ROOT, Recorder
from benchmarks.workloads import Workload, load
from openoutcry.domain.records import COMMAND
from openoutcry.host.kinds import Answers, RoleKind, Settings
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.parts import Part
from openoutcry.node.journal import FileLog, RoleVersion
from openoutcry.role import FRAME_TAG, Ports, Record
from openoutcry.wire.frames import COMMANDS, encode_records
from tests.book_role import BookRole
from tests.small_roles import NoAnswers, identity

ROLES: Final = (NODE_ROLE, RoleVersion(1, "book", 1))
GROUP: Final = 4
ROUNDS: Final = 3


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Write a journal once and start from it several times."""
    workload = load("A", handles=False, messages=100_000) if quick else load("A", handles=False)
    with tempfile.TemporaryDirectory(dir=os.environ.get("OUTCRY_BENCH_FOLDER", ROOT)) as folder:
        path = Path(folder) / "journal"
        frames = frames_of(workload.timed, len(workload.timed))
        write(path, frames)
        rates = [time_start(path, workload, len(frames) * FRAME) for _ in range(1 if quick else ROUNDS)]
    recorder.add("nodes", {"what": "restart"}, {"commands_per_s": median(rates), "commands": len(frames) * FRAME})


def write(path: Path, frames: Sequence[memoryview]) -> None:
    """Write frames of commands as a node with the test role does."""
    sender = identity("client").key
    log = FileLog.create(path, ROLES)
    for at in range(0, len(frames), GROUP):
        group = [
            encode_records(COMMANDS, 1, at + 1, np.frombuffer(frame, COMMAND)) for frame in frames[at : at + GROUP]
        ]
        log.append([Record(1, FRAME_TAG, at + 1, sender, memoryview(frame)) for frame in group])
    log.close()


def time_start(path: Path, workload: Workload, commands: int) -> float:
    """Return how many commands a second a node replays when it is started."""

    def make(settings: Settings, ports: Ports, answers: Answers) -> BookRole:
        role = BookRole(settings, ports, answers)
        role.books = books.open_books(workload)
        return role

    kind = RoleKind("book", 1, "Books.", make, takes_records=frozenset({COMMANDS.number}))
    log = FileLog.open(path, ROLES)
    log.settle()
    core = Core([Part(1, kind, Settings())], log, identity("node"), NoAnswers())
    with books.paused_collection():
        begin = perf_counter()
        core.start(0)
        seconds = perf_counter() - begin
    assert core.counters.replayed * FRAME == commands
    log.close()
    return commands / seconds
