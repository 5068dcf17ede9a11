"""Signed objects: a type, a payload as bytes, and signatures over both. Never re-encoded, so never ambiguous.

What is signed is "openoutcry/1|" + type + "|" + payload, the payload as it was received. A type holds no "|", so no two
objects give the same bytes to sign. The id of an object is the SHA-256 of those bytes: other signatures, same object.
"""

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Annotated, ClassVar, Final, Protocol

import msgspec
from msgspec import Meta

from openoutcry.wire.codec import Codec, encode, read_head
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.fields import KeyId, Name, SignatureBytes
from openoutcry.wire.limits import SIGNATURES_MAX, SIGNED_PAYLOAD_BYTES_MAX
from openoutcry.wire.tags import Message, Tag, snake_case

DOMAIN: Final = b"openoutcry/1|"
"""Begins whatever is signed, so that no signature fits anything that another program signs with the same key."""


class Signer(Protocol):
    """Signs with one key. `ed25519.Ed25519Signer`; `checksum.ChecksumSigner` in simulations."""

    @property
    def key(self) -> bytes:
        """The key id, 32 bytes."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes. Deterministic: a replay gives the same."""


class Verifier(Protocol):
    """Tells whether signatures fit. Never raises, whatever the bytes."""

    def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` of `data` was made with the key whose id is `key`."""


class Signature(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Who signed, and the signature."""

    key: KeyId
    signature: SignatureBytes


class Signed(Message, frozen=True, forbid_unknown_fields=True, tag=int(Tag.SIGNED)):
    """A message that others can pass on and still prove: the name of its type, its frame, and who signed both."""

    CLOSED: ClassVar[bool] = True
    name: Name
    payload: Annotated[bytes, Meta(min_length=1, max_length=SIGNED_PAYLOAD_BYTES_MAX)]
    signatures: Annotated[tuple[Signature, ...], Meta(min_length=1, max_length=SIGNATURES_MAX)]

    def signed_bytes(self) -> bytes:
        """Return what the signatures cover."""
        return bytes_to_sign(self.name, self.payload)

    def object_id(self) -> bytes:
        """Return the SHA-256 of what the signatures cover, 32 bytes."""
        return sha256(self.signed_bytes()).digest()


def bytes_to_sign(name: str, payload: bytes) -> bytes:
    """Return what a signature of this payload covers.

    >>> bytes_to_sign("market_state", b"...")
    b'openoutcry/1|market_state|...'
    """
    return b"%b%b|%b" % (DOMAIN, name.encode("ascii"), payload)


def sign(message: Message, signers: Iterable[Signer]) -> Signed:
    """Encode a message once and sign those bytes with each signer. Cost: 15 microseconds a signature (Ed25519)."""
    name, payload = snake_case(type(message).__name__), encode(message)
    data = bytes_to_sign(name, payload)
    signatures = tuple(Signature(signer.key, signer.sign(data)) for signer in signers)
    assert 1 <= len(signatures) <= SIGNATURES_MAX and len(payload) <= SIGNED_PAYLOAD_BYTES_MAX
    return Signed(name, payload, signatures)


def cosign(signed: Signed, signer: Signer) -> Signed:
    """Return the same object with one more signature."""
    assert len(signed.signatures) < SIGNATURES_MAX
    signature = Signature(signer.key, signer.sign(signed.signed_bytes()))
    return Signed(signed.name, signed.payload, (*signed.signatures, signature))


def verify(signed: Signed, verifier: Verifier, keys: Collection[bytes], threshold: int = 1) -> WireFault | None:
    """Say why an object is not signed by at least `threshold` distinct ones of `keys`, or None where it is.

    One signature that does not fit spoils the object, also one of a key that does not count here: an object is passed
    on by all or by none. Cost: 40 microseconds a signature (Ed25519), `SIGNATURES_MAX` at most.
    """
    assert threshold >= 1
    signers = {signature.key for signature in signed.signatures}
    counting = len(signers.intersection(keys))
    if counting < threshold:
        return fault(FaultCode.TOO_FEW_SIGNERS, f"{counting} of {threshold} keys")
    data = signed.signed_bytes()
    for signature in signed.signatures:
        if not verifier.verify(signature.key, signature.signature, data):
            return fault(FaultCode.WRONG_SIGNATURE, f"key {signature.key.hex()[:16]}")
    return None


def open_signed(signed: Signed, codec: Codec) -> Message | WireFault:
    """Decode the payload of an object whose signatures were verified; its type must be the name of what is inside."""
    head = read_head(signed.payload)
    if isinstance(head, WireFault):
        return head
    name = codec.table.names.get(head.tag, signed.name)
    if name != signed.name:
        return fault(FaultCode.WRONG_TYPE, f"a {name} signed as {signed.name}")
    return codec.decode(signed.payload)
