"""What members and a venue say to each other to prove the order of commands, and what they sign.

A member signs COMMANDS_SIGNED and COMMAND_TREE itself, over bytes of fixed length, so they travel and are kept as one
message. CHAIN_HEAD and MATCH are signed by the node of the venue when they leave it: in a SIGNED on a topic, in an
ENVELOPE on a link.
"""

from enum import IntEnum
from struct import Struct
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from openoutcry.domain import Side
from openoutcry.domain.limits import PAIRS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from openoutcry.domain.records import COMMAND
from openoutcry.venue.messages import RUN_COMMANDS_MAX, SESSIONS_MAX
from openoutcry.venue.proof.limits import (
    FEE_UNITS_MAX,
    HEAD_RUNS_MAX,
    PATH_MAX,
    SHOWN_RECORDS_MAX,
    SIGN_RUNS_MAX,
)
from openoutcry.wire.fields import (
    SALT_BYTES,
    Hash,
    KeyId,
    Salt,
    SequenceNumber,
    SequenceOrNone,
    SignatureBytes,
    TimeNs,
)
from openoutcry.wire.signed import bytes_to_sign
from openoutcry.wire.tags import Message, MessageType, Tag

NO_HASH: Final = bytes(32)

ProofSession = Annotated[int, Meta(ge=1, le=SESSIONS_MAX)]
RecordCount = Annotated[int, Meta(ge=1, le=RUN_COMMANDS_MAX)]
RecordIndex = Annotated[int, Meta(ge=0, le=RUN_COMMANDS_MAX - 1)]
HeadRuns = Annotated[int, Meta(ge=1, le=HEAD_RUNS_MAX)]
HeadIndex = Annotated[int, Meta(ge=0, le=HEAD_RUNS_MAX - 1)]
Path = Annotated[tuple[Hash, ...], Meta(max_length=PATH_MAX)]
CommandBytes = Annotated[bytes, Meta(min_length=COMMAND.itemsize, max_length=COMMAND.itemsize)]
FeeUnits = Annotated[int, Meta(ge=-FEE_UNITS_MAX, le=FEE_UNITS_MAX)]

_SIGNED: Final = Struct("<32s32sQQ32sQ32s")
_TREE: Final = Struct("<32s32sQQI32s32s")


class CommandsSigned(Message, frozen=True, forbid_unknown_fields=True, tag=int(Tag.COMMANDS_SIGNED)):
    """A member signs the hash chain of its commands up to `sequence`, and the last head of the venue that it has seen.

    venue, member: their keys. chain: the link of the run whose last command is `sequence`. seen, seen_chain: number
    and chain of that head, 0 for none. signature: over all fields before it, as `signed_bytes` lays them out.
    """

    CLOSED: ClassVar[bool] = True
    BYTES_MAX: ClassVar[int] = 320
    venue: KeyId
    member: KeyId
    session: ProofSession
    sequence: SequenceNumber
    chain: Hash
    seen: SequenceOrNone
    seen_chain: Hash
    signature: SignatureBytes

    def signed_bytes(self) -> bytes:
        """Return what the signature covers: the domain, the name of the message, 152 bytes of fixed layout."""
        fields = (self.venue, self.member, self.session, self.sequence, self.chain, self.seen, self.seen_chain)
        return bytes_to_sign("commands_signed", _SIGNED.pack(*fields))


class CommandTree(Message, frozen=True, forbid_unknown_fields=True, tag=int(Tag.COMMAND_TREE)):
    """A member signs the Merkle root over the commands of one run, so that one of them can be shown alone.

    Made on demand: a root of every run would cost both sides 1.45 microseconds a command. sequence, count, digest:
    of the run (`hashes.digest_of`). signature: over all fields before it.
    """

    CLOSED: ClassVar[bool] = True
    BYTES_MAX: ClassVar[int] = 320
    venue: KeyId
    member: KeyId
    session: ProofSession
    sequence: SequenceNumber
    count: RecordCount
    digest: Hash
    root: Hash
    signature: SignatureBytes

    def signed_bytes(self) -> bytes:
        """Return what the signature covers: the domain, the name of the message, 148 bytes of fixed layout."""
        fields = (self.venue, self.member, self.session, self.sequence, self.count, self.digest, self.root)
        return bytes_to_sign("command_tree", _TREE.pack(*fields))


class ChainHead(Message, frozen=True, tag=int(Tag.CHAIN_HEAD)):
    """The venue signs which runs it has applied, and in which order, since its head before; topic `receipts`.

    sequence: heads from 1 without gaps. previous: the chain of the head before (`hashes.head_chain`). before: runs
    under all heads before. count, root: of the Merkle tree of the runs under this one. book_sequence: the book's
    number of the last command of the last group under this head. Signed by who sends it.
    """

    BYTES_MAX: ClassVar[int] = 256
    sequence: SequenceNumber
    previous: Hash
    before: SequenceOrNone
    count: HeadRuns
    root: Hash
    book_sequence: SequenceOrNone
    time_ns: TimeNs


class ReceiptState(IntEnum):
    """What a venue says of the place of a run."""

    PLACED = 1
    """Under a head; the path is in the receipt."""
    PENDING = 2
    """Applied, but no head covers it yet: ask again in ten milliseconds."""
    FORGOTTEN = 3
    """Applied so long ago that its path is built from the journal; ask the operator."""
    UNKNOWN = 4
    """No command of this number was taken."""


