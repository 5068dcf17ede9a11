"""What a replay wrote down while it ran: commands, events, samples of the depth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain.records import EVENT, Commands, Events
from openoutcry.replay.books import ReplayBooks

DEPTH_LEVELS: Final = 10
"""Levels of each side in a sample of the depth."""

BATCH_COMMANDS: Final = 8192
"""Most commands in one call of `apply`."""

DEPTH_ROW: Final = np.dtype(
    [
        ("time_ns", "<i8"),
        ("pair", "<u4"),
        ("side", "u1"),
        ("level", "u1"),
        ("orders", "<u4"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
    ]
)
"""One level of one side at one time; level 1 is the best."""


@dataclass(slots=True)
class Tape:
    """Everything that was applied to one set of books, in order.

    clock: returns nanoseconds, to measure how long the books took; `book_ns` is their sum.
    """

    books: ReplayBooks
    clock: Callable[[], int]
    book_ns: int = 0
    commands: list[Commands] = field(default_factory=list)
    messages: list[NDArray[np.int64]] = field(default_factory=list)
    batches: list[Events] = field(default_factory=list)
    depth: list[NDArray[np.void]] = field(default_factory=list)

    def apply(self, commands: Commands, message: NDArray[np.int64]) -> Events:
        """Apply commands, each standing for a message (index), and return their events, which stay valid."""
        begun = self.clock()
        events = self.books.apply(commands)
        self.book_ns += self.clock() - begun
        kept = events.copy()
        self.commands.append(commands)
        self.messages.append(message)
        self.batches.append(kept)
        return kept

    def sample(self, time_ns: int | None, pairs: Sequence[int]) -> None:
        """Write down the best levels of some pairs as of now, unless the time is None."""
        if time_ns is None:
            return
        for pair in pairs:
            depth = self.books.depth(pair, DEPTH_LEVELS)
            for side, levels in enumerate((depth.bids, depth.asks)):
                rows = np.zeros(len(levels), dtype=DEPTH_ROW)
                rows["time_ns"], rows["pair"], rows["side"] = time_ns, pair, side
                rows["level"] = np.arange(1, len(levels) + 1)
                for name in ("price_ticks", "qty_lots", "orders"):
                    rows[name] = levels[name]
                self.depth.append(rows)

    def all_events(self) -> Events:
        """Return every event; the first command has sequence 1."""
        return np.concatenate([np.zeros(0, dtype=EVENT), *self.batches])

    def all_messages(self) -> NDArray[np.int64]:
        """Return for every command the message that it stands for."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *self.messages])

    def all_depth(self) -> NDArray[np.void]:
        """Return every sample of the depth (DEPTH_ROW)."""
        return np.concatenate([np.zeros(0, dtype=DEPTH_ROW), *self.depth])
