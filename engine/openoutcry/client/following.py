"""One numbered stream as a client follows it: `wire.streams.Follower` with its questions and their timer."""

from typing import Final

from openoutcry.client.errors import VenueFault
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.messages import StreamHead, StreamSnapshotPart, StreamUseSnapshot
from openoutcry.wire.snapshots import SnapshotParts
from openoutcry.wire.streams import Follower, FollowerState, Item, Step
from openoutcry.wire.tags import Message

RETRY_NS: Final = 500_000_000
"""A question about a stream that is not answered by then is asked again."""


class Snapshot:
    """A whole snapshot: the state after item `sequence`."""

    __slots__ = ("body", "sequence")

    def __init__(self, sequence: int, body: bytes) -> None:
        self.sequence = sequence
        self.body = body


class Following:
    """Follows one stream. asks: what is to be sent to the publisher; the owner empties it. faults: frames that did not
    fit, which change nothing. Times are of a clock that never runs back.
    """

    __slots__ = ("_due_ns", "_parts", "asks", "faults", "follower", "gaps")

    def __init__(self, stream: int, next_sequence: int = 1) -> None:
        """Follow from `next_sequence` on."""
        self.follower = Follower(stream, next_sequence)
        self.asks: list[Message] = []
        self.faults = 0
        self.gaps = 0
        self._due_ns: int | None = None
        self._parts: SnapshotParts | None = None

    @property
    def applied(self) -> int:
        """The last sequence that was handed out."""
        return self.follower.next - 1

    @property
    def is_current(self) -> bool:
        """Whether nothing is known to be missing."""
        return self.follower.state is FollowerState.FOLLOWING

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do, None for not before something else happens."""
        return self._due_ns

    def receive(self, item: Item, now_ns: int) -> tuple[Item, ...]:
        """Take an item; return what can be applied now, in order."""
        return self._do(self.follower.receive(self.follower.stream, item), now_ns)

    def hear_head(self, head: StreamHead, now_ns: int) -> tuple[Item, ...]:
        """Take the publisher's last sequence; return what can be applied now."""
        return self._do(self.follower.hear_head(head), now_ns)

    def hear_use_snapshot(self, answer: StreamUseSnapshot, now_ns: int) -> None:
        """Take the answer that what is missing is not kept any more."""
        self._do(self.follower.hear_use_snapshot(answer), now_ns)

    def want_snapshot(self, now_ns: int) -> None:
        """Ask for a snapshot in place of what is missing."""
        self._do(self.follower.want_snapshot(), now_ns)

    def hear_part(self, part: StreamSnapshotPart) -> Snapshot | None:
        """Take a part of a snapshot; return the whole where it is complete. The owner then calls `restore`."""
        if self.follower.state is not FollowerState.SNAPSHOT:
            return None
        parts = self._parts
        if parts is None or part.part == 0:
            parts = self._parts = SnapshotParts(part)
        whole = parts.add(part)
        if isinstance(whole, WireFault):
            self.faults += 1
            self._parts = None
            return None
        if whole is None:
            return None
        self._parts = None
        return Snapshot(part.sequence, whole)

    def restore(self, snapshot: Snapshot, now_ns: int) -> tuple[Item, ...] | None:
        """Go on after a snapshot whose state the owner takes over; None where it is too old and nothing changes."""
        step = self.follower.restore(self.follower.stream, snapshot.sequence)
        if isinstance(step, WireFault):
            self.faults += 1
            return None
        return self._do(step, now_ns)

    def again(self, now_ns: int) -> None:
        """Ask again what was asked: a new link may have swallowed the question."""
        if not self.is_current:
            self._parts = None
            self._do(self.follower.retry(), now_ns)

    def tick(self, now_ns: int) -> None:
        """Ask again what is overdue."""
        if self._due_ns is not None and now_ns >= self._due_ns:
            self._due_ns = None
            self.again(now_ns)

    def _do(self, step: Step | WireFault, now_ns: int) -> tuple[Item, ...]:
        if isinstance(step, WireFault):
            self.faults += 1
            if step.code is FaultCode.OVERLAP:
                raise VenueFault(f"stream {self.follower.stream}: {step}: its numbers contradict what came before")
            return ()
        if step.ask is not None:
            self.gaps += 1
            self.asks.append(step.ask)
            self._due_ns = now_ns + RETRY_NS
        elif self.is_current:
            self._due_ns = None
        return step.apply
