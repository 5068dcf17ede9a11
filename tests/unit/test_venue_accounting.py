"""What a venue does with the rules for its pairs and its trades: calendars, authorities, tariffs, annulment, reports.

The rules themselves have tests of their own (calendar, tariffs, statements); here they act on a venue's role, which is
replayed and restored, and whose answers are held against its events.
"""

import random
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray

from openoutcry.book.commands import batch, cancel, fund, place
from openoutcry.client.calendar_file import parse_calendar
from openoutcry.domain import AccountField, EventFlag, EventKind, Pair, Phase, RejectCode, Side
from openoutcry.domain.records import Commands, Events
from openoutcry.marketdata.records import TRADE, TRADES, TradeFlag
from openoutcry.role import Input, Send
from openoutcry.venue.calendar.messages import CalendarSet
from openoutcry.venue.messages import (
    CommandsRefused,
    EntryFault,
    MemberLimit,
    OperatorDone,
    OperatorFault,
    PairPhase,
    Pairs,
    PairsAsk,
)
from openoutcry.venue.office import Office
from openoutcry.venue.role import Terms, VenueRole
from openoutcry.venue.statements.accounting import Accounting
from openoutcry.venue.statements.days import DAY_NS
from openoutcry.venue.statements.ledger import month_of
from openoutcry.venue.statements.messages import (
    Annul,
    Annulled,
    DayReport,
    DayReportAsk,
    Statement,
    StatementAsk,
    StatementLine,
    narrow,
)
from openoutcry.venue.tariffs.messages import Tariff, TariffSet
from openoutcry.wire.checksum import ChecksumSigner
from openoutcry.wire.frames import RecordFrame, RecordTable
from openoutcry.wire.messages import Refuse
from openoutcry.wire.service import MarketState, PairId, StateReason
from openoutcry.wire.signed import sign
from tests.venue.hall import (
    NETWORK,
    OPERATOR,
    SECOND,
    START,
    Hall,
    events_of,
    listing,
    member,
    message_input,
    messages_of,
    state_of,
)

ONE, TWO = member(1), member(2)
AUTHORITY = ChecksumSigner(NETWORK, b"A" * 32)
PAIR = PairId(b"B" * 32, b"Q" * 32)
MINUTE = 60 * SECOND
TRADE_FRAMES = RecordTable([TRADES])

# START is 22:13:20 on 2023-11-14 by UTC.
CALENDAR = parse_calendar(
    """
    name = "night"
    zone = "UTC"
    first_day = 2023-11-14
    last_day = 2023-11-15
    interruption_s = 60
    [days.all]
    weekdays = ["tuesday", "wednesday"]
    steps = [
        { at = "22:20", phase = "auction" },
        { at = "22:30", phase = "continuous", random_s = 30 },
        { at = "22:50", phase = "auction", closing = true },
        { at = "22:55", phase = "closed" },
    ]
    """
)


def buy(number: int, price: int = 100, lots: int = 1, account: int = 0) -> Commands:
    """Return an order to buy; by account 0 of member 1."""
    return place(0, account, number, Side.BUY, lots, price)


def sell(number: int, price: int = 100, lots: int = 1, account: int = 2) -> Commands:
    """Return an order to sell; by account 2 of member 2."""
    return place(0, account, number, Side.SELL, lots, price)


def done(sends: list[Send]) -> OperatorDone:
    """Return what the operator is told."""
    (found,) = messages_of(sends, OPERATOR, OperatorDone)
    assert isinstance(found, OperatorDone)
    return found


def states_of(sends: list[Send]) -> list[tuple[Phase, StateReason, int]]:
    """Return the states of pair 0 that are published."""
    return [(one.state, one.reason, one.until_ns) for one in messages_of(sends, "state.0", MarketState)]


def lines_of(hall: Hall, number: int) -> list[StatementLine]:
    """Return this month's statement of a member."""
    (found,) = messages_of(hall.say(member(number), StatementAsk(month_of(hall.now_ns))), member(number), Statement)
    return list(found.lines)


def restored(hall: Hall) -> VenueRole:
    """Return a role that goes on from a snapshot, which it writes again byte for byte."""
    role = hall.make()
    role.restore(BytesIO(state_of(hall.venue)))
    assert state_of(role) == state_of(hall.venue) and role.check() == []
    return role


