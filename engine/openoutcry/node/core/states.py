"""What a snapshot of a node holds: its clock, its high-water marks, and the state of each role.

    8 bytes magic | 4 bytes length of the index | index (MessagePack) | state, state, ...

The index gives clock, floor and marks, with which settings each role has applied what it has, and for each role its
number, name, version and the length of its state. States of roles that a node no longer runs are kept as they are:
they are somebody's holdings.
"""

import io
import struct
from typing import BinaryIO, Final, NamedTuple

import msgspec

from openoutcry.node.core.errors import BadSnapshot
from openoutcry.role import Role
from openoutcry.wire.limits import HIGH_WATER_SENDERS_MAX

MAGIC: Final = b"OUTCRYN1"
LENGTH: Final = struct.Struct("<I")
INDEX_BYTES_MAX: Final = 128 * HIGH_WATER_SENDERS_MAX + 65_536
"""Longest index, in bytes: a mark takes 32 bytes of key and at most 18 of numbers; roles take the rest."""


class RoleState(NamedTuple):
    """The state of one role, as it wrote it."""

    number: int
    name: str
    version: int
    state: bytes


class NodeState(NamedTuple):
    """All that a node knows.

    marks: sender to sequence and expiry, as `HighWater.dump` gives them. settings: role to the digest of its settings.
    """

    clock_ns: int
    floor_ns: int
    marks: dict[bytes, tuple[int, int]]
    settings: dict[str, bytes]
    roles: tuple[RoleState, ...]


class _Index(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    clock_ns: int
    floor_ns: int
    marks: list[tuple[bytes, int, int]]
    settings: list[tuple[str, bytes]]
    roles: list[tuple[int, str, int, int]]


def write_state(state: NodeState, out: BinaryIO) -> None:
    """Write a state; the same one gives the same bytes."""
    marks = [(sender, *mark) for sender, mark in sorted(state.marks.items())]
    roles = [(role.number, role.name, role.version, len(role.state)) for role in state.roles]
    index = msgspec.msgpack.encode(_Index(state.clock_ns, state.floor_ns, marks, sorted(state.settings.items()), roles))
    out.write(MAGIC + LENGTH.pack(len(index)) + index)
    for role in state.roles:
        out.write(role.state)


def read_state(source: BinaryIO) -> NodeState:
    """Read what `write_state` wrote. Raises BadSnapshot for anything else."""
    start = source.read(len(MAGIC) + LENGTH.size)
    if start[: len(MAGIC)] != MAGIC or len(start) != len(MAGIC) + LENGTH.size:
        raise BadSnapshot("it does not begin as the state of a node")
    (size,) = LENGTH.unpack_from(start, len(MAGIC))
    if size > INDEX_BYTES_MAX:
        raise BadSnapshot(f"its index has {size} bytes, at most {INDEX_BYTES_MAX} are read")
    try:
        index = msgspec.msgpack.decode(source.read(size), type=_Index)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSnapshot(f"its index cannot be read: {error}") from error
    roles = []
    for number, name, version, length in index.roles:
        state = source.read(length) if length >= 0 else b""
        if len(state) != length:
            raise BadSnapshot(f"the state of role {name} is cut off: {len(state)} bytes of {length}")
        roles.append(RoleState(number, name, version, state))
    if source.read(1):
        raise BadSnapshot("something follows the state of its last role")
    marks = {sender: (sequence, expiry_ns) for sender, sequence, expiry_ns in index.marks}
    return NodeState(index.clock_ns, index.floor_ns, marks, dict(index.settings), tuple(roles))


def bytes_of(role: Role) -> bytes:
    """Return the state of a role."""
    out = io.BytesIO()
    role.snapshot(out)
    return out.getvalue()
