"""Whether a node's memory stays where it is: resident memory of an echo under full load, for minutes.

CURVE, journal with sync, requests of 64 bytes, 64 on their way; every five seconds a snapshot is taken and the journal
gives up what no snapshot needs. Resident memory is read each second; the first fifth of the run is left out, in which
buffers find their size.
"""

import time
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.nodes.echo import WINDOW, linked, serving, take
from benchmarks.record import Recorder
from openoutcry.wire.codec import encode
from openoutcry_echo.messages import EchoRequest

SECONDS: Final = 90
SECONDS_QUICK: Final = 4


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Load a node and look at its memory."""
    seconds = SECONDS_QUICK if quick else SECONDS
    body = encode(EchoRequest(1, bytes(64)))
    resident: list[int] = []
    count = 0
    with serving("node", True, "sync", retain=True) as server, linked(server, True, True) as link:
        for _ in range(WINDOW):
            link.send(body)
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < seconds:
            for _ in range(1_000):
                take(link)
                link.send(body)
            count += 1_000
            if passed >= len(resident):
                resident.append(resident_bytes(server.pid))
        for _ in range(WINDOW):
            take(link)
    settled = resident[len(resident) // 5 :]
    slope = float(np.polyfit(np.arange(len(settled)), settled, 1)[0])
    recorder.add(
        "soak",
        {"what": "echo"},
        {
            "seconds": seconds,
            "messages": count,
            "resident_begin_mb": settled[0] / 2**20,
            "resident_max_mb": max(settled) / 2**20,
            "resident_end_mb": settled[-1] / 2**20,
            "growth_bytes_per_message": slope * len(resident) / count,
        },
    )


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} has no resident memory")
