"""Killing the writer of tests/journal_writer.py again and again, and comparing what it said with what is there."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

from openoutcry.node.journal import FileLog, verify
from tests.journal_writer import ROLES, SETTINGS, Point, number_of

ROOT: Final = Path(__file__).parents[1]
POINTS: Final = tuple(Point)
RANDOM_KILL_S_MAX: Final = 0.25
"""After the writer has begun to write."""


class Kills:
    """One journal whose writer is killed many times. Everything that is random follows from the seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = Random(seed)
        self.acknowledged = 0
        self.counts: Counter[str] = Counter()
        self.recovery_s: list[float] = []
        FileLog.create(folder, ROLES, SETTINGS).close()

    def kill(self, point: Point) -> None:
        """Run the writer until it ends at `point`, or is ended from outside at any moment, then check."""
        said = self._run(point, self.random.randint(1, 60), self.random.getrandbits(32))
        lines = said.split(b"\n")
        begun = int(lines[0].removeprefix(b"from "))
        assert begun > self.acknowledged
        for line in lines[1:-1]:  # behind the last line break stands at most a part of a number
            assert int(line) > self.acknowledged
            self.acknowledged = int(line)
        self.counts[point.value if point is not Point.NONE else "at any moment"] += 1
        self.counts["half a line"] += bool(lines[-1])
        self.check()

    def check(self) -> None:
        """Every acknowledged record is there, none is there twice, and what was never sent is not there."""
        begin = perf_counter()
        log = FileLog.open(self.folder, ROLES, SETTINGS)
        self.recovery_s.append(perf_counter() - begin)
        self.counts["torn tails"] += len(log.notes)
        numbers = [number_of(record.raw) for batch in log.read() for record in batch.records]
        assert numbers == list(range(1, log.last + 1))
        assert log.last >= self.acknowledged
        snapshot = log.load()
        if snapshot:
            with snapshot.content as content:
                assert int(content.read()) == snapshot.sequence <= log.last
        self.counts["records"] = log.last
        log.close()
        assert verify(self.folder).last == log.last

    def _run(self, point: Point, after: int, seed: int) -> bytes:
        command = [sys.executable, "-m", "tests.journal_writer", str(self.folder), str(seed), point.value, str(after)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            said = writer.stdout.readline()
            if point is Point.NONE:
                try:
                    writer.wait(self.random.random() * RANDOM_KILL_S_MAX)
                except subprocess.TimeoutExpired:
                    writer.send_signal(signal.SIGKILL)
            said += writer.stdout.read()
        assert writer.returncode == -signal.SIGKILL, "the writer ended by itself"
        return said
