"""Writes docs/reference/benchmarks.md from the results: `python -m benchmarks.report`.

Same results, same page, byte by byte: nothing here reads the machine or the clock. Of each case the latest line counts;
of the side-by-side only the lines of its latest run, since its point is that all were measured together.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import targets
from benchmarks.flow import KINDS
from benchmarks.record import RESULTS, ROOT, Result, latest
from benchmarks.report_nodes import node_tables

PAGE: Final = ROOT / "docs" / "reference" / "benchmarks.md"
BATCHES: Final = (1, 16, 256, 4096)
NAMINGS: Final = ("handles", "client ids")
STORES: Final = ("truth", "view", "journal and view")
FAULT_COLUMNS: Final = ("crash", "torn-tail", "bit-flip", "full-disk", "partition", "drop")
NOT_MEASURED: Final = "Not measured yet: `make bench`.\n"

HEAD: Final = """\
# Benchmarks

Written by `make docs` from the lines in `benchmarks/results`; `make bench` measures anew. How to measure, and how to
read a line: [Measure the books](../how-to/measure.md).

## What is measured

Books of `openoutcry.book.Books`, one thread, one process. All order types, allocations, phases and account checks are
compiled in. Switched on for each order: open-order count, order size, notional, collar around the last price, net
position, backing (drawn when it is accepted, spent when it trades), self-trade prevention by account group. 1,000
accounts. Every event is written out as a full 64-byte record. Orders are named by the engine's handle or by the
client's own id, which costs a look-up in a hash table.

| workload | books | orders resting | prices | quantity |
|---|---|---|---|---|
"""

MIX: Final = """
Each has 1,000,000 timed messages after its book has filled up: 49 to 55 % new orders, of which one in ten is priced to
trade, 40 to 46 % cancels, 5 % replacements that lose priority. Half of what is cancelled or replaced is drawn from all
live orders and half from the newest tenth. One message in 50 moves the middle. Flows are drawn from a seed
(`benchmarks/flow.py`), and a run is refused where trades, lots traded or resting orders differ from what the flow's own
book says. Batch 1 is the first 250,000 messages. The books of B and C ask for memory ahead of the commands
(`prefetch=True`), the one of A does not.
"""

LEFT_OUT: Final = """
## What is left out

- Making the commands and reading the events: both are arrays that another part fills and reads.
- Networks, journals, threads and more than one book set per process.
- Other order types than limit orders: their code is there and is not taken. Stops, icebergs, hidden orders, auctions in
  the flow, pro-rata and market-maker protection cost more where they are used.
- Self-trade prevention is checked at each maker and never acts: an account only buys or only sells, so that every
  engine trades the same.
- The first growth of the books' memory for resting orders: they are opened with room for them. The memory of positions
  grows while it is timed.
