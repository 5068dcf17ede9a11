"""One node of a simulation: the core that also a real node runs, on a disk in memory that outlives it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from io import BytesIO
from typing import Final

from openoutcry.host.kinds import Cast
from openoutcry.host.plugins import Plugins
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.language import Language
from openoutcry.node.core.parts import Identity, Part
from openoutcry.node.core.states import NodeState, read_state
from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.journal import CrashPoint, Damaged, MemoryDisk, MemoryLog, NotDurable, RoleVersion
from openoutcry.node.journal.layout import JOURNAL_ID_BYTES, SECTOR_BYTES
from openoutcry.node.store import MemoryStore, MemoryView, View
from openoutcry.role import Record, Role
from openoutcry.simulation.clock import Clock
from openoutcry.simulation.faults import Fault

Leave = Callable[[list[Outgoing]], None]
MakeCore = Callable[[Sequence[Part], MemoryLog, Identity, Language, Leave], Core]
"""Makes the core of a node. The last argument sends at once: only a mutant does so. `plain_core` is the usual one."""


NO_PLUGINS: Final = Plugins()
"""Answers for roles that ask: no order check is loaded."""


def plain_core(parts: Sequence[Part], log: MemoryLog, identity: Identity, language: Language, leave: Leave) -> Core:
    """Return the core that also a real node runs."""
    return Core(parts, log, identity, NO_PLUGINS, language=language)


class WatchedLog(MemoryLog):
    """A log that counts what it refused, shows each group to `watch` before it is appended, and can be armed to end its
    node at a group that is not the next one."""

    def __init__(
        self,
        disk: MemoryDisk,
        roles: Sequence[RoleVersion],
        counts: Counter[str],
    ) -> None:
        self.watch: Callable[[Sequence[Record]], None] | None = None
        self.appended = 0
        self._counts = counts
        self._armed: tuple[int, CrashPoint] | None = None
        super().__init__(disk, roles)

    def append(self, records: Sequence[Record]) -> int:
        """Append; see `Log`."""
        self.appended += 1
        if self._armed is not None and self._armed[0] == self.appended:
            self.disk.crash_at = self._armed[1]
        if self.watch is not None:
            self.watch(records)
        try:
            return super().append(records)
        except NotDurable:
            self._counts[Fault.FULL_DISK] += 1
            raise

    def arm(self, point: CrashPoint, skip: int) -> None:
        """Let the node end at a point of the next group that is appended, or of one after `skip` others."""
        self._armed = self.appended + 1 + skip, point

    def disarm(self) -> None:
        """Let it live, where that point was not met."""
        self._armed = None
        self.disk.crash_at = None
        self.watch = None


class Where(Enum):
    """Which kind of bytes a bit was flipped in, and so what is right at the next start."""

    UNSYNCED = "unsynced"
    SYNCED = "synced"
    SNAPSHOT = "snapshot"


class Started(Enum):
    """What a start on a disk with a flipped bit came to."""

    SOUND = "nothing was wrong"
    REPAIRED = "cut or passed over"
    REFUSED = "refused"
    UNNOTICED = "unnoticed"


@dataclass(slots=True)
class VirtualNode:
    """index: its number in the run. core: None while it is down. group: how many groups it has worked on, over all of
    its lives. wake_ns: the virtual time at which it wants to be called, None for never. inbox: virtual time to what
    arrives then. lives: how often it was started.
    """

    index: int
    name: str
    casts: Sequence[Cast]
    identity: Identity
    language: Language
    clock: Clock
    make_core: MakeCore
    counts: Counter[str]
    disk: MemoryDisk = field(init=False)
    leave: Leave = list.clear
    core: Core | None = None
    log: WatchedLog | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    group: int = 0
    lives: int = 0
    wake_ns: int | None = None
    inbox: dict[int, list[Arrival]] = field(default_factory=dict)
    _views: dict[str, MemoryView] = field(default_factory=dict)
    _flipped: tuple[Where, bytearray, int] | None = None

    def __post_init__(self) -> None:
        """Begin with an empty disk."""
        self.disk = MemoryDisk(self.name.encode().ljust(JOURNAL_ID_BYTES, b"\0")[:JOURNAL_ID_BYTES])

    def start(self, now_ns: int) -> tuple[list[Outgoing], Started]:
        """Come up on what the disk has, and return what is sent and how the disk was found.

        Where a bit was flipped, it is put right again: before the start that counts where the journal is refused, as
        an operator does with a backup, and afterwards where not. Raises Damaged where nobody has damaged anything.
        """
        flipped, self._flipped = self._flipped, None
        if flipped is None:
            return self._start(now_ns), Started.SOUND
        where, content, bit = flipped
        try:
            out = self._start(now_ns)
        except Damaged:
            if where is Where.UNSYNCED:
                self.disk.crash()  # the backup has what was promised and no more
            else:
                _flip(content, bit)
            return self._start(now_ns), Started.REFUSED
        if where is Where.SYNCED:
            return out, Started.UNNOTICED
        if where is Where.SNAPSHOT:
            _flip(content, bit)
        return out, Started.REPAIRED

    def end(self, *, delete_views: bool = False) -> None:
        """Be gone, at once. The disk stays as it is."""
        self.core = None
        self.log = None
        self.roles = {}
        self.wake_ns = None
        for view in self._views.values():
            view.crash()
            if delete_views:
                view.delete()

    def let_go(self) -> None:
        """Close what is open; the node is not used any more."""
        for view in self._views.values():
            view.delete()

    def state(self) -> NodeState:
        """Return all that the node knows, but for the time: that is what a replay has to come to."""
        assert self.core is not None
        out = BytesIO()
        self.core.write_state(out)
        out.seek(0)
        return read_state(out)._replace(clock_ns=0)

    def save(self) -> bool:
        """Take a snapshot and give up what is older than the one before it. False where the disk is full."""
        assert self.core is not None and self.log is not None
        try:
            self.core.save_snapshot()
        except NotDurable:
            return False
        self.log.truncate(min(self.disk.snapshots) + 1)
        return True

    # What a crash does to the disk. Each is called between `end` and `start`; `part` says
    # which one, from 0 up to, not including, 1.

    @property
    def unsynced(self) -> int:
        """Bytes that were written and not synced."""
        return len(self.disk.written) - self.disk.synced

    def tear(self, kept: float) -> None:
        """Keep only the begin of what was not synced: that part of it."""
        self.disk.crash(int(kept * self.unsynced))

    def lose_sector(self, part: float) -> None:
        """Lose one sector, or what was not synced of it."""
        first = self.disk.synced // SECTOR_BYTES
        last = (len(self.disk.written) - 1) // SECTOR_BYTES
        sector = first + int(part * (last - first + 1))
        begin = max(self.disk.synced, sector * SECTOR_BYTES)
        self.disk.lose(begin, (sector + 1) * SECTOR_BYTES - begin)

    def flip(self, part: float, synced: bool) -> Where | None:
        """Flip one bit of what was synced, snapshots included, or of what was not; None where there is nothing."""
        disk = self.disk
        if not synced:
            if not self.unsynced:
                return None
            bit = 8 * disk.synced + int(part * 8 * self.unsynced)
            disk.flip(bit)
            self._flipped = Where.UNSYNCED, disk.written, bit
            return Where.UNSYNCED
        contents = [disk.written, *(disk.snapshots[sequence] for sequence in sorted(disk.snapshots))]
        bit = int(part * 8 * sum(map(len, contents)))
        for content in contents:
            if bit < 8 * len(content):
                _flip(content, bit)
                where = Where.SYNCED if content is disk.written else Where.SNAPSHOT
                self._flipped = where, content, bit
                return where
            bit -= 8 * len(content)
        return None

    def _start(self, now_ns: int) -> list[Outgoing]:
        kinds = enumerate((cast.kind for cast in self.casts), 1)
        versions = [NODE_ROLE, *(RoleVersion(number, kind.name, kind.version) for number, kind in kinds)]
        log = WatchedLog(self.disk, versions, self.counts)
        parts = [
            Part(number, cast.kind, cast.settings, self._store(cast, log.last))
            for number, cast in enumerate(self.casts, 1)
        ]
        core = self.make_core(parts, log, self.identity, self.language, self.leave)
        out = core.start(self.clock.shows(now_ns))
        self.core, self.log, self.roles = core, log, dict(core.roles)
        self.lives += 1
        return out

    def _store(self, cast: Cast, last: int) -> MemoryStore | None:
        kind = cast.kind
        if not kind.tables:
            return None
        view = self._views.setdefault(kind.name, MemoryView())
        return MemoryStore(view, View(kind.name, kind.version, kind.tables, self.disk.journal), last)


def _flip(content: bytearray, bit: int) -> None:
    content[bit // 8] ^= 1 << bit % 8
