"""What clients and a counter say to each other, and what a counter and its twin say.

An increment is known by the key of its client and an id that the client gave to it. It belongs to the node that the
client has sent it to, its owner, and a client that asks again asks the same node; the same id at the other node is
another increment.
"""

from enum import IntEnum
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from openoutcry.wire.fields import Count, KeyId, TagNumber, TimeNs
from openoutcry.wire.tags import Message, MessageType

ID_BYTES: Final = 16
MESSAGE_BYTES_MAX: Final = 128
"""Longest message of a counter, in bytes: a key, an id, three integers."""

RequestId = Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
"""A client's own name for one increment."""


class Outcome(IntEnum):
    """What a counter answers. The first four are final: a client that has got one never gets another."""

    COUNTED = 1
    """It counts, at both nodes."""
    CANCELLED = 2
    """The twin did not confirm in time: it counts nowhere, and never will."""
    EXPIRED = 3
    """It came too late to be taken, and was not taken before: it counts nowhere, and never will."""
    WRONG_AMOUNT = 4
    """Less than 1, or more than this counter takes at once."""
    FULL = 5
    """No room for another increment just now; ask again."""
    OVERFLOW = 6
    """The total would pass its bound, should everything count that is not settled; ask again."""
    TOO_FAR_AHEAD = 7
    """It would expire later than this counter is willing to remember it; ask again."""
    FORGOTTEN = 8
    """It is so late that it may have been taken and forgotten: nothing is said about whether it counts."""


FINAL: Final = frozenset([Outcome.COUNTED, Outcome.CANCELLED, Outcome.EXPIRED, Outcome.WRONG_AMOUNT])


class CounterIncrement(Message, frozen=True, tag=10_010):
    """A client to an owner: count this. After `expiry_ns`, by the owner's clock, it is not taken any more."""

    BYTES_MAX: ClassVar[int] = MESSAGE_BYTES_MAX
    id: RequestId
    amount: Count
    expiry_ns: TimeNs


class CounterAnswer(Message, frozen=True, tag=10_011):
    """The owner to the client. total: of the owner, once this was counted; decided_ns: when it was, by the owner's
    clock; 0 where neither was counted nor cancelled.
    """

    BYTES_MAX: ClassVar[int] = MESSAGE_BYTES_MAX
    id: RequestId
    outcome: TagNumber
    total: Count
    decided_ns: TimeNs


class CounterHold(Message, frozen=True, tag=10_012):
    """The owner to its twin: hold this, and say so."""

    BYTES_MAX: ClassVar[int] = MESSAGE_BYTES_MAX
    client: KeyId
    id: RequestId
    amount: Count
    expiry_ns: TimeNs


class CounterHeld(Message, frozen=True, tag=10_013):
    """The twin to the owner: I hold it; what becomes of it?"""

    BYTES_MAX: ClassVar[int] = MESSAGE_BYTES_MAX
    client: KeyId
    id: RequestId


class CounterSettle(Message, frozen=True, tag=10_014):
    """The owner to the twin: count what you hold, or let go of it."""

    BYTES_MAX: ClassVar[int] = MESSAGE_BYTES_MAX
    client: KeyId
    id: RequestId
    counted: bool
    expiry_ns: TimeNs


class CounterSettled(Message, frozen=True, tag=10_015):
    """The twin to the owner: I have counted it."""

    BYTES_MAX: ClassVar[int] = MESSAGE_BYTES_MAX
    client: KeyId
    id: RequestId


class CounterQuery(Message, frozen=True, tag=10_016):
    """Anyone to a counter: what is the total?"""

    BYTES_MAX: ClassVar[int] = MESSAGE_BYTES_MAX
    number: Count


class CounterTotal(Message, frozen=True, tag=10_017):
    """Its answer, with the number of the query. owned: of the total, what clients have sent to this very node.
    unsettled: increments that may still count.
    """

    BYTES_MAX: ClassVar[int] = MESSAGE_BYTES_MAX
    number: Count
    total: Count
    owned: Count
    unsettled: Count


MESSAGES: Final[tuple[MessageType, ...]] = (
    CounterIncrement,
    CounterAnswer,
    CounterHold,
    CounterHeld,
    CounterSettle,
    CounterSettled,
    CounterQuery,
    CounterTotal,
)
INCREMENT, ANSWER, HOLD, HELD, SETTLE, SETTLED, QUERY, TOTAL = range(10_010, 10_018)
"""Their tags."""
