"""The key service: opened once by a human, it gives every node of a machine its secrets, also after a restart.

One thread, one question a connection, every client with a deadline: whoever is silent, slow or talks nonsense is shown
out and holds up nobody. It answers only processes of its own user, and only for the keystores that it was started with.
"""

import os
import selectors
import socket
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from openoutcry.node.keys.client import require_socket_path
from openoutcry.node.keys.errors import ServiceFault, WrongPermissions, shown
from openoutcry.node.keys.files import require_mode, system_error
from openoutcry.node.keys.protocol import (
    ASK_BYTES_MAX,
    CLIENT_S_MAX,
    CLIENTS_MAX,
    LENGTH_BYTES,
    PROTOCOL_VERSION,
    Answer,
    Decline,
    Give,
    ask_decoder,
    frame,
    length_of,
    peer_uid,
)
from openoutcry.node.keys.secrets import NodeSecrets, wipe

SOCKET_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
BACKLOG: Final = 128
"""Connections that wait to be taken, as when every node of a machine starts at once."""


class _Client:
    """One connection: what it has sent, what it is still to get, until when."""

    __slots__ = ("asked", "connection", "deadline_s", "left")

    def __init__(self, connection: socket.socket, deadline_s: float) -> None:
        self.connection = connection
        self.deadline_s = deadline_s
        self.asked = bytearray()
        self.left = bytearray()


