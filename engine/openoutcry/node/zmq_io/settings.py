"""What links are told: where to listen, whom to reach, how much to bear."""

from enum import Enum
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from openoutcry.wire.fields import KeyId
from openoutcry.wire.limits import CONTROL_BYTES_MAX, FRAME_BYTES_MAX
from openoutcry.wire.signed import Signer

Endpoint = Annotated[str, Meta(max_length=255, pattern=r"\A(tcp://(\*|[A-Za-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5})?\Z")]
"""`tcp://host:port` to listen at; `*` for every interface, port 0 for any free one, "" for nowhere."""

AddressOrNone = Annotated[str, Meta(max_length=255, pattern=r"\A(tcp://([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5})?\Z")]
"""`tcp://host:port` of another node, "" for none."""

MS: Final = 1_000_000
"""Nanoseconds of a millisecond."""


class OpenTo(Enum):
    """Who may open a link to this node."""

    ANYONE = "anyone"
    """Whoever shows a service record for the key of its link."""
    LISTED = "listed"
    """The configured peers; others are refused before their first message."""


class Peer(msgspec.Struct, frozen=True):
    """A node that this one knows. key, curve_key: its identity and the key of its links. address: where this node
    reaches it, "" when only the other one opens. topics_address, topics: which of its topics this node follows, and
    where.
    """

    key: KeyId
    curve_key: KeyId
    address: AddressOrNone = ""
    name: str = ""
    topics_address: AddressOrNone = ""
    topics: tuple[str, ...] = ()


class LinkIdentity(NamedTuple):
    """Who this node is: its Ed25519 signer, and the X25519 pair that it certifies for its links, 32 bytes each."""

    signer: Signer
    curve_public: bytes
    curve_secret: bytes

    def __repr__(self) -> str:
        return f"LinkIdentity({self.signer.key.hex()[:16]})"


class LinkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything about links that an operator may set; each default is for a node with tens of peers."""

    listen: Endpoint = "tcp://127.0.0.1:0"
    publish: Endpoint = ""
    """Where topics may be subscribed to; "" for a node without topics."""
    public_address: AddressOrNone = ""
    """What the service record says of where the node is reached."""
    open_to: OpenTo = OpenTo.LISTED
    frame_bytes_max: Annotated[int, Meta(ge=CONTROL_BYTES_MAX, le=FRAME_BYTES_MAX)] = FRAME_BYTES_MAX
    """Longest frame that is taken: libzmq ends a connection that announces a longer one, before it allocates."""
    link_bytes_max: Annotated[int, Meta(ge=1 << 20, le=1 << 34)] = 128 << 20
    """What may wait in each direction of one link, in bytes; with `frame_bytes_max` it gives the number of frames."""
    messages_per_s: Annotated[int, Meta(ge=1, le=10**8)] = 5_000
    """What one peer may send: a twentieth of what a node can take at 10 microseconds a frame, and with frames of 256
    commands still a million commands a second."""
    bytes_per_s: Annotated[int, Meta(ge=1 << 10, le=1 << 40)] = 64 << 20
    burst_ms: Annotated[int, Meta(ge=1, le=60_000)] = 250
    """How far ahead of its rate a peer may be before its frames are dropped."""
    flood_ms: Annotated[int, Meta(ge=1, le=600_000)] = 1_000
    """How much further ahead before its door is closed."""
    faults_per_s: Annotated[int, Meta(ge=1, le=10**6)] = 10
    """Frames that a peer may send a second that nothing can be done with; ten times as many at once close its door."""
    penalty_ms: Annotated[int, Meta(ge=1, le=86_400_000)] = 1_000
    """How long a door stays closed the first time; each time twice as long."""
    penalty_ms_max: Annotated[int, Meta(ge=1, le=86_400_000)] = 3_600_000
    sessions_max: Annotated[int, Meta(ge=1, le=65_536)] = 256
    """Links that others have opened, beside those of listed peers."""
    greeting_max: Annotated[int, Meta(ge=1, le=4_096)] = 64
    """Connections of unlisted peers that have not yet shown whose they are; see decision record 0015."""
    greeting_ms: Annotated[int, Meta(ge=10, le=600_000)] = 3_000
    """How long they may take."""
    greetings_per_s: Annotated[int, Meta(ge=1, le=100_000)] = 100
    """CURVE handshakes of unlisted peers a second: each costs some 0.3 ms on both sides."""
    stuck_frames_max: Annotated[int, Meta(ge=1, le=10**9)] = 1_024
    """Frames dropped in a row for a peer that does not read, before its door is closed."""
    subscriptions_max: Annotated[int, Meta(ge=1, le=65_536)] = 256
    """Topics that one link may follow here."""
