"""All pairs of a venue: days with a calendar, halts and operators, driven by `due_ns` alone, on a real book."""

import pytest

from openoutcry.book.reference import ReferenceBooks
from openoutcry.client.calendar_file import parse_calendar
from openoutcry.domain import EventKind, Op, Pair, Phase
from openoutcry.venue.calendar.curbs import CurbFault
from openoutcry.venue.calendar.messages import CalendarSet
from openoutcry.venue.calendar.phases import Phases
from openoutcry.venue.calendar.schedule import SECOND_NS
from openoutcry.venue.calendar.steps import PhaseStep, phase_commands
from openoutcry.wire.service import MarketState, PairId, StateReason
from tests.calendars import EXAMPLE, day_number

SECRET = b"s" * 32
DAY_NS = 86_400 * SECOND_NS
MONDAY_NS = day_number("2026-07-06") * DAY_NS
HOUR_NS = 3_600 * SECOND_NS
PAIR = PairId(b"B" * 32, b"Q" * 32)
BREACH = PhaseStep(Op.SET_PHASE, Phase.AUCTION)
"""What a book does by itself when a band is breached."""
OTHER_CALENDAR = b"\x92\x90\x91\x98\x00\x00\x00\xc2\x90\x00\x00\x95\x00\xc2\x01\x00\x00"
"""A pair that follows calendar 0 of none."""


class Market:
    """A book and its phases; each change is applied to the book, and the state is saved and loaded after it."""

    def __init__(self, pairs: int, phase: Phase = Phase.CLOSED) -> None:
        self.books = ReferenceBooks([Pair(pair, price_ticks_max=100, phase=phase) for pair in range(pairs)], accounts=1)
        self.phases = Phases(SECRET)
        self.closing = [False] * pairs
        self.log: list[tuple[int, int, str]] = []
        for pair in range(pairs):
            self.phases.add(pair, phase, 0)

    def settle(self, now_ns: int) -> None:
        """Do what is to be done now."""
        for change in self.phases.changes(now_ns, lambda pair: (self.books.phase(pair), self.closing[pair])):
            events = self.books.apply(phase_commands(change.pair, change.steps))
            assert not (events["kind"] == EventKind.REJECTED).any()
            if change.steps:
                self.closing[change.pair] = change.steps[-1].closing
                self.log.append((now_ns, change.pair, self.books.phase(change.pair).name))
            assert self.books.phase(change.pair) is change.wanted.phase
        assert self.phases.changes(now_ns, lambda pair: (self.books.phase(pair), False)) == []
        state = self.phases.save()
        self.phases = Phases.load(state, SECRET)
        assert self.phases.save() == state

    def run(self, until_ns: int) -> None:
        """Follow the timer until a time."""
        while self.phases.due_ns is not None and self.phases.due_ns <= until_ns:
            self.settle(self.phases.due_ns)


def with_calendar(pairs: int = 1) -> Market:
    """A market on the example's calendar since Monday midnight."""
    market = Market(pairs)
    assert market.phases.set_calendar(CalendarSet(parse_calendar(EXAMPLE), tuple(range(pairs)))) is None
    market.settle(MONDAY_NS)
    return market


def test_a_week_of_two_pairs_follows_the_calendar_by_its_timer_alone() -> None:
    """Five phases a day each, for five days; the random ends of the two pairs differ."""
    market = with_calendar(2)
    market.run(MONDAY_NS + 7 * DAY_NS)
    for pair in (0, 1):
        names = [name for _, one, name in market.log if one == pair]
        assert names == ["PRE_OPEN", "AUCTION", "CONTINUOUS", "AUCTION", "CLOSED"] * 5
    opened = [[at for at, one, name in market.log if (one, name) == (pair, "CONTINUOUS")] for pair in (0, 1)]
    assert all(one != other for one, other in zip(*opened, strict=True))


def test_a_halt_ends_by_its_time_and_the_pair_comes_back() -> None:
    """Ten minutes from noon; then as the calendar says."""
    market = with_calendar()
    noon_ns = MONDAY_NS + 12 * HOUR_NS
    market.run(noon_ns)
    state = MarketState(PAIR, Phase.HALTED, StateReason.NEWS, noon_ns + 600 * SECOND_NS, b"A" * 32, 1)
    assert market.phases.obey(0, state, noon_ns) is None
    assert market.phases.obey(0, state, noon_ns) is CurbFault.OLD
    market.settle(noon_ns)
    assert (market.phases.wanted(0).reason, market.phases.due_ns) == (StateReason.NEWS, noon_ns + 600 * SECOND_NS)
    market.run(MONDAY_NS + DAY_NS)
    assert [name for _, _, name in market.log[3:]] == ["HALTED", "CONTINUOUS", "AUCTION", "CLOSED"]


