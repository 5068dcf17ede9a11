"""`outcry plugins` and `outcry plugin try`, as a user types them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openoutcry.cli.main import main
from openoutcry.cli.plugin_new import write_plugin as write_new
from openoutcry.replay.books import open_plain
from openoutcry.replay.generate import Recipe, generate
from openoutcry.replay.readers.plain import write
from tests.made_plugins import on_path, write_check, write_plugin

ROOT = Path(__file__).parents[2]
COLLAR = str(ROOT / "plugins" / "collar")


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two thousand generated orders, as a file of our own format."""
    path = tmp_path_factory.mktemp("flow") / "orders.csv"
    write(generate(Recipe(orders=2_000), np.random.default_rng(5), open_plain), path)
    return str(path)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Runs a command and returns what it printed as JSON."""

    def run(*arguments: str) -> Any:
        capsys.readouterr()
        assert main([*arguments, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    yield run


@pytest.mark.parametrize("trusted", [(), ("--trusted",)])
def test_a_check_is_shown_with_the_difference_that_it_makes(flow: str, printed: Any, trusted: tuple[str, ...]) -> None:
    """A narrow collar refuses a part of the orders, and so other trades come about; a wide one changes nothing."""
    try_it = ("plugin", "try", COLLAR, "--data", flow, "--plain", "--deadline-ms", "20000", *trusted)
    narrow = printed(*try_it, "--set", "distance_ppm=2_000")["check"]
    assert set(narrow["refused"]) == {"COLLAR_LIMIT"}
    assert 0 < narrow["refused"]["COLLAR_LIMIT"] < narrow["commands"]
    assert narrow["trades_same"] < narrow["trades_without"]
    assert narrow["examples"][0].endswith(": COLLAR_LIMIT")
    wide = printed(*try_it, "--set", "distance_ppm=10_000_000")["check"]
    assert wide["refused"] == {}
    assert wide["trades_same"] == wide["trades_without"] == wide["trades_with"] > 0
    assert narrow["no_answer"] == wide["no_answer"] == {}


def test_a_check_answers_the_same_in_the_node_and_apart_from_it(flow: str, printed: Any) -> None:
    """Everything that is printed but the times."""
    try_it = (
        "plugin",
        "try",
        COLLAR,
        "--data",
        flow,
        "--plain",
        "--deadline-ms",
        "20000",
        "--set",
        "distance_ppm=2_000",
    )
    results = [printed(*try_it, *trusted)["check"] for trusted in ((), ("--trusted",))]
    for result in results:
        del result["microseconds_median"], result["microseconds_max"]
    assert results[0] == results[1]


def test_a_check_that_fails_is_shown_to_fail(tmp_path: Path, flow: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Installed in a folder, tried by name; it raises at every question."""
    write_check(tmp_path, "falls", "raise ValueError('always')")
    with on_path(tmp_path):
        assert main(["plugin", "try", "falls", "--data", flow, "--plain", "--deadline-ms", "20000"]) == 0
    captured = capsys.readouterr()
    assert "x raised" in captured.out
    assert "refused    nothing" in captured.out
    assert "ValueError: always" in captured.err


def test_a_reader_reads_and_its_summary_is_shown(tmp_path: Path, printed: Any) -> None:
    """The reader that `plugin new` writes, with a recording of its format."""
    write_new("tapes", "replay_readers", tmp_path / "tapes")
    (tmp_path / "day.txt").write_text("tapes 1\n1;add;5;buy;10.01;3\n2;add;6;sell;10.02;4\n3;fill;5;buy;10.01;1\n")
    result = printed("plugin", "try", str(tmp_path / "tapes"), "--data", str(tmp_path / "day.txt"), "--plain")
    assert result["summary"]["reader"] == "tapes"
    assert (result["summary"]["records"], result["summary"]["trades"]) == (3, 1)


def test_a_role_is_looked_at_and_its_scenario_runs(tmp_path: Path, printed: Any) -> None:
    """The scenario that `plugin new` writes."""
    write_new("ledgers", "scenarios", tmp_path / "ledgers")
    result = printed("plugin", "try", str(tmp_path / "ledgers"))
    assert [(one["role"], one["fault"]) for one in result["roles"]] == [("ledgers", None), ("ledgers_client", None)]
    (scenario,) = result["scenarios"]
    assert scenario["messages"] > 0
    assert scenario["failures"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((COLLAR,), "check_orders is tried against recorded order flow: name it with --data FILE"),
        ((COLLAR, "--data", "FLOW", "--set", "distance=5"), "plugin collar: settings: Object contains unknown field"),
        ((COLLAR, "--data", "FLOW", "--set", "distance"), "expected KEY=VALUE as in TOML"),
        ((COLLAR, "--data", "nowhere.csv"), "nowhere.csv: no such file or folder"),
        ((COLLAR, "--data", "FLOW", "--reader", "bitstmp"), "no reader bitstmp: did you mean bitstamp?"),
        (("nothing_of_this_name",), "plugin nothing_of_this_name is not installed"),
        ((str(ROOT / "docs"),), "pyproject.toml: No such file or directory"),
        ((str(ROOT),), "declares no plugin: expected a table [project.entry-points.openoutcry]"),
    ],
)
def test_a_mistake_is_one_line(
    flow: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    """Exit code 2, and what to do."""
    assert main(["plugin", "try", *(flow if one == "FLOW" else one for one in arguments)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_what_is_installed_is_listed_without_being_imported(tmp_path: Path, printed: Any) -> None:
    """A plugin that fits, one that does not, and one that is broken; with what each brings, or why not."""
    write_check(tmp_path, "zz_fits", "return None")
    write_plugin(tmp_path, "zz_old", "raise SystemExit", requires=["openoutcry~=0.0.1"])
    write_plugin(tmp_path, "zz_torn", "import nothing_of_this_name")
    with on_path(tmp_path):
        result = printed("plugins")
    fits, old, torn = [one for one in result["plugins"] if one["name"].startswith("zz_")]
    assert (fits["hooks"], fits["fits"], fits["fault"], fits["from"]) == (["check_orders"], True, None, "path")
    assert (fits["place"], fits["distribution"], fits["version"]) == (str(tmp_path), "openoutcry-zz-fits", "1.0")
    assert (old["hooks"], old["fits"]) == ([], False)
    assert old["fault"].startswith("it is made for openoutcry ~=0.0.1")
    assert (torn["hooks"], torn["fits"]) == ([], True)
    assert torn["fault"].startswith("import of openoutcry_zz_torn:Plugin failed: ModuleNotFoundError")


def test_the_list_is_for_people_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One plugin with a command."""
    write_plugin(tmp_path, "zz_torn", "import nothing_of_this_name", commands="zz-say = openoutcry_zz_torn:app")
    with on_path(tmp_path):
        assert main(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("zz_torn")
    assert lines[place + 1] == f"  from       openoutcry-zz-torn 1.0, path, {tmp_path}"
    assert lines[place + 3].startswith("  fault      import of openoutcry_zz_torn:Plugin failed")
    assert "outcry zz-say is a command of openoutcry-zz-torn 1.0" in lines
