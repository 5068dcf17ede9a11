"""A decoder with a fault in it, behind a checksum and several fields: the search has to find it."""

import struct
from collections.abc import Iterable
from random import Random
from typing import Final

from crc32c import crc32c

from tests.fuzz.targets.shapes import packed, tree, unpacked
from tests.fuzz.targets.target import Raw, Target

HEAD: Final = struct.Struct("<4sI")
MAGIC: Final = b"PLNT"


class Planted(Exception):
    """The fault."""


def decode(data: bytes) -> str:
    """Return what a frame is, in a word."""
    if len(data) < HEAD.size or data[:4] != MAGIC:
        return "no frame"
    if HEAD.unpack_from(data)[1] != crc32c(data[HEAD.size :]):
        return "wrong checksum"
    value = unpacked(data[HEAD.size :])
    if not isinstance(value, list) or len(value) != 4:
        return "no message"
    kind, sequence, items, name = value
    if not isinstance(sequence, int) or not isinstance(items, list) or not isinstance(name, bytes):
        return "wrong types"
    if kind != 2:
        return "another kind"
    if len(items) < 3:
        return "too few"
    if len(name) != 32:
        return "no name"
    if sequence >= 2**63:
        raise Planted("a sequence that does not fit was taken")
    return "good"


def run(data: bytes) -> None:
    """Decode."""
    assert decode(data)


def framed(body: bytes) -> bytes:
    """Return a message as a frame."""
    return HEAD.pack(MAGIC, crc32c(body)) + body


def seeds() -> Iterable[bytes]:
    """Return a frame of another kind, with nothing in it."""
    yield framed(packed([1, 7, [], b"name"]))


def change(data: bytes, random: Random, raw: Raw) -> bytes:
    """Change the message and not the frame around it."""
    if data[:4] != MAGIC:
        return next(iter(seeds()))
    return framed(tree()(data[HEAD.size :], random, raw))


TARGETS: Final = {"planted": Target(run, seeds, change)}
