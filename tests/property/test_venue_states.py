"""States of calendars, tariffs and accounting with bytes changed: refused, or taken and then the same again."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.client.calendar_file import parse_calendar
from openoutcry.domain import EventKind, Phase
from openoutcry.domain.records import EVENT
from openoutcry.venue.calendar.messages import CalendarSet
from openoutcry.venue.calendar.phases import Phases
from openoutcry.venue.statements.accounting import Accounting
from openoutcry.venue.statements.days import Days
from openoutcry.venue.statements.ledger import Ledger
from openoutcry.venue.statements.trades import Trades
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.venue.tariffs.tariffs import ALL_PAIRS, Tariffs
from openoutcry.wire.service import MarketState, PairId, StateReason
from tests.calendars import EXAMPLE

SECRET: Final = b"s" * 32
MONTH_NS: Final = 31 * 86_400 * 10**9


def accounting() -> Accounting:
    """Two months with a few trades in two pairs, one annulled, and a tariff to come."""
    made = Accounting()
    assert made.tariffs.set(ALL_PAIRS, Tariff(0, -20, 35, 1), 0) is None
    assert made.tariffs.set(1, Tariff(9 * MONTH_NS, 1, 2), 0) is None
    events = np.zeros(4, EVENT)
    events["kind"], events["price_ticks"], events["qty_lots"] = EventKind.TRADED, (5, 6, 7, 8), 3
    events["pair"], events["side"] = (0, 0, 1, 1), (0, 1, 0, 1)
    accounts = (np.array([0, 1, 2, 0], np.uint32), np.array([1, 2, 0, 2], np.uint32))
    for month in (1, 2):
        made.take(events, accounts, np.array([10, 10]), np.array([1, 2, 3]), month * MONTH_NS)
    made.annul(0, 4, "", 2 * MONTH_NS)
    return made


def phases() -> Phases:
    """A pair on a calendar, halted by an authority, and one that the operator leads."""
    made = Phases(SECRET)
    for pair in (0, 1):
        made.add(pair, Phase.CONTINUOUS, 0)
    assert made.set_calendar(CalendarSet(parse_calendar(EXAMPLE), (0,))) is None
    state = MarketState(PairId(b"B" * 32, b"Q" * 32), Phase.HALTED, StateReason.NEWS, 0, b"A" * 32, 1)
    assert made.obey(0, state, 5) is None
    made.changes(5, lambda pair: (Phase.CONTINUOUS, False))
    return made


_ACCOUNTING: Final = accounting()
STATES: Final[dict[str, tuple[bytes, Callable[[bytes], Any]]]] = {
    "accounting": (_ACCOUNTING.save(), Accounting.load),
    "tariffs": (_ACCOUNTING.tariffs.save(), Tariffs.load),
    "trades": (_ACCOUNTING.trades.save(), Trades.load),
    "ledger": (_ACCOUNTING.ledger.save(), Ledger.load),
    "days": (_ACCOUNTING.days.save(), Days.load),
    "phases": (phases().save(), lambda state: Phases.load(state, SECRET)),
}


@pytest.mark.parametrize("name", STATES)
@settings(max_examples=150)
@given(data=st.data())
def test_a_changed_state_is_refused_or_is_one(name: str, data: st.DataObject) -> None:
    """Up to three bytes changed, or cut anywhere; what is taken is saved and loaded to the same bytes."""
    state, load = STATES[name]
    changed = bytearray(state)
    for _ in range(data.draw(st.integers(0, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    del changed[data.draw(st.one_of(st.just(len(changed)), st.integers(0, len(changed)))) :]
    try:
        made = load(bytes(changed))
    except ValueError:
        assert bytes(changed) != state
        return
    saved = made.save()
    assert load(saved).save() == saved
