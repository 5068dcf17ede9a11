"""How a node is: one value, made by its own thread every second, and asked for over a socket that its user can reach.

The node swaps the value; the thread that answers reads it and never touches the core. So asking cannot disturb a node,
and a node that hangs still says since when.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from openoutcry.node.metering import Counts

SOCKET_NAME: Final = "status.sock"
"""In the data folder, which nobody else may enter."""

SOCKET_MODE: Final = 0o600
SOCKET_PATH_BYTES_MAX: Final = 107
"""What the operating system takes as the address of such a socket."""

STATUS_BYTES_MAX: Final = 4 << 20
"""Longest answer: a thousand links take a quarter of it."""

ANSWER_S: Final = 2.0
"""How long either end waits for the other."""

BACKLOG: Final = 8


LINKS_MAX: Final = 1_000
"""Links that a status lists, those of configured peers first; all of them are counted."""


class RoleStatus(msgspec.Struct, frozen=True):
    """One role, with its number in the journal."""

    name: str
    version: int
    number: int


class LinkStatus(msgspec.Struct, frozen=True):
    """One link. heard_ms: since the last frame, None before the first. outbound: opened by this node."""

    name: str
    key: str
    state: str
    outbound: bool
    heard_ms: int | None
    messages_in: int
    bytes_in: int
    messages_out: int
    bytes_out: int
    detail: str


class HookStatus(msgspec.Struct, frozen=True):
    """One hook of one plugin: how often it was asked, and how often each kind of no answer came."""

    plugin: str
    hook: str
    counts: dict[str, int]


class JournalStatus(msgspec.Struct, frozen=True):
    """The journal: first record that it has, last one, and up to which everything is on the disk."""

    first: int
    last: int
    safe: int


class DiskStatus(msgspec.Struct, frozen=True):
    """Bytes that the data folder takes, and that are left on its disk."""

    journal_bytes: int
    views_bytes: int
    free_bytes: int


class Status(msgspec.Struct, frozen=True):
    """How a node is. Times in nanoseconds UTC.

    made_ns: when this was made; a node that works makes one every second. node, link_counts: counters by name. refused:
    messages by reason. links: the first `LINKS_MAX` of them. link_states: how many are in which state. broken: plugin
    to why it is not loaded. disk: filled in by whoever reads the disk.
    """

    name: str
    key: str
    curve_key: str
    software: str
    process: int
    started_ns: int
    made_ns: int
    durability: str
    listen: str
    publish: str
    roles: tuple[RoleStatus, ...]
    journal: JournalStatus
    node: dict[str, int]
    refused: dict[str, int]
    timers: int
    group_frames: Counts
    group_ns: Counts
    sync_ns: Counts
    links: tuple[LinkStatus, ...]
    link_states: dict[str, int]
    link_counts: dict[str, int]
    plugins: tuple[str, ...]
    hooks: tuple[HookStatus, ...]
    broken: dict[str, str]
    disk: DiskStatus | None = None


class StatusError(Exception):
    """One line for the operator: why a node cannot be asked."""


class Board:
    """Holds the present status of a node. The node's thread puts it, any thread reads it."""

    __slots__ = ("_data", "status")

    def __init__(self, data: Path) -> None:
        """data: the folder of the node."""
        self._data = data
        self.status: Status | None = None

    def put(self, status: Status) -> None:
        """Take the newest one; nothing but a swap of a reference."""
        self.status = status

    def with_disk(self) -> Status | None:
        """Return the present one with what the disk says now; None before the first. Cost: a look at each file."""
        status = self.status
        return None if status is None else msgspec.structs.replace(status, disk=measure_disk(self._data))


def measure_disk(data: Path) -> DiskStatus:
    """Add up what a data folder holds."""
    found = os.statvfs(data)
    return DiskStatus(_size(data / "journal"), _size(data / "views"), found.f_bavail * found.f_frsize)


class StatusServer:
    """Answers whoever connects with the status, as JSON, and closes. Made and closed by the node's thread."""

    def __init__(self, path: Path, read: Callable[[], Status | None]) -> None:
        """Listen. path: of the socket; a left-over of a node that was killed is replaced, since the journal's lock has
        shown that none runs. Raises OSError.
        """
        self.path = path
        self._read = read
        self._is_closing = False
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
            raise OSError(f"{path} is too long for a socket: at most {SOCKET_PATH_BYTES_MAX} bytes")
        path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listening.bind(os.fspath(path))  # until it has its mode the folder keeps others out
            path.chmod(SOCKET_MODE)
            self._listening.listen(BACKLOG)
        except BaseException:
            self._listening.close()
            raise
        self._thread = threading.Thread(target=self._serve, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and remove the socket."""
        self._is_closing = True
        with suppress(OSError):  # it may have gone already
            self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._is_closing:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                if not self._is_closing:
                    time.sleep(0.1)  # no descriptor is left for it: somebody else's are closed some time
                continue
            with connection, suppress(OSError):  # the other end may go at any time
                connection.settimeout(ANSWER_S)
                status = self._read()
                connection.sendall(msgspec.json.encode(status) if status is not None else b"")


def ask_status(path: Path, wait_s: float = ANSWER_S) -> Status:
    """Return the status of the node whose socket this is. Raises StatusError."""
    received = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(wait_s)
            _connect(connection, path, time.monotonic() + wait_s)
            while len(received) <= STATUS_BYTES_MAX and (more := connection.recv(65_536)):
                received += more
    except TimeoutError:
        raise StatusError(f"{path}: the node does not answer within {wait_s:g} s") from None
    except (FileNotFoundError, ConnectionError):
        raise StatusError(f"{path}: no node runs here: start it with `outcry run`") from None
    except OSError as error:
        raise StatusError(f"{path}: {error.strerror or error}") from None
    if not received:
        raise StatusError(f"{path}: the node is still starting: ask again")
    try:
        return msgspec.json.decode(received, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StatusError(f"{path}: the answer cannot be read ({error}): it is of another release") from error


def _connect(connection: socket.socket, path: Path, deadline_s: float) -> None:
    """Connect; where too many others wait there, the system says so at once, and a little later there is room."""
    while True:
        try:
            connection.connect(os.fspath(path))
            return
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                raise TimeoutError from None
            time.sleep(0.01)


def _size(folder: Path) -> int:
    """Add up the bytes that the files of a folder take; files may go while this looks."""
    total = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                total += entry.stat().st_blocks * 512
    return total
