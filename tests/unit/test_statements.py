"""Annulment, pages, questions, text: the parts of statements and day reports, one case each."""

import io

import numpy as np
import pytest

from openoutcry.cli.statement import read_recorded
from openoutcry.client.questions import CODEC, RETRY_NS, Questions
from openoutcry.domain import EventFlag, EventKind, Phase, Side
from openoutcry.domain.records import EVENT
from openoutcry.marketdata.records import TradeFlag
from openoutcry.venue.messages import CommandsRefused, EntryFault, OperatorDone, PairListed, Pairs
from openoutcry.venue.proof import session_file
from openoutcry.venue.proof.messages import Match, MatchSide
from openoutcry.venue.proof.session_file import About, EntryKind
from openoutcry.venue.statements.answers import day_report, month_ns, next_day_report, next_statement, statement
from openoutcry.venue.statements.days import DAY_NS, Days
from openoutcry.venue.statements.ledger import Ledger, month_of
from openoutcry.venue.statements.messages import (
    LINES_MAX,
    Annulled,
    DayReport,
    DayReportAsk,
    PairName,
    Statement,
    StatementAsk,
    StatementLine,
    narrow,
    wide,
)
from openoutcry.venue.statements.shown import day_text, fee_totals, line_values, month_number, statement_text
from openoutcry.venue.statements.trades import AnnulFault, Annulment, Trades
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.messages import Refuse
from openoutcry.wire.requests import enclose
from openoutcry.wire.tags import Message, Tag

NOW_NS = 1_764_000_000 * 10**9
UNITS = np.array([10, 10], np.int64)
VENUE, OTHER = Ed25519Signer(b"v" * 32), Ed25519Signer(b"o" * 32)
MEMBER = b"M" * 32
QUOTE = b"Q" * 32


def traded(trades: Trades, *rows: tuple[int, int, int, int, int], now_ns: int = NOW_NS) -> np.ndarray:
    """Take trades of (pair, side, price, lots, flags) between account 1 (maker) and 2, fees -1 and 3."""
    events = np.array(
        [
            (9, EventKind.TRADED, side, 0, flags, pair, 5, 6, price, lots, 0, 0)
            for pair, side, price, lots, flags in rows
        ],
        EVENT,
    )
    n = len(rows)
    accounts = (np.full(n, 1, np.uint32), np.full(n, 2, np.uint32))
    return trades.take(events, accounts, (np.full(n, -1, np.int64), np.full(n, 3, np.int64)), UNITS, now_ns)


def test_an_annulled_trade_is_taken_back_and_told_to_both_and_to_the_market() -> None:
    """One of two trades: ledger and day as if it had not been, but its price; both sides are told their own fee."""
    trades, ledger, days = Trades(), Ledger(), Days()
    ledger.advance(NOW_NS)
    days.advance(NOW_NS)
    rows = traded(trades, (0, Side.BUY, 100, 5, 0), (0, Side.SELL, 90, 2, int(EventFlag.HIDDEN)))
    ledger.add(rows)
    days.add(rows, np.array([0, 1, 2]))
    done = trades.annul(0, 2, "a wrong price", NOW_NS + 1)
    assert isinstance(done, Annulment)
    ledger.add(done.row, is_annulled=True)
    days.annul(done.row)
    assert (ledger.position(1, 0), ledger.position(2, 0)) == (-5, 5)
    (line,) = days.lines(days.day)
    assert (line.trades, narrow(line.volume_lots), narrow(line.value_units), line.annulled) == (1, 5, 5_000, 1)
    assert (line.high_ticks, line.low_ticks, line.close_ticks) == (100, 90, 90)
    assert done.told == (
        Annulled(0, 2, 9, 1, Side.BUY, True, 90, 2, -1, NOW_NS + 1, "a wrong price"),
        Annulled(0, 2, 9, 2, Side.SELL, False, 90, 2, 3, NOW_NS + 1, "a wrong price"),
    )
    (record,) = done.record
    assert (record["number"], record["sequence"], record["time_ns"]) == (3, 2, NOW_NS + 1)
    assert record["flags"] == EventFlag.HIDDEN | TradeFlag.ANNULLED
    assert traded(trades, (0, Side.BUY, 1, 1, 0))["number"][0] == 4


