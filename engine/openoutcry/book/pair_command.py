"""ADD_PAIR and `Pair` carry the same facts: one into the other, with the reject code when a fact is impossible."""

from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.domain.pair import Allocation, AuctionRule, IcebergRule, Ladder, Pair, Phase
from openoutcry.domain.rejects import RejectCode

TOP_BIT = 1
HASHED_BIT = 2


def pair_from_fields(
    *,
    pair: int,
    flags: int,
    side: int,
    kind: int,
    tif: int,
    stp: int,
    account: int,
    client_id: int,
    price_ticks: int,
    qty_lots: int,
    display_lots: int,
    trigger_ticks: int,
    expiry_ns: int,
) -> Pair | RejectCode:
    """Return the pair that the fields of an ADD_PAIR command describe, or why they describe none. Never raises."""
    if pair >= PAIRS_MAX:
        return RejectCode.UNKNOWN_PAIR
    if flags:
        return RejectCode.INVALID_FLAGS
    if account > TOP_BIT | HASHED_BIT:
        return RejectCode.PARAMETER_OUT_OF_RANGE
    instruments = trigger_ticks % 2**64
    try:
        return Pair(
            pair_id=pair,
            base=instruments >> 32,
            quote=instruments & 0xFFFFFFFF,
            price_ticks_min=display_lots,
            price_ticks_max=price_ticks,
            qty_lots_max=qty_lots,
            phase=Phase(side),
            allocation=Allocation(kind),
            iceberg_rule=IcebergRule(stp),
            auction_rule=AuctionRule(tif),
            pro_rata_minimum_lots=client_id,
            pro_rata_top=bool(account & TOP_BIT),
            reference_ticks=expiry_ns,
            ladder=Ladder.HASHED if account & HASHED_BIT else Ladder.DIRECT,
        )
    except ValueError:
        return RejectCode.PARAMETER_OUT_OF_RANGE
