"""Targets that read recorded order flow: one for each format."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import Flow
from openoutcry.replay.readers import plain
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source
from openoutcry.replay.table import read
from tests.flows import generated
from tests.formats import dbn, itch, lobster
from tests.fuzz.targets.shapes import lines, numbers, unrepaired
from tests.fuzz.targets.target import Target

FOLDER: Final = Path(tempfile.mkdtemp(prefix="outcry-fuzz-"))
ORDERS: Final = 20
BITSTAMP: Final = b"""id,exchange_timestamp,price,volume,action,direction
1,1000,101,1,created,ask
2,1000,102,2,created,ask
10,1000,99,1,created,bid
20,1001,101,4,created,bid
20,1001,101,3,changed,bid
1,1001,101,0,deleted,ask
22,1003,0,1,created,ask
22,1003,99,0,deleted,ask
"""
WORDS: Final = tuple(
    word.encode()
    for word in (
        *("", "0", "1", "-1", "9223372036854775807", "9223372036854775808", "18446744073709551616", "nan", "inf"),
        *("1e400", "1e-9", "0.0", "-0", "add", "fill", "created", "deleted", "changed", "bid", "ask", ",", ",,", '"'),
        *("'", "\t", "\0", "\r", "\ufeff", "é", "x" * 80),
    )
)


def reading(name: str, file_name: str) -> Callable[[bytes], None]:
    """Return what reads a recording: it is refused in one line, or each of its rows is of a pair that it names."""
    path = FOLDER / file_name

    def run(data: bytes) -> None:
        path.write_bytes(data)
        try:
            flow = read(Source(path), name, Options())
        except ReplayError as error:
            assert "\n" not in str(error) and str(FOLDER) in str(error), str(error)
            return
        assert flow.messages["pair"].max(initial=0) < max(1, len(flow.pairs))

    return run


def recorded(write: Callable[[Flow, Path], Path]) -> Callable[[], Iterable[bytes]]:
    """Return what writes a small recording."""
    return lambda: [write(generated(ORDERS, hidden_ppm=100_000), FOLDER).read_bytes()]


def write_plain(flow: Flow, folder: Path) -> Path:
    """Write our own format."""
    path = folder / "seed.csv"
    plain.write(flow, path)
    return path


TARGETS: Final = {
    "reader_csv": Target(reading("csv", "flow.csv"), recorded(write_plain), lines(WORDS)),
    "reader_lobster": Target(
        reading("lobster", "A_2026-01-02_1_2_message_5.csv"), recorded(lobster.write), lines(WORDS)
    ),
    "reader_bitstamp": Target(reading("bitstamp", "orders.csv"), lambda: [BITSTAMP], lines(WORDS)),
    "reader_itch": Target(reading("itch", "a.itch"), recorded(itch.write), numbers(unrepaired)),
    "reader_dbn": Target(reading("dbn", "a.dbn"), recorded(dbn.write), numbers(unrepaired)),
}
