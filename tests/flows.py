"""Small flows for tests: messages written one by one, and generated markets at hand."""

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from openoutcry.domain import OrderType, Pair, TimeInForce
from openoutcry.replay.books import open_plain
from openoutcry.replay.flow import MESSAGE, Action, Flow, FlowPair, Messages
from openoutcry.replay.generate import Recipe, generate


def message(
    action: Action,
    order: int,
    *,
    price: int = 0,
    lots: int = 1,
    side: int = 0,
    group: int = 0,
    other: int = 0,
    pair: int = 0,
    kind: OrderType = OrderType.LIMIT,
    tif: TimeInForce = TimeInForce.GTC,
    flags: int = 0,
) -> tuple[Any, ...]:
    """Return one message; its time is its group in milliseconds."""
    return (group * 1_000_000, 0, order, other, price, lots, group, pair, action, side, kind, tif, flags, b"")


def messages(*rows: tuple[Any, ...]) -> Messages:
    """Join messages."""
    joined = np.array(list(rows), dtype=MESSAGE)
    joined["record"] = np.arange(1, len(joined) + 1)
    return joined


def flow_of(*rows: tuple[Any, ...], pairs: int = 1) -> Flow:
    """Return a flow of such messages in pairs of a thousand ticks."""
    found = tuple(
        FlowPair(f"P{number}", Decimal(1), Decimal(1), Pair(number, price_ticks_max=1023)) for number in range(pairs)
    )
    return Flow("test", "test", found, messages(*rows), len(rows))


@cache
def generated(orders: int = 3000, *, takers_shown: bool = False, hidden_ppm: int = 0, seed: int = 7) -> Flow:
    """Return a generated market; the same one each time, so that tests share it."""
    recipe = Recipe(orders=orders, symbol="ABC", takers_shown=takers_shown, hidden_ppm=hidden_ppm)
    return generate(recipe, np.random.default_rng(seed), open_plain)


def silent(done: int, count: int) -> None:
    """Progress that nobody watches."""


def stopped() -> int:
    """A clock that stands still."""
    return 0
