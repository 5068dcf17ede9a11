"""A frame in words, for whoever reads a trace."""

from typing import Final

from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import is_record_frame, read_header
from openoutcry.wire.requests import Envelope
from openoutcry.wire.shape import Buffer
from openoutcry.wire.tags import Message

BODIES_SHOWN: Final = 8
BYTES_SHOWN: Final = 8


def words_of(frame: Buffer, codec: Codec) -> str:
    """Say what a frame is: its message with its fields, those of an envelope one by one."""
    if is_record_frame(frame):
        header = read_header(frame)
        assert header is not None
        return f"{header.records} records of kind {header.kind}, stream {header.stream}, from {header.sequence} on"
    message = codec.decode(frame)
    if isinstance(message, WireFault):
        return f"{len(frame)} bytes that are no message: {message}"
    if isinstance(message, Envelope):
        bodies = [words_of(body, codec) for body in message.bodies[:BODIES_SHOWN]]
        more = len(message.bodies) - len(bodies)
        return "signed " + "; ".join(bodies) + (f"; and {more} more" if more else "")
    return _fields(message)


def _fields(message: Message) -> str:
    values = [f"{name}={_value(getattr(message, name))}" for name in message.__struct_fields__]
    return f"{type(message).__name__}({', '.join(values)})"


def _value(value: object) -> str:
    return f"{value[:BYTES_SHOWN].hex()}" if isinstance(value, bytes) else repr(value)
