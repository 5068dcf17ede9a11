"""The loop that runs a node: what its links have received goes through the core, what the core answers goes out.

One thread does all of it but the waiting for the disk. Signals and other threads only ask (`stop`, `wake`); the loop
does what was asked for between two groups, so nothing ever happens in the middle of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Final, Protocol

from openoutcry.node.core.core import Core
from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.journal import Log, NotDurable
from openoutcry.wire.fields import KeyId

IDLE_S: Final = 0.5
"""Longest wait for an arrival, in seconds: so often the periodic duties are looked at when nothing arrives."""

ARRIVALS_MAX: Final = 256
"""Frames that are received before they are processed. Who comes next waits until they are: with 1,024, of which a peer
without a rate could send all, a victim's 99th percentile rose ninefold. With 64 a venue takes a fifth fewer orders that
come one by one, since each group has its costs."""

DRAIN_S: Final = 2.0
"""How long a node that is being stopped still takes what has been received, in seconds. A peer that goes on sending
cannot keep it from stopping."""

NS: Final = 10**9


class Links(Protocol):
    """What the runner needs of links; `node.zmq_io.Links` has it, and so have the ones of tests."""

    def receive(self, wait_s: float, arrivals_max: int) -> list[Arrival]:
        """Return what has arrived, waiting at most so long for the first of it."""
        ...

    def send(self, frames: Sequence[Outgoing]) -> None:
        """Hand over frames; never blocks."""
        ...

    def fault(self, peer: KeyId, count: int = 1) -> None:
        """Hold so many frames of no use against a peer."""
        ...

    def wake(self) -> None:
        """End a `receive` that waits; from any thread or signal handler."""
        ...


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to be done every so often, between two groups. It is given the time."""

    every_ns: int
    do: Callable[[int], None]


@dataclass(slots=True)
class Timing:
    """Where the time goes; sums in nanoseconds, read by metrics. groups: groups that were timed."""

    groups: int = 0
    step_ns: int = 0
    send_ns: int = 0
    observe: list[Callable[[int, int], None]] = field(default_factory=list)
    """Called after each group with its frames and the nanoseconds of its step."""


class Runner:
    """Runs one node until it is stopped."""

    def __init__(
        self,
        core: Core,
        links: Links,
        log: Log,
        clock_ns: Callable[[], int],
        *,
        duties: Sequence[Duty] = (),
        snapshot_at_stop: bool = True,
        on_note: Callable[[str], None] = lambda note: None,
    ) -> None:
        """core: not started yet. clock_ns: time of day. duties: done in their order. on_note: told what an operator
        should read."""
        self.core = core
        self.links = links
        self.timing = Timing()
        self._log = log
        self._clock_ns = clock_ns
        self._duties = tuple(duties)
        self._next_ns = [0] * len(self._duties)
        self._snapshot_at_stop = snapshot_at_stop
        self._on_note = on_note
        self._stopping = False
        self._seen_notes = 0

    def stop(self) -> None:
        """Ask the loop to end: drain, snapshot, return. From any thread or signal handler."""
        self._stopping = True
        self.links.wake()

    def run(self) -> None:
        """Start the node and run it until `stop`. What stops a node is raised: Stopped, RoleFailed, BrokenInvariant.

        On the way out what was received is still processed, and a snapshot makes the next start quick.
        """
        self.links.send(self.core.start(self._clock_ns()))
        self._tell_notes()
        while not self._stopping:
            self._turn(self._wait_s())
        until_ns = perf_counter_ns() + int(DRAIN_S * NS)
        while self._turn(0.0) and perf_counter_ns() < until_ns:
            pass
        if self._snapshot_at_stop:
            try:
                self.core.save_snapshot()
            except NotDurable as error:  # the journal has everything: the next start only takes longer
                self._on_note(str(error))

    def _turn(self, wait_s: float) -> bool:
        """Receive, process, send, once; True where something had arrived."""
        core = self.core
        arrivals = self.links.receive(wait_s, ARRIVALS_MAX)
        now_ns = self._clock_ns()
        due_ns = core.due_ns
        if arrivals or (due_ns is not None and due_ns <= now_ns):
            timing = self.timing
            begun_ns = perf_counter_ns()
            out = core.step(arrivals, now_ns)
            stepped_ns = perf_counter_ns()
            if out:
                self.links.send(out)
            timing.groups += 1
            timing.step_ns += stepped_ns - begun_ns
            timing.send_ns += perf_counter_ns() - stepped_ns
            for observe in timing.observe:
                observe(len(arrivals), stepped_ns - begun_ns)
            if core.inbox.faults:
                for peer, count in core.inbox.faults.items():
                    self.links.fault(peer, count)
                core.inbox.faults.clear()
        self._do_duties(now_ns)
        return bool(arrivals)

    def _wait_s(self) -> float:
        due_ns = self.core.due_ns
        soonest_ns = min(self._next_ns, default=None)
        now_ns = self._clock_ns()
        waits = [IDLE_S]
        waits += [max(0.0, (due_ns - now_ns) / NS)] if due_ns is not None else []
        waits += [max(0.0, (soonest_ns - now_ns) / NS)] if soonest_ns is not None else []
        return min(waits)

    def _do_duties(self, now_ns: int) -> None:
        for number, duty in enumerate(self._duties):
            if now_ns >= self._next_ns[number]:
                self._next_ns[number] = now_ns + duty.every_ns
                duty.do(now_ns)
        self._tell_notes()

    def _tell_notes(self) -> None:
        """Pass on what the core and the journal have noted since the last time."""
        for note in self.core.notes:
            self._on_note(note)
        self.core.notes.clear()
        kept = self._log.notes
        for note in kept[self._seen_notes :]:
            self._on_note(note)
        self._seen_notes = len(kept)
