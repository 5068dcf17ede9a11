"""What a node remembers of one link that another node has opened."""

from typing import Final

from openoutcry.node.sessions.handshake import Agreement
from openoutcry.node.sessions.meter import Meter
from openoutcry.node.zmq_io.connections import Connection
from openoutcry.node.zmq_io.status import LinkState
from openoutcry.wire.versions import Agreed

NEVER_NS: Final = -(2**62)
"""Before anything that a clock says."""


class Session:
    """One inbound link. Found by its routing id, believed by its CURVE key, which libzmq gives with each message.

    key: of the node, known once `state` is UP. gone_ns: when its connection ended, 0 while it lives.
    """

    __slots__ = (
        "admitted_ns",
        "agreed",
        "agreement",
        "bytes_in",
        "bytes_out",
        "connection",
        "curve_key",
        "detail",
        "expiry_ns",
        "faults",
        "gone_ns",
        "heard_ns",
        "is_listed",
        "key",
        "messages_in",
        "messages_out",
        "meter",
        "name",
        "refused_ns",
        "routing_id",
        "seen",
        "state",
        "strange",
        "stuck",
        "user_id",
    )

    def __init__(
        self,
        routing_id: bytes,
        user_id: str,
        connection: Connection | None,
        meter: Meter,
        faults: Meter,
        is_listed: bool,
    ) -> None:
        self.routing_id = routing_id
        self.user_id = user_id
        self.curve_key = bytes.fromhex(user_id)
        self.connection = connection
        self.meter = meter
        self.faults = faults
        self.is_listed = is_listed
        self.key = b""
        self.name = ""
        self.state = LinkState.GREETING
        self.agreement: Agreement | None = None
        self.agreed: Agreed | None = None
        self.admitted_ns = NEVER_NS
        self.expiry_ns = 0
        self.gone_ns = 0
        self.heard_ns = 0
        self.refused_ns = NEVER_NS
        self.seen = 0
        self.strange = 0
        self.stuck = 0
        self.messages_in = self.messages_out = self.bytes_in = self.bytes_out = 0
        self.detail = ""
