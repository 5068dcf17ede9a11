"""Two counters driven message by message: each row of the table, then anything in any order."""

import io
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.moves import Machine
from openoutcry.role import NOBODY, TIMER_TAG, Input, Record, Role, Send, Store
from openoutcry.wire.codec import encode
from openoutcry.wire.fields import KeyId
from openoutcry.wire.signed import Signed
from openoutcry.wire.tags import Message, tag_of
from openoutcry_counter.kinds import COUNTER, COUNTER_CLIENT, kind
from openoutcry_counter.ledger import Entry
from openoutcry_counter.messages import (
    CounterAnswer,
    CounterHeld,
    CounterHold,
    CounterIncrement,
    CounterQuery,
    CounterSettle,
    CounterSettled,
    CounterTotal,
    Outcome,
)
from openoutcry_counter.role import MS, Counter, CounterSettings
from openoutcry_counter.table import MACHINE, MOVES, Case

LEFT: KeyId = b"L" * 32
RIGHT: KeyId = b"R" * 32
ALICE: KeyId = b"A" * 32
BEGIN_NS = 1_000 * MS


class Ports:
    """What a role may ask of its node, without a node."""

    def __init__(self, own: KeyId) -> None:
        self.number = 1
        self.own = own
        self.store: Store | None = None

    def verify(self, signed: Signed) -> bool:
        """Nothing is verified here."""
        raise AssertionError

    def secret(self, path: str) -> bytes:
        """Nothing is secret here."""
        raise AssertionError


def counter(own: KeyId, machine: Machine[Case] = MACHINE, own_max: int = 4, held_max: int = 4) -> Counter:
    """Return a counter with a deadline of 10 ms, a tick of 3 ms, a memory of 20 ms and a total of at most 100."""
    twin = LEFT if own == RIGHT else RIGHT
    chosen = CounterSettings(twin.hex(), 10, 3, 20, 1_000, 60, 100, own_max, held_max)
    return Counter(chosen, Ports(own), machine)


def request(number: int) -> bytes:
    """Return the id of a client's increment."""
    return number.to_bytes(16, "big")


def state_of(role: Role) -> bytes:
    """Return a role's snapshot."""
    out = io.BytesIO()
    role.snapshot(out)
    return out.getvalue()


class Node:
    """One counter with its journal, which a restart replays: alone, or on a snapshot."""

    def __init__(self, own: KeyId, **bounds: int) -> None:
        self.own = own
        self.bounds = bounds
        self.role = counter(own, **bounds)  # type: ignore[arg-type]
        self.journal: list[list[Record]] = []

    def give(self, now_ns: int, *arrived: tuple[KeyId, Message]) -> list[Send]:
        """Give it one group."""
        inputs = [Input(sender, tag_of(type(body)), body, encode(body)) for sender, body in arrived]
        records, sends = self.role.admit(inputs, now_ns)
        return sends + self.apply(records)

    def tick(self, now_ns: int) -> list[Send]:
        """Let its timer be due."""
        return self.apply([Record(1, TIMER_TAG, now_ns, NOBODY, b"tick")])

    def apply(self, records: list[Record]) -> list[Send]:
        """Apply a group of records, each of which takes the row that `row_of` says."""
        if not records:
            return []
        if len(records) == 1:
            before = state_of(self.role)
            row = self.role.row_of(records[0])
            assert state_of(self.role) == before
        self.journal.append(records)
        sends = self.role.apply(records).sends
        if len(records) == 1:
            assert (row is not None) == bool(self.role.touched)
            if row is not None and records[0].tag != TIMER_TAG:  # a tick may take one increment through two rows
                assert self.role.touched[0][1].state == MOVES[row].next
        assert self.role.check() == []
        return sends

    def restart(self, on_snapshot: bool) -> list[Send]:
        """End and start again: the state is the same, and so is what is said again."""
        known = state_of(self.role)
        again = self.role.resume()
        self.role = counter(self.own, **self.bounds)  # type: ignore[arg-type]
        if on_snapshot:
            self.role.restore(io.BytesIO(known))
        else:
            for records in self.journal:
                self.role.apply(records)
        assert state_of(self.role) == known
        assert self.role.resume() == again
        return again.sends

    def entry(self, number: int) -> Entry | None:
        """Return what it knows of an increment of Alice."""
        key = ALICE + request(number)
        return self.role.ledger.own.get(key) or self.role.ledger.theirs.get(key)

    def state(self, number: int) -> str:
        """Return its state, "" where it is not known."""
        entry = self.entry(number)
        return entry.state if entry else ""


