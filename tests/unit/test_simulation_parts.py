"""The virtual clock, network, chance and disk faults, each alone: what the simulator is made of does what it says."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.node.journal import Damaged, MemoryDisk, MemoryLog
from openoutcry.role import NOBODY, Record
from openoutcry.simulation.chance import Chance
from openoutcry.simulation.clock import Clock
from openoutcry.simulation.faults import ALL, NONE, Fault, Point, Rates, draw_rates
from openoutcry.simulation.network import DELAY_STEPS_MAX, STEP_NS, Network
from openoutcry.simulation.striking import ByChance

PPB = st.integers(-200_000, 200_000)
NS = st.integers(0, 10**12)


def network(rates: Rates, seed: int = 1, size: int = 3) -> Network:
    """Return a network with faults."""
    return Network(size, Chance(seed, "network"), rates, Counter())


@given(offset=st.integers(-(10**9), 10**9), drift=PPB, now=NS, ahead=NS)
def test_a_clock_reaches_what_it_shows_and_not_before(offset: int, drift: int, now: int, ahead: int) -> None:
    """At the time that `reaches` gives, the clock shows at least that; a nanosecond earlier, less, or it is now."""
    clock = Clock(0, offset, drift)
    shown = clock.shows(now) + ahead
    time_ns = clock.reaches(shown, now)
    assert clock.shows(time_ns) >= shown
    assert time_ns == now or clock.shows(time_ns - 1) < shown


def test_a_clock_jumps_by_what_it_is_told() -> None:
    """Forward and back; what was to be reached later is reached at once."""
    clock = Clock(0)
    due = clock.reaches(5_000, 1_000)
    clock.jump(4_000)
    assert (due, clock.shows(1_000), clock.reaches(5_000, 1_000)) == (5_000, 5_000, 1_000)
    clock.jump(-4_500)
    assert clock.shows(1_000) == 500


def test_a_network_without_faults_keeps_order_and_loses_nothing() -> None:
    """A thousand frames: each arrives once, a step later."""
    links = network(NONE)
    assert [links.carry(0, 1, now) for now in range(0, 1_000 * STEP_NS, STEP_NS)] == [
        (now + STEP_NS,) for now in range(0, 1_000 * STEP_NS, STEP_NS)
    ]
    assert not links.counts


def test_a_link_keeps_order_under_delays() -> None:
    """Delays of up to seconds and no reordering: times of arrival never go back, and some are long."""
    links = network(Rates(delay=0.5))
    times = [time for now in range(5_000) for time in links.carry(0, 1, now * STEP_NS)]
    assert times == sorted(times) and len(times) == 5_000
    waits = [time - now * STEP_NS for now, time in enumerate(times)]
    assert max(waits) > 100 * STEP_NS and max(waits) <= (DELAY_STEPS_MAX + 1) * STEP_NS
    assert 2_000 < links.counts[Fault.DELAY] < 3_000


@pytest.mark.parametrize(
    ("kind", "rates"),
    [
        (Fault.DROP, Rates(drop=0.2)),
        (Fault.DUPLICATE, Rates(duplicate=0.2)),
        (Fault.REORDER, Rates(reorder=0.2)),
    ],
)
def test_a_network_does_what_it_is_told_and_counts_it(kind: Fault, rates: Rates) -> None:
    """One kind of fault at a time, over 10,000 frames: it happens about as often as asked, the others never."""
    links = network(rates)
    arrived = [links.carry(0, 1, now * STEP_NS) for now in range(10_000)]
    lost = sum(not times for times in arrived)
    twice = sum(len(times) == 2 for times in arrived)
    order = [time for times in arrived for time in times[:1]]
    overtaken = sum(later < max(order[: at + 1][-25:]) for at, later in enumerate(order))
    counts = {Fault.DROP: lost, Fault.DUPLICATE: twice, Fault.REORDER: overtaken}
    assert {name for name, count in counts.items() if count} == {kind}
    assert counts[kind] == links.counts[kind] > 1_500
    assert set(links.counts) == {kind}


def test_a_partition_cuts_what_crosses_it_and_nothing_else() -> None:
    """Node 0 against 1 and 2, inwards only, then mended."""
    links = network(NONE)
    links.part([True, False, False], into=True, out=False)
    assert [bool(links.carry(a, b, 0)) for a, b in ((1, 0), (2, 0), (0, 1), (1, 2))] == [False, False, True, True]
    links.mend()
    assert all(links.carry(a, b, 0) for a in range(3) for b in range(3))


def test_rates_of_one_kind_do_not_depend_on_the_others() -> None:
    """The rate of a drop with every kind of fault and with drops alone; no faults means none at all."""
    every, alone = (draw_rates(faults, Chance(9, "rates")) for faults in (ALL, (Fault.DROP,)))
    assert every.drop == alone.drop > 0
    assert (alone.duplicate, alone.partitions, alone.skew, alone.strikes) == (0, 0, False, ())
    assert draw_rates((), Chance(9, "rates")) is NONE


def test_chance_strikes_with_every_fault_at_every_point() -> None:
    """20,000 groups at a high rate: each kind of fault, and each of the four points of a crash."""
    rates = Rates(strikes=tuple((fault, 0.02) for fault in ALL[7:]))
    striker = ByChance(rates, Chance(3, "strikes"))
    blows = [blow for group in range(20_000) if (blow := striker.blow(0, group)) is not None]
    assert {blow.fault for blow in blows} == set(ALL[7:])
    assert {blow.point for blow in blows if blow.fault is Fault.CRASH} == set(Point)
    assert 1_500 < len(blows) < 3_500


def test_streams_of_one_seed_differ_and_repeat() -> None:
    """The same stream gives the same numbers, another stream or seed others. The numbers are those of any release."""
    numbers = [[Chance(seed, stream).below(1_000) for _ in range(1)] for seed, stream in ((1, "a"), (1, "b"), (2, "a"))]
    assert numbers == [[Chance(1, "a").below(1_000)], [Chance(1, "b").below(1_000)], [Chance(2, "a").below(1_000)]]
    chance = Chance(1, "network")
    assert [chance.below(1_000_000) for _ in range(3)] == EXPECTED


EXPECTED = [39304, 773976, 324497]


def test_a_bit_flipped_in_what_was_promised_keeps_a_log_from_opening() -> None:
    """The outcome that the simulator counts as right, on the log that it uses: every bit of a small journal."""
    disk = MemoryDisk(bytes(16))
    log = MemoryLog(disk)
    log.durable(log.append([Record(1, 7, 1, NOBODY, b"promised")]))
    for bit in range(0, 8 * disk.synced, 61):
        disk.flip(bit)
        with pytest.raises(Damaged):
            MemoryLog(disk)
        disk.flip(bit)
    assert MemoryLog(disk).last == 1
