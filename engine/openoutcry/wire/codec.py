"""Control messages to bytes and back: MessagePack arrays with the tag first, decoded straight into their type.

`decode` never raises. It checks the length before anything else, then reads tag and field count from the first five
bytes, then lets msgspec decode into the one type that the tag means.
"""

from typing import Final, NamedTuple

import msgspec

from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.limits import CONTROL_BYTES_MAX, NESTING_MAX, UNKNOWN_ITEMS_MAX
from openoutcry.wire.shape import Buffer, shape_fault
from openoutcry.wire.tags import Message, TagTable

_encoder: Final = msgspec.msgpack.Encoder()


class Head(NamedTuple):
    """What the first bytes of a control message say."""

    tag: int
    fields: int
    """Elements of the array without the tag."""


class _Entry(NamedTuple):
    decoder: msgspec.msgpack.Decoder[Message]
    fields: int
    bytes_max: int


def encode(message: Message) -> bytes:
    """Return the frame of a message. Cost: about 0.3 microseconds for five fields.

    The message is ours: that it is within its bounds is asserted as far as its length shows, not checked again.
    """
    frame = _encoder.encode(message)
    assert len(frame) <= message.BYTES_MAX, (type(message).__name__, len(frame))
    return frame


def read_head(frame: Buffer) -> Head | WireFault:
    """Read tag and field count from the first bytes, or say why there are none. Looks at no more than five bytes."""
    size = len(frame)
    first = frame[0] if size else 0
    if 0x91 <= first <= 0x9F:
        count, position = first & 0x0F, 1
    elif first == 0xDC and size > 2:
        count, position = frame[1] << 8 | frame[2], 3
    else:
        return fault(FaultCode.MALFORMED, "no array with a tag")
    kind = frame[position] if position < size else 0xC1
    if kind < 0x80:
        return Head(kind, count - 1)
    width = {0xCC: 1, 0xCD: 2}.get(kind, 0)
    if not width or position + width >= size or not count:
        return fault(FaultCode.MALFORMED, "no array with a tag")
    return Head(int.from_bytes(frame[position + 1 : position + 1 + width], "big"), count - 1)


class Codec:
    """Decoder for the messages of one tag table. Immutable after construction; safe to share between threads."""

    __slots__ = ("_entries", "_usual", "table")

    def __init__(self, table: TagTable) -> None:
        """Prepare one decoder for each type of the table."""
        self.table = table
        self._entries = {
            tag: _Entry(msgspec.msgpack.Decoder(type_), len(type_.__struct_fields__), type_.BYTES_MAX)
            for tag, type_ in table.types.items()
        }
        # The first bytes of a frame with as many fields as we know, or fewer, up to 14: what nearly every frame is.
        self._usual = {
            bytes([0x91 + fields]) + (bytes([tag]) if tag < 0x80 else b"\xcd" + tag.to_bytes(2, "big")): entry
            for tag, entry in self._entries.items()
            if tag < 0x80 or tag > 0xFF
            for fields in range(min(entry.fields, 14) + 1)
        }

    def decode(self, frame: Buffer, bytes_max: int = CONTROL_BYTES_MAX) -> Message | WireFault:
        """Return the one message that the frame is, or why it is none.

        bytes_max: what this node accepts of any message; each type has its own, lower or equal, bound besides.
        Never raises, whatever the bytes. Cost: O(len(frame)) after the length was checked; 1 microsecond for five
        fields; a refusal costs 2 to 12 microseconds, and at most 0.5 ms where it walks fields of a newer version.
        """
        size = len(frame)
        if size > bytes_max:
            return fault(FaultCode.TOO_LONG, f"{size} bytes, at most {bytes_max} are taken")
        # Two look-ups in place of reading the head: a quarter of what that costs.
        usual = (self._usual.get(frame[:4]) or self._usual.get(frame[:2])) if type(frame) is bytes else None
        if usual is None or size > usual.bytes_max:
            entry = self._entry_of(frame)
            if isinstance(entry, WireFault):
                return entry
        else:
            entry = usual
        try:
            return entry.decoder.decode(frame)
        except msgspec.ValidationError as error:
            return fault(FaultCode.INVALID_FIELD, str(error))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return fault(FaultCode.MALFORMED, str(error))

    def _entry_of(self, frame: Buffer) -> _Entry | WireFault:
        """Read the head of a frame that is not usual, and find its type."""
        head = read_head(frame)
        if isinstance(head, WireFault):
            return head
        entry = self._entries.get(head.tag)
        if entry is None:
            return fault(FaultCode.UNKNOWN_TAG, f"tag {head.tag}")
        if len(frame) > entry.bytes_max:
            name = self.table.names[head.tag]
            return fault(FaultCode.TOO_LONG, f"{len(frame)} bytes, a {name} has at most {entry.bytes_max}")
        if head.fields > entry.fields:
            # msgspec would skip them by recursion, as deep as the stack of this very call allows.
            found = shape_fault(frame, UNKNOWN_ITEMS_MAX, NESTING_MAX)
            if found is not None:
                return found
        return entry
