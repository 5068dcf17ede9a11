"""Who the nodes of a run are: keys that follow from its seed, with a keyed checksum or with real signatures."""

from hashlib import blake2b
from typing import Final

from openoutcry.node.core.parts import Identity
from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.fields import KEY_BYTES

REAL_EVERY: Final = 16
"""One seed in so many runs with Ed25519: 40 microseconds a signature in place of one."""


def identity(seed: int, name: str, real: bool) -> Identity:
    """Return who a node is: its secret is a hash of seed and name, and so is its key where `real` is False."""
    root = _hash(b"simulation", f"{seed}/{name}")
    if real:
        return Identity(Ed25519Signer(root), Ed25519Verifier(), lambda path: _hash(root, path))
    network = _hash(b"simulation", f"{seed}")
    signer = ChecksumSigner(network, _hash(root, "key"))
    return Identity(signer, ChecksumVerifier(network), lambda path: _hash(root, path))


def _hash(key: bytes, path: str) -> bytes:
    return blake2b(path.encode(), key=key, digest_size=KEY_BYTES).digest()
