"""`python -m tests.fuzz.targets [--seconds N | --runs N] [--seed S] [--keep FOLDER] [NAME ...]`: search for faults.

Two targets at a time, each for its share of the seconds. Exits with 1 where one has a fault.
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets.campaign import Found, report, search
from tests.fuzz.targets.target import MODULES


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.targets", description="Fuzz every decoder.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"targets (all): {', '.join(MODULES)}")
    parser.add_argument("--seconds", type=int, default=300, help="for all targets together (300)")
    parser.add_argument("--runs", type=int, default=-1, help="inputs for each target, in place of seconds")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices (1)")
    parser.add_argument("--keep", type=Path, help="folder for inputs that reach something new, one below it a target")
    parser.add_argument("--raw", action="store_true", help="change bytes without looking at their structure")
    chosen = parser.parse_args()
    names = chosen.names or list(MODULES)
    workers = max(1, min(len(names), os.cpu_count() or 1))
    seconds = max(1, chosen.seconds * workers // len(names)) if chosen.runs < 0 else 0

    def one(name: str) -> Found:
        keep = chosen.keep / name if chosen.keep else None
        return search(name, runs=chosen.runs, seconds=seconds, seed=chosen.seed, raw=chosen.raw, keep=keep)

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(one, names))
    print(report(found))
    return int(any(each.fault for each in found))


if __name__ == "__main__":
    sys.exit(main())
