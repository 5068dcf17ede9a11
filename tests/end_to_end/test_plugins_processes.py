"""Plugins and the ends of processes: a node that a plugin hangs, and plugins whose node is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from openoutcry.host.off import OFF_FILE
from openoutcry.host.watchdog import HANG_EXIT
from tests.made_plugins import write_check

ROOT: Final = Path(__file__).parents[2]
WAIT_S: Final = 30.0

NODE: Final = """
import os, sys, time
from pathlib import Path
import numpy as np
from openoutcry.domain.records import COMMAND
from openoutcry.host.loading import load
from openoutcry.host.settings import PluginSettings
from openoutcry.host.watchdog import HANG_EXIT

def tell(event, /, **fields):
    print(event, fields, file=sys.stderr, flush=True)

def stop(reason):
    print("stopping:", reason, file=sys.stderr, flush=True)
    os._exit(HANG_EXIT)

names = {{name: PluginSettings(trusted={trusted}, deadline_ms={deadline_ms}, hang_ms=1_500) for name in {names!r}}}
plugins = load(names, tell=tell, stop=stop, off_file=Path({off!r}))
print("ready", flush=True)
{then}
"""
"""What a node does with its plugins, without the rest of it."""

ASK: Final = "print(plugins.check_orders(np.zeros(2, dtype=COMMAND)).tolist()); plugins.close()"


def node(
    folder: Path, names: list[str], trusted: bool, then: str, deadline_ms: int = 1_000, before: str = ""
) -> subprocess.Popen[str]:
    """Begin one. A hook counts as hanging after its deadline and at least 1.5 s."""
    off = str(folder / OFF_FILE)
    program = before + NODE.format(names=names, trusted=trusted, deadline_ms=deadline_ms, off=off, then=then)
    path = os.pathsep.join([str(folder), str(ROOT / "engine")])
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": path, "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_trusted_plugin_that_hangs_stops_the_node_which_starts_without_it(tmp_path: Path) -> None:
    """The first run ends with exit code 75, the plugin's name and its stack; the second answers with the other one."""
    write_check(tmp_path, "hangs", "while True: pass")
    write_check(tmp_path, "other", "return np.ones(len(commands), dtype=np.int16)")
    first = node(tmp_path, ["hangs", "other"], True, ASK)
    _, error = first.communicate(timeout=WAIT_S)
    assert first.returncode == HANG_EXIT == 75
    assert "plugin past its deadline {'plugin': 'hangs', 'hook': 'check_orders'" in error
    assert "while True: pass" in error
    assert "stopping: plugin hangs: hook check_orders has not come back" in error
    assert (tmp_path / OFF_FILE).read_text().startswith("hangs\thook check_orders has not come back")
    second = node(tmp_path, ["hangs", "other"], True, ASK)
    output, error = second.communicate(timeout=WAIT_S)
    assert second.returncode == 0
    assert output.splitlines() == ["ready", "[1, 1]"]
    assert "plugin not loaded {'plugin': 'hangs', 'cause': 'is switched off: " in error


def test_a_trusted_plugin_that_takes_memory_without_end_gets_an_exception_where_the_node_is_bounded(
    tmp_path: Path,
) -> None:
    """The node's own address space is bounded, as a supervisor does it; it goes on and answers."""
    write_check(tmp_path, "eats", "return [bytearray(1 << 26) for _ in range(10**6)]")
    write_check(tmp_path, "other", "return np.ones(len(commands), dtype=np.int16)")
    bound = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
    bounded = node(tmp_path, ["eats", "other"], True, ASK, 60_000, bound)
    output, error = bounded.communicate(timeout=WAIT_S)
    assert bounded.returncode == 0
    assert output.splitlines() == ["ready", "[1, 1]"]
    assert "MemoryError" in error


@pytest.mark.parametrize("busy", [False, True], ids=["waiting", "busy"])
def test_the_processes_of_plugins_end_with_a_node_that_is_killed(tmp_path: Path, busy: bool) -> None:
    """SIGKILL leaves the node no time to say anything, while its plugin waits for a question, or never returns."""
    write_check(tmp_path, "stays", "while True: pass")
    then = "print([check._process._popen.pid for check in plugins.checks][0], flush=True)\n"
    then += "plugins.check_orders(np.zeros(2, dtype=COMMAND)); print('asked', flush=True)\n" if busy else "print('')\n"
    then += "sys.stdout.flush(); time.sleep(100)"
    running = node(tmp_path, ["stays"], False, then)
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    child = int(running.stdout.readline())
    running.stdout.readline()
    assert is_running(child)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=WAIT_S)
    end = time.monotonic() + WAIT_S
    while is_running(child):
        assert time.monotonic() < end, "the plugin's process has outlived its node"
        time.sleep(0.05)


def is_running(process: int) -> bool:
    """Tell whether a process is there and has not ended."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
