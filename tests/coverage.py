"""Counts what a stream of commands has reached, from the commands and the events alone."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from openoutcry.domain import CancelReason, EventKind, Op, OrderType, Pair, Phase, RejectCode, SelfTrade
from openoutcry.domain.records import Commands, Events

FORBIDDEN = (Phase.CLOSED, Phase.HALTED)
"""Phases that take no order: there a PLACE counts when the phase is why it is refused."""

ACCOUNT_CHECKS = (
    RejectCode.PROTECTED,
    RejectCode.OPEN_ORDERS_LIMIT,
    RejectCode.ORDER_SIZE_LIMIT,
    RejectCode.NOTIONAL_LIMIT,
    RejectCode.COLLAR_LIMIT,
    RejectCode.POSITION_LIMIT,
    RejectCode.WOULD_INCREASE,
    RejectCode.BACKING_LIMIT,
)

Combination = tuple[Phase, OrderType, SelfTrade]


class Coverage:
    """Orders by phase, order type and self-trade mode; events by kind; rejects and cancellations by reason."""

    def __init__(self, pairs: Sequence[Pair] = ()) -> None:
        self.begin(pairs)
        self.placed: Counter[tuple[int, int, int]] = Counter()
        self.rejected: Counter[int] = Counter()
        self.cancelled: Counter[int] = Counter()
        self.events: Counter[int] = Counter()

    def begin(self, pairs: Sequence[Pair]) -> None:
        """Go on counting with new books, which have these pairs."""
        self.phases = {pair.pair_id: int(pair.phase) for pair in pairs}

    def add(self, commands: Commands, events: Events, first_sequence: int) -> None:
        """Count one batch, whose first command had this sequence number."""
        kinds = events["kind"]
        self.events.update(dict(zip(*map(np.ndarray.tolist, np.unique(kinds, return_counts=True)), strict=True)))
        ends = events[(kinds == EventKind.CANCELLED) | (kinds == EventKind.EXPIRED)]["code"]
        self.cancelled.update(dict(zip(*map(np.ndarray.tolist, np.unique(ends, return_counts=True)), strict=True)))
        telling = np.isin(kinds, (EventKind.ACCEPTED, EventKind.REJECTED, EventKind.PHASE_CHANGED))
        columns = (commands[name].tolist() for name in ("op", "side", "kind", "stp"))
        ops, sides, order_kinds, stps = columns
        rows = events[telling]
        names = ("sequence", "kind", "code", "pair")
        for sequence, kind, code, pair in zip(*(rows[name].tolist() for name in names), strict=True):
            at = sequence - first_sequence
            if kind == EventKind.PHASE_CHANGED:
                self.phases[pair] = code
            elif kind == EventKind.REJECTED:
                self.rejected[code] += 1
                if ops[at] == Op.PLACE and code == RejectCode.PHASE_FORBIDS and self.phases[pair] in FORBIDDEN:
                    self.placed[self.phases[pair], order_kinds[at], stps[at]] += 1
            elif code == Op.PLACE:
                self.placed[self.phases[pair], order_kinds[at], stps[at]] += 1
            elif code == Op.ADD_PAIR:
                self.phases[pair] = sides[at]

    def counts(self) -> dict[str, int]:
        """All counts by name, those of things that were never reached too."""
        named = {
            f"{phase.name} {kind.name} {stp.name}": self.placed[phase, kind, stp]
            for phase in Phase
            for kind in OrderType
            for stp in SelfTrade
        }
        named |= {f"rejected {code.name}": self.rejected[code] for code in RejectCode}
        named |= {f"cancelled {reason.name}": self.cancelled[reason] for reason in CancelReason}
        return named | {f"event {kind.name}": self.events[kind] for kind in EventKind}

    def lacking(self, least: int) -> Iterator[str]:
        """What was reached less often than that: combinations, account checks."""
        checks = {f"rejected {code.name}" for code in ACCOUNT_CHECKS}
        for name, count in self.counts().items():
            combination = name.split(" ")[0] in Phase.__members__
            if count < least and (combination or name in checks):
                yield f"{name}: {count}"
