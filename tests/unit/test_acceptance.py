"""The page of promises names commands that exist: files, tests, Makefile targets, modules, subcommands and options."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Final

import pytest
import typer.main

from benchmarks.run import MEASURES, SUITE_NAMES
from openoutcry.cli.main import app

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "reference" / "acceptance.md"


def rows() -> list[tuple[str, str, str]]:
    """Return promise, command and figure of each line of the page."""
    cells = [
        line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "
    ]
    return [(row[0], row[1], row[2]) for row in cells if row[1] != "shown by"]


def fault(command: str) -> str | None:
    """Say what a command names that is not there, or None."""
    tool, *arguments = shlex.split(command)
    if tool == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return None if arguments[0] in targets else f"no target {arguments[0]}"
    if tool == ".venv/bin/pytest":
        return fault_of_tests(arguments)
    if tool == ".venv/bin/python":
        return fault_of_module(arguments)
    if tool == ".venv/bin/outcry":
        return fault_of_outcry(arguments)
    return f"no tool {tool}"


def fault_of_tests(arguments: list[str]) -> str | None:
    """Paths must exist, and the words after -k must be in the names of their tests."""
    words = arguments[arguments.index("-k") + 1].split(" or ") if "-k" in arguments else []
    names = ""
    for argument in arguments[: arguments.index("-k")] if words else arguments:
        path, _, test = argument.partition("::")
        if not (ROOT / path).exists():
            return f"nothing at {path}"
        text = "" if (ROOT / path).is_dir() else (ROOT / path).read_text(encoding="utf-8")
        if test and f"def {test}(" not in text:
            return f"no test {test} in {path}"
        names += " ".join(re.findall(r"^def (test_\w+)", text, re.MULTILINE))
    missing = [word for word in words if word not in names]
    return f"no test is called {missing}" if missing else None


def fault_of_module(arguments: list[str]) -> str | None:
    """`-m MODULE`; of the benchmarks also what `--only` names."""
    assert arguments[0] == "-m"
    if importlib.util.find_spec(arguments[1]) is None:
        return f"no module {arguments[1]}"
    wrong = set(arguments[3:]) - {*MEASURES, *SUITE_NAMES} if arguments[2:3] == ["--only"] else set(arguments[2:])
    return f"benchmarks.run knows no {sorted(wrong)}" if wrong else None


def fault_of_outcry(arguments: list[str]) -> str | None:
    """The subcommand and its options."""
    group = typer.main.get_command(app)
    found = getattr(group, "commands", {}).get(arguments[0])
    if found is None:
        return f"outcry has no {arguments[0]}"
    options = {option for parameter in found.params for option in parameter.opts}
    wrong = {argument for argument in arguments[1:] if argument.startswith("--")} - options
    return f"outcry {arguments[0]} has no {sorted(wrong)}" if wrong else None


@pytest.mark.parametrize(("promise", "command", "figure"), rows(), ids=lambda cell: cell[:60])
def test_each_promise_has_a_command_that_exists_and_a_figure(promise: str, command: str, figure: str) -> None:
    """One row of the page."""
    found = re.fullmatch(r"`([^`]+)`", command)
    assert found is not None, f"{command}: expected one command in code"
    assert fault(found[1]) is None
    assert promise and figure.strip()


@pytest.mark.parametrize(
    "command",
    [
        "make nothing",
        ".venv/bin/pytest tests/unit/test_nothing.py",
        ".venv/bin/pytest tests/unit/test_cli.py::test_nothing",
        ".venv/bin/pytest tests/unit/test_cli.py -k nothing_else",
        ".venv/bin/python -m openoutcry.nothing",
        ".venv/bin/python -m benchmarks.run --only nothing",
        ".venv/bin/outcry nothing",
        ".venv/bin/outcry demo --nothing",
        "nothing",
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    """One fault of each kind."""
    assert "nothing" in str(fault(command))
