"""Import one plugin and find its hooks: in the node for one that is trusted, else in its own process."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec
import pluggy
from pluggy import PluginValidationError

from openoutcry.host.account import one_line, words_of
from openoutcry.host.errors import PluginError
from openoutcry.host.groups import GROUP
from openoutcry.host.kinds import ReplayReader, RoleKind, Scenario
from openoutcry.host.pipe import BROUGHT_MAX
from openoutcry.host.specs import HOOKS, Hooks

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""What a role, scenario or reader can be called."""

Named = TypeVar("Named", RoleKind, Scenario, ReplayReader)


class BrokenPlugin(PluginError):
    """A plugin that cannot be imported, made or asked: its own fault, and not that of whoever named it."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook of one plugin. arguments: those of the specification that it takes, in its own order."""

    function: Callable[..., Any]
    arguments: tuple[str, ...]


def bring(name: str, value: str, settings: Mapping[str, Any]) -> dict[str, Hook]:
    """Return the hooks of the plugin that an entry point names, in the order of HOOKS.

    A class is made: with its settings, converted into its `Settings` (a msgspec struct), or with nothing where it has
    none. Raises PluginError for settings that are not what it takes, BrokenPlugin for what is wrong with the plugin.
    """
    try:
        plugin = EntryPoint(name, value, GROUP).load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BrokenPlugin(name, f"import of {value} failed: {words_of(error)}") from error
    if isinstance(plugin, type):
        plugin = _make(name, plugin, settings)
    elif settings:
        raise PluginError(name, f"takes no settings, and some are given: {', '.join(sorted(settings))}")
    return _hooks(name, plugin)


def _make(name: str, plugin: type, settings: Mapping[str, Any]) -> object:
    wanted = getattr(plugin, "Settings", None)
    if wanted is None and settings:
        raise PluginError(name, f"takes no settings, and some are given: {', '.join(sorted(settings))}")
    try:
        if wanted is None:
            return plugin()
        return plugin(msgspec.convert(dict(settings), wanted))
    except msgspec.ValidationError as error:
        raise PluginError(name, f"settings: {one_line(str(error))}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BrokenPlugin(name, f"{plugin.__name__} cannot be made: {words_of(error)}") from error


def _hooks(name: str, plugin: object) -> dict[str, Hook]:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(Hooks)
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except PluginValidationError as error:
        raise BrokenPlugin(name, one_line(str(error))) from error
    found: dict[str, Hook] = {}
    for hook in HOOKS:
        for one in getattr(manager.hook, hook).get_hookimpls():
            if one.wrapper or one.hookwrapper:
                raise BrokenPlugin(name, f"{hook} is a wrapper: no plugin may change what another answers")
            found[hook] = Hook(one.function, tuple(one.argnames))
    if not found:
        raise BrokenPlugin(name, f"has no hook: mark one of {', '.join(HOOKS)} with openoutcry.host.hookimpl")
    return found


def carried(plugin: str, name: str, hooks: Mapping[str, Hook], kind: type[Named]) -> list[Named]:
    """Ask a hook that brings things of one kind, where the plugin has it, and check them. Raises BrokenPlugin."""
    if name not in hooks:
        return []
    try:
        answer = hooks[name].function()
        brought = [] if answer is None else list(islice(answer, BROUGHT_MAX + 1))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BrokenPlugin(plugin, f"{name} raised {words_of(error)}") from error
    if len(brought) > BROUGHT_MAX:
        raise BrokenPlugin(plugin, f"{name} answered more than {BROUGHT_MAX}")
    seen: set[str] = set()
    for one in brought:
        if not isinstance(one, kind):
            raise BrokenPlugin(plugin, f"{name} answered a {type(one).__name__}, expected {kind.__name__}")
        if not isinstance(one.name, str) or NAME.fullmatch(one.name) is None:
            raise BrokenPlugin(
                plugin, f"{name} answered a {kind.__name__} called {one.name!r}, expected {NAME.pattern}"
            )
        if one.name in seen:
            raise BrokenPlugin(plugin, f"{name} answered two of the name {one.name}")
        seen.add(one.name)
    return brought
