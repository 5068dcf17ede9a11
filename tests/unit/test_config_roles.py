"""What a configuration says of roles and plugins, against what is installed."""

from pathlib import Path

import pytest

from openoutcry.host.account import say_nothing
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.reading import Config, take
from openoutcry.node.config.roles import load_cast
from openoutcry.node.config.source import Source
from tests.made_plugins import on_path, write_check, write_plugin

ROLES = '''
from typing import Annotated
from msgspec import Meta
from openoutcry.host import hookimpl
from openoutcry.host.kinds import RoleKind, Settings
from openoutcry.wire.tags import Message
from tests.small_roles import Tally


class {name}Asked(Message, frozen=True, tag={tag}):
    """A question."""


class {name}Settings(Settings, frozen=True, forbid_unknown_fields=True):
    """lots_max: the most lots of one order."""

    lots_max: Annotated[int, Meta(ge=1, le=9)] = 3


class Plugin:
    @hookimpl
    def roles(self):
        taken = (({name}Asked,), frozenset({{{tag}}}))
        return [
            RoleKind("{role}", 1, "Does nothing.", Tally, {name}Settings, messages=taken[0], takes=taken[1]),
            RoleKind("{role}_too", 1, "Does the same.", Tally, messages=taken[0], takes=taken[1]),
        ]
'''


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder with plugins mule and lamb, which bring roles whose messages have one tag, and a check that fails."""
    write_plugin(tmp_path, "mule", ROLES.format(name="Mule", role="mule", tag=10_950))
    write_plugin(tmp_path, "lamb", ROLES.format(name="Lamb", role="lamb", tag=10_950))
    write_check(tmp_path, "wolf", "return None", before="raise RuntimeError('no teeth')\n")
    return tmp_path


def configured(*lines: str) -> Config:
    """A configuration with these lines behind the first two."""
    text = "\n".join(['[node]\nname = "x"', *lines])
    return take(Source.parse("node.toml", Path(), text.encode()))


def told(folder: Path, *lines: str) -> str:
    """What is wrong with it."""
    with on_path(folder), pytest.raises(ConfigError) as caught:
        load_cast(configured(*lines), say_nothing)
    return str(caught.value)


MULE = "[plugins.mule]\ntrusted = true"


def test_roles_come_with_their_settings(plugins: Path) -> None:
    """Two roles of one plugin would take one tag, so one of them, with a setting and with none."""
    for lines, lots in ((["[roles.mule]"], 3), (["[roles.mule]", "lots_max = 7"], 7)):
        with on_path(plugins):
            cast = load_cast(configured(*lines, MULE), say_nothing)
            cast.plugins.close()
        assert [(role.kind.name, getattr(role.settings, "lots_max", 0)) for role in cast.roles] == [("mule", lots)]


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (
            ["[roles.mule]", "[plugins.mul]"],
            "node.toml:4: plugins.mul is not installed: expected a known plugin; did you mean mule?",
        ),
        (
            ["[roles.mule]", "[plugins.mule]"],
            "node.toml:4: plugin mule: brings role mule, and a role runs in the node itself: write `trusted = true` "
            "under [plugins.mule] if you trust its code with the node's keys",
        ),
        (
            ["[roles.mule]"],
            "node.toml:3: no loaded plugin brings role mule: expected its plugin; add [plugins.mule] and trusted = "
            "true",
        ),
        (
            ["[roles.mulle]", MULE],
            "node.toml:3: roles.mulle is brought by no plugin: expected a known role; did you mean mule?",
        ),
        (
            ["[roles.mule]", "lots_max = 10", MULE],
            "node.toml:4: roles.mule.lots_max is 10: expected an integer from 1 to 9; leave it out for 3",
        ),
        (
            ["[roles.mule]", "lots = 10", MULE],
            "node.toml:4: roles.mule.lots is not known: expected a known key; did you mean lots_max?",
        ),
        (
            [MULE, "[roles.mule]", "[roles.mule_too]"],
            "node.toml:6: roles mule and mule_too both take tag 10950 (mule_asked): run them in two nodes: expected "
            "roles that go together",
        ),
        (
            [MULE, "[plugins.lamb]", "trusted = true", "[roles.lamb]", "[roles.mule]"],
            "node.toml:8: tag 10950 of MuleAsked belongs to LambAsked: expected roles that go together; remove one "
            "of the two",
        ),
    ],
)
def test_what_is_not_installed_or_does_not_go_together_is_told(plugins: Path, lines: list[str], line: str) -> None:
    """Each mistake about plugins and roles, and the whole line."""
    assert told(plugins, *lines) == line


def test_a_role_whose_plugin_is_broken_names_the_cause(plugins: Path) -> None:
    """A plugin that raises when it is imported, and the role that was to come from it."""
    line = told(plugins, "[roles.wolf]", "[plugins.wolf]", "trusted = true")
    assert line.startswith("node.toml:3: no loaded plugin brings role wolf")
    assert "no teeth" in line


def test_a_broken_plugin_that_brings_no_role_does_not_keep_a_node_from_starting(plugins: Path) -> None:
    """The same plugin beside a role that works; it is named in what could not be loaded."""
    with on_path(plugins):
        cast = load_cast(configured("[roles.mule]", MULE, "[plugins.wolf]", "trusted = true"), say_nothing)
        cast.plugins.close()
    assert list(cast.plugins.broken) == ["wolf"]
