"""One or more messages of every tag of the proof of order, each beside its content as plain values."""

from typing import Any, Final

from openoutcry.domain import Side
from openoutcry.venue.proof.messages import (
    ChainHead,
    ChainState,
    CommandProof,
    CommandsSigned,
    CommandTree,
    Match,
    MatchSide,
    ProofAsk,
    ProofWanted,
    Receipt,
    ReceiptState,
    Sealed,
    Unsealed,
)
from openoutcry.wire.tags import Message

VENUE, MEMBER, OTHER, HASH, SALT = b"V" * 32, b"M" * 32, b"O" * 32, b"H" * 32, b"S" * 16
SIGNATURE, COMMAND = b"\x01" * 64, bytes(range(64))
TIME_NS: Final = 1_700_000_000_000_000_000

_SIGNED = CommandsSigned(VENUE, MEMBER, 3, 20, HASH, 7, HASH, SIGNATURE)
_SIGNED_PLAIN: list[Any] = [90, VENUE, MEMBER, 3, 20, HASH, 7, HASH, SIGNATURE]
_TREE = CommandTree(VENUE, MEMBER, 3, 18, 2, HASH, HASH, SIGNATURE)
_TREE_PLAIN: list[Any] = [96, VENUE, MEMBER, 3, 18, 2, HASH, HASH, SIGNATURE]
_MAKER, _TAKER = MatchSide(MEMBER, 3, 18, -2), MatchSide(OTHER, 65_536, 1, 5)
_PROOF = CommandProof(_SIGNED, 18, 2, HASH, SALT, 1, HASH, (HASH, HASH), COMMAND, (_TREE,), SALT, (HASH,))
_PROOF_PLAIN: list[Any] = [
    _SIGNED_PLAIN, 18, 2, HASH, SALT, 1, HASH, [HASH, HASH], COMMAND, [_TREE_PLAIN], SALT, [HASH], b"",
]  # fmt: skip

PROOF_SAMPLES: Final[tuple[tuple[Message, list[Any]], ...]] = (
    (_SIGNED, _SIGNED_PLAIN),
    (ChainHead(7, HASH, 400, 64, HASH, 90_000, TIME_NS), [91, 7, HASH, 400, 64, HASH, 90_000, TIME_NS]),
    (Receipt(3, 18, ReceiptState.PLACED, 4, 89_000, 7, 5, (HASH,)), [92, 3, 18, 1, 4, 89_000, 7, 5, [HASH]]),
    (Receipt(3, 18, ReceiptState.UNKNOWN), [92, 3, 18, 4, 0, 0, 0, 0, []]),
    (ProofAsk(ProofWanted.RECEIPT, 3, 18), [93, 2, 3, 18]),
    (ProofAsk(ProofWanted.HEAD, 3), [93, 3, 3, 0]),
    (ChainState(3, HASH, 20, HASH, 18), [94, 3, HASH, 20, HASH, 18]),
    (
        Match(1, 89_000, TIME_NS, 7, Side.SELL, 100, 5, _MAKER, _TAKER),
        [95, 1, 89_000, TIME_NS, 7, 1, 100, 5, [MEMBER, 3, 18, -2], [OTHER, 65_536, 1, 5], []],
    ),
    (
        Match(2, 89_000, TIME_NS, 7, Side.BUY, 100, 5, _MAKER, _TAKER, (_PROOF, _PROOF)),
        [
            95, 2, 89_000, TIME_NS, 7, 0, 100, 5, [MEMBER, 3, 18, -2], [OTHER, 65_536, 1, 5],
            [_PROOF_PLAIN, _PROOF_PLAIN],
        ],
    ),
    (_TREE, _TREE_PLAIN),
    (Sealed(3, 18, 7, HASH), [97, 3, 18, 7, HASH]),
    (Unsealed(3, 18, SALT, COMMAND), [98, 3, 18, SALT, COMMAND]),
)  # fmt: skip
