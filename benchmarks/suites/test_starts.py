"""Starting from nothing: compiling the kernels, the first match with the compiled code on disk, `outcry --help`.

Each is a process of its own, timed from its start to its end, interpreter included.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.record import ROOT
from benchmarks.suites.scale import Scale

COMPILE = [sys.executable, "-m", "openoutcry.book.warm"]
FIRST_MATCH = [sys.executable, "-m", "benchmarks.children.start"]
HELP = [sys.executable, "-c", "from openoutcry.cli.main import main; main()", "--help"]


def run(command: list[str], cache: Path | None = None) -> None:
    """Run a process to its end, with its own folder for compiled code where one is given."""
    environment = dict(os.environ)
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for compiled code."""
    return tmp_path_factory.mktemp("compiled")


def test_cold(benchmark: BenchmarkFixture, cache: Path) -> None:
    """Everything is compiled, once: what set-up does."""
    benchmark.extra_info |= {"measure": "starts", "case": {"what": "compile everything"}}
    benchmark.pedantic(run, args=(COMPILE, cache), rounds=1)


def test_warm(benchmark: BenchmarkFixture, cache: Path, scale: Scale) -> None:
    """Open books, match two orders, end; the code that `test_cold` compiled is loaded."""
    run(COMPILE, cache)
    benchmark.extra_info |= {"measure": "starts", "case": {"what": "first match"}}
    benchmark.pedantic(run, args=(FIRST_MATCH, cache), rounds=scale.rounds, warmup_rounds=1)


def test_help(benchmark: BenchmarkFixture, scale: Scale) -> None:
    """`outcry --help`, which loads neither numba nor numpy."""
    benchmark.extra_info |= {"measure": "starts", "case": {"what": "outcry --help"}}
    benchmark.pedantic(run, args=(HELP,), rounds=scale.rounds, warmup_rounds=1)
