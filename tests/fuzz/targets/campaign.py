"""Running targets, each in a process of its own, and saying what they found."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
CORPUS: Final = ROOT / "tests" / "fuzz" / "corpus"
"""Inputs that were worth keeping: they once showed a fault, or reach what the seeds do not. One folder for a target."""

INPUT_S_MAX: Final = 10
"""One input that takes longer is a fault."""

MEMORY_MB_MAX: Final = 1_024
"""A process that grows beyond this is a fault; numpy and what is decoded take 150."""

LINES_MAX: Final = 30
INPUT_SHOWN_MAX: Final = 2_000
"""Characters of an input that are shown; `--keep` keeps all of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run of one target found. runs: inputs that were tried. covered: branches. fault: what was raised."""

    name: str
    runs: int
    covered: int
    fault: str


def search(
    name: str, *, runs: int = -1, seconds: int = 0, seed: int = 1, raw: bool = False, keep: Path | None = None
) -> Found:
    """Search one target.

    runs, seconds: when it is enough. seed: the same one gives the same inputs for the same runs. keep: a folder for
    inputs that reach something new, and for the one that shows a fault.
    """
    with tempfile.TemporaryDirectory(prefix="outcry-fuzz-") as folder:
        seeds = keep if keep is not None else Path(folder) / "seeds"
        seeds.mkdir(parents=True, exist_ok=True)
        arguments = [f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={INPUT_S_MAX}"]
        arguments += [
            f"-rss_limit_mb={MEMORY_MB_MAX}",
            "-print_final_stats=1",
            "-use_value_profile=1",
            "-len_control=0",
        ]
        arguments += [f"-artifact_prefix={seeds}/"]
        arguments += [str(CORPUS / name)] if (CORPUS / name).is_dir() else []
        command = [sys.executable, "-m", "tests.fuzz.targets.child", name, str(int(raw)), str(seeds), *arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "0", "TMPDIR": folder}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace")
        said = done.stdout + done.stderr
        tried = re.search(r"stat::number_of_executed_units: (\d+)", said)
        covered = re.findall(r" cov: (\d+) ", said)
        fault = "" if done.returncode == 0 else _fault(said, seeds)
    return Found(name, int(tried[1]) if tried else 0, int(covered[-1]) if covered else 0, fault)


def _fault(said: str, seeds: Path) -> str:
    """Return the part of what was said that tells the fault, and the input as a Python literal."""
    at = max(said.find("=== Uncaught Python exception"), 0)
    lines = [
        line
        for line in said[at:].splitlines()
        if line and not line.startswith(("INFO", "WARNING: Failed to find function", "==", "#"))
    ][:LINES_MAX]
    shown = [repr(path.read_bytes()) for pattern in ("crash-*", "timeout-*", "oom-*") for path in seeds.glob(pattern)]
    return "\n".join([*lines, *(f"input: {one[:INPUT_SHOWN_MAX]}" for one in shown)])


def report(found: Sequence[Found]) -> str:
    """Return a table of what was found, and each fault below it."""
    rows = [
        f"{one.name:16} {one.runs:>10,} runs  {one.covered:>6,} branches  {'FAULT' if one.fault else 'ok'}"
        for one in found
    ]
    return "\n".join([*rows, *(f"\n{one.name}:\n{one.fault}" for one in found if one.fault)])
