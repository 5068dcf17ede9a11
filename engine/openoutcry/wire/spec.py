"""The wire format as data that other programs can read: messages, records, enums, codes, bounds. Written by
`outcry spec export`; the same data make the page docs/reference/messages.md.
"""

import inspect as python_inspect
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, Final

from msgspec import inspect

from openoutcry import domain
from openoutcry.wire import limits
from openoutcry.wire.faults import FaultCode
from openoutcry.wire.frames import FRAME_VERSION, MAGIC, RecordKind, RecordTable
from openoutcry.wire.key_statements import RevocationReason
from openoutcry.wire.service import KeyPurpose, StateReason
from openoutcry.wire.signed import DOMAIN
from openoutcry.wire.tags import MessageType, TagTable
from openoutcry.wire.versions import VERSION_MAX, VERSION_MIN, Capability

_ENUMS: Final[tuple[type[IntEnum], ...]] = (
    *(
        value
        for name in domain.__all__
        if isinstance(value := getattr(domain, name), type) and issubclass(value, IntEnum)
    ),
    Capability,
    KeyPurpose,
    RevocationReason,
    StateReason,
)
_CODES: Final = ("RejectCode", "CancelReason")


def specification(table: TagTable, kinds: RecordTable) -> dict[str, Any]:
    """Return the whole format as values that JSON can write, the same on every machine."""
    enums = {enum.__name__: _members(enum) for enum in sorted(_ENUMS, key=lambda enum: enum.__name__)}
    return {
        "protocol": {
            "version_min": VERSION_MIN,
            "version_max": VERSION_MAX,
            "signed_prefix": DOMAIN.decode("ascii"),
            "extension_min": limits.EXTENSION_TAG_MIN,
        },
        "limits": {
            name: value for name, value in sorted(vars(limits).items()) if name.isupper() and isinstance(value, int)
        },
        "messages": [_message(tag, type_, table) for tag, type_ in table.types.items()],
        "frame": {"magic": MAGIC.decode("ascii"), "version": FRAME_VERSION, "header": list(_HEADER_FIELDS)},
        "records": [_record(kind) for kind in kinds.kinds.values()],
        "faults": _members(FaultCode),
        "codes": {name: enums.pop(name) for name in _CODES},
        "enums": enums,
    }


_HEADER_FIELDS: Final = tuple(
    {"name": name, "type": type_, "offset": offset}
    for name, type_, offset in (
        ("magic", "4 bytes", 0),
        ("kind", "u16", 4),
        ("version", "u16", 6),
        ("stream", "u64", 8),
        ("sequence", "u64", 16),
        ("count", "u32", 24),
        ("checksum", "u32", 28),
    )
)


def _message(tag: int, type_: MessageType, table: TagTable) -> dict[str, Any]:
    return {
        "tag": tag,
        "name": table.names[tag],
        "about": _about(type_),
        "bytes_max": type_.BYTES_MAX,
        "closed": type_.CLOSED,
        "fields": list(_fields(type_)),
    }


def _fields(struct: type[Any]) -> Iterator[dict[str, Any]]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        described = {"name": field.name, **_type(field.type)}
        if not field.required:
            described["default"] = _plain(field.default)
        yield described


def _plain(value: Any) -> Any:
    """Return a default as JSON writes it: bytes as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    return list(value) if isinstance(value, tuple) else value


def _type(type_: inspect.Type) -> dict[str, Any]:
    match type_:
        case inspect.BoolType():
            return {"type": "bool"}
        case inspect.IntType(ge=low, le=high):
            return {"type": "int", "min": low, "max": high}
        case inspect.StrType(min_length=shortest, max_length=longest, pattern=pattern):
            return {"type": "str", "length_min": shortest or 0, "length_max": longest, "pattern": pattern}
        case inspect.BytesType(min_length=shortest, max_length=longest):
            return {"type": "bytes", "length_min": shortest or 0, "length_max": longest}
        case inspect.EnumType(cls=enum):
            return {"type": "enum", "enum": enum.__name__}
        case inspect.VarTupleType(item_type=item, min_length=shortest, max_length=longest):
            return {"type": "array", "length_min": shortest or 0, "length_max": longest, "items": _type(item)}
        case inspect.StructType(cls=struct, tag=tag):
            tagged = {"tag": tag} if tag is not None else {}
            return {"type": "struct", "struct": struct.__name__, **tagged, "fields": list(_fields(struct))}
    raise AssertionError(f"the tag table takes no {type_}")


def _record(kind: RecordKind) -> dict[str, Any]:
    fields: Mapping[str, Any] = kind.dtype.fields or {}
    return {
        "kind": kind.number,
        "name": kind.name,
        "bytes": kind.dtype.itemsize,
        "fields": [
            {"name": name, "type": f"{'i' if base.kind == 'i' else 'u'}{8 * base.itemsize}", "offset": offset}
            for name, (base, offset, *_) in fields.items()
        ],
        "ranges": {field: [low, high] for field, low, high in kind.ranges},
    }


def _members(enum: type[IntEnum]) -> dict[str, int]:
    return {member.name: int(member) for member in enum}


def _about(type_: type[Any]) -> str:
    return python_inspect.cleandoc(type_.__doc__ or "")
