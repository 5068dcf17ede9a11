"""Targets of the wire: messages, what is signed, record frames, captures, streams."""

import io
import json
import struct
from collections.abc import Iterable
from hashlib import sha256
from random import Random
from typing import Any, Final

import numpy as np
from crc32c import crc32c

from openoutcry.domain.records import COMMAND, EVENT
from openoutcry.wire.capture import CAPTURE_MAGIC, read_capture
from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.codec import Codec, Head, encode, read_head
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import COMMANDS, EVENTS, KINDS, RecordFrame, encode_records, read_header
from openoutcry.wire.key_statements import KeyRevocation, KeyRotation, read_key_revocation, read_key_rotation
from openoutcry.wire.messages import (
    Hello,
    Refuse,
    StreamHead,
    StreamItem,
    StreamResend,
    StreamSnapshotPart,
    StreamUseSnapshot,
    Welcome,
)
from openoutcry.wire.requests import Envelope, HighWater, Proven, Request, enclose, prove, read_envelope, read_proven
from openoutcry.wire.service import MarketState, ServiceRecord, read_market_state, read_service
from openoutcry.wire.shape import shape_fault
from openoutcry.wire.signed import Signed, bytes_to_sign, open_signed, sign, verify
from openoutcry.wire.snapshots import SnapshotParts
from openoutcry.wire.streams import Follower, Item, Publisher, Resent, Step
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import Message, Tag
from openoutcry.wire.tap import Tap, text
from openoutcry.wire.versions import Agreed, Offer, accept, answer
from tests.fuzz.targets.shapes import changed, numbers, packed, tree, unpacked
from tests.fuzz.targets.target import Raw, Target
from tests.wire.samples import SAMPLES

CODEC: Final = Codec(MESSAGES)
TAP: Final = Tap(MESSAGES, KINDS)
NETWORK: Final = b"network key of fuzzing"
VERIFIER: Final = ChecksumVerifier(NETWORK)
RECEIVER: Final = b"R" * 32
OWN: Final = Offer(RECEIVER, (1, 2))


def run_messages(data: bytes) -> None:
    """Decode; what is decoded is encoded to what decodes to the same; what takes such messages takes it."""
    assert isinstance(read_head(data), Head | WireFault)
    assert isinstance(shape_fault(data, 100, 8), WireFault | None)
    shown = TAP.show(data)
    assert len(json.dumps(shown, allow_nan=False)) < 200_000
    assert all(line.isprintable() and line.isascii() for line in text(shown))
    message = CODEC.decode(data)
    if isinstance(message, WireFault):
        return
    assert CODEC.decode(encode(message)) == message
    _hear(message)


def _hear(message: Message) -> None:
    publisher, follower = Publisher(1), Follower(1)
    publisher.publish(b"x")
    if isinstance(message, Hello):
        assert isinstance(answer(message, OWN), tuple | Refuse)
    elif isinstance(message, Welcome):
        assert isinstance(accept(message, OWN), Agreed | WireFault)
    elif isinstance(message, Request):
        assert isinstance(HighWater(RECEIVER, 1).take(message, 0), WireFault | None)
    elif isinstance(message, StreamResend):
        assert isinstance(publisher.answer(message), Resent | StreamUseSnapshot | WireFault)
    elif isinstance(message, StreamHead):
        assert isinstance(follower.hear_head(message), Step | WireFault)
    elif isinstance(message, StreamUseSnapshot):
        assert isinstance(follower.hear_use_snapshot(message), Step | WireFault)
    elif isinstance(message, StreamSnapshotPart):
        assert isinstance(SnapshotParts(message).add(message), bytes | WireFault | None)
    else:
        _hear_signed(message)


