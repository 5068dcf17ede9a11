"""Let our book decide who trades, and count how many of the venue's own trades come out the same.

Only what traders did is applied; after each transaction in which the venue traded, our trades are compared with its
own: taker, maker, price, quantity. Where they differ, the difference is counted under a named class and our book is
brought back to the venue's (an order that has lost its place by that is remembered), so that one difference does not
make a hundred.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Op, OrderType, TimeInForce
from openoutcry.domain.records import COMMAND, Commands, Events
from openoutcry.replay.books import OpenBooks
from openoutcry.replay.commands import rematch_script
from openoutcry.replay.compare import Comparison, Order, compare
from openoutcry.replay.flow import Flow, Messages, busiest
from openoutcry.replay.ledger import OURS, Ledger
from openoutcry.replay.lives import trace
from openoutcry.replay.market import Market, quotes_at_rest, refusals, split
from openoutcry.replay.schedule import SAMPLED_PAIRS_MAX, sample_step, stops
from openoutcry.replay.tape import Tape
from openoutcry.replay.tops import rests


@dataclass(frozen=True, slots=True)
class Rematched:
    """ours: our trades (OURS). trades: the venue's (VENUE_TRADE). comparison: how they compare. repairs: commands that
    brought our book back to the venue's. refused: commands that our book refused, by reject code.
    """

    tape: Tape
    events: Events
    message: NDArray[np.int64]
    market: tuple[Market, ...]
    ours: NDArray[np.void]
    trades: NDArray[np.void]
    comparison: Comparison
    repairs: int
    refused: dict[int, int]


def rematch(
    flow: Flow, open_books: OpenBooks, clock: Callable[[], int], progress: Callable[[int, int], None]
) -> Rematched:
    """Match a flow anew.

    clock: returns nanoseconds, to time the books. progress: told commands done and commands in all.
    """
    run = _Run(flow, open_books, clock)
    for stop in stops(run.times, sample_step(run.times), run.ends_of_trading()):
        run.to(stop.end)
        run.tape.sample(stop.sample_ns, run.sampled)
        progress(stop.end, len(run.times))
    return run.result()


class _Run:
    """A rematch under way."""

    def __init__(self, flow: Flow, open_books: OpenBooks, clock: Callable[[], int]) -> None:
        self.flow = flow
        self.script, self.trades = rematch_script(flow)
        self.tape = Tape(open_books([one.pair for one in flow.pairs]), clock)
        self.times = flow.messages["time_ns"][self.script.message]
        self.sampled = busiest(flow.messages, SAMPLED_PAIRS_MAX)
        self._begin = 0
        self._ledger = Ledger()
        self._venue = _Venue(flow.messages)
        self._comparison = Comparison.begin(flow.messages)
        self._repairs = 0
        self._ours: list[NDArray[np.void]] = []

    def ends_of_trading(self) -> NDArray[np.int64]:
        """Return the places after the last command of each transaction in which the venue traded."""
        groups = self.flow.messages["group"][self.script.message]
        return np.unique(np.searchsorted(groups, np.unique(self.trades["group"]), side="right"))

    def to(self, end: int) -> None:
        """Apply the commands up to `end`, compare, and repair."""
        script, begin = self.script, self._begin
        if begin == end:
            return
        events = self.tape.apply(script.commands[begin:end], script.message[begin:end])
        ours = self._ledger.enter(events)
        self._ours.append(ours)
        last = int(script.message[end]) if end < len(script.message) else len(self.flow.messages)
        first = int(script.message[begin])
        low, high = np.searchsorted(self.trades["message"], [first, last])
        self._begin = end
        differing = compare(self._comparison, ours, self.trades[low:high])
        if differing:
            self._repair(differing, last - 1)

    def _repair(self, orders: list[Order], message: int) -> None:
        """Bring our orders to what the venue had of them after a message."""
        commands = []
        for pair, order_id in orders:
            entry, leaves = self._venue.order_at(pair, order_id, message)
            ours = self._ledger.leaves(pair, order_id)
            if entry is None or ours == leaves:
                continue
            if ours > leaves:
                commands.append(_command(entry, Op.REDUCE, ours - leaves))
                continue
            if ours:
                commands.append(_command(entry, Op.CANCEL, ours))
            commands.append(_command(entry, Op.PLACE, leaves))
            self._comparison.displaced.add((pair, order_id))
        if commands:
            batch = np.concatenate(commands)
            self._repairs += len(batch)
            self._ledger.enter(self.tape.apply(batch, np.full(len(batch), message, dtype=np.int64)))

    def result(self) -> Rematched:
        """Return what came of it."""
        events, message = self.tape.all_events(), self.tape.all_messages()
        market = []
        pair_of = self.flow.messages["pair"][message]
        for one in split(events, pair_of, len(self.flow.pairs)):
            market.append(quotes_at_rest(one.tape, rests(one.tape), self.flow.messages[message[one.commands]]))
        return Rematched(
            self.tape,
            events,
            message,
            tuple(market),
            np.concatenate([np.zeros(0, dtype=OURS), *self._ours]),
            self.trades,
            self._comparison,
            self._repairs,
            refusals(events),
        )


class _Venue:
    """What the venue had of each order, and when."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._lives = trace(messages)
        self._order = np.argsort(messages["order_id"], kind="stable")
        self._ids = messages["order_id"][self._order]

    def order_at(self, pair: int, order_id: int, message: int) -> tuple[NDArray[np.void] | None, int]:
        """Return the entry (one MESSAGE) of the pair's order with this id and its leaves after a message (index)."""
        wanted = np.uint64(order_id)
        low, high = np.searchsorted(self._ids, wanted), np.searchsorted(self._ids, wanted, side="right")
        about = self._order[low:high]
        about = about[(about <= message) & (self._messages["pair"][about] == pair) & (self._lives.entry[about] >= 0)]
        if len(about) == 0:
            return None, 0
        entry = int(self._lives.entry[about[-1]])
        return self._messages[entry : entry + 1], max(0, int(self._lives.after_lots[about[-1]]))


def _command(entry: NDArray[np.void], op: Op, quantity: int) -> Commands:
    """Return a command about an order. One that enters again must not trade: it is post-only."""
    command = np.zeros(1, dtype=COMMAND)
    command["op"] = op
    command["pair"] = command["account"] = entry["pair"]
    command["side"], command["client_id"] = entry["side"], entry["order_id"]
    command["qty_lots"] = quantity
    if op is Op.PLACE:
        command["kind"], command["tif"] = OrderType.POST_ONLY, TimeInForce.GTC
        command["price_ticks"] = entry["price_ticks"]
    return command
