"""On which line of a TOML text each key stands: tomllib says what a text means, but not where.

The text is one that tomllib has taken, so this only has to find its way through, not to judge. `nesting_fault` is the
exception: it is asked first, about any text, because tomllib's own depth and effort have no bound.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys from the top, and the index of each element of an array on the way."""

NESTING_MAX: Final = 16
"""Tables and arrays inside each other, and parts of a dotted key: the deepest that a node reads is 4. tomllib recurses
for each bracket and takes quadratic time over a dotted key."""

_BASIC: Final = r'"(?:[^"\\\n]|\\[^\n])*+"'
_LITERAL: Final = r"'[^'\n]*+'"
_LONG_BASIC: Final = r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}'
_LONG_LITERAL: Final = r"'''(?:[^']++|'(?!''))*+'{3,5}"
_STRING: Final = re.compile(rf"{_LONG_BASIC}|{_LONG_LITERAL}|{_BASIC}|{_LITERAL}", re.DOTALL)
_PART: Final = re.compile(rf"[A-Za-z0-9_-]+|{_BASIC}|{_LITERAL}")
_DOT: Final = re.compile(r"[ \t]*\.[ \t]*")
_SPACE: Final = re.compile(r"[ \t]*")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR: Final = re.compile(r"[^,\]}#\r\n]*")
_TOKEN: Final = re.compile(rf"{_STRING.pattern}|[\"']|#[^\n]*|[\[\]{{}}.=,\n]", re.DOTALL)


def nesting_fault(text: str) -> int | None:
    """Return the line where brackets or dotted keys are nested deeper than `NESTING_MAX`; None where nowhere.

    Takes any text. Cost: linear, about 50 MB/s of plain text.
    """
    depth = dots = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if token[0] in "\"'":  # opened and not closed: tomllib comes no further, and looking on would be quadratic
            return None
        if first == ".":
            dots += 1
        elif first in "=,\n[{":
            dots = 0
        if first in "[{":
            depth += 1
        elif first in "]}":
            depth = max(0, depth - 1)
        if depth > NESTING_MAX or dots >= NESTING_MAX:
            return text.count("\n", 0, token.start()) + 1
    return None


def positions(text: str) -> Mapping[KeyPath, int]:
    """Return the line, from 1, of every key, table and element of a TOML text that tomllib takes.

    A table has the line of its header, or that of the first key that makes it where it has none.
    Nested at most `NESTING_MAX` deep. Cost: about 2 microseconds a key.
    """
    return _Walk(text).lines


class _Walk:
    """One pass over the text; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._counts: dict[KeyPath, int] = {}
        """Elements so far of each array of tables."""
        self._document()

    def _document(self) -> None:
        table: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self.at == len(self.text):
                return
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        line = self._line()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        keys = self._keys()
        self._skip(_SPACE)
        self.at += 2 if many else 1
        path = self._note((), keys[:-1], line)
        path = (*path, keys[-1])
        if many:
            self.lines.setdefault(path, line)
            self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, self._counts[path] - 1)
        self.lines[path] = line
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = self._note(table, self._keys(), line)
        self._skip(_SPACE)
        self.at += 1
        self._skip(_SPACE)
        self._value(path)

    def _note(self, path: KeyPath, keys: list[str], line: int) -> KeyPath:
        """Go down from a table by these keys, and note the line of those that are new."""
        for key in keys:
            path = (*path, key)
            self.lines.setdefault(path, line)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _value(self, path: KeyPath) -> None:
        opening = self.text[self.at]
        if opening == "[":
            self._list(path)
        elif opening == "{":
            self._inline(path)
        elif opening in "\"'":
            self._skip(_STRING)
        else:
            self._skip(_SCALAR)

    def _list(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self.text[self.at] == "]":
                self.at += 1
                return
            self.lines[(*path, index)] = self._line()
            self._value((*path, index))
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
            index += 1

    def _inline(self, path: KeyPath) -> None:
        self.at += 1
        while True:
            self._skip(_BLANK)
            if self.text[self.at] == "}":
                self.at += 1
                return
            self._pair(path)
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._part())
            dot = _DOT.match(self.text, self.at)
            if dot is None:
                return keys
            self.at = dot.end()

    def _part(self) -> str:
        part = self._skip(_PART)
        if part[0] not in "\"'":
            return part
        key = tomllib.loads(f"key = {part}")["key"]
        assert type(key) is str
        return key

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        assert found, (pattern.pattern, self.at)
        self.at = found.end()
        return found[0]

    def _line(self) -> int:
        return bisect_right(self._starts, self.at)
