"""A role that keeps a row for each record in its view, and nodes and processes that run it, for tests of both.

`python -m tests.stored_role FOLDER SEED [slowly]`: a node without sockets, which adds, acknowledges over a pipe how
many rows are durable, and takes a snapshot now and then, until something kills it. slowly: a thousand groups a second,
and it leaves snapshots to others.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import sleep
from typing import Annotated, BinaryIO, Final

import msgspec
from msgspec import Meta

from openoutcry.host.kinds import Answers, RoleKind, Settings
from openoutcry.node import journal
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.parts import Part, ViewStore
from openoutcry.node.core.traffic import Arrival
from openoutcry.node.journal import FileLog, Log, RoleVersion
from openoutcry.node.store import SqliteStore, View, view_path
from openoutcry.role import Effects, Input, Ports, Record, Send
from openoutcry.wire.codec import encode
from openoutcry.wire.tags import Message, tag_of
from tests.small_roles import NoAnswers, identity

SNAPSHOT_GROUPS: Final = 40
RETAIN_GROUPS: Final = 15
SMALL: Final = journal.Settings(segment_bytes=64 << 10)
OUT: Final = 1


class Enter(Message, frozen=True, tag=10_910):
    """Enter an amount."""

    amount: Annotated[int, Meta(ge=0, le=1_000_000)]


class Ledger:
    """Numbers what it is given and keeps it; `count` and `total` are also in memory."""

    name = "ledger"
    version = 1

    def __init__(self, settings: Settings, ports: Ports, answers: Answers) -> None:
        assert ports.store is not None
        self.ports = ports
        self.store = ports.store
        self.count, self.total = self._sums()

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        return [Record(self.ports.number, one.tag, now_ns, one.sender, bytes(one.raw)) for one in inputs], []

    def apply(self, records: Sequence[Record]) -> Effects:
        rows = []
        for record in records:
            amount = msgspec.msgpack.decode(record.raw, type=Enter).amount
            self.count += 1
            self.total += amount
            rows.append((self.count, amount, record.time_ns))
        self.store.execute_many("INSERT INTO entry VALUES (?, ?, ?)", rows)
        return Effects([], [])

    def resume(self) -> Effects:
        return Effects([], [])

    def snapshot(self, out: BinaryIO) -> None:
        out.write(msgspec.msgpack.encode(rows_of(self.store)))

    def restore(self, source: BinaryIO) -> None:
        rows = msgspec.msgpack.decode(source.read(), type=list[tuple[int, int, int]])
        self.store.execute_many("INSERT INTO entry VALUES (?, ?, ?)", rows)
        self.count, self.total = self._sums()

    def check(self) -> list[str]:
        found = self._sums()
        return [] if found == (self.count, self.total) else [f"{found} in the view, {self.count}, {self.total} known"]

    def _sums(self) -> tuple[int, int]:
        ((count, total),) = self.store.execute("SELECT count(*), coalesce(sum(amount), 0) FROM entry")
        assert isinstance(count, int) and isinstance(total, int)
        return count, total


LEDGER: Final = RoleKind(
    name="ledger",
    version=1,
    summary="Keeps what it is given.",
    make=Ledger,
    messages=(Enter,),
    takes=frozenset({tag_of(Enter)}),
    tables="CREATE TABLE entry (number INTEGER PRIMARY KEY, amount INTEGER NOT NULL, time_ns INTEGER NOT NULL);",
)
ROLES: Final = (NODE_ROLE, RoleVersion(1, LEDGER.name, LEDGER.version))
CLIENT: Final = identity("client")


def rows_of(store: object) -> list[tuple[object, ...]]:
    """Return everything that a view has."""
    assert hasattr(store, "execute")
    return [tuple(row) for row in store.execute("SELECT number, amount, time_ns FROM entry ORDER BY number")]


def open_log(data: Path) -> FileLog:
    """Open the journal of a data folder, or make it."""
    folder = data / "journal"
    return (FileLog.open if folder.exists() else FileLog.create)(folder, ROLES, SMALL)


def open_view(data: Path, log: FileLog) -> SqliteStore:
    """Open the view of a data folder."""
    return SqliteStore(view_path(data, "ledger"), view_of(log.journal), log.last)


def view_of(journal_id: bytes) -> View:
    """Return what the view of this journal says it is of."""
    return View(LEDGER.name, LEDGER.version, LEDGER.tables, journal_id)


def make_core(log: Log, store: ViewStore) -> Core:
    """Return a node of this role; not started."""
    return Core([Part(1, LEDGER, Settings(), store)], log, identity("node"), NoAnswers())


def ledger_of(core: Core) -> Ledger:
    """Return the role of a node."""
    role = core.roles["ledger"]
    assert isinstance(role, Ledger)
    return role


def group(random: Random, size_max: int = 6) -> list[Arrival]:
    """Return what one group consists of."""
    return [Arrival(CLIENT.key, encode(Enter(random.randrange(1_000_000)))) for _ in range(random.randint(1, size_max))]


def main(data: Path, seed: int, slowly: bool) -> None:
    """Add until killed."""
    random = Random(seed)
    log = open_log(data)
    core = make_core(log, open_view(data, log))
    core.start(1)
    now_ns = core.clock_ns
    number = 0
    while True:
        number += 1
        now_ns += random.randrange(1, 10**9)
        core.step(group(random, random.choice((1, 6, 12 if slowly else 200))), now_ns)
        os.write(OUT, b"%d\n" % ledger_of(core).count)
        if not slowly and number % SNAPSHOT_GROUPS == 0:
            core.save_snapshot()
        if number % RETAIN_GROUPS == 0:
            log.retain()
        if slowly:
            sleep(0.001)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), "slowly" in sys.argv)