def test_an_operator_halts_and_resumes_and_ends_a_bands_auction() -> None:
    """On a calendar: a curb until it is lifted; resuming ends the auction of a band at once."""
    market = with_calendar()
    now_ns = MONDAY_NS + 10 * HOUR_NS
    market.run(now_ns)
    for phase in (Phase.HALTED, Phase.CONTINUOUS):
        assert market.phases.order(0, phase, False, now_ns) is None
        market.settle(now_ns)
        assert market.books.phase(0) is phase
    market.books.apply(phase_commands(0, [BREACH]))
    market.phases.breached(0, now_ns)
    market.settle(now_ns)
    assert (market.books.phase(0), market.phases.wanted(0).reason) == (Phase.AUCTION, StateReason.BAND)
    assert market.phases.order(0, Phase.CONTINUOUS, False, now_ns + 1) is None
    market.settle(now_ns + 1)
    assert market.books.phase(0) is Phase.CONTINUOUS


def test_a_bands_auction_ends_by_itself() -> None:
    """After two minutes to two and a half; where nothing says how long, the operator ends it."""
    market = with_calendar()
    now_ns = MONDAY_NS + 10 * HOUR_NS
    market.run(now_ns)
    market.books.apply(phase_commands(0, [BREACH]))
    market.phases.breached(0, now_ns)
    market.settle(now_ns)
    market.run(now_ns + HOUR_NS)
    at_ns, _, name = market.log[-1]
    assert name == "CONTINUOUS" and 120 * SECOND_NS <= at_ns - now_ns <= 150 * SECOND_NS
    by_hand = Market(1, Phase.CONTINUOUS)
    by_hand.books.apply(phase_commands(0, [BREACH]))
    by_hand.phases.breached(0, 5)
    by_hand.phases.changes(5, lambda pair: (Phase.AUCTION, False))
    assert by_hand.phases.due_ns is None
    assert by_hand.phases.order(0, Phase.CONTINUOUS, False, 6) is None
    by_hand.settle(6)
    assert by_hand.books.phase(0) is Phase.CONTINUOUS


def test_a_pair_without_a_calendar_does_as_the_operator_says() -> None:
    """Every phase after every other."""
    market = Market(1)
    for number, phase in enumerate([*Phase, *reversed(Phase), Phase.AUCTION, Phase.CONTINUOUS]):
        assert market.phases.order(0, phase, False, number) is None
        market.settle(number)
        assert market.books.phase(0) is phase


def test_a_calendar_is_replaced_without_ending_an_auction() -> None:
    """The same one handed in again in the middle of a call: nothing happens."""
    market = with_calendar()
    now_ns = MONDAY_NS + 6 * HOUR_NS + 3_300 * SECOND_NS
    market.run(now_ns)
    assert market.books.phase(0) is Phase.AUCTION
    count = len(market.log)
    assert market.phases.set_calendar(CalendarSet(parse_calendar(EXAMPLE), (0,))) is None
    market.settle(now_ns)
    assert len(market.log) == count


def test_a_calendar_that_is_wrong_or_for_an_unknown_pair_changes_nothing() -> None:
    """Neither of the two pairs."""
    market = Market(1)
    before = market.phases.save()
    assert market.phases.set_calendar(CalendarSet(parse_calendar(EXAMPLE), (0, 1))) == "pair 1 is not listed"
    good = parse_calendar(EXAMPLE)
    bad = type(good)(**{name: getattr(good, name) for name in good.__struct_fields__} | {"interruption_s": 0})
    found = market.phases.set_calendar(CalendarSet(bad, (0,)))
    assert found is not None and "does not end" in found
    market.settle(0)
    assert market.phases.save() == before


@pytest.mark.parametrize("state", (b"", b"\x92\x90\x91\x01", OTHER_CALENDAR))
def test_other_bytes_are_no_phases(state: bytes) -> None:
    """Empty, of another shape, and a calendar that is not there."""
    with pytest.raises(ValueError, match="no phases"):
        Phases.load(state, SECRET)
