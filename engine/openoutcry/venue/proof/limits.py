"""Every bound of the proof of order, with its unit and its reason."""

from typing import Final

SIGN_NS: Final = 100_000_000
"""A member signs its chain at least so often while it sends commands, in nanoseconds."""

SIGN_RUNS_MAX: Final = 256
"""Runs between two signatures of a member: a proof lists the leaves of those that follow the order, 34 bytes each."""

OVERDUE_NS: Final = 1_000_000_000
"""A member that has not signed for so long is behind: ten signatures were due."""

HEAD_NS: Final = 10_000_000
"""A venue signs at most one head in this time, in nanoseconds: 100 signatures a second are 1.5 ms of work."""

HEAD_RUNS_MAX: Final = 16_384
"""Runs under one head: a path has 14 hashes at most; in 10 ms that is 1.6 million runs a second."""

KEPT_RUNS_MAX: Final = 65_536
"""Runs whose receipts a venue gives from memory, 300 bytes each; older ones are built from its journal."""

PATH_MAX: Final = 16
"""Hashes of a path under a head, or in the tree of a run: the depth of a tree of 65,536 leaves."""

SHOWN_RECORDS_MAX: Final = 256
"""Commands of a run that a proof shows whole; of a longer one a path is shown."""

SEALED_NS: Final = 100_000_000
"""The content of a sealed command comes within this time of its receipt, in nanoseconds."""

SEALED_WAITING_MAX: Final = 4_096
"""Sealed commands of a pair that wait for their content, of all members."""

FEE_UNITS_MAX: Final = 2**62
"""Largest fee of one side of a match, paid or received, in units of the quote instrument."""

WAIT_NS: Final = 1_000_000_000
"""How long a venue may take for an answer before a session file counts it as withheld: a hundred heads."""
