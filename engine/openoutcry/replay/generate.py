"""Order flow from nowhere: random traders around a price that wanders, matched by our own book.

For demonstrations where no recording can be had, and for tests that need recordings of every format. What it makes is
what a venue would have recorded; it is no model of a real market.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.random import Generator

from openoutcry.domain import CancelReason, EventFlag, EventKind, Op, OrderType, Pair, Side, TimeInForce
from openoutcry.domain.records import COMMAND, Events
from openoutcry.replay.books import OpenBooks
from openoutcry.replay.flow import MESSAGE, Action, Flow, FlowPair

START_NS: Final = 1_767_355_200_000_000_000
"""2 January 2026, 12:00 UTC."""

SPREAD_TICKS_MEAN: Final = 8
"""How far from the middle a resting order is placed, on average."""

LOTS_MEAN: Final = 40
RESTING_MAX: Final = 600
"""From so many live orders on, cancelling outweighs placing."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to generate.

    orders: how many commands of traders. takers_shown: whether the recording shows an aggressive order when it enters
    (as Bitstamp's does), or only the fills and what rests afterwards (as ITCH, LOBSTER and DBN do). tie_ppm: how often
    a command has the time of the one before. hidden_ppm: share of resting orders that are hidden. gap_ns: mean time
    between two commands.
    """

    orders: int = 100_000
    symbol: str = "GENERATED"
    tick: Decimal = Decimal("0.01")
    middle_ticks: int = 10_000
    takers_shown: bool = True
    tie_ppm: int = 200_000
    hidden_ppm: int = 0
    gap_ns: int = 37_500_000
    start_ns: int = START_NS


def generate(recipe: Recipe, random: Generator, open_books: OpenBooks) -> Flow:
    """Return the recording of a generated market. The same recipe and random state give the same flow.

    Cost: one `apply` per order, about 10 microseconds with the fast books.
    """
    pair = Pair(0, price_ticks_max=2 * recipe.middle_ticks)
    market = _Market(recipe, random, open_books, pair)
    for _ in range(recipe.orders):
        market.step()
    messages = np.array(market.rows, dtype=MESSAGE)
    messages["group"] = np.unique(messages["group"], return_inverse=True)[1]
    messages["record"] = np.arange(1, len(messages) + 1)
    flow_pair = FlowPair(recipe.symbol, recipe.tick, Decimal(1), pair)
    return Flow("generated order flow", "generated", (flow_pair,), messages, len(messages))


class _Market:
    """Traders, the book that they meet in, and the recording of it so far."""

    def __init__(self, recipe: Recipe, random: Generator, open_books: OpenBooks, pair: Pair) -> None:
        self.rows: list[tuple[object, ...]] = []
        self._recipe = recipe
        self._random = random
        self._books = open_books([pair])
        self._pair = pair
        self._time_ns = recipe.start_ns
        self._group = 0
        self._middle = float(recipe.middle_ticks)
        self._next_id = 1
        self._live: list[int] = []
        self._place: dict[int, int] = {}
        self._orders: dict[int, list[int]] = {}
        self._of_handle: dict[int, int] = {}

    def step(self) -> None:
        """Let one trader say one thing."""
        self._advance()
        draw = self._random.random()
        crowding = min(1.0, len(self._live) / RESTING_MAX)
        if self._live and draw < 0.55 * crowding:
            self._withdraw(reduce=self._random.random() < 0.1)
        elif draw > 0.93:
            self._aggress()
        else:
            self._quote()

    def _advance(self) -> None:
        if not self.rows or self._random.integers(1_000_000) >= self._recipe.tie_ppm:
            self._time_ns += 1 + int(self._random.exponential(self._recipe.gap_ns))
            self._group += 1 if self.rows else 0
        low, high = self._pair.price_ticks_max * 0.25, self._pair.price_ticks_max * 0.75
        self._middle = float(np.clip(self._middle + self._random.normal(0, 0.25), low, high))

    def _quote(self) -> None:
        side = Side(int(self._random.integers(2)))
        away = int(self._random.exponential(SPREAD_TICKS_MEAN)) - 1
        price = round(self._middle) - away if side is Side.BUY else round(self._middle) + away
        hidden = self._random.integers(1_000_000) < self._recipe.hidden_ppm
        self._place_order(side, price, OrderType.HIDDEN if hidden else OrderType.LIMIT, TimeInForce.GTC)

    def _aggress(self) -> None:
        side = Side(int(self._random.integers(2)))
        reach = int(self._random.exponential(SPREAD_TICKS_MEAN))
        price = round(self._middle) + reach if side is Side.BUY else round(self._middle) - reach
        self._place_order(side, price, OrderType.LIMIT, TimeInForce.IOC)

    def _place_order(self, side: Side, price: int, kind: OrderType, tif: TimeInForce) -> None:
        lots = 1 + int(self._random.exponential(LOTS_MEAN))
        order, self._next_id = self._next_id, self._next_id + 1
        events = self._apply(Op.PLACE, order, side, price, lots, kind, tif)
        self._orders[order] = [side, price, lots, kind]
        self._of_handle[int(events["maker"][0])] = order
        shown = self._recipe.takers_shown and kind is not OrderType.HIDDEN
        if shown:
            self._write(Action.ADD, order, 0, side, price, lots, kind, tif)
        for event in events[1:]:
            self._record(event, order, shown)

    def _record(self, event: np.void, order: int, shown: bool) -> None:
        side, price, _, kind = self._orders[order]
        if event["kind"] == EventKind.TRADED:
            maker = self._of_handle[int(event["maker"])]
            traded, lots = int(event["price_ticks"]), int(event["qty_lots"])
            taker = order if shown else 0
            if event["flags"] & EventFlag.HIDDEN:
                self._write(Action.TRADE, 0, 0, 1 - side, traded, lots)
            else:
                self._write(Action.FILL, maker, taker, 1 - side, traded, lots)
            if shown:
                self._write(Action.TAKE, order, maker, side, traded, lots)
            if event["maker_leaves"] == 0:
                self._gone(maker)
        elif event["kind"] == EventKind.RESTING:
            if not shown and kind is not OrderType.HIDDEN:
                self._write(Action.ADD, order, 0, side, price, int(event["maker_leaves"]), kind)
            self._place[order] = len(self._live)
            self._live.append(order)
        elif event["kind"] == EventKind.CANCELLED and event["code"] == CancelReason.IOC and shown:
            self._write(Action.DELETE, order, 0, side, price, int(event["qty_lots"]))

    def _withdraw(self, *, reduce: bool) -> None:
        order = self._live[int(self._random.integers(len(self._live)))]
        side, price, lots, kind = self._orders[order]
        op = Op.REDUCE if reduce and lots > 1 else Op.CANCEL
        events = self._apply(op, order, Side(side), 0, 1 + lots // 3, OrderType.LIMIT, TimeInForce.GTC)
        answer = events[0]
        if kind != OrderType.HIDDEN:
            action = Action.DELETE if answer["maker_leaves"] == 0 else Action.REDUCE
            self._write(action, order, 0, side, price, int(answer["qty_lots"]))
        if answer["maker_leaves"] == 0:
            self._gone(order)
        else:
            self._orders[order][2] = int(answer["maker_leaves"])

    def _apply(
        self, op: Op, order: int, side: Side, price: int, lots: int, kind: OrderType, tif: TimeInForce
    ) -> Events:
        command = np.zeros(1, dtype=COMMAND)
        command["op"], command["client_id"], command["side"] = op, order, side
        command["price_ticks"], command["qty_lots"] = price, lots
        command["kind"], command["tif"] = kind, tif
        return self._books.apply(command)

    def _gone(self, order: int) -> None:
        place, last = self._place.pop(order), self._live.pop()
        if last != order:
            self._live[place] = last
            self._place[last] = place

    def _write(
        self,
        action: Action,
        order: int,
        other: int,
        side: int,
        price: int,
        lots: int,
        kind: int = OrderType.LIMIT,
        tif: int = TimeInForce.GTC,
    ) -> None:
        self.rows.append((self._time_ns, 0, order, other, price, lots, self._group, 0, action, side, kind, tif, 0, b""))
