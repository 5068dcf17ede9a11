"""Every call of the operating system that writes a journal, in one place, so that a test can make each of them fail."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

FILL_BYTES: Final = 256 << 10
"""How much is zero-filled between two syncs: more at once would hold up the sync that a group waits for."""

PART_SUFFIX: Final = ".part"
"""Of a file that is not finished."""

FILE_MODE: Final = 0o600
"""A journal holds orders: nobody else reads them."""


class Disk:
    """The real one. Each method raises OSError for what the system refuses."""

    def open(self, path: Path, *, make: bool = False) -> int:
        """Return a descriptor to read and write `path`; the caller closes it. make: create it where it is missing."""
        return self.opener(str(path), os.O_RDWR | (os.O_CREAT if make else 0))

    def opener(self, path: str, flags: int) -> int:
        """Open as the built-in `open` asks for, readable by nobody else."""
        return os.open(path, flags | os.O_CLOEXEC, FILE_MODE)

    def write(self, file: int, parts: Sequence[bytes], offset: int) -> int:
        """Write the parts one behind the other and return how many bytes were written."""
        return os.pwritev(file, parts, offset)

    def sync(self, file: int) -> None:
        """Return when everything written to the file is on the disk. 0.1 to 1 ms where no block had to be found."""
        os.fdatasync(file)

    def forget(self, file: int) -> None:
        """Read the file from the disk next time: what a failed sync left in memory looks as if it were written."""
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)

    def fill(self, path: Path, size_bytes: int, pause: Callable[[], object]) -> None:
        """Make `path` a file of that many zeros, on the disk; blocks that it has are used again.

        pause: called between two parts, to leave the disk to others.

        Zeros that were written, and not only room that was set aside: the first write into such room has to note in
        the file system that it is now used, which makes a sync take half as long again.
        """
        file = self.open(path, make=True)
        try:
            os.ftruncate(file, size_bytes)
            for offset in range(0, size_bytes, FILL_BYTES):
                self._write_all(file, bytes(min(FILL_BYTES, size_bytes - offset)), offset)
                os.fdatasync(file)
                pause()
            os.fsync(file)
        finally:
            os.close(file)

    def put(self, path: Path, content: bytes) -> None:
        """Make `path` a file with that content: under its name stands either all of it or what was there before."""
        part = path.with_name(path.name + PART_SUFFIX)
        file = self.opener(str(part), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            self._write_all(file, content, 0)
            os.fsync(file)
        finally:
            os.close(file)
        self.rename(part, path)

    def rename(self, path: Path, new: Path) -> None:
        """Give a file another name in the same folder, for good."""
        path.rename(new)
        self.sync_folder(new.parent)

    def remove(self, path: Path) -> None:
        """Remove a file, whether it is there or not. Not synced: it may come back after a power cut."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk."""
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def _write_all(self, file: int, content: bytes, offset: int) -> None:
        left = memoryview(content)
        while left:
            written = os.pwrite(file, left, offset)
            left, offset = left[written:], offset + written
