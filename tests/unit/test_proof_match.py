"""Matches and the proofs in them: what an escrow may believe, and every way in which it may not."""

from collections.abc import Callable

import msgspec
import pytest

from openoutcry.book import commands
from openoutcry.domain import Side
from openoutcry.domain.records import Commands
from openoutcry.venue.proof.hashes import digest_of, sealed_hash
from openoutcry.venue.proof.match import MatchFault, Refused, read_match
from openoutcry.venue.proof.member import Link, MemberChain
from openoutcry.venue.proof.messages import ChainHead, CommandProof, Match, MatchSide
from openoutcry.venue.proof.shown import Shown, ShownFault, read_command, show_command, sign_tree
from openoutcry.venue.proof.verifying import CODEC
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.requests import enclose, prove
from openoutcry.wire.signed import Signed, sign

VENUE, BUYER, SELLER = (Ed25519Signer(bytes([number]) * 32) for number in (1, 2, 3))
VERIFIER = Ed25519Verifier()
SECRET = b"s" * 32
NOW_NS = 10**18


def sent(signer: Ed25519Signer, session: int, frames: list[Commands]) -> tuple[MemberChain, list[Link]]:
    """Return a member's chain after these frames."""
    chain = MemberChain(VENUE.key, signer.key, session, SECRET)
    links = []
    for rows in frames:
        links.append(chain.extend(chain.sequence + 1, len(rows), digest_of(rows.tobytes()), NOW_NS))
    return chain, links


def frame_of(account: int, side: Side, price_ticks: int) -> Commands:
    """Return three orders; the second one is the one that trades."""
    rows = [commands.place(7, account, number, side, 4 + number, price_ticks) for number in (1, 2, 3)]
    return commands.batch(*rows)


def proof_of(signer: Ed25519Signer, session: int, rows: Commands, *, tree: bool = False) -> CommandProof:
    """Show the second command of the second of four frames."""
    other = commands.batch(commands.cancel(7, 0, 9))
    chain, links = sent(signer, session, [other, rows, other, other])
    signed_tree = sign_tree(signer, VENUE.key, session, SECRET, 2, rows.tobytes()) if tree else None
    after = [links[2].leaf, links[3].leaf]
    return show_command(chain.sign(signer), links[1], after, SECRET, 1, rows.tobytes(), tree=signed_tree)


def match_of(*proofs: CommandProof, price_ticks: int = 100, qty_lots: int = 5) -> Match:
    """Return a match of the seller's resting order with the buyer's."""
    maker, taker = MatchSide(SELLER.key, 9, 3, -1), MatchSide(BUYER.key, 8, 3, 2)
    return Match(1, 50, NOW_NS, 7, Side.BUY, price_ticks, qty_lots, maker, taker, proofs)


MAKER = proof_of(SELLER, 9, frame_of(1, Side.SELL, 99))
TAKER = proof_of(BUYER, 8, frame_of(0, Side.BUY, 101), tree=True)
GOOD = match_of(MAKER, TAKER)


def judged(match: Match, signer: Ed25519Signer = VENUE) -> Match | Refused:
    """Read a match that somebody has signed."""
    return read_match(sign(match, [signer]), VENUE.key, CODEC, VERIFIER)


def test_a_match_with_both_signatures_is_good_however_it_is_signed_and_shown() -> None:
    """As SIGNED, as one message of an ENVELOPE; commands in their frames, by trees, alone or sealed."""
    assert judged(GOOD) == GOOD
    envelope = enclose([b"\x91\x01", encode(GOOD)], VENUE, BUYER.key, 1, NOW_NS, SECRET)
    assert read_match(prove(envelope, 1), VENUE.key, CODEC, VERIFIER) == GOOD
    swapped = match_of(proof_of(SELLER, 9, frame_of(1, Side.SELL, 99), tree=True), TAKER)
    assert judged(swapped) == swapped


