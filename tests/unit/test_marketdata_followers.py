"""Followers one step at a time: what they apply, what they ask, what they refuse; and the books that they keep."""

from collections.abc import Callable

import numpy as np
import pytest

from openoutcry.book import Books
from openoutcry.book import commands as build
from openoutcry.domain import EventFlag, EventKind, Pair, Phase, Side
from openoutcry.domain.records import EVENT
from openoutcry.marketdata.books import FollowedBook, LastTrade, digest
from openoutcry.marketdata.fast_book import FastBook
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.followers import L2Follower, L3Follower, TopFollower, TradeTape
from openoutcry.marketdata.messages import PublicDigest
from openoutcry.marketdata.plain_book import PlainBook
from openoutcry.marketdata.records import L3, LEVELS, TOPS, TRADES
from openoutcry.marketdata.topics import Channel, stream_of, topic_of
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.frames import encode_records
from openoutcry.wire.limits import INT_MAX
from openoutcry.wire.messages import (
    StreamHead,
    StreamResend,
    StreamSnapshotPart,
    StreamSnapshotWanted,
    StreamUseSnapshot,
)
from openoutcry.wire.snapshots import cut

PAIR = 7
STREAM = stream_of(PAIR, Channel.L3)
Make = Callable[[int], FollowedBook]
both_books = pytest.mark.parametrize("make", [FastBook, PlainBook], ids=["fast", "plain"])


class Venue:
    """Books of one pair with their feeds; each order is a group."""

    def __init__(self) -> None:
        self.books, self.feeds, self.ids = Books([Pair(PAIR)], accounts=2), Feeds([PAIR]), 0

    def place(self, price: int, lots: int = 1, side: Side = Side.BUY, channel: Channel = Channel.L3) -> memoryview:
        """The frame of a channel that an order causes."""
        self.ids += 1
        command = build.place(PAIR, self.ids % 2, client_id=self.ids, side=side, price_ticks=price, qty_lots=lots)
        frames = dict(self.feeds.publish(self.books.apply(command), self.books, self.ids))
        return frames[topic_of(PAIR, channel)]

    def parts(self) -> list[StreamSnapshotPart]:
        """A snapshot of level 3."""
        return list(self.feeds.feed(PAIR).snapshot_of(Channel.L3, self.books))


def test_a_gap_is_filled_before_anything_is_applied() -> None:
    """The second of three frames is late: the third waits, the range is asked for, then both are applied."""
    venue, follower = Venue(), L3Follower(PAIR)
    first, second, third = venue.place(100), venue.place(101), venue.place(102)
    assert follower.receive(first) is None
    assert follower.receive(third) == StreamResend(STREAM, 2, 2)
    assert (follower.book.best(), follower.sequence, follower.is_current) == ((100, None), 1, False)
    assert follower.receive(third) is None
    assert follower.receive(second) is None
    assert (follower.book.best(), follower.sequence, follower.is_current) == ((102, None), 3, True)
    assert follower.receive(first) is None
    assert follower.counts.records == 3


def test_what_is_missing_at_the_end_is_seen_by_the_head() -> None:
    """A head beyond the last item asks for the rest."""
    venue, follower = Venue(), L3Follower(PAIR)
    follower.receive(venue.place(100))
    venue.place(101)
    assert follower.hear(StreamHead(STREAM, 2)) == StreamResend(STREAM, 2, 2)
    assert follower.retry() == StreamResend(STREAM, 2, 2)


def test_a_follower_that_is_told_to_goes_on_from_a_snapshot() -> None:
    """USE_SNAPSHOT, then the parts in any order; what came meanwhile is applied after it, an older part is refused."""
    venue, follower = Venue(), L3Follower(PAIR)
    follower.receive(venue.place(100))
    venue.place(101)
    follower.receive(venue.place(102))
    assert follower.hear(StreamUseSnapshot(STREAM, 3)) == StreamSnapshotWanted(STREAM, 1)
    parts, later = venue.parts(), venue.place(103)
    assert follower.receive(later) is None
    old = list(cut(STREAM, 0, b""))
    told = follower.hear(old[0])
    assert isinstance(told, WireFault) and told.code is FaultCode.STALE
    for part in parts:
        assert follower.hear(part) is None
    assert (follower.sequence, follower.is_current, follower.book.best()) == (4, True, (103, None))
    assert follower.book.phase is Phase.CONTINUOUS
    assert follower.hear_digest(venue.feeds.feed(PAIR).digest(venue.books)) is True


def test_a_digest_of_another_moment_says_nothing_and_a_wrong_one_is_seen() -> None:
    """None for another sequence, stream or while something is missing; False for other content."""
    venue, follower = Venue(), L3Follower(PAIR)
    follower.receive(venue.place(100))
    told = venue.feeds.feed(PAIR).digest(venue.books)
    assert follower.hear_digest(told) is True
    assert follower.hear_digest(PublicDigest(STREAM, 2, told.digest)) is None
    assert follower.hear_digest(PublicDigest(STREAM + 256, 1, told.digest)) is None
    assert follower.hear_digest(PublicDigest(STREAM, 1, bytes(32))) is False
    assert follower.begin() == StreamSnapshotWanted(STREAM, 1)
    assert follower.hear_digest(told) is None


