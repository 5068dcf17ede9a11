"""What is hashed, byte by byte: digests of runs, leaves, links of a member's chain, chains of heads, sealed commands.

| hash | SHA-256 over |
|---|---|
| digest of a run | its records as they travelled, without the headers of frames |
| leaf of a run in its member's chain | 0x00, salt, sequence (8), count (4), digest |
| link of a member's chain | 0x02, link before, leaf |
| start of a member's chain, in place of a link | 0x03, key of the venue, key of the member, session (8) |
| leaf of a run under a head | 0x00, salt, key of the member, sequence (8), count (4), book sequence (8), digest |
| chain of a head | 0x04, chain before, sequence (8), before (8), count (4), book sequence (8), time (8), root |
| start of a venue's chain | 0x05, key of the venue |
| leaf of a command in the tree of its run | 0x00, salt, record |
| sealed command | 0x06, salt, key of the member, sequence (8), record |

A run is what COMMANDS_TAKEN calls one: commands of one member that the book carries out one after the other, from one
frame or from several. A sealed command is a run of its own, with its hash as digest and book sequence 0.

Integers are little-endian. Leaves and nodes are those of `wire.merkle`; what follows a salt has another length for each
kind of leaf, so none can be taken for another. A salt is known to the owner of the run and to the venue alone.
"""

from hashlib import blake2b, sha256
from struct import Struct
from typing import Final

from openoutcry.venue.proof.messages import ChainHead
from openoutcry.wire.fields import HASH_BYTES, SALT_BYTES
from openoutcry.wire.merkle import leaf, salt_of

_MEMBER_LEAF: Final = Struct("<QI32s")
_VENUE_LEAF: Final = Struct("<32sQIQ32s")
_HEAD: Final = Struct("<32sQQIQQ32s")
_START: Final = Struct("<32s32sQ")


def digest_of(*records: bytes | memoryview) -> bytes:
    """Return the digest of a run's records, in one piece or in several. Cost: 8 microseconds for 256 commands."""
    hashed = sha256()
    for piece in records:
        hashed.update(piece)
    return hashed.digest()


def run_salt(secret: bytes, sequence: int) -> bytes:
    """Return the salt of the run that begins with command `sequence`, 16 bytes. Cost: 0.7 microseconds."""
    return salt_of(secret, sequence)


def tree_secret(secret: bytes, sequence: int) -> bytes:
    """Return the secret for the salts of the commands inside one run, 32 bytes."""
    return blake2b(b"tree" + sequence.to_bytes(8, "little"), digest_size=HASH_BYTES, key=secret).digest()


def member_leaf(salt: bytes, sequence: int, count: int, digest: bytes) -> bytes:
    """Return the leaf of a run in the chain of its member."""
    return leaf(salt, _MEMBER_LEAF.pack(sequence, count, digest))


def member_link(previous: bytes, leaf_hash: bytes) -> bytes:
    """Return the link of a run in the chain of its member."""
    return sha256(b"\x02" + previous + leaf_hash).digest()


def member_start(venue: bytes, member: bytes, session: int) -> bytes:
    """Return what stands before the first link of a member's chain at a venue."""
    return sha256(b"\x03" + _START.pack(venue, member, session)).digest()


def venue_leaf(salt: bytes, member: bytes, sequence: int, count: int, book_sequence: int, digest: bytes) -> bytes:
    """Return the leaf of a run under a head of the venue."""
    return leaf(salt, _VENUE_LEAF.pack(member, sequence, count, book_sequence, digest))


def venue_start(venue: bytes) -> bytes:
    """Return what stands before the first head of a venue."""
    return sha256(b"\x05" + venue).digest()


def head_chain(head: ChainHead) -> bytes:
    """Return the chain of a head, which the next one names as `previous`."""
    fields = (head.previous, head.sequence, head.before, head.count, head.book_sequence, head.time_ns, head.root)
    return sha256(b"\x04" + _HEAD.pack(*fields)).digest()


def sealed_hash(salt: bytes, member: bytes, sequence: int, command: bytes) -> bytes:
    """Return the hash of a sealed command. salt: 16 bytes that are used once; without them nobody can try contents."""
    assert len(salt) == SALT_BYTES
    return sha256(b"\x06" + salt + member + sequence.to_bytes(8, "little") + command).digest()
