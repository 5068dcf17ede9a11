"""Names a trusted hook that is past its deadline, with its stack, and stops the node when it will not come back.

Python cannot interrupt itself: what runs in the node can only be watched, from another thread. A hook that never gives
the interpreter back (a long call into C that keeps its lock) cannot be seen from here either; such a plugin belongs in
a process of its own, which is what happens where it is not marked `trusted`.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Final, NamedTuple

from openoutcry.host.account import Tell

HANG_EXIT: Final = os.EX_TEMPFAIL
"""Exit code, 75, of a node that a plugin has hung: start it again, it will leave the plugin out."""

POLLS_PER_DEADLINE: Final = 2
POLL_S_MIN: Final = 0.005
POLL_S_MAX: Final = 0.1
"""The watchdog looks twice in the shortest deadline, within these: each look takes the interpreter for 20
microseconds."""

STACK_LINES_MAX: Final = 40


class Call(NamedTuple):
    """A call of a trusted hook that is under way. Times are those of `time.monotonic_ns`."""

    plugin: str
    hook: str
    thread: int
    begun_ns: int
    late_ns: int
    hang_ns: int


class Watchdog:
    """A thread that looks at the one call that may be under way.

    tell: is told of a hook past its deadline, with its stack. hung: called once, from the watchdog's thread, with the
    plugin, the hook and a line that says what happened, when the hang bound has passed; it is expected to note the
    plugin and to end the process.
    """

    def __init__(self, tell: Tell, hung: Callable[[str, str, str], None], deadline_ms_min: int) -> None:
        self.call: Call | None = None
        """Set by the thread that calls a hook, for as long as the call lasts."""
        self._tell = tell
        self._hung = hung
        self._poll_s = min(POLL_S_MAX, max(POLL_S_MIN, deadline_ms_min / 1000 / POLLS_PER_DEADLINE))
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="openoutcry-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it, unless it is the caller."""
        self._end.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        named: Call | None = None
        gone: Call | None = None
        while not self._end.wait(self._poll_s):
            call = self.call
            if call is None:
                continue
            now_ns = time.monotonic_ns()
            if now_ns >= call.late_ns and call is not named:
                named = call
                self._name(call, now_ns)
            if now_ns >= call.hang_ns and call is not gone:
                gone = call
                spent_ms = (now_ns - call.begun_ns) // 1_000_000
                self._hung(call.plugin, call.hook, f"hook {call.hook} has not come back after {spent_ms} ms")

    def _name(self, call: Call, now_ns: int) -> None:
        self._tell(
            "plugin past its deadline",
            plugin=call.plugin,
            hook=call.hook,
            spent_ms=(now_ns - call.begun_ns) // 1_000_000,
            stack=stack_of(call.thread),
        )


def stack_of(thread: int) -> str:
    """Return where a thread is right now, outermost call first, at most STACK_LINES_MAX lines; "" if it has ended."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return ""
    lines = "".join(traceback.format_stack(frame)).splitlines()
    return "\n".join(lines[-STACK_LINES_MAX:])
