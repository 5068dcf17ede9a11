"""The followers of the five streams of a pair."""

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sortedcontainers import SortedDict

from openoutcry.book.depth import DEPTH, Depth
from openoutcry.domain import EventKind, Phase, Side
from openoutcry.domain.limits import PRICE_TICKS_MAX
from openoutcry.marketdata.books import FollowedBook, LastTrade, digest
from openoutcry.marketdata.fast_book import FastBook
from openoutcry.marketdata.follower import ChannelFollower
from openoutcry.marketdata.limits import LEVELS_MAX, TAPE_TRADES_MAX
from openoutcry.marketdata.messages import PublicDigest, PublicDigestWanted
from openoutcry.marketdata.records import IndicationFlag
from openoutcry.marketdata.topics import Channel


class L3Follower(ChannelFollower):
    """Rebuilds every displayed order of a pair from its level 3 stream.

    make: the book to keep, `FastBook` or `PlainBook`.

    >>> from openoutcry.marketdata.followers import L3Follower
    >>> L3Follower(7).book.best()
    (None, None)
    """

    def __init__(self, pair: int, make: Callable[[int], FollowedBook] = FastBook) -> None:
        super().__init__(pair, Channel.L3)
        self.book = make(pair)

    def digest(self) -> bytes:
        """Return the digest of what is held, which after item `sequence` equals the venue's PUBLIC_DIGEST."""
        return digest(self.book)

    def want_digest(self) -> PublicDigestWanted:
        """Return the question that a venue answers with a PUBLIC_DIGEST."""
        return PublicDigestWanted(self.stream)

    def hear_digest(self, told: PublicDigest) -> bool | None:
        """Tell whether the venue's digest is ours; None where it is of another moment or stream.

        Where it is not, what is held is wrong, and `begin` is what to do.
        """
        if told.stream != self.stream or told.sequence != self.sequence or not self.is_current:
            return None
        return told.digest == self.digest()

    @property
    def last_trade(self) -> LastTrade | None:
        """The last trade that was heard of."""
        return self.book.last_trade

    def _apply(self, records: NDArray[np.void]) -> bool:
        return self.book.apply(records) is None

    def _load(self, records: NDArray[np.void]) -> bool:
        self.book.clear()
        kinds = records["kind"]
        are_known = ((kinds == EventKind.RESTING) | (kinds == EventKind.PHASE_CHANGED)).all()
        return bool(are_known) and self._apply(records)


class L2Follower(ChannelFollower):
    """Keeps the displayed levels of a pair from its level 2 stream, or from the conflated one of a slow reader."""

    def __init__(self, pair: int, stream: int | None = None) -> None:
        super().__init__(pair, Channel.L2, stream)
        self._sides: tuple[SortedDict[int, tuple[int, int]], ...] = (SortedDict(), SortedDict())
        self.book_sequence = 0
        """Number of the book's last command that what is held includes."""

    def best(self) -> tuple[int | None, int | None]:
        """Return the best bid and ask, None for an empty side."""
        bids, asks = self._sides
        return (bids.peekitem(-1)[0] if bids else None), (asks.peekitem(0)[0] if asks else None)

    def depth(self, levels: int = 10) -> Depth:
        """Return the best `levels` levels of each side."""
        bids, asks = self._sides
        rows = [
            [(price, *bids[price]) for price in islice(reversed(bids), levels)],
            [(price, *asks[price]) for price in islice(asks, levels)],
        ]
        return Depth(np.array(rows[0], DEPTH), np.array(rows[1], DEPTH))

    def _apply(self, records: NDArray[np.void]) -> bool:
        for sequence, price, lots, orders, side in records.tolist():
            if not 0 < price <= PRICE_TICKS_MAX or lots < 0 or (lots == 0) != (orders == 0) or side > Side.SELL:
                return False
            if orders:
                self._sides[side][price] = lots, orders
            else:
                self._sides[side].pop(price, None)
            self.book_sequence = max(self.book_sequence, sequence)
        return len(self._sides[0]) + len(self._sides[1]) <= LEVELS_MAX

    def _load(self, records: NDArray[np.void]) -> bool:
        for levels in self._sides:
            levels.clear()
        return self._apply(records)


class Top(NamedTuple):
    """The best level of each side: price in ticks, lots, orders; zeros for an empty side."""

    bid_ticks: int = 0
    bid_lots: int = 0
    ask_ticks: int = 0
    ask_lots: int = 0
    bid_orders: int = 0
    ask_orders: int = 0


class TopFollower(ChannelFollower):
    """Keeps the top of a pair's book, from the top stream or from the conflated one of a slow reader."""

    def __init__(self, pair: int, stream: int | None = None) -> None:
        super().__init__(pair, Channel.TOP, stream)
        self.top = Top()

    def _apply(self, records: NDArray[np.void]) -> bool:
        values = records[-1].tolist()[1:]
        if min(values) < 0:
            return False
        self.top = Top(*values)
        return True

    def _load(self, records: NDArray[np.void]) -> bool:
        self.top = Top()
        return len(records) <= 1 and (len(records) == 0 or self._apply(records))


class Trade(NamedTuple):
    """One trade, as the TRADE record has it."""

    number: int
    sequence: int
    time_ns: int
    price_ticks: int
    qty_lots: int
    side: Side
    flags: int


class TradeTape(ChannelFollower):
    """Remembers the latest trades of a pair, newest last. A snapshot brings only the last: the tape begins there."""

    def __init__(self, pair: int, trades_max: int = TAPE_TRADES_MAX) -> None:
        super().__init__(pair, Channel.TRADES)
        self.trades: deque[Trade] = deque(maxlen=trades_max)

    def _apply(self, records: NDArray[np.void]) -> bool:
        for number, sequence, time_ns, price, lots, side, flags in records.tolist():
            if self.trades and number != self.trades[-1].number + 1:
                return False
            self.trades.append(Trade(number, sequence, time_ns, price, lots, Side(side), flags))
        return True

    def _load(self, records: NDArray[np.void]) -> bool:
        self.trades.clear()
        return len(records) <= 1 and self._apply(records)


class Indication(NamedTuple):
    """What an auction would come to, or has come to, as the INDICATION record has it."""

    sequence: int
    time_ns: int
    price_ticks: int
    volume_lots: int
    surplus_lots: int
    phase: Phase
    is_result: bool


class AuctionFollower(ChannelFollower):
    """Keeps the latest indication of a pair, and its latest result."""

    def __init__(self, pair: int) -> None:
        super().__init__(pair, Channel.AUCTION)
        self.latest: Indication | None = None
        self.result: Indication | None = None

    def _apply(self, records: NDArray[np.void]) -> bool:
        for sequence, time_ns, price, volume, surplus, phase, flags in records.tolist():
            is_result = bool(flags & IndicationFlag.RESULT)
            self.latest = Indication(sequence, time_ns, price, volume, surplus, Phase(phase), is_result)
            if self.latest.is_result:
                self.result = self.latest
        return True

    def _load(self, records: NDArray[np.void]) -> bool:
        self.latest = self.result = None
        return len(records) <= 1 and self._apply(records)
