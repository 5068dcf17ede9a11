"""Bounds of market data, each with its unit and its reason."""

from typing import Final

RETAINED_ITEMS_MAX: Final = 4_096
"""Frames of one stream that a venue keeps for those who missed some: seconds of a busy pair. Who has been away for
longer takes a snapshot, which is smaller by then."""

L3_RETAINED_BYTES_MAX: Final = 16 * 1024 * 1024
"""The same in bytes, for level 3."""

RETAINED_BYTES_MAX: Final = 2 * 1024 * 1024
"""The same in bytes, for each of the other streams of a pair."""

INDICATION_INTERVAL_NS: Final = 250_000_000
"""Least time between two indications of one pair, in nanoseconds: each is a pass over all orders that collect."""

TAPE_TRADES_MAX: Final = 10_000
"""Trades that a tape remembers unless its owner says otherwise: half a megabyte."""

LEVELS_MAX: Final = 2**20
"""Levels of one pair that a follower of level 2 keeps: a hundred megabytes. A venue that shows more is not followed."""

CONFLATED_KEYS_MAX: Final = 16_384
"""Levels that wait for one slow reader; one more, and it is told to begin anew from a snapshot. Half a megabyte."""

QUEUED_BYTES_MAX: Final = 4 * 1024 * 1024
"""Frames that wait for one slow reader of a stream that cannot be conflated, in bytes; beyond it the reader is cut."""

QUEUED_FRAMES_MAX: Final = 4_096
"""The same in frames, since a frame of one record costs more than its bytes."""
