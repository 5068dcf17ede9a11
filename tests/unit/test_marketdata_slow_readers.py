"""Slow readers: what waits for them is bounded, and they end where the venue is."""

import numpy as np

from openoutcry.book import Books
from openoutcry.book import commands as build
from openoutcry.domain import Pair, Side
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.followers import L2Follower, TopFollower
from openoutcry.marketdata.messages import StreamCut
from openoutcry.marketdata.records import KINDS, LEVEL
from openoutcry.marketdata.slow_readers import Conflator, Queue, conflated_stream_of
from openoutcry.marketdata.topics import Channel, stream_of, topic_of
from openoutcry.wire.frames import RecordFrame
from openoutcry.wire.messages import StreamHead, StreamResend, StreamSnapshotPart, StreamSnapshotWanted

PAIR = 7


class Link:
    """A venue that publishes, one reader of a channel behind a conflator, and what the reader asks."""

    def __init__(self, channel: Channel, keys_max: int = 100) -> None:
        self.books, self.feeds, self.ids = Books([Pair(PAIR)], accounts=2), Feeds([PAIR]), 0
        self.channel = channel
        self.conflator = Conflator(PAIR, channel, keys_max)
        make = L2Follower if channel is Channel.L2 else TopFollower
        self.follower = make(PAIR, conflated_stream_of(PAIR, channel))

    def order(self, price: int, side: Side = Side.BUY) -> None:
        """Publish an order; the conflator is offered what it changes."""
        self.ids += 1
        command = build.place(PAIR, self.ids % 2, client_id=self.ids, side=side, price_ticks=price, qty_lots=1)
        for topic, frame in self.feeds.publish(self.books.apply(command), self.books, self.ids):
            if topic == topic_of(PAIR, self.channel):
                decoded = KINDS.decode(frame)
                assert isinstance(decoded, RecordFrame)
                self.conflator.offer(decoded.records)

    def read(self) -> int:
        """Let the reader take what there is, with its questions; return how many frames that were."""
        frames = 0
        while (item := self.conflator.take()) is not None:
            frames += 1
            asked = self.follower.hear(item) if isinstance(item, StreamHead) else self.follower.receive(item)
            while asked is not None:
                assert isinstance(asked, StreamResend | StreamSnapshotWanted)
                state = self.feeds.feed(PAIR).snapshot_state(self.channel, self.books)
                answers = self.conflator.answer(asked, state)
                asked = None
                for answer in answers:
                    asked = self.follower.hear(answer)
        return frames


def test_a_reader_that_pauses_gets_each_level_once() -> None:
    """A hundred orders on five levels while it is away: one frame of five records, and its book is the venue's."""
    link = Link(Channel.L2)
    for index in range(100):
        link.order(100 + index % 5)
    assert (link.conflator.waiting, link.conflator.dropped) == (5, 95)
    assert link.read() == 1
    assert isinstance(link.follower, L2Follower)
    assert link.follower.depth().bids.tolist() == link.books.depth(PAIR).bids.tolist()
    assert link.follower.sequence == 5 and link.follower.is_current


def test_a_top_is_only_the_latest() -> None:
    """Ten better prices: one record."""
    link = Link(Channel.TOP)
    for index in range(10):
        link.order(100 + index)
    assert link.read() == 1
    assert isinstance(link.follower, TopFollower)
    assert link.follower.top[:2] == (109, 1)


def test_a_reader_with_too_many_levels_behind_begins_anew() -> None:
    """More levels than may wait: it is told once by a head, asks, gets a snapshot, and goes on from there."""
    link = Link(Channel.L2, keys_max=10)
    for index in range(50):
        link.order(100 + index)
        assert link.conflator.waiting <= 10
    assert link.read() == 1
    link.order(99)
    assert link.read() == 1
    assert isinstance(link.follower, L2Follower)
    assert link.follower.depth(99).bids.tolist() == link.books.depth(PAIR, 99).bids.tolist()
    assert (link.follower.is_current, link.follower.counts.snapshots, link.follower.counts.misfits) == (True, 1, 0)


def test_a_frame_that_is_lost_on_the_way_is_made_good_by_a_snapshot() -> None:
    """Nothing of a conflated stream is kept: the reader sees the gap in the next frame."""
    link = Link(Channel.L2)
    link.order(100)
    assert isinstance(link.conflator.take(), memoryview)
    link.order(101)
    assert link.read() == 1
    assert isinstance(link.follower, L2Follower)
    assert link.follower.best() == (101, None) and link.follower.depth().bids.tolist() == [(101, 1, 1), (100, 1, 1)]


def test_frames_are_no_longer_than_the_reader_has_room_for() -> None:
    """Seven levels, three records a frame: three frames, oldest change first."""
    conflator = Conflator(PAIR, Channel.L2)
    conflator.offer(np.array([(1, price, 1, 1, 0) for price in (5, 3, 9, 1, 2, 4, 6)], LEVEL))
    conflator.offer(np.array([(2, 5, 2, 2, 0)], LEVEL))
    prices = []
    while (frame := conflator.take(3)) is not None:
        assert isinstance(frame, memoryview)
        decoded = KINDS.decode(frame)
        assert isinstance(decoded, RecordFrame)
        prices.append(decoded.records["price_ticks"].tolist())
    assert prices == [[3, 9, 1], [2, 4, 6], [5]]


def test_a_snapshot_forgets_what_waits() -> None:
    """What waits is part of the state that is handed over."""
    link = Link(Channel.L2)
    link.order(100)
    state = link.feeds.feed(PAIR).snapshot_state(Channel.L2, link.books)
    (part,) = link.conflator.answer(StreamSnapshotWanted(link.conflator.stream, 0), state)
    assert isinstance(part, StreamSnapshotPart) and part.sequence == 0
    assert link.conflator.take() is None


def test_a_queue_hands_out_frames_in_order_and_then_nothing() -> None:
    """As long as it stays within its bounds, whatever is offered comes out."""
    stream = stream_of(PAIR, Channel.L3)
    queue = Queue(stream, 4, bytes_max=100, frames_max=3)
    frames = [memoryview(bytes([index]) * 30) for index in range(3)]
    for index, frame in enumerate(frames):
        queue.offer(frame, 5 + index)
    assert [queue.take() for _ in range(4)] == [*frames, None]
    assert (queue.sequence, queue.is_cut) == (7, False)


def test_a_reader_that_is_too_slow_is_cut_and_told_once() -> None:
    """By bytes and by frames: what waited is gone, and STREAM_CUT names the last item that it got."""
    stream = stream_of(PAIR, Channel.L3)
    for bytes_max, frames_max in ((100, 10), (1_000, 3)):
        queue = Queue(stream, 4, bytes_max, frames_max)
        queue.offer(memoryview(bytes(30)), 5)
        queue.take()
        for last in range(6, 12):
            queue.offer(memoryview(bytes(30)), last)
            assert queue.waiting <= 3
        assert [queue.take() for _ in range(3)] == [StreamCut(stream, 5), None, None]
        assert queue.is_cut
