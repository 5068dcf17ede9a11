"""Lets orders rest in fresh books and prints how resident memory grew.

    python -m benchmarks.children.memory NAMING COUNT

Commands are made in one small buffer that is used again and again, so that only the books grow.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Final

import numpy as np

from openoutcry.book import Books
from openoutcry.domain import CommandFlag, Op, Pair, Side
from openoutcry.domain.records import COMMAND, Commands

ACCOUNTS: Final = 1000
BATCH: Final = 4096
MIDDLE_TICKS: Final = 10_000
LEVELS: Final = 500
"""Prices on each side on which the orders rest."""


def resident_bytes() -> int:
    """Return what of this process is in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def fill(commands: Commands, first: int, flags: int) -> None:
    """Write orders number `first` and on: buys below the middle, sells above, spread over levels and accounts."""
    numbers = np.arange(first, first + len(commands))
    sides = numbers % 2
    offset = 1 + (numbers // 2) % LEVELS
    commands["op"] = Op.PLACE
    commands["flags"] = flags
    commands["side"] = sides
    commands["account"] = numbers % ACCOUNTS
    commands["client_id"] = numbers
    commands["price_ticks"] = MIDDLE_TICKS + np.where(sides == Side.SELL, offset, -offset)
    commands["qty_lots"] = 100


def main() -> None:
    """Measure, and print one JSON object."""
    naming, count = sys.argv[1], int(sys.argv[2])
    flags = int(CommandFlag.BY_HANDLE) if naming == "handles" else 0
    commands = np.zeros(BATCH, COMMAND)
    warm = Books([Pair(0)], accounts=ACCOUNTS)
    fill(commands, 1, flags)
    warm.apply(commands)
    del warm
    books = Books([Pair(0)], accounts=ACCOUNTS)
    books.apply(commands[:2])
    before = now = resident_bytes()
    step = 0
    for first in range(3, count + 1, BATCH):
        size = min(BATCH, count + 1 - first)
        fill(commands[:size], first, flags)
        books.apply(commands[:size])
        step = max(step, resident_bytes() - now)
        now = resident_bytes()
    growth = now - before
    print(json.dumps({"growth_bytes": growth, "bytes_per_order": growth / count, "largest_step_bytes": step}))


if __name__ == "__main__":
    main()
