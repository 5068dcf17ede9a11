"""A megabyte of junk in several shapes, and everything that decodes control messages from strangers."""

import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from openoutcry.host import pipe
from openoutcry.node.core.traffic import Arrival
from openoutcry.node.keys.client import _secrets
from openoutcry.node.keys.errors import KeysError
from openoutcry.node.keys.protocol import ASK_BYTES_MAX, ask_decoder
from openoutcry.node.keys.statements import read_statement
from openoutcry.node.sessions.handshake import Introduction, check_record
from openoutcry.wire.codec import Codec, read_head
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.frames import KINDS
from openoutcry.wire.shape import shape_fault
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.versions import Offer
from tests.small_roles import PINGER, TALLY, Node

MEGABYTE: Final = 1 << 20
ITEMS: Final[dict[str, bytes]] = {
    "zeros": b"\0",
    "nils": b"\xc0",
    "nested arrays": b"\x91",
    "nested long arrays": b"\xdd\xff\xff\xff\xff",
    "empty arrays": b"\x90",
    "nested maps": b"\x81",
    "empty maps": b"\x80",
    "extension types": b"\xd4\x05\x00",
    "extensions of four gigabytes": b"\xc9\xff\xff\xff\xff\x05",
    "strings of four gigabytes": b"\xdb\xff\xff\xff\xff",
    "bytes of four gigabytes": b"\xc6\xff\xff\xff\xff",
    "empty bytes": b"\xc4\x00",
    "maps of four billion": b"\xdf\xff\xff\xff\xff",
    "half numbers": b"\xca",
    "never used": b"\xc1",
    "text that is no UTF-8": b"\xa2\xff\xfe",
}
CODEC: Final = Codec(MESSAGES)
SIGNER: Final = Ed25519Signer(bytes(32))
OWN: Final = Introduction(SIGNER, bytes(32), ("echo",), (), Offer(SIGNER.key, (1,)))


def junk(size: int = MEGABYTE) -> dict[str, bytes]:
    """Return each shape by name: bare, and behind what every tag begins with, an array that claims so many items."""
    shapes: dict[str, bytes] = {}
    for name, item in ITEMS.items():
        for tag in (None, *MESSAGES.types):
            start = b"" if tag is None else b"\xdc\xff\xff" + msgspec.msgpack.encode(int(tag))
            label = name if tag is None else f"{name}, tag {int(tag)}"
            shapes[label] = (start + item * (size // len(item) + 1))[:size]
    shapes["random bytes"] = Random(1).randbytes(size)
    shapes["frame of records"] = (struct.pack("<4sHHQQI", b"OORF", 1, 1, 1, 1, 2**32 - 1) + bytes(size))[:size]
    return shapes


def refuse_answer(data: bytes) -> object:
    """Take an answer of a key service."""
    try:
        return _secrets(bytearray(data[:600]), Path("socket"), bytes(32), 1)
    except KeysError as error:
        return error


def refuse_ask(data: bytes) -> object:
    """Take a question to the key service, which reads no more than one can have."""
    try:
        return ask_decoder.decode(data[:ASK_BYTES_MAX])
    except msgspec.DecodeError as error:
        return error


def refuse_pipe(data: bytes) -> object:
    """Take what a plugin's own process has sent, cut where the node stops reading."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    try:
        os.write(write_end, data[:60_000])
        os.close(write_end)
        return pipe.decode_from_child(pipe.Inbox(read_end).read_until(0, pipe.READY_BYTES_MAX))
    except pipe.PipeFault as error:
        return error
    finally:
        os.close(read_end)


def decoders() -> Mapping[str, Callable[[bytes], object]]:
    """Return, by name, whatever a stranger's bytes are given to; each returns or notes why it refuses them."""
    node = Node(kinds=(TALLY, PINGER))
    stranger = bytes(range(32))
    return {
        "codec": CODEC.decode,
        "head": read_head,
        "records": KINDS.decode,
        "shape": lambda data: shape_fault(data, 2_048, 8),
        "opener": OWN.answer,
        "answer": OWN.accept,
        "service record": lambda data: check_record(data, SIGNER.key, bytes(32), 0),
        "statement": read_statement,
        "node": lambda data: node.core.step([Arrival(stranger, data)], node.now_ns),
        "key service": refuse_ask,
        "key service's answer": refuse_answer,
        "plugin's answer": refuse_pipe,
    }
