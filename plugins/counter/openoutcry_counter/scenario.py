"""Small markets for simulation: two counters that are each other's twin, and clients who make load.

What must hold is asked after every group of every node, so sums are compared each time, and single increments only
where the last group changed them; after a restart, all that the node knows.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from openoutcry.host.kinds import Cast, RoleKind, Scenario
from openoutcry.role import Role
from openoutcry.wire.fields import KeyId
from openoutcry_counter.client import CounterClient, CounterClientSettings
from openoutcry_counter.kinds import COUNTER, COUNTER_CLIENT
from openoutcry_counter.ledger import CANCELLED, CLOSED, COUNTED, TWIN_COUNTED, Entry
from openoutcry_counter.messages import ID_BYTES, Outcome
from openoutcry_counter.role import Counter, CounterSettings

COUNTERS: Final = ("left", "right")
CLIENTS: Final = ("alice", "bob")
RESEND_MS: Final = 7


def scenario(
    name: str,
    summary: str,
    count: int,
    batch: int,
    interval_ms: int,
    lifetime_ms: int,
    deadline_ms: int,
    own_max: int,
    held_max: int,
    total_max: int,
    machine_kind: RoleKind = COUNTER,
) -> Scenario:
    """Return two counters with two clients.

    count, batch, interval_ms, lifetime_ms: of each client. deadline_ms, own_max, held_max, total_max: of each counter;
    so low that the load reaches them.
    """

    def nodes(keys: Mapping[str, KeyId]) -> Mapping[str, Sequence[Cast]]:
        hexed = {name: key.hex() for name, key in keys.items()}
        twins = zip(COUNTERS, reversed(COUNTERS), strict=True)
        counters = {
            name: [
                Cast(
                    machine_kind,
                    CounterSettings(
                        hexed[twin],
                        deadline_ms=deadline_ms,
                        resend_ms=RESEND_MS,
                        remember_ms=200,
                        own_max=own_max,
                        held_max=held_max,
                        total_max=total_max,
                    ),
                )
            ]
            for name, twin in twins
        }
        load = CounterClientSettings(
            tuple(hexed[name] for name in COUNTERS),
            count=count,
            batch=batch,
            interval_ms=interval_ms,
            resend_ms=50,
            lifetime_ms=lifetime_ms,
        )
        return {**counters, **{name: [Cast(COUNTER_CLIENT, load)] for name in CLIENTS}}

    return Scenario(name, summary, (*COUNTERS, *CLIENTS), nodes, broken, unsettled)


def broken(roles: Mapping[str, Mapping[str, Role]]) -> list[str]:
    """Return what must never be, among the nodes that are up."""
    counters, clients = _counters(roles), _clients(roles)
    lines: list[str] = []
    for name, owner in counters.items():
        twin = next((other for other in counters.values() if other is not owner), None)
        if twin is not None:
            lines += _broken_between(name, owner, twin)
        if len(clients) == len(CLIENTS):
            lines += _broken_sums(name, owner, clients)
        for client_name, client in clients.items():
            lines += _broken_answers(client_name, client, name, owner)
    return lines


def unsettled(roles: Mapping[str, Mapping[str, Role]]) -> list[str]:
    """Return what is not settled yet: increments without an answer, or that one node may still count."""
    lines = [
        f"{name} waits for {client.unanswered} answers" for name, client in _clients(roles).items() if client.unanswered
    ]
    counters = _counters(roles)
    lines += [
        f"{name} has {len(role.ledger.repeats)} unsettled" for name, role in counters.items() if role.ledger.repeats
    ]
    totals = [role.ledger.total for role in counters.values()]
    if not lines and len(set(totals)) > 1:
        lines.append(f"the totals differ: {totals}")
    return lines


def _broken_between(name: str, owner: Counter, twin: Counter) -> Iterator[str]:
    """What an owner has counted, its twin holds or has counted; what it has not, the twin has not."""
    own, theirs = owner.ledger, twin.ledger
    if theirs.copied > own.owned:
        yield f"the twin of {name} has counted {theirs.copied} of the {own.owned} that it has"
    if own.closed > theirs.copied:
        yield f"{name} takes {own.closed} for counted by its twin, which has counted {theirs.copied}"
    keys = dict.fromkeys(key for key, _ in chain(owner.touched, twin.touched))
    for key in keys:
        line = _broken_pair(owner, own.own.get(key), twin, theirs.theirs.get(key))
        if line:
            yield f"increment {key.hex()} {line} ({name})"


def _broken_pair(owner: Counter, mine: Entry | None, twin: Counter, copy: Entry | None) -> str:
    """Say what is wrong with one increment at both nodes, "" for nothing."""
    if mine is not None and mine.state in (COUNTED, CLOSED):
        if copy is None and twin.now_ns < mine.expiry_ns:
            return "is counted, and its twin does not know it"
        if copy is not None and mine.state == CLOSED and copy.state != TWIN_COUNTED:
            return f"is closed, and {copy.state} at its twin"
    elif mine is not None and copy is not None and copy.state == TWIN_COUNTED:
        return f"is {mine.state}, and its twin has counted it"
    elif mine is None and copy is not None and owner.now_ns < copy.expiry_ns:
        return f"is {copy.state}, and its owner does not know it"
    return ""


def _broken_sums(name: str, owner: Counter, clients: Mapping[str, CounterClient]) -> Iterator[str]:
    """The sum that an owner has counted is that of the answers, and no more than what is open besides."""
    counted = uncertain = 0
    for client in clients.values():
        index = client.nodes.index(owner.own)
        counted += client.counted[index]
        uncertain += client.uncertain[index]
    if not counted <= owner.ledger.owned <= counted + uncertain:
        yield f"{name} has counted {owner.ledger.owned}, its clients know of {counted} and may get {uncertain} more"


def _broken_answers(client_name: str, client: CounterClient, name: str, owner: Counter) -> Iterator[str]:
    """What a client was told is what its owner knows, for as long as it does."""
    index = client.nodes.index(owner.own)
    for number in client.touched:
        if client.node_of(number) != index:
            continue
        answer = client.answered[number]
        entry = owner.ledger.own.get(client.own + number.to_bytes(ID_BYTES, "big"))
        if answer.outcome == Outcome.COUNTED:
            right = entry.state in (COUNTED, CLOSED) if entry else _is_gone(owner, answer.expiry_ns)
        elif answer.outcome == Outcome.CANCELLED:
            right = entry.state == CANCELLED if entry else _is_gone(owner, answer.expiry_ns)
        else:
            right = entry is None or answer.outcome == Outcome.FORGOTTEN
        if not right:
            state = entry.state if entry else "not known"
            yield f"increment {number} of {client_name} is {Outcome(answer.outcome).name}, and {state} at {name}"


def _is_gone(owner: Counter, expiry_ns: int) -> bool:
    return owner.now_ns >= expiry_ns + owner.ledger.bounds.remember_ns


def _counters(roles: Mapping[str, Mapping[str, Role]]) -> dict[str, Counter]:
    up = ((name, role) for name in COUNTERS for role in roles.get(name, {}).values())
    return {name: role for name, role in up if isinstance(role, Counter)}


def _clients(roles: Mapping[str, Mapping[str, Role]]) -> dict[str, CounterClient]:
    up = ((name, role) for name in CLIENTS for role in roles.get(name, {}).values())
    return {name: role for name, role in up if isinstance(role, CounterClient)}


COUNTER_SCENARIO: Final = scenario(
    "counter",
    "two counters that are each other's twin, at the limits of their memory and of their total, and two clients",
    count=800,
    batch=16,
    interval_ms=60,
    lifetime_ms=800,
    deadline_ms=20,
    own_max=160,
    held_max=120,
    total_max=300_000,
)
SMALL_SCENARIO: Final = scenario(
    "counter_small",
    "the same with a handful of increments: for every crash point, and pairs of them",
    count=12,
    batch=3,
    interval_ms=15,
    lifetime_ms=60,
    deadline_ms=RESEND_MS + 2,  # a confirmation that is asked for twice comes just then: a step there, a step back
    own_max=4,
    held_max=3,
    total_max=5_000,
)
SCENARIOS: Final = (COUNTER_SCENARIO, SMALL_SCENARIO)
