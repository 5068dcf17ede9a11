"""The part of the page of benchmarks about nodes: what a frame costs, echoes, abuse, memory, junk."""

from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.record import Result

ECHO_SERVERS: Final = (("bare", "none"), ("node", "none"), ("node", "async"), ("node", "sync"))


def node_tables(
    nodes: Sequence[Result], echo: Sequence[Result], abuse: Sequence[Result], soak: Sequence[Result]
) -> Iterable[str]:
    """Yield the section, a table for each measure that there are results of."""
    yield "\n## Nodes\n\n"
    if not nodes and not echo:
        yield "Not measured yet: `make bench`.\n"
        return
    yield from _costs(nodes)
    yield from _echo(echo)
    yield from _abuse(abuse)
    yield from _soak(soak)


def _costs(results: Sequence[Result]) -> Iterable[str]:
    costs = [result for result in results if result.case["what"] == "cost of a frame"]
    if costs:
        yield (
            "What a node adds to a role that does nothing, microseconds a frame of 256 commands: reading, checking,\n"
            "admitting, routing, sending; with a journal also packing, hashing, writing and the wait for the disk.\n\n"
        )
        yield _row("frames in a group", "journal", "passed", "of the processor")
        yield _row("---", "---", "---", "---")
        for one in sorted(costs, key=lambda one: (bool(one.case["journal"]), int(one.case["frames"]))):
            journal = "with sync" if one.case["journal"] else "none"
            yield _row(one.case["frames"], journal, _short(one, "frame_us"), _short(one, "frame_cpu_us"))
    for one in results:
        if one.case["what"] == "restart":
            millions = _number(one, "commands_per_s") / 1e6
            yield f"\nA restart checks and applies {millions:.1f} million commands a second.\n"


def _echo(results: Sequence[Result]) -> Iterable[str]:
    if not results:
        return
    yield (
        "\nAn echo over TCP on loopback, server and client on a core each; a message of 64 bytes, a frame of 16 KiB.\n"
        "Times the bare pyzmq echo with the same CURVE setting. Journal: none, async (not waited for), sync.\n\n"
    )
    yield _row("server", "CURVE", "journal", "what", "round trip, us", "p99, us", "times bare", "a second", "of bare")
    yield _row(*["---"] * 9)
    found = {(one.case["server"], one.case["journal"], one.case["curve"], one.case["what"]): one for one in results}
    for what in ("message", "frame"):
        for curve in (False, True):
            for server, journal in ECHO_SERVERS:
                one = found.get((server, journal, curve, what))
                if one is not None:
                    yield _row(
                        server,
                        "yes" if curve else "no",
                        journal,
                        what,
                        f"{_number(one, 'round_trip_p50_us'):.0f}",
                        f"{_number(one, 'round_trip_p99_us'):.0f}",
                        f"{_number(one, 'round_trip_times_bare'):.2f}",
                        f"{_number(one, 'messages_per_s'):,.0f}",
                        f"{_number(one, 'rate_times_bare'):.2f}",
                    )


def _abuse(results: Sequence[Result]) -> Iterable[str]:
    if not results:
        return
    yield (
        "\nWhat an abuser does to a victim of the same node: 99th percentile of its round trip in microseconds, node\n"
        "on one core, both others on the other. Alone: nothing else there; busy: a process that only counts and sends\n"
        "nothing.\n\n"
    )
    yield _row("abuse", "alone", "busy", "abused", "times alone", "times busy", "attempts a second")
    yield _row(*["---"] * 7)
    for one in results:
        yield _row(
            one.case["kind"],
            *(f"{_number(one, name):.0f}" for name in ("alone_p99_us", "busy_p99_us", "abused_p99_us")),
            *(f"{_number(one, name):.2f}" for name in ("times_alone", "times_busy")),
            f"{_number(one, 'attempts_per_s'):,.0f}",
        )


def _soak(results: Sequence[Result]) -> Iterable[str]:
    for one in results:
        yield (
            f"\nMemory of an echo under full load for {_number(one, 'seconds'):.0f} seconds, "
            f"{_number(one, 'messages'):,.0f} messages:\n"
            f"{_number(one, 'resident_begin_mb'):.1f} MB after a fifth of the run, "
            f"{_number(one, 'resident_end_mb'):.1f} MB at its end.\n"
        )


def _short(result: Result, name: str) -> str:
    return f"{_number(result, name):.1f}"


def _number(result: Result, name: str) -> float:
    value = result.figures[name]
    assert isinstance(value, int | float), (name, value)
    return float(value)


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"