@pytest.fixture
def hall() -> Hall:
    """Two members with two accounts each, one pair, an authority."""
    made = Hall(Terms(frozenset([OPERATOR]), authorities=frozenset([AUTHORITY.key])))
    made.furnish()
    return made


def test_a_day_opens_and_closes_by_its_calendar(hall: Hall) -> None:
    """Closed, auction, a random end, continuous, closing auction, closed; the book trades at both auctions."""
    sends = hall.operate(CalendarSet(CALENDAR, (0,)))
    assert (done(sends).code, done(sends).number) == (0, 1)
    assert states_of(sends) == [(Phase.CLOSED, StateReason.SCHEDULE, START - START % MINUTE + 7 * MINUTE)]
    hall.pass_time(8 * MINUTE)
    hall.trade(1, 1, buy(1, 105))
    events = events_of(hall.trade(2, 1, sell(1, 95)), TWO)
    assert EventKind.TRADED not in events["kind"].tolist()
    hall.venue = restored(hall)
    opening = hall.pass_time(20 * MINUTE)
    assert [state[:2] for state in states_of(opening)] == [(Phase.CONTINUOUS, StateReason.SCHEDULE)]
    traded = events_of(opening, ONE)
    assert traded["kind"].tolist() == [EventKind.TRADED] and traded["flags"][0] & EventFlag.AUCTION
    hall.trade(1, 2, buy(2, 99))
    assert events_of(hall.trade(2, 2, sell(2, 99)), ONE)["kind"].tolist() == [EventKind.TRADED]
    closing = hall.pass_time(12 * MINUTE)
    assert 0 in hall.venue.floor.office.closing
    assert [state[0] for state in states_of(closing)] == [Phase.AUCTION]
    hall.trade(1, 3, buy(3, 101))
    hall.trade(2, 3, sell(3, 101))
    end = hall.pass_time(10 * MINUTE)
    assert [state[0] for state in states_of(end)] == [Phase.CLOSED]
    assert events_of(end, TWO)["kind"].tolist()[0] == EventKind.TRADED
    assert state_of(hall.replayed()) == state_of(hall.venue) and restored(hall)


def test_what_is_planned_for_an_earlier_moment_comes_before_later_orders(hall: Hall) -> None:
    """The venue was away when its auction should have begun: an order that would trade first finds the auction."""
    hall.trade(1, 1, buy(1))
    hall.operate(CalendarSet(CALENDAR, (0,)))
    hall.pass_time(18 * MINUTE)
    assert hall.venue.floor.books.phase(0) is Phase.CONTINUOUS
    hall.trade(1, 2, buy(2, 100))
    hall.now_ns += 20 * MINUTE  # no timer in between
    events = events_of(hall.trade(2, 1, sell(1)), TWO)
    assert EventKind.TRADED not in events["kind"].tolist()
    assert hall.venue.floor.books.phase(0) is Phase.AUCTION
    assert state_of(hall.replayed()) == state_of(hall.venue)


def test_an_operator_halts_and_resumes_what_a_calendar_leads(hall: Hall) -> None:
    """A halt keeps the pair from trading; resumed, it does as the calendar says; closed it stays whoever resumes it."""
    hall.operate(CalendarSet(CALENDAR, (0,)))
    told = done(hall.operate(PairPhase(0, Phase.CONTINUOUS, False)))
    assert (told.code, told.detail) == (0, "closed: schedule")
    hall.pass_time(20 * MINUTE)
    halted = hall.operate(PairPhase(0, Phase.HALTED, False, "news"))
    assert states_of(halted)[0][:2] == (Phase.HALTED, StateReason.OPERATION)
    assert events_of(hall.trade(1, 1, buy(1)), ONE)["code"].tolist() == [RejectCode.PHASE_FORBIDS]
    resumed = hall.operate(PairPhase(0, Phase.CONTINUOUS, False))
    assert states_of(resumed)[-1][:2] == (Phase.CONTINUOUS, StateReason.SCHEDULE)
    assert done(hall.operate(PairPhase(9, Phase.HALTED, False))).code == RejectCode.UNKNOWN_PAIR
    assert state_of(hall.replayed()) == state_of(hall.venue) and restored(hall)


