"""The echo and its client, driven record by record, and in simulation."""

import io
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.host.kinds import Scenario
from openoutcry.host.plugins import Plugins
from openoutcry.role import FRAME_TAG, NOBODY, TIMER_TAG, Input, Record, Role, Send, Store, Value
from openoutcry.simulation.options import Options
from openoutcry.simulation.world import simulate
from openoutcry.wire.codec import encode
from openoutcry.wire.fields import KeyId
from openoutcry.wire.frames import COMMANDS, encode_records
from openoutcry.wire.limits import BODIES_BYTES_MAX
from openoutcry.wire.signed import Signed
from openoutcry.wire.tags import Message, tag_of
from openoutcry_echo.client import FRAME_EVERY, EchoClient, EchoClientSettings
from openoutcry_echo.kinds import ECHO, ECHO_CLIENT, ECHO_VIEW
from openoutcry_echo.messages import BODY_BYTES_MAX, EchoReply, EchoRequest
from openoutcry_echo.role import TABLES, Echo, EchoSettings
from openoutcry_echo.scenario import SCENARIOS

MS = 1_000_000
ECHO_KEY: KeyId = bytes(range(32))
SENDERS = [bytes([number]) * 32 for number in range(1, 6)]


class Ports:
    """What a role may ask of its node, without a node."""

    def __init__(self, store: Store | None = None) -> None:
        self.number = 3
        self.own = SENDERS[0]
        self.store = store

    def verify(self, signed: Signed) -> bool:
        """Nothing is verified here."""
        raise AssertionError

    def secret(self, path: str) -> bytes:
        """Nothing is secret here."""
        raise AssertionError


class View:
    """A view in memory."""

    def __init__(self) -> None:
        self.sql = sqlite3.connect(":memory:", isolation_level=None)
        self.sql.executescript(TABLES)

    def execute(self, statement: str, values: Sequence[Value] = ()) -> Iterable[tuple[Value, ...]]:
        """Run a statement."""
        return self.sql.execute(statement, values).fetchall()

    def execute_many(self, statement: str, values: Iterable[Sequence[Value]]) -> None:
        """Run a statement for each row."""
        self.sql.executemany(statement, values)


@pytest.fixture
def view() -> Iterator[View]:
    """Yield an empty view."""
    made = View()
    yield made
    made.sql.close()


def message(sender: KeyId, body: Message) -> Input:
    """Return a message as it arrives."""
    raw = encode(body)
    return Input(sender, tag_of(type(body)), body, raw)


def frame(sender: KeyId, sequence: int) -> Input:
    """Return a record frame as it arrives."""
    raw = memoryview(encode_records(COMMANDS, 0, sequence, np.zeros(sequence, COMMANDS.dtype)))
    return Input(sender, FRAME_TAG, raw, raw)


def state_of(role: Role) -> bytes:
    """Return a role's snapshot."""
    out = io.BytesIO()
    role.snapshot(out)
    return out.getvalue()


def feed(role: Role, inputs: Sequence[Input], now_ns: int = 1) -> list[Send]:
    """Give a role one group, and return what leaves."""
    records, sends = role.admit(inputs, now_ns)
    return sends + (role.apply(records).sends if records else [])


def test_what_is_sent_comes_back_to_its_sender_in_order() -> None:
    """Two messages and a frame from two senders; the frame is a copy, so the link may use its memory again."""
    echo = Echo(EchoSettings(), Ports())
    arrived = frame(SENDERS[1], 2)
    sends = feed(echo, [message(SENDERS[0], EchoRequest(7, b"a")), arrived, message(SENDERS[0], EchoRequest(8, b""))])
    sent = bytes(arrived.raw)
    arrived.raw[:] = bytes(len(sent))  # type: ignore[index]
    assert sends == [
        Send(SENDERS[0], EchoReply(7, b"a")),
        Send(SENDERS[1], memoryview(sent)),
        Send(SENDERS[0], EchoReply(8, b"")),
    ]
    tally = echo.tally(SENDERS[0])
    assert tally is not None and (tally.requests, echo.total) == (2, 3)


