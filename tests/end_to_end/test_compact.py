"""A real node under SIGKILL, and beside it a process that follows its journal and makes all of its snapshots."""

import os
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from random import Random
from time import monotonic, sleep

from openoutcry.node.compacting import Compactor
from openoutcry.node.core.core import Core
from openoutcry.node.journal import FollowedLog, verify
from openoutcry.node.store import MemoryStore, MemoryView, SqliteStore
from tests.stored_role import ROLES, ledger_of, make_core, open_log, open_view, view_of

ROOT = Path(__file__).parents[2]
KILLS = 4
RUN_S = 0.5
POLL_S = 0.01
RECORDS = 400
"""Between two snapshots: several in each life of the node, of a few segments each."""


def start_node(data: Path, seed: int) -> "subprocess.Popen[bytes]":
    """Start a node that makes no snapshots, and wait until it has begun to write."""
    command = [sys.executable, "-m", "tests.stored_role", str(data), str(seed), "slowly"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    node = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert node.stdout is not None
    assert node.stdout.readline()
    return node


def kill(node: "subprocess.Popen[bytes]") -> int:
    """End the node as the system ends a process, and return how many records it has acknowledged."""
    assert node.stdout is not None
    node.send_signal(signal.SIGKILL)
    said = node.stdout.read()
    node.stdout.close()
    assert node.wait() == -signal.SIGKILL
    return int(said.split(b"\n")[-2])


def state(core: Core) -> bytes:
    """Return all that a node knows."""
    out = BytesIO()
    core.write_state(out)
    return out.getvalue()


def test_snapshots_of_a_running_node_are_made_beside_it(tmp_path: Path) -> None:
    """Four lives of a node: it replays from snapshots that it has not written, gives up segments before them, and what
    follows it comes to its state; every segment, also the archived ones, is still verified."""
    compactor: Compactor | None = None
    store: SqliteStore | None = None
    for life in range(1, KILLS + 1):
        node = start_node(tmp_path, life)
        if compactor is None or store is None:
            log = FollowedLog(tmp_path / "journal", ROLES)
            store = SqliteStore(tmp_path / "compact" / "ledger.sqlite", view_of(log.journal), 0)
            compactor = Compactor(make_core(log, store), log, monotonic, records=RECORDS)
        until = monotonic() + RUN_S + Random(life).random() / 4
        while monotonic() < until:
            compactor.turn()
            sleep(POLL_S)
        acknowledged = kill(node)

        writer = open_log(tmp_path)
        snapshot = writer.load()
        assert snapshot is not None, "no snapshot was made while the node ran"
        snapshot.content.close()
        view = open_view(tmp_path, writer)
        core = make_core(writer, view)
        core.start(core.clock_ns)
        assert ledger_of(core).count >= acknowledged
        assert core.counters.replayed == writer.last - snapshot.sequence
        writer.close()
        compactor.finish()
        assert compactor.done.last == writer.last
        assert state(compactor.core) == state(core)
        assert compactor.log.chain == writer.chain
        view.close()
    assert store is not None and compactor is not None
    assert compactor.done.snapshots > KILLS
    assert list((tmp_path / "journal").glob("*.zst")), "nothing was given up for the snapshots"
    assert verify(tmp_path / "journal").last == compactor.done.last == compactor.done.records

    whole = open_log(tmp_path)
    for path in (tmp_path / "journal").glob("*.snapshot"):
        path.unlink()
    memory = MemoryView()
    anew = make_core(whole, MemoryStore(memory, view_of(whole.journal), whole.last))
    anew.start(1)
    assert ledger_of(anew).count == ledger_of(compactor.core).count
    assert ledger_of(anew).total == ledger_of(compactor.core).total
    whole.close()
    memory.delete()
    store.close()
    compactor.log.close()
