"""What members and a venue say to each other, beside record frames of commands and events.

Order entry: a member sends frames of COMMAND (or ORDER_ENTRY, one command at a time) numbered without gaps over its
whole life at the venue; the venue answers each frame with COMMANDS_TAKEN or COMMANDS_REFUSED, and what happens to the
orders comes as frames of EVENT on the member's own stream, numbered as well.
"""

from enum import IntEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from openoutcry.domain import Phase
from openoutcry.domain.limits import ACCOUNTS_MAX, PAIRS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from openoutcry.domain.records import COMMAND
from openoutcry.wire.fields import (
    Count,
    Detail,
    InstrumentId,
    KeyId,
    RatePpm,
    SequenceNumber,
    SequenceOrNone,
    StreamId,
    TimeNs,
    Units,
)
from openoutcry.wire.tags import Message, MessageType, Tag

SESSIONS_MAX: Final = 65_536
"""Members of one venue: a session each."""

ACCOUNTS_EACH_MAX: Final = 256
"""Accounts of one member."""

LEASE_NS_MIN: Final = 2 * 10**9
"""Shortest lease, in nanoseconds: what a maker may ask for."""

LEASE_NS_MAX: Final = 3_600 * 10**9

RUNS_MAX: Final = 1_024
"""Runs of one COMMANDS_TAKEN: frames that a node takes at once."""

RUN_COMMANDS_MAX: Final = 65_536
"""Commands of one run: what a node takes at once."""

EVENT_STREAM_MIN: Final = 1 << 32
"""The stream of a session's events is this plus the session's number; feeds have lower numbers."""

Session = Annotated[int, Meta(ge=1, le=SESSIONS_MAX)]
Account = Annotated[int, Meta(ge=0, le=ACCOUNTS_MAX - 1)]
Accounts = Annotated[tuple[Account, ...], Meta(max_length=ACCOUNTS_EACH_MAX)]
PairNumber = Annotated[int, Meta(ge=0, le=PAIRS_MAX - 1)]
Ticks = Annotated[int, Meta(ge=0, le=PRICE_TICKS_MAX)]
Lots = Annotated[int, Meta(ge=0, le=QTY_LOTS_MAX)]
CommandsPerSecond = Annotated[int, Meta(ge=1, le=10**8)]
ShortName = Annotated[str, Meta(max_length=32, pattern=r"\A[ -~]*\Z")]
LeaseNs = Annotated[int, Meta(ge=0, le=LEASE_NS_MAX)]
CommandBytes = Annotated[bytes, Meta(min_length=COMMAND.itemsize, max_length=COMMAND.itemsize)]


class EntryFault(IntEnum):
    """Why a frame of commands was not taken; nothing of it was."""

    UNKNOWN_SESSION = 1
    """No session of this number, or not this member's: open one."""
    SUSPENDED = 2
    """The operator has suspended the member; cancellations are still taken."""
    GAP = 3
    """Not the next sequence: `expected` says which one is."""
    FOREIGN_ACCOUNT = 4
    """A command for an account that is not the member's."""
    FORBIDDEN_OP = 5
    """A command that is the operator's."""
    RATE = 6
    """More commands than the member may send in a second."""
    CHECK = 7
    """An order check of the venue objects; `code` is its reject code."""
    DIFFERENT = 8
    """A sequence that was taken before, with another content."""
    FORGOTTEN = 9
    """A sequence that was taken so long ago that its answer is not kept any more."""


class OperatorFault(IntEnum):
    """Why an operator's command was not carried out, beside the reject codes of the book, which are smaller."""

    NOT_AN_OPERATOR = 200
    """The sender is not among the operators of the venue's configuration."""
    NOT_SIGNED = 201
    """It came over a link, and not in a signed envelope."""
    UNKNOWN_MEMBER = 202
    KNOWN_MEMBER = 203
    """The key is a member already; `number` is its session."""
    FULL = 204
    """No room for another member, or for its accounts."""
    FOREIGN_ACCOUNT = 205
    """The account is not the member's."""
    WRONG_COMMAND = 206
    """Not the command that this message carries, or a calendar, tariff or pair with a fault: the detail names it."""
    UNKNOWN_TRADE = 207
    """The pair has had no trade of this number, or so long ago that it is not kept."""
    LOCKED = 208
    """The sale of the trade is locked: only an agreed reversing sale can undo it."""
    ANNULLED = 209
    """The trade was annulled before."""


class SessionOpen(Message, frozen=True, tag=int(Tag.SESSION_OPEN)):
    """A member begins to trade, or comes back.

    cancel_on_disconnect: its orders are cancelled when nothing was heard of it for three seconds. lease_ns: the same
    after this time, 0 for no lease.
    """

    cancel_on_disconnect: bool
    lease_ns: LeaseNs = 0


class SessionOpened(Message, frozen=True, tag=int(Tag.SESSION_OPENED)):
    """Where the member stands: its next command sequence, and the last event on its own stream."""

    session: Session
    next_sequence: SequenceNumber
    event_stream: StreamId
    event_head: SequenceOrNone
    accounts: Accounts
    cancel_on_disconnect: bool
    lease_ns: LeaseNs
    commands_per_s: Count
    time_ns: TimeNs


class SessionClose(Message, frozen=True, tag=int(Tag.SESSION_CLOSE)):
    """The member has done; cancel: with its orders, or they stay."""

    session: Session
    cancel: bool


class SessionClosed(Message, frozen=True, tag=int(Tag.SESSION_CLOSED)):
    """The session is closed, by the member or by the venue; how many orders were cancelled with it."""

    session: Session
    cancelled: Count
    detail: Detail = ""


class KeepAlive(Message, frozen=True, tag=int(Tag.KEEP_ALIVE)):
    """The member lives; renews its lease. Commands do so as well."""

    session: Session


