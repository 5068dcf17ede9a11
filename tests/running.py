"""A node of `outcry run` in a process of its own, for tests that kill it."""

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple


class Running(NamedTuple):
    """The process of a node, where it listens, and how long that took."""

    process: "subprocess.Popen[bytes]"
    address: str
    seconds: float


def run_node(file: Path, log: Path, patience_s: float) -> Running:
    """Start the node of a configuration and wait until it says where it listens. Fails with its log where it ends."""
    begin = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "openoutcry.cli.main", "run", str(file)], stdout=out, stderr=out
        )
    while True:
        text = log.read_text(encoding="utf-8")
        found = [word for word in text.split() if word.startswith("listen=tcp://")]
        if found:
            return Running(process, found[0].removeprefix("listen="), time.monotonic() - begin)
        assert process.poll() is None and time.monotonic() - begin < patience_s, text
        time.sleep(0.01)