def test_a_match_without_both_members_signatures_is_refused() -> None:
    """None, only the maker's, only the taker's, the maker's twice."""
    few: list[tuple[CommandProof, ...]] = [(), (MAKER,)]
    for proofs in few:
        refused = judged(match_of(*proofs))
        assert isinstance(refused, Refused) and refused.fault is MatchFault.NO_PROOF
    wrong: list[tuple[CommandProof, ...]] = [(TAKER,), (TAKER, MAKER), (MAKER, MAKER)]
    for proofs in wrong:
        refused = judged(match_of(*proofs))
        assert isinstance(refused, Refused) and refused.fault is MatchFault.OTHER_COMMAND


def test_only_the_venues_signature_makes_a_match() -> None:
    """Signed by a member, changed after it was signed, or something else that the venue has signed."""
    refused = judged(GOOD, BUYER)
    assert isinstance(refused, Refused) and refused.fault is MatchFault.NOT_THE_VENUE
    signed = sign(GOOD, [VENUE])
    changed = Signed(signed.name, encode(match_of(MAKER, TAKER, price_ticks=101)), signed.signatures)
    refused = read_match(changed, VENUE.key, CODEC, VERIFIER)
    assert isinstance(refused, Refused) and refused.fault is MatchFault.NOT_THE_VENUE
    head = sign(ChainHead(1, SECRET, 0, 1, SECRET, 1, 1), [VENUE])
    refused = read_match(head, VENUE.key, CODEC, VERIFIER)
    assert isinstance(refused, Refused) and refused.fault is MatchFault.NOT_A_MATCH
    envelope = enclose([encode(GOOD)], BUYER, VENUE.key, 1, NOW_NS, SECRET)
    refused = read_match(prove(envelope, 0), VENUE.key, CODEC, VERIFIER)
    assert isinstance(refused, Refused) and refused.fault is MatchFault.NOT_THE_VENUE


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (frame_of(0, Side.BUY, 99), MatchFault.BEYOND_LIMIT),
        (frame_of(0, Side.SELL, 101), MatchFault.OTHER_SIDE),
        (commands.batch(commands.cancel(7, 0, 1), commands.cancel(7, 0, 2)), MatchFault.NO_ORDER),
        (commands.batch(*[commands.place(8, 0, 1, Side.BUY, 9, 100)] * 2), MatchFault.OTHER_PAIR),
        (commands.batch(*[commands.place(7, 0, 1, Side.BUY, 4, 100)] * 2), MatchFault.BEYOND_QUANTITY),
    ],
    ids=lambda value: value.name if isinstance(value, MatchFault) else "",
)
def test_an_order_that_cannot_have_traded_so_is_refused(rows: Commands, fault: MatchFault) -> None:
    """The buyer has signed another order than the one that the venue says has matched."""
    refused = judged(match_of(MAKER, proof_of(BUYER, 8, rows)))
    assert isinstance(refused, Refused) and (refused.fault, refused.member) == (fault, BUYER.key)


def test_replaced_and_market_orders_match_too() -> None:
    """A REPLACE gives the price and quantity; an order without a price takes any."""
    for row in (commands.replace(7, 0, 1, 5, 100), commands.place(7, 0, 1, Side.BUY, 5)):
        match = match_of(MAKER, proof_of(BUYER, 8, commands.batch(row, row)))
        assert judged(match) == match


