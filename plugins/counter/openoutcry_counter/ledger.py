"""What a counter knows: every increment that it has taken and not forgotten, the sums, and what is to be done next."""

import heapq
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from openoutcry.wire.fields import KeyId

NEW = "new"
PENDING = "pending"
COUNTED = "counted"
CLOSED = "closed"
CANCELLED = "cancelled"
HELD = "held"
TWIN_COUNTED = "twin_counted"
TWIN_CANCELLED = "twin_cancelled"
FORGOTTEN = "forgotten"

Key: TypeAlias = bytes
"""The client's key and the id that it gave."""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One increment. serial: numbers all that this node has taken, from 1. turn: its place among those that are
    repeated, 0 for none. taken_ns, decided_ns, asked_ns: by this node's clock; when it was taken, settled, and last
    talked of to the other node. deadline_ns: until when the twin may confirm; 0 where this node is the twin.
    """

    client: KeyId
    id: bytes
    amount: int
    expiry_ns: int
    serial: int = 0
    state: str = NEW
    taken_ns: int = 0
    deadline_ns: int = 0
    decided_ns: int = 0
    total: int = 0
    turn: int = 0
    asked_ns: int = 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """deadline_ns: how long the twin may take. resend_ns: between two messages about one increment, and between two
    ticks. remember_ns: how long after its expiry an owner knows what became of an increment. own_max, held_max: those
    that a node has taken as owner, and as twin, and has not forgotten. total_max: of the sum.
    """

    deadline_ns: int
    resend_ns: int
    remember_ns: int
    own_max: int
    held_max: int
    total_max: int


class Ledger:
    """own, theirs: what this node has taken as owner, and as twin, in the order in which it was taken. reserved: amount
    of all that may still count. owned, copied: of the total, what came from own and from theirs. closed: of `owned`,
    what the twin has counted too. ticked_ns: when the clock was looked at last.

    repeats: by turn, what is told or asked again; the longest ago comes first. waiting: what is or was pending, by
    deadline. settled: a heap of what can be forgotten, by time. All three follow from the entries.
    """

    __slots__ = (
        "bounds",
        "closed",
        "copied",
        "own",
        "owned",
        "repeats",
        "reserved",
        "serial",
        "settled",
        "theirs",
        "ticked_ns",
        "total",
        "turn",
        "waiting",
    )

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.own: dict[Key, Entry] = {}
        self.theirs: dict[Key, Entry] = {}
        self.total = self.reserved = 0
        self.owned = self.copied = self.closed = 0
        self.serial = self.turn = 0
        self.ticked_ns = 0
        self.repeats: dict[int, Entry] = {}
        self.waiting: deque[Entry] = deque()
        self.settled: list[tuple[int, int, Entry]] = []

    def take(self, entry: Entry, entries: dict[Key, Entry], now_ns: int) -> None:
        """Keep an increment and reserve its amount."""
        self.serial += 1
        entry.serial = self.serial
        entry.taken_ns = now_ns
        entries[entry.client + entry.id] = entry
        self.reserved += entry.amount
        self.repeat(entry, now_ns)

    def repeat(self, entry: Entry, now_ns: int) -> None:
        """The other node is told or asked now, and again in `resend_ns`."""
        self.repeats.pop(entry.turn, None)
        self.turn += 1
        entry.turn = self.turn
        entry.asked_ns = now_ns
        self.repeats[entry.turn] = entry

    def rest(self, entry: Entry, now_ns: int) -> None:
        """Nothing more is to be said about an increment, unless somebody asks for as long as it is remembered."""
        self.repeats.pop(entry.turn, None)
        entry.turn = 0
        entry.asked_ns = now_ns
        self._remember(entry)

    def count(self, entry: Entry, now_ns: int) -> None:
        """Make the amount part of the total."""
        self.reserved -= entry.amount
        self.total += entry.amount
        entry.total = self.total
        entry.decided_ns = now_ns

    def release(self, entry: Entry, now_ns: int) -> None:
        """Give the amount back."""
        self.reserved -= entry.amount
        entry.decided_ns = now_ns

    def until_ns(self, entry: Entry) -> int:
        """Return until when a settled increment is remembered: for a client that asks again, or a twin that does."""
        return entry.expiry_ns + (self.bounds.remember_ns if entry.deadline_ns else 0)

    def drop(self, entry: Entry) -> None:
        """Know an increment no longer."""
        self.repeats.pop(entry.turn, None)
        del (self.own if entry.deadline_ns else self.theirs)[entry.client + entry.id]

    def next_tick_ns(self, now_ns: int) -> int | None:
        """Return when the clock has to be looked at again; None while there is nothing to wait for."""
        if self.repeats:
            return now_ns + self.bounds.resend_ns
        return max(self.settled[0][0], now_ns + self.bounds.resend_ns) if self.settled else None

    def derive(self) -> None:
        """Make sums and queues from the entries, after a restart."""
        entries = [*self.own.values(), *self.theirs.values()]
        self.reserved = sum(entry.amount for entry in entries if entry.state in (PENDING, HELD))
        self.repeats = {entry.turn: entry for entry in sorted(entries, key=lambda one: one.turn) if entry.turn}
        pending = [entry for entry in entries if entry.state == PENDING]
        self.waiting = deque(sorted(pending, key=lambda entry: (entry.deadline_ns, entry.serial)))
        self.settled = []
        for entry in entries:
            if entry.state in (CLOSED, CANCELLED, TWIN_COUNTED):
                self._remember(entry)

    def faults(self) -> list[str]:
        """Return what is wrong with sums and bounds. Cost: 1 microsecond."""
        bounds = self.bounds
        broken = []
        if self.total + self.reserved > bounds.total_max or self.reserved < 0:
            broken.append(f"total {self.total} and {self.reserved} reserved, at most {bounds.total_max}")
        if self.owned + self.copied != self.total or self.closed > self.owned:
            broken.append(f"total {self.total}, owned {self.owned} (closed {self.closed}), copied {self.copied}")
        if len(self.own) > bounds.own_max or len(self.theirs) > bounds.held_max:
            broken.append(
                f"{len(self.own)} own and {len(self.theirs)} of the twin are kept, more than there is room for"
            )
        if self.waiting and self.waiting[0].deadline_ns <= self.ticked_ns:
            broken.append(f"one is pending {self.ticked_ns - self.waiting[0].deadline_ns} ns after its deadline")
        if self.settled and self.settled[0][0] <= self.ticked_ns:
            broken.append(f"one is remembered {self.ticked_ns - self.settled[0][0]} ns longer than it has to be")
        return broken

    def entry_faults(self, entry: Entry, now_ns: int) -> list[str]:
        """Return what is wrong with one increment that has just changed."""
        state = entry.state
        broken = []
        if entry.taken_ns >= entry.expiry_ns:
            broken.append("was taken after its expiry")
        if state in (COUNTED, CLOSED) and entry.decided_ns >= entry.deadline_ns:
            broken.append("was counted after its deadline")
        if state == CANCELLED and entry.decided_ns < entry.deadline_ns:
            broken.append("was cancelled before its deadline")
        if state == FORGOTTEN and entry.decided_ns and now_ns < self.until_ns(entry):
            broken.append("was forgotten too early")
        return [f"increment {entry.serial} ({entry.id.hex()}) {line}" for line in broken]

    def _remember(self, entry: Entry) -> None:
        # Never due at or before the last tick: what is settled after it, too late to be asked for, waits for the next.
        heapq.heappush(self.settled, (max(self.until_ns(entry), entry.asked_ns + 1), entry.serial, entry))
