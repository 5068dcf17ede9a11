"""Bounds of one group, with unit and reason."""

from typing import Final

from openoutcry.wire.limits import FRAME_BYTES_MAX

GROUP_BYTES_MAX: Final = 4 * 1024 * 1024
"""Frames that become one group, in bytes: a group is one write to the journal, and has to fit into a segment several
times; the longest frame alone is a quarter of it."""

GROUP_FRAMES_MAX: Final = 1_024
"""Frames that become one group. Longer groups gain nothing: the sync is shared by 256 already, and the last of them
would wait longer for its answer."""

GROUP_INPUTS_MAX: Final = 16_384
"""Messages that become one group, those in envelopes counted: a quarter of what a batch of the journal takes."""

LOCAL_ROUNDS_MAX: Final = 16
"""Groups that roles of one node may cause by sending to each other before the node looks at its links again."""

REFUSALS_MAX: Final = 8
"""Refusals that one peer is told of in one group; the others are only counted. Telling costs more than refusing."""

RETRY_NS: Final = 100 * 10**6
"""How long timers wait that were due when the journal had no room, in nanoseconds: a disk that is full stays so."""

RESTART_NS: Final = 1 << 20
"""How far a restart moves the clock of a node at least, in nanoseconds, should the machine's have stood still or run
back: the journal knows the time of its last record, and what was signed since has at most so many later sequences."""

REQUEST_LIFETIME_NS: Final = 60 * 10**9
"""How long after it was signed a request of ours counts, in nanoseconds: longer than any restart in order."""

SEGMENT_BYTES_MIN: Final = 16 * 1024 * 1024
"""Smallest segment of a node's journal, in bytes: the longest group has to fit into one. Its frames are 4 MiB, its
timers 5 MiB, and what the journal adds to each of so many records 2 MiB."""

assert FRAME_BYTES_MAX <= GROUP_BYTES_MAX
