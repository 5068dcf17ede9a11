"""The file in which a client keeps a session: what was sent, what came, what was heard on topics, byte by byte.

Eight bytes `OOSES 1` and a line feed, then frames after their length, as in a capture: first one `About`, then an
`Entry` each, both MessagePack arrays. A client appends each entry when it happens; a file that ends inside an entry is
one whose client died, and is read up to there.

The file alone decides what `outcry verify session` says. It holds the secret of the session's salts: keep it private.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated, BinaryIO, Final, TypeVar

import msgspec
from msgspec import Meta

from openoutcry.venue.proof.messages import Path, ProofSession, RecordCount
from openoutcry.wire.capture import read_frames, write_frame
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.fields import KeyId, Salt, SequenceNumber, SequenceOrNone, TimeNs
from openoutcry.wire.limits import FRAME_BYTES_MAX

T = TypeVar("T")

MAGIC: Final = b"OOSES 1\n"


class EntryKind(IntEnum):
    """What an entry holds."""

    SENT = 1
    """A frame that the member has sent over its link."""
    RECEIVED = 2
    """A frame that came over its link."""
    HEARD = 3
    """A frame that came on a topic that anyone may hear."""
    REVEALED = 4
    """A `Revealed`: a frame of somebody else that the venue, or its owner, has published."""


class About(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Whose session it is. first, first_event: the first command and the first event of which the file knows; 1
    and 1 for a member's whole life.
    """

    venue: KeyId
    member: KeyId
    session: ProofSession
    first: SequenceNumber = 1
    first_event: SequenceNumber = 1


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One thing that happened; time_ns: by the member's clock."""

    kind: EntryKind
    time_ns: TimeNs
    frame: Annotated[bytes, Meta(max_length=FRAME_BYTES_MAX)]


class Revealed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A frame with its place, so that whoever has the heads can check it. member: the venue's key for its own.

    head, index, path: as in a RECEIPT. records: `count` times 64 bytes.
    """

    member: KeyId
    sequence: SequenceNumber
    count: RecordCount
    book_sequence: SequenceNumber
    salt: Salt
    head: SequenceNumber
    index: SequenceOrNone
    path: Path
    records: Annotated[bytes, Meta(max_length=FRAME_BYTES_MAX)]


_ENCODER: Final = msgspec.msgpack.Encoder()
_ABOUT: Final = msgspec.msgpack.Decoder(About)
_ENTRY: Final = msgspec.msgpack.Decoder(Entry)
_REVEALED: Final = msgspec.msgpack.Decoder(Revealed)


def begin(about: About, out: BinaryIO) -> None:
    """Write the beginning of a file that is open for writing bytes."""
    out.write(MAGIC)
    write_frame(_ENCODER.encode(about), out)


def append(kind: EntryKind, time_ns: int, frame: bytes | bytearray | memoryview, out: BinaryIO) -> None:
    """Write one entry. Cost: 1 microsecond and a copy of the frame."""
    write_frame(_ENCODER.encode(Entry(kind, time_ns, bytes(frame))), out)


def append_revealed(revealed: Revealed, time_ns: int, out: BinaryIO) -> None:
    """Write a frame of somebody else that was published."""
    append(EntryKind.REVEALED, time_ns, _ENCODER.encode(revealed), out)


def read_session(source: BinaryIO) -> tuple[About, Iterator[Entry | WireFault]] | WireFault:
    """Return whose session a file is and its entries, one at a time; a fault among them ends them. Never raises."""
    if source.read(len(MAGIC)) != MAGIC:
        return fault(FaultCode.WRONG_MAGIC, "not a session file")
    frames = read_frames(source)
    first = next(frames, fault(FaultCode.MALFORMED, "the file ends before it begins"))
    if isinstance(first, WireFault):
        return first
    about = _decode(_ABOUT, first)
    return about if isinstance(about, WireFault) else (about, _entries(frames))


def read_revealed(entry: Entry) -> Revealed | WireFault:
    """Return the published frame that an entry holds."""
    return _decode(_REVEALED, entry.frame)


def _entries(frames: Iterator[bytes | WireFault]) -> Iterator[Entry | WireFault]:
    for frame in frames:
        if isinstance(frame, WireFault):
            yield frame
            return
        entry = _decode(_ENTRY, frame)
        yield entry
        if isinstance(entry, WireFault):
            return


def _decode(decoder: msgspec.msgpack.Decoder[T], frame: bytes) -> T | WireFault:
    try:
        return decoder.decode(frame)
    except msgspec.ValidationError as error:
        return fault(FaultCode.INVALID_FIELD, str(error))
    except msgspec.DecodeError as error:
        return fault(FaultCode.MALFORMED, str(error))
