"""Followers fed with frames and snapshots that no venue should send: they refuse or ask, and stay within bounds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.domain import EventKind
from openoutcry.domain.records import EVENT, Events
from openoutcry.marketdata.books import digest
from openoutcry.marketdata.fast_book import FastBook
from openoutcry.marketdata.follower import ChannelFollower
from openoutcry.marketdata.followers import AuctionFollower, L2Follower, L3Follower, TopFollower, TradeTape
from openoutcry.marketdata.plain_book import PlainBook
from openoutcry.marketdata.topics import KIND_OF, Channel
from openoutcry.wire.frames import encode_records
from openoutcry.wire.messages import StreamHead, StreamUseSnapshot
from openoutcry.wire.snapshots import cut

PAIR = 7
SMALL = st.integers(0, 4)
WIDE = st.sampled_from([0, 1, 2, -1, 2**28 - 1, 2**28, 2**56, 2**61, 2**62 - 1, 2**62, 2**63 - 1, -(2**63)])
ROW = st.tuples(
    st.just(1),
    st.sampled_from([*EventKind, EventKind.RESTING, EventKind.RESTING, EventKind.TRADED, 0, 13, 255]),
    st.sampled_from([0, 0, 0, 1, 1, 2]),
    st.integers(0, 6),
    st.sampled_from([0, 0, 2, 4]),
    st.sampled_from([*[PAIR] * 9, 8]),
    SMALL,
    st.sampled_from([0, 0, 0, 1, 2]),
    SMALL | WIDE,
    SMALL,
    SMALL | WIDE,
    st.sampled_from([0, 0, 1]),
)
"""Handles and prices of a few values, so that rows often meet what is there."""


@given(st.lists(ROW, max_size=60))
def test_both_books_judge_any_rows_alike(rows: list[tuple[int, ...]]) -> None:
    """The same index of the first row that does not fit, and, where all fit, the same book."""
    events: Events = np.array(rows, EVENT)
    fast, plain = FastBook(PAIR), PlainBook(PAIR)
    wrong = plain.apply(events)
    assert fast.apply(events) == wrong
    good = FastBook(PAIR)
    assert good.apply(events[:wrong]) is None
    again = PlainBook(PAIR)
    assert again.apply(events[:wrong]) is None
    assert digest(good) == digest(again)
    assert good.depth(99).bids.tolist() == again.depth(99).bids.tolist()


@given(st.data())
def test_no_follower_is_broken_by_what_a_venue_sends(data: st.DataObject) -> None:
    """Frames of random bytes behind a good checksum, heads, snapshots of junk: no exception, nothing beyond bounds."""
    followers: list[ChannelFollower] = [
        L3Follower(PAIR),
        L2Follower(PAIR),
        TopFollower(PAIR),
        TradeTape(PAIR, 5),
        AuctionFollower(PAIR),
    ]
    follower = data.draw(st.sampled_from(followers))
    kind = KIND_OF[follower.channel]
    size = kind.dtype.itemsize
    sequence = 1
    for _ in range(data.draw(st.integers(1, 6))):
        match data.draw(st.integers(0, 4)):
            case 0 | 1:
                body = data.draw(st.binary(min_size=size, max_size=4 * size))
                records = np.frombuffer(body[: len(body) // size * size], kind.dtype)
                sequence = max(1, sequence + data.draw(st.integers(-2, 3)))
                follower.receive(encode_records(kind, follower.stream, sequence, records))
                sequence += len(records)
            case 2:
                follower.hear(StreamHead(follower.stream, data.draw(st.integers(0, 20))))
            case 3:
                follower.hear(StreamUseSnapshot(follower.stream, 3))
            case _:
                follower.begin()
                for part in cut(
                    follower.stream, data.draw(st.integers(0, 20)), data.draw(st.binary(max_size=3 * size))
                ):
                    follower.hear(part)
        follower.retry()
    if isinstance(follower, TradeTape):
        assert len(follower.trades) <= 5


@given(st.binary(max_size=300))
def test_junk_is_a_fault(junk: bytes) -> None:
    """Bytes that are no frame change nothing."""
    follower = L3Follower(PAIR)
    assert follower.receive(junk) is not None
    assert follower.sequence == 0 and follower.channel is Channel.L3
