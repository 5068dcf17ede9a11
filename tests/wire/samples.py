"""One or more messages of every tag, each beside its content as plain values, written out by hand."""

from typing import Any, Final

from openoutcry.domain import Phase
from openoutcry.wire.key_statements import KeyRevocation, KeyRotation, RevocationReason
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
from openoutcry.wire.service import (
    KeyPurpose,
    MarketState,
    PairId,
    PurposeKey,
    Rate,
    ServiceRecord,
    StateReason,
)
from openoutcry.wire.signed import Signature, Signed
from openoutcry.wire.tags import Message

KEY, OTHER, HASH, SALT, SIGNATURE = b"K" * 32, b"O" * 32, b"H" * 32, b"S" * 16, b"\x01" * 64
LARGEST: Final = 2**63 - 1
EXPIRY_NS: Final = 1_700_000_000_000_000_000

_SIGNED = Signed("market_state", b"\x91\x0f", (Signature(KEY, SIGNATURE), Signature(OTHER, SIGNATURE)))
_SIGNED_PLAIN: list[Any] = [4, "market_state", b"\x91\x0f", [[KEY, SIGNATURE], [OTHER, SIGNATURE]]]

SAMPLES: Final[tuple[tuple[Message, list[Any]], ...]] = (
    (
        Hello(KEY, 1, 3, (1, 2, 10_000), 65_536, 1_048_608, "openoutcry 0.2"),
        [1, KEY, 1, 3, [1, 2, 10_000], 65_536, 1_048_608, "openoutcry 0.2"],
    ),
    (Hello(KEY, 1, 1, (), 1_024, 1_024), [1, KEY, 1, 1, [], 1_024, 1_024, ""]),
    (Welcome(OTHER, 1, (1,), 4_096, 65_536, "x"), [2, OTHER, 1, [1], 4_096, 65_536, "x"]),
    (Refuse(7, 1, "versions 3 to 4 were offered", 1, 1), [3, 7, 1, "versions 3 to 4 were offered", 1, 1]),
    (_SIGNED, _SIGNED_PLAIN),
    (Request(KEY, OTHER, 7, EXPIRY_NS, 1, HASH), [5, KEY, OTHER, 7, EXPIRY_NS, 1, HASH]),
    (Request(KEY, OTHER, LARGEST, LARGEST - 1, 2**32, HASH), [5, KEY, OTHER, LARGEST, LARGEST - 1, 2**32, HASH]),
    (Envelope(_SIGNED, HASH, (b"\x91\x01", b"second")), [6, _SIGNED_PLAIN, HASH, [b"\x91\x01", b"second"]]),
    (Proven(_SIGNED, 5, SALT, (HASH, HASH), b"body"), [7, _SIGNED_PLAIN, 5, SALT, [HASH, HASH], b"body"]),
    (StreamItem(9, 1, b"item"), [8, 9, 1, b"item"]),
    (StreamItem(LARGEST, LARGEST, b""), [8, LARGEST, LARGEST, b""]),
    (StreamHead(9, 0), [9, 9, 0]),
    (StreamResend(9, 127, 128), [10, 9, 127, 128]),
    (StreamUseSnapshot(9, 65_535), [11, 9, 65_535]),
    (StreamSnapshotWanted(9, 65_536), [12, 9, 65_536]),
    (StreamSnapshotPart(9, 2**32, 0, 1, HASH, b"state"), [13, 9, 2**32, 0, 1, HASH, b"state"]),
    (
        ServiceRecord(
            KEY,
            3,
            EXPIRY_NS,
            ("discovery", "peers"),
            ("tcp://venue.example:7701", "tcp://[2001:db8::1]:7701"),
            (PurposeKey(KeyPurpose.CURVE, OTHER),),
            (1, 2),
            (Rate("discovery", -20, 35, 1, 0),),
        ),
        [
            14,
            KEY,
            3,
            EXPIRY_NS,
            ["discovery", "peers"],
            ["tcp://venue.example:7701", "tcp://[2001:db8::1]:7701"],
            [[1, OTHER]],
            [1, 2],
            [["discovery", -20, 35, 1, 0]],
        ],
    ),
    (
        MarketState(PairId(HASH, OTHER), Phase.HALTED, StateReason.BAND, 0, KEY, 1),
        [15, [HASH, OTHER], 4, 2, 0, KEY, 1],
    ),
    (KeyRotation(KEY, OTHER, EXPIRY_NS, LARGEST), [16, KEY, OTHER, EXPIRY_NS, LARGEST]),
    (KeyRevocation(KEY, RevocationReason.STOLEN, EXPIRY_NS), [17, KEY, 1, EXPIRY_NS]),
)