def bodies(sends: Sequence[Send]) -> list[object]:
    """Return what leaves, without to whom."""
    return [send.body for send in sends]


def ask(node: Node, number: int, now_ns: int = BEGIN_NS, amount: int = 10, lifetime_ns: int = 50 * MS) -> list[Send]:
    """Let Alice ask for an increment."""
    return node.give(now_ns, (ALICE, CounterIncrement(request(number), amount, BEGIN_NS + lifetime_ns)))


def held(number: int) -> tuple[KeyId, CounterHeld]:
    """Return what the twin of LEFT says of an increment."""
    return RIGHT, CounterHeld(ALICE, request(number))


def settled(number: int) -> tuple[KeyId, CounterSettled]:
    """Return what the twin of LEFT says once it has counted."""
    return RIGHT, CounterSettled(ALICE, request(number))


def asked_to_hold(number: int, amount: int = 10, expiry_ns: int = BEGIN_NS + 50 * MS) -> tuple[KeyId, CounterHold]:
    """Return what LEFT asks its twin."""
    return LEFT, CounterHold(ALICE, request(number), amount, expiry_ns)


def told(number: int, counted: bool, expiry_ns: int = BEGIN_NS + 50 * MS) -> tuple[KeyId, CounterSettle]:
    """Return what LEFT tells its twin in the end."""
    return LEFT, CounterSettle(ALICE, request(number), counted, expiry_ns)


# -- the owner's rows -----------------------------------------------------------------------------------------------


def test_an_increment_is_held_counted_closed_and_forgotten() -> None:
    """An owner's whole way; the answer leaves when the twin holds it, and the same answer comes for as long as it is
    remembered: 20 ms after the expiry, and not a nanosecond longer.
    """
    node = Node(LEFT)
    assert bodies(ask(node, 1)) == [CounterHold(ALICE, request(1), 10, BEGIN_NS + 50 * MS)]
    assert ask(node, 1) == []
    decided_ns = BEGIN_NS + 10 * MS - 1
    answer = CounterAnswer(request(1), Outcome.COUNTED, 10, decided_ns)
    settle = CounterSettle(ALICE, request(1), True, BEGIN_NS + 50 * MS)
    assert node.give(decided_ns, held(1)) == [Send(RIGHT, settle, True), Send(ALICE, answer, True)]
    assert bodies(ask(node, 1, decided_ns + 1, amount=5)) == [answer]
    assert bodies(node.give(decided_ns + 1, held(1))) == [settle]
    assert node.give(decided_ns + 2, settled(1)) == []
    assert node.give(decided_ns + 3, settled(1)) == []
    end_ns = BEGIN_NS + 70 * MS
    node.tick(end_ns - 1)
    assert bodies(ask(node, 1, end_ns - 1)) == [answer]
    node.tick(end_ns)
    assert node.state(1) == ""
    assert bodies(ask(node, 1, end_ns)) == [CounterAnswer(request(1), Outcome.FORGOTTEN, 0, 0)]
    assert node.role.ledger.total == 10


