"""What only the node itself may have: its seed, and all that follows from it.

Nothing here is ever shown: no repr, no text of an error and no pickle holds a secret. What Python keeps in a bytearray
is overwritten by `wipe`; copies that a library makes (the signing key, a result) are only forgotten.
"""

from typing import Final, NamedTuple, NoReturn, SupportsIndex

from nacl.bindings import crypto_scalarmult_base

from openoutcry.node.keys.hkdf import hkdf
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.fields import KEY_BYTES
from openoutcry.wire.limits import INT_MAX

SALT: Final = b"openoutcry/1|"
"""Of every derivation; also in docs/reference/keystore.md."""

PATH_BYTES_MAX: Final = 1_024
"""What a secret is derived for, in bytes of UTF-8: the name of a role and its own words."""


class CurveKeys(NamedTuple):
    """The X25519 pair of a node's links (CurveZMQ), 32 bytes each as libzmq takes them, not in Z85."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"CurveKeys(public={self.public.hex()})"


class NodeSecrets:
    """The secrets of one node.

    signer: signs with the node's identity. curve_generation: which of its link keys is in use.
    """

    __slots__ = ("_root", "_seed", "curve_generation", "signer")

    def __init__(
        self, seed: bytes | bytearray, curve_generation: int = 1, root: bytes | bytearray | None = None
    ) -> None:
        """Make the secrets of a node. The seeds are copied.

        seed: of the present identity, 32 random bytes. root: of the first identity, from which the secrets of roles are
        derived, so that a replay gives the same ones after a rotation; None: the present one is the first.
        Raises ValueError for other lengths, and for a generation below 1.
        """
        if not 1 <= curve_generation <= INT_MAX:
            raise ValueError(f"a generation is 1 to {INT_MAX}, not {curve_generation}")
        if root is not None and len(root) != KEY_BYTES:
            raise ValueError(f"a seed has {KEY_BYTES} bytes, not {len(root)}")
        self.signer = Ed25519Signer(bytes(seed))
        self.curve_generation = curve_generation
        self._seed = bytearray(seed)
        self._root = bytearray(seed if root is None else root)

    @property
    def curve(self) -> CurveKeys:
        """The key pair of the links, made from seed and generation. 20 microseconds."""
        secret = hkdf(self._alive(self._seed), SALT, f"curve|{self.curve_generation}".encode(), KEY_BYTES)
        return CurveKeys(crypto_scalarmult_base(secret), secret)

    def derive(self, path: str) -> bytes:
        """Return the 32 secret bytes that belong to a path, the same ones as long as the keystore lives.

        Raises ValueError for an empty path or one of more than `PATH_BYTES_MAX` bytes. 4 microseconds.
        """
        info = path.encode()
        if not 1 <= len(info) <= PATH_BYTES_MAX:
            raise ValueError(f"a path has 1 to {PATH_BYTES_MAX} bytes, not {len(info)}")
        return hkdf(self._alive(self._root), SALT, b"secret|" + info, KEY_BYTES)

    def reveal(self) -> tuple[bytes, bytes]:
        """Return seed and root themselves: for the key service, which gives them to the node."""
        return bytes(self._alive(self._seed)), bytes(self._alive(self._root))

    def wipe(self) -> None:
        """Overwrite the seeds. The signer still signs; nothing else can be had any more."""
        for secret in (self._seed, self._root):
            wipe(secret)
            secret.clear()

    def __repr__(self) -> str:
        return f"NodeSecrets({self.signer.key.hex()[:16]})"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("secrets are not copied into a pickle")

    @staticmethod
    def _alive(secret: bytearray) -> bytearray:
        if not secret:
            raise ValueError("these secrets were wiped")
        return secret


def curve_public(seed: bytes | bytearray, generation: int) -> bytes:
    """Return the public link key that follows from a seed and a generation."""
    secrets = NodeSecrets(seed, generation)
    try:
        return secrets.curve.public
    finally:
        secrets.wipe()


def wipe(secret: bytearray) -> None:
    """Overwrite a secret where it lies in memory."""
    secret[:] = bytes(len(secret))
