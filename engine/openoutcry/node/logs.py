"""What a node says of its work: one event a line, for people or for programs.

Nothing here is global: each node has a log of its own, with its own file. A log never stops a node: a line that cannot
be written is counted, and the next one that can says how many were lost. No line holds a secret: bytes are shown by
their length only, and fields that are called like one are left out.
"""

import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

from openoutcry.node.config.errors import printable
from openoutcry.node.config.tables import LogTable

EVENTS_MAX: Final = 256
"""Different events that are remembered, so that a repetition is known; the one seen longest ago is forgotten first."""

LINES_MAX: Final = 1_000
"""Lines of one interval, whatever they say: a flood whose lines all differ is bounded as well."""

VALUE_CHARS_MAX: Final = 2_000
"""Longest value of a field, in characters: a traceback in one line fits."""

SECRET_WORDS: Final = ("passphrase", "password", "secret", "seed")
"""A field with one of these in its name is not written."""

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Event = MutableMapping[str, Any]


class NodeLog:
    """The log of one node; use it from any thread. `logger` has debug, info, warning and error(event, **fields)."""

    def __init__(
        self, table: LogTable, node: str, out: TextIO, *, close_out: bool, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """table: what the configuration says. out: where lines go; closed with the log where `close_out`."""
        self._sink = _Sink(out, close_out)
        self.is_standard_error = out is sys.stderr
        self._repeats = Repeats(table.repeat_s * 10**9, clock_ns)
        lines: list[structlog.types.Processor] = [
            structlog.processors.add_log_level,
            _Clean(),
            _Stamp(clock_ns),
            _renderer(table.format, out),
        ]
        wrapper = structlog.make_filtering_bound_logger(LEVELS[table.level])
        self.logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            self._sink,
            processors=[self._repeats, *lines],
            wrapper_class=wrapper,
            context_class=dict,
            cache_logger_on_first_use=False,
        ).bind(node=node)

    def tell(self, event: str, /, **fields: str | int) -> None:
        """Write a warning: what the host, the links and the core have to say."""
        self.logger.warning(event, **{f"{name}_" if name == "event" else name: fields[name] for name in fields})

    def flush_repeats(self) -> None:
        """Write how often events came that were left out; to be called every now and then, and when the node stops."""
        for event, times, method in self._repeats.flush():
            getattr(self.logger, method)(event, times=times)

    def close(self) -> None:
        """Write what is left to say, and let go of the file."""
        self.flush_repeats()
        self._sink.close()


def open_log(table: LogTable, node: str, folder: Path) -> NodeLog:
    """Open the log that a configuration asks for. folder: where relative paths begin. Raises OSError."""
    if table.file is None:
        return NodeLog(table, node, sys.stderr, close_out=False)
    path = folder / table.file
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return NodeLog(table, node, os.fdopen(file, "a", encoding="utf-8"), close_out=True)


class Repeats:
    """A processor that lets an event through once in an interval, and then says how often it came meanwhile.

    Events are told apart by their text and by the plugin and hook that they are about, so what varies without bound
    (a peer's key, a reason) belongs into other fields.
    """

    def __init__(self, interval_ns: int, clock_ns: Callable[[], int]) -> None:
        self._interval_ns = interval_ns
        self._clock_ns = clock_ns
        self._seen: OrderedDict[tuple[str, str], _Seen] = OrderedDict()
        self._lines = 0
        self._lines_ns = 0
        self._lost = 0
        self._lock = threading.Lock()

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        """Take one event; raises structlog.DropEvent for one that is left out."""
        with self._lock:
            now_ns = self._clock_ns()
            key = (str(event["event"]), f"{event.get('plugin', '')}/{event.get('hook', '')}")
            seen = self._seen.get(key)
            if seen is not None and 0 <= now_ns - seen.since_ns < self._interval_ns:
                seen.left_out += 1
                raise structlog.DropEvent
            if not 0 <= now_ns - self._lines_ns < self._interval_ns:
                self._lines, self._lines_ns = 0, now_ns
            self._lines += 1
            if self._lines > LINES_MAX:
                self._lost += 1
                raise structlog.DropEvent
            if seen is not None and seen.left_out:
                event["times"] = seen.left_out + 1
            self._seen[key] = _Seen(now_ns, method)
            self._seen.move_to_end(key)
            if len(self._seen) > EVENTS_MAX:
                self._lost += self._seen.popitem(last=False)[1].left_out
            return event

    def flush(self) -> list[tuple[str, int, str]]:
        """Return event, how often it was left out, and its level, for those whose interval is over; forget them."""
        with self._lock:
            now_ns = self._clock_ns()
            over = [key for key, seen in self._seen.items() if not 0 <= now_ns - seen.since_ns < self._interval_ns]
            told = []
            for key in over:
                seen = self._seen.pop(key)
                if seen.left_out:
                    about = key[1].strip("/")
                    told.append((f"{key[0]} ({about})" if about else key[0], seen.left_out, seen.method))
            if self._lost:
                told.append(("lines left out", self._lost, "warning"))
                self._lost = 0
            return told


class _Seen:
    """When an event was last let through, at which level, and how often it was left out since."""

    __slots__ = ("left_out", "method", "since_ns")

    def __init__(self, since_ns: int, method: str) -> None:
        self.since_ns = since_ns
        self.method = method
        self.left_out = 0


class _Sink:
    """Writes lines; a disk that is full costs lines and nothing else."""

    def __init__(self, out: TextIO, close_out: bool) -> None:
        self._out = out
        self._close_out = close_out
        self._lost = 0
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        """Write one line."""
        with self._lock:
            try:
                if self._lost:
                    self._out.write(f"{self._lost} lines could not be written here\n")
                self._out.write(line + "\n")
                self._out.flush()
            except (OSError, ValueError):  # full, or its reader is gone, or closed
                self._lost += 1
            else:
                self._lost = 0

    debug = info = warning = error = critical = log = msg

    def close(self) -> None:
        with self._lock:
            if self._close_out:
                self._out.close()


class _Clean:
    """Makes every value something that can be shown."""

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        return {name: _shown(name, value) for name, value in event.items()}


class _Stamp:
    """Puts the time in front, UTC with milliseconds."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        now_ns = self._clock_ns()
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ns // 10**9))
        return {"timestamp": f"{seconds}.{now_ns // 10**6 % 1000:03}Z", **event}


def _shown(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in SECRET_WORDS):
        return "hidden"
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return {printable(str(key), 100): _shown(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown("", one) for one in value]
    return printable(str(value), VALUE_CHARS_MAX)


def _renderer(shape: str, out: TextIO) -> structlog.types.Processor:
    if shape == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)
