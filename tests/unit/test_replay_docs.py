"""The pages about replay name everything that a user can meet."""

import importlib
from pathlib import Path

import pytest

from openoutcry.cli.main import app
from openoutcry.replay import assemble, compare, rebuild, snapshot
from openoutcry.replay.flow import Action
from openoutcry.replay.readers import plain
from openoutcry.replay.table import READERS

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    """Return a page as one line of words."""
    return " ".join((DOCS / "reference" / name).read_text(encoding="utf-8").split())


def sentences(module: object) -> list[str]:
    """Return the texts that a module counts records under: its constants of several words, those in tables too."""
    found: list[str] = []
    for name, value in vars(module).items():
        if name.isupper():
            values = value.values() if isinstance(value, dict) else [value]
            found += [text for text in values if isinstance(text, str) and " " in text]
    return found


@pytest.mark.parametrize("name", list(READERS))
def test_every_reader_has_a_section_with_all_that_it_counts(name: str) -> None:
    """Reasons and remarks are constants of the reader's module."""
    text = page("readers.md")
    assert f"## {name}" in text
    assert f"| `{name}` |" in text
    module = importlib.import_module(READERS[name].module)
    missing = [words for words in sentences(module) if words not in text and words != "venue's local time"]
    assert missing == []


def test_every_class_of_difference_reason_and_fault_is_explained() -> None:
    """The classes of a rematch, the faults of a rebuild, the reasons of assembling."""
    text = page("readers.md")
    counted = [*compare.CLASSES, *rebuild.FAULTS, *sentences(assemble), *sentences(snapshot)]
    assert [words for words in counted if words not in text] == []
    assert [action.name for action in Action if action.name not in text] == []


def test_every_column_and_word_of_our_own_format_is_explained() -> None:
    """Columns by name, and the words that each takes."""
    text = page("readers.md")
    for column in plain.COLUMNS:
        assert f"| `{column.name}` |" in text
        assert ", ".join(column.words) in text


def test_every_command_and_option_is_explained() -> None:
    """Commands and options as typer knows them; those of keys are on a page of their own."""
    import typer

    text = page("cli.md") + page("keystore.md")
    group = typer.main.get_command(app)
    commands = vars(group)["commands"]
    assert {"replay", "demo", "version"} <= set(commands)
    groups = {name: vars(command).get("commands") for name, command in commands.items()}
    flat = {name: command for name, command in commands.items() if not groups[name]}
    flat |= {f"{name} {sub}": each for name, subs in groups.items() if subs for sub, each in subs.items()}
    for name, command in flat.items():
        assert f"outcry {name}" in text
        for parameter in command.params:
            assert all(option in text for option in parameter.opts if option.startswith("--"))
