"""Signed requests: one signature over all messages of a group to one destination, and proof of each alone.

A sender hashes its messages into a Merkle tree and signs one REQUEST: who to whom, a sequence, an expiry, the root and
the count. The ENVELOPE carries it with the messages. Signing costs 14 microseconds and verifying 38; 256 messages
under one signature cost each 1.5 to enclose and 1.6 to read. A PROVEN is one message of them with the path that leads
to the same root.

The receiver's high-water marks (`HighWater`) make an old request worthless: the link's own protection ends with the
link, and a request may arrive by another.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.fields import Hash, KeyId, Salt, SequenceNumber, TimeNs
from openoutcry.wire.limits import (
    BODIES_BYTES_MAX,
    BODIES_MAX,
    HIGH_WATER_SENDERS_MAX,
    LEAVES_MAX,
    PATH_HASHES_MAX,
    PROVEN_BODY_BYTES_MAX,
    REQUEST_AHEAD_NS_MAX,
)
from openoutcry.wire.merkle import leaf, leaves_of, path, root, root_from_path, salt_of
from openoutcry.wire.signed import Signed, Signer, Verifier, open_signed, sign, verify
from openoutcry.wire.tags import Message, Tag

Body = Annotated[bytes, Meta(min_length=1, max_length=BODIES_BYTES_MAX)]


class Request(Message, frozen=True, tag=int(Tag.REQUEST)):
    """What a sender signs for one group of messages; travels as the payload of a SIGNED.

    sequence: grows from one request to the next, per sender and receiver. expiry_ns: the receiver's clock decides.
    count, root: of the tree of the messages (`merkle`).
    """

    sender: KeyId
    receiver: KeyId
    sequence: SequenceNumber
    expiry_ns: TimeNs
    count: Annotated[int, Meta(ge=1, le=LEAVES_MAX)]
    root: Hash


class Envelope(Message, frozen=True, tag=int(Tag.ENVELOPE)):
    """A signed REQUEST with its messages. secret: 32 bytes from which the salts follow; for the receiver alone."""

    request: Signed
    secret: Hash
    bodies: Annotated[tuple[Body, ...], Meta(min_length=1, max_length=BODIES_MAX)]


class Proven(Message, frozen=True, tag=int(Tag.PROVEN)):
    """One message of a signed REQUEST, shown to somebody else: its salt, and its path to the root that was signed."""

    request: Signed
    index: Annotated[int, Meta(ge=0, le=LEAVES_MAX - 1)]
    salt: Salt
    path: Annotated[tuple[Hash, ...], Meta(max_length=PATH_HASHES_MAX)]
    body: Annotated[bytes, Meta(min_length=1, max_length=PROVEN_BODY_BYTES_MAX)]


def enclose(
    bodies: Sequence[bytes], signer: Signer, receiver: bytes, sequence: int, expiry_ns: int, secret: bytes
) -> Envelope:
    """Sign a group of messages (frames) to one receiver.

    bodies: 1 to `BODIES_MAX`, together at most `BODIES_BYTES_MAX` bytes. secret: 32 bytes that are used only once.
    Cost: one signature, and two hashes a message.
    """
    assert 1 <= len(bodies) <= BODIES_MAX and sum(map(len, bodies)) <= BODIES_BYTES_MAX
    request = Request(signer.key, receiver, sequence, expiry_ns, len(bodies), root(leaves_of(secret, bodies)))
    return Envelope(sign(request, [signer]), secret, tuple(bodies))


def read_envelope(envelope: Envelope, codec: Codec, verifier: Verifier) -> Request | WireFault:
    """Return the request of an envelope whose messages are the ones that its sender signed, or why it is none.

    Says nothing about time and order: that is `HighWater.judge`. Hashes come before the signature, being cheaper.
    """
    request = open_signed(envelope.request, codec)
    if isinstance(request, WireFault):
        return request
    if not isinstance(request, Request):
        return fault(FaultCode.WRONG_TYPE, f"an envelope around a {envelope.request.name}")
    if request.count != len(envelope.bodies) or request.root != root(leaves_of(envelope.secret, envelope.bodies)):
        return fault(FaultCode.WRONG_ROOT)
    return _sender_fault(envelope.request, request, verifier) or request


def prove(envelope: Envelope, index: int) -> Proven:
    """Show message `index` of an envelope without the others. Cost: two hashes for each message of the envelope."""
    leaves = leaves_of(envelope.secret, envelope.bodies)
    salt = salt_of(envelope.secret, index)
    return Proven(envelope.request, index, salt, path(leaves, index), envelope.bodies[index])


def read_proven(proven: Proven, codec: Codec, verifier: Verifier) -> Request | WireFault:
    """Return the request to which a shown message belongs, or why it does not. The sender is `request.sender`."""
    request = open_signed(proven.request, codec)
    if isinstance(request, WireFault):
        return request
    if not isinstance(request, Request):
        return fault(FaultCode.WRONG_TYPE, f"a proof from a {proven.request.name}")
    if root_from_path(leaf(proven.salt, proven.body), proven.index, request.count, proven.path) != request.root:
        return fault(FaultCode.WRONG_ROOT)
    return _sender_fault(proven.request, request, verifier) or request


def _sender_fault(signed: Signed, request: Request, verifier: Verifier) -> WireFault | None:
    if all(signature.key != request.sender for signature in signed.signatures):
        return fault(FaultCode.WRONG_SENDER, f"sender {request.sender.hex()[:16]} has not signed")
    return verify(signed, verifier, (request.sender,))


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a receiver remembers of one sender: its latest sequence, and the latest expiry that it has ever given."""

    sequence: int
    expiry_ns: int


