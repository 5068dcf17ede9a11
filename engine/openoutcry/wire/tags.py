"""The one tag table: which integer means which message. A tag is given once and never again.

`Tag` lists every tag of the engine. The types themselves belong to the module whose subject they are, so a table is put
together where they meet; extensions add theirs from `EXTENSION_TAG_MIN` on.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

import msgspec

from openoutcry.wire.bounds import type_faults
from openoutcry.wire.limits import CONTROL_BYTES_MAX, EXTENSION_TAG_MIN, TAG_MAX


class Tag(IntEnum):
    """Every tag that the engine has ever given out; the member's name is the message's name."""

    HELLO = 1
    WELCOME = 2
    REFUSE = 3
    SIGNED = 4
    REQUEST = 5
    ENVELOPE = 6
    PROVEN = 7
    STREAM_ITEM = 8
    STREAM_HEAD = 9
    STREAM_RESEND = 10
    STREAM_USE_SNAPSHOT = 11
    STREAM_SNAPSHOT_WANTED = 12
    STREAM_SNAPSHOT_PART = 13
    SERVICE_RECORD = 14
    MARKET_STATE = 15
    KEY_ROTATION = 16
    KEY_REVOCATION = 17
    PUBLIC_DIGEST = 50
    PUBLIC_DIGEST_WANTED = 51
    STREAM_CUT = 52
    SESSION_OPEN = 60
    SESSION_OPENED = 61
    SESSION_CLOSE = 62
    SESSION_CLOSED = 63
    KEEP_ALIVE = 64
    ORDER_ENTRY = 65
    COMMANDS_TAKEN = 66
    COMMANDS_REFUSED = 67
    PAIRS_ASK = 68
    PAIRS = 69
    MEMBER_ADD = 70
    MEMBER_SUSPEND = 71
    MEMBER_LIMIT = 72
    MEMBER_RATE = 73
    PAIR_LIST = 74
    PAIR_PHASE = 75
    CANCEL_FOR = 76
    OPERATOR_DONE = 77
    CALENDAR_SET = 82
    TARIFF_SET = 83
    ANNUL = 84
    ANNULLED = 85
    STATEMENT_ASK = 86
    STATEMENT = 87
    DAY_REPORT_ASK = 88
    DAY_REPORT = 89
    COMMANDS_SIGNED = 90
    CHAIN_HEAD = 91
    RECEIPT = 92
    PROOF_ASK = 93
    CHAIN_STATE = 94
    MATCH = 95
    COMMAND_TREE = 96
    SEALED = 97
    UNSEALED = 98


TIMER_TAG: Final = 0
"""In place of a tag: a timer of a node was due. No message has it."""

FRAME_TAG: Final = TAG_MAX
"""In place of a tag: a record frame, whose kind stands in its header. No message has it."""


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of every message: immutable, an array on the wire with its tag first.

    New fields go last and have a default; a node that does not know them skips them. `BYTES_MAX` is the longest frame
    that this message may be. `CLOSED` is True for a message that never gets new fields.
    gc=False: a message cannot be part of a cycle, since nothing in it can be changed.
    """

    BYTES_MAX: ClassVar[int] = CONTROL_BYTES_MAX
    CLOSED: ClassVar[bool] = False


MessageType: TypeAlias = type[Message]


class TagTable:
    """Tags to message types. A value: `extended` makes another table and changes none."""

    __slots__ = ("_names", "_types")

    def __init__(self, types: Iterable[MessageType] = ()) -> None:
        """Make a table. Raises ValueError for two types of one tag or name, and for a type that `bounds` refuses."""
        by_tag: dict[int, MessageType] = {}
        names: dict[int, str] = {}
        for message in types:
            found = list(type_faults(message))
            if found:
                raise ValueError("; ".join(found))
            tag, name = tag_of(message), snake_case(message.__name__)
            if tag in by_tag:
                raise ValueError(f"tag {tag} of {message.__name__} belongs to {by_tag[tag].__name__}")
            if name in names.values():
                raise ValueError(f"two messages are named {name}")
            if not 0 < message.BYTES_MAX <= CONTROL_BYTES_MAX:
                raise ValueError(
                    f"{message.__name__}.BYTES_MAX is {message.BYTES_MAX}, expected 1 to {CONTROL_BYTES_MAX}"
                )
            _check_owner(tag, name, message)
            by_tag[tag], names[tag] = message, name
        order = sorted(by_tag)
        self._types = {tag: by_tag[tag] for tag in order}
        self._names = {tag: names[tag] for tag in order}

    def extended(self, types: Iterable[MessageType]) -> "TagTable":
        """Return a table with these types as well. Raises ValueError as the constructor does."""
        return TagTable([*self._types.values(), *types])

    @property
    def types(self) -> Mapping[int, MessageType]:
        """Tag to type, ascending."""
        return MappingProxyType(self._types)

    @property
    def names(self) -> Mapping[int, str]:
        """Tag to the name that a signed object gives as its type, ascending."""
        return MappingProxyType(self._names)


def tag_of(message: MessageType) -> int:
    """Return the tag of a message type."""
    tag = message.__struct_config__.tag
    assert type(tag) is int
    return tag


def snake_case(name: str) -> str:
    """Return a class name as it is on the wire.

    >>> snake_case("MarketState")
    'market_state'
    """
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


def _check_owner(tag: int, name: str, message: MessageType) -> None:
    given = Tag._value2member_map_.get(tag)
    if tag < EXTENSION_TAG_MIN and (given is None or Tag(tag).name != name.upper()):
        raise ValueError(
            f"tag {tag} is not given to {message.__name__} in Tag; extensions begin at {EXTENSION_TAG_MIN}"
        )
    if tag >= FRAME_TAG:
        raise ValueError(f"tag {tag} of {message.__name__} is above {FRAME_TAG - 1}")
