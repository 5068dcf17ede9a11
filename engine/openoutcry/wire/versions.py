"""Which version two nodes speak, and what both can do: HELLO, answered by WELCOME or REFUSE. Pure functions."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import msgspec

from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.limits import CONTROL_BYTES_MAX, EXTENSION_TAG_MIN, FRAME_BYTES_MAX, TAG_MAX
from openoutcry.wire.messages import Hello, Refuse, Welcome
from openoutcry.wire.tags import Tag

VERSION_MIN: Final = 1
"""Oldest version that this program speaks."""

VERSION_MAX: Final = 1
"""Newest version that this program speaks."""


class Capability(IntEnum):
    """What a node can do beyond answering HELLO. Numbers are never reused; extensions take theirs from 10,000 on."""

    RECORD_FRAMES = 1
    """Takes record frames beside control messages."""
    ENVELOPES = 2
    """Takes signed requests in envelopes, and proofs from them."""
    STREAM_RESEND = 3
    """As publisher: sends missing ranges again."""
    STREAM_SNAPSHOT = 4
    """As publisher: makes snapshots for followers."""


class Offer(msgspec.Struct, frozen=True):
    """What one node says of itself in HELLO and WELCOME."""

    key: bytes
    capabilities: tuple[int, ...] = ()
    control_bytes_max: int = CONTROL_BYTES_MAX
    frame_bytes_max: int = FRAME_BYTES_MAX
    software: str = ""
    version_min: int = VERSION_MIN
    version_max: int = VERSION_MAX


class Agreed(msgspec.Struct, frozen=True):
    """What holds on a link after WELCOME. The lengths are the most that may be sent to the other node."""

    peer: bytes
    version: int
    capabilities: tuple[int, ...]
    control_bytes_max: int
    frame_bytes_max: int


def hello(own: Offer) -> Hello:
    """Return the HELLO of a node."""
    return Hello(
        own.key,
        own.version_min,
        own.version_max,
        capability_list(own.capabilities),
        own.control_bytes_max,
        own.frame_bytes_max,
        own.software,
    )


def answer(theirs: Hello, own: Offer) -> tuple[Welcome, Agreed] | Refuse:
    """Answer a HELLO: the newest version that both speak and the capabilities that both have, or a REFUSE that names
    both ranges of versions."""
    if theirs.version_min > theirs.version_max:
        detail = f"versions {theirs.version_min} to {theirs.version_max} are none"
        return Refuse(FaultCode.OUT_OF_RANGE, Tag.HELLO, detail)
    version = min(theirs.version_max, own.version_max)
    if version < max(theirs.version_min, own.version_min):
        detail = (
            f"versions {theirs.version_min} to {theirs.version_max} were offered, "
            f"{own.version_min} to {own.version_max} are spoken here"
        )
        return Refuse(FaultCode.UNKNOWN_VERSION, Tag.HELLO, detail, own.version_min, own.version_max)
    both = capability_list(set(theirs.capabilities) & set(own.capabilities))
    welcome = Welcome(own.key, version, both, own.control_bytes_max, own.frame_bytes_max, own.software)
    return welcome, Agreed(theirs.key, version, both, theirs.control_bytes_max, theirs.frame_bytes_max)


def accept(theirs: Welcome, own: Offer) -> Agreed | WireFault:
    """Take the answer to our HELLO, or say what it claims that we did not offer."""
    if not own.version_min <= theirs.version <= own.version_max:
        return fault(FaultCode.WRONG_ANSWER, f"version {theirs.version} was not offered")
    if not set(theirs.capabilities) <= set(own.capabilities):
        return fault(FaultCode.WRONG_ANSWER, "a capability that was not offered")
    both = capability_list(theirs.capabilities)
    return Agreed(theirs.key, theirs.version, both, theirs.control_bytes_max, theirs.frame_bytes_max)


def refuse(found: WireFault, about: int = 0) -> Refuse:
    """Return the REFUSE that tells the sender of a message what was wrong with it. about: its tag, or 0."""
    return Refuse(found.code, about, found.detail)


def capability_list(numbers: Sequence[int] | set[int]) -> tuple[int, ...]:
    """Return capabilities as they stand in a message: ascending, each once. Numbers are ours: asserted, not checked."""
    ordered = tuple(sorted({int(number) for number in numbers}))
    assert all(0 < number <= TAG_MAX for number in ordered), ordered
    return ordered


def capability_name(number: int) -> str:
    """Name a capability, also one that this version does not know.

    >>> capability_name(1), capability_name(9_999), capability_name(10_000)
    ('RECORD_FRAMES', 'capability 9999', 'extension 10000')
    """
    if number in Capability._value2member_map_:
        return Capability(number).name
    return f"{'extension' if number >= EXTENSION_TAG_MIN else 'capability'} {number}"
