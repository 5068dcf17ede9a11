"""Snapshots of a node that runs, made by a second process: the node never pauses, and its journal is proved meanwhile.

The process applies the node's own records to roles of its own, without sockets and without ever sending, so it comes to
the node's state; it checks the roles' invariants and writes the state beside the journal. A next start replays only
what came after, and the node gives up the segments that neither of the two newest snapshots needs (`FileLog.retain`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from openoutcry.node.core.core import Core
from openoutcry.node.journal import FollowedLog
from openoutcry.node.journal.follow import SEARCH_POLLS

RECORDS: Final = 1_000_000
"""Records between two snapshots; frames count as one. A node replays them in a few seconds."""

EVERY_S: Final = 600.0
"""Seconds after which a snapshot is written although there are fewer records, where there are any."""

POLLS_LAST: Final = 2 * SEARCH_POLLS
"""Polls without anything new after which a journal that nobody writes has been searched to its end."""


@dataclass(slots=True)
class Done:
    """What a compactor has done. last: sequence of the last record that was applied. kept: of the last snapshot."""

    records: int = 0
    snapshots: int = 0
    last: int = 0
    kept: int = 0


class Compactor:
    """Follows one node.

    core: of the same roles as the node, on `log`, not started; its views are its own. records, every_s: when a snapshot
    is due. now_s: a clock that never goes back.
    """

    def __init__(
        self,
        core: Core,
        log: FollowedLog,
        now_s: Callable[[], float],
        *,
        records: int = RECORDS,
        every_s: float = EVERY_S,
    ) -> None:
        """Begin with the newest good snapshot, which is thereby shown to be one.

        Raises BadSnapshot, BrokenInvariant, and what a role raises that cannot be made.
        """
        self.core = core
        self.log = log
        self.done = Done()
        self._now_s = now_s
        self._records = records
        self._every_s = every_s
        self._kept_s = now_s()
        core.load()
        self._next = core.replay_from
        self.done.last = self.done.kept = self._next - 1
        core.require_sound()

    def turn(self) -> int:
        """Apply what has become durable since the last turn, keep snapshots that are due; return how many records came.

        Raises Damaged, RoleFailed, BrokenInvariant; NotDurable where a snapshot could not be kept: the next turn tries
        again.
        """
        count = 0
        for batch in self.log.read(self._next):
            self.core.replay(batch)
            count += len(batch.records)
            self._next = batch.first + len(batch.records)
            self.done.records += len(batch.records)
            self.done.last = self._next - 1
            self._keep_if_due(self._records)
        # Only here is all that there is applied: a snapshot that the clock asks for is worth more at the end.
        self._keep_if_due(1 if self._now_s() - self._kept_s >= self._every_s else self._records)
        return count

    def finish(self) -> None:
        """Read to the end of what is durable now, look for damage behind it, and keep a snapshot of it all."""
        self.turn()
        for _ in range(POLLS_LAST):
            if self.turn():  # somebody writes: what is damaged here is found when it goes on
                break
        if self.done.last > self.done.kept:
            self.keep()

    def keep(self) -> None:
        """Check every invariant and write a snapshot. Raises BrokenInvariant, NotDurable."""
        self.done.kept = self.core.save_snapshot()
        self._kept_s = self._now_s()
        self.done.snapshots += 1

    def _keep_if_due(self, records: int) -> None:
        if self.done.last - self.done.kept >= records:
            self.keep()
