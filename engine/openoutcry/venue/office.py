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
from openoutcry.venue.statements.tray import Tray
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.venue.tariffs.tariffs import Tariffs

PAIRS_FIRST: Final = 64


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
        self.closing: set[int] = set()
        self.void: dict[tuple[int, int], int] = {}
        self._accounting = Accounting()
        self._tray = Tray()
        self._session_of: NDArray[np.uint32] = np.zeros(1, np.uint32)
        self._tick_units: NDArray[np.int64] = np.zeros(PAIRS_FIRST, np.int64)

    def list_pair(self, pair: int, tick_units: int) -> None:
        """A pair is traded from now on; or again after a restart."""
        if pair >= len(self._tick_units):
            grown = np.zeros(max(pair + 1, 2 * len(self._tick_units)), np.int64)
            grown[: len(self._tick_units)] = self._tick_units
            self._tick_units = grown
        self._tick_units[pair] = tick_units

    def account(self, events: Events, parties_at: int, session_of: NDArray[np.uint32], time_ns: int) -> None:
        """Take the events of one batch. parties_at: address of the PARTIES of each; session_of: by holder.

        Cost: that of `Tray.add`.
        """
        self._session_of = session_of
        self._tray.add(events, parties_at, self._accounting, self._tick_units, session_of, time_ns)

    @property
    def accounting(self) -> Accounting:
        """All that was traded so far; to set a tariff, take `set_tariff`."""
        self._tray.settle(self._accounting, self._tick_units, self._session_of)
        return self._accounting

    @property
    def tariffs(self) -> Tariffs:
        """What is charged from when on; only to be read."""
        return self._accounting.tariffs

    def set_tariff(self, pair: int, tariff: Tariff, now_ns: int) -> str | None:
        """Charge by a tariff from its time on; return why not, and then nothing changes."""
        wrong = self.accounting.tariffs.set(pair, tariff, now_ns)
        self._tray.forget_tariff()
        return wrong

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
        made.phases, made._accounting = Phases.load(state.phases, secret), Accounting.load(state.accounting)
        made.closing = set(state.closing)
        made.void = {(account, pair): lots for account, pair, lots in state.void}
        if made.state() != state:
            raise ValueError("the office of a venue is not as it was saved")
        return made
