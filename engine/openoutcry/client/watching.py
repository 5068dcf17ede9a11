"""What a program holds of a stream that it watches: the book now, or what happened since it last looked.

A watch of a book or top is of what is: a slow reader gets the newest state, and never a queue. A watch of trades is of
what happened: it queues within bounds, and a slow reader is told how many it has missed.
"""

import time
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

from openoutcry.book.depth import Depth
from openoutcry.client.errors import ClientError, NoAnswer, NotConnected
from openoutcry.client.listing import Listed
from openoutcry.client.market import Followed, news_of
from openoutcry.client.reading import WAITING_MAX, Missed, Reader
from openoutcry.client.shell import Shell
from openoutcry.domain import Phase
from openoutcry.marketdata.followers import (
    AuctionFollower,
    Indication,
    L2Follower,
    L3Follower,
    Top,
    TopFollower,
    Trade,
)
from openoutcry.marketdata.topics import Channel

Item = TypeVar("Item")


class BookView(NamedTuple):
    """The displayed book of a pair at one moment: levels as DEPTH records, best first. Ticks and lots.

    sequence: the last item of the stream that it includes. is_current: False while something is known to be missing;
    then it is a past state. phase: None where the stream does not tell it.
    """

    depth: Depth
    sequence: int
    is_current: bool
    phase: Phase | None


class Watch(Generic[Item]):
    """One stream of one pair. Close it, or leave its `with` block, when it is not needed any more."""

    def __init__(self, shell: Shell, listed: Listed, channel: Channel, reader: Reader[Item]) -> None:
        """Begin to follow. Raises NotConnected where the profile names no address of topics."""
        self.listed = listed
        self.reader = reader
        self._shell = shell
        if not shell.access.venue.topics_address:
            raise NotConnected("no topics_address of the venue is known: add it to the profile to watch a market")
        with shell.line.lock:
            shell.check()
            shell.watches.append(reader)
            now_ns = shell.line.now_ns()
            self._followed = shell.desk.market.watch(listed.number, channel, self._changed, now_ns)
            shell.line.wake()
            if self._followed.version:
                self._changed(self._followed)

    @property
    def is_current(self) -> bool:
        """Whether what is held is the venue's as far as is known."""
        return self._followed.is_current

    def wait(self, timeout_s: float) -> None:
        """Wait until the first state is there. Raises NoAnswer."""
        if not self._shell.line.wait_for(lambda: self._followed.is_current, timeout_s):
            self._shell.check()
            raise NoAnswer(
                f"no {self._followed.channel.name.lower()} data of {self.listed.name} within {timeout_s:g} s: "
                "is topics_address right?"
            )

    def get(self, timeout_s: float | None = None) -> Item | Missed | None:
        """Return what is new, waiting for it; None when the time is over. Raises Closed at the end."""
        return self.reader.get(timeout_s)

    def close(self) -> None:
        """Follow no more; twice is once."""
        with self._shell.line.lock:
            self._shell.desk.market.leave(self._followed, self._changed)
            if self.reader in self._shell.watches:
                self._shell.watches.remove(self.reader)
            self._shell.line.wake()
        self.reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _changed(self, followed: Followed) -> None:
        raise NotImplementedError


class BookWatch(Watch[int]):
    """The displayed book. `get` returns the number of the newest change; `view` what the book is."""

    def __init__(self, shell: Shell, listed: Listed, channel: Channel) -> None:
        super().__init__(shell, listed, channel, Reader(conflate=True))

    def view(self, levels: int = 10) -> BookView:
        """Return the best levels of each side now. Cost: 20 microseconds for ten."""
        with self._shell.line.lock:
            follower = self._followed.follower
            assert isinstance(follower, L3Follower | L2Follower)
            is_l3 = isinstance(follower, L3Follower)
            depth = follower.book.depth(levels) if isinstance(follower, L3Follower) else follower.depth(levels)
            phase = follower.book.phase if isinstance(follower, L3Follower) and is_l3 else None
            return BookView(depth, follower.sequence, self.is_current, phase)

    def digest(self) -> bytes:
        """Return the digest of a level 3 book. Raises ClientError for level 2, which has none."""
        with self._shell.line.lock:
            follower = self._followed.follower
            if not isinstance(follower, L3Follower):
                raise ClientError("level 2 has no digest: watch level 3")
            return follower.digest()

    def verify(self, timeout_s: float = 10.0, tries: int = 100) -> bool:
        """Ask the venue for its digest, and tell whether ours is the same. Raises NoAnswer, also where the book moved
        at each of so many tries, ten seconds in all: a book that has just missed something takes a while to have it.
        """
        pause_s = 0.001
        for _ in range(tries):
            answers: list[bool | None] = []
            with self._shell.line.lock:
                self._shell.check()
                self._shell.desk.market.ask_digest(self._followed, answers.append)
                self._shell.line.wake()
            if not self._shell.line.wait_for(lambda answers=answers: bool(answers), timeout_s):  # type: ignore[misc]
                raise NoAnswer(f"the venue gives no digest of {self.listed.name} within {timeout_s:g} s")
            if answers[0] is not None:
                return answers[0]
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.1)
        raise NoAnswer(f"the book of {self.listed.name} has changed during each of {tries} tries: try again")

    def _changed(self, followed: Followed) -> None:
        self.reader.put(followed.version)


class TopWatch(Watch[Top]):
    """The best level of each side; `get` returns the newest."""

    def __init__(self, shell: Shell, listed: Listed) -> None:
        super().__init__(shell, listed, Channel.TOP, Reader(conflate=True))

    @property
    def top(self) -> Top:
        """The newest one."""
        follower = self._followed.follower
        assert isinstance(follower, TopFollower)
        return follower.top

    def _changed(self, followed: Followed) -> None:
        assert isinstance(followed.follower, TopFollower)
        self.reader.put(followed.follower.top)


class AuctionWatch(Watch[Indication]):
    """What an auction held now would come to; `get` returns the newest."""

    def __init__(self, shell: Shell, listed: Listed) -> None:
        super().__init__(shell, listed, Channel.AUCTION, Reader(conflate=True))

    @property
    def result(self) -> Indication | None:
        """The latest result that was heard of."""
        follower = self._followed.follower
        assert isinstance(follower, AuctionFollower)
        return follower.result

    def _changed(self, followed: Followed) -> None:
        assert isinstance(followed.follower, AuctionFollower)
        if followed.follower.latest is not None:
            self.reader.put(followed.follower.latest)


class TradeWatch(Watch[Trade]):
    """The trades from here on, in order; those that the venue keeps no more come as `Missed`."""

    def __init__(self, shell: Shell, listed: Listed, waiting_max: int = WAITING_MAX) -> None:
        self._last = -1
        super().__init__(shell, listed, Channel.TRADES, Reader(waiting_max))

    def _changed(self, followed: Followed) -> None:
        with self._shell.line.lock:
            trades, missed, self._last = news_of(followed, self._last)
        if missed:
            self.reader.miss(missed)
        for trade in trades:
            self.reader.put(trade)


AnyWatch = TypeVar("AnyWatch", BookWatch, TradeWatch, TopWatch, AuctionWatch)


def watch(watched: AnyWatch, timeout_s: float) -> AnyWatch:
    """Wait for the first state of a watch; close it where there is none."""
    try:
        watched.wait(timeout_s)
    except BaseException:
        watched.close()
        raise
    return watched
