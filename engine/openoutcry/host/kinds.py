"""What a plugin brings: kinds of roles, scenarios in which simulation runs them, readers. Values, without behaviour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from openoutcry.moves import Machine
from openoutcry.replay.flow import Flow
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source
from openoutcry.role import Ports, Role
from openoutcry.wire.fields import KeyId
from openoutcry.wire.frames import RecordKind
from openoutcry.wire.tags import MessageType


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of a role's table in the node's configuration. Every field has a default or has to be given there."""


class Answers(Protocol):
    """What a role may ask of the plugins that its node has loaded; each question is a hook."""

    def check_orders(
        self, commands: NDArray[np.void], last_ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.int16] | None:
        """Ask every order check about a group of COMMAND records; in `admit`, never in `apply`.

        last_ticks: the last price of each command's pair, in ticks, 0 for none; None from a role that keeps no book.
        Returns one reject code for each command, 0 for none: that of the first check, by its stated key, that objects.
        None where no check is loaded. Never raises, and returns within the deadlines of the checks.
        """
        ...


@dataclass(frozen=True, slots=True)
class RoleKind:
    """A kind of role: what a node has to know to run one.

    name: as in the configuration, `[a-z][a-z0-9_]*`. version: of its records and its state, from 1. summary: one line.
    messages, records: the types that belong to it; they enter the tag tables of a node that runs it, and of `outcry
    tap` where it is installed. takes: the tags that it is given, its own or the wire's; no two roles of a node take the
    same. takes_records: the same for record kinds. settings: the type of its table in the configuration. make: makes
    one from its settings, its ports and what it may ask of other plugins. tables: statements that make its view, one
    string with all of them, "" for a role without one. machines: its transition tables.
    """

    name: str
    version: int
    summary: str
    make: Callable[[Any, Ports, Answers], Role]
    settings: type[Settings] = Settings
    messages: tuple[MessageType, ...] = ()
    records: tuple[RecordKind, ...] = ()
    takes: frozenset[int] = frozenset()
    takes_records: frozenset[int] = frozenset()
    tables: str = ""
    machines: tuple[Machine[Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Cast:
    """One role of one node in a scenario."""

    kind: RoleKind
    settings: Settings


@dataclass(frozen=True, slots=True)
class Scenario:
    """A small market for simulation: which nodes there are, what must always hold, and when all is settled.

    nodes: gives, from node name to key, each node's roles; names as in `names`. Load comes from roles that make it:
    a scenario's clients are nodes too. names: of the nodes, in a stated order. broken: from the roles of all nodes,
    node name to role name to role, whatever is not as it must be now; asked after every group of every node, while
    some of them may be down (those are left out). unsettled: the same, asked when the network is whole again: what is
    not yet settled; "all ended" is an empty list.
    """

    name: str
    summary: str
    names: tuple[str, ...]
    nodes: Callable[[Mapping[str, KeyId]], Mapping[str, Sequence[Cast]]]
    broken: Callable[[Mapping[str, Mapping[str, Role]]], list[str]]
    unsettled: Callable[[Mapping[str, Mapping[str, Role]]], list[str]]


@dataclass(frozen=True, slots=True)
class ReplayReader:
    """A reader of recorded order flow, as those of `openoutcry.replay.readers`.

    name: as `--reader` takes it, `[a-z][a-z0-9_]*`. reads: what it reads, in words. knows: says from a file's name and
    its first bytes whether it is of the format. read: reads a recording; raises ReplayError for what is damaged.
    """

    name: str
    reads: str
    knows: Callable[[str, bytes], bool]
    read: Callable[[Source, Options], Flow]