class OrderEntry(Message, frozen=True, tag=int(Tag.ORDER_ENTRY)):
    """One command, as 64 bytes of a COMMAND record, in the same numbering as frames."""

    session: Session
    sequence: SequenceNumber
    command: CommandBytes


class TakenRun(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Commands that the book has carried out one after the other; `book_sequence` is its number of the first."""

    count: Annotated[int, Meta(ge=1, le=RUN_COMMANDS_MAX)]
    book_sequence: SequenceNumber


class CommandsTaken(Message, frozen=True, tag=int(Tag.COMMANDS_TAKEN)):
    """The commands from `sequence` on are durable: so many as the runs hold, each run following the one before.

    One message answers all frames of a member that were taken together; what others sent came between the runs.
    event_head: the last event on the member's stream after them.
    """

    session: Session
    sequence: SequenceNumber
    runs: Annotated[tuple[TakenRun, ...], Meta(min_length=1, max_length=RUNS_MAX)]
    event_head: SequenceOrNone


class CommandsRefused(Message, frozen=True, tag=int(Tag.COMMANDS_REFUSED)):
    """None of the frame that begins with `sequence` was taken.

    index: of the first command with which something is wrong. expected: the next sequence. code: the reject code of a
    check, else 0.
    """

    session: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    sequence: SequenceNumber
    reason: EntryFault
    index: Count
    expected: SequenceNumber
    code: Annotated[int, Meta(ge=0, le=255)] = 0
    detail: Detail = ""


class PairsAsk(Message, frozen=True, tag=int(Tag.PAIRS_ASK)):
    """Which pairs from this number on are traded here?"""

    first: PairNumber = 0


class PairListed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One pair of a venue. tick_units: units of the quote instrument a lot costs at one tick."""

    pair: PairNumber
    base: InstrumentId
    quote: InstrumentId
    name: ShortName
    tick_units: Units
    price_ticks_min: Ticks
    price_ticks_max: Ticks
    qty_lots_max: Lots
    phase: Phase
    maker_ppm: RatePpm
    taker_ppm: RatePpm
    minimum_units: Units
    flat_units: Units


class Pairs(Message, frozen=True, tag=int(Tag.PAIRS)):
    """Pairs in order of number; `more` where others follow the last one."""

    pairs: Annotated[tuple[PairListed, ...], Meta(max_length=128)]
    more: bool


class MemberAdd(Message, frozen=True, tag=int(Tag.MEMBER_ADD)):
    """Operator: this key trades here, on so many accounts.

    with_session: its orders are kept from trading with those of this other member as well (self-trade prevention); 0
    for its own alone.
    """

    member: KeyId
    accounts: Annotated[int, Meta(ge=1, le=ACCOUNTS_EACH_MAX)]
    commands_per_s: CommandsPerSecond
    name: ShortName = ""
    with_session: Annotated[int, Meta(ge=0, le=SESSIONS_MAX)] = 0


class MemberSuspend(Message, frozen=True, tag=int(Tag.MEMBER_SUSPEND)):
    """Operator: this member trades no more, or again. cancel: and its orders are cancelled."""

    member: KeyId
    suspended: bool
    cancel: bool


class MemberLimit(Message, frozen=True, tag=int(Tag.MEMBER_LIMIT)):
    """Operator: one limit (domain.AccountField) of one account of a member, or of all of them (account -1)."""

    member: KeyId
    account: Annotated[int, Meta(ge=-1, le=ACCOUNTS_MAX - 1)]
    field: Annotated[int, Meta(ge=0, le=255)]
    value: Annotated[int, Meta(ge=-(2**62), le=2**62)]


class MemberRate(Message, frozen=True, tag=int(Tag.MEMBER_RATE)):
    """Operator: how many commands a second a member may send."""

    member: KeyId
    commands_per_s: CommandsPerSecond


class PairList(Message, frozen=True, tag=int(Tag.PAIR_LIST)):
    """Operator: a pair is traded from now on. add: the ADD_PAIR command that defines it."""

    add: CommandBytes
    base: InstrumentId
    quote: InstrumentId
    name: ShortName
    tick_units: Units


class PairPhase(Message, frozen=True, tag=int(Tag.PAIR_PHASE)):
    """Operator: a pair goes to this phase: halted, resumed, opened, closed. closing: the auction is the closing one."""

    pair: PairNumber
    phase: Phase
    closing: bool
    detail: Detail = ""


class CancelFor(Message, frozen=True, tag=int(Tag.CANCEL_FOR)):
    """Operator: cancel a member's orders, in one pair or in all (pair -1)."""

    member: KeyId
    pair: Annotated[int, Meta(ge=-1, le=PAIRS_MAX - 1)]


class OperatorDone(Message, frozen=True, tag=int(Tag.OPERATOR_DONE)):
    """What became of an operator's command: its tag, 0, a reject code of the book or an OperatorFault, and a number.

    number: the session that was added, the orders that were cancelled, the pair that was listed.
    """

    about: Annotated[int, Meta(ge=1, le=65_535)]
    code: Annotated[int, Meta(ge=0, le=255)]
    number: Count
    detail: Detail = ""


MESSAGES: Final[tuple[MessageType, ...]] = (
    SessionOpen,
    SessionOpened,
    SessionClose,
    SessionClosed,
    KeepAlive,
    OrderEntry,
    CommandsTaken,
    CommandsRefused,
    PairsAsk,
    Pairs,
    MemberAdd,
    MemberSuspend,
    MemberLimit,
    MemberRate,
    PairList,
    PairPhase,
    CancelFor,
    OperatorDone,
)
"""All of them, for the tag table of a node that hosts a venue or speaks to one."""
