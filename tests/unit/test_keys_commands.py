"""`outcry keys`: its help, which costs nothing, and its page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import openoutcry
from openoutcry.cli.key_commands import add_to, keys_app
from openoutcry.node.keys import errors

COMMANDS = ["new", "show", "rotate", "revoke", "passphrase", "serve"]


def test_help_loads_no_library() -> None:
    """A fresh interpreter prints the help of the group and of each command, and says what it has loaded."""
    code = (
        "import sys; from openoutcry.cli.main import main; "
        f"[main(['keys', *command, '--help']) for command in {[[], *([name] for name in COMMANDS)]!r}]; "
        "print('loaded:', [name for name in ('nacl', 'numpy', 'msgspec', 'zmq') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(openoutcry.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_the_group_has_its_commands_and_no_way_to_pass_a_passphrase(capsys: pytest.CaptureFixture[str]) -> None:
    """Added to an app; every option of every command: none takes a passphrase itself."""
    app = typer.Typer()
    add_to(app)
    assert [group.name for group in app.registered_groups] == ["keys"]
    command = typer.main.get_command(keys_app)
    assert isinstance(command, typer.core.TyperGroup)
    found = dict(command.commands.items())
    assert list(found) == COMMANDS
    options = {option for sub in found.values() for parameter in sub.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} == {
        "--unlock",
        "--new-unlock",
        "--cost",
        "--json",
        "--statements",
        "--links",
        "--reason",
        "--key",
        "--since",
        "--socket",
    }
    assert all(parameter.envvar is None for sub in found.values() for parameter in sub.params)


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "keystore.md"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_keys_names_every_command(command: str) -> None:
    """docs/reference/keystore.md has a line for each."""
    assert f"`outcry keys {command} " in PAGE.read_text(encoding="utf-8")


def test_the_page_of_keys_names_every_error() -> None:
    """The subclasses of KeysError against the table at its end."""
    table = PAGE.read_text(encoding="utf-8").split("\n## Errors\n")[1]
    rows = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert rows == [error.__name__ for error in errors.KeysError.__subclasses__()]
