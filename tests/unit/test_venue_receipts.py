"""What a venue chains, signs and answers of the order of commands, on its role; proofs have tests of their own."""

import random
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest

from openoutcry.book.commands import batch, place
from openoutcry.domain import Side
from openoutcry.domain.records import Commands
from openoutcry.role import Send
from openoutcry.venue.proof.chain import follows
from openoutcry.venue.proof.member import sign_commands
from openoutcry.venue.proof.messages import (
    ChainHead,
    ChainState,
    CommandsSigned,
    ProofAsk,
    ProofWanted,
    Receipt,
    ReceiptState,
)
from openoutcry.venue.role import Terms
from openoutcry.wire.checksum import ChecksumSigner
from openoutcry.wire.messages import Refuse
from tests.venue.diary import Diary
from tests.venue.hall import NETWORK, OPERATOR, OWN, SECOND, Hall, member, messages_of, state_of

ONE, TWO = member(1), member(2)
MS = 10**6


def order(number: int, account: int = 0, side: Side = Side.BUY) -> Commands:
    """Return an order for one lot at 100."""
    return place(0, account, number, side, 1, 100)


@pytest.fixture
def hall() -> Hall:
    """Two members with two accounts each, one pair."""
    made = Hall()
    made.furnish()
    return made


def ask(hall: Hall, wanted: ProofWanted, sequence: int = 0, number: int = 1, session: int = 0) -> list[Send]:
    """Let a member ask."""
    return hall.say(member(number), ProofAsk(wanted, session or number, sequence))


def test_heads_follow_each_other_while_members_trade_and_stop_when_they_do(hall: Hall) -> None:
    """At most one in 10 ms, signed, each after the one before; an idle venue records its clock and signs nothing."""
    heads: list[ChainHead] = []
    for turn in range(1, 41):
        sends = hall.trade(1, turn, order(turn)) + hall.pass_time(3 * MS)
        found = [send for send in sends if isinstance(send.body, ChainHead)]
        assert all(send.to == "receipts" and send.sign for send in found)
        heads += [send.body for send in found if isinstance(send.body, ChainHead)]
    heads += messages_of(hall.pass_time(20 * MS), "receipts", ChainHead)
    assert 8 < len(heads) < 20
    assert all(follows(after, before) for before, after in pairwise(heads))
    assert all(after.time_ns - before.time_ns >= 10 * MS for before, after in pairwise(heads))
    records = len(hall.journal)
    assert messages_of(hall.pass_time(10 * SECOND), "receipts", ChainHead) == []
    assert len(hall.journal) - records <= 11


def test_a_run_has_a_receipt_and_its_owner_alone_gets_it(hall: Hall) -> None:
    """Pending until a head covers it; nothing of another's session."""
    hall.pass_time(SECOND)
    hall.trade(1, 1, order(1))
    hall.trade(1, 2, batch(order(2), order(3)))
    states = [messages_of(ask(hall, ProofWanted.RECEIPT, n), ONE, Receipt)[0].state for n in (1, 3, 4)]
    assert states[1:] == [ReceiptState.PENDING, ReceiptState.UNKNOWN]
    hall.pass_time(20 * MS)
    (receipt,) = messages_of(ask(hall, ProofWanted.RECEIPT, 3), ONE, Receipt)
    assert (receipt.state, receipt.sequence, receipt.count) == (ReceiptState.PLACED, 2, 2)
    (head,) = ask(hall, ProofWanted.HEAD)
    assert head.sign and isinstance(head.body, ChainHead) and head.body.sequence == receipt.head
    assert messages_of(ask(hall, ProofWanted.RECEIPT, 1, number=2, session=1), TWO, Refuse)
    assert messages_of(hall.say(member(9), ProofAsk(ProofWanted.CHAIN, 1)), member(9), Refuse)
    assert messages_of(ask(hall, ProofWanted.HEAD, 99), ONE, Refuse)


def test_a_signature_counts_where_it_is_the_members_and_fits(hall: Hall) -> None:
    """Forged or another's: refused without a record. Of another chain: a record, answered with where the chain is."""
    diary = Diary(hall, 1)
    diary.hear(diary.orders(order(1)))
    assert diary.chain is not None
    records = len(hall.journal)
    good = diary.chain.sign(diary.signer)
    forged = sign_commands(ChecksumSigner(b"another network of tests", ONE), OWN, 1, 1, diary.chain.chain)
    other = sign_commands(ChecksumSigner(NETWORK, TWO), OWN, 1, 1, diary.chain.chain)
    for sender, message in ((ONE, forged), (TWO, other), (TWO, good)):
        assert len(messages_of(hall.say(sender, message), sender, Refuse)) == 1
    assert len(hall.journal) == records
    wrong = sign_commands(diary.signer, OWN, 1, 1, bytes(32))
    (state,) = messages_of(hall.say(ONE, wrong), ONE, ChainState)
    assert (state.chain, state.signed) == (diary.chain.chain, 0)
    assert hall.say(ONE, good) == []
    (state,) = messages_of(ask(hall, ProofWanted.CHAIN), ONE, ChainState)
    assert state.signed == 1
    assert state_of(hall.replayed()) == state_of(hall.venue)


@pytest.mark.parametrize("seed", range(3))
def test_when_what_waits_is_chained_leaves_no_trace(seed: int) -> None:
    """Asked at random times, restored in the middle, or replayed without any of it: one state, one chain of heads."""
    draw = random.Random(seed)
    hall = Hall()
    hall.furnish()
    numbers = {1: 1, 2: 1}
    heads: list[ChainHead] = []
    for turn in range(60):
        number = draw.choice((1, 2))
        count = draw.choice((1, 2, 5, 300))
        rows = np.concatenate(
            [order(numbers[number] + at, 2 * number - 2, Side(draw.randrange(2))) for at in range(count)]
        )
        sends = hall.trade(number, numbers[number], rows)
        numbers[number] += count
        if draw.random() < 0.3:
            sends += ask(hall, draw.choice(tuple(ProofWanted)), draw.randrange(numbers[number]), number)
        if draw.random() < 0.3:
            sends += hall.pass_time(draw.randrange(30 * MS))
        heads += messages_of(sends, "receipts", ChainHead)
        if turn == 30:
            restored = hall.make()
            restored.restore(BytesIO(state_of(hall.venue)))
            hall.venue = restored
    assert state_of(hall.replayed()) == state_of(hall.venue) and hall.venue.check() == []
    assert len(heads) > 5
    replayed = hall.make()
    again = [
        send.body
        for records in hall.journal
        for send in replayed.apply(records).sends
        if isinstance(send.body, ChainHead)
    ]
    assert again == heads


def test_a_venue_without_receipts_gives_none_and_cannot_begin_later() -> None:
    """Questions and signatures are refused; a snapshot goes on only as it began."""
    hall = Hall(Terms(frozenset([OPERATOR]), receipts=False))
    hall.furnish()
    sends = hall.trade(1, 1, order(1)) + hall.pass_time(SECOND)
    assert messages_of(sends, "receipts", ChainHead) == []
    signed = sign_commands(ChecksumSigner(NETWORK, ONE), OWN, 1, 1, bytes(32))
    assert isinstance(signed, CommandsSigned)
    for message in (signed, ProofAsk(ProofWanted.HEAD, 1)):
        assert len(messages_of(hall.say(ONE, message), ONE, Refuse)) == 1
    assert state_of(hall.replayed()) == state_of(hall.venue)
    with pytest.raises(ValueError, match="cannot be changed"):
        Hall().make().restore(BytesIO(state_of(hall.venue)))
