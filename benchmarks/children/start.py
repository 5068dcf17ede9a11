"""Opens books and matches two orders: the least that a process does before its first trade."""

from openoutcry.book import Books, commands
from openoutcry.domain import EventKind, Pair, Side


def main() -> None:
    """Match two orders. Raises AssertionError where they do not trade."""
    books = Books([Pair(0)], accounts=2)
    books.apply(commands.place(0, 0, client_id=1, side=Side.SELL, price_ticks=100, qty_lots=5))
    events = books.apply(commands.place(0, 1, client_id=2, side=Side.BUY, price_ticks=101, qty_lots=3))
    assert EventKind.TRADED in events["kind"]


if __name__ == "__main__":
    main()
