"""How far away an answer is: an echo over TCP on loopback, by a bare pyzmq ROUTER and by a node, in one run.

The bare echo receives a message and sends it back: the limit of what any node could do in Python on these sockets.
The node decodes, counts, keeps in its journal or not, and answers. Client and server have a core each, where there are
two. One message at a time (round trip), then 64 on their way (rate). A message is an ECHO_REQUEST of 64 bytes; a frame
one of 256 commands, 16 KiB. Given as times the bare echo with the same CURVE setting, medians of `ROUNDS` runs.

A node without CURVE is not to be had by configuration; here it is, to show what CURVE costs.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np
import zmq
from nacl.bindings import crypto_scalarmult_base

from benchmarks.record import ROOT, Recorder
from openoutcry.domain.records import COMMAND
from openoutcry.node.sessions.handshake import Introduction
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.frames import COMMANDS, encode_records
from openoutcry.wire.versions import Capability, Offer
from openoutcry_echo.messages import EchoRequest

ROUNDS: Final = 5
WINDOW: Final = 64
SERVERS: Final = (
    ("bare", False, "none"),
    ("bare", True, "none"),
    ("node", False, "none"),
    ("node", False, "async"),
    ("node", False, "sync"),
    ("node", True, "none"),
    ("node", True, "async"),
    ("node", True, "sync"),
)
SEED: Final = b"echo client of the benchmarks...".ljust(32, b".")[:32]
CURVE_SECRET: Final = b"client's links of the benchmarks".ljust(32, b".")[:32]
WAIT_MS: Final = 10_000


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure each server with messages and with frames; each round visits all of them, so that they share its luck."""
    bodies = {
        "message": encode(EchoRequest(1, bytes(64))),
        "frame": bytes(encode_records(COMMANDS, 1, 1, np.zeros(256, COMMAND))),
    }
    found: dict[tuple[str, bool, str, str], list[tuple[float, float, float]]] = {}
    for _ in range(1 if quick else ROUNDS):
        for server, curve, durability in SERVERS:
            greets = curve and server == "node"
            with serving(server, curve, durability) as served, linked(served, curve, greets) as link:
                for name, body in bodies.items():
                    count = 200 if quick else (4_000 if name == "message" else 2_000)
                    found.setdefault((server, curve, durability, name), []).append(time_echo(link, body, count))
    for (server, curve, durability, name), laps in found.items():
        p50, p99, rate = (median(lap[which] for lap in laps) for which in range(3))
        bare = [median(lap[which] for lap in found["bare", curve, "none", name]) for which in range(3)]
        recorder.add(
            "echo",
            {"server": server, "curve": curve, "journal": durability, "what": name},
            {
                "round_trip_p50_us": p50,
                "round_trip_p99_us": p99,
                "messages_per_s": rate,
                "round_trip_times_bare": p50 / bare[0],
                "rate_times_bare": rate / bare[2],
            },
        )


class Served(NamedTuple):
    """A server that runs."""

    address: str
    curve_public: bytes
    pid: int


@contextmanager
def serving(
    server: str, curve: bool, durability: str, *, limited: bool = False, retain: bool = False
) -> Iterator[Served]:
    """Run an echo in a process of its own.

    limited: with the limits that a node has by default. retain: snapshots every five seconds, and truncation.
    """
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(dir=os.environ.get("OUTCRY_BENCH_FOLDER", ROOT)) as folder:
        wanted: dict[str, Any] = {"server": server, "curve": curve, "durability": durability}
        wanted |= {"limited": limited, "retain": retain}
        wanted |= {"folder": str(Path(folder) / "journal"), "core": cores[-1] if len(cores) > 1 else None}
        command = [sys.executable, "-m", "benchmarks.children.echo_server", json.dumps(wanted)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None and process.stdout is not None
            told = json.loads(process.stdout.readline())
            os.sched_setaffinity(0, cores[:1])
            try:
                yield Served(told["address"], bytes.fromhex(told["curve_public"]), process.pid)
            finally:
                os.sched_setaffinity(0, cores)
                process.stdin.close()
                process.wait(timeout=30)


@contextmanager
def linked(served: Served, curve: bool, greets: bool, routing_id: bytes = b"") -> Iterator[zmq.Socket[bytes]]:
    """Open a link as a client; to a node with CURVE, with the greeting that it wants."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as link:
        link.setsockopt(zmq.LINGER, 0)
        if routing_id:
            link.setsockopt(zmq.ROUTING_ID, routing_id)
        if curve:
            link.setsockopt(zmq.CURVE_SERVERKEY, served.curve_public)
            link.setsockopt(zmq.CURVE_PUBLICKEY, crypto_scalarmult_base(CURVE_SECRET))
            link.setsockopt(zmq.CURVE_SECRETKEY, CURVE_SECRET)
        link.connect(served.address)
        if greets:
            signer = Ed25519Signer(SEED)
            offer = Offer(signer.key, (int(Capability.RECORD_FRAMES),))
            introduction = Introduction(signer, crypto_scalarmult_base(CURVE_SECRET), ("client",), (), offer)
            for frame in introduction.greeting(time.time_ns()):
                link.send(frame)
            for _ in range(2):  # WELCOME, and the node's record
                take(link)
        yield link


def take(link: "zmq.Socket[bytes]") -> bytes:
    """Receive one frame. Raises TimeoutError where none comes."""
    if not link.poll(WAIT_MS):
        raise TimeoutError("no answer")
    return link.recv()


def time_echo(link: "zmq.Socket[bytes]", body: bytes, count: int) -> tuple[float, float, float]:
    """Return the round trip's median and 99th percentile in microseconds, and messages a second with a window."""
    for _ in range(50):
        link.send(body)
        take(link)
    laps = []
    for _ in range(count):
        begin = time.perf_counter()
        link.send(body)
        answer = take(link)
        laps.append(time.perf_counter() - begin)
    assert len(answer) == len(body)
    begin = time.perf_counter()
    for _ in range(WINDOW):
        link.send(body)
    for _ in range(4 * count):
        take(link)
        link.send(body)
    seconds = time.perf_counter() - begin
    for _ in range(WINDOW):
        take(link)
    p50, p99 = np.percentile(laps, (50, 99)) * 1e6
    return float(p50), float(p99), 4 * count / seconds