class HighWater:
    """A receiver's memory of what it has taken: no request counts twice, also after a restart.

    `judge` reads, `take` writes. All of it is a plain map (`dump`, `load`) that belongs into the journal or a snapshot.
    A sender is forgotten once every request that it has ever sent here has expired; since expiries are at most
    `REQUEST_AHEAD_NS_MAX` ahead, that bounds the memory. `floor_ns` keeps a clock that runs back from undoing that.
    """

    __slots__ = ("_marks", "_senders_max", "floor_ns", "own")

    def __init__(self, own: bytes, senders_max: int = HIGH_WATER_SENDERS_MAX) -> None:
        """own: the key id of this receiver. senders_max: marks that are kept."""
        self.own = own
        self.floor_ns = 0
        self._senders_max = senders_max
        self._marks: dict[bytes, Mark] = {}

    def __len__(self) -> int:
        return len(self._marks)

    def judge(self, request: Request, now_ns: int) -> WireFault | None:
        """Say why a request whose signature was verified does not count, or None. Changes nothing."""
        if request.receiver != self.own:
            return fault(FaultCode.WRONG_RECEIVER, f"for {request.receiver.hex()[:16]}")
        if request.expiry_ns <= max(now_ns, self.floor_ns):
            return fault(FaultCode.EXPIRED)
        if request.expiry_ns > now_ns + REQUEST_AHEAD_NS_MAX:
            return fault(FaultCode.TOO_FAR_AHEAD, f"at most {REQUEST_AHEAD_NS_MAX} ns")
        mark = self._marks.get(request.sender)
        if mark is None:
            if len(self._marks) >= self._senders_max:
                return fault(FaultCode.TOO_MANY_SENDERS, f"{self._senders_max} senders")
            return None
        if request.sequence == mark.sequence:
            return fault(FaultCode.REPLAYED, f"sequence {request.sequence}")
        if request.sequence < mark.sequence:
            return fault(FaultCode.STALE, f"sequence {request.sequence}, the latest is {mark.sequence}")
        return None

    def take(self, request: Request, now_ns: int) -> WireFault | None:
        """Judge a request and, where nothing is wrong, raise its sender's mark. Forgets where there is no room."""
        self._make_room(request.sender, now_ns)
        found = self.judge(request, now_ns)
        if found is None:
            self._raise(request)
        return found

    def remember(self, request: Request, now_ns: int) -> None:
        """Raise the mark of a request that was taken before: a replay does not judge again what was judged."""
        self._make_room(request.sender, now_ns)
        self._raise(request)

    def _make_room(self, sender: bytes, now_ns: int) -> None:
        if len(self._marks) >= self._senders_max and sender not in self._marks:
            self.forget(now_ns)

    def _raise(self, request: Request) -> None:
        mark = self._marks.get(request.sender)
        latest_ns = request.expiry_ns if mark is None else max(mark.expiry_ns, request.expiry_ns)
        self._marks[request.sender] = Mark(request.sequence, latest_ns)

    def mark(self, sender: bytes) -> Mark | None:
        """Return what is remembered of a sender."""
        return self._marks.get(sender)

    def put_back(self, sender: bytes, mark: Mark | None) -> None:
        """Undo a `take` that could not be kept: `mark` is what `mark` gave before it."""
        if mark is None:
            self._marks.pop(sender, None)
        else:
            self._marks[sender] = mark

    def forget(self, now_ns: int) -> int:
        """Drop senders all of whose requests have expired; return how many. Cost: one look at each sender."""
        expired = [sender for sender, mark in self._marks.items() if mark.expiry_ns <= now_ns]
        for sender in expired:
            del self._marks[sender]
        if expired:
            self.floor_ns = max(self.floor_ns, now_ns)
        return len(expired)

    def dump(self) -> tuple[int, dict[bytes, tuple[int, int]]]:
        """Return `floor_ns`, and sender to sequence and expiry, in order of sender."""
        return self.floor_ns, {sender: (mark.sequence, mark.expiry_ns) for sender, mark in sorted(self._marks.items())}

    def load(self, floor_ns: int, marks: Mapping[bytes, tuple[int, int]]) -> None:
        """Replace all that is remembered by what `dump` gave."""
        self.floor_ns = floor_ns
        self._marks = {sender: Mark(sequence, expiry_ns) for sender, (sequence, expiry_ns) in marks.items()}
