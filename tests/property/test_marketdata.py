"""Followers of market data against the venue's books, on random commands of every kind, over a bad network."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest

from openoutcry.book import Books, ReferenceBooks
from openoutcry.domain.records import Events
from openoutcry.marketdata.books import digest
from openoutcry.marketdata.encoder import Encoder
from openoutcry.marketdata.fast_book import FastBook
from openoutcry.marketdata.feed import FedBooks
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.follower import ChannelFollower, Told
from openoutcry.marketdata.followers import AuctionFollower, L2Follower, L3Follower, TopFollower, TradeTape
from openoutcry.marketdata.messages import PublicDigest
from openoutcry.marketdata.plain_book import PlainBook
from openoutcry.marketdata.plain_encoder import PlainEncoder
from openoutcry.marketdata.shown import book_digest
from openoutcry.marketdata.topics import Channel, topic_of
from openoutcry.role import Topic
from openoutcry.wire.faults import WireFault
from openoutcry.wire.messages import StreamHead, StreamResend, StreamSnapshotPart, StreamSnapshotWanted
from tests.streams import ACCOUNTS, SECOND_NS, Dice, Driver, pairs_to_stream

PAIRS: Final = 12
CHUNK: Final = 128


class Numbers:
    """Trade numbers for an encoder that is used alone."""

    def next_trade(self, pair: int) -> int:
        """Always the first."""
        return 1


class Flow:
    """Random commands, the books that take them, and the events of each group."""

    def __init__(self, seed: int, plain: bool = False) -> None:
        pairs = pairs_to_stream(PAIRS)
        self.driver = Driver(seed, pairs)
        self.books: Books | ReferenceBooks = (ReferenceBooks if plain else Books)(pairs, accounts=ACCOUNTS)
        self.is_begun = False

    def group(self) -> Events:
        """Apply a group and return its events."""
        commands = self.driver.chunk(CHUNK) if self.is_begun else self.driver.set_up()
        self.is_begun = True
        events = self.books.apply(commands).copy()
        self.driver.learn(commands, events)
        return events

    def pairs(self) -> list[int]:
        """All pairs that the books have ever had."""
        return sorted(self.driver.added)


@pytest.mark.parametrize("seed", range(6))
def test_public_rows_rebuild_what_books_display_and_nothing_else(seed: int) -> None:
    """After each group the digests of both followed books equal the books', and so do levels, tops and last trades."""
    flow, encoder = Flow(seed), Encoder()
    fast: dict[int, FastBook] = {}
    plain: dict[int, PlainBook] = {}
    for _ in range(150):
        events = flow.group()
        for rows in encoder.encode(events, flow.books, Numbers(), 0):
            assert fast.setdefault(rows.pair, FastBook(rows.pair)).apply(rows.l3) is None
            assert plain.setdefault(rows.pair, PlainBook(rows.pair)).apply(rows.l3) is None
        for pair, book in fast.items():
            assert digest(book) == digest(plain[pair]) == book_digest(flow.books, pair)
            assert book.best() == plain[pair].best() == flow.books.best(pair)
            depth = flow.books.depth(pair)
            for other in (book.depth(), plain[pair].depth()):
                assert (other.bids.tolist(), other.asks.tolist()) == (depth.bids.tolist(), depth.asks.tolist())
            assert book.last_trade == plain[pair].last_trade
            assert book.phase == plain[pair].phase in (None, flow.books.phase(pair))


@pytest.mark.parametrize("seed", range(10, 14))
def test_both_encoders_make_the_same_rows(seed: int) -> None:
    """Rows, trades and levels of the kernel, byte by byte, against the plain encoder; the books are plain or fast."""
    flow, encoder, plain = Flow(seed, plain=seed % 2 == 0), Encoder(), PlainEncoder()
    for number in range(100):
        events = flow.group()
        fast_rows = encoder.encode(events, flow.books, Numbers(), number)
        plain_rows = plain.encode(events, flow.books, Numbers(), number)
        assert [rows.pair for rows in fast_rows] == [rows.pair for rows in plain_rows]
        for one, other in zip(fast_rows, plain_rows, strict=True):
            for name in ("l3", "trades", "levels", "top"):
                assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), (seed, number, one.pair, name)
            assert one[5:] == other[5:]


