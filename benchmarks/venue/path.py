"""How many orders a second go the whole way through a venue, and how far away the answer to one is.

The way: a member's socket, TCP on loopback, the venue's checks, journal, match, events back to their owners, who read
them, and level 3 published to a follower in a process of its own, whose digest is held against the venue's. Flow: mix A
(see `benchmarks.workloads`), two members, frames encoded before; venue and load have a core each where there are two.
In the same run the same frames go through a bare echo. The venue gives no receipts here; what they cost stands in
`benchmarks.proof`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import zmq
from nacl.bindings import crypto_scalarmult_base

from benchmarks import workloads
from benchmarks.nodes import echo
from benchmarks.record import ROOT, Case, Recorder
from benchmarks.venue.plain import key_of
from benchmarks.venue.terms import ACCOUNTS
from openoutcry.domain.records import Commands
from openoutcry.marketdata import messages as feed_messages
from openoutcry.marketdata.messages import PublicDigest, PublicDigestWanted
from openoutcry.marketdata.topics import Channel, stream_of
from openoutcry.node.sessions.handshake import Introduction
from openoutcry.venue import messages as venue_messages
from openoutcry.venue.messages import CommandsTaken, SessionOpen, SessionOpened
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.frames import COMMANDS, encode_records, read_header
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.versions import Capability, Offer

MEMBERS: Final = 2
WINDOW: Final = 64
"""Frames of each member on their way."""
ROUNDS: Final = 3
WAIT_MS: Final = 20_000
CODEC: Final = Codec(MESSAGES.extended([*venue_messages.MESSAGES, *feed_messages.MESSAGES]))


@dataclass
class Member:
    """One member's socket. taken: commands that were acknowledged. events: last event that it has read."""

    number: int
    socket: "zmq.Socket[bytes]"
    frames: Sequence[bytes] = ()
    at: int = 0
    taken: int = 0
    sent: int = 0
    events: int = 0
    head: int = 0
    gaps: int = 0
    laps: list[float] = field(default_factory=list)

    def read(self, frame: bytes) -> None:
        """Read one message of the venue."""
        if frame[:1] == b"O":
            header = read_header(frame)
            assert header is not None
            self.gaps += header.sequence != self.events + 1
            self.events = header.sequence + header.records - 1
            return
        message = CODEC.decode(frame)
        if isinstance(message, CommandsTaken):
            self.taken = message.sequence - 1 + sum(run.count for run in message.runs)
            self.head = message.event_head
        else:
            raise AssertionError(message)


def signer_of(number: int) -> Ed25519Signer:
    """Return the identity of a member."""
    return Ed25519Signer(f"member {number} of the benchmarks".encode().ljust(32, b".")[:32])


def routing_id(number: int) -> bytes:
    """Return the routing id of a member without CURVE."""
    return f"m{number:04}".encode()


