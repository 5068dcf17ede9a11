"""From a file's values to a configuration: each table into its type, and whatever is wrong into one line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openoutcry.host.settings import PluginSettings
from openoutcry.node.config.checks import check
from openoutcry.node.config.convert import convert, unknown, value_of
from openoutcry.node.config.errors import printable
from openoutcry.node.config.source import Source, shown
from openoutcry.node.config.tables import (
    PEERS_MAX,
    TABLES,
    JournalTable,
    LinksTable,
    LogTable,
    MetricsTable,
    NodeTable,
    PeerTable,
    SnapshotsTable,
)
from openoutcry.node.keys.errors import BadUnlock
from openoutcry.node.keys.unlock import Source as UnlockSource
from openoutcry.node.keys.unlock import Unlock, parse_unlock

JOURNAL_FOLDER: Final = "journal"
"""In the data folder, beside the views."""

NAMED: Final = ("roles", "plugins")
"""Tables of tables, by a name that the operator chooses from what is installed."""

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""What a role can be called."""

ROLES_MAX: Final = 16
"""Roles of one node: as many as its service record has room for."""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration whose own tables are right. What only the installed plugins can judge is checked by `roles`.

    source: the file. data, keystore, revocations: where they are. roles: name to the values of its table, as they are.
    """

    source: Source
    node: NodeTable
    links: LinksTable
    peers: tuple[PeerTable, ...]
    roles: Mapping[str, Mapping[str, Any]]
    plugins: Mapping[str, PluginSettings]
    journal: JournalTable
    snapshots: SnapshotsTable
    metrics: MetricsTable
    log: LogTable
    unlock: Unlock

    @property
    def data(self) -> Path:
        """The folder of the node."""
        return self.source.place(self.node.data)

    @property
    def keystore(self) -> Path:
        """The file with its keys."""
        return self.source.place(self.node.keystore)

    @property
    def journal_folder(self) -> Path:
        """Where the journal lies: `outcry compact` follows it there."""
        return self.data / JOURNAL_FOLDER

    @property
    def revocations(self) -> list[Path]:
        """The files that say which keys no longer count."""
        return [self.source.place(path) for path in self.links.revocations]


def read_config(path: Path) -> Config:
    """Read a configuration. Raises ConfigError."""
    return take(Source.read(path))


def take(source: Source) -> Config:
    """Return what a file configures. Raises ConfigError for the first mistake, in the order of this function."""
    known = [*TABLES, "peers", *NAMED]
    for key, value in source.values.items():
        if key not in known:
            raise source.error((key,), *unknown((key,), known, "table"))
        if key == "peers":
            if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
                raise source.error((key,), f"peers is {value_of(value)}", "a table for each peer", "write [[peers]]")
        elif not isinstance(value, dict):
            raise source.error((key,), f"{key} is {value_of(value)}", "a table", f"write [{key}] on a line of its own")
    if "node" not in source.values:
        raise source.error((), "[node] is missing", "the table [node] with a name", 'add [node] and name = "echo"')
    once = {name: convert(source, (name,), source.values.get(name, {}), type_) for name, type_ in TABLES.items()}
    node = once["node"]
    assert isinstance(node, NodeTable)
    config = Config(
        source=source,
        peers=_peers(source),
        roles=_named(source, "roles"),
        plugins={
            name: convert(source, ("plugins", name), values, PluginSettings)
            for name, values in _named(source, "plugins").items()
        },
        unlock=_unlock(source, node),
        **once,  # type: ignore[arg-type]
    )
    if not config.roles:
        raise source.error(("roles",), "no role is configured", "a table [roles.NAME]", "`outcry init ROLE` writes one")
    check(config)
    return config


def _named(source: Source, key: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables below [roles] or [plugins]."""
    tables: Mapping[str, Mapping[str, Any]] = source.values.get(key, {})
    for name, values in tables.items():
        if not isinstance(values, dict):
            hint = f"write [{key}.{printable(name, 40)}] on a line of its own"
            raise source.error((key, name), f"{shown((key, name))} is {value_of(values)}", "a table", hint)
        if key == "roles" and not NAME.fullmatch(name):
            raise source.error((key, name), f"{shown((key, name))} is no name of a role", "a to z, 0 to 9 and _")
    if key == "roles" and len(tables) > ROLES_MAX:
        raise source.error((key, list(tables)[ROLES_MAX]), f"{len(tables)} roles", f"at most {ROLES_MAX} in one node")
    return tables


def _peers(source: Source) -> tuple[PeerTable, ...]:
    tables = source.values.get("peers", [])
    if len(tables) > PEERS_MAX:
        raise source.error(("peers", PEERS_MAX), f"{len(tables)} peers", f"at most {PEERS_MAX}")
    return tuple(convert(source, ("peers", index), values, PeerTable) for index, values in enumerate(tables))


def _unlock(source: Source, node: NodeTable) -> Unlock:
    try:
        unlock = parse_unlock(node.unlock)
    except BadUnlock as error:
        raise source.error(("node", "unlock"), f"node.unlock: {error}") from error
    if unlock.source in (UnlockSource.FILE, UnlockSource.SERVICE):
        return Unlock(unlock.source, str(source.place(unlock.value)))
    return unlock
