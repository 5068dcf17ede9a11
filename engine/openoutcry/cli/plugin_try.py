"""`outcry plugin try`: one plugin, before a node runs it."""

import json
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openoutcry.cli.running import Replayed, books, run
from openoutcry.cli.usage import UsageError
from openoutcry.host.errors import PluginError
from openoutcry.host.installed import Installed, find, installed
from openoutcry.host.isolation import open_isolated
from openoutcry.host.kinds import Scenario
from openoutcry.host.loading import load
from openoutcry.host.pipe import Ready
from openoutcry.host.plugins import Plugins
from openoutcry.host.settings import DEADLINE_MS, PluginSettings
from openoutcry.host.source import in_folder
from openoutcry.host.trial import Trial, try_check
from openoutcry.host.trial_roles import try_role
from openoutcry.replay.flow import Flow
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source
from openoutcry.replay.table import AUTO, read

SEEDS: Final = 10
"""Runs of each scenario: a second or two. `outcry simulate` makes as many as one likes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, as the command takes them."""

    target: str
    data: Path | None
    reader: str
    symbols: tuple[str, ...]
    settings: tuple[str, ...]
    deadline_ms: int | None
    trusted: bool
    plain: bool
    json: bool


def run_plugin_try(asked: Asked) -> None:
    """Try everything that a plugin brings and print what came of it. Raises UsageError, ReplayError."""
    try:
        plugin = _plugin(asked.target)
        with _on_path(plugin):
            result, lines = _try(plugin, asked)
    except PluginError as error:
        raise UsageError(str(error)) from error
    print(json.dumps(result) if asked.json else "\n".join(lines))


def _try(plugin: Installed, asked: Asked) -> tuple[dict[str, Any], list[str]]:
    settings = PluginSettings(
        trusted=asked.trusted,
        deadline_ms=DEADLINE_MS if asked.deadline_ms is None else asked.deadline_ms,
        settings=_settings(asked.settings),
    )
    brings = _brings(plugin, settings)
    result: dict[str, Any] = {
        "plugin": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "hooks": list(brings.hooks),
    }
    lines = [f"plugin {plugin.name} of {plugin.distribution} {plugin.version}: {', '.join(brings.hooks)}"]
    asks_for_data = [hook for hook in ("check_orders", "replay_readers") if hook in brings.hooks]
    if asks_for_data and asked.data is None:
        raise UsageError(f"{asks_for_data[0]} is tried against recorded order flow: name it with --data FILE")
    carried = [hook for hook in brings.hooks if hook != "check_orders"]
    loaded = _load(plugin, PluginSettings(trusted=True, settings=settings.settings)) if carried else Plugins()
    with closing(loaded):
        if brings.readers and asked.data is not None:
            replayed = _replayed(loaded, asked, asked.data)
            result["summary"] = replayed.summary
            lines += _summary_lines(replayed)
        if "check_orders" in brings.hooks and asked.data is not None:
            _add_check(plugin, settings, loaded, asked, result, lines)
        for kind in loaded.role_kinds.values():
            right, fault = try_role(kind)
            result.setdefault("roles", []).append({"role": kind.name, "right": right, "fault": fault})
            lines += [f"role {kind.name} {kind.version}: {line}" for line in right]
            lines += [f"role {kind.name} {kind.version}: FAULT: {fault}"] if fault else []
        for scenario in loaded.scenarios.values():
            _add_scenario(scenario, result, lines)
    return result, lines


def _brings(plugin: Installed, settings: PluginSettings) -> Ready:
    """Find out what it brings as a node that does not trust it would."""
    check, ready = open_isolated(plugin.name, plugin.value, settings, _tell)
    check.close()
    return ready


def _load(plugin: Installed, settings: PluginSettings) -> Plugins:
    loaded = load({plugin.name: settings}, tell=_tell, among=[plugin])
    if loaded.broken:
        loaded.close()
        raise PluginError(plugin.name, loaded.broken[plugin.name])
    return loaded


def _add_check(
    plugin: Installed,
    settings: PluginSettings,
    loaded: Plugins,
    asked: Asked,
    result: dict[str, Any],
    lines: list[str],
) -> None:
    assert asked.data is not None
    flow = read(Source(asked.data), asked.reader, Options(asked.symbols), loaded.readers)
    with closing(_load(plugin, settings)) as checks:
        trial = try_check(flow, checks, books(asked.plain), time.perf_counter_ns)
        counters = checks.counters[plugin.name, "check_orders"]
    failures = {
        name: getattr(counters, name) for name in ("raised", "late", "wrong", "down") if getattr(counters, name)
    }
    result["check"] = _check_json(flow, trial, failures)
    lines += _check_lines(flow, trial, failures)


