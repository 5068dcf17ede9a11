"""Two of the smallest roles there can be, and nodes made of them, for tests of what is around roles."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, BinaryIO, Final

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from openoutcry.host.kinds import Answers, RoleKind, Settings
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.parts import Identity, Part, ViewStore
from openoutcry.node.journal import MemoryDisk, MemoryLog, RoleVersion
from openoutcry.role import TIMER_TAG, Effects, Input, Ports, Record, Role, Send, Timer, Topic
from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.codec import encode
from openoutcry.wire.fields import KeyId
from openoutcry.wire.tags import Message, tag_of

NETWORK: Final = bytes(range(32))
SECOND_NS: Final = 10**9


class Add(Message, frozen=True, tag=10_900):
    """Add so much. 13 cannot be judged, 17 makes applying fail, 0 is refused."""

    amount: Annotated[int, Meta(ge=0, le=1_000_000)]


class Ask(Message, frozen=True, tag=10_901):
    """Ask for the total."""


class Told(Message, frozen=True, tag=10_902):
    """The total."""

    total: Annotated[int, Meta(ge=0, le=2**62)]


class Ping(Message, frozen=True, tag=10_903):
    """Count down; each is sent on to the tally of the same node."""

    left: Annotated[int, Meta(ge=0, le=1_000_000)]


class Tally:
    """Adds, tells the sender the total (signed), sets a timer, which doubles the total, a second after the last one."""

    name = "tally"
    version = 1

    def __init__(self, settings: Settings, ports: Ports, answers: Answers) -> None:
        self.ports = ports
        self.total = 0
        self.due_ns = 0
        if ports.store is not None:
            for (total,) in ports.store.execute("SELECT total FROM totals"):
                assert isinstance(total, int)
                self.total = total

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        records: list[Record] = []
        sends: list[Send] = []
        for one in inputs:
            if isinstance(one.body, Add):
                if one.body.amount == 13:
                    raise ArithmeticError("thirteen")
                if one.body.amount:
                    records.append(Record(self.ports.number, one.tag, now_ns, one.sender, one.raw))
                    continue
            sends.append(Send(one.sender, Told(self.total)))
        return records, sends

    def apply(self, records: Sequence[Record]) -> Effects:
        sends: list[Send] = []
        timers: list[Timer] = []
        for record in records:
            if record.tag == TIMER_TAG:
                self.total *= 2
                self.due_ns = 0
                sends.append(Send(Topic("totals"), Told(self.total), sign=True))
                continue
            amount = int.from_bytes(encode_amount(record.raw), "little")
            if amount == 17:
                raise ArithmeticError("seventeen")
            self.total += amount
            self.due_ns = record.time_ns + SECOND_NS
            sends.append(Send(record.sender, Told(self.total), sign=True))
            timers.append(Timer(b"idle", self.due_ns))
        if self.ports.store is not None:
            self.ports.store.execute("DELETE FROM totals")
            self.ports.store.execute("INSERT INTO totals VALUES (?)", (self.total,))
        return Effects(sends, timers)

    def resume(self) -> Effects:
        return Effects([], [Timer(b"idle", self.due_ns)] if self.due_ns else [])

    def snapshot(self, out: BinaryIO) -> None:
        out.write(struct.pack("<qq", self.total, self.due_ns))

    def restore(self, source: BinaryIO) -> None:
        content = source.read()
        if len(content) != 16:
            raise ValueError(f"the state of a tally has 16 bytes, not {len(content)}")
        self.total, self.due_ns = struct.unpack("<qq", content)
        if self.ports.store is not None:
            self.ports.store.execute("INSERT INTO totals VALUES (?)", (self.total,))

    def check(self) -> list[str]:
        return [] if self.total >= 0 else [f"the total is {self.total}"]


def encode_amount(raw: bytes | memoryview) -> bytes:
    """Return the amount of an ADD as it was sent, little-endian."""
    import msgspec

    return msgspec.msgpack.decode(raw, type=Add).amount.to_bytes(8, "little")


class Pinger:
    """Sends an ADD of 1 to the tally of its own node, and a PING with one less to itself, for each PING."""

    name = "pinger"
    version = 1

    def __init__(self, settings: Settings, ports: Ports, answers: Answers) -> None:
        self.ports = ports
        self.pings = 0

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        return [Record(self.ports.number, one.tag, now_ns, one.sender, one.raw) for one in inputs], []

    def apply(self, records: Sequence[Record]) -> Effects:
        import msgspec

        sends: list[Send] = []
        for record in records:
            self.pings += 1
            ping = msgspec.msgpack.decode(record.raw, type=Ping)
            sends.append(Send(self.ports.own, Add(1)))
            if ping.left:
                sends.append(Send(self.ports.own, Ping(ping.left - 1)))
        return Effects(sends, [])

    def resume(self) -> Effects:
        return Effects([], [])

    def snapshot(self, out: BinaryIO) -> None:
        out.write(self.pings.to_bytes(8, "little"))

    def restore(self, source: BinaryIO) -> None:
        self.pings = int.from_bytes(source.read(), "little")

    def check(self) -> list[str]:
        return []


TALLY: Final = RoleKind(
    name="tally",
    version=1,
    summary="Adds.",
    make=Tally,
    messages=(Add, Ask, Told),
    takes=frozenset({tag_of(Add), tag_of(Ask)}),
)
STORED_TALLY: Final = RoleKind(
    name="tally",
    version=1,
    summary="Adds, and shows the total in its view.",
    make=Tally,
    messages=(Add, Ask, Told),
    takes=frozenset({tag_of(Add), tag_of(Ask)}),
    tables="CREATE TABLE totals (total INTEGER NOT NULL)",
)
PINGER: Final = RoleKind(
    name="pinger",
    version=1,
    summary="Sends to the tally of its own node.",
    make=Pinger,
    messages=(Add, Ping),
    takes=frozenset({tag_of(Ping)}),
)


class NoAnswers:
    """No plugin is loaded."""

    def check_orders(
        self, commands: NDArray[np.void], last_ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.int16] | None:
        return None


def identity(name: str) -> Identity:
    """Return who a node of this name is; it signs by checksum."""
    key: KeyId = sha256(name.encode()).digest()
    secret: Callable[[str], bytes] = lambda path: sha256(f"{name}/{path}".encode()).digest()  # noqa: E731
    return Identity(ChecksumSigner(NETWORK, key), ChecksumVerifier(NETWORK), secret)


@dataclass
class Node:
    """A node on a disk in memory, which can be crashed and started again."""

    kinds: tuple[RoleKind, ...] = (TALLY,)
    name: str = "node"
    stores: Mapping[int, ViewStore] = field(default_factory=dict)
    disk: MemoryDisk = field(default_factory=lambda: MemoryDisk(bytes(16)))
    now_ns: int = SECOND_NS
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start it, or start it again: what it knows then comes from the disk."""
        parts = [
            Part(number, kind, self.settings, self.stores.get(number))
            for number, kind in enumerate(self.kinds, start=1)
        ]
        versions = [NODE_ROLE, *(RoleVersion(part.number, part.kind.name, part.kind.version) for part in parts)]
        self.log = MemoryLog(self.disk, versions)
        self.core = Core(parts, self.log, identity(self.name), NoAnswers())
        self.resumed = self.core.start(self.now_ns)

    @property
    def key(self) -> KeyId:
        return identity(self.name).key

    def role(self, name: str) -> Role:
        return self.core.roles[name]

    @property
    def tally(self) -> Tally:
        role = self.role("tally")
        assert isinstance(role, Tally)
        return role


def frame(message: Message) -> bytes:
    """Return a message as it is on the wire."""
    return encode(message)
