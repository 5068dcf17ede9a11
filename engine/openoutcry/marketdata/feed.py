"""`Feed`: the public streams of one pair. Numbers frames, keeps the latest, answers followers that missed some.

Sequences follow from the groups that were applied and from nothing else, so a venue that replays its journal gives the
same numbers to the same records, and one that restarts from a snapshot goes on after the last one.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.depth import Depth
from openoutcry.domain import EventKind, Phase, Side
from openoutcry.domain.records import EVENT
from openoutcry.marketdata.encoder import AnyBooks, PairRows
from openoutcry.marketdata.limits import (
    INDICATION_INTERVAL_NS,
    L3_RETAINED_BYTES_MAX,
    RETAINED_BYTES_MAX,
    RETAINED_ITEMS_MAX,
)
from openoutcry.marketdata.messages import PublicDigest
from openoutcry.marketdata.records import INDICATION, LEVEL, TOP, TRADE, IndicationFlag
from openoutcry.marketdata.shown import book_digest, resting_rows
from openoutcry.marketdata.topics import KIND_OF, Channel, stream_of, topic_of
from openoutcry.role import Topic
from openoutcry.wire.frames import encode_records
from openoutcry.wire.limits import FRAME_RECORDS_MAX
from openoutcry.wire.messages import StreamHead, StreamSnapshotPart
from openoutcry.wire.snapshots import cut
from openoutcry.wire.streams import Publisher

Published: TypeAlias = list[tuple[Topic, memoryview]]
"""Sealed frames and the topics that they go out on, in order."""

COLLECTING: Final = (Phase.PRE_OPEN, Phase.AUCTION)
"""Phases in which an auction is indicated."""

FEED_STATE: Final[np.dtype[np.void]] = np.dtype(
    [
        ("pair", "<u8"),
        ("heads", "<u8", (5,)),
        ("top", TOP),
        ("trade", TRADE),
        ("indication", INDICATION),
        ("is_due", "<u8"),
    ]
)
"""What a feed cannot find in the books: the heads of its streams, and the last record of three of them."""


class FedBooks(AnyBooks, Protocol):
    """What a feed asks of a set of books."""

    def depth(self, pair: int, levels: int = 10) -> Depth:
        """Return the best levels of a pair."""
        ...

    def phase(self, pair: int) -> Phase:
        """Return the phase of a pair."""
        ...

    def indicative(self, pair: int) -> tuple[int | None, int, int]:
        """Return price, volume and signed surplus of the auction that would be now."""
        ...


class Feed:
    """The five streams of one pair."""

    __slots__ = ("_announced", "_last", "_streams", "_topics", "indication_is_due", "pair")

    def __init__(self, pair: int, state: np.void | None = None) -> None:
        """Begin the streams, or go on after the numbers of `state`, a FEED_STATE; nothing before them can be resent."""
        self.pair = pair
        heads = [0] * len(Channel) if state is None else state["heads"].tolist()
        self._streams = {
            channel: Publisher(
                stream_of(pair, channel),
                head,
                RETAINED_ITEMS_MAX,
                L3_RETAINED_BYTES_MAX if channel is Channel.L3 else RETAINED_BYTES_MAX,
            )
            for channel, head in zip(Channel, heads, strict=True)
        }
        # As bytes: to copy one structured record takes two microseconds.
        self._last = {
            channel: bytes(dtype.itemsize) if state is None else state[name].tobytes()
            for channel, name, dtype in (
                (Channel.TOP, "top", TOP),
                (Channel.TRADES, "trade", TRADE),
                (Channel.AUCTION, "indication", INDICATION),
            )
        }
        self._topics = {channel: topic_of(pair, channel) for channel in Channel}
        self._announced = dict.fromkeys(Channel, -1)
        self.indication_is_due = bool(state["is_due"]) if state is not None else False

    @property
    def next_trade(self) -> int:
        """The number of the next trade."""
        return self._streams[Channel.TRADES].head + 1

    def head(self, channel: Channel) -> int:
        """Return the last sequence of a stream, 0 before its first item."""
        return self._streams[channel].head

    def publish(self, rows: PairRows, books: FedBooks, time_ns: int) -> Published:
        """Number what is public of a group and return it. Cost: some 4 microseconds for each stream that has something.

        books: after the group. time_ns: of the group.
        """
        out: Published = []
        self._send(Channel.L3, rows.l3, out)
        if len(rows.levels):
            self._send(Channel.L2, rows.levels, out)
        # All but the sequence: the same top is not said again.
        top = rows.top.tobytes()
        if top[8:] != self._last[Channel.TOP][8:]:
            self._send(Channel.TOP, rows.top, out)
            self._last[Channel.TOP] = top
        if len(rows.trades):
            self._send(Channel.TRADES, rows.trades, out)
            self._last[Channel.TRADES] = rows.trades[-1:].tobytes()
        if rows.auctioned:
            self._tell_results(rows.l3, books, time_ns, out)
        phase = books.phase(self.pair)
        if phase in COLLECTING:
            self.indication_is_due = True
            self.indicate(books, time_ns, out)
        elif rows.phase_changed:
            self.indication_is_due = False
            if self.head(Channel.AUCTION) and self._indicated["phase"] in COLLECTING:
                self._tell_auction((books.sequence, time_ns, 0, 0, 0, phase, 0), out)
        return out

    @property
    def indication_due_ns(self) -> int | None:
        """When the next indication may go out, None where nothing has changed since the last one."""
        if not self.indication_is_due:
            return None
        return int(self._indicated["time_ns"]) + INDICATION_INTERVAL_NS

    @property
    def _indicated(self) -> np.void:
        """The last indication, zeros before the first."""
        record: np.void = np.frombuffer(self._last[Channel.AUCTION], INDICATION)[0]
        return record

    def indicate(self, books: FedBooks, time_ns: int, out: Published) -> None:
        """Say what an auction would come to, where that is due: after a change, at most once in the interval."""
        due = self.indication_due_ns
        phase = books.phase(self.pair)
        if due is None or phase not in COLLECTING or (time_ns < due and self.head(Channel.AUCTION)):
            return
        price, volume, surplus = books.indicative(self.pair)
        self._tell_auction((books.sequence, time_ns, price or 0, volume, surplus, phase, 0), out)
        self.indication_is_due = False

    def annul(self, record: NDArray[np.void]) -> Published:
        """Return the next item of the trades, a (1,) TRADE that says which one is void; its number is the next one."""
        assert int(record["number"][0]) == self.next_trade
        out: Published = []
        self._send(Channel.TRADES, record, out)
        self._last[Channel.TRADES] = record.tobytes()
        return out

    def announce(self) -> list[tuple[Topic, StreamHead]]:
        """Return the heads of the streams on which nothing went out since the last call: once a second is enough."""
        heads = []
        for channel, publisher in self._streams.items():
            if self._announced[channel] == publisher.head:
                heads.append((self._topics[channel], publisher.announce()))
            self._announced[channel] = publisher.head
        return heads

    def stream(self, channel: Channel) -> Publisher:
        """Return the publisher of a stream, which answers STREAM_RESEND."""
        return self._streams[channel]

    def snapshot_of(self, channel: Channel, books: FedBooks) -> Iterator[StreamSnapshotPart]:
        """Yield the parts of a snapshot of a stream after its last item: what `snapshot_state` returns, cut.

        Cost: O(live orders of the pair) for level 3 and level 2.
        """
        publisher = self._streams[channel]
        publisher.mark_snapshot(publisher.head)
        return cut(publisher.stream, publisher.head, self.snapshot_state(channel, books).tobytes())

    def snapshot_state(self, channel: Channel, books: FedBooks) -> NDArray[np.void]:
        """Return the state after a stream's last item, as records of its kind.

        L3: PHASE_CHANGED with the present phase, then a RESTING for each displayed order, in priority. L2: each level,
        bids then asks, best first. The others: the last record, none before the first.
        """
        if channel is Channel.L3:
            first = np.zeros(1, EVENT)
            first["kind"], first["pair"] = EventKind.PHASE_CHANGED, self.pair
            first["code"], first["sequence"] = books.phase(self.pair), books.sequence
            return np.concatenate([first, resting_rows(books, self.pair)])
        if channel is Channel.L2:
            return level_rows(books, self.pair)
        last = np.frombuffer(self._last[channel], KIND_OF[channel].dtype)
        return last if self.head(channel) else last[:0]

    def digest(self, books: FedBooks) -> PublicDigest:
        """Return the digest of what is displayed, after the last item of level 3. Cost: O(live orders of the pair)."""
        publisher = self._streams[Channel.L3]
        return PublicDigest(publisher.stream, publisher.head, book_digest(books, self.pair))

    def state(self) -> NDArray[np.void]:
        """Return one FEED_STATE, from which a feed goes on."""
        state = np.zeros(1, FEED_STATE)
        state["pair"], state["is_due"] = self.pair, self.indication_is_due
        state["heads"][0] = [publisher.head for publisher in self._streams.values()]
        state["top"] = np.frombuffer(self._last[Channel.TOP], TOP)
        state["trade"] = np.frombuffer(self._last[Channel.TRADES], TRADE)
        state["indication"] = np.frombuffer(self._last[Channel.AUCTION], INDICATION)
        return state

    def _send(self, channel: Channel, records: NDArray[np.void], out: Published) -> None:
        """Number records, in as many frames as they need."""
        publisher, kind, topic = self._streams[channel], KIND_OF[channel], self._topics[channel]
        for begin in range(0, len(records), FRAME_RECORDS_MAX):
            part = records[begin : begin + FRAME_RECORDS_MAX]
            frame = memoryview(encode_records(kind, publisher.stream, publisher.head + 1, part))
            publisher.publish(frame, len(part))
            out.append((topic, frame))

    def _tell_results(self, l3: NDArray[np.void], books: FedBooks, time_ns: int, out: Published) -> None:
        for row in l3[l3["kind"] == EventKind.AUCTION_RESULT]:
            surplus = int(row["maker_leaves"]) * (-1 if row["side"] == Side.SELL else 1)
            price, volume, phase = int(row["price_ticks"]), int(row["qty_lots"]), books.phase(self.pair)
            values = (int(row["sequence"]), time_ns, price, volume, surplus, phase, IndicationFlag.RESULT)
            self._tell_auction(values, out)

    def _tell_auction(self, values: Sequence[int], out: Published) -> None:
        record = np.array([tuple(values)], INDICATION)
        self._send(Channel.AUCTION, record, out)
        self._last[Channel.AUCTION] = record.tobytes()


def level_rows(books: FedBooks, pair: int) -> NDArray[np.void]:
    """Return every displayed level of a pair as LEVEL records, bids then asks, best first."""
    depth = books.depth(pair, levels=2**31)
    parts = []
    for side, levels in zip(Side, (depth.bids, depth.asks), strict=True):
        rows = np.zeros(len(levels), LEVEL)
        rows["sequence"], rows["side"] = books.sequence, side
        rows["price_ticks"], rows["qty_lots"], rows["orders"] = (
            levels["price_ticks"], levels["qty_lots"], levels["orders"],
        )  # fmt: skip
        parts.append(rows)
    return np.concatenate(parts)
