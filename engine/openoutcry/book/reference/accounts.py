"""Accounts, their position in each pair and their backing in each instrument."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from openoutcry.domain import Side
from openoutcry.domain.limits import BACKING_UNITS_MAX, NOTIONAL_MAX, POSITION_LOTS_MAX, QTY_LOTS_MAX

if TYPE_CHECKING:
    from openoutcry.book.reference.order import Order

COUNT_MAX: Final = 2**32 - 1
"""Largest value of a 32-bit field: groups, brokers, sessions, numbers of orders and of fills."""

WINDOW_LOTS_MAX: Final = 2**62 - 1
"""A protection window counts no further, as no limit is larger: so it fits 64 bits however long it lasts."""


@dataclass(slots=True, eq=False)
class Account:
    """Limits and settings of one account; 0 means none for collar, group, broker, session and protection."""

    account_id: int
    group: int
    broker: int = 0
    session: int = 0
    open_orders: int = 0
    open_orders_max: int = COUNT_MAX
    order_lots_max: int = QTY_LOTS_MAX
    notional_max: int = NOTIONAL_MAX
    collar_ticks: int = 0
    position_lots_max: int = POSITION_LOTS_MAX
    backed: bool = False
    protect_interval_ns: int = 0
    protect_lots: int = 0
    protect_delta_lots: int = 0
    protect_fills: int = 0

    @classmethod
    def without_limits(cls, account_id: int) -> Account:
        """Open an account that may do everything, in a group of its own."""
        return cls(account_id, group=account_id + 1)


@dataclass(slots=True, eq=False)
class Position:
    """One account in one pair: net lots, open lots by side, its live orders, and its protection window.

    orders: by handle, in the order in which they were accepted.
    """

    account: Account
    pair_id: int
    net_lots: int = 0
    open_lots: list[int] = field(default_factory=lambda: [0, 0])
    window_begin_ns: int = 0
    window_lots: int = 0
    window_net_lots: int = 0
    window_fills: int = 0
    tripped: bool = False
    orders: dict[int, Order] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int]:
        """Account and pair: the order in which states list positions."""
        return self.account.account_id, self.pair_id

    @property
    def empty(self) -> bool:
        """Whether there is nothing to remember."""
        return not (self.net_lots or any(self.open_lots) or self.window_fills or self.tripped)

    def fill(self, side: Side, lots: int) -> None:
        """Book one fill."""
        self.open_lots[side] -= lots
        self.net_lots += lots if side == Side.BUY else -lots

    def count_fill(self, side: Side, lots: int, clock_ns: int) -> bool:
        """Count one fill for protection, and say whether the position trips by it."""
        account = self.account
        if account.protect_interval_ns == 0:
            return False
        if self.window_fills == 0 or clock_ns >= self.window_begin_ns + account.protect_interval_ns:
            self.window_begin_ns, self.window_lots, self.window_net_lots, self.window_fills = clock_ns, 0, 0, 0
        net = self.window_net_lots + (lots if side == Side.BUY else -lots)
        self.window_net_lots = max(-WINDOW_LOTS_MAX, min(net, WINDOW_LOTS_MAX))
        self.window_lots = min(self.window_lots + lots, WINDOW_LOTS_MAX)
        self.window_fills += 1
        if self.tripped:
            return False
        self.tripped = (
            0 < account.protect_lots <= self.window_lots
            or 0 < account.protect_delta_lots <= abs(self.window_net_lots)
            or 0 < account.protect_fills <= self.window_fills
        )
        return self.tripped

    def reset_protection(self) -> None:
        """Empty the window; new orders are welcome again."""
        self.tripped = False
        self.window_begin_ns, self.window_lots, self.window_net_lots, self.window_fills = 0, 0, 0, 0


@dataclass(slots=True, eq=False)
class Backing:
    """What one account may spend of one instrument: lots of a base, price x lots of a quote instrument."""

    available: int = 0
    drawn: int = 0
    spent: int = 0

    def may_add(self, units: int) -> bool:
        """Whether so much more (or less) keeps it within its bounds."""
        return self.available + units >= 0 and self.available + self.drawn + self.spent + units <= BACKING_UNITS_MAX

    def draw(self, units: int) -> None:
        """Set aside for an order."""
        self.available -= units
        self.drawn += units

    def spend(self, drawn: int, spent: int) -> None:
        """Turn what was drawn for some lots into what they cost; the rest is available again."""
        self.drawn -= drawn
        self.spent += spent
        self.available += drawn - spent
