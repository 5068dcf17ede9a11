"""`PlainEncoder`: what is public of a group, in plain Python. The twin of `Encoder`, and the rules to be read."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from openoutcry.domain import EventFlag, EventKind
from openoutcry.domain.records import EVENT, Events
from openoutcry.marketdata.encoder import AnyBooks, PairRows, TradeNumbers
from openoutcry.marketdata.records import LEVEL, TOP, TRADE

Row = tuple[int, int, int, int, int, int, int, int, int, int, int, int]
Place = tuple[int, int, int]
"""A level: pair, side, price."""

JOINS: Final = (EventKind.RESTING, EventKind.REPLENISHED)
LEAVES: Final = (EventKind.CANCELLED, EventKind.EXPIRED, EventKind.REPLACED)
OF_THE_PAIR: Final = (EventKind.PHASE_CHANGED, EventKind.AUCTION_RESULT, EventKind.BAND_BREACHED)


@dataclass(slots=True)
class _Part:
    """What a group has made public of one pair."""

    rows: list[Row] = field(default_factory=list)
    touched: dict[Place, None] = field(default_factory=dict)


class PlainEncoder:
    """Turns events into public rows; interface as `Encoder`. It follows the books from their first event on."""

    def __init__(self) -> None:
        # handle to level and displayed lots; level to displayed lots and orders
        self._shown: dict[int, tuple[Place, int]] = {}
        self._levels: dict[Place, tuple[int, int]] = {}

    def encode(self, events: Events, books: AnyBooks, trades: TradeNumbers, time_ns: int) -> list[PairRows]:
        """Return what is public of a group, as `Encoder.encode` does."""
        parts: dict[int, _Part] = {}
        for row in events.tolist():
            if row[1] in (*JOINS, EventKind.TRADED, *LEAVES, *OF_THE_PAIR):
                part = parts.setdefault(row[5], _Part())
                public = self._public(row, part)
                if public is not None:
                    part.rows.append(public)
        return [
            self._rows_of(pair, part, books, trades.next_trade(pair), time_ns)
            for pair, part in parts.items()
            if part.rows
        ]

    def _public(self, row: Row, part: _Part) -> Row | None:
        """Return the public row of an event, None for one that is nobody else's business."""
        sequence, kind, side, code, flags, pair, maker, taker, price, lots, left, after = row
        if kind in JOINS:
            if flags & (EventFlag.HIDDEN | EventFlag.MARKET):
                return None
            self._show(part, maker, (pair, side, price), lots)
            return (sequence, kind, side, 0, 0, pair, maker, taker, price, lots, lots, 0)
        if kind == EventKind.TRADED:
            is_auction = flags & EventFlag.AUCTION
            is_shown = maker in self._shown
            left = self._trade(part, maker, lots)
            other = taker if is_auction and taker in self._shown else 0
            after = self._trade(part, other, lots)
            public = EventFlag.AUCTION if is_auction else 0 if is_shown else EventFlag.HIDDEN
            return (sequence, kind, side, 0, public, pair, maker if is_shown else 0, other, price, lots, left, after)
        if kind == EventKind.BAND_BREACHED:
            return (sequence, kind, side, code, flags, pair, 0, 0, price, 0, 0, 0)
        if kind in OF_THE_PAIR:
            return (sequence, kind, side, code, flags, pair, 0, 0, price, lots, left, 0)
        if maker not in self._shown:
            return None
        place, shown = self._shown[maker]
        kept = flags & EventFlag.KEPT_PRIORITY
        if kind == EventKind.REPLACED and not kept:
            self._shrink(part, maker, 0)
            if after:
                place = (pair, place[1], price)
                self._show(part, maker, place, after)
            return (sequence, kind, side, 0, 0, pair, maker, 0, place[2], after or shown, after, 0)
        if after == shown:
            return None
        self._shrink(part, maker, after)
        lots = after if kind == EventKind.REPLACED else shown - after
        return (sequence, kind, side, 0, kept, pair, maker, 0, place[2], lots, after, 0)

    def _show(self, part: _Part, handle: int, place: Place, lots: int) -> None:
        self._shown[handle] = place, lots
        self._change(part, place, lots, 1)

    def _trade(self, part: _Part, handle: int, lots: int) -> int:
        """Take traded lots off what is displayed of an order; return what is left of that."""
        if handle not in self._shown:
            return 0
        left = max(0, self._shown[handle][1] - lots)
        self._shrink(part, handle, left)
        return left

    def _shrink(self, part: _Part, handle: int, left: int) -> None:
        """Leave `left` lots of an order displayed; at 0 it is not displayed any more."""
        place, shown = self._shown[handle]
        self._change(part, place, left - shown, 0 if left else -1)
        if left:
            self._shown[handle] = place, left
        else:
            del self._shown[handle]

    def _change(self, part: _Part, place: Place, lots: int, orders: int) -> None:
        before = self._levels.get(place, (0, 0))
        self._levels[place] = before[0] + lots, before[1] + orders
        part.touched[place] = None

    def _rows_of(self, pair: int, part: _Part, books: AnyBooks, number: int, time_ns: int) -> PairRows:
        """Return a pair's part as records."""
        traded = [row for row in part.rows if row[1] == EventKind.TRADED]
        trades = [(number + index, row[0], time_ns, row[8], row[9], row[2], row[4]) for index, row in enumerate(traded)]
        levels = [(books.sequence, place[2], *self._levels[place], place[1]) for place in part.touched]
        tops = []
        for side, price in enumerate(books.best(pair)):
            tops.append((price or 0, *self._levels.get((pair, side, price or 0), (0, 0))))
        bid, ask = tops
        kinds = {row[1] for row in part.rows}
        return PairRows(
            pair,
            np.array(part.rows, EVENT),
            np.array(trades, TRADE),
            np.array(levels, LEVEL),
            np.array([(books.sequence, bid[0], bid[1], ask[0], ask[1], bid[2], ask[2])], TOP),
            EventKind.PHASE_CHANGED in kinds,
            EventKind.AUCTION_RESULT in kinds,
        )