def test_a_bare_echo_answers_at_once_and_keeps_nothing() -> None:
    """The same answers as the other kind gives, from `admit`."""
    inputs = [message(SENDERS[0], EchoRequest(7, b"a")), frame(SENDERS[1], 2)]
    bare = Echo(EchoSettings(journaled=False), Ports())
    before = state_of(bare)
    records, sends = bare.admit(inputs, 1)
    assert records == []
    assert sends == feed(Echo(EchoSettings(), Ports()), inputs)
    assert state_of(bare) == before


def test_the_longest_body_fits_into_a_signed_envelope() -> None:
    """Request and reply of the longest body are below their own bounds."""
    for type_ in (EchoRequest, EchoReply):
        assert len(encode(type_(2**63 - 1, bytes(BODY_BYTES_MAX)))) <= BODIES_BYTES_MAX


def test_a_record_that_is_no_request_changes_nothing() -> None:
    """A timer that was never set, and bytes that are no message."""
    echo = Echo(EchoSettings(), Ports())
    before = state_of(echo)
    tag = tag_of(EchoRequest)
    assert echo.apply([Record(3, TIMER_TAG, 1, NOBODY, b"x"), Record(3, tag, 1, SENDERS[0], b"junk")]).sends == []
    assert state_of(echo) == before


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=6), max_size=12), st.integers(1, 4))
def test_memory_view_and_a_plain_twin_agree(groups: list[list[int]], senders_max: int) -> None:
    """Groups of requests from five senders, with room for one to four: counts as a plain list would have them; the view
    holds the same rows, and a role made on it goes on from the same state.
    """
    settings = EchoSettings(senders_max=senders_max)
    view = View()
    plain, viewed = Echo(settings, Ports()), Echo(settings, Ports(view))
    heard: list[int] = []
    for group in groups:
        inputs = [message(SENDERS[number], EchoRequest(1, b"x" * number)) for number in group]
        assert feed(plain, inputs) == feed(viewed, inputs)
        heard += group
        assert plain.check() == viewed.check() == []
        assert state_of(plain) == state_of(viewed) == state_of(Echo(settings, Ports(view)))
    latest = list(dict.fromkeys(reversed(heard)))[:senders_max]
    assert {number for number, key in enumerate(SENDERS) if plain.tally(key)} == set(latest)
    view.sql.close()


def test_a_snapshot_goes_on_as_the_role_would_have(view: View) -> None:
    """The same group afterwards gives the same bytes, also where the copy fills a view; junk is a ValueError."""
    echo = Echo(EchoSettings(), Ports())
    feed(echo, [message(sender, EchoRequest(1, b"")) for sender in SENDERS])
    copy = Echo(EchoSettings(), Ports(view))
    copy.restore(io.BytesIO(state_of(echo)))
    last = [message(SENDERS[2], EchoRequest(2, b"zz"))]
    assert feed(echo, last) == feed(copy, last)
    assert state_of(echo) == state_of(copy)
    assert copy.check() == []
    small = Echo(EchoSettings(senders_max=2), Ports())
    small.restore(io.BytesIO(state_of(echo)))
    assert [small.tally(sender) is not None for sender in SENDERS] == [False, False, True, False, True]
    with pytest.raises(ValueError, match="no state of an echo"):
        copy.restore(io.BytesIO(b"junk"))


def test_check_finds_a_view_that_says_something_else(view: View) -> None:
    """A row is changed behind the role's back, and so are its counts."""
    echo = Echo(EchoSettings(), Ports(view))
    feed(echo, [message(SENDERS[0], EchoRequest(1, b""))])
    view.sql.execute("UPDATE echo_senders SET requests = 2")
    assert echo.check() == ["the view holds other counts than the role"]
    plain = Echo(EchoSettings(), Ports())
    feed(plain, [message(SENDERS[0], EchoRequest(1, b""))])
    plain.total = 0
    assert len(plain.check()) == 2


