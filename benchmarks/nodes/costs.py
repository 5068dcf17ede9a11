"""What a node adds to a role: nanoseconds a frame, for a role that does nothing.

Frames of 256 commands arrive in groups; the role keeps each and answers with it. Once without a journal, so that what
remains is reading, checking, admitting, routing and sending; once with the journal on a disk, where the time of the
process and the time that passes differ by the waiting for the disk. Left out: sockets (`echo` has them).
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import BinaryIO, Final

import numpy as np

from benchmarks import books
from benchmarks.record import ROOT, Recorder
from openoutcry.domain.records import COMMAND
from openoutcry.host.kinds import Answers, RoleKind, Settings
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.parts import Part
from openoutcry.node.core.traffic import Arrival
from openoutcry.node.journal import Batch, FileLog, Log, RoleVersion, Snapshot
from openoutcry.role import FRAME_TAG, Effects, Input, Ports, Record, Send
from openoutcry.wire.frames import COMMANDS, encode_records
from tests.small_roles import NoAnswers, identity

FRAME: Final = 256
GROUPS: Final = (1, 16, 64)
FRAMES: Final = 32_768
FRAMES_QUICK: Final = 256
ROUNDS: Final = 5


class Mirror:
    """Keeps every frame and answers with it."""

    name = "mirror"
    version = 1

    def __init__(self, settings: Settings, ports: Ports, answers: Answers) -> None:
        self.number = ports.number

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        number = self.number
        return [Record(number, FRAME_TAG, now_ns, one.sender, one.raw) for one in inputs], []

    def apply(self, records: Sequence[Record]) -> Effects:
        return Effects([Send(record.sender, memoryview(record.raw)) for record in records], [])

    def resume(self) -> Effects:
        return Effects([], [])

    def snapshot(self, out: BinaryIO) -> None:
        out.write(b"")

    def restore(self, source: BinaryIO) -> None:
        source.read()

    def check(self) -> list[str]:
        return []


MIRROR: Final = RoleKind("mirror", 1, "Answers with what it gets.", Mirror, takes_records=frozenset({COMMANDS.number}))


class NoLog:
    """A log that keeps nothing."""

    first = 1
    safe = 0
    notes: Sequence[str] = ()

    def __init__(self) -> None:
        self.last = 0

    def append(self, records: Sequence[Record]) -> int:
        self.last += len(records)
        return self.last

    def durable(self, sequence: int, wait_s: float | None = None) -> bool:
        return True

    def read(self, first: int = 1) -> Iterator[Batch]:
        return iter(())

    def save(self, sequence: int, write: Callable[[BinaryIO], None]) -> None:
        raise NotImplementedError

    def load(self) -> Snapshot | None:
        return None

    def truncate(self, first: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """There is nothing to close."""


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time groups of several sizes, with and without a journal."""
    frames = FRAMES_QUICK if quick else FRAMES
    with tempfile.TemporaryDirectory(dir=os.environ.get("OUTCRY_BENCH_FOLDER", ROOT)) as folder:
        for journal in (False, True):
            for group in GROUPS:
                laps = []
                for round_number in range(1 if quick else ROUNDS):
                    path = Path(folder) / f"{group}-{round_number}"
                    log: Log = FileLog.create(path, [NODE_ROLE, RoleVersion(1, "mirror", 1)]) if journal else NoLog()
                    if isinstance(log, FileLog):
                        log.settle()
                    laps.append(time_groups(log, group, frames if not journal else frames // 4))
                    log.close()
                passed, spent = (median(lap[which] for lap in laps) for which in (0, 1))
                recorder.add(
                    "nodes",
                    {"what": "cost of a frame", "journal": journal, "frames": group},
                    {"frame_us": passed * 1e6, "frame_cpu_us": spent * 1e6},
                )


def time_groups(log: Log, group: int, frames: int) -> tuple[float, float]:
    """Return seconds that passed and seconds of this process, for one frame of 256 commands."""
    core = Core([Part(1, MIRROR, Settings())], log, identity("node"), NoAnswers())
    core.start(0)
    frame = bytes(encode_records(COMMANDS, 1, 1, np.zeros(FRAME, COMMAND)))
    arrivals = [Arrival(identity("client").key, frame)] * group
    for now_ns in range(16):
        core.step(arrivals, now_ns)
    with books.paused_collection():
        passed, spent = perf_counter(), process_time()
        for now_ns in range(frames // group):
            core.step(arrivals, now_ns)
        passed, spent = perf_counter() - passed, process_time() - spent
    count = frames // group * group
    return passed / count, spent / count
