"""Readers of plugins: beside those of the engine, and contained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openoutcry.cli.main import main
from openoutcry.cli.running import plugin_readers
from openoutcry.cli.usage import UsageError
from openoutcry.host.kinds import ReplayReader
from openoutcry.host.readers import guarded_reader
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import MESSAGE, Flow
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source
from openoutcry.replay.table import AUTO, READERS, detect, read, reader
from tests.made_plugins import Heard, on_path, write_plugin

PLUGIN = """
from openoutcry.host import hookimpl
from openoutcry.host.kinds import ReplayReader
from openoutcry.replay.readers import plain

@hookimpl
def replay_readers():
    return [ReplayReader({name!r}, "tab separated", lambda name, head: name.endswith(".tab"), plain.read)]
"""


def fail(*_: object) -> Any:
    """A plugin's own fault."""
    raise KeyError("of mine")


def damaged(*_: object) -> Any:
    """What a reader says of a damaged recording."""
    raise ReplayError("day.tab: record 5: damaged")


def empty(*_: object) -> Flow:
    """A recording without messages."""
    return Flow("day.tab", "tab", (), np.zeros(0, dtype=MESSAGE), 0)


def source(folder: Path) -> Source:
    """A file that no reader of the engine knows."""
    (folder / "day.tab").write_text("x")
    return Source(folder / "day.tab")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (damaged, "^day.tab: record 5: damaged$"),
        (fail, "day.tab: reader tab of plugin mine: KeyError: 'of mine'$"),
        (lambda *_: 5, "day.tab: reader tab of plugin mine answered a int, expected a Flow$"),
    ],
)
def test_what_goes_wrong_in_a_reader_is_one_line_that_names_it(
    tmp_path: Path, function: Callable[..., Any], words: str
) -> None:
    """An error of the reader's own, another exception, an answer that is no flow."""
    guarded = guarded_reader("mine", ReplayReader("tab", "tabs", lambda name, head: True, function), Heard())
    with pytest.raises(ReplayError, match=words):
        guarded.read(source(tmp_path), Options())


def test_a_reader_that_fails_when_it_is_asked_knows_nothing(tmp_path: Path) -> None:
    """It is told, and another reader is found all the same; one that answers 1 in place of True knows nothing too."""
    heard = Heard()
    readers = {
        "bad": guarded_reader("mine", ReplayReader("bad", "", fail, empty), heard),
        "good": guarded_reader("other", ReplayReader("good", "", lambda name, head: name == "day.tab", empty), heard),
        "loose": guarded_reader("third", ReplayReader("loose", "", lambda name, head: 1, empty), heard),  # type: ignore[arg-type, return-value]
    }
    assert detect(source(tmp_path), readers) == "good"
    assert read(source(tmp_path), AUTO, Options(), readers).records == 0
    assert next((event, fields["plugin"]) for event, fields in heard.events) == ("plugin raised", "mine")


def test_a_name_that_is_none_gets_a_suggestion_of_a_plugins_reader() -> None:
    """One letter is missing."""
    with pytest.raises(ReplayError, match="no reader tabul: did you mean tabula"):
        reader("tabul", {"tabula": ReplayReader("tabula", "", lambda name, head: True, empty)})


def test_replay_reads_with_a_plugin_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same recording with the plugin, which knows it, and without."""
    write_plugin(tmp_path, "tabs", PLUGIN.format(name="tab"), value="{package}")
    recording = tmp_path / "day.tab"
    recording.write_text("time_ns,action,order_id,side,price,quantity\n1,add,5,buy,10.01,3\n")
    options = ["--plain", "--json", "--out", str(tmp_path / "out")]
    with on_path(tmp_path):
        assert main(["replay", str(recording), "--plugin", "tabs", *options]) == 0
        assert '"accepted": 1' in capsys.readouterr().out
        assert main(["replay", str(recording), *options]) == 2
        assert "none of the readers knows it" in capsys.readouterr().err
        assert main(["replay", str(recording), "--plugin", "tab", *options]) == 2
        assert "plugin tab is not installed: did you mean tabs?" in capsys.readouterr().err


def test_a_reader_cannot_take_the_name_of_one_of_the_engine(tmp_path: Path) -> None:
    """Each of them."""
    for name in READERS:
        write_plugin(tmp_path, f"my_{name}", PLUGIN.format(name=name), value="{package}")
        with on_path(tmp_path), pytest.raises(UsageError, match=f"a plugin brings reader {name}"):
            plugin_readers([f"my_{name}"])


def test_a_plugin_that_is_broken_stops_the_command(tmp_path: Path) -> None:
    """Its import fails."""
    write_plugin(tmp_path, "torn_reader", "import nothing_of_this_name")
    with on_path(tmp_path), pytest.raises(UsageError, match="plugin torn_reader: import of"):
        plugin_readers(["torn_reader"])
