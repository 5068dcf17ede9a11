"""What happened in a run: a digest of every event, and the last of them in words.

The digest is what "one seed repeats a run byte for byte" is compared by. Words are made only when somebody reads them.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from openoutcry.node.core.traffic import Arrival
from openoutcry.role import Topic
from openoutcry.simulation.words import words_of
from openoutcry.wire.codec import Codec
from openoutcry.wire.fields import KeyId

EVENTS_KEPT: Final = 60
DIGEST_BYTES: Final = 16
HEADER: Final = Struct("<qiii")
NETWORK: Final = -1
"""In place of a node: something that happened to the network."""


Leaving: TypeAlias = tuple[KeyId | Topic, bytes]
"""To whom or about what, and the frame."""


class Group(NamedTuple):
    """What one node did in one step."""

    time_ns: int
    node: int
    arrivals: Sequence[Arrival]
    out: Sequence[Leaving]


class Happening(NamedTuple):
    """Anything else."""

    time_ns: int
    node: int
    what: str


class Trace:
    """names: of the nodes. begin_ns: when the run began. tell: is given each event in words, as it happens, or None."""

    __slots__ = ("_begin_ns", "_codec", "_digest", "_keys", "_last", "_names", "_tell")

    def __init__(
        self,
        names: Sequence[str],
        keys: Sequence[bytes],
        codec: Codec,
        begin_ns: int,
        tell: Callable[[str], None] | None,
        kept: int = EVENTS_KEPT,
    ) -> None:
        self._names = names
        self._keys = dict(zip(keys, names, strict=True))
        self._codec = codec
        self._begin_ns = begin_ns
        self._tell = tell
        self._digest = blake2b(digest_size=DIGEST_BYTES)
        self._last: deque[Group | Happening] = deque(maxlen=kept)

    @property
    def digest(self) -> str:
        """Of every event so far, in hexadecimal."""
        return self._digest.hexdigest()

    def group(self, time_ns: int, node: int, arrivals: Sequence[Arrival], out: Sequence[Leaving]) -> None:
        """Note a group. Cost: 1 microsecond, and 1 ns for each byte that leaves."""
        event = Group(time_ns, node, arrivals, out)
        self._last.append(event)
        parts = [HEADER.pack(time_ns, node, len(arrivals), len(out))]
        parts += [frame for _, frame in out]
        self._digest.update(b"".join(parts))
        if self._tell is not None:
            for line in self._lines(event):
                self._tell(line)

    def happens(self, time_ns: int, node: int, what: str) -> None:
        """Note anything else."""
        event = Happening(time_ns, node, what)
        self._last.append(event)
        self._digest.update(HEADER.pack(time_ns, node, -1, -1) + what.encode())
        if self._tell is not None:
            for line in self._lines(event):
                self._tell(line)

    def add(self, state: bytes) -> None:
        """Add a state to the digest."""
        self._digest.update(state)

    def lines(self) -> tuple[str, ...]:
        """Return the last events in words."""
        return tuple(line for event in self._last for line in self._lines(event))

    def name(self, node: int) -> str:
        """Return what a node is called."""
        return "network" if node == NETWORK else self._names[node]

    def _lines(self, event: Group | Happening) -> Iterator[str]:
        head = f"{seconds(event.time_ns - self._begin_ns)} {self.name(event.node)}"
        if isinstance(event, Happening):
            yield f"{head}: {event.what}"
            return
        if not event.arrivals and not event.out:
            yield f"{head}: a timer was due"
        for peer, arrived in event.arrivals:
            yield f"{head} <- {self._of(peer)}: {words_of(arrived, self._codec, self._keys)}"
        for to, frame in event.out:
            yield f"{head} -> {self._of(to)}: {words_of(frame, self._codec, self._keys)}"

    def _of(self, key: bytes | str) -> str:
        return f"topic {key}" if isinstance(key, str) else self._keys.get(key, key.hex()[:16])


def seconds(time_ns: int) -> str:
    """Write a virtual time since the begin of a run.

    >>> seconds(1_234_000_000)
    '   1.234 s'
    """
    return f"{time_ns // 1_000_000_000:4}.{time_ns // 1_000_000 % 1_000:03} s"
