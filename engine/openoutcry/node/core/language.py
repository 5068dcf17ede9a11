"""What a node understands: the tag table and record kinds of its roles, and which of them gets what."""

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from openoutcry.host.kinds import RoleKind
from openoutcry.wire.codec import Codec
from openoutcry.wire.frames import KINDS, RecordTable
from openoutcry.wire.messages import Hello, Welcome
from openoutcry.wire.requests import Envelope, Request
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import tag_of

Thing = TypeVar("Thing")

OWN: Final = (Hello, Welcome, Envelope, Request)
"""What the node itself takes: no role may."""

OWN_TAGS: Final = frozenset(tag_of(type_) for type_ in OWN)


class Language:
    """Codec, record table, and routes: tag or record kind to the number of a role. Immutable; may be shared."""

    __slots__ = ("codec", "frame_routes", "records", "routes", "type_routes")

    def __init__(self, kinds: Mapping[int, RoleKind]) -> None:
        """kinds: role number to kind. Raises ValueError for what two roles take, or one takes that nobody brings."""
        self.codec = Codec(MESSAGES.extended(_distinct(kind.messages for kind in kinds.values())))
        self.records: RecordTable = KINDS.extended(_distinct(kind.records for kind in kinds.values()))
        self.routes: dict[int, int] = {}
        self.frame_routes: dict[int, int] = {}
        for number, kind in kinds.items():
            for tag in sorted(kind.takes):
                if tag in OWN_TAGS or tag not in self.codec.table.types:
                    raise ValueError(f"role {kind.name} takes tag {tag}, which no message of its has")
                _claim(self.routes, tag, number, kinds, f"tag {tag} ({self.codec.table.names[tag]})")
            for record_kind in sorted(kind.takes_records):
                if record_kind not in self.records.kinds:
                    raise ValueError(f"role {kind.name} takes record kind {record_kind}, which nobody brings")
                what = f"records of kind {record_kind} ({self.records.kinds[record_kind].name})"
                _claim(self.frame_routes, record_kind, number, kinds, what)
        self.type_routes = {type_: (tag, self.routes.get(tag)) for tag, type_ in self.codec.table.types.items()}
        """Message type to its tag and to the role that takes it."""


def _claim(routes: dict[int, int], what: int, number: int, kinds: Mapping[int, RoleKind], words: str) -> None:
    other = routes.setdefault(what, number)
    if other != number:
        raise ValueError(f"roles {kinds[other].name} and {kinds[number].name} both take {words}: run them in two nodes")


def _distinct(groups: Iterable[Iterable[Thing]]) -> list[Thing]:
    """Return everything once: two roles of one plugin may bring the same types."""
    return list(dict.fromkeys(one for group in groups for one in group))
