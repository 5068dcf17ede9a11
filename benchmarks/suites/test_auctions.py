"""Call auctions of 1,000 and 100,000 orders, by themselves and as a phase of a book."""

from typing import Final

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.suites.scale import Scale
from openoutcry.book import Books, commands
from openoutcry.book.auction import AuctionOrder, uncross
from openoutcry.domain import CommandFlag, EventKind, Op, Pair, Phase, Side
from openoutcry.domain.records import COMMAND, Commands

ORDERS: Final = (1_000, 100_000)
REFERENCE_TICKS: Final = 10_000
SPREAD_TICKS: Final = 50.0
MARKET_SHARE: Final = 0.05
ACCOUNTS: Final = 1000
RULE: Final = "euronext"


def draw(count: int) -> Commands:
    """Return orders as PLACE commands: limits normal around the reference, one in twenty a market order."""
    random = np.random.default_rng(5)
    orders = np.zeros(count, COMMAND)
    orders["op"] = Op.PLACE
    orders["flags"] = CommandFlag.BY_HANDLE
    orders["side"] = random.integers(0, 2, count)
    orders["account"] = random.integers(0, ACCOUNTS, count)
    orders["client_id"] = np.arange(1, count + 1)
    orders["qty_lots"] = random.integers(1, 500, count)
    is_market = random.random(count) < MARKET_SHARE
    limits = REFERENCE_TICKS + random.normal(0, SPREAD_TICKS, count).astype(np.int64)
    orders["kind"] = is_market
    orders["price_ticks"] = np.where(is_market, 0, limits)
    return orders


@pytest.mark.parametrize("count", ORDERS)
def test_uncross(benchmark: BenchmarkFixture, count: int, scale: Scale) -> None:
    """`openoutcry.book.auction.uncross` over a list of orders: checks, price, fills."""
    listed = [
        AuctionOrder(Side(int(order["side"])), int(order["qty_lots"]), int(order["price_ticks"]) or None)
        for order in draw(count)
    ]

    def clear() -> int:
        return uncross(listed, reference_ticks=REFERENCE_TICKS, tick=1, rule=RULE).volume_lots

    benchmark.extra_info |= {"measure": "auctions", "case": {"auction": "uncross", "orders": count}}
    benchmark.extra_info["volume_lots"] = benchmark.pedantic(clear, rounds=scale.rounds, warmup_rounds=1)


@pytest.mark.parametrize("count", ORDERS)
def test_phase(benchmark: BenchmarkFixture, count: int, scale: Scale) -> None:
    """The command UNCROSS in a book whose orders have collected, with positions and an event for each trade."""
    orders = draw(count)
    command = commands.uncross(0)

    def collected() -> tuple[tuple[Books], dict[str, object]]:
        books = Books([Pair(0, phase=Phase.AUCTION, reference_ticks=REFERENCE_TICKS)], accounts=ACCOUNTS)
        books.apply(orders)
        return (books,), {}

    def clear(books: Books) -> int:
        events = books.apply(command)
        return int(np.count_nonzero(events["kind"] == EventKind.TRADED))

    benchmark.extra_info |= {"measure": "auctions", "case": {"auction": "book phase", "orders": count}}
    benchmark.extra_info["trades"] = benchmark.pedantic(clear, setup=collected, rounds=scale.rounds, warmup_rounds=1)