CHANGES: list[tuple[str, Callable[[CommandProof], CommandProof], ShownFault]] = [
    ("another digest", lambda p: msgspec.structs.replace(p, digest=b"x" * 32), ShownFault.WRONG_CHAIN),
    ("another salt", lambda p: msgspec.structs.replace(p, salt=b"x" * 16), ShownFault.WRONG_CHAIN),
    ("another link before", lambda p: msgspec.structs.replace(p, previous=b"x" * 32), ShownFault.WRONG_CHAIN),
    ("a frame less", lambda p: msgspec.structs.replace(p, after=p.after[1:]), ShownFault.WRONG_CHAIN),
    ("no frames after it", lambda p: msgspec.structs.replace(p, after=()), ShownFault.WRONG_CHAIN),
    ("another number", lambda p: msgspec.structs.replace(p, sequence=3), ShownFault.WRONG_CHAIN),
    ("no place in the frame", lambda p: msgspec.structs.replace(p, index=3), ShownFault.WRONG_CHAIN),
    ("another command", lambda p: msgspec.structs.replace(p, records=b"\x02" + p.records[1:]), ShownFault.WRONG_RUN),
    (
        "another signature",
        lambda p: msgspec.structs.replace(p, signed=msgspec.structs.replace(p.signed, signature=bytes(64))),
        ShownFault.WRONG_SIGNATURE,
    ),
    (
        "another venue",
        lambda p: msgspec.structs.replace(p, signed=msgspec.structs.replace(p.signed, venue=b"x" * 32)),
        ShownFault.FOREIGN,
    ),
]


@pytest.mark.parametrize(("change", "fault"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
@pytest.mark.parametrize("proof", [MAKER, TAKER], ids=["whole run", "tree"])
def test_a_changed_proof_shows_nothing(
    proof: CommandProof, change: Callable[[CommandProof], CommandProof], fault: ShownFault
) -> None:
    """One field at a time; unchanged it shows the second command."""
    shown = read_command(proof, VENUE.key, VERIFIER)
    assert isinstance(shown, Shown) and shown.sequence == 3
    assert read_command(change(proof), VENUE.key, VERIFIER) is fault


def test_a_tree_of_another_frame_or_another_signer_shows_nothing() -> None:
    """The signature on the tree is changed; the tree is of another frame; the path leads elsewhere."""
    tree = TAKER.tree[0]
    for changed in (
        msgspec.structs.replace(tree, signature=bytes(64)),
        msgspec.structs.replace(tree, member=SELLER.key),
        msgspec.structs.replace(tree, digest=b"x" * 32),
    ):
        proof = msgspec.structs.replace(TAKER, tree=(changed,))
        assert read_command(proof, VENUE.key, VERIFIER) is ShownFault.WRONG_TREE
    for proof in (
        msgspec.structs.replace(TAKER, index=0),
        msgspec.structs.replace(TAKER, path=TAKER.path[:1]),
        msgspec.structs.replace(TAKER, tree_salt=b""),
        msgspec.structs.replace(TAKER, records=TAKER.records * 2),
    ):
        assert read_command(proof, VENUE.key, VERIFIER) is ShownFault.WRONG_RUN


def test_a_tree_shows_one_command_and_nothing_of_the_others() -> None:
    """Of three commands one is in the proof; the others appear as salted leaves only, of which no guess fits."""
    rows = frame_of(0, Side.BUY, 101)
    assert TAKER.records == rows[1:2].tobytes()
    packed = encode(match_of(MAKER, TAKER))
    assert rows[0:1].tobytes() not in packed and rows[2:3].tobytes() not in packed
    assert digest_of(b"\x00" + rows[0:1].tobytes()) not in TAKER.path


def test_a_sealed_command_is_shown_with_its_salt() -> None:
    """The hash stands in the chain; with another salt, command or number of commands it shows nothing."""
    salt, command = b"z" * 16, commands.place(7, 0, 1, Side.BUY, 5, 100).tobytes()
    chain = MemberChain(VENUE.key, BUYER.key, 8, SECRET)
    link = chain.extend(1, 1, sealed_hash(salt, BUYER.key, 1, command), NOW_NS)
    proof = show_command(chain.sign(BUYER), link, (), SECRET, 0, command, seal=salt)
    shown = read_command(proof, VENUE.key, VERIFIER)
    assert isinstance(shown, Shown) and shown.command == command
    for changed in (
        msgspec.structs.replace(proof, seal=b"y" * 16),
        msgspec.structs.replace(proof, seal=b"y"),
        msgspec.structs.replace(proof, seal=b""),
        msgspec.structs.replace(proof, records=b"\x02" + command[1:]),
    ):
        assert read_command(changed, VENUE.key, VERIFIER) is ShownFault.WRONG_RUN