def client_settings(count: int = 16) -> EchoClientSettings:
    """Return settings of a client that asks so often, eight times at a tick."""
    return EchoClientSettings(ECHO_KEY.hex(), count, batch=8, interval_ms=10, resend_ms=25)


def tick(client: EchoClient, now_ns: int) -> list[Send]:
    """Let the client's timer be due."""
    return client.apply([Record(3, TIMER_TAG, now_ns, NOBODY, b"tick")]).sends


def reply(send: Send) -> Input:
    """Return what an echo answers."""
    if isinstance(send.body, memoryview):
        return Input(ECHO_KEY, FRAME_TAG, send.body, send.body)
    assert isinstance(send.body, EchoRequest)
    return message(ECHO_KEY, EchoReply(send.body.number, send.body.body))


def test_the_client_asks_again_until_it_has_a_right_reply() -> None:
    """One reply is lost and comes after the second ask, then once more; each eighth request is a frame."""
    client = EchoClient(client_settings(count=8), Ports())
    assert [timer.due_ns for timer in client.resume().timers] == [0]
    first = tick(client, 0)
    assert [isinstance(send.body, memoryview) for send in first] == [False] * (FRAME_EVERY - 1) + [True]
    feed(client, [reply(send) for send in first[1:]])
    assert client.unanswered == 1
    assert tick(client, 10 * MS) == []
    assert tick(client, 30 * MS) == first[:1]
    feed(client, [reply(first[0])])
    assert feed(client, [reply(first[0])]) == []
    assert (client.unanswered, client.wrong, client.check()) == (0, 0, [])
    assert client.apply([Record(3, TIMER_TAG, 40 * MS, NOBODY, b"tick")]).timers[0].due_ns is None


def test_the_client_sees_what_is_not_what_it_sent() -> None:
    """Another body, and a frame with a changed byte; a stranger's reply is nothing."""
    client = EchoClient(client_settings(), Ports())
    sends = tick(client, 0)
    feed(client, [message(SENDERS[3], EchoReply(1, b"wrong"))])
    assert client.check() == []
    changed = bytearray(sends[7].body)  # type: ignore[arg-type]
    changed[-1] ^= 1
    raw = memoryview(changed)
    feed(client, [message(ECHO_KEY, EchoReply(1, b"wrong")), Input(ECHO_KEY, FRAME_TAG, raw, raw)])
    assert client.check() == ["2 replies were not what was sent"]


def test_a_client_goes_on_from_a_snapshot() -> None:
    """The same replies and ticks afterwards give the same bytes; junk is a ValueError."""
    client, copy = EchoClient(client_settings(), Ports()), EchoClient(client_settings(), Ports())
    feed(client, [reply(send) for send in tick(client, 0)[::2]])
    copy.restore(io.BytesIO(state_of(client)))
    assert copy.resume() == client.resume()
    for now_ns in (10 * MS, 40 * MS):
        assert tick(client, now_ns) == tick(copy, now_ns)
        assert state_of(client) == state_of(copy)
    with pytest.raises(ValueError, match="no state of an echo client"):
        copy.restore(io.BytesIO(b"\x90"))


def test_the_kinds_make_their_roles() -> None:
    """Each from its default settings; only one has tables."""
    answers = Plugins()
    for kind, settings in ((ECHO, EchoSettings()), (ECHO_VIEW, EchoSettings()), (ECHO_CLIENT, client_settings())):
        role = kind.make(settings, Ports(), answers)
        assert (role.name, role.version) == (kind.name, kind.version)
    assert [bool(kind.tables) for kind in (ECHO, ECHO_VIEW, ECHO_CLIENT)] == [False, True, False]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.name))
def test_nothing_breaks_under_faults(scenario: Scenario) -> None:
    """Six seeds of each scenario with every kind of fault."""
    for seed in range(6):
        assert simulate(scenario, seed, Options()).failure is None
