"""Calendar files, days around changes of clocks, and what a pair does when a calendar, a halt and a band disagree."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from openoutcry.book.reference import ReferenceBooks
from openoutcry.client.calendar_file import parse_calendar, read_calendar
from openoutcry.domain import EventKind, Op, OrderType, Pair, Phase, Side
from openoutcry.domain.records import COMMAND
from openoutcry.node.config.errors import ConfigError
from openoutcry.venue.calendar.checks import fault
from openoutcry.venue.calendar.curbs import AUTHORITIES_MAX, Curb, CurbFault, obeyed, strictest
from openoutcry.venue.calendar.messages import Calendar, CalendarSet, DayKind, Offset, SpecialDay, Step
from openoutcry.venue.calendar.pair_schedule import PairSchedule, Wanted, steps_due
from openoutcry.venue.calendar.schedule import SECOND_NS, Transition, phases
from openoutcry.venue.calendar.steps import phase_commands, phase_steps
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.service import MarketState, PairId, StateReason
from tests.calendars import EXAMPLE
from tests.wire.everything import ALL_MESSAGES

PAIR = PairId(b"B" * 32, b"Q" * 32)
ONE, TWO = b"1" * 32, b"2" * 32
SECRET = b"s" * 32
DOCS = Path(__file__).parents[2] / "docs" / "reference"


def at(text: str) -> int:
    """Nanoseconds of a UTC time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_NS


def shown(calendar: Calendar, first: str, last: str) -> list[str]:
    """The transitions between two UTC times, in words."""
    return [
        f"{datetime.fromtimestamp(one.at_ns // SECOND_NS, UTC):%m-%d %H:%M} {one.phase.name}{' closing' * one.closing}"
        for one in phases(calendar, at(first), at(last))
    ]


def test_a_file_becomes_the_phases_of_its_days() -> None:
    """A winter day, a half day before a holiday, a weekend; in UTC."""
    calendar = parse_calendar(EXAMPLE)
    assert shown(calendar, "2026-12-24", "2026-12-26") == [
        "12-24 06:30 PRE_OPEN",
        "12-24 07:50 AUCTION",
        "12-24 08:00 CONTINUOUS",
        "12-24 16:30 AUCTION closing",
        "12-24 16:35 CLOSED",
    ]
    assert shown(calendar, "2026-12-30", "2026-12-31") == [
        "12-30 07:50 AUCTION",
        "12-30 08:00 CONTINUOUS",
        "12-30 13:00 CLOSED",
    ]
    assert shown(calendar, "2026-07-04", "2026-07-06") == []
    assert shown(calendar, "2026-07-06", "2026-07-06 08:00") == [
        "07-06 05:30 PRE_OPEN",
        "07-06 06:50 AUCTION",
        "07-06 07:00 CONTINUOUS",
    ]


