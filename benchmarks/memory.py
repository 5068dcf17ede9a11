"""Resident memory that resting orders take, each case in a fresh process."""

import json
import subprocess
import sys
from typing import Final

from benchmarks.record import ROOT, Recorder

RESTING: Final = 1_000_000


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Let a process grow from no order to a million, by handle and by client id."""
    resting = 100_000 if quick else RESTING
    for naming in ("handles", "client ids"):
        command = [sys.executable, "-m", "benchmarks.children.memory", naming, str(resting)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        recorder.add("memory", {"naming": naming, "resting": resting}, json.loads(done.stdout))
