"""Bytes of a keystore, format 1 (docs/reference/keystore.md): taken apart and put together, every number checked.

What is read here may come from anyone: nothing is allocated, and no key derived, from a number that was not checked.
"""

import struct
from hashlib import sha256
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta
from nacl.bindings import (
    crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE,
    crypto_pwhash_argon2id_MEMLIMIT_MIN,
    crypto_pwhash_argon2id_MEMLIMIT_MODERATE,
    crypto_pwhash_argon2id_MEMLIMIT_SENSITIVE,
    crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
    crypto_pwhash_argon2id_OPSLIMIT_MIN,
    crypto_pwhash_argon2id_OPSLIMIT_MODERATE,
    crypto_pwhash_argon2id_OPSLIMIT_SENSITIVE,
)

from openoutcry.node.keys.errors import Damaged, KeysError, NewerFormat, NotAKeystore
from openoutcry.wire.fields import KEY_BYTES, KeyId
from openoutcry.wire.limits import INT_MAX

MAGIC: Final = b"OUTCRYKS"
VERSION: Final = 1
ARGON2ID: Final = 1
"""Number of the only way to make a key of a passphrase: argon2id, version 1.3, one lane."""

HEADER: Final = struct.Struct("<8sHHIQ16s24sII")
DIGEST_BYTES: Final = 32
TAG_BYTES: Final = 16
"""What XChaCha20-Poly1305 adds."""

KEYSTORE_BYTES_MAX: Final = 64 * 1024
"""Longest keystore, in bytes: 64 identities with all their statements need 45,000."""

IDENTITIES_MAX: Final = 64
"""Identities of one keystore, the present one included; also the longest chain of rotations that is followed."""

STATEMENTS_MAX: Final = 2 * IDENTITIES_MAX
"""Statements in a keystore: a rotation between two identities, a revocation of each."""

STATEMENT_FRAME_BYTES_MAX: Final = 1_024
"""Frame of one statement with its signatures, in bytes; with two it has 314."""

PASSES_MAX: Final = 16
"""Passes over the memory that a keystore may ask for; SENSITIVE takes 4."""

MEMORY_BYTES_MAX: Final = crypto_pwhash_argon2id_MEMLIMIT_SENSITIVE
"""Memory that a keystore may ask for: 1 GiB. A hostile file must not stop the machine."""


class Cost(NamedTuple):
    """What argon2id has to do: passes over its memory, and how much of that, in bytes."""

    passes: int
    memory_bytes: int


CHEAPEST: Final = Cost(crypto_pwhash_argon2id_OPSLIMIT_MIN, crypto_pwhash_argon2id_MEMLIMIT_MIN)
"""The least that argon2id takes: only for tests, and for passphrases that are random keys."""
INTERACTIVE: Final = Cost(crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE, crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE)
MODERATE: Final = Cost(crypto_pwhash_argon2id_OPSLIMIT_MODERATE, crypto_pwhash_argon2id_MEMLIMIT_MODERATE)
"""256 MiB and half a second to a second."""
SENSITIVE: Final = Cost(crypto_pwhash_argon2id_OPSLIMIT_SENSITIVE, crypto_pwhash_argon2id_MEMLIMIT_SENSITIVE)

Frame = Annotated[bytes, Meta(min_length=1, max_length=STATEMENT_FRAME_BYTES_MAX)]


class Public(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The part of a keystore that is no secret; it is believed once the keystore has opened.

    identity: the node's key. curve: its link key, of this generation. statements: frames of SIGNED, oldest first.
    """

    identity: KeyId
    curve: KeyId
    curve_generation: Annotated[int, Meta(ge=1, le=INT_MAX)]
    statements: Annotated[tuple[Frame, ...], Meta(max_length=STATEMENTS_MAX)] = ()


class Parts(NamedTuple):
    """A keystore taken apart. head: everything before the sealed part, which its seal also covers."""

    cost: Cost
    salt: bytes
    nonce: bytes
    public: Public
    head: bytes
    sealed: bytes


_decoder: Final = msgspec.msgpack.Decoder(Public)


def make_head(cost: Cost, salt: bytes, nonce: bytes, public: Public, seeds: int) -> bytes:
    """Return what stands before the sealed part of so many seeds."""
    content = msgspec.msgpack.encode(public)
    sealed_bytes = seeds * KEY_BYTES + TAG_BYTES
    return HEADER.pack(MAGIC, VERSION, ARGON2ID, *cost, salt, nonce, len(content), sealed_bytes) + content


def finish(head: bytes, sealed: bytes) -> bytes:
    """Return the whole file."""
    content = head + sealed
    assert len(content) + DIGEST_BYTES <= KEYSTORE_BYTES_MAX
    return content + sha256(content).digest()


def take_apart(content: bytes, name: str) -> Parts:
    """Return the parts of a keystore. name: of the file, for the texts.

    Raises `NotAKeystore`, `NewerFormat`, `Damaged`. The digest shows damage; only the seal shows that nobody has
    changed it. Cost: 0.1 ms.
    """
    if content[: len(MAGIC)] != MAGIC[: len(content)] or not content:
        raise NotAKeystore(f"{name} is no keystore: name the right file, or make one with outcry keys new")
    if len(content) >= 10 and (version := int.from_bytes(content[8:10], "little")) > VERSION:
        raise NewerFormat(
            f"{name} has keystore format {version}, this program knows up to {VERSION}: install a later openoutcry"
        )
    if len(content) < HEADER.size + DIGEST_BYTES:
        raise damaged(name, f"it ends after {len(content)} bytes")
    if len(content) > KEYSTORE_BYTES_MAX:
        raise damaged(name, f"it has more than {KEYSTORE_BYTES_MAX} bytes")
    _, version, kind, passes, memory_bytes, salt, nonce, public_bytes, sealed_bytes = HEADER.unpack_from(content)
    if len(content) != HEADER.size + public_bytes + sealed_bytes + DIGEST_BYTES:
        raise damaged(name, f"it has {len(content)} bytes, not those that its header says")
    if content[-DIGEST_BYTES:] != sha256(content[:-DIGEST_BYTES]).digest():
        raise damaged(name, "its digest does not fit")
    if version != VERSION or kind != ARGON2ID:
        raise damaged(name, f"format {version} with key derivation {kind} does not exist")
    cost = Cost(passes, memory_bytes)
    if not (CHEAPEST.passes <= passes <= PASSES_MAX and CHEAPEST.memory_bytes <= memory_bytes <= MEMORY_BYTES_MAX):
        raise damaged(
            name,
            f"it asks for {passes} passes over {memory_bytes} bytes, at most {PASSES_MAX} over {MEMORY_BYTES_MAX} "
            "are taken",
        )
    seeds, rest = divmod(sealed_bytes - TAG_BYTES, KEY_BYTES)
    if rest or not 1 <= seeds <= IDENTITIES_MAX:
        raise damaged(name, f"its sealed part has {sealed_bytes} bytes")
    end = HEADER.size + public_bytes
    try:
        public = _decoder.decode(content[HEADER.size : end])
    except msgspec.DecodeError as error:
        raise damaged(name, f"its public part cannot be read ({error})") from None
    return Parts(cost, salt, nonce, public, content[:end], content[end:-DIGEST_BYTES])


def damaged(name: str, what: str) -> KeysError:
    """Say what is wrong with a keystore that cannot be used any more."""
    return Damaged(f"{name} is damaged: {what}: restore it from a backup")
