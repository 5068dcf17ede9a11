"""Public market data as a client follows it: one follower for each stream, whoever watches it, and its questions.

Without a socket. A stream is followed as long as somebody watches it; all watchers of one stream share its follower.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from openoutcry.marketdata.followers import (
    AuctionFollower,
    Indication,
    L2Follower,
    L3Follower,
    Top,
    TopFollower,
    Trade,
    TradeTape,
)
from openoutcry.marketdata.messages import PublicDigest, StreamCut
from openoutcry.marketdata.topics import Channel, topic_of
from openoutcry.role import Topic
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import RecordFrame
from openoutcry.wire.messages import StreamHead, StreamSnapshotPart, StreamUseSnapshot
from openoutcry.wire.shape import Buffer
from openoutcry.wire.tags import Message

AnyFollower: TypeAlias = L3Follower | L2Follower | TopFollower | TradeTape | AuctionFollower

MAKE: Final[dict[Channel, Callable[[int], AnyFollower]]] = {
    Channel.L3: L3Follower,
    Channel.L2: L2Follower,
    Channel.TOP: TopFollower,
    Channel.TRADES: TradeTape,
    Channel.AUCTION: AuctionFollower,
}

RETRY_NS: Final = 500_000_000
"""A question about a stream that is not answered by then is asked again."""


class Followed:
    """One stream with those who watch it. version: grows with each change, so that a watcher sees that there is one."""

    __slots__ = ("channel", "due_ns", "follower", "pair", "version", "watchers")

    def __init__(self, pair: int, channel: Channel) -> None:
        self.pair = pair
        self.channel = channel
        self.follower: AnyFollower = MAKE[channel](pair)
        self.watchers: list[Callable[[Followed], object]] = []
        self.version = 0
        self.due_ns: int | None = None

    @property
    def is_current(self) -> bool:
        """Whether what is held is the venue's as far as is known; a past state otherwise."""
        return self.version > 0 and self.follower.is_current


