"""The wire over random messages, damage and networks: round trips, damage found, items applied once and in order."""

import random
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.domain import EventKind
from openoutcry.wire import merkle
from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import KINDS, RecordFrame, RecordKind, encode_records
from openoutcry.wire.limits import RESEND_ITEMS_MAX
from openoutcry.wire.messages import StreamHead, StreamResend, StreamSnapshotWanted, StreamUseSnapshot
from openoutcry.wire.requests import HighWater, Request, enclose, prove, read_envelope, read_proven
from openoutcry.wire.signed import Signed, sign, verify
from openoutcry.wire.streams import Follower, FollowerState, Item, Publisher, Step
from openoutcry.wire.tags import Message
from tests.wire.everything import ALL_MESSAGES
from tests.wire.strategies import ANY_MESSAGE, messages, plain

CODEC = Codec(ALL_MESSAGES)
NETWORK = b"network key of a test run"
SIGNER, VERIFIER = ChecksumSigner(NETWORK, b"k" * 32), ChecksumVerifier(NETWORK)


@pytest.mark.parametrize("tag", sorted(ALL_MESSAGES.types), ids=lambda tag: ALL_MESSAGES.names[tag])
@settings(max_examples=40)
@given(data=st.data())
def test_every_message_comes_back_as_it_was(tag: int, data: st.DataObject) -> None:
    """Random messages of each type, extremes included: ours decodes ours, and msgpack reads the same content."""
    message = data.draw(messages(ALL_MESSAGES.types[tag]))
    frame = encode(message)
    assert CODEC.decode(frame) == message
    assert msgpack.unpackb(frame) == plain(message)
    assert msgpack.packb(plain(message)) == frame


@settings(max_examples=60)
@given(message=ANY_MESSAGE, seed=st.integers(0, 2**32))
def test_a_changed_byte_is_a_fault_or_another_message(message: Message, seed: int) -> None:
    """Thirty random changes of one byte each. Where the message is the same, msgpack reads the same content too: an
    integer of eight bytes has a signed and an unsigned head. A signature tells even those apart."""
    frame = bytearray(encode(message))
    draw = random.Random(seed)
    for _ in range(30):
        position, change = draw.randrange(len(frame)), draw.randrange(1, 256)
        frame[position] ^= change
        decoded = CODEC.decode(frame)
        assert isinstance(decoded, Message | WireFault)
        assert decoded != message or msgpack.unpackb(bytes(frame)) == plain(message)
        frame[position] ^= change


@settings(max_examples=60)
@given(message=ANY_MESSAGE)
def test_a_message_cut_short_is_a_fault(message: Message) -> None:
    """Every beginning of a frame up to 64 bytes, and some longer ones; a byte more at the end as well."""
    frame = encode(message)
    for size in {*range(min(64, len(frame))), *range(0, len(frame), 37), len(frame) - 1}:
        assert isinstance(CODEC.decode(frame[:size]), WireFault)
    assert isinstance(CODEC.decode(frame + b"\x00"), WireFault)


@settings(max_examples=60)
@given(message=ANY_MESSAGE, extra=st.lists(st.integers() | st.binary(max_size=9) | st.none(), min_size=1, max_size=3))
def test_an_old_node_reads_a_newer_message(message: Message, extra: list[Any]) -> None:
    """Unknown fields at the end change nothing, unless the message is closed or becomes too long."""
    content = [*plain(message), *[value if not isinstance(value, int) else value % 2**63 for value in extra]]
    frame = msgpack.packb(content)
    decoded = CODEC.decode(frame)
    fits = not type(message).CLOSED and len(frame) <= type(message).BYTES_MAX
    assert decoded == message if fits else isinstance(decoded, WireFault)


