"""Signed objects, signed requests with their high-water marks, service records, market states, Merkle trees."""

from typing import Any

import msgspec
import pytest

from openoutcry.domain import Phase
from openoutcry.wire import merkle
from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.limits import (
    BODIES_BYTES_MAX,
    BODIES_MAX,
    REQUEST_AHEAD_NS_MAX,
    SERVICE_LIFETIME_NS_MAX,
    SIGNATURES_MAX,
    SIGNED_PAYLOAD_BYTES_MAX,
)
from openoutcry.wire.messages import StreamHead, StreamItem
from openoutcry.wire.requests import (
    Envelope,
    HighWater,
    Request,
    enclose,
    prove,
    read_envelope,
    read_proven,
)
from openoutcry.wire.service import (
    KeyPurpose,
    MarketState,
    PairId,
    PurposeKey,
    Rate,
    ServiceRecord,
    StateReason,
    read_market_state,
    read_service,
)
from openoutcry.wire.signed import Signature, Signed, Signer, Verifier, cosign, open_signed, sign, verify
from openoutcry.wire.table import MESSAGES

CODEC = Codec(MESSAGES)
NETWORK = b"network key of a test run"
RECEIVER, SECRET = b"r" * 32, b"s" * 32
NOW_NS = 10**18
PORTS: list[tuple[list[Signer], Verifier]] = [
    ([Ed25519Signer(bytes([index]) * 32) for index in range(4)], Ed25519Verifier()),
    ([ChecksumSigner(NETWORK, bytes([index]) * 32) for index in range(4)], ChecksumVerifier(NETWORK)),
]
both_ports = pytest.mark.parametrize(("signers", "verifier"), PORTS, ids=["ed25519", "checksum"])
SIGNER, VERIFIER = PORTS[0][0][0], PORTS[0][1]


def code_of(found: Any) -> FaultCode | None:
    """Return the code of a fault, None for anything else."""
    return found.code if isinstance(found, WireFault) else None


