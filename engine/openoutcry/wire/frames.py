"""Record frames: a 32-byte header, then records exactly as the kernel holds them. Decoded by one `np.frombuffer`.

| bytes | field | |
|---|---|---|
| 0-3 | magic | `OORF`; no control message begins so, since `O` is no MessagePack array |
| 4-5 | kind | which records; the table is `RecordTable` |
| 6-7 | version | of the header and of this kind's record |
| 8-15 | stream | stream id |
| 16-23 | sequence | of the first record; the others follow without gaps |
| 24-27 | count | records, 1 to `FRAME_RECORDS_MAX` |
| 28-31 | checksum | CRC-32C of bytes 0-27 and of the body |

All little-endian. What a record says is judged by who applies it: a book answers a bad COMMAND with a reject code. Only
the fields by which a reader would look something up are held to a range here.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from openoutcry.domain import EventKind
from openoutcry.domain.records import COMMAND, EVENT
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.limits import (
    EXTENSION_TAG_MIN,
    FRAME_BYTES_MAX,
    FRAME_HEADER_BYTES,
    FRAME_RECORDS_MAX,
    INT_MAX,
    TAG_MAX,
)
from openoutcry.wire.shape import Buffer

MAGIC: Final = b"OORF"
FRAME_VERSION: Final = 1

_HEADER: Final = struct.Struct("<4sHHQQII")
_COVERED: Final = 28
"""Header bytes before the checksum."""

assert _HEADER.size == FRAME_HEADER_BYTES


_GIVEN: Final = {1: "command", 2: "event", 3: "l3", 4: "level", 5: "top", 6: "trade", 7: "indication"}
"""Every number below `EXTENSION_TAG_MIN` that was ever given out, and to which kind. Never reused."""


@dataclass(frozen=True, slots=True)
class RecordKind:
    """Which records a frame holds. ranges: field, smallest and largest value, checked on every decode."""

    number: int
    name: str
    dtype: np.dtype[np.void]
    ranges: tuple[tuple[str, int, int], ...] = ()


COMMANDS: Final = RecordKind(1, "command", COMMAND)
EVENTS: Final = RecordKind(2, "event", EVENT, (("kind", int(min(EventKind)), int(max(EventKind))),))
"""Only the kind has a range: a REJECTED gives side, pair and numbers back as they came, whatever they were."""


def _check_kind(kind: RecordKind) -> None:
    if not 0 < kind.number <= TAG_MAX:
        raise ValueError(f"record kind {kind.number}, expected 1 to {TAG_MAX}")
    if kind.number < EXTENSION_TAG_MIN and _GIVEN.get(kind.number) != kind.name:
        raise ValueError(
            f"record kind {kind.number} is not given to {kind.name}; extensions begin at {EXTENSION_TAG_MIN}"
        )
    if kind.dtype.names is None or kind.dtype.hasobject or kind.dtype.itemsize > FRAME_BYTES_MAX // 2:
        raise ValueError(f"record kind {kind.name}: its dtype has no fields, holds objects or is too long")
    for field, _, _ in kind.ranges:
        if field not in kind.dtype.names:
            raise ValueError(f"record kind {kind.name} has no field {field}")


class RecordFrame(NamedTuple):
    """A decoded frame. `records` is a read-only view of the frame's own bytes: it lives as long as it is used."""

    kind: RecordKind
    stream: int
    sequence: int
    records: NDArray[np.void]


class RecordHeader(NamedTuple):
    """The header as it stands in a frame, believed or not; for who shows traffic."""

    magic: bytes
    kind: int
    version: int
    stream: int
    sequence: int
    records: int
    checksum: int


