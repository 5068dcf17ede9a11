"""Types of fields: each integer with its range, each text and byte string with its length, so that decoding checks it.

A field of any other type is refused when its message enters the tag table (`bounds`).
"""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from openoutcry.domain.limits import QTY_LOTS_MAX, TIME_NS_MAX
from openoutcry.wire.limits import (
    ADDRESS_CHARS_MAX,
    CONTROL_BYTES_MAX,
    DETAIL_CHARS_MAX,
    FRAME_BYTES_MAX,
    INT_MAX,
    NAME_CHARS_MAX,
    RATE_PPM_MAX,
    SOFTWARE_CHARS_MAX,
    TAG_MAX,
)

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
HASH_BYTES: Final = 32
SALT_BYTES: Final = 16

KeyId: TypeAlias = Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
"""A node or signer: its Ed25519 public key itself, so nothing has to be looked up to verify."""

SignatureBytes: TypeAlias = Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
Hash: TypeAlias = Annotated[bytes, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
"""SHA-256."""
Salt: TypeAlias = Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
InstrumentId: TypeAlias = Hash
"""Hash of an instrument's certificate."""

Count: TypeAlias = Annotated[int, Meta(ge=0, le=INT_MAX)]
SequenceNumber: TypeAlias = Annotated[int, Meta(ge=1, le=INT_MAX)]
"""From 1, without gaps."""
SequenceOrNone: TypeAlias = Annotated[int, Meta(ge=0, le=INT_MAX)]
"""A sequence, or 0 for none yet."""
StreamId: TypeAlias = Annotated[int, Meta(ge=0, le=INT_MAX)]
"""Number of one stream of one publisher; a stream that starts anew gets another one."""
TimeNs: TypeAlias = Annotated[int, Meta(ge=0, le=TIME_NS_MAX)]
"""Nanoseconds UTC since 1970."""
Version: TypeAlias = Annotated[int, Meta(ge=1, le=TAG_MAX)]
VersionOrNone: TypeAlias = Annotated[int, Meta(ge=0, le=TAG_MAX)]
TagNumber: TypeAlias = Annotated[int, Meta(ge=0, le=TAG_MAX)]
"""A tag, capability or fault code; 0 for none."""
ControlBytes: TypeAlias = Annotated[int, Meta(ge=1_024, le=CONTROL_BYTES_MAX)]
FrameBytes: TypeAlias = Annotated[int, Meta(ge=1_024, le=FRAME_BYTES_MAX)]
RatePpm: TypeAlias = Annotated[int, Meta(ge=-RATE_PPM_MAX, le=RATE_PPM_MAX)]
Units: TypeAlias = Annotated[int, Meta(ge=0, le=QTY_LOTS_MAX)]

# \A and \Z: msgspec searches, and $ would also match before a newline at the end.
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX, pattern=r"\A[a-z][a-z0-9_]*\Z")]
"""Name of a message type or role."""
Software: TypeAlias = Annotated[str, Meta(max_length=SOFTWARE_CHARS_MAX, pattern=r"\A[ -~]*\Z")]
Detail: TypeAlias = Annotated[str, Meta(max_length=DETAIL_CHARS_MAX, pattern=r"\A[ -~]*\Z")]
"""Printable ASCII: it goes into logs and onto terminals."""
Address: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=ADDRESS_CHARS_MAX, pattern=r"\Atcp://([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}\Z"),
]
"""`tcp://host:port`; an IPv6 host stands in brackets."""
