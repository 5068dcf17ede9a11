"""A file of captured traffic: eight bytes that say so, then each frame after its length (four little-endian bytes)."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.limits import CAPTURE_FRAME_BYTES_MAX

CAPTURE_MAGIC: Final = b"OOTAP 1\n"
_LENGTH_BYTES: Final = 4


def write_capture(frames: Iterable[bytes | bytearray | memoryview], out: BinaryIO) -> None:
    """Write frames to a file that is open for writing bytes."""
    out.write(CAPTURE_MAGIC)
    for frame in frames:
        write_frame(frame, out)


def write_frame(frame: bytes | bytearray | memoryview, out: BinaryIO) -> None:
    """Write one frame behind those that are there; the file has its eight bytes."""
    assert len(frame) <= CAPTURE_FRAME_BYTES_MAX
    out.write(len(frame).to_bytes(_LENGTH_BYTES, "little"))
    out.write(frame)


def read_capture(source: BinaryIO) -> Iterator[bytes | WireFault]:
    """Yield the frames of a file, one at a time; a fault, which ends it, where the file does not go on as one.

    A file that does not begin as a capture is taken as one frame. No more than `CAPTURE_FRAME_BYTES_MAX` bytes are
    held at once, whatever the file claims.
    """
    start = source.read(len(CAPTURE_MAGIC))
    if start != CAPTURE_MAGIC:
        frame = start + source.read(CAPTURE_FRAME_BYTES_MAX + 1)
        too_long = len(frame) > CAPTURE_FRAME_BYTES_MAX
        yield fault(FaultCode.TOO_LONG, f"more than {CAPTURE_FRAME_BYTES_MAX} bytes") if too_long else frame
        return
    yield from read_frames(source)


def read_frames(source: BinaryIO) -> Iterator[bytes | WireFault]:
    """Yield the frames behind the eight bytes of a file, as `read_capture` does."""
    while length := source.read(_LENGTH_BYTES):
        size = int.from_bytes(length, "little")
        if size > CAPTURE_FRAME_BYTES_MAX:
            yield fault(FaultCode.TOO_LONG, f"a frame of {size} bytes, at most {CAPTURE_FRAME_BYTES_MAX} are read")
            return
        frame = source.read(size)
        if len(length) < _LENGTH_BYTES or len(frame) < size:
            yield fault(FaultCode.MALFORMED, "the file ends inside a frame")
            return
        yield frame
