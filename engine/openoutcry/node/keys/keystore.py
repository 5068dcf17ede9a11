"""The keystore of a node: a file under a passphrase that holds its seeds and what was said of their keys.

A change is made to a copy in memory and takes the file's place in one step; the passphrase is needed for each.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    crypto_pwhash_alg,
    crypto_pwhash_ALG_ARGON2ID13,
    crypto_pwhash_SALTBYTES,
)
from nacl.exceptions import CryptoError
from nacl.exceptions import RuntimeError as SodiumError

from openoutcry.node.keys.errors import (
    NotChanged,
    Revoked,
    SystemRefuses,
    WrongPassphrase,
    quoted,
    shown,
)
from openoutcry.node.keys.files import locked, read_private, replace, write_new
from openoutcry.node.keys.layout import (
    IDENTITIES_MAX,
    KEYSTORE_BYTES_MAX,
    MODERATE,
    Cost,
    Parts,
    Public,
    damaged,
    finish,
    make_head,
    take_apart,
)
from openoutcry.node.keys.secrets import NodeSecrets, curve_public, wipe
from openoutcry.node.keys.statements import Statement, read_statement
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.faults import WireFault
from openoutcry.wire.fields import KEY_BYTES
from openoutcry.wire.key_statements import KeyRevocation, KeyRotation, RevocationReason
from openoutcry.wire.limits import INT_MAX
from openoutcry.wire.signed import sign

Result = TypeVar("Result")

KEY_DIGITS_MIN: Final = 8
"""Hexadecimal digits by which an identity may be named."""


class Contents:
    """What an open keystore holds. seeds: of all identities, the first one first and the present one last."""

    __slots__ = ("cost", "curve_generation", "seeds", "statements")

    def __init__(
        self, seeds: list[bytearray], curve_generation: int, statements: tuple[bytes, ...], cost: Cost
    ) -> None:
        self.seeds = seeds
        self.curve_generation = curve_generation
        self.statements = statements
        self.cost = cost

    @property
    def public(self) -> Public:
        """The part that is no secret."""
        seed = self.seeds[-1]
        curve = curve_public(seed, self.curve_generation)
        return Public(Ed25519Signer(bytes(seed)).key, curve, self.curve_generation, self.statements)

    def secrets(self) -> NodeSecrets:
        """Return the secrets of the node as it is now."""
        return NodeSecrets(self.seeds[-1], self.curve_generation, self.seeds[0])

    def wipe(self) -> None:
        """Overwrite the seeds."""
        for seed in self.seeds:
            wipe(seed)
        self.seeds.clear()

    def __repr__(self) -> str:
        return f"Contents({len(self.seeds)} identities)"


def create(path: Path, passphrase: bytes | bytearray, cost: Cost = MODERATE) -> Public:
    """Make a keystore with a new identity. Never overwrites a file. Raises `KeysError`. Costs what `cost` says."""
    contents = Contents([bytearray(os.urandom(KEY_BYTES))], 1, (), cost)
    try:
        write_new(path, seal(contents, passphrase))
        return contents.public
    finally:
        contents.wipe()


def read_header(path: Path) -> Public:
    """Return the part of a keystore that is no secret, without opening it: as it stands in the file, which only its
    owner can change. Raises `KeysError`.
    """
    return _take_apart(path).public


def open_keystore(path: Path, passphrase: bytes | bytearray) -> Contents:
    """Return what a keystore holds; the caller wipes it. Raises `KeysError`. Half a second and 256 MiB at MODERATE."""
    return _unseal(_take_apart(path), passphrase, shown(path))


def require_in_use(public: Public, path: Path, now_ns: int) -> None:
    """Raise `Revoked` where the present identity of a keystore was given up by `now_ns`."""
    revocation = revocation_of(public, public.identity, shown(path))
    if revocation is not None and revocation.from_ns <= now_ns:
        raise Revoked(
            f"{shown(path)}: its identity {public.identity.hex()[:16]} is revoked ({revocation.reason.name.lower()}): "
            "make another keystore with outcry keys new"
        )


def rotate(path: Path, passphrase: bytes | bytearray, now_ns: int) -> tuple[KeyRotation, bytes]:
    """Give a node another identity; return what the old and the new one say of it, and that as a frame, which is also
    kept. Raises `KeysError`.
    """

    def change(contents: Contents) -> tuple[KeyRotation, bytes]:
        old = Ed25519Signer(bytes(contents.seeds[-1]))
        _require_not_revoked(contents.public, old.key, path)
        if len(contents.seeds) >= IDENTITIES_MAX:
            raise NotChanged(
                f"{shown(path)} has had {IDENTITIES_MAX} identities, which is the most: "
                "make another keystore with outcry keys new"
            )
        contents.seeds.append(bytearray(os.urandom(KEY_BYTES)))
        new = Ed25519Signer(bytes(contents.seeds[-1]))
        rotation = KeyRotation(old.key, new.key, now_ns, len(contents.seeds) - 1)
        frame = encode(sign(rotation, [old, new]))
        contents.statements += (frame,)
        return rotation, frame

    return _change(path, passphrase, change)


def renew_links(path: Path, passphrase: bytes | bytearray) -> Public:
    """Give a node another link key under the same identity. Raises `KeysError`."""

    def change(contents: Contents) -> Public:
        if contents.curve_generation >= INT_MAX:
            raise NotChanged(f"{shown(path)} has no link keys left: rotate the identity with outcry keys rotate")
        contents.curve_generation += 1
        return contents.public

    return _change(path, passphrase, change)


def revoke(
    path: Path, passphrase: bytes | bytearray, reason: RevocationReason, from_ns: int, key: str = ""
) -> tuple[KeyRevocation, bytes]:
    """Give up an identity for good; return what it says of itself, and that as a frame, which is also kept.

    key: the first digits of the identity in hexadecimal, "" for the present one. Raises `KeysError`.
    """

    def change(contents: Contents) -> tuple[KeyRevocation, bytes]:
        signer = _find_identity(contents, key, path)
        _require_not_revoked(contents.public, signer.key, path)
        revocation = KeyRevocation(signer.key, reason, from_ns)
        frame = encode(sign(revocation, [signer]))
        contents.statements += (frame,)
        return revocation, frame

    return _change(path, passphrase, change)


def change_passphrase(path: Path, passphrase: bytes | bytearray, new: bytes | bytearray) -> None:
    """Put a keystore under another passphrase. Copies from before still open with the old one. Raises `KeysError`."""
    _change(path, passphrase, lambda contents: None, new)


def statements_of(public: Public, name: str) -> Iterator[tuple[Statement, bytes]]:
    """Yield each statement of a keystore with its frame, oldest first. Raises `Damaged` for one that says nothing."""
    for frame in public.statements:
        found = read_statement(frame)
        if isinstance(found, WireFault):
            raise damaged(name, f"a statement in it does not hold ({found})")
        yield found, frame


def revocation_of(public: Public, key: bytes, name: str) -> KeyRevocation | None:
    """Return the revocation of a key that a keystore holds. Raises as `statements_of`."""
    for found, _ in statements_of(public, name):
        if isinstance(found, KeyRevocation) and found.key == key:
            return found
    return None


def seal(contents: Contents, passphrase: bytes | bytearray) -> bytes:
    """Return a keystore as a file. Salt and nonce are new each time."""
    salt, nonce = os.urandom(crypto_pwhash_SALTBYTES), os.urandom(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
    head = make_head(contents.cost, salt, nonce, contents.public, len(contents.seeds))
    key = _stretch(passphrase, salt, contents.cost)
    return finish(head, crypto_aead_xchacha20poly1305_ietf_encrypt(b"".join(contents.seeds), head, nonce, key))


def _unseal(parts: Parts, passphrase: bytes | bytearray, name: str) -> Contents:
    key = _stretch(passphrase, parts.salt, parts.cost)
    try:
        plain = bytearray(crypto_aead_xchacha20poly1305_ietf_decrypt(parts.sealed, parts.head, parts.nonce, key))
    except CryptoError:
        raise WrongPassphrase(
            f"{name} does not open: wrong passphrase, or somebody has changed the file: give the passphrase that it "
            "was made with, or restore it from a backup"
        ) from None
    seeds = [plain[start : start + KEY_BYTES] for start in range(0, len(plain), KEY_BYTES)]
    wipe(plain)
    public = parts.public
    contents = Contents(seeds, public.curve_generation, public.statements, parts.cost)
    if contents.public != public:
        contents.wipe()
        raise damaged(name, "its keys are not those of its seeds")
    return contents


def _stretch(passphrase: bytes | bytearray, salt: bytes, cost: Cost) -> bytes:
    try:
        return crypto_pwhash_alg(
            KEY_BYTES, bytes(passphrase), salt, cost.passes, cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13
        )
    except (SodiumError, MemoryError):
        raise SystemRefuses(
            f"a passphrase needs {cost.memory_bytes >> 20} MiB of memory, which this machine did not give: free some"
        ) from None


def _take_apart(path: Path) -> Parts:
    return take_apart(read_private(path, KEYSTORE_BYTES_MAX, _advice(path)), shown(path))


def _change(
    path: Path,
    passphrase: bytes | bytearray,
    change: Callable[[Contents], Result],
    new_passphrase: bytes | bytearray | None = None,
) -> Result:
    with locked(path, _advice(path)), _opened(path, passphrase) as contents:
        result = change(contents)
        replace(path, seal(contents, passphrase if new_passphrase is None else new_passphrase))
        return result


@contextmanager
def _opened(path: Path, passphrase: bytes | bytearray) -> Iterator[Contents]:
    contents = open_keystore(path, passphrase)
    try:
        yield contents
    finally:
        contents.wipe()


def _find_identity(contents: Contents, key: str, path: Path) -> Ed25519Signer:
    signers = [Ed25519Signer(bytes(seed)) for seed in contents.seeds]
    if not key:
        return signers[-1]
    found = [signer for signer in signers if signer.key.hex().startswith(key.lower())]
    if len(key) < KEY_DIGITS_MIN or len(found) != 1:
        raise NotChanged(
            f"{shown(path)} has no identity {shown(key)}: give {KEY_DIGITS_MIN} digits or more of one that "
            f"outcry keys show {quoted(path)} lists"
        )
    return found[0]


def _require_not_revoked(public: Public, key: bytes, path: Path) -> None:
    if revocation_of(public, key, shown(path)) is not None:
        raise NotChanged(
            f"{shown(path)}: identity {key.hex()[:16]} is revoked, which is for good: "
            "make another keystore with outcry keys new"
        )


def _advice(path: Path) -> str:
    return f"name the keystore, or make one with outcry keys new {quoted(path)}"
