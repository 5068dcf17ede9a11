"""One target in a process of its own: `python -m tests.fuzz.targets.child NAME RAW SEEDS ARGUMENT ...`.

SEEDS: the folder that the good inputs go to. ARGUMENT: as libFuzzer takes them.
RAW 1 leaves all changes to libFuzzer, to see what the structure is good for.
"""

import sys
from pathlib import Path
from random import Random

import atheris

from tests.fuzz.targets.target import INSTRUMENTED, load


def main(name: str, raw: bool, seeds: Path, arguments: list[str]) -> None:
    """Search until the arguments say that it is enough; ends the process, with another code than 0 for a fault."""
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        target = load(name)
    for number, one in enumerate(target.seeds()):
        (seeds / f"seed-{number}").write_bytes(one)

    def change(data: bytes, bytes_max: int, seed: int) -> bytes:
        return target.change(data, Random(seed), atheris.Mutate)[:bytes_max]

    # New inputs go to the first folder, so that is the one of the seeds.
    arguments = [sys.argv[0], f"-max_len={target.bytes_max}", str(seeds), *arguments]
    if raw:
        atheris.Setup(arguments, target.run)
    else:
        atheris.Setup(arguments, target.run, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "1", Path(sys.argv[3]), sys.argv[4:])
