"""Control messages: what is refused and why, how little a refusal costs, what may enter the tag table."""

import re
import sys
import tracemalloc
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import msgpack
import msgspec
import pytest
from msgspec import Meta

from openoutcry.wire.codec import Codec, Head, encode, read_head
from openoutcry.wire.faults import FaultCode, WireFault, fault, name_of
from openoutcry.wire.limits import (
    CONTROL_BYTES_MAX,
    DETAIL_CHARS_MAX,
    EXTENSION_TAG_MIN,
    NESTING_MAX,
    UNKNOWN_ITEMS_MAX,
)
from openoutcry.wire.messages import Hello, Refuse, StreamHead, StreamItem
from openoutcry.wire.shape import shape_fault
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import Message, TagTable
from tests.wire.samples import KEY, SAMPLES

CODEC = Codec(MESSAGES)
HEAD = [9, 1, 2]
JUNK_BYTES = 1 << 20
MEMORY_BYTES_MAX = 1 << 20


class Extra(Message, frozen=True, tag=EXTENSION_TAG_MIN):
    """A message of an extension."""

    number: Annotated[int, Meta(ge=0, le=9)]


def code_of(frame: bytes) -> FaultCode | None:
    """Return why a frame is refused, None where it is not."""
    decoded = CODEC.decode(frame)
    return decoded.code if isinstance(decoded, WireFault) else None


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", FaultCode.MALFORMED),
        (b"\x90", FaultCode.MALFORMED),
        (b"\x91", FaultCode.MALFORMED),
        (b"\x91\xc0", FaultCode.MALFORMED),
        (b"\x91\xcd\x27", FaultCode.MALFORMED),
        (b"\xdc\x00", FaultCode.MALFORMED),
        (b"\xdc\x00\x00\xcc\x80", FaultCode.MALFORMED),
        (b"\x81\x01\x02", FaultCode.MALFORMED),
        (b"\xdd\x00\x00\x00\x03\x09\x01\x02", FaultCode.MALFORMED),
        (b"\x93\xce\x00\x00\x00\x09\x01\x02", FaultCode.MALFORMED),
        (msgpack.packb([True, 1, 2]), FaultCode.MALFORMED),
        (msgpack.packb([9.0, 1, 2]), FaultCode.MALFORMED),
        (msgpack.packb(["head", 1, 2]), FaultCode.MALFORMED),
        (msgpack.packb([-1, 1, 2]), FaultCode.MALFORMED),
        (msgpack.packb([0, 1, 2]), FaultCode.UNKNOWN_TAG),
        (msgpack.packb([300, 1, 2]), FaultCode.UNKNOWN_TAG),
        (msgpack.packb([EXTENSION_TAG_MIN, 1]), FaultCode.UNKNOWN_TAG),
        (msgpack.packb(HEAD), None),
        (msgpack.packb(HEAD)[:-1], FaultCode.MALFORMED),
        (msgpack.packb(HEAD) + b"\x00", FaultCode.MALFORMED),
        (msgpack.packb([9, 1]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, -1]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, 2**63 - 1]), None),
        (msgpack.packb([9, 1, 2**63]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, 2.0]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, True]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, None]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, "2"]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, [2]]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, {"a": 2}]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, msgpack.ExtType(1, b"2")]), FaultCode.INVALID_FIELD),
        (msgpack.packb([9, 1, 2, b"x" * 200]), FaultCode.TOO_LONG),
        (b"\x00" * (CONTROL_BYTES_MAX + 1), FaultCode.TOO_LONG),
        (b"\x00" * CONTROL_BYTES_MAX, FaultCode.MALFORMED),
        (b"\x97\x03\x07\x01\xa2\xff\xff\x01\x01", FaultCode.MALFORMED),
        (msgpack.packb([3, 7, 1, "line\n", 1, 1]), FaultCode.INVALID_FIELD),
        (msgpack.packb([3, 7, 1, "\x1b[31m", 1, 1]), FaultCode.INVALID_FIELD),
        (msgpack.packb([3, 7, 1, "x" * DETAIL_CHARS_MAX, 1, 1]), None),
        (msgpack.packb([3, 7, 1, "x" * (DETAIL_CHARS_MAX + 1), 1, 1]), FaultCode.INVALID_FIELD),
        (msgpack.packb([15, [b"H" * 32, b"H" * 32], 9, 2, 0, KEY, 1]), FaultCode.INVALID_FIELD),
        (msgpack.packb([15, [b"H" * 32, b"H" * 32, 1], 4, 2, 0, KEY, 1]), FaultCode.INVALID_FIELD),
        (msgpack.packb([15, [b"H" * 32, b"H" * 31], 4, 2, 0, KEY, 1]), FaultCode.INVALID_FIELD),
    ],
)
def test_each_kind_of_wrong_frame_has_its_fault(frame: bytes, code: FaultCode | None) -> None:
    """Frames made by msgpack or by hand, wrong in one thing each, and right ones on the line between."""
    assert code_of(frame) is code


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00" * JUNK_BYTES,
        b"\xdd\x00\x10\x00\x00" + b"\xc0" * JUNK_BYTES,
        b"\xdc\xff\xff\x06" + b"\xc0" * JUNK_BYTES,
        b"\x91" * JUNK_BYTES,
        b"\x94\x08\x01\x02\xc6\x00\x10\x00\x00" + b"x" * JUNK_BYTES,
        msgpack.packb([8, 1, 2, list(range(JUNK_BYTES // 4))]),
    ],
)
def test_a_megabyte_of_junk_is_refused_for_its_length_alone(junk: bytes) -> None:
    """Zeros, a bomb of nils, nesting, one long field: the fault is the length, and next to no memory is touched."""
    tracemalloc.start()
    decoded = CODEC.decode(junk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(decoded, WireFault)
    assert decoded.code is FaultCode.TOO_LONG
    assert peak < 10_000


@pytest.mark.parametrize("tag", sorted(MESSAGES.types))
@pytest.mark.parametrize(
    "filling",
    [b"\xc0", b"\x91", b"\x01", b"\x80", b"\xa0", b"\xc4\x00", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"],
    ids=lambda filling: filling.hex(),
)
def test_the_longest_junk_with_a_known_tag_takes_less_than_a_megabyte(tag: int, filling: bytes) -> None:
    """64 KiB of one kind of item, or claims of four billion, behind the tag of each message."""
    head = b"\xdc\xff\xf0" + bytes([tag])
    junk = head + filling * ((MESSAGES.types[tag].BYTES_MAX - len(head)) // len(filling))
    tracemalloc.start()
    decoded = CODEC.decode(junk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(decoded, WireFault)
    assert peak < MEMORY_BYTES_MAX


@pytest.mark.parametrize("message", [message for message, _ in SAMPLES], ids=lambda message: type(message).__name__)
def test_fields_of_a_newer_version_are_skipped(message: Message) -> None:
    """Two more fields of any kind at the end; a message that is closed refuses them instead."""
    content = msgpack.unpackb(encode(message))
    longer = msgpack.packb([*content, {"new": [1, 2.5, None]}, msgpack.ExtType(1, b"x")])
    if type(message).CLOSED:
        assert code_of(longer) is FaultCode.INVALID_FIELD
    else:
        assert CODEC.decode(longer) == message


def test_a_node_takes_less_where_it_said_so() -> None:
    """The bound that a node gave in HELLO, one byte below and at the length of a message."""
    frame = encode(StreamItem(1, 1, b"x" * 100))
    assert CODEC.decode(frame, len(frame)) == StreamItem(1, 1, b"x" * 100)
    refused = CODEC.decode(frame, len(frame) - 1)
    assert isinstance(refused, WireFault)
    assert refused.code is FaultCode.TOO_LONG


def test_nesting_is_refused_at_the_same_depth_wherever_the_call_comes_from() -> None:
    """Unknown fields nested to the bound and one beyond, decoded from a shallow and from a deep stack."""

    def nested(depth: int) -> bytes:
        return b"\x95\x08\x01\x02\xc4\x00" + b"\x91" * (depth - 1) + b"\xc0"

    def below(frames: int, call: Callable[[], object]) -> object:
        return below(frames - 1, call) if frames else call()

    for depth, code in ((NESTING_MAX, None), (NESTING_MAX + 1, FaultCode.TOO_NESTED), (60_000, FaultCode.TOO_NESTED)):
        here = code_of(nested(depth))
        there = below(sys.getrecursionlimit() // 2, lambda depth=depth: code_of(nested(depth)))  # type: ignore[misc]
        assert (here, there) == (code, code)


def test_items_that_nobody_knows_are_counted() -> None:
    """As many items as may be in unknown fields, and one more."""
    room = UNKNOWN_ITEMS_MAX - 5
    assert CODEC.decode(msgpack.packb([8, 1, 2, b"", *[0] * room])) == StreamItem(1, 2, b"")
    assert code_of(msgpack.packb([8, 1, 2, b"", *[0] * (room + 1)])) is FaultCode.TOO_NESTED


def test_a_frame_may_be_any_kind_of_bytes() -> None:
    """bytes, bytearray and memoryview give the same message and the same fault."""
    frame = encode(Hello(KEY, 1, 1, (), 1_024, 1_024))
    for kind in (bytes, bytearray, memoryview):
        assert CODEC.decode(kind(frame)) == CODEC.decode(frame)
        assert CODEC.decode(kind(frame[:-1])) == CODEC.decode(frame[:-1])


@pytest.mark.parametrize(
    ("frame", "head"), [(b"\x93\x09\x01\x02", (9, 2)), (b"\x91\xcc\xff", (255, 0)), (b"\x92\xcd\x27\x10", (10_000, 1))]
)
def test_the_head_is_read_without_the_rest(frame: bytes, head: tuple[int, int]) -> None:
    """Tags of one, two and three bytes, the rest cut off."""
    assert read_head(frame) == Head(*head)


@pytest.mark.parametrize(
    ("content", "items", "depth"),
    [(1, 1, 0), ([], 1, 0), ([1], 2, 1), ([[1], {"a": [b"x"]}], 7, 3), ("x" * 300, 1, 0), ([b"x" * 70_000], 2, 1)],
)
def test_the_shape_is_what_msgpack_made(content: Any, items: int, depth: int) -> None:
    """Items and depth counted by hand pass, and one less of either does not."""
    frame = msgpack.packb(content)
    assert shape_fault(frame, items, depth) is None
    assert depth == 0 or shape_fault(frame, items, depth - 1) is not None
    assert items == 1 or shape_fault(frame, items - 1, depth) is not None
    assert shape_fault(frame[:-1], items, depth) is not None or not frame[:-1]
    assert shape_fault(frame + b"\x00", items, depth) is not None


def test_a_fault_fits_a_refusal() -> None:
    """Details of any text are cut and made printable, and then travel; an unknown code still has a name."""
    for detail in ("", "plain", "x" * 1_000, "line\nline", "\x1b[0m\u00e9"):
        found = fault(FaultCode.MALFORMED, detail)
        refuse = Refuse(found.code, 0, found.detail)
        assert CODEC.decode(encode(refuse)) == refuse
    assert (str(WireFault(FaultCode.TOO_LONG)), name_of(999)) == ("too long", "code 999")


def test_extensions_enter_from_ten_thousand_on() -> None:
    """An extended table decodes the new message; the table that it was made from does not know it."""
    table = MESSAGES.extended([Extra])
    assert Codec(table).decode(encode(Extra(3))) == Extra(3)
    assert code_of(encode(Extra(3))) is FaultCode.UNKNOWN_TAG
    assert table.names[EXTENSION_TAG_MIN] == "extra"


class _SameTag(Message, frozen=True, tag=EXTENSION_TAG_MIN):
    pass


class _Taken(Message, frozen=True, tag=9):
    pass


class _NotGiven(Message, frozen=True, tag=9_999):
    pass


class _TooHigh(Message, frozen=True, tag=65_536):
    pass


class _NoTag(Message, frozen=True):
    pass


class _AnyInt(Message, frozen=True, tag=EXTENSION_TAG_MIN + 1):
    number: int


class _HalfInt(Message, frozen=True, tag=EXTENSION_TAG_MIN + 1):
    number: Annotated[int, Meta(ge=0)]


class _AnyBytes(Message, frozen=True, tag=EXTENSION_TAG_MIN + 1):
    content: bytes


class _AnyTuple(Message, frozen=True, tag=EXTENSION_TAG_MIN + 1):
    numbers: tuple[Annotated[int, Meta(ge=0, le=9)], ...]


class _Float(Message, frozen=True, tag=EXTENSION_TAG_MIN + 1):
    price: float


class _Map(Message, frozen=True, tag=EXTENSION_TAG_MIN + 1):
    names: dict[str, bool]


class _Closed(Message, frozen=True, forbid_unknown_fields=True, tag=EXTENSION_TAG_MIN + 1):
    flag: bool


class _Long(Message, frozen=True, tag=EXTENSION_TAG_MIN + 1):
    BYTES_MAX: ClassVar[int] = CONTROL_BYTES_MAX + 1
    flag: bool


class _Open(msgspec.Struct, frozen=True, array_like=True):
    flag: bool


class _OpenInside(Message, frozen=True, tag=EXTENSION_TAG_MIN + 1):
    inner: _Open


def made(name: str, tag: int, fields: list[tuple[str, Any]]) -> type[Message]:
    """Make a message type at run time."""
    type_ = msgspec.defstruct(name, fields, bases=(Message,), frozen=True, tag=tag)
    assert issubclass(type_, Message)
    return type_


def _deep() -> type[Message]:
    """Make a message whose arrays are nested once more than may be."""
    inner: Any = bool
    for _ in range(NESTING_MAX):
        inner = Annotated[tuple[inner, ...], Meta(max_length=1)]
    return made("Deep", EXTENSION_TAG_MIN + 1, [("inner", inner)])


@pytest.mark.parametrize(
    ("types", "why"),
    [
        ([Extra, _SameTag], "tag 10000 of _SameTag belongs to Extra"),
        ([StreamHead, StreamHead], "tag 9 of StreamHead belongs to StreamHead"),
        ([_Taken], "tag 9 is not given to _Taken"),
        ([_NotGiven], "tag 9999 is not given to _NotGiven in Tag; extensions begin at 10000"),
        ([_TooHigh], "tag 65536 of _TooHigh is above 65534"),
        ([_NoTag], "_NoTag has no integer tag"),
        ([_AnyInt], "_AnyInt.number is an integer without a range"),
        ([_HalfInt], "_HalfInt.number is an integer without a range"),
        ([_AnyBytes], "_AnyBytes.content has no largest length"),
        ([_AnyTuple], "_AnyTuple.numbers has no largest length"),
        ([_Float], "_Float.price is a FloatType"),
        ([_Map], "_Map.names is a DictType"),
        ([_Closed], "_Closed forbids new fields"),
        ([_Long], "_Long.BYTES_MAX is 65537"),
        ([_OpenInside], "_OpenInside.inner is not frozen, array_like and closed"),
        ([_deep()], "is nested more than 8 deep"),
    ],
)
def test_what_is_not_bounded_or_not_new_does_not_enter_the_table(types: list[type[Message]], why: str) -> None:
    """Types that break one rule each."""
    with pytest.raises(ValueError, match=re.escape(why)):
        TagTable(types)


def test_two_messages_of_one_name_do_not_enter_the_table() -> None:
    """The name is what a signed object gives as its type, so it must be one message's alone."""
    with pytest.raises(ValueError, match="two messages are named extra"):
        TagTable([Extra, made("Extra", EXTENSION_TAG_MIN + 3, [])])
