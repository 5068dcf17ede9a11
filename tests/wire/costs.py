"""What the wire costs here, by hand: `python -m tests.wire.costs`. Prints the table of docs/reference/wire.md.

Each figure is the least of five rounds, in microseconds; memory is the peak that tracemalloc saw, in bytes.
"""

import random
import time
import tracemalloc
from collections.abc import Callable
from typing import Final

import numpy as np

from openoutcry.domain import EventKind
from openoutcry.domain.records import COMMAND, EVENT
from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.frames import COMMANDS, EVENTS, KINDS, encode_records, room, seal
from openoutcry.wire.limits import CONTROL_BYTES_MAX
from openoutcry.wire.requests import enclose, prove, read_envelope, read_proven
from openoutcry.wire.streams import Follower, Item, Publisher
from openoutcry.wire.table import MESSAGES
from tests.wire.samples import SAMPLES

MEGABYTE: Final = 1 << 20
CODEC: Final = Codec(MESSAGES)
JUNK: Final = {
    "zeros": bytes(MEGABYTE),
    "an array of nils": b"\xdd\x00\x0f\xff\xfb" + b"\xc0" * (MEGABYTE - 5),
    "nested arrays": b"\x91" * MEGABYTE,
    "random bytes": random.Random(1).randbytes(MEGABYTE),
    "a frame's magic, then zeros": b"OORF" + bytes(MEGABYTE - 4),
}


def least_us(call: Callable[[], object], loops: int) -> float:
    """Return microseconds a call, the least of five rounds."""
    rounds = []
    for _ in range(5):
        begun = time.perf_counter_ns()
        for _ in range(loops):
            call()
        rounds.append((time.perf_counter_ns() - begun) / loops / 1_000)
    return min(rounds)


def row(name: str, call: Callable[[], object], loops: int = 2_000) -> None:
    """Print time and memory of a call."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"| {name} | {least_us(call, loops):.2f} | {peak:,} |")


def main() -> None:
    """Print the table."""
    print("| what | microseconds | bytes |\n|---|---|---|")
    for name, junk in JUNK.items():
        row(f"refuse a megabyte: {name}", lambda junk=junk: (CODEC.decode(junk), KINDS.decode(junk)))  # type: ignore[misc]
    nils = b"\xdc\xff\xf0\x06" + b"\xc0" * (CONTROL_BYTES_MAX - 4)
    row("refuse 64 KiB of nils behind the tag of an ENVELOPE", lambda: CODEC.decode(nils), 200)
    newer = b"\xdc\x03\xed\x08\x01\x02\xc4\x00" + b"\x91\xc0" * 1_000 + b"\x92\x01"
    row("refuse 2,000 items in fields of a newer version", lambda: CODEC.decode(newer), 200)
    for message, _ in (SAMPLES[0], SAMPLES[12]):
        name, frame = type(message).__name__, encode(message)
        row(f"encode a {name}", lambda message=message: encode(message))  # type: ignore[misc]
        row(f"decode a {name}", lambda frame=frame: CODEC.decode(frame))  # type: ignore[misc]
    records, events = np.zeros(256, COMMAND), np.zeros(256, EVENT)
    events["kind"] = EventKind.TRADED
    buffer, _ = room(COMMANDS, 256)
    row("seal 256 commands in place", lambda: seal(buffer, COMMANDS, 1, 1, 256))
    row("encode 256 commands from elsewhere", lambda: encode_records(COMMANDS, 1, 1, records))
    for kind, content in ((COMMANDS, records), (EVENTS, events)):
        frame = bytes(encode_records(kind, 1, 1, content))
        row(f"decode 256 {kind.name}s", lambda frame=frame: KINDS.decode(frame))  # type: ignore[misc]
    _signing()
    follower, publisher = Follower(1), Publisher(1)
    row("publish an item", lambda: publisher.publish(b"x"))
    row("take the next item", lambda: follower.receive(1, Item(follower.next, 1, b"x")))


def _signing() -> None:
    data = bytes(200)
    for name, signer, verifier in (
        ("Ed25519", Ed25519Signer(b"s" * 32), Ed25519Verifier()),
        ("keyed checksum", ChecksumSigner(b"n" * 32, b"k" * 32), ChecksumVerifier(b"n" * 32)),
    ):
        signature = signer.sign(data)
        row(f"sign 200 bytes, {name}", lambda signer=signer: signer.sign(data), 300)  # type: ignore[misc]
        row(f"verify them, {name}", lambda v=verifier, k=signer.key, s=signature: v.verify(k, s, data), 300)  # type: ignore[misc]
    signer, verifier = Ed25519Signer(b"s" * 32), Ed25519Verifier()
    for count in (1, 256):
        bodies = [bytes(200)] * count
        envelope = enclose(bodies, signer, b"r" * 32, 1, 1, b"x" * 32)
        row(f"enclose {count} x 200 bytes", lambda b=bodies: enclose(b, signer, b"r" * 32, 1, 1, b"x" * 32), 50)  # type: ignore[misc]
        row(f"read that envelope of {count}", lambda e=envelope: read_envelope(e, CODEC, verifier), 50)  # type: ignore[misc]
    shown = prove(envelope, 77)
    row("show one of 256", lambda: prove(envelope, 77), 50)
    row("verify what was shown", lambda: read_proven(shown, CODEC, verifier), 300)


if __name__ == "__main__":
    main()
