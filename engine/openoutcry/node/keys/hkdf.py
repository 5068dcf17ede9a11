"""HKDF with SHA-256 (RFC 5869): many independent keys from one secret."""

import hmac
from typing import Final

HASH_BYTES: Final = 32

OUTPUT_BYTES_MAX: Final = 255 * HASH_BYTES
"""RFC 5869, section 2.3: the counter of blocks is one byte."""


def hkdf(secret: bytes | bytearray, salt: bytes, info: bytes, length: int) -> bytes:
    """Return `length` bytes, 1 to 8,160, that tell nothing of the secret or of what another `info` gives.

    Cost: two hashes for each 32 bytes, and four more.
    """
    assert 0 < length <= OUTPUT_BYTES_MAX
    return expand(extract(secret, salt), info, length)


def extract(secret: bytes | bytearray, salt: bytes) -> bytes:
    """RFC 5869, section 2.2: a key of 32 bytes. An empty salt stands for zeros."""
    return hmac.digest(salt or bytes(HASH_BYTES), secret, "sha256")


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, section 2.3."""
    made, block = b"", b""
    for counter in range(1, -(-length // HASH_BYTES) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        made += block
    return made[:length]
