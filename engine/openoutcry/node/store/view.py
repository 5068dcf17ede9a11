"""What a view belongs to, and the table in which it says so."""

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

OWN_TABLE: Final = "openoutcry_view"
"""The one table that is not the role's; roles cannot reach it."""

OWN_SCHEMA: Final = f"""
CREATE TABLE {OWN_TABLE} (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    role TEXT NOT NULL,
    version INTEGER NOT NULL,
    tables BLOB NOT NULL,
    journal BLOB NOT NULL,
    applied_sequence INTEGER NOT NULL CHECK (applied_sequence >= 0)
)"""


@dataclass(frozen=True, slots=True)
class View:
    """What a view is of; one of anything else is deleted and made anew.

    role, version: name and version of the role. tables: the statements that make its tables, `RoleKind.tables`.
    journal: the 16-byte id of the journal.
    """

    role: str
    version: int
    tables: str
    journal: bytes

    @property
    def digest(self) -> bytes:
        """Of the statements, as they are written: a comment that changes makes a new view, which is only work."""
        return hashlib.sha256(self.tables.encode()).digest()

    @property
    def statements(self) -> Iterator[str]:
        """The statements one by one; behind the last one there may be no semicolon."""
        begun = ""
        for part in re.split("(?<=;)", self.tables):
            begun += part
            if sqlite3.complete_statement(begun):
                yield begun
                begun = ""
        if begun.strip():
            yield begun
