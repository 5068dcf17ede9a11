"""Calls of hooks in the process itself: contained, counted, and visible to the watchdog."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from openoutcry.host.account import Account, Tell, words_of
from openoutcry.host.codes import NO_ANSWER, Answer, fault_of
from openoutcry.host.settings import LOAD_HANG_FACTOR, PluginSettings
from openoutcry.host.watchdog import Call, Watchdog

T = TypeVar("T")

MS: Final = 1_000_000


class TrustedCheck:
    """The order check of a plugin that runs in the node. Asked by one thread at a time."""

    __slots__ = ("_deadline_ns", "_function", "_hang_ns", "_takes_prices", "_watchdog", "account", "required")

    def __init__(
        self,
        name: str,
        function: Callable[..., object],
        takes_prices: bool,
        settings: PluginSettings,
        tell: Tell,
        watchdog: Watchdog,
    ) -> None:
        self.account = Account(name, "check_orders", tell)
        self.required = settings.required
        self._function = function
        self._takes_prices = takes_prices
        self._deadline_ns = settings.deadline_ms * MS
        self._hang_ns = max(settings.hang_ms, settings.deadline_ms) * MS
        self._watchdog = watchdog

    def put(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> None:
        """Nothing runs ahead: the plugin is asked in `take`."""

    def take(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> Answer:
        """Ask once. Costs 0.5 microseconds beyond the call itself, and 1.3 more to check an answer that is not None."""
        account, watchdog = self.account, self._watchdog
        account.counters.calls += 1
        begun_ns = time.monotonic_ns()
        late_ns = begun_ns + self._deadline_ns
        watchdog.call = Call(
            account.plugin, account.hook, threading.get_ident(), begun_ns, late_ns, begun_ns + self._hang_ns
        )
        try:
            answer = self._function(commands, last_ticks) if self._takes_prices else self._function(commands)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: a plugin does not end the node
            account.fail("raised", words_of(error))
            return NO_ANSWER
        finally:
            watchdog.call = None
        now_ns = time.monotonic_ns()
        if now_ns > late_ns:
            account.fail("late", f"answered after {(now_ns - begun_ns) // MS} ms")
            return NO_ANSWER
        if answer is None:
            account.counters.none += 1
            return None
        fault = fault_of(answer, len(commands))
        if fault is not None:
            account.fail("wrong", fault)
            return NO_ANSWER
        assert isinstance(answer, np.ndarray)
        return answer

    def close(self) -> None:
        """Nothing is held."""


def call_once(watchdog: Watchdog, plugin: str, what: str, load_ms: int, function: Callable[[], T]) -> T:
    """Call something of a plugin while it is loaded, watched as a hook is; what it raises goes on to the caller."""
    begun_ns = time.monotonic_ns()
    late_ns = begun_ns + load_ms * MS
    hang_ns = begun_ns + LOAD_HANG_FACTOR * load_ms * MS
    watchdog.call = Call(plugin, what, threading.get_ident(), begun_ns, late_ns, hang_ns)
    try:
        return function()
    finally:
        watchdog.call = None
