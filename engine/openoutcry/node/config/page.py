"""The reference page of the configuration, from the types."""

from collections.abc import Iterator

import msgspec

from openoutcry.host.settings import PluginSettings
from openoutcry.node.config.fields import fields_of, summary_of
from openoutcry.node.config.tables import TABLES, PeerTable

HEAD = """# Configuration of a node

A node is configured by one file of [TOML](https://toml.io). `outcry init ROLE` writes one with every key and a comment
above each; `outcry run --check FILE` checks one. What is wrong is told in one line: file, line, what, what was
expected, and what to do. A key that is not known is an error, since a wrong name would silently mean its default.

Relative paths begin at the folder of the file. The file may be read by others, but not be written by them: it says what
code runs with the node's keys. It holds no secret; `unlock` only says where the passphrase comes from.

This page is made from the types in `engine/openoutcry/node/config/tables.py` by
`python -m openoutcry.node.config.page > docs/reference/configuration.md`.
"""

ROLES = """## [roles.NAME]

One table for each role that the node runs, by the name of the role; an empty table takes its defaults. Its keys are the
role's own: `outcry init NAME` writes them. Roles keep their numbers in the journal, so the order of the tables means
nothing. Two roles that take the same messages cannot be in one node.
"""

PLUGINS = """## [plugins.NAME]

One table for each plugin that the node loads, by the name that `outcry plugins` lists; what is not named here is not
even imported. A plugin that brings a role has to be trusted.
"""


def page() -> str:
    """Return the page."""
    blocks = [HEAD]
    for name in ("node", "links"):
        blocks.append(_section(f"[{name}]", TABLES[name]))
    blocks += [_section("[[peers]]", PeerTable), ROLES, PLUGINS + "\n" + _table(PluginSettings)]
    for name in list(TABLES)[2:]:
        blocks.append(_section(f"[{name}]", TABLES[name]))
    return "\n".join(blocks)


def _section(header: str, table: type[msgspec.Struct]) -> str:
    return f"## {header}\n\n{summary_of(table)}\n\n{_table(table)}"


def _table(table: type[msgspec.Struct]) -> str:
    return "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *_rows(table), ""])


def _rows(table: type[msgspec.Struct]) -> Iterator[str]:
    for field in fields_of(table):
        default = "has to be given" if field.required else f"`{field.default}`" if field.default else "none"
        cells = (f"`{field.name}`", field.expected, default, field.why)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(page(), end="")