@pytest.mark.parametrize(
    ("steps", "date", "expected"),
    [
        (("01:30", "02:15", "02:45", "03:00", "03:30"), "2026-03-29", ["00:30 1", "01:00 4", "01:30 5"]),
        (("01:30", "02:00", "02:30", "03:00"), "2026-10-25", ["23:30 1", "00:00 2", "00:30 3", "02:00 4"]),
    ],
    ids=("skipped hour", "repeated hour"),
)
def test_steps_in_hours_that_clocks_skip_or_repeat(steps: tuple[str, ...], date: str, expected: list[str]) -> None:
    """Written out by hand for Berlin; the number is that of the step. At 02:00 clocks show 03:00, or 02:00 again."""
    lines = ",".join(
        f'{{ at = "{step}", phase = "auction", closing = {str(index % 2 == 0).lower()} }}'
        for index, step in enumerate(steps)
    )
    calendar = parse_calendar(
        f'name = "x"\nzone = "Europe/Berlin"\nfirst_day = {date}\nlast_day = {date}\n'
        f"[days.one]\ndates = [{date}]\nsteps = [{lines}]\n"
    )
    found = list(phases(calendar, 0, 2**62))
    assert [f"{datetime.fromtimestamp(one.at_ns // SECOND_NS, UTC):%H:%M}" for one in found[:-1]] == [
        one.split()[0] for one in expected
    ]
    assert [one.closing for one in found[:-1]] == [int(one.split()[1]) % 2 == 1 for one in expected]
    assert found[-1].phase is Phase.CLOSED


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("zone =", "zine =", "2: zine is not known: expected a known key; did you mean zone?"),
        (
            "Europe/Berlin",
            "Europe/Berlim",
            "2: zone Europe/Berlim is not known: expected a known IANA zone; did you mean Europe/Berlin?",
        ),
        (
            "2027-12-31",
            "2025-12-31",
            "4: last_day is 2025-12-31: expected at most 3659 days after first_day, not before it",
        ),
        ("2027-12-31", '"soon"', '4: last_day is "soon": expected a date'),
        (
            '"monday", ',
            '"munday", ',
            '10: days.regular.weekdays[1] is "munday": expected an array; each of its elements',
        ),
        (
            '"07:30"',
            '"7:30"',
            '12: days.regular.steps[1].at is "7:30": expected a time of the day in quotes, such as "09:00"',
        ),
        (
            '"pre_open"',
            '"preopen"',
            '12: days.regular.steps[1].phase is "preopen": expected "auction", "closed", "continuous" or "pre_open"',
        ),
        (
            'at = "08:50", phase = "auction" },\n    { at = "09:00", phase = "continuous", r',
            'at = "07:10", phase = "auction" },\n    { at = "09:00", phase = "continuous", r',
            "13: a step at 07:10:00: expected a time after 07:30:00; earliest first",
        ),
        (
            '"pre_open" }',
            '"pre_open", random_s = 5 }',
            "12: a random time for a step that ends no auction: expected auction or pre_open before",
        ),
        (
            '"continuous", random_s = 30',
            '"continuous", closing = true',
            "14: a closing continuous: expected pre_open or auction; remove closing",
        ),
        (
            '"17:35", phase = "closed", random_s = 30',
            '"23:59:50", phase = "closed", random_s = 30',
            "16: a random time of up to 30 s: expected an end before midnight; shorten it",
        ),
        ("2026-04-03", "2026-12-30", "5: 2026-12-30 is there twice: expected each date once; remove one of the two"),
        (
            "2026-04-03",
            "2028-04-03",
            "5: 2028-04-03 is outside the calendar: expected a date from first_day to last_day; remove it",
        ),
        (
            "interruption_s = 120\n",
            "",
            "6: interruption_random_s without interruption_s: expected interruption_s as well; remove it",
        ),
        (
            "[days.half]\n",
            '[days.half]\nweekdays = ["friday"]\n',
            "20: friday is of kind regular already: expected each day of the week once",
        ),
        (
            '"auction", closing',
            '"auction", losing',
            "15: days.regular.steps[4].losing is not known: expected a known key; did you mean closing?",
        ),
        ("]\n\n[days.half]", "\n\n[days.half]", "19: no value: expected a text in quotes"),
    ],
)
def test_a_mistake_is_one_line_with_a_suggestion(old: str, new: str, error: str) -> None:
    """One mistake each in a good file; the error begins with file and line."""
    assert old in EXAMPLE
    with pytest.raises(ConfigError) as raised:
        parse_calendar(EXAMPLE.replace(old, new, 1))
    assert error in str(raised.value)
    assert str(raised.value).startswith("calendar.toml:")
    assert "\n" not in str(raised.value)


