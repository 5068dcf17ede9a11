"""Order entry of a venue: what of a frame is taken, what is refused and why, and what comes of the same frame again."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from openoutcry.book.commands import (
    batch,
    cancel,
    clock,
    mass_cancel,
    place,
    reset_protection,
    set_limits,
)
from openoutcry.domain import AccountField, EventKind, MassCancelScope, RejectCode, Side
from openoutcry.domain.records import Commands
from openoutcry.role import Input, Send
from openoutcry.venue.limits import KEPT_FRAMES
from openoutcry.venue.messages import (
    EVENT_STREAM_MIN,
    CommandsRefused,
    CommandsTaken,
    EntryFault,
    MemberRate,
    MemberSuspend,
    OrderEntry,
    SessionClose,
    SessionOpen,
    TakenRun,
)
from openoutcry.wire.messages import StreamHead
from tests.venue.hall import SECOND, Hall, events_of, frame_input, member, message_input, messages_of, state_of

ONE = member(1)


def buy(number: int, price: int = 100, account: int = 0, lots: int = 1) -> Commands:
    """Return an order to buy."""
    return place(0, account, number, Side.BUY, lots, price)


def sell(number: int, price: int = 100, account: int = 2, lots: int = 1) -> Commands:
    """Return an order to sell, by an account of member 2."""
    return place(0, account, number, Side.SELL, lots, price)


@pytest.fixture
def hall() -> Hall:
    """Two members with two accounts each, one pair."""
    made = Hall()
    made.furnish()
    return made


def refused(sends: list[Send], number: int = 1) -> CommandsRefused:
    """Return the one refusal that a member is told of."""
    (found,) = messages_of(sends, member(number), CommandsRefused)
    assert isinstance(found, CommandsRefused)
    return found


def taken(sends: list[Send], number: int = 1) -> CommandsTaken:
    """Return the one answer to a member's frames."""
    (found,) = messages_of(sends, member(number), CommandsTaken)
    assert isinstance(found, CommandsTaken)
    return found


def test_a_frame_is_answered_before_its_events(hall: Hall) -> None:
    """The answer names the book's number and the head of the stream that the events bring it to."""
    sends = hall.trade(1, 1, batch(buy(1), buy(2)))
    own = [send for send in sends if send.to == ONE]
    answer = taken(own[:1])
    assert answer.runs == (TakenRun(2, int(events_of(own, ONE)["sequence"][0])),)
    assert events_of(own, ONE)["kind"].tolist() == [EventKind.ACCEPTED, EventKind.RESTING] * 2
    assert answer.event_head == 4


def test_events_go_to_both_sides_of_a_trade_and_to_nobody_else(hall: Hall) -> None:
    """The owner of the resting order and the one that came; a third member hears of it in public only."""
    hall.furnish(members=3)
    hall.trade(1, 1, buy(1, lots=5))
    sends = hall.trade(2, 1, sell(7, lots=3))
    assert events_of(sends, ONE)["kind"].tolist() == [EventKind.TRADED]
    assert events_of(sends, member(2))["kind"].tolist() == [EventKind.ACCEPTED, EventKind.TRADED]
    assert not [send for send in sends if send.to == member(3)]
    assert {send.to for send in sends if isinstance(send.to, str)} >= {"l3.0", "trades.0"}


def test_a_trade_with_oneself_is_told_once(hall: Hall) -> None:
    """Both orders are of the same session, in two accounts."""
    sends = hall.trade(1, 1, batch(buy(1), place(0, 1, 2, Side.SELL, 1, 100)))
    kinds = events_of(sends, ONE)["kind"].tolist()
    assert kinds.count(EventKind.TRADED) == 1


def test_frames_of_one_group_follow_each_other(hall: Hall) -> None:
    """Two members' frames come in turn: each gets one answer with two runs, numbered as they came."""
    frames = [frame_input(member(n), n, at, buy(at, account=2 * n - 2)) for at in (1, 2) for n in (1, 2)]
    sends = hall.group(frames)
    first = taken(sends).runs[0].book_sequence
    assert [run.book_sequence - first for run in taken(sends).runs] == [0, 2]
    assert [run.book_sequence - first for run in taken(sends, 2).runs] == [1, 3]


