"""Order checks: one failure is contained and named, and takes nobody's answer along; in the node and apart from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from openoutcry.domain import Op, RejectCode
from openoutcry.domain.records import COMMAND
from openoutcry.host.account import TELL_NS, WORDS_CHARS_MAX, Account, one_line, words_of
from openoutcry.host.codes import CODE_MAX, UNCHECKED, fault_of
from openoutcry.host.plugins import COMMANDS_MAX, Plugins
from openoutcry.host.settings import PluginSettings
from tests.made_plugins import Heard, loaded, write_check

DEADLINE_MS = 2_000
"""Far above what a check takes, also while others use the machine; only what never answers waits for it."""

ANSWERS = {
    "codes": ("return (commands['qty_lots'] > 5).astype(np.int16) * 22", "", ""),
    "silent": ("return None", "none", ""),
    "raises": ("raise ValueError('not\\n        today')", "raised", "ValueError: not today"),
    "recurses": ("return self.check_orders(commands)", "raised", "RecursionError"),
    "leaves": ("raise SystemExit(0)", "raised", "SystemExit: 0"),
    "numbers": ("return 0", "wrong", "answered int, expected an array of 4 int16 or None"),
    "lists": ("return [0] * len(commands)", "wrong", "answered list"),
    "wide": ("return np.zeros(len(commands), dtype=np.int64)", "wrong", "answered an array of int64, expected int16"),
    "short": ("return np.zeros(len(commands) - 1, dtype=np.int16)", "wrong", "of shape (3,), expected (4,)"),
    "square": ("return np.zeros((len(commands), 1), dtype=np.int16)", "wrong", "of shape (4, 1), expected (4,)"),
    "negative": ("return np.full(len(commands), -1, dtype=np.int16)", "wrong", "answered code -1, which is no Reject"),
    "unknown": ("return np.full(len(commands), 31_000, dtype=np.int16)", "wrong", "answered code 31000"),
    "writes": ("commands['qty_lots'] = 1", "raised", "read-only"),
}
"""Plugin to its hook, to the counter that counts it besides the calls, and to what is told."""


def orders(count: int = 4, op: int = Op.PLACE) -> NDArray[np.void]:
    """Orders of 1, 9, 1, 9 ... lots."""
    commands = np.zeros(count, dtype=COMMAND)
    commands["op"], commands["qty_lots"] = op, np.where(np.arange(count) % 2, 9, 1)
    return commands


def asked(plugins: Plugins, commands: NDArray[np.void], *prices: Any) -> list[int]:
    """Return the codes."""
    answer = plugins.check_orders(commands, *prices)
    assert answer is not None
    assert answer.dtype == np.int16
    codes: list[int] = answer.tolist()
    return codes


@pytest.fixture(scope="module", params=[True, False], ids=["trusted", "isolated"])
def everyone(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Plugins, Heard]]:
    """Every plugin of ANSWERS, asked three times."""
    folder, heard = tmp_path_factory.mktemp("plugins"), Heard()
    for name, (body, _, _) in ANSWERS.items():
        write_check(folder, name, body)
    settings = PluginSettings(trusted=request.param, deadline_ms=DEADLINE_MS)
    with loaded(folder, heard, **dict.fromkeys(ANSWERS, settings)) as plugins:
        for _ in range(3):
            assert asked(plugins, orders()) == [0, 22, 0, 22]
        yield plugins, heard


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_is_counted_and_named(everyone: tuple[Plugins, Heard], name: str) -> None:
    """What is no answer counts as one kind of failure, and is told once with the plugin, the hook and the cause."""
    plugins, heard = everyone
    _, kind, words = ANSWERS[name]
    counters = plugins.counters[name, "check_orders"]
    counts = {field: getattr(counters, field) for field in ("none", "raised", "late", "wrong", "down")}
    assert counters.calls == 3
    assert counts == {field: 3 if field == kind else 0 for field in counts}
    told = [(event, fields) for event, fields in heard.events if fields["plugin"] == name]
    if not words:
        assert told == []
        return
    ((event, fields),) = told
    assert event == f"plugin {kind}"
    assert fields["hook"] == "check_orders"
    assert words in str(fields["cause"])
    assert "\n" not in str(fields["cause"])


def test_the_first_objection_by_name_gives_the_code(tmp_path: Path) -> None:
    """Three checks with overlapping objections, loaded in another order than that of their names."""
    for name, codes in (("abe", [0, 1, 0, 0]), ("mid", [2, 2, 0, 0]), ("zed", [3, 3, 3, 0])):
        write_check(tmp_path, name, f"return np.array({codes}, dtype=np.int16)")
    settings = PluginSettings(trusted=True)
    with loaded(tmp_path, Heard(), zed=settings, mid=PluginSettings(deadline_ms=DEADLINE_MS), abe=settings) as plugins:
        assert asked(plugins, orders()) == [2, 1, 3, 0]


def test_without_checks_there_is_no_answer() -> None:
    """No plugin at all; and an empty group."""
    assert Plugins().check_orders(orders()) is None


@pytest.mark.parametrize("trusted", [True, False])
def test_a_check_may_ask_for_the_last_prices(tmp_path: Path, trusted: bool) -> None:
    """They arrive in the order of the commands; a role without a book gives none, which is 0."""
    source = "def check_orders(self, commands, last_ticks):\n        return (last_ticks == 7).astype(np.int16)"
    write_check(tmp_path, "priced", "")
    module = tmp_path / "openoutcry_priced.py"
    module.write_text(module.read_text().replace("def check_orders(self, commands):", source))
    with loaded(tmp_path, Heard(), priced=PluginSettings(trusted=trusted, deadline_ms=DEADLINE_MS)) as plugins:
        assert asked(plugins, orders(3), np.array([7, 0, 7])) == [1, 0, 1]
        assert asked(plugins, orders(3)) == [0, 0, 0]
        assert asked(plugins, orders(0)) == []


@pytest.mark.parametrize("trusted", [True, False])
def test_a_group_of_any_size_is_asked_about_in_parts(tmp_path: Path, trusted: bool) -> None:
    """One command more than one question holds; the check answers with the place of each command in its question."""
    write_check(tmp_path, "counts", "return np.where(np.arange(len(commands)) < 1, 5, 0).astype(np.int16)")
    with loaded(tmp_path, Heard(), counts=PluginSettings(trusted=trusted, deadline_ms=10_000)) as plugins:
        codes = asked(plugins, orders(COMMANDS_MAX + 1))
        assert [place for place, code in enumerate(codes) if code] == [0, COMMANDS_MAX]
        assert plugins.counters["counts", "check_orders"].calls == 2


@pytest.mark.parametrize("trusted", [True, False])
def test_without_the_answer_of_a_required_check_only_cancellations_pass(tmp_path: Path, trusted: bool) -> None:
    """Every op, before a check that raises, and beside one that objects to the first command with its own code."""
    write_check(tmp_path, "first", "return np.where(np.arange(len(commands)) < 1, 5, 0).astype(np.int16)")
    write_check(tmp_path, "needed", "raise ValueError")
    settings = PluginSettings(trusted=trusted, deadline_ms=DEADLINE_MS)
    required = PluginSettings(trusted=trusted, deadline_ms=DEADLINE_MS, required=True)
    commands = np.zeros(len(Op) + 1, dtype=COMMAND)
    commands["op"] = [0, *Op]
    expected = [
        5 if not op else 0 if op in (Op.CANCEL, Op.REDUCE, Op.MASS_CANCEL) else int(UNCHECKED) for op in (0, *Op)
    ]
    with loaded(tmp_path, Heard(), first=settings, needed=required) as plugins:
        assert asked(plugins, commands) == expected


def test_a_required_check_that_does_not_object_refuses_nothing(tmp_path: Path) -> None:
    """None is an answer."""
    write_check(tmp_path, "needed", "return None")
    with loaded(tmp_path, Heard(), needed=PluginSettings(trusted=True, required=True)) as plugins:
        assert asked(plugins, orders()) == [0, 0, 0, 0]


def test_a_required_check_that_is_broken_refuses_orders_and_takes_cancellations(tmp_path: Path) -> None:
    """The node starts all the same, so that traders can get out."""
    write_check(tmp_path, "needed", "return None", before="import nothing_of_this_name\n")
    heard = Heard()
    with loaded(tmp_path, heard, needed=PluginSettings(required=True)) as plugins:
        assert asked(plugins, orders()) == [UNCHECKED] * 4
        assert asked(plugins, orders(op=Op.CANCEL)) == [0] * 4
        assert plugins.counters["needed", "check_orders"].down == 2
    assert "nothing_of_this_name" in heard.text()


@pytest.mark.parametrize("code", [0, 1, CODE_MAX])
def test_every_reject_code_is_an_answer_and_no_other_number(code: int) -> None:
    """The first and the last, against the enumeration; and one on either side of them."""
    assert max(RejectCode) == CODE_MAX
    assert fault_of(np.array([code], dtype=np.int16), 1) is None
    for wrong in (CODE_MAX + 1, -1, 32_767, -32_768):
        assert fault_of(np.array([code, wrong], dtype=np.int16), 2) == (
            f"answered code {wrong}, which is no RejectCode"
        )


def test_a_failure_is_told_once_in_a_while_with_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred failures within a moment, another kind between them, and one after the pause."""
    now_ns = [1]
    monkeypatch.setattr("time.monotonic_ns", lambda: now_ns[0])
    heard = Heard()
    account = Account("flood", "check_orders", heard)
    for _ in range(100):
        account.fail("raised", "x")
    account.fail("wrong", "y")
    now_ns[0] += TELL_NS
    account.fail("raised", "x")
    assert [(event, fields["times"]) for event, fields in heard.events] == [
        ("plugin raised", 1),
        ("plugin wrong", 1),
        ("plugin raised", 101),
    ]


def test_a_strangers_words_are_one_bounded_line() -> None:
    """Control characters, a long text, and an exception whose own text raises."""

    class Rude(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert one_line("a\x1b[31m\n\tb\x00c") == "a [31m b c"
    assert len(one_line("x" * 10**6)) == WORDS_CHARS_MAX
    assert words_of(Rude()) == "Rude: and its text raised ValueError"
    assert words_of(ValueError()) == "ValueError"
