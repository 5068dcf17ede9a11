"""A real process with a view beside its journal, ended by SIGKILL at any moment; the view is one of the journal's."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from openoutcry.node.store import MemoryStore, MemoryView, view_path
from tests.stored_role import ledger_of, make_core, open_log, open_view, rows_of, view_of

ROOT = Path(__file__).parents[2]
KILLS = 8
KILL_S_MAX = 0.3
DELETES = (3, 6)
"""Before these starts somebody deletes the view."""


def run_until_killed(data: Path, seed: int) -> int:
    """Start the node, kill it at a random moment after its first group, and return what it has acknowledged."""
    command = [sys.executable, "-m", "tests.stored_role", str(data), str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as node:
        assert node.stdout is not None
        said = node.stdout.readline()
        try:
            node.wait(Random(seed).random() * KILL_S_MAX)
        except subprocess.TimeoutExpired:
            node.send_signal(signal.SIGKILL)
        said += node.stdout.read()
    assert node.returncode == -signal.SIGKILL, "the node ended by itself"
    return int(said.split(b"\n")[-2])


def test_a_view_is_caught_up_with_its_journal_after_every_kill(tmp_path: Path) -> None:
    """Eight kills and two deletions of the view: it is never ahead, its rows are those that a replay into an empty
    view gives, and every acknowledged row is there."""
    resumed = 0
    for number in range(1, KILLS + 1):
        if number in DELETES:
            for path in view_path(tmp_path, "ledger").parent.iterdir():
                path.unlink()
        acknowledged = run_until_killed(tmp_path, number)
        log = open_log(tmp_path)
        store = open_view(tmp_path, log)
        assert list(store.notes) == []
        assert 0 < store.applied <= log.last
        snapshot = log.load()
        if snapshot is not None:
            snapshot.content.close()
        resumed += store.applied > (snapshot.sequence if snapshot else 0)
        core = make_core(log, store)
        core.start(1)
        memory = MemoryView()
        other = make_core(log, MemoryStore(memory, view_of(log.journal), log.last))
        other.start(1)
        assert rows_of(store) == rows_of(ledger_of(other).store)
        assert ledger_of(core).count >= acknowledged
        assert core.check() == []
        memory.delete()
        store.close()
        log.close()
    assert resumed > 0, "no view was ever ahead of the snapshot, so none of them was put to use"
