"""A venue from a trader's program: trade, watch, administer; synchronous, asyncio, and in the shape of ccxt.

`Venue` and `AsyncVenue` are shells around one state machine without sockets (`desk.Desk`), driven by a thread that owns
the links. docs/reference/client.md has every promise; docs/tutorial/trade-on-a-venue.md begins at the beginning.
"""

from openoutcry.client.access import Access, Profile, read_profile
from openoutcry.client.aio import AsyncVenue
from openoutcry.client.errors import (
    ClientError,
    Closed,
    DuplicateId,
    Full,
    HandlerFailed,
    NoAnswer,
    NotConnected,
    NotRepresentable,
    OperatorRefused,
    OutcomeUnknown,
    Refused,
    Rejected,
    UnknownOrder,
    UnknownPair,
    VenueFault,
)
from openoutcry.client.listing import Listed, Scale
from openoutcry.client.orders import Order, OrderEvent, OrderState, Position
from openoutcry.client.reading import Missed, Reader
from openoutcry.client.session import EventFrame, Happening, SessionEvent
from openoutcry.client.shell import Taken
from openoutcry.client.venue import Venue
from openoutcry.client.watching import BookView

__all__ = [
    "Access",
    "AsyncVenue",
    "BookView",
    "ClientError",
    "Closed",
    "DuplicateId",
    "EventFrame",
    "Full",
    "HandlerFailed",
    "Happening",
    "Listed",
    "Missed",
    "NoAnswer",
    "NotConnected",
    "NotRepresentable",
    "OperatorRefused",
    "Order",
    "OrderEvent",
    "OrderState",
    "OutcomeUnknown",
    "Position",
    "Profile",
    "Reader",
    "Refused",
    "Rejected",
    "Scale",
    "SessionEvent",
    "Taken",
    "UnknownOrder",
    "UnknownPair",
    "Venue",
    "VenueFault",
    "read_profile",
]
