"""The plain and the fast book agree on every event and on their state, over random commands of every kind."""

from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.record import RESULTS, Recorder
from openoutcry.book import Books, ReferenceBooks
from openoutcry.domain import CancelReason, EventKind
from openoutcry.domain.records import Commands, Events
from tests.coverage import ACCOUNT_CHECKS, Coverage
from tests.streams import ACCOUNTS, Driver, pairs_to_stream, stream
from tests.twins import CAPACITY_MAX, Difference, Twins, differ

PARTS = 8
COMMANDS = 25_000
"""Of each part; together the 200,000 of every run."""

SOAK_SEEDS = 50
SOAK_COMMANDS = 200_000
"""Of each seed; together 10 million. New books for each, so that retired pairs do not pile up."""

SOAK_LEAST = 1_000
"""How often the soak must reach each combination of phase, order type and self-trade mode, and each account check."""


@pytest.mark.parametrize("seed", range(PARTS))
def test_plain_and_fast_books_agree(seed: int) -> None:
    """Events byte by byte, states by hash; random batch sizes; each restored from the other's snapshots on the way."""
    Twins(seed).run(COMMANDS)


def test_the_random_commands_reach_every_rule() -> None:
    """Each reject code, reason and kind of event, each account check and each combination of phase, type and mode."""
    pairs = pairs_to_stream()
    coverage, driver = Coverage(pairs), Driver(11, pairs)
    books = ReferenceBooks(pairs, accounts=ACCOUNTS, capacity_max=CAPACITY_MAX // 2)
    while books.sequence < 60_000:
        first = books.sequence + 1
        commands = driver.chunk(128) if first > 1 else driver.set_up()
        events = books.apply(commands)
        driver.learn(commands, events)
        coverage.add(commands, events, first)
    assert not [name for name, count in coverage.counts().items() if count == 0]


@pytest.mark.parametrize("seed", range(3))
def test_the_invariants_hold_after_every_command(seed: int) -> None:
    """Of the plain book, one command at a time."""
    pairs = pairs_to_stream()
    driver = Driver(100 + seed, pairs)
    books = ReferenceBooks(pairs, accounts=ACCOUNTS, capacity_max=CAPACITY_MAX)
    commands = driver.set_up()
    while books.sequence < 3_000:
        events = []
        for at in range(len(commands)):
            events.append(books.apply(commands[at : at + 1]))
            books.check()
        driver.learn(commands, np.concatenate(events))
        commands = driver.chunk(64)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 300), cut=st.integers(0, 300))
def test_any_window_of_commands_agrees(seed: int, count: int, cut: int) -> None:
    """Streams that were made without a book; Hypothesis makes a failing one short. A snapshot lies anywhere in it."""
    commands = stream(seed, count)
    books = ReferenceBooks(pairs_to_stream(), accounts=ACCOUNTS, capacity_max=CAPACITY_MAX)
    books.apply(commands[:cut])
    assert not differ(books.snapshot(), commands[cut:], Books.restore)


class Forgetful(ReferenceBooks):
    """Books with a flaw: every tenth lot size of a cancellation is one lot wrong."""

    def apply(self, commands: Commands) -> Events:
        """As the plain book, but for the flaw."""
        events = super().apply(commands)
        events["qty_lots"][(events["kind"] == EventKind.CANCELLED) & (events["qty_lots"] % 10 == 0)] += 1
        return events


def test_a_difference_is_found_and_shrunk() -> None:
    """A planted flaw: of a window of hundreds of commands no more than two are left, and the seed is named."""
    with pytest.raises(Difference) as failure:
        Twins(5, other_restore=Forgetful.restore).run(5_000)
    lines = str(failure.value).splitlines()
    assert lines[0].startswith("seed 5:")
    left = int(lines[1].rsplit(" ", 1)[1])
    assert 1 <= left <= 2, str(failure.value)


def test_the_same_seed_gives_the_same_commands() -> None:
    """Byte for byte, with a book and without; another seed gives others."""
    one, same, other = (stream(seed, 2_000).tobytes() for seed in (1, 1, 2))
    assert one == same != other
    driven = []
    for _ in range(2):
        pairs = pairs_to_stream()
        books = ReferenceBooks(pairs, accounts=ACCOUNTS)
        driven.append(Driver(3, pairs).drive(books, 2_000)[0].tobytes())
    assert driven[0] == driven[1]


@pytest.mark.soak
def test_ten_million_commands_agree_and_reach_everything_often() -> None:
    """By hand; the counts are kept beside the benchmarks."""
    coverage, begin = Coverage(), perf_counter()
    commands = events = 0
    for seed in range(SOAK_SEEDS):
        twins = Twins(1_000 + seed, coverage=coverage)
        twins.run(SOAK_COMMANDS)
        commands += twins.sent
        events += twins.events
    counts = coverage.counts()
    checks = {code.name: coverage.rejected[code] for code in ACCOUNT_CHECKS}
    combinations = len(coverage.placed)
    Recorder(RESULTS).add(
        "twins",
        {"seeds": SOAK_SEEDS},
        {
            "commands": commands,
            "events": events,
            "seconds": perf_counter() - begin,
            "combinations": combinations,
            "rarest_combination": min(coverage.placed.values()),
            **checks,
            **{reason.name.lower(): counts[f"cancelled {reason.name}"] for reason in CancelReason},
        },
    )
    assert not list(coverage.lacking(SOAK_LEAST))
