"""How runs are made, and what happens in them when; every number with its unit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from openoutcry.simulation.faults import ALL, Fault
from openoutcry.simulation.network import STEP_NS
from openoutcry.simulation.striking import Striker
from openoutcry.simulation.virtual_node import MakeCore, plain_core

EPOCH_NS: Final = 1_700_000_000 * 10**9
"""What a clock without skew shows when a run begins."""

FAULTS_NS_MIN: Final = 10**9
FAULTS_NS_MAX: Final = 8 * 10**9
"""How long faults happen; shorter where all is settled before."""

SETTLE_NS_MAX: Final = 120 * 10**9
"""Until then all must be settled once faults have ended, in virtual time: the longest deadline that a node keeps (of a
signed request) is 60 seconds."""

ASK_NS: Final = 100 * STEP_NS
"""How often it is asked whether all is settled."""

PARTITION_NS_MAX: Final = 3 * 10**9
JUMP_NS_MAX: Final = 2 * 10**9
"""Of a clock, forward or back; the cube of an even distribution, so half of them are below 250 ms."""

SAVES_MAX: Final = 0.02
"""Snapshots that a node takes, for each group, at most."""

DELETED_VIEWS: Final = 0.25
"""Crashes after which the view is gone as well, as a part of 1."""


class What(IntEnum):
    """What is due at a time; in this order where several are."""

    HEAL = 0
    MEND = 1
    ROOM = 2
    PARTITION = 3
    JUMP = 4
    START = 5
    GROUP = 6
    ASK = 7


class Stage(IntEnum):
    """How far a run is."""

    FAULTS = 0
    HEALED = 1
    STARTED_AGAIN = 2
    ENDED = 3


@dataclass(frozen=True, slots=True)
class Options:
    """How runs are made.

    faults: the kinds that happen. real: sign with Ed25519; None for one seed in `REAL_EVERY`. check_every: of how many
    groups one is followed by the question whether anything is broken. tell: is given each event in words.
    make_core: what nodes are made of; another one makes mutants. striker: what strikes, in place of chance. faults_ns:
    how long, at most; None for a time that the seed says. saves: whether nodes take snapshots.
    """

    faults: Sequence[Fault] = ALL
    real: bool | None = None
    check_every: int = 1
    tell: Callable[[str], None] | None = None
    make_core: MakeCore = plain_core
    striker: Striker | None = None
    faults_ns: int | None = None
    saves: bool = True


DEFAULT: Final = Options()