class Receipt(Message, frozen=True, tag=int(Tag.RECEIPT)):
    """Where one run of a member stands: at place `index` under head `head`, of which `path` leads to the root.

    sequence, count: of the run's commands; where none is found, what was asked for, and 0. book_sequence: the book's
    number of the first, 0 for a sealed one. The owner makes the leaf itself, from the commands that it has sent and the
    salt that only it and the venue know.
    """

    session: ProofSession
    sequence: SequenceNumber
    state: ReceiptState
    count: Annotated[int, Meta(ge=0, le=RUN_COMMANDS_MAX)] = 0
    book_sequence: SequenceOrNone = 0
    head: SequenceOrNone = 0
    index: HeadIndex = 0
    path: Path = ()


class ProofWanted(IntEnum):
    """What a PROOF_ASK asks for."""

    CHAIN = 1
    """CHAIN_STATE of the asker's own session."""
    RECEIPT = 2
    """RECEIPT of its run that command `sequence` is in."""
    HEAD = 3
    """CHAIN_HEAD number `sequence`, the last one for 0; signed. Anyone may ask."""


class ProofAsk(Message, frozen=True, tag=int(Tag.PROOF_ASK)):
    """A member asks for a proof. session: its own."""

    wanted: ProofWanted
    session: ProofSession
    sequence: SequenceOrNone = 0


class ChainState(Message, frozen=True, tag=int(Tag.CHAIN_STATE)):
    """Where the venue sees the chain of a member, to its owner alone: `secret` gives the salts of its runs.

    sequence, chain: of its last run. signed: the last command that a signature covers.
    """

    session: ProofSession
    secret: Hash
    sequence: SequenceOrNone
    chain: Hash
    signed: SequenceOrNone


class CommandProof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """That a member has signed one command: the command, its place in a run, and the way from there to a signature.

    sequence, count, digest, salt: of the run. index: the command's place in it. previous: the link before the run.
    after: the leaves of the runs from there to the one whose link was signed. The command itself in one of three
    ways: all `records` of the run; one record with `tree`, `tree_salt` and `path`; one record with `seal`, the salt
    of a sealed command.
    """

    signed: CommandsSigned
    sequence: SequenceNumber
    count: RecordCount
    digest: Hash
    salt: Salt
    index: RecordIndex
    previous: Hash
    after: Annotated[tuple[Hash, ...], Meta(max_length=SIGN_RUNS_MAX)]
    records: Annotated[bytes, Meta(min_length=COMMAND.itemsize, max_length=SHOWN_RECORDS_MAX * COMMAND.itemsize)]
    tree: Annotated[tuple[CommandTree, ...], Meta(max_length=1)] = ()
    tree_salt: Annotated[bytes, Meta(max_length=SALT_BYTES)] = b""
    path: Path = ()
    seal: Annotated[bytes, Meta(max_length=SALT_BYTES)] = b""


class MatchSide(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One of the two orders of a match.

    sequence: the member's number of the command that gave the order its present price: its PLACE, or a REPLACE. fee:
    what it pays, in units of the quote instrument; less than 0: receives.
    """

    member: KeyId
    session: ProofSession
    sequence: SequenceNumber
    fee_units: FeeUnits


class Match(Message, frozen=True, tag=int(Tag.MATCH)):
    """Two orders met. Signed by the venue; worth nothing before both members' signatures cover their orders.

    number: of the venue's matches, from 1. book_sequence: of the command that made them meet. side: of the taker; in
    an auction the maker is the buy and the side SELL, as in events. proofs: of the maker's command, then of the
    taker's; left out where the match is told before the members have signed, and then it is told again.
    """

    number: SequenceNumber
    book_sequence: SequenceNumber
    time_ns: TimeNs
    pair: Annotated[int, Meta(ge=0, le=PAIRS_MAX - 1)]
    side: Side
    price_ticks: Annotated[int, Meta(ge=1, le=PRICE_TICKS_MAX)]
    qty_lots: Annotated[int, Meta(ge=1, le=QTY_LOTS_MAX)]
    maker: MatchSide
    taker: MatchSide
    proofs: Annotated[tuple[CommandProof, ...], Meta(max_length=2)] = ()


class Sealed(Message, frozen=True, tag=int(Tag.SEALED)):
    """A command whose content comes later: its salted hash takes the member's number `sequence`, and its place.

    hash: `hashes.sealed_hash`; stands in both chains as the digest of a run of one command.
    """

    BYTES_MAX: ClassVar[int] = 128
    session: ProofSession
    sequence: SequenceNumber
    pair: Annotated[int, Meta(ge=0, le=PAIRS_MAX - 1)]
    hash: Hash


class Unsealed(Message, frozen=True, tag=int(Tag.UNSEALED)):
    """The content of a sealed command; send it once a receipt shows the place of the hash, within `SEALED_NS` of it."""

    BYTES_MAX: ClassVar[int] = 160
    session: ProofSession
    sequence: SequenceNumber
    salt: Salt
    command: CommandBytes


MESSAGES: Final[tuple[MessageType, ...]] = (
    CommandsSigned,
    ChainHead,
    Receipt,
    ProofAsk,
    ChainState,
    Match,
    CommandTree,
    Sealed,
    Unsealed,
)
"""All of them, for the tag table of a node that hosts a venue or speaks to one."""
