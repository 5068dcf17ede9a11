"""From messages to commands, vectorised: what each mode says to the books."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Op, OrderType, Side, TimeInForce
from openoutcry.domain.records import COMMAND, Commands
from openoutcry.replay.books import INFERRED
from openoutcry.replay.flow import Action, Flow, Messages
from openoutcry.replay.lives import trace

OP_OF: Final = np.zeros(max(Action) + 1, dtype=np.uint8)
OP_OF[[Action.ADD, Action.FILL, Action.TAKE, Action.REDUCE, Action.DELETE]] = [
    Op.PLACE, Op.REDUCE, Op.REDUCE, Op.REDUCE, Op.CANCEL,
]  # fmt: skip

VENUE_TRADE: Final = np.dtype(
    [
        ("message", "<i8"),
        ("time_ns", "<i8"),
        ("maker", "<u8"),
        ("taker", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("group", "<u4"),
        ("pair", "<u4"),
        ("side", "u1"),
        ("spare", "V7"),
    ]
)
"""A trade of the venue: its message's index, ids of maker and taker (the taker's is ours where the recording names
none), trade price, quantity; `side` is the taker's."""


@dataclass(frozen=True, slots=True)
class Script:
    """commands: what to apply. message: for each command the index of the message that it stands for."""

    commands: Commands
    message: NDArray[np.int64]


def rebuild_script(flow: Flow) -> Script:
    """Return one command for each message of a displayed order, to the letter.

    Meant for pairs that collect orders without matching them (PRE_OPEN): there an order that trades on arrival rests
    crossed until its own fills, which follow within its transaction, have been taken off it.
    """
    message = np.flatnonzero(OP_OF[flow.messages["action"]] != 0)
    commands = _commands(flow.messages[message])
    commands["tif"] = TimeInForce.GTC
    commands["kind"][commands["kind"] != OrderType.MARKET] = OrderType.LIMIT
    return Script(commands, message)


def rematch_script(flow: Flow) -> tuple[Script, NDArray[np.void]]:
    """Return what traders did, and the venue's trades (VENUE_TRADE) that should come of it.

    Fills are left out. Where the recording shows the taker its entry is there already; where it does not, the
    executions that one aggressive order must have caused become that order: immediate-or-cancel, their quantity, the
    worst of their prices. What was traded with hidden orders is left out on both sides.
    """
    messages = flow.messages
    action = messages["action"]
    fills = np.flatnonzero(action == Action.FILL)
    trades = _trades(messages, fills)
    unnamed = np.flatnonzero(messages["other_id"][fills] == 0)
    taker_of = _runs(messages, fills[unnamed])
    trades["taker"][unnamed] = taker_of.astype(np.uint64) + np.uint64(INFERRED)
    takers, taker_message = _takers(messages, fills[unnamed], taker_of, len(flow.pairs))

    does = (action == Action.ADD) | (action == Action.REDUCE) | (action == Action.DELETE)
    quantity = _without_hidden(messages)
    kept = np.flatnonzero(does & ((action != Action.ADD) | (quantity > 0)))
    ours = _commands(messages[kept])
    ours["qty_lots"] = quantity[kept]
    commands = np.concatenate([ours, takers])
    message = np.concatenate([kept, taker_message])
    order = np.argsort(message, kind="stable")
    return Script(commands[order], message[order]), trades


def _without_hidden(messages: Messages) -> NDArray[np.int64]:
    """Return the quantity of each message, that of an entering order without what it traded with orders that are not
    in the flow: in our book those are not there to be met.
    """
    quantity: NDArray[np.int64] = messages["qty_lots"].copy()
    takes = np.flatnonzero(messages["action"] == Action.TAKE)
    entered = messages["order_id"][messages["action"] == Action.ADD]
    alone = takes[~np.isin(messages["other_id"][takes], entered)]
    if len(alone):
        entry = trace(messages).entry[alone]
        np.subtract.at(quantity, entry, messages["qty_lots"][alone])
    return quantity


def _commands(messages: Messages) -> Commands:
    commands = np.zeros(len(messages), dtype=COMMAND)
    commands["op"] = OP_OF[messages["action"]]
    commands["account"] = messages["pair"]
    commands["pair"] = messages["pair"]
    commands["side"] = messages["side"]
    commands["client_id"] = messages["order_id"]
    commands["qty_lots"] = messages["qty_lots"]
    places = messages["action"] == Action.ADD
    for name in ("kind", "tif", "price_ticks"):
        commands[name] = np.where(places, messages[name], 0)
    return commands


def _trades(messages: Messages, fills: NDArray[np.int64]) -> NDArray[np.void]:
    found = messages[fills]
    trades = np.zeros(len(fills), dtype=VENUE_TRADE)
    trades["message"] = fills
    trades["maker"] = found["order_id"]
    trades["taker"] = found["other_id"]
    trades["side"] = 1 - found["side"]
    for name in ("time_ns", "price_ticks", "qty_lots", "group", "pair"):
        trades[name] = found[name]
    return trades


def _runs(messages: Messages, fills: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number, from 0, the aggressive orders that caused fills without a named taker.

    Fills belong to one order while they follow each other directly (trades with hidden orders aside), in one
    transaction, on one side, at prices that get no better for it, and no maker comes twice: a maker that still had
    something left would have been filled further.
    """
    shown = np.cumsum(messages["action"] != Action.TRADE)
    found = messages[fills]
    columns = [found[name].tolist() for name in ("group", "pair", "side", "price_ticks", "order_id")]
    numbers = np.zeros(len(fills), dtype=np.int64)
    number, last, makers = -1, (-1, -1, -1, -1, -1), set[int]()
    for row, (place, group, pair, side, price, maker) in enumerate(zip(shown[fills].tolist(), *columns, strict=True)):
        worse = price - last[4] if side == Side.SELL else last[4] - price
        follows = (place - 1, group, pair, side) == last[:4] and worse >= 0 and maker not in makers
        if not follows:
            number += 1
            makers = set()
        makers.add(maker)
        last = (place, group, pair, side, price)
        numbers[row] = number
    return numbers


def _takers(
    messages: Messages, fills: NDArray[np.int64], taker_of: NDArray[np.int64], pairs: int
) -> tuple[Commands, NDArray[np.int64]]:
    """Return one aggressive order per number and the message before which it came: the first of its fills."""
    first = np.flatnonzero(np.diff(taker_of, prepend=-1))
    count = len(first)
    takers = np.zeros(count, dtype=COMMAND)
    if count == 0:
        return takers, np.zeros(0, dtype=np.int64)
    last = np.append(first[1:], len(fills)) - 1
    quantity = np.add.reduceat(messages["qty_lots"][fills], first)
    takers["op"] = Op.PLACE
    takers["kind"] = OrderType.LIMIT
    takers["tif"] = TimeInForce.IOC
    takers["pair"] = messages["pair"][fills[first]]
    takers["account"] = takers["pair"] + pairs
    takers["side"] = 1 - messages["side"][fills[first]]
    takers["client_id"] = np.arange(count, dtype=np.uint64) + np.uint64(INFERRED)
    takers["price_ticks"] = messages["price_ticks"][fills[last]]
    takers["qty_lots"] = quantity
    return takers, fills[first]
