"""How a run goes: topics, keys that nobody has, the three stages, real signatures in some seeds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from openoutcry.role import Effects, Record, Send, Topic
from openoutcry.simulation.faults import Blow, Fault, Point
from openoutcry.simulation.identities import REAL_EVERY
from openoutcry.simulation.options import Options
from openoutcry.simulation.scenarios import recast
from openoutcry.simulation.striking import ByList
from openoutcry.simulation.world import simulate
from openoutcry.wire.ed25519 import Ed25519Verifier
from tests.simulation.payments import PAYEE, Payee, Receipt, payments

NOBODY_HERE = bytes(range(32))
CALM = Options(())


class Herald(Payee):
    """Receipts coins to everyone, and tells a node that is not there."""

    def apply(self, records: Sequence[Record]) -> Effects:
        sends, timers = super().apply(records)
        public = [Send(Topic("coins"), send.body) for send in sends if isinstance(send.body, Receipt)]
        return Effects([*public, Send(NOBODY_HERE, Receipt(0))], timers)


def test_a_topic_goes_to_every_other_node_and_an_unknown_key_nowhere() -> None:
    """Each of two payers gets every receipt of both; what goes to nobody is counted."""
    outcome = simulate(recast(payments(4, 2), replace(PAYEE, make=Herald)), 1, CALM)
    assert outcome.failure is None
    assert outcome.counts["frames to nobody"] > 0
    plain = simulate(payments(4, 2), 1, CALM)
    assert outcome.messages == plain.messages + 2 * 4


def test_a_run_without_faults_has_none() -> None:
    """Nothing is counted, all is settled, and every node was started twice."""
    told: list[str] = []
    outcome = simulate(payments(), 1, replace(CALM, tell=told.append))
    assert outcome.failure is None and not outcome.counts and not outcome.places
    assert sum(line.endswith(": starts") for line in told) == 2 * 3
    assert [line.rpartition(": ")[2] for line in told if "network" in line] == ["faults end", "every node ends"]


@pytest.mark.parametrize("seed", [REAL_EVERY, REAL_EVERY + 1])
def test_one_seed_in_sixteen_has_real_signatures(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted at the verifier."""
    verified: list[bytes] = []
    plain = Ed25519Verifier.verify

    def verify(self: Ed25519Verifier, key: bytes, signature: bytes, data: bytes) -> bool:
        verified.append(key)
        return plain(self, key, signature, data)

    monkeypatch.setattr(Ed25519Verifier, "verify", verify)
    assert simulate(payments(), seed, CALM).failure is None
    assert bool(verified) is (seed == REAL_EVERY)


@pytest.mark.parametrize("point", Point)
def test_a_node_ends_where_a_list_says(point: Point) -> None:
    """The payee's second group, at each crash point: it starts again after the time that is said, and all is paid."""
    told: list[str] = []
    blow = Blow(Fault.CRASH, 250_000_000, point)
    striker = ByList({(1, 2): blow})
    outcome = simulate(payments(12, 1), 1, replace(CALM, striker=striker, tell=told.append, faults_ns=10**9))
    assert outcome.failure is None and outcome.counts[Fault.CRASH] == 1
    assert {place[2] for place in outcome.places} == {point}
    payee = [line for line in told if line.split()[2] == "payee:"]
    ended = next(at for at, line in enumerate(payee) if line.endswith(f"ends: {point}"))
    assert payee[ended + 1].endswith("payee: starts")
    down_s = float(payee[ended + 1].split()[0]) - float(payee[ended].split()[0])
    assert round(down_s, 3) == 0.25
