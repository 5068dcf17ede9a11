"""A role around `Books` for tests and benchmarks: COMMAND frames in, EVENT frames back to whoever sent them.

It keeps no sessions and trusts every sender: it is there to show that a node loses nothing and how fast it is.
"""

from collections.abc import Sequence
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.books import Books
from openoutcry.domain.records import COMMAND
from openoutcry.host.kinds import Answers, RoleKind, Settings
from openoutcry.role import FRAME_TAG, Effects, Input, Ports, Record, Send
from openoutcry.wire.frames import COMMANDS, EVENTS, encode_records
from openoutcry.wire.limits import FRAME_HEADER_BYTES, FRAME_RECORDS_MAX

STREAM: Final = 1


class BookRole:
    """Books behind a node."""

    name = "book"
    version = 1

    def __init__(self, settings: Settings, ports: Ports, answers: Answers) -> None:
        self.books = Books()
        self.events = 0
        self._number = ports.number
        self._answers = answers

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Take each frame to whose commands no order check objects."""
        records: list[Record] = []
        for one in inputs:
            codes = self._answers.check_orders(commands_of(one.raw))
            if codes is None or not codes.any():
                records.append(Record(self._number, FRAME_TAG, now_ns, one.sender, one.raw))
        return records, []

    def apply(self, records: Sequence[Record]) -> Effects:
        """Match the commands of each frame, and answer with the events."""
        sends: list[Send] = []
        for record in records:
            events = self.books.apply(commands_of(record.raw))
            for at in range(0, len(events), FRAME_RECORDS_MAX):
                part = events[at : at + FRAME_RECORDS_MAX]
                frame = encode_records(EVENTS, STREAM, self.events + 1, part)
                self.events += len(part)
                sends.append(Send(record.sender, memoryview(frame)))
        return Effects(sends, [])

    def resume(self) -> Effects:
        """A client asks again by itself."""
        return Effects([], [])

    def snapshot(self, out: BinaryIO) -> None:
        """Write the books."""
        out.write(self.events.to_bytes(8, "little") + self.books.snapshot())

    def restore(self, source: BinaryIO) -> None:
        """Read the books."""
        self.events = int.from_bytes(source.read(8), "little")
        self.books = Books.restore(source.read())

    def check(self) -> list[str]:
        """The books check themselves, and stop the process."""
        self.books.check()
        return []


def commands_of(frame: bytes | memoryview) -> NDArray[np.void]:
    """Return the records of a frame that was checked when it arrived."""
    return np.frombuffer(frame, COMMAND, offset=FRAME_HEADER_BYTES)


BOOK: Final = RoleKind(
    name="book",
    version=1,
    summary="Books for tests.",
    make=BookRole,
    takes_records=frozenset({COMMANDS.number}),
)
