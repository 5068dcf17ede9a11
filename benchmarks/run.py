"""Measures the engine and keeps the results: `python -m benchmarks.run [--quick] [--only NAME ...] [--out FOLDER]`.

The timings by pytest-benchmark (`suites`), then what needs more than a median: the journal (`journal`), the views
beside it (`store`), the spread of single calls (`latency`), resident memory (`memory`), nodes behind sockets (`nodes`),
and the side-by-side with other engines (`peers`). With --quick everything is small, one round, printed and not kept: it
shows that the benchmarks work. `python -m benchmarks.report` writes the page.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import following, journal, junk, latency, marketdata, memory, nodes, peers, simulation, store, venue
from benchmarks.record import RESULTS, ROOT, Recorder
from benchmarks.suites.scale import QUICK

SUITES: Final = Path(__file__).with_name("suites")
NEITHER_CASE_NOR_FIGURE: Final = ("measure", "case")


def run_suites(recorder: Recorder, *, quick: bool = False, only: Sequence[str] = ()) -> None:
    """Run the suites, or those named, and record the median of each timing. Exits when one of them fails."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        files = [str(SUITES / f"test_{name}.py") for name in only] or [str(SUITES)]
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--benchmark-enable", "--benchmark-only"]
        command += ["--benchmark-disable-gc", "--benchmark-columns=min,median,max,rounds"]
        command += [f"--benchmark-json={report}", *files]
        environment = {**os.environ, QUICK: "1"} if quick else dict(os.environ)
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        timings = json.loads(report.read_text(encoding="utf-8"))["benchmarks"]
    for timing in timings:
        facts, stats = timing["extra_info"], timing["stats"]
        figures = {name: value for name, value in facts.items() if name not in NEITHER_CASE_NOR_FIGURE}
        figures |= {"seconds": stats["median"], "seconds_min": stats["min"], "seconds_max": stats["max"]}
        figures["rounds"] = stats["rounds"]
        if "messages" in facts:
            figures["messages_per_s"] = facts["messages"] / stats["median"]
        recorder.add(facts["measure"], facts["case"], figures)
    if status:
        raise SystemExit("Not everything could be timed (see above); what could be is kept.")


SUITE_NAMES: Final = tuple(sorted(path.stem.removeprefix("test_") for path in SUITES.glob("test_*.py")))
MEASURES: Final[dict[str, Callable[..., None]]] = {
    "following": following.measure,
    "journal": journal.measure,
    "junk": junk.measure,
    "latency": latency.measure,
    "marketdata": marketdata.measure,
    "memory": memory.measure,
    "nodes": nodes.measure,
    "peers": peers.measure,
    "simulation": simulation.measure,
    "store": store.measure,
    "venue": venue.measure,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    names = (*SUITE_NAMES, *MEASURES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure the engine.")
    parser.add_argument("--quick", action="store_true", help="small, one round, not kept: shows that it works")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results (benchmarks/results)")
    chosen = parser.parse_args(arguments)
    recorder = Recorder(None if chosen.quick else chosen.out)
    if suites := [name for name in SUITE_NAMES if name in chosen.only]:
        run_suites(recorder, quick=chosen.quick, only=suites)
    for name, measure in MEASURES.items():
        if name in chosen.only:
            measure(recorder, quick=chosen.quick)


if __name__ == "__main__":
    main()