def test_frames_of_one_member_in_a_row_are_one_run(hall: Hall) -> None:
    """Three frames in one group, six commands."""
    sends = hall.group([frame_input(ONE, 1, at, batch(buy(at), buy(at + 1))) for at in (1, 3, 5)])
    assert [run.count for run in taken(sends).runs] == [6]


def test_a_gap_is_refused_and_says_what_is_expected(hall: Hall) -> None:
    """Nothing of the frame is kept, and no record either."""
    before = state_of(hall.venue)
    found = refused(hall.trade(1, 2, buy(1)))
    assert (found.reason, found.expected, found.sequence) == (EntryFault.GAP, 1, 2)
    assert state_of(hall.venue) == before


def test_a_foreign_account_refuses_the_whole_frame(hall: Hall) -> None:
    """The first two are good; the third is member 2's, and an account far away as well."""
    for account in (2, 2**24 - 1, 2**32 - 1):
        found = refused(hall.trade(1, 1, batch(buy(1), buy(2), buy(3, account=account))))
        assert (found.reason, found.index) == (EntryFault.FOREIGN_ACCOUNT, 2)


@pytest.mark.parametrize(
    "rows",
    [
        clock(1),
        set_limits(0, AccountField.OPEN_ORDERS_MAX, 5),
        mass_cancel(MassCancelScope.PAIR, pair=0),
        mass_cancel(MassCancelScope.SESSION, session=2),
    ],
    ids=["clock", "limits", "cancel a pair", "cancel another session"],
)
def test_what_is_the_operators_is_refused(hall: Hall, rows: Commands) -> None:
    """Commands that are good for a book and bad from a member."""
    assert refused(hall.trade(1, 1, rows)).reason == EntryFault.FORBIDDEN_OP


def test_every_op_of_a_member_is_taken(hall: Hall) -> None:
    """Its own session and accounts may be cancelled, protection reset; a bad order is the book's to refuse."""
    hall.trade(1, 1, batch(buy(1), buy(2), buy(3, account=1)))
    rows = batch(
        mass_cancel(MassCancelScope.ACCOUNT_PAIR, account=1, pair=0),
        reset_protection(0, 0),
        cancel(0, 0, 99),
        mass_cancel(MassCancelScope.SESSION, session=1),
    )
    events = events_of(hall.trade(1, 4, rows), ONE)
    assert (events["kind"] == EventKind.CANCELLED).sum() == 3
    assert events[events["kind"] == EventKind.REJECTED]["code"].tolist() == [RejectCode.UNKNOWN_ORDER]


def test_an_order_entry_is_a_frame_of_one(hall: Hall) -> None:
    """As a message, then the same as a frame: it is the same command, and is answered again."""
    first = hall.say(ONE, OrderEntry(1, 1, buy(1).tobytes()))
    again = hall.trade(1, 1, buy(1))
    assert taken(first).runs == taken(again).runs
    assert taken(hall.trade(1, 2, buy(2))).sequence == 2


def test_a_frame_that_comes_again_gets_its_answer_and_is_counted_once(hall: Hall) -> None:
    """After others have traded; the head that goes with it tells whether events are missing."""
    first = taken(hall.trade(1, 1, batch(buy(1), buy(2))))
    hall.trade(2, 1, sell(1))
    records = len(hall.journal)
    sends = hall.trade(1, 1, batch(buy(1), buy(2)))
    assert taken(sends).runs == first.runs
    assert messages_of(sends, ONE, StreamHead) == [StreamHead(EVENT_STREAM_MIN + 1, 5)]
    assert len(hall.journal) == records


