"""The time budgets of the tests, on accounts made up here."""

from pathlib import Path

from tests.conftest import overruns, read_budgets

ROOT = Path(__file__).parents[2]
UNIT = "tests/unit/test_x.py::test_y"


def test_every_folder_of_tests_has_a_budget() -> None:
    """Folders on the disk against the table in pyproject.toml; tests/soak is run by hand only."""
    budgets_s = read_budgets((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}
    assert folders - {"soak"} <= budgets_s.keys()
    assert sum(budgets_s.values()) <= 15 * 60


def test_a_folder_fails_only_beyond_half_as_much_again() -> None:
    """Just at the line and just past it, and on a machine that is twice as slow."""
    spent_s = {f"tests/unit/test_x.py::test_y[{n}]": 15.0 for n in range(6)}
    assert list(overruns(spent_s, {"unit": 60.0})) == []
    assert list(overruns(spent_s | {UNIT: 1.0}, {"unit": 60.0})) == ["tests/unit took 91 s, its budget is 60 s"]
    assert list(overruns(spent_s | {UNIT: 1.0}, {"unit": 60.0}, scale=2.0)) == []


def test_a_single_test_that_takes_too_long_is_named() -> None:
    """91 seconds are past one and a half times 60, though the folder has time left."""
    assert list(overruns({UNIT: 90.0}, {"unit": 500.0})) == []
    assert list(overruns({UNIT: 91.0}, {"unit": 500.0})) == [f"{UNIT} took 91 s, a test may take 60 s"]