def test_the_page_has_a_calendar_that_can_be_used(tmp_path: Path) -> None:
    """The block of TOML in the reference, read as a file."""
    text = (DOCS / "calendars.md").read_text(encoding="utf-8")
    file = tmp_path / "calendar.toml"
    file.write_text(text.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert fault(read_calendar(file)) is None


def test_a_calendar_travels_whole() -> None:
    """Encoded and decoded; two years with a changing zone take less than a kilobyte."""
    message = CalendarSet(parse_calendar(EXAMPLE), (1, 2, 3))
    assert len(encode(message)) < 1_000
    assert Codec(ALL_MESSAGES).decode(encode(message)) == message


_GOOD = parse_calendar(EXAMPLE)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"last_day": _GOOD.first_day - 1}, "days from the first"),
        ({"kinds": _GOOD.kinds[:1] * 2}, "one name"),
        ({"kinds": (DayKind("regular", (Step(5, Phase.HALTED),)),), "special": ()}, "step 1: a step to halted"),
        ({"weekdays": (0, 0, 0, 0, 0, 0, 2)}, "a kind that is not there"),
        ({"special": (SpecialDay(_GOOD.first_day, 2),)}, "a kind that is not there"),
        ({"special": (SpecialDay(_GOOD.first_day, 0),) * 2}, "not in order"),
        ({"special": (SpecialDay(_GOOD.last_day + 1, 0),)}, "outside"),
        ({"offsets": (Offset(1, 0),)}, "expected 0"),
        ({"offsets": (Offset(0, 0), Offset(0, 1))}, "not in order"),
        ({"offsets": (Offset(0, 0), Offset(1, 1))}, "within a second"),
        ({"interruption_s": 0}, "does not end"),
    ],
)
def test_a_calendar_from_a_stranger_is_checked(change: dict[str, object], error: str) -> None:
    """One fault each in a good calendar."""
    assert fault(_GOOD) is None
    found = fault(Calendar(**{name: change.get(name, getattr(_GOOD, name)) for name in Calendar.__struct_fields__}))  # type: ignore[arg-type]
    assert found is not None and error in found


def collected_book(phase: Phase, closing: bool) -> ReferenceBooks:
    """A book in a phase, with a bid above an ask where the phase collects, a bid below it elsewhere."""
    books = ReferenceBooks([Pair(0, price_ticks_max=100, phase=Phase.AUCTION)], accounts=2)
    orders = np.zeros(3, COMMAND)
    crossing = phase in (Phase.PRE_OPEN, Phase.AUCTION, Phase.HALTED)
    orders["op"] = (Op.SET_PHASE, Op.PLACE, Op.PLACE)
    orders["kind"] = (Phase.AUCTION, OrderType.LIMIT, OrderType.LIMIT)
    orders["side"], orders["account"] = (0, Side.BUY, Side.SELL), (0, 0, 1)
    orders["price_ticks"], orders["qty_lots"] = (0, 50 if crossing else 40, 45), (0, 3, 3)
    orders["client_id"] = (0, 1, 2)
    books.apply(orders)
    books.apply(phase_commands(0, phase_steps(Phase.AUCTION, False, phase, closing))[-1:])
    return books


@pytest.mark.parametrize(("present", "wanted"), list(product(Phase, Phase)), ids=lambda phase: phase.name)
@pytest.mark.parametrize("closing", (False, True))
def test_every_phase_can_be_reached_from_every_other(present: Phase, wanted: Phase, closing: bool) -> None:
    """A book that holds crossing orders where it may: nothing is refused, and it ends in the phase."""
    is_collecting = wanted in (Phase.PRE_OPEN, Phase.AUCTION)
    books = collected_book(present, False)
    steps = phase_steps(present, False, wanted, closing and is_collecting)
    events = books.apply(phase_commands(0, steps))
    assert not (events["kind"] == EventKind.REJECTED).any()
    changes = events[events["kind"] == EventKind.PHASE_CHANGED]
    assert (changes["code"][-1] if len(changes) else present) == wanted
    traded = int(events["qty_lots"][events["kind"] == EventKind.TRADED].sum())
    ends_auction = present is Phase.AUCTION and wanted is not Phase.HALTED
    opens = wanted is Phase.CONTINUOUS and present in (Phase.PRE_OPEN, Phase.HALTED)
    assert traded == (3 if ends_auction or opens else 0)


