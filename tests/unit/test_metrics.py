"""Metrics: every number of a status, over HTTP, with names and units that Prometheus understands."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from openoutcry.node.core.core import Counters
from openoutcry.node.metering import FRAME_BOUNDS, Counts
from openoutcry.node.metrics import NODE_COUNTERS, WAITING_MAX, MetricsServer, NodeCollector
from openoutcry.node.status import Status
from tests.unit.test_status import STATUS


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    """An endpoint that serves one status, a second and a half after it was made."""
    server = MetricsServer("127.0.0.1", 0, NodeCollector(lambda: STATUS, lambda: STATUS.made_ns + 1_500_000_000))
    yield server
    server.close()


def scrape(server: MetricsServer) -> dict[tuple[str, str], float]:
    """Name and labels to value, read by prometheus_client's own parser."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        (sample.name, ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_scrape_has_what_the_status_says(server: MetricsServer) -> None:
    """Counters, gauges, labelled ones and a histogram, each against the status."""
    found = scrape(server)
    assert found["outcry_status_age_seconds", ""] == 1.5
    assert found["outcry_arrivals_total", ""] == 5
    assert found["outcry_refused_total", "reason=stale"] == 2
    assert found["outcry_timers", ""] == 2
    assert found["outcry_links", "state=up"] == 1
    assert found["outcry_link_events_total", "kind=arrivals"] == 5
    assert found["outcry_peer_bytes_in_total", "peer=twin"] == 2_048
    assert found["outcry_journal_safe_sequence", ""] == 8
    assert found["outcry_journal_bytes", ""] == 1 << 20
    assert found["outcry_plugin_calls_total", "hook=check_orders,plugin=collar"] == 8
    assert found["outcry_plugin_failures_total", "hook=check_orders,kind=late,plugin=collar"] == 1
    assert found["outcry_plugin_loaded", "plugin=echo"] == 1
    assert found["outcry_plugin_loaded", "plugin=wolf"] == 0
    assert found["outcry_role_version", "role=echo"] == 1
    assert found["outcry_group_seconds_bucket", "le=0.001"] == 50
    assert found["outcry_group_seconds_bucket", "le=0.002"] == 99
    assert found["outcry_group_seconds_bucket", "le=+Inf"] == 100
    assert found["outcry_group_seconds_count", ""] == 100
    assert found["outcry_group_seconds_sum", ""] == 0.15
    assert len(found) == len(set(found))


def test_every_counter_of_a_node_has_a_metric() -> None:
    """The fields of the core's counters against the table."""
    assert set(NODE_COUNTERS) == set(Counters.__slots__)


def test_metrics_of_two_nodes_are_apart() -> None:
    """Two endpoints in one process, with statuses of other names; the global registry knows neither."""
    other = Status(**{name: getattr(STATUS, name) for name in STATUS.__struct_fields__} | {"name": "other"})
    first = MetricsServer("127.0.0.1", 0, NodeCollector(lambda: STATUS, lambda: 0))
    second = MetricsServer("127.0.0.1", 0, NodeCollector(lambda: other, lambda: 0))
    try:
        names = [
            labels.partition("name=")[2].partition(",")[0]
            for server in (first, second)
            for (metric, labels) in scrape(server)
            if metric == "outcry_node_info"
        ]
    finally:
        first.close()
        second.close()
    assert names == ["mule", "other"]


def test_a_node_that_is_still_starting_has_no_numbers() -> None:
    """No status yet: an answer without metrics, and no error."""
    server = MetricsServer("127.0.0.1", 0, NodeCollector(lambda: None, lambda: 0))
    try:
        assert scrape(server) == {}
    finally:
        server.close()


def test_clients_that_hang_or_talk_nonsense_do_not_keep_others_away(server: MetricsServer) -> None:
    """Nonsense, a connection that is closed at once, a wrong method; then a scrape works."""
    with socket.create_connection(("127.0.0.1", server.port)) as nonsense:
        nonsense.sendall(b"\x00" * 100 + b"\r\n\r\n")
        nonsense.recv(100)
    socket.create_connection(("127.0.0.1", server.port)).close()
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/", data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="405") as refused:
        urllib.request.urlopen(request, timeout=5)
    refused.value.close()
    assert scrape(server)["outcry_timers", ""] == 2


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(server: MetricsServer) -> None:
    """A second endpoint at the same port."""
    with pytest.raises(OSError, match="already in use"):
        MetricsServer("127.0.0.1", server.port, NodeCollector(lambda: STATUS, lambda: 0))
    assert WAITING_MAX > 0


def test_every_name_is_one_that_prometheus_takes() -> None:
    """Names begin with outcry_, times are in seconds, sizes in bytes, and the collector can be registered twice."""
    collector = NodeCollector(lambda: STATUS, lambda: 0)
    families = list(collector.collect())
    for family in families:
        assert family.name.startswith("outcry_")
        assert family.documentation and not family.documentation.endswith(".")
        assert not family.name.endswith(("_ns", "_ms"))
    for _ in range(2):
        CollectorRegistry().register(collector)
    assert Counts(FRAME_BOUNDS, (0,) * (len(FRAME_BOUNDS) + 1), 0).quantile(1) is None
