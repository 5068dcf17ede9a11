"""Every bound of a venue, with unit and reason."""

from typing import Final

SILENCE_NS: Final = 3 * 10**9
"""After so long without a word the orders of a session with cancel-on-disconnect are cancelled, in nanoseconds."""

HEARD_NS: Final = 10**8
"""A KEEP_ALIVE within so long of the last word changes nothing, in nanoseconds: a flood of them is no flood of records.
What falls silent then is seen up to so much earlier."""

KEPT_FRAMES: Final = 1_024
"""Frames of each member that are answered again when they are sent again; a power of two. 32 KiB a member."""

EVENTS_KEPT: Final = 65_536
"""Frames of events of each member that are kept to be sent again, and `EVENTS_KEPT_BYTES`, whichever is less."""

EVENTS_KEPT_BYTES: Final = 2 * 1024 * 1024
"""The same in bytes; some 30,000 events. A thousand members are 2 GiB at most."""

HEADS_NS: Final = 10**9
"""How often the heads of the feeds are told, in nanoseconds."""

PAIRS_LISTED: Final = 128
"""Pairs in one PAIRS."""