def _hear_signed(message: Message) -> None:
    if isinstance(message, Signed):
        assert isinstance(open_signed(message, CODEC), Message | WireFault)
        keys = [b"K" * 32, *(each.key for each in message.signatures)]
        assert isinstance(verify(message, VERIFIER, keys), WireFault | None)
        assert isinstance(read_service(message, CODEC, VERIFIER, 0), ServiceRecord | WireFault)
        assert isinstance(read_market_state(message, CODEC, VERIFIER, [b"K" * 32]), MarketState | WireFault)
        assert isinstance(read_key_rotation(message, CODEC, VERIFIER), KeyRotation | WireFault)
        assert isinstance(read_key_revocation(message, CODEC, VERIFIER), KeyRevocation | WireFault)
    elif isinstance(message, Envelope):
        request = read_envelope(message, CODEC, VERIFIER)
        assert isinstance(request, Request | WireFault)
        if isinstance(request, Request):
            assert request.count == len(message.bodies)
            for index in range(len(message.bodies)):
                assert read_proven(prove(message, index), CODEC, VERIFIER) == request
            marks = HighWater(RECEIVER, 1)
            first = marks.take(request, 0)
            assert first is not None or marks.take(request, 0) is not None, "a request counts twice"
    elif isinstance(message, Proven):
        assert isinstance(read_proven(message, CODEC, VERIFIER), Request | WireFault)


def samples() -> Iterable[bytes]:
    """Return one or more messages of every tag."""
    return [packed(content) for _, content in SAMPLES]


def signed_samples() -> Iterable[bytes]:
    """Return every message signed so that it holds, envelopes of them, and proofs of those."""
    signer, other = ChecksumSigner(NETWORK, b"K" * 32), ChecksumSigner(NETWORK, b"O" * 32)
    bodies = [packed(content) for _, content in SAMPLES if len(packed(content)) < 200]
    for message, _ in SAMPLES:
        yield encode(sign(message, [signer, other]))
    for count in (1, 2, 5):
        envelope = enclose(bodies[:count], signer, RECEIVER, count, 10**9, b"s" * 32)
        yield encode(envelope)
        yield encode(prove(envelope, count - 1))


def signed_anew(value: Any, random: Random) -> Any:
    """Make signatures and trees right again in a SIGNED, an ENVELOPE or a PROVEN: then what they cover is looked at."""
    match value:
        case [int(tag), str(name), bytes(payload), list() as signatures, *rest] if tag == Tag.SIGNED and name.isascii():
            keys = [one[0] for one in signatures if isinstance(one, list) and one and isinstance(one[0], bytes)]
            covered = bytes_to_sign(name, payload)
            whole = [[key, ChecksumSigner(NETWORK, key).sign(covered)] for key in keys if len(key) == 32]
            return [tag, name, payload, whole, *rest]
        case [int(tag), _, bytes(secret), list(bodies), *_] if tag == Tag.ENVELOPE:
            good = [body for body in bodies if isinstance(body, bytes) and body][:64]
            if len(secret) == 32 and good:
                signer = ChecksumSigner(NETWORK, b"K" * 32)
                expiry_ns = random.choice((0, 1, 10**9, 2**63 - 1))
                return unpacked(
                    encode(enclose(good, signer, RECEIVER, random.choice((1, 2**63 - 1)), expiry_ns, secret))
                )
            return value
        case [int(tag), list(inner), *rest] if tag == Tag.PROVEN:
            return [tag, signed_anew(inner, random), *rest]
        case _:
            return value


def run_records(data: bytes) -> None:
    """Decode a frame of records, of whatever kind; it is what numpy makes of the same bytes."""
    frame = KINDS.decode(data)
    assert isinstance(frame, RecordFrame | WireFault)
    if isinstance(frame, RecordFrame):
        header = read_header(data)
        assert header is not None
        assert len(frame.records) * frame.records.dtype.itemsize == len(data) - 32
    TAP.show(data)


def record_samples() -> Iterable[bytes]:
    """Return frames of one and three records of two kinds."""
    for kind, dtype in ((COMMANDS, COMMAND), (EVENTS, EVENT)):
        for count in (1, 3):
            yield bytes(encode_records(kind, 7, 9, np.zeros(count, dtype)))


