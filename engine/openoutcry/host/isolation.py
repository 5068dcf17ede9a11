"""The order check of a plugin that is not trusted: in a process of its own, which is killed when it does not answer.

The process has no environment but what Python needs, no file descriptor but three pipes, and no more rights than
`confine` leaves it. It dies with the node, and is begun anew, with growing pauses, when it has ended or was killed.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.host.account import Account, Tell, one_line
from openoutcry.host.bring import BrokenPlugin
from openoutcry.host.codes import NO_ANSWER, Answer, fault_of
from openoutcry.host.errors import PluginError
from openoutcry.host.pipe import (
    OVERHEAD_BYTES,
    READY_BYTES_MAX,
    Ask,
    Begin,
    Failed,
    Inbox,
    PipeFault,
    Ready,
    Told,
    decode_from_child,
    framed,
    write_until,
)
from openoutcry.host.settings import PluginSettings

MS: Final = 1_000_000

PAUSE_NS_MIN: Final = 100 * MS
PAUSE_NS_MAX: Final = 30_000 * MS
"""A process that ends is begun anew at once, then after these pauses, each twice the one before."""

BEGIN_NS: Final = 1_000 * MS
"""How long a process may leave a first message that is longer than a pipe holds unread."""

HEALTHY_NS: Final = 60_000 * MS
"""The pauses begin anew after a process has lived so long."""

OUTPUT_BYTES_MAX: Final = 4_096
"""What a process prints is told up to so many bytes in OUTPUT_NS; the rest is counted."""

OUTPUT_NS: Final = 10_000 * MS

LAST_WORDS_S: Final = 0.01
"""How long a question waits for what a process that has ended printed last, beyond its deadline."""

JOIN_S: Final = 5.0
"""How long closing waits for the end of a process that was killed."""


def open_isolated(name: str, value: str, settings: PluginSettings, tell: Tell) -> tuple["IsolatedCheck", Ready]:
    """Begin the process of a plugin and wait until it is ready. About 0.3 s.

    Raises PluginError for settings that the plugin does not take, BrokenPlugin where it cannot be loaded.
    """
    check = IsolatedCheck(name, value, settings, tell)
    try:
        return check, check.wait_ready()
    except BaseException:
        check.close()
        raise


class IsolatedCheck:
    """One plugin's process as the node sees it. Asked by one thread at a time."""

    def __init__(self, name: str, value: str, settings: PluginSettings, tell: Tell) -> None:
        self.account = Account(name, "check_orders", tell)
        self.required = settings.required
        self._begin = framed(Begin(name, value, settings.settings))
        self._settings = settings
        self._tell = tell
        self._deadline_ns = settings.deadline_ms * MS
        self._hang_ns = max(settings.hang_ms, settings.deadline_ms) * MS
        self._ends = 0
        self._start_ns = 0
        self._until_ns: int | None = None
        self._process: _Process | None = None
        self._cannot = self._begin_process(time.monotonic_ns())

    def wait_ready(self) -> Ready:
        """Wait for the first process to be ready."""
        process, name = self._process, self.account.plugin
        if process is None:
            raise BrokenPlugin(name, self._cannot)
        try:
            message = process.ready_until(process.begun_ns + self._settings.load_ms * MS)
        except PipeFault as fault:
            words = f"is not loaded after {self._settings.load_ms} ms" if fault.kind == "late" else str(fault)
            raise BrokenPlugin(name, f"{words}{process.last_words(JOIN_S if fault.kind == 'down' else 0)}") from fault
        if isinstance(message, Failed):
            words = one_line(message.words)
            raise PluginError(name, words) if message.settings else BrokenPlugin(name, words)
        return message

    def put(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> None:
        """Hand the question over, so that several processes work at a time."""
        self.account.counters.calls += 1
        self._until_ns = None
        now_ns = time.monotonic_ns()
        process = self._process
        if process is None:
            self._fail("down", self._begin_if_due(now_ns))
            return
        try:
            if process.idle(now_ns, self._settings.load_ms * MS, self._hang_ns):
                answer_bytes_max = 2 * len(commands) + OVERHEAD_BYTES
                process.put(commands.tobytes(), last_ticks.tobytes(), now_ns + self._deadline_ns, answer_bytes_max)
                self._until_ns = now_ns + self._deadline_ns
            else:
                self._fail(*process.excuse)
        except PipeFault as fault:
            self._fault(process, fault)

    def take(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> Answer:
        """Wait for the answer, until the deadline that began with `put`. Both: 25 microseconds for 256 commands."""
        process = self._process
        if self._until_ns is None or process is None:
            return NO_ANSWER
        try:
            told = process.take(self._until_ns)
        except PipeFault as fault:
            self._fault(process, fault)
            return NO_ANSWER
        return self._answer_of(told, len(commands))

    def _fault(self, process: "_Process", fault: PipeFault) -> None:
        if fault.kind != "late" or process.is_over:
            self._end(f"{fault}{process.last_words(LAST_WORDS_S)}")
        self._fail(fault.kind, str(fault))

    def _answer_of(self, told: Told, count: int) -> Answer:
        if told.kind:
            return self._fail("raised" if told.kind == "raised" else "wrong", told.words)
        if told.codes is None:
            self.account.counters.none += 1
            return None
        if len(told.codes) != 2 * count:
            return self._fail("wrong", f"its process sent {len(told.codes)} bytes of codes for {count} commands")
        answer = np.frombuffer(told.codes, dtype=np.int16)
        fault = fault_of(answer, count)
        return answer if fault is None else self._fail("wrong", fault)

    def _fail(self, kind: str, words: str) -> Answer:
        self.account.fail(kind, words)
        return NO_ANSWER

    def _end(self, words: str) -> None:
        """Kill the process, and begin another one now or later."""
        process = self._process
        assert process is not None, "only a process that is there can end"
        process.kill()
        self._process = None
        now_ns = time.monotonic_ns()
        if now_ns - process.begun_ns >= HEALTHY_NS:
            self._ends = 0
        pause_ns = min(PAUSE_NS_MIN << min(self._ends - 1, 16), PAUSE_NS_MAX) if self._ends else 0
        self._ends += 1
        self._start_ns = now_ns + pause_ns
        self._tell(
            "plugin's process ended",
            plugin=self.account.plugin,
            cause=one_line(words),
            begins_again_in_ms=pause_ns // MS,
            times=self._ends,
        )
        self._begin_if_due(now_ns)

    def _begin_if_due(self, now_ns: int) -> str:
        if now_ns < self._start_ns:
            return "its process has ended, and will be begun anew"
        return self._begin_process(now_ns) or "its process is begun anew"

    def _begin_process(self, now_ns: int) -> str:
        """Begin one, and return "", or why there is none; then the next try is after the longest pause."""
        try:
            self._process = _Process(self.account.plugin, self._settings.memory_mb, self._tell, self._begin)
        except OSError as error:
            self._start_ns = now_ns + PAUSE_NS_MAX
            return f"its process cannot be begun: {error.strerror}"
        return ""

    def close(self) -> None:
        """Kill the process and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


class _Process:
    """One process of a plugin, from its beginning to its end.

    is_over: it has to be killed. excuse: kind and words for why it cannot be asked now.
    """

    def __init__(self, plugin: str, memory_mb: int, tell: Tell, begin: bytes) -> None:
        self.begun_ns = time.monotonic_ns()
        self.is_over = False
        self.excuse = ("down", "its process is not ready yet")
        self._is_ready = False
        self._asked_ns: int | None = None
        self._number = 0
        self._answer_bytes_max = 0
        self._popen = subprocess.Popen(
            [sys.executable, "-u", "-P", "-s", "-m", "openoutcry.host.child", str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
        assert self._popen.stdin and self._popen.stdout and self._popen.stderr
        self._in, self._out, self._err = self._popen.stdin, self._popen.stdout, self._popen.stderr
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)
        self._inbox = Inbox(self._out.fileno())
        self._output = _Output(plugin, tell)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._drain, name=f"openoutcry-{plugin}", daemon=True)
        self._thread.start()
        with suppress(PipeFault):  # it has ended already, which is noticed, and told, when it should be ready
            write_until(self._in.fileno(), begin, self.begun_ns + BEGIN_NS)

    def ready_until(self, until_ns: int) -> Ready | Failed:
        """Wait for the first message."""
        message = self._read(until_ns, READY_BYTES_MAX)
        if isinstance(message, Told):
            raise PipeFault("wrong", "its process answered before it was asked")
        self._is_ready = isinstance(message, Ready)
        return message

    def idle(self, now_ns: int, load_ns: int, hang_ns: int) -> bool:
        """Tell whether it can be asked now; raises PipeFault where it has to be killed."""
        if not self._is_ready:
            try:
                message = self.ready_until(now_ns)
            except PipeFault as fault:
                if fault.kind == "late" and now_ns - self.begun_ns < load_ns:
                    return False
                self.is_over = True
                raise
            if isinstance(message, Failed):
                raise PipeFault("down", message.words)
        if self._asked_ns is not None:
            try:
                self._read(now_ns, self._answer_bytes_max)
            except PipeFault as fault:
                self.excuse = ("late", "it is still busy with an earlier question")
                if fault.kind == "late" and now_ns - self._asked_ns < hang_ns:
                    return False
                self.is_over = True
                raise
            self._asked_ns = None
        return True

    def put(self, commands: bytes, last_ticks: bytes, until_ns: int, answer_bytes_max: int) -> None:
        """Ask. A question that the process does not take ends it."""
        self._number += 1
        self._answer_bytes_max = answer_bytes_max
        try:
            write_until(self._in.fileno(), framed(Ask(self._number, commands, last_ticks)), until_ns)
        except PipeFault:
            self.is_over = True
            raise
        self._asked_ns = time.monotonic_ns()

    def take(self, until_ns: int) -> Told:
        """Wait for the answer; while a late one has not come the process counts as busy."""
        message = self._read(until_ns, self._answer_bytes_max)
        self._asked_ns = None
        if not isinstance(message, Told) or message.number != self._number:
            raise PipeFault("wrong", "its process answered something that it was not asked")
        return message

    def _read(self, until_ns: int, bytes_max: int) -> Ready | Failed | Told:
        return decode_from_child(self._inbox.read_until(until_ns, bytes_max))

    def last_words(self, wait_s: float) -> str:
        """Return what it printed last, to say beside why it has ended. wait_s: how long to wait for its end."""
        self._thread.join(wait_s)
        return self._output.last_words()

    def kill(self) -> None:
        """End it and all that it has begun, now."""
        with self._lock:
            if self._popen.returncode is None:  # its number is its own until it has been waited for
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._in.close()
        self._out.close()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(JOIN_S)

    def _drain(self) -> None:
        """Read what it prints until its end, and wait for it: runs in a thread, so that printing never blocks it."""
        with self._err:
            while part := os.read(self._err.fileno(), OUTPUT_BYTES_MAX):
                self._output.take(part)
        with self._lock:
            os.killpg(self._popen.pid, signal.SIGKILL)  # and all that it has begun
            self._popen.wait()
        self._output.end()


class _Output:
    """What a process prints, bounded and told."""

    def __init__(self, plugin: str, tell: Tell) -> None:
        self._plugin = plugin
        self._tell = tell
        self._since_ns = 0
        self._told_bytes = 0
        self._dropped_bytes = 0
        self._last = b""

    def take(self, part: bytes) -> None:
        """Tell a part, or count it where enough was told of late."""
        self._last = (self._last + part)[-OUTPUT_BYTES_MAX:]
        now_ns = time.monotonic_ns()
        if now_ns - self._since_ns >= OUTPUT_NS:
            self._tell_dropped()
            self._since_ns, self._told_bytes = now_ns, 0
        room = OUTPUT_BYTES_MAX - self._told_bytes
        self._told_bytes += min(room, len(part))
        self._dropped_bytes += max(0, len(part) - room)
        for line in part[:room].decode("utf-8", "replace").splitlines():
            if line.strip():
                self._tell("plugin printed", plugin=self._plugin, text=one_line(line))

    def last_words(self) -> str:
        """Return the last line, for the end of a sentence; "" where there was none."""
        lines = [line for line in self._last.decode("utf-8", "replace").splitlines() if line.strip()]
        return f"; it printed last: {one_line(lines[-1])}" if lines else ""

    def end(self) -> None:
        """Tell what is left to tell: the process has ended."""
        self._tell_dropped()

    def _tell_dropped(self) -> None:
        if self._dropped_bytes:
            self._tell("plugin printed more", plugin=self._plugin, dropped_bytes=self._dropped_bytes)
            self._dropped_bytes = 0


def _environment() -> dict[str, str]:
    """All that the process gets to see of ours. Hashes are not random, and no library begins threads at import."""
    return {
        "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path if path),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