@pytest.mark.parametrize("seed", range(20, 24))
def test_what_is_public_does_not_depend_on_how_the_stream_is_split(seed: int) -> None:
    """The same events in groups of one command give the same level 3 rows and trades."""
    flow, whole, single = Flow(seed), Encoder(), Encoder()
    for _ in range(12):
        events = flow.group()
        rows = {rows.pair: rows.l3.tobytes() for rows in whole.encode(events, flow.books, Numbers(), 0)}
        parts: dict[int, bytes] = {}
        for sequence in np.unique(events["sequence"]):
            for part in single.encode(events[events["sequence"] == sequence], flow.books, Numbers(), 0):
                parts[part.pair] = parts.get(part.pair, b"") + part.l3.tobytes()
        assert rows == parts


def followers_of(pair: int, plain: bool) -> dict[Channel, ChannelFollower]:
    """One follower of each stream of a pair."""
    return {
        Channel.L3: L3Follower(pair, PlainBook if plain else FastBook),
        Channel.L2: L2Follower(pair),
        Channel.TOP: TopFollower(pair),
        Channel.TRADES: TradeTape(pair),
        Channel.AUCTION: AuctionFollower(pair),
    }


class BadNetwork:
    """Frames to followers that are dropped, doubled and put off; questions and answers that are lost, too."""

    def __init__(self, seed: int, followers: Sequence[ChannelFollower]) -> None:
        self.dice = Dice(seed)
        self.followers = {topic_of(follower.pair, follower.channel): follower for follower in followers}
        self.late: list[tuple[Topic, memoryview]] = []

    def spread(self, frames: Sequence[tuple[Topic, memoryview]], feeds: Feeds, books: FedBooks) -> None:
        """Bring frames to their followers, badly, and their questions to the venue."""
        coming = [*self.late, *((topic, frame) for topic, frame in frames for _ in range(self.copies()))]
        self.late = []
        for topic, frame in coming:
            if self.dice.chance(0.1):
                self.late.append((topic, frame))
            elif topic in self.followers:
                self.ask(self.followers[topic], self.followers[topic].receive(frame), feeds, books)

    def copies(self) -> int:
        """How often a frame comes: mostly once."""
        return self.dice.pick((0, 1, 1, 1, 1, 1, 1, 2))

    def ask(
        self, follower: ChannelFollower, question: object, feeds: Feeds, books: FedBooks, lossless: bool = False
    ) -> None:
        """Bring a question to the venue and its answers back, and so on, unless something is lost."""
        assert not isinstance(question, WireFault), question
        questions = [question]
        while questions:
            asked = questions.pop(0)
            if asked is None or (not lossless and self.dice.chance(0.3)):
                continue
            assert isinstance(asked, StreamResend | StreamSnapshotWanted)
            answers = feeds.answer(asked, books)
            assert not isinstance(answers, WireFault), answers
            for answer in answers:
                if not lossless and self.dice.chance(0.1):
                    continue
                told = follower.receive(answer) if isinstance(answer, memoryview) else self.tell(follower, answer)
                assert not isinstance(told, WireFault) or isinstance(answer, StreamSnapshotPart), told
                questions.append(None if isinstance(told, WireFault) else told)

    def tell(self, follower: ChannelFollower, answer: object) -> object:
        """Hand a message to a follower."""
        assert isinstance(answer, Told)
        return follower.hear(answer)

    def heal(self, feeds: Feeds, books: FedBooks) -> None:
        """From now on nothing is lost: a head for each stream, and timers that ask again."""
        for follower in self.followers.values():
            head = StreamHead(follower.stream, feeds.feed(follower.pair).head(follower.channel))
            self.ask(follower, follower.hear(head), feeds, books, lossless=True)
            for _ in range(10):
                self.ask(follower, follower.retry(), feeds, books, lossless=True)


