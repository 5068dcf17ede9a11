"""The kinds of faults, and how often each of them happens in one run."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from openoutcry.node.journal import CrashPoint
from openoutcry.simulation.chance import Chance


class Fault(StrEnum):
    """What goes wrong. The value is its name on the command line and in results."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"
    PARTITION = "partition"
    SKEW = "skew"
    JUMP = "jump"
    CRASH = "crash"
    TORN_TAIL = "torn-tail"
    LOST_SECTOR = "lost-sector"
    BIT_FLIP = "bit-flip"
    FULL_DISK = "full-disk"
    FAILED_SYNC = "failed-sync"


ALL: Final = tuple(Fault)

MEANING: Final = {
    Fault.DROP: "a frame never arrives",
    Fault.DUPLICATE: "a frame arrives twice",
    Fault.REORDER: "a frame overtakes those that were sent before it on the same link",
    Fault.DELAY: "frames take longer, some much longer",
    Fault.PARTITION: "no frame passes between two parts of the network, for a time, both ways or one",
    Fault.SKEW: "clocks differ, and run at different speeds",
    Fault.JUMP: "a clock is set forward or back",
    Fault.CRASH: "a node ends at one of the four crash points and starts again later",
    Fault.TORN_TAIL: "a node ends before a sync, and only the begin of what it wrote is on the disk",
    Fault.LOST_SECTOR: "a node ends before a sync, and a sector of what it wrote is not on the disk",
    Fault.BIT_FLIP: "a node ends, and a bit of its journal is another one afterwards",
    Fault.FULL_DISK: "the journal has no room for a time",
    Fault.FAILED_SYNC: "a sync fails, and the node ends",
}


class Point(StrEnum):
    """The four crash points: three that a log sees, and the one between two frames that leave."""

    BEFORE_APPEND = CrashPoint.BEFORE_APPEND.value
    BEFORE_SYNC = CrashPoint.BEFORE_SYNC.value
    AFTER_SYNC = CrashPoint.AFTER_SYNC.value
    MID_SEND = "mid-send"


IN_LOG: Final = {point: CrashPoint(point.value) for point in Point if point is not Point.MID_SEND}

AT_GROUPS: Final = (
    Fault.CRASH,
    Fault.TORN_TAIL,
    Fault.LOST_SECTOR,
    Fault.BIT_FLIP,
    Fault.FULL_DISK,
    Fault.FAILED_SYNC,
)
"""Faults that strike a node while it works on a group."""

# The most that a rate is drawn to be. A third of each is the mean, since rates are drawn as the square of an evenly
# distributed number: many runs have next to none of a kind, which finds what needs a long quiet time before a fault.
DROP_MAX: Final = 0.3
DUPLICATE_MAX: Final = 0.3
REORDER_MAX: Final = 0.3
DELAY_MAX: Final = 0.5
STRIKE_MAX: Final = 0.06
PARTITION_MAX: Final = 2.0
JUMP_MAX: Final = 2.0
"""The last two a second."""

SKEW_NS_MAX: Final = 500 * 10**6
DRIFT_PPB_MAX: Final = 200_000
"""A bad quartz: 17 seconds a day."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often what happens in one run; 0 for never. drop, duplicate, reorder, delay: of each frame, as a part of 1.
    strikes: of each group, as a part of 1, for each kind of `AT_GROUPS`. partitions, jumps: a second of virtual time.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    partitions: float = 0.0
    jumps: float = 0.0
    skew: bool = False
    strikes: tuple[tuple[Fault, float], ...] = ()


NONE: Final = Rates()


def draw_rates(faults: Collection[Fault], chance: Chance) -> Rates:
    """Draw the rates of one run. The same numbers are drawn whatever `faults` has, so a kind that is left out leaves
    the rates of the others as they are."""
    if not faults:
        return NONE
    drawn = {fault: chance.draw() ** 2 if fault in faults else 0.0 * chance.draw() for fault in ALL}
    return Rates(
        drop=DROP_MAX * drawn[Fault.DROP],
        duplicate=DUPLICATE_MAX * drawn[Fault.DUPLICATE],
        reorder=REORDER_MAX * drawn[Fault.REORDER],
        delay=DELAY_MAX * drawn[Fault.DELAY],
        partitions=PARTITION_MAX * drawn[Fault.PARTITION],
        jumps=JUMP_MAX * drawn[Fault.JUMP],
        skew=Fault.SKEW in faults,
        strikes=tuple((fault, STRIKE_MAX * drawn[fault]) for fault in AT_GROUPS if drawn[fault]),
    )


@dataclass(frozen=True, slots=True)
class Blow:
    """What strikes a node at one group. down_ns: how long it stays down; of a full disk: how long it is full.

    part: which of the frames, sectors or bits it is, from 0 up to, not including, 1: how many there are to choose from
    is known only then. kept: how much of what was not synced survives, as a part of 1. synced: of a flipped bit,
    whether it is one that was durable. skip: groups that are appended in the same step before the one that it strikes.
    """

    fault: Fault
    down_ns: int
    point: Point = Point.BEFORE_SYNC
    part: float = 0.0
    kept: float = 0.0
    synced: bool = False
    skip: int = 0