def test_the_same_sequence_with_another_content_is_refused(hall: Hall) -> None:
    """Another price, another length, and a frame that begins inside one that was taken."""
    hall.trade(1, 1, batch(buy(1), buy(2)))
    for sequence, rows in ((1, batch(buy(1), buy(3))), (1, buy(1)), (2, buy(2))):
        assert refused(hall.trade(1, sequence, rows)).reason == EntryFault.DIFFERENT


def test_twice_in_one_group_is_once(hall: Hall) -> None:
    """The second is answered by the answer to the first; with another content it is refused."""
    sends = hall.group([frame_input(ONE, 1, 1, buy(1))] * 2)
    assert taken(sends).runs[0].count == 1
    sends = hall.group([frame_input(ONE, 1, 2, buy(2)), frame_input(ONE, 1, 2, buy(3))])
    assert refused(sends).reason == EntryFault.DIFFERENT
    assert taken(sends).sequence == 2


def test_what_is_too_old_is_forgotten(hall: Hall) -> None:
    """One frame more than is kept: the first is refused as such, the second is still answered."""
    hall.operate(MemberRate(ONE, 10**8))
    hall.group([frame_input(ONE, 1, at, buy(at)) for at in range(1, KEPT_FRAMES + 2)])
    assert refused(hall.trade(1, 1, buy(1))).reason == EntryFault.FORGOTTEN
    assert taken(hall.trade(1, 2, buy(2))).sequence == 2
    assert hall.venue.check() == []


def test_a_session_has_to_be_open_and_ones_own(hall: Hall) -> None:
    """Another's number, a stranger's key, a session that was closed, and one that is opened in the same group."""
    strange = hall.group([frame_input(member(9), 1, 1, buy(1)), frame_input(member(2), 1, 1, buy(1))])
    assert {one.reason for n in (2, 9) for one in messages_of(strange, member(n), CommandsRefused)} == {
        EntryFault.UNKNOWN_SESSION
    }
    hall.say(ONE, SessionClose(1, False))
    assert refused(hall.trade(1, 1, buy(1))).reason == EntryFault.UNKNOWN_SESSION
    sends = hall.group([message_input(ONE, SessionOpen(False)), frame_input(ONE, 1, 1, buy(1))])
    assert taken(sends).sequence == 1
    sends = hall.group([message_input(ONE, SessionClose(1, False)), frame_input(ONE, 1, 2, buy(2))])
    assert refused(sends).reason == EntryFault.UNKNOWN_SESSION


def test_a_suspended_member_may_only_cancel(hall: Hall) -> None:
    """Orders are refused, cancellations taken; until the operator says otherwise."""
    hall.trade(1, 1, batch(buy(1), buy(2)))
    hall.operate(MemberSuspend(ONE, True, False))
    assert refused(hall.trade(1, 3, batch(cancel(0, 0, 1), buy(3)))).index == 1
    assert (events_of(hall.trade(1, 3, cancel(0, 0, 1)), ONE)["kind"] == EventKind.CANCELLED).all()
    hall.operate(MemberSuspend(ONE, False, False))
    assert taken(hall.trade(1, 4, buy(3))).sequence == 4


