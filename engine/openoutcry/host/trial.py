"""What an order check would have changed: recorded order flow through two books, one of which asks the check.

Both books get what traders sent (as a rematch does) and decide by themselves who trades. Nothing is brought back to the
venue's own book in between, so an order that is refused is missing for everything that came after it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import RejectCode, Side
from openoutcry.domain.records import COMMAND, Commands
from openoutcry.host.kinds import Answers
from openoutcry.replay.books import OpenBooks
from openoutcry.replay.commands import rematch_script
from openoutcry.replay.compare import COMPARED
from openoutcry.replay.flow import Flow
from openoutcry.replay.ledger import OURS, Ledger

GROUP_COMMANDS: Final = 256
"""Commands in one question, as in a frame of a busy node. The last prices are those before them."""

EXAMPLES_MAX: Final = 5

Trade: TypeAlias = tuple[int, ...]
"""The columns COMPARED: pair, taker, maker, price, quantity."""


@dataclass(slots=True)
class Trial:
    """commands: of traders. groups: questions. refused: by name of the code. examples: the first refused ones, in
    words. trades_without, trades_with: trades of the book that asks nobody, and of the one that asks. same: trades that
    are in both. asked_ns: how long each question took.
    """

    commands: int = 0
    groups: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    trades_without: int = 0
    trades_with: int = 0
    same: int = 0
    asked_ns: list[int] = field(default_factory=list)


def try_check(flow: Flow, answers: Answers, open_books: OpenBooks, clock: Callable[[], int]) -> Trial:
    """Run a recording through both books. clock: returns nanoseconds, to time the check."""
    script, _ = rematch_script(flow)
    trial = Trial(commands=len(script.commands))
    without, asking = _Side(flow, open_books), _Side(flow, open_books)
    for begin in range(0, trial.commands, GROUP_COMMANDS):
        commands = script.commands[begin : begin + GROUP_COMMANDS]
        without.apply(commands)
        last_ticks = asking.last_ticks[commands["pair"]]
        begun_ns = clock()
        codes = answers.check_orders(commands, last_ticks)
        trial.asked_ns.append(clock() - begun_ns)
        trial.groups += 1
        if codes is None or not codes.any():
            asking.apply(commands)
            continue
        for place in np.flatnonzero(codes).tolist():
            code = RejectCode(int(codes[place])).name
            trial.refused[code] += 1
            if len(trial.examples) < EXAMPLES_MAX:
                record = int(flow.messages["record"][script.message[begin + place]])
                trial.examples.append(_words(flow, record, commands[place : place + 1], int(last_ticks[place]), code))
        asking.apply(np.ascontiguousarray(commands[codes == 0]))
    old, new = without.trades(), asking.trades()
    trial.trades_without, trial.trades_with, trial.same = old.total(), new.total(), (old & new).total()
    return trial


class _Side:
    """One of the two books, with its trades and last prices."""

    def __init__(self, flow: Flow, open_books: OpenBooks) -> None:
        self._books = open_books([one.pair for one in flow.pairs])
        self._ledger = Ledger()
        self._trades: list[NDArray[np.void]] = [np.zeros(0, dtype=OURS)]
        self.last_ticks = np.zeros(len(flow.pairs), dtype=np.int64)

    def apply(self, commands: Commands) -> None:
        if not len(commands):
            return
        trades = self._ledger.enter(self._books.apply(commands))
        self._trades.append(trades)
        self.last_ticks[trades["pair"]] = trades["price_ticks"]  # of several, numpy keeps the last

    def trades(self) -> Counter[Trade]:
        every = np.concatenate(self._trades)
        return Counter(zip(*(every[name].tolist() for name in COMPARED), strict=True))


def _words(flow: Flow, record: int, command: Commands, last_ticks: int, code: str) -> str:
    assert command.dtype == COMMAND
    one = flow.pairs[int(command["pair"][0])]
    side = Side(int(command["side"][0])).name.lower()
    quantity, price = one.quantity(int(command["qty_lots"][0])), one.price(int(command["price_ticks"][0]))
    last = f"last {_plain(one.price(last_ticks))}" if last_ticks else "no trade yet"
    return f"record {record}: {side} {_plain(quantity)} {one.symbol} at {_plain(price)} ({last}): {code}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
