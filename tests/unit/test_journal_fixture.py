"""The journal that the first release wrote, kept for good: every later release opens, reads and verifies it.

tests/data/journal/v1 was written by `write` below. It is never written again; a new format gets a folder of its own.
"""

import shutil
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from openoutcry.node.journal import FileLog, RoleVersion, Settings, verify
from tests.journals import contents, record, records

FIXTURE: Final = Path(__file__).parents[1] / "data" / "journal" / "v1"
JOURNAL: Final = bytes.fromhex("00112233445566778899aabbccddeeff")
ROLES: Final = (RoleVersion(1, "counter", 1), RoleVersion(2, "echo", 3))
SETTINGS: Final = Settings(segment_bytes=64 << 10)
COUNT: Final = 96
SIZE: Final = 1_500
CHAIN: Final = "c9d294772d350121f8d6c253517a56ebfa272be1a3df0cb7d37044b9b59744fa"


def write(folder: Path) -> None:
    """Write 96 records in groups of six, two snapshots, an archive, and the mark of a closed log."""
    log = FileLog.create(folder, ROLES, SETTINGS, journal=JOURNAL)
    while log.last < COUNT:
        log.durable(log.append(records(log.last + 1, 6, SIZE)))
    for sequence in (48, 90):
        log.save(sequence, partial(write_state, state_at(sequence)))
    log.truncate(49)
    log.settle()
    log.close()


def state_at(sequence: int) -> bytes:
    """Return what the snapshot after a record holds."""
    return b"the state after record %d" % sequence


def write_state(state: bytes, out: BinaryIO) -> None:
    """Write a state."""
    out.write(state)


def test_the_first_journal_is_still_read(tmp_path: Path) -> None:
    """Every record, from archive and segments, the snapshot, and the hash that stands for all of it."""
    shutil.copytree(FIXTURE, tmp_path / "journal")
    found = verify(tmp_path / "journal")
    assert (found.first, found.last, found.chain.hex(), found.notes) == (1, COUNT, CHAIN, ())
    log = FileLog.open(tmp_path / "journal", ROLES, SETTINGS)
    assert contents(log) == records(1, COUNT, SIZE)
    snapshot = log.load()
    assert snapshot is not None
    with snapshot.content as content:
        assert (snapshot.sequence, snapshot.roles, content.read()) == (90, ROLES, state_at(90))
    log.durable(log.append([record(COUNT + 1)]))
    assert contents(log, COUNT + 1) == [record(COUNT + 1)]
    log.close()


def test_this_release_still_writes_format_1(tmp_path: Path) -> None:
    """The same calls give the same bytes, but for archives, which compress as the library pleases."""
    write(tmp_path / "journal")
    files = sorted(path.name for path in FIXTURE.iterdir())
    assert files == [
        "000000000001.journal.zst",
        "000000000002.journal",
        "000000000003.journal",
        "000000000048.snapshot",
        "000000000090.snapshot",
    ]
    for name in files:
        if not name.endswith(".zst"):
            assert (tmp_path / "journal" / name).read_bytes() == (FIXTURE / name).read_bytes(), name
