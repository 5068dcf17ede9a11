"""Random messages of any type of the tag table, made from the bounds of its fields."""

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from openoutcry.wire.tags import Message
from tests.wire.everything import ALL_MESSAGES

BYTES_DRAWN = 80
"""Longest byte string that is drawn, unless the type asks for more: bounds have tests of their own."""


def messages(type_: type[Message]) -> st.SearchStrategy[Message]:
    """Draw messages of one type, extremes of its ranges included."""
    drawn: st.SearchStrategy[Any] = _struct(type_)
    return drawn


def plain(value: Any) -> Any:
    """Return a message's content as plain lists, the tag first."""
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        return [*([] if tag is None else [tag]), *(plain(getattr(value, name)) for name in value.__struct_fields__)]
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def _struct(type_: type[Any]) -> st.SearchStrategy[Any]:
    info = inspect.type_info(type_)
    assert isinstance(info, inspect.StructType)
    return st.builds(type_, *[_field(field.type) for field in info.fields])


def _field(type_: inspect.Type) -> st.SearchStrategy[Any]:
    match type_:
        case inspect.IntType(ge=low, le=high):
            assert low is not None and high is not None
            return st.integers(int(low), int(high)) | st.sampled_from([int(low), int(high)])
        case inspect.StrType(max_length=longest, min_length=shortest, pattern=pattern):
            assert longest is not None and pattern is not None
            least, most = shortest or 0, longest

            def fits(text: str) -> bool:
                return text.isascii() and least <= len(text) <= most

            return st.from_regex(pattern).filter(fits)
        case inspect.BytesType(min_length=shortest, max_length=longest):
            assert longest is not None
            least = shortest or 0
            return st.binary(min_size=least, max_size=max(least, min(longest, BYTES_DRAWN)))
        case inspect.BoolType():
            return st.booleans()
        case inspect.EnumType(cls=enum):
            return st.sampled_from(list(enum))
        case inspect.VarTupleType(item_type=item, min_length=shortest, max_length=longest):
            assert longest is not None
            least = shortest or 0
            return st.lists(_field(item), min_size=least, max_size=max(least, min(longest, 4))).map(tuple)
        case inspect.StructType(cls=struct):
            return _struct(struct)
    raise AssertionError(type_)


ANY_MESSAGE = st.one_of([messages(type_) for type_ in ALL_MESSAGES.types.values()])
