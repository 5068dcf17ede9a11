"""The streams of a venue's pairs: what goes out where, what is answered, what stands in a snapshot of them."""

import pytest

from openoutcry.book import Books
from openoutcry.book import commands as build
from openoutcry.domain import Pair, Phase, Side
from openoutcry.domain.records import Commands
from openoutcry.marketdata.feed import Published
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.followers import AuctionFollower, L3Follower
from openoutcry.marketdata.limits import INDICATION_INTERVAL_NS, RETAINED_ITEMS_MAX
from openoutcry.marketdata.messages import PublicDigest, PublicDigestWanted
from openoutcry.marketdata.records import KINDS
from openoutcry.marketdata.topics import Channel, channel_of, state_topic_of, stream_of, topic_of
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.frames import RecordFrame
from openoutcry.wire.limits import FRAME_RECORDS_MAX
from openoutcry.wire.messages import (
    StreamHead,
    StreamResend,
    StreamSnapshotPart,
    StreamSnapshotWanted,
    StreamUseSnapshot,
)

PAIR = 7
L3_STREAM = stream_of(PAIR, Channel.L3)


class Venue:
    """Books of one pair and their feeds."""

    def __init__(self, phase: Phase = Phase.CONTINUOUS) -> None:
        self.books, self.feeds, self.ids = Books([Pair(PAIR, phase=phase)], accounts=2), Feeds(), 0

    def do(self, *commands: Commands, time_ns: int = 1) -> Published:
        """Apply a group."""
        return self.feeds.publish(self.books.apply(build.batch(*commands)), self.books, time_ns)

    def order(self, price: int, side: Side = Side.BUY, lots: int = 1) -> Commands:
        """A new order."""
        self.ids += 1
        return build.place(PAIR, self.ids % 2, client_id=self.ids, side=side, price_ticks=price, qty_lots=lots)


def rows_of(frames: Published, channel: Channel) -> list[tuple[int, ...]]:
    """The records of a channel's frames."""
    rows: list[tuple[int, ...]] = []
    for topic, frame in frames:
        if topic == topic_of(PAIR, channel):
            decoded = KINDS.decode(frame)
            assert isinstance(decoded, RecordFrame) and decoded.stream == stream_of(PAIR, channel)
            assert decoded.kind.number == channel
            rows += decoded.records.tolist()
    return rows


def test_numbers_and_names_of_streams_lead_back_to_pair_and_channel() -> None:
    """Each channel of the first and the last pair; what is none is None."""
    for pair in (0, 7, 2**16 - 1):
        for channel in Channel:
            assert channel_of(stream_of(pair, channel)) == (pair, channel)
            assert stream_of(pair, channel) < 2**24
    for junk in (0, 1, 2, 8, 131, 2**24 + 3, 2**62, -1):
        assert channel_of(junk) is None
    assert (topic_of(7, Channel.L2), state_topic_of(7)) == ("l2.7", "state.7")


def test_only_what_has_changed_goes_out() -> None:
    """An order behind the best changes no top; one that is refused says nothing at all; a trade is on the tape too."""
    venue = Venue()
    assert [topic for topic, _ in venue.do(venue.order(100))] == ["l3.7", "l2.7", "top.7"]
    assert [topic for topic, _ in venue.do(venue.order(99))] == ["l3.7", "l2.7"]
    assert venue.do(venue.order(0)) == []
    frames = venue.do(venue.order(100, Side.SELL, 2))
    assert [topic for topic, _ in frames] == ["l3.7", "l2.7", "top.7", "trades.7"]
    assert rows_of(frames, Channel.TRADES) == [(1, 4, 1, 100, 1, Side.SELL, 0)]
    assert rows_of(frames, Channel.L2) == [(4, 100, 0, 0, Side.BUY), (4, 100, 1, 1, Side.SELL)]
    assert rows_of(frames, Channel.TOP) == [(4, 99, 1, 100, 1, 1, 1)]


def test_levels_are_conflated_within_a_group() -> None:
    """Three orders of one level and one that comes and goes: two rows."""
    venue = Venue()
    gone = venue.order(98)
    frames = venue.do(venue.order(100), gone, venue.order(100), venue.order(100), build.cancel(PAIR, 1, 1))
    assert rows_of(frames, Channel.L2) == [(5, 100, 3, 3, Side.BUY), (5, 98, 0, 0, Side.BUY)]


def test_a_long_group_is_cut_into_frames() -> None:
    """One record more than a frame may have: two frames, which a follower takes as one after the other."""
    venue, follower = Venue(), L3Follower(PAIR)
    frames = venue.do(*(venue.order(1 + index % 9) for index in range(FRAME_RECORDS_MAX + 1)))
    l3 = [frame for topic, frame in frames if topic == "l3.7"]
    assert len(l3) == 2
    for frame in l3:
        assert follower.receive(frame) is None
    assert follower.sequence == FRAME_RECORDS_MAX + 1
    assert follower.digest() == venue.feeds.feed(PAIR).digest(venue.books).digest


