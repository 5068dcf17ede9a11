"""Drives two sets of books with the same random commands and says where they first differ.

The plain book is fed in chunks, as the driver makes them; the other gets the same commands in batches of random size.
Events are compared byte by byte after each chunk. Now and then the states are compared, both check their invariants,
and each is replaced by what a snapshot of the other restores. A difference is shrunk: Hypothesis looks for the fewest
commands of the last chunks that still make a difference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from openoutcry.book import Books, ReferenceBooks
from openoutcry.domain import EventKind, Op, RejectCode
from openoutcry.domain.records import COMMAND, EVENT, Commands, Events
from tests.coverage import Coverage
from tests.streams import ACCOUNTS, Dice, Driver, pairs_to_stream

CHUNK: Final = 128
CAPACITY_MAX: Final = 450
"""Small enough that a stream now and then runs out of slots."""

KEEPS_OUT_OF: Final = 1_000
"""A command of a window is left out for 1 of so many draws: a first try keeps nearly all and so still fails."""

SHRINK_EXAMPLES: Final = 200

AnyBooks: TypeAlias = Books | ReferenceBooks
Restore: TypeAlias = Callable[[bytes], AnyBooks]


class Difference(AssertionError):
    """Two sets of books do not agree; the text has all that repeats it."""


@dataclass
class Twins:
    """A plain book, another one, and the driver that feeds both. seed decides everything."""

    seed: int
    other_restore: Restore = Books.restore
    coverage: Coverage | None = None
    driver: Driver = field(init=False)

    def __post_init__(self) -> None:
        pairs = pairs_to_stream()
        self.dice = Dice(self.seed + 1_000_000_007)
        self.driver = Driver(self.seed, pairs)
        self.plain: AnyBooks = ReferenceBooks(pairs, accounts=ACCOUNTS, capacity_max=CAPACITY_MAX)
        self.other = self.other_restore(self.plain.snapshot())
        self.base, self.window = self.plain.snapshot(), [np.empty(0, dtype=COMMAND)]
        self.sent = self.events = 0
        if self.coverage is not None:
            self.coverage.begin(pairs)

    def run(self, count: int) -> None:
        """Compare at least so many commands. Raises Difference."""
        self.step(self.driver.set_up())
        while self.sent < count:
            self.step(self.driver.chunk(CHUNK))
            if self.dice.chance(0.02):
                self.compare_states()
            if self.dice.chance(0.01):
                self.exchange()
        self.compare_states()

    def step(self, commands: Commands) -> None:
        """Send one chunk to both and compare the events."""
        self.window.append(commands)
        events = self.plain.apply(commands)
        others = apply_split(self.other, commands, self.dice)
        if events.tobytes() != others.tobytes():
            raise Difference(self.explain())
        self.driver.learn(commands, events)
        if self.coverage is not None:
            self.coverage.add(commands, events, self.sent + 1)
        self.sent += len(commands)
        self.events += len(events)

    def compare_states(self) -> None:
        """The plain one is sound and the hashes are equal."""
        self.plain.check()
        if self.plain.state_hash() != self.other.state_hash():
            raise Difference(self.explain())

    def exchange(self) -> None:
        """Each goes on from a snapshot of the other; the window begins anew."""
        self.compare_states()
        if self.dice.chance(0.3):
            self.other.check()
        mine, theirs = self.plain.snapshot(), self.other.snapshot()
        self.plain, self.other = ReferenceBooks.restore(theirs), self.other_restore(mine)
        self.base, self.window = mine, [np.empty(0, dtype=COMMAND)]

    def explain(self) -> str:
        """Shrink the window and describe what is left."""
        base, window = last_part(self.base, self.window, self.other_restore)
        fewest = shrink(base, window, self.other_restore)
        lines = [f"seed {self.seed}: the books differ within {len(window)} commands after command {self.sent}"]
        lines += [f"fewest commands that differ, after the snapshot: {len(fewest)}"]
        lines += [f"  {named(command)}" for command in fewest]
        plain, other = ReferenceBooks.restore(base), self.other_restore(base)
        mine, theirs = plain.apply(fewest), other.apply(fewest).copy()
        lines += [f"{side}: {named(row)}" for side, row in first_difference(mine, theirs)]
        return "\n".join(lines)


def apply_split(books: AnyBooks, commands: Commands, dice: Dice) -> Events:
    """Apply commands in batches of random size. Returns all events."""
    parts, at = [np.empty(0, dtype=EVENT)], 0
    while at < len(commands):
        size = dice.pick((1, 2, 7, 50, len(commands)))
        parts.append(books.apply(commands[at : at + size]).copy())
        at += size
    return np.concatenate(parts)


def differ(base: bytes, commands: Commands, other_restore: Restore) -> bool:
    """Whether events or state differ when both go on from a snapshot."""
    plain, other = ReferenceBooks.restore(base), other_restore(base)
    if plain.apply(commands).tobytes() != other.apply(commands).tobytes():
        return True
    return plain.state_hash() != other.state_hash()


def last_part(base: bytes, chunks: list[Commands], other_restore: Restore) -> tuple[bytes, Commands]:
    """The fewest chunks at the end that make a difference, to a factor of 2, and the snapshot that goes before them."""
    count = 1
    while count < len(chunks):
        plain = ReferenceBooks.restore(base)
        plain.apply(np.concatenate(chunks[:-count]))
        part = np.concatenate(chunks[-count:])
        if differ(plain.snapshot(), part, other_restore):
            return plain.snapshot(), part
        count *= 2
    return base, np.concatenate(chunks)


def shrink(base: bytes, commands: Commands, other_restore: Restore) -> Commands:
    """The fewest of these commands, in order, that still make a difference; all of them if Hypothesis finds none."""
    masks = st.lists(st.integers(0, KEEPS_OUT_OF), min_size=len(commands), max_size=len(commands))
    quiet = settings(
        max_examples=SHRINK_EXAMPLES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        mask = find(masks, lambda kept: differ(base, commands[np.array(kept) > 0], other_restore), settings=quiet)
    except NoSuchExample:
        return commands
    return commands[np.array(mask) > 0]


def first_difference(mine: Events, theirs: Events) -> Iterator[tuple[str, np.void]]:
    """The first event that differs on each side, if there is one."""
    for at in range(max(len(mine), len(theirs))):
        if mine[at : at + 1].tobytes() != theirs[at : at + 1].tobytes():
            yield from (("plain", row) for row in mine[at : at + 1])
            yield from (("other", row) for row in theirs[at : at + 1])
            return


def named(row: np.void) -> str:
    """A command or event with the names of its numbers, fields that are 0 left out."""
    fields = dict(zip(row.dtype.names or (), row.tolist(), strict=True))
    kinds: dict[str, type[Op] | type[EventKind]] = {"op": Op} if "op" in fields else {"kind": EventKind}
    words = []
    for name, value in fields.items():
        if name in kinds and value in {int(member) for member in kinds[name]}:
            words.append(kinds[name](value).name)
        elif name == "code" and fields["kind"] == EventKind.REJECTED:
            words.append(RejectCode(value).name)
        elif value:
            words.append(f"{name}={value}")
    return " ".join(words)
