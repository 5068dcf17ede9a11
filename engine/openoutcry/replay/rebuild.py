"""Rebuild the venue's own book from its own messages, and check every execution against it.

Pairs collect orders without matching them, so the book is what the venue says; our rules take no part. What is
checked is that the messages make sense together: an execution names an order that is there, at its price, with at
least that much left, at the best price of its side; and the book is never crossed while the venue is at rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import EventKind, Phase, Side
from openoutcry.domain.records import Events
from openoutcry.replay.books import OpenBooks
from openoutcry.replay.commands import Script, rebuild_script
from openoutcry.replay.flow import Action, Flow, Messages, busiest
from openoutcry.replay.market import Market, quotes_at_rest, refusals, split
from openoutcry.replay.schedule import SAMPLED_PAIRS_MAX, sample_step, stops
from openoutcry.replay.tape import Tape
from openoutcry.replay.tops import PairEvents, Rests, best_prices, find, rests

NO_ORDER: Final = "no such order"
OTHER_PRICE: Final = "not at the order's price"
TOO_MUCH: Final = "more than was left of the order"
NOT_BEST: Final = "not at the best price"
FAULTS: Final = (NO_ORDER, OTHER_PRICE, TOO_MUCH, NOT_BEST)
"""What can be wrong with an execution; one that is wrong in several ways counts under the first."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """market: the quotes of each pair. executions: how many were checked. faults: of those, how many were wrong, by
    kind. refused: commands that our book refused, by reject code.
    """

    tape: Tape
    events: Events
    message: NDArray[np.int64]
    market: tuple[Market, ...]
    executions: int
    faults: dict[str, int]
    refused: dict[int, int]


def rebuild(
    flow: Flow, open_books: OpenBooks, clock: Callable[[], int], progress: Callable[[int, int], None]
) -> Rebuilt:
    """Apply a flow to the letter.

    clock: returns nanoseconds, to time the books. progress: told commands done and commands in all.
    """
    script = rebuild_script(flow)
    tape = Tape(open_books([replace(one.pair, phase=Phase.PRE_OPEN) for one in flow.pairs]), clock)
    times = flow.messages["time_ns"][script.message]
    sampled = busiest(flow.messages, SAMPLED_PAIRS_MAX)
    begin = 0
    for stop in stops(times, sample_step(times), np.zeros(0, dtype=np.int64)):
        tape.apply(script.commands[begin : stop.end], script.message[begin : stop.end])
        tape.sample(stop.sample_ns, sampled)
        begin = stop.end
        progress(begin, len(script.commands))
    return _checked(flow, script, tape)


def _checked(flow: Flow, script: Script, tape: Tape) -> Rebuilt:
    events = tape.all_events()
    faults = dict.fromkeys(FAULTS, 0)
    executions = 0
    market = []
    for one in split(events, script.commands["pair"], len(flow.pairs)):
        messages = flow.messages[script.message[one.commands]]
        there = rests(one.tape)
        market.append(quotes_at_rest(one.tape, there, messages))
        executions += _check_fills(one.tape, there, messages, faults)
    return Rebuilt(tape, events, script.message, tuple(market), executions, faults, refusals(events))


def _check_fills(tape: PairEvents, there: Rests, messages: Messages, faults: dict[str, int]) -> int:
    fills = np.flatnonzero(messages["action"] == Action.FILL)
    if len(fills) == 0:
        return 0
    answers = tape.events[np.searchsorted(tape.place, fills)]
    at, _ = find(there.handle, answers["maker"])
    limit = there.price_ticks[at] if len(there.handle) else np.zeros(len(fills), dtype=np.int64)
    price = messages["price_ticks"][fills]
    best = np.zeros(len(fills), dtype=np.int64)
    for side in Side:
        mine = messages["side"][fills] == side
        best[mine] = best_prices(there, side, tape.count)[np.maximum(fills[mine] - 1, 0)]
    missing = answers["kind"] == EventKind.REJECTED
    wrong = (missing, limit != price, answers["qty_lots"] != messages["qty_lots"][fills], best != price)
    left = np.ones(len(fills), dtype=np.bool_)
    for name, which in zip(FAULTS, wrong, strict=True):
        faults[name] += int((which & left).sum())
        left &= ~which
    return len(fills)
