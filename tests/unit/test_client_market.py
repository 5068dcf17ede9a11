"""Followed streams without sockets: a market whose frames are lost, held back and cut ends with the venue's books."""

from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.book import ReferenceBooks
from openoutcry.book.commands import batch, cancel, place, set_phase
from openoutcry.client.desk import CODEC, RECORDS
from openoutcry.client.market import Followed, Market, news_of
from openoutcry.domain import Pair, Phase, Side
from openoutcry.domain.records import Commands
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.followers import AuctionFollower, L2Follower, L3Follower, TopFollower
from openoutcry.marketdata.messages import PublicDigestWanted
from openoutcry.marketdata.shown import book_digest
from openoutcry.marketdata.topics import Channel
from openoutcry.wire.codec import encode
from openoutcry.wire.frames import RecordFrame, is_record_frame
from openoutcry.wire.messages import StreamResend, StreamSnapshotWanted
from openoutcry.wire.tags import Message

MS = 1_000_000


class Stage:
    """A venue's feeds, a market that follows them, and frames on their way. published: those that nobody asked for."""

    def __init__(self) -> None:
        self.books = ReferenceBooks([Pair(0), Pair(1)], accounts=4)
        self.feeds = Feeds([0, 1])
        self.market = Market()
        self.now_ns = 0
        self.published: deque[bytes] = deque()
        self.asked: deque[bytes] = deque()
        self.answers: deque[bytes] = deque()
        self.trades: list[int] = []
        self.missed = 0
        self.last = -1
        self.calls = 0
        self.market.link_up(0)
        self.followed = {channel: self.market.watch(0, channel, self.count, 0) for channel in Channel}
        self.followed[Channel.TRADES].watchers.append(self.read_trades)

    def count(self, followed: Followed) -> None:
        """A watcher that only counts."""
        self.calls += 1

    def read_trades(self, followed: Followed) -> None:
        """A watcher of trades, as `TradeWatch` is one."""
        trades, missed, self.last = news_of(followed, self.last)
        self.trades += [trade.number for trade in trades]
        self.missed += missed

    def run(self, commands: Commands) -> None:
        """Let the venue carry out commands and publish what follows."""
        self.now_ns += MS
        events = self.books.apply(commands)
        self.published += [bytes(frame) for topic, frame in self.feeds.publish(events, self.books, self.now_ns)]
        self.published += [bytes(frame) for topic, frame in self.feeds.indicate(self.books, self.now_ns)]

    def announce(self) -> None:
        """Let the venue tell its heads, as it does each second."""
        for _ in range(2):  # only of streams on which nothing went out since the last time
            self.published += [encode(head) for _, head in self.feeds.announce()]

    def read(self, frames: deque[bytes]) -> None:
        """Let frames arrive at the client."""
        while frames:
            frame = frames.popleft()
            if is_record_frame(frame):
                found = RECORDS.decode(frame)
                assert isinstance(found, RecordFrame)
                self.market.hear_records(found, frame, self.now_ns)
            else:
                message = CODEC.decode(frame)
                assert isinstance(message, Message)
                self.market.hear(message, self.now_ns)
        told, self.market.told = self.market.told, []
        for call in told:
            call()
        self.asked += self.market.out
        self.market.out.clear()

    def answer(self) -> None:
        """Let the venue answer what the client has asked."""
        while self.asked:
            question: Any = CODEC.decode(self.asked.popleft())
            assert isinstance(question, StreamResend | StreamSnapshotWanted | PublicDigestWanted)
            found: Any = self.feeds.answer(question, self.books)
            self.answers += [bytes(body) if isinstance(body, memoryview) else encode(body) for body in found]

    def pass_time(self, ms: int) -> None:
        """Let time go on."""
        self.now_ns += ms * MS
        self.market.tick(self.now_ns)
        self.read(deque())

    def settle(self) -> None:
        """Deliver everything, and go on until nothing is asked any more."""
        for _ in range(50):
            self.announce()
            self.read(self.published)
            self.answer()
            self.read(self.answers)
            self.pass_time(600)
            if all(one.is_current for one in self.followed.values()) and not self.asked and not self.published:
                return
        raise AssertionError([(name, one.version, one.follower.is_current) for name, one in self.followed.items()])

    def check(self) -> None:
        """Everything that is followed is what the venue's books are."""
        level3, level2 = self.followed[Channel.L3].follower, self.followed[Channel.L2].follower
        top, auction = self.followed[Channel.TOP].follower, self.followed[Channel.AUCTION].follower
        assert isinstance(level3, L3Follower) and isinstance(level2, L2Follower)
        assert isinstance(top, TopFollower) and isinstance(auction, AuctionFollower)
        assert level3.digest() == book_digest(self.books, 0)
        depth = self.books.depth(0)
        for followed in (level3.book.depth(), level2.depth()):
            assert followed.bids.tolist() == depth.bids.tolist() and followed.asks.tolist() == depth.asks.tolist()
        assert (top.top.bid_ticks or None, top.top.ask_ticks or None) == self.books.best(0)
        assert level3.book.phase == self.books.phase(0)
        digests: list[bool | None] = []
        self.market.ask_digest(self.followed[Channel.L3], digests.append)
        self.settle()
        assert digests == [True] and not self.market.mismatches


