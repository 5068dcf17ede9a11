"""The pages for operators name only what there is: metrics, settings, commands, exit codes."""

import re
from pathlib import Path

import pytest
import typer

from openoutcry.cli import exits
from openoutcry.cli.main import app
from openoutcry.host.watchdog import HANG_EXIT
from openoutcry.node.config.fields import fields_of
from openoutcry.node.config.tables import TABLES
from openoutcry.node.metrics import NodeCollector
from tests.unit.test_status import STATUS

DOCS = Path(__file__).parents[2] / "docs"
OPERATE = (DOCS / "how-to" / "operate-a-node.md").read_text(encoding="utf-8")
PAGES = [OPERATE, (DOCS / "tutorial" / "run-a-node.md").read_text(encoding="utf-8")]


def test_the_metrics_that_an_operator_is_to_watch_exist() -> None:
    """Every name in the page, with the suffix that a counter gets."""
    names = set()
    for family in NodeCollector(lambda: STATUS, lambda: 0).collect():
        names.add(f"{family.name}_total" if family.type == "counter" else family.name)
    found = set(re.findall(r"outcry_[a-z_]+", OPERATE))
    assert len(found) > 8
    assert found <= names


@pytest.mark.parametrize("page", PAGES, ids=["operate", "tutorial"])
def test_the_settings_that_the_pages_name_exist(page: str) -> None:
    """Each `table.key` in the page that begins with the name of a table."""
    known = {f"{name}.{field.name}" for name, table in TABLES.items() for field in fields_of(table)}
    named = set(re.findall(rf"`((?:{'|'.join(TABLES)})\.[a-z_]+)", page)) - {"node.toml"}
    assert named
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=["operate", "tutorial"])
def test_the_commands_that_the_pages_name_exist(page: str) -> None:
    """Each `outcry COMMAND`, groups too, and each of its options."""
    commands = vars(typer.main.get_command(app))["commands"]
    for line in re.findall(r"outcry ((?:[a-z]+ ?)+[^`\n]*)", page):
        words = line.split()
        if words[0] not in commands:
            continue
        command = commands[words[0]]
        groups = vars(command).get("commands")
        if groups and len(words) > 1 and words[1].isalpha() and words[1].islower():
            command = groups[words[1]]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
    assert {"init", "run", "status", "keys"} <= set(re.findall(r"outcry ([a-z]+)", page)) & set(commands)


def test_every_exit_code_is_in_the_pages() -> None:
    """The codes of `outcry run` against the tables of both pages."""
    codes = {exits.CLEAN_EXIT, exits.CONFIG_EXIT, exits.BROKEN_EXIT, exits.DISK_EXIT, HANG_EXIT}
    assert codes == {0, 2, 70, 74, 75}
    for text in (OPERATE, (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")):
        assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == codes
