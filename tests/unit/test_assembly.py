"""From a configuration to a node: what cannot be is told at its line, what was opened is closed, roles keep numbers."""

import gc
import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from openoutcry.node.assembly import Node, assemble, check_all, open_journal
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.reading import Config, read_config
from openoutcry.node.config.roles import load_cast
from openoutcry.node.config.tables import LogTable
from openoutcry.node.core.core import NODE_ROLE
from openoutcry.node.journal import FileLog, RoleVersion, Settings
from openoutcry.node.keys.keystore import revoke
from openoutcry.node.keys.statements import write_statement
from openoutcry.node.logs import NodeLog
from openoutcry.node.numbering import number_roles
from openoutcry.node.revoking import RevocationList
from openoutcry.role import NOBODY, Record
from openoutcry.wire.key_statements import RevocationReason
from tests.keystores import NOW_NS, PASSPHRASE, make, passphrase_file
from tests.made_plugins import Heard, on_path, write_plugin
from tests.small_roles import PINGER, STORED_TALLY, TALLY

PLUGIN = """
from openoutcry.host import hookimpl
from tests.small_roles import PINGER, STORED_TALLY


class Plugin:
    @hookimpl
    def roles(self):
        return [PINGER, STORED_TALLY]
"""

SEGMENT_BYTES = 16 << 20


def hang(why: str) -> None:
    """What a node is given to stop with: no plugin hangs here."""
    raise AssertionError(why)


class Place:
    """A folder with a node that can run, whose file is changed by tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "node.toml"
        self.values = {
            "node": 'name = "mule"\nunlock = "file:passphrase"',
            "links": 'listen = "tcp://127.0.0.1:0"',
            "roles.tally": "",
            "plugins.small": "trusted = true",
            "journal": f"segment_bytes = {SEGMENT_BYTES}",
        }
        (folder / "data").mkdir(mode=0o700)
        self.public = make(folder / "keystore")
        passphrase_file(folder)
        write_plugin(folder, "small", PLUGIN)

    def config(self) -> Config:
        """Write the file and read it."""
        self.file.write_text("".join(f"[{table}]\n{keys}\n" for table, keys in self.values.items()))
        return read_config(self.file)

    def line(self, text: str) -> int:
        """The line on which the file has a text."""
        return self.file.read_text().splitlines().index(text) + 1


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A folder whose plugin is installed."""
    with on_path(tmp_path):
        yield Place(tmp_path)


@contextmanager
def node_of(config: Config) -> Iterator[Node]:
    """A node that is put together, and closed."""
    log = NodeLog(LogTable(), "mule", io.StringIO(), close_out=True)
    try:
        node = assemble(config, log, hang)
        try:
            yield node
        finally:
            node.close()
    finally:
        log.close()


def told(config: Config) -> str:
    """Why a node cannot be put together; nothing of it is left open."""
    before = open_files()
    with pytest.raises(ConfigError) as caught, node_of(config):
        pass
    line = str(caught.value)
    del caught  # its frames hold what was open when it was raised
    gc.collect()
    assert open_files() == before
    assert {thread.name for thread in threading.enumerate()} == {"MainThread"}
    return line