@pytest.mark.parametrize("kind", KINDS.kinds.values(), ids=lambda kind: kind.name)
@settings(max_examples=40)
@given(count=st.integers(1, 20), stream=st.integers(0, 2**63 - 1), sequence=st.integers(1, 2**62), data=st.data())
def test_every_frame_comes_back_and_every_changed_byte_is_found(
    kind: RecordKind, count: int, stream: int, sequence: int, data: st.DataObject
) -> None:
    """Random record bytes: the same records come back. CRC-32C finds every change within 32 bits; a cut is one too."""
    raw = bytearray(data.draw(st.binary(min_size=kind.dtype.itemsize * count, max_size=kind.dtype.itemsize * count)))
    records = np.frombuffer(raw, kind.dtype)
    if kind.name == "event":
        records["kind"] = EventKind.TRADED
    frame = encode_records(kind, stream, sequence, records)
    decoded = KINDS.decode(frame)
    assert isinstance(decoded, RecordFrame)
    assert (decoded.kind, decoded.stream, decoded.sequence) == (kind, stream, sequence)
    assert decoded.records.tobytes() == bytes(raw)
    draw = random.Random(stream)
    for position in {*range(32), *(draw.randrange(len(frame)) for _ in range(20))}:
        changed = bytearray(frame)
        changed[position] ^= draw.randrange(1, 256)
        assert isinstance(KINDS.decode(changed), WireFault)
    for size in {*range(34), *(draw.randrange(len(frame)) for _ in range(9))}:
        assert isinstance(KINDS.decode(frame[:size]), WireFault)


@settings(max_examples=40)
@given(message=ANY_MESSAGE, seed=st.integers(0, 2**32))
def test_a_changed_byte_of_a_signed_object_is_found(message: Message, seed: int) -> None:
    """Thirty changes of one byte of the whole object as it travels: never a valid object of another id."""
    signed = sign(message, [SIGNER])
    frame = bytearray(encode(signed))
    draw = random.Random(seed)
    for _ in range(30):
        position, change = draw.randrange(len(frame)), draw.randrange(1, 256)
        frame[position] ^= change
        arrived = CODEC.decode(frame)
        if isinstance(arrived, Signed) and verify(arrived, VERIFIER, [SIGNER.key]) is None:
            assert arrived == signed
        frame[position] ^= change


