"""The journal: every record a node has accepted, in order, on the disk before anyone is told. Rebuilds all state.

`Log` is the interface, `FileLog` the one on a disk, `FollowedLog` reads that one in another process, `MemoryLog` is the
one for simulation; `verify` checks a folder.
"""

from openoutcry.node.journal.disk import Disk
from openoutcry.node.journal.errors import Damaged, JournalError, NotAJournal, NotDurable, Stopped
from openoutcry.node.journal.file_log import FileLog
from openoutcry.node.journal.followed_log import FollowedLog
from openoutcry.node.journal.layout import RoleVersion
from openoutcry.node.journal.log import Batch, Log, Snapshot
from openoutcry.node.journal.memory_log import Crashed, CrashPoint, MemoryDisk, MemoryLog
from openoutcry.node.journal.reading import Verified, verify
from openoutcry.node.journal.settings import Settings

__all__ = [
    "Batch",
    "CrashPoint",
    "Crashed",
    "Damaged",
    "Disk",
    "FileLog",
    "FollowedLog",
    "JournalError",
    "Log",
    "MemoryDisk",
    "MemoryLog",
    "NotAJournal",
    "NotDurable",
    "RoleVersion",
    "Settings",
    "Snapshot",
    "Stopped",
    "Verified",
    "verify",
]
