"""A node asks the key service of its machine for its secrets."""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from openoutcry.node.keys.errors import KeysError, ServiceFault, quoted, shown
from openoutcry.node.keys.protocol import (
    ANSWER_BYTES_MAX,
    ANSWER_S_MAX,
    LENGTH_BYTES,
    PROTOCOL_VERSION,
    SOCKET_PATH_BYTES_MAX,
    Ask,
    Decline,
    answer_decoder,
    frame,
    length_of,
    peer_uid,
)
from openoutcry.node.keys.secrets import NodeSecrets, wipe

RETRY_S: Final = 0.01


def ask_service(
    path: Path,
    identity: bytes,
    curve_generation: int,
    *,
    wait_s: float = ANSWER_S_MAX,
    uid_of: Callable[[socket.socket], int] = peer_uid,
) -> NodeSecrets:
    """Return the secrets of an identity from the service at a socket. Raises `ServiceFault`.

    identity, curve_generation: as the keystore has them now, so that a service which was started before a rotation
    is noticed. uid_of: says whose process is at the other end.
    """
    require_socket_path(path)
    received = bytearray()
    deadline_s = time.monotonic() + wait_s
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            _connect(connection, path, deadline_s)
            if uid_of(connection) != os.geteuid():
                raise ServiceFault(f"the key service at {shown(path)} belongs to another user: start your own")
            with suppress(BrokenPipeError):  # it has declined already, and closed
                connection.sendall(frame(Ask(PROTOCOL_VERSION, identity)))
            _receive(connection, received, deadline_s)
        return _secrets(received, path, identity, curve_generation)
    except TimeoutError:
        raise ServiceFault(
            f"the key service at {shown(path)} does not answer within {wait_s:g} s: restart it"
        ) from None
    except (FileNotFoundError, NotADirectoryError, ConnectionError):
        raise ServiceFault(
            f"no key service answers at {shown(path)}: start it with outcry keys serve KEYSTORE --socket {quoted(path)}"
        ) from None
    except OSError as error:
        raise ServiceFault(f"the key service at {shown(path)}: {error.strerror or error}") from None
    finally:
        wipe(received)


def require_socket_path(path: Path) -> None:
    """Raise `ServiceFault` for a path that no Unix socket can have."""
    length = len(os.fsencode(path))
    if length > SOCKET_PATH_BYTES_MAX or "\0" in os.fspath(path):
        raise ServiceFault(
            f"{shown(path)} has {length} bytes, the path of a socket at most {SOCKET_PATH_BYTES_MAX}: use a shorter one"
        )


def _connect(connection: socket.socket, path: Path, deadline_s: float) -> None:
    """Connect, also where the service has so many waiting that Linux refuses another one for the moment (EAGAIN)."""
    connection.settimeout(max(0.0, deadline_s - time.monotonic()))
    while True:
        try:
            connection.connect(os.fspath(path))
            return
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                raise TimeoutError from None
            time.sleep(RETRY_S)


def _receive(connection: socket.socket, received: bytearray, deadline_s: float) -> None:
    """Read up to where the answer ends, or the service closes, or the answer is longer than any."""
    while len(received) < LENGTH_BYTES or len(received) < LENGTH_BYTES + min(length_of(received), ANSWER_BYTES_MAX):
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        more = connection.recv(LENGTH_BYTES + ANSWER_BYTES_MAX - len(received))
        if not more:
            return
        received += more


def _secrets(received: bytearray, path: Path, identity: bytes, curve_generation: int) -> NodeSecrets:
    if not received:
        raise ServiceFault(f"the key service at {shown(path)} closed without an answer: restart it")
    try:
        if length_of(received) != len(received) - LENGTH_BYTES:
            raise _no_answer(path)
        answer = answer_decoder.decode(memoryview(received)[LENGTH_BYTES:])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _no_answer(path) from None
    if isinstance(answer, Decline):
        raise ServiceFault(f"the key service at {shown(path)} declines: {answer.detail}")
    secrets = NodeSecrets(answer.seed, answer.curve_generation, answer.root)
    if secrets.signer.key != identity or secrets.curve_generation != curve_generation:
        secrets.wipe()
        raise ServiceFault(
            f"the key service at {shown(path)} has keys from before the last change of the keystore: restart it"
        )
    return secrets


def _no_answer(path: Path) -> KeysError:
    return ServiceFault(f"what answers at {shown(path)} is no key service: name the right socket")
