"""What no single key shows to be wrong: keys that do not go together."""

from collections.abc import Sequence
from typing import Final, Protocol

from openoutcry.node.config.positions import KeyPath
from openoutcry.node.config.source import Source, shown
from openoutcry.node.config.tables import LinksTable, MetricsTable, PeerTable

PORT_MAX: Final = 65_535


class Checked(Protocol):
    """The tables that are looked at."""

    @property
    def source(self) -> Source:
        """Where they are from."""

    @property
    def links(self) -> LinksTable:
        """[links]"""

    @property
    def metrics(self) -> MetricsTable:
        """[metrics]"""

    @property
    def peers(self) -> Sequence[PeerTable]:
        """[[peers]]"""


def check(config: Checked) -> None:
    """Raise ConfigError for the first thing that cannot be."""
    _ports(config)
    _peers(config)
    _bounds(config)


def _addresses(config: Checked) -> list[tuple[KeyPath, str]]:
    """Return what this node itself listens at."""
    links = config.links
    return [
        (("links", "listen"), links.listen),
        (("links", "publish"), links.publish),
        (("metrics", "listen"), config.metrics.listen or ""),
    ]


def _ports(config: Checked) -> None:
    others: list[tuple[KeyPath, str]] = [(("links", "public_address"), config.links.public_address)]
    for index, peer in enumerate(config.peers):
        others += [
            (("peers", index, "address"), peer.address),
            (("peers", index, "topics_address"), peer.topics_address),
        ]
    for path, address in _addresses(config) + others:
        port = address.rpartition(":")[2]
        if address and int(port) > PORT_MAX:
            raise config.source.error(path, f"{shown(path)} has port {port}", f"a port up to {PORT_MAX}")
    taken: dict[str, KeyPath] = {}
    for path, address in _addresses(config):
        where = address.removeprefix("tcp://")
        if where and not where.endswith(":0") and taken.setdefault(where, path) != path:
            what = f"{shown(path)} is also {shown(taken[where])}"
            raise config.source.error(path, what, "another port for each", "change one of the two")


def _peers(config: Checked) -> None:
    source, peers = config.source, config.peers
    for what in ("name", "key", "curve_key"):
        first: dict[str, int] = {}
        for index, peer in enumerate(peers):
            other = first.setdefault(getattr(peer, what), index)
            if other != index:
                path: KeyPath = ("peers", index, what)
                wrong = f"{shown(path)} is also that of {shown(('peers', other))}"
                raise source.error(path, wrong, f"another {what} for each peer", "remove one of the two")
    for index, peer in enumerate(peers):
        if peer.topics and not peer.topics_address:
            path = ("peers", index, "topics")
            raise source.error(path, f"{shown(path)} without a topics_address", "both or neither", "add topics_address")


def _bounds(config: Checked) -> None:
    source, links = config.source, config.links
    if links.penalty_ms > links.penalty_ms_max:
        what = f"links.penalty_ms is {links.penalty_ms}"
        raise source.error(("links", "penalty_ms"), what, f"at most penalty_ms_max, {links.penalty_ms_max}")
    if links.link_bytes_max < 2 * links.frame_bytes_max:
        what = f"links.link_bytes_max is {links.link_bytes_max}"
        raise source.error(("links", "link_bytes_max"), what, f"two of frame_bytes_max, {2 * links.frame_bytes_max}")