def test_a_rate_is_a_second_of_commands_at_once_and_then_one_by_one(hall: Hall) -> None:
    """Ten a second: ten at once, the eleventh a tenth of a second later."""
    hall.operate(MemberRate(ONE, 10))
    hall.pass_time(SECOND)
    assert refused(hall.trade(1, 1, batch(*[buy(n) for n in range(11)]))).reason == EntryFault.RATE
    assert taken(hall.trade(1, 1, batch(*[buy(n) for n in range(10)]))).sequence == 1
    assert refused(hall.trade(1, 11, buy(11))).reason == EntryFault.RATE
    hall.pass_time(SECOND // 10)
    assert taken(hall.trade(1, 11, buy(11))).sequence == 11
    assert refused(hall.trade(1, 12, buy(12))).reason == EntryFault.RATE


def test_a_rate_counts_within_a_group(hall: Hall) -> None:
    """Eleven frames of one command at once, ten a second: the eleventh is refused."""
    hall.operate(MemberRate(ONE, 10))
    hall.pass_time(SECOND)
    sends = hall.group([frame_input(ONE, 1, n, buy(n)) for n in range(1, 12)])
    assert (taken(sends).runs[0].count, refused(sends).sequence) == (10, 11)


class Objecting:
    """An order check that objects to a price. asked: commands that it was asked about, with their last prices."""

    def __init__(self, price: int) -> None:
        self.price = price
        self.asked: list[tuple[int, int]] = []

    def check_orders(
        self, commands: NDArray[np.void], last_ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.int16] | None:
        """Object with code 77."""
        assert last_ticks is not None
        self.asked += zip(commands["client_id"].tolist(), last_ticks.tolist(), strict=True)
        return np.where(commands["price_ticks"] == self.price, 77, 0).astype(np.int16)


def test_an_order_check_refuses_the_frame_and_what_follows_it() -> None:
    """Its code and the index of the command are told; the next frames of the member are gaps then, another's are not.
    A frame that takes the refused one's sequence in the same group is asked about as well.
    """
    checks: Any = Objecting(666)
    hall = Hall(checks=checks)
    hall.furnish()
    arrived: list[Input] = [
        frame_input(ONE, 1, 1, buy(1)),
        frame_input(ONE, 1, 2, batch(buy(2), buy(3, 666))),
        frame_input(ONE, 1, 4, buy(4)),
        frame_input(ONE, 1, 2, buy(5, 666)),
        frame_input(ONE, 1, 2, buy(6)),
        frame_input(member(2), 2, 1, sell(1, 200)),
    ]
    sends = hall.group(arrived)
    found = messages_of(sends, ONE, CommandsRefused)
    assert [(one.sequence, one.reason, one.index, one.code) for one in found] == [
        (2, EntryFault.CHECK, 1, 77),
        (4, EntryFault.GAP, 0, 0),
        (2, EntryFault.CHECK, 0, 77),
    ]
    assert taken(sends).runs[0].count == 2
    assert taken(sends, 2).sequence == 1
    assert [number for number, _ in checks.asked] == [1, 2, 3, 4, 1, 5, 6]
    assert state_of(hall.replayed()) == state_of(hall.venue)


def test_checks_are_told_the_last_price_of_each_pair() -> None:
    """One pair has traded at 100; the other not, and a third is unknown."""
    checks: Any = Objecting(666)
    hall = Hall(checks=checks)
    hall.furnish(pairs=2)
    hall.trade(1, 1, buy(1))
    hall.trade(2, 1, sell(1))
    checks.asked.clear()
    hall.trade(1, 2, batch(buy(2), place(1, 0, 3, Side.BUY, 1, 5), place(9, 0, 4, Side.BUY, 1, 5)))
    assert checks.asked == [(2, 100), (3, 0), (4, 0)]


def test_the_floor_knows_the_accounts_of_both_sides_of_a_trade(hall: Hall) -> None:
    """Two makers of different accounts, met by one order; then the venue is made anew from its snapshot and knows the
    third, and a slot that is used again belongs to its new order's account.
    """
    hall.trade(1, 1, batch(buy(1, account=0), buy(2, account=1), buy(3, account=1)))

    def sides(sends: list[Send]) -> list[tuple[int, int]]:
        events = events_of(sends, member(2))
        parties = hall.venue.floor.router.parties(len(events) + 1)[1:]
        return [pair for pair, kind in zip(parties.tolist(), events["kind"], strict=True) if kind == EventKind.TRADED]

    assert sides(hall.trade(2, 1, sell(1, account=3, lots=2))) == [(1, 4), (2, 4)]
    state = state_of(hall.venue)
    hall.venue = hall.make()
    hall.venue.restore(BytesIO(state))
    hall.venue.resume()
    assert sides(hall.trade(2, 2, batch(sell(2, account=2, lots=1), sell(3, account=2, price=200)))) == [(2, 3)]
    assert hall.venue.check() == []
