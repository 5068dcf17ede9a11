"""Compile the kernels of market data once and keep their machine code; set-up runs `python -m` this module."""

import sys

from openoutcry.book import Books, commands
from openoutcry.domain import Pair, Side
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.followers import L3Follower
from openoutcry.marketdata.topics import Channel


def main() -> int:
    """Use every entry on a book of one order: some 15 s cold, half a second warm."""
    print("Preparing market data: compiled once per version, then loaded from disk.", flush=True)
    books, feeds, follower = Books([Pair(0)]), Feeds([0]), L3Follower(0)
    events = books.apply(commands.place(0, 0, client_id=1, side=Side.BUY, price_ticks=100, qty_lots=1))
    follower.receive(feeds.publish(events, books, 0)[0][1])
    follower.book.depth()
    assert follower.digest() == feeds.feed(0).digest(books).digest
    assert follower.sequence == feeds.feed(0).head(Channel.L3) == 1
    print("Market data is ready.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
