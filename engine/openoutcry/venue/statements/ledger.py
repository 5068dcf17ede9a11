"""What each account has traded in each pair, by month: the state behind statements."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from openoutcry.domain import EventFlag, Side
from openoutcry.venue.statements.collecting import (
    BOUGHT,
    BOUGHT_UNITS,
    MAKER_FEES,
    SOLD,
    SOLD_UNITS,
    TAKER_FEES,
    TRADES,
    tally,
)
from openoutcry.venue.statements.messages import Month, StatementLine, narrow, wide
from openoutcry.venue.statements.rows import TradeRows
from openoutcry.venue.statements.sums import SURE_MAX, Keys, Sums

MONTHS_KEPT: Final = 13
"""Months before the present one of which statements are still given: a year, and the month of the year before."""

PAIR_BITS: Final = 16
"""Of a key: account x 2^16 + pair."""

ADJUSTED, OPENING = 7, 8


class Ledger:
    """State of a role: changed by `add` and `adjust`, deterministic, saved and loaded.

    Months are by UTC, and begin with the first trade or question after midnight: `advance` is called with the time of
    each group before anything else.
    """

    def __init__(self) -> None:
        self.month = 0
        """The present month: year x 12 + month - 1; 0 before the first."""
        self._keys = Keys()
        self._sums = Sums(9)
        self._past: dict[int, tuple[StatementLine, ...]] = {}

    def advance(self, now_ns: int) -> None:
        """Let a month begin where `now_ns` lies in a later one: its opening positions are the closing ones before."""
        month = month_of(now_ns)
        if month <= self.month:
            return
        lines = tuple(self._lines())
        if self.month:
            self._past[self.month] = lines
        self._past = {old: lines for old, lines in self._past.items() if old >= month - MONTHS_KEPT}
        self.month = month
        self._keys, self._sums = Keys(), Sums(9)
        for line in lines:
            if line.closing_lots:
                self._sums.add_large(OPENING, self._slot(line.account, line.pair), line.closing_lots)

    def add(self, rows: TradeRows, is_annulled: bool = False) -> None:
        """Book both sides of each trade, or take them back. Cost: 40 microseconds a call and 0.08 a trade."""
        if not len(rows):
            return
        sign = -1 if is_annulled else 1
        count = len(rows)
        accounts = np.concatenate((rows["maker_account"], rows["taker_account"])).astype(np.int64)
        slots = self._keys.take(accounts << PAIR_BITS | np.tile(rows["pair"].astype(np.int64), 2))
        self._sums.room(len(self._keys))
        if self._fits(rows):
            small = self._sums.small
            rows = np.ascontiguousarray(rows)
            tally(rows.ctypes.data, count, slots.ctypes.data, small.ctypes.data, small.shape[1], sign)
            return
        is_buy = np.concatenate((rows["side"] == Side.SELL, rows["side"] == Side.BUY))
        lots, units = np.tile(sign * rows["qty_lots"], 2), np.tile(sign * rows["value_units"], 2)
        as_maker = (rows["flags"] & int(EventFlag.AUCTION)) == 0
        makers, takers = slots[:count], slots[count:]
        self._sums.add(TRADES, slots, np.full(2 * count, sign, np.int64))
        self._sums.add(BOUGHT, slots[is_buy], lots[is_buy])
        self._sums.add(SOLD, slots[~is_buy], lots[~is_buy])
        self._sums.add(BOUGHT_UNITS, slots[is_buy], units[is_buy])
        self._sums.add(SOLD_UNITS, slots[~is_buy], units[~is_buy])
        maker_fees, taker_fees = sign * rows["maker_fee_units"], sign * rows["taker_fee_units"]
        self._sums.add(MAKER_FEES, makers[as_maker], maker_fees[as_maker])
        self._sums.add(TAKER_FEES, makers[~as_maker], maker_fees[~as_maker])
        self._sums.add(TAKER_FEES, takers, taker_fees)

    def _fits(self, rows: TradeRows) -> bool:
        """Tell whether no sum can wrap when these are added, and count on it."""
        lots, units, maker, taker = (
            max(int(rows[name].max()), -int(rows[name].min())) * 2 * len(rows)
            for name in ("qty_lots", "value_units", "maker_fee_units", "taker_fee_units")
        )
        most = (2 * len(rows), lots, lots, units, units, maker, maker + taker)
        return max(most) <= SURE_MAX and all(self._sums.claim(column, one) for column, one in enumerate(most))

    def adjust(self, pair: int, numerator: int, denominator: int) -> None:
        """Multiply positions of a pair by denominator / numerator, towards zero, as ADJUST_PAIR does (a split)."""
        for key, slot in zip(self._keys.sorted.tolist(), self._keys.slots.tolist(), strict=True):
            if key & (1 << PAIR_BITS) - 1 == pair:
                net = self._closing(slot)
                after = abs(net) * denominator // numerator * (1 if net > 0 else -1)
                self._sums.add_large(ADJUSTED, slot, after - net)

    def position(self, account: int, pair: int) -> int:
        """Return the net lots of an account in a pair; annulled trades are not in it."""
        slots, is_known = self._keys.find(np.array([account << PAIR_BITS | pair], np.int64))
        return self._closing(int(slots[0])) if is_known[0] else 0

    def places(self) -> list[tuple[int, int]]:
        """Return account and pair of everything that was traded this month or is held from before, in order."""
        return [divmod(key, 1 << PAIR_BITS) for key in self._keys.sorted.tolist()]

    def lines(self, month: int, accounts: Iterable[int], first: tuple[int, int] = (0, 0)) -> Iterator[StatementLine]:
        """Yield the lines of accounts in a month, by account, then pair, from (account, pair) `first` on.

        Nothing for a month that is not kept. O(lines of these accounts).
        """
        past = self._past.get(month, ())
        for account in sorted(accounts):
            start = max(first, (account, 0))
            if month == self.month:
                yield from (line for line in self._lines(account) if _place(line) >= start)
            for index in range(bisect_left(past, start, key=_place), len(past)):
                if past[index].account != account:
                    break
                yield past[index]

    @property
    def months(self) -> tuple[int, ...]:
        """The months of which there are lines, earliest first."""
        return (*sorted(self._past), *((self.month,) if self.month else ()))

    def save(self) -> bytes:
        """Return the state; the same state gives the same bytes."""
        past = [(month, self._past[month]) for month in sorted(self._past)]
        return msgspec.msgpack.encode((self.month, tuple(self._lines()), past))

    @classmethod
    def load(cls, state: bytes) -> "Ledger":
        """Return what `save` wrote. Raises ValueError for anything else."""
        made = cls()
        try:
            made.month, lines, past = _DECODER.decode(state)
        except msgspec.DecodeError as error:
            raise ValueError(f"no ledger: {error}") from error
        made._past = dict(past)
        for month, found in ((made.month, lines), *past):
            places = [_place(line) for line in found]
            if places != sorted(set(places)) or any(_net(line) != line.closing_lots for line in found):
                raise ValueError(f"lines of month {month} are not in order, or do not add up")
        if [month for month, _ in past] != sorted(made._past) or any(month >= made.month for month, _ in past):
            raise ValueError("months of a ledger are not in order")
        for line in lines:
            slot = made._slot(line.account, line.pair)
            for column, value in enumerate(_values(line)):
                made._sums.add_large(column, slot, value)
        return made

    def _slot(self, account: int, pair: int) -> int:
        slot = int(self._keys.take(np.array([account << PAIR_BITS | pair], np.int64))[0])
        self._sums.room(len(self._keys))
        return slot

    def _closing(self, slot: int) -> int:
        of = self._sums.of
        return of(OPENING, slot) + of(BOUGHT, slot) - of(SOLD, slot) + of(ADJUSTED, slot)

    def _lines(self, only: int | None = None) -> Iterator[StatementLine]:
        """Yield a line for each key in order, of one account or all, where something happened or a position is."""
        keys, slots = self._keys.sorted, self._keys.slots
        if only is not None:
            start, end = np.searchsorted(keys, (only << PAIR_BITS, only + 1 << PAIR_BITS))
            keys, slots = keys[start:end], slots[start:end]
        for key, slot in zip(keys.tolist(), slots.tolist(), strict=True):
            trades, *sums, opening = (self._sums.of(column, slot) for column in range(9))
            if trades or opening or any(sums):
                account, pair = divmod(key, 1 << PAIR_BITS)
                yield StatementLine(account, pair, opening, self._closing(slot), trades, *map(wide, sums))


def month_of(time_ns: int) -> int:
    """Return the month of a time, by UTC.

    >>> divmod(month_of(1_700_000_000_000_000_000), 12)
    (2023, 10)
    """
    date = datetime.fromtimestamp(time_ns // 10**9, UTC)
    return date.year * 12 + date.month - 1


def _values(line: StatementLine) -> list[int]:
    """The sums of a line in the order of the columns."""
    sums = (
        line.bought_lots,
        line.sold_lots,
        line.bought_units,
        line.sold_units,
        line.maker_fees_units,
        line.taker_fees_units,
        line.adjusted_lots,
    )
    return [line.trades, *map(narrow, sums), line.opening_lots]


def _net(line: StatementLine) -> int:
    return line.opening_lots + narrow(line.bought_lots) - narrow(line.sold_lots) + narrow(line.adjusted_lots)


def _place(line: StatementLine) -> tuple[int, int]:
    return line.account, line.pair


_Lines = tuple[StatementLine, ...]
_DECODER: Final = msgspec.msgpack.Decoder(tuple[int, _Lines, tuple[tuple[Month, _Lines], ...]])
