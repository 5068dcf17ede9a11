"""The messages of the wire itself: greeting, refusal, and what publisher and follower of a stream say to each other."""

from typing import Annotated, ClassVar

from msgspec import Meta

from openoutcry.wire.fields import (
    ControlBytes,
    Detail,
    FrameBytes,
    Hash,
    KeyId,
    SequenceNumber,
    SequenceOrNone,
    Software,
    StreamId,
    TagNumber,
    Version,
    VersionOrNone,
)
from openoutcry.wire.limits import (
    CAPABILITIES_MAX,
    HANDSHAKE_BYTES_MAX,
    SNAPSHOT_PART_BYTES,
    SNAPSHOT_PARTS_MAX,
    STREAM_CONTROL_BYTES_MAX,
    STREAM_ITEM_BYTES_MAX,
)
from openoutcry.wire.tags import Message, Tag

Capabilities = Annotated[tuple[TagNumber, ...], Meta(max_length=CAPABILITIES_MAX)]
"""Numbers of `versions.Capability`, and of extensions; a number that a node does not know is no fault."""


class Hello(Message, frozen=True, tag=int(Tag.HELLO)):
    """First message of whoever opens a link: who it is, which versions it speaks, what it can do and takes.

    The lengths are what the sender is willing to receive.
    """

    BYTES_MAX: ClassVar[int] = HANDSHAKE_BYTES_MAX
    key: KeyId
    version_min: Version
    version_max: Version
    capabilities: Capabilities
    control_bytes_max: ControlBytes
    frame_bytes_max: FrameBytes
    software: Software = ""


class Welcome(Message, frozen=True, tag=int(Tag.WELCOME)):
    """Answer to HELLO: the version to be spoken, what both can do, and what the answering node takes."""

    BYTES_MAX: ClassVar[int] = HANDSHAKE_BYTES_MAX
    key: KeyId
    version: Version
    capabilities: Capabilities
    control_bytes_max: ControlBytes
    frame_bytes_max: FrameBytes
    software: Software = ""


class Refuse(Message, frozen=True, tag=int(Tag.REFUSE)):
    """Why a message was not taken: a fault code, the tag of the message (0: it had none), words for a log.

    The versions are those that the refusing node speaks, where that is the reason, else 0.
    """

    BYTES_MAX: ClassVar[int] = HANDSHAKE_BYTES_MAX
    reason: TagNumber
    about: TagNumber
    detail: Detail
    version_min: VersionOrNone = 0
    version_max: VersionOrNone = 0


class StreamItem(Message, frozen=True, tag=int(Tag.STREAM_ITEM)):
    """One numbered item of a stream of control messages. Streams of records are record frames."""

    stream: StreamId
    sequence: SequenceNumber
    body: Annotated[bytes, Meta(max_length=STREAM_ITEM_BYTES_MAX)]


class StreamHead(Message, frozen=True, tag=int(Tag.STREAM_HEAD)):
    """The last sequence that the publisher has given (0: none), so that a follower sees what it misses at the end."""

    BYTES_MAX: ClassVar[int] = STREAM_CONTROL_BYTES_MAX
    stream: StreamId
    sequence: SequenceOrNone


class StreamResend(Message, frozen=True, tag=int(Tag.STREAM_RESEND)):
    """A follower asks for a range, both ends included. The answer may end earlier; then it asks for the rest."""

    BYTES_MAX: ClassVar[int] = STREAM_CONTROL_BYTES_MAX
    stream: StreamId
    first: SequenceNumber
    last: SequenceNumber


class StreamUseSnapshot(Message, frozen=True, tag=int(Tag.STREAM_USE_SNAPSHOT)):
    """Answer to STREAM_RESEND: the range is not kept; a snapshot as of `sequence` can be had (0: the start)."""

    BYTES_MAX: ClassVar[int] = STREAM_CONTROL_BYTES_MAX
    stream: StreamId
    sequence: SequenceOrNone


class StreamSnapshotWanted(Message, frozen=True, tag=int(Tag.STREAM_SNAPSHOT_WANTED)):
    """A follower asks for a snapshot that reaches at least to `sequence`."""

    BYTES_MAX: ClassVar[int] = STREAM_CONTROL_BYTES_MAX
    stream: StreamId
    sequence: SequenceOrNone


class StreamSnapshotPart(Message, frozen=True, tag=int(Tag.STREAM_SNAPSHOT_PART)):
    """One part of a snapshot: the state after item `sequence`. `digest` is the SHA-256 of all parts together."""

    stream: StreamId
    sequence: SequenceOrNone
    part: Annotated[int, Meta(ge=0, le=SNAPSHOT_PARTS_MAX - 1)]
    parts: Annotated[int, Meta(ge=1, le=SNAPSHOT_PARTS_MAX)]
    digest: Hash
    body: Annotated[bytes, Meta(max_length=SNAPSHOT_PART_BYTES)]
