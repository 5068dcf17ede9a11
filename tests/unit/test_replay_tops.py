"""Best prices worked out from events, against plain loops and against the book itself."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.domain import Phase, Side
from openoutcry.domain.records import EVENT, Events
from openoutcry.replay.books import ReplayBooks, open_plain
from openoutcry.replay.commands import rebuild_script, rematch_script
from openoutcry.replay.market import split
from openoutcry.replay.tops import NO_PRICE, Rests, best_prices, quotes, rests
from tests.flows import generated

COUNT = 24
LIVES = st.lists(
    st.tuples(st.integers(0, COUNT), st.integers(0, COUNT), st.integers(1, 9), st.sampled_from(list(Side))), max_size=30
)


@given(LIVES)
def test_best_prices_are_those_of_a_plain_loop(lives: list[tuple[int, int, int, Side]]) -> None:
    """Any rests, empty ones too: after each command, the best price of those that are there."""
    begin, end, price, side = (
        (np.array(column, dtype=np.int64) for column in zip(*lives, strict=True))
        if lives
        else [np.zeros(0, dtype=np.int64)] * 4
    )
    there = Rests(np.arange(len(lives), dtype=np.uint64), side.astype(np.uint8), price, begin, end)
    for asked, best in ((Side.BUY, max), (Side.SELL, min)):
        expected = []
        for command in range(COUNT):
            prices = [p for b, e, p, s in lives if s is asked and b <= command < e]
            expected.append(best(prices) if prices else NO_PRICE)
        assert best_prices(there, asked, COUNT).tolist() == expected


@pytest.mark.parametrize("matching", [False, True])
def test_quotes_from_events_are_those_of_the_book(matching: bool) -> None:
    """A generated market, collected and matched; after every command the book itself is asked for its best levels."""
    flow = generated(1200)
    script = rematch_script(flow)[0] if matching else rebuild_script(flow)
    phase = Phase.CONTINUOUS if matching else Phase.PRE_OPEN
    books = open_plain([replace(flow.pairs[0].pair, phase=phase)])
    events: list[Events] = []
    expected = []
    for row in range(len(script.commands)):
        events.append(books.apply(script.commands[row : row + 1]).copy())
        expected.append(_best(books))
    share = next(split(np.concatenate(events), script.commands["pair"], 1))
    found = quotes(share.tape, rests(share.tape), np.arange(len(script.commands)))
    ours = np.stack([found.bid_ticks, found.bid_lots, found.ask_ticks, found.ask_lots], axis=1)
    assert ours.tolist() == expected


def _best(books: ReplayBooks) -> list[int]:
    depth = books.depth(0, 1)
    best = []
    for levels in (depth.bids, depth.asks):
        best += [int(levels["price_ticks"][0]), int(levels["qty_lots"][0])] if len(levels) else [NO_PRICE, 0]
    return best


def test_a_pair_without_commands_has_no_quotes() -> None:
    """The second of two pairs is never heard of."""
    shares = list(split(np.zeros(0, dtype=EVENT), np.zeros(0, dtype=np.uint32), 2))
    assert len(shares) == 2
    found = quotes(shares[1].tape, rests(shares[1].tape), np.zeros(0, dtype=np.int64))
    assert len(found.bid_ticks) == len(found.ask_lots) == 0
