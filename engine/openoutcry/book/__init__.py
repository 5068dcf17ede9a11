"""Order books: `Books` (numba) and `ReferenceBooks` (plain Python) with one interface, auctions, depth, snapshots.

A book knows nothing of the world: no clock, socket, file, log, randomness or plugin is reachable from here. Names are
loaded when they are asked for, since numba costs half a second.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openoutcry.book.books import Books
    from openoutcry.book.depth import Depth
    from openoutcry.book.reference import ReferenceBooks
    from openoutcry.book.state import Queue, State
    from openoutcry.domain.records import COMMAND, EVENT

__all__ = ["COMMAND", "EVENT", "Books", "Depth", "Queue", "ReferenceBooks", "State"]

_HOMES = {
    "COMMAND": "openoutcry.domain.records",
    "EVENT": "openoutcry.domain.records",
    "Books": "openoutcry.book.books",
    "Depth": "openoutcry.book.depth",
    "Queue": "openoutcry.book.state",
    "ReferenceBooks": "openoutcry.book.reference",
    "State": "openoutcry.book.state",
}


def __getattr__(name: str) -> Any:
    """Load a public name from where it lives."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
