"""The links of one node: frames of authenticated peers in, frames out, within bounds that no peer can move.

One thread owns everything here; only `wake` may be called from elsewhere.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import zmq

from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.sessions.doors import Doors
from openoutcry.node.sessions.gate import Gate
from openoutcry.node.sessions.handshake import Introduction
from openoutcry.node.sessions.meter import Allowance, Meter
from openoutcry.node.zmq_io.call import Call
from openoutcry.node.zmq_io.connections import Connections
from openoutcry.node.zmq_io.counters import Counters
from openoutcry.node.zmq_io.errors import LinkError
from openoutcry.node.zmq_io.inbound import Inbound
from openoutcry.node.zmq_io.options import (
    check_library,
    new_context,
    set_client,
    set_publisher,
    set_router,
    set_server,
)
from openoutcry.node.zmq_io.outbound import Outbound
from openoutcry.node.zmq_io.routing_ids import RoutingIds
from openoutcry.node.zmq_io.settings import MS, LinkIdentity, LinkSettings, OpenTo, Peer
from openoutcry.node.zmq_io.status import LinkState, PeerStatus
from openoutcry.node.zmq_io.topics import Following, Publisher
from openoutcry.node.zmq_io.waking import Waker
from openoutcry.node.zmq_io.watch import Watch
from openoutcry.node.zmq_io.zap import Zap
from openoutcry.wire.limits import CONTROL_BYTES_MAX
from openoutcry.wire.versions import Capability, Offer

SWEEP_NS: Final = 100_000_000
"""How often every link is looked at: what a stranger can make the node hold between two looks is 30 MB."""

QUOTA: Final = 64
"""Messages read of one socket before the next one has its turn."""

CONNECTIONS_SPARE: Final = 256
"""TCP connections beside those of links: in the handshake, or ending."""

CAPABILITIES: Final = (
    int(Capability.RECORD_FRAMES),
    int(Capability.ENVELOPES),
)
"""What every node can do; roles say more in messages of their own."""


class _Source(Protocol):
    """Whatever frames come from."""

    def drain(self, quota: int, arrivals: list[Arrival], now_ns: int) -> int: ...


class Links:
    """All sockets of a node. Use it in one thread; close it before the process ends."""

    def __init__(
        self,
        settings: LinkSettings,
        identity: LinkIdentity,
        roles: Sequence[str],
        peers: Sequence[Peer],
        clock_ns: Callable[[], int],
        is_revoked: Callable[[bytes], bool],
        software: str = "",
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Bind, and begin to connect to each peer that has an address.

        roles: names, at least one, for the service record. clock_ns: UTC. is_revoked: asked for node keys at each
        handshake and for each link ten times a second. monotonic_ns: for rates and waits.
        Raises LinkError, with one line for the operator, for a libzmq that will not do, an address that is taken or
        cannot be listened at, and peers that contradict each other.
        """
        check_library()
        _check_peers(peers)
        self.counters = Counters()
        self.address = ""
        self.publish_address = ""
        self._settings = settings
        self._clock_ns = clock_ns
        self._now_ns = monotonic_ns
        self._allowance = Allowance(
            settings.messages_per_s, settings.bytes_per_s, settings.burst_ms * MS, settings.flood_ms * MS
        )
        addresses = (settings.public_address,) if settings.public_address else ()
        offer = Offer(identity.signer.key, CAPABILITIES, CONTROL_BYTES_MAX, settings.frame_bytes_max, software)
        introduction = Introduction(identity.signer, identity.curve_public, roles, addresses, offer)
        self._gate = Gate(
            {peer.curve_key: peer.key for peer in peers},
            settings.open_to is OpenTo.ANYONE,
            Doors(settings.penalty_ms * MS, settings.penalty_ms_max * MS),
            is_revoked,
            settings.greetings_per_s,
            settings.greeting_max,
            settings.greeting_ms * MS,
        )
        self._waker = Waker()
        self._context = new_context()
        self._watches: list[Watch] = []
        self._inbound: Inbound | None = None
        self._publisher: Publisher | None = None
        self._outbound: dict[bytes, Outbound] = {}
        self._following: list[Following] = []
        self._sources: dict[object, _Source] = {}
        self._poller = zmq.Poller()
        self._turn = 0
        self._sweep_ns = 0
        self._is_closed = False
        try:
            self._open(identity, introduction, peers)
        except BaseException:
            self.close()
            raise

    def receive(self, wait_s: float, arrivals_max: int) -> list[Arrival]:
        """Return up to `arrivals_max` frames of admitted peers, in turn among sockets and peers.

        Waits at most `wait_s` seconds, 0 for not at all, until there is one or `wake` was called; answers ZAP and
        looks after the links meanwhile. Cost: 2 to 3 microseconds a frame, and 3 for a call with 1 for each peer.
        """
        assert not self._is_closed and arrivals_max > 0
        arrivals: list[Arrival] = []
        now_ns = self._now_ns()
        until_ns = now_ns + int(wait_s * 1_000_000_000)
        is_woken = False
        while True:
            if now_ns >= self._sweep_ns:
                self._sweep(now_ns)
            wait_ms = max(0, -(-(min(until_ns, self._sweep_ns) - now_ns) // MS))
            ready = dict(self._poller.poll(wait_ms))
            now_ns = self._now_ns()
            if self._waker.fd in ready:
                self._waker.clear()
                is_woken = True
            self._serve(ready, arrivals, arrivals_max, now_ns)
            if arrivals or is_woken or now_ns >= until_ns:
                return arrivals

    def send(self, outgoing: Sequence[Outgoing]) -> None:
        """Give frames to links and topics, in order. Never blocks: what cannot be sent now is dropped and counted."""
        now_ns = self._now_ns()
        for to, frame in outgoing:
            if isinstance(to, str):
                if self._publisher is None:
                    self.counters.no_topics += 1
                else:
                    self._publisher.send(to, frame)
                continue
            link = self._outbound.get(to)
            if link is not None and link.send(frame):
                continue
            if self._inbound is None or not self._inbound.send(to, frame, now_ns):
                self.counters.unreachable += 1

    def wake(self) -> None:
        """End the wait of `receive`, or of the next one. Safe from any thread and from a signal handler."""
        self._waker.wake()

    def fault(self, peer: bytes, count: int = 1) -> None:
        """Take note that frames of this peer were of no use; too many close its door."""
        now_ns = self._now_ns()
        link = self._outbound.get(peer)
        for _ in range(count):
            if link is not None and link.state is LinkState.UP:
                link.fault(now_ns)
            elif self._inbound is not None:
                self._inbound.fault_of(peer, now_ns)

    def follow(self, peer: bytes, topic: str) -> None:
        """Follow one more topic of a peer that was given a `topics_address`; another peer's is nothing."""
        for following in self._following:
            if following.peer.key == peer:
                following.follow(topic)

    def unfollow(self, peer: bytes, topic: str) -> None:
        """Follow a topic of a peer no more."""
        for following in self._following:
            if following.peer.key == peer:
                following.unfollow(topic)

    def peers_status(self) -> list[PeerStatus]:
        """Return how each link is: those of configured peers first, then those that others have opened."""
        statuses = [link.status() for link in self._outbound.values()]
        return statuses + (self._inbound.statuses() if self._inbound is not None else [])

    def close(self) -> None:
        """Close every socket; what is still queued is dropped. Twice is once."""
        if self._is_closed:
            return
        self._is_closed = True
        for watch in self._watches:
            watch.close()
        self._context.destroy(linger=0)
        self._waker.close()

    def _open(self, identity: LinkIdentity, introduction: Introduction, peers: Sequence[Peer]) -> None:
        settings, names = self._settings, {peer.key: peer.name for peer in peers}
        self._zap = Zap(self._context, self._gate, self.counters, self._now_ns)
        self._poller.register(self._zap.socket, zmq.POLLIN)
        self._poller.register(self._waker.fd, zmq.POLLIN)
        most = settings.sessions_max + settings.greeting_max + len(peers) + CONNECTIONS_SPARE
        if settings.listen:
            socket = self._socket(zmq.ROUTER)
            set_server(socket, settings, identity)
            set_router(socket)
            routing_ids = RoutingIds(self._context, socket)
            watch = self._watch(socket, "router")
            self.address = _bind(socket, settings.listen)
            connections = Connections(watch, _port(self.address), most, self.counters)
            self._inbound = Inbound(
                socket,
                connections,
                routing_ids,
                settings,
                introduction,
                self._gate,
                self.counters,
                self._clock_ns,
                names,
                self._allowance,
            )
            self._add(socket, self._inbound)
        if settings.publish:
            socket = self._socket(zmq.XPUB)
            set_server(socket, settings, identity)
            set_publisher(socket)
            watch = self._watch(socket, "publisher")
            self.publish_address = _bind(socket, settings.publish)
            connections = Connections(watch, _port(self.publish_address), most, self.counters)
            self._publisher = Publisher(socket, connections, settings, self._gate, self.counters)
            self._poller.register(socket, zmq.POLLIN)
        for number, peer in enumerate(peers):
            if peer.address:
                socket = self._socket(zmq.DEALER)
                set_client(socket, settings, identity, peer)
                call = Call(socket, self._watch(socket, f"peer-{number}"), peer.address, self.counters)
                self._outbound[peer.key] = Outbound(
                    socket,
                    call,
                    peer,
                    settings,
                    introduction,
                    self._gate,
                    self.counters,
                    self._clock_ns,
                    self._allowance,
                )
                self._add(socket, self._outbound[peer.key])
            if peer.topics_address:
                socket = self._socket(zmq.SUB)
                set_client(socket, settings, identity, peer)
                watch = self._watch(socket, f"topics-{number}")
                call = Call(socket, watch, peer.topics_address, self.counters)
                following = Following(socket, call, peer, self._gate, self.counters, Meter(self._allowance))
                self._following.append(following)
                self._add(socket, following)

    def _serve(self, ready: dict[object, int], arrivals: list[Arrival], arrivals_max: int, now_ns: int) -> None:
        """Do what is to be done about readable sockets: who may enter, who has come and gone, and then frames."""
        if self._zap.socket in ready:
            self._zap.answer()
        inbound, publisher = self._inbound, self._publisher
        if inbound is not None and inbound.connections.watch.socket in ready:
            inbound.follow(now_ns)
        if publisher is not None:
            if publisher.connections.watch.socket in ready:
                publisher.connections.follow(now_ns)
            if publisher.socket in ready:
                publisher.drain(now_ns)
        for link in self._outbound.values():
            if link.call.watch.socket in ready:
                link.follow(now_ns)
        for following in self._following:
            if following.call.watch.socket in ready:
                following.call.follow(now_ns)
        waiting = [source for socket, source in self._sources.items() if socket in ready]
        if len(waiting) > 1:
            self._turn = (self._turn + 1) % len(waiting)
            waiting = waiting[self._turn :] + waiting[: self._turn]
        # Frames that are dropped count as well: a flood cannot keep the node in here.
        left = arrivals_max
        while waiting and left > 0:
            more = []
            for source in waiting:
                quota = min(QUOTA, left)
                if quota <= 0:
                    return
                count = source.drain(quota, arrivals, now_ns)
                left -= count
                if count == quota:
                    more.append(source)
            waiting = more

    def _sweep(self, now_ns: int) -> None:
        self._sweep_ns = now_ns + SWEEP_NS
        utc_ns = self._clock_ns()
        if self._inbound is not None:
            self._inbound.sweep(now_ns, utc_ns)
        if self._publisher is not None:
            self._publisher.sweep(now_ns)
        for link in self._outbound.values():
            link.sweep(now_ns, utc_ns)
        for following in self._following:
            following.sweep(now_ns)

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        return self._context.socket(kind)

    def _watch(self, socket: zmq.Socket[bytes], name: str) -> Watch:
        watch = Watch(self._context, socket, name)
        self._watches.append(watch)
        self._poller.register(watch.socket, zmq.POLLIN)
        return watch

    def _add(self, socket: zmq.Socket[bytes], source: _Source) -> None:
        self._sources[socket] = source
        self._poller.register(socket, zmq.POLLIN)


def _check_peers(peers: Sequence[Peer]) -> None:
    """Raise LinkError where a key or CURVE key stands twice."""
    for what, keys in (("key", [peer.key for peer in peers]), ("curve_key", [peer.curve_key for peer in peers])):
        for number, key in enumerate(keys):
            if key in keys[:number]:
                raise LinkError(f"two peers have the {what} {key.hex()[:16]}...: give each node once")


def _bind(socket: zmq.Socket[bytes], endpoint: str) -> str:
    """Bind and return the address, with the port that was given where it asked for any."""
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        if error.errno == zmq.EADDRINUSE:
            port = endpoint.rpartition(":")[2]
            raise LinkError(f"port {port} is taken ({endpoint}): another node runs there, or choose another") from None
        raise LinkError(f"cannot listen at {endpoint}: {error.strerror}") from None
    # The host as it was given: libzmq would say [::ffff:127.0.0.1] for 127.0.0.1.
    return f"{endpoint.rpartition(':')[0]}:{_port(socket.getsockopt_string(zmq.LAST_ENDPOINT))}"


def _port(address: str) -> int:
    return int(address.rpartition(":")[2].rstrip("\0"))
