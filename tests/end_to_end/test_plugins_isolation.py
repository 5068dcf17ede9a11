"""A plugin's own process: what it cannot do, and what becomes of it when it does not answer."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from openoutcry.domain.records import COMMAND
from openoutcry.host.isolation import OUTPUT_BYTES_MAX
from openoutcry.host.pipe import Inbox, PipeFault, Told, decode_from_child, framed, write_until
from openoutcry.host.plugins import Plugins
from openoutcry.host.settings import PluginSettings
from tests.made_plugins import Heard, loaded, write_check

SLOW_MS = 5_000
"""A deadline that nothing here misses by chance."""

WAIT_S = 20.0
"""How long something that has to happen is waited for before the test fails."""

SECRET = "swordfish"

TRIES = {
    "writes": "open('/tmp/openoutcry-was-here', 'w')",
    "reads": "open(SECRET_FILE)",
    "lists": "__import__('os').listdir(__import__('os').path.dirname(SECRET_FILE))",
    "looks": "open('/proc/{}/mem'.format(__import__('os').getppid()), 'rb')",
    "connects": "__import__('socket').create_connection(('127.0.0.1', 9), 1)",
    "sends": "__import__('socket').socket(__import__('socket').AF_INET, __import__('socket').SOCK_DGRAM)",
    "signals": "__import__('os').kill(__import__('os').getppid(), 0)",
    "forks": "__import__('os').fork()",
    "runs": "__import__('subprocess').run(['/bin/true'])",
}
"""Plugin to what it tries, each of which is refused by the system."""

SEES = {
    "environment": "dict(__import__('os').environ)",
    "descriptors": "sorted(__import__('os').listdir('/proc/self/fd'))",
    "limits": "[__import__('resource').getrlimit(n)[0] for n in (4, 1, 9)]",
}
"""Plugin to something that it sees, which it raises so that the node is told."""


def orders(count: int = 2) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Some commands."""
    return np.zeros(count, dtype=COMMAND)


def until(plugins: Plugins, holds: Callable[[], bool]) -> None:
    """Ask again and again until something holds."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, "it has not happened"
        plugins.check_orders(orders())
        time.sleep(0.01)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """Every plugin of TRIES and SEES, asked once, and what was told of them."""
    folder, heard = tmp_path_factory.mktemp("plugins"), Heard()
    secret = tmp_path_factory.mktemp("keys") / "keystore"
    secret.write_text(SECRET)
    for name, attempt in TRIES.items():
        write_check(folder, name, f"{attempt}; return None", before=f"SECRET_FILE = {str(secret)!r}\n")
    for name, sight in SEES.items():
        write_check(folder, name, f"raise ValueError({sight})")
    settings = PluginSettings(deadline_ms=SLOW_MS, memory_mb=700)
    os.environ["OPENOUTCRY_TEST_SECRET"] = SECRET
    try:
        with loaded(folder, heard, **dict.fromkeys([*TRIES, *SEES], settings)) as plugins:
            plugins.check_orders(orders())
    finally:
        del os.environ["OPENOUTCRY_TEST_SECRET"]
    return heard


@pytest.mark.parametrize("name", TRIES)
def test_files_sockets_and_other_processes_are_closed_to_it(tried: Heard, name: str) -> None:
    """Each attempt ends with the system's own refusal, where the process does not say that this system has none."""
    mine = [(event, fields) for event, fields in tried.events if fields["plugin"] == name]
    refused = [str(fields["cause"]).startswith("PermissionError") for event, fields in mine if event == "plugin raised"]
    cannot = [fields["text"] for event, fields in mine if event == "plugin printed"]
    assert refused == [True] or cannot, mine


def test_it_has_nothing_of_the_nodes_environment(tried: Heard) -> None:
    """A variable that only the node has; and the names of those that the process has."""
    (cause,) = [
        str(fields["cause"])
        for event, fields in tried.events
        if (event, fields["plugin"]) == ("plugin raised", "environment")
    ]
    assert SECRET not in tried.text()
    assert "PYTHONPATH" in cause
    assert not {"HOME", "PATH", "USER"} & set(cause.replace("'", " ").split())


def test_it_has_no_descriptors_but_its_pipes(tried: Heard) -> None:
    """0 to 2, the two that frames go through, and the one that the look itself takes."""
    (cause,) = [
        str(fields["cause"])
        for event, fields in tried.events
        if (event, fields["plugin"]) == ("plugin raised", "descriptors")
    ]
    assert cause == "ValueError: ['0', '1', '2', '3', '4', '5']"


