"""Our books beside the matching engines that PyPI offers: the same messages, one after the other, in the same run.

The others take one message per call and have no accounts, limits or self-trade prevention; ours has all of them on.
They are therefore compared with ours twice: message by message, and as both are meant to be used, theirs message by
message and ours in batches. Each runs in a process of its own, `benchmarks/children/peer.py`, and must end with as many
resting orders as the flow's own book.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks import books
from benchmarks.record import ROOT, Recorder
from benchmarks.workloads import MESSAGES, load

DRIVER: Final = Path(__file__).with_name("children") / "peer.py"
ENVIRONMENTS: Final = ROOT / ".benchmarks" / "peers"
"""Where an interpreter of its own for a peer is set up, and found again. Not part of the repository."""

ROUNDS: Final = 5
PEER_SECONDS_MAX: Final = 600
BATCHES: Final = (1, 256, 4096)
SINGLE_CALLS: Final = 250_000


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine, by its name in the driver, and how much of each workload it is given.

    messages: per workload, fewer where it would take minutes. module: what must be importable to run it here.
    requirement: installed into an environment of its own, under `python`, when this interpreter does not have it.
    """

    name: str
    module: str
    messages: dict[str, int]
    requirement: str = ""
    python: str = ""


PEERS: Final = (
    Peer(
        "limit-order-book",
        "limit_order_book",
        {"A": MESSAGES, "B": MESSAGES, "C": MESSAGES},
        requirement="limit-order-book==3.1.0",
        python="3.13",
    ),
    Peer("limit-order-book", "limit_order_book", {"A": MESSAGES, "B": MESSAGES, "C": MESSAGES}),
    Peer("orderly-chaos", "orderly_chaos", {"A": MESSAGES, "B": MESSAGES, "C": MESSAGES}),
    Peer("orderly-chaos, trades", "orderly_chaos", {"A": MESSAGES, "B": MESSAGES, "C": MESSAGES}),
    Peer("lightmatchingengine", "lightmatchingengine", {"A": 100_000, "B": 1_000, "C": 200_000}),
    Peer("order-matching", "order_matching.matching_engine", {"A": 300}),
)


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure every peer that can be run, and ours, on A, B and C; record both."""
    rounds = 1 if quick else ROUNDS
    messages = 100_000 if quick else MESSAGES
    found = [(peer, find_interpreter(peer)) for peer in PEERS]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("A", "B", "C"):
            for peer, interpreter in found:
                given = min(messages, peer.messages.get(name, 0))
                if interpreter is None or not given:
                    continue
                figures = run_peer(peer, interpreter, name, given, rounds, Path(folder))
                case = {"workload": name, "engine": peer.name, "version": figures.pop("version")}
                recorder.add("peers", case, figures)
            for naming in ("handles", "client ids"):
                for batch in BATCHES:
                    figures = run_ours(name, naming == "handles", batch, messages, rounds)
                    case = {"workload": name, "engine": f"openoutcry, {naming}", "batch": batch}
                    recorder.add("peers", case, figures)


def run_ours(name: str, handles: bool, batch: int, messages: int, rounds: int) -> dict[str, Any]:
    """Measure our books with everything switched on."""
    workload = load(name, handles=handles, messages=messages)
    books.check(workload, batch=max(batch, 16))
    timed = workload.timed[:SINGLE_CALLS] if batch == 1 else workload.timed
    batches = books.split(timed, batch)
    seconds = [books.run(books.open_books(workload), batches) for _ in range(rounds)]
    return {"messages_per_s": len(timed) / median(seconds), "messages": len(timed), "reports": "every event"}


def run_peer(peer: Peer, interpreter: Path, name: str, messages: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Measure one peer in a child process. Raises `books.Disagreement` where it did not do what the flow says."""
    workload = load(name, messages=messages)
    stream = folder / f"{name}-{messages}"
    if not stream.exists():
        write_stream(stream, len(workload.pairs), workload.flow.prefill, workload.flow.timed)
    command: list[str | Path] = [interpreter, DRIVER, peer.name, stream, str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PEER_SECONDS_MAX, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer.name} on {name} failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    expected = workload.expected
    if found["resting"] != expected.resting or found["volume_lots"] not in (None, expected.volume_lots):
        raise books.Disagreement(
            f"{peer.name} on {name}: {found['resting']} orders rest and {found['volume_lots']} lots traded, "
            f"expected {expected.resting} and {expected.volume_lots}"
        )
    return {
        "version": found["version"],
        "messages_per_s": found["messages"] / median(found["seconds"]),
        "messages": found["messages"],
        "reports": found["reports"],
        "python": found["python"],
    }


def write_stream(path: Path, pairs: int, prefill: np.ndarray[Any, Any], timed: np.ndarray[Any, Any]) -> None:
    """Write a flow in the format that the driver reads."""
    with path.open("wb") as file:
        np.array([pairs, len(prefill), len(timed)], "<i8").tofile(file)
        for column in ("op", "side", "book", "order", "price_ticks", "qty_lots"):
            np.concatenate([prefill[column], timed[column]]).astype("<i8").tofile(file)


def find_interpreter(peer: Peer) -> Path | None:
    """Return an interpreter that can import the peer, set up where it needs one of its own; say why there is none."""
    if not peer.requirement:
        here = Path(sys.executable)
        if _runs(here, f"import {peer.module}"):
            return here
        print(f"left out: {peer.name}, since {peer.module} cannot be imported")
        return None
    own = ENVIRONMENTS / peer.requirement / "bin" / "python"
    if own.exists() and _runs(own, f"import {peer.module}"):
        return own
    for python in _pythons(peer.python):
        if _install(python, own.parent.parent, peer.requirement) and _runs(own, f"import {peer.module}"):
            return own
    print(f"left out: {peer.requirement}, since it needs a Python {peer.python} with a package index")
    return None


def _pythons(wanted: str) -> Iterator[Path]:
    """Yield interpreters of a version: on the path, then those that pyenv keeps."""
    test = f"import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '{wanted}')"
    found = shutil.which(f"python{wanted}")
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [Path(found)] if found else []
    candidates += sorted(kept.glob(f"{wanted}*/bin/python{wanted}"))
    yield from (python for python in candidates if _runs(python, test))


def _install(python: Path, folder: Path, requirement: str) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return _done([python, "-m", "venv", folder]) and _done(
        [folder / "bin" / "python", "-m", "pip", "install", "-q", requirement]
    )


def _runs(python: Path, code: str) -> bool:
    return _done([python, "-c", code])


def _done(command: Sequence[str | Path]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
