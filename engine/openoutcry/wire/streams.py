"""Numbered streams: a publisher that can send again, and a follower that applies everything once and in order.

Both are state machines without input, output or clock; their owners send what they answer, and run their timers. An
item is bytes that stand for a span of sequences: a record frame for each of its records, a STREAM_ITEM for one. Items
are never cut or joined, so a range asked for is answered with whole items.

The follower's moves:

| state | on | next | asks for |
|---|---|---|---|
| FOLLOWING | the next item | FOLLOWING | |
| FOLLOWING | a later item, or a head beyond the last item | GAP | the missing range |
| FOLLOWING, GAP | an old item once more | same | |
| GAP | the items that were missing | FOLLOWING, or GAP where more is missing | the next missing range |
| GAP | a head, after a part of the range | GAP | the rest of the range |
| GAP | retry, up to `ASKS_MAX` times | GAP | the same range |
| GAP | too much waiting, too wide a gap, retry once more, or USE_SNAPSHOT | SNAPSHOT | a snapshot |
| SNAPSHOT | a snapshot that reaches far enough | FOLLOWING or GAP | what is missing after it |
| SNAPSHOT | retry | SNAPSHOT | the snapshot again |
"""

from collections import deque
from enum import IntEnum
from itertools import islice
from typing import NamedTuple

from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.limits import (
    ASKS_MAX,
    GAP_ITEMS_MAX,
    INT_MAX,
    RESEND_BYTES_MAX,
    RESEND_ITEMS_MAX,
    RETAINED_BYTES_MAX,
    RETAINED_ITEMS_MAX,
    WAITING_BYTES_MAX,
    WAITING_ITEMS_MAX,
)
from openoutcry.wire.messages import StreamHead, StreamResend, StreamSnapshotWanted, StreamUseSnapshot


class Item(NamedTuple):
    """`span` sequences from `sequence` on, and the bytes that go out for them."""

    sequence: int
    span: int
    frame: bytes | memoryview

    @property
    def last(self) -> int:
        """The last sequence that it stands for."""
        return self.sequence + self.span - 1


class Resent(NamedTuple):
    """Items that go out once more, and the head that goes out after them."""

    items: tuple[Item, ...]
    head: StreamHead


class Publisher:
    """Gives numbers, keeps the latest items within bounds, and answers who missed some.

    A snapshot that is older than the first item kept leads nowhere; `snapshot_due` says so, and the owner makes one as
    of `head` and calls `mark_snapshot`.
    """

    __slots__ = ("_bytes", "_bytes_max", "_items", "_items_max", "head", "snapshot_sequence", "stream")

    def __init__(
        self,
        stream: int,
        head: int = 0,
        items_max: int = RETAINED_ITEMS_MAX,
        bytes_max: int = RETAINED_BYTES_MAX,
    ) -> None:
        """Continue a stream after sequence `head` (0: begin it); what came before counts as not kept.

        The state after `head` must be to be had as a snapshot; 0 is the empty state, which needs none.
        """
        self.stream = stream
        self.head = head
        self.snapshot_sequence = head
        self._items: deque[Item] = deque()
        self._items_max, self._bytes_max, self._bytes = items_max, bytes_max, 0

    @property
    def first_kept(self) -> int:
        """The first sequence that can be sent again; `head` + 1 where none is kept."""
        return self._items[0].sequence if self._items else self.head + 1

    @property
    def snapshot_due(self) -> bool:
        """Whether a follower with the latest snapshot could not go on from it."""
        return self.snapshot_sequence + 1 < self.first_kept

    def next_sequence(self, span: int = 1) -> int:
        """Return the first sequence of the next item, which the owner writes into its frame."""
        assert span >= 1 and self.head + span < INT_MAX
        return self.head + 1

    def publish(self, frame: bytes | memoryview, span: int = 1) -> Item:
        """Number an item that will not change any more, keep it, and return it. Drops the oldest beyond the bounds."""
        item = Item(self.next_sequence(span), span, frame)
        self.head = item.last
        self._items.append(item)
        self._bytes += len(frame)
        while len(self._items) > self._items_max or self._bytes > self._bytes_max:
            self._bytes -= len(self._items.popleft().frame)
        return item

    def mark_snapshot(self, sequence: int) -> None:
        """Note that the state after item `sequence` can be had as a snapshot; an older one does not replace it."""
        assert 0 <= sequence <= self.head
        self.snapshot_sequence = max(self.snapshot_sequence, sequence)

    def announce(self) -> StreamHead:
        """Return what the owner sends when nothing else went out for a while."""
        return StreamHead(self.stream, self.head)

    def answer(self, asked: StreamResend) -> Resent | StreamUseSnapshot | WireFault:
        """Answer a follower: whole items from the first that it asked for, or the snapshot to use, or what is wrong.

        At most `RESEND_ITEMS_MAX` items and `RESEND_BYTES_MAX` bytes (but always one item); the head that goes out
        after them makes the follower ask for the rest. Where the snapshot is due, its sequence is `head` and the owner
        makes it now. Cost: a pass over the items kept before the first one, 5 ns each, then over those sent.
        """
        if asked.stream != self.stream:
            return fault(FaultCode.WRONG_STREAM, f"stream {asked.stream}, this is {self.stream}")
        if not asked.first <= asked.last <= self.head:
            return fault(FaultCode.OUT_OF_RANGE, f"{asked.first} to {asked.last}, the stream ends at {self.head}")
        if asked.first < self.first_kept:
            return StreamUseSnapshot(self.stream, self.head if self.snapshot_due else self.snapshot_sequence)
        found: list[Item] = []
        size = 0
        for item in islice(self._items, self._find(asked.first), None):
            size += len(item.frame)
            if item.sequence > asked.last or len(found) == RESEND_ITEMS_MAX or (found and size > RESEND_BYTES_MAX):
                break
            found.append(item)
        return Resent(tuple(found), self.announce())

    def _find(self, sequence: int) -> int:
        """Return the index of the item that a kept sequence belongs to."""
        low, high = 0, len(self._items) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._items[middle].sequence <= sequence:
                low = middle
            else:
                high = middle - 1
        return low