class KeyService:
    """A Unix socket that answers with secrets. A context: leaving it removes the socket and wipes the secrets."""

    def __init__(
        self,
        path: Path,
        *,
        client_s_max: float = CLIENT_S_MAX,
        clients_max: int = CLIENTS_MAX,
        uid_of: Callable[[socket.socket], int] = peer_uid,
    ) -> None:
        """Make the socket, and its folder where that is missing; clients wait until `serve`. Raises `KeysError`.

        uid_of: says whose process is at the other end.
        """
        self.path = path
        self._client_s_max = client_s_max
        self._clients_max = clients_max
        self._uid_of = uid_of
        self._secrets: Mapping[bytes, NodeSecrets] = {}
        self._clients: dict[socket.socket, _Client] = {}
        self._is_stopping = False
        self._selector = selectors.DefaultSelector()
        self._woken, self._waking = socket.socketpair()
        self._woken.setblocking(False)
        self._waking.setblocking(False)
        self._listening: socket.socket | None = None
        try:
            self._listening = _listen(path)
        except BaseException:
            self.close()
            raise
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def serve(self, secrets: Mapping[bytes, NodeSecrets]) -> None:
        """Answer until `stop`. secrets: identity to what is given for it; wiped when the service is closed."""
        self._secrets = secrets
        while not self._is_stopping:
            for key, events in self._selector.select(self._wait_s()):
                if key.fileobj is self._listening:
                    self._accept()
                elif key.fileobj is not self._woken:
                    client = key.data
                    assert isinstance(client, _Client)
                    if client.connection in self._clients:
                        self._attend(client, events)
            self._dismiss_late()

    def stop(self) -> None:
        """Let `serve` return; from any thread or a signal handler."""
        self._is_stopping = True
        try:
            self._waking.send(b"\0")
        except OSError:  # it was woken already, more often than it can have missed, or it is closed
            return

    def close(self) -> None:
        """Remove the socket, close every connection, wipe the secrets."""
        if self._listening is not None:
            self.path.unlink(missing_ok=True)
            self._listening.close()
        for client in list(self._clients.values()):
            self._dismiss(client)
        self._selector.close()
        self._woken.close()
        self._waking.close()
        for secrets in self._secrets.values():
            secrets.wipe()

    def __enter__(self) -> "KeyService":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _wait_s(self) -> float | None:
        if not self._clients:
            return None
        return max(0.0, min(client.deadline_s for client in self._clients.values()) - time.monotonic())

    def _accept(self) -> None:
        assert self._listening is not None
        try:
            connection, _ = self._listening.accept()
        except OSError:  # it has gone already, or waits until there is a descriptor for it
            return
        connection.setblocking(False)
        if len(self._clients) >= self._clients_max:
            self._make_room()
        client = _Client(connection, time.monotonic() + self._client_s_max)
        self._clients[connection] = client
        self._selector.register(connection, selectors.EVENT_READ, client)
        if self._uid_of(connection) != os.geteuid():
            self._reply(client, Decline("only processes of its own user are answered"))

    def _attend(self, client: _Client, events: int) -> None:
        try:
            if client.left:
                self._send(client)
            elif events & selectors.EVENT_READ:
                self._receive(client)
        except BlockingIOError:
            return
        except OSError:  # the other end is gone
            self._dismiss(client)

    def _receive(self, client: _Client) -> None:
        more = client.connection.recv(LENGTH_BYTES + ASK_BYTES_MAX + 1 - len(client.asked))
        if not more:
            self._dismiss(client)
            return
        client.asked += more
        if len(client.asked) < LENGTH_BYTES:
            return
        length = length_of(client.asked)
        if length > ASK_BYTES_MAX or len(client.asked) > LENGTH_BYTES + length:
            self._reply(client, Decline(f"a question has at most {ASK_BYTES_MAX} bytes, and nothing behind it"))
        elif len(client.asked) == LENGTH_BYTES + length:
            self._reply(client, self._answer(bytes(client.asked[LENGTH_BYTES:])))

    def _answer(self, asked: bytes) -> Answer:
        try:
            ask = ask_decoder.decode(asked)
        except msgspec.DecodeError:
            return Decline("that is no question that a key service answers")
        if ask.version != PROTOCOL_VERSION:
            return Decline(
                f"version {ask.version} was asked, version {PROTOCOL_VERSION} is spoken: restart the service"
            )
        secrets = self._secrets.get(ask.identity)
        if secrets is None:
            return Decline(
                f"no keystore of identity {ask.identity.hex()[:16]} is served: restart the service with that keystore"
            )
        seed, root = secrets.reveal()
        return Give(seed, root, secrets.curve_generation)

    def _reply(self, client: _Client, answer: Answer) -> None:
        client.left = frame(answer)
        self._selector.modify(client.connection, selectors.EVENT_WRITE, client)

    def _send(self, client: _Client) -> None:
        sent = client.connection.send(client.left)
        client.left[:sent] = bytes(sent)
        del client.left[:sent]
        if not client.left:
            self._dismiss(client)

    def _make_room(self) -> None:
        """Show out whoever came first."""
        if self._clients:
            self._dismiss(next(iter(self._clients.values())))

    def _dismiss_late(self) -> None:
        now_s = time.monotonic()
        for client in [client for client in self._clients.values() if client.deadline_s <= now_s]:
            self._dismiss(client)

    def _dismiss(self, client: _Client) -> None:
        del self._clients[client.connection]
        self._selector.unregister(client.connection)
        client.connection.close()
        wipe(client.left)


def _listen(path: Path) -> socket.socket:
    """Return a socket that listens at a path which only its owner reaches."""
    require_socket_path(path)
    try:
        _require_folder(path.parent)
        _remove_left_over(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(os.fspath(path))
            # Until here the folder keeps others out: a socket cannot be made with a mode.
            path.chmod(SOCKET_MODE)
            listening.listen(BACKLOG)
            listening.setblocking(False)
        except BaseException:
            listening.close()
            raise
        return listening
    except OSError as error:
        raise system_error(path, error) from None


def _require_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(FOLDER_MODE)
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise WrongPermissions(f"{shown(folder)} belongs to another user: put the socket in a folder of your own")
    require_mode(folder, found, FOLDER_MODE)


def _remove_left_over(path: Path) -> None:
    """Remove the socket of a service that was killed; raise where one runs, or something else has the name."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ServiceFault(f"{shown(path)} is there already and no socket: choose another name, or move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(CLIENT_S_MAX)
        try:
            trial.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            busy = " and is busy"
        else:
            busy = ""
    raise ServiceFault(f"a key service runs at {shown(path)} already{busy}: stop it first, or choose another socket")
