"""A MATCH and what makes it worth something: the venue's signature, and those of both members over their orders.

A venue cannot invent a fill: it would have to show a command that the member has signed, in that pair, on that side, at
that price or worse, of that size. Whether the two were next in priority is what heads and a replay show.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from openoutcry.domain import Op, Side
from openoutcry.domain.records import COMMAND
from openoutcry.venue.proof.messages import CommandProof, Match, MatchSide
from openoutcry.venue.proof.shown import ShownFault, read_command
from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import WireFault
from openoutcry.wire.requests import Proven, read_proven
from openoutcry.wire.signed import Signed, Verifier, open_signed, verify


class MatchFault(IntEnum):
    """Why a MATCH cannot be settled."""

    NOT_A_MATCH = 1
    """What was signed is something else."""
    NOT_THE_VENUE = 2
    """The venue has not signed it."""
    NO_PROOF = 3
    """The signature of a member is missing."""
    BAD_PROOF = 4
    """The proof of a member's order does not hold."""
    OTHER_COMMAND = 5
    """The command that is proved is not the one that the match names."""
    NO_ORDER = 6
    """The command places no order and gives none a new price."""
    OTHER_PAIR = 7
    """The order is for another pair."""
    OTHER_SIDE = 8
    """The order is for the other side."""
    BEYOND_LIMIT = 9
    """The price is worse than the order's limit."""
    BEYOND_QUANTITY = 10
    """More lots than the order asks for."""


class Refused(NamedTuple):
    """Why a match is refused, of whom, and in words."""

    fault: MatchFault
    member: bytes
    detail: str


NOBODY: Final = b""


def read_match(evidence: Signed | Proven, venue: bytes, codec: Codec, verifier: Verifier) -> Match | Refused:
    """Return a match that can be settled, or why it cannot. All may come from a stranger.

    evidence: the SIGNED or PROVEN in which the venue's signature came. codec: knows this module's messages. Cost: three
    signatures, two more where commands are shown by trees: 120 to 200 microseconds.
    """
    match = read_claim(evidence, venue, codec, verifier)
    return match if isinstance(match, Refused) else judge_match(match, venue, verifier)


def read_claim(evidence: Signed | Proven, venue: bytes, codec: Codec, verifier: Verifier) -> Match | Refused:
    """Return a match that the venue has signed, with or without the members."""
    if isinstance(evidence, Proven):
        request = read_proven(evidence, codec, verifier)
        if isinstance(request, WireFault):
            return Refused(MatchFault.NOT_THE_VENUE, NOBODY, str(request))
        body = codec.decode(evidence.body)
        signer = request.sender
    else:
        body, signer = open_signed(evidence, codec), venue
        found = verify(evidence, verifier, (venue,))
        if found is not None:
            return Refused(MatchFault.NOT_THE_VENUE, NOBODY, str(found))
    if signer != venue:
        return Refused(MatchFault.NOT_THE_VENUE, NOBODY, f"signed by {signer.hex()[:16]}")
    if not isinstance(body, Match):
        return Refused(MatchFault.NOT_A_MATCH, NOBODY, type(body).__name__)
    return body


def judge_match(match: Match, venue: bytes, verifier: Verifier) -> Match | Refused:
    """Say whether both members have signed the orders of a match of which the venue's signature was verified."""
    sides = ((match.maker, Side(1 - match.side)), (match.taker, match.side))
    for at, (side, direction) in enumerate(sides):
        if at >= len(match.proofs):
            return Refused(MatchFault.NO_PROOF, side.member, "no signature of the member covers its order")
        refused = _judge_side(match, side, direction, match.proofs[at], venue, verifier)
        if refused is not None:
            return refused
    return match


def _judge_side(
    match: Match, side: MatchSide, direction: Side, proof: CommandProof, venue: bytes, verifier: Verifier
) -> Refused | None:
    shown = read_command(proof, venue, verifier)
    if isinstance(shown, ShownFault):
        return Refused(MatchFault.BAD_PROOF, side.member, shown.name.lower().replace("_", " "))
    if (shown.member, shown.session, shown.sequence) != (side.member, side.session, side.sequence):
        return Refused(MatchFault.OTHER_COMMAND, side.member, f"command {shown.sequence}, not {side.sequence}")
    found = order_fault(shown.command, match.pair, direction, match.price_ticks, match.qty_lots)
    return None if found is None else Refused(found, side.member, f"command {side.sequence}")


def quantity_of(proof: CommandProof) -> int:
    """Return the lots that the order of a proof that was judged asks for; no more may be settled for it in all."""
    index = 0 if proof.tree or proof.seal else proof.index
    return int(np.frombuffer(proof.records, COMMAND)[index]["qty_lots"])


def order_fault(command: bytes, pair: int, side: Side, price_ticks: int, qty_lots: int) -> MatchFault | None:
    """Say why an order, placed or replaced by a command, cannot have traded so, or None."""
    row = np.frombuffer(command, COMMAND, 1)[0]
    op = int(row["op"])
    if op not in (Op.PLACE, Op.REPLACE):
        return MatchFault.NO_ORDER
    if int(row["pair"]) != pair:
        return MatchFault.OTHER_PAIR
    if op == Op.PLACE and int(row["side"]) != side:
        return MatchFault.OTHER_SIDE
    limit = int(row["price_ticks"])
    if limit and (price_ticks > limit if side == Side.BUY else price_ticks < limit):
        return MatchFault.BEYOND_LIMIT
    return MatchFault.BEYOND_QUANTITY if qty_lots > int(row["qty_lots"]) else None
