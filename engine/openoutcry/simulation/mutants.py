"""Mutants of a role, made from its transition table: each has one thing wrong, and the simulator has to find it.

For each row of the table: one guard is skipped; two neighbouring actions are swapped; the deadline is a nanosecond
longer; what takes the row is applied and not kept in the journal; what the row sends (where it has actions, for nothing
else sends) leaves before the journal is written. A mutant that no run finds is a survivor: either a run is missing, or
the row does not need what was changed, and then a test says why.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol, runtime_checkable

from openoutcry.host.kinds import RoleKind, Scenario
from openoutcry.moves import Machine, Move
from openoutcry.node.core.core import Core
from openoutcry.node.core.language import Language
from openoutcry.node.core.parts import Identity, Part
from openoutcry.node.core.traffic import Outgoing
from openoutcry.node.journal import MemoryLog
from openoutcry.role import Record
from openoutcry.simulation.crash_points import DOWN_NS, crashes, pairs_of_crashes
from openoutcry.simulation.faults import Fault
from openoutcry.simulation.options import DEFAULT, Options
from openoutcry.simulation.outcome import Outcome
from openoutcry.simulation.scenarios import recast
from openoutcry.simulation.virtual_node import NO_PLUGINS, Leave
from openoutcry.simulation.world import simulate

FIRST_SEEDS: Final = 8
"""Seeds that come before the crash points: most mutants are found by one of them, in a second."""

SLACK_NS: Final = 1
"""What a deadline is widened by: the smallest unit of time there is."""


class Change(StrEnum):
    """What is wrong with a mutant."""

    SKIP = "skips a guard"
    SWAP = "swaps two actions"
    WIDEN = "widens a deadline"
    UNKEPT = "is not kept in the journal"
    EARLY = "sends before it is kept"


@dataclass(frozen=True, slots=True)
class Mutant:
    """machine: name of the table. row: number of the row that is changed. detail: which guard or actions."""

    machine: str
    row: int
    move: Move
    change: Change
    detail: str
    moves: tuple[Move, ...]

    @property
    def name(self) -> str:
        """Say which one it is, for results and for the table of equivalents."""
        head = f"{self.machine} row {self.row} ({self.move.state}, {self.move.event}) {self.change}"
        return f"{head}: {self.detail}" if self.detail else head


@runtime_checkable
class TellsRows(Protocol):
    """A role that says which row of its table a record takes."""

    def row_of(self, record: Record) -> int | None:
        """Return the number of the row that applying the record now would take, None for none."""
        ...


def mutants_of(machine: Machine[Any]) -> Iterator[Mutant]:
    """Yield every mutant of a table, in order of the rows."""
    for row, move in enumerate(machine.moves):
        for change, detail, other in _changed(move, machine):
            moves = (*machine.moves[:row], other, *machine.moves[row + 1 :])
            yield Mutant(machine.name, row, move, change, detail, moves)


def _changed(move: Move, machine: Machine[Any]) -> Iterator[tuple[Change, str, Move]]:
    for guard in move.guards:
        yield Change.SKIP, guard, move._replace(guards=tuple(one for one in move.guards if one != guard))
    for at in range(len(move.actions) - 1):
        first, second = move.actions[at : at + 2]
        swapped = (*move.actions[:at], second, first, *move.actions[at + 2 :])
        if first != second:
            yield Change.SWAP, f"{first}, {second}", move._replace(actions=swapped)
    if machine.deadlines.intersection(move.guards):
        yield Change.WIDEN, f"by {SLACK_NS} ns", move._replace(slack_ns=move.slack_ns + SLACK_NS)
    yield Change.UNKEPT, "", move
    if move.actions:
        yield Change.EARLY, "", move


@dataclass(frozen=True, slots=True)
class Hunting:
    """How mutants are hunted. small: the scenario in which crash points are tried one by one. large: the one for runs
    with every kind of fault, with these seeds. down_ns: of `crashes`. pairs_within: of `pairs_of_crashes`, 0 for none.
    """

    small: Scenario
    large: Scenario
    seeds: Sequence[int]
    down_ns: Sequence[int] = DOWN_NS[:2]
    pairs_within: int = 0
    options: Options = DEFAULT


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a mutant. by: what found it, "" for a survivor. runs: that it took."""

    mutant: Mutant
    by: str
    runs: int
    outcome: Outcome | None