@pytest.mark.parametrize("seed", range(30, 36))
def test_followers_that_missed_items_end_with_the_venues_book(seed: int) -> None:
    """Frames and answers are dropped, doubled and put off, and the venue restarts twice from a snapshot; healed, every
    follower is where the venue is, and the digest that the venue tells is the follower's."""
    flow = Flow(seed)
    feeds = Feeds(range(PAIRS))
    followers = [follower for pair in range(PAIRS) for follower in followers_of(pair, seed % 2 == 1).values()]
    network = BadNetwork(seed, followers)
    for number in range(40):
        frames = feeds.publish(flow.group(), flow.books, number * SECOND_NS // 8)
        network.spread(frames, feeds, flow.books)
        if number in (13, 27):
            flow.books = Books.restore(flow.books.snapshot())
            feeds = Feeds.restore(feeds.snapshot(), flow.books)
        if network.dice.chance(0.05):
            follower = network.dice.pick(followers)
            network.ask(follower, follower.begin(), feeds, flow.books)
    network.heal(feeds, flow.books)
    for follower in followers:
        assert follower.is_current
        assert follower.sequence == feeds.feed(follower.pair).head(follower.channel)
        assert follower.counts.misfits == 0
        check(follower, feeds, flow.books)
    assert sum(follower.counts.asked for follower in followers) > 20
    assert sum(follower.counts.snapshots for follower in followers) > 5


def check(follower: ChannelFollower, feeds: Feeds, books: Books | ReferenceBooks) -> None:
    """Hold what a follower has against the books and the feed."""
    feed = feeds.feed(follower.pair)
    state = feed.snapshot_state(follower.channel, books)
    if isinstance(follower, L3Follower):
        answers = feeds.answer(follower.want_digest(), books)
        assert isinstance(answers, list) and isinstance(answers[0], PublicDigest)
        assert follower.hear_digest(answers[0]) is True
    elif isinstance(follower, L2Follower):
        depth, own = books.depth(follower.pair, 10**6), follower.depth(10**6)
        assert (own.bids.tolist(), own.asks.tolist()) == (depth.bids.tolist(), depth.asks.tolist())
        assert follower.best() == books.best(follower.pair)
    elif isinstance(follower, TopFollower):
        bid, ask = books.best(follower.pair)
        assert (follower.top.bid_ticks or None, follower.top.ask_ticks or None) == (bid, ask)
    elif isinstance(follower, TradeTape):
        assert [trade[:5] for trade in list(follower.trades)[-1:]] == [row[:5] for row in state.tolist()]
        numbers = [trade.number for trade in follower.trades]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        assert books.last(follower.pair) == (int(state["price_ticks"][0]) if len(state) else None) or len(state)
    elif isinstance(follower, AuctionFollower):
        latest = [] if follower.latest is None else [tuple(follower.latest[:5])]
        assert latest == [row[:5] for row in state.tolist()]


@pytest.mark.parametrize("seed", range(40, 43))
def test_a_restart_neither_reuses_nor_leaves_out_a_number(seed: int) -> None:
    """One venue runs on, another is restored from a snapshot of it: from there on both publish the same bytes."""
    flow = Flow(seed)
    feeds = Feeds(range(PAIRS))
    for number in range(10):
        feeds.publish(flow.group(), flow.books, number)
    restored = Feeds.restore(feeds.snapshot(), Books.restore(flow.books.snapshot()))
    assert restored.snapshot() == feeds.snapshot()
    for number in range(10, 30):
        events = flow.group()
        one = feeds.publish(events, flow.books, number * SECOND_NS)
        other = restored.publish(events, flow.books, number * SECOND_NS)
        assert one == other
    assert restored.snapshot() == feeds.snapshot()
