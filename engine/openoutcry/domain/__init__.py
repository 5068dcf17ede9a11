"""Words of the market as types: pairs, orders, commands, events, reject codes, bounds. Integers only.

Imports nothing else of the engine; numpy only in `records`, which is therefore not imported here.
"""

from openoutcry.domain.event import EventFlag, EventKind
from openoutcry.domain.ids import generation_of, handle, slot_of
from openoutcry.domain.order import (
    AccountField,
    AdjustMode,
    CommandFlag,
    MassCancelScope,
    Op,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)
from openoutcry.domain.pair import Allocation, AuctionRule, IcebergRule, Ladder, Pair, Phase
from openoutcry.domain.rejects import CancelReason, RejectCode

__all__ = [
    "AccountField",
    "AdjustMode",
    "Allocation",
    "AuctionRule",
    "CancelReason",
    "CommandFlag",
    "EventFlag",
    "EventKind",
    "IcebergRule",
    "Ladder",
    "MassCancelScope",
    "Op",
    "OrderType",
    "Pair",
    "Phase",
    "RejectCode",
    "SelfTrade",
    "Side",
    "TimeInForce",
    "generation_of",
    "handle",
    "slot_of",
]
