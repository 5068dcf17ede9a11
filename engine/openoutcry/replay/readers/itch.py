"""Nasdaq TotalView-ITCH 5.0 recordings: binary messages, each led by its length in two bytes.

`itchcpp` decodes the messages. An `E`, `X` or `D` message names only an order, so live orders are followed here; the
executions of one nanosecond are one transaction. What each message becomes is a table in docs/reference/readers.md.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np

from openoutcry.domain import Side
from openoutcry.replay.assemble import Raw, assemble
from openoutcry.replay.error import DamagedInput, ReplayError
from openoutcry.replay.flow import MESSAGE, VENUE_CLOCK, Action, Flow
from openoutcry.replay.readers.libraries import library
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source

NAME: Final = "itch"
EXTRA: Final = "itch"

PRICE_UNIT: Final = Decimal("0.0001")
NS_PER_DAY: Final = 86_400 * 10**9
LENGTH_BYTES: Final = 2
END_OF_MESSAGES: Final = b"C"

CROSS_PRINT: Final = "execution that a later cross trade reports, taken as a reduction"
BROKEN: Final = "trade that the venue broke later"
AFTER_END: Final = "byte after the end-of-messages event"

_ISO_DATE: Final = re.compile(r"(20\d\d)-?(0[1-9]|1[0-2])-?([0-3]\d)")
_US_DATE: Final = re.compile(r"(0[1-9]|1[0-2])([0-3]\d)(20\d\d)")


def knows(name: str, head: bytes) -> bool:
    """Say whether a file is of this format: it begins with a system event, twelve bytes long."""
    return head[:3] == b"\x00\x0cS" or (head[:1] == b"\x00" and "itch" in name.lower())


def read(source: Source, options: Options) -> Flow:
    """Read a recording. Raises ReplayError for what is damaged; cost about 2 microseconds a message."""
    parser = library("itchcpp.parser", NAME, "itchcpp", EXTRA)
    name = source.main if source.main is not None else _itch_name(source)
    label, data = source.label(name), source.read(name)
    tape = _Tape(_midnight_ns(name), options.symbols)
    try:
        for message in parser.MessageParser().parse_stream(data):
            tape.enter(message)
    except (ValueError, RuntimeError) as error:
        raise _damage(data, label) or ReplayError(f"{label}: {error}") from error
    if tape.bytes_read != len(data):
        fault = _damage(data, label)
        if fault is not None:
            raise fault
        tape.remarks[AFTER_END] = len(data) - tape.bytes_read
    if tape.fault is not None:
        record, field, expected, found = tape.fault
        raise DamagedInput(label, record, field, expected, found)
    if not tape.rows:
        chosen = f" of {', '.join(options.symbols)}" if options.symbols else ""
        raise ReplayError(f"{label}: no order{chosen} in {tape.record} messages")
    messages = np.array(tape.rows, dtype=MESSAGE)
    raw = Raw(
        label, NAME, tape.symbols, messages, PRICE_UNIT, Decimal(1), tape.record, VENUE_CLOCK, {}, dict(tape.remarks)
    )
    return assemble(raw, tick=options.tick, symbols=options.symbols)


class _Tape:
    """The messages of a file so far, and the orders that are live."""

    def __init__(self, midnight_ns: int, wanted: tuple[str, ...]) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.symbols: list[str] = []
        self.remarks: dict[str, int] = {}
        self.record = 0
        self.bytes_read = 0
        self.fault: tuple[int, str, str, str] | None = None
        self._midnight_ns = midnight_ns
        self._wanted = frozenset(wanted)
        self._time_ns = 0
        self._group = 0
        self._pair_of_locate: dict[int, int] = {}
        self._orders: dict[int, list[int]] = {}
        self._enter = {
            b"A": self._add,
            b"F": self._add,
            b"E": self._execute,
            b"C": self._execute_at,
            b"X": self._reduce,
            b"D": self._delete,
            b"U": self._replace,
            b"P": self._trade,
            b"Q": self._cross,
            b"B": self._broken,
        }

    def enter(self, message: Any) -> None:
        """Take in the next message."""
        self.record += 1
        self.bytes_read += LENGTH_BYTES + message.message_size
        time_ns = message.timestamp
        if time_ns != self._time_ns:
            if (time_ns < self._time_ns or time_ns >= NS_PER_DAY) and self.fault is None:
                expected = "nanoseconds after midnight, not before those of the message above"
                self.fault = (self.record, "timestamp", expected, str(time_ns))
            self._time_ns = time_ns
            self._group += 1
        does = self._enter.get(message.message_type)
        if does is not None:
            does(message)

    def _pair(self, message: Any) -> int | None:
        """Return the number of an entering order's symbol, None for one that was not asked for."""
        locate = message.stock_locate
        pair = self._pair_of_locate.get(locate)
        if pair is None:
            symbol = message.stock.decode("ascii", "replace").rstrip()
            if self._wanted and symbol not in self._wanted:
                pair = -1
            else:
                pair = len(self.symbols)
                self.symbols.append(symbol)
            self._pair_of_locate[locate] = pair
        return None if pair < 0 else pair

    def _write(self, action: Action, order: int, pair: int, side: int, price: int, shares: int) -> None:
        self.rows.append(
            (
                self._midnight_ns + self._time_ns, self.record, order, 0, price, shares, self._group, pair, action,
                side, 0, 0, 0, b"",
            )
        )  # fmt: skip

    def _add(self, message: Any) -> None:
        pair = self._pair(message)
        if pair is None:
            return
        side = Side.BUY if message.buy_sell_indicator == b"B" else Side.SELL
        order, price, shares = message.order_reference_number, message.price, message.shares
        self._orders[order] = [pair, side, price, shares]
        self._write(Action.ADD, order, pair, side, price, shares)

    def _known(self, message: Any) -> list[int] | None:
        """Return pair, side, price and leaves of a message's order; one that was never seen has none left."""
        order = self._orders.get(message.order_reference_number)
        if order is not None:
            return order
        pair = self._pair_of_locate.get(message.stock_locate, -1)
        return [pair, 0, 0, 0] if pair >= 0 else None

    def _take(self, message: Any, action: Action, price: int | None, shares: int) -> None:
        order = self._known(message)
        if order is None:
            return
        number = message.order_reference_number
        pair, side, limit, leaves = order
        self._write(action, number, pair, side, limit if price is None else price, shares)
        order[3] = leaves - shares
        if order[3] <= 0:
            self._orders.pop(number, None)

    def _execute(self, message: Any) -> None:
        self._take(message, Action.FILL, None, message.executed_shares)

    def _execute_at(self, message: Any) -> None:
        if message.printable == b"N":
            self._take(message, Action.REDUCE, None, message.executed_shares)
            self._remark(CROSS_PRINT)
        else:
            self._take(message, Action.FILL, message.execution_price, message.executed_shares)

    def _reduce(self, message: Any) -> None:
        self._take(message, Action.REDUCE, None, message.cancelled_shares)

    def _delete(self, message: Any) -> None:
        order = self._known(message)
        if order is not None:
            pair, side, price, leaves = order
            self._write(Action.DELETE, message.order_reference_number, pair, side, price, leaves)
            self._orders.pop(message.order_reference_number, None)

    def _replace(self, message: Any) -> None:
        order = self._known(message)
        if order is None:
            return
        known = message.order_reference_number in self._orders
        self._delete(message)
        if known:
            new, price, shares = message.new_order_reference_number, message.price, message.shares
            self._orders[new] = [order[0], order[1], price, shares]
            self._write(Action.ADD, new, order[0], order[1], price, shares)

    def _trade(self, message: Any) -> None:
        pair = self._pair(message)
        if pair is not None:
            side = Side.BUY if message.buy_sell_indicator == b"B" else Side.SELL
            self._write(Action.TRADE, 0, pair, side, message.price, message.shares)

    def _cross(self, message: Any) -> None:
        pair = self._pair(message)
        if pair is not None and message.shares:
            self._write(Action.AUCTION, 0, pair, Side.BUY, message.cross_price, message.shares)

    def _broken(self, message: Any) -> None:
        self._remark(BROKEN)

    def _remark(self, words: str) -> None:
        self.remarks[words] = self.remarks.get(words, 0) + 1


