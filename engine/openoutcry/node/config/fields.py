"""What the keys of a table are, in words, read from its type: for errors, for `outcry init`, and for the reference.

The words of a key are the description of its `msgspec.Meta`, else the docstring below the field, else what the
docstring of the class says behind its name and a colon. Units stand in the names.
"""

import ast
import enum
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
import msgspec.inspect as types

SHAPES: Final[dict[str, str]] = {}
"""Pattern of a text to what it asks for, in words; filled where the patterns are."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a table.

    expected: what it takes, in words. why: what it means. default: as TOML, None where it has to be given or is left
    out. required: whether it has to be given. example: of a value, as TOML, None where there is none. choices: all
    texts that it takes, where it takes only some.
    """

    name: str
    expected: str
    why: str
    default: str | None
    required: bool
    example: str | None
    choices: tuple[str, ...] = ()


def summary_of(table: type[msgspec.Struct]) -> str:
    """Return what the docstring of a table says before it comes to its keys, in one line."""
    names = {field.name for field in msgspec.structs.fields(table)}
    return _split_docstring(table, names)[""]


@lru_cache(maxsize=64)
def fields_of(table: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Return the keys of a table in the order in which they are written. 1 ms at first: it reads the source."""
    found = types.type_info(table)
    assert isinstance(found, types.StructType)
    words = words_of(table)
    fields = [_field(field, words.get(field.name, "")) for field in found.fields]
    return tuple(sorted(fields, key=lambda field: not field.required))


def words_of(table: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return key to what its docstring says, in one line, for the keys that have one."""
    names = {field.name for field in msgspec.structs.fields(table)}
    words: dict[str, str] = {}
    for owner in reversed(table.__mro__):
        if issubclass(owner, msgspec.Struct) and owner is not msgspec.Struct:
            words |= {name: text for name, text in _split_docstring(owner, names).items() if name and text}
            words |= _docstrings_below(owner)
    return words


def expected(kind: types.Type) -> str:
    """Say what a type takes.

    >>> from typing import Annotated, Literal
    >>> class Table(msgspec.Struct):
    ...     lots: Annotated[int, msgspec.Meta(ge=1, le=9)]
    ...     side: Literal["buy", "sell"]
    >>> [field.expected for field in fields_of(Table)]
    ['an integer from 1 to 9', '"buy" or "sell"']
    """
    return _expected(kind)


def pattern_of(text: Any) -> str:
    """Return the pattern of an annotated text."""
    found = types.type_info(text)
    while isinstance(found, types.Metadata):
        found = found.type
    assert isinstance(found, types.StrType) and found.pattern
    return found.pattern


def toml(value: Any) -> str:
    """Return a default as TOML: text, number, truth value, or an array or inline table of them."""
    if isinstance(value, enum.Enum):
        return toml(value.value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(toml(one) for one in value)}]"


def _field(field: types.Field, words: str) -> Field:
    kind = field.type
    description, example = "", None
    for extra in _metadata(kind):
        description = extra.get("description", description)
        example = toml(extra["examples"][0]) if extra.get("examples") else example
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    default = None if value is msgspec.NODEFAULT or value is None else toml(value)
    return Field(
        field.encode_name,
        expected(kind),
        _sentence(description or words),
        default,
        field.required,
        example,
        tuple(str(one) for one in _choices(kind)),
    )


def _sentence(words: str) -> str:
    """Begin with a capital, unless it begins with code or a value in a list of them."""
    return words if re.match(r"[a-z_]+: ", words) else words[:1].upper() + words[1:]


def _choices(kind: types.Type) -> list[Any]:
    match kind:
        case types.Metadata():
            return _choices(kind.type)
        case types.EnumType():
            return [member.value for member in kind.cls]
        case types.LiteralType():
            return list(kind.values)
        case _:
            return []


def _metadata(kind: types.Type) -> Iterator[Mapping[str, Any]]:
    """Yield what `Meta` says besides bounds, innermost first."""
    if isinstance(kind, types.Metadata):
        yield from _metadata(kind.type)
        yield kind.extra_json_schema or {}
    elif isinstance(kind, types.UnionType):
        for one in kind.types:
            yield from _metadata(one)


def _expected(kind: types.Type) -> str:
    match kind:
        case types.Metadata():
            return _expected(kind.type)
        case types.UnionType():
            known = [_expected(one) for one in kind.types if not isinstance(one, types.NoneType)]
            return " or ".join(dict.fromkeys(known))
        case types.BoolType():
            return "true or false"
        case types.IntType():
            steps = f" in steps of {kind.multiple_of}" if kind.multiple_of else ""
            return f"an integer{_range(kind)}{steps}"
        case types.FloatType():
            return f"a number{_range(kind)}"
        case types.StrType():
            return _text(kind)
        case types.EnumType() | types.LiteralType():
            return _one_of(_choices(kind))
        case types.VarTupleType() | types.ListType() | types.SetType() | types.FrozenSetType():
            return f"an array; each of its elements {_expected(kind.item_type)}"
        case types.TupleType():
            return f"an array of {len(kind.item_types)} elements"
        case types.StructType() | types.DictType():
            return "a table"
        case types.BytesType():
            return "bytes as base64 text in quotes"
        case _:
            return f"a {type(kind).__name__.removesuffix('Type').lower()}"


def _range(kind: types.IntType | types.FloatType) -> str:
    least, most = kind.ge if kind.ge is not None else kind.gt, kind.le if kind.le is not None else kind.lt
    if kind.gt is not None:
        least = kind.gt + 1 if isinstance(kind, types.IntType) else kind.gt
    if kind.lt is not None:
        most = kind.lt - 1 if isinstance(kind, types.IntType) else kind.lt
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f" of at least {least}" if least is not None else f" of at most {most}" if most is not None else ""


def _text(kind: types.StrType) -> str:
    shape = SHAPES.get(kind.pattern or "")
    if shape is not None:
        return shape
    if kind.pattern:
        return f"text in quotes that matches {kind.pattern}"
    if kind.max_length == 0:
        return 'empty text, ""'
    return f"text in quotes{f' of at most {kind.max_length} characters' if kind.max_length else ''}"


def _one_of(values: list[Any]) -> str:
    shown = [toml(value) for value in values]
    return " or ".join(([", ".join(shown[:-1])] if shown[:-1] else []) + shown[-1:])


def _split_docstring(table: type, names: set[str]) -> dict[str, str]:
    """Return what a docstring says before the first name ("") and behind each name with a colon."""
    text = " ".join((table.__dict__.get("__doc__") or "").split())
    one = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or "(?!)"
    marks = list(re.finditer(rf"(?<!\S)((?:{one})(?:, (?:{one}))*): ", text))
    parts = {"": text[: marks[0].start()].strip() if marks else text}
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    for mark, end in zip(marks, ends, strict=True):
        words = text[mark.end() : end].strip()
        parts |= dict.fromkeys(mark[1].split(", "), words)
    return parts


def _docstrings_below(table: type) -> dict[str, str]:
    """Return field to the string that stands below it in the source; nothing where there is no source."""
    try:
        source = textwrap.dedent(inspect.getsource(table))
    except (OSError, TypeError):
        return {}
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.ClassDef)
    words = {}
    for above, below in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(above, ast.AnnAssign)
            and isinstance(above.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            words[above.target.id] = " ".join(below.value.value.split())
    return words
