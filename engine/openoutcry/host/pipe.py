"""Frames between a node and a plugin's own process: a length of four bytes, then a MessagePack array.

The node believes nothing that comes back: the length is held against what an answer can be before anything is read,
the types are checked by msgspec, and the codes as if the plugin had been asked in the node.
"""

import os
import select
import struct
import time
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

import msgspec

LENGTH: Final = struct.Struct("<I")

READY_BYTES_MAX: Final = 65_536
"""What a process says of itself when it is ready, or why it is not, in bytes."""

ASK_BYTES_MAX: Final = 8 * 2**20
"""One question, in bytes: 65,536 commands of 64 bytes with a price of 8 each, and room for the frame."""

OVERHEAD_BYTES: Final = 4_096
"""An answer beside its codes, in bytes: a cut-off line of words."""

BROUGHT_MAX: Final = 256
"""Roles, scenarios or readers that one plugin brings; ours bring at most three."""

Words: TypeAlias = Annotated[str, msgspec.Meta(max_length=4_096)]


Label: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_]{0,31}\Z")]
"""Name of a hook, role, scenario or reader."""

Labels: TypeAlias = Annotated[tuple[Label, ...], msgspec.Meta(max_length=BROUGHT_MAX)]


class Begin(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """Node to process, first: which plugin, where from, and its settings."""

    plugin: str
    value: str
    settings: dict[str, Any]


class Ready(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """Process to node: the plugin is there. Names of its hooks, and of what it would bring were it trusted."""

    hooks: Labels
    roles: Labels = ()
    scenarios: Labels = ()
    readers: Labels = ()


class Failed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """Process to node: the plugin is not there. settings: since it was given settings that it does not take."""

    words: Words
    settings: bool


class Ask(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """Node to process: check these commands. Bytes of COMMAND records and of int64 prices."""

    number: int
    commands: bytes
    last_ticks: bytes


class Told(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """Process to node: the answer. codes: bytes of int16, None for no objection. kind, words: why there is none."""

    number: int
    codes: bytes | None = None
    kind: str = ""
    words: Words = ""


encode: Final = msgspec.msgpack.Encoder().encode
to_child: Final[msgspec.msgpack.Decoder[Begin | Ask]] = msgspec.msgpack.Decoder(Begin | Ask)
_to_node: Final[msgspec.msgpack.Decoder[Ready | Failed | Told]] = msgspec.msgpack.Decoder(Ready | Failed | Told)


class PipeFault(Exception):
    """The other end did not do what it should. kind: as `account.KINDS`."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


def decode_from_child(body: bytes) -> Ready | Failed | Told:
    """Return the message in a frame that a process has sent. Raises PipeFault, "wrong", for whatever is none."""
    try:
        return _to_node.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PipeFault("wrong", f"its process sent what is no frame: {error}") from error


def framed(message: msgspec.Struct) -> bytes:
    """Return a message as it goes through the pipe."""
    body = encode(message)
    return LENGTH.pack(len(body)) + body


def write_until(descriptor: int, frame: bytes, until_ns: int) -> None:
    """Write a whole frame into a pipe that does not block. Raises PipeFault: "down", or "late"."""
    rest = memoryview(frame)
    while True:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            _wait(descriptor, select.POLLOUT, until_ns)
        except OSError as error:
            raise PipeFault("down", f"its process is gone ({error.strerror})") from error
        if not rest:
            return


class Inbox:
    """Frames that arrive through a pipe that does not block; what has come of an unfinished one is kept."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = bytearray()

    def read_until(self, until_ns: int, bytes_max: int) -> bytes:
        """Return the body of the next frame. Raises PipeFault: "down", "late", or "wrong" for too long a frame."""
        while True:
            if len(self._held) >= LENGTH.size:
                (length,) = LENGTH.unpack_from(self._held)
                if length > bytes_max:
                    raise PipeFault("wrong", f"its process sent {length} bytes, expected at most {bytes_max}")
                end = LENGTH.size + length
                if len(self._held) >= end:
                    body = bytes(self._held[LENGTH.size : end])
                    del self._held[:end]
                    return body
            try:
                part = os.read(self._descriptor, READY_BYTES_MAX)
            except BlockingIOError:
                _wait(self._descriptor, select.POLLIN, until_ns)
                continue
            if not part:
                raise PipeFault("down", "its process has ended")
            self._held += part


def read_exactly(read: Callable[[int], bytes], length_max: int) -> bytes | None:
    """Return the body of the next frame from a blocking read, None at the end. For the plugin's own process."""
    head = _exactly(read, LENGTH.size)
    if head is None:
        return None
    (length,) = LENGTH.unpack(head)
    if length > length_max:
        raise PipeFault("wrong", f"a question of {length} bytes")
    return _exactly(read, length)


def _exactly(read: Callable[[int], bytes], count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = read(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _wait(descriptor: int, events: int, until_ns: int) -> None:
    left_ns = until_ns - time.monotonic_ns()
    poll = select.poll()
    poll.register(descriptor, events)
    if left_ns <= 0 or not poll.poll(left_ns / 1_000_000):
        raise PipeFault("late", "no answer within the deadline")
