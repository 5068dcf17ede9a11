"""What a role is: a state machine that neither reads nor writes anything, and the types that go in and come out.

A wallet, an escrow, a venue is a `Role`. One runner puts it behind sockets and a journal, another runs a whole market
of them in one process on virtual time; a role cannot tell which. Two kinds of calls, and only the second changes state:

1. `admit` looks at what has arrived and says which of it becomes a record. It answers refusals and queries by itself.
2. `apply` is given records that have a place in the journal, and changes the state. A replay calls only `apply`, with
   the same records in the same groups, and must come to the same state and the same bytes.

So a journal keeps inputs, not decisions: what a book answers comes from applying, and two messages of one group may
depend on each other.

No clock, socket, file or random number is reachable from here: time arrives in `admit` and in each record, and secrets
come from `Ports.secret`, which gives the same ones in a replay. May import domain and wire.
"""

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Final, NamedTuple, NewType, Protocol, TypeAlias

from openoutcry.wire.fields import KEY_BYTES, KeyId
from openoutcry.wire.signed import Signed
from openoutcry.wire.tags import FRAME_TAG, TIMER_TAG, Message

__all__ = [
    "FRAME_TAG",
    "NOBODY",
    "TIMER_TAG",
    "Effects",
    "Input",
    "Ports",
    "Record",
    "Role",
    "Send",
    "SignedInput",
    "Store",
    "Timer",
    "Topic",
    "Value",
]

NOBODY: Final[KeyId] = bytes(KEY_BYTES)
"""The sender of a record that no one sent: a timer."""

Topic = NewType("Topic", str)
"""What about: the name of a stream that anyone may subscribe to, such as "trades.7"."""

Value: TypeAlias = int | str | bytes | None
"""What the view of the journal stores in a column; no floats."""


class Input(NamedTuple):
    """What has arrived. Size, rate, duplicates and the sender's signature are already checked by the runner.

    sender: whose link it came by, or who has signed the envelope that it was in.
    tag: the number of the message type. body: the decoded message; of a record frame, whose tag is FRAME_TAG, the
    frame as it came, already checked by `RecordTable.decode`.
    raw: the bytes that `body` was decoded from; a record keeps these. Both are valid until `admit` returns.
    """

    sender: KeyId
    tag: int
    body: Message | memoryview
    raw: bytes | memoryview


class SignedInput(Input):
    """An input from an envelope: its sender has signed it, which shows to others as well; a link shows only to us."""

    __slots__ = ()


class Record(NamedTuple):
    """What state is made from; all records of one group are one write to the journal.

    role: the number of the role in its node (`Ports.number`), which also stands in the journal. tag: the number of
    the message type, FRAME_TAG for a record frame, TIMER_TAG for a timer that was due, whose key is `raw`.
    time_ns: the node's clock when it was admitted; the only time that `apply` knows. raw: content, as it came; for
    `apply` it is valid until the call returns.
    """

    role: int
    tag: int
    time_ns: int
    sender: KeyId
    raw: bytes | memoryview


class Send(NamedTuple):
    """What leaves, once the records that caused it are durable. A message, or a record frame that is sealed.

    to: the key of one receiver, of whom the runner knows where it is reached; the node's own key for another role of
    the same node; or a topic. sign: signed when it is sent, in an ENVELOPE to a key and as a SIGNED to a topic; a
    replay sends nothing and so signs nothing.
    """

    to: KeyId | Topic
    body: Message | memoryview
    sign: bool = False


class Timer(NamedTuple):
    """When to call again: at `due_ns` the key comes back as a record from `NOBODY`.

    A timer with the key of one that is set replaces it; due_ns None cancels it. Keys are the role's own: two roles of
    a node may use the same. At most `limits.TIMER_KEY_BYTES_MAX` bytes.
    """

    key: bytes
    due_ns: int | None


class Effects(NamedTuple):
    """What applying or resuming asks of the runner, in this order."""

    sends: list[Send]
    timers: list[Timer]


class Store(Protocol):
    """A view of the journal in SQL: each call of `apply` is one transaction, which also notes how far it has applied.

    It can be deleted at any time and is then made anew from the journal, so nothing may be true only there.
    """

    def execute(self, statement: str, values: Sequence[Value] = ()) -> Iterable[tuple[Value, ...]]:
        """Run one statement and return its rows, none where it has no result."""
        ...

    def execute_many(self, statement: str, values: Iterable[Sequence[Value]]) -> None:
        """Run one statement that has no result, once for each row of values."""
        ...


class Ports(Protocol):
    """What a role may ask of the node that it runs in; given to it when it is made."""

    @property
    def number(self) -> int:
        """The number of the role in its node, from 1, which its records carry. The same one for as long as the journal
        lives.
        """
        ...

    @property
    def own(self) -> KeyId:
        """The key of the node."""
        ...

    @property
    def store(self) -> Store | None:
        """The view of the journal, or None for a role that keeps all of its state in memory."""
        ...

    def verify(self, signed: Signed) -> bool:
        """Tell whether every signature of a signed object is good. About 60 microseconds a signature."""
        ...

    def secret(self, path: str) -> bytes:
        """Return 32 secret bytes, derived from the node's seed, the role's name and `path`: the same in a replay."""
        ...


class Role(Protocol):
    """One job of a node, as a state machine.

    name: what a configuration calls it. version: of its records and its state; it stands in the journal, and a new
    version starts from a snapshot of the old one.
    """

    @property
    def name(self) -> str:
        """At most 32 bytes of UTF-8."""
        ...

    @property
    def version(self) -> int:
        """From 1."""
        ...

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Say which inputs become records, and answer the others: refusals and queries. Changes no state.

        Called once per group. A decision that depends on an earlier record of the same group belongs into `apply`.
        """
        ...

    def apply(self, records: Sequence[Record]) -> Effects:
        """Change the state: the only place that does, and deterministic. Never raises: a bad record is an outcome."""
        ...

    def resume(self) -> Effects:
        """After a replay: return what to send again and all timers that run. Every protocol is safe to repeat.

        Also called at the first start, when nothing has been applied.
        """
        ...

    def snapshot(self, out: BinaryIO) -> None:
        """Write the state, also what is in the store; the same state gives the same bytes."""
        ...

    def restore(self, source: BinaryIO) -> None:
        """Take over a state that `snapshot` wrote. The role has applied nothing yet. Raises ValueError for others.

        A role with a store fills it, which is empty. Where the store already holds more than the snapshot, the role is
        made on that store and this is not called, so such a role reads what it keeps in memory when it is made.
        """
        ...

    def check(self) -> list[str]:
        """Return one line for each broken invariant; none is the only good answer."""
        ...
