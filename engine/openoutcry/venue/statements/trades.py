"""The newest trades of a venue: their numbers, and which of them are locked or annulled."""

from enum import IntEnum
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from openoutcry.book import commands
from openoutcry.domain import Side
from openoutcry.domain.records import COMMAND, Commands, Events
from openoutcry.marketdata.records import TRADE, TradeFlag
from openoutcry.venue.statements.messages import Annulled
from openoutcry.venue.statements.rows import I64, TRADE_ROW, TradeRows, trade_rows

TRADES_KEPT: Final = 65_536
"""Trades that can still be annulled: 5 MiB. The first lock of a sale comes within seconds of its match."""


class AnnulFault(IntEnum):
    """Why a trade cannot be annulled."""

    UNKNOWN = 1
    """The pair has had no trade of this number, or so long ago that it is not kept."""
    LOCKED = 2
    """A lock of its sale exists: only an agreed reversing sale can undo it."""
    ANNULLED = 3
    """It was annulled before."""


class Annulment(NamedTuple):
    """What follows from annulling a trade.

    row: (1,) TRADE_ROW, to be taken back from ledger and day (`is_annulled=True`). record: (1,) TRADE, for the pair's
    stream of trades, of which it is the next item. told: to the owners of both accounts, maker first.
    """

    row: TradeRows
    record: NDArray[np.void]
    told: tuple[Annulled, Annulled]


class Trades:
    """State of a role: changed by `take`, `lock` and `annul`, deterministic, saved and loaded."""

    def __init__(self, kept: int = TRADES_KEPT) -> None:
        self._kept = kept
        self._rows: TradeRows = np.zeros(2 * kept, TRADE_ROW)
        self._flags: NDArray[np.uint8] = np.zeros(2 * kept, np.uint8)
        """One bit each: locked, annulled."""
        self._end = 0
        """Rows that are in use; the last `kept` of them count. At the end of the array those are moved to its start."""
        self._last: I64 = np.zeros(0, np.int64)
        """Number of the last item of each pair's stream of trades."""

    def take(
        self,
        traded: Events,
        accounts: tuple[NDArray[np.uint32], NDArray[np.uint32]],
        fees: tuple[I64, I64],
        tick_units: I64,
        time_ns: int | I64,
    ) -> TradeRows:
        """Number the trades of a group and keep them; return their rows, valid for good. Arguments as of `trade_rows`.

        Cost: 16 microseconds a call and 0.06 a trade, and one copy of what is kept in every `kept` trades.
        """
        rows = trade_rows(traded, self._number(traded["pair"].astype(np.int64)), accounts, fees, tick_units, time_ns)
        self._keep(rows)
        return rows

    def lock(self, pair: int, number: int) -> AnnulFault | None:
        """Note the first lock of a trade's sale, after which it cannot be annulled; say where it does not exist.

        A lock of a trade that is annulled is refused: whoever locks learns it from this. A second one changes nothing.
        """
        place = self._find(pair, number)
        if place is None:
            return AnnulFault.UNKNOWN
        if self._flags[place] & _ANNULLED:
            return AnnulFault.ANNULLED
        self._flags[place] |= _LOCKED
        return None

    def annul(self, pair: int, number: int, detail: str, now_ns: int) -> Annulment | AnnulFault:
        """Make a trade void, or say why it cannot be. detail: the operator's reason, told to both members.

        What it did to positions and fees is reversed by the row; orders that it filled stay filled.
        """
        place = self._find(pair, number)
        if place is None:
            return AnnulFault.UNKNOWN
        for bit, why in ((_ANNULLED, AnnulFault.ANNULLED), (_LOCKED, AnnulFault.LOCKED)):
            if self._flags[place] & bit:
                return why
        self._flags[place] |= _ANNULLED
        row = self._rows[place : place + 1].copy()
        sides = (Side(int(row["side"][0])).opposite, Side(int(row["side"][0])))
        maker, taker = (
            Annulled(
                pair,
                number,
                int(row["sequence"][0]),
                int(row[f"{role}_account"][0]),
                side,
                role == "maker",
                int(row["price_ticks"][0]),
                int(row["qty_lots"][0]),
                int(row[f"{role}_fee_units"][0]),
                now_ns,
                detail,
            )
            for role, side in zip(("maker", "taker"), sides, strict=True)
        )
        self._last[pair] += 1
        return Annulment(row, annulled_trade(row, int(self._last[pair]), now_ns), (maker, taker))

    def save(self) -> bytes:
        """Return the state; the same state gives the same bytes."""
        part = slice(max(0, self._end - self._kept), self._end)
        return msgspec.msgpack.encode((self._rows[part].tobytes(), self._flags[part].tobytes(), self._last.tobytes()))

    @classmethod
    def load(cls, state: bytes, kept: int = TRADES_KEPT) -> "Trades":
        """Return what `save` wrote. Raises ValueError for anything else."""
        made = cls(kept)
        try:
            rows, flags, last = _DECODER.decode(state)
        except msgspec.DecodeError as error:
            raise ValueError(f"no trades: {error}") from error
        if len(rows) != len(flags) * TRADE_ROW.itemsize or len(flags) > kept or len(last) % 8:
            raise ValueError(f"no trades: {len(rows)} bytes of rows, {len(flags)} flags, {len(last)} of numbers")
        made._end = len(flags)
        made._rows[: made._end] = np.frombuffer(rows, TRADE_ROW)
        made._flags[: made._end] = np.frombuffer(flags, np.uint8)
        made._last = np.frombuffer(last, np.int64).copy()
        used = made._rows[: made._end]
        pairs, numbers = used["pair"].astype(np.int64), used["number"].astype(np.int64)
        if len(pairs) and (pairs.max() >= len(made._last) or (numbers > made._last[pairs]).any()):
            raise ValueError("no trades: a row with a number that was not given")
        return made

    def _number(self, pairs: I64) -> I64:
        """Return the next number of each trade's pair, in order."""
        if not len(pairs):
            return pairs
        width = int(pairs.max()) + 1
        if width > len(self._last):
            self._last = np.concatenate((self._last, np.zeros(width - len(self._last), np.int64)))
        order = np.argsort(pairs, kind="stable")
        grouped = pairs[order]
        starts = np.flatnonzero(np.concatenate(([True], grouped[1:] != grouped[:-1])))
        counts = np.diff(np.append(starts, len(grouped)))
        within = np.arange(len(grouped)) - np.repeat(starts, counts)
        numbers = np.empty(len(pairs), np.int64)
        numbers[order] = self._last[grouped] + within + 1
        self._last[grouped[starts]] += counts
        return numbers

    def _keep(self, rows: TradeRows) -> None:
        rows = rows[-self._kept :]
        if self._end + len(rows) > len(self._rows):
            part = slice(self._end - self._kept, self._end)
            self._rows[: self._kept], self._flags[: self._kept] = self._rows[part].copy(), self._flags[part].copy()
            self._end = self._kept
        new = slice(self._end, self._end + len(rows))
        self._rows[new], self._flags[new] = rows, 0
        self._end += len(rows)

    def _find(self, pair: int, number: int) -> int | None:
        """Return where a trade is among those that are kept. O(kept), 0.1 ms; annulments are rare."""
        first = max(0, self._end - self._kept)
        rows = self._rows[first : self._end]
        found = np.flatnonzero((rows["number"] == number) & (rows["pair"] == pair))
        return first + int(found[0]) if len(found) else None


