"""`outcry plugin new`: what it writes works as it is, for every hook."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openoutcry.cli.main import main
from openoutcry.cli.plugin_new import FILES, NAME_CHARS_MAX
from openoutcry.host.source import in_folder
from tests.made_plugins import on_path

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("hook", FILES)
def test_its_own_test_passes_and_it_is_formatted(hook: str, tmp_path: Path) -> None:
    """Written into an empty folder; ruff and pytest run on it from there, as its author would run them."""
    name = f"made_{hook}"[:NAME_CHARS_MAX]
    assert main(["plugin", "new", name, "--hook", hook, "--dir", str(tmp_path)]) == 0
    folder = tmp_path / name
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'engine'}:{folder}"}
    commands = (
        ["ruff", "check", "--no-cache", "--extend-select", "B,D100,D101,D102,D103,I,RUF,SIM,UP", "."],
        ["ruff", "format", "--no-cache", "--check", "."],
        ["pytest", "-q", "-p", "no:cacheprovider"],
    )
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {".py", ".md", ".toml", ".pyc"}
    if hook != "commands":
        (plugin,) = in_folder(folder)
        assert (plugin.name, plugin.unfit) == (name, None)


def test_what_it_writes_are_whole_modules_without_types_missing(tmp_path: Path) -> None:
    """mypy --strict over one distribution of each hook, in one run."""
    for hook in FILES:
        assert main(["plugin", "new", f"typed_{hook}"[:NAME_CHARS_MAX], "--hook", hook, "--dir", str(tmp_path)]) == 0
    folders = sorted(tmp_path.iterdir())
    paths = [str(path) for folder in folders for path in sorted(folder.glob("openoutcry_*"))]
    environment = {**os.environ, "MYPYPATH": ":".join([str(ROOT / "engine"), *map(str, folders)])}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *paths],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_a_command_that_was_written_is_a_command_of_outcry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its metadata is written as an installation would write it, from its pyproject.toml."""
    assert main(["plugin", "new", "sum_up", "--hook", "commands", "--dir", str(tmp_path)]) == 0
    folder = tmp_path / "sum_up"
    assert 'sum-up = "openoutcry_sum_up.commands:app"' in (folder / "pyproject.toml").read_text()
    info = folder / "openoutcry_sum_up-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: openoutcry-sum-up\nVersion: 0.1.0\nRequires-Dist: openoutcry>=0.1,<0.2\n"
    )
    (info / "entry_points.txt").write_text("[openoutcry.commands]\nsum-up = openoutcry_sum_up.commands:app\n")
    capsys.readouterr()
    with on_path(folder):
        assert main(["sum-up", "notional", "3", "4"]) == 0
    assert capsys.readouterr().out == "12\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Big", "--hook", "roles"], "no plugin can be called Big"),
        (["a_", "--hook", "roles"], "no plugin can be called a_"),
        (["class", "--hook", "roles"], "no plugin can be called class"),
        (["x" * (NAME_CHARS_MAX + 1), "--hook", "roles"], "at most 24"),
        (["big", "--hook", "check_order"], "no hook check_order: did you mean check_orders?"),
        (["there", "--hook", "roles"], "there is there already"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """Names that are none, a hook that is none, a folder that is there already."""
    (tmp_path / "there").mkdir()
    assert main(["plugin", "new", *arguments, "--dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is where a folder should be."""
    (tmp_path / "file").write_text("")
    assert main(["plugin", "new", "big", "--hook", "roles", "--dir", str(tmp_path / "file")]) == 2
    assert "Not a directory" in capsys.readouterr().err
