"""Identities and links for tests, and a loop that runs several of them until something holds."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

from nacl.bindings import crypto_scalarmult_base

from openoutcry.node.core.traffic import Arrival
from openoutcry.node.zmq_io import LinkIdentity, Links, LinkSettings, LinkState, OpenTo, Peer
from openoutcry.wire.ed25519 import Ed25519Signer

PATIENCE_S: Final = 20.0
"""How long `until` waits before it gives up: what is waited for takes milliseconds, on a busy machine seconds."""


def identity(name: str) -> LinkIdentity:
    """Return the identity that a name gives: the same one each time."""
    secret = sha256(b"curve " + name.encode()).digest()
    return LinkIdentity(Ed25519Signer(sha256(name.encode()).digest()), crypto_scalarmult_base(secret), secret)


def key(name: str) -> bytes:
    """Return the node key of a name."""
    return identity(name).signer.key


def peer(name: str, address: str = "", **fields: Any) -> Peer:
    """Return a node as another one's configuration has it."""
    return Peer(key(name), identity(name).curve_public, address, name, **fields)


def never(_: bytes) -> bool:
    """Say that no key is revoked."""
    return False


@contextmanager
def links(
    name: str,
    peers: Sequence[Peer] = (),
    is_revoked: Callable[[bytes], bool] = never,
    clock_ns: Callable[[], int] = time.time_ns,
    **settings: Any,
) -> Iterator[Links]:
    """Open the links of a node and close them."""
    opened = Links(LinkSettings(**settings), identity(name), ("echo",), peers, clock_ns, is_revoked)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def server(name: str = "server", *peers: Peer, **settings: Any) -> Iterator[Links]:
    """Open the links of a node that anyone may reach."""
    with links(name, peers, **({"open_to": OpenTo.ANYONE} | settings)) as opened:
        yield opened


def until(holds: Callable[[], bool], *nodes: Links, arrivals: list[Arrival] | None = None) -> list[Arrival]:
    """Run the nodes in turn until `holds()`; return what arrived anywhere. Fails after `PATIENCE_S`."""
    found: list[Arrival] = [] if arrivals is None else arrivals
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, [(node.counters, node.peers_status()) for node in nodes]
        for node in nodes:
            found += node.receive(0.002, 256)
    return found


def is_up(node: Links, name: str) -> bool:
    """Tell whether a node has a link to another one."""
    return any(link.key == key(name) and link.state is LinkState.UP for link in node.peers_status())