def _check_json(flow: Flow, trial: Trial, failures: dict[str, int]) -> dict[str, Any]:
    return {
        "source": flow.source,
        "reader": flow.reader,
        "commands": trial.commands,
        "groups": trial.groups,
        "refused": dict(sorted(trial.refused.items())),
        "examples": trial.examples,
        "trades_without": trial.trades_without,
        "trades_with": trial.trades_with,
        "trades_same": trial.same,
        "no_answer": failures,
        "microseconds_median": _median_us(trial),
        "microseconds_max": max(trial.asked_ns, default=0) // 1_000,
    }


def _check_lines(flow: Flow, trial: Trial, failures: dict[str, int]) -> list[str]:
    lines = [f"order check, against {flow.source} ({flow.reader}):"]
    lines.append(f"  asked      {trial.groups:,} times about {trial.commands:,} commands")
    lines.append(f"  took       {_median_us(trial):,} us, at most {max(trial.asked_ns, default=0) // 1_000:,} us")
    refused = ", ".join(f"{count:,} x {code}" for code, count in sorted(trial.refused.items()))
    lines.append(f"  refused    {refused or 'nothing'}")
    lines += [f"             {example}" for example in trial.examples]
    lines.append(f"  trades     {trial.trades_without:,} without it, {trial.trades_with:,} with it")
    gone, new = trial.trades_without - trial.same, trial.trades_with - trial.same
    lines.append(f"  difference {gone:,} only without it, {new:,} only with it, {trial.same:,} the same")
    for kind, count in failures.items():
        lines.append(f"  no answer  {count:,} x {kind}")
    return lines


def _median_us(trial: Trial) -> int:
    times = sorted(trial.asked_ns)
    return times[len(times) // 2] // 1_000 if times else 0


def _replayed(loaded: Plugins, asked: Asked, data: Path) -> Replayed:
    source, options = Source(data), Options(asked.symbols)
    name = asked.reader
    if name == AUTO and len(loaded.readers) == 1:
        name = next(iter(loaded.readers))
    return run(lambda: read(source, name, options, loaded.readers), "rebuild", asked.plain, asked.json)


def _summary_lines(replayed: Replayed) -> list[str]:
    from rich.console import Console

    from openoutcry.cli.show import show

    console = Console(width=120)
    with console.capture() as captured:
        show(replayed.summary, console)
    return ["reader, in mode rebuild:", *(f"  {line.rstrip()}" for line in captured.get().splitlines())]


def _add_scenario(scenario: Scenario, result: dict[str, Any], lines: list[str]) -> None:
    from openoutcry.simulation.campaign import run_campaign

    totals = run_campaign(scenario, range(SEEDS))
    failures = [str(one) for one in totals.failures]
    result.setdefault("scenarios", []).append(
        {"scenario": scenario.name, "seeds": totals.seeds, "messages": totals.messages, "failures": failures}
    )
    found = "nothing broken" if not failures else f"{len(failures)} BROKEN, the first: {failures[0]}"
    lines.append(f"scenario {scenario.name}: {totals.seeds} seeds, {totals.messages:,} messages, {found}")


def _plugin(target: str) -> Installed:
    """Return the plugin that lies in a folder, or else the installed one of that name."""
    folder = Path(target)
    if not folder.is_dir():
        return find(target, installed())
    found = in_folder(folder)
    if len(found) > 1:
        raise PluginError(
            "", f"{folder} holds {len(found)} plugins: {', '.join(one.name for one in found)}; one at a time"
        )
    return find(found[0].name, found)


@contextmanager
def _on_path(plugin: Installed) -> Iterator[None]:
    """Import from a plugin's folder first while the block runs."""
    sys.path.insert(0, plugin.place)
    try:
        yield
    finally:
        sys.path.remove(plugin.place)


def _settings(texts: tuple[str, ...]) -> dict[str, Any]:
    try:
        return tomllib.loads("\n".join(texts))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--set {' --set '.join(texts)}: expected KEY=VALUE as in TOML: {error}") from error


def _tell(event: str, /, **fields: str | int) -> None:
    """What the host tells goes to standard error: the result is on standard output."""
    print(f"{event}: {', '.join(f'{name} {value}' for name, value in fields.items())}", file=sys.stderr)
