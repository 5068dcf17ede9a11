"""The page docs/reference/messages.md, from the specification: so it cannot say anything else than the types do."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from openoutcry.wire.limits import CONTROL_BYTES_MAX, INT_MAX
from openoutcry.wire.tags import snake_case

_OPENING: Final = """\
# Messages

Every message between nodes, written by `outcry spec export --page` from the types themselves; the same as JSON:
`outcry spec export`. How they are packed, signed and refused is in [wire](wire.md).

A control message is a MessagePack array: the tag, then the fields in this order. Fields with a default may be missing
at the end; fields that a reader does not know yet follow the last one and are skipped.
"""


def messages_page(spec: Mapping[str, Any]) -> str:
    """Return the page for a specification (`spec.specification`)."""
    return "\n".join([_OPENING, *_contents(spec), *_messages(spec), *_records(spec), *_codes(spec)])


def _contents(spec: Mapping[str, Any]) -> Iterator[str]:
    yield "| tag | message | bytes at most |"
    yield "|---|---|---|"
    for message in spec["messages"]:
        yield f"| {message['tag']} | [{message['name'].upper()}](#{message['name']}) | {message['bytes_max']:,} |"
    yield ""


def _messages(spec: Mapping[str, Any]) -> Iterator[str]:
    for message in spec["messages"]:
        yield f"## {message['name'].upper()}\n"
        closed = " It never gets new fields." if message["closed"] else ""
        yield f"Tag {message['tag']}, at most {message['bytes_max']:,} bytes.{closed} {message['about']}\n"
        yield from _fields(message["fields"])


def _fields(fields: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "| field | type | default |"
    yield "|---|---|---|"
    structs: dict[str, list[Mapping[str, Any]]] = {}
    for field in fields:
        default = _default(field["default"]) if "default" in field else ""
        yield f"| {field['name']} | {_type(field, structs)} | {default} |"
    yield ""
    for name, inner in structs.items():
        yield f"Fields of {name}:\n"
        yield from _fields(inner)


def _type(field: Mapping[str, Any], structs: dict[str, list[Mapping[str, Any]]]) -> str:
    match field["type"]:
        case "int":
            return f"int, {_number(field['min'])} to {_number(field['max'])}"
        case "str":
            pattern = f", `{field['pattern']}`".replace("|", r"\|") if field["pattern"] else ""
            return f"str, {_length(field)} characters{pattern}"
        case "bytes":
            return f"bytes, {_length(field)}"
        case "enum":
            return f"{field['enum']} ([below](#enums))"
        case "array":
            return f"array of {_length(field)}: {_type(field['items'], structs)}"
        case "struct":
            if "tag" not in field:
                structs[field["struct"]] = field["fields"]
                return str(field["struct"])
            name = snake_case(field["struct"])
            return f"[{name.upper()}](#{name}), with its tag"
    return str(field["type"])


def _length(field: Mapping[str, Any]) -> str:
    low, high = field["length_min"], field["length_max"]
    return f"{high:,}" if low == high else f"{low:,} to {high:,}"


def _number(value: int) -> str:
    if value >= INT_MAX - 1:
        return f"2^63 - {INT_MAX - value + 1}"
    is_mask = value > CONTROL_BYTES_MAX and value & (value + 1) == 0
    return f"2^{value.bit_length()} - 1" if is_mask else f"{value:,}"


def _default(value: Any) -> str:
    return "empty" if value in ("", []) else f"`{value}`"


def _records(spec: Mapping[str, Any]) -> Iterator[str]:
    yield "## Records\n"
    yield "The header of a record frame, little-endian:\n"
    yield from _layout(spec["frame"]["header"])
    for record in spec["records"]:
        yield f"Kind {record['kind']}, {record['name']}: {record['bytes']} bytes each.\n"
        yield from _layout(record["fields"])


def _layout(fields: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "| offset | field | type |"
    yield "|---|---|---|"
    for field in fields:
        yield f"| {field['offset']} | {field['name']} | {field['type']} |"
    yield ""


def _codes(spec: Mapping[str, Any]) -> Iterator[str]:
    yield "## Faults\n"
    yield "Why bytes from another node are not taken; `reason` of a REFUSE; explained in [wire](wire.md#faults).\n"
    yield _members(spec["faults"]) + "\n"
    yield "## Enums\n"
    for name, members in {**spec["enums"], **spec["codes"]}.items():
        yield f"{name}: {_members(members)}\n"


def _members(members: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in members.items()) + "."
