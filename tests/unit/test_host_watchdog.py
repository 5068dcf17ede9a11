"""A trusted hook cannot be interrupted: it is named, and the node stops and leaves the plugin out the next time."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from openoutcry.domain.records import COMMAND
from openoutcry.host.errors import PluginError
from openoutcry.host.loading import load
from openoutcry.host.off import OFF_BYTES_MAX, OFF_FILE, add_off, read_off
from openoutcry.host.settings import PluginSettings
from openoutcry.host.watchdog import HANG_EXIT
from tests.made_plugins import Heard, on_path, write_check, write_plugin

QUICK = PluginSettings(trusted=True, deadline_ms=20, hang_ms=60)

WAITS = "import builtins\n        builtins.released.wait(20)\n        return np.ones(len(commands), dtype=np.int16)"
"""A hook that does not come back before the test lets it."""

ROLE = """
from openoutcry.host.kinds import RoleKind

def roles(self):
    return [RoleKind("held", 1, "a role", lambda settings, ports, answers: None)]
Plugin.roles = hookimpl(roles)
"""


class Hanging:
    """Loads the plugin of a folder as trusted and asks it; the hook is let go when the host has asked to stop."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, settings: PluginSettings) -> None:
        self.heard, self.reasons = Heard(), list[str]()
        self.released = threading.Event()
        self.off_file = folder / OFF_FILE
        monkeypatch.setattr("builtins.released", self.released, raising=False)
        with on_path(folder):
            plugins = load({"hangs": settings}, tell=self.heard, stop=self.stop, off_file=self.off_file)
            try:
                self.answer = plugins.check_orders(np.zeros(2, dtype=COMMAND))
                self.counters = plugins.counters["hangs", "check_orders"]
            finally:
                plugins.close()

    def stop(self, reason: str) -> None:
        """In place of ending the process."""
        self.reasons.append(reason)
        self.released.set()


def test_one_past_its_deadline_is_named_with_its_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack shows the plugin's own line; when it comes back at last its answer is not taken."""
    write_check(tmp_path, "hangs", WAITS)
    hanging = Hanging(tmp_path, monkeypatch, QUICK)
    (named,) = [fields for event, fields in hanging.heard.events if event == "plugin past its deadline"]
    assert (named["plugin"], named["hook"]) == ("hangs", "check_orders")
    assert "builtins.released.wait(20)" in str(named["stack"])
    assert "openoutcry_hangs.py" in str(named["stack"])
    assert hanging.answer is not None
    assert hanging.answer.tolist() == [0, 0]
    assert hanging.counters.late == 1


def test_one_that_does_not_come_back_is_noted_and_the_node_stops_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason names plugin, hook and file; it is in the file before the node is asked to stop."""
    write_check(tmp_path, "hangs", WAITS)
    hanging = Hanging(tmp_path, monkeypatch, QUICK)
    (reason,) = hanging.reasons
    assert reason.startswith("plugin hangs: hook check_orders has not come back after ")
    assert reason.endswith(f"it is switched off in {hanging.off_file}")
    assert list(read_off(hanging.off_file)) == ["hangs"]
    assert HANG_EXIT == 75


def test_one_that_brings_a_role_stops_the_node_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its role the node would be none: it is not noted, and the reason says so."""
    write_check(tmp_path, "hangs", WAITS)
    module = tmp_path / "openoutcry_hangs.py"
    module.write_text(module.read_text() + ROLE)
    hanging = Hanging(tmp_path, monkeypatch, QUICK)
    (reason,) = hanging.reasons
    assert reason.endswith("it brings role held and so cannot be switched off")
    assert read_off(hanging.off_file) == {}


def test_one_that_cannot_be_noted_stops_the_node_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data folder is gone by then."""

    def no_room(path: Path, plugin: str, words: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("openoutcry.host.loading.add_off", no_room)
    write_check(tmp_path, "hangs", WAITS)
    hanging = Hanging(tmp_path, monkeypatch, QUICK)
    assert hanging.reasons[0].endswith("No space left on device")


def test_an_import_that_does_not_come_back_is_noted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits while it is imported."""
    wait = "import builtins\nbuiltins.released.wait(20)\n"
    write_check(tmp_path, "hangs", "return None", before=wait)
    hanging = Hanging(tmp_path, monkeypatch, PluginSettings(trusted=True, load_ms=30))
    assert "hook import has not come back" in hanging.reasons[0]
    assert list(read_off(hanging.off_file)) == ["hangs"]


def test_what_is_noted_is_left_out_and_a_required_one_then_refuses(tmp_path: Path) -> None:
    """Neither is imported; the role of one says where to look."""
    for name in ("needed", "other"):
        write_plugin(tmp_path, name, "raise SystemExit('imported')")
        add_off(tmp_path / OFF_FILE, name, "hook check_orders has not come back\nafter 5000 ms")
    heard = Heard()
    names = {"needed": PluginSettings(required=True), "other": PluginSettings(trusted=True)}
    with on_path(tmp_path):
        plugins = load(names, tell=heard, off_file=tmp_path / OFF_FILE)
    try:
        assert plugins.names == ()
        answer = plugins.check_orders(np.ones(1, dtype=COMMAND))
        assert answer is not None
        assert answer.all()
        words = "is switched off: hook check_orders has not come back after 5000 ms; remove its line from"
        with pytest.raises(PluginError, match=words):
            plugins.role_kind("any")
    finally:
        plugins.close()
    assert [(event, fields["plugin"]) for event, fields in heard.events][:2] == [
        ("plugin not loaded", "needed"),
        ("plugin not loaded", "other"),
    ]


def test_a_hook_that_comes_back_in_time_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand quick calls under a watchdog that looks every few ms."""
    write_check(tmp_path, "hangs", "return None")
    hanging = Hanging(tmp_path, monkeypatch, PluginSettings(trusted=True, deadline_ms=5_000))
    assert (hanging.heard.events, hanging.reasons) == ([], [])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"\xff\xfe"), "expected text"),
        (lambda path: path.write_bytes(b"x" * (OFF_BYTES_MAX + 1)), f"longer than {OFF_BYTES_MAX} bytes"),
        (lambda path: path.mkdir(), "Is a directory"),
    ],
)
def test_a_file_that_is_no_list_is_named(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    """No text, too long, a folder."""
    make(tmp_path / OFF_FILE)
    with pytest.raises(PluginError, match=words):
        read_off(tmp_path / OFF_FILE)


def test_the_list_is_kept_by_hand_too(tmp_path: Path) -> None:
    """A name alone, an empty line, a name noted twice; and no file."""
    assert read_off(tmp_path / OFF_FILE) == {}
    (tmp_path / OFF_FILE).write_text("zed\n\n")
    add_off(tmp_path / OFF_FILE, "abe", "one")
    add_off(tmp_path / OFF_FILE, "abe", "two")
    assert read_off(tmp_path / OFF_FILE) == {"abe": "two", "zed": ""}