def test_a_trade_can_be_annulled_once_and_only_before_its_first_lock() -> None:
    """Unknown, locked, annulled, and no longer kept; a lock of what is void is refused."""
    trades = Trades(kept=2)
    traded(trades, (0, Side.BUY, 100, 5, 0), (1, Side.BUY, 100, 5, 0))
    assert trades.annul(0, 2, "", NOW_NS) is AnnulFault.UNKNOWN
    assert trades.lock(0, 1) is None and trades.lock(0, 1) is None
    assert trades.annul(0, 1, "", NOW_NS) is AnnulFault.LOCKED
    trades = Trades.load(trades.save(), kept=2)
    assert trades.annul(0, 1, "", NOW_NS) is AnnulFault.LOCKED
    assert isinstance(trades.annul(1, 1, "", NOW_NS), Annulment)
    assert trades.annul(1, 1, "", NOW_NS) is AnnulFault.ANNULLED
    assert trades.lock(1, 1) is AnnulFault.ANNULLED
    assert trades.lock(5, 1) is AnnulFault.UNKNOWN
    traded(trades, (0, Side.BUY, 100, 5, 0), (0, Side.BUY, 100, 5, 0))
    assert trades.annul(1, 1, "", NOW_NS) is AnnulFault.UNKNOWN


def test_flags_stay_with_their_trades_when_rows_are_moved() -> None:
    """More groups than there is room for: the last two are kept, the newest of them locked all along."""
    trades = Trades(kept=2)
    for number in range(1, 20):
        traded(trades, (0, Side.BUY, 100, number, 0))
        assert trades.lock(0, number) is None
        if number > 1:
            assert trades.annul(0, number - 1, "", NOW_NS) is AnnulFault.LOCKED
        assert trades.annul(0, max(0, number - 2), "", NOW_NS) is AnnulFault.UNKNOWN


def many_lines(ledger: Ledger, accounts: int) -> None:
    """Trades of account 0 with each of so many others."""
    trades = Trades()
    events = np.zeros(accounts, EVENT)
    events["kind"], events["price_ticks"], events["qty_lots"] = EventKind.TRADED, 1, 1
    events["pair"] = 1
    others = np.arange(1, accounts + 1, dtype=np.uint32)
    none = np.zeros(accounts, np.int64)
    ledger.add(trades.take(events, (np.zeros(accounts, np.uint32), others), (none, none), UNITS, NOW_NS))


