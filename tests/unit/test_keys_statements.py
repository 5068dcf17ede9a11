"""What the owner of a key says of it: rotation and revocation, signed by whom they must be signed by."""

from typing import Any

import msgspec
import pytest

from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.key_statements import (
    KeyRevocation,
    KeyRotation,
    RevocationReason,
    read_key_revocation,
    read_key_rotation,
)
from openoutcry.wire.messages import StreamHead
from openoutcry.wire.signed import Signed, Signer, Verifier, cosign, sign
from openoutcry.wire.table import MESSAGES

CODEC = Codec(MESSAGES)
NETWORK = b"network key of a test run"
PORTS: list[tuple[list[Signer], Verifier]] = [
    ([Ed25519Signer(bytes([index]) * 32) for index in range(3)], Ed25519Verifier()),
    ([ChecksumSigner(NETWORK, bytes([index]) * 32) for index in range(3)], ChecksumVerifier(NETWORK)),
]
both_ports = pytest.mark.parametrize(("signers", "verifier"), PORTS, ids=["ed25519", "checksum"])


def code_of(found: Any) -> FaultCode | None:
    """Return the code of a fault, None for anything else."""
    return found.code if isinstance(found, WireFault) else None


@both_ports
def test_a_rotation_counts_only_with_both_signatures(signers: list[Signer], verifier: Verifier) -> None:
    """By both, in either order, also with a third; by one alone; by one twice; by a stranger beside one."""
    old, new, stranger = signers
    rotation = KeyRotation(old.key, new.key, 5, 1)
    for who in ([old, new], [new, old], [stranger, old, new]):
        assert read_key_rotation(sign(rotation, who), CODEC, verifier) == rotation
    for who in ([old], [new], [old, old], [old, stranger], [stranger, new]):
        assert code_of(read_key_rotation(sign(rotation, who), CODEC, verifier)) is FaultCode.WRONG_SENDER


@both_ports
def test_a_changed_rotation_does_not_count(signers: list[Signer], verifier: Verifier) -> None:
    """Another new key, time or sequence under the same signatures; a key that is its own successor; another message."""
    old, new, stranger = signers
    rotation = KeyRotation(old.key, new.key, 5, 1)
    signed = sign(rotation, [old, new])
    for changes in ({"from_ns": 6}, {"sequence": 2}):
        changed = encode(msgspec.structs.replace(rotation, **changes))
        found = read_key_rotation(Signed(signed.name, changed, signed.signatures), CODEC, verifier)
        assert code_of(found) is FaultCode.WRONG_SIGNATURE
    stolen = encode(msgspec.structs.replace(rotation, new=stranger.key))
    found = read_key_rotation(cosign(Signed(signed.name, stolen, signed.signatures), stranger), CODEC, verifier)
    assert code_of(found) is FaultCode.WRONG_SIGNATURE
    same = sign(KeyRotation(old.key, old.key, 5, 1), [old])
    assert code_of(read_key_rotation(same, CODEC, verifier)) is FaultCode.INVALID_FIELD
    assert code_of(read_key_rotation(sign(StreamHead(1, 1), [old]), CODEC, verifier)) is FaultCode.WRONG_TYPE
    assert code_of(read_key_rotation(Signed(signed.name, b"junk", signed.signatures), CODEC, verifier)) is (
        FaultCode.MALFORMED
    )


@both_ports
def test_a_revocation_counts_only_from_the_key_itself(signers: list[Signer], verifier: Verifier) -> None:
    """By the key, for each reason; by another; changed; another message; a reason that is none."""
    key, other, _ = signers
    for reason in RevocationReason:
        revocation = KeyRevocation(key.key, reason, 7)
        assert read_key_revocation(sign(revocation, [key]), CODEC, verifier) == revocation
        assert code_of(read_key_revocation(sign(revocation, [other]), CODEC, verifier)) is FaultCode.WRONG_SENDER
    signed = sign(revocation, [key])
    changed = Signed(signed.name, encode(msgspec.structs.replace(revocation, from_ns=8)), signed.signatures)
    assert code_of(read_key_revocation(changed, CODEC, verifier)) is FaultCode.WRONG_SIGNATURE
    rotation = sign(KeyRotation(key.key, other.key, 5, 1), [key, other])
    assert code_of(read_key_revocation(rotation, CODEC, verifier)) is FaultCode.WRONG_TYPE
    assert code_of(read_key_rotation(signed, CODEC, verifier)) is FaultCode.WRONG_TYPE
    unknown = Signed(signed.name, signed.payload.replace(b"\x03\x07", b"\x63\x07"), signed.signatures)
    assert unknown.payload != signed.payload
    assert code_of(read_key_revocation(unknown, CODEC, verifier)) is FaultCode.INVALID_FIELD


def test_a_rotation_signed_for_another_type_does_not_count() -> None:
    """The signatures cover the name of the type, and the payload must be of it."""
    (old, new, _), verifier = PORTS[0]
    signed = sign(KeyRotation(old.key, new.key, 5, 1), [old, new])
    renamed = Signed("key_revocation", signed.payload, signed.signatures)
    assert code_of(read_key_rotation(renamed, CODEC, verifier)) is FaultCode.WRONG_TYPE
    assert code_of(read_key_revocation(renamed, CODEC, verifier)) is FaultCode.WRONG_TYPE
