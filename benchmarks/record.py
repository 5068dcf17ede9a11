"""Results as lines of JSON: what was measured, on which commit and machine, when, and the figures."""

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results"
DIGITS: Final = 5
"""Significant digits of a figure that is kept: repeated runs differ in the second or third."""

Case: TypeAlias = Mapping[str, str | int | bool]
Figures: TypeAlias = Mapping[str, float | int | str | None]


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a results file.

    measure: the file that it goes to, without suffix. case: what tells it from other results of that measure; the
    latest line of a case replaces earlier ones in the report. Units are part of the names of the figures. date: when
    the run began, the same for all results of one run.
    """

    measure: str
    case: Case
    figures: Figures
    commit: str
    date: str
    machine: Mapping[str, str | int | float]


class Recorder:
    """Stamps figures with commit, date and machine, prints them, and appends them to the results."""

    def __init__(self, folder: Path | None) -> None:
        """folder: where the results files are; None only prints."""
        self.folder = folder
        self.commit = describe_commit()
        self.date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.machine = describe_machine()

    def add(self, measure: str, case: Case, figures: Figures) -> Result:
        """Print one result and keep it."""
        rounded = {name: _rounded(value) for name, value in figures.items()}
        load = round(os.getloadavg()[0], 2)
        result = Result(measure, dict(case), rounded, self.commit, self.date, {**self.machine, "load": load})
        print(measure, *(f"{name}={value}" for name, value in {**case, **rounded}.items()), flush=True)
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{measure}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(result)) + "\n")
        return result


def read(measure: str, folder: Path = RESULTS) -> Iterator[Result]:
    """Yield the results of a measure, oldest first; none when it was never measured.

    Raises ValueError naming the file and line that cannot be read.
    """
    path = folder / f"{measure}.jsonl"
    if not path.exists():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield Result(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path.name} line {number}: {error}") from error


def latest(measure: str, folder: Path = RESULTS) -> list[Result]:
    """Return the last result of each case, in the order in which the cases were first measured."""
    by_case: dict[str, Result] = {}
    for result in read(measure, folder):
        by_case[json.dumps(result.case, sort_keys=True)] = result
    return list(by_case.values())


def describe_machine() -> dict[str, str | int | float]:
    """Name processor, cores and what runs on them; nothing that identifies one machine among its like."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "numba": version("numba"),
    }


def describe_commit() -> str:
    """Return the commit, with a + when the engine or the benchmarks differ from it; "unknown" outside of git."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    if commit is None:
        return "unknown"
    changed = _git("status", "--porcelain", "--", "engine", "benchmarks/*.py")
    return f"{commit}+" if changed else commit


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _cpu_model() -> str:
    """Return the processor's name; platform.processor() is empty on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