def test_memory_and_files_are_bounded(tried: Heard) -> None:
    """Cores, file sizes and address space, as the process itself reads them."""
    (cause,) = [
        str(fields["cause"])
        for event, fields in tried.events
        if (event, fields["plugin"]) == ("plugin raised", "limits")
    ]
    assert cause == f"ValueError: [0, 0, {700 << 20}]"


def test_threads_can_be_made(tmp_path: Path) -> None:
    """Libraries make them; what is refused is another process."""
    body = "import threading\n        t = threading.Thread(target=print); t.start(); t.join(); return None"
    write_check(tmp_path, "threads", body)
    heard = Heard()
    with loaded(tmp_path, heard, threads=PluginSettings(deadline_ms=SLOW_MS)) as plugins:
        plugins.check_orders(orders())
        assert plugins.counters["threads", "check_orders"].none == 1, heard.text()


def test_a_process_that_cannot_be_begun_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system has no room for another process: at the start, and after one has ended."""

    def full(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    write_check(tmp_path, "ends", "import os; os._exit(3)")
    heard = Heard()
    with loaded(tmp_path, heard, ends=PluginSettings(deadline_ms=SLOW_MS)) as plugins:
        monkeypatch.setattr("subprocess.Popen", full)
        for _ in range(2):
            plugins.check_orders(orders())
        assert plugins.counters["ends", "check_orders"].down == 2
    with loaded(tmp_path, heard, ends=PluginSettings()) as plugins:
        assert plugins.broken == {"ends": "its process cannot be begun: Resource temporarily unavailable"}


def test_memory_without_end_is_an_exception_there(tmp_path: Path) -> None:
    """It takes memory until there is none, twice: the process lives, and the node has not noticed."""
    write_check(tmp_path, "eats", "return [bytearray(1 << 26) for _ in range(10**6)]")
    heard = Heard()
    with loaded(tmp_path, heard, eats=PluginSettings(deadline_ms=SLOW_MS, memory_mb=600)) as plugins:
        for _ in range(2):
            plugins.check_orders(orders())
        assert plugins.counters["eats", "check_orders"].raised == 2
    assert "MemoryError" in heard.text()


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), 11)", "os.close(3); os.close(4)"])
def test_a_process_that_ends_is_begun_anew(tmp_path: Path, end: str) -> None:
    """It ends by itself, by a signal, or lets go of its pipes, at a group of one; at groups of two it answers."""
    write_check(tmp_path, "ends", f"import os\n        if len(commands) == 1: {end}\n        return None")
    heard = Heard()
    with loaded(tmp_path, heard, ends=PluginSettings(deadline_ms=SLOW_MS)) as plugins:
        counters = plugins.counters["ends", "check_orders"]
        plugins.check_orders(orders(1))
        assert counters.down == 1
        until(plugins, lambda: counters.none > 0)
    assert [event for event, _ in heard.events if event != "plugin printed"][:2] == [
        "plugin's process ended",
        "plugin down",
    ]


def test_pauses_grow_when_it_ends_again_and_again(tmp_path: Path) -> None:
    """It ends at every question: the first time it is begun at once, then after 100 ms, then after 200."""
    write_check(tmp_path, "ends", "import os; print('I leave'); os._exit(3)")
    heard = Heard()
    with loaded(tmp_path, heard, ends=PluginSettings(deadline_ms=SLOW_MS)) as plugins:
        until(plugins, lambda: heard.text().count("process ended") == 3)
    pauses = [fields["begins_again_in_ms"] for event, fields in heard.events if event == "plugin's process ended"]
    assert pauses == [0, 100, 200]
    assert "I leave" in heard.text()


def test_one_that_hangs_is_late_at_once_and_killed_later(tmp_path: Path) -> None:
    """It hangs at a group of one: that call and those after it come back; then a new process answers."""
    body = "import time\n        while len(commands) == 1: time.sleep(1)\n        return None"
    write_check(tmp_path, "hangs", body)
    write_check(tmp_path, "other", "return np.ones(len(commands), dtype=np.int16)")
    heard = Heard()
    hanging = PluginSettings(deadline_ms=200, hang_ms=400)
    with loaded(tmp_path, heard, hangs=hanging, other=PluginSettings(deadline_ms=SLOW_MS)) as plugins:
        counters = plugins.counters["hangs", "check_orders"]
        answer = plugins.check_orders(orders(1))
        assert answer is not None
        assert answer.tolist() == [1]
        assert counters.late == 1
        until(plugins, lambda: counters.none > 0)
        assert counters.late > 1
    assert "no answer within the deadline" in heard.text()
    assert "plugin's process ended" in heard.text()


def test_a_late_answer_is_not_taken_for_that_to_a_later_question(tmp_path: Path) -> None:
    """It is late with a large group, for which it answers 7; the next answer that is taken is that to its own group."""
    late = "import time\n        if len(commands) > 2: time.sleep(0.6)"
    body = f"{late}\n        return np.full(len(commands), min(len(commands), 7), dtype=np.int16)"
    write_check(tmp_path, "slow", body)
    heard = Heard()
    with loaded(tmp_path, heard, slow=PluginSettings(deadline_ms=300, hang_ms=60_000)) as plugins:
        counters = plugins.counters["slow", "check_orders"]
        plugins.check_orders(orders(60_000))
        assert counters.late >= 1
        seen: list[int] = []

        def answered() -> bool:
            answer = plugins.check_orders(orders())
            assert answer is not None
            seen.append(int(answer[0]))
            return seen[-1] != 0

        until(plugins, answered)
        assert set(seen) <= {0, 2}
    assert "ended" not in heard.text()


def test_one_that_is_never_ready_is_named(tmp_path: Path) -> None:
    """Its import hangs."""
    write_check(tmp_path, "sleeps", "return None", before="import time\nprint('first')\ntime.sleep(100)\n")
    with loaded(tmp_path, Heard(), sleeps=PluginSettings(load_ms=1_500)) as plugins:
        assert plugins.broken["sleeps"].startswith("is not loaded after 1500 ms")


def test_what_it_prints_is_told_and_bounded(tmp_path: Path) -> None:
    """A line on each stream, then a megabyte: no more than the bound is told, and how much was left out."""
    body = "import sys\n        print('one'); print('two', file=sys.stderr); print('x' * 2**20); return None"
    write_check(tmp_path, "talks", body)
    heard = Heard()
    with loaded(tmp_path, heard, talks=PluginSettings(deadline_ms=SLOW_MS)) as plugins:
        plugins.check_orders(orders())
        assert plugins.counters["talks", "check_orders"].none == 1
    printed = [str(fields["text"]) for event, fields in heard.events if event == "plugin printed"]
    (more,) = [int(fields["dropped_bytes"]) for event, fields in heard.events if event == "plugin printed more"]
    assert printed[:2] == ["one", "two"]
    assert sum(map(len, printed)) <= OUTPUT_BYTES_MAX
    assert more >= 2**20 - OUTPUT_BYTES_MAX


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"\xff\xff\xff\xff", "bytes, expected at most"),
        (b"\x03\x00\x00\x00abc", "what is no frame"),
        (b"\x02\x00\x00\x00\x91\x02", "what is no frame"),
        (b"\x0a\x00\x00\x00\x95\x05\xce\x7f\xff\xff\xff\xc0\xa0\xa0", "was not asked"),
    ],
)
def test_what_is_no_answer_ends_the_process(tmp_path: Path, sent: bytes, words: str) -> None:
    """The plugin writes into the pipe of its answers: a huge length, no MessagePack, too short, another number."""
    write_check(tmp_path, "forges", f"import os; os.write(4, {sent!r}); return None")
    heard = Heard()
    with loaded(tmp_path, heard, forges=PluginSettings(deadline_ms=SLOW_MS)) as plugins:
        plugins.check_orders(orders())
        assert plugins.counters["forges", "check_orders"].wrong == 1
    assert words in heard.text()
    assert "plugin's process ended" in heard.text()


def test_a_pipe_that_nobody_reads_is_late() -> None:
    """A frame that is longer than a pipe holds; and a pipe that was closed."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        with pytest.raises(PipeFault, match="deadline") as late:
            write_until(writing, bytes(2**20), time.monotonic_ns() + 1_000_000)
        assert late.value.kind == "late"
    finally:
        os.close(reading)
    with pytest.raises(PipeFault) as gone:
        write_until(writing, b"x", time.monotonic_ns() + 1_000_000)
    assert gone.value.kind == "down"
    os.close(writing)


def test_a_frame_that_comes_in_parts_is_put_together() -> None:
    """Two frames, byte by byte; after each part that is not the last the reader is late and has lost nothing."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    inbox = Inbox(reading)
    frames = [framed(Told(1)), framed(Told(2, b"ab"))]
    try:
        for number, frame in enumerate(frames, 1):
            for place in range(len(frame)):
                with pytest.raises(PipeFault):
                    inbox.read_until(time.monotonic_ns(), 100)
                os.write(writing, frame[place : place + 1])
            message = decode_from_child(inbox.read_until(time.monotonic_ns(), 100))
            assert isinstance(message, Told)
            assert message.number == number
    finally:
        os.close(reading)
        os.close(writing)
