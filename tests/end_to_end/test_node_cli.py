"""`outcry init`, `keys`, `run` and `status` as real processes: a node as its operator meets it."""

import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.status import Status, StatusError, ask_status
from openoutcry.node.zmq_io import LinkState, Peer
from tests.keystores import make, passphrase_file
from tests.links.nodes import identity, links, until
from tests.made_plugins import write_check, write_plugin

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
REQUEST_TAG, REPLY_TAG = 10_000, 10_001
PASSPHRASE = "correct horse battery staple"

TALLY = """
from openoutcry.host import hookimpl
from tests.small_roles import TALLY


class Plugin:
    @hookimpl
    def roles(self):
        return [TALLY]
"""

SLEEPER = """
import time
from dataclasses import replace
from openoutcry.host import hookimpl
from tests.small_roles import TALLY, Tally


class Sleeper(Tally):
    name = "sleeper"

    def snapshot(self, out):
        time.sleep(60)


class Plugin:
    @hookimpl
    def roles(self):
        return [replace(TALLY, name="sleeper", make=Sleeper)]
"""

ASKER = """
from dataclasses import replace
import numpy as np
from openoutcry.domain.records import COMMAND
from openoutcry.host import hookimpl
from tests.small_roles import TALLY, Tally


class Asker(Tally):
    name = "asker"

    def __init__(self, settings, ports, answers):
        super().__init__(settings, ports, answers)
        self.answers = answers

    def admit(self, inputs, now_ns):
        self.answers.check_orders(np.zeros(1, COMMAND))
        return super().admit(inputs, now_ns)


class Plugin:
    @hookimpl
    def roles(self):
        return [replace(TALLY, name="asker", make=Asker)]
"""


