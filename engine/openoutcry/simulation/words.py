"""A frame in words, for whoever reads a trace."""

from collections.abc import Mapping
from typing import Final

from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import is_record_frame, read_header
from openoutcry.wire.requests import Envelope
from openoutcry.wire.shape import Buffer

BODIES_SHOWN: Final = 8
BYTES_SHOWN: Final = 4
"""Of a byte string, at its begin and at its end."""


def words_of(frame: Buffer, codec: Codec, names: Mapping[bytes, str]) -> str:
    """Say what a frame is: its message with its fields, those of an envelope one by one. names: of keys."""
    if is_record_frame(frame):
        header = read_header(frame)
        assert header is not None
        return f"{header.records} records of kind {header.kind}, stream {header.stream}, from {header.sequence} on"
    message = codec.decode(frame)
    if isinstance(message, WireFault):
        return f"{len(frame)} bytes that are no message: {message}"
    if isinstance(message, Envelope):
        bodies = [words_of(body, codec, names) for body in message.bodies[:BODIES_SHOWN]]
        more = len(message.bodies) - len(bodies)
        return "signed " + "; ".join(bodies) + (f"; and {more} more" if more else "")
    values = [f"{name}={_value(getattr(message, name), names)}" for name in message.__struct_fields__]
    return f"{type(message).__name__}({', '.join(values)})"


def _value(value: object, names: Mapping[bytes, str]) -> str:
    if not isinstance(value, bytes):
        return repr(value)
    if value in names:
        return names[value]
    if len(value) <= 2 * BYTES_SHOWN:
        return value.hex()
    return f"{value[:BYTES_SHOWN].hex()}..{value[-BYTES_SHOWN:].hex()}"
