"""What an operator may do at a venue, who is one, and what it is told."""

import pytest

from openoutcry.book.commands import add_pair, batch, place, set_phase
from openoutcry.domain import AccountField, EventKind, Pair, Phase, RejectCode, SelfTrade, Side
from openoutcry.domain.records import Commands
from openoutcry.role import Send
from openoutcry.venue.messages import (
    CancelFor,
    MemberAdd,
    MemberLimit,
    MemberRate,
    MemberSuspend,
    OperatorDone,
    OperatorFault,
    PairList,
    PairListed,
    PairPhase,
    Pairs,
    PairsAsk,
    SessionOpen,
    SessionOpened,
)
from openoutcry.wire.service import MarketState, PairId, StateReason
from openoutcry.wire.tags import Message, tag_of
from tests.venue.hall import OPERATOR, OWN, SECOND, Hall, events_of, listing, member, messages_of, state_of

ONE = member(1)
COMMANDS: tuple[Message, ...] = (
    MemberAdd(member(5), 1, 1),
    MemberSuspend(ONE, True, True),
    MemberLimit(ONE, -1, AccountField.OPEN_ORDERS_MAX, 0),
    MemberRate(ONE, 1),
    listing(Pair(5)),
    PairPhase(0, Phase.HALTED, False),
    CancelFor(ONE, -1),
)


def buy(number: int, price: int = 100, account: int = 0, stp: SelfTrade = SelfTrade.NONE) -> Commands:
    """Return an order to buy one lot."""
    return place(0, account, number, Side.BUY, 1, price, stp=stp)


def sell(number: int, price: int = 100, account: int = 2, stp: SelfTrade = SelfTrade.NONE) -> Commands:
    """Return an order to sell one lot."""
    return place(0, account, number, Side.SELL, 1, price, stp=stp)


@pytest.fixture
def hall() -> Hall:
    """Two members with two accounts each, one pair."""
    made = Hall()
    made.furnish()
    return made


def done(sends: list[Send], to: bytes = OPERATOR) -> tuple[int, int]:
    """Return code and number that an operator is told."""
    (found,) = messages_of(sends, to, OperatorDone)
    return found.code, found.number


@pytest.mark.parametrize("message", COMMANDS, ids=lambda message: type(message).__name__)
def test_only_an_operator_commands_and_only_by_signature(hall: Hall, message: Message) -> None:
    """A member's signature and an operator's link are not enough, and leave no record."""
    before, records = state_of(hall.venue), len(hall.journal)
    assert done(hall.say(ONE, message, signed=True), ONE) == (OperatorFault.NOT_AN_OPERATOR, 0)
    assert done(hall.say(OPERATOR, message)) == (OperatorFault.NOT_SIGNED, 0)
    assert (state_of(hall.venue), len(hall.journal)) == (before, records)
    sends = hall.operate(message)
    assert done(sends)[0] == 0
    assert messages_of(sends, OPERATOR, OperatorDone)[0].about == tag_of(type(message))
    assert state_of(hall.venue) != before


def test_accounts_follow_each_other_and_a_key_is_a_member_once(hall: Hall) -> None:
    """Sessions and accounts are numbered as they are added; adding a key again names its session."""
    assert done(hall.operate(MemberAdd(member(3), 3, 5, "third"))) == (0, 3)
    assert done(hall.operate(MemberAdd(member(3), 9, 9))) == (OperatorFault.KNOWN_MEMBER, 3)
    (found,) = messages_of(hall.say(member(3), SessionOpen(False)), member(3), SessionOpened)
    assert (found.session, found.accounts, found.commands_per_s) == (3, (4, 5, 6), 5)
    assert hall.venue.check() == []


def test_accounts_of_a_member_are_one_group_and_of_two_where_it_is_said(hall: Hall) -> None:
    """Self-trade prevention acts between a member's accounts, not between members, unless they are said to be one."""
    newest = SelfTrade.CANCEL_NEWEST
    events = events_of(hall.trade(1, 1, batch(buy(1), sell(2, account=1, stp=newest))), ONE)
    assert EventKind.TRADED not in events["kind"].tolist()
    assert EventKind.TRADED in events_of(hall.trade(2, 1, sell(1, stp=newest)), ONE)["kind"].tolist()
    hall.operate(MemberAdd(member(3), 1, 1_000, with_session=1))
    hall.say(member(3), SessionOpen(False))
    hall.trade(1, 3, buy(3))
    assert events_of(hall.trade(3, 1, sell(1, account=4, stp=newest)), ONE).size == 0
    assert done(hall.operate(MemberAdd(member(4), 1, 1, with_session=9))) == (OperatorFault.UNKNOWN_MEMBER, 0)


def test_unknown_members_and_foreign_accounts_are_told(hall: Hall) -> None:
    """By every command that names one; and fields that are the venue's own."""
    for message in (
        MemberSuspend(member(9), True, True),
        MemberLimit(member(9), -1, AccountField.OPEN_ORDERS_MAX, 1),
        MemberRate(member(9), 1),
        CancelFor(member(9), 0),
    ):
        assert done(hall.operate(message)) == (OperatorFault.UNKNOWN_MEMBER, 0)
    for account, field, code in (
        (2, AccountField.OPEN_ORDERS_MAX, OperatorFault.FOREIGN_ACCOUNT),
        (0, AccountField.SESSION, OperatorFault.WRONG_COMMAND),
        (0, AccountField.GROUP, OperatorFault.WRONG_COMMAND),
        (0, 200, OperatorFault.WRONG_COMMAND),
    ):
        assert done(hall.operate(MemberLimit(ONE, account, field, 1))) == (code, 0)
    assert done(hall.operate(MemberLimit(ONE, 0, AccountField.ORDER_LOTS_MAX, -1)))[0] in list(RejectCode)


