"""Where the keys of a configuration stand: held against texts of which the writer knows it."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.node.config.positions import NESTING_MAX, KeyPath, nesting_fault, positions

KEYS = st.one_of(
    st.text("abcXYZ019_-", min_size=1, max_size=4),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=4),
    st.sampled_from(["a.b", "#", "[x]", "'", '"', "=", "", "\\", "é"]),
)
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["#", "]", "}", ",", '"""', "'''", "a\nb", "[x]\ny = 1", "\\", "\n"]),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


class Writer:
    """Writes a table as TOML in one of many ways, and notes on which line each key is."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.text = ""
        self.lines: dict[KeyPath, int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def chance(self) -> bool:
        return self.data.draw(st.booleans())

    def blank(self) -> None:
        """Something that means nothing."""
        self.text += self.data.draw(st.sampled_from(["", "", "\n", "# a [b] = 'c'\n", '  \t# """\n', "\r\n"]))

    def key(self, key: str) -> str:
        if key and set(key) <= set("abcXYZ019_-") and self.chance():
            return key
        if "'" not in key and key.isprintable() and self.chance():
            return f"'{key}'"
        return json.dumps(key).replace("\x7f", "\\u007f") if key.isascii() else escaped(key)

    def table(self, path: KeyPath, table: dict[str, Any]) -> None:
        """Write the keys of a table, then its tables with headers of their own."""
        later = []
        for key, value in table.items():
            tables = value if isinstance(value, list) else [value]
            if tables and all(isinstance(one, dict) for one in tables) and self.chance():
                later.append((key, value))
            else:
                self.blank()
                self.pair(path, key, value)
                self.text += self.data.draw(st.sampled_from(["\n", " # = [\n", "\t\r\n"]))
        for key, value in later:
            header = ".".join(self.key(str(part)) for part in (*path, key) if isinstance(part, str))
            for index, one in enumerate([value] if isinstance(value, dict) else value):
                self.blank()
                here: KeyPath = (*path, key)
                self.lines[here] = self.lines.get(here, self.line) if isinstance(value, list) else self.line
                if isinstance(value, list):
                    here = (*here, index)
                    self.lines[here] = self.line
                self.text += f"[{header}]\n" if isinstance(value, dict) else f"[[ {header} ]]\n"
                self.table(here, one)

    def pair(self, path: KeyPath, key: str, value: Any) -> None:
        self.lines[(*path, key)] = self.line
        self.text += self.key(key)
        while isinstance(value, dict) and len(value) == 1 and self.chance():
            path, (key, value) = (*path, key), next(iter(value.items()))
            self.lines[(*path, key)] = self.line
            self.text += self.data.draw(st.sampled_from([".", " . "])) + self.key(key)
        self.text += self.data.draw(st.sampled_from(["=", " = "]))
        self.value((*path, key), value)

    def value(self, path: KeyPath, value: Any) -> None:
        if isinstance(value, dict):
            self.text += "{ "
            for number, (key, one) in enumerate(value.items()):
                self.text += ", " if number else ""
                self.pair(path, key, one)
            self.text += " }"
        elif isinstance(value, list):
            self.text += "["
            for index, one in enumerate(value):
                self.blank()
                self.lines[(*path, index)] = self.line
                self.value((*path, index), one)
                self.text += " ,"
            self.blank()
            self.text += "]"
        elif isinstance(value, str):
            self.string(value)
        else:
            self.text += json.dumps(value)

    def string(self, value: str) -> None:
        plain = all(char.isprintable() or char == "\n" for char in value)
        if plain and "'" not in value and self.chance():
            self.text += f"'''\n{value}'''" if "\n" in value or self.chance() else f"'{value}'"
        elif plain and "\\" not in value and '"' not in value and self.chance():
            self.text += f'"""{chr(10) if value.startswith(chr(10)) else ""}{value}"""'
        else:
            self.text += escaped(value)


def escaped(text: str) -> str:
    """A basic string."""
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text) + '"'


def paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every path of a value but the empty one."""
    found = {path} if path else set()
    if isinstance(value, dict):
        return found.union(*(paths(one, (*path, key)) for key, one in value.items()))
    if isinstance(value, list):
        return found.union(*(paths(one, (*path, index)) for index, one in enumerate(value)))
    return found


@given(table=TABLES, data=st.data())
def test_every_key_is_found_on_the_line_on_which_it_was_written(table: dict[str, Any], data: st.DataObject) -> None:
    """Random tables, written in random ways by a writer that counts lines; tomllib reads the same table back."""
    writer = Writer(data)
    writer.table((), table)
    assert tomllib.loads(writer.text) == table
    found = positions(writer.text.replace("\r\n", "\n"))
    assert set(found) == paths(table)
    assert {path: found[path] for path in writer.lines} == writer.lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = " + "[" * NESTING_MAX + "]" * NESTING_MAX, None),
        ("a = 1\nb = " + "[" * (NESTING_MAX + 1), 2),
        ("a = [\n" * 100_000, NESTING_MAX + 1),
        ("\n" + "a." * 100_000 + "b = 1", 2),
        ("a = '" + "[" * 100 + "'", None),
        ("# " + "[" * 100 + "\na = 1", None),
        ("a = [" + "1.5, " * 100 + "]", None),
        ('"\\' * 300_000, None),
    ],
)
def test_nesting_is_bounded_before_anything_recurses(text: str, line: int | None) -> None:
    """Brackets and dotted keys at and above the bound, in texts and comments, and a text that never ends."""
    assert nesting_fault(text) == line


def test_a_table_has_the_line_of_its_header_and_not_of_the_first_mention() -> None:
    """A header below that of a table inside it."""
    text = "[a.b]\nc = 1\n[a]\nd = 2\n[[e.f]]\n[[e.f]]\n[e.f.g]\n"
    assert positions(text) == {
        ("a",): 3,
        ("a", "b"): 1,
        ("a", "b", "c"): 2,
        ("a", "d"): 4,
        ("e",): 5,
        ("e", "f"): 5,
        ("e", "f", 0): 5,
        ("e", "f", 1): 6,
        ("e", "f", 1, "g"): 7,
    }