def test_an_increment_that_the_twin_does_not_hold_in_time_is_cancelled() -> None:
    """At the deadline and not before; a confirmation at the deadline is too late, also before the tick."""
    node = Node(LEFT)
    ask(node, 1)
    deadline_ns = BEGIN_NS + 10 * MS
    assert bodies(node.tick(deadline_ns - 1)) == [CounterHold(ALICE, request(1), 10, BEGIN_NS + 50 * MS)]
    assert node.give(deadline_ns, held(1)) == []
    assert node.state(1) == "pending"
    answer = CounterAnswer(request(1), Outcome.CANCELLED, 0, deadline_ns)
    release = CounterSettle(ALICE, request(1), False, BEGIN_NS + 50 * MS)
    assert bodies(node.tick(deadline_ns)) == [release, answer]
    assert bodies(ask(node, 1, deadline_ns + 1)) == [answer]
    assert bodies(node.give(deadline_ns + 1, held(1))) == [release]
    node.tick(BEGIN_NS + 70 * MS)
    assert node.state(1) == ""
    assert (node.role.ledger.total, node.role.ledger.reserved) == (0, 0)
    unknown = CounterSettle(ALICE, request(1), False, 0)
    assert bodies(node.give(BEGIN_NS + 70 * MS, held(1))) == [unknown]


@pytest.mark.parametrize(
    ("amount", "lifetime_ns", "outcome"),
    [
        (60, MS, None),
        (61, MS, Outcome.WRONG_AMOUNT),
        (0, MS, Outcome.WRONG_AMOUNT),
        (1, 1, None),
        (1, 0, Outcome.EXPIRED),
        (1, 1 - 20 * MS, Outcome.EXPIRED),
        (1, -20 * MS, Outcome.FORGOTTEN),
        (1, 1_000 * MS, None),
        (1, 1_000 * MS + 1, Outcome.TOO_FAR_AHEAD),
    ],
)
def test_what_cannot_be_taken_is_refused_by_a_code(amount: int, lifetime_ns: int, outcome: Outcome | None) -> None:
    """Each reason on both sides of its line."""
    node = Node(LEFT)
    sends = ask(node, 1, amount=amount, lifetime_ns=lifetime_ns)
    if outcome is None:
        assert node.state(1) == "pending"
    else:
        assert bodies(sends) == [CounterAnswer(request(1), outcome, 0, 0)]
        assert node.state(1) == ""


def test_what_has_no_room_can_be_asked_again() -> None:
    """A memory for two, then a total of 100 of which 90 are reserved; both have room again in the end."""
    node = Node(LEFT, own_max=2)
    ask(node, 1, amount=50)
    assert bodies(ask(node, 2, amount=51)) == [CounterAnswer(request(2), Outcome.OVERFLOW, 0, 0)]
    ask(node, 2, amount=50)
    assert bodies(ask(node, 3, amount=1)) == [CounterAnswer(request(3), Outcome.FULL, 0, 0)]
    node.tick(BEGIN_NS + 10 * MS)
    node.tick(BEGIN_NS + 70 * MS)
    ask(node, 3, BEGIN_NS + 70 * MS, amount=1, lifetime_ns=99 * MS)
    assert node.state(3) == "pending"


# -- the twin's rows ------------------------------------------------------------------------------------------------


def test_the_twin_holds_counts_and_forgets() -> None:
    """A twin's whole way: it asks until it is told, and knows it until the expiry."""
    node = Node(RIGHT)
    confirm = CounterHeld(ALICE, request(1))
    done = CounterSettled(ALICE, request(1))
    assert bodies(node.give(BEGIN_NS, asked_to_hold(1))) == [confirm]
    assert bodies(node.give(BEGIN_NS, asked_to_hold(1))) == [confirm]
    assert bodies(node.tick(BEGIN_NS + 3 * MS)) == [confirm]
    assert bodies(node.give(BEGIN_NS + 4 * MS, told(1, True))) == [done]
    assert bodies(node.give(BEGIN_NS + 5 * MS, told(1, True))) == [done]
    assert node.give(BEGIN_NS + 5 * MS, asked_to_hold(1)) == []
    node.tick(BEGIN_NS + 50 * MS - 1)
    assert node.state(1) == "twin_counted"
    node.tick(BEGIN_NS + 50 * MS)
    assert node.state(1) == ""
    assert node.give(BEGIN_NS + 50 * MS, asked_to_hold(1)) == []
    assert bodies(node.give(BEGIN_NS + 50 * MS, told(1, True))) == [done]
    assert (node.role.ledger.copied, node.role.ledger.total) == (10, 10)


