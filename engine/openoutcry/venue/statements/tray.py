"""`Tray`: what waits to be accounted for. To account for a trade alone costs 160 microseconds, with others 0.4.

What waits is part of the state only as if it had been accounted for at once: whoever reads settles first.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.domain.records import EVENT, Events
from openoutcry.venue.kernel import PARTIES
from openoutcry.venue.statements.accounting import Accounting
from openoutcry.venue.statements.collecting import collect
from openoutcry.venue.statements.days import DAY_NS
from openoutcry.venue.statements.rows import I64

WAITING_MAX: Final = 4_096
"""Trades that wait at most, and those of one batch: 320 KiB."""


class Tray:
    """Trades and counts of several batches, all of one day and charged by one tariff."""

    def __init__(self) -> None:
        self._at = 0
        self._any = False
        self._last_ns = self._until_ns = 0
        self._counts: I64 = np.zeros((PAIRS_MAX, 2), np.int64)
        self._counts_at: int = self._counts.ctypes.data
        self._make(2 * WAITING_MAX)
        # the first order shall not wait for a compiler
        collect(id(self._trades), 0, self._holders_at, self._trades_at, self._holders_at, self._times_at, 0, 0, 0)

    def _make(self, size: int) -> None:
        old = self._at
        trades, holders, times = np.zeros(size, EVENT), np.zeros(size, PARTIES), np.zeros(size, np.int64)
        if old:
            trades[:old], holders[:old], times[:old] = self._trades[:old], self._holders[:old], self._times[:old]
        self._trades: NDArray[np.void] = trades
        self._holders: NDArray[np.void] = holders
        self._times: I64 = times
        self._trades_at: int = trades.ctypes.data
        self._holders_at: int = holders.ctypes.data
        self._times_at: int = times.ctypes.data

    def add(
        self,
        events: Events,
        parties_at: int,
        accounting: Accounting,
        tick_units: I64,
        session_of: NDArray[np.uint32],
        time_ns: int,
    ) -> None:
        """Take the events of a batch; settle what waits where it is enough, or before another day or tariff begins.

        parties_at: address of the PARTIES of each event. Cost: 1 microsecond, 1 ns an event, and 0.4 microseconds a
        trade when it is settled.
        """
        if time_ns >= self._until_ns:
            self.settle(accounting, tick_units, session_of)
            end_ns = (time_ns // DAY_NS + 1) * DAY_NS
            self._until_ns = min(end_ns, accounting.tariffs.next_ns(time_ns) or end_ns)
        count = len(events)
        if self._at + count > len(self._trades):
            self._make(2 * (self._at + count))
        self._at = collect(
            id(events),
            count,
            parties_at,
            self._trades_at,
            self._holders_at,
            self._times_at,
            self._at,
            time_ns,
            self._counts_at,
        )
        self._any, self._last_ns = True, time_ns
        if self._at >= WAITING_MAX:
            self.settle(accounting, tick_units, session_of)

    def settle(self, accounting: Accounting, tick_units: I64, session_of: NDArray[np.uint32]) -> None:
        """Account for all that waits."""
        if not self._any:
            return
        accounting.ledger.advance(self._last_ns)
        accounting.days.advance(self._last_ns)
        counts = self._counts[: len(tick_units)]
        accounting.days.add_counts(counts[:, 0], counts[:, 1])
        counts[:] = 0
        n, self._at, self._any = self._at, 0, False
        if n:
            # A holder is an account's number and 1; every order of a venue is somebody's.
            holders = self._holders[:n]
            accounts = holders["maker"] - np.uint32(1), holders["taker"] - np.uint32(1)
            accounting.charge(self._trades[:n], accounts, tick_units, session_of[1:], self._times[:n])

    def forget_tariff(self) -> None:
        """A tariff was set: look anew until when what waits is charged by one."""
        assert not self._any
        self._until_ns = 0
