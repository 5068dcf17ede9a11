"""Why bytes from another node are not taken: a code that is never reused, and words for a log."""

from enum import IntEnum

import msgspec

from openoutcry.wire.limits import DETAIL_CHARS_MAX


class FaultCode(IntEnum):
    """The `code` of a fault and the `reason` of a REFUSE."""

    TOO_LONG = 1
    """Longer than its kind of message may be; nothing was decoded."""
    MALFORMED = 2
    """No MessagePack array with a tag first, cut short, or with bytes after its end."""
    UNKNOWN_TAG = 3
    """No message of this tag is known."""
    INVALID_FIELD = 4
    """A field is missing, of the wrong type, too long or out of its range."""
    TOO_NESTED = 5
    """Arrays inside arrays beyond the bound, or too many items in fields that this version does not know."""
    WRONG_MAGIC = 6
    """A record frame that does not begin as one."""
    UNKNOWN_VERSION = 7
    """A protocol or frame version that this node does not speak."""
    UNKNOWN_KIND = 8
    """No record kind of this number is known."""
    WRONG_LENGTH = 9
    """A record frame whose length is not what its kind and count make."""
    OUT_OF_RANGE = 10
    """A count, sequence or field of a record outside its range."""
    WRONG_CHECKSUM = 11
    """The bytes of a record frame or snapshot were changed on the way."""
    WRONG_TYPE = 12
    """A signed object whose payload is another message than its type says."""
    WRONG_SIGNATURE = 13
    """A signature that does not fit."""
    TOO_FEW_SIGNERS = 14
    """Fewer distinct keys have signed than must."""
    WRONG_SENDER = 15
    """Signed by another key than the one that it names."""
    WRONG_RECEIVER = 16
    """Meant for another node."""
    EXPIRED = 17
    """Its time is over."""
    TOO_FAR_AHEAD = 18
    """Its expiry is further ahead than may be."""
    REPLAYED = 19
    """The sender's latest sequence once more."""
    STALE = 20
    """A sequence below the sender's latest."""
    TOO_MANY_SENDERS = 21
    """No room for another sender's high-water mark."""
    WRONG_ROOT = 22
    """Messages, count or path that do not lead to the root that was signed."""
    WRONG_STREAM = 23
    """An item, range or snapshot of another stream."""
    OVERLAP = 24
    """An item that begins before the next sequence and ends at or after it."""
    WRONG_SNAPSHOT = 25
    """A part of a snapshot that does not fit the others."""
    UNKNOWN_AUTHORITY = 26
    """Signed by a key that this node's configuration does not name for it."""
    WRONG_ANSWER = 27
    """A WELCOME for something that was not offered."""
    RATE_LIMITED = 28
    """More messages or bytes than one node may send; those beyond are dropped until it is slower."""
    NOT_ADMITTED = 29
    """Something else before a HELLO and the service record of whose link it is, or a link that must say them again."""
    REVOKED = 30
    """A key that its owner has revoked."""
    BUSY = 31
    """No room for another link; later there may be."""
    NOT_DURABLE = 40
    """It could not be written down, so nothing of it was done; it may be sent again."""
    ROLE_FAILED = 41
    """The role that takes it could not judge it: a fault of the receiver's program, which it has noted."""


class WireFault(msgspec.Struct, frozen=True, gc=False):
    """Why bytes from another node are not taken. `detail` is for people; only `code` decides anything."""

    code: FaultCode
    detail: str = ""

    def __str__(self) -> str:
        name = self.code.name.lower().replace("_", " ")
        return f"{name}: {self.detail}" if self.detail else name


def fault(code: FaultCode, detail: str = "") -> WireFault:
    """Make a fault; the detail is cut to `DETAIL_CHARS_MAX` printable ASCII characters, so that it fits a REFUSE."""
    if len(detail) > DETAIL_CHARS_MAX:
        detail = detail[:DETAIL_CHARS_MAX]
    if not (detail.isascii() and detail.isprintable()):
        detail = "".join(char if " " <= char <= "~" else "?" for char in detail)
    return WireFault(code, detail)


def name_of(code: int) -> str:
    """Name a code, also one from a newer node.

    >>> name_of(3), name_of(60_000)
    ('UNKNOWN_TAG', 'code 60000')
    """
    return FaultCode(code).name if code in FaultCode._value2member_map_ else f"code {code}"
