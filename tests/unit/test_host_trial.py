"""`outcry plugin try` from inside: what a check would have changed, and what is found of a role."""

import io
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import BinaryIO

import numpy as np
import pytest
from numpy.typing import NDArray

from openoutcry.domain import Op, Pair, Side
from openoutcry.host.kinds import RoleKind, Settings
from openoutcry.host.trial import GROUP_COMMANDS, Trial, try_check
from openoutcry.host.trial_roles import TrialPorts, try_role
from openoutcry.replay.books import open_plain
from openoutcry.replay.flow import MESSAGE, Action, Flow, FlowPair
from openoutcry.role import Effects, Input, Ports, Record, Send, Store

FLOW_PAIR = FlowPair("ABC", Decimal("0.01"), Decimal(1), Pair(0, price_ticks_max=1_000))


def recording(*orders: tuple[Side, int, int]) -> Flow:
    """Orders as they came: side, price in ticks, quantity."""
    messages = np.zeros(len(orders), dtype=MESSAGE)
    for place, (side, price, quantity) in enumerate(orders):
        messages[place : place + 1]["side"] = side
        messages[place : place + 1]["price_ticks"], messages[place : place + 1]["qty_lots"] = price, quantity
    messages["action"], messages["record"] = Action.ADD, np.arange(1, len(orders) + 1)
    messages["order_id"], messages["group"] = np.arange(1, len(orders) + 1), np.arange(len(orders))
    return Flow("by hand", "csv", (FLOW_PAIR,), messages, len(orders))


class Refusing:
    """Refuses orders above a price, and keeps what it was asked."""

    def __init__(self, ticks_max: int) -> None:
        self.ticks_max = ticks_max
        self.groups: list[tuple[int, list[int]]] = []

    def check_orders(
        self, commands: NDArray[np.void], last_ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.int16] | None:
        assert last_ticks is not None
        assert (commands["op"] == Op.PLACE).all()
        self.groups.append((len(commands), sorted(set(last_ticks.tolist()))))
        return np.where(commands["price_ticks"] > self.ticks_max, 24, 0).astype(np.int16)


def tried(flow: Flow, answers: Refusing) -> Trial:
    """Try a check on the plain books; each question takes 7 ns."""
    ticks = iter(range(0, 10**9, 7))
    return try_check(flow, answers, open_plain, lambda: next(ticks))


def test_the_difference_is_what_was_refused_and_what_then_traded_otherwise() -> None:
    """A sell at 900 is refused; the buy that met it in the venue's book then meets the next sell."""
    flow = recording((Side.SELL, 900, 5), (Side.BUY, 900, 5), (Side.SELL, 100, 5), (Side.BUY, 100, 5))
    trial = tried(flow, Refusing(899))
    assert trial.refused == {"COLLAR_LIMIT": 2}
    assert (trial.trades_without, trial.trades_with, trial.same) == (2, 1, 1)
    assert trial.examples[0] == "record 1: sell 5 ABC at 9 (no trade yet): COLLAR_LIMIT"
    assert trial.asked_ns == [7]


def test_a_check_that_objects_to_nothing_changes_nothing() -> None:
    """The same flow."""
    trial = tried(recording((Side.SELL, 900, 5), (Side.BUY, 900, 5)), Refusing(1_000))
    assert (trial.trades_without, trial.trades_with, trial.same, trial.refused) == (1, 1, 1, {})


def test_the_last_price_is_that_before_the_group() -> None:
    """A trade at 500 is the last command of the first group; the second group is told of it."""
    orders = [(Side.SELL, 500, 1)] * (GROUP_COMMANDS - 1) + [(Side.BUY, 500, 1), (Side.BUY, 10, 1)]
    answers = Refusing(1_000)
    tried(recording(*orders), answers)
    assert answers.groups == [(GROUP_COMMANDS, [0]), (1, [500])]


class Cell:
    """A role that holds a number; each part can be made wrong."""

    def __init__(self, store: Store | None, **wrong: object) -> None:
        self.value, self.store, self.wrong = 7, store, wrong
        if store is not None:
            store.execute_many("INSERT INTO cell (value) VALUES (?)", [(7,)])
            assert list(store.execute("SELECT value FROM cell")) == [(7,)]

    @property
    def name(self) -> str:
        return str(self.wrong.get("name", "cell"))

    @property
    def version(self) -> int:
        return 1

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        return [], []

    def apply(self, records: Sequence[Record]) -> Effects:
        return Effects([], [])

    def resume(self) -> Effects:
        if "resume" in self.wrong:
            raise ValueError("cannot")
        return Effects([], [])

    def snapshot(self, out: BinaryIO) -> None:
        out.write(bytes([self.value]))

    def restore(self, source: BinaryIO) -> None:
        self.value = source.read()[0] + int("restore" in self.wrong)

    def check(self) -> list[str]:
        return ["it leaks"] if "check" in self.wrong else []


class Needy(Settings, frozen=True):
    """Settings without a default."""

    key: str


def kind(make: Callable[[Ports], Cell], tables: str = "") -> RoleKind:
    """A kind of the role."""
    return RoleKind("cell", 1, "holds a number", lambda settings, ports, answers: make(ports), tables=tables)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "other"}, "is other of version 1, and its kind says cell of version 1"),
        ({"resume": 1}, "ValueError: cannot"),
        ({"check": 1}, "check found something broken in a new one: it leaks"),
        ({"restore": 1}, "another one that took its snapshot over gives another snapshot"),
    ],
)
def test_what_is_wrong_with_a_role_is_named(wrong: dict[str, object], words: str) -> None:
    """One thing at a time."""
    assert try_role(kind(lambda ports: Cell(None, **wrong)))[1] == words


def test_a_good_role_passes_with_and_without_a_view() -> None:
    """The view has the tables of its kind."""
    for made, tables in (
        (lambda ports: Cell(None), ""),
        (lambda ports: Cell(ports.store), "CREATE TABLE cell (value)"),
    ):
        right, fault = try_role(kind(made, tables))
        assert fault is None
        assert right[-1] == "snapshot of 1 bytes taken over by another one, which gives the same bytes"


def test_a_role_that_needs_settings_is_not_made() -> None:
    """It says which."""
    needy = RoleKind("cell", 1, "", lambda settings, ports, answers: Cell(None), Needy)
    right, fault = try_role(needy)
    assert fault is None
    assert right == ["it was not made, since it needs settings: Object missing required field `key`"]


def test_the_ports_of_a_trial_give_the_same_secret_for_one_path() -> None:
    """And another one for another path; 32 bytes."""
    ports = TrialPorts(None)
    assert ports.secret("a") == ports.secret("a") != ports.secret("b")
    assert len(ports.secret("a")) == 32
    assert io.BytesIO(ports.own).read() == bytes(32)
