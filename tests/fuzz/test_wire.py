"""Every decoder of the wire against structured junk: an answer or a fault, never an exception, never much memory."""

import copy
import io
import json
import struct
import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.wire.capture import CAPTURE_MAGIC, read_capture
from openoutcry.wire.checksum import ChecksumVerifier
from openoutcry.wire.codec import Codec, Head, read_head
from openoutcry.wire.ed25519 import Ed25519Verifier
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import KINDS, RecordFrame
from openoutcry.wire.limits import CONTROL_BYTES_MAX
from openoutcry.wire.messages import (
    Hello,
    Refuse,
    StreamHead,
    StreamResend,
    StreamSnapshotPart,
    StreamUseSnapshot,
    Welcome,
)
from openoutcry.wire.requests import Envelope, HighWater, Proven, Request, read_envelope, read_proven
from openoutcry.wire.service import MarketState, ServiceRecord, read_market_state, read_service
from openoutcry.wire.shape import shape_fault
from openoutcry.wire.signed import Signed, open_signed, verify
from openoutcry.wire.snapshots import SnapshotParts
from openoutcry.wire.streams import Follower, Item, Publisher, Resent, Step
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import Message
from openoutcry.wire.tap import Tap, text
from openoutcry.wire.versions import Agreed, Offer, accept, answer
from tests.wire.everything import ALL_MESSAGES
from tests.wire.golden import crc32c_of
from tests.wire.samples import SAMPLES
from tests.wire.strategies import ANY_MESSAGE