def test_a_calendar_or_a_tariff_with_a_fault_changes_nothing(hall: Hall) -> None:
    """The operator is told what is wrong, in words."""
    before = state_of(hall.venue)
    for message, words in (
        (CalendarSet(CALENDAR, (0, 5)), "pair 5 is not listed"),
        (TariffSet(0, Tariff(hall.now_ns + SECOND, 10, 10, minimum_units=9, maximum_units=3)), ""),
        (TariffSet(7, Tariff(hall.now_ns + SECOND, 10, 10)), ""),
    ):
        told = done(hall.operate(message))
        assert told.code in (OperatorFault.WRONG_COMMAND, RejectCode.UNKNOWN_PAIR) and words in told.detail
    assert done(hall.operate(listing(Pair(3)))).code == 0
    wrong = listing(Pair(4))
    told = done(hall.operate(type(wrong)(wrong.add, wrong.base, wrong.quote, "", 10**6)))
    assert told.code == OperatorFault.WRONG_COMMAND and "lower qty_lots_max" in told.detail
    assert before != state_of(hall.venue) and 4 not in hall.venue.floor.pairs


def say_state(hall: Hall, state: MarketState, signer: ChecksumSigner = AUTHORITY) -> list[Send]:
    """Let a stranger pass on what an authority has signed."""
    return hall.group([message_input(member(9), sign(state, [signer]))])


def test_an_authority_is_obeyed_and_nobody_else(hall: Hall) -> None:
    """Halted until a time, after which the pair trades again by itself; strangers and old news change nothing."""
    until_ns = hall.now_ns + MINUTE
    state = MarketState(PAIR, Phase.HALTED, StateReason.NEWS, until_ns, AUTHORITY.key, 5)
    records = len(hall.journal)
    stranger = ChecksumSigner(NETWORK, b"S" * 32)
    assert messages_of(say_state(hall, state, stranger), member(9), Refuse)
    assert messages_of(say_state(hall, MarketState(PAIR, *stated(state, stranger.key)), stranger), member(9), Refuse)
    other = MarketState(PairId(b"X" * 32, b"Q" * 32), Phase.HALTED, StateReason.NEWS, 0, AUTHORITY.key, 6)
    assert messages_of(say_state(hall, other), member(9), Refuse)
    assert len(hall.journal) == records
    assert states_of(say_state(hall, state)) == [(Phase.HALTED, StateReason.NEWS, until_ns)]
    assert messages_of(say_state(hall, state), member(9), Refuse)
    assert events_of(hall.trade(1, 1, buy(1)), ONE)["code"].tolist() == [RejectCode.PHASE_FORBIDS]
    assert [state[0] for state in states_of(hall.pass_time(2 * MINUTE))][-1] is Phase.CONTINUOUS
    assert state_of(hall.replayed()) == state_of(hall.venue) and restored(hall)


def stated(state: MarketState, authority: bytes) -> tuple[Phase, StateReason, int, bytes, int]:
    """Return a state as if another authority had said it."""
    return state.state, state.reason, state.until_ns, authority, state.sequence


def test_trades_are_charged_by_the_tariff_that_holds(hall: Hall) -> None:
    """Maker and taker, per million of price x lots, from the tariff's time on; members see it in the list of pairs."""
    hall.trade(1, 1, buy(1, lots=3))
    hall.trade(2, 1, sell(1))
    sends = hall.operate(TariffSet(-1, Tariff(hall.now_ns + SECOND, -20_000, 50_000, flat_units=2)))
    assert done(sends).code == 0
    hall.trade(2, 2, sell(2))
    hall.pass_time(2 * SECOND)
    hall.trade(2, 3, sell(3))
    (one,), (two,) = lines_of(hall, 1), lines_of(hall, 2)
    assert (one.trades, one.closing_lots, two.closing_lots) == (3, 3, -3)
    assert (narrow(one.maker_fees_units), narrow(one.taker_fees_units)) == (-2 + 2, 0)
    assert (narrow(two.maker_fees_units), narrow(two.taker_fees_units)) == (0, 5 + 2)
    (listed,) = messages_of(hall.say(ONE, PairsAsk()), ONE, Pairs)[0].pairs
    assert (listed.maker_ppm, listed.taker_ppm, listed.flat_units) == (-20_000, 50_000, 2)
    assert state_of(hall.replayed()) == state_of(hall.venue) and restored(hall)