class Market:
    """All streams that are followed at one venue. Times are of a clock that never runs back.

    out: frames for the venue. told: calls to watchers, for the owner to make. topics: what is to be subscribed.
    """

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.told: list[Callable[[], object]] = []
        self.topics: set[Topic] = set()
        self.mismatches = 0
        self._streams: dict[int, Followed] = {}
        self._digests: dict[int, list[Callable[[bool | None], object]]] = {}
        self._is_up = False

    def watch(self, pair: int, channel: Channel, watcher: Callable[[Followed], object], now_ns: int) -> Followed:
        """Follow a stream for a watcher, who is called after each change."""
        made = Followed(pair, channel)
        followed = self._streams.setdefault(made.follower.stream, made)
        followed.watchers.append(watcher)
        self.topics.add(topic_of(pair, channel))
        if followed is made and self._is_up:
            self._ask(followed, followed.follower.begin(), now_ns)
        return followed

    def leave(self, followed: Followed, watcher: Callable[[Followed], object]) -> None:
        """Follow no more for this watcher."""
        if watcher in followed.watchers:
            followed.watchers.remove(watcher)
        if not followed.watchers and self._streams.pop(followed.follower.stream, None) is not None:
            self.topics.discard(topic_of(followed.pair, followed.channel))

    def ask_digest(self, followed: Followed, answer: Callable[[bool | None], object]) -> None:
        """Ask the venue for the digest of its displayed book, and tell whether the followed one has the same.

        None: nobody can say, since more has come meanwhile; ask again.
        """
        assert isinstance(followed.follower, L3Follower)
        self._digests.setdefault(followed.follower.stream, []).append(answer)
        self.out.append(encode(followed.follower.want_digest()))

    def link_up(self, now_ns: int) -> None:
        """The link is there, or there again: questions may be lost, and what was missed shows by the next head."""
        self._is_up = True
        for followed in self._streams.values():
            again = followed.follower.retry() if followed.version else followed.follower.begin()
            self._ask(followed, again, now_ns)

    def hear_records(self, frame: RecordFrame, raw: Buffer, now_ns: int) -> bool:
        """Take a frame that was checked; False where it is of no stream that is followed."""
        followed = self._streams.get(frame.stream)
        if followed is None:
            return False
        before = followed.follower.sequence
        answer = followed.follower.receive(raw)
        if isinstance(answer, WireFault):
            return False
        self._after(followed, before, answer, now_ns)
        return True

    def hear(self, message: Message, now_ns: int) -> bool:
        """Take a message about a stream; False for any other, and for streams that are not followed."""
        if not isinstance(message, StreamHead | StreamUseSnapshot | StreamSnapshotPart | PublicDigest | StreamCut):
            return False
        followed = self._streams.get(message.stream)
        if followed is None:
            return False
        if isinstance(message, PublicDigest):
            self._hear_digest(followed, message, now_ns)
            return True
        if isinstance(message, StreamCut):
            self._ask(followed, followed.follower.begin(), now_ns)
            return True
        before = followed.follower.sequence
        answer = followed.follower.hear(message)
        if isinstance(answer, WireFault):
            return False
        self._after(followed, before, answer, now_ns, isinstance(message, StreamSnapshotPart))
        return True

    def tick(self, now_ns: int) -> None:
        """Ask again what is overdue."""
        for followed in self._streams.values():
            if followed.due_ns is not None and now_ns >= followed.due_ns:
                self._ask(followed, followed.follower.retry(), now_ns)

    def due_ns(self) -> int | None:
        """Return when `tick` has something to do."""
        return min((one.due_ns for one in self._streams.values() if one.due_ns is not None), default=None)

    def close(self, error: Exception) -> None:
        """Answer who waits for a digest that there is none."""
        for answers in self._digests.values():
            for answer in answers:
                answer(None)
        self._digests.clear()

    def _hear_digest(self, followed: Followed, message: PublicDigest, now_ns: int) -> None:
        if not isinstance(followed.follower, L3Follower):
            return
        is_same = followed.follower.hear_digest(message)
        for answer in self._digests.pop(message.stream, ()):
            answer(is_same)
        if is_same is False:
            self.mismatches += 1
            self._ask(followed, followed.follower.begin(), now_ns)

    def _after(
        self, followed: Followed, before: int, answer: Message | None, now_ns: int, is_snapshot: bool = False
    ) -> None:
        """Tell watchers of a change, and ask the venue what is to be asked."""
        follower = followed.follower
        if answer is not None:
            self._ask(followed, answer, now_ns)
        elif follower.is_current:
            followed.due_ns = None
        if follower.sequence != before or (is_snapshot and follower.is_current and not followed.version):
            followed.version += 1
            self.told += [lambda watcher=watcher: watcher(followed) for watcher in followed.watchers]  # type: ignore[misc]

    def _ask(self, followed: Followed, question: Message | None, now_ns: int) -> None:
        followed.due_ns = now_ns + RETRY_NS
        if question is not None:
            self.out.append(encode(question))


def news_of(followed: Followed, after: int) -> tuple[list[Trade], int, int]:
    """Return the trades after number `after` (-1: none yet, begin here), how many before them are lost, and the last.

    The number of a trade is its sequence in the stream.
    """
    tape = followed.follower
    assert isinstance(tape, TradeTape)
    last = tape.sequence
    if after < 0 or last <= after or not tape.trades:
        return [], 0, last
    first = max(after + 1, tape.trades[0].number)
    return reversed_until(tape, first), first - after - 1, last


def reversed_until(tape: TradeTape, first: int) -> list[Trade]:
    """Return the trades of a tape from a number on, oldest first, without a pass over those before."""
    found: list[Trade] = []
    for trade in reversed(tape.trades):
        if trade.number < first:
            break
        found.append(trade)
    return found[::-1]


__all__ = ["AnyFollower", "Followed", "Indication", "Market", "Top", "Trade", "news_of"]
