"""A day of a book with fees: what its positions, its statement, its report and its matches say is the same."""

import numpy as np
import pytest

from openoutcry.book import commands
from openoutcry.book.reference import ReferenceBooks
from openoutcry.domain import AccountField, EventKind, Op, Pair, Phase, Side
from openoutcry.domain.records import COMMAND
from openoutcry.venue.calendar.steps import phase_commands, phase_steps
from openoutcry.venue.statements.accounting import Accounting
from openoutcry.venue.statements.answers import statement
from openoutcry.venue.statements.ledger import month_of
from openoutcry.venue.statements.messages import StatementAsk, narrow
from openoutcry.venue.statements.trades import Annulment, refund_commands
from openoutcry.venue.tariffs.fees import trade_fees
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.venue.tariffs.tariffs import ALL_PAIRS

NOW_NS = 1_764_000_000 * 10**9
ACCOUNTS = 6
TICK_UNITS = np.array([10, 3], np.int64)
SESSIONS = np.array([1, 1, 2, 2, 3, 3])
TARIFF = Tariff(NOW_NS, -20, 35, 1, 0, 500)


def day(seed: int, accounting: Accounting) -> tuple[ReferenceBooks, Accounting, list[tuple[int, ...]]]:
    """Random orders in two pairs through an auction, continuous trading, a halt and a close, in groups.

    Returns the books, the accounting, saved and loaded after each group, and the fees of all trades.
    """
    generator = np.random.default_rng(seed)
    pairs = [Pair(number, price_ticks_max=200, phase=Phase.AUCTION) for number in (0, 1)]
    books = ReferenceBooks(pairs, accounts=ACCOUNTS)
    owner: dict[int, int] = {}
    told: list[tuple[int, ...]] = []
    assert accounting.tariffs.set(ALL_PAIRS, TARIFF, NOW_NS) is None
    phase = Phase.AUCTION
    plan = (None, Phase.CONTINUOUS, None, None, Phase.HALTED, Phase.CONTINUOUS, None, Phase.CLOSED)
    for group, wanted in enumerate(plan):
        if wanted is None:
            batch = np.zeros(60, COMMAND)
            batch["op"], batch["client_id"] = Op.PLACE, np.arange(60) + 100 * group
            batch["pair"], batch["side"] = generator.integers(0, 2, 60), generator.integers(0, 2, 60)
            batch["account"] = generator.integers(0, ACCOUNTS, 60)
            batch["price_ticks"], batch["qty_lots"] = generator.integers(90, 111, 60), generator.integers(1, 9_000, 60)
        else:
            steps = phase_steps(phase, False, wanted, False)
            batch = np.concatenate([phase_commands(pair, steps) for pair in (0, 1)])
            phase = wanted
        first = books.sequence + 1
        events = books.apply(batch).copy()
        for event in events[events["kind"] == EventKind.ACCEPTED]:
            if event["code"] == Op.PLACE:
                owner[int(event["maker"])] = int(batch["account"][int(event["sequence"]) - first])
        traded = events[events["kind"] == EventKind.TRADED]
        makers, takers = (
            np.array([owner[int(handle)] for handle in traded[role]], np.uint32) for role in ("maker", "taker")
        )
        rows = accounting.take(events, (makers, takers), TICK_UNITS, SESSIONS, NOW_NS + group)
        names = ("pair", "price_ticks", "qty_lots", "flags", "maker_fee_units", "taker_fee_units")
        told += [tuple(int(row[name]) for name in names) for row in rows]
        accounting = Accounting.load(accounting.save())
    return books, accounting, told


@pytest.mark.parametrize("seed", range(4))
def test_statements_add_up_to_what_books_and_matches_say(seed: int) -> None:
    """Positions are those of the books, fees those of the rule, sums over members zero; again, the same bytes."""
    books, accounting, told = day(seed, Accounting())
    assert len(told) > 30
    positions = {(account, pair): books.position(account, pair) for account in range(ACCOUNTS) for pair in (0, 1)}
    assert accounting.check(positions) == []
    for pair, price, lots, flags, maker, taker in told:
        assert (maker, taker) == trade_fees(price, lots, int(TICK_UNITS[pair]), bool(flags & 2), TARIFF)
    page = statement(accounting.ledger, StatementAsk(month_of(NOW_NS)), range(ACCOUNTS), {}, NOW_NS)
    fees = sum(narrow(line.maker_fees_units) + narrow(line.taker_fees_units) for line in page.lines)
    assert fees == sum(maker + taker for *_, maker, taker in told) > 0
    for pair in (0, 1):
        lines = [line for line in page.lines if line.pair == pair]
        assert sum(line.closing_lots for line in lines) == 0
        assert sum(narrow(line.bought_units) - narrow(line.sold_units) for line in lines) == 0
        (report,) = [line for line in accounting.days.lines(accounting.days.day) if line.pair == pair]
        assert sum(line.trades for line in lines) == 2 * report.trades
        assert sum(narrow(line.bought_lots) for line in lines) == narrow(report.volume_lots)
        assert (report.halts, report.members) == (1, 3)
    assert day(seed, Accounting())[1].save() == accounting.save()


def test_annulling_every_trade_leaves_nothing() -> None:
    """Positions, fees and volumes are zero again; what a price was and how many were annulled is still told."""
    _, accounting, told = day(0, Accounting())
    count = {pair: sum(1 for one in told if one[0] == pair) for pair in (0, 1)}
    for pair, trades in count.items():
        for number in range(1, trades + 1):
            assert isinstance(accounting.annul(pair, number, "", NOW_NS + 10), Annulment)
    assert list(accounting.ledger.lines(month_of(NOW_NS), range(ACCOUNTS))) == []
    for line in accounting.days.lines(accounting.days.day):
        assert (line.trades, narrow(line.volume_lots), narrow(line.value_units)) == (0, 0, 0)
        assert (line.annulled, line.open_ticks > 0) == (count[line.pair], True)


@pytest.mark.parametrize("side", Side, ids=lambda side: side.name)
def test_what_a_trade_spent_of_backing_is_available_again(side: Side) -> None:
    """A trade of two backed accounts, annulled: both can place the same orders again, and could not without it."""
    books = ReferenceBooks([Pair(0, price_ticks_max=200)], accounts=2)
    buyer, seller = (0, 1) if side is Side.SELL else (1, 0)
    setup = [commands.set_limits(account, AccountField.BACKED, 1) for account in (0, 1)]
    books.apply(np.concatenate([*setup, commands.fund(buyer, 0, 500), commands.fund(seller, 1, 5)]))
    orders = np.concatenate(
        [
            commands.place(0, 0, 1, side.opposite, price_ticks=100, qty_lots=5),
            commands.place(0, 1, 2, side, price_ticks=100, qty_lots=5),
        ]
    )
    events = books.apply(orders).copy()
    assert (books.apply(orders)["kind"] == EventKind.REJECTED).all()
    accounting = Accounting()
    accounts = (np.array([0], np.uint32), np.array([1], np.uint32))
    assert len(accounting.take(events, accounts, TICK_UNITS, SESSIONS, NOW_NS)) == 1
    done = accounting.annul(0, 1, "", NOW_NS)
    assert isinstance(done, Annulment)
    assert len(refund_commands(done.row, 1, 0, (False, False))) == 0
    books.apply(refund_commands(done.row, 1, 0, (True, True)))
    assert EventKind.TRADED in books.apply(orders)["kind"]


def test_other_bytes_are_no_accounting() -> None:
    """Of another shape."""
    with pytest.raises(ValueError, match="no accounting"):
        Accounting.load(b"\x90")
