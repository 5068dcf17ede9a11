"""Which market states are in force: the latest of each authority for each pair, until they end."""

from collections.abc import Collection, Iterable
from typing import Final

from openoutcry.domain import Phase
from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.service import MarketState, PairId, read_market_state
from openoutcry.wire.signed import Signed, Verifier

STRICTEST_FIRST: Final = (Phase.CLOSED, Phase.HALTED, Phase.PRE_OPEN, Phase.AUCTION, Phase.CONTINUOUS)
"""Where authorities differ, the one that lets less happen is obeyed."""


class MarketStates:
    """The states that a node obeys. Only the newest of an authority for a pair counts, whatever order they come in.

    authorities: key ids that the node's configuration names.
    """

    def __init__(self, authorities: Collection[bytes]) -> None:
        self._authorities = frozenset(authorities)
        self._latest: dict[tuple[PairId, bytes], MarketState] = {}

    def read(self, signed: Signed, codec: Codec, verifier: Verifier, now_ns: int) -> MarketState | WireFault:
        """Return a state that may be taken, or why not. Changes nothing; costs the check of one signature."""
        state = read_market_state(signed, codec, verifier, self._authorities)
        return state if isinstance(state, WireFault) else self.fault_of(state, now_ns) or state

    def fault_of(self, state: MarketState, now_ns: int) -> WireFault | None:
        """Return why a state whose signature is good is not taken, None where it is."""
        if state.authority not in self._authorities:
            return fault(FaultCode.UNKNOWN_AUTHORITY, f"authority {state.authority.hex()[:16]}")
        latest = self._latest.get((state.pair, state.authority))
        if latest is not None and state.sequence <= latest.sequence:
            is_same = state.sequence == latest.sequence
            return fault(FaultCode.REPLAYED if is_same else FaultCode.STALE, f"the latest is {latest.sequence}")
        if state.until_ns and state.until_ns <= now_ns:
            return fault(FaultCode.EXPIRED)
        return None

    def take(self, state: MarketState, now_ns: int) -> WireFault | None:
        """Take over a state whose signature is good; a fault says why not and changes nothing."""
        found = self.fault_of(state, now_ns)
        if found is None:
            self._latest[state.pair, state.authority] = state
        return found

    def in_force(self, pair: PairId, now_ns: int) -> MarketState | None:
        """Return the state to be obeyed now: the strictest of those that have not ended; None where nobody says any.

        Among equals that of the lowest authority key, so that all who hear the same obey the same.
        """
        states = [
            state
            for (of, _), state in self._latest.items()
            if of == pair and (state.until_ns == 0 or now_ns < state.until_ns)
        ]
        return min(states, key=lambda state: (STRICTEST_FIRST.index(state.state), state.authority), default=None)

    def due_ns(self, now_ns: int) -> int | None:
        """Return when the next state ends by itself, None where none does: the moment to look again."""
        return min((state.until_ns for state in self._latest.values() if state.until_ns > now_ns), default=None)

    def states(self) -> list[MarketState]:
        """Return what is remembered, in order of pair and authority; ended ones too, since their sequences count."""
        keys = sorted(self._latest, key=lambda key: (key[0].base, key[0].quote, key[1]))
        return [self._latest[key] for key in keys]

    def load(self, states: Iterable[MarketState]) -> None:
        """Take over what `states` gave."""
        self._latest = {(state.pair, state.authority): state for state in states}
