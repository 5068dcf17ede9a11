"""Compile the kernels of the fast book once, with progress, and keep their machine code.

Set-up runs `python -m openoutcry.book.warm`, so that nobody's first order waits for a compiler.
"""

import subprocess
import sys
from collections.abc import Callable

from openoutcry.domain.order import AccountField, Side
from openoutcry.domain.pair import Ladder, Pair, Phase


def _trade() -> None:
    from openoutcry.book import commands
    from openoutcry.book.books import Books

    Books([Pair(0)]).apply(commands.place(0, 0, client_id=1, side=Side.BUY, price_ticks=100, qty_lots=1))


def _operate() -> None:
    from openoutcry.book import commands
    from openoutcry.book.books import Books

    Books([Pair(0)]).apply(commands.set_phase(0, Phase.AUCTION))


def _ask() -> None:
    """Growth, depth, indicative price, snapshot and restore: every other entry."""
    from openoutcry.book import commands
    from openoutcry.book.books import Books

    books = Books([Pair(0, phase=Phase.AUCTION), Pair(1, ladder=Ladder.HASHED)], accounts=0, capacity=1)
    books.apply(commands.set_limits(0, AccountField.OPEN))
    for instrument in range(2_000):
        books.apply(commands.fund(0, instrument, 1))
    for number in range(1, 5):
        side = Side(number % 2)
        books.apply(commands.place(number // 3, 0, client_id=number, side=side, price_ticks=100 + side, qty_lots=1))
    books.depth(0)
    books.indicative(0)
    books.position(0, 0)
    books.backing(0, 0)
    Books.restore(books.snapshot()).check()
    books._storage._size_positions(1 << 14)


def _auction() -> None:
    from openoutcry.book.auction import AuctionOrder, uncross

    orders = [AuctionOrder(Side.BUY, 1, 101), AuctionOrder(Side.SELL, 1, 100)]
    uncross(orders, reference_ticks=None, tick=1, rule="euronext")


COMPILING_SECONDS_MAX = 300

STEPS: tuple[tuple[str, Callable[[], None]], ...] = (
    ("the traders' commands", _trade),
    ("the operator's commands", _operate),
    ("questions and snapshots", _ask),
    ("auctions by themselves", _auction),
)


def _in_parallel() -> int:
    """Compile on two cores: the traders' entry here, all others in a second process; both end in the same cache."""
    with subprocess.Popen([sys.executable, "-m", "openoutcry.book.warm", "others"], stdout=subprocess.DEVNULL) as other:
        _say(1)
        STEPS[0][1]()
        _say(2)
        return other.wait(timeout=COMPILING_SECONDS_MAX)


def _say(number: int) -> None:
    print(f"  {number} of {len(STEPS)}: {STEPS[number - 1][0]}", flush=True)


def main(arguments: list[str]) -> int:
    """Compile every entry by using it on small books: some 20 s cold, half a second warm."""
    if arguments == ["others"]:
        for _, step in STEPS[1:]:
            step()
        return 0
    print("Preparing the order books: compiled once per version, then loaded from disk.", flush=True)
    if _in_parallel() != 0:
        print("The second compiling process failed; going on here.", flush=True)
    for number, (_, step) in enumerate(STEPS[1:], 2):
        if number > 2:
            _say(number)
        step()
    print("The order books are ready.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
