"""A desk and a fake venue without sockets, between them a link that loses and delays, and time that is given."""

from collections import deque
from collections.abc import Callable
from typing import Any

from openoutcry.client.desk import Desk, Told
from openoutcry.client.listing import Scale
from openoutcry.client.orders import Order, OrderEvent
from openoutcry.client.outbox import Batch
from openoutcry.client.session import EventFrame, Session, SessionEvent, SessionState
from openoutcry.domain.records import Commands
from openoutcry.wire.codec import encode
from openoutcry.wire.messages import StreamHead
from tests.clients.fake_venue import FakeVenue
from tests.links.nodes import identity, key

MS = 1_000_000
ME, VENUE = key("me"), key("a venue")


class Lossy:
    """One client named "me", one venue. Frames wait in two queues until they are moved.

    ghosts: frames of links that were cut, which may still be read by the venue later.
    """

    def __init__(self, venue: FakeVenue | None = None, **options: Any) -> None:
        self.venue = venue or FakeVenue(VENUE, {ME: (0, 1), key("other"): (2, 3)})
        self.session = Session(**options)
        self.desk = Desk(self.session, identity("me").signer, VENUE, {"EURUSD": Scale()})
        self.now_ns = 0
        self.to_venue: deque[bytes] = deque()
        self.to_client: deque[bytes] = deque()
        self.ghosts: list[bytes] = []
        self.told: list[OrderEvent | SessionEvent | EventFrame] = []
        self.batches: list[Batch] = []
        self.answers: dict[int, Order | Exception | None] = {}

    def connect(self) -> None:
        """Bring the link up."""
        self.desk.link_up(self.now_ns)
        self.collect()

    def cut(self, keep: bool = False) -> None:
        """Cut the link with all that is in it; keep: the venue may read later what was on its way to it."""
        if keep:
            self.ghosts += [frame for frame in self.to_venue if frame[:4] == b"OORF"]
        self.to_venue.clear()
        self.to_client.clear()
        self.desk.link_down("cut")

    def pass_time(self, ms: int) -> None:
        """Let time go on, and both do what is due."""
        self.now_ns += ms * MS
        self.desk.tick(self.now_ns, self.now_ns)
        self.collect()
        self._answered(self.venue.tick(self.now_ns))

    def move(self, count: int = 1_000_000) -> None:
        """Let so many frames arrive at the venue, and all that is answered at the client."""
        for _ in range(min(count, len(self.to_venue))):
            self._answered(self.venue.hear(ME, self.to_venue.popleft(), self.now_ns))
        self.read()

    def read(self, count: int = 1_000_000) -> None:
        """Let so many frames arrive at the client."""
        frames = [self.to_client.popleft() for _ in range(min(count, len(self.to_client)))]
        self.desk.arrive(frames, self.now_ns)
        self.desk.tick(self.now_ns, self.now_ns)
        self.collect()

    def haunt(self) -> None:
        """Let the venue read what was left in a link that is gone."""
        for frame in self.ghosts:
            self._answered(self.venue.hear(ME, frame, self.now_ns))
        self.ghosts.clear()

    def submit(self, commands: Commands) -> Batch:
        """Send commands without tracking."""
        batch = self.session.submit(commands)
        self.batches.append(batch)
        self.desk.tick(self.now_ns, self.now_ns)
        self.collect()
        return batch

    def settle(self) -> None:
        """Heal everything, and go on until nothing is open any more."""
        self.venue.drop, self.venue.deaf = lambda outgoing: False, lambda frame: False
        self.venue.refuse_rate = 0
        self.haunt()
        if not self.desk.is_up:
            self.connect()
        for _ in range(200):
            self.move()
            self.pass_time(300)
            stream = self.venue.members[ME].events
            self.to_client.append(encode(StreamHead(stream.stream, stream.head)))
            self.move()
            following = self.session.following
            if self.session.state is not SessionState.OPEN or following is None or self.session.outbox.unsettled:
                continue
            if following.applied == stream.head:
                return
        raise AssertionError(("not settled", self.session.state, list(self.session.outbox)))

    def collect(self) -> None:
        """Take what the desk says and sends."""
        told, settled = self.desk.take_told()
        for one in told:
            if isinstance(one, OrderEvent | SessionEvent | EventFrame):
                self.told.append(one)
            else:
                one()
        self.settled(settled)
        if self.desk.is_up:
            self.to_venue.extend(bytes(frame) for frame in self.desk.take_out())

    def settled(self, batches: list[Batch]) -> None:
        """Look at batches that are settled."""

    def happened(self, kind: Callable[[Told], bool]) -> list[Any]:
        """Return what was told of a kind."""
        return [one for one in self.told if kind(one)]

    def _answered(self, out: list[Any]) -> None:
        self.to_client.extend(bytes(frame) for to, frame in out if to == ME)
