"""A thread that owns the links to one venue and drives a desk: the only place where time passes and frames travel.

Why a thread and not the caller's loop: life signs and leases must not depend on what a trader's program does, a program
that reads slowly must not stop the link, and one shell serves both threads and asyncio. It costs two changes of thread
for a round trip (docs/reference/client.md has the numbers); who wants none drives a `Desk` by hand, as `line.Line.pump`
does here.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from openoutcry.client.desk import Desk, Told
from openoutcry.client.errors import ClientError, Closed, NotConnected, VenueFault
from openoutcry.client.outbox import WINDOW_FRAMES_MAX, Batch
from openoutcry.node.core.traffic import Outgoing
from openoutcry.node.zmq_io import LinkError, LinkIdentity, Links, LinkSettings, LinkState, Peer
from openoutcry.node.zmq_io.options import frames_waiting_max
from openoutcry.role import Topic

WAIT_S: Final = 0.1
"""How long the thread waits for frames when nothing is due: how late it may see that a link has gone."""

LOOK_NS: Final = 50_000_000
"""How often the thread looks whether the link is still there; that it is new shows at once."""

ARRIVALS_MAX: Final = 512
"""Frames that are taken from the links at a time."""

CLOSE_S: Final = 5.0
"""How long closing waits for the thread: it ends within `WAIT_S` unless a user's function hangs in it."""

SPARE_FRAMES: Final = 16
"""Room in the link's queue for life signs, questions and operator's commands beside the window of commands."""

SETTINGS: Final = LinkSettings(
    listen="",
    link_bytes_max=320 << 20,
    messages_per_s=10**8,
    bytes_per_s=1 << 40,
    faults_per_s=10**6,
)
"""A client opens links and takes none. What a venue sends is bounded by the link's queue, not by a rate: a client that
dropped frames would only ask for them again."""

# Twice: libzmq tells the sender of room only when half of a queue has been read.
assert frames_waiting_max(SETTINGS) >= 2 * (WINDOW_FRAMES_MAX + SPARE_FRAMES)


class Line:
    """Links to one venue, a desk, and the thread between them.

    lock: held while the desk is used, by whomever. deliver: called in the thread, without the lock, with what has
    happened and the batches that are settled.
    """

    def __init__(
        self,
        desk: Desk,
        identity: LinkIdentity,
        venue: Peer,
        deliver: Callable[[list[Told], list[Batch]], object],
        software: str = "",
    ) -> None:
        """Open the sockets; `start` begins. Raises NotConnected where they cannot be opened."""
        self.desk = desk
        self.lock = threading.RLock()
        self.venue = venue
        self.error: BaseException | None = None
        self._turned = threading.Condition(self.lock)
        self._deliver = deliver
        self._is_stopping = False
        self._is_closed = False
        self._admitted = 0
        self._look_ns = 0
        self._topics: frozenset[Topic] = frozenset()
        self._woken = False
        try:
            self.links = Links(SETTINGS, identity, ("wallet",), [venue], time.time_ns, lambda key: False, software)
        except LinkError as error:
            raise NotConnected(str(error)) from error
        self._thread = threading.Thread(target=self._run, name="openoutcry-client", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Have the thread look at the desk now. Call it after anything was asked of the desk, with the lock held."""
        # The lock: once the links are closed, their descriptor may be somebody else's.
        if not self._woken and not self._is_closed:
            self._woken = True
            self.links.wake()

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller is the thread of the line: then nothing may be waited for."""
        return threading.get_ident() == self._thread.ident

    @staticmethod
    def now_ns() -> int:
        """Return the time of the clock that a desk goes by."""
        return time.monotonic_ns()

    def wait_for(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something holds of the desk, looked at after each turn of the thread; False when time is over."""
        assert not self.is_own_thread
        with self._turned:
            return self._turned.wait_for(lambda: holds() or self.failure() is not None, timeout_s) and holds()

    def stop(self) -> None:
        """End the thread and close the sockets; twice is once. What is not settled is abandoned."""
        with self.lock:
            self._is_stopping = True
            self._woken = False
            self.wake()
        if self._thread.ident is None:
            self._end()
        elif not self.is_own_thread:
            self._thread.join(CLOSE_S)

    def pump(self, wait_s: float) -> None:
        """Wait for frames at most so long, take them, do what is due, send. One turn of the thread."""
        frames = self.links.receive(wait_s, ARRIVALS_MAX)
        with self.lock:
            self._woken = False
            now_ns = time.monotonic_ns()
            self._look(now_ns)
            if frames:
                self.desk.arrive([frame for _, frame in frames], now_ns)
            self.desk.tick(now_ns, time.time_ns())
            out = self.desk.take_out()
            told, settled = self.desk.take_told()
            topics = self.desk.market.topics
            changed = topics != self._topics
            if changed:
                topics = set(topics)
            if frames:
                self._turned.notify_all()
        key = self.venue.key
        if out:
            self.links.send([Outgoing(key, memoryview(frame)) for frame in out])
        if changed:
            self._subscribe(frozenset(topics))
        if told or settled or frames:
            self._deliver(told, settled)

    def _run(self) -> None:
        try:
            while not self._is_stopping and self.desk.fault is None:
                with self.lock:
                    due_ns = self.desk.due_ns()
                wait_s = WAIT_S
                if due_ns is not None:
                    wait_s = min(WAIT_S, max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
                self.pump(wait_s)
        except BaseException as error:  # told to every caller, who cannot see this thread
            self.error = error
            if not isinstance(error, ClientError):
                raise
        finally:
            self._end()

    def _end(self) -> None:
        with self.lock:
            self.desk.close()
            told, settled = self.desk.take_told()
            self._is_stopping = self._is_closed = True
            self._turned.notify_all()
        self._deliver(told, settled)
        self.links.close()

    def failure(self) -> ClientError | None:
        """Return why nothing can be asked any more, None where it can."""
        fault: VenueFault | None = self.desk.fault
        if fault is not None:
            return fault
        if self.error is not None:
            failed = ClientError(f"the client's thread has failed: {type(self.error).__name__}: {self.error}")
            failed.__cause__ = self.error
            return failed
        return Closed() if self._is_stopping else None

    def _look(self, now_ns: int) -> None:
        """See whether the link has come, come again, or gone."""
        admitted = self.links.counters.admitted
        if admitted != self._admitted:
            self._admitted = admitted
            self.desk.link_up(now_ns)
        elif now_ns >= self._look_ns:
            self._look_ns = now_ns + LOOK_NS
            status = self.links.peers_status()[0]
            if status.state is not LinkState.UP:
                if self.desk.is_up:
                    self.desk.link_down(status.detail)
                self.desk.detail = status.detail or "it does not answer"

    def _subscribe(self, topics: frozenset[Topic]) -> None:
        for topic in sorted(topics - self._topics):
            self.links.follow(self.venue.key, topic)
        for topic in sorted(self._topics - topics):
            self.links.unfollow(self.venue.key, topic)
        self._topics = topics
