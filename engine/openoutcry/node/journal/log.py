"""What a log is: the interface that the runner writes to, and that any other log has to meet.

tests/unit/test_journal_contract.py says what every log must do, as tests that run on any implementation; two are here,
`FileLog` on a disk and `MemoryLog` for simulation. A log is used by one thread.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from openoutcry.node.journal.layout import RoleVersion
from openoutcry.role import Record


class Batch(NamedTuple):
    """The records that were appended together; `first` is the sequence of the first one.

    The content of each record lies in the log's own memory: `np.frombuffer(record.raw, COMMAND)` copies nothing.
    """

    first: int
    records: list[Record]


class Snapshot(NamedTuple):
    """The state after record `sequence`, written by these versions of the roles; `content` is open at its begin."""

    sequence: int
    roles: tuple[RoleVersion, ...]
    content: BinaryIO


class Log(Protocol):
    """Records in one order, numbered from 1 without gaps, and snapshots of what they lead to."""

    @property
    def first(self) -> int:
        """Sequence of the first record that can still be read; last + 1 where there is none."""
        ...

    @property
    def last(self) -> int:
        """Sequence of the last record that was appended, 0 for none."""
        ...

    @property
    def safe(self) -> int:
        """Up to here everything survives a crash. Never goes back, and after opening is `last`."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What an operator should read: what was cut or passed over when this was opened, and what failed since."""
        ...

    def append(self, records: Sequence[Record]) -> int:
        """Write the records of one group and return the sequence of the last one. They are not safe yet.

        The records are copied; the caller may use their memory again. Raises NotDurable where none of them was kept,
        Stopped where the log is no longer written, ValueError where they are too many or too long for one batch.
        """
        ...

    def durable(self, sequence: int, wait_s: float | None = None) -> bool:
        """Wait until everything up to `sequence` is safe; False where that takes longer than `wait_s` seconds.

        Only after True may anything be said that follows from these records. None waits as long as it takes, 0 only
        looks. Raises Stopped where it will never be, ValueError for a sequence that was not appended.
        """
        ...

    def read(self, first: int = 1) -> Iterator[Batch]:
        """Yield the records from `first` to `last` as they were appended, all of them checked.

        The first batch is shortened to begin with `first`. Raises Damaged where a record is no longer what it was,
        JournalError where `first` is before what the log still has.
        """
        ...

    def save(self, sequence: int, write: Callable[[BinaryIO], None]) -> None:
        """Keep what `write` writes as the snapshot after record `sequence`, and forget all but the newest two.

        Raises ValueError for a sequence that is not safe, NotDurable where it could not be kept, Stopped as `append`.
        """
        ...

    def load(self) -> Snapshot | None:
        """Return the newest snapshot that is good, None where none was ever kept. A damaged one is noted.

        Raises Damaged where none is good and the records that would make up for it are gone.
        """
        ...

    def truncate(self, first: int) -> None:
        """Say that records before `first` are no longer needed; the log decides when and how many of them go.

        Raises ValueError where the older of the two snapshots still needs them, or where there is no snapshot,
        Stopped as `append`.
        """
        ...

    def close(self) -> None:
        """Wait until all is safe, note that it is, and let go. Raises Stopped or NotDurable where that fails."""
        ...
