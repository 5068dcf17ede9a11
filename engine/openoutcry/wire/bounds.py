"""What a message type must be to enter the tag table: every field bounded, no floats, no maps, no open end inside.

A type that passes cannot make a decoder allocate more than a small multiple of the frame that it was given.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from openoutcry.wire.limits import NESTING_MAX


def type_faults(message: type[msgspec.Struct]) -> Iterator[str]:
    """Yield, one line each, why a type cannot be a message."""
    config = message.__struct_config__
    if not (config.frozen and config.array_like):
        yield f"{message.__name__} is not frozen and array_like"
    if type(config.tag) is not int:
        yield f"{message.__name__} has no integer tag"
    if config.forbid_unknown_fields and not getattr(message, "CLOSED", False):
        yield f"{message.__name__} forbids new fields"
    yield from _struct_faults(message, message.__name__, 1)


def _struct_faults(struct: type[Any], place: str, depth: int) -> Iterator[str]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    if depth > NESTING_MAX:
        yield f"{place} is nested more than {NESTING_MAX} deep"
        return
    for field in info.fields:
        yield from _field_faults(field.type, f"{place}.{field.name}", depth)
    optional = [field.name for field in info.fields if not field.required]
    required_after = [field.name for field in info.fields if field.required and optional]
    if optional and required_after and info.fields[-1].required:
        yield f"{place}: fields with a default are not last"


def _field_faults(type_: inspect.Type, place: str, depth: int) -> Iterator[str]:
    match type_:
        case inspect.BoolType():
            return
        case inspect.IntType(ge=low, le=high):
            if low is None or high is None:
                yield f"{place} is an integer without a range"
        case inspect.StrType(max_length=longest) | inspect.BytesType(max_length=longest):
            if longest is None:
                yield f"{place} has no largest length"
        case inspect.EnumType(cls=enum):
            if not all(type(member.value) is int for member in enum):
                yield f"{place} is an enum that is not of integers"
        case inspect.VarTupleType(item_type=item, max_length=longest):
            if longest is None:
                yield f"{place} has no largest length"
            if depth >= NESTING_MAX:
                yield f"{place} is nested more than {NESTING_MAX} deep"
            yield from _field_faults(item, f"{place}[]", depth + 1)
        case inspect.StructType(cls=struct):
            config = struct.__struct_config__
            if not (config.frozen and config.array_like and config.forbid_unknown_fields):
                yield f"{place} is not frozen, array_like and closed to new fields"
            yield from _struct_faults(struct, place, depth + 1)
        case _:
            yield f"{place} is a {type(type_).__name__}: only bool, int, str, bytes, enums, tuples and structs may be"
