"""Logs for tests: records with numbers, and benches, on which a log can crash, tear, flip bits, fill up and fail."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import BinaryIO, Final, Protocol

from openoutcry.node.journal import (
    Disk,
    FileLog,
    JournalError,
    Log,
    MemoryDisk,
    MemoryLog,
    RoleVersion,
    Settings,
)
from openoutcry.role import Record

ROLES: Final = (RoleVersion(1, "counter", 1), RoleVersion(2, "echo", 3))
JOURNAL: Final = bytes(range(16))
SMALL: Final = Settings(segment_bytes=64 << 10)
SENDER: Final = bytes(range(32, 64))
HEADER_BYTES: Final = 4096
FIRST, SECOND, THIRD = (f"00000000000{number}.journal" for number in (1, 2, 3))


def record(number: int, size: int = 64) -> Record:
    """Return a record whose every field follows from its number; its content has no zeros."""
    raw = b"%d." % number
    return Record(1 + number % 2, number % 1000, 10**18 + number, SENDER, (raw * (size // len(raw) + 1))[:size])


def records(first: int, count: int, size: int = 64) -> list[Record]:
    """Return records with numbers in a row."""
    return [record(number, size) for number in range(first, first + count)]


def plain(found: Sequence[Record]) -> list[Record]:
    """Return records with their contents copied, so that they can be compared and outlive the log."""
    return [one._replace(raw=bytes(one.raw)) for one in found]


def contents(log: Log, first: int = 1) -> list[Record]:
    """Return every record of a log, and check that its batches follow each other."""
    found: list[Record] = []
    for batch in log.read(first):
        assert batch.first == first + len(found)
        found += plain(batch.records)
    return found


class Bench(Protocol):
    """A place that a log lies in, before and after crashes. Another log joins the contract by bringing one of these."""

    def open(self) -> Log:
        """Open the log, which is made where there is none; the one before was closed or crashed."""
        ...

    def crash(self, kept: int = 0) -> None:
        """End the open log without closing it. Of what was not synced only the first `kept` bytes are on the disk."""
        ...

    def hold(self, held: bool) -> None:
        """Let syncs not end, or end again."""
        ...

    def fill(self, full: bool) -> None:
        """Let the disk have no room, or room again."""
        ...

    def fail(self, fails: bool) -> None:
        """Let syncs fail."""
        ...

    def size(self) -> int:
        """Return the bytes that batches take, those not synced included: a multiple of 64."""
        ...

    def room(self) -> int:
        """Return how many bytes can be appended before the log has to wait for a sync by itself."""
        ...

    def lose(self, offset: int, size: int) -> None:
        """After a crash: put zeros over a part of the batches that was not synced."""
        ...

    def flip(self, bit: int) -> None:
        """Flip one bit of the batches, or of the zeros behind them."""
        ...

    def damage_snapshot(self, sequence: int) -> None:
        """Flip a bit in the content of a snapshot."""
        ...


class FaultyDisk(Disk):
    """A disk whose syncs can be held and fail, that can be full, and that knows what was not synced."""

    def __init__(self) -> None:
        self.free = Event()
        self.free.set()
        self.full = False
        self.fails = False
        self.crashed = False
        self.syncs = 0
        self.ends: dict[str, int] = {}
        self.synced: dict[str, int] = {}

    def write(self, file: int, parts: Sequence[bytes], offset: int) -> int:
        self._require_room()
        written = super().write(file, parts, offset)
        name = name_of(file)
        self.ends[name] = max(self.ends.get(name, 0), offset + written)
        return written

    def sync(self, file: int) -> None:
        name = name_of(file)
        end = self.ends.get(name, 0)
        self.syncs += 1
        self.free.wait()
        if self.fails or self.crashed:
            raise OSError(5, "the disk is broken")
        self.synced[name] = end

    def fill(self, path: Path, size_bytes: int, pause: Callable[[], object]) -> None:
        self._require_room()
        file = self.open(path, make=True)
        os.ftruncate(file, 0)
        os.ftruncate(file, size_bytes)
        os.close(file)

    def rename(self, path: Path, new: Path) -> None:
        super().rename(path, new)
        for ends in (self.ends, self.synced):
            if path.name in ends:
                ends[new.name] = ends.pop(path.name)

    def put(self, path: Path, content: bytes) -> None:
        self._require_room()
        super().put(path, content)

    def opener(self, path: str, flags: int) -> int:
        if flags & os.O_CREAT:
            self._require_room()
        return super().opener(path, flags)

    def forget(self, file: int) -> None:
        """Nothing is kept from the disk here, and the disk of the tests is memory most of the time."""

    def _require_room(self) -> None:
        if self.full or self.crashed:
            raise OSError(28, "no space left on device")


def name_of(file: int) -> str:
    """Return the name of an open file."""
    return Path(os.readlink(f"/proc/self/fd/{file}")).name


class FileBench:
    """A journal on the disk. Offsets count from behind the header of the newest segment."""

    def __init__(self, folder: Path, settings: Settings = SMALL) -> None:
        self.folder = folder
        self.settings = settings
        self.disk = FaultyDisk()
        self.log: FileLog | None = None

    def open(self) -> FileLog:
        self.disk = FaultyDisk()
        if self.folder.exists():
            self.log = FileLog.open(self.folder, ROLES, self.settings, disk=self.disk)
        else:
            self.log = FileLog.create(self.folder, ROLES, self.settings, journal=JOURNAL, disk=self.disk)
        self.disk.synced[self.newest.name] = HEADER_BYTES + self.size()
        return self.log

    def crash(self, kept: int = 0) -> None:
        assert self.log is not None
        self.disk.crashed = True
        self.disk.free.set()
        with suppress(JournalError):
            self.log.close()
        name = self.newest.name
        begin = max(self.disk.synced.get(name, 0), HEADER_BYTES)
        end = self.disk.ends.get(name, 0)
        self._zero(begin + kept - kept % 8, end)

    def hold(self, held: bool) -> None:
        (self.disk.free.clear if held else self.disk.free.set)()

    def fill(self, full: bool) -> None:
        self.disk.full = full

    def fail(self, fails: bool) -> None:
        self.disk.fails = fails

    def size(self) -> int:
        return whole(self.newest.read_bytes()[HEADER_BYTES:])

    def room(self) -> int:
        return self.settings.segment_bytes - HEADER_BYTES - self.size()

    def lose(self, offset: int, size: int) -> None:
        self._zero(HEADER_BYTES + offset, HEADER_BYTES + offset + size)

    def flip(self, bit: int) -> None:
        flip_bit(self.newest, HEADER_BYTES * 8 + bit)

    def damage_snapshot(self, sequence: int) -> None:
        flip_bit(self.folder / f"{sequence:012}.snapshot", HEADER_BYTES * 8 + 3)

    @property
    def newest(self) -> Path:
        """The file of the newest segment."""
        return max(self.folder.glob("*.journal"))

    def _zero(self, begin: int, end: int) -> None:
        with self.newest.open("r+b") as file:
            file.seek(begin)
            file.write(bytes(max(0, end - begin)))


class MemoryBench:
    """A journal in memory."""

    def __init__(self) -> None:
        self.disk = MemoryDisk(JOURNAL)

    def open(self) -> MemoryLog:
        return MemoryLog(self.disk, ROLES)

    def crash(self, kept: int = 0) -> None:
        self.disk.crash(kept)

    def hold(self, held: bool) -> None:
        self.disk.held = held

    def fill(self, full: bool) -> None:
        self.disk.full = full

    def fail(self, fails: bool) -> None:
        self.disk.sync_fails = fails

    def size(self) -> int:
        return whole(bytes(self.disk.written))

    def room(self) -> int:
        return 1 << 40

    def lose(self, offset: int, size: int) -> None:
        self.disk.written[offset : offset + size] = bytes(size)

    def flip(self, bit: int) -> None:
        missing = bit // 8 + 1 - len(self.disk.written)
        self.disk.written += bytes(max(0, missing))
        self.disk.flip(bit)

    def damage_snapshot(self, sequence: int) -> None:
        self.disk.snapshots[sequence][40] ^= 1


def whole(written: bytes) -> int:
    """Return the length without zeros behind the end, as a multiple of 64."""
    size = len(written.rstrip(b"\0"))
    return size + -size % 64


def flip_bit(path: Path, bit: int) -> None:
    """Flip one bit of a file."""
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def benches(folder: Path) -> Iterator[tuple[str, Bench]]:
    """Yield one of each, by name."""
    yield "file", FileBench(folder / "journal")
    yield "memory", MemoryBench()


def fill(log: FileLog, count: int, size: int = 1000) -> None:
    """Append so many records, in groups of five."""
    for _ in range(count // 5):
        log.durable(log.append(records(log.last + 1, 5, size)))


def written(folder: Path, count: int = 200, settings: Settings = SMALL) -> Path:
    """Return a folder with a closed journal; 200 records are three and a half segments."""
    with_fresh = FileLog.create(folder, ROLES, settings, journal=JOURNAL, disk=FaultyDisk())
    fill(with_fresh, count)
    with_fresh.close()
    return folder


def reopened(folder: Path, settings: Settings = SMALL, roles: tuple[RoleVersion, ...] = ROLES) -> FileLog:
    """Open a journal that is there."""
    return FileLog.open(folder, roles, settings, disk=FaultyDisk())


def write_state(out: BinaryIO) -> None:
    """Write what a snapshot holds in these tests: 1000 bytes."""
    out.write(b"x" * 1000)


def names(folder: Path, pattern: str) -> list[str]:
    """Return the names that match, in order."""
    return sorted(path.name for path in folder.glob(pattern))
