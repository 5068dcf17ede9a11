"""A node that is crashed at random against a plain account of what it has said: nothing acknowledged is ever lost."""

import io
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.node.core.language import Language
from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.journal import Crashed, CrashPoint, Stopped
from openoutcry.wire.codec import Codec
from openoutcry.wire.requests import Envelope, enclose
from tests.small_roles import SECOND_NS, TALLY, Add, Node, Told, frame, identity

CLIENT = identity("client")
CODEC: Codec = Language({1: TALLY}).codec
AMOUNTS = st.integers(18, 1_000)

STEPS = st.one_of(
    st.tuples(st.just("send"), st.lists(AMOUNTS, min_size=1, max_size=4)),
    st.tuples(st.just("signed"), st.lists(AMOUNTS, min_size=1, max_size=4)),
    st.tuples(st.just("again"), st.just([])),
    st.tuples(st.just("wait"), st.lists(st.integers(1, 2 * SECOND_NS), min_size=1, max_size=1)),
    st.tuples(st.just("crash"), st.lists(st.integers(0, 400), min_size=1, max_size=1)),
    st.tuples(st.just("arm"), st.lists(st.integers(0, 2), min_size=1, max_size=1)),
    st.tuples(st.just("full"), st.just([])),
    st.tuples(st.just("fail"), st.just([])),
    st.tuples(st.just("snapshot"), st.just([])),
)


@dataclass
class Twin:
    """What the node may hold: `totals` that fit what it has said. After a crash in a group there are two."""

    totals: set[int] = field(default_factory=lambda: {0})

    def see(self, total: int) -> None:
        """Hold the node to one of the totals."""
        assert total in self.totals, f"the total is {total}, and may be {sorted(self.totals)}"
        self.totals = {total}


def told(out: list[Outgoing]) -> list[int]:
    """Return the totals that a node has told the client."""
    found: list[int] = []
    for to, raw in out:
        message = CODEC.decode(raw)
        if to == CLIENT.key and isinstance(message, Envelope):
            for body in message.bodies:
                inner = CODEC.decode(body)
                assert isinstance(inner, Told)
                found.append(inner.total)
    return found


def bytes_of(node: Node) -> bytes:
    """Return all that a node knows."""
    out = io.BytesIO()
    node.core.write_state(out)
    return out.getvalue()


@given(steps=st.lists(STEPS, max_size=40))
def test_what_a_node_has_said_holds_whatever_happens_to_it(steps: list[tuple[str, list[int]]]) -> None:
    """Sends, signed requests, the same ones again, timers, crashes at every point with torn tails, full disks, failing
    syncs and snapshots in any order; each answer is one that the account of all before it allows."""
    node, twin = Node(), Twin()
    sequence = 0
    last_signed = b""
    for what, values in steps:
        frames: list[bytes] = []
        if what == "send":
            frames = [frame(Add(amount)) for amount in values]
        elif what == "signed":
            sequence += 1
            bodies = [frame(Add(amount)) for amount in values]
            expiry_ns = node.core.clock_ns + 100 * SECOND_NS
            last_signed = frame(enclose(bodies, CLIENT.signer, node.key, sequence, expiry_ns, bytes(32)))
            frames = [last_signed]
        elif what == "again" and last_signed and node.disk.crash_at is None and not node.disk.sync_fails:
            # Taken before or not, it may count once; then no answer is one that the twin does not know.
            before = node.tally.total
            taken = node.core.step([Arrival(CLIENT.key, last_signed)], node.now_ns)
            if not told(taken):
                assert node.tally.total in {before, 2 * before}
            twin.totals = {node.tally.total}
        elif what == "wait":
            node.now_ns += values[0]
        elif what == "crash":
            node.disk.crash(values[0])
            node.start()
        elif what == "arm":
            node.disk.crash_at = list(CrashPoint)[values[0]]
        elif what in {"full", "fail"}:
            setattr(node.disk, what if what == "full" else "sync_fails", True)
        elif what == "snapshot" and node.disk.crash_at is None and not node.disk.full:
            node.core.save_snapshot()
            state = bytes_of(node)
            node.start()
            assert bytes_of(node) == state
        due = node.core.due_ns
        if not frames and (due is None or due > node.now_ns):
            continue
        amounts = values if frames else []
        doubled = {2 * total for total in twin.totals} if due is not None and due <= node.now_ns else set()
        try:
            answers = told(node.core.step([Arrival(CLIENT.key, one) for one in frames], node.now_ns))
        except (Crashed, Stopped):
            base = twin.totals | doubled
            twin.totals = base | {total + sum(amounts) for total in base}
            node.disk.full = node.disk.sync_fails = False
            node.disk.crash_at = None
            node.disk.crash()
            node.start()
        else:
            if answers:
                assert answers[-1] == node.tally.total
                base = doubled or twin.totals
                twin.totals = {total + sum(amounts) for total in base}
            elif not frames:
                twin.totals |= doubled
            node.disk.full = False
        twin.see(node.tally.total)
    node.disk.crash()
    node.disk.full = node.disk.sync_fails = False
    node.start()
    twin.see(node.tally.total)
