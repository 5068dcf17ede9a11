"""Load the plugins that are named, and no others: what is not named is not even imported.

They are loaded, listed and asked in order of their names. What the one who names them can put right (a plugin that is
not installed, does not fit, is brought twice, takes other settings) is a PluginError. What is wrong with a plugin
itself is told and kept in `Plugins.broken`: one plugin's failure is not to take the others along.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from openoutcry.host.account import Tell, say_nothing
from openoutcry.host.bring import BrokenPlugin, bring, carried
from openoutcry.host.errors import PluginError
from openoutcry.host.guard import TrustedCheck, call_once
from openoutcry.host.installed import Installed, find, installed
from openoutcry.host.isolation import IsolatedCheck
from openoutcry.host.kinds import ReplayReader, RoleKind, Scenario
from openoutcry.host.off import add_off, read_off
from openoutcry.host.plugins import AbsentCheck, Check, Plugins
from openoutcry.host.readers import guarded_reader
from openoutcry.host.settings import DEADLINE_MS, PluginSettings
from openoutcry.host.watchdog import Watchdog

Named = TypeVar("Named", RoleKind, Scenario, ReplayReader)


def load(
    names: Mapping[str, PluginSettings],
    *,
    tell: Tell = say_nothing,
    stop: Callable[[str], object] | None = None,
    off_file: Path | None = None,
    among: list[Installed] | None = None,
) -> Plugins:
    """Load plugins by name.

    tell: is told what fails, now and later, from any thread. stop: called from the watchdog's thread with a line that
    says why, when a trusted hook does not come back; it has to end the process with exit code `watchdog.HANG_EXIT`.
    off_file: where such a plugin is noted, and what is noted there is left out; `off.OFF_FILE` in the data folder.
    among: what is installed, for tests. Raises PluginError. Close what is returned.
    """
    known = installed() if among is None else among
    wanted = {name: names[name] for name in sorted(names) if not names[name].off}
    found = {name: find(name, known) for name in wanted}
    loader = _Loader(wanted, found, tell, stop, off_file)
    try:
        return loader.run()
    except BaseException:
        loader.close()
        raise


class _Loader:
    """A load under way."""

    def __init__(
        self,
        wanted: Mapping[str, PluginSettings],
        found: Mapping[str, Installed],
        tell: Tell,
        stop: Callable[[str], object] | None,
        off_file: Path | None,
    ) -> None:
        self.wanted, self.found = wanted, found
        self.tell, self.stop, self.off_file = tell, stop, off_file
        self.off = read_off(off_file) if off_file is not None else {}
        self.roles: dict[str, tuple[str, RoleKind]] = {}
        self.scenarios: dict[str, tuple[str, Scenario]] = {}
        self.readers: dict[str, tuple[str, ReplayReader]] = {}
        self.untrusted: dict[str, str] = {}
        self.checks: list[Check] = []
        self.begun: dict[str, IsolatedCheck] = {}
        self.broken: dict[str, str] = {}
        deadlines = [one.deadline_ms for one in wanted.values() if one.trusted]
        self.watchdog = Watchdog(tell, self.hung, min(deadlines, default=DEADLINE_MS))
        if deadlines:
            self.watchdog.start()

    def run(self) -> Plugins:
        """Load everything. The processes of those that are not trusted start all at once; each takes 0.2 s."""
        for name, settings in self.wanted.items():
            if not settings.trusted and name not in self.off:
                self.begun[name] = IsolatedCheck(name, self.found[name].value, settings, self.tell)
        for name, settings in self.wanted.items():
            try:
                if name in self.off:
                    raise BrokenPlugin(name, f"is switched off: {self.off[name]}; remove its line from {self.off_file}")
                if settings.trusted:
                    self.trusted(name, settings)
                else:
                    self.isolated(name)
            except BrokenPlugin as error:
                self.break_off(name, settings, str(error).removeprefix(f"plugin {name}: "))
        while self.begun:
            self.begun.popitem()[1].close()
        return Plugins(
            names=tuple(name for name in self.wanted if name not in self.broken),
            role_kinds=_by_name(self.roles),
            scenarios=_by_name(self.scenarios),
            readers=_by_name(self.readers),
            checks=tuple(self.checks),
            broken=self.broken,
            untrusted_roles=dict(sorted(self.untrusted.items())),
            closers=(self.close,),
        )

    def trusted(self, name: str, settings: PluginSettings) -> None:
        """Import a plugin into this process."""
        value = self.found[name].value
        watchdog, load_ms = self.watchdog, settings.load_ms
        hooks = call_once(watchdog, name, "import", load_ms, lambda: bring(name, value, settings.settings))
        roles = call_once(watchdog, name, "roles", load_ms, lambda: carried(name, "roles", hooks, RoleKind))
        _add(self.roles, name, "role", roles)
        scenarios = call_once(watchdog, name, "scenarios", load_ms, lambda: carried(name, "scenarios", hooks, Scenario))
        _add(self.scenarios, name, "scenario", scenarios)
        readers = call_once(
            watchdog, name, "replay_readers", load_ms, lambda: carried(name, "replay_readers", hooks, ReplayReader)
        )
        _add(self.readers, name, "reader", [guarded_reader(name, one, self.tell) for one in readers])
        if "check_orders" in hooks:
            one = hooks["check_orders"]
            takes_prices = "last_ticks" in one.arguments
            self.checks.append(TrustedCheck(name, one.function, takes_prices, settings, self.tell, watchdog))

    def isolated(self, name: str) -> None:
        """Wait for the process of a plugin, and keep it where it has something to do."""
        ready = self.begun[name].wait_ready()
        if "check_orders" in ready.hooks:
            self.checks.append(self.begun.pop(name))
        self.untrusted.update(dict.fromkeys(ready.roles, name))

    def break_off(self, name: str, settings: PluginSettings, words: str) -> None:
        """Do without a plugin."""
        self.broken[name] = words
        self.tell("plugin not loaded", plugin=name, cause=words)
        if settings.required:
            self.checks.append(AbsentCheck(name, words, self.tell))

    def hung(self, plugin: str, hook: str, words: str) -> None:
        """Note a plugin that does not come back, and stop the node."""
        roles = sorted(role for role, (owner, _) in self.roles.items() if owner == plugin)
        if roles:
            words += f"; it brings role {', '.join(roles)} and so cannot be switched off"
        elif self.off_file is not None:
            try:
                add_off(self.off_file, plugin, words)
                words += f"; it is switched off in {self.off_file}"
            except OSError as error:
                words += f"; it could not be switched off: {self.off_file}: {error.strerror}"
        self.tell("plugin hangs", plugin=plugin, hook=hook, cause=words)
        if self.stop is not None:
            self.stop(f"plugin {plugin}: {words}")

    def close(self) -> None:
        """End what was begun."""
        self.watchdog.stop()
        for check in (*self.checks, *self.begun.values()):
            check.close()


def _add(known: dict[str, tuple[str, Named]], plugin: str, what: str, brought: Iterable[Named]) -> None:
    for one in brought:
        if one.name in known:
            raise PluginError(
                "", f"plugins {known[one.name][0]} and {plugin} both bring {what} {one.name}: load only one of them"
            )
        known[one.name] = (plugin, one)


def _by_name(known: Mapping[str, tuple[str, Named]]) -> dict[str, Named]:
    return {name: one for name, (_, one) in sorted(known.items())}