def sealed_anew(content: bytearray, random: Random) -> bytes:
    """Make count and checksum of a frame of records right again."""
    if len(content) < 32:
        return bytes(content)
    content[:4] = b"OORF"
    if random.randrange(2):
        content[24:28] = struct.pack("<I", max(0, len(content) - 32) // 64)
    content[28:32] = struct.pack("<I", crc32c(bytes(content[32:]), crc32c(bytes(content[:28]))))
    return bytes(content)


def run_capture(data: bytes) -> None:
    """Read a file of captured frames, and show each of them."""
    frames = list(read_capture(io.BytesIO(data)))
    assert all(isinstance(frame, bytes) for frame in frames[:-1])
    for frame in frames[:8]:
        if isinstance(frame, bytes):
            TAP.show(frame)


def capture_samples() -> Iterable[bytes]:
    """Return captures of no frame, and of all samples."""
    yield CAPTURE_MAGIC
    yield CAPTURE_MAGIC + b"".join(len(one).to_bytes(4, "little") + one for one in samples())


def change_capture(data: bytes, random: Random, raw: Raw) -> bytes:
    """Change one frame of a capture and its length with it, or anything."""
    frames = [frame for frame in read_capture(io.BytesIO(data)) if isinstance(frame, bytes)]
    if not frames or random.randrange(4) == 0:
        return raw(data, len(data) + 32)
    at = random.randrange(len(frames))
    value = unpacked(frames[at])
    frames[at] = raw(frames[at], 600) if value is None else packed(changed(value, random, raw))
    return CAPTURE_MAGIC + b"".join(len(one).to_bytes(4, "little") + one for one in frames)


def run_streams(data: bytes) -> None:
    """Follow a stream of which a stranger decides everything, as a list of messages: nothing comes out of order."""
    moves = unpacked(data)
    follower = Follower(1, items_max=4)
    parts: SnapshotParts | None = None
    applied = 0
    for move in moves[:64] if isinstance(moves, list) else ():
        message = CODEC.decode(move if isinstance(move, bytes) else packed(move))
        step: Step | WireFault | None = None
        if isinstance(message, StreamItem):
            step = follower.receive(1, Item(message.sequence, 1, message.body))
        elif isinstance(message, StreamHead):
            step = follower.hear_head(message)
        elif isinstance(message, StreamUseSnapshot):
            step = follower.hear_use_snapshot(message)
        elif isinstance(message, StreamSnapshotPart):
            parts = SnapshotParts(message) if parts is None else parts
            whole = parts.add(message)
            if isinstance(whole, bytes):
                step = follower.restore(1, message.sequence)
                applied = max(applied, message.sequence) if isinstance(step, Step) else applied
                parts = None
        for item in step.apply if isinstance(step, Step) else ():
            assert item.sequence == applied + 1, "out of order, or twice"
            applied = item.last
        assert follower.next == applied + 1
        assert follower.waiting <= 4


def stream_samples() -> Iterable[bytes]:
    """Return a stream in order, one with a gap, and one that goes on from a snapshot."""
    items = [[8, 1, number, b"x"] for number in range(1, 6)]
    yield packed(items)
    yield packed([items[0], items[2], [9, 1, 5], items[1], items[3]])
    yield packed([items[0], items[4], [11, 1, 4], [13, 1, 4, 0, 1, sha256(b"state").digest(), b"state"], items[4]])


TARGETS: Final = {
    "messages": Target(run_messages, samples, tree()),
    "signed": Target(run_messages, signed_samples, tree(signed_anew)),
    "records": Target(run_records, record_samples, numbers(sealed_anew)),
    "capture": Target(run_capture, capture_samples, change_capture),
    "streams": Target(run_streams, stream_samples, tree()),
}
