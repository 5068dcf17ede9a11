"""Damaged journals: opening, reading and verifying give the records that were written, or one line that says why not.

Structure-aware: bytes, words, sectors, whole batches and pages are changed, zeroed, swapped and copied over each other,
also with their checksums made right again.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from crc32c import crc32c

from openoutcry.node.journal import FileLog, JournalError, verify
from tests.journals import JOURNAL, ROLES, SMALL, FaultyDisk, plain, records

DAMAGES = 40
COUNT = 120


def change(content: bytearray, random: Random) -> None:
    """Set one byte anywhere that is written."""
    content[random.randrange(len(content.rstrip(b"\0")))] = random.randrange(256)


def zero(content: bytearray, random: Random) -> None:
    """Zero a run of bytes, a word, a sector or a page."""
    size = random.choice((1, 8, 64, 512, 4096))
    at = random.randrange(0, len(content), size)
    content[at : at + size] = bytes(size)


def swap(content: bytearray, random: Random) -> None:
    """Swap two lines."""
    one, other = (random.randrange(0, len(content), 64) for _ in range(2))
    content[one : one + 64], content[other : other + 64] = content[other : other + 64], content[one : one + 64]


def copy(content: bytearray, random: Random) -> None:
    """Copy a sector, or several, over others."""
    size = 512 * random.randrange(1, 20)
    one, other = (random.randrange(0, len(content) - size, 64) for _ in range(2))
    content[one : one + size] = content[other : other + size]


def forge_header(content: bytearray, random: Random) -> None:
    """Change a field of a batch's header and make its checksum right again."""
    at = header_at(content, random)
    content[at + random.randrange(24, 60)] = random.choice((0, 1, 127, 255, random.randrange(256)))
    content[at + 60 : at + 64] = crc32c(bytes(content[at : at + 60])).to_bytes(4, "little")


def forge_length(content: bytearray, random: Random) -> None:
    """Change the length of a record and make both checksums right again, so that only the chain can tell."""
    at = header_at(content, random)
    size = int.from_bytes(content[at + 56 : at + 60], "little")
    content[at + 64 + 8 + random.randrange(4)] ^= 1 << random.randrange(8)
    content[at + 52 : at + 56] = crc32c(bytes(content[at + 64 : at + size])).to_bytes(4, "little")
    content[at + 60 : at + 64] = crc32c(bytes(content[at : at + 60])).to_bytes(4, "little")


def forge_page(content: bytearray, random: Random) -> None:
    """Change a field of the segment's header and make its checksum right again."""
    content[random.randrange(8, 120)] = random.choice((0, 1, 127, 255))
    content[4092:4096] = crc32c(bytes(content[:4092])).to_bytes(4, "little")


def cut(content: bytearray, random: Random) -> None:
    """Cut the file."""
    del content[random.randrange(len(content)) :]


def header_at(content: bytearray, random: Random) -> int:
    """Return where one of the batches begins, or 4096 where all are gone."""
    found = [at for at in range(4096, len(content), 64) if content[at : at + 8] == b"OCBATCH1"]
    return random.choice(found or [4096])


KINDS: tuple[Callable[[bytearray, Random], None], ...] = (
    *(change, zero, swap, copy, forge_header, forge_length, forge_page, cut),
)


def last_verified(folder: Path) -> int:
    """Verify a journal and return its last record."""
    return verify(folder).last


def outcome(call: Callable[[Path], int], folder: Path) -> int | None:
    """Return what a call returns, None where it says in one line why not."""
    try:
        return call(folder)
    except JournalError as error:
        assert str(error)
        assert "\n" not in str(error)
        return None


def read(folder: Path) -> int:
    """Open a journal, compare what it reads with what was written, and return how many records there are."""
    log = FileLog.open(folder, ROLES, SMALL, disk=FaultyDisk())
    try:
        found = [one for batch in log.read(log.first) for one in plain(batch.records)]
        assert found == records(log.first, len(found), 800)
        assert log.first + len(found) - 1 == log.last <= COUNT
        if log.last < COUNT:
            assert any(f"after record {log.last}" in note for note in log.notes)
        return log.last
    finally:
        log.close()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_a_damaged_journal_gives_what_was_written_or_says_why_not(
    kind: Callable[[bytearray, Random], None], tmp_path: Path
) -> None:
    """Two segments; one of them is damaged up to three times; no other exception, no record that was not written."""
    log = FileLog.create(tmp_path / "good", ROLES, SMALL, journal=JOURNAL, disk=FaultyDisk())
    while log.last < COUNT:
        log.durable(log.append(records(log.last + 1, 4, 800)))
    log.close()
    random = Random(kind.__name__)
    for _ in range(DAMAGES):
        folder = tmp_path / "damaged"
        shutil.copytree(tmp_path / "good", folder)
        path = random.choice(sorted(folder.glob("*.journal")))
        content = bytearray(path.read_bytes())
        for _ in range(random.randint(1, 3)):
            if len(content) > 16_384:
                kind(content, random)
        path.write_bytes(content)
        verified = outcome(last_verified, folder)
        opened = outcome(read, folder)
        assert (verified is None or verified == opened) or opened is None
        shutil.rmtree(folder)