def hunt(mutant: Mutant, machine: Machine[Any], kind: Callable[[Machine[Any]], RoleKind], how: Hunting) -> Verdict:
    """Run a mutant until something breaks: some seeds, crash points one by one, the other seeds, pairs of crash points.

    machine: the table that it was made from. kind: makes the kind of role for a table.
    """
    mutated = kind(machine.with_moves(mutant.moves))
    options = replace(how.options, faults=_faults(mutant, how), make_core=_core_of(mutant, mutated.name))
    runs = 0
    for by, outcome in _runs(how, options, mutated):
        runs += 1
        if outcome.failure is not None:
            return Verdict(mutant, by, runs, outcome)
    return Verdict(mutant, "", runs, None)


def _runs(how: Hunting, options: Options, mutated: RoleKind) -> Iterator[tuple[str, Outcome]]:
    small, large = recast(how.small, mutated), recast(how.large, mutated)
    for seed in how.seeds[:FIRST_SEEDS]:
        yield f"seed {seed}", simulate(large, seed, options)
    for outcome in crashes(small, options=options, down_ns=how.down_ns):
        yield "a crash", outcome
    for seed in how.seeds[FIRST_SEEDS:]:
        yield f"seed {seed}", simulate(large, seed, options)
    if how.pairs_within:
        for outcome in pairs_of_crashes(small, options=options, down_ns=how.down_ns, within=how.pairs_within):
            yield "a pair of crashes", outcome


def _faults(mutant: Mutant, how: Hunting) -> list[Fault]:
    """Return the kinds of faults: frames that leave early cannot be taken back where the disk is found to be full."""
    without = (Fault.FULL_DISK,) if mutant.change is Change.EARLY else ()
    return [fault for fault in how.options.faults if fault not in without]


def _core_of(mutant: Mutant, role: str) -> Callable[..., Core]:
    """Return what makes the nodes of a mutant."""

    def make(parts: Sequence[Part], log: MemoryLog, identity: Identity, language: Language, leave: Leave) -> Core:
        made = {Change.UNKEPT: UnkeptCore, Change.EARLY: EarlyCore}.get(mutant.change, MutantCore)
        core = made(parts, log, identity, NO_PLUGINS, language=language)
        core.mutate(role, mutant.row, leave)
        return core

    return make


class MutantCore(Core):
    """A node that does something wrong with the records that take one row of one role's table. As the role is asked
    which they are before the group is applied, a record that depends on one before it may be taken for another.
    """

    def mutate(self, role: str, row: int, leave: Leave) -> None:
        """Say for which role and row, and where frames leave at once."""
        self._numbers = [number for number, part in self.parts.items() if part.kind.name == role]
        self._row = row
        self._leave = leave

    def _takes_row(self, record: Record) -> bool:
        if record.role not in self._numbers:
            return False
        role = self._roles[record.role]
        assert isinstance(role, TellsRows), f"role {role.name} does not say which row a record takes"
        return role.row_of(record) == self._row


class UnkeptCore(MutantCore):
    """Applies those records, and does not keep them."""

    def _append(self, records: list[Record]) -> int:
        return super()._append([record for record in records if not self._takes_row(record)])


class EarlyCore(MutantCore):
    """Sends what such records cause before they are in the journal: of groups in which the role has no others, since
    what a group sends cannot be told apart by record.
    """

    _held: list[Record] | None = None

    def _append(self, records: list[Record]) -> int:
        own = [record for record in records if record.role in self._numbers]
        if own and all(self._takes_row(record) for record in own):
            self._held = records
            return self.log.last
        return super()._append(records)

    def _settle(self, last: int, out: list[Outgoing]) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._leave(out)
            out.clear()
            last = super()._append(held)
        super()._settle(last, out)