def test_the_twin_lets_go() -> None:
    """What is cancelled is known no longer; what it never held and has not expired, it does not take for counted."""
    node = Node(RIGHT)
    node.give(BEGIN_NS, asked_to_hold(1))
    assert node.give(BEGIN_NS, told(1, False)) == []
    assert (node.state(1), node.role.ledger.reserved) == ("", 0)
    assert node.give(BEGIN_NS, told(1, True)) == []
    assert node.role.ledger.total == 0


def test_the_twin_holds_only_what_has_room_and_time() -> None:
    """A memory for one, a total of 100, an expiry: each on both sides of its line; nothing is said where it is not."""
    node = Node(RIGHT, held_max=1)
    assert node.give(BEGIN_NS, asked_to_hold(1, amount=101)) == []
    assert node.give(BEGIN_NS, asked_to_hold(1, expiry_ns=BEGIN_NS)) == []
    assert len(node.give(BEGIN_NS, asked_to_hold(1, amount=100, expiry_ns=BEGIN_NS + 1))) == 1
    assert node.give(BEGIN_NS, asked_to_hold(2, amount=0)) == []


def test_only_the_twin_is_heard_as_one() -> None:
    """A client says what only a twin may."""
    node = Node(RIGHT)
    for _, body in (asked_to_hold(1), held(1), told(1, True), settled(1)):
        assert node.give(BEGIN_NS, (ALICE, body)) == []
    assert node.journal == []


def test_anyone_may_ask_for_the_total() -> None:
    """One counted and one pending; the number of the query comes back."""
    node = Node(LEFT)
    ask(node, 1)
    node.give(BEGIN_NS, held(1))
    node.give(BEGIN_NS, settled(1))
    ask(node, 2)
    assert bodies(node.give(BEGIN_NS, (RIGHT, CounterQuery(7)))) == [CounterTotal(7, 10, 10, 1)]


def test_a_record_that_is_no_message_changes_nothing() -> None:
    """Bytes that no version has written, under each tag."""
    node = Node(LEFT)
    before = state_of(node.role)
    for type_ in (CounterIncrement, CounterHold, CounterHeld, CounterSettle, CounterSettled, CounterQuery):
        assert node.role.apply([Record(1, tag_of(type_), 0, RIGHT, b"\x90")]).sends == []
    assert state_of(node.role) == before


# -- snapshots ------------------------------------------------------------------------------------------------------


def test_a_state_without_room_is_refused() -> None:
    """Junk, and a state of more increments than the configuration allows."""
    node = Node(LEFT)
    ask(node, 1)
    ask(node, 2)
    with pytest.raises(ValueError, match="no state of a counter"):
        counter(LEFT).restore(io.BytesIO(b"junk"))
    with pytest.raises(ValueError, match="more than there is room for"):
        counter(LEFT, own_max=1).restore(io.BytesIO(state_of(node.role)))


def test_the_kinds_make_their_roles() -> None:
    """The real counter and a mutant have their own tables."""
    mutant = MACHINE.with_moves(MOVES[:-1])
    assert (COUNTER.machines, kind(mutant).machines) == ((MACHINE,), (mutant,))
    assert COUNTER.takes.isdisjoint(COUNTER_CLIENT.takes)
    assert COUNTER.takes | COUNTER_CLIENT.takes < {tag_of(type_) for type_ in COUNTER.messages}


# -- anything in any order ------------------------------------------------------------------------------------------

Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "deliver", "deliver", "deliver", "copy", "lose", "tick", "wait", "restart", "load"]),
        st.integers(0, 5),
        st.integers(0, 1),
    ),
    max_size=120,
)