def test_frames_that_are_none_of_the_stream_change_nothing() -> None:
    """Another kind, another pair's stream, junk, a frame cut short: a fault each."""
    venue, follower = Venue(), L3Follower(PAIR)
    frame = venue.place(100)
    levels = encode_records(LEVELS, STREAM, 1, np.zeros(1, LEVELS.dtype))
    other = L3Follower(PAIR + 1)
    for taker, junk, code in (
        (follower, levels, FaultCode.UNKNOWN_KIND),
        (other, frame, FaultCode.WRONG_STREAM),
        (follower, b"junk" * 20, FaultCode.WRONG_MAGIC),
        (follower, frame[:-1], FaultCode.WRONG_LENGTH),
    ):
        told = taker.receive(junk)
        assert isinstance(told, WireFault) and told.code is code
        assert (taker.sequence, taker.is_current) == (0, True)


def test_rows_that_do_not_fit_are_answered_by_asking_for_a_snapshot() -> None:
    """A venue cancels an order that it never showed; a good snapshot mends it."""
    venue, follower = Venue(), L3Follower(PAIR)
    venue.place(100)
    row = np.zeros(1, EVENT)
    row["kind"], row["pair"], row["maker"] = EventKind.CANCELLED, PAIR, 5
    assert follower.receive(encode_records(L3, STREAM, 1, row)) == StreamSnapshotWanted(STREAM, 1)
    assert (follower.counts.misfits, follower.is_current) == (1, False)
    for part in venue.parts():
        assert follower.hear(part) is None
    assert follower.is_current and follower.book.best() == (100, None)


@pytest.mark.parametrize("state", [b"x", bytes(64), bytes(65)])
def test_a_snapshot_that_is_none_does_not_move_the_follower(state: bytes) -> None:
    """Junk in a snapshot of a far sequence: it asks again, and an honest one of an earlier sequence is taken."""
    venue, follower = Venue(), L3Follower(PAIR)
    venue.place(100)
    follower.begin()
    for part in cut(STREAM, 10**9, state):
        assert follower.hear(part) == StreamSnapshotWanted(STREAM, 0)
    assert (follower.counts.misfits, follower.counts.snapshots) == (1, 0)
    for part in venue.parts():
        assert follower.hear(part) is None
    assert follower.is_current and follower.sequence == 1


def test_a_snapshot_of_the_last_possible_sequence_is_refused() -> None:
    """Nothing could follow it."""
    follower = L3Follower(PAIR)
    follower.begin()
    told = follower.hear(StreamSnapshotPart(STREAM, INT_MAX, 0, 1, bytes(32), b""))
    assert isinstance(told, WireFault) and told.code is FaultCode.STALE


def test_the_other_followers_refuse_what_cannot_be() -> None:
    """Levels with lots and no orders, prices out of range, a trade number that jumps, a negative top."""
    stream = stream_of(PAIR, Channel.L2)
    for row in ((1, 100, 5, 0, 0), (1, 0, 5, 1, 0), (1, 100, -1, 1, 0), (1, 2**28, 1, 1, 1)):
        follower = L2Follower(PAIR)
        frame = encode_records(LEVELS, stream, 1, np.array([row], LEVELS.dtype))
        assert follower.receive(frame) == StreamSnapshotWanted(stream, 1)
    tape = TradeTape(PAIR)
    trades = np.array([(1, 1, 1, 100, 1, 0, 0), (3, 1, 1, 100, 1, 0, 0)], TRADES.dtype)
    told = tape.receive(encode_records(TRADES, tape.stream, 1, trades))
    assert told == StreamSnapshotWanted(tape.stream, 2)
    top = TopFollower(PAIR)
    tops = np.array([(1, 0, 0, 0, -5, 0, 0)], TOPS.dtype)
    assert top.receive(encode_records(TOPS, top.stream, 1, tops)) == StreamSnapshotWanted(top.stream, 1)


def resting(handle: int, price: int, lots: int, side: int = 0, before: int = 0, pair: int = PAIR) -> tuple[int, ...]:
    """A RESTING row."""
    return (1, EventKind.RESTING, side, 0, 0, pair, handle, before, price, lots, lots, 0)


def about(kind: EventKind, handle: int, left: int, price: int = 0, flags: int = 0, code: int = 0) -> tuple[int, ...]:
    """A row about an order."""
    return (2, kind, 0, code, flags, PAIR, handle, 0, price, 1, left, 0)


