"""The tag table of the wire's own messages; whoever knows more subjects extends it with theirs."""

from typing import Final

from openoutcry.wire.key_statements import KeyRevocation, KeyRotation
from openoutcry.wire.messages import (
    Hello,
    Refuse,
    StreamHead,
    StreamItem,
    StreamResend,
    StreamSnapshotPart,
    StreamSnapshotWanted,
    StreamUseSnapshot,
    Welcome,
)
from openoutcry.wire.requests import Envelope, Proven, Request
from openoutcry.wire.service import MarketState, ServiceRecord
from openoutcry.wire.signed import Signed
from openoutcry.wire.tags import TagTable

MESSAGES: Final = TagTable(
    [
        Hello,
        Welcome,
        Refuse,
        Signed,
        Request,
        Envelope,
        Proven,
        StreamItem,
        StreamHead,
        StreamResend,
        StreamUseSnapshot,
        StreamSnapshotWanted,
        StreamSnapshotPart,
        ServiceRecord,
        MarketState,
        KeyRotation,
        KeyRevocation,
    ]
)
