"""What a member knows of its own orders: from its stream of events, each once and in order, or from a snapshot."""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from openoutcry.book.state import STATE_ORDER
from openoutcry.domain import EventKind, Op
from openoutcry.domain.records import EVENT
from openoutcry.venue.messages import EVENT_STREAM_MIN
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import is_record_frame, read_header
from openoutcry.wire.limits import FRAME_HEADER_BYTES
from openoutcry.wire.messages import (
    StreamHead,
    StreamResend,
    StreamSnapshotPart,
    StreamSnapshotWanted,
    StreamUseSnapshot,
)
from openoutcry.wire.snapshots import SnapshotParts
from openoutcry.wire.streams import NOTHING, Follower, FollowerState, Item, Step

Ask = StreamResend | StreamSnapshotWanted | None
"""What is asked of the venue now, if anything."""


Told = StreamHead | StreamUseSnapshot | StreamSnapshotPart
"""What a venue says of a stream beside its items."""

_told_decoder: Final = msgspec.msgpack.Decoder(Told)


class Known(NamedTuple):
    """What is known of own orders, as a snapshot has it.

    following: the first event that was not applied yet, when nothing was missing last. leaves, events: as of then.
    since: what was taken since; a frame, a message, or nothing where the answer was asked for again.
    """

    following: int
    leaves: list[tuple[int, int]]
    events: int
    since: list[bytes]


class OwnOrders:
    """Live orders of one session by handle, with what is left of each. events: how many were applied."""

    def __init__(self, session: int, known: Known | None = None) -> None:
        """known: where to go on; None at the begin."""
        following, leaves, events, since = known or Known(1, [], 0, [])
        self.follower = Follower(EVENT_STREAM_MIN + session, following)
        self.leaves = dict(leaves)
        self.events = events
        self._parts: SnapshotParts | None = None
        self._current = Known(following, leaves, events, [])
        self._since: list[bytes] = []
        for one in since:
            if not one:
                self.retry()
            elif is_record_frame(one):
                self.receive(one)
            else:
                self.hear(_told_decoder.decode(one))

    @property
    def known(self) -> Known:
        """What a snapshot keeps."""
        return self._current._replace(since=list(self._since))

    def receive(self, frame: bytes) -> Ask:
        """Take a frame of events, which was decoded before."""
        self._since.append(frame)
        header = read_header(frame)
        assert header is not None
        return self._take(self.follower.receive(header.stream, Item(header.sequence, header.records, frame)))

    def hear(self, told: Told) -> Ask:
        """Take what the venue says of the stream."""
        self._since.append(encode(told))
        if isinstance(told, StreamHead):
            return self._take(self.follower.hear_head(told))
        if isinstance(told, StreamUseSnapshot):
            return self._take(self.follower.hear_use_snapshot(told))
        if self.follower.state is not FollowerState.SNAPSHOT or told.stream != self.follower.stream:
            return self._take(NOTHING)
        found = self._parts.add(told) if self._parts is not None else None
        if self._parts is None or isinstance(found, WireFault):
            self._parts = SnapshotParts(told)
            found = self._parts.add(told)
        if not isinstance(found, bytes):
            return None
        self._parts = None
        step = self.follower.restore(told.stream, told.sequence)
        if isinstance(step, Step):
            rows = np.frombuffer(found, STATE_ORDER)
            left = rows["displayed_lots"] + rows["reserve_lots"]
            self.leaves = dict(zip(rows["handle"].tolist(), left.tolist(), strict=True))
        return self._take(step)

    def retry(self) -> Ask:
        """Ask again."""
        self._since.append(b"")
        return self._take(self.follower.retry())

    def _take(self, step: Step | WireFault) -> Ask:
        if isinstance(step, WireFault):
            step = NOTHING
        for item in step.apply:
            self._apply(np.frombuffer(item.frame, EVENT, item.span, FRAME_HEADER_BYTES))
        if self.follower.state is FollowerState.FOLLOWING:
            self._current = Known(self.follower.next, sorted(self.leaves.items()), self.events, [])
            self._since.clear()
        return step.ask

    def _apply(self, events: "np.ndarray[tuple[int], np.dtype[np.void]]") -> None:
        leaves = self.leaves
        names = ["kind", "code", "maker", "taker", "qty_lots", "maker_leaves", "taker_leaves"]
        for kind, code, maker, taker, lots, maker_leaves, taker_leaves in events[names].tolist():
            if kind == EventKind.ACCEPTED and code == Op.PLACE:
                leaves[maker] = lots
            elif kind == EventKind.TRADED:
                for handle, left in ((maker, maker_leaves), (taker, taker_leaves)):
                    if handle in leaves:
                        leaves[handle] = left
            elif maker in leaves and kind not in (EventKind.ACCEPTED, EventKind.REJECTED):
                leaves[maker] = maker_leaves
        self.events += len(events)
        for handle in [handle for handle, left in leaves.items() if left == 0]:
            del leaves[handle]
