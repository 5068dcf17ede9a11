"""The file that `outcry init` writes and the reference page say what the types say."""

import ast
import inspect
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from openoutcry.host.kinds import RoleKind, Settings
from openoutcry.host.settings import PluginSettings
from openoutcry.node.config import tables
from openoutcry.node.config.fields import SHAPES, fields_of, summary_of
from openoutcry.node.config.page import page
from openoutcry.node.config.reading import Config, take
from openoutcry.node.config.source import Source
from openoutcry.node.config.tables import TABLES, PeerTable
from openoutcry.node.config.template import WIDTH, missing, render
from tests.small_roles import Tally

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
EVERY_TABLE = [*TABLES.values(), PeerTable, PluginSettings]


class MuleSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """What a mule is told.

    load_lots: what it carries, in lots.
    pace, rest_ms: how it walks.
    """

    load_lots: Annotated[int, msgspec.Meta(ge=1)]
    stable: Annotated[str, msgspec.Meta(description="where it sleeps", examples=["north"])]
    pace: int = 4
    rest_ms: int | None = None
    names: tuple[str, ...] = ("a", 'b"')
    """What it answers to."""


MULE = RoleKind("mule", 1, "Carries.", Tally, MuleSettings)


def parsed(text: str) -> Config:
    """Read a configuration."""
    return take(Source.parse("node.toml", Path("there"), text.encode()))


def test_what_is_written_is_a_configuration_with_every_default() -> None:
    """The template read back: each table equals the type's own defaults, but for what was given."""
    config = parsed(render("mule-7", [("stable", MULE)], "fd:3"))
    assert config.node == tables.NodeTable("mule-7", unlock="fd:3")
    for name in list(TABLES)[1:]:
        assert getattr(config, name) == TABLES[name](), name
    assert config.plugins == {"stable": PluginSettings(trusted=True)}
    assert config.peers == ()
    assert dict(config.roles["mule"]) == {"stable": "north", "pace": 4, "names": ["a", 'b"']}


def test_what_has_to_be_given_is_left_for_the_operator() -> None:
    """A required key without an example is a comment, and `missing` names it."""
    assert missing(MULE) == ["load_lots"]
    assert "\n# load_lots =\n" in render("mule", [("stable", MULE)], "prompt")


def test_the_example_of_a_peer_is_right_once_it_is_no_comment() -> None:
    """One mark taken away in front of each line of the block."""
    text = render("mule", [("stable", MULE)], "prompt")
    begin, end = text.index("# [[peers]]"), text.index("# Role mule")
    block = "\n".join(line.removeprefix("#").strip() for line in text[begin:end].splitlines())
    (peer,) = parsed(text[:begin] + block + "\n" + text[end:]).peers
    assert (peer.name, peer.key, peer.address) == ("twin", "0" * 64, "")


def test_comments_fit_and_say_what_each_key_means() -> None:
    """Every key of the file has a comment above it, and no comment is too wide."""
    lines = render("mule", [("stable", MULE)], "prompt").splitlines()
    assert max(len(line) for line in lines if line.startswith("#")) <= WIDTH
    for above, line in pairwise(lines):
        if " = " in line and not line.startswith("#"):
            assert above.startswith("# "), line


def test_words_of_a_key_come_from_wherever_its_type_has_them() -> None:
    """Description, docstring below, docstring of the class for one key and for two."""
    words = {field.name: field.why for field in fields_of(MuleSettings)}
    assert words == {
        "load_lots": "What it carries, in lots.",
        "stable": "Where it sleeps",
        "pace": "How it walks.",
        "rest_ms": "How it walks.",
        "names": "What it answers to.",
    }
    assert summary_of(MuleSettings) == "What a mule is told."


@pytest.mark.parametrize("table", EVERY_TABLE, ids=lambda table: str(table.__name__))
def test_every_key_of_ours_is_explained(table: type[msgspec.Struct]) -> None:
    """No key without words, without an end of the sentence, or with a pattern where words are expected."""
    for field in fields_of(table):
        assert field.why.endswith("."), field.name
        assert "\\A" not in field.expected, field.name


def test_every_pattern_of_the_tables_has_words() -> None:
    """The source of the tables names no pattern that SHAPES does not."""
    strings = [node.value for node in ast.walk(ast.parse(inspect.getsource(tables))) if isinstance(node, ast.Constant)]
    patterns = [text for text in strings if isinstance(text, str) and text.startswith("\\A") and "\\Z" in text]
    assert patterns and set(patterns) <= set(SHAPES)


def test_the_reference_page_is_what_the_types_say() -> None:
    """docs/reference/configuration.md against the page made anew; `python -m openoutcry.node.config.page` makes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
