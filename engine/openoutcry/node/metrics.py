"""Numbers for Prometheus, made from the node's status when they are asked for: a group pays nothing for them.

A registry of its own for each node; what the libraries add by default about the process is left to the node exporter.
"""

import socket
from collections.abc import Callable, Iterator
from itertools import accumulate
from socketserver import TCPServer
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from openoutcry.node.metering import Counts
from openoutcry.node.status import Status

NS: Final = 10**9

REQUEST_S: Final = 2
"""How long a client may take for its request, in seconds."""

WAITING_MAX: Final = 8
"""Clients that wait for their turn; the operating system turns others away."""

NODE_COUNTERS: Final = {
    "groups": "Groups of frames and timers that were processed",
    "arrivals": "Frames that were given to the node",
    "inputs": "Messages and record frames that roles were given",
    "records": "Records that were written to the journal",
    "fired": "Timers that were due",
    "sends": "Frames that roles have sent to other nodes",
    "local": "Messages between roles of this node",
    "not_durable": "Groups that the journal had no room for",
    "admit_failures": "Messages that a role could not judge",
    "replayed": "Records that were applied again at the start",
}
"""Counter of the core to what it counts."""


class NodeCollector:
    """Gives prometheus_client what a status says; asked by its thread."""

    def __init__(self, read: Callable[[], Status | None], clock_ns: Callable[[], int]) -> None:
        """read: returns the present status. clock_ns: time of day."""
        self._read = read
        self._clock_ns = clock_ns

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of the node."""
        status = self._read()
        if status is None:
            return
        yield InfoMetricFamily(
            "outcry_node",
            "Who this is",
            {"name": status.name, "key": status.key, "software": status.software, "durability": status.durability},
        )
        yield GaugeMetricFamily(
            "outcry_started_timestamp_seconds", "When the node was started, UTC", status.started_ns / NS
        )
        yield GaugeMetricFamily(
            "outcry_status_age_seconds",
            "Since these numbers were made: above a few seconds the node hangs",
            max(0, self._clock_ns() - status.made_ns) / NS,
        )
        yield from _of_node(status)
        yield from _of_journal(status)
        yield from _of_links(status)
        yield from _of_plugins(status)


class MetricsServer:
    """The HTTP endpoint of one node: prometheus_client's answer to one request after another, in a thread."""

    def __init__(self, host: str, port: int, collector: NodeCollector) -> None:
        """Listen. port: 0 for any free one. Raises OSError where the address is taken or not this machine's."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(collector)
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self._server = _Server(family, (str(address[0]), port))
        self._server.set_app(make_wsgi_app(registry))
        self.port = int(self._server.server_port)
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(WSGIRequestHandler):
    """Gives a client that is slow little time, since others wait behind it; logs nothing."""

    timeout = REQUEST_S

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(WSGIServer):
    """One request at a time: neither threads nor memory grow with the clients."""

    request_queue_size = WAITING_MAX

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int]) -> None:
        self.address_family = family
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away, or is slow, is its own business."""


def _of_node(status: Status) -> Iterator[Metric]:
    for name, about in NODE_COUNTERS.items():
        yield CounterMetricFamily(f"outcry_{name}", about, status.node.get(name, 0))
    yield _labelled("outcry_refused", "Messages that were refused, by reason", "reason", status.refused)
    yield GaugeMetricFamily("outcry_timers", "Timers that are set", status.timers)
    yield _histogram("outcry_group_frames", "Frames of one group", status.group_frames, 1)
    yield _histogram("outcry_group_seconds", "How long a group took, its sync included", status.group_ns, NS)
    roles = GaugeMetricFamily("outcry_role_version", "Roles that run, and their versions", labels=["role"])
    for role in status.roles:
        roles.add_metric([role.name], role.version)
    yield roles


def _of_journal(status: Status) -> Iterator[Metric]:
    yield _histogram("outcry_sync_seconds", "From the append of a group until the disk has it", status.sync_ns, NS)
    yield GaugeMetricFamily("outcry_journal_first_sequence", "First record that the journal has", status.journal.first)
    yield GaugeMetricFamily("outcry_journal_last_sequence", "Last record that was appended", status.journal.last)
    yield GaugeMetricFamily("outcry_journal_safe_sequence", "Last record that the disk has", status.journal.safe)
    if status.disk is not None:
        yield GaugeMetricFamily("outcry_journal_bytes", "What the journal takes", status.disk.journal_bytes)
        yield GaugeMetricFamily("outcry_views_bytes", "What the views take", status.disk.views_bytes)
        yield GaugeMetricFamily("outcry_disk_free_bytes", "What is left on the disk", status.disk.free_bytes)


def _of_links(status: Status) -> Iterator[Metric]:
    links = GaugeMetricFamily("outcry_links", "Links, by state", labels=["state"])
    for state, count in sorted(status.link_states.items()):
        links.add_metric([state], count)
    yield links
    events = {name: count for name, count in status.link_counts.items() if not name.endswith("_bytes")}
    yield _labelled("outcry_link_events", "What happened on the links, by kind", "kind", events)
    sizes = {name: count for name, count in status.link_counts.items() if name.endswith("_bytes")}
    yield _labelled("outcry_link_bytes", "Bytes of frames on the links, by kind", "kind", sizes)
    named = [link for link in status.links if link.name]
    for field, about in (
        ("messages_in", "Frames from a configured peer"),
        ("bytes_in", "Bytes from a configured peer"),
        ("messages_out", "Frames to a configured peer"),
        ("bytes_out", "Bytes to a configured peer"),
    ):
        by_peer: dict[str, int] = {}
        for link in named:
            by_peer[link.name] = by_peer.get(link.name, 0) + getattr(link, field)
        yield _labelled(f"outcry_peer_{field}", about, "peer", by_peer)


def _of_plugins(status: Status) -> Iterator[Metric]:
    calls = CounterMetricFamily("outcry_plugin_calls", "Calls of a plugin's hook", labels=["plugin", "hook"])
    failures = CounterMetricFamily(
        "outcry_plugin_failures", "Calls without an answer, by kind", labels=["plugin", "hook", "kind"]
    )
    for hook in status.hooks:
        for kind, count in hook.counts.items():
            if kind == "calls":
                calls.add_metric([hook.plugin, hook.hook], count)
            elif kind != "none":
                failures.add_metric([hook.plugin, hook.hook, kind], count)
    yield calls
    yield failures
    broken = GaugeMetricFamily(
        "outcry_plugin_loaded", "1 for a plugin that is loaded, 0 for one that is not", labels=["plugin"]
    )
    for plugin in status.plugins:
        broken.add_metric([plugin], 1)
    for plugin in status.broken:
        broken.add_metric([plugin], 0)
    yield broken


def _labelled(name: str, about: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, about, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _histogram(name: str, about: str, counts: Counts, scale: int) -> HistogramMetricFamily:
    """scale: what a value is divided by, since times are in seconds there."""
    bounds: list[Any] = [str(bound / scale) for bound in counts.bounds] + ["+Inf"]
    buckets = list(zip(bounds, accumulate(counts.counts), strict=True))
    return HistogramMetricFamily(name, about, buckets, counts.total / scale)
