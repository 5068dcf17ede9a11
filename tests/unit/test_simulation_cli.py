"""`outcry simulate`: what it prints, what it refuses, and its exit code, on a market of the tests."""

import json
from collections.abc import Sequence

import pytest
import typer
from typer.testing import CliRunner

from openoutcry.cli import simulate
from openoutcry.cli.simulate_command import add_to
from openoutcry.host.errors import PluginError
from openoutcry.simulation.faults import ALL, MEANING
from openoutcry.simulation.scenarios import choose, load_scenarios, resized
from openoutcry.simulation.world import simulate as run
from tests.simulation.payments import FORGETFUL, payments

GOOD = {"payments": payments(8, 1)}
BAD = {"payments": payments(20, 1, FORGETFUL)}


def outcry(arguments: str, monkeypatch: pytest.MonkeyPatch, known: object = GOOD) -> tuple[int, str]:
    """Run a command line and return exit code and output."""
    app = typer.Typer()
    app.callback()(lambda: None)
    add_to(app)
    monkeypatch.setattr(simulate, "load_scenarios", lambda plugins: known)
    result = CliRunner().invoke(app, ["simulate", *arguments.split()])
    return result.exit_code, result.output


def test_a_campaign_is_shown_as_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for every kind of fault and crash point; exit code 0."""
    code, text = outcry("payments --seeds 5", monkeypatch)
    rows = [line.strip().rpartition("  ") for line in text.splitlines()]
    lines = {name.strip(): value for name, gap, value in rows if gap}
    assert (code, lines["seeds"], lines["failures"]) == (0, "5", "0")
    assert set(map(str, ALL)) <= set(lines)
    assert sum(name.startswith("crash points, ") for name in lines) == 4
    assert "messages per second of CPU" in text


def test_json_is_one_object_with_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsed; every scenario where none is named."""
    code, text = outcry("--seeds 4 --json", monkeypatch)
    (one,) = json.loads(text)["scenarios"]
    assert (code, one["scenario"], one["seeds"], one["failures"]) == (0, "payments", 4, [])
    assert one["messages"] > 4 * 16 and set(one["faults"]) == set(map(str, ALL))


def test_a_failure_gives_exit_code_1_and_the_command_that_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug; the command that is printed finds it again and prints every event."""
    code, text = outcry("payments --seeds 20 --faults drop,duplicate", monkeypatch, BAD)
    again = next(line for line in text.splitlines() if "again: " in line).partition("outcry simulate ")[2]
    assert code == 1 and "broken: coin" in text
    assert again.endswith("--faults drop,duplicate --verbose")
    code, text = outcry(again, monkeypatch, BAD)
    assert code == 1 and "payer-0 -> payee: signed Pay(number=0)" in text


def test_one_seed_is_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """--seed alone; and --minutes 0 makes none."""
    seen = [json.loads(outcry(f"{words} --json", monkeypatch)[1]) for words in ("--seed 7", "--minutes 0")]
    assert [one["scenarios"][0]["seeds"] for one in seen] == [1, 0]
    assert seen[0]["scenarios"][0]["messages"] == run(GOOD["payments"], 7).messages


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("payment", "no scenario payment: did you mean payments?"),
        ("zzz", "no scenario zzz: the installed plugins bring: payments"),
        ("--faults dorp", "no kind of faults dorp: did you mean drop?"),
        ("--signatures rsa", "no kind of signatures rsa: expected one of mixed, checksum, ed25519"),
    ],
)
def test_a_name_that_is_none_gets_a_suggestion(arguments: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, exit code 2."""
    code, text = outcry(arguments, monkeypatch)
    assert code == 2 and message in " ".join(text.replace("│", " ").split())


def test_no_faults_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """--faults none: every count is 0."""
    _, text = outcry("--seeds 3 --faults none --json", monkeypatch)
    assert not any(json.loads(text)["scenarios"][0]["faults"].values())


def test_without_scenarios_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plugin at all."""
    code, text = outcry("", monkeypatch, {})
    assert code == 2 and "no installed plugin brings a scenario" in " ".join(text.replace("│", " ").split())


def test_every_kind_of_fault_is_explained() -> None:
    """Its name, and what it means."""
    assert tuple(MEANING) == ALL


def test_a_plugin_that_is_not_there_is_named() -> None:
    """Asked for by name."""
    with pytest.raises(PluginError, match="plugin nosuchplugin is not installed"):
        load_scenarios(["nosuchplugin"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"payer": {"coin": 3}}, "settings of role payer have no field coin"),
        ({"prayer": {"coins": 3}}, "scenario payments has no role prayer"),
    ],
)
def test_a_resized_scenario_has_the_fields_that_it_has(changes: dict[str, dict[str, int]], message: str) -> None:
    """Names that are none are refused when the nodes are made; others change the load."""
    with pytest.raises(ValueError, match=message):
        run(resized(GOOD["payments"], changes), 1)
    assert (
        run(
            resized(GOOD["payments"], {"payer": {"coins": 3}}),
            1,
        ).messages
        < run(GOOD["payments"], 1).messages
    )


def names(known: Sequence[str]) -> str:
    """Return what `choose` says of a name that is none."""
    with pytest.raises(PluginError) as error:
        choose("x", dict.fromkeys(known, GOOD["payments"]))
    return str(error.value)


def test_what_there_is_is_listed() -> None:
    """None, or all names."""
    assert names([]).endswith("the installed plugins bring: none")
    assert names(["alpha", "beta"]).endswith("the installed plugins bring: alpha, beta")
