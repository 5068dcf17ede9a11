"""`outcry simulate`: which runs are made, and how they are shown."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table

from openoutcry.host.errors import PluginError
from openoutcry.host.kinds import Scenario
from openoutcry.replay.table import unknown
from openoutcry.simulation.campaign import run_campaign
from openoutcry.simulation.faults import ALL, MEANING, Fault
from openoutcry.simulation.options import Options
from openoutcry.simulation.outcome import Failure, Totals
from openoutcry.simulation.scenarios import choose, load_scenarios

SEEDS: Final = 100
FAILURES_SHOWN: Final = 3
SIGNATURES: Final[Mapping[str, bool | None]] = {"mixed": None, "checksum": False, "ed25519": True}
NO_FAULTS: Final = "none"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command, as they came."""

    scenario: str | None
    seeds: int | None
    seed: int | None
    faults: str | None
    minutes: float | None
    signatures: str
    plugins: tuple[str, ...]
    verbose: bool
    json: bool


def run_simulate(asked: Asked) -> int:
    """Do what was asked and return how many runs failed. Raises typer.BadParameter for names that are none."""
    faults = read_faults(asked.faults)
    if asked.signatures not in SIGNATURES:
        raise typer.BadParameter(unknown("kind of signatures", asked.signatures, list(SIGNATURES)))
    tell = print if asked.verbose and not asked.json else None
    options = Options(faults, SIGNATURES[asked.signatures], tell=tell)
    begun = time.process_time()
    totals = [
        run_campaign(scenario, _seeds(asked), options, _until(asked.minutes)) for scenario in find_scenarios(asked)
    ]
    seconds = time.process_time() - begun
    if asked.json:
        print(json.dumps({"cpu_seconds": round(seconds, 3), "scenarios": [as_json(one, asked) for one in totals]}))
    else:
        show(totals, asked, seconds, Console())
    return sum(len(one.failures) for one in totals)


def read_faults(text: str | None) -> tuple[Fault, ...]:
    """Read a list of kinds, separated by commas. Raises typer.BadParameter for a kind that is none."""
    if text is None:
        return ALL
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == [NO_FAULTS]:
        return ()
    for name in names:
        if name not in MEANING:
            raise typer.BadParameter(unknown("kind of faults", name, [*MEANING, NO_FAULTS]))
    return tuple(fault for fault in ALL if fault in names)


def find_scenarios(asked: Asked) -> Sequence[Scenario]:
    """Return the scenario that was asked for, or all. Raises typer.BadParameter."""
    try:
        known = load_scenarios(asked.plugins)
        if asked.scenario is not None:
            return [choose(asked.scenario, known)]
    except PluginError as error:
        raise typer.BadParameter(str(error)) from error
    if not known:
        raise typer.BadParameter("no installed plugin brings a scenario: pip install openoutcry-counter")
    return list(known.values())


def as_json(totals: Totals, asked: Asked) -> dict[str, Any]:
    """Return the totals of one scenario as values for JSON."""
    return {
        "scenario": totals.scenario,
        "seeds": totals.seeds,
        "virtual_seconds": totals.time_ns // 10**9,
        "messages": totals.messages,
        "frames": totals.frames,
        "groups": totals.groups,
        "faults": totals.faults(),
        "crash_points": totals.points(),
        "failures": [{**asdict(one), "repeat": repeat(one, asked)} for one in totals.failures],
    }


def show(totals: Sequence[Totals], asked: Asked, seconds: float, console: Console) -> None:
    """Print a table with a column for each scenario, and what broke."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", style="bold", no_wrap=True)
    for one in totals:
        table.add_column(one.scenario, justify="right", overflow="fold")
    for name, values in _rows(totals):
        table.add_row(name, *values)
    console.print(table, highlight=False)
    messages = sum(one.messages for one in totals)
    if seconds:
        console.print(f"{messages / seconds:,.0f} messages per second of CPU", highlight=False)
    for one in totals:
        for failure in one.failures[:FAILURES_SHOWN]:
            console.print(
                f"\n{failure}\n  again: {repeat(failure, asked)}", highlight=False, markup=False, soft_wrap=True
            )
        more = len(one.failures) - FAILURES_SHOWN
        if more > 0:
            seeds = ", ".join(str(failure.seed) for failure in one.failures[FAILURES_SHOWN:][:20])
            console.print(f"\nand {more} more runs of {one.scenario}: seeds {seeds}", highlight=False)


def repeat(failure: Failure, asked: Asked) -> str:
    """Return the command that makes the same run again and shows it."""
    parts = ["outcry simulate", failure.scenario, f"--seed {failure.seed}"]
    if asked.faults is not None:
        parts.append(f"--faults {asked.faults}")
    if asked.signatures != "mixed":
        parts.append(f"--signatures {asked.signatures}")
    return " ".join([*parts, *(f"--plugin {name}" for name in asked.plugins), "--verbose"])


def _rows(totals: Sequence[Totals]) -> Iterator[tuple[str, list[str]]]:
    yield "seeds", [f"{one.seeds:,}" for one in totals]
    yield "virtual seconds", [f"{one.time_ns // 10**9:,}" for one in totals]
    yield "messages", [f"{one.messages:,}" for one in totals]
    yield "groups", [f"{one.groups:,}" for one in totals]
    for fault in ALL:
        yield str(fault), [f"{one.counts[fault]:,}" for one in totals]
    for point in totals[0].points():
        yield f"crash points, {point}", [f"{one.points()[point]:,}" for one in totals]
    yield "failures", [f"{len(one.failures):,}" for one in totals]


def _seeds(asked: Asked) -> Iterator[int]:
    first = asked.seed or 0
    if asked.minutes is not None and asked.seeds is None:
        return count(first)
    runs = asked.seeds or (SEEDS if asked.seed is None else 1)
    return iter(range(first, first + runs))


def _until(minutes: float | None) -> Callable[[Totals], bool]:
    if minutes is None:
        return lambda totals: True
    end = time.monotonic() + 60 * minutes
    return lambda totals: time.monotonic() < end
