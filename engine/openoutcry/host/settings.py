"""What a node's configuration says about one plugin, and the bounds of a call."""

from typing import Annotated, Any, Final, TypeAlias

import msgspec

DEADLINE_MS: Final = 100
"""How long a check may take unless the configuration says otherwise, in ms. One of 256 commands takes 0.1 ms."""

HANG_MS: Final = 5_000
"""From when on a check counts as one that will not come back, in ms: a machine that swaps delays everyone by less."""

LOAD_MS: Final = 20_000
"""How long a plugin may take to be imported and asked what it brings, in ms: numpy takes 0.2 s, compiling seconds."""

LOAD_HANG_FACTOR: Final = 3
"""A trusted plugin that takes so many times `load_ms` to load will not come back."""

MS_MAX: Final = 3_600_000
"""The longest time that can be given, an hour in ms."""

MEMORY_MB: Final = 1_024
"""Address space of a plugin's own process, in MiB, unless the configuration says otherwise; numpy takes 110 of it."""

MEMORY_MB_MIN: Final = 256
MEMORY_MB_MAX: Final = 2**20

Ms: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MS_MAX)]


class PluginSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table of one plugin in the configuration of a node.

    trusted: its code may run in the node itself; otherwise its checks run in a process of their own, and it can bring
    no role. required: orders are refused where its check gives no answer. off: not loaded, as if it were not named.
    deadline_ms: for one call. hang_ms: from when on a call counts as one that will not come back; the deadline where
    that is longer. load_ms: for loading it. memory_mb: address space of the process of its own. settings: its own,
    checked by it.
    """

    trusted: bool = False
    required: bool = False
    off: bool = False
    deadline_ms: Ms = DEADLINE_MS
    hang_ms: Ms = HANG_MS
    load_ms: Ms = LOAD_MS
    memory_mb: Annotated[int, msgspec.Meta(ge=MEMORY_MB_MIN, le=MEMORY_MB_MAX)] = MEMORY_MB
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