class Pair:
    """Two counters, all that is on its way, and what a client was told."""

    def __init__(self) -> None:
        self.nodes = {LEFT: Node(LEFT), RIGHT: Node(RIGHT)}
        self.under_way: list[tuple[KeyId, KeyId, Message]] = []
        self.now_ns = BEGIN_NS
        self.answers: dict[tuple[KeyId, bytes], CounterAnswer] = {}

    def do(self, step: Step) -> None:
        """Do one thing, and check what must always hold."""
        what, which, side = step
        own = (LEFT, RIGHT)[side]
        node = self.nodes[own]
        self.now_ns += 1
        if what == "ask":
            asked = CounterIncrement(request(which), 10 + which, BEGIN_NS + (30 + 10 * which) * MS)
            self.under_way.append((ALICE, own, asked))
        elif what == "tick":
            self.send(own, node.tick(self.now_ns))
        elif what == "wait":
            self.now_ns += (1 + 4 * which) * MS
        elif what in ("restart", "load"):
            self.send(own, node.restart(what == "load"))
        elif self.under_way:
            place = which % len(self.under_way)
            sender, to, body = self.under_way[place]
            if what != "copy":
                del self.under_way[place]
            if what != "lose":
                self.arrive(sender, to, body)
        self.check()

    def arrive(self, sender: KeyId, to: KeyId, body: Message) -> None:
        """Let one message arrive."""
        if to in self.nodes:
            self.send(to, self.nodes[to].give(self.now_ns, (sender, body)))
        elif isinstance(body, CounterAnswer) and body.outcome in (Outcome.COUNTED, Outcome.CANCELLED, Outcome.EXPIRED):
            assert self.answers.setdefault((sender, body.id), body) == body, "two answers to one increment"

    def send(self, sender: KeyId, sends: Sequence[Send]) -> None:
        """Put messages on their way."""
        for send in sends:
            assert isinstance(send.to, bytes) and isinstance(send.body, Message)
            self.under_way.append((sender, send.to, send.body))

    def check(self) -> None:
        """What a client was told is so at its owner, and the twin has counted no more than the owner."""
        left, right = (node.role.ledger for node in self.nodes.values())
        for one, other in ((left, right), (right, left)):
            assert one.closed <= other.copied <= one.owned
        for own, node in self.nodes.items():
            counted = [10 + int.from_bytes(id_, "big") for id_ in self.counted(own)]
            assert sum(counted) <= node.role.ledger.owned

    def counted(self, own: KeyId) -> Iterator[bytes]:
        """Yield the ids of which a node has said that they count."""
        for (owner, id_), answer in self.answers.items():
            if owner == own and answer.outcome == Outcome.COUNTED:
                yield id_

    def settle(self) -> None:
        """Deliver everything, in order, until nothing is left to say."""
        for _ in range(40):
            self.now_ns += 5 * MS
            for own, node in self.nodes.items():
                self.send(own, node.tick(self.now_ns))
            while self.under_way:
                self.arrive(*self.under_way.pop(0))
                self.check()


@settings(max_examples=150)
@given(STEPS)
def test_whatever_happens_both_count_the_same_and_once(steps: list[Step]) -> None:
    """Messages of two counters and a client are delivered in any order, twice or never, while time passes, timers are
    due and nodes restart from journals and snapshots. In the end both totals are equal, they are the sum of what
    the answers said, and nothing is remembered.
    """
    pair = Pair()
    for step in steps:
        pair.do(step)
    pair.settle()
    ledgers = [node.role.ledger for node in pair.nodes.values()]
    assert ledgers[0].total == ledgers[1].total
    for own, ledger in zip(pair.nodes, ledgers, strict=True):
        told = sum(10 + int.from_bytes(id_, "big") for id_ in pair.counted(own))
        lost = ledger.owned - told
        assert lost >= 0 and (lost == 0 or "lose" in {step[0] for step in steps})
        assert (ledger.reserved, len(ledger.own), len(ledger.theirs), len(ledger.repeats)) == (0, 0, 0, 0)
        assert ledger.closed == ledger.owned
