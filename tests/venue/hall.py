"""A venue as a role, with operators and members that are keys: inputs in, sends out, journal kept to be replayed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.book import commands
from openoutcry.book.books import Books
from openoutcry.domain import Pair
from openoutcry.domain.records import EVENT, Commands
from openoutcry.role import FRAME_TAG, NOBODY, TIMER_TAG, Effects, Input, Record, Send, SignedInput
from openoutcry.venue.messages import MemberAdd, PairList, SessionOpen
from openoutcry.venue.role import Terms, VenueRole
from openoutcry.wire.checksum import ChecksumVerifier
from openoutcry.wire.codec import encode
from openoutcry.wire.frames import COMMANDS, EVENTS, KINDS, RecordFrame, encode_records
from openoutcry.wire.signed import verify
from openoutcry.wire.tags import Message, tag_of

NETWORK: Final = b"network of the tests of a venue"
OWN: Final = b"V" * 32
OPERATOR: Final = b"O" * 32
SECOND: Final = 10**9
START: Final = 1_700_000_000 * SECOND


def member(number: int) -> bytes:
    """Return the key of a member of the tests."""
    return bytes([number]) * 32


class Ports:
    """Ports of a role in a test."""

    number = 3
    own = OWN
    store = None

    def verify(self, signed: Any) -> bool:
        """Tell whether every signature fits; authorities sign by checksum here."""
        keys = [one.key for one in signed.signatures]
        return verify(signed, ChecksumVerifier(NETWORK), keys) is None

    def secret(self, path: str) -> bytes:
        """Return what only this venue knows."""
        return sha256(path.encode()).digest()


class NoChecks:
    """No order check is loaded."""

    def check_orders(
        self, commands: NDArray[np.void], last_ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.int16] | None:
        """Nobody objects."""
        return None


def frame(session: int, sequence: int, rows: Commands) -> memoryview:
    """Return a frame of commands."""
    return memoryview(encode_records(COMMANDS, session, sequence, rows))


def frame_input(sender: bytes, session: int, sequence: int, rows: Commands) -> Input:
    """Return a frame of commands as it arrives."""
    made = frame(session, sequence, rows)
    return Input(sender, FRAME_TAG, made, made)


def message_input(sender: bytes, message: Message, signed: bool = False) -> Input:
    """Return a message as it arrives."""
    return (SignedInput if signed else Input)(sender, tag_of(type(message)), message, encode(message))


@dataclass
class Hall:
    """A venue. journal: the groups that were applied. due: its timers."""

    terms: Terms = field(default_factory=lambda: Terms(frozenset([OPERATOR])))
    checks: Any = field(default_factory=NoChecks)
    kind: Any = Books
    now_ns: int = START
    journal: list[list[Record]] = field(default_factory=list)
    due: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.venue = self.make()
        self.take(self.venue.resume())
        self.pass_time(0)

    def make(self) -> VenueRole:
        """Make a role that has applied nothing."""
        return VenueRole("discovery", self.terms, Ports(), self.checks, self.kind)

    def take(self, effects: Effects) -> list[Send]:
        """Set timers, return what is sent."""
        for key, due_ns in effects.timers:
            if due_ns is None:
                self.due.pop(key, None)
            else:
                self.due[key] = due_ns
        return effects.sends

    def group(self, inputs: Sequence[Input], *, step_ns: int = 1000) -> list[Send]:
        """Let a group arrive."""
        self.now_ns += step_ns
        records, sends = self.venue.admit(inputs, self.now_ns)
        return sends + (self.apply(records) if records else [])

    def apply(self, records: list[Record]) -> list[Send]:
        """Apply a group and keep it, with copies of what it holds."""
        self.journal.append([record._replace(raw=bytes(record.raw)) for record in records])
        return self.take(self.venue.apply(records))

    def pass_time(self, ns: int) -> list[Send]:
        """Let time pass; timers are due in order."""
        end = self.now_ns + ns
        sends: list[Send] = []
        while self.due and min(self.due.values()) <= end:
            key = min(self.due, key=lambda one: (self.due[one], one))
            self.now_ns = max(self.now_ns + 1, self.due.pop(key))
            sends += self.apply([Record(Ports.number, TIMER_TAG, self.now_ns, NOBODY, key)])
        self.now_ns = max(self.now_ns, end)
        return sends

    def say(self, sender: bytes, *messages: Message, signed: bool = False) -> list[Send]:
        """Let messages arrive from a sender, as one group."""
        return self.group([message_input(sender, message, signed) for message in messages])

    def operate(self, *messages: Message) -> list[Send]:
        """Let the operator command."""
        return self.say(OPERATOR, *messages, signed=True)

    def trade(self, number: int, sequence: int, rows: Commands) -> list[Send]:
        """Let member `number`, whose session has that number as well, send a frame."""
        return self.group([frame_input(member(number), number, sequence, rows)])

    def furnish(self, members: int = 2, pairs: int = 1, accounts: int = 2, rate: int = 1_000_000) -> None:
        """Let an operator list pairs from 0 and add members from 1, and open their sessions."""
        self.operate(*(listing(Pair(number, price_ticks_max=2_000)) for number in range(pairs)))
        self.operate(*(MemberAdd(member(n), accounts, rate, f"member {n}") for n in range(1, members + 1)))
        for number in range(1, members + 1):
            self.say(member(number), SessionOpen(False))

    def replayed(self, kind: Any = Books) -> VenueRole:
        """Return a role that has applied the journal."""
        role = VenueRole("discovery", self.terms, Ports(), self.checks, kind)
        for records in self.journal:
            role.apply(records)
        return role


def state_of(venue: VenueRole) -> bytes:
    """Return what a venue writes into a snapshot."""
    out = BytesIO()
    venue.snapshot(out)
    return out.getvalue()


def listing(pair: Pair) -> PairList:
    """Return the operator's message that lists a pair."""
    return PairList(commands.add_pair(pair).tobytes(), b"B" * 32, b"Q" * 32, f"PAIR {pair.pair_id}", 1)


def messages_of(sends: Sequence[Send], to: bytes | str, kind: type[Message]) -> list[Any]:
    """Return the messages of a type to a receiver."""
    return [send.body for send in sends if send.to == to and isinstance(send.body, kind)]


def events_of(sends: Sequence[Send], to: bytes) -> NDArray[np.void]:
    """Return the events that a member is sent, whose frames must be whole and in order."""
    found: list[NDArray[np.void]] = [np.zeros(0, EVENT)]
    following = None
    for send in sends:
        if send.to == to and isinstance(send.body, memoryview):
            decoded = KINDS.decode(send.body)
            assert isinstance(decoded, RecordFrame) and decoded.kind is EVENTS
            assert following in (None, decoded.sequence)
            following = decoded.sequence + len(decoded.records)
            found.append(decoded.records)
    return np.concatenate(found)