class AnsweringVenue:
    """Answers questions from a ledger; says each page twice, and one that nobody asked for."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.asked: list[Message] = []

    def answer(self, frames: list[bytes]) -> list[bytes]:
        """What comes back for these frames."""
        out: list[bytes] = []
        for frame in frames:
            ask = CODEC.decode(frame)
            assert isinstance(ask, StatementAsk)
            self.asked.append(ask)
            page = encode(statement(self.ledger, ask, range(2_000), {}, NOW_NS))
            out += [encode(Statement(ask.month + 1, 0, (), (), False)), b"junk", page, page]
        return out


def test_a_long_statement_is_asked_for_page_by_page() -> None:
    """1,001 lines in four pages, each line once and in order, though the venue repeats itself and a frame is lost."""
    ledger = Ledger()
    ledger.advance(NOW_NS)
    many_lines(ledger, 1_000)
    month = month_of(NOW_NS)
    venue = AnsweringVenue(ledger)
    questions = Questions(StatementAsk(month), Statement, next_statement)
    assert len(questions.tick(0)) == 1  # lost
    assert questions.tick(RETRY_NS - 1) == []
    now_ns = RETRY_NS
    while not questions.is_done:
        questions.arrive(venue.answer(questions.tick(now_ns)))
    lines = [line for page in questions.pages for line in page.lines]
    assert lines == list(ledger.lines(month, range(2_000)))
    assert [len(page.lines) for page in questions.pages] == [LINES_MAX] * 3 + [1_001 - 3 * LINES_MAX]
    assert all(len(encode(page)) < 65_536 for page in questions.pages)
    assert questions.tick(now_ns + RETRY_NS) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Refuse(FaultCode.UNKNOWN_TAG, int(Tag.STATEMENT_ASK), "what is this?"), "UNKNOWN_TAG what is this?"),
        (OperatorDone(int(Tag.STATEMENT_ASK), 201, 0), "operator's keys"),
        (CommandsRefused(0, 1, EntryFault.UNKNOWN_SESSION, 0, 1), "UNKNOWN_SESSION; are these a member's keys"),
    ],
)
def test_a_venue_that_does_not_answer_says_why(answer: Message, error: str) -> None:
    """The question ends with an error."""
    questions = Questions(StatementAsk(24_000), Statement, next_statement)
    questions.tick(0)
    questions.arrive([encode(answer)])
    assert questions.is_done and error in str(questions.error)


def test_the_last_pair_of_an_account_is_followed_by_the_next_account() -> None:
    """Where there is no pair behind it."""
    line = StatementLine(3, 65_535, 0, 0, 0, *([wide(0)] * 7))
    assert next_statement(Statement(24_000, 0, (line,), (), True)) == StatementAsk(24_000, 4, 0)
    assert next_statement(Statement(24_000, 0, (line,), (), False)) is None


def test_a_day_report_counts_halts_and_cancels_without_a_trade() -> None:
    """Pages of pairs without names; nothing is left out and nothing is said of quiet pairs."""
    days = Days()
    days.advance(NOW_NS)
    events = np.zeros(600, EVENT)
    events["kind"], events["code"] = EventKind.PHASE_CHANGED, Phase.HALTED
    events["pair"] = 2 * np.arange(600)
    days.add_events(events)
    ask: DayReportAsk | None = DayReportAsk(days.day)
    pairs: list[int] = []
    while ask is not None:
        page = day_report(days, ask, {}, NOW_NS)
        assert all((line.halts, line.trades, line.open_ticks) == (1, 0, 0) for line in page.lines)
        pairs += [line.pair for line in page.lines]
        ask = next_day_report(page)
    assert pairs == list(range(0, 1_200, 2))


def test_months_and_days_that_are_not_kept_are_empty() -> None:
    """And those that are over do not change."""
    ledger, days = Ledger(), Days()
    assert list(ledger.lines(month_of(NOW_NS), [0, 1])) == []
    trades = Trades()
    for month in range(20):
        now_ns = month_ns(24_300 + month)
        ledger.advance(now_ns)
        days.advance(now_ns)
        rows = traded(trades, (0, Side.BUY, 100, 5, 0), now_ns=now_ns)
        ledger.add(rows)
        days.add(rows, np.arange(3))
    assert ledger.months == tuple(range(24_306, 24_320))
    assert [line.closing_lots for month in ledger.months for line in ledger.lines(month, [2])] == list(
        range(35, 105, 5)
    )
    assert list(days.lines(month_ns(24_300) // DAY_NS)) == []
    assert len(list(days.lines(month_ns(24_319) // DAY_NS))) == 1


@pytest.mark.parametrize("loaded", (Ledger.load, Days.load, Trades.load))
@pytest.mark.parametrize("state", (b"", b"\x93\x01\x02\x03", b"\xc1"))
def test_other_bytes_are_no_state(loaded: object, state: bytes) -> None:
    """Of the three."""
    with pytest.raises(ValueError, match=r"^no (ledger|days|trades)"):
        loaded(state)  # type: ignore[operator]


def test_a_statement_is_text_that_names_pairs_and_instruments() -> None:
    """Columns without a number are left out; fees are summed by instrument."""
    line = StatementLine(1, 7, 2, 5, 2, wide(4), wide(1), wide(4_000), wide(1_000), wide(-3), wide(2**70), wide(0))
    values = line_values([line], [PairName(7, "OUT/EUR", QUOTE)])
    text = statement_text(month_number("2026-11"), month_ns(month_number("2026-12")), values)
    assert text.splitlines() == [
        "Statement for 2026-11, up to 2026-12-01 00:00:00 UTC",
        "",
        "account  pair     opening  bought  sold  closing  trades  paid  received  maker fees              taker fees",
        "      1  OUT/EUR        2       4     1        5       2  4000      1000          -3  1180591620717411303424",
        "",
        f"Fees: {2**70 - 3} units of instrument {QUOTE.hex()[:16]}",
        "Positions, bought and sold in lots; paid, received and fees in units.",
    ]
    assert fee_totals(values) == [{"quote": QUOTE.hex(), "fees_units": 2**70 - 3}]
    assert "No trades" in statement_text(24_000, 0, [])
    assert "Nothing happened" in day_text(20_000, 0, [])


@pytest.mark.parametrize("text", ("2026-13", "2026", "1969-12", "2026-1", "soon"))
def test_what_is_no_month_is_refused(text: str) -> None:
    """In words and numbers."""
    with pytest.raises(ValueError, match=r"month|format|range|data"):
        month_number(text)


def match(number: int, pair: int, side: Side, lots: int, time_ns: int, as_maker: bool) -> Match:
    """A match of session 3 with another one, for -2 and 5 units."""
    own, other = MatchSide(MEMBER, 3, 1, -2 if as_maker else 5), MatchSide(b"O" * 32, 4, 1, 9)
    sides = (own, other) if as_maker else (other, own)
    return Match(number, 40 + number, time_ns, pair, side, 100, lots, *sides)


def test_a_session_file_adds_up_to_a_statement() -> None:
    """Matches of two months, one told twice, one forged, one annulled; a listing that names one of the pairs."""
    month = month_of(NOW_NS)
    early_ns, late_ns = month_ns(month) - 5, month_ns(month) + 5
    listed = PairListed(0, b"B" * 32, QUOTE, "OUT/EUR", 10, 1, 1_000, 10**6, Phase.CONTINUOUS, -20, 35, 1, 0)
    first = match(2, 0, Side.SELL, 4, late_ns, True)
    signed: list[tuple[Ed25519Signer, Message]] = [
        (VENUE, match(1, 0, Side.BUY, 7, early_ns, False)),
        (VENUE, first),
        (VENUE, first),
        (OTHER, match(3, 0, Side.BUY, 1_000, late_ns, False)),
        (VENUE, match(4, 1, Side.SELL, 6, late_ns, False)),
        (VENUE, match(5, 0, Side.BUY, 3, late_ns, False)),
        (VENUE, Annulled(0, 9, 45, 0, Side.BUY, False, 100, 3, 5, late_ns)),
        (OTHER, Annulled(0, 9, 42, 0, Side.BUY, True, 100, 4, -2, late_ns)),
    ]
    file = io.BytesIO()
    session_file.begin(About(VENUE.key, MEMBER, 3), file)
    session_file.append(EntryKind.RECEIVED, NOW_NS, encode(Pairs((listed,), False)), file)
    for sequence, (signer, message) in enumerate(signed, 1):
        frame = encode(enclose([encode(message)], signer, MEMBER, sequence, 2**62, b"s" * 32))
        session_file.append(EntryKind.RECEIVED, NOW_NS + sequence, frame, file)
    recorded = read_recorded(lambda: io.BytesIO(file.getvalue()), month)
    assert not isinstance(recorded, WireFault)
    lines = {line["name"]: line for line in line_values(recorded.lines, recorded.names)}
    one, two = lines["OUT/EUR"], lines["1"]
    assert (one["opening_lots"], one["bought_lots"], one["sold_lots"], one["closing_lots"]) == (7, 4, 0, 11)
    assert (one["trades"], one["bought_units"], one["maker_fees_units"], one["taker_fees_units"]) == (1, 4_000, -2, 0)
    assert (two["opening_lots"], two["sold_lots"], two["sold_units"], two["taker_fees_units"]) == (0, 6, 600, 5)
    assert recorded.until_ns == NOW_NS + len(signed)
    assert any("values of pairs 1" in note for note in recorded.notes)


def test_a_file_of_something_else_is_no_session() -> None:
    """A fault, not a statement."""
    assert isinstance(read_recorded(lambda: io.BytesIO(b"something else"), 24_000), WireFault)


def test_a_report_of_a_venue_is_of_the_type_that_was_asked_for() -> None:
    """A statement is no answer to a question for a day."""
    questions = Questions(DayReportAsk(20_000), DayReport, next_day_report)
    questions.tick(0)
    questions.arrive([encode(Statement(24_000, 0, (), (), False)), encode(DayReport(20_001, 0, (), (), False))])
    assert questions.pages == []
    questions.arrive([encode(DayReport(20_000, 5, (), (), False))])
    assert [page.until_ns for page in questions.pages] == [5]