def open_files() -> set[str]:
    """What the descriptors of this process are of."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # that of the listing itself
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
    return found


def test_a_node_comes_up_with_what_its_file_says_and_goes_without_a_trace(place: Place) -> None:
    """Its key, role, number, view and status; then its lock, sockets and threads are free."""
    place.values["metrics"] = 'listen = "127.0.0.1:0"'
    config = place.config()
    before = open_files()
    for is_new in (True, False):
        with node_of(config) as node:
            assert node.key == place.public.identity
            assert [(part.number, part.kind.name) for part in node.core.parts.values()] == [(1, "tally")]
            assert (node.is_new, node.metrics_port > 0) == (is_new, True)
            assert (config.data / "views" / "tally.sqlite").is_file()
            assert (config.data / "status.sock").stat().st_mode & 0o777 == 0o600
    assert open_files() == before
    assert {thread.name for thread in threading.enumerate()} == {"MainThread"}
    assert not (config.data / "status.sock").exists()


def test_a_node_runs_until_it_is_told_to_stop_and_then_starts_from_its_snapshot(place: Place) -> None:
    """The loop in this thread, stopped from another; the status that was made, and what the disk has afterwards."""
    config = place.config()
    with node_of(config) as node:
        timer = threading.Timer(0.2, node.runner.stop)
        timer.start()
        node.runner.run()
        timer.join()
        status = node.board.with_disk()
        assert status is not None
        assert (status.name, status.key) == ("mule", place.public.identity.hex())
        assert status.curve_key == place.public.curve.hex()
        assert [(role.name, role.number) for role in status.roles] == [("tally", 1)]
        assert status.listen == node.links.address
    assert list(config.journal_folder.glob("*.snapshot"))


def test_everything_is_looked_at_without_opening_anything(place: Place) -> None:
    """`check_all` on a right configuration: no journal, no socket, no passphrase asked for."""
    (place.folder / "passphrase").unlink()
    config = place.config()
    before = open_files()
    check_all(config, Heard())
    assert (open_files(), list(config.data.iterdir())) == (before, [])


def no_folder(place: Place) -> None:
    """The data folder is not there."""
    (place.folder / "data").rmdir()


def open_folder(place: Place) -> None:
    """Others may enter it."""
    (place.folder / "data").chmod(0o755)


def no_keystore(place: Place) -> None:
    """The keystore is not there."""
    (place.folder / "keystore").unlink()


def open_keystore(place: Place) -> None:
    """Others may read it."""
    (place.folder / "keystore").chmod(0o644)


def junk_keystore(place: Place) -> None:
    """It is something else."""
    (place.folder / "keystore").write_bytes(b"junk")


def wrong_passphrase(place: Place) -> None:
    """It does not open with the passphrase."""
    (place.folder / "passphrase").write_text("wrong horse\n")


def no_passphrase(place: Place) -> None:
    """There is none."""
    (place.folder / "passphrase").unlink()


def open_passphrase(place: Place) -> None:
    """Others may read it."""
    (place.folder / "passphrase").chmod(0o640)


def no_service(place: Place) -> None:
    """Nobody listens at the socket."""
    place.values["node"] = 'name = "mule"\nunlock = "service:keys.sock"'


def no_revocations(place: Place) -> None:
    """A statement is not there."""
    place.values["links"] += '\nrevocations = ["keystore.gone"]'


def other_journal(place: Place) -> None:
    """The journal was written by another role, and there is no snapshot."""
    folder = place.folder / "data" / "journal"
    log = FileLog.create(folder, [NODE_ROLE, RoleVersion(1, "other", 1)], Settings(SEGMENT_BYTES))
    log.append([Record(1, 10_001, 1, NOBODY, b"x")])
    log.close()


@pytest.mark.parametrize(
    ("spoil", "text", "what"),
    [
        (no_folder, 'name = "mule"', "node.data: {}/data: No such file or directory: expected a folder; see that its "
         "disk is there, or run mkdir -m 700 {}/data"),
        (open_folder, 'name = "mule"', "node.data: the mode of {}/data is 0755: others may enter: expected 0700; run "
         "chmod 700 {}/data"),
        (no_keystore, 'name = "mule"', "node.keystore: {}/keystore: no such file"),
        (open_keystore, 'name = "mule"', "node.keystore: {}/keystore: its mode is 0644"),
        (junk_keystore, 'name = "mule"', "node.keystore: {}/keystore"),
        (wrong_passphrase, 'unlock = "file:passphrase"', "node.unlock: {}/keystore"),
        (no_passphrase, 'unlock = "file:passphrase"', "node.unlock: {}/passphrase: no such file"),
        (open_passphrase, 'unlock = "file:passphrase"', "node.unlock: {}/passphrase: its mode is 0640"),
        (no_service, 'unlock = "service:keys.sock"', "node.unlock: no key service answers at {}/keys.sock"),
        (no_revocations, 'revocations = ["keystore.gone"]', "links.revocations: {}/keystore.gone"),
        (other_journal, 'name = "mule"', "node.data: {}/data/journal was written by node 1, other 1, not by node 1, "
         "tally 1: a new version starts from a snapshot"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_what_keeps_a_node_from_starting_is_told_at_its_line(
    place: Place, spoil: Callable[[Place], None], text: str, what: str
) -> None:
    """Each cause in files and folders: the line of the key that names it, or of its table where it is left out."""
    spoil(place)
    line = told(place.config())
    table = place.line(text) if "=" in text and not text.startswith("name") else 1
    assert line.startswith(f"{place.file}:{table}: {what.format(*[place.folder] * 2)}")
    assert line.isprintable()
    assert PASSPHRASE.decode() not in line and "wrong horse" not in line


@pytest.mark.parametrize(
    ("table", "keys", "what"),
    [
        ("links", 'listen = "tcp://127.0.0.1:{port}"', "links.listen: port {port} is taken"),
        ("links", 'listen = ""\npublish = "tcp://127.0.0.1:{port}"', "links.publish: port {port} is taken"),
        ("metrics", 'listen = "127.0.0.1:{port}"', "metrics.listen is 127.0.0.1:{port}: port {port} is taken"),
        ("metrics", 'listen = "192.0.2.1:{port}"', "metrics.listen is 192.0.2.1:{port}: Cannot assign"),
    ],
)
def test_a_port_that_is_taken_is_told_at_its_line(place: Place, table: str, keys: str, what: str) -> None:
    """Somebody else's socket at each port that a node listens at, and an address that is not ours."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        place.values[table] = keys.format(port=port)
        line = told(place.config())
    at = place.line(keys.format(port=port).splitlines()[-1])
    assert line.startswith(f"{place.file}:{at}: {what.format(port=port)}")


