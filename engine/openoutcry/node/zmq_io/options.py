"""Every option of every socket, with unit and reason, in one place. Nothing is left to a default of the library."""

from typing import Final

import zmq

from openoutcry.node.zmq_io.errors import LinkError
from openoutcry.node.zmq_io.settings import LinkIdentity, LinkSettings, Peer

LIBZMQ_MIN: Final = (4, 3, 5)
"""Oldest libzmq: what this package relies on was tried with it, and before 4.3.3 strangers could crash a CURVE server
(CVE-2020-15166, CVE-2021-20234 to 20237)."""

IO_THREADS: Final = 1
"""Threads of libzmq: one decrypts at least 300 MB/s, more than a node takes, and leaves the other core to it."""

SOCKETS_MAX: Final = 4_096
"""Sockets of one node: three for each peer that it reaches, as a monitor is a pair."""

LINGER_MS: Final = 0
"""What is still queued when a socket closes is dropped: every protocol is safe to repeat, and closing never waits."""

HEARTBEAT_INTERVAL_MS: Final = 1_000
"""A PING each second on a link without traffic."""

HEARTBEAT_TIMEOUT_MS: Final = 3_000
"""A link that answers nothing for so long is down: the venue's bound for cancel-on-disconnect."""

HEARTBEAT_TTL_MS: Final = 3_000
"""The same, asked of the other end."""

HANDSHAKE_MS: Final = 3_000
"""A connection that has not finished the ZMTP and CURVE handshake by then is closed. It includes the wait for ZAP,
which this node answers between two groups."""

RECONNECT_MS: Final = 100
"""First wait before a lost link is opened again."""

RECONNECT_MS_MAX: Final = 5_000
"""Longest: it doubles each time, so that a node that is down is not hammered."""

CONNECT_TIMEOUT_MS: Final = 5_000
"""A TCP connect that takes longer is given up."""

TCP_IDLE_S: Final = 30
TCP_INTERVAL_S: Final = 10
TCP_PROBES: Final = 3
"""TCP's own probes end a dead connection after a minute, also one that is still in the handshake, where ZMTP sends no
heartbeats."""

BACKLOG: Final = 128
"""Connections that wait for accept."""

CURVE_BYTES: Final = 64
"""What CURVE adds to a frame, in bytes, rounded up from 33: libzmq's bound is on what comes over the wire."""

FOLLOWER_MESSAGE_BYTES_MAX: Final = 1_024
"""Longest message that a follower may send, in bytes: a subscription is shorter, and the INITIATE of a CURVE handshake
has 257 and its metadata."""

EVENTS_MAX: Final = 65_536
"""Events of a monitor that may wait, 6 MiB: beyond it libzmq's thread waits for the node, and strangers with it."""

ZAP_WAITING_MAX: Final = 1_024
"""ZAP requests that may wait; libzmq denies whoever comes beyond."""

ZAP_ADDRESS: Final = "inproc://zeromq.zap.01"
ZAP_DOMAIN: Final = b"openoutcry"
"""Without a domain libzmq asks nobody and lets every CURVE key in."""


def check_library() -> None:
    """Raise LinkError where libzmq is too old or has no CURVE."""
    version = zmq.zmq_version_info()
    if version < LIBZMQ_MIN:
        raise LinkError(
            f"libzmq {zmq.zmq_version()} is too old, at least {_dotted(LIBZMQ_MIN)} is needed: upgrade pyzmq"
        )
    if not zmq.has("curve"):
        raise LinkError("this libzmq has no CURVE: install pyzmq from its wheel")


def frames_waiting_max(settings: LinkSettings) -> int:
    """Return the high-water mark of one direction of a link, in frames, that keeps it within its bytes."""
    return max(2, settings.link_bytes_max // settings.frame_bytes_max)


def new_context() -> zmq.Context[zmq.Socket[bytes]]:
    """Return a context of its own: ZAP is one address a context, and nobody else's sockets belong behind ours."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=IO_THREADS)
    context.set(zmq.MAX_SOCKETS, SOCKETS_MAX)
    return context


def set_common(socket: zmq.Socket[bytes], settings: LinkSettings) -> None:
    """Set what holds for every socket that speaks TCP."""
    waiting = frames_waiting_max(settings)
    for option, value in (
        (zmq.LINGER, LINGER_MS),
        (zmq.SNDHWM, waiting),
        (zmq.RCVHWM, waiting),
        (zmq.MAXMSGSIZE, settings.frame_bytes_max + CURVE_BYTES),
        (zmq.HEARTBEAT_IVL, HEARTBEAT_INTERVAL_MS),
        (zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS),
        (zmq.HEARTBEAT_TTL, HEARTBEAT_TTL_MS),
        (zmq.HANDSHAKE_IVL, HANDSHAKE_MS),
        (zmq.TCP_KEEPALIVE, 1),
        (zmq.TCP_KEEPALIVE_IDLE, TCP_IDLE_S),
        (zmq.TCP_KEEPALIVE_INTVL, TCP_INTERVAL_S),
        (zmq.TCP_KEEPALIVE_CNT, TCP_PROBES),
        (zmq.IPV6, 1),
    ):
        socket.setsockopt(option, value)


def set_server(socket: zmq.Socket[bytes], settings: LinkSettings, identity: LinkIdentity) -> None:
    """Make a socket the CURVE server whose every connection ZAP decides on; set before bind."""
    set_common(socket, settings)
    socket.setsockopt(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.CURVE_SECRETKEY, identity.curve_secret)
    socket.setsockopt(zmq.BACKLOG, BACKLOG)


def set_router(socket: zmq.Socket[bytes]) -> None:
    """Say of a full or missing link that it is, and never let a second link take a routing id that is in use."""
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.ROUTER_HANDOVER, 0)


def set_publisher(socket: zmq.Socket[bytes]) -> None:
    """Take nothing longer than a subscription; a slow subscriber loses frames, and sees it by their numbers."""
    socket.setsockopt(zmq.MAXMSGSIZE, FOLLOWER_MESSAGE_BYTES_MAX)
    socket.setsockopt(zmq.XPUB_NODROP, 0)
    socket.setsockopt(zmq.XPUB_VERBOSER, 1)


def set_client(socket: zmq.Socket[bytes], settings: LinkSettings, identity: LinkIdentity, peer: Peer) -> None:
    """Make a socket the CURVE client of one server, whose key it requires; set before connect."""
    set_common(socket, settings)
    socket.setsockopt(zmq.CURVE_SERVERKEY, peer.curve_key)
    socket.setsockopt(zmq.CURVE_PUBLICKEY, identity.curve_public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, identity.curve_secret)
    # Nothing is queued for a link that is not there: it would come before the greeting of the next one.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MS_MAX)
    socket.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS)


def set_inner(socket: zmq.Socket[bytes], waiting_max: int) -> None:
    """Set a socket that never leaves the process."""
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    socket.setsockopt(zmq.SNDHWM, waiting_max)
    socket.setsockopt(zmq.RCVHWM, waiting_max)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