def test_a_limit_is_of_one_account_or_of_all(hall: Hall) -> None:
    """No open orders for account 1; then for both."""
    hall.operate(MemberLimit(ONE, 1, AccountField.OPEN_ORDERS_MAX, 0))
    events = events_of(hall.trade(1, 1, batch(buy(1), buy(2, account=1))), ONE)
    assert events[events["kind"] == EventKind.REJECTED]["code"].tolist() == [RejectCode.OPEN_ORDERS_LIMIT]
    hall.operate(MemberLimit(ONE, -1, AccountField.OPEN_ORDERS_MAX, 0))
    events = events_of(hall.trade(1, 3, batch(buy(3), buy(4, account=1))), ONE)
    assert events["kind"].tolist() == [EventKind.REJECTED] * 2


def test_suspending_may_cancel(hall: Hall) -> None:
    """The orders of both accounts, and how many they were."""
    hall.trade(1, 1, batch(buy(1), buy(2, account=1)))
    sends = hall.operate(MemberSuspend(ONE, True, True))
    assert done(sends) == (0, 2)
    assert (events_of(sends, ONE)["kind"] == EventKind.CANCELLED).all()


def test_cancelling_for_a_member_is_in_one_pair_or_in_all(hall: Hall) -> None:
    """Two pairs; the member is told on its own stream."""
    hall.operate(listing(Pair(1)))
    hall.trade(1, 1, batch(buy(1), place(1, 0, 2, Side.BUY, 1, 100), place(1, 1, 3, Side.BUY, 1, 100)))
    assert done(hall.operate(CancelFor(ONE, 1))) == (0, 2)
    assert done(hall.operate(CancelFor(ONE, -1))) == (0, 1)
    assert done(hall.operate(CancelFor(ONE, 7))) == (RejectCode.UNKNOWN_PAIR, 0)


def test_a_pair_is_listed_once_and_told_of(hall: Hall) -> None:
    """Its facts come back by PAIRS; a second time, or with another command, is refused by code."""
    seven = PairList(add_pair(Pair(7, qty_lots_max=9)).tobytes(), b"b" * 32, b"q" * 32, "SEVEN", 5)
    assert done(hall.operate(seven)) == (0, 7)
    assert done(hall.operate(listing(Pair(7)))) == (RejectCode.DUPLICATE_ID, 7)
    wrong = PairList(set_phase(0, Phase.CLOSED).tobytes(), b"b" * 32, b"q" * 32, "", 1)
    assert done(hall.operate(wrong)) == (OperatorFault.WRONG_COMMAND, 0)
    (found,) = messages_of(hall.say(member(9), PairsAsk(1)), member(9), Pairs)
    pair = Pair(7)
    facts = (pair.price_ticks_min, pair.price_ticks_max, 9, Phase.CONTINUOUS, 0, 0, 0, 0)
    assert found == Pairs((PairListed(7, b"b" * 32, b"q" * 32, "SEVEN", 5, *facts),), False)


def test_many_pairs_are_told_in_parts() -> None:
    """130 of them: 128, and the rest when asked from there on."""
    hall = Hall()
    hall.furnish(pairs=130)
    (first,) = messages_of(hall.say(ONE, PairsAsk()), ONE, Pairs)
    (rest,) = messages_of(hall.say(ONE, PairsAsk(first.pairs[-1].pair + 1)), ONE, Pairs)
    assert (len(first.pairs), first.more, len(rest.pairs), rest.more) == (128, True, 2, False)


def test_a_phase_is_told_signed_and_obeyed(hall: Hall) -> None:
    """Halted: orders are refused; the state of the pair goes out signed, on its topic."""
    sends = hall.operate(PairPhase(0, Phase.HALTED, False, "news"))
    (state,) = [send for send in sends if send.to == "state.0"]
    pair = PairId(b"B" * 32, b"Q" * 32)
    assert state.sign
    assert state.body == MarketState(pair, Phase.HALTED, StateReason.OPERATION, 0, OWN, hall.venue.floor.books.sequence)
    assert events_of(hall.trade(1, 1, buy(1)), ONE)["code"].tolist() == [RejectCode.PHASE_FORBIDS]


def test_an_auction_collects_and_is_uncrossed_when_trading_begins(hall: Hall) -> None:
    """Crossing orders rest in PRE_OPEN, an indication goes out, and both members hear of their trade at the opening."""
    hall.operate(PairPhase(0, Phase.PRE_OPEN, False))
    hall.trade(1, 1, buy(1, 105))
    sends = hall.trade(2, 1, sell(1, 95))
    assert EventKind.TRADED not in events_of(sends, ONE)["kind"].tolist()
    sends += hall.pass_time(SECOND)
    assert "auction.0" in {send.to for send in sends}
    sends = hall.operate(PairPhase(0, Phase.CONTINUOUS, False))
    assert done(sends) == (0, 0)
    for number in (1, 2):
        assert events_of(sends, member(number))["kind"].tolist() == [EventKind.TRADED]
    assert state_of(hall.replayed()) == state_of(hall.venue)


def test_commands_of_one_envelope_are_carried_out_in_order(hall: Hall) -> None:
    """A member is added, limited and suspended at once."""
    messages = (MemberAdd(member(3), 1, 1), MemberRate(member(3), 7), MemberSuspend(member(3), True, False))
    assert [one.code for one in messages_of(hall.operate(*messages), OPERATOR, OperatorDone)] == [0, 0, 0]