def test_two_nodes_do_not_share_a_data_folder(place: Place) -> None:
    """A second one while the first is open: told at node.data; the first one's status socket stays."""
    config = place.config()
    with node_of(config):
        with pytest.raises(ConfigError) as caught, node_of(config):
            pass
        assert (config.data / "status.sock").exists()
    assert "in use by another process" in str(caught.value)
    assert str(caught.value).startswith(f"{place.file}:1: node.data: ")


def test_names_keep_their_numbers_when_roles_come_and_go(place: Place) -> None:
    """Pinger beside tally, then tally alone, then both again: no number changes, and none is given twice."""

    def numbers(*roles: str) -> dict[str, int]:
        for role in ("tally", "pinger"):
            place.values.pop(f"roles.{role}", None)
        place.values |= {f"roles.{role}": "" for role in roles}
        with node_of(place.config()) as node:
            node.runner.stop()
            node.runner.run()
            return {part.kind.name: part.number for part in node.core.parts.values()}

    assert numbers("tally") == {"tally": 1}
    assert numbers("tally", "pinger") == {"tally": 1, "pinger": 2}
    assert numbers("tally") == {"tally": 1}
    assert numbers("pinger") == {"pinger": 2}
    assert numbers("tally", "pinger") == {"tally": 1, "pinger": 2}


def test_a_new_journal_numbers_roles_by_name() -> None:
    """Whatever the order in the file."""
    assert number_roles([STORED_TALLY, PINGER], None) == number_roles([PINGER, TALLY], None)
    assert [role.name for role in number_roles([TALLY, PINGER], None)] == ["node", "pinger", "tally"]


def test_a_journal_is_opened_as_the_file_says(place: Place) -> None:
    """Segment size and archives of the configuration."""
    place.values["journal"] += "\narchives_max = 2"
    config = place.config()
    cast = load_cast(config, Heard())
    log = open_journal(config, cast)
    cast.plugins.close()
    log.close()
    assert log.settings == Settings(SEGMENT_BYTES, 2)


def test_revocations_are_read_again_when_their_files_change(tmp_path: Path) -> None:
    """A folder into which a statement comes, then junk: the key is given up at once, and stays so."""
    folder = tmp_path / "revoked"
    folder.mkdir()
    public = make(tmp_path / "keystore")
    notes: list[str] = []
    revoked = RevocationList([folder], lambda: NOW_NS, notes.append)
    assert not revoked.is_revoked(public.identity)
    statement, frame = revoke(tmp_path / "keystore", PASSPHRASE, RevocationReason.STOLEN, NOW_NS)
    write_statement(folder / "mule", statement, frame)
    revoked.refresh(NOW_NS)
    assert revoked.is_revoked(public.identity)
    (folder / "junk.revocation").write_bytes(b"junk")
    for _ in range(3):
        revoked.refresh(NOW_NS)
    assert revoked.is_revoked(public.identity)
    assert len(notes) == 1 and notes[0].startswith("revocations are as before: ")
