"""`outcry compact` as its operator meets it: what it says, and what it does with each mistake."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from openoutcry.cli import compact
from openoutcry.cli.compact import run_compact
from openoutcry.host.kinds import RoleKind, Settings
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.parts import Part
from openoutcry.node.core.traffic import Arrival
from openoutcry.node.following import FOLDER
from openoutcry.node.journal import FileLog, RoleVersion
from openoutcry.node.store import SqliteStore, View, view_path
from openoutcry.wire.codec import encode
from tests.journals import SMALL, flip_bit, names
from tests.keystores import PASSPHRASE, make, passphrase_file
from tests.made_plugins import on_path, write_plugin
from tests.small_roles import Add, NoAnswers, identity
from tests.stored_role import LEDGER, Enter

PLUGIN = """
from openoutcry.host import hookimpl
from tests.{module} import {kind}


class Plugin:
    @hookimpl
    def roles(self):
        return [{kind}]
"""
ASKER = """
from dataclasses import replace
from openoutcry.host import hookimpl
from tests.small_roles import TALLY, Tally


class Asker(Tally):
    name = "asker"

    def __init__(self, settings, ports, answers):
        super().__init__(settings, ports, answers)
        assert len(ports.secret("salt")) == 32


class Plugin:
    @hookimpl
    def roles(self):
        return [replace(TALLY, name="asker", make=Asker)]
"""
CONFIGURATION = """
[node]
name = "one"
[roles.{role}]
[plugins.{role}]
trusted = true
"""
RECORDS = 1_000_000


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with a configuration, a keystore and an empty data folder; plugins of three roles are there."""
    site = tmp_path / "site"
    site.mkdir()
    write_plugin(site, "ledger", PLUGIN.format(module="stored_role", kind="LEDGER"))
    write_plugin(site, "tally", PLUGIN.format(module="small_roles", kind="TALLY"))
    write_plugin(site, "asker", ASKER)
    configure(tmp_path, "ledger")
    (tmp_path / "data").mkdir(mode=0o700)
    make(tmp_path / "keystore")
    with on_path(site):
        yield tmp_path


def configure(place: Path, role: str) -> None:
    """Write the configuration of a node of one role."""
    (place / "node.toml").write_text(CONFIGURATION.format(role=role))


def run_node(place: Path, kind: RoleKind, frames: list[bytes]) -> int:
    """Let the node of this place take frames, each a group; return how many records it then has."""
    folder = place / "data" / "journal"
    versions = (NODE_ROLE, RoleVersion(1, kind.name, kind.version))
    log = (FileLog.open if folder.exists() else FileLog.create)(folder, versions, SMALL)
    view = View(kind.name, kind.version, kind.tables, log.journal)
    store = SqliteStore(view_path(place / "data", kind.name), view, log.last) if kind.tables else None
    core = Core([Part(1, kind, Settings(), store)], log, identity("one"), NoAnswers())
    core.start(core.clock_ns + 1)
    for frame in frames:
        core.step([Arrival(identity("client").key, frame)], core.clock_ns + 10**9)
    if store is not None:
        store.close()
    log.close()
    return log.last


def entries(count: int) -> list[bytes]:
    """Return frames for the ledger."""
    return [encode(Enter(number)) for number in range(count)]


def once(place: Path, **options: str | None) -> int:
    """Run the command to the end of the journal."""
    return run_compact(place / "node.toml", True, options.get("unlock"), RECORDS, 10)


def test_one_run_writes_one_snapshot_of_all_there_is(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twice, with records in between: the second begins where the first one ended, and the node starts from it."""
    last = run_node(place, LEDGER, entries(20))
    assert once(place) == 0
    assert capsys.readouterr().out == (
        f"following from record 1\nsnapshot of record {last}: {last} records read and checked since the start\n"
    )
    more = run_node(place, LEDGER, entries(7))
    assert once(place) == 0
    assert (
        f"following from record {last + 1}\nsnapshot of record {more}: {more - last} records" in capsys.readouterr().out
    )
    assert names(place / "data" / "journal", "*.snapshot") == [f"{last:012}.snapshot", f"{more:012}.snapshot"]
    assert names(place / "data", f"{FOLDER}/*/*") == ["ledger.sqlite"]
    assert run_node(place, LEDGER, []) == more


def test_it_follows_until_it_is_told_to_stop(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot after every five records; then a signal."""
    last = run_node(place, LEDGER, entries(12))
    monkeypatch.setattr(os, "nice", lambda more: more)
    timer = Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    assert run_compact(place / "node.toml", False, None, 5, 10) == 0
    timer.join()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "following from record 1"
    assert said[-1].startswith("snapshot of record ")
    assert int(said[-1].split()[3].rstrip(":")) > last - 5


def test_a_role_that_asks_for_secrets_needs_the_keystore(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --unlock one line says so; with it the role gets them."""
    configure(place, "asker")
    from openoutcry_asker import Plugin  # type: ignore[import-not-found]

    (kind,) = Plugin().roles()
    run_node(place, kind, [encode(Add(1))])
    assert once(place) == 2
    assert "role asker asks for secrets of the node: give --unlock" in capsys.readouterr().err
    passphrase_file(place, PASSPHRASE)
    assert once(place, unlock=f"file:{place / 'passphrase'}") == 0


def test_each_mistake_is_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No journal yet, no keystore, another role than the node runs, an unlock that is none, no configuration."""
    assert once(place) == 2
    assert "run the node first" in one_line(capsys)
    run_node(place, LEDGER, entries(3))
    (place / "keystore").rename(place / "elsewhere")
    assert once(place) == 2
    assert "node.keystore" in one_line(capsys)
    (place / "elsewhere").rename(place / "keystore")
    configure(place, "tally")
    assert once(place) == 2
    assert "the node has not run with this role" in one_line(capsys)
    configure(place, "ledger")
    assert once(place, unlock="secret") == 2
    assert "no such source" in one_line(capsys)
    assert run_compact(place / "none.toml", True, None, RECORDS, 10) == 2
    assert "no such file" in one_line(capsys)
    assert once(place) == 0


def test_damage_is_told_with_the_exit_code_of_the_disk(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bit is wrong in the journal."""
    run_node(place, LEDGER, entries(9))
    flip_bit(place / "data" / "journal" / "000000000001.journal", (4096 + 100) * 8)
    assert once(place) == os.EX_IOERR
    assert "are damaged at offset 4096" in capsys.readouterr().err


def test_two_do_not_follow_one_node(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """While one holds the folder, the other one says so."""
    run_node(place, LEDGER, entries(3))
    found: list[int] = []

    def second_one(compactor: object) -> None:
        found.append(once(place))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "_say", second_one)
        assert once(place) == 0
    assert found == [2]
    assert "another process follows this node already" in capsys.readouterr().err


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was said on standard error, which is one line."""
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.endswith("\n"), said
    return said
