"""Writes LOBSTER message and order-book files, headerless CSV, from the description of the format.

Message: seconds after midnight, type (1 new, 2 partial cancel, 3 delete, 4 execution, 5 hidden execution, 6 cross),
order id, size, price in 1/10,000, direction of the resting order. Order book: ask, size, bid, size for each level; a
level that does not exist has price 9999999999 (ask) or -9999999999 (bid) and size 0.
"""

from collections import Counter
from pathlib import Path

from openoutcry.domain import Side
from openoutcry.replay.flow import Action, Flow

DAY_NS = 86_400 * 10**9
TYPE_OF = {Action.ADD: 1, Action.REDUCE: 2, Action.DELETE: 3, Action.FILL: 4, Action.TRADE: 5, Action.AUCTION: 6}
DUMMY = 9_999_999_999


def write(flow: Flow, folder: Path, *, levels: int = 5, day: str = "2026-01-02", skip: int = 0) -> Path:
    """Write both files of a flow of one pair and return the message file. skip: leave out so many first messages, as
    a recording does that begins in the middle of the day.
    """
    unit = int(flow.pairs[0].tick * 10_000)
    book: dict[int, Counter[int]] = {Side.BUY: Counter(), Side.SELL: Counter()}
    messages, rows = [], []
    fields = ("time_ns", "action", "order_id", "side", "price_ticks", "qty_lots")
    columns = [flow.messages[name].tolist() for name in fields]
    for number, (time, action, order, side, ticks, lots) in enumerate(zip(*columns, strict=True)):
        price = ticks * unit
        seconds, nanoseconds = divmod(time % DAY_NS, 10**9)
        if action == Action.ADD:
            book[side][price] += lots
        elif action in (Action.REDUCE, Action.DELETE, Action.FILL):
            book[side][price] -= lots
        if number >= skip:
            direction = 1 if side == Side.BUY else -1
            messages.append(f"{seconds}.{nanoseconds:09},{TYPE_OF[action]},{order},{lots},{price},{direction}\n")
            rows.append(_row(book, levels))
    stem = f"{flow.pairs[0].symbol}_{day}_34200000_57600000"
    path = folder / f"{stem}_message_{levels}.csv"
    path.write_text("".join(messages), encoding="ascii")
    (folder / f"{stem}_orderbook_{levels}.csv").write_text("".join(rows), encoding="ascii")
    return path


def _row(book: dict[int, Counter[int]], levels: int) -> str:
    bids = sorted((price for price, size in book[Side.BUY].items() if size), reverse=True)[:levels]
    asks = sorted(price for price, size in book[Side.SELL].items() if size)[:levels]
    fields = []
    for level in range(levels):
        for side, prices, dummy in ((Side.SELL, asks, DUMMY), (Side.BUY, bids, -DUMMY)):
            there = level < len(prices)
            fields += [prices[level] if there else dummy, book[side][prices[level]] if there else 0]
    return ",".join(map(str, fields)) + "\n"
