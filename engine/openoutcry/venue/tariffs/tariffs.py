"""All tariffs of a venue: which one holds for a pair, and the fees of many trades at once."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from openoutcry.domain import EventFlag
from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.domain.records import Events
from openoutcry.venue.tariffs.fees import PPM, VALUE_UNITS_MAX, auction_ppm, tariff_fault, trade_fees
from openoutcry.venue.tariffs.messages import Tariff

I64: TypeAlias = NDArray[np.int64]

ALL_PAIRS: Final = -1
"""In place of a pair: every pair that has no tariff of its own."""

FREE: Final = Tariff(0, 0, 0)
"""Where nothing was set, nothing is charged."""

PLANNED_MAX: Final = 16
"""Tariffs of one pair that are set and do not hold yet."""

NEVER_NS: Final = 2**63 - 1

_RATES: Final = ("maker_ppm", "taker_ppm", "auction_ppm", "minimum_units", "maximum_units", "flat_units")

_Key = Annotated[int, Meta(ge=ALL_PAIRS, le=PAIRS_MAX - 1)]
_Entry: TypeAlias = tuple[_Key, Annotated[tuple[Tariff, ...], Meta(min_length=1, max_length=PLANNED_MAX + 1)]]


class Tariffs:
    """What a venue charges from when on. State of a role: changed only by `set`, deterministic, saved and loaded.

    A trade is charged by the tariff that holds at the time of the record that caused it.
    """

    def __init__(self) -> None:
        self._by_pair: dict[int, tuple[Tariff, ...]] = {}
        """By pair, those that hold or will, by `from_ns`: the first one holds since its time."""
        self._table: I64 = np.zeros((len(_RATES), 0), np.int64)
        self._table_from_ns = self._table_until_ns = 0
        """From when until when the table holds; it is made anew outside of that."""

    def set(self, pair: int, tariff: Tariff, now_ns: int) -> str | None:
        """Let a tariff hold for a pair (or `ALL_PAIRS`) from its time on; return why not, and then nothing changes.

        Later ones that were set before are withdrawn: the newest word counts. O(tariffs of the pair).
        """
        wrong = tariff_fault(tariff, now_ns)
        if wrong is not None:
            return wrong
        before = [one for one in self._by_pair.get(pair, ()) if one.from_ns < tariff.from_ns]
        while len(before) > 1 and before[1].from_ns <= now_ns:
            before.pop(0)
        if len(before) > PLANNED_MAX:
            return f"{len(before)} tariffs are set already, expected at most {PLANNED_MAX}"
        self._by_pair[pair] = (*before, tariff)
        self._table_until_ns = self._table_from_ns
        return None

    def of(self, pair: int, now_ns: int) -> Tariff:
        """Return the tariff that holds for a pair now: its own, else that of all pairs, else none at all."""
        for key in (pair, ALL_PAIRS):
            holding = [one for one in self._by_pair.get(key, ()) if one.from_ns <= now_ns]
            if holding:
                return holding[-1]
        return FREE

    def fees(self, traded: Events, tick_units: I64, now_ns: int) -> tuple[I64, I64]:
        """Return what maker and taker of each trade pay: two (n,) int64, in units of the pair's quote instrument.

        traded: (n,) EVENT, all TRADED (in an auction the maker is the buyer). tick_units: (pairs,) int64, by pair.
        now_ns: time of the record that caused them; never earlier than in the last call. Raises OverflowError for a
        value above VALUE_UNITS_MAX, which no pair has that `tick_units_fault` has passed.
        Cost: 20 microseconds a call and 70 ns a trade.
        """
        pairs = traded["pair"].astype(np.int64)
        if not len(pairs):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        price, lots, units = traded["price_ticks"], traded["qty_lots"], tick_units[pairs]
        is_auction = (traded["flags"] & int(EventFlag.AUCTION)) != 0
        if int(price.max()) * int(lots.max()) * int(units.max()) > VALUE_UNITS_MAX:
            return self._one_by_one(pairs, price, lots, units, is_auction, now_ns)
        rates = self._rates(int(pairs.max()), now_ns)[:, pairs]
        maker_ppm, taker_ppm, both_ppm, minimum, maximum, flat = rates
        value = price * lots * units
        maker = _fees(value, np.where(is_auction, both_ppm, maker_ppm), minimum, maximum, flat)
        taker = _fees(value, np.where(is_auction, both_ppm, taker_ppm), minimum, maximum, flat)
        return maker, taker

    def next_ns(self, now_ns: int) -> int | None:
        """Return when the next tariff begins to hold, or None; for whoever publishes rates."""
        times = (one.from_ns for tariffs in self._by_pair.values() for one in tariffs if one.from_ns > now_ns)
        return min(times, default=None)

    def save(self) -> bytes:
        """Return the state; the same state gives the same bytes."""
        return msgspec.msgpack.encode(sorted(self._by_pair.items()))

    @classmethod
    def load(cls, state: bytes) -> "Tariffs":
        """Return what `save` wrote. Raises ValueError for anything else."""
        made = cls()
        try:
            entries = _DECODER.decode(state)
        except msgspec.DecodeError as error:
            raise ValueError(f"no tariffs: {error}") from error
        made._by_pair = dict(entries)
        for _, tariffs in entries:
            if any(after.from_ns <= before.from_ns for before, after in pairwise(tariffs)):
                raise ValueError("tariffs of a pair are not in order of time")
            for tariff in tariffs:
                if (wrong := tariff_fault(tariff, 0)) is not None:
                    raise ValueError(f"tariffs with a fault: {wrong}")
        if [key for key, _ in entries] != sorted(made._by_pair):
            raise ValueError("tariffs are not in order of pairs")
        return made

    @property
    def all(self) -> Mapping[int, tuple[Tariff, ...]]:
        """Every tariff that is kept, by pair (`ALL_PAIRS` among them), then by time."""
        return dict(sorted(self._by_pair.items()))

    def _rates(self, pair_max: int, now_ns: int) -> I64:
        """Return the table of rates, one column a pair, with room for `pair_max`."""
        if pair_max >= self._table.shape[1] or not self._table_from_ns <= now_ns < self._table_until_ns:
            width = max(pair_max + 1, self._table.shape[1], *(key + 1 for key in self._by_pair), 1)
            table = np.empty((len(_RATES), width), np.int64)
            table[:] = np.array(_row(self.of(ALL_PAIRS, now_ns)))[:, np.newaxis]
            for pair in self._by_pair:
                if pair != ALL_PAIRS:
                    table[:, pair] = _row(self.of(pair, now_ns))
            self._table, self._table_from_ns = table, now_ns
            self._table_until_ns = self.next_ns(now_ns) or NEVER_NS
        return self._table

    def _one_by_one(
        self, pairs: I64, price: I64, lots: I64, units: I64, is_auction: NDArray[np.bool_], now_ns: int
    ) -> tuple[I64, I64]:
        """The same in Python integers, where the largest price and the largest quantity of a group together could wrap:
        2 microseconds a trade.
        """
        maker, taker = np.zeros(len(pairs), np.int64), np.zeros(len(pairs), np.int64)
        columns = (pairs.tolist(), price.tolist(), lots.tolist(), units.tolist(), is_auction.tolist())
        for row, (pair, ticks, qty, unit, auction) in enumerate(zip(*columns, strict=True)):
            if ticks * qty * unit > VALUE_UNITS_MAX:
                raise OverflowError(f"a trade of {ticks * qty * unit} units in pair {pair}")
            maker[row], taker[row] = trade_fees(ticks, qty, unit, auction, self.of(pair, now_ns))
        return maker, taker


def _fees(value: I64, rate: I64, minimum: I64, maximum: I64, flat: I64) -> I64:
    """`fees.fee` for many. value: at most VALUE_UNITS_MAX.

    value x rate may pass int64, so the value is split into millions and the rest: with at most 10^6 ppm, millions x
    rate is at most the value, and rest x rate below 10^12.
    """
    millions, rest = np.divmod(value, PPM)
    part = millions * rate - (-rest * rate) // PPM
    part = np.where(rate > 0, np.maximum(part, minimum), part)
    capped = np.maximum(np.minimum(part, maximum), -maximum)
    result: I64 = np.where(maximum > 0, capped, part) + flat
    return result


def _row(tariff: Tariff) -> list[int]:
    values = {**msgspec.structs.asdict(tariff), "auction_ppm": auction_ppm(tariff)}
    return [values[name] for name in _RATES]


_DECODER: Final = msgspec.msgpack.Decoder(tuple[_Entry, ...])
