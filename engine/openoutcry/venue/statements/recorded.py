"""A statement from what a member has recorded itself: its matches, which the venue has signed, and its annulments.

It can be held against the statement of the venue: they agree, or one of the two can be shown to be wrong.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from openoutcry.domain import Side
from openoutcry.venue.proof.messages import Match
from openoutcry.venue.statements.ledger import month_of
from openoutcry.venue.statements.messages import Annulled, StatementLine, wide


def recorded_lines(
    matches: Iterable[Match], annulled: Iterable[Annulled], session: int, month: int, tick_units: Mapping[int, int]
) -> tuple[StatementLine, ...]:
    """Return a line for each pair in which a session has traded or has a position in a month, by pair.

    matches: each once, signatures checked. session: whose; a match of it with itself counts on both sides.
    tick_units: units of a tick, by pair; 1 for others. A match does not say for which account it was, nor that it was
    of an auction: the account of a line is 0, and fees are those of the side as the match names it. Positions begin
    with the first match that is given.
    """
    sums: dict[int, _Sums] = defaultdict(_Sums)
    for match in matches:
        when = month_of(match.time_ns)
        for side, as_maker in ((match.maker, True), (match.taker, False)):
            if side.session == session and when <= month:
                is_buy = (match.side is Side.BUY) is not as_maker
                units = match.price_ticks * match.qty_lots * tick_units.get(match.pair, 1)
                sums[match.pair].add(when == month, 1, is_buy, match.qty_lots, units, as_maker, side.fee_units)
    for one in annulled:
        when = month_of(one.time_ns)
        if when <= month:
            units = one.price_ticks * one.qty_lots * tick_units.get(one.pair, 1)
            is_buy = one.side is Side.BUY
            sums[one.pair].add(when == month, -1, is_buy, one.qty_lots, units, one.as_maker, one.fee_units)
    return tuple(sums[pair].line(pair) for pair in sorted(sums) if sums[pair].has_something)


class _Sums:
    """One line while it is added up."""

    __slots__ = ("fees", "lots", "opening", "trades", "units")

    def __init__(self) -> None:
        self.opening = self.trades = 0
        self.lots, self.units, self.fees = [0, 0], [0, 0], [0, 0]
        """Bought and sold, bought and sold, of maker and of taker."""

    def add(self, now: bool, sign: int, is_buy: bool, lots: int, units: int, as_maker: bool, fee_units: int) -> None:
        if not now:
            self.opening += sign * lots if is_buy else -sign * lots
            return
        self.trades += sign
        self.lots[not is_buy] += sign * lots
        self.units[not is_buy] += sign * units
        self.fees[not as_maker] += sign * fee_units

    @property
    def has_something(self) -> bool:
        return bool(self.opening or self.trades or any((*self.lots, *self.units, *self.fees)))

    def line(self, pair: int) -> StatementLine:
        closing = self.opening + self.lots[0] - self.lots[1]
        sums = (*self.lots, *self.units, *self.fees, 0)
        return StatementLine(0, pair, self.opening, closing, self.trades, *map(wide, sums))
