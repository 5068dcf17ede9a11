"""Chains of members and venue: links, signatures, heads, receipts, and what the desk answers, also after a restart."""

from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise

import pytest

from openoutcry.venue.proof.chain import VenueChain, follows, leads_to
from openoutcry.venue.proof.desk import ProofDesk
from openoutcry.venue.proof.hashes import (
    digest_of,
    head_chain,
    member_leaf,
    member_link,
    member_start,
    run_salt,
    venue_leaf,
    venue_start,
)
from openoutcry.venue.proof.limits import HEAD_NS, HEAD_RUNS_MAX, OVERDUE_NS, SIGN_NS, SIGN_RUNS_MAX
from openoutcry.venue.proof.member import MemberChain, MemberWatch, SignatureFault, sign_commands
from openoutcry.venue.proof.messages import (
    NO_HASH,
    ChainHead,
    ChainState,
    CommandsSigned,
    ProofAsk,
    ProofWanted,
    Receipt,
    ReceiptState,
)
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.merkle import salt_of

VENUE, SECRET = b"V" * 32, b"s" * 32
SIGNER, OTHER = Ed25519Signer(b"k" * 32), Ed25519Signer(b"o" * 32)
VERIFIER = Ed25519Verifier()
RECORDS = bytes(range(64)) * 4
NOW_NS = 10**18


def secret_of(path: str) -> bytes:
    """Stand in for `Ports.secret`."""
    return sha256(path.encode()).digest()


def chains() -> tuple[MemberChain, MemberWatch]:
    """Return a member's chain and the venue's watch of it."""
    return MemberChain(VENUE, SIGNER.key, 3, SECRET), MemberWatch(VENUE, SIGNER.key, 3, SECRET)


def test_the_hashes_are_those_of_the_table() -> None:
    """Each hash written out by hand from `hashes`' table."""
    salt, digest = salt_of(SECRET, 5), sha256(RECORDS).digest()
    number, count, book = (5).to_bytes(8, "little"), (4).to_bytes(4, "little"), (90).to_bytes(8, "little")
    assert run_salt(SECRET, 5) == salt and digest_of(RECORDS) == digest
    leaf = sha256(b"\x00" + salt + number + count + digest).digest()
    assert member_leaf(salt, 5, 4, digest) == leaf
    assert member_link(NO_HASH, leaf) == sha256(b"\x02" + NO_HASH + leaf).digest()
    session = (3).to_bytes(8, "little")
    assert member_start(VENUE, SIGNER.key, 3) == sha256(b"\x03" + VENUE + SIGNER.key + session).digest()
    placed = sha256(b"\x00" + salt + SIGNER.key + number + count + book + digest).digest()
    assert venue_leaf(salt, SIGNER.key, 5, 4, 90, digest) == placed
    assert venue_start(VENUE) == sha256(b"\x05" + VENUE).digest()
    head = ChainHead(7, NO_HASH, 5, 4, digest, 90, 1_000)
    fields = NO_HASH + (7).to_bytes(8, "little") + number + count + book + (1_000).to_bytes(8, "little") + digest
    assert head_chain(head) == sha256(b"\x04" + fields).digest()


def test_both_sides_of_a_members_chain_agree_and_a_signature_covers_it() -> None:
    """Three runs; the venue takes the member's signature, and once more, and says what it covers."""
    chain, watch = chains()
    for sequence, count in ((1, 1), (2, 4), (6, 2)):
        link = chain.extend(sequence, count, digest_of(RECORDS), NOW_NS)
        assert watch.take(sequence, count, digest_of(RECORDS), NOW_NS) == link
    assert (watch.covered, watch.unsigned) == (0, 7)
    signed = chain.sign(SIGNER, 9, b"h" * 32)
    assert (signed.sequence, signed.seen, signed.seen_chain) == (7, 9, b"h" * 32)
    assert watch.judge(signed, VERIFIER) is None
    assert watch.hear(signed, NOW_NS) is None and watch.hear(signed, NOW_NS) is None
    assert (watch.covered, watch.unsigned) == (7, 0)
    first = watch.link_of(1)
    assert first is not None and watch.leaves_between(first) is not None
    assert watch.link_of(4) == watch.link_of(2) and watch.link_of(8) is None