class RecordTable:
    """Record kinds by number. A value: `extended` makes another table and changes none."""

    __slots__ = ("_kinds",)

    def __init__(self, kinds: Iterable[RecordKind] = ()) -> None:
        """Make a table. Raises ValueError for a number or name that comes twice and for a dtype that may not travel."""
        by_number: dict[int, RecordKind] = {}
        for kind in kinds:
            _check_kind(kind)
            if kind.number in by_number or kind.name in {other.name for other in by_number.values()}:
                raise ValueError(f"record kind {kind.number} ({kind.name}) is there already")
            by_number[kind.number] = kind
        self._kinds = {number: by_number[number] for number in sorted(by_number)}

    def extended(self, kinds: Iterable[RecordKind]) -> "RecordTable":
        """Return a table with these kinds as well. Raises ValueError as the constructor does."""
        return RecordTable([*self._kinds.values(), *kinds])

    @property
    def kinds(self) -> Mapping[int, RecordKind]:
        """Number to kind, ascending."""
        return MappingProxyType(self._kinds)

    def decode(self, frame: Buffer, bytes_max: int = FRAME_BYTES_MAX) -> RecordFrame | WireFault:
        """Return the records of a frame, or why it is none. Never raises, whatever the bytes.

        The records are a view: nothing is copied, and `frame` must not be changed while they are used.
        Cost: 2 microseconds for 256 records, of which a third is the checksum; 2 more for each range of the kind.
        """
        size = len(frame)
        if size > bytes_max:
            return fault(FaultCode.TOO_LONG, f"{size} bytes, at most {bytes_max} are taken")
        if size < FRAME_HEADER_BYTES:
            return fault(FaultCode.WRONG_LENGTH, f"{size} bytes, a header has {FRAME_HEADER_BYTES}")
        magic, number, version, stream, sequence, count, checksum = _HEADER.unpack_from(frame)
        if magic != MAGIC:
            return fault(FaultCode.WRONG_MAGIC)
        if version != FRAME_VERSION:
            return fault(FaultCode.UNKNOWN_VERSION, f"frame version {version}, {FRAME_VERSION} is spoken here")
        kind = self._kinds.get(number)
        if kind is None:
            return fault(FaultCode.UNKNOWN_KIND, f"record kind {number}")
        if not 1 <= count <= FRAME_RECORDS_MAX:
            return fault(FaultCode.OUT_OF_RANGE, f"count is {count}, expected 1 to {FRAME_RECORDS_MAX}")
        if size != FRAME_HEADER_BYTES + count * kind.dtype.itemsize:
            return fault(FaultCode.WRONG_LENGTH, f"{size} bytes, not those of {count} {kind.name} records")
        if stream > INT_MAX or not 1 <= sequence <= INT_MAX - count:
            return fault(FaultCode.OUT_OF_RANGE, "stream or sequence")
        if checksum != _checksum(memoryview(frame)):
            return fault(FaultCode.WRONG_CHECKSUM)
        records = np.frombuffer(frame, kind.dtype, count, FRAME_HEADER_BYTES)
        if records.flags.writeable:
            records.flags.writeable = False
        for field, low, high in kind.ranges:
            values = records[field]
            if values.max() > high or (low > 0 and values.min() < low):
                return fault(FaultCode.OUT_OF_RANGE, f"{field} of a record, expected {low} to {high}")
        return RecordFrame(kind, stream, sequence, records)


KINDS: Final = RecordTable([COMMANDS, EVENTS])
"""The record kinds of the engine so far."""


def room(kind: RecordKind, count: int) -> tuple[bytearray, NDArray[np.void]]:
    """Return a buffer for one frame and its records as a writable view: written in place, they are never copied.

    The caller owns the buffer, fills the view, and calls `seal`; it may use both again for the next frame.
    """
    assert 1 <= count <= FRAME_RECORDS_MAX, count
    buffer = bytearray(FRAME_HEADER_BYTES + count * kind.dtype.itemsize)
    return buffer, np.frombuffer(buffer, kind.dtype, count, FRAME_HEADER_BYTES)


def seal(buffer: bytearray, kind: RecordKind, stream: int, sequence: int, count: int) -> memoryview:
    """Write header and checksum before the first `count` records of a buffer from `room`; return that frame, a view."""
    size = FRAME_HEADER_BYTES + count * kind.dtype.itemsize
    assert 1 <= count <= FRAME_RECORDS_MAX and size <= len(buffer), (count, len(buffer))
    assert 0 <= stream <= INT_MAX and 1 <= sequence <= INT_MAX - count, (stream, sequence)
    _HEADER.pack_into(buffer, 0, MAGIC, kind.number, FRAME_VERSION, stream, sequence, count, 0)
    frame = memoryview(buffer)[:size]
    struct.pack_into("<I", buffer, _COVERED, _checksum(frame))
    return frame


def encode_records(kind: RecordKind, stream: int, sequence: int, records: NDArray[np.void]) -> bytearray:
    """Return a frame of records that lie elsewhere: they are copied, 2 microseconds. `room` and `seal` do without.

    records: (count,) of the kind's dtype, contiguous or not; count is 1 to `FRAME_RECORDS_MAX`.
    """
    same = records.dtype is kind.dtype or records.dtype == kind.dtype
    assert same and records.ndim == 1, records.dtype
    buffer = bytearray(FRAME_HEADER_BYTES + records.nbytes)
    # As bytes, twice: to copy from one array of records to another takes longer before it begins.
    buffer[FRAME_HEADER_BYTES:] = records.tobytes()
    seal(buffer, kind, stream, sequence, len(records))
    return buffer


def read_header(frame: Buffer) -> RecordHeader | None:
    """Return the first 32 bytes as a header without believing any of it; None where there are fewer."""
    return RecordHeader._make(_HEADER.unpack_from(frame)) if len(frame) >= FRAME_HEADER_BYTES else None


def is_record_frame(frame: Buffer) -> bool:
    """Tell a record frame from a control message by its first byte."""
    return len(frame) > 0 and frame[0] == MAGIC[0]


def _checksum(frame: memoryview) -> int:
    return crc32c(frame[FRAME_HEADER_BYTES:], crc32c(frame[:_COVERED]))
