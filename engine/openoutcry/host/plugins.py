"""The plugins that a node has loaded, and the questions that it asks them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from openoutcry.host.account import Account, Counters, Tell
from openoutcry.host.codes import NO_ANSWER, Answer, merge, refuse_unchecked
from openoutcry.host.errors import PluginError
from openoutcry.host.kinds import ReplayReader, RoleKind, Scenario

Item = TypeVar("Item", bound=np.generic)

COMMANDS_MAX: Final = 65_536
"""Commands in one question to the checks: 4 MiB of records; a larger group is asked about in parts."""


class Check(Protocol):
    """The order check of one plugin, wherever it runs."""

    @property
    def account(self) -> Account:
        """What is counted of it."""

    @property
    def required(self) -> bool:
        """Whether its not answering refuses orders."""

    def put(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> None:
        """Hand the question to a process of its own; the deadline begins."""

    def take(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> Answer:
        """Return the answer to what was put; never raises. From a process of its own it comes within the deadline."""

    def close(self) -> None:
        """Let go of processes and pipes."""


class AbsentCheck:
    """Stands for a required check that is not there: its plugin is broken or switched off."""

    def __init__(self, plugin: str, why: str, tell: Tell) -> None:
        self.account = Account(plugin, "check_orders", tell)
        self.required = True
        self._why = why

    def put(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> None:
        """Nobody is there to be asked."""
        self.account.counters.calls += 1

    def take(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> Answer:
        """Give no answer."""
        self.account.fail("down", self._why)
        return NO_ANSWER

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class Plugins:
    """What `loading.load` has loaded. Implements `kinds.Answers`. One thread asks at a time.

    names: of the plugins that are loaded, sorted. role_kinds, scenarios, readers: by their own names, sorted. broken:
    plugin to why it could not be loaded, in one line. untrusted_roles: name of a role to
    the plugin that would bring it, were it trusted. closers: what `close` ends.
    """

    names: tuple[str, ...] = ()
    role_kinds: Mapping[str, RoleKind] = field(default_factory=dict)
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    readers: Mapping[str, ReplayReader] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    untrusted_roles: Mapping[str, str] = field(default_factory=dict)
    closers: tuple[Callable[[], object], ...] = ()

    def role_kind(self, role: str) -> RoleKind:
        """Return a kind of role by name. Raises PluginError, which says what to write, where no plugin brings it."""
        kind = self.role_kinds.get(role)
        if kind is not None:
            return kind
        plugin = self.untrusted_roles.get(role)
        if plugin is not None:
            raise PluginError(
                plugin,
                f"brings role {role}, and a role runs in the node itself: write `trusted = true` under "
                f"[plugins.{plugin}] if you trust its code with the node's keys",
            )
        have = ", ".join(self.role_kinds) or "none"
        why = "; ".join(f"plugin {name}: {words}" for name, words in self.broken.items())
        raise PluginError("", f"no loaded plugin brings role {role} (there is: {have})" + (f"; {why}" if why else ""))

    def check_orders(
        self, commands: NDArray[np.void], last_ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.int16] | None:
        """Ask every check about a group; see `kinds.Answers`. The answer is the caller's own."""
        if not self.checks:
            return None
        count = len(commands)
        prices = np.zeros(count, dtype=np.int64) if last_ticks is None else last_ticks
        assert prices.shape == (count,), "one last price for each command"
        assert prices.dtype == np.int64, "prices are ticks"
        codes = np.zeros(count, dtype=np.int16)
        for begin in range(0, count, COMMANDS_MAX):
            part = slice(begin, begin + COMMANDS_MAX)
            self._check_part(_read_only(commands[part]), _read_only(prices[part]), codes[part])
        return codes

    def _check_part(self, commands: NDArray[np.void], prices: NDArray[np.int64], codes: NDArray[np.int16]) -> None:
        for check in self.checks:
            check.put(commands, prices)
        for check in self.checks:
            answer = check.take(commands, prices)
            if answer is NO_ANSWER:
                if check.required:
                    refuse_unchecked(codes, commands["op"])
            elif answer is not None:
                merge(codes, answer)

    @property
    def counters(self) -> Mapping[tuple[str, str], Counters]:
        """Return plugin and hook to what was counted of them."""
        return MappingProxyType({(one.account.plugin, one.account.hook): one.account.counters for one in self.checks})

    def close(self) -> None:
        """End every process of a plugin, and the watchdog."""
        for close in self.closers:
            close()


def _read_only(array: NDArray[Item]) -> NDArray[Item]:
    view = array.view()
    view.flags.writeable = False
    return view
