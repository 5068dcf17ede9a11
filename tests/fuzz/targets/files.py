"""Targets in a journal's folder: segments, archives, snapshots; and snapshots of books."""

import hashlib
import io
import tempfile
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Final

import zstandard
from crc32c import crc32c

from openoutcry.book.reference import ReferenceBooks
from openoutcry.book.state import State
from openoutcry.node.core.errors import BadSnapshot
from openoutcry.node.core.states import NodeState, RoleState, read_state, write_state
from openoutcry.node.journal import FileLog, JournalError, snapshots, verify
from openoutcry.node.journal.batch import BatchHeader, chain_after, read_header, unpack_records
from openoutcry.node.journal.folder import read_archive
from openoutcry.node.journal.follow import Follower
from openoutcry.node.journal.layout import BATCH_HEADER_BYTES, CHAIN_BYTES, SEGMENT_HEADER_BYTES, first_chain
from openoutcry.role import Record
from openoutcry.wire.requests import HighWater
from tests.fuzz.targets.shapes import numbers, unrepaired
from tests.fuzz.targets.target import Raw, Target
from tests.journals import FIRST, JOURNAL, ROLES, SMALL, FaultyDisk, plain, records

FOLDER: Final = Path(tempfile.mkdtemp(prefix="outcry-fuzz-"))
SEGMENT: Final = FOLDER / FIRST
SEGMENT_BYTES: Final = SMALL.segment_bytes
BATCH_CHECKED: Final = BATCH_HEADER_BYTES - 4


def clear() -> None:
    """Begin with an empty folder; it goes with the process's temporary files."""
    for path in FOLDER.iterdir():
        path.unlink()


def run_journal(data: bytes) -> None:
    """Verify a folder with this segment, and follow it: that never calls damage what the node would start with."""
    clear()
    SEGMENT.write_bytes(data.ljust(SEGMENT_BYTES, b"\0"))
    first, last, is_good = 1, 0, True
    try:
        first, last, *_ = verify(FOLDER)
    except JournalError as error:
        is_good = not _is_one_line(error)
    followed: list[Record] = []
    try:
        follower = Follower(FOLDER, first)
        try:
            for _ in range(3):
                for batch in follower.poll():
                    followed += plain(batch.records)
        finally:
            follower.close()
    except JournalError as error:
        assert _is_one_line(error)
        assert not is_good, str(error)
    assert not is_good or len(followed) <= last - first + 1, "records that are not there"


def _is_one_line(error: JournalError) -> bool:
    text = str(error)
    assert text and text.isprintable() and len(text) < 1_000, text
    return True


def segments() -> Iterable[bytes]:
    """Return segments with no batch, and with three and a mark behind them."""
    for count in (0, 3):
        clear()
        log = FileLog.create(FOLDER, ROLES, SMALL, journal=JOURNAL, disk=FaultyDisk())
        for size in (0, 64, 700)[:count]:
            log.durable(log.append(records(log.last + 1, 3, size)))
        log.close()
        yield SEGMENT.read_bytes().rstrip(b"\0") + bytes(8)


def chained_anew(content: bytearray, random: Random) -> bytes:
    """Make checksums and chain of all batches right again: of headers, or also of bodies, or also the chain."""
    depth = random.randrange(4)
    if depth == 3:
        content[SEGMENT_HEADER_BYTES - 4 : SEGMENT_HEADER_BYTES] = _check(content[: SEGMENT_HEADER_BYTES - 4])
    chain = first_chain(JOURNAL)
    at = SEGMENT_HEADER_BYTES
    while len(content) >= at + BATCH_HEADER_BYTES + CHAIN_BYTES:
        size = int.from_bytes(content[at + 56 : at + 60], "little")
        end = at + size
        if size < BATCH_HEADER_BYTES + CHAIN_BYTES or end > len(content):
            break
        body = bytes(content[at + BATCH_HEADER_BYTES : end - CHAIN_BYTES])
        chain = chain_after(chain, body)
        if depth > 1:
            content[end - CHAIN_BYTES : end] = chain
        if depth > 0:
            content[at + 52 : at + 56] = _check(content[at + BATCH_HEADER_BYTES : end])
        content[at + BATCH_CHECKED : at + BATCH_HEADER_BYTES] = _check(content[at : at + BATCH_CHECKED])
        at = end
    return bytes(content)


def _check(part: bytearray) -> bytes:
    return crc32c(bytes(part)).to_bytes(4, "little")