def test_a_signature_is_due_after_a_tenth_of_a_second_or_many_frames() -> None:
    """Not before, not without frames; a frame that does not follow is refused."""
    chain, _ = chains()
    assert chain.due_ns is None and not chain.is_due(NOW_NS)
    chain.extend(1, 1, digest_of(RECORDS), NOW_NS)
    assert not chain.is_due(NOW_NS + SIGN_NS - 1) and chain.is_due(NOW_NS + SIGN_NS)
    for sequence in range(2, SIGN_RUNS_MAX):
        chain.extend(sequence, 1, digest_of(RECORDS), NOW_NS)
    assert not chain.is_due(NOW_NS)
    chain.extend(SIGN_RUNS_MAX, 1, digest_of(RECORDS), NOW_NS)
    assert chain.is_due(NOW_NS)
    chain.sign(SIGNER)
    assert chain.due_ns is None
    with pytest.raises(ValueError, match="after command 256"):
        chain.extend(SIGN_RUNS_MAX, 1, digest_of(RECORDS), NOW_NS)


def test_what_the_venue_changed_in_a_chain_no_signature_of_the_member_fits() -> None:
    """Changed, dropped, inserted, reordered: the member's signature is over another chain than the venue's."""
    sent = [(1, 1, b"a"), (2, 2, b"b"), (4, 1, b"c")]
    taken = {
        "changed": [(1, 1, b"a"), (2, 2, b"x"), (4, 1, b"c")],
        "cut otherwise": [(1, 1, b"a"), (2, 1, b"b"), (3, 2, b"c")],
        "inserted": [(1, 1, b"x"), (2, 1, b"a"), (3, 2, b"b")],
        "reordered": [(1, 2, b"b"), (3, 1, b"a"), (4, 1, b"c")],
    }
    for name, frames in taken.items():
        chain, watch = chains()
        for sequence, count, content in sent:
            chain.extend(sequence, count, digest_of(content), NOW_NS)
        for sequence, count, content in frames:
            watch.take(sequence, count, digest_of(content), NOW_NS)
        assert watch.hear(chain.sign(SIGNER), NOW_NS) is SignatureFault.WRONG_CHAIN, name


def test_signatures_of_others_and_for_others_are_not_taken() -> None:
    """Another venue, member, session or key; a command that was never taken; an old one."""
    chain, watch = chains()
    chain.extend(1, 1, digest_of(RECORDS), NOW_NS)
    watch.take(1, 1, digest_of(RECORDS), NOW_NS)
    good = chain.sign(SIGNER)
    for venue, session, signer in ((b"W" * 32, 3, SIGNER), (VENUE, 4, SIGNER), (VENUE, 3, OTHER)):
        forged = sign_commands(signer, venue, session, 1, chain.chain)
        assert watch.judge(forged, VERIFIER) is SignatureFault.FOREIGN
    fields = (good.venue, good.member, good.session, good.sequence)
    changed = CommandsSigned(*fields, b"x" * 32, good.seen, good.seen_chain, good.signature)
    assert watch.judge(changed, VERIFIER) is SignatureFault.WRONG_SIGNATURE
    assert watch.hear(sign_commands(SIGNER, VENUE, 3, 2, chain.chain), NOW_NS) is SignatureFault.UNKNOWN_SEQUENCE
    assert watch.hear(good, NOW_NS) is None
    assert watch.hear(sign_commands(SIGNER, VENUE, 3, 1, b"x" * 32), NOW_NS) is SignatureFault.UNKNOWN_SEQUENCE


