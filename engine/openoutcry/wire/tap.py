"""The inspector: what any frame holds, as far as that can be seen, also where no schema is known.

Reads with `msgpack`, not with our own decoder, so that it shows what is there and not what we take it for; what our
decoder says stands beside it as `fault`. Bounded throughout: shape first, then content, then what is shown of it.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgpack

from openoutcry.wire.codec import Codec, read_head
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.frames import RecordTable, is_record_frame, read_header
from openoutcry.wire.limits import (
    CONTROL_BYTES_MAX,
    FRAME_HEADER_BYTES,
    TAP_ITEMS_MAX,
    TAP_NESTING_MAX,
    TAP_RECORDS_MAX,
    TAP_TEXT_CHARS_MAX,
    TAP_VALUES_MAX,
)
from openoutcry.wire.shape import Buffer, shape_fault
from openoutcry.wire.tags import TagTable

_INSIDE_MAX: Final = 4
"""Messages inside messages that are opened: an envelope holds a signed request holds a group."""


class _Pairs(list[tuple[Any, Any]]):
    """A map as its pairs: keys of a stranger's map may be anything, also what cannot be hashed."""


class Tap:
    """Shows frames with the names of one tag table and record table. Never raises, whatever the bytes."""

    __slots__ = ("_codec", "_kinds", "_table")

    def __init__(self, table: TagTable, kinds: RecordTable) -> None:
        self._codec, self._table, self._kinds = Codec(table), table, kinds

    def show(self, frame: Buffer) -> dict[str, Any]:
        """Return what a frame holds, as values that JSON can write.

        `kind` is "records" or "message", `bytes` its length, `fault` why our decoder does not take it or None.
        Records: the header, and the first `TAP_RECORDS_MAX`. Message: tag, name and fields; fields without a name are
        numbered; bytes that are a message themselves are shown as one.
        """
        return self._show_records(frame) if is_record_frame(frame) else self._show_message(frame, 0)

    def _show_records(self, frame: Buffer) -> dict[str, Any]:
        decoded = self._kinds.decode(frame)
        failed = isinstance(decoded, WireFault)
        shown: dict[str, Any] = {"kind": "records", "bytes": len(frame), "fault": str(decoded) if failed else None}
        header = read_header(frame)
        if header is not None:
            shown |= {name: value for name, value in header._asdict().items() if name not in {"magic", "kind"}}
            known = self._kinds.kinds.get(header.kind)
            shown["record"] = known.name if known else f"kind {header.kind}"
        if isinstance(decoded, WireFault):
            shown["body"] = _value(bytes(frame[FRAME_HEADER_BYTES : FRAME_HEADER_BYTES + TAP_TEXT_CHARS_MAX]))
        else:
            names = decoded.records.dtype.names or ()
            rows = decoded.records[:TAP_RECORDS_MAX].tolist()
            shown["rows"] = [dict(zip(names, row, strict=True)) for row in rows]
        return shown

    def _show_message(self, frame: Buffer, depth: int) -> dict[str, Any]:
        shown: dict[str, Any] = {"kind": "message", "bytes": len(frame)}
        decoded = self._codec.decode(frame)
        shown["fault"] = str(decoded) if isinstance(decoded, WireFault) else None
        head = read_head(frame)
        if not isinstance(head, WireFault):
            shown["tag"] = head.tag
            shown["name"] = self._table.names.get(head.tag)
        content = _unpack(frame)
        if isinstance(content, WireFault):
            shown["unreadable"] = str(content)
        elif isinstance(head, WireFault) or not isinstance(content, list):
            shown["content"] = self._inside(content, depth)
        else:
            type_ = self._table.types.get(head.tag)
            names = type_.__struct_fields__ if type_ else ()
            shown["fields"] = {
                names[index] if index < len(names) else str(index + 1): self._inside(value, depth)
                for index, value in enumerate(content[1 : TAP_VALUES_MAX + 1])
            }
            if len(content) > TAP_VALUES_MAX + 1:
                shown["more_fields"] = len(content) - 1 - TAP_VALUES_MAX
        return shown

    def _inside(self, value: Any, depth: int) -> Any:
        """Return a value as JSON can write it, with the messages that it holds opened."""
        if isinstance(value, bytes) and depth < _INSIDE_MAX:
            head = read_head(value)
            if not isinstance(head, WireFault) and head.tag in self._table.types:
                return self._show_message(value, depth + 1)
        if isinstance(value, _Pairs):
            pairs = [[self._inside(key, depth), self._inside(item, depth)] for key, item in value[:TAP_VALUES_MAX]]
            return {"map": pairs} | ({"more": len(value) - TAP_VALUES_MAX} if len(value) > TAP_VALUES_MAX else {})
        if isinstance(value, list):
            shown = [self._inside(item, depth) for item in value[:TAP_VALUES_MAX]]
            return [*shown, f"... {len(value) - TAP_VALUES_MAX} more"] if len(value) > TAP_VALUES_MAX else shown
        return _value(value)


def text(shown: Mapping[str, Any], indent: int = 0) -> list[str]:
    """Return what `Tap.show` gave as lines for people."""
    lines: list[str] = []
    for name, value in shown.items():
        lines += _lines(f"{'  ' * indent}{name}", value, indent)
    return lines


def _lines(label: str, value: Any, indent: int) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [f"{label}:", *text(value, indent + 1)]
    if isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        lines = [f"{label}:"]
        for index, item in enumerate(value):
            lines += _lines(f"{'  ' * (indent + 1)}{index}", item, indent + 1)
        return lines
    if isinstance(value, list):
        return [f"{label}: {', '.join(map(str, value)) or 'none'}"]
    return [f"{label}: {value}"]


def _unpack(frame: Buffer) -> Any:
    """Return the content of any MessagePack item within bounds, maps as `_Pairs`, or why it cannot be read."""
    if len(frame) > CONTROL_BYTES_MAX:
        return fault(FaultCode.TOO_LONG, f"only messages up to {CONTROL_BYTES_MAX} bytes are read")
    found = shape_fault(frame, TAP_ITEMS_MAX, TAP_NESTING_MAX)
    if found is not None:
        return found
    try:
        return msgpack.unpackb(
            bytes(frame), object_pairs_hook=_Pairs, strict_map_key=False, unicode_errors="backslashreplace"
        )
    except ValueError as error:
        return fault(FaultCode.MALFORMED, str(error) or type(error).__name__)


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        digits = value.hex()
        return digits if len(digits) <= TAP_TEXT_CHARS_MAX else f"{digits[:TAP_TEXT_CHARS_MAX]}... ({len(value)} bytes)"
    if isinstance(value, str):
        printable = value[:TAP_TEXT_CHARS_MAX].encode("ascii", "backslashreplace").decode("ascii")
        printable = "".join(char if " " <= char <= "~" else f"\\x{ord(char):02x}" for char in printable)
        return printable if len(value) <= TAP_TEXT_CHARS_MAX else f"{printable}... ({len(value)} characters)"
    if isinstance(value, msgpack.ExtType):
        return f"extension {value.code}: {_value(value.data)}"
    if isinstance(value, msgpack.Timestamp):
        return f"timestamp {value.seconds} s {value.nanoseconds} ns"
    # NaN and infinity are no JSON.
    return repr(value) if isinstance(value, float) else value