@pytest.mark.parametrize(
    ("seed", "key", "data", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_signatures_are_those_of_rfc_8032(seed: str, key: str, data: str, signature: str) -> None:
    """Tests 1 and 2 of its section 7.1."""
    signer = Ed25519Signer(bytes.fromhex(seed))
    assert signer.key.hex() == key
    assert signer.sign(bytes.fromhex(data)).hex() == signature
    assert Ed25519Verifier().verify(signer.key, bytes.fromhex(signature), bytes.fromhex(data))


def test_a_key_of_another_length_is_a_mistake_of_ours() -> None:
    """Seeds and key ids with one byte less."""
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        Ed25519Signer(b"x" * 31)
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        ChecksumSigner(NETWORK, b"x" * 31)


@both_ports
def test_a_verifier_says_no_to_whatever_a_stranger_sends(signers: list[Signer], verifier: Verifier) -> None:
    """Other data, key or signature, wrong lengths, keys that are no point of the curve."""
    signature = signers[0].sign(b"data")
    assert verifier.verify(signers[0].key, signature, b"data")
    for key, bad, data in (
        (signers[0].key, signature, b"date"),
        (signers[1].key, signature, b"data"),
        (signers[0].key, signature[:-1] + bytes([signature[-1] ^ 1]), b"data"),
        (signers[0].key, signature[:-1], b"data"),
        (signers[0].key, signature + b"d", b"ata"),
        (signers[0].key, b"", b"data"),
        (signers[0].key[:-1], signature, b"data"),
        (b"", signature, b"data"),
        (b"\xff" * 32, signature, b"data"),
        (bytes(32), bytes(64), b"data"),
    ):
        assert not verifier.verify(key, bad, data)


@both_ports
def test_a_threshold_counts_distinct_keys_of_those_that_count(signers: list[Signer], verifier: Verifier) -> None:
    """Two signatures of one key are one; a key outside the list counts nothing; one bad signature spoils all."""
    first, second, third, stranger = signers
    keys = [first.key, second.key, third.key]
    one = sign(StreamHead(1, 2), [first])
    two = cosign(one, second)
    assert (one.object_id(), two.object_id()) == (two.object_id(), one.object_id())
    assert verify(two, verifier, keys, 2) is None
    assert code_of(verify(one, verifier, keys, 2)) is FaultCode.TOO_FEW_SIGNERS
    assert code_of(verify(cosign(one, first), verifier, keys, 2)) is FaultCode.TOO_FEW_SIGNERS
    assert code_of(verify(cosign(one, stranger), verifier, keys, 2)) is FaultCode.TOO_FEW_SIGNERS
    assert verify(cosign(two, stranger), verifier, keys, 2) is None
    spoiled = Signed(one.name, one.payload, (*two.signatures, Signature(stranger.key, bytes(64))))
    assert code_of(verify(spoiled, verifier, keys, 2)) is FaultCode.WRONG_SIGNATURE


@both_ports
def test_name_and_payload_are_covered(signers: list[Signer], verifier: Verifier) -> None:
    """The same signatures under another name, another payload, or with the line between them moved."""
    signed = sign(StreamHead(1, 2), signers[:1])
    for name, payload in (
        ("stream_item", signed.payload),
        (signed.name, signed.payload + b"\x00"),
        (signed.name, b"|" + signed.payload),
        ("stream", b"head|" + signed.payload),
    ):
        changed = Signed(name, payload, signed.signatures)
        assert changed.object_id() != signed.object_id()
        assert code_of(verify(changed, verifier, [signers[0].key])) is FaultCode.WRONG_SIGNATURE


def test_a_payload_is_never_encoded_anew() -> None:
    """An integer that takes more bytes than it needs: same message, other bytes, other id; the signature still fits."""
    short, long = encode(StreamHead(1, 2)), b"\x93\x09\x01\xcd\x00\x02"
    assert CODEC.decode(short) == CODEC.decode(long)
    data = Signed("stream_head", long, (Signature(SIGNER.key, bytes(64)),)).signed_bytes()
    signed = Signed("stream_head", long, (Signature(SIGNER.key, SIGNER.sign(data)),))
    arrived = CODEC.decode(encode(signed))
    assert isinstance(arrived, Signed)
    assert verify(arrived, VERIFIER, [SIGNER.key]) is None
    assert arrived.object_id() != sign(StreamHead(1, 2), [SIGNER]).object_id()
    assert open_signed(arrived, CODEC) == StreamHead(1, 2)


@pytest.mark.parametrize(
    ("name", "payload", "code"),
    [
        ("stream_item", encode(StreamHead(1, 2)), FaultCode.WRONG_TYPE),
        ("stream_head", b"\x93\xcd\x27\x10\x01\x02", FaultCode.UNKNOWN_TAG),
        ("stream_head", b"no message", FaultCode.MALFORMED),
        ("stream_head", encode(StreamHead(1, 2))[:-1], FaultCode.MALFORMED),
        ("stream_head", encode(StreamHead(1, 2)), None),
    ],
)
def test_what_is_inside_must_be_what_the_name_says(name: str, payload: bytes, code: FaultCode | None) -> None:
    """Names and payloads that do not go together, or are no message."""
    assert code_of(open_signed(Signed(name, payload, (Signature(SIGNER.key, bytes(64)),)), CODEC)) is code


def test_the_largest_signed_object_fits_a_control_message() -> None:
    """The longest payload with all signatures that may be."""
    longest = StreamItem(1, 1, b"x" * (SIGNED_PAYLOAD_BYTES_MAX - 7))
    signed = sign(longest, [Ed25519Signer(bytes([index]) * 32) for index in range(SIGNATURES_MAX)])
    assert len(signed.payload) == SIGNED_PAYLOAD_BYTES_MAX
    assert CODEC.decode(encode(signed)) == signed


def envelope(count: int = 3, sequence: int = 1, expiry_ns: int = NOW_NS + 1) -> Envelope:
    """Return some bodies under one signature."""
    return enclose([b"body %d" % index for index in range(count)], SIGNER, RECEIVER, sequence, expiry_ns, SECRET)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 255, 256])
