"""No input makes reading a configuration crash: every answer is a configuration or one line."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.node.config.errors import LINE_CHARS_MAX, ConfigError
from openoutcry.node.config.fields import fields_of, toml
from openoutcry.node.config.positions import nesting_fault
from openoutcry.node.config.reading import Config, take
from openoutcry.node.config.source import Source
from openoutcry.node.config.tables import TABLES, PeerTable
from openoutcry.node.config.template import render
from tests.small_roles import TALLY

WHOLE = render("mule", [("stable", TALLY)], "prompt").encode()
WORDS = [
    "node",
    "name",
    "roles",
    "echo",
    "peers",
    "plugins",
    "links",
    "listen",
    "unlock",
    "true",
    "inf",
    "nan",
    "-0",
    "1",
    "1.5e9",
    "0x1f",
    "1_000",
    "07:32",
]
TOKENS = st.sampled_from(
    [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\n",
        "\r\n",
        " ",
        "#",
        '"',
        "'",
        '"""',
        "'''",
        "\\",
        "\\u0041",
        "1979-05-27T07:32:00Z",
        "é",
        "\x00",
        "\x7f",
        "\u2028",
        "9" * 5000,
        *WORDS,
    ]
)
KEYS = st.sampled_from([field.name for table in (*TABLES.values(), PeerTable) for field in fields_of(table)] + ["x"])
VALUES = st.recursive(
    st.one_of(
        st.integers(-(2**70), 2**70),
        st.booleans(),
        st.floats(),
        st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=6),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=3,
)
HEADERS = st.sampled_from(
    [f"[{table}]" for table in TABLES] + ["[[peers]]", "[roles.echo]", "[plugins.echo]", "[roles]", "[zebra]"]
)


def check(content: bytes) -> Config | str:
    """Read a file of that content; what is wrong is one line that names a line of the file."""
    try:
        return take(Source.parse("node.toml", Path(), content))
    except ConfigError as error:
        line = str(error)
        assert line.isprintable() and len(line) <= LINE_CHARS_MAX
        assert line.startswith(f"node.toml:{error.line}: ")
        assert 1 <= error.line <= content.count(b"\n") + 1
        return line


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(content: bytes) -> None:
    """Random bytes."""
    check(content)


@given(st.lists(TOKENS, max_size=30).map("".join))
def test_any_words_of_toml_are_answered(text: str) -> None:
    """What TOML is made of, in any order."""
    check(text.encode())


@given(st.data())
@settings(max_examples=200)
def test_damage_of_a_whole_configuration_is_answered(data: st.DataObject) -> None:
    """The file that `outcry init` writes, cut, and with bytes put in the place of others."""
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(content)))
        end = min(len(content), begin + data.draw(st.integers(0, 40)))
        content[begin:end] = data.draw(st.binary(max_size=4) | TOKENS.map(str.encode))
    check(bytes(content))


@given(st.lists(st.tuples(HEADERS, st.dictionaries(KEYS, VALUES, max_size=4)), max_size=4))
@settings(max_examples=300)
def test_any_values_under_any_keys_are_answered(tables: list[tuple[str, dict[str, object]]]) -> None:
    """Right tables and keys with random values of every kind that TOML has."""
    lines = ['[node]\nname = "x"\n[roles.tally]']
    for header, values in tables:
        lines += [header, *(f"{key} = {_toml(value)}" for key, value in values.items())]
    check("\n".join(lines).encode())


@given(st.integers(0, 60_000), TOKENS)
@settings(max_examples=30)
def test_a_long_run_of_anything_is_answered_without_delay(count: int, token: str) -> None:
    """One word many times over: depth, dots, quotes and digits without end."""
    text = token * min(count, 1 + 300_000 // len(token))
    nesting_fault(text)
    check(text.encode())
    check(f"a = {text}".encode())


def test_the_whole_configuration_is_one() -> None:
    """What the fuzzers damage is right as it stands."""
    assert isinstance(check(WHOLE), Config)


def _toml(value: object) -> str:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    return toml(value)
