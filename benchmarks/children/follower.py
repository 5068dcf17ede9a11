"""Follows a journal until it is killed, as `outcry compact` does, and applies nothing: the reading alone."""

import os
import sys
import time
from pathlib import Path

from openoutcry.node.journal.follow import Follower

POLL_S = 0.2
NICE = 10


def main(folder: Path) -> None:
    """Say that it has begun, then read whatever becomes durable."""
    os.nice(NICE)
    follower = Follower(folder)
    print("following", flush=True)
    while True:
        for batch in follower.poll():
            assert batch.records
        time.sleep(POLL_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
