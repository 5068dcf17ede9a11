"""One replay from source to files, as every command runs it."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openoutcry.replay.books import OpenBooks, open_fast, open_plain
from openoutcry.replay.error import MissingLibrary, ReplayError
from openoutcry.replay.flow import Flow, busiest
from openoutcry.replay.levels import LevelCheck, check_levels
from openoutcry.replay.picture import draw
from openoutcry.replay.rebuild import Rebuilt, rebuild
from openoutcry.replay.rematch import Rematched, rematch
from openoutcry.replay.summary import summarize
from openoutcry.replay.table import READERS, Reader, unknown
from openoutcry.replay.tables import write_tables

MODES: Final = ("rebuild", "rematch")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay that has run: its flow, what came of it, and that in numbers."""

    flow: Flow
    outcome: Rebuilt | Rematched
    summary: dict[str, Any]


def check_mode(mode: str) -> None:
    """Raise ReplayError, with a suggestion, for a mode that is none."""
    if mode not in MODES:
        raise ReplayError(unknown("mode", mode, list(MODES)))


def plugin_readers(names: Sequence[str]) -> Mapping[str, Reader]:
    """Return the readers that these plugins bring, by name. Raises UsageError for a plugin that cannot be loaded.

    Who names a plugin on the command line trusts it: its readers run in this process.
    """
    from openoutcry.cli.usage import UsageError
    from openoutcry.host.errors import PluginError
    from openoutcry.host.loading import load
    from openoutcry.host.settings import PluginSettings

    try:
        plugins = load({name: PluginSettings(trusted=True) for name in names})
    except PluginError as error:
        raise UsageError(str(error)) from error
    plugins.close()
    for name, fault in plugins.broken.items():
        raise UsageError(f"plugin {name}: {fault}")
    for name in plugins.readers:
        if name in READERS:
            raise UsageError(f"a plugin brings reader {name}, which is the name of one of the engine")
    return plugins.readers


def check_outputs(out: Path) -> None:
    """Find out before the work whether its results can be written. Raises ReplayError."""
    for library in ("pyarrow", "matplotlib"):
        try:
            __import__(library)
        except ImportError as error:
            raise MissingLibrary("writing tables and a picture", library, "replay") from error
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReplayError(f"--out {out}: {error.strerror}") from error


def books(plain: bool) -> OpenBooks:
    """Return what opens the books that the user asked for."""
    return open_plain if plain else open_fast


def run(read: Callable[[], Flow], mode: str, plain: bool, quiet: bool) -> Replayed:
    """Read a flow and replay it. quiet: no progress bar."""
    begun = time.perf_counter_ns()
    with progress_bar(quiet) as advance:
        advance("reading")(0, 0)
        flow = read()
        outcome: Rebuilt | Rematched
        if mode == "rebuild":
            outcome = rebuild(flow, books(plain), time.perf_counter_ns, advance(mode))
        else:
            outcome = rematch(flow, books(plain), time.perf_counter_ns, advance(mode))
        total_ns = time.perf_counter_ns() - begun
        levels: LevelCheck | None = None
        if flow.book is not None and mode == "rebuild":
            levels = check_levels(flow, flow.book, books(plain), advance("checking levels"))
    return Replayed(flow, outcome, summarize(flow, outcome, total_ns=total_ns, levels=levels))


def write(replayed: Replayed, out: Path) -> list[Path]:
    """Write tables, picture and summary into a folder and return their paths."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = write_tables(replayed.flow, replayed.outcome, out)
        for pair in busiest(replayed.flow.messages, 1):
            written.append(out / "picture.png")
            draw(replayed.flow, replayed.outcome, pair, written[-1])
        written.append(out / "summary.json")
        written[-1].write_text(json.dumps(replayed.summary, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ReplayError(f"{error.filename or out}: {error.strerror}") from error
    return written


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str], Progress]]:
    """Show a progress bar on standard error while the block runs; yields a function that begins a stage of the work."""
    if quiet or not sys.stderr.isatty():
        yield lambda stage: lambda done, count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def begin(stage: str) -> Callable[[int, int], None]:
            bar.update(task, description=stage, completed=0, total=None)
            return lambda done, count: bar.update(task, completed=done, total=count or None)

        yield begin
