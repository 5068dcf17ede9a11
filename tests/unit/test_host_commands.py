"""Commands of plugins: found by name, imported only when they are called, broken ones named."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from openoutcry.cli.main import main
from openoutcry.host.commands import command_names, find_command
from openoutcry.host.errors import PluginError
from tests.made_plugins import on_path, write_plugin

SOURCE = """
import typer
app = typer.Typer()

@app.command()
def say(word: str) -> None:
    typer.echo(f"said {word}")

def count(number: int) -> None:
    typer.echo(str(number + 1))
"""


def write_command(folder: Path, name: str, source: str, target: str = "app", **more: str) -> None:
    """Write a distribution with one command of the same name."""
    package = more.get("distribution", f"openoutcry_{name}").replace("-", "_")
    write_plugin(folder, name, source, commands=f"{name} = {package}:{target}", **more)


@pytest.mark.parametrize(("target", "word", "printed"), [("app", "hello", "said hello\n"), ("count", "4", "5\n")])
def test_a_command_is_an_app_or_a_function(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str, word: str, printed: str
) -> None:
    """Called as a user calls it, beside the commands of the engine."""
    write_command(tmp_path, "parrot", SOURCE, target)
    with on_path(tmp_path):
        assert "parrot" in command_names()
        assert main(["parrot", word]) == 0
    assert capsys.readouterr().out == printed


def test_nothing_is_imported_before_a_command_is_called(tmp_path: Path) -> None:
    """`outcry --help` and `outcry version` in a process of their own, with a command that cannot be imported: neither
    numpy nor the host is loaded, whatever is installed."""
    write_command(tmp_path, "bomb", "raise SystemExit(9)")
    program = (
        "import sys\nfrom openoutcry.cli.main import main\n"
        "codes = [main(['--help']), main(['version'])]\n"
        "print(codes, sorted({'numpy', 'pluggy', 'openoutcry.host', 'openoutcry_bomb'} & set(sys.modules)))"
    )
    path = [str(tmp_path), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[0, 0] []"
    assert "bomb" not in done.stdout


@pytest.mark.parametrize(
    ("source", "more", "words"),
    [
        ("import nothing_of_this_name", {}, "command bad of openoutcry-bad 1.0: import of openoutcry_bad:app failed"),
        ("other = 1", {}, "AttributeError"),
        (SOURCE, {"requires": ["openoutcry~=0.0.1"]}, "it is made for openoutcry ~=0.0.1"),
    ],
)
def test_a_broken_command_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, more: dict[str, str], words: str
) -> None:
    """Exit code 2, and the distribution by name."""
    write_command(tmp_path, "bad", source, **more)
    with on_path(tmp_path):
        assert main(["bad"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_two_distributions_with_one_command_are_refused(tmp_path: Path) -> None:
    """Both are named."""
    write_command(tmp_path, "same", SOURCE, distribution="abe-owner")
    write_command(tmp_path, "same", SOURCE, distribution="zed-owner")
    with on_path(tmp_path), pytest.raises(PluginError, match=r"brought by abe-owner 1\.0 and zed-owner 1\.0"):
        find_command("same")


def test_a_command_of_the_engine_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A plugin that brings `version` is not asked."""
    write_command(tmp_path, "version", "raise SystemExit(9)")
    with on_path(tmp_path):
        assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("openoutcry ")


def test_a_name_that_nobody_brings_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """As without plugins."""
    assert find_command("nothing-of-this-name") is None
    assert main(["nothing-of-this-name"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_app_can_be_run_by_its_own_tests(tmp_path: Path) -> None:
    """What is found is the plugin's own object."""
    write_command(tmp_path, "parrot", SOURCE)
    with on_path(tmp_path):
        found = find_command("parrot")
        assert isinstance(found, typer.Typer)
        assert CliRunner().invoke(found, ["hello"]).output == "said hello\n"
