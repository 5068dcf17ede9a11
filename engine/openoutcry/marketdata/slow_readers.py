"""What becomes of a reader that is slower than the venue, on a link of its own.

Two policies, by what a stream carries. Level 2 and top say how things are, so a later record replaces an earlier one:
`Conflator`. Level 3, trades and indications say what happened, so nothing can be left out: `Queue` keeps frames within
bounds and then cuts the reader, and says so. Neither ever holds more than its bounds, whatever the reader does.

A subscriber by topic needs neither: what its connection has no room for is dropped there, and its follower sees a gap.
"""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.marketdata.limits import CONFLATED_KEYS_MAX, QUEUED_BYTES_MAX, QUEUED_FRAMES_MAX
from openoutcry.marketdata.messages import StreamCut
from openoutcry.marketdata.records import LEVEL, TOP
from openoutcry.marketdata.topics import KIND_OF, Channel, stream_of
from openoutcry.wire.frames import encode_records
from openoutcry.wire.limits import FRAME_RECORDS_MAX
from openoutcry.wire.messages import (
    StreamHead,
    StreamResend,
    StreamSnapshotPart,
    StreamSnapshotWanted,
    StreamUseSnapshot,
)
from openoutcry.wire.snapshots import cut

CONFLATED: Final = 1 << 7
"""Bit of a stream's number: a conflated stream, which has numbers of its own and is one reader's only."""


def conflated_stream_of(pair: int, channel: Channel) -> int:
    """Return the number of a reader's conflated stream of a channel.

    >>> conflated_stream_of(7, Channel.L2)
    1924
    """
    assert channel in (Channel.L2, Channel.TOP)
    return stream_of(pair, channel) | CONFLATED


class Conflator:
    """Keeps, for one reader, the latest record of each level (L2) or the latest top, until the reader has room.

    Frames come out numbered from 1 in a stream of their own; the reader follows it with the ordinary follower. They are
    not kept: a reader that misses one asks, and is given a snapshot of the present state.
    """

    def __init__(self, pair: int, channel: Channel, keys_max: int = CONFLATED_KEYS_MAX) -> None:
        self.stream = conflated_stream_of(pair, channel)
        self.head = 0
        self.dropped = 0
        """Records that a later one has replaced before the reader had room."""
        self._kind = KIND_OF[channel]
        self._keys_max = keys_max
        self._waiting: dict[tuple[int, int], bytes] = {}
        self._is_lost = self._is_told = False

    @property
    def waiting(self) -> int:
        """Records that wait."""
        return len(self._waiting)

    def offer(self, records: NDArray[np.void]) -> None:
        """Take the stream's new records. Cost: 200 ns each."""
        if self._is_lost:
            self.dropped += len(records)
            return
        waiting = self._waiting
        for key, record in zip(_keys_of(records), records, strict=True):
            if waiting.pop(key, None) is not None:
                self.dropped += 1
            waiting[key] = record.tobytes()
        if len(waiting) > self._keys_max:
            self.dropped += len(waiting)
            waiting.clear()
            self._is_lost = True

    def take(self, records_max: int = FRAME_RECORDS_MAX) -> memoryview | StreamHead | None:
        """Return what goes out now that the reader has room: a frame of the oldest that wait, or None.

        A reader that is too far behind even so is told once, by a STREAM_HEAD beyond what it has. It then asks, and
        gets a snapshot; until then there is nothing else.
        """
        if self._is_lost and not self._is_told:
            self._is_told = True
            self.head += 1
            return StreamHead(self.stream, self.head)
        if not self._waiting:
            return None
        keys = list(self._waiting)[: min(records_max, FRAME_RECORDS_MAX)]
        records = np.frombuffer(b"".join(self._waiting.pop(key) for key in keys), self._kind.dtype)
        frame = encode_records(self._kind, self.stream, self.head + 1, records)
        self.head += len(records)
        return memoryview(frame)

    def answer(
        self, question: StreamResend | StreamSnapshotWanted, state: NDArray[np.void]
    ) -> list[StreamUseSnapshot] | list[StreamSnapshotPart]:
        """Answer the reader: nothing is kept, so it is a snapshot; what waits is part of that and is forgotten.

        state: `Feed.snapshot_state` of the channel now.
        """
        if isinstance(question, StreamResend):
            return [StreamUseSnapshot(self.stream, self.head)]
        self._is_lost = self._is_told = False
        self._waiting.clear()
        return list(cut(self.stream, self.head, state.tobytes()))


def _keys_of(records: NDArray[np.void]) -> list[tuple[int, int]]:
    """Return what each record replaces: a level's side and price, or the top."""
    if records.dtype == LEVEL:
        return list(zip(records["side"].tolist(), records["price_ticks"].tolist(), strict=True))
    assert records.dtype == TOP
    return [(0, 0)] * len(records)


class Queue:
    """Keeps, for one reader, the frames of a stream in order until the reader has room; beyond its bounds it is cut."""

    def __init__(
        self, stream: int, sequence: int, bytes_max: int = QUEUED_BYTES_MAX, frames_max: int = QUEUED_FRAMES_MAX
    ) -> None:
        """sequence: the last item of the stream that the reader has."""
        self.stream, self.sequence = stream, sequence
        self.is_cut = False
        self._bytes_max, self._frames_max, self._bytes = bytes_max, frames_max, 0
        self._frames: deque[tuple[memoryview, int]] = deque()
        self._is_told = False

    @property
    def waiting(self) -> int:
        """Frames that wait."""
        return len(self._frames)

    def offer(self, frame: memoryview, last: int) -> None:
        """Take the stream's next frame; last: the sequence of its last record."""
        if self.is_cut:
            return
        self._frames.append((frame, last))
        self._bytes += len(frame)
        if self._bytes > self._bytes_max or len(self._frames) > self._frames_max:
            self.is_cut = True
            self._frames.clear()
            self._bytes = 0

    def take(self) -> memoryview | StreamCut | None:
        """Return what goes out now that the reader has room: the next frame, or once STREAM_CUT, or None."""
        if self._frames:
            frame, self.sequence = self._frames.popleft()
            self._bytes -= len(frame)
            return frame
        if self.is_cut and not self._is_told:
            self._is_told = True
            return StreamCut(self.stream, self.sequence)
        return None