def test_one_signature_covers_every_message_of_an_envelope(count: int) -> None:
    """It arrives whole, and each message of it can be shown alone, over the wire."""
    arrived = CODEC.decode(encode(envelope(count)))
    assert isinstance(arrived, Envelope)
    request = read_envelope(arrived, CODEC, VERIFIER)
    assert isinstance(request, Request)
    assert (request.sender, request.receiver, request.count) == (SIGNER.key, RECEIVER, count)
    for index in {0, count // 2, count - 1}:
        shown = prove(arrived, index)
        assert CODEC.decode(encode(shown)) == shown
        assert read_proven(shown, CODEC, VERIFIER) == request


def test_the_largest_envelope_fits_a_control_message() -> None:
    """As many messages as may be with as many bytes as may be, and one message of that length."""
    size = BODIES_BYTES_MAX // BODIES_MAX
    for bodies in ([b"x" * size] * BODIES_MAX, [b"x" * BODIES_BYTES_MAX]):
        full = enclose(bodies, SIGNER, RECEIVER, 2**63 - 1, 2**63 - 2, SECRET)
        assert CODEC.decode(encode(full)) == full
        assert CODEC.decode(encode(prove(full, 0))) == prove(full, 0)


def test_an_envelope_with_other_messages_is_a_fault() -> None:
    """One more, one less, swapped, changed, another secret; an object that is no request; a sender who did not sign."""
    good = envelope()
    replace = msgspec.structs.replace
    for bodies in (good.bodies[:2], (*good.bodies, b"x"), good.bodies[::-1], (b"body x", *good.bodies[1:])):
        assert code_of(read_envelope(replace(good, bodies=bodies), CODEC, VERIFIER)) is FaultCode.WRONG_ROOT
    assert code_of(read_envelope(replace(good, secret=b"t" * 32), CODEC, VERIFIER)) is FaultCode.WRONG_ROOT
    other = sign(StreamHead(1, 2), [SIGNER])
    assert code_of(read_envelope(replace(good, request=other), CODEC, VERIFIER)) is FaultCode.WRONG_TYPE
    nothing = Signed("request", b"junk", good.request.signatures)
    assert code_of(read_envelope(replace(good, request=nothing), CODEC, VERIFIER)) is FaultCode.MALFORMED
    request = open_signed(good.request, CODEC)
    assert isinstance(request, Request)
    miscounted = replace(good, request=sign(replace(request, count=request.count + 1), [SIGNER]))
    assert code_of(read_envelope(miscounted, CODEC, VERIFIER)) is FaultCode.WRONG_ROOT
    stranger = PORTS[0][0][1]
    forged = replace(good, request=sign(request, [stranger]))
    assert code_of(read_envelope(forged, CODEC, VERIFIER)) is FaultCode.WRONG_SENDER
    unsigned = Signed("request", good.request.payload, (Signature(SIGNER.key, bytes(64)),))
    assert code_of(read_envelope(replace(good, request=unsigned), CODEC, VERIFIER)) is FaultCode.WRONG_SIGNATURE


def test_a_proof_shows_its_message_at_its_place_only() -> None:
    """Another index, body, salt or path; one hash more or less; an object that is no request."""
    shown = prove(envelope(5), 2)
    replace = msgspec.structs.replace
    for changed in (
        replace(shown, index=1),
        replace(shown, index=5),
        replace(shown, body=b"body 3"),
        replace(shown, salt=b"x" * 16),
        replace(shown, path=shown.path[::-1]),
        replace(shown, path=shown.path[:-1]),
        replace(shown, path=(*shown.path, b"x" * 32)),
    ):
        assert code_of(read_proven(changed, CODEC, VERIFIER)) is FaultCode.WRONG_ROOT
    other = replace(shown, request=sign(StreamHead(1, 2), [SIGNER]))
    assert code_of(read_proven(other, CODEC, VERIFIER)) is FaultCode.WRONG_TYPE
    nothing = replace(shown, request=Signed("request", b"junk", shown.request.signatures))
    assert code_of(read_proven(nothing, CODEC, VERIFIER)) is FaultCode.MALFORMED
    unsigned = Signed("request", shown.request.payload, (Signature(SIGNER.key, bytes(64)),))
    assert code_of(read_proven(replace(shown, request=unsigned), CODEC, VERIFIER)) is FaultCode.WRONG_SIGNATURE


def request(
    sequence: int = 1, expiry_ns: int = NOW_NS + 1, sender: bytes = b"a" * 32, receiver: bytes = RECEIVER
) -> Request:
    """Return a request, as `read_envelope` would after verifying it."""
    return Request(sender, receiver, sequence, expiry_ns, 1, bytes(32))


@pytest.mark.parametrize(
    ("later", "code"),
    [
        (request(6), None),
        (request(2**63 - 1), None),
        (request(5), FaultCode.REPLAYED),
        (request(4), FaultCode.STALE),
        (request(1, sender=b"b" * 32), None),
        (request(6, receiver=b"x" * 32), FaultCode.WRONG_RECEIVER),
        (request(6, NOW_NS), FaultCode.EXPIRED),
        (request(6, 0), FaultCode.EXPIRED),
        (request(6, NOW_NS + REQUEST_AHEAD_NS_MAX), None),
        (request(6, NOW_NS + REQUEST_AHEAD_NS_MAX + 1), FaultCode.TOO_FAR_AHEAD),
    ],
)
def test_what_was_taken_once_is_a_named_fault_afterwards(later: Request, code: FaultCode | None) -> None:
    """After sequence 5 of one sender, judged before and after a restart from the dumped map."""
    marks = HighWater(RECEIVER)
    assert marks.take(request(5), NOW_NS) is None
    restarted = HighWater(RECEIVER)
    restarted.load(*msgspec.msgpack.decode(msgspec.msgpack.encode(marks.dump())))
    for receiver in (marks, restarted):
        before = receiver.dump()
        assert code_of(receiver.judge(later, NOW_NS)) is code
        assert receiver.dump() == before
        assert code_of(receiver.take(later, NOW_NS)) is code
        assert (receiver.dump() == before) is (code is not None)
        assert code is not None or code_of(receiver.take(later, NOW_NS)) is FaultCode.REPLAYED


def test_marks_are_bounded_and_forgotten_only_when_they_are_worthless() -> None:
    """Room for two senders: a third is refused until one has expired; what expired stays refused if the clock runs
    back."""
    marks = HighWater(RECEIVER, senders_max=2)
    assert marks.take(request(1, NOW_NS + 10, b"a" * 32), NOW_NS) is None
    assert marks.take(request(1, NOW_NS + 20, b"b" * 32), NOW_NS) is None
    third = request(1, NOW_NS + 30, b"c" * 32)
    assert code_of(marks.take(third, NOW_NS + 9)) is FaultCode.TOO_MANY_SENDERS
    assert marks.take(request(2, NOW_NS + 15, b"a" * 32), NOW_NS) is None
    assert code_of(marks.take(third, NOW_NS + 14)) is FaultCode.TOO_MANY_SENDERS
    assert marks.take(third, NOW_NS + 15) is None
    assert len(marks) == 2
    assert code_of(marks.judge(request(2, NOW_NS + 15, b"a" * 32), NOW_NS)) is FaultCode.EXPIRED
    assert marks.forget(NOW_NS) == 0


def test_a_later_request_that_expires_earlier_does_not_shorten_the_memory() -> None:
    """Sequence 1 lives longer than 2: as long as it does, the mark stays and it is refused."""
    marks = HighWater(RECEIVER)
    assert marks.take(request(1, NOW_NS + 20), NOW_NS) is None
    assert marks.take(request(2, NOW_NS + 5), NOW_NS) is None
    assert marks.forget(NOW_NS + 19) == 0
    assert code_of(marks.take(request(1, NOW_NS + 20), NOW_NS + 19)) is FaultCode.STALE
    assert marks.forget(NOW_NS + 20) == 1
    assert code_of(marks.take(request(1, NOW_NS + 20), NOW_NS)) is FaultCode.EXPIRED


def service(**changes: Any) -> ServiceRecord:
    """Return a good service record with some fields changed."""
    record = ServiceRecord(
        SIGNER.key,
        1,
        NOW_NS + 1,
        ("discovery", "peers"),
        ("tcp://venue.example:7701",),
        (PurposeKey(KeyPurpose.CURVE, b"c" * 32),),
        (1,),
        (Rate("discovery", -20, 30, 1, 0),),
    )
    return msgspec.structs.replace(record, **changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"expiry_ns": NOW_NS + SERVICE_LIFETIME_NS_MAX}, None),
        ({"expiry_ns": NOW_NS + SERVICE_LIFETIME_NS_MAX + 1}, FaultCode.TOO_FAR_AHEAD),
        ({"expiry_ns": NOW_NS}, FaultCode.EXPIRED),
        ({"node": b"x" * 32}, FaultCode.WRONG_SENDER),
        ({"roles": ("discovery", "discovery")}, FaultCode.INVALID_FIELD),
        ({"keys": (PurposeKey(KeyPurpose.CURVE, b"c" * 32),) * 2}, FaultCode.INVALID_FIELD),
        ({"rates": (Rate("discovery", 1, 1, 1, 1),) * 2}, FaultCode.INVALID_FIELD),
        ({"rates": (Rate("escrow", 1, 1, 1, 1),)}, FaultCode.INVALID_FIELD),
        ({"roles": ()}, FaultCode.INVALID_FIELD),
        ({"roles": ("Discovery",)}, FaultCode.INVALID_FIELD),
        ({"addresses": ("tcp://*:1",)}, FaultCode.INVALID_FIELD),
        ({"addresses": ("ipc://x:1",)}, FaultCode.INVALID_FIELD),
        ({"addresses": ("tcp://host:1\n",)}, FaultCode.INVALID_FIELD),
        ({"rates": (Rate("peers", -1_000_001, 0, 0, 0),)}, FaultCode.INVALID_FIELD),
    ],
)
def test_a_service_record_holds_when_its_node_signed_it_and_it_makes_sense(
    changes: dict[str, Any], code: FaultCode | None
) -> None:
    """Records with one thing wrong each, signed by the same key, over the wire."""
    signed = sign(service(**changes), [SIGNER])
    found = read_service(signed, CODEC, VERIFIER, NOW_NS)
    assert code_of(found) is code
    assert code is not None or found == service(**changes)


