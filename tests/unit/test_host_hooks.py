"""A hook ships with its documentation, a worked example and a test; this fails for one that lacks any of them."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from openoutcry.cli.plugin_new import FILES
from openoutcry.host.specs import CARRYING, HOOKS, Hooks
from tools.hooks_page import PAGE, missing_parts, page, question

ROOT = Path(__file__).parents[2]

SHOWN: dict[str, tuple[str, ...]] = {
    "roles": ("test_host_loading.py", "test_a_role_of_a_plugin_that_is_not_trusted_says_what_to_write"),
    "scenarios": ("test_plugins_try.py", "test_a_role_is_looked_at_and_its_scenario_runs"),
    "check_orders": ("test_host_checks.py", "test_each_answer_is_counted_and_named"),
    "replay_readers": ("test_host_readers.py", "test_replay_reads_with_a_plugin_that_is_named"),
}
"""Hook to the file and the test that shows it being asked."""


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    """Yield every function of a file, whatever it is in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_the_list_of_hooks_has_every_specification() -> None:
    """What pluggy finds on the class, against the list that loading goes through."""
    marked = {name for name, value in inspect.getmembers(Hooks) if hasattr(value, "openoutcry_spec")}
    assert set(HOOKS) == marked
    assert set(CARRYING) < set(HOOKS)
    assert len(set(HOOKS)) == len(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_specification_says_all_that_has_to_be_known(hook: str) -> None:
    """A question, who asks, what answers mean, what None means, exceptions, being slow."""
    first, rest = question(hook)
    assert first.endswith("?")
    assert missing_parts(rest) == []


def test_the_checker_finds_each_part_that_is_missing() -> None:
    """A specification without one of them at a time."""
    whole = "Asked by: x.\nAnswers: x.\nNone: x. After an exception x. Slow: x."
    assert missing_parts(whole) == []
    for part in ("Asked by", "Answers", "None", "exception", "Slow"):
        assert missing_parts(whole.replace(part, "")) == [part]


def test_the_page_of_hooks_is_up_to_date() -> None:
    """What `python -m tools.hooks_page` would write, against the page."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_worked_example(hook: str) -> None:
    """`outcry plugin new` writes one with a test; and where a plugin of ours brings it, that one is on its list too."""
    assert hook in FILES
    templates = ROOT / "engine" / "openoutcry" / "host" / "templates"
    written = (templates / FILES[hook]["plugin.py"]).with_suffix(".py.txt").read_text(encoding="utf-8")
    assert "@hookimpl" in written
    assert f"def {hook}(" in written
    assert (templates / f"{hook}_test.py.txt").is_file()


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_test(hook: str) -> None:
    """The test that is named for it exists, in a file of the host's tests."""
    file, test = SHOWN[hook]
    (path,) = (ROOT / "tests").rglob(file)
    assert test in {function.name for function in functions(path)}
