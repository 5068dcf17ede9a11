"""Delimited text as columns of integers, at columnar speed, with the exact place of the first fault.

pyarrow converts whole columns; only when it refuses is the text walked line by line to say which record and field is
at fault. Decimals become exact integers: a price is never a float.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.replay.error import DamagedInput, MissingLibrary, ReplayError

if TYPE_CHECKING:
    import pyarrow as pa

INT64_MAX: Final = 2**63 - 1
UINT64_MAX: Final = 2**64 - 1
INTEGER_DIGITS_MAX: Final = 40
"""Digits of a whole number, leading zeros included, that are looked at; 20 are the longest that fits."""

DECIMAL_DIGITS: Final = 38
"""Digits of a 128-bit decimal, before and after the point together."""

EXPONENT_MAX: Final = 99
"""Of a decimal, to either side: more than its digits can use."""

LONG_EXPONENT: Final = re.compile(rb"[eE][+-]?[0-9]{3}")
"""What may be a larger one. pyarrow 26 reads memory that is not its own where a decimal ends in e-99999."""

FOUND_CHARACTERS_MAX: Final = 40
"""How much of a faulty field an error quotes."""


class Kind(Enum):
    """What a column holds."""

    UNSIGNED = "an integer from 0 to 2^64 - 1"
    INTEGER = "an integer of 64 bits"
    DECIMAL = "a decimal number"
    WORD = "a word"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the header, what it holds, decimal places kept (DECIMAL), the words allowed (WORD)."""

    name: str
    kind: Kind
    places: int = 0
    words: tuple[str, ...] = ()
    optional: bool = False

    def expected(self) -> str:
        """Say what a field of this column must be."""
        if self.kind is Kind.WORD:
            return " or ".join(self.words)
        if self.kind is Kind.DECIMAL:
            return f"a decimal number with at most {self.places} places"
        return str(self.kind.value)


Columns: TypeAlias = dict[str, NDArray[Any]]


def read_columns(data: bytes, label: str, columns: Sequence[Column], *, header: bool) -> Columns:
    """Return the columns by name; optional ones only where the header has them.

    UNSIGNED is uint64, INTEGER int64, WORD the uint8 index into its words, TEXT an object array of str. DECIMAL is
    int64 in units of 10^-places; a value beyond int64 becomes +-(2^63 - 1), for the caller to leave out.
    Without a header the columns are those of the file, in order. Raises ReplayError; cost about 1 microsecond a row.
    """
    if not data:
        raise ReplayError(f"{label}: is empty, expected {'a header line' if header else 'at least one record'}")
    if not data.endswith(b"\n"):
        last = data.count(b"\n") + (0 if header else 1)
        raise ReplayError(f"{label}: record {last} is cut off: expected a line break at the end of the file")
    wanted = _wanted(data, label, columns) if header else list(columns)
    table = _table(data, label, wanted, header=header)
    return {column.name: _array(table, column, data, label, wanted, header=header) for column in wanted}


def _wanted(data: bytes, label: str, columns: Sequence[Column]) -> list[Column]:
    first = data[: data.index(b"\n")].decode("utf-8", "replace").strip().lstrip("\ufeff")
    names = [name.strip('" ') for name in first.split(",")]
    missing = [column.name for column in columns if not column.optional and column.name not in names]
    if missing:
        raise ReplayError(f"{label}: header line: expected a column {missing[0]}, found {_quoted(first)}")
    return [column for column in columns if column.name in names]


