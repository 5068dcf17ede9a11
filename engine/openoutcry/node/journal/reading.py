"""Reading a journal's folder without changing anything: what the node replays, and what an auditor verifies."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from openoutcry.node.journal.batch import unpack_records
from openoutcry.node.journal.errors import Damaged
from openoutcry.node.journal.folder import Kept, list_kept, map_segment, read_archive
from openoutcry.node.journal.layout import ALIGN, SEGMENT_HEADER_BYTES
from openoutcry.node.journal.log import Batch
from openoutcry.node.journal.walk import Buffer, Position, Walk


class Verified(NamedTuple):
    """What `verify` found: which records there are, the hash that stands for all of them, what an operator reads."""

    first: int
    last: int
    chain: bytes
    segments: int
    notes: tuple[str, ...]


def walk_of(kept: Kept, load: Callable[[Kept], Buffer]) -> Walk:
    """Return a walk that stands at the first batch of a segment."""
    header = kept.header
    start = Position(SEGMENT_HEADER_BYTES, header.first, header.chain)
    return Walk(load(kept), str(kept.path), header.journal, header.number, start)


def load_segment(kept: Kept) -> Buffer:
    """Return the content of a segment: mapped, or decompressed and filled up to whole lines."""
    if kept.archived:
        content = read_archive(kept.path)
        return content + bytes(-len(content) % ALIGN)
    return map_segment(kept.path)


def batches(walk: Walk, first: int) -> Iterator[Batch]:
    """Yield the batches of one segment up to the first place where no good one stands, from record `first` on.

    Raises Damaged for a batch with good checksums whose records do not add up.
    """
    while True:
        at = walk.position
        found = walk.step()
        if found is None:
            return
        header, body = found
        if not header.records or at.next + header.records <= first:
            continue
        records = unpack_records(body, header.records)
        if records is None:
            raise Damaged(
                f"{walk.name}: the records of the batch at offset {at.offset} do not add up; restore this file"
            )
        skip = max(0, first - at.next)
        yield Batch(at.next + skip, records[skip:])


def require_joint(walk: Walk, following: Kept) -> None:
    """Raise Damaged where a segment does not end where the next one begins."""
    _, due, chain = walk.position
    if (due, chain) == (following.header.first, following.header.chain):
        return
    what = (
        "another chain" if due == following.header.first else f"records {due} to {following.header.first - 1} missing"
    )
    raise Damaged(
        f"{walk.name}: at offset {walk.position.offset} stands no good batch, and {following.path.name} begins with "
        f"record {following.header.first}: {what}; nothing was changed; restore this file from a backup"
    )


def read_segments(kept: Sequence[Kept], first: int, load: Callable[[Kept], Buffer]) -> Iterator[Batch]:
    """Yield the batches of all but the last of the segments, from record `first` on; each is checked to its end."""
    for segment, following in pairwise(kept):
        if following.header.first > first:
            walk = walk_of(segment, load)
            yield from batches(walk, first)
            require_joint(walk, following)


def verify(folder: Path) -> Verified:
    """Check every record that a journal still has, archives included, and change nothing. 1 GB/s.

    Nobody may be writing. Raises NotAJournal or Damaged with what is wrong and where.
    """
    kept = list_kept(folder)
    for _ in read_segments(kept, kept[0].header.first, load_segment):
        pass
    walk = walk_of(kept[-1], load_segment)
    for _ in batches(walk, walk.position.next):
        pass
    tear = walk.judge()
    notes = (f"when it is opened: {tear.message}",) if tear else ()
    return Verified(kept[0].header.first, walk.position.next - 1, walk.position.chain, len(kept), notes)
