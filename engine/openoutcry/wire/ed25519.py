"""Ed25519 behind the port of `signed`, by PyNaCl (libsodium). The only module of the wire that imports nacl."""

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError

from openoutcry.wire.fields import KEY_BYTES, SIGNATURE_BYTES


class Ed25519Signer:
    """Signs with the key that a 32-byte seed gives. The seed comes from a keystore; nothing is drawn here."""

    __slots__ = ("_secret", "key")

    def __init__(self, seed: bytes) -> None:
        """Derive the key. Raises ValueError where the seed has not 32 bytes."""
        if len(seed) != KEY_BYTES:
            raise ValueError(f"a seed has {KEY_BYTES} bytes, not {len(seed)}")
        self.key, self._secret = crypto_sign_seed_keypair(seed)

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`, 64 bytes. Deterministic (RFC 8032)."""
        return crypto_sign(data, self._secret)[:SIGNATURE_BYTES]


class Ed25519Verifier:
    """Verifies with the key id itself, which is the public key."""

    __slots__ = ()

    def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        """Tell whether the signature fits. Never raises: lengths are checked first, libsodium decides the rest."""
        if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
            return False
        try:
            crypto_sign_open(signature + data, key)
        except CryptoError:
            return False
        return True
