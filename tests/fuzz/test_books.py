"""Structure-aware fuzzing of both books: commands whose every field may be plausible, at an edge, or absurd."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.book import Books, ReferenceBooks
from openoutcry.domain import Allocation, EventKind, IcebergRule, Ladder, Op, Pair, Phase
from openoutcry.domain.records import COMMAND, Commands

PAIRS = (
    Pair(0, price_ticks_max=40, qty_lots_max=2**56 - 1),
    Pair(1, price_ticks_max=2**18, ladder=Ladder.HASHED, phase=Phase.PRE_OPEN),
    Pair(2, price_ticks_max=60, allocation=Allocation.PRO_RATA, pro_rata_top=True, pro_rata_minimum_lots=2),
    Pair(3, price_ticks_max=60, iceberg_rule=IcebergRule.DISPLAYED_FIRST, phase=Phase.AUCTION),
)
ACCOUNTS = 3
CAPACITY_MAX = 24
"""Small, so that a stream runs out of slots."""

EDGES = (0, 1, -1, 2**63 - 1, -(2**63), 2**62, 2**62 - 1, 2**56 - 1, 2**56, 2**28 - 1, 2**28, 2**32, 2**31)
SMALL = st.integers(1, 45)


def mostly(likely: st.SearchStrategy[int], seldom: st.SearchStrategy[int]) -> st.SearchStrategy[int]:
    """Draw nine values in ten from `likely`."""
    return st.integers(0, 9).flatmap(lambda roll: likely if roll else seldom)


BYTE = st.integers(0, 255)
WORD = st.one_of(st.sampled_from(EDGES), st.integers(-(2**63), 2**63 - 1))
NUMBER = st.integers(1, 12)
HANDLE = st.builds(lambda slot, generation: generation << 32 | slot, st.integers(0, 14), st.integers(0, 4))
FIELDS = st.fixed_dictionaries(
    {
        "op": mostly(st.sampled_from([*Op, Op.PLACE, Op.PLACE, Op.PLACE, Op.PLACE, Op.PLACE, Op.REPLACE]), BYTE),
        "side": mostly(st.integers(0, 1), BYTE),
        "kind": mostly(st.integers(0, 8), BYTE),
        "tif": mostly(st.integers(0, 6), BYTE),
        "stp": mostly(st.integers(0, 4), BYTE),
        "flags": mostly(st.integers(0, 3), BYTE),
        "spare": st.integers(0, 2**16 - 1),
        "pair": mostly(st.integers(0, 4), st.integers(0, 2**32 - 1)),
        "account": mostly(st.integers(0, ACCOUNTS), st.integers(0, 2**32 - 1)),
        "client_id": mostly(st.one_of(NUMBER, HANDLE), st.integers(0, 2**64 - 1)),
        "price_ticks": mostly(st.one_of(SMALL, st.just(0)), WORD),
        "qty_lots": mostly(SMALL, WORD),
        "display_lots": mostly(st.one_of(st.just(0), SMALL), WORD),
        "trigger_ticks": mostly(st.one_of(st.just(0), SMALL), WORD),
        "expiry_ns": mostly(st.one_of(st.just(0), SMALL), WORD),
    }
)


def commands_of(rows: list[dict[str, int]]) -> Commands:
    """Return rows of fields as commands."""
    commands = np.zeros(len(rows), dtype=COMMAND)
    for at, row in enumerate(rows):
        for name, value in row.items():
            commands[name][at] = value
    # an account far away is known to both books, but makes the fast one's table a gigabyte long
    commands["account"][(commands["op"] == Op.SET_LIMITS) & (commands["account"] > 2**16)] |= 2**24
    return commands


def both_say_the_same(commands: Commands, split: int) -> None:
    """Events byte by byte, invariants of both, state hash; the fast book gets the commands in two batches."""
    plain = ReferenceBooks(PAIRS, accounts=ACCOUNTS, capacity_max=CAPACITY_MAX)
    fast = Books(PAIRS, accounts=ACCOUNTS, capacity=2, capacity_max=CAPACITY_MAX)
    expected = plain.apply(commands)
    events = np.concatenate([fast.apply(commands[:split]).copy(), fast.apply(commands[split:])])
    assert events.tobytes() == expected.tobytes()
    plain.check()
    fast.check()
    assert fast.state_hash() == plain.state_hash()
    answered = np.unique(expected["sequence"])
    assert answered.tolist() == list(range(1, len(commands) + 1)), "a command without an answer"


@settings(max_examples=250, deadline=None)
@given(st.lists(FIELDS, min_size=1, max_size=40), st.integers(0, 40))
def test_any_fields_give_the_same_events_in_both_books(rows: list[dict[str, int]], split: int) -> None:
    """Each field nine times in ten plausible, else anything its bytes can hold; nothing raises, wraps or gets lost."""
    both_say_the_same(commands_of(rows), split)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=64, max_size=64 * 20))
def test_any_bytes_are_commands_that_are_answered(data: bytes) -> None:
    """Raw bytes as records: one answer each, and after them the books still trade."""
    commands = np.frombuffer(data, dtype=COMMAND, count=len(data) // 64).copy()
    commands["account"][commands["op"] == Op.SET_LIMITS] %= 2**16
    both_say_the_same(commands, len(commands) // 2)
    fast = Books(PAIRS, accounts=ACCOUNTS)
    fast.apply(commands)
    trade = np.zeros(2, dtype=COMMAND)
    trade["op"], trade["side"], trade["price_ticks"], trade["qty_lots"] = Op.PLACE, [0, 1], 30, 5
    trade["account"], trade["client_id"] = [0, 1], 2**64 - 1 - np.arange(2, dtype=np.uint64)
    if fast.phase(0) == Phase.CONTINUOUS and not (commands["op"] >= Op.SET_PHASE).any():
        assert EventKind.TRADED in fast.apply(trade)["kind"]
