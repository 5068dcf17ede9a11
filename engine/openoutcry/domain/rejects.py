"""Why a command is refused. The numeric order is the order of precedence: the lowest code that applies is given.

Codes 1 to 15 say that the command makes no sense anywhere, 16 to 19 that it makes none here and now, 20 to 27 that
its account may not, 28 to 30 that the book cannot take it.
"""

from enum import IntEnum


class RejectCode(IntEnum):
    """The `code` of a REJECTED event."""

    UNKNOWN_OP = 1
    """`op` is not one of `Op`."""
    UNKNOWN_PAIR = 2
    """The pair was never added, or is retired."""
    UNKNOWN_ACCOUNT = 3
    """The account is not open."""
    INVALID_SIDE = 4
    """`side` is neither BUY nor SELL."""
    INVALID_KIND = 5
    """`kind` is no order type (PLACE), scope (MASS_CANCEL), phase (SET_PHASE), field (SET_LIMITS) or mode
    (ADJUST_PAIR)."""
    INVALID_TIF = 6
    """`tif` is no time in force."""
    INVALID_STP = 7
    """`stp` is no self-trade prevention mode."""
    INVALID_FLAGS = 8
    """A flag bit that this op does not know."""
    INVALID_COMBINATION = 9
    """Order type and time in force do not go together."""
    QUANTITY_OUT_OF_RANGE = 10
    """`qty_lots` is not within 1 and the pair's largest order (operator commands: the range of their value)."""
    PRICE_OUT_OF_RANGE = 11
    """`price_ticks` is outside the pair's range, or not 0 where the order type takes none."""
    DISPLAY_OUT_OF_RANGE = 12
    """`display_lots`: an iceberg's peak not within 1 and the quantity, or a minimum that the order cannot have."""
    TRIGGER_OUT_OF_RANGE = 13
    """`trigger_ticks` is outside the pair's range, or not 0 where the order type takes none."""
    EXPIRY_OUT_OF_RANGE = 14
    """`expiry_ns` is not later than the clock (GTD), or not 0 (all others)."""
    PARAMETER_OUT_OF_RANGE = 15
    """Another field of an operator command."""
    TIME_RUNS_BACK = 16
    """CLOCK earlier than the last one."""
    PHASE_FORBIDS = 17
    """The pair's phase does not take this (see the table of phases)."""
    UNKNOWN_ORDER = 18
    """CANCEL, REDUCE, REPLACE: no such live order of this account in this pair."""
    DUPLICATE_ID = 19
    """PLACE: the account has a live order with this client id; ADD_PAIR: the pair id was used before."""
    PROTECTED = 20
    """Market-maker protection of the account has tripped in this pair and was not reset."""
    OPEN_ORDERS_LIMIT = 21
    """The account has as many live orders as it may."""
    ORDER_SIZE_LIMIT = 22
    """Larger than the account's largest order."""
    NOTIONAL_LIMIT = 23
    """Price times quantity above the account's limit."""
    COLLAR_LIMIT = 24
    """Too far from the last price."""
    POSITION_LIMIT = 25
    """Net position plus open quantity on this side would pass the account's limit."""
    WOULD_INCREASE = 26
    """REDUCE_ONLY, and it would not bring the net position towards zero."""
    BACKING_LIMIT = 27
    """The account's available backing does not cover it."""
    WOULD_TRADE = 28
    """POST_ONLY, and it would trade on arrival."""
    BOOK_CROSSED = 29
    """SET_PHASE to continuous while bids and asks cross: uncross first."""
    CAPACITY = 30
    """No room for another order, or the pair's open quantity would pass OPEN_LOTS_MAX."""


class CancelReason(IntEnum):
    """The `code` of a CANCELLED or EXPIRED event."""

    USER = 1
    """CANCEL or REDUCE by the trader."""
    MASS = 2
    """MASS_CANCEL."""
    IOC = 3
    """Rest of an immediate-or-cancel order."""
    FOK = 4
    """Fill-or-kill that could not be filled whole."""
    MINIMUM = 5
    """The minimum quantity could not be traded on arrival."""
    NO_LIQUIDITY = 6
    """Rest of a market order, or a market-to-limit that found no price."""
    SELF_TRADE = 7
    """Self-trade prevention."""
    PROTECTION = 8
    """Market-maker protection tripped."""
    BAND = 9
    """Rest of an order that cannot wait for the auction that a breached band starts."""
    DAY = 10
    """DAY order at the close."""
    GTD = 11
    """Good-till-date order whose time has come."""
    AUCTION = 12
    """What an auction left of a market, at-open or at-close order, or such an order when the auction is over."""
    RETIRED = 13
    """The pair was retired."""
    ADJUSTED = 14
    """The pair was adjusted and the order could not be re-priced."""
