"""Ledger, days and trade numbers against plain dictionaries, through months, annulments, splits, saving and loading."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.domain import EventFlag, EventKind, Phase
from openoutcry.domain.records import EVENT
from openoutcry.venue.statements.answers import (
    day_report,
    month_ns,
    next_day_report,
    next_statement,
    statement,
)
from openoutcry.venue.statements.days import DAY_NS, Days
from openoutcry.venue.statements.ledger import Ledger, month_of
from openoutcry.venue.statements.messages import DayReportAsk, PairName, StatementAsk, narrow
from openoutcry.venue.statements.trades import AnnulFault, Annulment, Trades
from tests.trade_rows import ACCOUNTS, PAIRS, TICK_UNITS, groups

START_NS = 20_000 * DAY_NS
BOOLEANS: st.SearchStrategy[Any] = st.booleans()
SESSIONS = np.array([1, 1, 2, 3, 3])
NAMES = {pair: PairName(pair, f"P{pair}", bytes([pair]) * 32) for pair in range(PAIRS)}


class Plain:
    """The twin: a list of all that happened, added up anew for every question."""

    def __init__(self) -> None:
        self.sides: list[tuple[int, int, int, str, int]] = []
        """Month, account, pair, what, how much."""

    def book(self, row: Any, month: int, sign: int) -> None:
        """Note both sides of a trade."""
        maker_buys = row["side"] == 1
        for role, buys in (("maker", maker_buys), ("taker", not maker_buys)):
            key = (month, int(row[f"{role}_account"]), int(row["pair"]))
            as_maker = role == "maker" and not row["flags"] & EventFlag.AUCTION
            word = "bought" if buys else "sold"
            for what, value in (
                ("trades", 1),
                (f"{word}_lots", row["qty_lots"]),
                (f"{word}_units", row["value_units"]),
                ("maker_fees_units" if as_maker else "taker_fees_units", row[f"{role}_fee_units"]),
            ):
                self.sides.append((*key, what, sign * int(value)))

    def net(self, account: int, pair: int, until: int) -> int:
        """Position at the end of a month."""
        signs = {"bought_lots": 1, "sold_lots": -1, "adjusted_lots": 1}
        return sum(
            signs.get(what, 0) * value
            for m, a, p, what, value in self.sides
            if (a, p) == (account, pair) and m <= until
        )

    def line(self, month: int, account: int, pair: int) -> dict[str, int]:
        """All numbers of one line."""
        sums: Counter[str] = Counter()
        for m, a, p, what, value in self.sides:
            if (m, a, p) == (month, account, pair):
                sums[what] += value
        return {
            "opening_lots": self.net(account, pair, month - 1),
            "closing_lots": self.net(account, pair, month),
            **{name: value for name, value in sums.items() if value},
        }


def plain_lines(ledger: Ledger, month: int, accounts: list[int], now_ns: int) -> dict[tuple[int, int], dict[str, int]]:
    """Every line of the ledger's statement, read page by page, zeros left out."""
    ask: StatementAsk | None = StatementAsk(month)
    found = {}
    while ask is not None:
        page = statement(ledger, ask, accounts, NAMES, now_ns)
        assert {name.pair for name in page.pairs} == {line.pair for line in page.lines}
        for line in page.lines:
            values = {}
            for name in line.__struct_fields__[2:]:
                value = getattr(line, name)
                values[name] = narrow(value) if isinstance(value, bytes) else value
            found[line.account, line.pair] = {
                name: value for name, value in values.items() if value or name in ("opening_lots", "closing_lots")
            }
        ask = next_statement(page)
    return found


