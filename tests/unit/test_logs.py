"""A node's log: one event a line, floods as counts, no secrets, and never a reason to stop."""

import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from openoutcry.node.config.tables import LogTable
from openoutcry.node.keys.secrets import NodeSecrets
from openoutcry.node.logs import EVENTS_MAX, LINES_MAX, NodeLog, open_log

SECOND_NS = 10**9


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 1_764_000_000_123_000_000

    def __call__(self) -> int:
        return self.now_ns


class Full(io.StringIO):
    """A file on a disk that is full for some writes."""

    is_full = False

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def log_to(out: io.StringIO, clock: Clock, **table: Any) -> NodeLog:
    """A log in JSON, unless the table says something else."""
    return NodeLog(LogTable(**{"format": "json", **table}), "mule", out, close_out=False, clock_ns=clock)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    """What was written, line by line."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_with_time_level_and_node() -> None:
    """JSON and console, with a field that holds a line break."""
    out, clock = io.StringIO(), Clock()
    log_to(out, clock).logger.info("started", listen="tcp://127.0.0.1:1", note="two\nlines")
    assert lines(out) == [
        {
            "timestamp": "2025-11-24T16:00:00.123Z",
            "node": "mule",
            "listen": "tcp://127.0.0.1:1",
            "note": "two lines",
            "event": "started",
            "level": "info",
        }
    ]
    out = io.StringIO()
    log_to(out, clock, format="console").logger.warning("started", note="two\nlines")
    (line,) = out.getvalue().splitlines()
    assert "warning" in line and "started" in line and "two lines" in line and "\x1b" not in line


def test_what_is_less_important_than_the_level_is_left_out() -> None:
    """Each level of the configuration against each kind of line."""
    for level, count in (("debug", 4), ("info", 3), ("warning", 2), ("error", 1)):
        out = io.StringIO()
        logger = log_to(out, Clock(), level=level).logger
        for kind in ("debug", "info", "warning", "error"):
            getattr(logger, kind)(f"some {kind}")
        assert len(lines(out)) == count


def test_no_secret_is_written() -> None:
    """Secrets of a node, raw bytes, and fields that are called like secrets, in both formats."""
    secrets = NodeSecrets(bytes(range(32)))
    for shape in ("json", "console"):
        out = io.StringIO()
        log_to(out, Clock(), format=shape).logger.info(
            "opened",
            keys=secrets,
            curve=secrets.curve,
            raw=bytes(range(32)),
            passphrase="correct horse",
            node_seed="correct horse",
            inner={"secret": "correct horse", "list": [bytearray(b"correct horse")]},
        )
        text = out.getvalue()
        for hidden in ("correct", "horse", bytes(range(32)).hex(), repr(bytes(range(32))), secrets.curve.secret.hex()):
            assert hidden not in text
        assert "<32 bytes>" in text


def test_a_flood_is_one_line_an_interval_with_its_count() -> None:
    """The same event 1,000 times, then once more after the interval; another plugin's is not held back."""
    out, clock = io.StringIO(), Clock()
    log = log_to(out, clock, repeat_s=10)
    for _ in range(1_000):
        log.tell("plugin late", plugin="mule", hook="check_orders")
    log.tell("plugin late", plugin="lamb", hook="check_orders")
    assert len(lines(out)) == 2
    clock.now_ns += 10 * SECOND_NS
    log.tell("plugin late", plugin="mule", hook="check_orders")
    assert [line.get("times") for line in lines(out)] == [None, None, 1_000]


def test_what_was_left_out_is_told_when_the_flood_is_over() -> None:
    """A flush before and after the interval, and a second one, which has nothing to say."""
    out, clock = io.StringIO(), Clock()
    log = log_to(out, clock, repeat_s=10)
    for _ in range(5):
        log.logger.error("disk is slow")
    log.flush_repeats()
    assert len(lines(out)) == 1
    clock.now_ns += 10 * SECOND_NS
    log.flush_repeats()
    clock.now_ns += 10 * SECOND_NS
    log.flush_repeats()
    assert [(line["event"], line["level"], line.get("times")) for line in lines(out)] == [
        ("disk is slow", "error", None),
        ("disk is slow", "error", 4),
    ]


def test_a_flood_of_different_events_is_bounded_in_lines_and_memory() -> None:
    """Ten times as many events as an interval takes, and how many were left out."""
    out, clock = io.StringIO(), Clock()
    log = log_to(out, clock, repeat_s=10)
    for number in range(10 * LINES_MAX):
        log.logger.warning(f"event {number}")
    assert len(lines(out)) == LINES_MAX
    assert len(log._repeats._seen) <= EVENTS_MAX
    clock.now_ns += 10 * SECOND_NS
    log.flush_repeats()
    assert lines(out)[-1]["times"] == 9 * LINES_MAX


def test_a_clock_that_runs_back_does_not_silence_a_log() -> None:
    """The same event, an hour earlier."""
    out, clock = io.StringIO(), Clock()
    log = log_to(out, clock)
    log.logger.info("again")
    clock.now_ns -= 3_600 * SECOND_NS
    log.logger.info("again")
    assert len(lines(out)) == 2


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    """Two lines while the disk is full, one when it is not: it says how many are missing."""
    out, clock = Full(), Clock()
    log = log_to(out, clock, format="console")
    out.is_full = True
    log.logger.info("one")
    log.logger.info("two")
    out.is_full = False
    log.logger.info("three")
    first, second = out.getvalue().splitlines()
    assert first == "2 lines could not be written here"
    assert "three" in second


def test_a_log_file_is_added_to_and_is_nobody_elses(tmp_path: Path) -> None:
    """Two runs into one file, its mode, and a folder that is not there."""
    for _ in range(2):
        log = open_log(LogTable(file="node.log", format="json"), "mule", tmp_path)
        log.logger.info("started")
        log.close()
    assert len((tmp_path / "node.log").read_text().splitlines()) == 2
    assert (tmp_path / "node.log").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileNotFoundError):
        open_log(LogTable(file="gone/node.log"), "mule", tmp_path)


def test_logs_of_two_nodes_know_nothing_of_each_other_and_threads_share_one() -> None:
    """Two logs with other levels, one of them written to from four threads: whole lines, all of them."""
    first, second, clock = io.StringIO(), io.StringIO(), Clock()
    loud, quiet = log_to(first, clock, level="debug"), log_to(second, clock, level="error")

    def write(name: int) -> None:
        for number in range(50):
            loud.logger.debug(f"{name} {number}")
            quiet.logger.debug(f"{name} {number}")

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(lines(first)), len(lines(second))) == (200, 0)
