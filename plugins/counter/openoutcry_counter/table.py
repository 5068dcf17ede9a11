"""The state machine of an increment, at its owner and at its twin, as one table.

The owner decides, by its own clock: counted where the twin has confirmed before the deadline, cancelled where it has
not. The twin holds what it is asked to hold until it is told, however long that takes. An owner that knows nothing of
an increment says that it is cancelled; since whatever was counted is known until the twin has counted it, that is true.
"""

from collections.abc import Callable
from typing import Final

from openoutcry.moves import Machine, Move
from openoutcry.role import Send
from openoutcry.wire.fields import KeyId
from openoutcry_counter import ledger
from openoutcry_counter.ledger import Entry, Ledger
from openoutcry_counter.messages import CounterAnswer, CounterHeld, CounterHold, CounterSettle, CounterSettled, Outcome


class Case:
    """One increment, and what has happened to it at which time; used again for the next one. sends: what follows."""

    __slots__ = ("entry", "ledger", "now_ns", "sends", "sign", "twin")

    def __init__(self, of: Ledger, twin: KeyId, sign: bool) -> None:
        self.ledger = of
        self.twin = twin
        self.sign = sign
        self.now_ns = 0
        self.sends: list[Send] = []
        self.entry: Entry

    def hold_again(self) -> None:
        """Ask the twin to hold."""
        entry = self.entry
        hold = CounterHold(entry.client, entry.id, entry.amount, entry.expiry_ns)
        self.sends.append(Send(self.twin, hold, self.sign))

    def held_again(self) -> None:
        """Tell the owner that this is held."""
        self.sends.append(Send(self.twin, CounterHeld(self.entry.client, self.entry.id), self.sign))

    def settle_again(self, counted: bool) -> None:
        """Tell the twin what becomes of what it holds."""
        entry = self.entry
        settle = CounterSettle(entry.client, entry.id, counted, entry.expiry_ns)
        self.sends.append(Send(self.twin, settle, self.sign))

    def settled_again(self) -> None:
        """Tell the owner that this is counted here, too."""
        self.sends.append(Send(self.twin, CounterSettled(self.entry.client, self.entry.id), self.sign))

    def answer_again(self, state: str) -> None:
        """Tell the client what became of it."""
        entry = self.entry
        outcome = Outcome.CANCELLED if state == ledger.CANCELLED else Outcome.COUNTED
        answer = CounterAnswer(entry.id, outcome, entry.total, entry.decided_ns)
        self.sends.append(Send(entry.client, answer, self.sign))


# -- guards: look, and change nothing -------------------------------------------------------------------------------


def is_unexpired(case: Case, move: Move) -> bool:
    """The increment can still be taken. What was forgotten had expired, so nothing is ever taken twice."""
    return case.now_ns < case.entry.expiry_ns + move.slack_ns


def has_own_room(case: Case, move: Move) -> bool:
    """There is room for one more that this node owns."""
    return len(case.ledger.own) < case.ledger.bounds.own_max


def has_twin_room(case: Case, move: Move) -> bool:
    """There is room for one more of the twin's."""
    return len(case.ledger.theirs) < case.ledger.bounds.held_max


def fits(case: Case, move: Move) -> bool:
    """The total stays in its bound even if everything counts that may still count."""
    of = case.ledger
    return of.total + of.reserved + case.entry.amount <= of.bounds.total_max


def is_in_time(case: Case, move: Move) -> bool:
    """The deadline of the twin is not over."""
    return case.now_ns < case.entry.deadline_ns + move.slack_ns


def is_overdue(case: Case, move: Move) -> bool:
    """It is over."""
    return case.now_ns >= case.entry.deadline_ns + move.slack_ns


def is_out_of_date(case: Case, move: Move) -> bool:
    """Nobody can ask for it any more: it expired, at its owner so long ago that its client must have its answer."""
    return case.now_ns >= case.ledger.until_ns(case.entry) + move.slack_ns


# -- actions --------------------------------------------------------------------------------------------------------


def ask(case: Case, move: Move) -> None:
    """The owner takes an increment, and asks the twin to hold it."""
    of, entry = case.ledger, case.entry
    entry.deadline_ns = case.now_ns + of.bounds.deadline_ns
    of.take(entry, of.own, case.now_ns)
    of.waiting.append(entry)
    case.hold_again()


def count(case: Case, move: Move) -> None:
    """The owner counts it, and tells the twin to do the same."""
    of, entry = case.ledger, case.entry
    of.count(entry, case.now_ns)
    of.owned += entry.amount
    of.repeat(entry, case.now_ns)
    case.settle_again(True)


def cancel(case: Case, move: Move) -> None:
    """The owner gives it up, and tells the twin to let go."""
    of, entry = case.ledger, case.entry
    of.release(entry, case.now_ns)
    of.rest(entry, case.now_ns)
    case.settle_again(False)


def answer(case: Case, move: Move) -> None:
    """The owner tells the client, with the total and the time of the decision."""
    case.answer_again(move.next)


def close(case: Case, move: Move) -> None:
    """The owner knows that the twin has counted it too: there is nothing left to tell."""
    of, entry = case.ledger, case.entry
    of.closed += entry.amount
    of.rest(entry, case.now_ns)


def hold(case: Case, move: Move) -> None:
    """The twin takes it, and says so."""
    of = case.ledger
    of.take(case.entry, of.theirs, case.now_ns)
    case.held_again()


def copy(case: Case, move: Move) -> None:
    """The twin counts it, and says so."""
    of, entry = case.ledger, case.entry
    of.count(entry, case.now_ns)
    of.copied += entry.amount
    of.rest(entry, case.now_ns)
    case.settled_again()


def let_go(case: Case, move: Move) -> None:
    """The twin gives the amount back."""
    case.ledger.release(case.entry, case.now_ns)


GUARDS: Final[dict[str, Callable[[Case, Move], bool]]] = {
    "unexpired": is_unexpired,
    "own_room": has_own_room,
    "twin_room": has_twin_room,
    "fits": fits,
    "in_time": is_in_time,
    "overdue": is_overdue,
    "out_of_date": is_out_of_date,
}

ACTIONS: Final[dict[str, Callable[[Case, Move], None]]] = {
    "ask": ask,
    "count": count,
    "cancel": cancel,
    "answer": answer,
    "close": close,
    "hold": hold,
    "copy": copy,
    "let_go": let_go,
}

MOVES: Final = (
    Move("new", "increment", "pending", ("unexpired", "own_room", "fits"), ("ask",)),
    Move("pending", "held", "counted", ("in_time",), ("count", "answer")),
    Move("pending", "tick", "cancelled", ("overdue",), ("cancel", "answer")),
    Move("counted", "settled", "closed", (), ("close",)),
    Move("closed", "tick", "forgotten", ("out_of_date",)),
    Move("cancelled", "tick", "forgotten", ("out_of_date",)),
    Move("new", "hold", "held", ("unexpired", "twin_room", "fits"), ("hold",)),
    Move("held", "count", "twin_counted", (), ("copy",)),
    Move("held", "cancel", "twin_cancelled", (), ("let_go",)),
    Move("twin_counted", "tick", "forgotten", ("out_of_date",)),
)
"""First the owner's rows, then the twin's. A state that no row leaves is the end: the increment is not kept."""

MACHINE: Final = Machine("counter", MOVES, GUARDS, ACTIONS, ("unexpired", "in_time", "overdue", "out_of_date"))
