"""What a node knows of the keys of others: which no longer count, and which took the place of which."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from openoutcry.domain.limits import TIME_NS_MAX
from openoutcry.node.keys.errors import BadStatement, SystemRefuses, shown
from openoutcry.node.keys.files import system_error
from openoutcry.node.keys.layout import IDENTITIES_MAX
from openoutcry.node.keys.statements import REVOCATION_SUFFIX, ROTATION_SUFFIX, Statement, read_statement_file
from openoutcry.wire.fields import KeyId
from openoutcry.wire.key_statements import KeyRevocation, KeyRotation

STATEMENT_FILES_MAX: Final = 4_096
"""Statements that a node is given: reading them all takes half a second."""

CHAIN_MAX: Final = IDENTITIES_MAX - 1
"""Rotations from one key to the next that are followed: a keystore makes no more."""


class _Told(NamedTuple):
    """A statement, and where it stands."""

    statement: Statement
    path: Path


class Revocations:
    """Rotations and revocations that were signed as they must be and go together. Immutable.

    rotations: old key to what took its place. revocations: key to when it ceased to count.
    """

    __slots__ = ("revocations", "rotations")

    def __init__(
        self, rotations: Mapping[KeyId, KeyRotation] | None = None, revocations: Mapping[KeyId, int] | None = None
    ) -> None:
        """The statements are taken as they are; `load_revocations` checks them."""
        self.rotations = MappingProxyType(dict(rotations or {}))
        self.revocations = MappingProxyType(dict(revocations or {}))

    def is_revoked(self, key: KeyId, now_ns: int) -> bool:
        """Tell whether a key was given up by now. One that was only rotated still counts."""
        from_ns = self.revocations.get(key)
        return from_ns is not None and from_ns <= now_ns

    def successor(self, key: KeyId, now_ns: int = TIME_NS_MAX) -> KeyId | None:
        """Return the key that a node goes on under, the last one of the chain; None where nothing took its place.

        now_ns: only rotations that hold by then are followed. One made when the key was already revoked does not
        count: whoever stole the key could have made it.
        """
        last = key
        for _ in range(CHAIN_MAX):
            rotation = self.rotations.get(last)
            if rotation is None or rotation.from_ns > now_ns or self.is_revoked(last, rotation.from_ns):
                break
            last = rotation.new
        return None if last == key else last


def load_revocations(paths: Iterable[Path]) -> Revocations:
    """Read statements: files, and folders with files named *.rotation and *.revocation.

    Raises `KeysError` for a file that is no statement, for two rotations of one key to different keys, for a chain that
    comes back to itself, is longer than `CHAIN_MAX` or whose sequence does not grow.
    """
    rotations: dict[KeyId, _Told] = {}
    revocations: dict[KeyId, int] = {}
    files = _files(paths)
    for path in files:
        statement = read_statement_file(path)
        if isinstance(statement, KeyRevocation):
            revocations[statement.key] = min(statement.from_ns, revocations.get(statement.key, TIME_NS_MAX))
            continue
        known = rotations.setdefault(statement.old, _Told(statement, path))
        if known.statement != statement:
            raise BadStatement(
                f"{shown(path)} and {shown(known.path)} both rotate key {statement.old.hex()[:16]}: ask its owner "
                "which of them holds, and drop the other"
            )
    found = {key: told.statement for key, told in rotations.items() if isinstance(told.statement, KeyRotation)}
    for key in found:
        _check_chain(key, found, rotations)
    return Revocations(found, revocations)


def _check_chain(key: KeyId, found: Mapping[KeyId, KeyRotation], told: Mapping[KeyId, _Told]) -> None:
    rotation = found[key]
    for _ in range(CHAIN_MAX):
        following = found.get(rotation.new)
        if following is None:
            return
        if following.sequence <= rotation.sequence:
            raise BadStatement(
                f"{shown(told[following.old].path)} follows {shown(told[rotation.old].path)}, but its sequence is not "
                "larger: drop the one that its owner did not make"
            )
        rotation = following
    raise BadStatement(
        f"{shown(told[key].path)} begins a chain of more than {CHAIN_MAX} rotations: name the node's present key in "
        "the configuration, and drop the old statements"
    )


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                files += sorted(
                    entry for entry in path.iterdir() if entry.suffix in (ROTATION_SUFFIX, REVOCATION_SUFFIX)
                )
            else:
                files.append(path)
        except OSError as error:
            raise system_error(path, error) from None
        if len(files) > STATEMENT_FILES_MAX:
            raise SystemRefuses(f"{shown(path)}: more than {STATEMENT_FILES_MAX} statements: drop those of the past")
    return files
