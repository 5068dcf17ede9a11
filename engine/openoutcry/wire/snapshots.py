"""A snapshot in parts: cut by the publisher, put together by the follower within a bound, in any order.

Parts that do not fit the first one are faults and change nothing. The whole is believed when its SHA-256 is the digest
that every part carries; who made it is a matter of the link or of a signature over the digest.
"""

from collections.abc import Iterator
from hashlib import sha256

from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.limits import SNAPSHOT_BYTES_MAX, SNAPSHOT_PART_BYTES
from openoutcry.wire.messages import StreamSnapshotPart


def cut(stream: int, sequence: int, state: bytes | memoryview) -> Iterator[StreamSnapshotPart]:
    """Yield the parts of a snapshot as of item `sequence`, in order; an empty state is one empty part."""
    view = memoryview(state)
    assert len(view) <= SNAPSHOT_BYTES_MAX
    digest = sha256(view).digest()
    parts = max(1, -(-len(view) // SNAPSHOT_PART_BYTES))
    for part in range(parts):
        body = bytes(view[part * SNAPSHOT_PART_BYTES : (part + 1) * SNAPSHOT_PART_BYTES])
        yield StreamSnapshotPart(stream, sequence, part, parts, digest, body)


class SnapshotParts:
    """Puts one snapshot together. Its memory is the parts that have come, never what a part claims will come."""

    __slots__ = ("_bodies", "_first")

    def __init__(self, first: StreamSnapshotPart) -> None:
        """Begin with any part; hand the same part to `add` as well."""
        self._first = first
        self._bodies: dict[int, bytes] = {}

    @property
    def missing(self) -> int:
        """Parts that have not come yet."""
        return self._first.parts - len(self._bodies)

    def add(self, part: StreamSnapshotPart) -> bytes | WireFault | None:
        """Take a part; return the whole where it was the last one missing, None where more are, or what is wrong.

        A whole whose digest is wrong is a fault, and everything is to be asked for again with a new `SnapshotParts`.
        """
        first = self._first
        same = (first.stream, first.sequence, first.parts, first.digest)
        if (part.stream, part.sequence, part.parts, part.digest) != same:
            return fault(FaultCode.WRONG_SNAPSHOT, "a part of another snapshot")
        is_last = part.part == part.parts - 1
        if part.part >= part.parts or (not is_last and len(part.body) != SNAPSHOT_PART_BYTES):
            return fault(FaultCode.WRONG_SNAPSHOT, f"part {part.part} of {part.parts} with {len(part.body)} bytes")
        self._bodies.setdefault(part.part, part.body)
        if self.missing:
            return None
        state = b"".join(self._bodies[index] for index in range(first.parts))
        return state if sha256(state).digest() == first.digest else fault(FaultCode.WRONG_CHECKSUM, "of a snapshot")
