"""Statements about keys as files: one frame of a SIGNED each, which `outcry tap` shows. They are no secrets."""

from pathlib import Path
from typing import Final, TypeAlias

from openoutcry.node.keys.errors import BadStatement, shown
from openoutcry.node.keys.files import PUBLIC_MODE, read_public, replace
from openoutcry.node.keys.layout import STATEMENT_FRAME_BYTES_MAX
from openoutcry.wire.codec import Codec
from openoutcry.wire.ed25519 import Ed25519Verifier
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.key_statements import KeyRevocation, KeyRotation, read_key_revocation, read_key_rotation
from openoutcry.wire.signed import Signed
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import snake_case

Statement: TypeAlias = KeyRotation | KeyRevocation

ROTATION_SUFFIX: Final = ".rotation"
REVOCATION_SUFFIX: Final = ".revocation"

_codec: Final = Codec(MESSAGES)
_verifier: Final = Ed25519Verifier()
_revocation_name: Final = snake_case(KeyRevocation.__name__)


def read_statement(frame: bytes) -> Statement | WireFault:
    """Return what a frame says of a key, signed by whom it must be, or why it says nothing. 0.1 ms."""
    signed = _codec.decode(frame, STATEMENT_FRAME_BYTES_MAX)
    if isinstance(signed, WireFault):
        return signed
    if not isinstance(signed, Signed):
        return fault(FaultCode.WRONG_TYPE, f"a {snake_case(type(signed).__name__)} in place of a signed statement")
    read = read_key_revocation if signed.name == _revocation_name else read_key_rotation
    return read(signed, _codec, _verifier)


def read_statement_file(path: Path) -> Statement:
    """Return what a file says of a key. Raises `KeysError`."""
    frame = read_public(path, STATEMENT_FRAME_BYTES_MAX, "name the file of a statement, or drop it")
    found = read_statement(frame)
    if isinstance(found, WireFault):
        raise BadStatement(f"{shown(path)} is no statement about a key ({found}): get it anew from who made it")
    return found


def statement_path(keystore: Path, statement: Statement) -> Path:
    """Return the file beside a keystore that a statement is written to."""
    if isinstance(statement, KeyRotation):
        return keystore.with_name(f"{keystore.name}.{statement.sequence}{ROTATION_SUFFIX}")
    return keystore.with_name(f"{keystore.name}.{statement.key.hex()[:16]}{REVOCATION_SUFFIX}")


def write_statement(keystore: Path, statement: Statement, frame: bytes) -> Path:
    """Write a statement beside its keystore and return the file. Raises `KeysError`."""
    path = statement_path(keystore, statement)
    replace(path, frame, PUBLIC_MODE)
    return path
