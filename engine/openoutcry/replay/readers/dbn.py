"""Databento recordings of schema MBO (market by order): DBN files, plain or compressed with zstd.

`databento-dbn` decodes the header and names the layout of the records. A trade comes as a T record (the aggressor),
F records (the resting orders filled) and C or M records that carry the effect of the fills on the book; only the last
record of such an event is flagged, and an event is one transaction. See docs/reference/readers.md.
"""

from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Side
from openoutcry.domain.limits import TIME_NS_MAX
from openoutcry.replay.assemble import Raw, assemble
from openoutcry.replay.error import DamagedInput, ReplayError
from openoutcry.replay.flow import MESSAGE, Action, Flow, MessageFlag
from openoutcry.replay.readers.libraries import library
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source, plain_name

NAME: Final = "dbn"
EXTRA: Final = "dbn"

PRICE_UNIT: Final = Decimal("1e-9")
MAGIC: Final = b"DBN"
PREFIX_BYTES: Final = 8
"""`DBN`, a version byte, and the length of the rest of the header in four bytes, little-endian."""

WORD_BYTES: Final = 4
"""A record's length is given in units of four bytes."""

MBO_RTYPE: Final = 160
TS_OUT_BYTES: Final = 8

LAST: Final = 128
SNAPSHOT: Final = 32
"""Bits of `flags`: the last record of an event; a record of an opening snapshot."""

ACTIONS: Final = b"AMCRTFN"
SIDES: Final = b"ABN"

NO_EFFECT: Final = "record without effect"
UNMATCHED_FILL: Final = "fill without the cancellation that should follow it"


def knows(name: str, head: bytes) -> bool:
    """Say whether a file is of this format, from its first bytes."""
    return head[:3] == MAGIC


def read(source: Source, options: Options) -> Flow:
    """Read a recording. Raises ReplayError for what is damaged; cost about 3 microseconds a record."""
    dbn = library("databento_dbn", NAME, "databento-dbn", EXTRA)
    name = source.main if source.main is not None else _dbn_name(source)
    label, data = source.label(name), source.read(name)
    metadata, begin = _metadata(data, label, dbn)
    records = _records(data[begin:], label, dbn, ts_out=metadata.ts_out)
    _check(records, label)
    tape = _Tape()
    tape.enter_all(records)
    symbols = _symbols(records, metadata, label)
    numbers = {pair: place for place, pair in enumerate(symbols)}
    messages = np.array(tape.rows, dtype=MESSAGE)
    keys = np.array(tape.pairs, dtype=np.uint64)
    found, inverse = np.unique(keys, return_inverse=True)
    messages["pair"] = np.array([numbers[int(key)] for key in found], dtype=np.uint32)[inverse]
    raw = Raw(label, NAME, list(symbols.values()), messages, PRICE_UNIT, Decimal(1), len(records))
    raw.left_out.update({words: count for words, count in tape.left_out.items() if count})
    raw.remarks.update({words: count for words, count in tape.remarks().items() if count})
    return assemble(raw, tick=options.tick, symbols=options.symbols)


def _dbn_name(source: Source) -> str:
    found = [name for name in source.names() if plain_name(name).endswith(".dbn")]
    if len(found) != 1:
        raise ReplayError(f"{source.path}: expected one .dbn or .dbn.zst file in it, found {len(found)}")
    return found[0]


def _metadata(data: bytes, label: str, dbn: Any) -> tuple[Any, int]:
    """Return the decoded header and where the records begin."""
    if data[:3] != MAGIC or len(data) < PREFIX_BYTES:
        raise ReplayError(f"{label}: header: expected it to begin with DBN and a version, found {data[:4]!r}")
    begin = PREFIX_BYTES + int.from_bytes(data[4:PREFIX_BYTES], "little")
    if begin > len(data):
        raise ReplayError(f"{label}: header: expected {begin} bytes, found {len(data)} and the end of the file")
    try:
        metadata = dbn.Metadata.decode(data[:begin])
    except (dbn.DBNError, ValueError) as error:
        raise ReplayError(f"{label}: header: {error}") from error
    if metadata.schema != dbn.Schema.MBO:
        raise ReplayError(f"{label}: header: expected schema mbo, found {metadata.schema}")
    return metadata, begin


