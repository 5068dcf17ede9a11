"""What is said to an echo, and what it says."""

from typing import Annotated, Final

from msgspec import Meta

from openoutcry.wire.fields import Count
from openoutcry.wire.tags import Message, MessageType

BODY_BYTES_MAX: Final = 48 * 1024
"""Content of one request, in bytes: with its head it fits into an envelope."""

Body = Annotated[bytes, Meta(max_length=BODY_BYTES_MAX)]


class EchoRequest(Message, frozen=True, tag=10_000):
    """Please send this back. number: the sender's own, so that it knows which answer belongs to it."""

    number: Count
    body: Body


class EchoReply(Message, frozen=True, tag=10_001):
    """The number and the content of one request, to who has sent it."""

    number: Count
    body: Body


MESSAGES: Final[tuple[MessageType, ...]] = (EchoRequest, EchoReply)
REQUEST_TAG: Final = 10_000
REPLY_TAG: Final = 10_001
