"""What all followers of market data share: frames in, questions out, state only from items without a gap.

A follower is pure. Its owner gives it every frame and message of its stream, sends what it answers to the venue, and
calls `retry` when no answer has come for a while. The states are those of `openoutcry.wire.streams.Follower`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.marketdata.records import KINDS
from openoutcry.marketdata.topics import KIND_OF, Channel, stream_of
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.limits import FRAME_HEADER_BYTES, INT_MAX
from openoutcry.wire.messages import (
    StreamHead,
    StreamResend,
    StreamSnapshotPart,
    StreamSnapshotWanted,
    StreamUseSnapshot,
)
from openoutcry.wire.shape import Buffer
from openoutcry.wire.snapshots import SnapshotParts
from openoutcry.wire.streams import Follower, FollowerState, Item, Step

Ask: TypeAlias = StreamResend | StreamSnapshotWanted | None
"""What the owner sends to the venue now, if anything."""

Told: TypeAlias = StreamHead | StreamUseSnapshot | StreamSnapshotPart
"""What a venue says about a stream beside its items."""


@dataclass(slots=True)
class Counts:
    """What has happened to a follower since it was made."""

    records: int = 0
    asked: int = 0
    """Ranges that were asked for, each time."""
    snapshots: int = 0
    misfits: int = 0
    """Items and snapshots that did not fit what was held: a fault of the venue, answered by asking for a snapshot."""


class ChannelFollower(ABC):
    """Follows one stream of market data.

    pair, channel: which one. stream: its number, where it is not that of the channel (see `slow_readers`).
    A stream is followed from its first item on; who comes later calls `begin` and sends what it answers.
    """

    def __init__(self, pair: int, channel: Channel, stream: int | None = None) -> None:
        self.pair, self.channel = pair, channel
        self.counts = Counts()
        self._follower = Follower(stream_of(pair, channel) if stream is None else stream)
        self._kind = KIND_OF[channel]
        self._parts: SnapshotParts | None = None
        self._parts_of = -1

    @property
    def stream(self) -> int:
        """The number of the stream."""
        return self._follower.stream

    @property
    def sequence(self) -> int:
        """The last item that was applied; 0 before the first."""
        return self._follower.next - 1

    @property
    def is_current(self) -> bool:
        """Whether nothing is known to be missing. What is held is a past state of the venue's otherwise."""
        return self._follower.state is FollowerState.FOLLOWING

    def begin(self) -> Ask:
        """Begin with a snapshot in place of the stream's first item; also the way out of any doubt."""
        return self._want_snapshot()

    def receive(self, frame: Buffer) -> Ask | WireFault:
        """Take a frame, fresh or sent again, and apply it and what follows it without a gap.

        A fault says why it is no frame of this stream; it changes nothing. A frame that has to wait for earlier ones is
        kept as it is, so it must be the caller's to give away.
        """
        decoded = KINDS.decode(frame)
        if isinstance(decoded, WireFault):
            return decoded
        if decoded.kind is not self._kind:
            return fault(FaultCode.UNKNOWN_KIND, f"{decoded.kind.name} records in a stream of {self._kind.name}")
        step = self._follower.receive(decoded.stream, Item(decoded.sequence, len(decoded.records), memoryview(frame)))
        if isinstance(step, WireFault):
            return step
        if len(step.apply) == 1 and self._follower.state is FollowerState.FOLLOWING:
            return self._apply_records(decoded.records) or step.ask
        return self._take(step)

    def hear(self, told: Told) -> Ask | WireFault:
        """Take what the venue says about the stream. A fault changes nothing."""
        if isinstance(told, StreamSnapshotPart):
            return self._hear_part(told)
        if isinstance(told, StreamHead):
            step = self._follower.hear_head(told)
        else:
            step = self._follower.hear_use_snapshot(told)
        return step if isinstance(step, WireFault) else self._take(step)

    def retry(self) -> Ask:
        """Ask again: no answer has come."""
        return self._take(self._follower.retry())

    @abstractmethod
    def _apply(self, records: NDArray[np.void]) -> bool:
        """Apply records in order; tell whether they fit what is held."""

    @abstractmethod
    def _load(self, records: NDArray[np.void]) -> bool:
        """Replace what is held by a snapshot, records of the stream's kind; tell whether it is one."""

    def _take(self, step: Step) -> Ask:
        """Apply what a step hands out; return its question, or that for a snapshot where something does not fit."""
        if isinstance(step.ask, StreamResend):
            self.counts.asked += 1
        for item in step.apply:
            body = np.frombuffer(item.frame, self._kind.dtype, item.span, FRAME_HEADER_BYTES)
            wanted = self._apply_records(body)
            if wanted is not None:
                return wanted
        return step.ask

    def _apply_records(self, records: NDArray[np.void]) -> Ask:
        if self._apply(records):
            self.counts.records += len(records)
            return None
        self.counts.misfits += 1
        return self._want_snapshot()

    def _want_snapshot(self) -> Ask:
        self._parts = None
        return self._follower.want_snapshot().ask

    def _hear_part(self, part: StreamSnapshotPart) -> Ask | WireFault:
        """Collect the parts of a snapshot, and go on from it with the last one. A newer snapshot replaces an older."""
        if part.stream != self.stream:
            return fault(FaultCode.WRONG_STREAM, f"stream {part.stream}, this is {self.stream}")
        is_wanted = self._follower.state is FollowerState.SNAPSHOT
        if not is_wanted or not max(self.sequence, self._parts_of) <= part.sequence < INT_MAX:
            return fault(FaultCode.STALE, f"a snapshot of {part.sequence}")
        if self._parts is None or part.sequence > self._parts_of:
            self._parts, self._parts_of = SnapshotParts(part), part.sequence
        state = self._parts.add(part)
        if state is None:
            return None
        self._parts, self._parts_of = None, -1
        if isinstance(state, WireFault):
            return state
        is_whole = len(state) % self._kind.dtype.itemsize == 0
        if not is_whole or not self._load(np.frombuffer(state, self._kind.dtype)):
            self.counts.misfits += 1
            return self._want_snapshot()
        self.counts.snapshots += 1
        step = self._follower.restore(part.stream, part.sequence)
        return step if isinstance(step, WireFault) else self._take(step)