def _records(body: bytes, label: str, dbn: Any, *, ts_out: bool) -> NDArray[np.void]:
    names = [*dbn.MBOMsg._dtypes, *([("ts_out", "u8")] if ts_out else [])]
    layout = np.dtype(names).newbyteorder("<")
    whole, rest = divmod(len(body), layout.itemsize)
    records = np.frombuffer(body, dtype=layout, count=whole)
    wrong = (records["length"] != layout.itemsize // WORD_BYTES) | (records["rtype"] != MBO_RTYPE)
    if wrong.any():
        record = int(np.argmax(wrong))
        found = f"type {int(records['rtype'][record])} of {int(records['length'][record]) * WORD_BYTES} bytes"
        raise DamagedInput(label, record + 1, "rtype", f"type {MBO_RTYPE} of {layout.itemsize} bytes", found)
    if rest:
        raise DamagedInput(label, whole + 1, "length", f"{layout.itemsize} bytes", f"{rest} and the end of the file")
    if not whole:
        raise ReplayError(f"{label}: no records")
    return records


def _check(records: NDArray[np.void], label: str) -> None:
    time = records["ts_recv"]
    late = time > TIME_NS_MAX
    late[1:] |= time[1:] < time[:-1]
    actions, sides = (np.frombuffer(allowed, dtype="S1") for allowed in (ACTIONS, SIDES))
    tests = (
        ("ts_recv", late, "nanoseconds since 1970, not before those of the record above"),
        ("action", ~np.isin(records["action"], actions), "one of " + ", ".join(ACTIONS.decode())),
        ("side", ~np.isin(records["side"], sides), "one of " + ", ".join(SIDES.decode())),
    )
    faults = [(int(np.argmax(wrong)), field, expected) for field, wrong, expected in tests if wrong.any()]
    if faults:
        record, field, expected = min(faults)
        raise DamagedInput(label, record + 1, field, expected, str(records[field][record]))


def _symbols(records: NDArray[np.void], metadata: Any, label: str) -> dict[int, str]:
    """Name each pair (publisher << 32 | instrument); where publishers share an instrument, the publisher is added."""
    keys = np.unique(_keys(records)).tolist()
    names: dict[int, str] = {}
    try:
        mappings = metadata.mappings
    except ValueError as error:  # such as a date that is none
        raise ReplayError(f"{label}: the symbols in its header cannot be read: {error}") from error
    for symbol, intervals in mappings.items():
        for interval in intervals:
            if str(interval["symbol"]).isascii() and str(interval["symbol"]).isdigit():
                names[int(interval["symbol"])] = symbol
    publishers = {key >> 32 for key in keys}
    named = {}
    for key in keys:
        instrument = key & 0xFFFFFFFF
        name = names.get(instrument, str(instrument))
        named[key] = f"{name}@{key >> 32}" if len(publishers) > 1 else name
    return named


def _keys(records: NDArray[np.void]) -> NDArray[np.uint64]:
    keys: NDArray[np.uint64] = records["publisher_id"].astype(np.uint64) << np.uint64(32)
    return keys | records["instrument_id"].astype(np.uint64)


class _Tape:
    """The messages of a file so far, the orders that are live, and the event under way."""

    def __init__(self) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.pairs: list[int] = []
        self.left_out = {NO_EFFECT: 0}
        self._unmatched = 0
        self._group = 0
        self._orders: dict[tuple[int, int], list[int]] = {}
        self._filled: dict[tuple[int, int], int] = {}
        self._traded: dict[tuple[int, int, int], list[int]] = {}
        self._now = (0, 0, 0, 0)

    def remarks(self) -> dict[str, int]:
        """Return what was odd, and how often."""
        return {UNMATCHED_FILL: self._unmatched}

    def enter_all(self, records: NDArray[np.void]) -> None:
        """Take in records in order."""
        fields = ("ts_recv", "order_id", "price", "size", "flags", "action", "side")
        does = {b"A": self._add, b"M": self._modify, b"C": self._cancel, b"R": self._clear}
        does |= {b"T": self._trade, b"F": self._fill, b"N": self._nothing}
        columns = [records[name].tolist() for name in fields]
        for number, (key, time, order, price, size, flags, action, side) in enumerate(
            zip(_keys(records).tolist(), *columns, strict=True), start=1
        ):
            self._now = (time, number, key, MessageFlag.SNAPSHOT if flags & SNAPSHOT else 0)
            does[action](order, price, size, Side.SELL if side == b"A" else Side.BUY)
            if flags & LAST:
                self._end_event()

    def _write(self, action: Action, order: int, side: int, price: int, size: int) -> None:
        time, number, key, flags = self._now
        self.rows.append((time, number, order, 0, price, size, self._group, 0, action, side, 0, 0, flags, b""))
        self.pairs.append(key)

    def _add(self, order: int, price: int, size: int, side: int) -> None:
        self._orders[self._now[2], order] = [side, price, size]
        self._write(Action.ADD, order, side, price, size)

    def _cancel(self, order: int, price: int, size: int, side: int) -> None:
        key = (self._now[2], order)
        size -= self._unfilled(key, size)
        known = self._orders.get(key)
        if size <= 0:
            return
        if known is None:
            self._write(Action.DELETE, order, side, price, size)
        elif size >= known[2]:
            self._write(Action.DELETE, order, known[0], known[1], known[2])
            del self._orders[key]
        else:
            self._write(Action.REDUCE, order, known[0], known[1], size)
            known[2] -= size

    def _modify(self, order: int, price: int, size: int, side: int) -> None:
        """An order keeps its place unless its price changes or its quantity grows."""
        key = (self._now[2], order)
        self._filled.pop(key, None)
        known = self._orders.get(key)
        if known is None:
            self._add(order, price, size, side)
        elif price != known[1] or size > known[2]:
            self._write(Action.DELETE, order, known[0], known[1], known[2])
            self._add(order, price, size, side)
        elif size < known[2]:
            self._write(Action.REDUCE, order, known[0], known[1], known[2] - size)
            known[2] = size

    def _clear(self, order: int, price: int, size: int, side: int) -> None:
        pair = self._now[2]
        for key in [key for key in self._orders if key[0] == pair]:
            known = self._orders.pop(key)
            self._write(Action.DELETE, key[1], known[0], known[1], known[2])

    def _trade(self, order: int, price: int, size: int, side: int) -> None:
        self._traded.setdefault((self._now[2], price, side), [0])[0] += size

    def _fill(self, order: int, price: int, size: int, side: int) -> None:
        key = (self._now[2], order)
        known = self._orders.get(key)
        self._filled[key] = self._filled.get(key, 0) + size
        maker = side if known is None else known[0]
        self._write(Action.FILL, order, maker, price, size)
        trade = self._traded.get((self._now[2], price, 1 - maker))
        if trade is not None:
            trade[0] -= size
        if known is not None:
            known[2] -= size
            if known[2] <= 0:
                del self._orders[key]

    def _nothing(self, order: int, price: int, size: int, side: int) -> None:
        self.left_out[NO_EFFECT] += 1

    def _unfilled(self, key: tuple[int, int], size: int) -> int:
        """Return how much of a cancellation only carries out fills that have been taken in already."""
        filled = self._filled.get(key, 0)
        if filled > size:
            self._filled[key] = filled - size
            return size
        self._filled.pop(key, None)
        return filled

    def _end_event(self) -> None:
        """Close a transaction. What was traded without filling an order that is shown met hidden ones."""
        for (pair, price, side), (rest,) in self._traded.items():
            if rest > 0:
                time, number, _, flags = self._now
                self._now = (time, number, pair, flags)
                self._write(Action.TRADE, 0, 1 - side, price, rest)
        self._traded.clear()
        self._unmatched += len(self._filled)
        self._filled.clear()
        self._group += 1
