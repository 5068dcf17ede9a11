"""One table of a configuration into its type, and whatever is wrong with it into one line."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import msgspec

from openoutcry.node.config.errors import ConfigError, printable
from openoutcry.node.config.fields import Field, fields_of
from openoutcry.node.config.positions import KeyPath
from openoutcry.node.config.source import Source, shown

VALUE_CHARS_MAX: Final = 40
"""How much of a wrong value an error shows, in characters."""

SECRET_KEYS: Final = frozenset({"unlock"})
"""Keys whose wrong value is not shown: it may be a passphrase that was written in the wrong place."""

Table = TypeVar("Table", bound=msgspec.Struct)


def convert(source: Source, path: KeyPath, values: Mapping[str, Any], table: type[Table]) -> Table:
    """Return the values of one table as its type. Raises ConfigError for the first thing that is wrong in it."""
    fields = {field.name: field for field in fields_of(table)}
    for key in values:
        if key not in fields:
            raise source.error((*path, key), *unknown((*path, key), list(fields), "key"))
    for field in fields.values():
        if field.required and field.name not in values:
            example = f"add {field.name} = {field.example}" if field.example else f"add {field.name} = ..."
            raise source.error(path, f"{shown((*path, field.name))} is missing", field.expected, example)
    try:
        return msgspec.convert(values, table)
    except msgspec.ValidationError as error:
        raise _wrong(source, path, values, fields, error) from error


def unknown(path: KeyPath, known: Iterable[str], what: str) -> tuple[str, str, str]:
    """Return what is wrong with a name that is none of the known ones: what, what was expected, and a suggestion."""
    names = list(known)
    close = get_close_matches(str(path[-1]), names, n=1)
    wrong = f"{shown(path)} is not known"
    if close:
        return wrong, f"a known {what}", f"did you mean {close[0]}?"
    expected = f"one of {', '.join(names)}" if names else f"no {what} here"
    return wrong, expected, f"remove the {what}"


def _wrong(
    source: Source,
    path: KeyPath,
    values: Mapping[str, Any],
    fields: Mapping[str, Field],
    error: msgspec.ValidationError,
) -> ConfigError:
    """Put what msgspec says into one line: it names the place, the type says what was expected."""
    said, _, at = str(error).rpartition(" - at `$")
    inner: KeyPath = tuple(
        int(index) if index else name for name, index in re.findall(r"\.([A-Za-z0-9_]+)|\[(\d+)\]", at)
    )
    if not inner or inner[0] not in fields:  # of the table as a whole, said by a check of its own
        return source.error(path, f"{shown(path)}: {said or error}")
    field = fields[str(inner[0])]
    found: Any = values
    for part in inner:
        try:
            found = found[part]
        except (LookupError, TypeError):
            break
    what = f"{shown((*path, *inner))} is {value_of(found)}"
    if field.name in SECRET_KEYS:
        what = f"{shown((*path, *inner))} is not right"
    expected = field.expected
    if field.expected == "a table" and len(inner) > 1:
        expected = printable(said.replace("`", ""), 80).removeprefix("Expected ")
    return source.error((*path, *inner), what, expected, _instead(field, found))


def _instead(field: Field, found: Any) -> str:
    """Say what to write in place of a wrong value."""
    if isinstance(found, str):
        close = get_close_matches(found, field.choices, n=1)
        if close:
            return f"did you mean {close[0]}?"
    if field.default is not None:
        return f"leave it out for {field.default}"
    if not field.required:
        return "leave it out for none"
    return f"write {field.name} = {field.example}" if field.example else ""


def value_of(value: Any) -> str:
    """Show a wrong value as TOML writes it, with its kind where that is what is wrong."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{printable(value, VALUE_CHARS_MAX)}"'
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return f"a number of {value.bit_length()} bits"
    return printable(str(value), VALUE_CHARS_MAX)