CODEC = Codec(ALL_MESSAGES)
TAP = Tap(MESSAGES, KINDS)
OWN = Offer(b"o" * 32, (1, 2))
VERIFIERS = (ChecksumVerifier(b"network key of a test run"), Ed25519Verifier())
MEMORY_BYTES_MAX = 1 << 20

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary(max_size=40)
    | st.sampled_from([b"k" * 32, b"s" * 64, b"m" * 16, "request", "tcp://a:1"])
    | st.text(max_size=20)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=17)),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=4) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=12,
)
CLAIMS = st.sampled_from(
    [b"\xdc\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01"]
)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """Draw a good sample with one element, at any depth, replaced by anything, and pack it."""
    content: list[Any] = copy.deepcopy(draw(st.sampled_from([content for _, content in SAMPLES])))
    inner = content
    while True:
        index = draw(st.integers(0, len(inner) - 1))
        if isinstance(inner[index], list) and inner[index] and draw(st.booleans()):
            inner = inner[index]
        else:
            inner[index] = draw(VALUES)
            return bytes(msgpack.packb(content))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a packed sample or mutant with bytes overwritten, a claim of four billion put in, or a piece cut out."""
    frame = draw(mutants() | st.sampled_from([msgpack.packb(content) for _, content in SAMPLES]))
    at = draw(st.integers(0, len(frame)))
    size = draw(st.integers(0, 5))
    return frame[:at] + draw(st.binary(max_size=4) | CLAIMS) + frame[at + size :]


@st.composite
def record_frames(draw: st.DrawFn) -> bytes:
    """Draw a frame whose header fields are each right or anything, mostly with a checksum that fits."""
    kind, version = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 1, 1, 2]))
    stream, sequence = (draw(st.integers(0, 9) | st.integers(0, 2**64 - 1)) for _ in range(2))
    body = draw(st.sampled_from([b"", bytes(64), b"\x01" * 64, bytes(range(64)) * 3]) | st.binary(max_size=200))
    count = draw(st.just(len(body) // 64) | st.integers(0, 2**32 - 1))
    head = struct.pack("<4sHHQQI", b"OORF", kind, version, stream, sequence, count)
    checksum = draw(st.just(crc32c_of(head + body)) | st.integers(0, 2**32 - 1))
    return head + struct.pack("<I", checksum) + body


FRAMES = (
    damaged()
    | mutants()
    | record_frames()
    | VALUES.map(msgpack.packb)
    | st.binary(max_size=100)
    | st.builds(lambda head, claim: head + claim, st.sampled_from([b"\x93\x09", b"\xdc\xff\xff\x06"]), CLAIMS)
)


@settings(max_examples=400)
@given(frame=FRAMES)
def test_no_frame_makes_a_decoder_raise(frame: bytes) -> None:
    """Samples with any element replaced or bytes damaged, headers with any field, junk: to every decoder of frames."""
    assert isinstance(read_head(frame), Head | WireFault)
    assert isinstance(CODEC.decode(frame), Message | WireFault)
    assert isinstance(KINDS.decode(frame), RecordFrame | WireFault)
    assert isinstance(shape_fault(frame, 100, 8), WireFault | None)
    for name in ("request", "stream_head", "service_record"):
        opened = open_signed(Signed(name, frame, ()), CODEC)
        assert isinstance(opened, Message | WireFault)


@settings(max_examples=300)
@given(frame=FRAMES)
def test_what_is_decoded_is_what_msgpack_reads(frame: bytes) -> None:
    """A frame that passes holds the content that the second implementation finds, field by field."""
    decoded = CODEC.decode(frame)
    if isinstance(decoded, Message):
        content = msgpack.unpackb(frame, strict_map_key=False)
        again = msgpack.unpackb(msgpack.packb(content[: len(decoded.__struct_fields__) + 1]))
        known = CODEC.decode(msgpack.packb(again))
        assert known == decoded


@settings(max_examples=250)
@given(frame=FRAMES)
def test_the_inspector_shows_any_frame(frame: bytes) -> None:
    """As JSON without NaN and as printable lines, of bounded length."""
    shown = TAP.show(frame)
    assert len(json.dumps(shown, allow_nan=False)) < 100_000
    lines = text(shown)
    assert lines
    assert all(line.isprintable() and line.isascii() for line in lines)


@settings(max_examples=150)
@given(content=st.lists(FRAMES, max_size=3), cut=st.integers(0, 40), claim=st.binary(max_size=8), magic=st.booleans())
def test_any_file_is_read_as_a_capture_to_its_end(content: list[bytes], cut: int, claim: bytes, magic: bool) -> None:
    """Frames behind true lengths, then a false length, cut short anywhere, with and without the first bytes."""
    written = b"".join(len(frame).to_bytes(4, "little") + frame for frame in content) + claim
    source = io.BytesIO((CAPTURE_MAGIC if magic else b"") + written[: len(written) - cut or None])
    frames = list(read_capture(source))
    assert all(isinstance(frame, bytes | WireFault) for frame in frames)
    assert all(isinstance(frame, bytes) for frame in frames[:-1])


@settings(max_examples=200)
@given(message=ANY_MESSAGE, other=ANY_MESSAGE)
def test_no_valid_message_makes_what_reads_it_raise(message: Message, other: Message) -> None:
    """Random valid messages to all that takes messages from a stranger; two in a row where a state is kept."""
    marks = HighWater(b"r" * 32, 1)
    follower, publisher = Follower(1), Publisher(1)
    publisher.publish(b"x")
    for heard in (message, other):
        for verifier in VERIFIERS:
            if isinstance(heard, Signed):
                assert isinstance(
                    verify(heard, verifier, [b"k" * 32, *(each.key for each in heard.signatures)]), WireFault
                )
                assert isinstance(read_service(heard, CODEC, verifier, 0), ServiceRecord | WireFault)
                assert isinstance(read_market_state(heard, CODEC, verifier, [b"k" * 32]), MarketState | WireFault)
            elif isinstance(heard, Envelope):
                assert isinstance(read_envelope(heard, CODEC, verifier), Request | WireFault)
            elif isinstance(heard, Proven):
                assert isinstance(read_proven(heard, CODEC, verifier), Request | WireFault)
        if isinstance(heard, Request):
            assert isinstance(marks.take(heard, 0), WireFault | None)
        elif isinstance(heard, Hello):
            assert isinstance(answer(heard, OWN), tuple | Refuse)
        elif isinstance(heard, Welcome):
            assert isinstance(accept(heard, OWN), Agreed | WireFault)
        elif isinstance(heard, StreamResend):
            assert isinstance(publisher.answer(heard), Resent | StreamUseSnapshot | WireFault)
        elif isinstance(heard, StreamHead):
            assert isinstance(follower.hear_head(heard), Step | WireFault)
        elif isinstance(heard, StreamUseSnapshot):
            assert isinstance(follower.hear_use_snapshot(heard), Step | WireFault)
        elif isinstance(heard, StreamSnapshotPart):
            assert isinstance(SnapshotParts(heard).add(heard), bytes | WireFault | None)
        assert TAP.show(b"")["fault"]


@settings(max_examples=200)
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["item", "head", "snapshot", "use", "retry"]), st.integers(-1, 2**63), st.integers(-1, 99)
        ),
        max_size=20,
    )
)
def test_no_sequence_of_claims_breaks_a_follower(moves: list[tuple[str, int, int]]) -> None:
    """Items, heads and snapshots with any numbers: it never goes back, and hands out nothing twice or out of order."""
    follower = Follower(1, items_max=4)
    applied = 0
    for kind, sequence, span in moves:
        step: Step | WireFault
        if kind == "item":
            step = follower.receive(1, Item(sequence, span, b""))
        elif kind == "head":
            step = follower.hear_head(StreamHead(1, sequence))
        elif kind == "snapshot":
            step = follower.restore(1, sequence)
            applied = max(applied, sequence) if isinstance(step, Step) else applied
        elif kind == "use":
            step = follower.hear_use_snapshot(StreamUseSnapshot(1, sequence))
        else:
            step = follower.retry()
        for item in step.apply if isinstance(step, Step) else ():
            assert item.sequence == applied + 1
            applied = item.last
        assert follower.next == applied + 1
        assert follower.waiting <= 4


@pytest.mark.parametrize("size", [CONTROL_BYTES_MAX, 1 << 20])
@pytest.mark.parametrize("item", [b"\xc0", b"\x91", b"\x81", b"\xdd\xff\xff\xff\xff", b"\xc4\x00", b"OORF", b"\xca"])
def test_long_junk_takes_less_than_a_megabyte_in_every_decoder(size: int, item: bytes) -> None:
    """One kind of item over and over, at the bound and at a megabyte, bare and behind each tag and a frame's header."""
    starts = [b"", *(b"\xdc\xff\xff" + bytes([tag]) for tag in MESSAGES.types), b"OORF\x01\x00\x01\x00"]
    for start in starts:
        junk = (start + item * (size // len(item)))[:size]
        tracemalloc.start()
        decoded = (CODEC.decode(junk), KINDS.decode(junk), shape_fault(junk, 2_048, 8))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert all(isinstance(each, WireFault) for each in decoded)
        assert peak < MEMORY_BYTES_MAX
