"""The office of a venue: beside the books it leads the phases of pairs and accounts for trades.

The floor tells it of every batch of events; an operator and authorities speak to it through `rulings`.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import EventFlag, EventKind
from openoutcry.domain.records import Events
from openoutcry.venue.calendar.phases import Phases
from openoutcry.venue.statements.accounting import Accounting

PAIRS_FIRST: Final = 64

_TRADED: Final = int(EventKind.TRADED)
_COUNTED: Final = (int(EventKind.CANCELLED), int(EventKind.EXPIRED), int(EventKind.PHASE_CHANGED))
"""Kinds of events that a day report counts beside trades."""


class OfficeState(NamedTuple):
    """What a snapshot has of it. void: account, pair, and the lots that annulled trades have added in the books."""

    phases: bytes
    accounting: bytes
    closing: tuple[int, ...]
    void: tuple[tuple[int, int, int], ...]


class Office:
    """State of a role: changed in `apply` only, deterministic, saved and loaded.

    closing: pairs whose auction is the closing one. void: by account and pair, lots that the books count and that an
    annulled trade had brought.
    """

    def __init__(self, secret: bytes) -> None:
        """secret: 32 bytes of the venue, from which random ends of auctions are drawn."""
        self.phases = Phases(secret)
        self.accounting = Accounting()
        self.closing: set[int] = set()
        self.void: dict[tuple[int, int], int] = {}
        self._tick_units: NDArray[np.int64] = np.zeros(PAIRS_FIRST, np.int64)

    def list_pair(self, pair: int, tick_units: int) -> None:
        """A pair is traded from now on; or again after a restart."""
        if pair >= len(self._tick_units):
            grown = np.zeros(max(pair + 1, 2 * len(self._tick_units)), np.int64)
            grown[: len(self._tick_units)] = self._tick_units
            self._tick_units = grown
        self._tick_units[pair] = tick_units

    def account(
        self, events: Events, parties: NDArray[np.void], session_of: NDArray[np.uint32], time_ns: int
    ) -> NDArray[np.void] | None:
        """Take the events of one batch; return a TRADE_ROW of each trade, None where there was none.

        parties: (events,) PARTIES. session_of: the session of each holder. Cost: 1 microsecond and 1 ns an event where
        nothing happened that counts, else as `Accounting.take`.
        """
        kinds = events["kind"].tobytes()
        if _TRADED not in kinds:
            if any(kind in kinds for kind in _COUNTED):
                self.accounting.days.advance(time_ns)
                self.accounting.days.add_events(events)
            return None
        traded = parties[events["kind"] == _TRADED]
        # A holder is an account's number and 1; every order of a venue is somebody's.
        makers, takers = traded["maker"] - np.uint32(1), traded["taker"] - np.uint32(1)
        return self.accounting.take(events, (makers, takers), self._tick_units, session_of[1:], time_ns)

    def note_phases(self, events: Events, time_ns: int) -> None:
        """Take the changes of phases among events, and breached bands."""
        for row in events[(events["kind"] == EventKind.PHASE_CHANGED) | (events["kind"] == EventKind.BAND_BREACHED)]:
            pair = int(row["pair"])
            if int(row["kind"]) == EventKind.BAND_BREACHED:
                self.phases.breached(pair, time_ns)
            elif int(row["flags"]) & EventFlag.CLOSING:
                self.closing.add(pair)
            else:
                self.closing.discard(pair)

    def note_void(self, account: int, pair: int, lots: int) -> None:
        """An annulled trade had brought an account so many lots, which the books go on counting."""
        self.void[account, pair] = self.void.get((account, pair), 0) + lots

    def state(self) -> OfficeState:
        """Return all of it for a snapshot."""
        void = tuple((*key, lots) for key, lots in sorted(self.void.items()))
        return OfficeState(self.phases.save(), self.accounting.save(), tuple(sorted(self.closing)), void)

    @classmethod
    def restored(cls, state: OfficeState, secret: bytes) -> "Office":
        """Return what `state` gave. Raises ValueError for anything else."""
        made = cls(secret)
        made.phases, made.accounting = Phases.load(state.phases, secret), Accounting.load(state.accounting)
        made.closing = set(state.closing)
        made.void = {(account, pair): lots for account, pair, lots in state.void}
        if made.state() != state:
            raise ValueError("the office of a venue is not as it was saved")
        return made
