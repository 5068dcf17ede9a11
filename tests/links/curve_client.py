"""A CurveZMQ client (RFC 26, over ZMTP 3.0, RFC 23) in plain Python, which can send what libzmq never would.

It authenticates like any other peer; then it claims metadata, lengths and parts as it is told.
"""

import os
import socket
import struct
from typing import Final

from nacl.bindings import crypto_box, crypto_box_afternm, crypto_box_beforenm, crypto_box_open, crypto_scalarmult_base

from openoutcry.node.zmq_io import LinkIdentity

GREETING: Final = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
"""Signature, version 3.0, mechanism, not the server, filler: 64 bytes."""

COMMAND: Final = 4
LONG: Final = 2
MORE: Final = 1
TIMEOUT_S: Final = 10.0
"""How long the handshake may take."""
SEND_TIMEOUT_S: Final = 2.0
"""How long a send may: the kernel of a server that has closed may take nothing more and say nothing for a minute."""


def split(address: str) -> tuple[str, int]:
    """Return host and port of a `tcp://` address."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    return host, int(port)


class CurveClient:
    """One connection, through its handshake once it is made."""

    def __init__(
        self, address: str, server_curve: bytes, who: LinkIdentity, metadata: dict[bytes, bytes] | None = None
    ) -> None:
        """metadata: properties beside `Socket-Type`. Raises ConnectionError where the server ends it."""
        self._tcp = socket.create_connection(split(address), TIMEOUT_S)
        self._count = 1
        self._shake(server_curve, who, {b"Socket-Type": b"DEALER"} | (metadata or {}))
        self._tcp.settimeout(SEND_TIMEOUT_S)

    def send(self, content: bytes, flags: int = 0) -> None:
        """Send one part of a message. flags: `MORE` for any but the last."""
        nonce = self._nonce()
        box = crypto_box_afternm(bytes([flags]) + content, b"CurveZMQMESSAGEC" + nonce, self._shared)
        self._write(b"\x07MESSAGE" + nonce + box, 0)

    def claim(self, length: int, content: bytes = b"") -> None:
        """Announce a frame of any length, and send only this of it."""
        self._tcp.sendall(struct.pack(">BQ", LONG, length) + content)

    def is_ended(self) -> bool:
        """Wait until the server ends the connection, dropping what it sends; False after `SEND_TIMEOUT_S`."""
        try:
            while self._tcp.recv(65_536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        """End the connection."""
        self._tcp.close()

    def _shake(self, server_curve: bytes, who: LinkIdentity, metadata: dict[bytes, bytes]) -> None:
        short_secret = os.urandom(32)
        short_public = crypto_scalarmult_base(short_secret)
        self._tcp.sendall(GREETING)
        self._exactly(64)
        nonce = self._nonce()
        proof = crypto_box(bytes(64), b"CurveZMQHELLO---" + nonce, server_curve, short_secret)
        self._write(b"\x05HELLO\x01\x00" + bytes(72) + short_public + nonce + proof, COMMAND)
        welcome = self._read()
        opened = crypto_box_open(welcome[24:], b"WELCOME-" + welcome[8:24], server_curve, short_secret)
        server_short, cookie = opened[:32], opened[32:]
        self._shared = crypto_box_beforenm(server_short, short_secret)
        vouch_nonce = os.urandom(16)
        vouch = crypto_box(short_public + server_curve, b"VOUCH---" + vouch_nonce, server_short, who.curve_secret)
        properties = b"".join(
            bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in metadata.items()
        )
        nonce = self._nonce()
        initiate = crypto_box_afternm(
            who.curve_public + vouch_nonce + vouch + properties, b"CurveZMQINITIATE" + nonce, self._shared
        )
        self._write(b"\x08INITIATE" + cookie + nonce + initiate, COMMAND)
        if not self._read().startswith(b"\x05READY"):
            raise ConnectionError("not let in")

    def _nonce(self) -> bytes:
        self._count += 1
        return struct.pack(">Q", self._count)

    def _write(self, content: bytes, flags: int) -> None:
        size = len(content)
        head = struct.pack(">BQ", flags | LONG, size) if size > 255 else bytes([flags, size])
        self._tcp.sendall(head + content)

    def _read(self) -> bytes:
        flags = self._exactly(1)[0]
        size = struct.unpack(">Q", self._exactly(8))[0] if flags & LONG else self._exactly(1)[0]
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            more = self._tcp.recv(size - len(content))
            if not more:
                raise ConnectionError("the server has ended the connection")
            content += more
        return content
