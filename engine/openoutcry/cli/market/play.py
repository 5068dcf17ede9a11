"""What is played: the commands of a recording, divided among members, and the turns that keep their order.

An order belongs to one member for all its life. Blocks of orders that entered one after the other go to the members in
turn, so that a member has a few dozen commands to send before it is another one's turn.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Pair
from openoutcry.domain.records import Commands
from openoutcry.replay.commands import rematch_script
from openoutcry.replay.flow import Flow, FlowPair, busiest

MEMBERS: Final = ("ann", "bob", "cleo", "dan")

BLOCK_ORDERS: Final = 512
"""Orders that enter one after the other and belong to one member. Smaller blocks make more turns, each of which waits
for the venue: 8,192 orders a block give 3,500 turns of the sample, 512 give 17,000, 64 give 32,000.
"""

QUICK: Final = 10
"""A quick market plays one command in so many, from the beginning."""

KILL_WINDOW: Final = (0.45, 0.55)
"""The venue is killed within the longest turn of this part of the flow: then most is on its way."""


@dataclass(frozen=True, slots=True)
class Turn:
    """So many commands of one member; `first` is the place of the first one in the whole play."""

    member: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Play:
    """commands: in the order of the recording, with members' numbers for accounts. times_ns: when each was recorded.
    owner: member of each command. is_real: False for generated flow.
    """

    listed: FlowPair
    commands: Commands
    times_ns: NDArray[np.int64]
    owner: NDArray[np.int64]
    is_real: bool

    @property
    def pair(self) -> Pair:
        """The pair as the venue lists it."""
        return self.listed.pair

    def own(self, member: int) -> Commands:
        """Return what a member sends, in its order."""
        own: Commands = self.commands[self.owner == member]
        return own

    def turns(self) -> list[Turn]:
        """Return who sends how much before whom: runs of commands of one member."""
        starts = np.flatnonzero(np.diff(self.owner, prepend=-1))
        counts = np.diff(starts, append=len(self.owner))
        owners = self.owner[starts]
        return [Turn(*row) for row in zip(owners.tolist(), starts.tolist(), counts.tolist(), strict=True)]

    def clock(self, command: int) -> str:
        """Return when a command was recorded, UTC."""
        return datetime.fromtimestamp(int(self.times_ns[command]) // 10**9, UTC).strftime("%H:%M:%S")

    def day(self) -> str:
        """Return the day of the recording, UTC."""
        return datetime.fromtimestamp(int(self.times_ns[0]) // 10**9, UTC).strftime("%d %B %Y")


def play_of(flow: Flow, *, quick: bool, is_real: bool) -> Play:
    """Return what is played of a recording: what traders did in its busiest pair. Who trades is left to the venue."""
    script, _ = rematch_script(flow)
    number = next(iter(busiest(flow.messages, 1)), 0)
    kept = np.flatnonzero(script.commands["pair"] == number)
    if quick:
        kept = kept[: len(kept) // QUICK]
    commands = script.commands[kept]
    listed = flow.pairs[number]
    commands["pair"] = 0
    owner = owners(commands["client_id"])
    commands["account"] = owner
    listed = replace(listed, pair=replace(listed.pair, pair_id=0, base=1, quote=0))
    return Play(listed, commands, flow.messages["time_ns"][script.message[kept]], owner, is_real)


def owners(client_ids: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the member of each command: that of the block in which its order first occurs."""
    found, first, place = np.unique(client_ids, return_index=True, return_inverse=True)
    rank = np.empty(len(found), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(found))
    member: NDArray[np.int64] = rank[place] // BLOCK_ORDERS % len(MEMBERS)
    return member


def kill_turn(turns: list[Turn], commands: int) -> int:
    """Return the number of the turn within which the venue is killed."""
    low, high = (int(commands * share) for share in KILL_WINDOW)
    middle = [number for number, turn in enumerate(turns) if low <= turn.first < high] or [len(turns) // 2]
    return max(middle, key=lambda number: turns[number].count)


def digest(rows: NDArray[np.void]) -> str:
    """Return the SHA-256 of rows, hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
