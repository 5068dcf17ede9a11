"""What a node and the key service of its machine say to each other (docs/reference/keystore.md).

Over a Unix socket: a length of four bytes, little-endian, and a MessagePack array with an integer tag first. The node
asks once, is answered once, and the service closes.
"""

import socket
import struct
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from openoutcry.wire.fields import KeyId
from openoutcry.wire.limits import INT_MAX

PROTOCOL_VERSION: Final = 1

LENGTH_BYTES: Final = 4
ASK_BYTES_MAX: Final = 64
"""Longest question, in bytes; it has 37."""
ANSWER_BYTES_MAX: Final = 512
"""Longest answer, in bytes."""

SOCKET_PATH_BYTES_MAX: Final = 107
"""Longest path of a Unix socket on Linux (unix(7))."""

CLIENT_S_MAX: Final = 2.0
"""How long one client may take, in seconds. It has to send 41 bytes over a socket of its own machine."""

ANSWER_S_MAX: Final = 10.0
"""How long a node waits for the service, in seconds: longer than `CLIENT_S_MAX`, for a machine that is starting."""

CLIENTS_MAX: Final = 64
"""Clients at a time. One more, and whoever came first has to go: it has had the longest."""

_CREDENTIALS: Final = struct.Struct("3i")


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=1, forbid_unknown_fields=True):
    """A node asks for the secrets of its identity."""

    version: Annotated[int, Meta(ge=0, le=65_535)]
    identity: KeyId


class Give(msgspec.Struct, frozen=True, array_like=True, tag=2, forbid_unknown_fields=True):
    """The secrets: seed of the present identity, seed of the first one, generation of the link key."""

    seed: KeyId
    root: KeyId
    curve_generation: Annotated[int, Meta(ge=1, le=INT_MAX)]

    def __repr__(self) -> str:
        return "Give()"


class Decline(msgspec.Struct, frozen=True, array_like=True, tag=3, forbid_unknown_fields=True):
    """Why there is nothing to give."""

    detail: Annotated[str, Meta(max_length=200, pattern=r"\A[ -~]*\Z")]


Answer: TypeAlias = Give | Decline

ask_decoder: Final = msgspec.msgpack.Decoder(Ask)
answer_decoder: Final = msgspec.msgpack.Decoder[Answer](Answer)
_encoder: Final = msgspec.msgpack.Encoder()


def frame(message: Ask | Answer) -> bytearray:
    """Return a message behind its length, in memory that can be wiped."""
    buffer = bytearray(LENGTH_BYTES)
    _encoder.encode_into(message, buffer, LENGTH_BYTES)
    buffer[:LENGTH_BYTES] = (len(buffer) - LENGTH_BYTES).to_bytes(LENGTH_BYTES, "little")
    return buffer


def length_of(received: bytes | bytearray) -> int:
    """Return the length that the first four bytes claim."""
    return int.from_bytes(received[:LENGTH_BYTES], "little")


def peer_uid(connection: socket.socket) -> int:
    """Return the user that the process at the other end of a Unix socket belongs to (SO_PEERCRED, unix(7))."""
    _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    assert isinstance(uid, int)
    return uid
