"""What holds for every test: the time budget of its folder, soak runs only where their input is, Hypothesis settings.

Budgets are in pyproject.toml. A folder that takes half as much again fails the run, so that a suite which has become
slow is noticed by whoever made it slow. They are far above what the suites take; no test asserts a time itself.
"""

import os
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from hypothesis import settings

OVERRUN_FACTOR: Final = 1.5
"""The run fails where a folder takes more than its budget by this factor: machines differ and share their cores."""

TEST_SECONDS_MAX: Final = 60.0
"""What one test may take: a longer one is split into parts, by seed for instance."""

settings.register_profile("openoutcry", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("openoutcry")


def read_budgets(pyproject: str) -> dict[str, float]:
    """Return the seconds that each folder of tests/ may take, from the text of pyproject.toml."""
    table = tomllib.loads(pyproject)["tool"]["openoutcry"]["test-budget-seconds"]
    return {folder: float(seconds) for folder, seconds in table.items()}


def overruns(spent_s: Mapping[str, float], budgets_s: Mapping[str, float], scale: float = 1.0) -> Iterator[str]:
    """Say, one line each, which tests and folders took too long.

    spent_s: node id of a test ("tests/unit/test_x.py::test_y") to the seconds that it took with its fixtures.
    budgets_s: folder to seconds. scale: how much slower this machine is taken to be.
    """
    by_folder: defaultdict[str, float] = defaultdict(float)
    for node_id, seconds in spent_s.items():
        by_folder[folder_of(node_id)] += seconds
        if seconds > TEST_SECONDS_MAX * scale * OVERRUN_FACTOR:
            yield f"{node_id} took {seconds:.0f} s, a test may take {TEST_SECONDS_MAX * scale:.0f} s"
    for folder, seconds in sorted(by_folder.items()):
        if folder in budgets_s and seconds > budgets_s[folder] * scale * OVERRUN_FACTOR:
            yield f"tests/{folder} took {seconds:.0f} s, its budget is {budgets_s[folder] * scale:.0f} s"


def folder_of(node_id: str) -> str:
    """Name the folder below tests/ that a test lies in, or "" for a test from elsewhere."""
    parts = node_id.split("::", 1)[0].split("/")
    return parts[1] if parts[0] == "tests" and len(parts) > 2 else ""


class Budgets:
    """Pytest plugin that adds up what the tests of each folder took and fails the run that took too much."""

    def __init__(self, budgets_s: Mapping[str, float], scale: float) -> None:
        self.budgets_s = budgets_s
        self.scale = scale
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        self.found: list[str] = []
        self.without_input: list[str] = []

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out the soak runs whose input was not named; the summary lists them."""
        runs: list[pytest.Item] = []
        lacking: list[pytest.Item] = []
        for item in items:
            mark = item.get_closest_marker("soak")
            variable = mark.kwargs.get("input") if mark else None
            if variable is None or os.environ.get(variable):
                runs.append(item)
            else:
                lacking.append(item)
                self.without_input.append(f"{item.nodeid} needs {variable}=PATH")
        items[:] = runs
        config.hook.pytest_deselected(items=lacking)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of a test to its account; a soak run has none."""
        if "soak" not in report.keywords:
            self.spent_s[report.nodeid] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a run that passed but took too long into a failed one."""
        self.found = list(overruns(self.spent_s, self.budgets_s, self.scale))
        if self.found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Print what took too long and which soak runs had no input."""
        if self.found:
            terminalreporter.section("over the time budget", red=True)
            for line in self.found:
                terminalreporter.line(line)
            terminalreporter.line("On a slow machine set OUTCRY_BUDGET_SCALE=2; budgets are in pyproject.toml.")
        if self.without_input and "not soak" not in config.option.markexpr:
            terminalreporter.section("not run: input not named")
            for line in self.without_input:
                terminalreporter.line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Register the budgets of pyproject.toml, times OUTCRY_BUDGET_SCALE."""
    pyproject = (config.rootpath / "pyproject.toml").read_text(encoding="utf-8")
    scale = float(os.environ.get("OUTCRY_BUDGET_SCALE", "1"))
    config.pluginmanager.register(Budgets(read_budgets(pyproject), scale), "openoutcry-budgets")
