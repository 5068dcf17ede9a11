"""The answers to STATEMENT_ASK and DAY_REPORT_ASK, page by page."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice

from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.venue.statements.days import DAY_NS, Days
from openoutcry.venue.statements.ledger import Ledger
from openoutcry.venue.statements.messages import (
    LINES_MAX,
    DayReport,
    DayReportAsk,
    PairName,
    Statement,
    StatementAsk,
)


def statement(
    ledger: Ledger, ask: StatementAsk, accounts: Iterable[int], names: Mapping[int, PairName], now_ns: int
) -> Statement:
    """Return one page of the statement of a member. accounts: all of the member's. names: of pairs, by number.

    now_ns: time of the question; the page is of the state as it is. Empty for a month that is not kept.
    """
    found = list(islice(ledger.lines(ask.month, accounts, (ask.account, ask.pair)), LINES_MAX + 1))
    lines = tuple(found[:LINES_MAX])
    until_ns = min(now_ns, month_ns(ask.month + 1))
    return Statement(ask.month, until_ns, lines, _names({line.pair for line in lines}, names), len(found) > LINES_MAX)


def day_report(days: Days, ask: DayReportAsk, names: Mapping[int, PairName], now_ns: int) -> DayReport:
    """Return one page of the report of a day; empty for a day that is not kept."""
    found = list(islice(days.lines(ask.day, ask.pair), LINES_MAX + 1))
    lines = tuple(found[:LINES_MAX])
    until_ns = min(now_ns, (ask.day + 1) * DAY_NS)
    return DayReport(ask.day, until_ns, lines, _names({line.pair for line in lines}, names), len(found) > LINES_MAX)


def next_statement(page: Statement) -> StatementAsk | None:
    """Return the question for the next page, or None behind the last one."""
    if not page.more or not page.lines:
        return None
    last = page.lines[-1]
    if last.pair == PAIRS_MAX - 1:
        return StatementAsk(page.month, last.account + 1, 0)
    return StatementAsk(page.month, last.account, last.pair + 1)


def next_day_report(page: DayReport) -> DayReportAsk | None:
    """Return the question for the next page, or None behind the last one."""
    return DayReportAsk(page.day, page.lines[-1].pair + 1) if page.more and page.lines else None


def month_ns(month: int) -> int:
    """Return when a month begins, by UTC.

    >>> month_ns(1_970 * 12 + 1) // 86_400_000_000_000
    31
    """
    year, index = divmod(month, 12)
    return int(datetime(year, index + 1, 1, tzinfo=UTC).timestamp()) * 10**9


def _names(pairs: Iterable[int], names: Mapping[int, PairName]) -> tuple[PairName, ...]:
    return tuple(names[pair] for pair in sorted(pairs) if pair in names)