def state(phase: Phase, sequence: int, until_ns: int = 0, authority: bytes = ONE) -> MarketState:
    """What an authority says."""
    return MarketState(PAIR, phase, StateReason.NEWS, until_ns, authority, sequence)


def curbed(schedule: PairSchedule, *states: MarketState, now_ns: int = 0) -> PairSchedule:
    """A schedule after these states."""
    for one in states:
        curbs = obeyed(schedule.curbs, one, now_ns)
        assert not isinstance(curbs, CurbFault)
        schedule = replace(schedule, curbs=curbs)
    return schedule


def test_a_halt_holds_until_its_time_or_its_authority_lifts_it() -> None:
    """A halt with an end, one without, and what the pair does behind each; the close comes all the same."""
    schedule = PairSchedule(0, SECRET, parse_calendar(EXAMPLE))
    noon, one = at("2026-07-06 10:00"), at("2026-07-06 11:00")
    halted = curbed(schedule, state(Phase.HALTED, 1, one), now_ns=noon)
    assert halted.wanted(noon) == Wanted(Phase.HALTED, False, StateReason.NEWS, one, 0)
    assert halted.wanted(one).phase is Phase.CONTINUOUS
    endless = curbed(schedule, state(Phase.HALTED, 1))
    assert endless.wanted(noon).until_ns == at("2026-07-06 15:30")
    assert endless.wanted(at("2026-07-06 15:32")).phase is Phase.HALTED
    assert endless.wanted(at("2026-07-06 15:36")).phase is Phase.CLOSED
    assert curbed(endless, state(Phase.CONTINUOUS, 2)).wanted(noon).phase is Phase.CONTINUOUS


def test_an_old_state_or_one_that_is_over_changes_nothing() -> None:
    """Also after the authority has lifted its halt; and one more authority than there may be."""
    schedule = curbed(PairSchedule(0, SECRET), state(Phase.HALTED, 5), state(Phase.CONTINUOUS, 6))
    assert obeyed(schedule.curbs, state(Phase.HALTED, 6), 0) is CurbFault.OLD
    assert obeyed(schedule.curbs, state(Phase.HALTED, 7, 10), 10) is CurbFault.OVER
    many = curbed(schedule, *(state(Phase.HALTED, 1, 0, bytes([index]) * 32) for index in range(AUTHORITIES_MAX - 1)))
    assert obeyed(many.curbs, state(Phase.HALTED, 1, 0, TWO), 0) is CurbFault.TOO_MANY
    assert not isinstance(obeyed(many.curbs, state(Phase.HALTED, 7), 0), CurbFault)


def test_of_several_curbs_the_strictest_counts() -> None:
    """Whatever the order in which they came."""
    halt, auction = Curb(ONE, 1, Phase.HALTED, StateReason.NEWS, 50), Curb(TWO, 1, Phase.AUCTION, StateReason.BAND, 0)
    assert strictest((halt, auction), 0) == strictest((auction, halt), 0) == halt
    assert strictest((halt, auction), 50) == auction
    assert strictest((), 0) is None


def test_a_random_end_is_taken_once_and_auctions_do_not_begin_twice() -> None:
    """A day second by second: the phases asked for are those of the file, the ends lie within their windows."""
    schedule = PairSchedule(3, SECRET, parse_calendar(EXAMPLE))
    now_ns, end_ns = at("2026-07-06 05:00"), at("2026-07-06 17:00")
    wanted, present, closing = schedule.wanted(now_ns), Phase.CLOSED, False
    told: list[tuple[Phase, int]] = []
    while now_ns < end_ns:
        now_ns = wanted.until_ns
        after = schedule.wanted(now_ns)
        for step in steps_due(wanted, after, present, closing):
            if step.op is Op.SET_PHASE:
                present, closing = step.phase, step.closing
                told.append((present, now_ns))
        wanted = after
    assert [phase.name for phase, _ in told[:5]] == ["PRE_OPEN", "AUCTION", "CONTINUOUS", "AUCTION", "CLOSED"]
    opened, closed = told[2][1], told[4][1]
    assert at("2026-07-06 07:00") < opened <= at("2026-07-06 07:00:30")
    assert at("2026-07-06 15:35") < closed <= at("2026-07-06 15:35:30")
    assert schedule.wanted(opened - 1).phase is Phase.AUCTION


