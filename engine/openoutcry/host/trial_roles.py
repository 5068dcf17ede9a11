"""What can be said of a role before it runs in a node: it can be made, gives its state away and takes it back."""

import hashlib
import io
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing

import msgspec

from openoutcry.host.account import words_of
from openoutcry.host.kinds import RoleKind
from openoutcry.host.plugins import Plugins
from openoutcry.role import NOBODY, Effects, Store, Value
from openoutcry.wire.fields import KeyId
from openoutcry.wire.signed import Signed


class TrialStore:
    """A view in memory, in place of a node's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Value] = ()) -> Iterable[tuple[Value, ...]]:
        """As `Store.execute`."""
        return self._connection.execute(statement, values).fetchall()

    def execute_many(self, statement: str, values: Iterable[Sequence[Value]]) -> None:
        """As `Store.execute_many`."""
        self._connection.executemany(statement, values)


class TrialPorts:
    """The ports of a node that nobody runs."""

    number = 1
    own: KeyId = NOBODY

    def __init__(self, store: Store | None) -> None:
        self.store = store

    def verify(self, signed: Signed) -> bool:
        """No signature is good here."""
        return False

    def secret(self, path: str) -> bytes:
        """As a node's: the same for one path."""
        return hashlib.sha256(path.encode()).digest()


def try_role(kind: RoleKind) -> tuple[list[str], str | None]:
    """Make a role and look at it. Return what was found right, and what is wrong, None for nothing."""
    try:
        settings = msgspec.convert({}, kind.settings)
    except msgspec.ValidationError as error:
        return [f"it was not made, since it needs settings: {error}"], None
    right: list[str] = []
    try:
        with closing(sqlite3.connect(":memory:")) as first, closing(sqlite3.connect(":memory:")) as second:
            return right, _fault(kind, settings, (first, second), right)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return right, words_of(error)


def _fault(
    kind: RoleKind, settings: object, views: tuple[sqlite3.Connection, sqlite3.Connection], right: list[str]
) -> str | None:
    stores = [TrialStore(view) if kind.tables else None for view in views]
    for view in views:
        view.executescript(kind.tables)
    role = kind.make(settings, TrialPorts(stores[0]), Plugins())
    if (role.name, role.version) != (kind.name, kind.version):
        return f"is {role.name} of version {role.version}, and its kind says {kind.name} of version {kind.version}"
    right.append("made with the settings as they are")
    if not isinstance(role.resume(), Effects):
        return "resume answered no Effects"
    broken = role.check()
    if broken:
        return f"check found something broken in a new one: {broken[0]}"
    right.append("resumed, nothing broken")
    states = [io.BytesIO(), io.BytesIO()]
    role.snapshot(states[0])
    other = kind.make(settings, TrialPorts(stores[1]), Plugins())
    other.restore(io.BytesIO(states[0].getvalue()))
    other.snapshot(states[1])
    if states[0].getvalue() != states[1].getvalue():
        return "another one that took its snapshot over gives another snapshot"
    right.append(f"snapshot of {len(states[0].getvalue())} bytes taken over by another one, which gives the same bytes")
    return None
