"""How a link is, for `outcry status` and metrics."""

from enum import Enum
from typing import NamedTuple


class LinkState(Enum):
    """What a link is doing."""

    DOWN = "down"
    """Not connected: not reachable, not answering heartbeats, or denied before any message."""
    GREETING = "greeting"
    """Connected; who it is has not been shown yet."""
    UP = "up"
    """Admitted: frames pass."""
    REFUSED = "refused"
    """The other node has said why not; tried again later."""


class PeerStatus(NamedTuple):
    """One link. key: of the node at the other end, zeros while it is not known. heard_ns: the last frame, by the clock
    of the rate limit, 0 for none. outbound: opened by this node. detail: the last reason of a refusal.
    """

    key: bytes
    name: str
    outbound: bool
    state: LinkState
    heard_ns: int
    messages_in: int
    bytes_in: int
    messages_out: int
    bytes_out: int
    detail: str

    @property
    def label(self) -> str:
        """Its name, or the first 16 hexadecimal digits of its key."""
        return self.name or self.key.hex()[:16]
