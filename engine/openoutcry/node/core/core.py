"""A node as a function of what arrives: groups in, frames out, and a journal in between.

One group is: read (decode, verify, mark) -> admit -> append -> apply, while the journal syncs -> wait -> commit the
views -> what may be sent. Nothing that follows from a record is returned before that record is durable.

No clock, socket or thread is used here: the runner puts a node behind links, simulation puts many into one process. A
journal keeps what was put in, in groups; a replay applies the same groups and comes to the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from traceback import format_exception
from typing import BinaryIO, Final

from openoutcry.host.kinds import Answers
from openoutcry.node.core.errors import BadSnapshot, BrokenInvariant, RoleFailed
from openoutcry.node.core.inbox import NODE, Inbox, Taken, cut
from openoutcry.node.core.language import Language
from openoutcry.node.core.limits import (
    GROUP_BYTES_MAX,
    GROUP_FRAMES_MAX,
    GROUP_INPUTS_MAX,
    LOCAL_ROUNDS_MAX,
    RESTART_NS,
    RETRY_NS,
)
from openoutcry.node.core.outbox import Outbox
from openoutcry.node.core.parts import Identity, Part, RolePorts, ViewStore
from openoutcry.node.core.states import NodeState, RoleState, bytes_of, read_state, write_state
from openoutcry.node.core.steadiness import SETTINGS_TAG, decode, digest, encode, require_same
from openoutcry.node.core.timers import Timers
from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.journal import Batch, Log, NotDurable, RoleVersion
from openoutcry.role import NOBODY, TIMER_TAG, Effects, Input, Record, Role, Send, Timer
from openoutcry.wire.faults import FaultCode, fault
from openoutcry.wire.requests import HighWater, Request

NODE_ROLE: Final = RoleVersion(NODE, "node", 1)
"""The node itself, as it stands in the headers of its journal."""


@dataclass(slots=True)
class Counters:
    """What a node has done since it was started; plain numbers, read at any time.

    inputs: messages and record frames that roles were given, those in envelopes counted one by one. admit_failures:
    inputs that a role could not judge. not_durable: groups that the journal had no room for.
    """

    groups: int = 0
    arrivals: int = 0
    inputs: int = 0
    records: int = 0
    fired: int = 0
    sends: int = 0
    local: int = 0
    not_durable: int = 0
    admit_failures: int = 0
    replayed: int = 0


class Core:
    """One node: its roles, its journal, its timers. Used by one thread."""

    def __init__(
        self,
        parts: Sequence[Part],
        log: Log,
        identity: Identity,
        answers: Answers,
        *,
        sync: bool = True,
        language: Language | None = None,
    ) -> None:
        """Put a node together; `start` brings it up.

        parts: its roles. log: an open journal, written by `NODE_ROLE` and the roles. sync: False to send before the
        journal is durable, which may lose what was acknowledged. language: of the same parts, where it is at hand.
        """
        self.parts = {part.number: part for part in sorted(parts, key=lambda part: part.number)}
        assert len(self.parts) == len(parts) and all(number > NODE for number in self.parts), "numbers of roles"
        self.log = log
        self.counters = Counters()
        self.notes: list[str] = []
        self.clock_ns = 0
        self._recorded_ns = 0
        self._identity = identity
        self._answers = answers
        self._sync = sync
        self._language = language or Language({number: part.kind for number, part in self.parts.items()})
        self._marks = HighWater(identity.key)
        self.inbox = Inbox(self._language, self._marks, identity.verifier)
        self.outbox = Outbox(identity)
        self._timers = Timers()
        self._roles: dict[int, Role] = {}
        self._begins: dict[int, int] = {}
        self._dormant: list[RoleState] = []
        self._settings = {part.kind.name: digest(part.settings) for part in self.parts.values()}
        self._applied_with: dict[str, bytes] = {}
        self._local: list[Arrival] = []
        self._local_from_ns = 0

    @property
    def roles(self) -> Mapping[str, Role]:
        """Name to role, in the order of their numbers; once `load` has made them."""
        return {self.parts[number].kind.name: role for number, role in self._roles.items()}

    @property
    def due_ns(self) -> int | None:
        """When `step` has something to do even if nothing arrives; None for never."""
        due_ns = self._timers.due_ns
        if not self._local:
            return due_ns
        local_ns = max(self._local_from_ns, self.clock_ns)
        return local_ns if due_ns is None else min(due_ns, local_ns)

    @property
    def timers(self) -> int:
        """How many timers are set."""
        return len(self._timers)

    def start(self, now_ns: int) -> list[Outgoing]:
        """Come up: snapshot, replay, resume. Returns what is to be sent again.

        Raises Damaged for a journal that is, BadSnapshot, SettingsChanged, RoleFailed, BrokenInvariant.
        """
        self.load()
        for batch in self.log.read(self.replay_from):
            self.replay(batch)
        self.require_sound()
        return self.resume(now_ns)

    def load(self) -> None:
        """Make the roles, each as of the newest of its view and the snapshot. The first step of `start`."""
        snapshot = self.log.load()
        state = NodeState(0, 0, {}, {}, ())
        sequence = 0
        if snapshot is not None:
            with snapshot.content as content:
                state, sequence = read_state(content), snapshot.sequence
        self.clock_ns = self._recorded_ns = state.clock_ns
        self._marks.load(state.floor_ns, state.marks)
        self._begins[NODE] = sequence + 1
        self._applied_with = dict(state.settings)
        states = {role.name: role for role in state.roles}
        for number, part in self.parts.items():
            self._roles[number], self._begins[number] = self._make(part, states.pop(part.kind.name, None), sequence)
        self._dormant = list(states.values())

    @property
    def _going_with(self) -> dict[str, bytes]:
        """The settings with which records are applied from now on; those of roles that are not run stay noted."""
        return {**self._applied_with, **self._settings}

    @property
    def _is_changed(self) -> bool:
        """Whether the next group has to say first with which settings it is applied."""
        return any(self._applied_with.get(name) != one for name, one in self._settings.items())

    @property
    def replay_from(self) -> int:
        """Sequence of the first record that something here has not applied yet."""
        return min(self._begins.values())

    def replay(self, batch: Batch) -> None:
        """Apply what another run has appended, without sending anything."""
        last = batch.first + len(batch.records) - 1
        for number, begin in self._begins.items():
            if last < begin:
                continue
            skip = max(0, begin - batch.first)
            own = [record for record in batch.records[skip:] if record.role == number]
            if own and number == NODE:
                self._replay_own(own)
            elif own:
                self._replay(number, own, last)
        self.clock_ns = self._recorded_ns = batch.records[-1].time_ns
        self.counters.replayed += len(batch.records)

    def resume(self, now_ns: int) -> list[Outgoing]:
        """Go on after a replay: set the timers, return what is to be sent again."""
        self.clock_ns = max(self.clock_ns + RESTART_NS, now_ns)
        out: list[Outgoing] = []
        for number, role in self._roles.items():
            out += self._carry_out(number, role.resume())
        return self._release(out)

    def step(self, arrivals: Sequence[Arrival], now_ns: int) -> list[Outgoing]:
        """Take what has arrived and what is due, in groups, and return what may be sent.

        The memory of the frames may be used again after this returns, except by what is returned. Raises Stopped where
        the journal is no longer written, RoleFailed; then nothing more may be sent.
        """
        self.clock_ns = max(self.clock_ns, now_ns - 1)
        out: list[Outgoing] = []
        due = self._timers.take(max(self.clock_ns, now_ns), GROUP_INPUTS_MAX)
        waiting = [*self._take_local(), *arrivals]
        rounds = 0
        while waiting or due:
            count = cut(waiting, GROUP_FRAMES_MAX, GROUP_BYTES_MAX)
            out += self._group(waiting[:count], due)
            waiting = waiting[count:]
            due = []
            if not waiting and rounds < LOCAL_ROUNDS_MAX:
                waiting = self._take_local()
                rounds += 1
        return out

    def check(self) -> list[str]:
        """Return one line for each broken invariant of a role."""
        return [
            f"role {self.parts[number].kind.name}: {line}"
            for number, role in self._roles.items()
            for line in role.check()
        ]

    def require_sound(self) -> None:
        """Raise BrokenInvariant where `check` finds something."""
        if broken := self.check():
            raise BrokenInvariant("; ".join(broken[:10]))

    def save_snapshot(self) -> int:
        """Write the state into the log and return the sequence that it is of. Raises NotDurable, BrokenInvariant."""
        self.require_sound()
        sequence = self.log.last
        self.log.durable(sequence)
        self.log.save(sequence, self.write_state)
        return sequence

    def write_state(self, out: BinaryIO) -> None:
        """Write all that this node knows; the same state gives the same bytes."""
        floor_ns, marks = self._marks.dump()
        states = [
            RoleState(number, self.parts[number].kind.name, self.parts[number].kind.version, bytes_of(role))
            for number, role in self._roles.items()
        ]
        states = sorted([*states, *self._dormant])
        write_state(NodeState(self._recorded_ns, floor_ns, marks, self._applied_with, tuple(states)), out)

    def _make(self, part: Part, state: RoleState | None, sequence: int) -> tuple[Role, int]:
        """Make one role and say from which record on it has to be replayed."""
        store = part.store
        ports = RolePorts(part, self._identity)
        if store is not None:
            applied = store.applied
            if applied and sequence <= applied <= self.log.last:
                return part.kind.make(part.settings, ports, self._answers), applied + 1
            if applied:
                self.notes.append(f"the view of role {part.kind.name} is of record {applied}: it is made anew")
            store.reset()
            store.begin()
        role = part.kind.make(part.settings, ports, self._answers)
        if state is not None:
            try:
                role.restore(BytesIO(state.state))
            except ValueError as error:
                raise BadSnapshot(f"role {part.kind.name} {part.kind.version} cannot take over: {error}") from error
        if store is not None:
            store.commit(sequence)
        return role, sequence + 1

    def _replay_own(self, records: list[Record]) -> None:
        """Take up the marks, and with which settings the roles went on."""
        for record in records:
            if record.tag == SETTINGS_TAG:
                self._applied_with = decode(record.raw)
                continue
            request = self._language.codec.decode(record.raw)
            assert isinstance(request, Request), "a mark that was journaled is one"
            self._marks.remember(request, record.time_ns)

    def _replay(self, number: int, records: list[Record], last: int) -> None:
        name = self.parts[number].kind.name
        require_same(name, self._applied_with.get(name), self._settings[name])
        store = self.parts[number].store
        if store is not None:
            store.begin()
        self._apply_one(number, records)
        if store is not None:
            store.commit(last)

    def _group(self, arrivals: Sequence[Arrival], due: Sequence[tuple[int, bytes]]) -> list[Outgoing]:
        """Process one group; see the module. No two groups have one time: sequences of signed requests follow it."""
        self.clock_ns = now_ns = self.clock_ns + 1
        taken = self.inbox.read(arrivals, now_ns)
        out = taken.refusals
        groups: list[tuple[int, list[Record]]] = [(NODE, taken.marks)] if taken.marks else []
        for number in self._roles:
            records = [Record(number, TIMER_TAG, now_ns, NOBODY, key) for role, key in due if role == number]
            inputs = taken.inputs.get(number)
            if inputs:
                self.counters.inputs += len(inputs)
                admitted, sends = self._admit(number, inputs, out)
                records += admitted
                out += self._frames(sends)
            if records:
                groups.append((number, records))
        counters = self.counters
        counters.groups += 1
        counters.arrivals += len(arrivals)
        if groups:
            if self._is_changed:
                groups.insert(0, (NODE, [Record(NODE, SETTINGS_TAG, now_ns, NOBODY, encode(self._going_with))]))
            try:
                last = self._append([record for _, records in groups for record in records])
            except NotDurable as error:
                return self._not_kept(taken, arrivals, due, str(error))
            self._recorded_ns = now_ns
            self._applied_with = self._going_with
            counters.fired += len(due)
            stores: list[ViewStore] = []
            for number, records in groups:
                counters.records += len(records)
                if number != NODE:
                    out += self._carry_out(number, self._apply(number, records, stores))
            self._settle(last, out)
            for store in stores:
                store.commit(last)
        return self._release(out)

    def _admit(self, number: int, inputs: list[Input], out: list[Outgoing]) -> tuple[list[Record], list[Send]]:
        role = self._roles[number]
        try:
            return role.admit(inputs, self.clock_ns)
        except Exception as error:
            return self._admit_singly(number, inputs, out, error)

    def _admit_singly(
        self, number: int, inputs: list[Input], out: list[Outgoing], error: Exception
    ) -> tuple[list[Record], list[Send]]:
        """Find which input a role cannot judge: admitting changes nothing, so the others need not suffer from it."""
        name = self.parts[number].kind.name
        self.notes.append(f"role {name} cannot judge what it was given: {_trace(error)}")
        records: list[Record] = []
        sends: list[Send] = []
        for one in inputs:
            try:
                admitted, answers = self._roles[number].admit([one], self.clock_ns)
            except Exception:
                self.counters.admit_failures += 1
                self.inbox.tell(one.sender, fault(FaultCode.ROLE_FAILED, name), one.tag, out)
            else:
                records += admitted
                sends += answers
        return records, sends

    def _append(self, records: list[Record]) -> int:
        """Write a group and return the sequence of its last record."""
        return self.log.append(records)

    def _apply(self, number: int, records: list[Record], stores: list[ViewStore]) -> Effects:
        store = self.parts[number].store
        if store is not None:
            store.begin()
            stores.append(store)
        return self._apply_one(number, records)

    def _apply_one(self, number: int, records: list[Record]) -> Effects:
        try:
            return self._roles[number].apply(records)
        except Exception as error:
            name = self.parts[number].kind.name
            first = f"{len(records)} records, the first of tag {records[0].tag}"
            raise RoleFailed(f"role {name} failed on {first}: {_trace(error)}") from error

    def _settle(self, last: int, out: list[Outgoing]) -> None:
        """Wait until everything up to `last` is durable; `out` is what will be sent then."""
        self.log.durable(last, None if self._sync else 0)

    def _release(self, out: list[Outgoing]) -> list[Outgoing]:
        """Return what may be sent now."""
        self.counters.sends += len(out)
        return out

    def _carry_out(self, number: int, effects: Effects) -> list[Outgoing]:
        sends, timers = effects
        if timers:
            self._timers.set(number, timers)
        return self._frames(sends) if sends else []

    def _frames(self, sends: Sequence[Send]) -> list[Outgoing]:
        out, local = self.outbox.frames(sends, self.clock_ns)
        if local:
            self._local += local
            self.counters.local += len(local)
        return out

    def _take_local(self) -> list[Arrival]:
        """Return what roles of this node have sent each other, unless the journal has just had no room for it."""
        if not self._local or self.clock_ns < self._local_from_ns:
            return []
        local, self._local = self._local, []
        return local

    def _not_kept(
        self, taken: Taken, arrivals: Sequence[Arrival], due: Sequence[tuple[int, bytes]], why: str
    ) -> list[Outgoing]:
        """The journal had no room: nothing has happened, and who has sent something is told so."""
        self.counters.not_durable += 1
        self.notes.append(why)
        for sender, mark in reversed(taken.undo):
            self._marks.put_back(sender, mark)
        for role, key in due:
            self._timers.set(role, [Timer(key, self.clock_ns + RETRY_NS)])
        refusals: list[Outgoing] = []
        for peer in dict.fromkeys(arrival.peer for arrival in arrivals):
            if peer == self._identity.key:
                continue
            self.inbox.refused[FaultCode.NOT_DURABLE] += 1
            self.inbox.answer(peer, fault(FaultCode.NOT_DURABLE, "nothing of this group was kept"), 0, refusals)
        self._local += [arrival for arrival in arrivals if arrival.peer == self._identity.key]
        self._local_from_ns = self.clock_ns + RETRY_NS
        return self._release(refusals)


def _trace(error: BaseException) -> str:
    """The last lines of a traceback, in one line."""
    return " | ".join(line.strip() for line in "".join(format_exception(error)[-3:]).splitlines())
