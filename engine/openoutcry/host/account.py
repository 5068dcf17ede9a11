"""What is counted of each plugin's hooks, and how often it is told.

A plugin that fails at every group would fill a log; so each kind of failure is told the first time and then at most
once in TELL_NS, with how often it has happened.
"""

import time
from dataclasses import dataclass, field
from typing import Final, Protocol

TELL_NS: Final = 10_000_000_000
"""One kind of failure of one hook is told once in so many ns: six lines a minute show that it goes on."""

WORDS_CHARS_MAX: Final = 500
"""What a plugin's exception or output says is cut to so many characters: it is a stranger's text in our log."""

KINDS: Final = ("raised", "late", "wrong", "down")
"""Ways to give no answer: an exception, after the deadline, nonsense, or its process is not there."""


class Tell(Protocol):
    """Takes what the host has to say: an event in words, and its fields. `Logger.warning` of structlog is one."""

    def __call__(self, event: str, /, **fields: str | int) -> object:
        """Take one event; never blocks for long, since it is called while orders wait."""


def say_nothing(event: str, /, **fields: str | int) -> None:
    """The `Tell` of a caller that does not want to know."""


@dataclass(slots=True)
class Counters:
    """How often a hook was asked; of those, how often it answered None, and how often each kind of no answer came."""

    calls: int = 0
    none: int = 0
    raised: int = 0
    late: int = 0
    wrong: int = 0
    down: int = 0


@dataclass(slots=True)
class Account:
    """One hook of one plugin: its counters, and the telling of its failures."""

    plugin: str
    hook: str
    tell: Tell
    counters: Counters = field(default_factory=Counters)
    _told_ns: dict[str, int] = field(default_factory=dict)

    def fail(self, kind: str, words: str) -> None:
        """Count one call without an answer (one of KINDS) and tell it, unless that was just done."""
        times = getattr(self.counters, kind) + 1
        setattr(self.counters, kind, times)
        now_ns = time.monotonic_ns()
        last_ns = self._told_ns.get(kind)
        if last_ns is None or now_ns - last_ns >= TELL_NS:
            self._told_ns[kind] = now_ns
            self.tell("plugin " + kind, plugin=self.plugin, hook=self.hook, cause=one_line(words), times=times)


def one_line(text: str) -> str:
    """Return a stranger's text as one bounded line without control characters."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * WORDS_CHARS_MAX])
    return " ".join(shown.split())[:WORDS_CHARS_MAX]


def words_of(error: BaseException) -> str:
    """Say what an exception is, whatever its own `str` does."""
    try:
        text = str(error)
    except Exception as worse:
        text = f"and its text raised {type(worse).__name__}"
    return one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__)
