"""With which settings a role has applied its records. Others would come to another state in a replay.

A role's settings are no records, but what it does with a record may follow from them. So the node notes their digest in
its journal when they change, and a replay refuses to go on with settings that are not the ones of then. A clean stop
writes a snapshot, after which nothing has to be replayed: settings are changed between a stop and a start.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from openoutcry.host.kinds import Settings
from openoutcry.node.core.errors import SettingsChanged

SETTINGS_TAG: Final = 1
"""Tag of such a record of the node itself; its other ones, the marks, have that of a REQUEST."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(dict[str, bytes])


def digest(settings: Settings) -> bytes:
    """Return the SHA-256 of a role's settings, names of fields included.

    >>> digest(Settings()) == digest(Settings())
    True
    """
    return sha256(_encoder.encode(msgspec.to_builtins(settings, order="sorted"))).digest()


def encode(digests: Mapping[str, bytes]) -> bytes:
    """Return the content of the record that says with which settings what follows is applied."""
    return _encoder.encode(dict(sorted(digests.items())))


def decode(raw: bytes | memoryview) -> dict[str, bytes]:
    """Return what `encode` was given."""
    return _decoder.decode(raw)


def require_same(role: str, then: bytes | None, now: bytes) -> None:
    """Raise SettingsChanged where a role was run with other settings then, None for not at all."""
    if then is not None and then != now:
        raise SettingsChanged(
            f"the settings of role {role} are not those with which it has applied the records that have to be applied "
            "again: start the node with the old settings and stop it, which writes a snapshot; then change them"
        )
