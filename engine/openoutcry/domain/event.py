"""What a book says happened: kinds and flags of the EVENT record."""

from enum import IntEnum, IntFlag


class EventKind(IntEnum):
    """The `kind` of an event; which field holds what is a table in docs/reference/events.md."""

    ACCEPTED = 1
    REJECTED = 2
    RESTING = 3
    TRADED = 4
    CANCELLED = 5
    REPLACED = 6
    TRIGGERED = 7
    REPLENISHED = 8
    EXPIRED = 9
    PHASE_CHANGED = 10
    AUCTION_RESULT = 11
    BAND_BREACHED = 12


class EventFlag(IntFlag):
    """The `flags` of an event."""

    HIDDEN = 1
    """The (maker) order is hidden: public market data leaves it out."""
    AUCTION = 2
    """A trade of an auction."""
    KEPT_PRIORITY = 4
    """REPLACED: the order kept its place."""
    MARKET = 8
    """RESTING: an order without a price waits for an auction; its price is 0."""
    CLOSING = 16
    """PHASE_CHANGED: the auction is the closing one."""