def test_a_trade_is_annulled_once_and_all_are_told(hall: Hall) -> None:
    """Both members by signed messages, followers by the next item of the trades; statements are without it."""
    assert done(hall.operate(TariffSet(0, Tariff(hall.now_ns + SECOND, 10_000, 20_000)))).code == 0
    hall.pass_time(2 * SECOND)
    hall.trade(1, 1, buy(1, lots=4))
    hall.trade(2, 1, batch(sell(1, lots=1), sell(2, lots=3)))
    sends = hall.operate(Annul(0, 2, "fat finger"))
    assert done(sends) == OperatorDone(done(sends).about, 0, 2)
    told = [(send.to, send.sign, send.body) for send in sends if isinstance(send.body, Annulled)]
    assert [(to, sign_, one.account, one.qty_lots, one.fee_units, one.detail) for to, sign_, one in told] == [
        (ONE, True, 0, 3, 3, "fat finger"),
        (TWO, True, 2, 3, 6, "fat finger"),
    ]
    (frame,) = [send.body for send in sends if send.to == "trades.0"]
    assert isinstance(frame, memoryview)
    decoded = TRADE_FRAMES.decode(frame)
    assert isinstance(decoded, RecordFrame) and decoded.sequence == 3
    row = decoded.records[0]
    assert (int(row["number"]), int(row["sequence"])) == (3, 2) and row["flags"] & TradeFlag.ANNULLED
    (one,), (two,) = lines_of(hall, 1), lines_of(hall, 2)
    assert (one.trades, one.closing_lots, two.closing_lots) == (1, 1, -1)
    assert (narrow(one.maker_fees_units), narrow(two.taker_fees_units)) == (1, 2)
    assert done(hall.operate(Annul(0, 2))).code == OperatorFault.ANNULLED
    assert done(hall.operate(Annul(0, 9))).code == OperatorFault.UNKNOWN_TRADE
    # the next trade follows the item that told of the annulment
    frames = [one.body for one in hall.trade(1, 2, buy(2)) + hall.trade(2, 3, sell(3)) if one.to == "trades.0"]
    assert isinstance(frames[0], memoryview)
    (again,) = np.frombuffer(frames[0], TRADE, 1, len(frames[0]) - TRADE.itemsize)
    assert int(again["number"]) == 4
    assert hall.venue.check() == []
    assert state_of(hall.replayed()) == state_of(hall.venue) and restored(hall)


def test_backing_that_an_annulled_trade_has_spent_is_available_again(hall: Hall) -> None:
    """Member 1 is backed, member 2 is not: quote comes back to the buyer, nothing to the seller."""
    floor = hall.venue.floor
    quote = floor.pairs[0].quote_number
    hall.operate(MemberLimit(ONE, -1, AccountField.BACKED, 1))
    floor.run(fund(0, quote, 1_000), hall.now_ns, StateReason.OPERATION, [])
    hall.trade(1, 1, buy(1, lots=4))
    hall.trade(2, 1, sell(1, lots=3))
    assert floor.books.backing(0, quote)[2] == 300
    available = floor.books.backing(0, quote)[0]
    assert done(hall.operate(Annul(0, 1))).code == 0
    assert floor.books.backing(0, quote)[0] == available + 300
    assert floor.books.backing(2, floor.pairs[0].base_number) == (0, 0, 0)
    assert hall.venue.check() == []


def test_statements_are_the_members_own_and_reports_the_operators(hall: Hall) -> None:
    """A stranger gets none; a member no report; asking leaves no record."""
    hall.trade(1, 1, batch(buy(1), buy(2, 90)))
    hall.trade(2, 1, sell(1))
    hall.trade(1, 3, cancel(0, 0, 2))
    records, before = len(hall.journal), state_of(hall.venue)
    refused = messages_of(hall.say(member(9), StatementAsk(month_of(hall.now_ns))), member(9), CommandsRefused)
    assert [one.reason for one in refused] == [EntryFault.UNKNOWN_SESSION]
    day = hall.now_ns // DAY_NS
    (told,) = messages_of(hall.say(ONE, DayReportAsk(day)), ONE, OperatorDone)
    assert told.code == OperatorFault.NOT_AN_OPERATOR
    (report,) = messages_of(hall.say(OPERATOR, DayReportAsk(day)), OPERATOR, DayReport)
    (line,) = report.lines
    assert (line.trades, narrow(line.volume_lots), line.cancels, line.members) == (1, 1, 1, 2)
    assert (line.open_ticks, line.close_ticks, report.pairs[0].name) == (100, 100, "PAIR 0")
    assert (len(hall.journal), state_of(hall.venue)) == (records, before)