@settings(max_examples=150)
@given(data=st.data())
def test_statements_are_what_the_trades_add_up_to(data: st.DataObject) -> None:
    """Some months of random groups, annulments and splits, saved and loaded between; every line of every month."""
    ledger, trades, plain = Ledger(), Trades(kept=16), Plain()
    now_ns = START_NS
    kept: list[Any] = []
    for _ in range(data.draw(st.integers(1, 6))):
        now_ns += data.draw(st.integers(0, 40)) * DAY_NS
        ledger.advance(now_ns)
        month = month_of(now_ns)
        group = data.draw(groups())
        rows = trades.take(*group, TICK_UNITS, now_ns)
        ledger.add(rows)
        kept += list(rows)
        for row in rows:
            plain.book(row, month, 1)
        if kept and data.draw(BOOLEANS):
            row = data.draw(st.sampled_from(kept[-16:]))
            done = trades.annul(int(row["pair"]), int(row["number"]), "", now_ns)
            if isinstance(done, Annulment):
                ledger.add(done.row, is_annulled=True)
                plain.book(row, month, -1)
            else:
                assert done is AnnulFault.ANNULLED
        if data.draw(st.booleans()):
            pair, n, d = (
                data.draw(st.integers(0, PAIRS - 1)),
                data.draw(st.integers(1, 4)),
                data.draw(st.integers(1, 4)),
            )
            for account in range(ACCOUNTS):
                net = plain.net(account, pair, month)
                change = (abs(net) * d // n) * (1 if net > 0 else -1) - net
                plain.sides.append((month, account, pair, "adjusted_lots", change))
            ledger.adjust(pair, n, d)
        if data.draw(st.booleans()):
            ledger, trades = Ledger.load(ledger.save()), Trades.load(trades.save(), kept=16)
    for month in ledger.months:
        accounts = data.draw(st.lists(st.integers(0, ACCOUNTS - 1), unique=True))
        expected = {(account, pair): plain.line(month, account, pair) for account in accounts for pair in range(PAIRS)}
        idle = {"opening_lots": 0, "closing_lots": 0}
        expected = {key: line for key, line in expected.items() if line != idle}
        assert plain_lines(ledger, month, accounts, now_ns) == expected
    assert Ledger.load(ledger.save()).save() == ledger.save()
    for account in range(ACCOUNTS):
        for pair in range(PAIRS):
            assert ledger.position(account, pair) == plain.net(account, pair, ledger.month)


@settings(max_examples=100)
@given(data=st.data())
def test_a_report_is_what_the_day_adds_up_to(data: st.DataObject) -> None:
    """Some days of random groups, halts, cancellations and annulments, saved and loaded between; every line."""
    days, trades = Days(), Trades()
    now_ns = START_NS
    plain: dict[int, dict[int, dict[str, Any]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    kept: list[Any] = []
    for _ in range(data.draw(st.integers(1, 6))):
        now_ns += data.draw(st.integers(0, 30)) * DAY_NS // 20
        days.advance(now_ns)
        today = plain[now_ns // DAY_NS]
        group = data.draw(groups())
        rows = trades.take(*group, TICK_UNITS, now_ns)
        days.add(rows, SESSIONS)
        kept += list(rows)
        for row in rows:
            pair = today[int(row["pair"])]
            pair["price"].append(int(row["price_ticks"]))
            pair["sums"].append((1, int(row["qty_lots"]), int(row["value_units"])))
            pair["members"] += [int(SESSIONS[row["maker_account"]]), int(SESSIONS[row["taker_account"]])]
        kinds = data.draw(st.lists(st.sampled_from(("halt", "resume", "gone", "reduced", "expired")), max_size=5))
        events = np.zeros(len(kinds), EVENT)
        for event, kind in zip(events, kinds, strict=True):
            event["kind"] = {"gone": 5, "reduced": 5, "expired": 9}.get(kind, int(EventKind.PHASE_CHANGED))
            event["code"] = Phase.HALTED if kind == "halt" else Phase.CONTINUOUS
            event["maker_leaves"] = 4 if kind == "reduced" else 0
            event["pair"] = data.draw(st.integers(0, PAIRS - 1))
            if kind in ("halt", "gone", "expired"):
                today[int(event["pair"])]["halts" if kind == "halt" else "cancels"].append(1)
        days.add_events(events)
        if kept and data.draw(BOOLEANS):
            row = data.draw(st.sampled_from(kept))
            done = trades.annul(int(row["pair"]), int(row["number"]), "", now_ns)
            if isinstance(done, Annulment):
                days.annul(done.row)
                pair = today[int(row["pair"])]
                pair["annulled"].append(1)
                if int(row["time_ns"]) // DAY_NS == now_ns // DAY_NS:
                    pair["sums"].append((-1, -int(row["qty_lots"]), -int(row["value_units"])))
        if data.draw(st.booleans()):
            days = Days.load(days.save())
    assert Days.load(days.save()).save() == days.save()
    for day in days.days:
        page = day_report(days, DayReportAsk(day), NAMES, now_ns)
        assert next_day_report(page) is None
        expected = {}
        for number, pair in plain[day].items():
            price = pair["price"] or [0]
            sums = [sum(column) for column in zip(*pair["sums"], strict=True)] or [0, 0, 0]
            counts = (len(pair["annulled"]), len(pair["halts"]), len(pair["cancels"]), len(set(pair["members"])))
            expected[number] = (price[0], max(price), min(price), price[-1], *sums, *counts)
        found = {}
        for line in page.lines:
            values = [getattr(line, name) for name in line.__struct_fields__[1:]]
            found[line.pair] = tuple(narrow(value) if isinstance(value, bytes) else value for value in values)
        assert found == {number: line for number, line in expected.items() if any(line)}


@settings(max_examples=100)
@given(data=st.data())
def test_numbers_count_the_items_of_each_pairs_stream(data: st.DataObject) -> None:
    """Groups and annulments in any order, saved and loaded, with room for few: each number once, without gaps."""
    trades = Trades(kept=4)
    given_numbers: dict[int, list[int]] = defaultdict(list)
    for _ in range(data.draw(st.integers(1, 8))):
        rows = trades.take(*data.draw(groups()), TICK_UNITS, START_NS)
        for row in rows:
            given_numbers[int(row["pair"])].append(int(row["number"]))
        if len(rows):
            row = rows[-1]
            done = trades.annul(int(row["pair"]), int(row["number"]), "why", START_NS + 1)
            assert isinstance(done, Annulment)
            given_numbers[int(row["pair"])].append(int(done.record["number"][0]))
            assert done.record["sequence"][0] == row["number"]
        trades = Trades.load(trades.save(), kept=4)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in given_numbers.values())


@given(month=st.integers(1_970 * 12, 2_200 * 12), within_ns=st.integers(0, 28 * DAY_NS - 1))
def test_a_month_begins_where_its_first_moment_lies(month: int, within_ns: int) -> None:
    """Both ways, and the moment before is of the month before."""
    assert month_of(month_ns(month) + within_ns) == month
    assert month == 1_970 * 12 or month_of(month_ns(month) - 1) == month - 1