def _table(data: bytes, label: str, wanted: Sequence[Column], *, header: bool) -> "pa.Table":
    try:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv
    except ImportError as error:
        raise MissingLibrary("reading comma-separated files", "pyarrow", "replay") from error
    types: dict[str, pa.DataType] = {}
    for column in wanted:
        if column.kind is Kind.DECIMAL:
            types[column.name] = pa.decimal128(DECIMAL_DIGITS, column.places)
        elif column.kind in (Kind.WORD, Kind.TEXT):
            types[column.name] = pa.dictionary(pa.int32(), pa.string())
        else:
            types[column.name] = pa.uint64() if column.kind is Kind.UNSIGNED else pa.int64()
    names = [column.name for column in wanted]
    if LONG_EXPONENT.search(data) and any(column.kind is Kind.DECIMAL for column in wanted):
        for fault in _faults(data, label, wanted, header=header):  # not for pyarrow: it ends the process there
            raise fault
    try:
        return arrow_csv.read_csv(
            io.BytesIO(data),
            read_options=arrow_csv.ReadOptions(column_names=None if header else names),
            parse_options=arrow_csv.ParseOptions(ignore_empty_lines=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types,
                include_columns=names,
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowException as error:
        for fault in _faults(data, label, wanted, header=header):
            raise fault from error
        raise ReplayError(f"{label}: {str(error).splitlines()[0]}") from error


def _array(
    table: "pa.Table", column: Column, data: bytes, label: str, wanted: Sequence[Column], *, header: bool
) -> NDArray[Any]:
    import pyarrow as pa

    values = table.column(column.name).combine_chunks()
    if values.null_count:
        for fault in _faults(data, label, wanted, header=header):
            raise fault
        raise ReplayError(f"{label}: field {column.name}: expected {column.expected()}, found nothing")
    if column.kind is Kind.DECIMAL:
        return _scaled(values)
    if not isinstance(values, pa.DictionaryArray):
        return np.asarray(values.to_numpy(zero_copy_only=False))
    indices = np.asarray(values.indices.to_numpy(zero_copy_only=False))
    found = [str(word) for word in values.dictionary.to_pylist()]
    if column.kind is Kind.TEXT:
        words: NDArray[Any] = np.array(found, dtype=object)
        return np.asarray(words[indices])
    unknown = [place for place, word in enumerate(found) if word not in column.words]
    if unknown:
        record = int(np.argmax(np.isin(indices, unknown)))
        word = found[indices[record]]
        raise DamagedInput(label, record + 1, column.name, column.expected(), _quoted(word))
    numbers = np.array([column.words.index(word) for word in found], dtype=np.uint8)
    return np.asarray(numbers[indices])


def _scaled(values: "pa.Array[Any]") -> NDArray[np.int64]:
    """Return 128-bit decimals as their unscaled 64-bit integers, those beyond 64 bits at the end of the range."""
    buffer = values.buffers()[1]
    assert buffer is not None
    halves = np.frombuffer(memoryview(buffer), dtype=np.int64).reshape(-1, 2)[values.offset :][: len(values)]
    low, high = halves[:, 0].copy(), halves[:, 1]
    fits = (high == (low >> 63)) & (low >= -INT64_MAX)
    low[~fits] = np.where(high[~fits] < 0, -INT64_MAX, INT64_MAX)
    return low


def _faults(data: bytes, label: str, wanted: Sequence[Column], *, header: bool) -> Iterator[ReplayError]:
    """Walk the text and yield what is wrong with it, first fault first."""
    rows = csv.reader(io.StringIO(data.decode("utf-8", "replace")))
    try:
        names = [name.strip().lstrip("\ufeff") for name in next(rows)] if header else [one.name for one in wanted]
        lacking = [column.name for column in wanted if column.name not in names]
        if lacking or not all(name.isprintable() for name in names):  # a quote opened there and closed further down
            yield ReplayError(f"{label}: header line: expected names of columns alone, each of them on that line")
            return
        yield from _faults_of(rows, names, label, wanted)
    except csv.Error as error:  # half a line break, or a field without an end: no row can be told from here on
        yield ReplayError(f"{label}: line {rows.line_num}: {error}")


def _faults_of(
    rows: Iterable[list[str]], names: Sequence[str], label: str, wanted: Sequence[Column]
) -> Iterator[ReplayError]:
    places = {column.name: names.index(column.name) for column in wanted}
    for record, row in enumerate(rows, start=1):
        if len(row) != len(names):
            field = names[min(len(row), len(names) - 1)]
            yield DamagedInput(label, record, field, f"{len(names)} fields in all", str(len(row)))
            continue
        for column in wanted:
            text = row[places[column.name]]
            if not _is_valid(text, column):
                yield DamagedInput(label, record, column.name, column.expected(), _quoted(text))


def _is_valid(text: str, column: Column) -> bool:
    if column.kind is Kind.WORD:
        return text in column.words
    if column.kind is Kind.TEXT:
        return "\ufffd" not in text
    if column.kind is Kind.DECIMAL:
        try:
            number = Decimal(text)
            exponent = number.as_tuple().exponent
            if isinstance(exponent, str) or abs(exponent) > EXPONENT_MAX:  # a string is that of a nan or an infinity
                return False
            scaled = number.scaleb(column.places)
        except DecimalException:  # no number, or one whose exponent has no end
            return False
        return scaled == scaled.to_integral_value() and abs(scaled) < Decimal(10) ** DECIMAL_DIGITS
    digits = text.strip(" \t").removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return False
    if len(digits) > INTEGER_DIGITS_MAX:  # Python refuses to read numbers of thousands of digits
        return False
    low, high = (0, UINT64_MAX) if column.kind is Kind.UNSIGNED else (-INT64_MAX - 1, INT64_MAX)
    return low <= int(text) <= high


def _quoted(text: str) -> str:
    short = text if len(text) <= FOUND_CHARACTERS_MAX else text[: FOUND_CHARACTERS_MAX - 3] + "..."
    return repr(short)
