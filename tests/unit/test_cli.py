"""The command line itself: quick help, one line for every mistake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import openoutcry
from openoutcry.cli.demo import find_sample
from openoutcry.cli.main import main
from openoutcry.cli.show import _percent

HEAVY = ("numpy", "numba", "zmq", "pyarrow", "matplotlib", "sortedcontainers")


@pytest.mark.parametrize("arguments", [["--help"], ["replay", "--help"], ["--version"], ["version"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    """A fresh interpreter runs the command and then says which heavy modules it has loaded."""
    code = (
        f"import sys; from openoutcry.cli.main import main; main({arguments!r}); "
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    engine = str(Path(openoutcry.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": engine}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"
    assert done.stderr == ""


def test_help_names_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    """What `outcry --help` and `outcry replay --help` print."""
    assert main(["--help"]) == 0
    commands = capsys.readouterr().out
    assert all(word in commands for word in ("replay", "demo", "version"))
    assert main(["replay", "--help"]) == 0
    options = capsys.readouterr().out
    assert all(f"--{word}" in options for word in ("reader", "mode", "symbol", "tick", "out", "json", "plain", "help"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["replya"], "No such command 'replya'. Did you mean 'replay'?"),
        (["replay", "x", "--modus", "rebuild"], "no option --modus: did you mean --mode?"),
        (["--versoin"], "no option --versoin: did you mean --version?"),
        (["replay", "x", "--qqqq"], "no option --qqqq: see --help"),
        (["replay"], "Missing argument 'SOURCE'."),
        (["replay", "x", "y"], "Got unexpected extra argument(s) (y)"),
        (["replay", "x", "--mode"], "Option '--mode' requires an argument."),
        (["replay", "x", "--mode", "rebild"], "no mode rebild: did you mean rebuild?"),
        (["replay", "x", "--mode", "rebild", "--json"], "no mode rebild: did you mean rebuild?"),
        (["replay", "x", "--reader", "lobtser"], "no reader lobtser: did you mean lobster?"),
        (["replay", "x", "--tick", "0"], "--tick 0: expected a price above 0, such as 0.01"),
        (["replay", "x", "--tick", "nan"], "--tick nan: expected a price above 0, such as 0.01"),
        (["replay", "x", "--tick", "one"], "--tick one: expected a price above 0, such as 0.01"),
        (["replay", "x"], "x: no such file or folder"),
    ],
)
def test_a_mistake_is_one_line_with_exit_code_2(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Commands, options, values, names and files, each with what was probably meant."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err == f"outcry: {message}\n"
    assert printed.out == ""


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """`outcry` alone prints what it can do, and is no success."""
    assert main([]) == 2
    printed = capsys.readouterr()
    assert "Usage" in printed.out + printed.err


def test_an_output_folder_that_cannot_be_is_told_before_the_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "flow.csv").write_text("time_ns,action,order_id,side,price,quantity\n", encoding="ascii")
    (tmp_path / "taken").write_text("", encoding="ascii")
    assert main(["replay", str(tmp_path / "flow.csv"), "--out", str(tmp_path / "taken")]) == 2
    assert capsys.readouterr().err == f"outcry: --out {tmp_path / 'taken'}: File exists\n"


def test_the_sample_is_looked_for_where_the_demonstration_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option first, then the variable, then .venv/sample here, then that of the running environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OUTCRY_SAMPLE", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    assert find_sample(None) is None
    places = [tmp_path / "prefix" / "sample", tmp_path / ".venv" / "sample", tmp_path / "variable", tmp_path / "named"]
    for place in places:
        place.mkdir(parents=True)
        (place / "a.whl").write_bytes(b"")
        if place.name == "variable":
            monkeypatch.setenv("OUTCRY_SAMPLE", str(place))
        found = find_sample(place if place.name == "named" else None)
        assert found is not None
        assert found.resolve() == place / "a.whl"


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(283, 284, "99.64 %"), (284, 284, "100.00 %"), (99_999, 100_000, "99.99 %"), (0, 0, "0.00 %")],
)
def test_only_the_whole_is_a_hundred_per_cent(part: int, whole: int, shown: str) -> None:
    """Shares are rounded down."""
    assert _percent(part, whole) == shown
