"""At what a node was struck: what the group that it worked on was about to do."""

from collections.abc import Sequence

from openoutcry.node.core.inbox import NODE
from openoutcry.role import FRAME_TAG, TIMER_TAG, Record
from openoutcry.simulation.faults import Point
from openoutcry.simulation.outcome import CrashPlace
from openoutcry.simulation.virtual_node import VirtualNode


class Places:
    """Looks at the groups that one node appends while it is struck. Roles are asked before they apply them."""

    __slots__ = ("_node", "_seen")

    def __init__(self, node: VirtualNode) -> None:
        self._node = node
        self._seen: list[tuple[str, str]] = []

    def look(self, records: Sequence[Record]) -> None:
        """Note a group that is about to be appended, in place of the one before."""
        node = self._node
        self._seen = []
        for record in records:
            if record.role == NODE:
                continue
            name = node.casts[record.role - 1].kind.name
            self._seen.append((name, doing(node.roles[name], record, node)))

    def of(self, point: Point) -> list[CrashPlace]:
        """Return each different place once, in the order of the records."""
        return [(name, what, point) for name, what in dict.fromkeys(self._seen)]


def doing(role: object, record: Record, node: VirtualNode) -> str:
    """Say what applying a record will do: the row of the role's table where it says so, else the record's type."""
    row_of = getattr(role, "row_of", None)
    if row_of is not None:
        row = row_of(record)
        return "no row" if row is None else f"row {row}"
    if record.tag == TIMER_TAG:
        return "timer"
    return "records" if record.tag == FRAME_TAG else node.language.codec.table.names[record.tag]
