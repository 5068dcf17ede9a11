"""The roles and plugins that a configuration names, against what is installed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from openoutcry.host.account import Tell
from openoutcry.host.errors import PluginError
from openoutcry.host.installed import Installed, find, installed
from openoutcry.host.kinds import RoleKind, Settings
from openoutcry.host.loading import load
from openoutcry.host.plugins import Plugins
from openoutcry.node.config.convert import convert, unknown
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.reading import Config
from openoutcry.node.core.language import Language


class Chosen(NamedTuple):
    """One role that a configuration asks for, and its settings."""

    kind: RoleKind
    settings: Settings


@dataclass(frozen=True, slots=True)
class Cast:
    """What a configuration brings together: loaded plugins, which the owner closes, and the roles in order of name."""

    plugins: Plugins
    roles: tuple[Chosen, ...]


def load_cast(
    config: Config,
    tell: Tell,
    stop: Callable[[str], object] | None = None,
    off_file: Path | None = None,
    among: list[Installed] | None = None,
) -> Cast:
    """Load the plugins of a configuration and look at its roles. Raises ConfigError; then nothing is left running.

    tell, stop, off_file: as for `host.loading.load`. among: what is installed, for tests.
    """
    known = installed() if among is None else among
    for name in config.plugins:
        path = ("plugins", name)
        if all(one.name != name for one in known):
            what, expected, hint = unknown(path, sorted({one.name for one in known}), "plugin")
            raise config.source.error(path, what.replace("not known", "not installed"), expected, hint)
        try:
            find(name, known)
        except PluginError as error:
            raise config.source.error(path, str(error)) from error
    try:
        plugins = load(config.plugins, tell=tell, stop=stop, off_file=off_file, among=known)
    except PluginError as error:
        raise _at_plugin(config, error) from error
    try:
        roles = tuple(_choose(config, name, plugins, known) for name in sorted(config.roles))
        _check_language(config, roles)
    except BaseException:
        plugins.close()
        raise
    return Cast(plugins, roles)


def _choose(config: Config, name: str, plugins: Plugins, known: Sequence[Installed]) -> Chosen:
    path = ("roles", name)
    try:
        kind = plugins.role_kind(name)
    except PluginError as error:
        table = config.plugins.get(name)
        if table is None and any(one.name == name for one in known):
            hint = f"add [plugins.{name}] and trusted = true"
            raise config.source.error(path, f"no loaded plugin brings role {name}", "its plugin", hint) from error
        if name not in plugins.untrusted_roles and not plugins.broken:
            names = sorted({*plugins.role_kinds, *(one.name for one in known)} - {name})
            what, expected, hint = unknown(path, names, "role")
            raise config.source.error(
                path, what.replace("not known", "brought by no plugin"), expected, hint
            ) from error
        at = ("plugins", plugins.untrusted_roles[name]) if name in plugins.untrusted_roles else path
        raise config.source.error(at, str(error)) from error
    return Chosen(kind, convert(config.source, path, config.roles[name], kind.settings))


def _check_language(config: Config, roles: Sequence[Chosen]) -> None:
    """Refuse roles that take, or bring, what only one of them may."""
    for count in range(1, len(roles) + 1):
        try:
            Language({number: role.kind for number, role in enumerate(roles[:count], start=1)})
        except ValueError as error:
            path = ("roles", roles[count - 1].kind.name)
            hint = "" if "two nodes" in str(error) else "remove one of the two"
            raise config.source.error(path, str(error), "roles that go together", hint) from error


def _at_plugin(config: Config, error: PluginError) -> ConfigError:
    path = ("plugins", error.plugin) if error.plugin else ("plugins",)
    return config.source.error(path, str(error))
