"""What the simulator gets through, and what it has found: messages per CPU second, seeds, crash points, mutants.

`python -m benchmarks.run --only simulation`. Roles are the two examples, `echo` and `counter`, which have to be
installed. CPU time of one process on one thread; a message is one that a role was given, whatever it came in.

- **messages**: one run without faults under a load that fills envelopes, so that the simulator, the node and the roles
  are measured and not the waiting. What must hold is asked after every `CHECK_EVERY` groups.
- **seeds**: runs with every kind of fault, asked after every group.
- **crash points**: every one of a small run, singly and in pairs.
- **mutants**: all of the counter's table, each hunted until it is found.

Left out: reading the plugins, and compiling, which nothing here needs.
"""

from collections.abc import Iterable
from time import process_time
from typing import Final

from benchmarks import books
from benchmarks.record import Recorder
from openoutcry.host.kinds import Scenario
from openoutcry.simulation.campaign import run_campaign
from openoutcry.simulation.crash_points import DOWN_NS, crashes, pairs_of_crashes
from openoutcry.simulation.faults import ALL, Point
from openoutcry.simulation.mutants import Hunting, hunt, mutants_of
from openoutcry.simulation.options import Options
from openoutcry.simulation.outcome import Outcome, Totals
from openoutcry.simulation.scenarios import Changes, resized
from openoutcry.simulation.world import simulate
from openoutcry_counter.kinds import kind
from openoutcry_counter.scenario import COUNTER_SCENARIO, SMALL_SCENARIO
from openoutcry_counter.table import MACHINE
from openoutcry_echo.scenario import SCENARIOS as ECHO_SCENARIOS

ECHO_SCENARIO: Final = ECHO_SCENARIOS[0]
CHECK_EVERY: Final = 32
SEEDS: Final = 2_000
ROUNDS: Final = 3
"""Of which the fastest counts: the runs are the same, so whatever is slower is due to something else."""

MINUTE_MS: Final = 60_000
LOADS: Final[dict[str, tuple[Scenario, Changes]]] = {
    "echo": (ECHO_SCENARIO, {"echo_client": {"batch": 256, "interval_ms": 10}}),
    "counter": (
        COUNTER_SCENARIO,
        {
            "counter_client": {"batch": 256, "interval_ms": 10, "lifetime_ms": MINUTE_MS},
            "counter": {
                "own_max": 100_000,
                "held_max": 100_000,
                "total_max": 2**53,
                "deadline_ms": 1_000,
                "resend_ms": 200,
                "remember_ms": MINUTE_MS,
            },
        },
    ),
}
"""Without bounds that the load would reach: an increment that is refused is a message that makes no others."""

SEEDED: Final = {
    "echo": resized(ECHO_SCENARIO, {"echo_client": {"count": 100}}),
    "counter": resized(COUNTER_SCENARIO, {"counter_client": {"count": 160}}),
}
SINGLES: Final = {
    "echo": resized(ECHO_SCENARIO, {"echo_client": {"count": 6, "batch": 2}}),
    "counter": SMALL_SCENARIO,
}
PAIRS: Final = {
    "echo": resized(ECHO_SCENARIO, {"echo_client": {"count": 2, "batch": 1}}),
    "counter": resized(SMALL_SCENARIO, {"counter_client": {"count": 2}}),
}


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure both roles."""
    for role in LOADS:
        for signatures, real in (("keyed checksum", False), ("Ed25519", True)):
            case = {"what": "messages", "role": role, "signatures": signatures}
            recorder.add("simulation", case, time_messages(role, real, 300 if quick else 10_000))
    for role, scenario in SEEDED.items():
        case = {"what": "seeds", "role": role}
        recorder.add("simulation", case, time_runs(seeded(scenario, 20 if quick else SEEDS)))
    for role in SINGLES:
        down_ns = DOWN_NS[1:2] if quick else DOWN_NS
        single = time_runs(one_by_one(crashes(SINGLES[role], down_ns=down_ns)))
        recorder.add("simulation", {"what": "crash points, one", "role": role}, single)
        pairs = pairs_of_crashes(PAIRS[role], down_ns=DOWN_NS[1:2], within=1 if quick else None)
        recorder.add("simulation", {"what": "crash points, two", "role": role}, time_runs(one_by_one(pairs)))
    recorder.add("simulation", {"what": "mutants", "role": "counter"}, hunt_all(6 if quick else 60))


def time_messages(role: str, real: bool, count: int) -> dict[str, float | int]:
    """Run one load and return its rate."""
    scenario, changes = LOADS[role]
    loaded = resized(scenario, {**changes, f"{role}_client": {**changes[f"{role}_client"], "count": count}})
    options = Options(faults=(), real=real, check_every=CHECK_EVERY)
    laps = []
    for _ in range(ROUNDS):
        with books.paused_collection():
            begin = process_time()
            outcome = simulate(loaded, 1, options)
            laps.append(process_time() - begin)
        assert outcome.failure is None, str(outcome.failure)
    return {
        "messages_per_s": outcome.messages / min(laps),
        "messages": outcome.messages,
        "frames": outcome.frames,
        "groups": outcome.groups,
        "check_every": CHECK_EVERY,
    }


def seeded(scenario: Scenario, seeds: int) -> Iterable[Totals]:
    """Yield the totals of a hundred seeds at a time, so that the collector runs in between."""
    for begin in range(0, seeds, 100):
        yield run_campaign(scenario, range(begin, min(begin + 100, seeds)))


def one_by_one(outcomes: Iterable[Outcome]) -> Iterable[Totals]:
    """Yield the totals of each run as it is made."""
    for outcome in outcomes:
        totals = Totals(outcome.scenario)
        totals.add(outcome)
        yield totals


def time_runs(parts: Iterable[Totals]) -> dict[str, float | int | str]:
    """Run everything and return what was met and how fast; raises AssertionError for a run that failed."""
    begin = process_time()
    totals = Totals("all")
    for part in parts:
        assert not part.failures, str(part.failures[0])
        totals.merge(part)
    seconds = process_time() - begin
    figures: dict[str, float | int | str] = {
        "runs": totals.seeds,
        "failures": len(totals.failures),
        "messages": totals.messages,
        "messages_per_s": totals.messages / seconds,
        "cpu_seconds": seconds,
        "virtual_seconds": totals.time_ns // 10**9,
        "crash_places": len(totals.places),
    }
    struck = {point: sum(count for place, count in totals.places.items() if place[2] is point) for point in Point}
    figures |= {str(point): count for point, count in struck.items()}
    figures |= {str(fault): totals.counts[fault] for fault in ALL if totals.counts[fault]}
    return figures


def hunt_all(seeds: int) -> dict[str, float | int | str]:
    """Hunt every mutant of the counter and return how many there were, and the names of those that survived."""
    hunting = Hunting(SMALL_SCENARIO, COUNTER_SCENARIO, range(seeds))
    begin = process_time()
    verdicts = [hunt(mutant, MACHINE, kind, hunting) for mutant in mutants_of(MACHINE)]
    survivors = [verdict.mutant.name for verdict in verdicts if not verdict.by]
    return {
        "mutants": len(verdicts),
        "found": len(verdicts) - len(survivors),
        "runs": sum(verdict.runs for verdict in verdicts),
        "cpu_seconds": process_time() - begin,
        "survivors": "; ".join(survivors),
    }