- Machines with several sockets, and frequency pinning.
"""


def render(folder: Path = RESULTS) -> str:
    """Return the page for the results in a folder."""
    return "".join(
        [
            HEAD,
            *(_market(name) for name in KINDS),
            MIX,
            *_throughput(latest("throughput", folder)),
            *_latency(latest("latency", folder)),
            *_peers(latest("peers", folder)),
            *_auctions(latest("auctions", folder)),
            *_snapshots(latest("snapshots", folder)),
            *_starts(latest("starts", folder)),
            *_memory(latest("memory", folder)),
            *node_tables(*(latest(name, folder) for name in ("nodes", "echo", "abuse", "soak"))),
            *_store(latest("store", folder)),
            *_marketdata(latest("marketdata", folder)),
            *_simulation(latest("simulation", folder)),
            LEFT_OUT,
        ]
    )


def _market(name: str) -> str:
    kind = KINDS[name]
    prices = (
        "log-uniform, 1 to 3 M ticks from the middle"
        if kind.sparse
        else "93 % exponential, mean 8 ticks from the middle, the rest within 500"
    )
    lots = f"exponential, mean {kind.mean_lots:,.0f} lots"
    return f"| {name} | {kind.books:,} | {kind.resting:,} each | {prices} | {lots} |\n"


def _throughput(results: list[Result]) -> Iterable[str]:
    yield "\n## Messages a second\n\nMillions, median of five runs on fresh books; wall time around `apply` alone.\n\n"
    if not results:
        yield NOT_MEASURED
        return
    yield _machine(results)
    yield _row("workload", "named by", *(f"batch {batch:,}" for batch in BATCHES), "target", "aim", "met")
    yield _row(*["---"] * (len(BATCHES) + 5))
    found = {(str(r.case["workload"]), str(r.case["naming"]), r.case["batch"]): r for r in results}
    for name in KINDS:
        for naming in NAMINGS:
            rates = {batch: _rate(found.get((name, naming, batch))) for batch in BATCHES}
            goal = targets.THROUGHPUT[name, naming]
            slowest = min((rate for batch, rate in rates.items() if batch >= goal.batch and rate), default=None)
            yield _row(
                name,
                naming,
                *(_millions(rate) for rate in rates.values()),
                f"{goal.least / 1e6:g}, batch {goal.batch} and above",
                f"{goal.aim / 1e6:g}",
                _met(slowest is not None and slowest >= goal.least),
            )
    few = targets.SMALL_BATCH
    rate = _rate(found.get(("A", "handles", few.batch)))
    if rate is not None:
        yield (
            f"\nA at batch {few.batch}: target {few.least / 1e6:g} M, aim {few.aim / 1e6:g} M, "
            f"measured {_millions(rate)} M ({_met(rate >= few.least)}).\n"
        )


def _latency(results: list[Result]) -> Iterable[str]:
    yield "\n## One call, one message\n\n"
    yield "Nanoseconds of a call of `apply` with one command, reading the clock included.\n\n"
    if not results:
        yield NOT_MEASURED
        return
    yield _machine(results)
    yield _row("workload", "named by", "median", "99 %", "99.9 %", "longest", "target, 99 %", "met")
    yield _row(*["---"] * 8)
    for result in _sorted(results, "workload"):
        figures = result.figures
        p99 = _number(result, "p99_ns")
        yield _row(
            result.case["workload"],
            result.case["naming"],
            *(_count(figures[name]) for name in ("p50_ns", "p99_ns", "p99_9_ns", "max_ns")),
            f"{targets.CALL_P99_NS_MAX:,}",
            _met(p99 < targets.CALL_P99_NS_MAX),
        )


def _peers(results: list[Result]) -> Iterable[str]:
    yield "\n## Beside other engines\n\n"
    if not results:
        yield NOT_MEASURED
        return
    newest = max(result.date for result in results)
    run = [result for result in results if result.date == newest]
    yield (
        "Engines from the Python Package Index, on the same messages in the same run. They take one message a call; a\n"
        "replacement is a cancel and a new order. They have no accounts, limits, backing or self-trade prevention. Of\n"
        "each, as many orders rest at the end as of ours. Arguments and bound methods are made beforehand. Multiples\n"
        "are given of the fastest engine, and of the fastest whose calls tell what has traded.\n\n"
    )
    yield _machine(run).rstrip("\n") + "\n"
    for name in KINDS:
        here = [result for result in run if result.case["workload"] == name]
        if here:
            yield from _peers_on(name, here)


def _peers_on(name: str, results: list[Result]) -> Iterable[str]:
    yield f"\n### {name}\n\n"
    yield _row("engine", "messages a second", "messages", "a call tells its caller")
    yield _row(*["---"] * 4)
    ours = [result for result in results if "batch" in result.case]
    theirs = [result for result in results if "batch" not in result.case]
    for result in (*theirs, *ours):
        yield _row(
            _engine(result), _count(_rate(result)), _count(result.figures["messages"]), result.figures["reports"]
        )
    if theirs and ours:
        yield "\n"
        yield from _ratios(theirs, ours)


def _ratios(theirs: list[Result], ours: list[Result]) -> Iterable[str]:
    """Compare ours with the fastest of the others, and with the fastest one that says what has traded."""
    fastest = max(theirs, key=_speed)
    telling = max((result for result in theirs if tells(result)), key=_speed, default=None)
    compared = [fastest] if telling is None or telling is fastest else [fastest, telling]
    yield _row("ours, as a multiple of", *(_engine(result) for result in compared), "target")
    yield _row(*["---"] * (len(compared) + 2))
    for naming in NAMINGS:
        same = [result for result in ours if result.case["engine"] == f"openoutcry, {naming}"]
        batched = max((result for result in same if int(result.case["batch"]) >= 256), key=_speed, default=None)
        single = next((result for result in same if result.case["batch"] == 1), None)
        for label, result in (("batches", batched), ("one message a call", single)):
            if result is not None:
                multiples = (f"{_speed(result) / _speed(other):.1f}" for other in compared)
                goal = f"{targets.PEER_MULTIPLE[naming]}" if result is batched else ""
                yield _row(f"{naming}, {label}", *multiples, goal)


def _auctions(results: list[Result]) -> Iterable[str]:
    yield "\n## Call auctions\n\n"
    if not results:
        yield NOT_MEASURED
        return
    yield (
        "Milliseconds, median of five. `uncross` takes a list of `AuctionOrder`, checks it, returns price and fills\n"
        "(rule `euronext`); a book phase is the command UNCROSS on orders that have collected, with an event for each\n"
        "trade. Limits are normal around the reference (50 ticks), one order in twenty is a market order.\n\n"
    )
    yield _machine(results)
    yield _row("auction", "orders", "ms")
    yield _row(*["---"] * 3)
    for result in _sorted(results, "auction", "orders"):
        yield _row(result.case["auction"], _count(result.case["orders"]), _milliseconds(result))


def _snapshots(results: list[Result]) -> Iterable[str]:
    yield "\n## Snapshots\n\n"
    if not results:
        yield NOT_MEASURED
        return
    yield "Milliseconds, median of five.\n\n" + _machine(results)
    yield _row("what", "orders resting", "ms", "bytes")
    yield _row(*["---"] * 4)
    for result in results:
        yield _row(
            f"`{result.case['what']}`",
            _count(result.case["resting"]),
            _milliseconds(result),
            _count(result.figures.get("size_bytes")),
        )


def _starts(results: list[Result]) -> Iterable[str]:
    yield "\n## Starting\n\n"
    if not results:
        yield NOT_MEASURED
        return
    yield "Seconds from the start of a process to its end, median of five (compiling: once).\n\n" + _machine(results)
    yield _row("what", "seconds", "target", "met")
    yield _row(*["---"] * 4)
    for result in results:
        what = str(result.case["what"])
        most = targets.START_SECONDS_MAX[what]
        seconds = _number(result, "seconds")
        yield _row(what, f"{seconds:.2f}", f"under {most:g}", _met(seconds < most))


def _memory(results: list[Result]) -> Iterable[str]:
    yield "\n## Memory\n\n"
    if not results:
        yield NOT_MEASURED
        return
    most = targets.MEMORY_BYTES_PER_ORDER_MAX
    yield (
        f"Growth of resident memory in a fresh process from no order to a million. Target: at most {most} bytes an\n"
        "order plus one growth step: the largest growth from one batch of 4,096 commands to the next.\n\n"
    )
    yield _machine(results)
    yield _row("named by", "orders", "growth, bytes", "an order", "growth step, bytes", "an order less the step", "met")
    yield _row(*["---"] * 7)
    for result in results:
        resting = int(result.case["resting"])
        growth, step = _number(result, "growth_bytes"), _number(result, "largest_step_bytes")
        each = (growth - step) / resting
        yield _row(
            result.case["naming"],
            _count(resting),
            _count(growth),
            f"{growth / resting:.0f}",
            _count(step),
            f"{each:.0f}",
            _met(each <= most),
        )


def _store(results: list[Result]) -> Iterable[str]:
    yield "\n## Views of the journal\n\n"
    if not results:
        yield NOT_MEASURED
        return
    yield (
        "Rows of a ledger a second, and how long a group takes. Truth: SQLite alone, which waits for the disk at each\n"
        "commit. View: the rows alone. Journal and view: what a node does. The ratio is of that to the truth, which\n"
        "keeps no order of what happened and proves nothing.\n\n"
    )
    groups = [result for result in results if "rows" in result.case]
    yield _machine(results)
    yield _row("rows of a group", *(f"{what}, rows/s" for what in STORES), "ratio", "a group, median", "99 %")
    yield _row(*["---"] * 7)
    for rows in sorted({int(result.case["rows"]) for result in groups}):
        found = {str(result.case["what"]): result for result in groups if result.case["rows"] == rows}
        rates = [_number(found[what], "rows_per_s") for what in STORES]
        both = found[STORES[-1]]
        laps = (f"{_number(both, name) / 1000:.2g} ms" for name in ("group_p50_us", "group_p99_us"))
        yield _row(f"{rows:,}", *map(_count, rates), f"{rates[-1] / rates[0]:.2f}", *laps)
    for result in results:
        if result.case["what"] == "made anew":
            yield (
                f"\nA view that was deleted is filled with {_count(result.figures['all_rows'])} rows at "
                f"{_count(result.figures['rows_per_s'])} rows/s; opening it takes\n"
                f"{_number(result, 'open_ms'):.2g} ms for {_number(result, 'mb'):.2g} MB, which are looked through for "
                "damage.\n"
            )


def _marketdata(results: list[Result]) -> Iterable[str]:
    yield "\n## Market data\n\n"
    if not results:
        yield NOT_MEASURED
        return
    yield (
        "Nanoseconds an event, median of five, groups of 256 commands. Copy: the bare copy of the events. Rows: level\n"
        "3 rows, trades and levels. Frames: all five streams, numbered, sealed and kept. Then level 3 frames are\n"
        "decoded, and followed by the fast and the plain book. On C each of some 200 pairs of a group has frames of\n"
        "its own, so a frame holds little more than an event. [How it works](../explanation/market-data.md).\n\n"
    )
    yield _machine(results)
    yield _row("what", "workload", "ns an event", "ns a command")
    yield _row(*["---"] * 4)
    for result in results:
        event, command = result.figures["ns_per_event"], result.figures.get("ns_per_command")
        yield _row(result.case["what"], result.case["workload"], _three(event), _three(command))


def _simulation(results: list[Result]) -> Iterable[str]:
    yield "\n## Simulation\n\n"
    if not results:
        yield NOT_MEASURED
        return
    yield (
        "CPU seconds of one thread. A message is one that a role was given. First without faults: clients fill\n"
        "envelopes of 256, and what must hold is asked after every 32nd group. Then with faults, asked after every\n"
        "group. [How it works](../explanation/simulation.md).\n\n"
    )
    yield _machine(results)
    by_what: dict[str, list[Result]] = {}
    for result in results:
        by_what.setdefault(str(result.case["what"]), []).append(result)
    yield _row("role", "signatures", "messages a second", "messages", "target", "met")
    yield _row(*["---"] * 6)
    for result in by_what.get("messages", []):
        signatures = str(result.case["signatures"])
        goal = targets.SIMULATED_PER_S if signatures == targets.SIMULATED_WITH else None
        rate = _number(result, "messages_per_s")
        yield _row(
            result.case["role"],
            signatures,
            _count(rate),
            _count(result.figures["messages"]),
            _count(goal),
            "" if goal is None else _met(rate >= goal),
        )
    yield "\n" + _row("runs", "role", "how many", "failed", "messages a second", *FAULT_COLUMNS)
    yield _row(*["---"] * (5 + len(FAULT_COLUMNS)))
    for what in ("seeds", "crash points, one", "crash points, two"):
        for result in by_what.get(what, []):
            figures = result.figures
            yield _row(
                what,
                result.case["role"],
                _count(figures["runs"]),
                _count(figures["failures"]),
                _count(figures["messages_per_s"]),
                *(_count(figures.get(name, 0)) for name in FAULT_COLUMNS),
            )
    for result in by_what.get("mutants", []):
        figures = result.figures
        survivors = str(figures["survivors"])
        mutants, found, runs = (_count(figures[name]) for name in ("mutants", "found", "runs"))
        yield f"\nMutants of the {result.case['role']}: {found} of {mutants} found, in {runs} runs. "
        yield f"Survivors: {survivors or 'none'}.\n"
        if survivors:
            yield "Why each of them is the counter itself is in `tests/simulation/test_mutants.py`.\n"


def tells(result: Result) -> bool:
    """Say whether a peer's call tells its caller what has traded."""
    return not str(result.figures["reports"]).startswith("nothing")


