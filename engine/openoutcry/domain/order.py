"""What a trader can say: sides, order types, times in force, self-trade prevention, flags.

The numbers are part of the COMMAND record and are never reused. What each combination means is in
docs/reference/rules.md; what is allowed where is in `openoutcry.domain.rejects`.
"""

from enum import IntEnum, IntFlag


class Side(IntEnum):
    """Side of an order."""

    BUY = 0
    SELL = 1

    @property
    def opposite(self) -> "Side":
        """The side that it trades with."""
        return Side(1 - self)


class Op(IntEnum):
    """What a command asks for; 0 is never valid, so an all-zero record is a reject and not an order."""

    PLACE = 1
    CANCEL = 2
    REDUCE = 3
    REPLACE = 4
    MASS_CANCEL = 5
    SET_PHASE = 6
    UNCROSS = 7
    CLOCK = 8
    SET_BAND = 9
    SET_LIMITS = 10
    FUND = 11
    MOVE_REFERENCE = 12
    ADD_PAIR = 13
    RETIRE_PAIR = 14
    ADJUST_PAIR = 15
    RESET_PROTECTION = 16


class OrderType(IntEnum):
    """The `kind` of a PLACE command."""

    LIMIT = 0
    MARKET = 1
    MARKET_TO_LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    ICEBERG = 5
    POST_ONLY = 6
    POST_ONLY_SLIDE = 7
    HIDDEN = 8


class TimeInForce(IntEnum):
    """The `tif` of a PLACE command."""

    GTC = 0
    DAY = 1
    GTD = 2
    IOC = 3
    FOK = 4
    AT_OPEN = 5
    AT_CLOSE = 6


class SelfTrade(IntEnum):
    """The `stp` of a PLACE command: what happens when it would reach an order of its own account group."""

    NONE = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3
    DECREMENT = 4


class CommandFlag(IntFlag):
    """The `flags` of a command."""

    BY_HANDLE = 1
    """CANCEL, REDUCE, REPLACE: `client_id` is the engine's handle. PLACE: the client id is echoed, not indexed."""

    REDUCE_ONLY = 2
    """PLACE: may only bring the account's net position in this pair towards zero."""

    CLOSING = 4
    """SET_PHASE: the auction that begins, or that pre-open leads to, is the closing one."""


class MassCancelScope(IntEnum):
    """The `kind` of a MASS_CANCEL command."""

    ACCOUNT = 0
    ACCOUNT_PAIR = 1
    PAIR = 2
    SESSION = 3


class AdjustMode(IntEnum):
    """The `kind` of an ADJUST_PAIR command."""

    CANCEL = 0
    REPRICE = 1


class AccountField(IntEnum):
    """The `kind` of a SET_LIMITS command: which value of the account `qty_lots` becomes."""

    OPEN = 0
    OPEN_ORDERS_MAX = 1
    ORDER_LOTS_MAX = 2
    NOTIONAL_MAX = 3
    COLLAR_TICKS = 4
    POSITION_LOTS_MAX = 5
    GROUP = 6
    BROKER = 7
    SESSION = 8
    BACKED = 9
    PROTECT_INTERVAL_NS = 10
    PROTECT_LOTS = 11
    PROTECT_DELTA_LOTS = 12
    PROTECT_FILLS = 13