STATE = MarketState(PairId(b"b" * 32, b"q" * 32), Phase.HALTED, StateReason.NEWS, 0, SIGNER.key, 1)


def test_a_market_state_counts_only_from_an_authority_that_is_named() -> None:
    """Signed by a named one; by one that is not; by another than it names; another message; a changed payload."""
    signed = sign(STATE, [SIGNER])
    assert read_market_state(signed, CODEC, VERIFIER, [SIGNER.key]) == STATE
    assert code_of(read_market_state(signed, CODEC, VERIFIER, [b"x" * 32])) is FaultCode.UNKNOWN_AUTHORITY
    forged = sign(STATE, [PORTS[0][0][1]])
    assert code_of(read_market_state(forged, CODEC, VERIFIER, [SIGNER.key])) is FaultCode.WRONG_SENDER
    other = sign(StreamHead(1, 1), [SIGNER])
    assert code_of(read_market_state(other, CODEC, VERIFIER, [SIGNER.key])) is FaultCode.WRONG_TYPE
    assert code_of(read_service(other, CODEC, VERIFIER, NOW_NS)) is FaultCode.WRONG_TYPE
    changed = Signed(signed.name, encode(msgspec.structs.replace(STATE, state=Phase.CONTINUOUS)), signed.signatures)
    assert code_of(read_market_state(changed, CODEC, VERIFIER, [SIGNER.key])) is FaultCode.WRONG_SIGNATURE
    nothing = Signed(signed.name, b"junk", signed.signatures)
    assert code_of(read_market_state(nothing, CODEC, VERIFIER, [SIGNER.key])) is FaultCode.MALFORMED
    assert code_of(read_service(nothing, CODEC, VERIFIER, NOW_NS)) is FaultCode.MALFORMED


def test_salts_differ_by_leaf_and_by_secret() -> None:
    """Sixteen bytes each, the same again for the same secret."""
    salts = [merkle.salt_of(secret, index) for secret in (b"a" * 32, b"b" * 32) for index in range(100)]
    assert len(set(salts)) == 200
    assert {len(salt) for salt in salts} == {16}
    assert salts[7] == merkle.salt_of(b"a" * 32, 7)


def test_no_path_leads_to_a_root_of_another_count() -> None:
    """A leaf at an index outside the tree, a hash of the wrong length, a tree too large."""
    leaves = [bytes([index]) * 32 for index in range(5)]
    path = merkle.path(leaves, 4)
    assert merkle.root_from_path(leaves[4], 4, 5, path) == merkle.root(leaves)
    for index, count, hashes in ((5, 5, path), (-1, 5, path), (4, 0, path), (4, 2**33, path), (4, 5, (b"x" * 31,))):
        assert merkle.root_from_path(leaves[4], index, count, hashes) is None
    assert merkle.root_from_path(leaves[4], 0, 1, ()) == leaves[4]
    assert merkle.root_from_path(leaves[4], 1, 1, ()) is None