def _itch_name(source: Source) -> str:
    found = [name for name in source.names() if knows(name, source.peek(name))]
    if len(found) != 1:
        raise ReplayError(f"{source.path}: expected one ITCH file in it, found {len(found)}")
    return found[0]


def _midnight_ns(name: str) -> int:
    """Return midnight of the day that a file's name gives, in either order of its parts; else of 1 January 1970."""
    day = date(1970, 1, 1)
    for pattern, order in ((_ISO_DATE, (1, 2, 3)), (_US_DATE, (3, 1, 2))):
        found = pattern.search(name)
        if found:
            year, month, of_month = (int(found[place]) for place in order)
            try:
                day = date(year, month, of_month)
            except ValueError:
                continue
            break
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9


def _damage(data: bytes, label: str) -> ReplayError | None:
    """Walk the frames and return the first that is wrong, None when all are right up to the end-of-messages event."""
    registry = library("itchcpp.messages", NAME, "itchcpp", EXTRA).messages
    sizes = {kind[0]: cls().message_size for kind, cls in registry.items()}
    at, record = 0, 0
    while at < len(data):
        record += 1
        length = int.from_bytes(data[at : at + LENGTH_BYTES], "big")
        body = data[at + LENGTH_BYTES : at + LENGTH_BYTES + length]
        kind = body[0] if body else None
        if at + LENGTH_BYTES > len(data):
            return DamagedInput(label, record, "length", "two bytes", "the end of the file")
        if length == 0 or kind is None:
            found = "0" if length == 0 else "the end of the file"
            return DamagedInput(label, record, "length", "at least 1 and a message", found)
        if kind not in sizes:
            found = repr(bytes([kind]).decode("latin-1"))
            return DamagedInput(label, record, "message type", "a type of ITCH 5.0", found)
        if length != sizes[kind]:
            expected = f"{sizes[kind]} for a message of type {chr(kind)}"
            return DamagedInput(label, record, "length", expected, str(length))
        if len(body) < length:
            return DamagedInput(label, record, "body", f"{length} bytes", f"{len(body)} and the end of the file")
        if chr(kind) == "S" and body[-1:] == END_OF_MESSAGES:
            return None
        at += LENGTH_BYTES + length
    return None
