"""What an operator can tell a venue, a function each, signed by the client's key, which the venue lists."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import numpy as np

from openoutcry.book import commands
from openoutcry.domain import AccountField, Pair, Phase
from openoutcry.domain.limits import INSTRUMENTS_MAX
from openoutcry.domain.records import Commands
from openoutcry.venue.calendar.messages import Calendar, CalendarSet
from openoutcry.venue.messages import (
    CancelFor,
    MemberAdd,
    MemberLimit,
    MemberRate,
    MemberSuspend,
    PairList,
    PairPhase,
)
from openoutcry.venue.statements.messages import Annul
from openoutcry.venue.tariffs.messages import Tariff, TariffSet
from openoutcry.wire.tags import Message

Answer = TypeVar("Answer")

EVERY_ACCOUNT: Final = -1
EVERY_PAIR: Final = -1

COMMANDS_PER_S: Final = 1_000
"""What a new member may send unless the operator says otherwise: a person, or a slow program."""


class Administration(Generic[Answer]):
    """Operator's commands. What each returns is what `operate` does: OPERATOR_DONE, or a future or awaitable of it."""

    def __init__(self, operate: Callable[[Message], Answer]) -> None:
        """operate: sends a message, signed."""
        self._operate = operate

    def add_member(
        self, key: bytes, *, accounts: int = 1, commands_per_s: int = COMMANDS_PER_S, name: str = ""
    ) -> Answer:
        """Let a key trade, on so many accounts; the number of the answer is its session."""
        return self._operate(MemberAdd(key, accounts, commands_per_s, name))

    def suspend(self, key: bytes, *, cancel: bool = True) -> Answer:
        """Let a member trade no more; cancel: and cancel its orders."""
        return self._operate(MemberSuspend(key, True, cancel))

    def reinstate(self, key: bytes) -> Answer:
        """Let a suspended member trade again."""
        return self._operate(MemberSuspend(key, False, False))

    def limit(self, key: bytes, field: AccountField, value: int, *, account: int = EVERY_ACCOUNT) -> Answer:
        """Set one limit of an account of a member, or of all of them."""
        return self._operate(MemberLimit(key, account, int(field), value))

    def rate(self, key: bytes, commands_per_s: int) -> Answer:
        """Set how many commands a second a member may send."""
        return self._operate(MemberRate(key, commands_per_s))

    def list_pair(self, pair: Pair, *, base: bytes, quote: bytes, name: str, tick_units: int = 1) -> Answer:
        """Trade a pair from now on. base, quote: hashes of the instruments. tick_units: of quote, a lot at one tick."""
        return self._operate(PairList(bytes_of(commands.add_pair(pair)), base, quote, name, tick_units))

    def phase(self, pair: int, phase: Phase, *, closing: bool = False, detail: str = "") -> Answer:
        """Bring a pair into a phase; closing: the auction that begins, or is led to, is the closing one."""
        return self._operate(PairPhase(pair, phase, closing, detail))

    def halt(self, pair: int, detail: str = "") -> Answer:
        """Halt a pair: only cancellations and reductions."""
        return self.phase(pair, Phase.HALTED, detail=detail)

    def resume(self, pair: int, detail: str = "") -> Answer:
        """Trade a pair continuously again."""
        return self.phase(pair, Phase.CONTINUOUS, detail=detail)

    def calendar(self, calendar: Calendar, pairs: Sequence[int]) -> Answer:
        """Let pairs follow a calendar (`calendar_file.read_calendar`); the number of the answer is how many."""
        return self._operate(CalendarSet(calendar, tuple(pairs)))

    def tariff(self, tariff: Tariff, pair: int = EVERY_PAIR) -> Answer:
        """Charge by a tariff from its time on, 0 for at once; every pair: all that have no tariff of their own."""
        return self._operate(TariffSet(pair, tariff))

    def annul(self, pair: int, number: int, detail: str = "") -> Answer:
        """Make a trade void. number: as the pair's feed of trades counts. detail: told to both members."""
        return self._operate(Annul(pair, number, detail))

    def cancel_for(self, key: bytes, *, pair: int = EVERY_PAIR) -> Answer:
        """Cancel the orders of a member, in one pair or in all."""
        return self._operate(CancelFor(key, pair))


def instrument_number(certificate: bytes) -> int:
    """Return the number by which a book knows an instrument, from its certificate's hash: the same one in each pair.

    Two of a venue's instruments share a number once in four thousand million pairs of them; then list the pair with
    numbers of your own.

    >>> instrument_number(bytes.fromhex("00000100") + bytes(28))
    256
    """
    return int.from_bytes(certificate[:4], "big") % INSTRUMENTS_MAX


def bytes_of(command: Commands) -> bytes:
    """Return one command as its 64 bytes."""
    assert len(command) == 1
    return np.ascontiguousarray(command).tobytes()
