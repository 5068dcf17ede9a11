"""Sealed commands of one pair: salted hash first, content within 100 ms, carried out in the order of the hashes.

| state of a command | on | next | and |
|---|---|---|---|
| none | SEALED | WAITING | it has its place behind all that are waiting |
| WAITING | UNSEALED that fits, in time | OPENED | |
| WAITING | UNSEALED that does not fit | WAITING | refused; the right one may still come |
| WAITING | its time is over | forfeit | counted against its member |
| OPENED | no command before it waits | carried out | in the order of the hashes |

So nobody, the venue included, can put a command before one whose content it has read: the place is taken, and under a
head, before the content exists for anyone else. Deterministic, without a clock: belongs into `apply`.
"""

from collections import OrderedDict
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec
import numpy as np

from openoutcry.domain import Op
from openoutcry.domain.records import COMMAND
from openoutcry.venue.proof.hashes import sealed_hash
from openoutcry.venue.proof.limits import SEALED_NS, SEALED_WAITING_MAX
from openoutcry.venue.proof.messages import Sealed, Unsealed

SEALABLE: Final = frozenset({Op.PLACE, Op.REPLACE})
"""What may be sealed. Cancellations and reductions come in the clear: they take nothing from anybody."""


class SealFault(IntEnum):
    """Why a SEALED or UNSEALED is not taken."""

    OTHER_PAIR = 1
    """Meant for another pair."""
    FULL = 2
    """Too many commands wait for their content."""
    OUT_OF_ORDER = 3
    """The member's numbers do not rise."""
    UNKNOWN = 4
    """No command of this number waits, or its time is over."""
    WRONG_HASH = 5
    """The content is not what was sealed."""
    TWICE = 6
    """It is open already."""


class Opened(NamedTuple):
    """A command to be carried out now. command: 64 bytes of COMMAND."""

    session: int
    sequence: int
    command: bytes


class Forfeit(NamedTuple):
    """A command that was not opened in time, or holds something else than an order for this pair."""

    session: int
    sequence: int


class _Waiting(msgspec.Struct, array_like=True):
    member: bytes
    hash: bytes
    due_ns: int
    command: bytes = b""


class SealedQueue:
    """The sealed commands of one pair. forfeits: by session, how many commands it has not opened."""

    __slots__ = ("_last", "_waiting", "forfeits", "pair")

    def __init__(self, pair: int) -> None:
        self.pair = pair
        self.forfeits: dict[int, int] = {}
        self._waiting: OrderedDict[tuple[int, int], _Waiting] = OrderedDict()
        self._last: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def judge_seal(self, sealed: Sealed) -> SealFault | None:
        """Say why a hash would not be taken now, or None. Changes nothing: for `admit`."""
        if sealed.pair != self.pair:
            return SealFault.OTHER_PAIR
        if len(self._waiting) >= SEALED_WAITING_MAX:
            return SealFault.FULL
        return SealFault.OUT_OF_ORDER if sealed.sequence <= self._last.get(sealed.session, 0) else None

    def seal(self, sealed: Sealed, member: bytes, time_ns: int) -> SealFault | None:
        """Give a hash its place. member: the key that owns the session."""
        found = self.judge_seal(sealed)
        if found is None:
            due_ns = time_ns + SEALED_NS
            self._waiting[sealed.session, sealed.sequence] = _Waiting(member, sealed.hash, due_ns)
            self._last[sealed.session] = sealed.sequence
        return found

    def unseal(self, unsealed: Unsealed, time_ns: int) -> SealFault | None:
        """Take the content of a command, at most `SEALED_NS` after its hash. Call `take` afterwards."""
        waiting = self._waiting.get((unsealed.session, unsealed.sequence))
        if waiting is None or time_ns > waiting.due_ns:
            return SealFault.UNKNOWN
        if waiting.command:
            return SealFault.TWICE
        if sealed_hash(unsealed.salt, waiting.member, unsealed.sequence, unsealed.command) != waiting.hash:
            return SealFault.WRONG_HASH
        waiting.command = unsealed.command
        return None

    @property
    def due_ns(self) -> int | None:
        """When the command that all others wait for is forfeit, 1 ns after its last moment; a timer of the role."""
        first = next(iter(self._waiting.values()), None)
        return None if first is None or first.command else first.due_ns + 1

    def take(self, time_ns: int) -> list[Opened | Forfeit]:
        """Return what is decided, in the order of the hashes: up to the first command that may still be opened.

        Call it after each `unseal` and when the timer comes. Cost: O(returned).
        """
        taken: list[Opened | Forfeit] = []
        while self._waiting:
            (session, sequence), first = next(iter(self._waiting.items()))
            if not first.command and time_ns <= first.due_ns:
                break
            del self._waiting[session, sequence]
            if first.command and self._is_order(first.command):
                taken.append(Opened(session, sequence, first.command))
            else:
                self.forfeits[session] = self.forfeits.get(session, 0) + 1
                taken.append(Forfeit(session, sequence))
        return taken

    def _is_order(self, command: bytes) -> bool:
        row = np.frombuffer(command, COMMAND, 1)[0]
        return int(row["op"]) in SEALABLE and int(row["pair"]) == self.pair

    def dump(self) -> bytes:
        """Return the state for a snapshot."""
        waiting = [(session, sequence, one) for (session, sequence), one in self._waiting.items()]
        return _ENCODER.encode((sorted(self.forfeits.items()), sorted(self._last.items()), waiting))

    def load(self, data: bytes) -> None:
        """Go on from what `dump` gave. Raises ValueError (msgspec's) for other bytes."""
        forfeits, last, waiting = _DECODER.decode(data)
        self.forfeits, self._last = dict(forfeits), dict(last)
        self._waiting = OrderedDict(((session, sequence), one) for session, sequence, one in waiting)


_State = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...], tuple[tuple[int, int, _Waiting], ...]]
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_State)