def run_archive(data: bytes) -> None:
    """Read an archive, and walk through what is in it."""
    clear()
    path = FOLDER / f"{FIRST}.zst"
    path.write_bytes(data)
    SEGMENT.with_name("000000000002.journal").write_bytes(b"")
    try:
        content = read_archive(path)
        follower = Follower(FOLDER)
    except JournalError as error:
        _is_one_line(error)
        return
    follower.close()
    header: BatchHeader | None = read_header(content[SEGMENT_HEADER_BYTES : SEGMENT_HEADER_BYTES + BATCH_HEADER_BYTES])
    if header is not None:
        unpack_records(memoryview(content)[SEGMENT_HEADER_BYTES + BATCH_HEADER_BYTES :], min(header.records, 1_000))


def archives() -> Iterable[bytes]:
    """Return the segments, compressed."""
    return [zstandard.ZstdCompressor().compress(segment) for segment in segments()]


def change_archive(data: bytes, random: Random, raw: Raw) -> bytes:
    """Change what is compressed, or the compressed bytes."""
    try:
        if zstandard.get_frame_parameters(data).content_size > 1 << 20:
            return raw(data, len(data) + 64)
        content = zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError:
        return raw(data, len(data) + 64)
    if random.randrange(3) == 0:
        return numbers(unrepaired)(data, random, raw)
    return bytes(zstandard.ZstdCompressor().compress(numbers(chained_anew)(content, random, raw)))


def run_snapshot(data: bytes) -> None:
    """Open a snapshot of a node and read the state in it."""
    path = FOLDER / "000000000005.snapshot"
    path.write_bytes(data)
    try:
        opened = snapshots.open_snapshot(path, JOURNAL)
    except JournalError as error:
        _is_one_line(error)
        return
    with opened.content as content:
        try:
            state = read_state(content)
        except BadSnapshot as error:
            assert str(error).isprintable()
            return
    HighWater(bytes(32)).load(state.floor_ns, state.marks)
    out = io.BytesIO()
    write_state(state, out)
    assert read_state(io.BytesIO(out.getvalue())) == state


def node_snapshots() -> Iterable[bytes]:
    """Return a snapshot of a node without roles, and one with marks and two of them."""
    roles = (RoleState(1, "echo", 1, b"state"), RoleState(2, "counter", 3, b""))
    marks = {b"K" * 32: (5, 10**18), b"O" * 32: (2**62, 2**62)}
    for state in (NodeState(0, 0, {}, {}, ()), NodeState(10**18, 5, marks, {"echo": b"S" * 32}, roles)):
        clear()
        stamp = snapshots.Stamp(JOURNAL, 5, ROLES)
        snapshots.save(FOLDER, stamp, lambda out, state=state: write_state(state, out), FaultyDisk())  # type: ignore[misc]
        yield (FOLDER / "000000000005.snapshot").read_bytes()


def stamped_anew(content: bytearray, random: Random) -> bytes:
    """Make size, digest and checksum of a snapshot right again."""
    if len(content) < snapshots.HEADER_BYTES:
        return bytes(content)
    body = bytes(content[snapshots.HEADER_BYTES :])
    content[40:48] = len(body).to_bytes(8, "little")
    content[48:80] = hashlib.sha256(body).digest()
    content[snapshots.HEADER_BYTES - 4 : snapshots.HEADER_BYTES] = _check(content[: snapshots.HEADER_BYTES - 4])
    return bytes(content)


def run_book(data: bytes) -> None:
    """Restore books from a snapshot: refused in one line, or restored to books that go on from the same state."""
    try:
        books = ReferenceBooks.restore(data)
    except ValueError as error:
        assert str(error).startswith("snapshot: ")
        return
    again = books.snapshot()
    assert ReferenceBooks.restore(again).snapshot() == again
    for row in State.unpack(data).pairs:
        books.depth(int(row["pair"]))


def book_snapshots() -> Iterable[bytes]:
    """Return snapshots of empty books, and of some after random trading."""
    from tests.streams import ACCOUNTS, Driver, pairs_to_stream

    yield ReferenceBooks(pairs_to_stream(1), accounts=2).snapshot()
    pairs = pairs_to_stream(2)
    books = ReferenceBooks(pairs, accounts=ACCOUNTS)
    driver = Driver(5, pairs, adds_pairs=False)
    commands = driver.set_up()
    driver.learn(commands, books.apply(commands).copy())
    driver.drive(books, 60)
    yield books.snapshot()


def digested_anew(content: bytearray, random: Random) -> bytes:
    """Make the digest behind a snapshot of books right again."""
    return bytes(content[:-32]) + hashlib.sha256(bytes(content[:-32])).digest()


TARGETS: Final = {
    "journal": Target(run_journal, segments, numbers(chained_anew), SEGMENT_BYTES),
    "archive": Target(run_archive, archives, change_archive, SEGMENT_BYTES),
    "snapshot": Target(run_snapshot, node_snapshots, numbers(stamped_anew), 8_192),
    "book_snapshot": Target(run_book, book_snapshots, numbers(digested_anew), SEGMENT_BYTES),
}