def annulled_trade(row: TradeRows, number: int, now_ns: int) -> NDArray[np.void]:
    """Return the TRADE record, (1,), that tells followers of a pair's trades that one of them is void.

    number: the next one of the stream. The record repeats the trade, with flag ANNULLED; its `sequence` is the number
    of the trade that is void, its time that of the annulment.
    """
    record = np.zeros(1, TRADE)
    for name in ("price_ticks", "qty_lots", "side"):
        record[name] = row[name]
    record["number"], record["sequence"], record["time_ns"] = number, row["number"], now_ns
    record["flags"] = row["flags"] | int(TradeFlag.ANNULLED)
    return record


def refund_commands(row: TradeRows, base: int, quote: int, is_backed: tuple[bool, bool]) -> Commands:
    """Return the FUND commands that make backing available again which an annulled trade has spent.

    row: (1,) TRADE_ROW. base, quote: instruments of the pair in the books. is_backed: maker, taker; no command for an
    account that is not. The buyer had spent price x lots of quote, the seller lots of base, as the books count them.
    """
    lots = int(row["qty_lots"][0])
    maker_buys = int(row["side"][0]) == Side.SELL
    found = [np.zeros(0, COMMAND)]
    for role, buys, backed in zip(("maker", "taker"), (maker_buys, not maker_buys), is_backed, strict=True):
        if backed:
            units = int(row["price_ticks"][0]) * lots if buys else lots
            found.append(commands.fund(int(row[f"{role}_account"][0]), quote if buys else base, units))
    return np.concatenate(found)


_LOCKED: Final = 1
_ANNULLED: Final = 2
_DECODER: Final = msgspec.msgpack.Decoder(tuple[bytes, bytes, bytes])
