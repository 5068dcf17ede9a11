"""Golden bytes by a second implementation: the package msgpack for messages, struct and a bitwise CRC for frames.

`python -m tests.wire.golden` writes tests/data/wire/golden.json anew, which is only right when a message was added.
"""

import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgpack
from nacl.signing import SigningKey

from tests.wire.everything import ALL_SAMPLES
from tests.wire.feed_samples import FEED_ROWS, packed

PATH: Final = Path(__file__).parents[1] / "data" / "wire" / "golden.json"

COMMAND_ROW: Final = (1, 1, 5, 2, 3, 1, 0, 7, 65_536, 2**63, 100, 10**15, 10, -1, 2**63 - 1)
EVENT_ROW: Final = (1, 4, 1, 0, 3, 7, 2**63, 5, 100, 3, 2, 0)
_COMMAND: Final = struct.Struct("<6BHIIQqqqqq")
_EVENT: Final = struct.Struct("<Q4BIQQqqqq")

SEED: Final = bytes(range(32))


def crc32c_of(data: bytes) -> int:
    """Compute CRC-32C bit by bit: polynomial 0x1EDC6F41, reflected (RFC 3720, appendix B.4 has test vectors)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def frame(kind: int, stream: int, sequence: int, rows: list[bytes]) -> bytes:
    """Put a record frame together from its fields."""
    head = struct.pack("<4sHHQQI", b"OORF", kind, 1, stream, sequence, len(rows))
    body = b"".join(rows)
    return head + struct.pack("<I", crc32c_of(head + body)) + body


def golden() -> dict[str, Any]:
    """Return all golden bytes, as JSON writes them."""
    return {
        "messages": [
            {"name": type(message).__name__, "content": _plain(content), "bytes": msgpack.packb(content).hex()}
            for message, content in ALL_SAMPLES
        ],
        "frames": [
            {"kind": 1, "stream": 3, "sequence": 9, "rows": [COMMAND_ROW], "bytes": _hex(1, 3, 9, [_command()])},
            {"kind": 2, "stream": 3, "sequence": 9, "rows": [EVENT_ROW] * 2, "bytes": _hex(2, 3, 9, [_event()] * 2)},
            *(
                {
                    "kind": kind,
                    "stream": 1_792 + kind,
                    "sequence": 9,
                    "rows": [row],
                    "bytes": _hex(kind, 1_792 + kind, 9, [packed(layout, row)]),
                }
                for kind, layout, row in FEED_ROWS
            ),
        ],
        "signed": [_signed("market_state", msgpack.packb([9, 1, 2])), _signed("stream_head", b"any bytes")],
        "tree": _tree(),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _command() -> bytes:
    return _COMMAND.pack(*COMMAND_ROW)


def _event() -> bytes:
    return _EVENT.pack(*EVENT_ROW)


def _hex(kind: int, stream: int, sequence: int, rows: list[bytes]) -> str:
    return frame(kind, stream, sequence, rows).hex()


def _signed(name: str, payload: bytes) -> dict[str, str]:
    key = SigningKey(SEED)
    data = b"openoutcry/1|" + name.encode() + b"|" + payload
    return {
        "name": name,
        "payload": payload.hex(),
        "key": bytes(key.verify_key).hex(),
        "signature": key.sign(data).signature.hex(),
        "id": sha256(data).hexdigest(),
    }


def _tree() -> dict[str, Any]:
    """A tree of three leaves, written out."""
    salts, records = [bytes([index]) * 16 for index in range(3)], [b"a", b"bb", b"ccc"]
    leaves = [sha256(b"\x00" + salt + record).digest() for salt, record in zip(salts, records, strict=True)]
    left = sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    return {
        "salts": [salt.hex() for salt in salts],
        "records": [record.hex() for record in records],
        "leaves": [leaf.hex() for leaf in leaves],
        "root": sha256(b"\x01" + left + leaves[2]).hexdigest(),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(golden(), indent=1) + "\n", encoding="utf-8")
