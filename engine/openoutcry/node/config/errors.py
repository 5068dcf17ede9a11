"""What is wrong with a configuration, in one line."""

from typing import Final

LINE_CHARS_MAX: Final = 1_000
"""Longest line of an error. What a file says is shortened before; this holds where a library says more."""


class ConfigError(Exception):
    """A mistake that the operator can put right: `FILE:LINE: what: expected ...; suggestion`.

    The text is one line of at most `LINE_CHARS_MAX` printable characters, whatever the file holds. `line` counts
    from 1.
    """

    def __init__(self, name: str, line: int, what: str, expected: str = "", hint: str = "") -> None:
        """name: the file as the operator called it. what: the mistake. expected: what would be right, after the word
        "expected". hint: what to do.
        """
        text = what
        if expected:
            text += f": expected {expected}"
        if hint:
            text += f"; {hint}"
        super().__init__(printable(f"{name}:{line}: {text}", LINE_CHARS_MAX))
        self.line = line


def printable(text: str, chars_max: int) -> str:
    """Return text as one line of printable characters, shortened in the end.

    >>> printable("two\\nlines", 20), printable("long" * 9, 12)
    ('two lines', 'longlonglon…')
    """
    shown = "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)
    return shown if len(shown) <= chars_max else shown[: chars_max - 1] + "…"