@pytest.mark.parametrize("seed", range(3))
def test_trades_that_wait_are_accounted_for_as_if_at_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over two days and three tariffs: an accounting that takes every batch at once comes to the same bytes.

    The venue is asked at random times, which settles what waits.
    """
    draw = random.Random(seed)
    hall, twin = Hall(), Accounting()
    hall.furnish(rate=10**6)
    floor = hall.venue.floor
    ticks, sessions = np.ones(64, np.int64), np.array([1, 1, 2, 2], np.uint32)
    account = floor.office.account

    def both(events: Events, parties_at: int, session_of: NDArray[np.uint32], time_ns: int) -> None:
        account(events, parties_at, session_of, time_ns)
        found = floor.router.parties(len(events))[events["kind"] == EventKind.TRADED]
        twin.take(events, (found["maker"] - np.uint32(1), found["taker"] - np.uint32(1)), ticks, sessions, time_ns)

    monkeypatch.setattr(floor.office, "account", both)
    numbers, step = {1: 1, 2: 1}, DAY_NS // 60
    for turn in range(120):
        if turn in (20, 70):
            tariff = Tariff(hall.now_ns + 3 * step + 7, draw.randrange(-500, 500), draw.randrange(1000), 1)
            hall.operate(TariffSet(-1, tariff))
            twin.tariffs.set(-1, tariff, hall.now_ns)
        number = draw.choice((1, 2))
        accounts = ((0, 1), (2, 3))[number - 1]
        count = draw.randrange(1, 6)
        orders = [
            place(0, draw.choice(accounts), numbers[number] + at, Side(draw.randrange(2)), draw.randrange(1, 9), 100)
            for at in range(count)
        ]
        hall.now_ns += step
        hall.trade(number, numbers[number], batch(*orders))
        numbers[number] += count
        if draw.random() < 0.1:
            lines_of(hall, number)
    assert floor.office.accounting.save() == twin.save()
    assert narrow(lines_of(hall, 1)[0].bought_lots) > 0 and len(twin.days.days) > 1


def test_a_damaged_office_is_refused() -> None:
    """Phases, accounting and what is beside them are checked when they are loaded."""
    state = Office(b"s" * 32).state()
    for damaged in (
        state._replace(phases=b"\x00"),
        state._replace(accounting=b"\x90"),
        state._replace(closing=(5, 3)),
        state._replace(void=((2, 0, 1), (1, 0, 1))),
    ):
        with pytest.raises(ValueError, match=r"no |office"):
            Office.restored(damaged, b"s" * 32)


def test_a_limit_of_a_member_and_a_halt_are_in_the_report(hall: Hall) -> None:
    """Halts are counted, and orders over a limit leave no trace in it."""
    hall.operate(MemberLimit(ONE, -1, AccountField.ORDER_LOTS_MAX, 2), PairPhase(0, Phase.HALTED, False))
    hall.operate(PairPhase(0, Phase.CONTINUOUS, False))
    hall.trade(1, 1, buy(1, lots=3))
    (report,) = messages_of(hall.say(OPERATOR, DayReportAsk(hall.now_ns // DAY_NS)), OPERATOR, DayReport)
    (line,) = report.lines
    assert (line.halts, line.trades, line.cancels) == (1, 0, 0)


def test_a_group_of_questions_is_no_record(hall: Hall) -> None:
    """Questions and commands of one group are each answered."""
    hall.trade(1, 1, buy(1))
    inputs: list[Input] = [
        message_input(ONE, StatementAsk(month_of(hall.now_ns))),
        message_input(OPERATOR, TariffSet(0, Tariff(hall.now_ns + SECOND, 1, 1)), signed=True),
        message_input(OPERATOR, DayReportAsk(hall.now_ns // DAY_NS)),
    ]
    sends = hall.group(inputs)
    assert len(messages_of(sends, ONE, Statement)) == len(messages_of(sends, OPERATOR, DayReport)) == 1
    assert done(sends).code == 0
