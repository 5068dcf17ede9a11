"""The order feed of the QuantCup contest, against the trades on which three independent engines agree.

The feed has no licence, so it is not part of the project: `make soak QUANTCUP=DIR` names the folder that holds
quantcup_feed.csv.gz (seq, trader, side 0 buy or 1 sell, price, size; price 0 cancels the order whose number stands in
the last column) and quantcup_feed_trades.csv.gz (seq, buyer, seller, price, qty). Orders are numbered from 1 in the
order of their entry. The contest prints the incoming order's limit as trade price, we the maker's: so the price is not
compared. What comes out is kept in benchmarks/results/quantcup.jsonl.
"""

import csv
import gzip
import os
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from benchmarks.record import RESULTS, Recorder
from openoutcry.book import Books
from openoutcry.domain import EventKind, Op, Pair, Side
from openoutcry.domain.records import COMMAND, Commands

TRADES: Final = 16_887
MEASURE: Final = "quantcup"

Trade = tuple[int, str, str, int]
"""Number of the command, trader of the maker, trader of the taker, quantity."""


@pytest.mark.soak(input="QUANTCUP")
def test_trades_of_the_quantcup_feed_are_those_of_three_independent_engines() -> None:
    """Maker, taker and quantity of every trade, in order."""
    folder = Path(os.environ["QUANTCUP"])
    feed = read(folder / "quantcup_feed.csv.gz")
    expected = [
        (int(seq), *((seller, buyer) if feed[int(seq)][2] == "0" else (buyer, seller)), int(qty))
        for seq, buyer, seller, _, qty in read(folder / "quantcup_feed_trades.csv.gz")
    ]
    ours = replay(feed)
    same = sum(one == other for one, other in zip(ours, expected, strict=False))
    figures = {"commands": len(feed), "trades": len(expected), "ours": len(ours), "same": same}
    Recorder(RESULTS).add(MEASURE, {"feed": "quantcup"}, figures)
    assert ours == expected
    assert len(expected) == TRADES


def read(path: Path) -> list[list[str]]:
    """Return the rows of a compressed CSV file without its header line."""
    with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
        return list(csv.reader(lines))[1:]


def replay(feed: list[list[str]]) -> list[Trade]:
    """Send the feed through a fast book and return its trades."""
    traders = [trader for _, trader, _, price, _ in feed if price != "0"]
    books = Books([Pair(0, price_ticks_max=65_535)], accounts=1)
    events = books.apply(commands(feed))
    accepted = events[events["kind"] == EventKind.ACCEPTED]
    number_of = dict(zip(accepted["maker"].tolist(), accepted["taker"].tolist(), strict=True))
    traded = events[events["kind"] == EventKind.TRADED]
    columns = (traded[name].tolist() for name in ("sequence", "maker", "taker", "qty_lots"))
    return [
        (sequence - 1, traders[number_of[maker] - 1], traders[number_of[taker] - 1], lots)
        for sequence, maker, taker, lots in zip(*columns, strict=True)
    ]


def commands(feed: list[list[str]]) -> Commands:
    """Return one command per row; all orders belong to one account, since the contest lets traders meet themselves."""
    rows = np.zeros(len(feed), dtype=COMMAND)
    number = 0
    for row, (_, _, side, price, last) in zip(rows, feed, strict=True):
        if price == "0":
            row["op"], row["client_id"] = Op.CANCEL, int(last)
            continue
        number += 1
        row["op"], row["client_id"], row["side"] = Op.PLACE, number, Side(int(side))
        row["price_ticks"], row["qty_lots"] = int(price), int(last)
    return rows
