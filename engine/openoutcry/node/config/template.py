"""The file that `outcry init` writes: every key with its default, and above it what it means, all from the types."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from openoutcry.host.kinds import RoleKind
from openoutcry.host.settings import PluginSettings
from openoutcry.node.config.fields import fields_of, summary_of, toml
from openoutcry.node.config.tables import TABLES, PeerTable

WIDTH: Final = 100
"""Columns of a comment."""

HEAD: Final = (
    "Configuration of a node of Open Outcry. `outcry run --check FILE` checks it, `outcry run FILE` runs the node. "
    "Every key is here. One that has a default may be left out, and one behind a # is left out. Relative paths begin "
    "at the folder of this file."
)


def render(name: str, kinds: Sequence[tuple[str, RoleKind]], unlock: str) -> str:
    """Return a configuration, as TOML with comments.

    name: of the node. kinds: plugin and kind of each role. unlock: the source of the passphrase.
    """
    given: dict[str, Mapping[str, Any]] = {"node": {"name": name, "unlock": unlock}}
    blocks = [_comment(HEAD)]
    for table in ("node", "links"):
        blocks.append(_table(f"[{table}]", TABLES[table], given.get(table, {})))
    blocks.append(_peer_example())
    for plugin, kind in kinds:
        about = f"Role {kind.name} of plugin {plugin}: {kind.summary}"
        blocks.append(_table(f"[roles.{kind.name}]", kind.settings, {}, about))
    for plugin in dict.fromkeys(plugin for plugin, _ in kinds):
        about = f"Plugin {plugin}. It brings a role, and so runs in the node itself: its code may use the node's keys."
        blocks.append(_table(f"[plugins.{plugin}]", PluginSettings, {"trusted": True}, about))
    for table in list(TABLES)[2:]:
        blocks.append(_table(f"[{table}]", TABLES[table], {}))
    return "\n\n".join(blocks) + "\n"


def missing(kind: RoleKind) -> list[str]:
    """Return the keys of a role that `render` could not fill in."""
    return [field.name for field in fields_of(kind.settings) if field.required and field.example is None]


def _table(header: str, table: type[msgspec.Struct], given: Mapping[str, Any], about: str = "") -> str:
    return "\n".join([_comment(about or summary_of(table)), header, *_keys(table, given)])


def _keys(table: type[msgspec.Struct], given: Mapping[str, Any]) -> Iterator[str]:
    for field in fields_of(table):
        takes = f"Takes {field.expected}" + (", and has to be given." if field.required else ".")
        yield _comment(f"{field.why} {takes}".strip())
        value = toml(given[field.name]) if field.name in given else field.default
        if value is None and field.required:
            value = field.example
        if value is not None:
            yield f"{field.name} = {value}"
        else:
            yield f"# {field.name} ="


def _peer_example() -> str:
    """The table of a peer, as a comment: there is none yet."""
    lines = [_comment(f"{summary_of(PeerTable)} Take away one # in front of each of these lines for the first."), ""]
    lines.append("# [[peers]]")
    for field in fields_of(PeerTable):
        lines.append(_comment(f"{field.why} Takes {field.expected}.", "## "))
        lines.append(f"# {field.name} = {field.example or field.default}")
    return "\n".join(lines)


def _comment(text: str, mark: str = "# ") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=mark, subsequent_indent=mark, break_on_hyphens=False)
