"""Curbs: what authorities and the operator say of a pair beside its calendar, and which of them counts.

Each authority has one curb on a pair: its newest state counts, and CONTINUOUS means that it has no objection. Of
several curbs the strictest counts: closed, halted, pre-open, auction, in this order.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from openoutcry.domain import Phase
from openoutcry.wire.fields import KeyId
from openoutcry.wire.service import MarketState, StateReason

AUTHORITIES_MAX: Final = 16
"""Authorities with a say over one pair, the operator included."""

STRICTEST: Final = (Phase.CLOSED, Phase.HALTED, Phase.PRE_OPEN, Phase.AUCTION, Phase.CONTINUOUS)


class CurbFault(IntEnum):
    """Why a state changes nothing."""

    OLD = 1
    """The authority has said something newer before."""
    OVER = 2
    """It ended before it came."""
    TOO_MANY = 3
    """More authorities than one pair may have."""


class Curb(NamedTuple):
    """What one authority says of a pair. until_ns: when that ends by itself, 0 for with its next state."""

    authority: KeyId
    sequence: int
    phase: Phase
    reason: StateReason
    until_ns: int

    def is_active(self, now_ns: int) -> bool:
        """Tell whether it keeps the pair from doing as its calendar says."""
        return self.phase is not Phase.CONTINUOUS and (self.until_ns == 0 or self.until_ns > now_ns)


def obeyed(curbs: tuple[Curb, ...], state: MarketState, now_ns: int) -> tuple[Curb, ...] | CurbFault:
    """Return the curbs of a pair with what this state says, by authority, or why it says nothing new.

    state: of this pair, its signature and its authority already checked (`wire.service.read_market_state`). now_ns:
    time of the record. A curb that is lifted stays, with its sequence, so that an older state cannot come back.
    """
    if state.until_ns and state.until_ns <= now_ns:
        return CurbFault.OVER
    others = tuple(curb for curb in curbs if curb.authority != state.authority)
    before = next((curb for curb in curbs if curb.authority == state.authority), None)
    if before is not None and state.sequence <= before.sequence:
        return CurbFault.OLD
    if len(others) == AUTHORITIES_MAX:
        return CurbFault.TOO_MANY
    curb = Curb(state.authority, state.sequence, state.state, state.reason, state.until_ns)
    return tuple(sorted((*others, curb)))


def strictest(curbs: Iterable[Curb], now_ns: int) -> Curb | None:
    """Return the curb that counts now, or None; of equally strict ones the one that lasts longest."""
    active = [curb for curb in curbs if curb.is_active(now_ns)]
    return min(active, key=_strictness, default=None)


def _strictness(curb: Curb) -> tuple[int, int, KeyId]:
    return STRICTEST.index(curb.phase), -(curb.until_ns or 2**63), curb.authority
