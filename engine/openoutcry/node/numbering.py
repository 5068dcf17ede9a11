"""Which number each role of a node has in its journal: once given, a name keeps it, and no other name ever gets it."""

from collections.abc import Iterable
from pathlib import Path

from openoutcry.host.kinds import RoleKind
from openoutcry.node.core.core import NODE_ROLE
from openoutcry.node.core.states import read_state
from openoutcry.node.journal import RoleVersion, snapshots
from openoutcry.node.journal.folder import list_kept


def number_roles(kinds: Iterable[RoleKind], folder: Path | None) -> tuple[RoleVersion, ...]:
    """Return the node itself and its roles as they stand in the header of its journal, in the order of their numbers.

    folder: of the journal that there is, None for a new one. A role that the node has run before, and whose records or
    state are still kept, has its old number; a new one gets the next that was never used.
    Raises NotAJournal, Damaged, BadSnapshot.
    """
    known = {NODE_ROLE.name: NODE_ROLE.number} | (_given(folder) if folder is not None else {})
    highest = max(known.values())
    roles = [NODE_ROLE]
    for kind in sorted(kinds, key=lambda kind: kind.name):
        if kind.name not in known:
            highest += 1
            known[kind.name] = highest
        roles.append(RoleVersion(known[kind.name], kind.name, kind.version))
    return tuple(sorted(roles))


def _given(folder: Path) -> dict[str, int]:
    """Return name to number of every role that the segments and the newest snapshot know."""
    kept = list_kept(folder)
    given = {role.name: role.number for segment in kept for role in segment.header.roles}
    snapshot, _ = snapshots.newest(folder, kept[-1].header.journal)
    if snapshot is not None:
        with snapshot.content as content:
            given |= {role.name: role.number for role in read_state(content).roles}
    return given
