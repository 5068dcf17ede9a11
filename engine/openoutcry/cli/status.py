"""`outcry status`: how a running node is, for people or as JSON."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import typer

from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.reading import read_config
from openoutcry.node.metering import Counts
from openoutcry.node.status import SOCKET_NAME, LinkStatus, Status, StatusError, ask_status

NOT_RUNNING_EXIT: Final = 1
CONFIG_EXIT: Final = 2
NS: Final = 10**9

LATE_NS: Final = 5 * NS
"""A status is made every second: one that is older shows a node that hangs."""


def run_status(file: Path, as_json: bool) -> int:
    """Print the status of the node of a configuration; return 0, 1 where it does not run, 2 for a wrong file."""
    try:
        path = read_config(file).data / SOCKET_NAME
    except ConfigError as error:
        typer.echo(str(error), err=True)
        return CONFIG_EXIT
    try:
        status = ask_status(path)
    except StatusError as error:
        typer.echo(f"outcry: {error}", err=True)
        return NOT_RUNNING_EXIT
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(status), indent=1).decode())
        return 0
    for line in describe(status, time.time_ns()):
        print(line)
    return 0


def describe(status: Status, now_ns: int) -> Iterator[str]:
    """Yield a status in lines."""
    yield f"node       {status.name}, {status.software}, process {status.process}, durability {status.durability}"
    yield f"key        {status.key}"
    yield f"link key   {status.curve_key}"
    yield f"listens    {status.listen or 'nowhere'}" + (f", publishes at {status.publish}" if status.publish else "")
    yield f"up         {_duration(now_ns - status.started_ns)}"
    if now_ns - status.made_ns > LATE_NS:
        silent = _duration(now_ns - status.made_ns)
        yield f"           and has not said anything for {silent}: it hangs, or waits for its disk"
    yield "roles      " + ", ".join(f"{role.name} {role.version} (number {role.number})" for role in status.roles)
    journal, node = status.journal, status.node
    replayed = node["replayed"]
    yield f"records    {journal.last}, safe up to {journal.safe}, kept from {journal.first}; replayed {replayed}"
    yield (
        f"groups     {node['groups']}: frames {node['arrivals']}, messages {node['inputs']}, "
        f"records {node['records']}, timers {node['fired']} ({status.timers} set), sent {node['sends']}"
    )
    yield f"group      {_quantiles(status.group_ns)}"
    yield f"sync       {_quantiles(status.sync_ns)}"
    refused = ", ".join(f"{name} {count}" for name, count in status.refused.items() if count)
    yield f"refused    {refused or 'nothing'}"
    on_links = ", ".join(f"{name} {count}" for name, count in status.link_counts.items() if count)
    yield f"links      {on_links or 'nothing yet'}"
    yield f"plugins    {', '.join(status.plugins) or 'none'}"
    for plugin, why in status.broken.items():
        yield f"           {plugin} is off: {why}"
    for hook in status.hooks:
        yield f"           {hook.plugin} {hook.hook}: " + ", ".join(f"{name} {n}" for name, n in hook.counts.items())
    if status.disk is not None:
        disk = status.disk
        yield (
            f"disk       journal {_size(disk.journal_bytes)}, views {_size(disk.views_bytes)}, "
            f"free {_size(disk.free_bytes)}"
        )
    if status.links:
        yield from _links(status.links)
    left_out = sum(status.link_states.values()) - len(status.links)
    if left_out:
        yield f"and {left_out} more links"


def _links(links: Sequence[LinkStatus]) -> Iterator[str]:
    """Yield a line for each link, in columns."""
    rows = [("peer", "key", "state", "opened by", "heard", "in", "out", "last refusal")]
    for link in links:
        rows.append(
            (
                link.name or "-",
                link.key[:16],
                link.state,
                "us" if link.outbound else "them",
                "never" if link.heard_ms is None else f"{link.heard_ms / 1000:.1f} s ago",
                f"{link.messages_in} ({_size(link.bytes_in)})",
                f"{link.messages_out} ({_size(link.bytes_out)})",
                link.detail or "-",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _quantiles(counts: Counts) -> str:
    if not counts.count:
        return "none yet"
    parts = []
    for name, ppm in (("p50", 500_000), ("p99", 990_000), ("p99.9", 999_000)):
        bound = counts.quantile(ppm)
        assert bound is not None
        parts.append(f"{name} below {bound / 1_000_000:g} ms")
    return f"{', '.join(parts)}; mean {counts.total / counts.count / 1_000_000:.3f} ms of {counts.count}"


def _duration(ns: int) -> str:
    seconds = max(0, ns) // NS
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{days} d"] * (days > 0) + [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0)
    return " ".join([*parts, f"{seconds} s"][:2])


def _size(size: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024  # type: ignore[assignment]
    return f"{size:.1f} GiB"
