"""The tables of a node's configuration, as types: what a key means, takes, and is when it is left out.

The comments that `outcry init` writes, the reference page and what an error says was expected all come from here.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from openoutcry.node.config.fields import SHAPES, pattern_of
from openoutcry.node.core.limits import SEGMENT_BYTES_MIN
from openoutcry.node.journal.layout import (
    SEGMENT_BYTES_DEFAULT,
    SEGMENT_BYTES_MAX,
    SEGMENT_HEADER_BYTES,
)
from openoutcry.node.zmq_io.settings import Endpoint, LinkSettings
from openoutcry.wire.fields import Address

LISTEN_DEFAULT: Final = "tcp://127.0.0.1:7401"
"""One fixed port, so that two nodes on a machine are told that it is taken, and peers can be told where to go."""

PEERS_MAX: Final = 1_024
"""Nodes that one configuration lists. More of them find each other by gossip, not by hand."""

FilePath = Annotated[str, Meta(min_length=1, max_length=1_024, pattern=r"\A[^\x00-\x1f]*\Z")]
"""Relative ones begin at the folder of the configuration."""

HostPort = Annotated[str, Meta(max_length=255, pattern=r"\A([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}\Z")]
HexKey = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
NodeName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_-]{0,31}\Z")]
PeerName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")]
AddressOrNone = Annotated[str, Meta(max_length=255, pattern=rf"\A({pattern_of(Address)[2:-2]})?\Z")]
"""msgspec takes only one kind of text in a union, so this is no union."""

SHAPES.update(
    {
        pattern_of(FilePath): "a path in quotes",
        pattern_of(HostPort): 'a host and a port in quotes, such as "127.0.0.1:9401"',
        pattern_of(HexKey): "64 hexadecimal digits (0 to 9, a to f) in quotes",
        pattern_of(NodeName): 'a name in quotes: a letter, then up to 31 of a to z, 0 to 9, _ and -, such as "echo"',
        pattern_of(PeerName): "a name in quotes: up to 32 letters, digits, points, _ and -",
        pattern_of(Endpoint): f'an address in quotes, such as "{LISTEN_DEFAULT}", or ""',
        pattern_of(AddressOrNone): 'an address in quotes, such as "tcp://192.0.2.7:7401", or ""',
    }
)


class NodeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the node is and where it keeps what it knows."""

    name: Annotated[NodeName, Meta(examples=["echo"])]
    """What logs, metrics and `outcry status` call it; peers know it by its key."""
    data: FilePath = "data"
    """Folder with journal, views and the status socket; mode 0700, and on a disk of its own where it has to be fast."""
    keystore: FilePath = "keystore"
    """File with the node's keys, encrypted; made by `outcry keys new`."""
    unlock: Annotated[str, Meta(max_length=1_100)] = "prompt"
    """Where its passphrase comes from: `prompt`, `fd:N`, `file:PATH`, `credential:NAME` of systemd, or
    `service:SOCKET`, a key service. Never the passphrase itself."""
    durability: Literal["sync", "async"] = "sync"
    """sync: answers wait until the disk has what they follow from. async: they do not, and a power cut may take the
    last second of what was acknowledged."""


class LinksTable(LinkSettings, frozen=True, forbid_unknown_fields=True):
    """Where the node listens, whom it lets in, and how much it bears from each.

    open_to: anyone: whoever shows that the key of its link belongs to its identity. listed: the peers below, and nobody
    else.
    bytes_per_s: What one peer may send, in bytes a second.
    penalty_ms_max: The longest that a door stays closed, in ms.
    """

    listen: Endpoint = LISTEN_DEFAULT
    """Where links are taken, `tcp://HOST:PORT`; `*` for every interface, port 0 for any free one, "" for nowhere."""
    public_address: AddressOrNone = ""
    """Where others reach the node, for its service record; "" where only it opens links."""
    revocations: tuple[FilePath, ...] = ()
    """Files, or folders of files, that say which keys are rotated or revoked; made by `outcry keys`."""


class PeerTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node that this one knows, once for each."""

    name: Annotated[PeerName, Meta(examples=["twin"])]
    """What logs and `outcry status` call it."""
    key: Annotated[HexKey, Meta(examples=["0" * 64])]
    """Its identity, 64 hexadecimal digits; its operator reads it with `outcry keys show`."""
    curve_key: Annotated[HexKey, Meta(examples=["0" * 64])]
    """Its link key, 64 hexadecimal digits; shown beside the other."""
    address: AddressOrNone = ""
    """Where this node reaches it, `tcp://HOST:PORT`; "" where only the other one opens the link."""
    topics_address: AddressOrNone = ""
    """Where its topics are followed, `tcp://HOST:PORT`; "" to follow none."""
    topics: tuple[str, ...] = ()
    """The topics of it that this node follows."""


class JournalTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the journal lies on the disk."""

    segment_bytes: Annotated[
        int, Meta(ge=SEGMENT_BYTES_MIN, le=SEGMENT_BYTES_MAX, multiple_of=SEGMENT_HEADER_BYTES)
    ] = SEGMENT_BYTES_DEFAULT
    """Size of one file of the journal, in bytes. It is written ahead as zeros, so this much disk is always taken
    twice."""
    archives_max: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    """How many compressed files of records that no snapshot needs are kept; left out for all, 0 for none."""


class SnapshotsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the state is written, beside the journal of what led to it. `outcry compact` does it while the node runs."""

    at_stop: bool = True
    """Whether a node that is stopped in order writes one: its next start replays nothing."""


class MetricsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers for Prometheus."""

    listen: HostPort | None = None
    """`HOST:PORT` at which they are served over HTTP, on an address of this machine that only friends reach: who asks
    is not checked. Left out for nowhere."""


class LogTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the node says of its work."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important line that is written."""
    format: Literal["console", "json"] = "console"
    """console: for people. json: one object a line, for programs."""
    file: FilePath | None = None
    """Added to; left out for standard error, which systemd and containers keep."""
    repeat_s: Annotated[int, Meta(ge=1, le=3_600)] = 10
    """A line that repeats is written once in so many seconds, with how often it came: no flood is to fill the disk."""


TABLES: Final[dict[str, type[msgspec.Struct]]] = {
    "node": NodeTable,
    "links": LinksTable,
    "journal": JournalTable,
    "snapshots": SnapshotsTable,
    "metrics": MetricsTable,
    "log": LogTable,
}
"""Tables that are there once, with their types, in the order in which they are written."""
