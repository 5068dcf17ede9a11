"""`outcry demo`: half an hour of real order flow, or generated flow where there is no recording, both ways."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from openoutcry.cli.running import MODES, books, check_outputs, run, write
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import Flow
from openoutcry.replay.generate import Recipe, generate
from openoutcry.replay.readers import plain as plain_reader
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import ARCHIVES, Source
from openoutcry.replay.table import AUTO, read

SAMPLE_VARIABLE: Final = "OUTCRY_SAMPLE"
SAMPLE_FOLDER: Final = "sample"
"""Folder inside a virtual environment into which `make demo` fetches the recording."""

GENERATED_ORDERS: Final = 60_000
GENERATED_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Recording:
    """What the demonstration replays: where it is, and what to say about it."""

    source: Source
    said: str


def run_demo(sample: Path | None, out: Path, as_json: bool, plain: bool) -> None:
    """Replay the sample in both modes, print what happened and write the files. Raises ReplayError."""
    check_outputs(out)
    say = _sayer(as_json)
    path = find_sample(sample)
    recording = Recording(Source(path), f"Recorded order flow: {path}") if path else _generated(out, plain)
    say(recording.said)
    summaries: dict[str, Any] = {"sample": str(path) if path else None}
    for mode in MODES:
        say(f"\n{_INTRODUCTIONS[mode]}")
        replayed = run(lambda: _flow(recording), mode, plain, as_json)
        written = write(replayed, out / mode)
        summaries[mode] = {**replayed.summary, "files": [str(file) for file in written]}
        if not as_json:
            _show(replayed.summary)
    if as_json:
        print(json.dumps(summaries))
    else:
        for mode in MODES:
            say(f"Picture of the {mode}: {out / mode / 'picture.png'}")
        say("Tables beside it: trades.parquet, quotes.parquet, depth.parquet")


def find_sample(named: Path | None) -> Path | None:
    """Return the recording to replay, or None where there is none.

    named: what the user named, which must be there; so must what OUTCRY_SAMPLE names.
    """
    variable = os.environ.get(SAMPLE_VARIABLE)
    if named is None and variable:
        named = Path(variable)
    if named is not None:
        if not named.exists():
            raise ReplayError(f"{named}: no such file or folder")
        return _archive_in(named) or named
    places = (Path(".venv") / SAMPLE_FOLDER, Path(sys.prefix) / SAMPLE_FOLDER)
    return next((found for place in places if (found := _archive_in(place))), None)


def _archive_in(folder: Path) -> Path | None:
    """Return the archive in a folder, None if there is none."""
    if not folder.is_dir():
        return None
    return next((entry for entry in sorted(folder.iterdir()) if entry.suffix in ARCHIVES), None)


_INTRODUCTIONS: Final = {
    "rebuild": "Rebuilding the venue's book from its own messages, and checking each execution against it.",
    "rematch": "Matching anew: only what traders did, and our book decides who trades.",
}


def _flow(recording: Recording) -> Flow:
    return read(recording.source, AUTO, Options())


def record_generated(out: Path, plain: bool) -> Path:
    """Generate order flow and write it in our own format, so that it comes in as a recording does."""
    flow = generate(Recipe(orders=GENERATED_ORDERS), np.random.default_rng(GENERATED_SEED), books(plain))
    path = out / "generated.csv"
    plain_reader.write(flow, path)
    return path


def _generated(out: Path, plain: bool) -> Recording:
    path = record_generated(out, plain)
    said = (
        f"There is no recording (--sample FILE or {SAMPLE_VARIABLE} names one; `make demo` fetches one),\n"
        f"so this is GENERATED order flow, of random traders, not of a real market: {path}"
    )
    return Recording(Source(path), said)


def _sayer(as_json: bool) -> Callable[[str], None]:
    return (lambda text: None) if as_json else (lambda text: print(text, flush=True))


def _show(summary: dict[str, Any]) -> None:
    from rich.console import Console

    from openoutcry.cli.show import show

    show(summary, Console())
