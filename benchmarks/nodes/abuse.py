"""What a peer that behaves badly does to one that does not.

The node (echo, CURVE, journal with sync, the limits that a node has by default) has a core to itself. On the other one
a victim asks for an echo of 64 bytes every two milliseconds, and an abuser does one thing wrong as fast as it can. The
99th percentile of the victim's round trip is given beside that of the same run without abuse; median of `ROUNDS` runs
of each kind.

Victim and abuser share a core, and whatever is busy there makes the victim wait to run, though it never sends a byte.
So there are two runs without abuse: one with nothing else on the core (`alone`), one with a process that only counts
(`busy`). An abuser that sends as fast as it can is compared with the second, the node's part being what remains.
Left out: abuse from many addresses at once.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

import numpy as np
import zmq

from benchmarks.children.abuser import KINDS
from benchmarks.nodes.echo import Served, linked, serving, take
from benchmarks.record import ROOT, Recorder
from openoutcry.wire.codec import encode
from openoutcry_echo.messages import EchoRequest

ROUNDS: Final = 5
SECONDS: Final = 1.5
SECONDS_QUICK: Final = 0.5
PACE_S: Final = 0.002


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure the victim alone and with each kind of abuser, in turn."""
    seconds = SECONDS_QUICK if quick else SECONDS
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for _ in range(1 if quick else ROUNDS):
        with (
            serving("node", True, "sync", limited=True) as served,
            linked(served, True, True, b"victim") as link,
            counting(),
        ):
            busy = ask(link, seconds)
        for kind in KINDS:
            with serving("node", True, "sync", limited=True) as served, linked(served, True, True, b"victim") as link:
                alone = ask(link, seconds)
                with abusing(kind, served) as done:
                    abused = ask(link, seconds)
            found.setdefault(kind, []).append((alone, busy, abused, sum(done) / seconds))
    for kind, laps in found.items():
        alone, busy, abused, rate = (median(lap[which] for lap in laps) for which in range(4))
        recorder.add(
            "abuse",
            {"kind": kind},
            {
                "alone_p99_us": alone,
                "busy_p99_us": busy,
                "abused_p99_us": abused,
                "times_alone": median(lap[2] / lap[0] for lap in laps),
                "times_busy": median(lap[2] / lap[1] for lap in laps),
                "attempts_per_s": rate,
            },
        )


@contextmanager
def counting() -> Iterator[None]:
    """Keep the victim's core busy with a process that does nothing else."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as hog:
        os.sched_setaffinity(hog.pid, {min(os.sched_getaffinity(0))})
        yield
        hog.kill()


@contextmanager
def abusing(kind: str, served: Served) -> Iterator[list[int]]:
    """Run an abuser on the victim's core; in the end the list holds how often it has done it."""
    done: list[int] = []
    command = [sys.executable, "-m", "benchmarks.children.abuser", kind, served.address, served.curve_public.hex()]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as abuser:
        assert abuser.stdin is not None and abuser.stdout is not None
        os.sched_setaffinity(abuser.pid, {min(os.sched_getaffinity(0))})
        assert abuser.stdout.readline().strip() == "ready"
        yield done
        abuser.stdin.close()
        done.append(int(abuser.stdout.readline()))


def ask(link: "zmq.Socket[bytes]", seconds: float) -> float:
    """Ask at a steady pace and return the 99th percentile of the round trip, in microseconds."""
    body = encode(EchoRequest(1, bytes(64)))
    laps: list[float] = []
    begin = time.perf_counter()
    due = begin
    while (now := time.perf_counter()) - begin < seconds:
        if now < due:
            time.sleep(due - now)
        due += PACE_S
        sent = time.perf_counter()
        link.send(body)
        take(link)
        laps.append(time.perf_counter() - sent)
    return float(np.percentile(laps, 99)) * 1e6
