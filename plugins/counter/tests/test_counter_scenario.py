"""The counter and its clients in simulation, and the client alone."""

import io
import re

import pytest

from openoutcry.host.kinds import Scenario
from openoutcry.role import NOBODY, TIMER_TAG, Input, Record, Role, Send, Store
from openoutcry.simulation.options import Options
from openoutcry.simulation.world import simulate
from openoutcry.wire.codec import encode
from openoutcry.wire.fields import KeyId
from openoutcry.wire.signed import Signed
from openoutcry_counter.client import CounterClient, CounterClientSettings
from openoutcry_counter.messages import ANSWER, ID_BYTES, CounterAnswer, CounterIncrement, Outcome
from openoutcry_counter.role import MS
from openoutcry_counter.scenario import COUNTER_SCENARIO, SCENARIOS

NODES: tuple[KeyId, KeyId] = (b"L" * 32, b"R" * 32)
WANTED = {Outcome.COUNTED, Outcome.CANCELLED, Outcome.EXPIRED, Outcome.FULL, Outcome.OVERFLOW, Outcome.FORGOTTEN}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.name))
def test_nothing_breaks_under_faults(scenario: Scenario) -> None:
    """Six seeds of each scenario with every kind of fault."""
    for seed in range(6):
        assert simulate(scenario, seed, Options()).failure is None


def test_the_load_reaches_every_bound() -> None:
    """The outcomes that counters answer in a few seeds: each of them but those of a client that asks for nonsense."""
    seen: set[int] = set()

    def note(line: str) -> None:
        seen.update(map(int, re.findall(r"outcome=(\d)", line)))

    for seed in range(1, 12):
        simulate(COUNTER_SCENARIO, seed, Options(tell=note))
        if seen >= WANTED:
            break
    assert seen == WANTED


class Ports:
    """What a role may ask of its node, without a node."""

    number = 1
    own: KeyId = b"A" * 32
    store: Store | None = None

    def verify(self, signed: Signed) -> bool:
        """Nothing is verified here."""
        raise AssertionError

    def secret(self, path: str) -> bytes:
        """Nothing is secret here."""
        raise AssertionError


def client(count: int = 4) -> CounterClient:
    """Return a client that asks two nodes in turn, again after 25 ms."""
    nodes = tuple(node.hex() for node in NODES)
    return CounterClient(
        CounterClientSettings(nodes, count, batch=2, interval_ms=10, resend_ms=25, lifetime_ms=50), Ports()
    )


def tick(role: CounterClient, now_ns: int) -> list[Send]:
    """Let its timer be due."""
    return role.apply([Record(1, TIMER_TAG, now_ns, NOBODY, b"tick")]).sends


def hear(role: CounterClient, number: int, outcome: Outcome, total: int = 0, decided_ns: int = 0) -> int:
    """Let the owner answer; return how many records that made."""
    body = CounterAnswer(number.to_bytes(ID_BYTES, "big"), outcome, total, decided_ns)
    records, _ = role.admit([Input(NODES[number % 2], ANSWER, body, encode(body))], 1)
    role.apply(records)
    return len(records)


def state_of(role: Role) -> bytes:
    """Return a role's snapshot."""
    out = io.BytesIO()
    role.snapshot(out)
    return out.getvalue()


def test_a_client_asks_the_same_again_until_the_answer_is_final() -> None:
    """Two increments to two nodes; FULL is no answer, CANCELLED is one, and hearing it twice is nothing new."""
    role = client(count=2)
    first = tick(role, 0)
    assert [send.to for send in first] == [NODES[1], NODES[0]]
    assert hear(role, 1, Outcome.FULL) == 0
    assert hear(role, 2, Outcome.CANCELLED, decided_ns=5) == 1
    assert hear(role, 2, Outcome.CANCELLED, decided_ns=5) == 0
    assert tick(role, 10 * MS) == []
    assert tick(role, 30 * MS) == first[:1]
    body = first[0].body
    assert isinstance(body, CounterIncrement) and body.expiry_ns == role.lifetime_ns(1)
    assert hear(role, 1, Outcome.COUNTED, body.amount, 7) == 1
    assert (role.unanswered, role.counted, role.uncertain, role.check()) == (0, [0, body.amount], [0, 0], [])
    assert role.apply([Record(1, TIMER_TAG, 40 * MS, NOBODY, b"tick")]).timers[0].due_ns is None


@pytest.mark.parametrize(
    ("second", "total", "decided_ns"),
    [(Outcome.CANCELLED, 0, 7), (Outcome.COUNTED, 2_001, 7), (Outcome.COUNTED, 2_000, 8), (Outcome.EXPIRED, 0, 0)],
)
def test_a_client_sees_two_answers_to_one_increment(second: Outcome, total: int, decided_ns: int) -> None:
    """Another outcome, total or time than the first; FORGOTTEN in between says nothing."""
    role = client()
    tick(role, 0)
    hear(role, 1, Outcome.COUNTED, 2_000, 7)
    assert hear(role, 1, Outcome.FORGOTTEN) == 0
    assert role.check() == []
    assert hear(role, 1, second, total, decided_ns) == 1
    assert len(role.check()) == 1


def test_a_client_sees_an_answer_that_cannot_be() -> None:
    """A total without the increment itself, and a decision at no time."""
    role = client()
    tick(role, 0)
    hear(role, 1, Outcome.COUNTED, 0, 7)
    hear(role, 2, Outcome.CANCELLED, 0, 0)
    assert len(role.check()) == 2


def test_what_is_forgotten_may_have_counted() -> None:
    """The amount stays uncertain, also over a snapshot, and a late answer is no contradiction."""
    role = client()
    tick(role, 0)
    hear(role, 1, Outcome.FORGOTTEN)
    assert hear(role, 1, Outcome.COUNTED, 2_000, 7) == 0
    copy = client()
    copy.restore(io.BytesIO(state_of(role)))
    assert role.uncertain == copy.uncertain == [role.amount(2), role.amount(1)]
    assert copy.resume() == role.resume()
    assert tick(copy, 30 * MS) == tick(role, 30 * MS)
    assert state_of(copy) == state_of(role)
    with pytest.raises(ValueError, match="no state of a client"):
        copy.restore(io.BytesIO(b"junk"))


def test_a_stranger_answers_nothing() -> None:
    """An answer by the node that does not own the increment, and one to an increment that was never sent."""
    role = client()
    tick(role, 0)
    body = CounterAnswer((1).to_bytes(ID_BYTES, "big"), Outcome.EXPIRED, 0, 0)
    assert role.admit([Input(NODES[0], ANSWER, body, encode(body))], 1) == ([], [])
    assert hear(role, 3, Outcome.EXPIRED) == 0
