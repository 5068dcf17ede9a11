"""The file of a configuration: its text, checked before and while it is read, and where each of its keys stands."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from openoutcry.node.config.errors import ConfigError, printable
from openoutcry.node.config.positions import NESTING_MAX, KeyPath, nesting_fault, positions

CONFIG_BYTES_MAX: Final = 1 << 20
"""Longest configuration, in bytes: a thousand peers need a quarter of it."""

NO_FILE: Final = ("is a folder, pipe or device", "a file", "name the TOML file, such as node.toml")

OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH

DIGITS_MAX: Final = re.compile(r"[0-9][0-9_]{4000,}")
"""Python refuses to read longer numbers, without saying where."""

SYNTAX: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("Expected '=' after a key", "a key without a value", "KEY = VALUE", "a comment begins with #"),
    ("Expected '='", "an inline table with a key without a value", "KEY = VALUE", "close the inline table with }"),
    ("Expected ']", "a header is not closed", "[TABLE]", "close it with ]"),
    ("Invalid statement", "neither a key nor a table", "KEY = VALUE or [TABLE]", "a comment begins with #"),
    ("Invalid initial character", "no key", "letters, digits, _ and -", "put a key of other letters in quotes"),
    ("Invalid value", "no value", "a text in quotes, a number, true, false or [ ]", 'as in name = "echo"'),
    ("Expected newline", "something follows a value", "the end of the line", "text stands in quotes"),
    ("Cannot overwrite", "a key that is there already", "each key once", "remove one of the two"),
    ("Cannot declare", "a table that is there already", "each table once", "join what stands below the headers"),
    ("Cannot mutate", "a table that is complete already", "each table once", "write all of its keys in one place"),
    ("Duplicate inline", "a key that is there already", "each key once", "remove one of the two"),
    ("Unclosed array", "an array is not closed", "a comma or ]", "close it with ]"),
    ("Unclosed inline", "an inline table is not closed", "a comma or }", "close it with }"),
    ("Unescaped", "a backslash that escapes nothing", "\\\\, or the text in single quotes", "as in 'C:\\path'"),
    ("Illegal character '\\n'", "a text does not end on its line", "a quote", "close it"),
    ("Unterminated", "a text does not end", "a quote", "close it"),
    ("Expected", "a text does not end", "a quote", "close it"),
)
"""How what tomllib says begins, to what is wrong, what was expected and what to do."""

SYNTAX_ELSE: Final = ("TOML", "its rules are at https://toml.io")


class Source:
    """A configuration's text and its values, not yet looked at. name: as the operator called it."""

    def __init__(self, name: str, folder: Path, text: str) -> None:
        """Read a text. Raises ConfigError where it is no TOML."""
        self.name = name
        self.folder = folder
        deep = nesting_fault(text)
        if deep is not None:
            raise ConfigError(name, deep, f"nested more than {NESTING_MAX} deep", "tables of plain keys")
        try:
            self.values: Mapping[str, Any] = tomllib.loads(text)
        except ValueError as error:
            raise _syntax_error(name, text, error) from error
        self._lines = positions(text.replace("\r\n", "\n"))

    @classmethod
    def read(cls, path: Path) -> "Source":
        """Read a file. Raises ConfigError for one that is not there, not text, too long, or that others may change."""
        name = str(path)
        try:
            with open(path, "rb", opener=_open_file) as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise ConfigError(name, 1, *NO_FILE)
                if found.st_mode & OTHERS_WRITE:
                    mode = stat.S_IMODE(found.st_mode)
                    raise ConfigError(
                        name,
                        1,
                        f"its mode is {mode:04o}: others may change what runs with the node's keys",
                        "0644 or less",
                        f"run chmod {mode & ~OTHERS_WRITE & 0o777:o} {name}",
                    )
                content = file.read(CONFIG_BYTES_MAX + 1)
        except IsADirectoryError as error:
            raise ConfigError(name, 1, *NO_FILE) from error
        except FileNotFoundError as error:
            raise ConfigError(name, 1, "no such file", "", "write one with `outcry init ROLE`") from error
        except (OSError, ValueError) as error:
            what = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise ConfigError(name, 1, f"cannot be read: {what}", "", "see who owns it, and its mode") from error
        return cls.parse(name, path.parent, content)

    @classmethod
    def parse(cls, name: str, folder: Path, content: bytes) -> "Source":
        """Read the bytes of a file. Raises ConfigError. Cost: 2 ms for a hundred keys."""
        if len(content) > CONFIG_BYTES_MAX:
            line = content.count(b"\n", 0, CONFIG_BYTES_MAX) + 1
            raise ConfigError(name, line, "the file goes on", f"at most {CONFIG_BYTES_MAX} bytes")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            what = f"byte {content[error.start]:#04x} is no text"
            raise ConfigError(name, line, what, "UTF-8", "save the file as UTF-8") from error
        return cls(name, folder, text)

    def line(self, path: KeyPath) -> int:
        """Return the line of a key, or of the nearest table around it that the file has; 1 where it has none."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 1

    def error(self, path: KeyPath, what: str, expected: str = "", hint: str = "") -> ConfigError:
        """Return what is wrong at a key, to be raised."""
        return ConfigError(self.name, self.line(path), what, expected, hint)

    def place(self, path: str) -> Path:
        """Return where a path of this configuration leads: a relative one begins at the folder of the file."""
        return self.folder / path


def shown(path: KeyPath) -> str:
    """Return a key as a reader finds it: the table in brackets, then its key.

    >>> shown(("links", "listen")), shown(("peers", 0, "key")), shown(("roles", "echo", "x")), shown(("links",))
    ('links.listen', 'peers[1].key', 'roles.echo.x', 'links')
    """
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{printable(part, 40)}" if text else printable(part, 40)
    return text


def _open_file(path: str, flags: int) -> int:
    """Without O_NONBLOCK a named pipe in place of the file would wait for ever."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _syntax_error(name: str, text: str, error: ValueError) -> ConfigError:
    """Put what tomllib says into one line."""
    said = str(error)
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", said)
    if found is None:  # not about TOML, but about a number that Python does not take
        number = DIGITS_MAX.search(text)
        line = text.count("\n", 0, number.start()) + 1 if number else 1
        return ConfigError(name, line, "a number has too many digits", "at most 19 digits")
    end = text.rstrip()
    line = int(found[1]) if found[1] else end.count("\n") + 1
    what = said[: found.start()]
    for begin, wrong, expected, hint in SYNTAX:
        if what.startswith(begin):
            return ConfigError(name, line, wrong, expected, hint)
    return ConfigError(name, line, what[:1].lower() + what[1:], *SYNTAX_ELSE)
