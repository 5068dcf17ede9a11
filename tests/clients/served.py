"""A fake venue behind real sockets, in a thread: it can be killed, brought back, stopped like SIGSTOP, and cut off."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from openoutcry.client import Access, Scale
from openoutcry.domain.records import Commands
from openoutcry.node.zmq_io import LinkIdentity, Links, LinkSettings, OpenTo, Peer
from tests.clients.fake_venue import FakeVenue
from tests.links.nodes import identity, key, never

VENUE = "a venue"


class Served:
    """A fake venue and its sockets."""

    def __init__(self, venue: FakeVenue) -> None:
        self.venue = venue
        self.lock = threading.Lock()
        self.address = "tcp://127.0.0.1:0"
        self.publish = "tcp://127.0.0.1:0"
        self._identity: LinkIdentity = identity(VENUE)
        self._is_stopping = False
        self._is_paused = self._is_resting = False
        self._thread: threading.Thread | None = None
        self._later: list[Commands] = []
        self.start()

    def start(self) -> None:
        """Serve, at the same addresses as before."""
        settings = LinkSettings(
            listen=self.address,
            publish=self.publish,
            open_to=OpenTo.ANYONE,
            messages_per_s=10**7,
            bytes_per_s=1 << 34,
        )
        self.links = Links(settings, self._identity, ("discovery",), (), time.time_ns, never)
        self.address, self.publish = self.links.address, self.links.publish_address
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def kill(self) -> None:
        """Close the sockets with whatever is in them; the venue itself stays as it is."""
        self._is_stopping = True
        self.links.wake()
        if self._thread is not None:
            self._thread.join(10)
        self.links.close()

    def pause(self, is_paused: bool) -> None:
        """Do nothing at all for a while."""
        self._is_paused = is_paused
        eventually(lambda: self._is_resting == is_paused)

    def run(self, commands: Commands) -> None:
        """Have the venue carry out commands of nobody, and publish what follows."""
        with self.lock:
            self._later.append(commands)
        self.links.wake()

    def _run(self) -> None:
        while not self._is_stopping:
            self._is_resting = self._is_paused
            if self._is_paused:
                time.sleep(0.01)
                continue
            arrivals = self.links.receive(0.05, 256)
            with self.lock:
                out = []
                for sender, frame in arrivals:
                    out += self.venue.hear(sender, frame, time.time_ns())
                for commands in self._later:
                    out += self.venue.run(commands, time.time_ns())
                self._later.clear()
                out += self.venue.tick(time.time_ns())
            self.links.send(out)


def access(served: Served, name: str, **fields: Any) -> Access:
    """Return how a member of this name reaches a venue; prices in hundredths, quantities in tenths."""
    venue = Peer(key(VENUE), identity(VENUE).curve_public, served.address, "fake", served.publish)
    scales = {"EURUSD": Scale(Decimal("0.01"), Decimal("0.1"))}
    return Access(venue, identity(name), scales, **fields)


@contextmanager
def serving(*members: str, names: tuple[str, ...] = ("EURUSD",)) -> Iterator[Served]:
    """Serve a venue with these members, of two accounts each."""
    accounts: dict[bytes, tuple[int, ...]] = {
        key(name): (2 * number, 2 * number + 1) for number, name in enumerate(members)
    }
    venue = FakeVenue(key(VENUE), accounts, names)
    venue.operators.add(key("operator"))
    served = Served(venue)
    try:
        yield served
    finally:
        served.kill()


def eventually(holds: Callable[[], bool], what: str = "", patience_s: float = 20.0) -> None:
    """Wait until something holds; fails after the patience."""
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.005)