class FollowerState(IntEnum):
    """Whether a follower is up to date as far as it knows."""

    FOLLOWING = 1
    GAP = 2
    SNAPSHOT = 3


class Step(NamedTuple):
    """What a follower's owner does now: apply these items in this order, then send this question, if any."""

    apply: tuple[Item, ...] = ()
    ask: StreamResend | StreamSnapshotWanted | None = None


NOTHING = Step()


class Follower:
    """Applies each sequence of one stream once and in order; what came too early waits, within bounds.

    `next` is the first sequence that was not handed out yet; keep it with the state that was made from the items.
    """

    __slots__ = (
        "_asked",
        "_asks",
        "_bytes_max",
        "_items_max",
        "_known",
        "_waiting",
        "_waiting_bytes",
        "next",
        "state",
        "stream",
    )

    def __init__(
        self,
        stream: int,
        next_sequence: int = 1,
        items_max: int = WAITING_ITEMS_MAX,
        bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        """Follow a stream from `next_sequence` on. Who begins with a snapshot calls `want_snapshot` first."""
        self.stream = stream
        self.next = next_sequence
        self.state = FollowerState.FOLLOWING
        self._items_max, self._bytes_max = items_max, bytes_max
        self._known = next_sequence - 1
        self._asks, self._asked = 0, StreamResend(stream, 1, 1)
        self._waiting: dict[int, Item] = {}
        self._waiting_bytes = 0

    @property
    def waiting(self) -> int:
        """Items that wait for earlier ones."""
        return len(self._waiting)

    def receive(self, stream: int, item: Item) -> Step | WireFault:
        """Take an item from the publisher, fresh or sent again. A fault changes nothing.

        Cost: O(1), and O(items handed out or waiting) where a gap opens or closes.
        """
        if stream != self.stream:
            return self._wrong_stream(stream)
        if item.span < 1 or item.sequence < 1 or item.last >= INT_MAX:
            return fault(FaultCode.OUT_OF_RANGE, "span or sequence of an item")
        if item.sequence < self.next <= item.last:
            return fault(FaultCode.OVERLAP, f"{item.sequence} to {item.last}, the next is {self.next}")
        self._known = max(self._known, item.last)
        if item.last < self.next:
            return NOTHING
        if self.state is FollowerState.SNAPSHOT:
            self._keep(item)
            return NOTHING
        if item.sequence == self.next:
            self.next = item.last + 1
            return Step((item,)) if self.state is FollowerState.FOLLOWING else self._go_on((item,))
        return self._go_on() if self._keep(item) else self.want_snapshot()

    def hear_head(self, head: StreamHead) -> Step | WireFault:
        """Take the publisher's last sequence: whether something is missing at the end, or of what was asked for."""
        if head.stream != self.stream:
            return self._wrong_stream(head.stream)
        self._known = max(self._known, head.sequence)
        if self.state is FollowerState.GAP and self.next > self._asked.first:
            return self._ask()
        return self._go_on() if self.state is FollowerState.FOLLOWING else NOTHING

    def hear_use_snapshot(self, answer: StreamUseSnapshot) -> Step | WireFault:
        """Take the answer that what is missing is not kept any more."""
        if answer.stream != self.stream:
            return self._wrong_stream(answer.stream)
        return self.want_snapshot() if self.state is FollowerState.GAP else NOTHING

    def want_snapshot(self) -> Step:
        """Give up filling the gap (or begin without history) and ask for a snapshot. What waits goes on waiting."""
        self.state = FollowerState.SNAPSHOT
        return Step(ask=StreamSnapshotWanted(self.stream, self.next - 1))

    def restore(self, stream: int, sequence: int) -> Step | WireFault:
        """Go on after a snapshot: the owner replaces its state by the one after item `sequence`, then applies the step.

        A fault, which changes nothing, says that the snapshot is too old or was not asked for: the owner calls this
        first, and replaces its state only where the answer is a Step.
        """
        if stream != self.stream:
            return self._wrong_stream(stream)
        if self.state is not FollowerState.SNAPSHOT or not self.next - 1 <= sequence < INT_MAX:
            return fault(FaultCode.STALE, f"a snapshot of {sequence}; {self.state.name}, the next is {self.next}")
        self.next = sequence + 1
        self._known = max(self._known, sequence)
        self.state = FollowerState.FOLLOWING
        return self._go_on()

    def retry(self) -> Step:
        """Ask again: the owner's timer says that no answer has come. After `ASKS_MAX` times a snapshot is asked for."""
        if self.state is FollowerState.FOLLOWING:
            return NOTHING
        if self.state is FollowerState.SNAPSHOT:
            return self.want_snapshot()
        return self._ask()

    def _go_on(self, ready: tuple[Item, ...] = ()) -> Step:
        """Hand out what now follows without a gap, and ask where a new gap is seen."""
        if self.next in self._waiting:
            more: list[Item] = []
            while (item := self._waiting.pop(self.next, None)) is not None:
                self._waiting_bytes -= len(item.frame)
                self.next = item.last + 1
                more.append(item)
            ready = (*ready, *more)
        if self.next > self._known:
            self._waiting.clear()
            self._waiting_bytes = 0
            self.state = FollowerState.FOLLOWING
            return Step(ready)
        if self.state is FollowerState.FOLLOWING or self.next > self._asked.last:
            return Step(ready, self._ask().ask)
        return Step(ready)

    def _ask(self) -> Step:
        """Ask for the first range that is missing, or for a snapshot where it is too wide or asked for too often."""
        for first in [first for first in self._waiting if first < self.next]:
            self._waiting_bytes -= len(self._waiting.pop(first).frame)
        last = min(self._waiting, default=self._known + 1) - 1
        is_new = self.state is FollowerState.FOLLOWING or self.next > self._asked.first
        self._asks = 1 if is_new else self._asks + 1
        if last - self.next >= GAP_ITEMS_MAX or self._asks > ASKS_MAX:
            return self.want_snapshot()
        self.state = FollowerState.GAP
        self._asked = StreamResend(self.stream, self.next, last)
        return Step(ask=self._asked)

    def _keep(self, item: Item) -> bool:
        """Keep an item that came too early; tell whether there was room."""
        if item.sequence in self._waiting:
            return True
        if len(self._waiting) >= self._items_max or self._waiting_bytes + len(item.frame) > self._bytes_max:
            return False
        self._waiting[item.sequence] = item
        self._waiting_bytes += len(item.frame)
        return True

    def _wrong_stream(self, stream: int) -> WireFault:
        return fault(FaultCode.WRONG_STREAM, f"stream {stream}, this is {self.stream}")
