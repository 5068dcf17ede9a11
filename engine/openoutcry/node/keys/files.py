"""Files that hold secrets: read only where nobody else can, written so that no moment loses what was there."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from openoutcry.node.keys.errors import (
    KeysError,
    Missing,
    NotAKeystore,
    NotChanged,
    SystemRefuses,
    WrongPermissions,
    quoted,
    shown,
)

PRIVATE_MODE: Final = 0o600
PUBLIC_MODE: Final = 0o644
PART_SUFFIX: Final = ".part"
"""Of a file that was not finished; never read."""


def read_private(path: Path, bytes_max: int, advice: str) -> bytes:
    """Return the content of a file that only its owner can read; one byte more than `bytes_max` where it is longer.

    advice: what to do where it is missing. Raises `KeysError`.
    """
    file = _open(path, advice)
    try:
        _require_private(path, file)
        return _read(file, bytes_max + 1)
    except OSError as error:
        raise system_error(path, error) from None
    finally:
        os.close(file)


def read_public(path: Path, bytes_max: int, advice: str) -> bytes:
    """Return the content of a file that anyone may read; else as `read_private`."""
    file = _open(path, advice)
    try:
        _require_file(path, file)
        return _read(file, bytes_max + 1)
    except OSError as error:
        raise system_error(path, error) from None
    finally:
        os.close(file)


def write_new(path: Path, content: bytes) -> None:
    """Make a private file that was not there, all of it or none. Raises `KeysError`; never overwrites anything."""
    with _finished(path, content, PRIVATE_MODE) as part:
        try:
            os.link(part, path)
        except FileExistsError:
            raise NotChanged(f"{shown(path)} is there already: choose another name, or move it away") from None
        part.unlink()


def replace(path: Path, content: bytes, mode: int = PRIVATE_MODE) -> None:
    """Put new content under a name: at any moment all of the old or all of the new is there. Raises `KeysError`.

    Where the name is a link to a file, that file gets the content.
    """
    target = Path(os.path.realpath(path))
    with _finished(target, content, mode) as part:
        part.rename(target)


@contextmanager
def locked(path: Path, advice: str) -> Iterator[None]:
    """Hold the only right to change a file. Raises `KeysError` where another process has it."""
    file = _open(path, advice)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held, there = os.fstat(file), os.stat(path)
        if (held.st_dev, held.st_ino) != (there.st_dev, there.st_ino):
            raise BlockingIOError
    except BlockingIOError:
        os.close(file)
        raise NotChanged(f"{shown(path)} is being changed by another process: try again when that is done") from None
    except OSError as error:
        os.close(file)
        raise system_error(path, error) from None
    try:
        yield
    finally:
        os.close(file)


def system_error(path: Path, error: OSError) -> KeysError:
    """Say what the operating system refused."""
    return SystemRefuses(f"{shown(path)}: {error.strerror or error}")


def require_mode(path: Path, found: os.stat_result, mode: int) -> None:
    """Raise `WrongPermissions` where somebody beside the owner may do something with it."""
    if stat.S_IMODE(found.st_mode) & ~mode & 0o777:
        raise WrongPermissions(
            f"{shown(path)}: its mode is {stat.S_IMODE(found.st_mode):04o}, which is not only for its owner: "
            f"run chmod {mode:o} {quoted(path)}"
        )


def _open(path: Path, advice: str) -> int:
    try:
        # Without O_NONBLOCK a named pipe in place of the file would stop the node for good.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        raise Missing(f"{shown(path)}: no such file: {advice}") from None
    except OSError as error:
        raise system_error(path, error) from None
    except ValueError:  # a name with a zero byte
        raise Missing(f"{shown(path)}: no such file: {advice}") from None


def _require_file(path: Path, file: int) -> os.stat_result:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise NotAKeystore(f"{shown(path)} is a folder, pipe or device: name a file")
    return found


def _require_private(path: Path, file: int) -> None:
    require_mode(path, _require_file(path, file), PRIVATE_MODE)


def _read(file: int, bytes_max: int) -> bytes:
    content = b""
    while len(content) < bytes_max and (more := os.read(file, bytes_max - len(content))):
        content += more
    return content


@contextmanager
def _finished(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Give a file beside `path` with that content on the disk, to be given its name, which is then made durable."""
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}{PART_SUFFIX}")
    try:
        _write(part, content, mode)
        yield part
        _sync_folder(path.parent)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise Missing(f"{shown(path)}: there is no folder {shown(path.parent)}: make it first") from None
        raise system_error(path, error) from None
    finally:
        with suppress(OSError):  # what is left is sealed, and its name says that it was not finished
            part.unlink(missing_ok=True)


def _write(part: Path, content: bytes, mode: int) -> None:
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        os.fchmod(file, mode)
        left = memoryview(content)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
