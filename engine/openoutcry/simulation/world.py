"""One run: the nodes of a scenario on virtual time, what strikes them, and what must hold after every group.

A run has three parts. Faults happen for a time that its seed says. Then they stop: every link is whole, every node
starts, and all has to be settled within `SETTLE_NS_MAX`. At last every node ends at once and starts again, has to
know what it knew, and all has to be settled again.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from traceback import format_exc

from openoutcry.host.kinds import Scenario
from openoutcry.node.core.states import NodeState
from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.journal import Crashed, Stopped
from openoutcry.role import Role
from openoutcry.simulation.chance import Chance
from openoutcry.simulation.faults import IN_LOG, NONE, Blow, Fault, Point, draw_rates
from openoutcry.simulation.making import codec_of, make_nodes
from openoutcry.simulation.network import STEP_NS, Network
from openoutcry.simulation.options import (
    ASK_NS,
    DEFAULT,
    DELETED_VIEWS,
    EPOCH_NS,
    FAULTS_NS_MAX,
    FAULTS_NS_MIN,
    JUMP_NS_MAX,
    PARTITION_NS_MAX,
    SAVES_MAX,
    SETTLE_NS_MAX,
    Options,
    Stage,
    What,
)
from openoutcry.simulation.outcome import CrashPlace, Failure, Outcome
from openoutcry.simulation.places import Places
from openoutcry.simulation.striking import ByChance
from openoutcry.simulation.trace import NETWORK, Trace
from openoutcry.simulation.virtual_node import Started, VirtualNode


class _Broken(Exception):
    """Ends a run."""

    def __init__(self, node: int, lines: Sequence[str]) -> None:
        super().__init__(lines)
        self.node, self.lines = node, tuple(lines)


def simulate(scenario: Scenario, seed: int, options: Options = DEFAULT) -> Outcome:
    """Run a scenario once. The same arguments give the same outcome, byte by byte, in any process.

    Cost: 10 microseconds a message with the keyed checksum, 30 with real signatures.
    """
    return World(scenario, seed, options).run()


class World:
    """One run. Used once."""

    def __init__(self, scenario: Scenario, seed: int, options: Options) -> None:
        self.scenario = scenario
        self.seed = seed
        self.options = options
        self.counts: Counter[str] = Counter()
        self.places: Counter[CrashPlace] = Counter()
        self.messages = 0
        self.frames = 0
        self.groups = 0
        self.now_ns = EPOCH_NS
        self.stage = Stage.FAULTS
        self._heap: list[tuple[int, int, int]] = []
        self._rates = draw_rates(options.faults, Chance(seed, "rates"))
        self._striker = options.striker or ByChance(self._rates, Chance(seed, "strikes"))
        self._chance = Chance(seed, "world")
        self._saving = Chance(seed, "saving")
        self._saves = SAVES_MAX * self._saving.draw() if options.saves else 0.0
        self.network = Network(len(scenario.names), Chance(seed, "network"), self._rates, self.counts)
        self.nodes = make_nodes(scenario, seed, options, self._rates.skew, self.counts)
        for node in self.nodes:
            node.leave = partial(self._send, node, [])
        keys = [node.identity.key for node in self.nodes]
        self._by_key: dict[object, VirtualNode] = dict(zip(keys, self.nodes, strict=True))
        self.trace = Trace(scenario.names, keys, codec_of(self.nodes), EPOCH_NS, options.tell)
        self._up: Mapping[str, Mapping[str, Role]] = {}
        self._known: dict[int, NodeState] = {}
        self._settle_by_ns = 0
        self._steps = 0

    def run(self) -> Outcome:
        """Run to the end."""
        failure = None
        try:
            self._begin()
            self._loop()
        except _Broken as broken:
            since = self.now_ns - EPOCH_NS
            name = self.trace.name(broken.node)
            failure = Failure(self.scenario.name, self.seed, since, name, broken.lines, self.trace.lines())
        for node in self.nodes:
            self._count(node)
            node.let_go()
        return Outcome(
            self.scenario.name,
            self.seed,
            self.trace.digest,
            self.messages,
            self.frames,
            self.groups,
            self.now_ns - EPOCH_NS,
            dict(self.counts),
            dict(self.places),
            failure,
        )

    # The loop.

    def _begin(self) -> None:
        chance = self._chance
        for node in self.nodes:
            self._at(self.now_ns, What.START, node.index)
        faults_ns = self.options.faults_ns or chance.between(FAULTS_NS_MIN, FAULTS_NS_MAX)
        self._at(self.now_ns + faults_ns, What.HEAL, NETWORK)
        self._at(self.now_ns + ASK_NS, What.ASK, NETWORK)
        for rate, what in ((self._rates.partitions, What.PARTITION), (self._rates.jumps, What.JUMP)):
            if rate:
                self._at(self.now_ns + self._gap(rate), what, NETWORK)

    def _loop(self) -> None:
        heap = self._heap
        nodes = self.nodes
        while self.stage is not Stage.ENDED:
            self.now_ns, what, index = heapq.heappop(heap)
            if what == What.GROUP:
                self._group(nodes[index])
            elif what == What.START:
                self._start(nodes[index])
            elif what == What.ROOM:
                nodes[index].disk.full = False
            elif what == What.MEND:
                self.network.mend()
            elif what == What.PARTITION:
                self._part()
            elif what == What.JUMP:
                self._jump()
            elif what == What.HEAL:
                self._heal()
            else:
                self._ask()

    def _at(self, time_ns: int, what: What, index: int) -> None:
        heapq.heappush(self._heap, (time_ns + -time_ns % STEP_NS, what, index))

    def _gap(self, rate: float) -> int:
        """Return a time, in nanoseconds, whose mean is one over `rate` seconds."""
        return 1 + int(self._chance.draw() * 2e9 / rate)

    # A group of a node, and what leaves it.

    def _group(self, node: VirtualNode) -> None:
        now_ns = self.now_ns
        arrivals = node.inbox.pop(now_ns, None)
        if arrivals is None:
            if node.wake_ns != now_ns:
                return  # a timer that was replaced
            arrivals = []
        if node.core is None:
            self.counts["frames to a node that is down"] += len(arrivals)
            return
        node.group += 1
        blow = self._striker.blow(node.index, node.group) if self.stage is Stage.FAULTS else None
        out = self._step(node, arrivals) if blow is None else self._strike(node, blow, arrivals)
        if out is None:
            return
        self._send(node, arrivals, out)
        self._wake(node)
        self._steps += 1
        if self._steps % self.options.check_every == 0:
            self._check(node)
        if self.stage is Stage.FAULTS and self._saving.draw() < self._saves and node.save():
            self.counts["snapshots"] += 1
            self.trace.happens(now_ns, node.index, "takes a snapshot")

    def _step(self, node: VirtualNode, arrivals: Sequence[Arrival]) -> list[Outgoing]:
        """Let a node work on a group. Only what a test has asked for may be raised."""
        assert node.core is not None
        try:
            return node.core.step(arrivals, node.clock.shows(self.now_ns))
        except Crashed:
            raise
        except Stopped:
            if node.disk.sync_fails:
                raise
            raise _Broken(node.index, _lines_of_error()) from None
        except Exception:
            raise _Broken(node.index, _lines_of_error()) from None

    def _send(self, node: VirtualNode, arrivals: Sequence[Arrival], out: Sequence[Outgoing]) -> None:
        """Note a group, and put what leaves on its way. Cost: 1 microsecond a frame."""
        now_ns = self.now_ns
        # What is no bytes lies in memory of the role's, which may use it again; bytes() of bytes copies nothing.
        leaving = [(to, bytes(frame)) for to, frame in out]
        self.trace.group(now_ns, node.index, arrivals, leaving)
        key = node.identity.key
        carry = self.network.carry
        heap = self._heap
        for to, frame in leaving:
            receiver = self._by_key.get(to)
            if receiver is None:
                self._send_widely(node, to, frame)
                continue
            times = carry(node.index, receiver.index, now_ns)
            if not times:
                self.trace.happens(now_ns, node.index, f"a frame to {receiver.name} is lost")
            for due_ns in times:
                waiting = receiver.inbox.get(due_ns)
                if waiting is None:
                    receiver.inbox[due_ns] = [Arrival(key, frame)]
                    heapq.heappush(heap, (due_ns, What.GROUP, receiver.index))
                else:
                    waiting.append(Arrival(key, frame))

    def _send_widely(self, node: VirtualNode, to: object, frame: bytes) -> None:
        """A topic goes to every other node; a key that nobody has, nowhere."""
        if not isinstance(to, str):
            self.counts["frames to nobody"] += 1
            return
        for receiver in self.nodes:
            if receiver is not node:
                for due_ns in self.network.carry(node.index, receiver.index, self.now_ns):
                    receiver.inbox.setdefault(due_ns, []).append(Arrival(node.identity.key, frame))
                    heapq.heappush(self._heap, (due_ns, What.GROUP, receiver.index))

    def _wake(self, node: VirtualNode) -> None:
        """Ask for a call when the next timer of a node is due."""
        assert node.core is not None
        due_ns = node.core.due_ns
        if due_ns is None:
            node.wake_ns = None
            return
        due_ns = max(node.clock.reaches(due_ns, self.now_ns), self.now_ns + 1)
        due_ns += -due_ns % STEP_NS
        if due_ns != node.wake_ns:
            node.wake_ns = due_ns
            heapq.heappush(self._heap, (due_ns, What.GROUP, node.index))

    def _check(self, node: VirtualNode) -> None:
        assert node.core is not None
        broken = node.core.check() + self.scenario.broken(self._up)
        if broken:
            raise _Broken(node.index, broken)

    # What strikes a node.

    def _strike(self, node: VirtualNode, blow: Blow, arrivals: Sequence[Arrival]) -> list[Outgoing] | None:
        """Let a node be struck while it works on a group. Returns what leaves, None where the node ended.

        What would strike between writing and syncing does not where the group has nothing to write.
        """
        assert node.log is not None
        seen = Places(node)
        node.log.watch = seen.look
        if blow.fault is Fault.FULL_DISK:
            node.disk.full = True
            self._at(self.now_ns + blow.down_ns, What.ROOM, node.index)
            self.trace.happens(self.now_ns, node.index, "its disk is full")
            return self._step(node, arrivals)
        if blow.fault is Fault.FAILED_SYNC:
            node.disk.sync_fails = True
        elif blow.point is not Point.MID_SEND:
            node.log.arm(IN_LOG[blow.point], blow.skip)
        log, disk = node.log, node.disk
        try:
            out = self._step(node, arrivals)
        except (Crashed, Stopped):
            self.trace.group(self.now_ns, node.index, arrivals, [])
            self._end(node, blow, seen)
            return None
        finally:
            disk.sync_fails = False
            log.disarm()
        if blow.point is not Point.MID_SEND:
            return out
        self._send(node, arrivals, out[: int(blow.part * (len(out) + 1))])
        self._end(node, blow, seen)
        return None

    def _end(self, node: VirtualNode, blow: Blow, seen: Places) -> None:
        """A node ends, and its disk is left as the blow says."""
        point = blow.point
        if blow.fault is not Fault.FAILED_SYNC:
            for place in seen.of(point):
                self.places[place] += 1
        if point in (Point.AFTER_SYNC, Point.MID_SEND) and blow.fault is Fault.CRASH:
            self._known[node.index] = node.state()
        self._count(node)
        node.end(delete_views=self._chance.draw() < DELETED_VIEWS)
        what = str(point) if blow.fault is Fault.CRASH else str(blow.fault)
        happened = True
        node.tear(blow.kept)
        if blow.fault is Fault.LOST_SECTOR:
            node.lose_sector(blow.part)
        elif blow.fault is Fault.BIT_FLIP:
            where = node.flip(blow.part, blow.synced)
            happened = where is not None
            what = f"a bit flipped in what was {where.value}" if where else what
        if happened:
            self.counts[blow.fault] += 1
        self.trace.happens(self.now_ns, node.index, f"ends: {what}")
        self._at(self.now_ns + blow.down_ns, What.START, node.index)
        self._list_up()

    def _start(self, node: VirtualNode) -> None:
        if node.core is not None:
            return
        try:
            out, found = node.start(self.now_ns)
        except Exception:
            raise _Broken(node.index, ["does not start", *_lines_of_error()]) from None
        self.trace.happens(self.now_ns, node.index, "starts")
        if found is Started.UNNOTICED:
            raise _Broken(node.index, ["starts although a bit of its journal is another one than was promised"])
        if found is not Started.SOUND:
            self.counts[f"flipped bits, {found.value}"] += 1
        known = self._known.pop(node.index, None)
        if known is not None and found is Started.SOUND and node.state() != known:
            raise _Broken(node.index, ["a replay comes to another state than the one that it had"])
        self._list_up()
        if out:
            self._send(node, [], out)
        self._wake(node)
        self._check(node)

    # What strikes the network and the clocks.

    def _part(self) -> None:
        if self.stage is not Stage.FAULTS:
            return
        chance = self._chance
        inside = [chance.draw() < 0.5 for _ in self.nodes]
        into, out = chance.one_of(((True, True), (True, False), (False, True)))
        lasts_ns = 1 + int(chance.draw() ** 2 * PARTITION_NS_MAX)
        if len(set(inside)) == 2:
            self.network.mend()
            self.network.part(inside, into, out)
            self.counts[Fault.PARTITION] += 1
            names = ", ".join(node.name for node, is_inside in zip(self.nodes, inside, strict=True) if is_inside)
            ways = "both ways" if into and out else "inwards" if into else "outwards"
            self.trace.happens(self.now_ns, NETWORK, f"{names} cut off {ways} for {lasts_ns // 1_000_000} ms")
            self._at(self.now_ns + lasts_ns, What.MEND, NETWORK)
        self._at(self.now_ns + self._gap(self._rates.partitions), What.PARTITION, NETWORK)

    def _jump(self) -> None:
        if self.stage is not Stage.FAULTS:
            return
        node = self._chance.one_of(self.nodes)
        by_ns = int((2 * self._chance.draw() - 1) ** 3 * JUMP_NS_MAX)
        node.clock.jump(by_ns)
        self.counts[Fault.JUMP] += 1
        self.trace.happens(self.now_ns, node.index, f"its clock jumps by {by_ns} ns")
        if node.core is not None:
            self._wake(node)
        self._at(self.now_ns + self._gap(self._rates.jumps), What.JUMP, NETWORK)

    # How a run ends.

    def _heal(self) -> None:
        if self.stage is not Stage.FAULTS:
            return
        self.trace.happens(self.now_ns, NETWORK, "faults end")
        self.stage = Stage.HEALED
        self._settle_by_ns = self.now_ns + SETTLE_NS_MAX
        self.network.rates = NONE
        self.network.mend()
        for node in self.nodes:
            node.disk.full = False
            self._at(self.now_ns, What.START, node.index)

    def _ask(self) -> None:
        if len(self._up) == len(self.nodes):
            left = self.scenario.unsettled(self._up)
            if not left:
                self._go_on()
            elif self.stage is not Stage.FAULTS and self.now_ns >= self._settle_by_ns:
                raise _Broken(NETWORK, [f"not settled {SETTLE_NS_MAX // 10**9} s after faults ended", *left])
        self._at(self.now_ns + ASK_NS, What.ASK, NETWORK)

    def _go_on(self) -> None:
        """All is settled: go on to the next part of the run."""
        if self.stage is Stage.FAULTS:
            self._heal()
        elif self.stage is Stage.HEALED:
            self.stage = Stage.STARTED_AGAIN
            self._settle_by_ns = self.now_ns + SETTLE_NS_MAX
            for node in self.nodes:
                self._known[node.index] = node.state()
                self._count(node)
                node.end()
                self._at(self.now_ns + STEP_NS, What.START, node.index)
            self._list_up()
            self.trace.happens(self.now_ns, NETWORK, "every node ends")
        else:
            self.stage = Stage.ENDED

    def _list_up(self) -> None:
        self._up = {node.name: node.roles for node in self.nodes if node.core is not None}

    def _count(self, node: VirtualNode) -> None:
        """Add what a node has done in the life that ends."""
        if node.core is not None:
            counters = node.core.counters
            self.messages += counters.inputs
            self.frames += counters.arrivals
            self.groups += counters.groups


def _lines_of_error() -> list[str]:
    """Return what was just raised, and where, as lines."""
    return [line for line in format_exc(limit=-4).splitlines() if line.strip()]
