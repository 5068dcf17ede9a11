"""Writes Nasdaq TotalView-ITCH 5.0 messages, big-endian, each led by its length, from the specification.

Every message begins with its type, stock locate, tracking number and a time stamp of six bytes, nanoseconds after
midnight. Prices have four decimal places.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from openoutcry.domain import Side
from openoutcry.replay.flow import Action, Flow

DAY_NS = 86_400 * 10**9


def write(flow: Flow, folder: Path, *, replaced: frozenset[int] = frozenset()) -> Path:
    """Write a flow. replaced: messages (index of a DELETE followed by an ADD of the same side and pair) to write as
    one replace message.
    """
    path = folder / "S20260102-v50.itch"
    path.write_bytes(b"".join(struct.pack(">H", len(body)) + body for body in bodies(flow, replaced)))
    return path


def bodies(flow: Flow, replaced: frozenset[int] = frozenset()) -> Iterator[bytes]:
    """Yield each message without its length."""
    yield head(b"S", 0, 1) + b"O"
    for number, pair in enumerate(flow.pairs):
        yield head(b"R", number + 1, 2) + stock(pair.symbol) + b"QN" + struct.pack(">I", 100) + b"NCZ PNN1N" + bytes(5)
    match = 0
    last = 2
    messages = flow.messages
    for index in range(len(messages)):
        message = messages[index]
        if index - 1 in replaced:
            continue
        one = flow.pairs[int(message["pair"])]
        unit = int(one.tick * 10_000)
        locate, time = int(message["pair"]) + 1, int(message["time_ns"]) % DAY_NS
        order, shares, price = int(message["order_id"]), int(message["qty_lots"]), int(message["price_ticks"]) * unit
        letter = b"B" if message["side"] == Side.BUY else b"S"
        action = message["action"]
        last = time
        match += 1
        if index in replaced:
            new = messages[index + 1]
            yield head(b"U", locate, time) + struct.pack(
                ">QQII", order, new["order_id"], new["qty_lots"], int(new["price_ticks"]) * unit
            )
        elif action == Action.ADD and order % 5:
            yield head(b"A", locate, time) + struct.pack(">QcI8sI", order, letter, shares, stock(one.symbol), price)
        elif action == Action.ADD:
            yield head(b"F", locate, time) + struct.pack(
                ">QcI8sI4s", order, letter, shares, stock(one.symbol), price, b"MAKR"
            )
        elif action == Action.FILL and match % 3:
            yield head(b"E", locate, time) + struct.pack(">QIQ", order, shares, match)
        elif action == Action.FILL:
            yield head(b"C", locate, time) + struct.pack(">QIQcI", order, shares, match, b"Y", price)
        elif action == Action.REDUCE:
            yield head(b"X", locate, time) + struct.pack(">QI", order, shares)
        elif action == Action.DELETE:
            yield head(b"D", locate, time) + struct.pack(">Q", order)
        elif action == Action.TRADE:
            yield head(b"P", locate, time) + struct.pack(
                ">QcI8sIQ", order, letter, shares, stock(one.symbol), price, match
            )
        elif action == Action.AUCTION:
            yield head(b"Q", locate, time) + struct.pack(">Q8sIQc", shares, stock(one.symbol), price, match, b"O")
    yield head(b"S", 0, last) + b"C"


def head(kind: bytes, locate: int, time_ns: int) -> bytes:
    """Return what every message begins with."""
    return kind + struct.pack(">HH", locate, 0) + time_ns.to_bytes(6, "big")


def stock(symbol: str) -> bytes:
    """Return a symbol in its eight bytes, padded with blanks."""
    return symbol.encode("ascii")[:8].ljust(8)
