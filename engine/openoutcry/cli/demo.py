"""`outcry demo`: half an hour of real order flow, or generated flow where there is no recording.

Played by members of a venue over the network, with a kill in the middle; or, with --replay, through books in this
process, both ways.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
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

DIFFERENT_EXIT: Final = 1
"""Something is not as it would have been without the kill."""

BROKEN_EXIT: Final = 70
"""The market could not be played to its end."""

INTERRUPTED_EXIT: Final = 130


@dataclass(frozen=True, slots=True)
class Recording:
    """What the demonstration replays: where it is, and what to say about it."""

    source: Source
    said: str


def run_market(
    sample: Path | None, out: Path, *, as_json: bool, plain: bool, quick: bool, lines: bool, svg: Path | None = None
) -> int:
    """Play the sample on a venue, print what happened, and return the exit code: 0 where all is as it should be.

    Raises ReplayError, UsageError.
    """
    from rich.console import Console

    from openoutcry.cli.market.crew import MarketBroken
    from openoutcry.cli.market.market import play_market
    from openoutcry.cli.market.play import play_of
    from openoutcry.cli.market.report import show_outcome, write_picture
    from openoutcry.client import ClientError

    say = _sayer(as_json)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReplayError(f"--out {out}: {error.strerror}") from error
    path, recording = _recording(sample, out, plain)
    say(recording.said)
    play = play_of(_flow(recording), quick=quick, is_real=path is not None)
    console = Console()
    try:
        with ended_by_sigterm():
            outcome = play_market(play, console, out, live=not lines, plain=plain, quiet=as_json)
    except (MarketBroken, ClientError) as error:
        sys.stderr.write(f"outcry: {error}\nThe venue's log is {out / 'venue.log'}.\n")
        return BROKEN_EXIT
    except KeyboardInterrupt:
        sys.stderr.write("outcry: interrupted; every process of the market has ended\n")
        return INTERRUPTED_EXIT
    values = {"sample": str(path) if path else None, **outcome.values()}
    try:
        (out / "market.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        if svg is not None:
            write_picture(outcome, svg, plain)
    except OSError as error:
        raise ReplayError(f"{error.filename or out}: {error.strerror}") from error
    if as_json:
        print(json.dumps(values))
    else:
        show_outcome(outcome, console, plain)
    return 0 if outcome.holds else DIFFERENT_EXIT


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C while the block runs, so that what was started is ended."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_demo(sample: Path | None, out: Path, as_json: bool, plain: bool) -> None:
    """Replay the sample in both modes, print what happened and write the files. Raises ReplayError."""
    check_outputs(out)
    say = _sayer(as_json)
    path, recording = _recording(sample, out, plain)
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


def _recording(sample: Path | None, out: Path, plain: bool) -> tuple[Path | None, Recording]:
    """Return where the recording is, None for one that was generated, and the recording."""
    path = find_sample(sample)
    return path, Recording(Source(path), f"Recorded order flow: {path}") if path else _generated(out, plain)


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
