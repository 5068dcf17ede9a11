"""Links between nodes over ZeroMQ: authenticated, bounded, rate-limited. The only package that imports zmq."""

from openoutcry.node.zmq_io.counters import Counters
from openoutcry.node.zmq_io.errors import LinkError
from openoutcry.node.zmq_io.links import Links
from openoutcry.node.zmq_io.settings import LinkIdentity, LinkSettings, OpenTo, Peer
from openoutcry.node.zmq_io.status import LinkState, PeerStatus

__all__ = [
    "Counters",
    "LinkError",
    "LinkIdentity",
    "LinkSettings",
    "LinkState",
    "Links",
    "OpenTo",
    "Peer",
    "PeerStatus",
]