def test_questions_are_answered_from_what_is_kept() -> None:
    """A range with its head, a snapshot with its head, a digest; and what cannot be answered is a fault."""
    venue = Venue()
    frames = [dict(venue.do(venue.order(100 + index)))[topic_of(PAIR, Channel.L3)] for index in range(3)]
    answer = venue.feeds.answer
    assert answer(StreamResend(L3_STREAM, 2, 3), venue.books) == [*frames[1:], StreamHead(L3_STREAM, 3)]
    parts = answer(StreamSnapshotWanted(L3_STREAM, 0), venue.books)
    assert isinstance(parts, list) and isinstance(parts[0], StreamSnapshotPart)
    assert (parts[0].sequence, parts[-1]) == (3, StreamHead(L3_STREAM, 3))
    told = answer(PublicDigestWanted(L3_STREAM), venue.books)
    assert isinstance(told, list) and isinstance(told[0], PublicDigest) and told[0].sequence == 3
    for question, code in (
        (StreamResend(L3_STREAM, 3, 4), FaultCode.OUT_OF_RANGE),
        (StreamSnapshotWanted(L3_STREAM, 4), FaultCode.OUT_OF_RANGE),
        (StreamResend(stream_of(8, Channel.L3), 1, 1), FaultCode.WRONG_STREAM),
        (StreamResend(2**62, 1, 1), FaultCode.WRONG_STREAM),
        (PublicDigestWanted(stream_of(PAIR, Channel.L2)), FaultCode.WRONG_STREAM),
    ):
        found = answer(question, venue.books)
        assert isinstance(found, WireFault) and found.code is code


def test_what_is_kept_is_bounded_and_the_rest_is_a_snapshot() -> None:
    """One frame more than is kept: the first cannot be had any more."""
    venue = Venue()
    for index in range(RETAINED_ITEMS_MAX + 1):
        venue.do(venue.order(1 + index % 50))
    found = venue.feeds.answer(StreamResend(L3_STREAM, 1, 1), venue.books)
    assert found == [StreamUseSnapshot(L3_STREAM, RETAINED_ITEMS_MAX + 1)]
    assert venue.feeds.feed(PAIR).stream(Channel.L3).first_kept == 2


def test_heads_are_told_of_streams_that_are_quiet() -> None:
    """What had items since the last time is not announced; a second later it is."""
    venue = Venue()
    venue.do(venue.order(100))
    assert [topic for topic, _ in venue.feeds.announce()] == []
    venue.do(venue.order(101))
    assert {topic for topic, _ in venue.feeds.announce()} == {"trades.7", "auction.7"}
    heads = dict(venue.feeds.announce())
    assert heads[topic_of(PAIR, Channel.L3)] == StreamHead(L3_STREAM, 2)
    assert len(heads) == len(Channel)


def test_indications_follow_changes_and_keep_their_distance() -> None:
    """The first at once, the next when the interval is over and something has changed, the result, then silence."""
    venue, follower = Venue(Phase.AUCTION), AuctionFollower(PAIR)
    frames = venue.do(venue.order(100), venue.order(100, Side.SELL, 3), time_ns=10)
    assert rows_of(frames, Channel.AUCTION) == [(2, 10, 100, 1, -2, Phase.AUCTION, 0)]
    assert [venue.feeds.due_ns] == [None]
    assert rows_of(venue.do(venue.order(100), time_ns=20), Channel.AUCTION) == []
    due = venue.feeds.due_ns
    assert due == 10 + INDICATION_INTERVAL_NS
    assert venue.feeds.indicate(venue.books, due - 1) == []
    assert rows_of(venue.feeds.indicate(venue.books, due), Channel.AUCTION) == [(3, due, 100, 2, -1, Phase.AUCTION, 0)]
    assert venue.feeds.indicate(venue.books, 2 * due) == []
    frames = venue.do(build.uncross(PAIR), build.set_phase(PAIR, Phase.CONTINUOUS), time_ns=due + 5)
    assert rows_of(frames, Channel.AUCTION) == [(4, due + 5, 100, 2, -1, Phase.CONTINUOUS, 1)]
    assert [venue.feeds.due_ns] == [None]
    follower.begin()
    for part in venue.feeds.feed(PAIR).snapshot_of(Channel.AUCTION, venue.books):
        follower.hear(part)
    assert follower.result == follower.latest is not None


def test_leaving_an_auction_without_a_result_is_said() -> None:
    """The pair goes on without an uncross: an indication without price or volume, in the new phase."""
    venue = Venue(Phase.PRE_OPEN)
    venue.do(venue.order(100))
    frames = venue.do(build.set_phase(PAIR, Phase.CONTINUOUS), time_ns=9)
    assert rows_of(frames, Channel.AUCTION) == [(2, 9, 0, 0, 0, Phase.CONTINUOUS, 0)]


def test_a_snapshot_that_is_damaged_is_refused() -> None:
    """Nothing, another format, each byte flipped, a part of a record, a pair twice: ValueError with what is wrong."""
    venue = Venue()
    venue.do(venue.order(100))
    good = venue.feeds.snapshot()
    assert Feeds.restore(good, venue.books).snapshot() == good
    for at in range(len(good)):
        with pytest.raises(ValueError, match="feeds: "):
            Feeds.restore(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :], venue.books)
    for short in (b"", good[:8], good[:-1]):
        with pytest.raises(ValueError, match="feeds: "):
            Feeds.restore(short, venue.books)