def _engine(result: Result) -> str:
    name, _, way = str(result.case["engine"]).partition(", ")
    if "batch" in result.case:
        return f"{name}, {way}, batch {int(result.case['batch']):,}"
    return f"{name} {result.case['version']}{way and ', ' + way} (Python {result.figures['python']})"


def _machine(results: Sequence[Result]) -> str:
    """Say on what the results were measured, one line for each commit and machine among them."""
    loads: dict[str, float] = {}
    for result in results:
        machine = result.machine
        line = (
            f"Commit {result.commit}, {result.date[:10]}; {machine['cpu']}, {machine['cores']} cores, Python "
            f"{machine['python']}, numba {machine['numba']}, numpy {machine['numpy']}"
        )
        loads[line] = max(float(machine["load"]), loads.get(line, 0.0))
    return "\n".join(f"{line}, load average up to {load:g}." for line, load in loads.items()) + "\n\n"


def _sorted(results: list[Result], *keys: str) -> list[Result]:
    return sorted(results, key=lambda result: [result.case[key] for key in keys])


def _number(result: Result, name: str) -> float:
    value = result.figures[name]
    assert isinstance(value, int | float), f"{result.measure}: {name} is {value!r}"
    return float(value)


def _rate(result: Result | None) -> float | None:
    return None if result is None else _number(result, "messages_per_s")


def _speed(result: Result) -> float:
    return _number(result, "messages_per_s")


def _milliseconds(result: Result) -> str:
    return f"{_number(result, 'seconds') * 1000:.3g}"


def _millions(rate: float | None) -> str:
    return "" if rate is None else f"{rate / 1e6:.3g}"


def _count(value: float | int | str | None) -> str:
    return "" if value is None else f"{float(value):,.0f}"


def _three(value: float | int | str | None) -> str:
    """Write a figure with three digits."""
    return "" if value is None else f"{float(f'{float(value):.3g}'):,g}"


def _met(met: bool) -> str:
    return "yes" if met else "no"


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