ONE = [resting(1, 100, 5), resting(2, 100, 7)]
UNFIT = {
    "no handle": [resting(0, 100, 5)],
    "shown twice": [resting(1, 100, 5), resting(1, 101, 5)],
    "no lots": [resting(1, 100, 0)],
    "fewer than no lots": [resting(1, 100, -5)],
    "no price": [resting(1, 0, 5)],
    "a price out of range": [resting(1, 2**28, 5)],
    "no side": [resting(1, 100, 5, side=2)],
    "another pair": [resting(1, 100, 5, pair=PAIR + 1)],
    "before nobody": [resting(1, 100, 5, before=9)],
    "before somebody elsewhere": [*ONE, resting(3, 101, 5, before=1)],
    "before somebody of the other side": [*ONE, resting(3, 100, 5, side=1, before=1)],
    "a level beyond bounds": [resting(1, 100, 2**61), resting(2, 100, 2**61 - 1), resting(3, 100, 1)],
    "a trade of nobody": [about(EventKind.TRADED, 9, 0)],
    "a trade that adds lots": [*ONE, about(EventKind.TRADED, 1, 6)],
    "a trade that takes nothing": [*ONE, about(EventKind.TRADED, 1, 5)],
    "a cancellation of nobody": [*ONE, about(EventKind.CANCELLED, 9, 0)],
    "negative lots left": [*ONE, about(EventKind.EXPIRED, 1, -1)],
    "a replacement of nobody": [*ONE, about(EventKind.REPLACED, 9, 1, 100)],
    "a replacement to no price": [*ONE, about(EventKind.REPLACED, 1, 1, 0)],
    "a replacement that kept its place and grew": [*ONE, about(EventKind.REPLACED, 1, 6, 0, EventFlag.KEPT_PRIORITY)],
    "no phase": [about(EventKind.PHASE_CHANGED, 0, 0, code=5)],
    "no public kind": [about(EventKind.ACCEPTED, 0, 0)],
    "no kind": [(1, 13, *(0,) * 3, PAIR, *(0,) * 6)],
}


@both_books
@pytest.mark.parametrize("name", UNFIT)
def test_a_row_that_does_not_fit_is_named_by_its_index(make: Make, name: str) -> None:
    """The last of the rows is the wrong one, in both books."""
    rows = np.array(UNFIT[name], EVENT)
    assert make(PAIR).apply(rows) == len(rows) - 1
    assert make(PAIR).apply(rows[:-1]) is None


@both_books
def test_a_book_takes_every_move(make: Make) -> None:
    """Join, stand before, trade in part and whole, cancel, keep and lose priority, move, both sides of an auction."""
    book = make(PAIR)
    rows = [
        *ONE, resting(3, 100, 9, before=2), resting(4, 101, 4, side=1), resting(5, 99, 4),
        about(EventKind.TRADED, 1, 2, 100), about(EventKind.REPLACED, 3, 8, 0, EventFlag.KEPT_PRIORITY),
    ]  # fmt: skip
    assert book.apply(np.array(rows, EVENT)) is None
    assert book.side(0).tolist() == [(1, 100, 2), (3, 100, 8), (2, 100, 7), (5, 99, 4)]
    assert book.side(1).tolist() == [(4, 101, 4)]
    assert book.best() == (100, 101) and book.live == 5
    assert book.depth(1).bids.tolist() == [(100, 17, 3)]
    assert book.last_trade == LastTrade(100, 1, 2)
    both = (3, EventKind.TRADED, 1, 0, EventFlag.AUCTION, PAIR, 1, 4, 100, 2, 0, 2)
    more = [
        about(EventKind.REPLACED, 5, 6, 102),
        about(EventKind.CANCELLED, 3, 0),
        both,
        about(EventKind.REPLACED, 2, 0),
    ]
    assert book.apply(np.array(more, EVENT)) is None
    assert (book.side(0).tolist(), book.side(1).tolist()) == ([(5, 102, 6)], [(4, 101, 2)])
    book.clear()
    empty = make(PAIR)
    assert (book.live, book.best(), book.last_trade, book.phase) == (0, empty.best(), empty.last_trade, empty.phase)


def test_books_grow_and_refuse_more_orders_than_they_may_keep() -> None:
    """Ten thousand orders, a thousand at a time, in both books: the same digest; one more than allowed does not fit."""
    rng = np.random.default_rng(5)
    fast, plain = FastBook(PAIR, orders_max=10_000), PlainBook(PAIR, orders_max=10_000)
    handles = (np.arange(1, 10_001, dtype=np.uint64) << np.uint64(32)) | np.arange(1, 10_001, dtype=np.uint64)
    for part in np.split(handles, 10):
        rows = np.array([resting(int(h), int(rng.integers(1, 2**28)), 3, int(h) % 2) for h in part], EVENT)
        assert fast.apply(rows) is None and plain.apply(rows) is None
    assert digest(fast) == digest(plain)
    for book in (fast, plain):
        assert book.apply(np.array([resting(5, 5, 5)], EVENT)) == 0
