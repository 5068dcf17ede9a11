"""Looks at a running node, in the node's own thread, and makes a value of it that others may read."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

from openoutcry.host.account import Tell
from openoutcry.host.plugins import Plugins
from openoutcry.node.config.reading import Config
from openoutcry.node.core.core import Core
from openoutcry.node.journal import Log
from openoutcry.node.metering import FRAME_BOUNDS, TIME_BOUNDS_NS, Histogram
from openoutcry.node.status import LINKS_MAX, Board, HookStatus, JournalStatus, LinkStatus, RoleStatus, Status
from openoutcry.node.zmq_io import Links, PeerStatus
from openoutcry.wire.faults import name_of

NS_PER_MS: Final = 10**6

COST_FACTOR: Final = 100
"""A node of 65,536 links needs 0.1 s to describe them all, and then does it every ten seconds."""

REFUSING: Final = ("refused", "denied", "closed", "failed", "limited", "not_admitted", "multipart", "forged")
"""What happens on links that an operator wants to read of: how the names of its counters begin."""


class Times:
    """How long groups and syncs took, and how many frames groups had."""

    __slots__ = ("frames", "group_ns", "sync_ns")

    def __init__(self) -> None:
        self.frames = Histogram(FRAME_BOUNDS)
        self.group_ns = Histogram(TIME_BOUNDS_NS)
        self.sync_ns = Histogram(TIME_BOUNDS_NS)

    def add_group(self, frames: int, step_ns: int) -> None:
        """Count one group; 0.5 microseconds."""
        self.frames.add(frames)
        self.group_ns.add(step_ns)


@dataclass(frozen=True, slots=True)
class Observer:
    """Makes the status of one node. 20 microseconds, and 2 for each link.

    key, curve_key: of the node, as hexadecimal digits. monotonic_ns: the clock of the links.
    """

    config: Config
    software: str
    started_ns: int
    key: str
    curve_key: str
    core: Core
    log: Log
    links: Links
    plugins: Plugins
    times: Times
    monotonic_ns: Callable[[], int]

    def make(self, now_ns: int) -> Status:
        """Return how the node is now."""
        core, links, times = self.core, self.links, self.times
        monotonic_ns = self.monotonic_ns()
        peers = links.peers_status()
        return Status(
            name=self.config.node.name,
            key=self.key,
            curve_key=self.curve_key,
            software=self.software,
            process=os.getpid(),
            started_ns=self.started_ns,
            made_ns=now_ns,
            durability=self.config.node.durability,
            listen=links.address,
            publish=links.publish_address,
            roles=tuple(RoleStatus(part.kind.name, part.kind.version, part.number) for part in core.parts.values()),
            journal=JournalStatus(self.log.first, self.log.last, self.log.safe),
            node=node_counts(core),
            refused=refused_counts(core),
            timers=core.timers,
            group_frames=times.frames.read(),
            group_ns=times.group_ns.read(),
            sync_ns=times.sync_ns.read(),
            links=tuple(_link(one, monotonic_ns) for one in peers[:LINKS_MAX]),
            link_states=dict(Counter(one.state.value for one in peers)),
            link_counts=links.counters.as_mapping(),
            plugins=self.plugins.names,
            hooks=tuple(
                HookStatus(plugin, hook, {field.name: getattr(counters, field.name) for field in fields(counters)})
                for (plugin, hook), counters in self.plugins.counters.items()
            ),
            broken=dict(self.plugins.broken),
        )


class Posting:
    """Puts the status of a node onto its board every so often, and seldom where that takes long."""

    def __init__(self, observer: Observer, board: Board) -> None:
        self._observer = observer
        self._board = board
        self._not_before_ns = 0

    def turn(self, now_ns: int) -> None:
        """Make a status and post it, unless the last one has cost more than a hundredth of the time since."""
        begun_ns = self._observer.monotonic_ns()
        if begun_ns < self._not_before_ns:
            return
        self._board.put(self._observer.make(now_ns))
        cost_ns = self._observer.monotonic_ns() - begun_ns
        self._not_before_ns = begun_ns + COST_FACTOR * cost_ns


class RefusalReport:
    """Says once in an interval what was refused in it, as counts: a flood is one line."""

    def __init__(self, core: Core, links: Links, tell: Tell) -> None:
        self._core = core
        self._links = links
        self._tell = tell
        self._told: Counter[str] = Counter()

    def tell(self, now_ns: int) -> None:
        """Write what came since the last time, where anything did."""
        counts = Counter({f"refused {name}": count for name, count in refused_counts(self._core).items()})
        on_links = self._links.counters.as_mapping()
        counts.update({f"links {name}": count for name, count in on_links.items() if name.startswith(REFUSING)})
        new = counts - self._told
        self._told = counts
        if new:
            words = ", ".join(f"{name.split(' ', 1)[1]} {count}" for name, count in sorted(new.items()))
            self._tell("refused", counts=words)


def node_counts(core: Core) -> dict[str, int]:
    """Return the counters of a core by name."""
    return {field.name: getattr(core.counters, field.name) for field in fields(core.counters)}


def refused_counts(core: Core) -> dict[str, int]:
    """Return how often what was refused, by the name of the reason."""
    return {name_of(code).lower(): count for code, count in sorted(core.inbox.refused.items())}


def _link(one: PeerStatus, monotonic_ns: int) -> LinkStatus:
    return LinkStatus(
        name=one.name,
        key=one.key.hex(),
        state=one.state.value,
        outbound=one.outbound,
        heard_ms=(monotonic_ns - one.heard_ns) // NS_PER_MS if one.heard_ns else None,
        messages_in=one.messages_in,
        bytes_in=one.bytes_in,
        messages_out=one.messages_out,
        bytes_out=one.bytes_out,
        detail=one.detail,
    )
