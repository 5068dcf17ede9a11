"""From a reader's raw messages to a `Flow`: ticks chosen, what the domain cannot hold left out by class and counted.

A message of an order that was left out, or was never seen entering, or is already gone, is left out as well, so that
what remains is a history in which every message makes sense; but its fills stay, as trades with an unknown order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Ladder, OrderType, Pair
from openoutcry.domain.limits import NOTIONAL_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import UTC, Action, Flow, FlowPair, MessageFlag, Messages
from openoutcry.replay.lives import NO_ENTRY, add_again, trace

OUTLIER_FACTOR: Final = 100
"""Prices beyond a hundred times the median have no say in the choice of the tick: one absurd price would spoil it."""

ROOM_ABOVE: Final = 2
"""A pair's price range reaches at least twice the highest price traded."""

LOST_PPM: Final = 1_000
"""Share of orders, far above the market, that may be left out for a smaller price range, and so larger quantities."""

DIRECT_PAIRS_MAX: Final = 256
"""With more pairs than this all ladders are hashed: direct ones take up to 4 MiB a pair."""

BELOW_ONE_TICK: Final = "price below one tick"
ABOVE_RANGE: Final = "price above the pair's range"
BETWEEN_TICKS: Final = "price between two ticks"
NO_QUANTITY: Final = "quantity zero or less"
ABOVE_QUANTITY: Final = "quantity above the pair's largest order"
OF_LEFT_OUT: Final = "message for an order that was left out"
NEVER_ENTERED: Final = "message for an order that was never seen entering"
ALREADY_GONE: Final = "message for an order that is already gone"
ENTERED_AGAIN: Final = "order entering again while it is live"
NOT_CHOSEN: Final = "another symbol"

FILL_UNSEEN: Final = {
    OF_LEFT_OUT: "fill of an order that was left out",
    NEVER_ENTERED: "fill of an order that was never seen entering",
    ALREADY_GONE: "fill of an order that is already gone",
}
"""These stay in the flow, as trades with an order that is not known."""

TRADE_BETWEEN_TICKS: Final = "trade between two ticks, shown at the lower one"
TAKEN_TOO_MUCH: Final = "more taken off an order than was left of it"


@dataclass(slots=True)
class Raw:
    """What a reader found, before ticks are chosen.

    messages: MESSAGE records whose `price_ticks` count `price_unit` and whose `pair` indexes `symbols`.
    """

    source: str
    reader: str
    symbols: Sequence[str]
    messages: Messages
    price_unit: Decimal
    lot: Decimal
    records: int
    clock: str = UTC
    left_out: dict[str, int] = field(default_factory=dict)
    remarks: dict[str, int] = field(default_factory=dict)


def assemble(raw: Raw, *, tick: Decimal | None = None, symbols: Sequence[str] = ()) -> Flow:
    """Return the flow of the symbols asked for (all of them, when none is named), pairs numbered by symbol.

    tick: the price of one tick; None takes the largest that divides every usual price at which an order entered.
    Raises ReplayError for a tick that is no multiple of the format's price unit and for a symbol that is not there.
    """
    messages = _chosen(raw, symbols)
    left_out = dict(raw.left_out)
    remarks = dict(raw.remarks)
    _count(left_out, NOT_CHOSEN, len(raw.messages) - len(messages))
    again = add_again(messages)
    while again.any():
        _count(left_out, ENTERED_AGAIN, int(again.sum()))
        messages = messages[~again]
        again = add_again(messages)

    messages = _with_sane_quantities(messages, left_out)
    bad = np.zeros(len(messages), dtype=np.bool_)
    pairs: list[FlowPair] = []
    numbers = sorted(np.unique(messages["pair"]).tolist(), key=lambda number: raw.symbols[number])
    place = np.zeros(max(1, len(raw.symbols)), dtype=np.uint32)
    for number in numbers:
        place[number] = len(pairs)
        rows = np.flatnonzero(messages["pair"] == number)
        step = _tick_units(messages, rows, raw.price_unit, tick)
        pair = _pair(messages, rows, step, len(pairs), many=len(numbers) > DIRECT_PAIRS_MAX)
        _count(remarks, TRADE_BETWEEN_TICKS, _trades_between(messages, rows, step))
        for reason, which in _faults(messages, rows, step, pair).items():
            _count(left_out, reason, int(which.sum()))
            bad[rows[which]] = True
        messages["price_ticks"][rows] //= step
        pairs.append(FlowPair(raw.symbols[number], raw.price_unit * step, raw.lot, pair))
    messages["pair"] = place[messages["pair"]]
    messages = _without_orphans(messages, bad, left_out, remarks)
    return Flow(raw.source, raw.reader, tuple(pairs), messages, raw.records, raw.clock, left_out, remarks)


def _chosen(raw: Raw, symbols: Sequence[str]) -> Messages:
    if not symbols:
        return raw.messages.copy()
    missing = [symbol for symbol in symbols if symbol not in raw.symbols]
    if missing:
        few = ", ".join(sorted(raw.symbols)[:8]) + (" ..." if len(raw.symbols) > 8 else "")
        raise ReplayError(f"{raw.source}: no symbol {missing[0]}, it has {few}")
    numbers = [place for place, symbol in enumerate(raw.symbols) if symbol in symbols]
    return raw.messages[np.isin(raw.messages["pair"], numbers)]


