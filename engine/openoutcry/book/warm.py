"""Compile the kernels of the fast book once, with progress, and keep their machine code.

Set-up runs `python -m openoutcry.book.warm`, so that nobody's first order waits for a compiler.
"""

import sys

from openoutcry.domain.order import AccountField, Side
from openoutcry.domain.pair import Ladder, Pair, Phase


def _run() -> None:
    from openoutcry.book import commands
    from openoutcry.book.books import Books

    Books([Pair(0)]).apply(commands.place(0, 0, client_id=1, side=Side.BUY, price_ticks=100, qty_lots=1))


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


STEPS = (
    ("the commands", _run),
    ("questions and snapshots", _ask),
    ("auctions by themselves", _auction),
)


def main() -> int:
    """Compile every entry by using it on small books: some 20 s cold, half a second warm."""
    print("Preparing the order books: compiled once per version, then loaded from disk.", flush=True)
    for number, (what, step) in enumerate(STEPS, 1):
        print(f"  {number} of {len(STEPS)}: {what}", flush=True)
        step()
    print("The order books are ready.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