STEPS = "order,order,order,cancel,read,lose,answer,hear,time,cut,auction,other"


def order(number: int) -> Commands:
    """Return an order whose side, price and size follow from its number; every third one crosses."""
    price = 50 + number * 7 % 9 - 4 * (number % 2)
    return place(0, number % 4, 1_000 + number, Side(number % 2), 1 + number % 5, price)


@given(steps=st.lists(st.sampled_from(STEPS.split(","))))
def test_every_stream_ends_with_what_the_venue_has_whatever_is_lost(steps: list[str]) -> None:
    """Frames lost, questions unanswered, links cut, auctions between; then everything is heard of."""
    stage = Stage()
    count = 0
    for step in steps:
        match step:
            case "order":
                stage.run(order(count))
                count += 1
            case "cancel":
                stage.run(cancel(0, count % 4, 1_000 + count - 4))
            case "read":
                stage.read(stage.published)
            case "lose":
                stage.published.clear()
            case "answer":
                stage.answer()
            case "hear":
                stage.read(stage.answers)
            case "time":
                stage.pass_time(600)
            case "cut":
                for frames in (stage.published, stage.asked, stage.answers):
                    frames.clear()
                stage.market.link_up(stage.now_ns)
            case "auction":
                stage.run(set_phase(0, Phase.AUCTION))
            case "other":
                stage.run(place(1, 0, 5_000 + count, Side.BUY, 1, 5))
    stage.settle()
    stage.check()
    numbers = stage.trades
    assert numbers == sorted(set(numbers))


def test_a_watcher_is_given_each_trade_once_and_told_of_those_that_are_gone() -> None:
    """Trades that are resent are given; after a restart that keeps none, those before the last are counted."""
    stage = Stage()
    stage.settle()
    stage.run(place(0, 0, 1, Side.BUY, 100, 50))
    for number in range(3):
        stage.run(place(0, 1, 10 + number, Side.SELL, 1, 50))
        if number == 1:
            stage.published.clear()
    stage.settle()
    assert (stage.trades, stage.missed) == ([1, 2, 3], 0)
    stage.run(batch(*(place(0, 1, 20 + number, Side.SELL, 1, 50) for number in range(5))))
    stage.published.clear()
    stage.feeds = Feeds.restore(stage.feeds.snapshot(), stage.books)
    stage.settle()
    assert (stage.trades, stage.missed) == ([1, 2, 3, 8], 4)
    stage.check()


def test_what_nobody_watches_is_not_followed() -> None:
    """Two watchers of one stream share it; after both have left, its topic is given up."""
    stage = Stage()
    again = stage.market.watch(0, Channel.L3, stage.read_trades, 0)
    assert again is stage.followed[Channel.L3] and "l3.0" in stage.market.topics
    stage.market.leave(again, stage.read_trades)
    assert "l3.0" in stage.market.topics
    stage.market.leave(again, stage.count)
    stage.market.leave(again, stage.count)
    assert "l3.0" not in stage.market.topics and "l2.0" in stage.market.topics
    stage.run(order(1))
    found = RECORDS.decode(stage.published[0])
    assert isinstance(found, RecordFrame) and found.kind.name == "l3"
    assert not stage.market.hear_records(found, stage.published[0], 0)
