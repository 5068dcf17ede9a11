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
from openoutcry.wire.tags import Message

NOBODY: Final[KeyId] = bytes(KEY_BYTES)
"""The sender of a record that no one sent: a timer."""

Address = NewType("Address", bytes)
"""To whom: the key of one receiver. The runner knows where that one is reached."""

Topic = NewType("Topic", str)
"""What about: the name of a stream that anyone may subscribe to, such as "trades.7"."""

Value: TypeAlias = int | str | bytes | None
"""What the view of the journal stores in a column; no floats."""


class Input(NamedTuple):
    """What has arrived. Size, rate, duplicates and the sender's signature are already checked by the runner.

    tag: the number of the message type. body: the decoded message, or a frame of 64-byte records as it came.
    raw: the bytes that `body` was decoded from; a record keeps these. Both are valid until `admit` returns.
    """

    sender: KeyId
    tag: int
    body: Message | memoryview
    raw: bytes | memoryview


class Record(NamedTuple):
    """What state is made from; all records of one group are one write to the journal.

    role: the number of the role in its node, which also stands in the journal. tag: the number of the message type.
    time_ns: the node's clock when it was admitted; the only time that `apply` knows. raw: content, as it came; for
    `apply` it is valid until the call returns.
    """

    role: int
    tag: int
    time_ns: int
    sender: KeyId
    raw: bytes | memoryview


class Send(NamedTuple):
    """What leaves, once the records that caused it are durable.

    sign: signed when it is sent; a replay sends nothing and so signs nothing.
    """

    to: Address | Topic
    body: Message | memoryview
    sign: bool = False


class Timer(NamedTuple):
    """When to call again: at `due_ns` the key comes back as a record from `NOBODY`.

    A timer with the key of one that is set replaces it; due_ns None cancels it.
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
    def store(self) -> Store | None:
        """The view of the journal, or None for a role that keeps all of its state in memory."""
        ...

    def verify(self, signed: Signed) -> bool:
        """Tell whether every signature of a signed object is good. About 60 microseconds a signature."""
        ...

    def secret(self, path: str) -> bytes:
        """Return 32 secret bytes, derived from the node's seed and `path`: the same ones in a replay."""
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
        """After a replay: return what to send again and which timers run. Every protocol is safe to repeat."""
        ...

    def snapshot(self, out: BinaryIO) -> None:
        """Write the state; the same state gives the same bytes."""
        ...

    def restore(self, source: BinaryIO) -> None:
        """Take over a state that `snapshot` wrote. The role has applied nothing yet. Raises ValueError for others."""
        ...

    def check(self) -> list[str]:
        """Return one line for each broken invariant; none is the only good answer."""
        ...
