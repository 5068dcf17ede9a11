"""Compile the kernels of a venue once and keep their machine code; set-up runs `python -m` this module."""

import sys

from openoutcry.venue import kernel
from openoutcry.venue.statements.tray import Tray


def main() -> int:
    """Load every entry: some 2 s cold, half a second warm."""
    print("Preparing the venue: compiled once per version, then loaded from disk.", flush=True)
    kernel.load()
    Tray()
    print("The venue is ready.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