def rfc_9162_root(leaves: Sequence[bytes]) -> bytes:
    """Compute a root by the recursion of RFC 9162, section 2.1.1, with our leaf hashes given."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + rfc_9162_root(leaves[:split]) + rfc_9162_root(leaves[split:])).digest()


@settings(max_examples=60)
@given(count=st.integers(1, 70), data=st.data())
def test_a_path_leads_from_its_leaf_alone_to_the_root(count: int, data: st.DataObject) -> None:
    """The root is RFC 9162's. Every leaf's path reaches it; with another leaf, index, count or hash it does not."""
    leaves = [merkle.leaf(merkle.salt_of(b"s" * 32, index), b"%d" % index) for index in range(count)]
    root = merkle.root(leaves)
    assert root == rfc_9162_root(leaves)
    index = data.draw(st.integers(0, count - 1))
    path = merkle.path(leaves, index)
    assert merkle.root_from_path(leaves[index], index, count, path) == root
    assert merkle.root_from_path(b"x" * 32, index, count, path) != root
    for other in range(count):
        if other != index:
            assert merkle.root_from_path(leaves[index], other, count, path) != root
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        assert merkle.root_from_path(leaves[index], index, count, (*path[:place], *path[place + 1 :])) != root
        changed = (*path[:place], b"x" * 32, *path[place + 1 :])
        assert merkle.root_from_path(leaves[index], index, count, changed) != root


@settings(max_examples=40)
@given(bodies=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=20), data=st.data())
def test_every_message_of_an_envelope_can_be_shown_alone(bodies: list[bytes], data: st.DataObject) -> None:
    """Random bodies; a shown one verifies, and under another body it does not."""
    envelope = enclose(bodies, SIGNER, b"r" * 32, 1, 1, b"s" * 32)
    request = read_envelope(envelope, CODEC, VERIFIER)
    assert isinstance(request, Request)
    index = data.draw(st.integers(0, len(bodies) - 1))
    shown = prove(envelope, index)
    assert read_proven(shown, CODEC, VERIFIER) == request
    changed = msgspec.structs.replace(shown, body=shown.body + b"\x00")
    assert isinstance(read_proven(changed, CODEC, VERIFIER), WireFault)


@settings(max_examples=80)
@given(
    requests=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6), st.integers(1, 40)), max_size=30),
    restarts=st.sets(st.integers(0, 29)),
    senders_max=st.integers(1, 3),
)
def test_no_request_is_ever_taken_twice(
    requests: list[tuple[int, int, int]], restarts: set[int], senders_max: int
) -> None:
    """Three senders repeat and mix up their sequences while the clock goes on, the receiver restarts from its dump and
    forgets; what was taken is compared with a plain set."""
    receiver = HighWater(b"r" * 32, senders_max)
    taken: set[tuple[int, int, int]] = set()
    latest: dict[int, int] = {}
    for step, (sender, sequence, expiry_ns) in enumerate(requests):
        request = Request(bytes([sender]) * 32, b"r" * 32, sequence, expiry_ns, 1, bytes(32))
        if step in restarts:
            restarted = HighWater(b"r" * 32, senders_max)
            restarted.load(*receiver.dump())
            receiver = restarted
        if receiver.take(request, step) is None:
            assert (sender, sequence, expiry_ns) not in taken
            assert expiry_ns > step
            taken.add((sender, sequence, expiry_ns))
            latest[sender] = sequence
        assert len(receiver) <= senders_max


class Network:
    """A publisher and a follower over a link that loses, repeats, delays and reorders; the seed decides."""

    def __init__(self, seed: int, items_max: int, waiting_max: int, loss: float) -> None:
        self.draw = random.Random(seed)
        self.publisher = Publisher(3, items_max=items_max)
        self.follower = Follower(3, items_max=waiting_max)
        self.loss = loss
        self.to_follower: list[Item | StreamHead | StreamUseSnapshot | int] = []
        self.applied: list[int] = []

    def publish(self) -> None:
        """Send one new item of one to three sequences."""
        self._send(self.publisher.publish(b"x" * self.draw.randrange(4), self.draw.randrange(1, 4)))

    def deliver(self) -> None:
        """Take one message off the link, mostly the oldest."""
        if not self.to_follower:
            return
        index = 0 if self.draw.random() < 0.7 else self.draw.randrange(len(self.to_follower))
        message = self.to_follower.pop(index)
        if self.draw.random() < 0.1:
            self.to_follower.append(message)
        if isinstance(message, Item):
            self._do(self.follower.receive(3, message))
        elif isinstance(message, StreamHead):
            self._do(self.follower.hear_head(message))
        elif isinstance(message, StreamUseSnapshot):
            self._do(self.follower.hear_use_snapshot(message))
        else:
            step = self.follower.restore(3, message)
            if isinstance(step, Step):
                self.applied = list(range(1, message + 1))
                self._do(step)

    def heal(self) -> None:
        """Lose nothing more, until both ends agree."""
        self.loss = 0.0
        for _ in range(40):
            self._send(self.publisher.announce())
            self._do(self.follower.retry())
            while self.to_follower:
                self.deliver()
            if self.follower.next == self.publisher.head + 1 and self.follower.state is FollowerState.FOLLOWING:
                return

    def _do(self, step: Step | WireFault) -> None:
        assert isinstance(step, Step), step
        for item in step.apply:
            assert item.sequence == len(self.applied) + 1
            self.applied += range(item.sequence, item.last + 1)
        if isinstance(step.ask, StreamResend):
            if self.draw.random() >= self.loss:
                answer = self.publisher.answer(step.ask)
                if isinstance(answer, StreamUseSnapshot):
                    self._send(answer)
                else:
                    assert not isinstance(answer, WireFault)
                    assert len(answer.items) <= RESEND_ITEMS_MAX
                    for item in answer.items:
                        self._send(item)
                    self._send(answer.head)
        elif isinstance(step.ask, StreamSnapshotWanted) and self.draw.random() >= self.loss:
            self.publisher.mark_snapshot(self.publisher.head)
            self._send(self.publisher.head)

    def _send(self, message: Item | StreamHead | StreamUseSnapshot | int) -> None:
        if self.draw.random() >= self.loss:
            self.to_follower.append(message)


@settings(max_examples=80)
@given(
    seed=st.integers(0, 2**32),
    items_max=st.integers(1, 40),
    waiting_max=st.integers(1, 12),
    loss=st.sampled_from([0.0, 0.05, 0.3, 0.9]),
)
def test_a_follower_applies_each_sequence_once_and_in_order_over_any_link(
    seed: int, items_max: int, waiting_max: int, loss: float
) -> None:
    """Loss, repetition and reordering by the seed, then a link that loses nothing: the follower ends with all of them.
    Order is asserted at each item, and what waits never passes its bound."""
    network = Network(seed, items_max, waiting_max, loss)
    for _ in range(150):
        if network.draw.random() < 0.4:
            network.publish()
        else:
            network.deliver()
        assert network.follower.waiting <= waiting_max
    network.heal()
    assert network.applied == list(range(1, network.publisher.head + 1))
    assert network.follower.waiting == 0
