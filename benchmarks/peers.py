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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
TRIAL_MESSAGES: Final = 1_000


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


@dataclass(slots=True)
class Contender:
    """One engine on one workload: what it is called in the results, and the seconds of each round."""

    case: dict[str, str | int]
    facts: dict[str, str | int]
    run: Callable[[], float]
    seconds: list[float] = field(default_factory=list)


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure every peer that can be run, and ours, on A, B and C; record both.

    Round by round, each engine once in every round: what else the machine does meets all of them alike.
    """
    messages = 100_000 if quick else MESSAGES
    found = [(peer, find_interpreter(peer)) for peer in PEERS]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("A", "B", "C"):
            contenders = [
                enter_peer(peer, interpreter, name, min(messages, peer.messages[name]), Path(folder))
                for peer, interpreter in found
                if interpreter is not None and name in peer.messages
            ]
            contenders += [
                enter_ours(name, naming, batch, messages) for naming in ("handles", "client ids") for batch in BATCHES
            ]
            for _ in range(1 if quick else ROUNDS):
                for contender in contenders:
                    contender.seconds.append(contender.run())
            for contender in contenders:
                rate = int(contender.facts["messages"]) / median(contender.seconds)
                recorder.add("peers", contender.case, {"messages_per_s": rate, **contender.facts})


def enter_ours(name: str, naming: str, batch: int, messages: int) -> Contender:
    """Prepare our books with everything switched on."""
    workload = load(name, handles=naming == "handles", messages=messages)
    books.check(workload, batch=max(batch, 16))
    timed = workload.timed[:SINGLE_CALLS] if batch == 1 else workload.timed
    batches = books.split(timed, batch)
    return Contender(
        {"workload": name, "engine": f"openoutcry, {naming}", "batch": batch},
        {"messages": len(timed), "reports": "every event"},
        lambda: books.run(books.open_books(workload), batches),
    )


def enter_peer(peer: Peer, interpreter: Path, name: str, messages: int, folder: Path) -> Contender:
    """Prepare a peer: write its messages and try it on a few of them."""
    few = min(messages, TRIAL_MESSAGES)
    trial = run_peer(peer, interpreter, name, few, folder)
    case: dict[str, str | int] = {"workload": name, "engine": peer.name, "version": str(trial["version"])}
    facts: dict[str, str | int] = {
        "messages": len(load(name, messages=messages).timed),
        "reports": str(trial["reports"]),
        "python": str(trial["python"]),
    }
    return Contender(case, facts, lambda: float(run_peer(peer, interpreter, name, messages, folder)["seconds"]))


def run_peer(peer: Peer, interpreter: Path, name: str, messages: int, folder: Path) -> dict[str, Any]:
    """Run one peer once, in a child process.

    Raises RuntimeError where it fails, `books.Disagreement` where it did not do what the flow says.
    """
    workload = load(name, messages=messages)
    stream = folder / f"{name}-{messages}"
    if not stream.exists():
        write_stream(stream, len(workload.pairs), workload.flow.prefill, workload.flow.timed)
    command: list[str | Path] = [interpreter, DRIVER, peer.name, stream]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PEER_SECONDS_MAX, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer.name} on {name} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    expected = workload.expected
    if found["resting"] != expected.resting or found["volume_lots"] not in (None, expected.volume_lots):
        raise books.Disagreement(
            f"{peer.name} on {name}: {found['resting']} orders rest and {found['volume_lots']} lots traded, "
            f"expected {expected.resting} and {expected.volume_lots}"
        )
    return found


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