def _with_sane_quantities(messages: Messages, left_out: dict[str, int]) -> Messages:
    """Leave out what takes nothing off an order, and bound what takes off more than any order can have."""
    takes = np.isin(messages["action"], (Action.FILL, Action.TAKE, Action.REDUCE))
    nothing = takes & (messages["qty_lots"] <= 0)
    _count(left_out, NO_QUANTITY, int(nothing.sum()))
    messages["qty_lots"][takes] = np.minimum(messages["qty_lots"][takes], QTY_LOTS_MAX)
    kept: Messages = messages[~nothing]
    return kept


def _limit_adds(messages: Messages, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows are entries of orders with a price."""
    part = messages[rows]
    return np.asarray((part["action"] == Action.ADD) & (part["kind"] != OrderType.MARKET))


def _tick_units(messages: Messages, rows: NDArray[np.int64], unit: Decimal, tick: Decimal | None) -> int:
    """Return the tick in price units."""
    if tick is not None:
        steps = tick / unit
        if steps != steps.to_integral_value() or steps < 1:
            raise ReplayError(f"--tick {tick}: expected a multiple of {unit.normalize():f}, the format's price unit")
        return int(steps)
    prices = messages["price_ticks"][rows[_limit_adds(messages, rows)]]
    prices = prices[prices > 0]
    if len(prices) == 0:
        return 1
    usual = prices[prices // OUTLIER_FACTOR <= np.partition(prices, len(prices) // 2)[len(prices) // 2]]
    return int(np.gcd.reduce(usual))


def _pair(messages: Messages, rows: NDArray[np.int64], step: int, pair_id: int, *, many: bool) -> Pair:
    """Choose the price range 1 to 2^n - 1.

    The product of largest price and largest quantity is bounded, so room for absurd prices costs room for quantities.
    Of all ranges that reach ROOM_ABOVE times the highest price traded and leave out at most a LOST_PPM share of orders
    more than the best of them, take the smallest.
    """
    adds = rows[_limit_adds(messages, rows)]
    prices, quantities = messages["price_ticks"][adds] // step, messages["qty_lots"][adds]
    fills = messages["price_ticks"][rows[messages["action"][rows] == Action.FILL]] // step
    reach = ROOM_ABOVE * int(fills.max(initial=0))
    lost = {}
    for bits in range(1, PRICE_TICKS_MAX.bit_length() + 1):
        price_max = (1 << bits) - 1
        lots_max = min(QTY_LOTS_MAX, NOTIONAL_MAX // price_max)
        if price_max >= min(reach, PRICE_TICKS_MAX):
            lost[price_max] = int(((prices > price_max) | (quantities > lots_max)).sum())
    most = min(lost.values()) + len(adds) * LOST_PPM // 1_000_000
    chosen = min(price_max for price_max, count in lost.items() if count <= most)
    return Pair(pair_id, price_ticks_max=chosen, ladder=Ladder.HASHED if many else None)


def _trades_between(messages: Messages, rows: NDArray[np.int64], step: int) -> int:
    trades = (messages["action"][rows] == Action.TRADE) | (messages["action"][rows] == Action.AUCTION)
    return int((trades & (messages["price_ticks"][rows] % step != 0)).sum())


def _faults(messages: Messages, rows: NDArray[np.int64], step: int, pair: Pair) -> dict[str, NDArray[np.bool_]]:
    """Say why entries cannot be orders of the pair; each entry has at most one reason, the first."""
    assert pair.qty_lots_max is not None
    part = messages[rows]
    adds, limit = part["action"] == Action.ADD, _limit_adds(messages, rows)
    price, quantity = part["price_ticks"], part["qty_lots"]
    tests = (
        (BELOW_ONE_TICK, limit & (price < step)),
        (ABOVE_RANGE, limit & (price // step > pair.price_ticks_max)),
        (BETWEEN_TICKS, limit & (price % step != 0)),
        (NO_QUANTITY, adds & (quantity <= 0)),
        (ABOVE_QUANTITY, adds & (quantity > pair.qty_lots_max)),
    )
    left = np.ones(len(rows), dtype=np.bool_)
    found = {}
    for reason, which in tests:
        found[reason] = which & left
        left &= ~which
    return found


def _without_orphans(
    messages: Messages, bad: NDArray[np.bool_], left_out: dict[str, int], remarks: dict[str, int]
) -> Messages:
    lives = trace(messages)
    entered = lives.entry >= 0
    of_bad = np.zeros(len(messages), dtype=np.bool_)
    of_bad[entered] = bad[lives.entry[entered]]
    is_add = messages["action"] == Action.ADD
    never = lives.entry == NO_ENTRY
    gone = entered & ~of_bad & ~is_add & (lives.before_lots <= 0)
    lost = of_bad | never | gone
    unseen = lost & (messages["action"] == Action.FILL)
    for reason, which in ((OF_LEFT_OUT, of_bad & ~is_add), (NEVER_ENTERED, never), (ALREADY_GONE, gone)):
        _count(left_out, reason, int((which & ~unseen).sum()))
        _count(remarks, FILL_UNSEEN[reason], int((which & unseen).sum()))
    _count(remarks, TAKEN_TOO_MUCH, int((~lost & ~is_add & (lives.after_lots < 0)).sum()))
    messages["action"][unseen] = Action.TRADE
    messages["flags"][unseen] |= np.uint8(MessageFlag.UNSEEN)
    kept: Messages = messages[~lost | unseen]
    return kept


def _count(counts: dict[str, int], reason: str, number: int) -> None:
    if number:
        counts[reason] = counts.get(reason, 0) + number
