"""`outcry` as a user runs it: a process of its own, its output, its files, its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from openoutcry.cli import demo
from openoutcry.cli.main import main
from openoutcry.replay.readers import plain
from tests.flows import generated


def outcry(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `outcry` in a folder."""
    engine = str(Path(demo.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": engine, "COLUMNS": "120"}
    command = [sys.executable, "-m", "openoutcry.cli.main", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_recording_is_replayed_from_the_command_line(tmp_path: Path) -> None:
    """The table on standard output says what happened; files are where they are said to be; nothing on stderr."""
    plain.write(generated(takers_shown=True), tmp_path / "flow.csv")
    done = outcry("replay", "flow.csv", "--mode", "rematch", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("same trades", "(100.00 %)", "spread", "depth", "events", "messages/s", "never after"):
        assert words in done.stdout
    for file in ("trades.parquet", "quotes.parquet", "depth.parquet", "picture.png", "summary.json"):
        assert str(Path("out") / file) in done.stdout
        assert (tmp_path / "out" / file).stat().st_size > 100


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    """The same numbers for the fast and the plain books, but for the speed."""
    plain.write(generated(takers_shown=True), tmp_path / "flow.csv")
    found = []
    for more in ([], ["--plain"]):
        done = outcry("replay", "flow.csv", "--reader", "csv", "--json", "--out", "there", *more, folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 1
        found.append(json.loads(done.stdout))
    speed = {"book_seconds", "total_seconds", "commands_per_second_in_book", "messages_per_second"}
    assert {name: found[0][name] for name in found[0] if name not in speed} == {
        name: found[1][name] for name in found[1] if name not in speed
    }
    assert found[0]["rebuild"]["executions"] > 300
    assert found[0]["files"] == [f"there/{name}" for name in _FILES]


_FILES = ("trades.parquet", "quotes.parquet", "depth.parquet", "picture.png", "summary.json")


def test_a_damaged_recording_is_one_line_and_leaves_no_files(tmp_path: Path) -> None:
    """Standard error names file, record, field and what was expected; the exit code is 2."""
    path = tmp_path / "flow.csv"
    plain.write(generated(takers_shown=True), path)
    lines = path.read_text(encoding="ascii").splitlines(keepends=True)
    lines[500] = lines[500].replace("buy", "bought").replace("sell", "sold")
    path.write_text("".join(lines), encoding="ascii")
    done = outcry("replay", "flow.csv", "--reader", "csv", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("outcry: flow.csv: record 500, field side: expected buy or sell, found '")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_demonstration_generates_flow_where_there_is_no_recording_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A small one, in this process, in a folder and an environment without a sample."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(demo.SAMPLE_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(demo, "GENERATED_ORDERS", 3000)
    assert main(["demo", "--replay"]) == 0
    said = capsys.readouterr().out
    assert "GENERATED order flow" in said
    assert "all right" in said
    assert "(100.00 %)" in said
    for mode in ("rebuild", "rematch"):
        assert f"Picture of the {mode}: {Path('out') / mode / 'picture.png'}" in said
        assert (tmp_path / "out" / mode / "picture.png").exists()


def test_the_demonstration_takes_the_sample_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By option and by variable; as one JSON object; a name that is wrong is an error."""
    plain.write(generated(takers_shown=True), tmp_path / "flow.csv")
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--replay", "--sample", "flow.csv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sample"], found["rematch"]["rematch"]["share_ppm"]) == ("flow.csv", 1_000_000)
    monkeypatch.setenv(demo.SAMPLE_VARIABLE, str(tmp_path / "flow.csv"))
    assert main(["demo", "--replay", "--out", "elsewhere"]) == 0
    assert "Recorded order flow" in capsys.readouterr().out
    assert main(["demo", "--replay", "--sample", "nowhere.csv"]) == 2
    assert capsys.readouterr().err == "outcry: nowhere.csv: no such file or folder\n"
