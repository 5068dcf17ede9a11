"""`Feeds`: the public streams of all pairs of a venue, made from each group's events by one encoder."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.domain.records import Events
from openoutcry.marketdata.encoder import Encoder
from openoutcry.marketdata.feed import FEED_STATE, FedBooks, Feed, Published
from openoutcry.marketdata.messages import PublicDigestWanted
from openoutcry.marketdata.topics import Channel, channel_of
from openoutcry.role import Topic
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.messages import StreamHead, StreamResend, StreamSnapshotWanted, StreamUseSnapshot
from openoutcry.wire.streams import Resent
from openoutcry.wire.tags import Message

Question: TypeAlias = StreamResend | StreamSnapshotWanted | PublicDigestWanted
"""What a follower asks a venue."""

MAGIC: Final = b"OOFEED\x00\x01"


class Feeds:
    """Publishes what books do. Every group's events go through `publish` once and in order.

    pairs: those that the books have now; further ones are added as they are heard of.
    """

    def __init__(self, pairs: Iterable[int] = ()) -> None:
        self._encoder = Encoder()
        self._feeds = {pair: Feed(pair) for pair in sorted(pairs)}

    def publish(self, events: Events, books: FedBooks, time_ns: int) -> Published:
        """Return the frames of a group and their topics: pairs as they first appear in it, streams in order of number.

        events: all that the books answered to the group. books: after it. time_ns: its time.
        """
        out: Published = []
        for rows in self._encoder.encode(events, books, self, time_ns):
            out += self.feed(rows.pair).publish(rows, books, time_ns)
        return out

    def indicate(self, books: FedBooks, time_ns: int) -> Published:
        """Return the indications that have become due by time; a venue calls this at `due_ns`."""
        out: Published = []
        for feed in self._feeds.values():
            if feed.indication_is_due:
                feed.indicate(books, time_ns, out)
        return out

    def annul(self, pair: int, record: NDArray[np.void]) -> Published:
        """Return the item that tells followers of a pair's trades that one of them is void. record: (1,) TRADE."""
        return self.feed(pair).annul(record)

    @property
    def due_ns(self) -> int | None:
        """When `indicate` has something to say, None where nothing is to come. O(pairs)."""
        dues = [feed.indication_due_ns for feed in self._feeds.values() if feed.indication_is_due]
        return min((due for due in dues if due is not None), default=None)

    def next_trade(self, pair: int) -> int:
        """Return the number of the pair's next trade, from 1."""
        return self.feed(pair).next_trade

    def feed(self, pair: int) -> Feed:
        """Return the streams of a pair, begun where there were none."""
        feed = self._feeds.get(pair)
        if feed is None:
            assert 0 <= pair < PAIRS_MAX
            feed = self._feeds[pair] = Feed(pair)
        return feed

    def announce(self) -> list[tuple[Topic, StreamHead]]:
        """Return the heads of the streams that were quiet since the last call; to be sent at least once a second."""
        return [head for feed in self._feeds.values() for head in feed.announce()]

    def answer(self, question: Question, books: FedBooks) -> list[Message | memoryview] | WireFault:
        """Return what goes back over the asker's link, in order, or what is wrong with the question. Changes no number.

        STREAM_RESEND: frames and the head, or STREAM_USE_SNAPSHOT. STREAM_SNAPSHOT_WANTED: the parts, then the head.
        PUBLIC_DIGEST_WANTED: the digest. Cost: O(live orders of the pair) for the last two.
        """
        found = channel_of(question.stream)
        feed = self._feeds.get(found[0]) if found else None
        if found is None or feed is None:
            return fault(FaultCode.WRONG_STREAM, f"stream {question.stream}: no market data of this venue")
        channel = found[1]
        if isinstance(question, PublicDigestWanted):
            if channel is not Channel.L3:
                return fault(FaultCode.WRONG_STREAM, "only level 3 has a digest")
            return [feed.digest(books)]
        if isinstance(question, StreamResend):
            return _resent(feed.stream(channel).answer(question))
        if question.sequence > feed.head(channel):
            return fault(FaultCode.OUT_OF_RANGE, f"a snapshot of {question.sequence}, the end is {feed.head(channel)}")
        return [*feed.snapshot_of(channel, books), feed.stream(channel).announce()]

    def snapshot(self) -> bytes:
        """Return the numbers of all streams; what is displayed stands in the snapshot of the books."""
        body = MAGIC + b"".join(self._feeds[pair].state().tobytes() for pair in sorted(self._feeds))
        return body + hashlib.sha256(body).digest()

    @classmethod
    def restore(cls, data: bytes, books: FedBooks) -> "Feeds":
        """Go on after a snapshot; books: as of the same moment. Raises ValueError saying what is wrong with it."""
        if data[: len(MAGIC)] != MAGIC:
            raise ValueError("feeds: no snapshot of feeds of this version")
        if hashlib.sha256(data[:-32]).digest() != data[-32:]:
            raise ValueError("feeds: damaged or cut off (the SHA-256 at its end does not match)")
        if (len(data) - len(MAGIC) - 32) % FEED_STATE.itemsize:
            raise ValueError("feeds: a part of a record at its end")
        states: Sequence[np.void] = np.frombuffer(data[len(MAGIC) : -32], FEED_STATE)  # type: ignore[assignment]
        feeds = cls()
        for state in states:
            pair = int(state["pair"])
            if pair >= PAIRS_MAX or pair in feeds._feeds:
                raise ValueError(f"feeds: pair {pair} twice or out of range")
            feeds._feeds[pair] = Feed(pair, state)
        feeds._encoder.load(books, feeds._feeds)
        return feeds


def _resent(answer: Resent | StreamUseSnapshot | WireFault) -> list[Message | memoryview] | WireFault:
    if isinstance(answer, WireFault):
        return answer
    if isinstance(answer, StreamUseSnapshot):
        return [answer]
    return [*(memoryview(item.frame) for item in answer.items), answer.head]