@contextmanager
def serving(curve: bool, durability: str, profile: bool = False) -> Iterator[tuple[dict[str, Any], Any]]:
    """Run a venue in a process of its own."""
    cores = sorted(os.sched_getaffinity(0))
    members = [signer_of(n).key if curve else key_of(routing_id(n)) for n in range(1, MEMBERS + 1)]
    with tempfile.TemporaryDirectory(dir=os.environ.get("OUTCRY_BENCH_FOLDER", ROOT)) as folder:
        wanted = {
            "curve": curve,
            "durability": durability,
            "folder": str(Path(folder) / "journal"),
            "members": [member.hex() for member in members],
            "core": cores[-1] if len(cores) > 1 else None,
            "profile": profile,
        }
        command = [sys.executable, "-m", "benchmarks.venue.server", json.dumps(wanted)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None and process.stdout is not None
            told = json.loads(process.stdout.readline())
            os.sched_setaffinity(0, cores[:1])
            try:
                yield told, process
            finally:
                os.sched_setaffinity(0, cores)
                process.stdin.close()
                rest = process.stdout.read()
                process.wait(timeout=30)
                if profile:
                    print(rest)
                told |= json.loads(rest.splitlines()[-1])


@contextmanager
def following(told: dict[str, Any], curve: bool) -> Iterator[Any]:
    """Run a follower in a process of its own, on the core of the load."""
    cores = sorted(os.sched_getaffinity(0))
    wanted = {"curve": curve, "curve_public": told["curve_public"], "publish": told["publish"], "core": cores[0]}
    command = [sys.executable, "-m", "benchmarks.venue.follower", json.dumps(wanted)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)  # a subscription has no answer
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def ask_follower(process: Any) -> dict[str, Any]:
    """Ask a follower what it holds."""
    process.stdin.write("?\n")
    process.stdin.flush()
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


@contextmanager
def linked(told: dict[str, Any], curve: bool) -> Iterator[list[Member]]:
    """Open the members' links and sessions."""
    with zmq.Context() as context, ExitStack() as stack:
        members = []
        for number in range(1, MEMBERS + 1):
            socket = stack.enter_context(context.socket(zmq.DEALER))
            socket.setsockopt(zmq.LINGER, 0)
            socket.set_hwm(1_000_000)
            if curve:
                signer = signer_of(number)
                secret = f"links of member {number}".encode().ljust(32, b".")[:32]
                public = crypto_scalarmult_base(secret)
                socket.setsockopt(zmq.CURVE_SERVERKEY, bytes.fromhex(told["curve_public"]))
                socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
                socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
                offer = Offer(signer.key, (int(Capability.RECORD_FRAMES),))
                socket.connect(told["address"])
                for frame in Introduction(signer, public, ("client",), (), offer).greeting(time.time_ns()):
                    socket.send(frame)
                for _ in range(2):
                    take(socket)
            else:
                socket.setsockopt(zmq.ROUTING_ID, routing_id(number))
                socket.connect(told["address"])
            socket.send(encode(SessionOpen(False)))
            opened = CODEC.decode(take(socket))
            assert isinstance(opened, SessionOpened), opened
            members.append(Member(opened.session, socket, events=opened.event_head))
        yield members


def take(socket: "zmq.Socket[bytes]") -> bytes:
    """Receive one frame."""
    if not socket.poll(WAIT_MS):
        raise TimeoutError("no answer")
    return socket.recv()


def flows(count: int) -> list[Commands]:
    """Return the first commands of mix A, prefill included, for each member: by account, in their order."""
    drawn = workloads.load("A", messages=workloads.MESSAGES)
    rows = np.concatenate([drawn.prefill, drawn.timed])[:count]
    rows["account"] %= MEMBERS * ACCOUNTS
    return [rows[rows["account"] // ACCOUNTS == member] for member in range(MEMBERS)]


def frames_of(session: int, rows: Commands, size: int) -> list[bytes]:
    """Return the commands in frames of so many."""
    return [bytes(encode_records(COMMANDS, session, at + 1, rows[at : at + size])) for at in range(0, len(rows), size)]


def drive(members: Sequence[Member], size: int, window: int) -> float:
    """Send everything, with so many frames of each member on their way, until all is acknowledged and read.

    Returns the seconds.
    """
    poller = zmq.Poller()
    for member in members:
        poller.register(member.socket, zmq.POLLIN)
    total = {member.number: sum((len(frame) - 32) // 64 for frame in member.frames) for member in members}
    begin = time.perf_counter()
    until = begin + WAIT_MS / 1000 * 3
    waiting = list(members)
    while waiting:
        moved = False
        for member in waiting:
            socket = member.socket
            while member.at < len(member.frames) and member.sent - member.taken < window * size:
                frame = member.frames[member.at]
                socket.send(frame)
                member.at += 1
                member.sent += (len(frame) - 32) // 64
                moved = True
            try:
                while True:
                    member.read(socket.recv(zmq.NOBLOCK))
                    moved = True
            except zmq.Again:
                pass
        waiting = [one for one in waiting if one.taken < total[one.number] or one.events < one.head]
        if not moved and waiting:
            poller.poll(100)
            assert time.perf_counter() < until, [(one.taken, total[one.number], one.events) for one in waiting]
    return time.perf_counter() - begin


def ping(member: Member, count: int) -> tuple[float, float]:
    """Send one order at a time; return median and 99th percentile of the time until its events are read, in us."""
    laps = []
    for _ in range(min(count, len(member.frames) - member.at)):
        frame = member.frames[member.at]
        member.at += 1
        begin = time.perf_counter()
        member.socket.send(frame)
        member.sent += 1
        while member.taken < member.sent or member.events < member.head:
            member.read(member.socket.recv())
        laps.append(time.perf_counter() - begin)
    p50, p99 = np.percentile(laps, (50, 99)) * 1e6
    return float(p50), float(p99)


def one_run(curve: bool, durability: str, size: int, orders: int, *, profile: bool = False) -> dict[str, float]:
    """Run one venue with its load; return the figures."""
    flow = flows(orders)
    with (
        serving(curve, durability, profile) as (told, _),
        following(told, curve) as follower,
        linked(told, curve) as members,
    ):
        begin = time.perf_counter()
        for member in members:
            member.frames = frames_of(member.number, flow[member.number - 1], size)
        encode_s = time.perf_counter() - begin
        if size == 1 and orders <= PINGS:
            p50, p99 = ping(members[0], PINGS)
            found = {"round_trip_p50_us": p50, "round_trip_p99_us": p99}
        else:
            seconds = drive(members, size, WINDOW if size > 1 else WINDOW_SINGLE)
            frames = sum(len(member.frames) for member in members)
            found = {
                "orders_per_s": orders / seconds,
                "frames_per_s": frames / seconds,
                "encode_ns": encode_s / orders * 1e9,
            }
        assert all(member.gaps == 0 for member in members), "an own event is missing"
        members[0].socket.send(encode(PublicDigestWanted(stream_of(0, Channel.L3))))
        digest = None
        while digest is None:
            answer = take(members[0].socket)
            message = None if answer[:1] == b"O" else CODEC.decode(answer)
            digest = message if isinstance(message, PublicDigest) else None
        held = ask_follower(follower)
        until = time.monotonic() + 20
        while held["sequence"] < digest.sequence and time.monotonic() < until:
            time.sleep(0.02)
            held = ask_follower(follower)
        assert held["digest"] == digest.digest.hex() and held["gaps"] == 0, (held, digest)
    return found | {"venue_cpu_s": told["cpu_s"], "groups": told["groups"]}


PINGS: Final = 3_000
ECHO_AHEAD: Final = 512
"""Frames on their way through the bare echo: a socket drops what is beyond a thousand."""
WINDOW_SINGLE: Final = 512
"""Frames of one command on their way, of each member."""


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure the venue and the bare echo in turns."""
    orders = 20_000 if quick else workloads.MESSAGES
    cases = [
        (256, orders, WINDOW),
        (1, 5_000 if quick else 200_000, WINDOW_SINGLE),
        (1, PINGS, 1),
    ]
    found: dict[tuple[bool, str, int, int], list[dict[str, float]]] = {}
    for _ in range(1 if quick else ROUNDS):
        for curve in (False, True):
            for size, count, window in cases:
                bare = bare_echo(curve, size, window, 200 if quick else 3_000)
                for durability in ("none", "async", "sync"):
                    figures = one_run(curve, durability, size, count)
                    if window == 1:
                        figures["round_trip_times_echo"] = figures["round_trip_p50_us"] / bare["round_trip_p50_us"]
                    else:
                        figures["rate_times_echo"] = figures["frames_per_s"] / bare["frames_per_s"]
                    figures |= {f"echo_{name}": value for name, value in bare.items()}
                    found.setdefault((curve, durability, size, window), []).append(figures)
    for (curve, durability, size, window), laps in found.items():
        figures = {name: median(lap[name] for lap in laps) for name in laps[0]}
        case: Case = {"curve": curve, "journal": durability, "frame": size, "window": window}
        recorder.add("venue", case, figures)


def bare_echo(curve: bool, size: int, window: int, count: int) -> dict[str, float]:
    """Send frames of the same size through a bare echo, with as many on their way."""
    body = bytes(encode_records(COMMANDS, 1, 1, flows(256)[0][:1].repeat(size)))
    with echo.serving("bare", curve, "none") as served, echo.linked(served, curve, False) as link:
        if window == 1:
            p50, p99, _ = echo.time_echo(link, body, count)
            return {"round_trip_p50_us": p50, "round_trip_p99_us": p99}
        link.set_hwm(1_000_000)
        for _ in range(100):
            link.send(body)
            take(link)
        begin = time.perf_counter()
        ahead = min(MEMBERS * window, ECHO_AHEAD)
        for _ in range(ahead):
            link.send(body)
        for _ in range(4 * count):
            take(link)
            link.send(body)
        seconds = time.perf_counter() - begin
        for _ in range(ahead):
            take(link)
        return {"frames_per_s": 4 * count / seconds}