def test_a_breached_band_is_followed_by_an_auction_that_ends_by_itself() -> None:
    """120 to 150 s of auction, begun by the book; then an uncrossing. The closing auction does not wait for it."""
    schedule = PairSchedule(0, SECRET, parse_calendar(EXAMPLE))
    noon = at("2026-07-06 10:00")
    before = schedule.wanted(noon)
    schedule = schedule.interrupted(noon)
    wanted = schedule.wanted(noon)
    assert (wanted.phase, wanted.reason) == (Phase.AUCTION, StateReason.BAND)
    assert 120 * SECOND_NS <= wanted.until_ns - noon <= 150 * SECOND_NS
    assert steps_due(before, wanted, Phase.AUCTION, False) == ()
    after = schedule.wanted(wanted.until_ns)
    assert [step.op for step in steps_due(wanted, after, Phase.AUCTION, False)] == [Op.UNCROSS, Op.SET_PHASE]
    late = replace(schedule, interrupted_ns=0, interrupted_until_ns=0).interrupted(at("2026-07-06 15:29"))
    assert late.wanted(at("2026-07-06 15:30")).closing


def test_a_pair_without_a_calendar_is_led_by_hand() -> None:
    """It stays in its phase, a band ends nothing by itself, and a halt holds it."""
    schedule = PairSchedule(0, SECRET, by_hand=Phase.CONTINUOUS)
    assert schedule.wanted(5) == Wanted(Phase.CONTINUOUS, False, StateReason.SCHEDULE, 0, 0)
    assert schedule.interrupted(5) == schedule
    assert curbed(schedule, state(Phase.HALTED, 1)).wanted(5).phase is Phase.HALTED


def test_auctions_that_follow_each_other_are_each_uncrossed() -> None:
    """Two at 10 and 11: asked for anew at 11."""
    text = EXAMPLE.replace(
        'at = "08:50", phase = "auction" },\n    { at = "09:00", phase = "continuous", random_s = 30 }',
        'at = "10:00", phase = "auction" },\n    { at = "11:00", phase = "auction" }',
    )
    schedule = PairSchedule(0, SECRET, parse_calendar(text))
    first, second = schedule.wanted(at("2026-07-06 08:30")), schedule.wanted(at("2026-07-06 09:00"))
    assert [step.op for step in steps_due(first, second, Phase.AUCTION, False)] == [Op.UNCROSS, Op.SET_PHASE]
    assert steps_due(second, schedule.wanted(at("2026-07-06 09:30")), Phase.AUCTION, False) == ()


def test_a_random_part_ends_before_the_next_step_also_where_clocks_jump() -> None:
    """A step at 01:59:30 with 60 s, the next in the hour that is skipped: 30 s later."""
    steps = (Step(3_600, Phase.AUCTION), Step(7_170, Phase.CONTINUOUS, False, 60), Step(9_000, Phase.CLOSED))
    calendar = parse_calendar(EXAMPLE)
    day = calendar.first_day + 87  # 2026-03-29
    changed = Calendar("x", "Europe/Berlin", day, day, (DayKind("d", steps),), (0,) * 7, (), calendar.offsets)
    found = list(phases(changed, 0, 2**62))
    assert found[1] == Transition(at("2026-03-29 00:59:30"), Phase.CONTINUOUS, False, 30 * SECOND_NS - 1)
    assert found[2] == Transition(at("2026-03-29 01:00"), Phase.CLOSED)
