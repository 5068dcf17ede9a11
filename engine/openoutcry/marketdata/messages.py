"""Messages about market data beside those of `openoutcry.wire.messages`, which number streams and send again."""

from typing import ClassVar, Final

from openoutcry.wire.fields import Hash, SequenceOrNone, StreamId
from openoutcry.wire.limits import STREAM_CONTROL_BYTES_MAX
from openoutcry.wire.tags import Message, Tag


class PublicDigest(Message, frozen=True, tag=int(Tag.PUBLIC_DIGEST)):
    """The digest of a pair's displayed book after item `sequence` of its level 3 stream; a follower's must be equal."""

    BYTES_MAX: ClassVar[int] = STREAM_CONTROL_BYTES_MAX
    stream: StreamId
    sequence: SequenceOrNone
    digest: Hash


class PublicDigestWanted(Message, frozen=True, tag=int(Tag.PUBLIC_DIGEST_WANTED)):
    """A follower asks for the present digest of a level 3 stream."""

    BYTES_MAX: ClassVar[int] = STREAM_CONTROL_BYTES_MAX
    stream: StreamId


class StreamCut(Message, frozen=True, tag=int(Tag.STREAM_CUT)):
    """A reader that was too slow gets no more of a stream over this link; `sequence` was the last item that it got.

    It may ask for a snapshot and subscribe again.
    """

    BYTES_MAX: ClassVar[int] = STREAM_CONTROL_BYTES_MAX
    stream: StreamId
    sequence: SequenceOrNone


MESSAGES: Final = (PublicDigest, PublicDigestWanted, StreamCut)
"""For a role's kind, and for whoever extends a tag table."""