def test_a_member_that_does_not_sign_falls_behind() -> None:
    """A second after its first command without a signature; a signature sets it right."""
    chain, watch = chains()
    assert not watch.is_behind(NOW_NS)
    for sequence in (1, 2):
        chain.extend(sequence, 1, digest_of(RECORDS), NOW_NS)
        watch.take(sequence, 1, digest_of(RECORDS), NOW_NS)
    assert not watch.is_behind(NOW_NS + OVERDUE_NS) and watch.is_behind(NOW_NS + OVERDUE_NS + 1)
    assert watch.hear(chain.sign(SIGNER), NOW_NS + OVERDUE_NS) is None
    assert not watch.is_behind(NOW_NS + 10 * OVERDUE_NS)


def filled(count: int, runs_max: int = 1_000) -> tuple[VenueChain, list[ChainHead]]:
    """Return a chain of so many frames of session 3, a head every ten."""
    chain, heads = VenueChain(VENUE, runs_max=runs_max), []
    for sequence in range(1, count + 1):
        salt, digest = run_salt(SECRET, sequence), digest_of(b"%d" % sequence)
        chain.take(salt, 3, SIGNER.key, sequence, 1, sequence + 100, digest)
        head = chain.close(NOW_NS + sequence * HEAD_NS // 10)
        heads += [head] if head else []
    return chain, heads


def leaf_of(sequence: int) -> bytes:
    """Return the leaf of one frame of `filled`."""
    digest = digest_of(b"%d" % sequence)
    return venue_leaf(run_salt(SECRET, sequence), SIGNER.key, sequence, 1, sequence + 100, digest)


def test_heads_follow_one_another_and_come_at_most_once_in_ten_milliseconds() -> None:
    """The first frame is under a head at once, the next ones wait ten milliseconds from that."""
    _, heads = filled(41)
    assert [head.count for head in heads] == [1, 10, 10, 10, 10]
    assert [head.before for head in heads] == [0, 1, 11, 21, 31]
    assert heads[0].previous == venue_start(VENUE) and heads[-1].book_sequence == 141
    assert all(follows(after, before) for before, after in pairwise(heads))
    assert not follows(heads[2], heads[0]) and not follows(heads[0], heads[1])


def test_a_receipt_leads_to_its_head_and_to_no_other() -> None:
    """Every frame of forty; the leaf of another frame, another head or another place do not fit."""
    chain, heads = filled(41)
    for sequence in range(1, 42):
        receipt = chain.receipt(3, sequence)
        head = heads[receipt.head - 1]
        assert receipt.state is ReceiptState.PLACED and receipt.book_sequence == sequence + 100
        assert leads_to(receipt, leaf_of(sequence), head)
        assert not leads_to(receipt, leaf_of(sequence + 1), head)
        assert not leads_to(receipt, leaf_of(sequence), heads[receipt.head % 5])


def test_what_has_no_receipt_is_told_why() -> None:
    """A frame that waits for a head, one that was never there, one that is no longer kept."""
    chain, _ = filled(41)
    chain.take(run_salt(SECRET, 42), 3, SIGNER.key, 42, 1, 142, digest_of(b"42"))
    states = {sequence: chain.receipt(3, sequence).state for sequence in (41, 42, 43)}
    assert states == {41: ReceiptState.PLACED, 42: ReceiptState.PENDING, 43: ReceiptState.UNKNOWN}
    assert chain.receipt(4, 1).state is ReceiptState.UNKNOWN
    short, _ = filled(41, runs_max=15)
    assert short.receipt(3, 21).state is ReceiptState.FORGOTTEN and short.head(1) is None
    assert short.receipt(3, 41).state is ReceiptState.PLACED and short.head(0) == short.last


def test_older_receipts_are_built_from_the_journal() -> None:
    """A chain that goes on after a head gives the heads and receipts that the first one gave."""
    whole, heads = filled(41)
    again = VenueChain(VENUE, after=heads[1])
    for sequence in range(12, 22):
        salt, digest = run_salt(SECRET, sequence), digest_of(b"%d" % sequence)
        again.take(salt, 3, SIGNER.key, sequence, 1, sequence + 100, digest)
    assert again.close(heads[2].time_ns, now=True) == heads[2]
    assert again.receipt(3, 15) == whole.receipt(3, 15)


def test_a_full_tree_is_closed_at_once() -> None:
    """Before the frame that has no room, whatever the time."""
    desk = ProofDesk(VENUE, secret_of)
    desk.add(3, SIGNER.key)
    heads = [desk.take_digest(3, number, 1, number, NO_HASH, NOW_NS) for number in range(1, HEAD_RUNS_MAX + 2)]
    closed = [head for head in heads if head is not None]
    assert [head.count for head in closed] == [HEAD_RUNS_MAX] and heads[-1] is closed[0]
    assert desk.chain.receipt(3, HEAD_RUNS_MAX).state is ReceiptState.PLACED


@dataclass
class Played:
    """A desk to which one history was given."""

    desk: ProofDesk
    heads: list[ChainHead] = field(default_factory=list)


def play(desk: ProofDesk, numbers: range) -> Played:
    """Give frames of two members and of the venue itself, with signatures, to a desk."""
    played = Played(desk)
    for number in numbers:
        time_ns = NOW_NS + number * 3_000_000
        desk.take_own(1, 3 * number - 2, RECORDS[:64], time_ns)
        for session in (3, 4):
            desk.take(session, 4 * number - 3, 4, 3 * number, RECORDS, time_ns)
        watch = desk.watches[3]
        if number % 5 == 0:
            signed = sign_commands(SIGNER, VENUE, 3, watch.sequence, watch.chain)
            assert desk.judge(signed, VERIFIER) is None and desk.hear(signed, time_ns) is None
        head = desk.close(time_ns)
        played.heads += [head] if head else []
    return played


def new_desk() -> ProofDesk:
    """Return a desk with two members."""
    desk = ProofDesk(VENUE, secret_of)
    desk.add(3, SIGNER.key)
    desk.add(4, OTHER.key)
    return desk


def test_a_desk_that_was_restored_goes_on_as_if_nothing_had_been() -> None:
    """A snapshot after every number of groups: the same heads, states and snapshots as without it."""
    whole = play(new_desk(), range(1, 31))
    assert whole.desk.check() == []
    for cut in (1, 7, 20):
        before = play(new_desk(), range(1, cut))
        restored = ProofDesk(VENUE, secret_of)
        restored.load(before.desk.dump())
        after = play(restored, range(cut, 31))
        assert before.heads + after.heads == whole.heads
        assert restored.dump() == whole.desk.dump() and restored.check() == []
        expected = ReceiptState.FORGOTTEN if cut > 1 else ReceiptState.PLACED
        assert restored.chain.receipt(3, 1).state is expected


def test_a_desk_answers_members_about_themselves_only() -> None:
    """Chain and receipts of the asker's own session; heads for anyone."""
    desk = play(new_desk(), range(1, 11)).desk
    state = desk.answer(ProofAsk(ProofWanted.CHAIN, 3), 3)
    assert isinstance(state, ChainState) and state.signed == 40 and state.secret == secret_of("proof/3")
    assert desk.answer(ProofAsk(ProofWanted.CHAIN, 3), 4) is None
    assert desk.answer(ProofAsk(ProofWanted.RECEIPT, 3, 1), 4) is None
    receipt = desk.answer(ProofAsk(ProofWanted.RECEIPT, 3, 1), 3)
    assert isinstance(receipt, Receipt) and receipt.state is ReceiptState.PLACED
    assert desk.answer(ProofAsk(ProofWanted.HEAD, 4, 1), 4) == desk.chain.head(1)
    assert desk.answer(ProofAsk(ProofWanted.HEAD, 4, 10**6), 4) is None
    assert desk.link_of(3, 17) is not None and desk.link_of(4, 17) is None and desk.link_of(9, 1) is None


def test_no_salt_of_a_frame_can_be_had_from_another() -> None:
    """Six frames of the same content, in two sessions: six different leaves, and another secret for each session."""
    desk = play(new_desk(), range(1, 11)).desk
    links = [desk.watches[session].link_of(number) for session in (3, 4) for number in (1, 5, 9)]
    assert len({link.leaf for link in links if link}) == 6
    assert len({link.digest for link in links if link}) == 1
    assert len({desk.secret_of(session) for session in (0, 3, 4)}) == 3
