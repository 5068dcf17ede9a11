"""The readers, by name, and how to find the right one for a recording."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Final, Protocol

from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import Flow
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source

AUTO: Final = "auto"
"""Lets the files decide which reader reads them."""


class Reader(Protocol):
    """What a module of `openoutcry.replay.readers` offers."""

    @property
    def knows(self) -> Callable[[str, bytes], bool]:
        """Says whether a file is of its format, from its name and its first bytes."""

    @property
    def read(self) -> Callable[[Source, Options], Flow]:
        """Reads a recording."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A reader: its module, imported when it is used, the extra that brings its library, and what it reads."""

    module: str
    extra: str
    reads: str


READERS: Final[Mapping[str, Entry]] = {
    "bitstamp": Entry("openoutcry.replay.readers.bitstamp", "replay", "Bitstamp level-3 CSV (orders.csv, trades.csv)"),
    "lobster": Entry("openoutcry.replay.readers.lobster", "replay", "LOBSTER message and order-book files"),
    "itch": Entry("openoutcry.replay.readers.itch", "itch", "Nasdaq TotalView-ITCH 5.0"),
    "dbn": Entry("openoutcry.replay.readers.dbn", "dbn", "Databento DBN files of schema MBO"),
    "csv": Entry("openoutcry.replay.readers.plain", "replay", "our own plain CSV"),
}
"""In the order in which they are asked whether they know a file."""


NO_MORE: Final[Mapping[str, Reader]] = {}
"""No reader of a plugin."""


def reader(name: str, more: Mapping[str, Reader] = NO_MORE) -> Reader:
    """Return a reader by name. Raises ReplayError, with a suggestion, for a name that is none.

    more: readers that plugins bring, by name; one of the engine comes first.
    """
    entry = READERS.get(name)
    if entry is None:
        if name in more:
            return more[name]
        raise ReplayError(unknown("reader", name, [AUTO, *READERS, *more]))
    module: Reader = import_module(entry.module)
    return module


def detect(source: Source, more: Mapping[str, Reader] = NO_MORE) -> str:
    """Return the name of the reader that knows a file of the source. Raises ReplayError when none or several do."""
    names = [*READERS, *more]
    found = []
    heads = [(name, source.peek(name)) for name in source.names()]
    for name in names:
        knows = reader(name, more).knows
        if any(knows(file, head) for file, head in heads):
            found.append(name)
    if len(found) != 1:
        what = " and ".join(found) + " all know it" if found else "none of the readers knows it"
        raise ReplayError(f"{source.path}: {what}; name one with --reader: {', '.join(names)}")
    return found[0]


def read(source: Source, name: str, options: Options, more: Mapping[str, Reader] = NO_MORE) -> Flow:
    """Read a recording with the reader of that name, or with the one that knows it (AUTO)."""
    return reader(detect(source, more) if name == AUTO else name, more).read(source, options)


def unknown(what: str, name: str, names: list[str]) -> str:
    """Say in one line that a name is none of the names, and which one may have been meant."""
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(names)}"
    return f"no {what} {name}: {hint}"
