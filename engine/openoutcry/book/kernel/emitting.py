"""Writing EVENT records: eight stores, no branch.

Room is made sure of before a step (see EVENTS_PER_STEP), never here.
"""

from openoutcry.book.kernel.compiling import helper, inline
from openoutcry.book.kernel.layout import (
    C_CLIENT_ID,
    C_PRICE,
    C_QTY,
    EVENT_AT,
    EVENT_END,
    NEED,
    SEQUENCE,
)
from openoutcry.book.kernel.memory import get1, get8, put8
from openoutcry.domain.event import EventFlag, EventKind

ACCEPTED = int(EventKind.ACCEPTED)
REJECTED = int(EventKind.REJECTED)
RESTING = int(EventKind.RESTING)
TRADED = int(EventKind.TRADED)
CANCELLED = int(EventKind.CANCELLED)
REPLACED = int(EventKind.REPLACED)
TRIGGERED = int(EventKind.TRIGGERED)
REPLENISHED = int(EventKind.REPLENISHED)
EXPIRED = int(EventKind.EXPIRED)
PHASE_CHANGED = int(EventKind.PHASE_CHANGED)
AUCTION_RESULT = int(EventKind.AUCTION_RESULT)
BAND_BREACHED = int(EventKind.BAND_BREACHED)
F_HIDDEN = int(EventFlag.HIDDEN)
F_AUCTION = int(EventFlag.AUCTION)
F_KEPT = int(EventFlag.KEPT_PRIORITY)
F_MARKET = int(EventFlag.MARKET)
F_CLOSING = int(EventFlag.CLOSING)


@inline
def emit(
    h: int,
    kind: int,
    side: int,
    code: int,
    flags: int,
    pair: int,
    maker: int,
    taker: int,
    price: int,
    lots: int,
    maker_leaves: int,
    taker_leaves: int,
) -> None:
    """Append one event of the present command."""
    e = get8(h + EVENT_AT)
    put8(h + EVENT_AT, e + 64)
    put8(e, get8(h + SEQUENCE))
    put8(e + 8, kind | side << 8 | code << 16 | flags << 24 | pair << 32)
    put8(e + 16, maker)
    put8(e + 24, taker)
    put8(e + 32, price)
    put8(e + 40, lots)
    put8(e + 48, maker_leaves)
    put8(e + 56, taker_leaves)


@helper
def is_short(h: int, events: int) -> bool:
    """Tell whether fewer than `events` fit into the buffer; then say how many are needed."""
    if get8(h + EVENT_AT) + (events << 6) > get8(h + EVENT_END):
        put8(h + NEED, events)
        return True
    return False


@inline
def reject(h: int, c: int, pair: int, code: int) -> None:
    """Answer a command that is refused; nothing else changes."""
    emit(h, REJECTED, get1(c + 1), code, 0, pair, 0, get8(c + C_CLIENT_ID), get8(c + C_PRICE), get8(c + C_QTY), 0, 0)