class Place:
    """A folder in which `outcry` is run, with the plugins that are installed there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.site.mkdir()
        paths = [ROOT, ROOT / "engine", self.site]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "COLUMNS": "160"}
        self.running: list[subprocess.Popen[str]] = []

    def install(self, plugin: Path) -> None:
        """Make a plugin of the tree look installed: its folder on the path, and the metadata of its distribution."""
        project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
        for package in plugin.glob("openoutcry_*"):
            (self.site / package.name).symlink_to(package)
        info = self.site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        lines = [f"Name: {project['name']}", f"Version: {project['version']}"]
        lines += [f"Requires-Dist: {one}" for one in project["dependencies"]]
        (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines]) + "\n")
        points = "\n".join(f"{name} = {value}" for name, value in project["entry-points"]["openoutcry"].items())
        (info / "entry_points.txt").write_text(f"[openoutcry]\n{points}\n")

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command."""
        process = subprocess.Popen(
            [sys.executable, "-m", "openoutcry.cli.main", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def outcry(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command to its end; return exit code, output and errors."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out, err

    def make(self, role: str, passphrase: str = PASSPHRASE) -> Path:
        """Make a node with a keystore of little work, which listens at any port and knows the tester."""
        assert self.outcry("init", role)[0] == 0
        file = self.folder / role / "node.toml"
        make(file.parent / "keystore", passphrase.encode())
        passphrase_file(file.parent, passphrase.encode())
        return self.changed(file)

    def changed(self, file: Path) -> Path:
        """Change what `outcry init` has written to what a test needs."""
        tester = identity("tester")
        text = file.read_text()
        for old, new in (
            ('unlock = "prompt"', 'unlock = "file:passphrase"'),
            ('listen = "tcp://127.0.0.1:7401"', 'listen = "tcp://127.0.0.1:0"'),
            ("# listen =", 'listen = "127.0.0.1:0"'),
            ("segment_bytes = 67108864", "segment_bytes = 16777216"),
            ('format = "console"', 'format = "json"'),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        text += f'[[peers]]\nname = "tester"\nkey = "{tester.signer.key.hex()}"\n'
        file.write_text(text + f'curve_key = "{tester.curve_public.hex()}"\n')
        return file

    def run(self, file: Path) -> "subprocess.Popen[str]":
        """Start a node and wait until its status can be asked for."""
        node = self.start("run", str(file))
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.status(file)
                return node
            except StatusError:
                assert node.poll() is None, node.communicate()
                assert time.monotonic() < end
                time.sleep(0.02)

    def settled(self, file: Path, records: int) -> Status:
        """Ask until the status, which is made every second, has so many records."""
        end = time.monotonic() + PATIENCE_S
        while (status := self.status(file)).journal.last < records:
            assert time.monotonic() < end, status
            time.sleep(0.05)
        return status

    def status(self, file: Path) -> Status:
        """Ask a node how it is, as `outcry status` does."""
        return ask_status(file.parent / "data" / "status.sock")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place with the echo of this tree, the tally of the tests, and a role whose snapshot takes a minute."""
    place = Place(tmp_path)
    place.install(ROOT / "plugins" / "echo")
    write_plugin(place.site, "tally", TALLY)
    write_plugin(place.site, "sleeper", SLEEPER)
    write_plugin(place.site, "asker", ASKER)
    write_check(place.site, "sloth", "time.sleep(60)", before="import time\n")
    yield place
    for process in place.running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def stop(node: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> tuple[int, list[dict[str, object]]]:
    """Send a signal; return exit code and the lines of the log."""
    node.send_signal(number)
    _, err = node.communicate(timeout=PATIENCE_S)
    return node.returncode, [msgspec.json.decode(line) for line in err.splitlines() if line.startswith("{")]


def tell(place: Place, file: Path, *messages: list[object], answers: int) -> list[object]:
    """Send a node messages as the tester, each a tag and its fields, and return what comes back."""
    status = place.status(file)
    key = bytes.fromhex(status.key)
    peer = Peer(key, bytes.fromhex(status.curve_key), status.listen)
    found: list[Arrival] = []
    with links("tester", [peer], listen="") as tester:
        until(lambda: tester.peers_status()[0].state is LinkState.UP, tester)
        tester.send([Outgoing(key, msgspec.msgpack.encode(message)) for message in messages])
        until(lambda: len(found) >= answers, tester, arrivals=found)
    return [msgspec.msgpack.decode(arrival.frame) for arrival in found]


def echoed(place: Place, file: Path, number: int) -> bool:
    """Send one request and tell whether it came back."""
    return tell(place, file, [REQUEST_TAG, number, b"hello"], answers=1) == [[REPLY_TAG, number, b"hello"]]


def test_an_operator_makes_runs_watches_stops_and_starts_a_node(place: Place) -> None:
    """init, keys, check, run, a message, status, metrics, SIGTERM; the same node again, killed, and once more."""
    assert place.outcry("init", "echo")[0] == 0
    passphrase_file(place.folder / "echo", PASSPHRASE.encode())
    keys = ("keys", "new", "echo/keystore", "--cost", "interactive", "--unlock", "file:echo/passphrase")
    assert place.outcry(*keys)[0] == 0
    file = place.changed(place.folder / "echo" / "node.toml")
    assert place.outcry("run", "--check", str(file)) == (0, f"{file}: right\n", "")
    node = place.run(file)
    assert echoed(place, file, 1)
    status = place.settled(file, records=1)
    first = status.journal.last
    assert (status.journal.safe, status.node["arrivals"], status.sync_ns.count) == (first, 1, 1)
    code, out, _ = place.outcry("status", str(file))
    assert code == 0
    for text in (
        "node       echo, openoutcry",
        "roles      echo 1 (number 1)",
        "sync       p50 below",
        "plugins    echo",
    ):
        assert text in out
    status = place.settled(file, records=1)
    first = status.journal.last
    assert (status.journal.safe, status.node["arrivals"], status.sync_ns.count) == (first, 1, 1)
    code, log = stop(node)
    assert code == 0
    assert [line["event"] for line in log if line["level"] == "info"] == ["starting", "running", "stopped"]
    assert PASSPHRASE not in str(log)
    code, _, err = place.outcry("status", str(file))
    assert (code, "no node runs here: start it with `outcry run`" in err, err.count("\n")) == (1, True, 1)

    node = place.run(file)
    status = place.status(file)
    assert (status.journal.last, status.node["replayed"]) == (first, 0)
    assert echoed(place, file, 2)
    node.kill()
    node.communicate()

    node = place.run(file)
    status = place.status(file)
    assert (status.journal.last, status.node["replayed"]) == (first + 1, 1)
    assert echoed(place, file, 3)
    assert stop(node, signal.SIGINT)[0] == 0


def test_metrics_are_served_where_the_configuration_says(place: Place) -> None:
    """A scrape of a running node, and that its port is free afterwards."""
    file = place.make("echo")
    node = place.run(file)
    assert echoed(place, file, 1)
    last = place.settled(file, records=1).journal.last
    node.send_signal(signal.SIGTERM)
    _, err = node.communicate(timeout=PATIENCE_S)
    port = next(msgspec.json.decode(line)["metrics"] for line in err.splitlines() if '"starting"' in line)
    assert isinstance(port, int) and port > 0

    file.write_text(file.read_text().replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"'))
    node = place.run(file)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
        text = answer.read().decode()
    assert 'outcry_role_version{role="echo"} 1.0' in text
    assert f"outcry_journal_last_sequence {last}.0" in text
    code, _, err = place.outcry("run", str(file))
    assert (code, err.count("\n")) == (2, 1)
    assert "in use by another process" in err
    assert stop(node)[0] == 0


def test_a_mistake_is_one_line_with_file_and_line_and_exit_code_2(place: Place) -> None:
    """`init` and `run` of a real process: nothing but that line, and no traceback."""
    file = place.make("echo")
    good = file.read_text()
    number = good.splitlines().index('durability = "sync"') + 1
    for bad, what in (
        ('durabilty = "sync"', f"{file}:{number}: node.durabilty is not known: expected a known key; did you mean"),
        ('durability = "fast"', f'{file}:{number}: node.durability is "fast": expected "async" or "sync"; leave it'),
    ):
        file.write_text(good.replace('durability = "sync"', bad))
        for command in (("run", str(file)), ("run", "--check", str(file)), ("status", str(file))):
            code, out, err = place.outcry(*command)
            assert (code, out, err.count("\n")) == (2, "", 1)
            assert err.startswith(what)
    file.write_text(good)
    (file.parent / "passphrase").write_text("wrong horse\n")
    code, out, err = place.outcry("run", str(file))
    assert (code, out, err.count("\n")) == (2, "", 1)
    number = good.splitlines().index('unlock = "file:passphrase"') + 1
    assert err.startswith(f"{file}:{number}: node.unlock: ") and "horse" not in err
    assert place.outcry("init", "ecko")[1:] == (
        "",
        "outcry: no role ecko: expected a known role; did you mean echo?; --plugin names the plugin that brings it\n",
    )
    code, _, err = place.outcry("init", "echo")
    assert (code, err) == (
        2,
        "outcry: echo/node.toml is there already: choose another folder with --dir, or remove it first\n",
    )
    assert file.read_text() == good


def test_init_makes_several_roles_a_name_and_a_keystore(place: Place) -> None:
    """Two roles of one plugin and another's in one node; the keystore from a passphrase in a file."""
    (place.folder / "phrase").write_text(PASSPHRASE)
    (place.folder / "phrase").chmod(0o600)
    command = ("init", "tally", "echo_view", "--plugin", "echo", "--dir", "here/it", "--name", "both")
    code, _, err = place.outcry(*command, "--unlock", "file:phrase")
    assert code == 0, err
    folder = place.folder / "here" / "it"
    assert (folder / "data").stat().st_mode & 0o777 == 0o700
    assert (folder / "keystore").stat().st_mode & 0o777 == 0o600
    assert 'unlock = "file:../../phrase"' in (folder / "node.toml").read_text()
    assert place.outcry("run", "--check", "here/it/node.toml") == (0, "here/it/node.toml: right\n", "")


def test_a_role_that_fails_stops_the_node_with_exit_code_70(place: Place) -> None:
    """A message that the role cannot apply: named in the log; the restart comes to the same."""
    file = place.make("tally")
    node = place.run(file)
    tell(place, file, [10_900, 17], answers=0)
    _, err = node.communicate(timeout=PATIENCE_S)
    assert node.returncode == 70
    assert "role tally failed" in err and "seventeen" in err
    code, _, err = place.outcry("run", str(file))
    assert (code, "seventeen" in err) == (70, True)


def test_settings_that_would_change_what_was_answered_are_refused(place: Place) -> None:
    """Another setting of a role, with records that no snapshot holds: one line at the role, and exit code 2."""
    file = place.make("echo")
    good = file.read_text()
    file.write_text(good.replace("at_stop = true", "at_stop = false"))
    node = place.run(file)
    assert echoed(place, file, 1)
    assert stop(node)[0] == 0
    text = good.replace("senders_max = 1024", "senders_max = 7")
    file.write_text(text)
    code, _, err = place.outcry("run", str(file))
    line = text.splitlines().index("[roles.echo]") + 1
    assert (code, "Traceback" in err) == (2, False)
    assert err.splitlines()[-1].startswith(f"{file}:{line}: roles.echo: ")
    file.write_text(good)
    assert stop(place.run(file))[0] == 0
    file.write_text(text)
    assert stop(place.run(file))[0] == 0


def test_a_damaged_journal_stops_the_node_with_exit_code_74(place: Place) -> None:
    """A byte of a record flipped between two runs: named, with what to do."""
    file = place.make("echo")
    file.write_text(file.read_text().replace("at_stop = true", "at_stop = false"))
    node = place.run(file)
    for number in range(3):
        assert echoed(place, file, number)
    assert stop(node)[0] == 0
    segment = file.parent / "data" / "journal" / "000000000001.journal"
    content = bytearray(segment.read_bytes())
    content[content.index(b"hello")] ^= 1
    segment.write_bytes(content)
    code, _, err = place.outcry("run", str(file))
    assert (code, "restore" in err, "Traceback" in err) == (74, True, False)


def test_a_second_signal_stops_a_node_at_once(place: Place) -> None:
    """A role whose snapshot takes a minute: the first SIGTERM waits for it, the second one does not."""
    file = place.make("sleeper")
    node = place.run(file)
    node.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        node.wait(1.0)
    node.send_signal(signal.SIGTERM)
    assert node.wait(PATIENCE_S) == 128 + signal.SIGTERM


def test_a_plugin_that_hangs_stops_the_node_with_exit_code_75_and_is_off_afterwards(place: Place) -> None:
    """A trusted check that sleeps for a minute: named in the log; the next run does without it and says so."""
    file = place.make("asker")
    file.write_text(file.read_text() + "[plugins.sloth]\ntrusted = true\ndeadline_ms = 50\nhang_ms = 300\n")
    node = place.run(file)
    tell(place, file, [10_900, 1], answers=0)
    _, err = node.communicate(timeout=PATIENCE_S)
    assert node.returncode == 75
    assert "plugin sloth" in err and "plugins-off" in err
    node = place.run(file)
    assert list(place.status(file).broken) == ["sloth"]
    assert tell(place, file, [10_900, 1], answers=1)
    code, log = stop(node)
    assert code == 0
    assert ("plugin is off", "sloth") in [(line["event"], line.get("plugin")) for line in log]


def test_a_node_says_at_its_start_what_may_be_lost(place: Place) -> None:
    """durability = "async", and a journal that is new."""
    file = place.make("echo")
    file.write_text(file.read_text().replace('durability = "sync"', 'durability = "async"'))
    _, log = stop(place.run(file))
    warnings = [str(line["event"]) for line in log if line["level"] == "warning"]
    assert any("a power cut may lose the last second" in line for line in warnings)
    assert any(line.startswith("journal is new") for line in warnings)
