"""The commands that bring a pair from the phase in which it is to the one in which it is to be; none is refused."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from openoutcry.domain import CommandFlag, Op, Phase
from openoutcry.domain.records import COMMAND, Commands


class PhaseStep(NamedTuple):
    """One command: UNCROSS, or SET_PHASE to `phase`, where `closing` says that the auction is the closing one."""

    op: Op
    phase: Phase
    closing: bool = False


UNCROSSING = PhaseStep(Op.UNCROSS, Phase.AUCTION)


def phase_steps(present: Phase, present_closing: bool, wanted: Phase, closing: bool) -> tuple[PhaseStep, ...]:
    """Return what to do, in order, to come from the present phase to the wanted one.

    An auction ends with its uncrossing, whatever follows, unless it is halted. Continuous trading begins with an
    uncrossing, since orders that were collected before (also before a halt) may cross, and a book does not trade
    continuously over them. Two auctions that follow each other are two.

    >>> [(step.op.name, step.phase.name) for step in phase_steps(Phase.PRE_OPEN, False, Phase.CONTINUOUS, False)]
    [('UNCROSS', 'AUCTION'), ('SET_PHASE', 'CONTINUOUS')]
    >>> phase_steps(Phase.CONTINUOUS, False, Phase.CONTINUOUS, False)
    ()
    """
    last = PhaseStep(Op.SET_PHASE, wanted, closing)
    if present is wanted and (present_closing == closing or wanted not in (Phase.PRE_OPEN, Phase.AUCTION)):
        return (UNCROSSING, last) if wanted is Phase.AUCTION else ()
    if present is Phase.AUCTION:
        return (last,) if wanted is Phase.HALTED else (UNCROSSING, last)
    if wanted is not Phase.CONTINUOUS:
        return (last,)
    if present is Phase.PRE_OPEN:
        return (UNCROSSING, last)
    return (PhaseStep(Op.SET_PHASE, Phase.AUCTION), UNCROSSING, last)


def phase_commands(pair: int, steps: Sequence[PhaseStep]) -> Commands:
    """Return the steps as COMMAND records of a pair, for a book."""
    commands = np.zeros(len(steps), COMMAND)
    for row, step in zip(commands, steps, strict=True):
        row["op"], row["pair"] = step.op, pair
        if step.op is Op.SET_PHASE:
            row["kind"], row["flags"] = step.phase, CommandFlag.CLOSING if step.closing else 0
    return commands
