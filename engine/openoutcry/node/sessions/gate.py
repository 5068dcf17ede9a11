"""Which CURVE keys may open a link, decided before their first message; without a socket or a clock."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from openoutcry.node.sessions.doors import Doors
from openoutcry.node.sessions.meter import Allowance, Meter, Verdict

KNOWN_MAX: Final = 4_096
"""CURVE keys of which it is remembered whose they are, so that a revoked node is refused before it greets. 1 MiB."""


class Entry(Enum):
    """What the gate says of a CURVE key."""

    OPEN = 1
    UNLISTED = 2
    CLOSED = 3
    REVOKED = 4
    BUSY = 5


class Gate:
    """Decides for each CURVE handshake. Times are of a clock that never runs back."""

    def __init__(
        self,
        listed: Mapping[bytes, bytes],
        is_open: bool,
        doors: Doors,
        is_revoked: Callable[[bytes], bool],
        greetings_per_s: int,
        greeting_max: int,
        greeting_ns: int,
    ) -> None:
        """listed: CURVE key to node key. is_open: others are let in as well, `greetings_per_s` of them and at most
        `greeting_max` at a time that have not been admitted within `greeting_ns`.
        """
        self.listed = dict(listed)
        self.doors = doors
        self.is_revoked = is_revoked
        self._is_open = is_open
        self._rate = Meter(Allowance(greetings_per_s, 1, 1_000_000_000, 0))
        self._greeting_max = greeting_max
        self._greeting_ns = greeting_ns
        self._greeting: OrderedDict[bytes, int] = OrderedDict()
        self._known: OrderedDict[bytes, bytes] = OrderedDict()

    def decide(self, curve_key: bytes, now_ns: int) -> Entry:
        """Say whether a key may open a link now. Listed keys are never refused for want of room."""
        if self.doors.is_closed(curve_key, now_ns):
            return Entry.CLOSED
        node = self.listed.get(curve_key)
        if node is None and not self._is_open:
            return Entry.UNLISTED
        known = node or self._known.get(curve_key)
        if known is not None and self.is_revoked(known):
            return Entry.REVOKED
        if node is not None:
            return Entry.OPEN
        self._forget(now_ns)
        if len(self._greeting) >= self._greeting_max and curve_key not in self._greeting:
            return Entry.BUSY
        if self._rate.take(0, now_ns) is not Verdict.WITHIN:
            return Entry.BUSY
        self._greeting[curve_key] = now_ns
        self._greeting.move_to_end(curve_key)
        return Entry.OPEN

    def is_known_revoked(self, curve_key: bytes) -> bool:
        """Tell whether a CURVE key is known to belong to a revoked node."""
        node = self.listed.get(curve_key) or self._known.get(curve_key)
        return node is not None and self.is_revoked(node)

    def admitted(self, curve_key: bytes, node: bytes) -> None:
        """Take note of whose key this is: it has greeted."""
        self._greeting.pop(curve_key, None)
        self._known[curve_key] = node
        self._known.move_to_end(curve_key)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def _forget(self, now_ns: int) -> None:
        while self._greeting:
            oldest = next(iter(self._greeting))
            if now_ns - self._greeting[oldest] < self._greeting_ns:
                return
            del self._greeting[oldest]
