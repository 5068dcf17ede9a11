"""A node without sockets: what it does with a group, what it keeps, and what it answers. On a disk in memory."""

import io
from collections.abc import Callable
from typing import BinaryIO

import pytest

from openoutcry.host.kinds import Settings
from openoutcry.node.core.errors import BadSnapshot, BrokenInvariant, RoleFailed, SettingsChanged
from openoutcry.node.core.language import Language
from openoutcry.node.core.limits import LOCAL_ROUNDS_MAX, REFUSALS_MAX, RETRY_NS
from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.journal import Crashed, CrashPoint, Stopped
from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import FaultCode
from openoutcry.wire.messages import Refuse
from openoutcry.wire.requests import Envelope, enclose, read_envelope
from openoutcry.wire.signed import Signed, open_signed
from openoutcry.wire.tags import Message
from tests.small_roles import PINGER, SECOND_NS, TALLY, Add, Ask, Node, Ping, Told, frame, identity

CLIENT = identity("client")
CODEC: Codec = Language({1: TALLY, 2: PINGER}).codec


def said(out: list[Outgoing]) -> list[Message]:
    """Decode what a node sends; what is in an envelope is taken out of it."""
    found: list[Message] = []
    for _, raw in out:
        message = CODEC.decode(raw)
        assert isinstance(message, Message), message
        if isinstance(message, Envelope):
            assert not isinstance(read_envelope(message, CODEC, CLIENT.verifier), Refuse)
            for body in message.bodies:
                inner = CODEC.decode(body)
                assert isinstance(inner, Message)
                found.append(inner)
        else:
            found.append(message)
    return found


def envelope(node: Node, sequence: int, *messages: Message, expiry_ns: int | None = None) -> bytes:
    """Return a signed request of the client to a node."""
    expiry_ns = node.now_ns + SECOND_NS if expiry_ns is None else expiry_ns
    bodies = [frame(message) for message in messages]
    return frame(enclose(bodies, CLIENT.signer, node.key, sequence, expiry_ns, bytes(32)))


def send(node: Node, *frames: bytes) -> list[Message]:
    """Let a node take frames from the client as one group."""
    return said(node.core.step([Arrival(CLIENT.key, one) for one in frames], node.now_ns))


def codes(messages: list[Message]) -> list[int]:
    """Return the reasons of the refusals among messages."""
    return [message.reason for message in messages if isinstance(message, Refuse)]


def writing(content: bytes) -> Callable[[BinaryIO], None]:
    """Return what writes this content into a snapshot."""

    def write(out: BinaryIO) -> None:
        out.write(content)

    return write


def state(node: Node) -> bytes:
    """Return all that a node knows."""
    out = io.BytesIO()
    node.core.write_state(out)
    return out.getvalue()


def test_a_group_is_kept_and_answered() -> None:
    """Two messages become two records of one batch and two answers in one signed envelope."""
    node = Node()
    out = node.core.step([Arrival(CLIENT.key, frame(Add(2))), Arrival(CLIENT.key, frame(Add(3)))], node.now_ns)
    assert [to for to, _ in out] == [CLIENT.key]
    assert said(out) == [Told(2), Told(5)]
    (batch,) = node.log.read()
    assert [record.raw for record in batch.records if record.role] == [frame(Add(2)), frame(Add(3))]


def test_a_query_is_answered_and_not_kept() -> None:
    """ASK gives the total as it was before the group, and the journal stays empty."""
    node = Node()
    assert send(node, frame(Ask())) == [Told(0)]
    assert node.log.last == 0


@pytest.mark.parametrize("point", list(CrashPoint))
def test_what_was_answered_survives_every_crash(point: CrashPoint) -> None:
    """The node ends at each point of a group; after it, all of the group is there or none, and nothing was said."""
    node = Node()
    send(node, frame(Add(5)))
    node.disk.crash_at = point
    with pytest.raises(Crashed):
        send(node, frame(Add(7)))
    node.disk.crash()
    node.start()
    assert node.tally.total == (12 if point is CrashPoint.AFTER_SYNC else 5)


def test_a_restart_comes_to_the_same_bytes() -> None:
    """With and without a snapshot in between, the state after a restart is the one before it, marks and clock too."""
    node = Node()
    for number in range(20, 60):
        node.now_ns += SECOND_NS // 3
        send(node, frame(Add(number)), envelope(node, number, Add(number + 1)))
        node.core.step([], node.now_ns)
        if number == 40:
            node.core.save_snapshot()
    before = state(node)
    node.start()
    assert state(node) == before
    assert node.core.counters.replayed < node.log.last
    node.disk.snapshots.clear()
    node.start()
    assert state(node) == before
    assert node.core.counters.replayed == node.log.last


def test_a_signed_request_counts_once_also_after_a_restart() -> None:
    """The same envelope is refused as REPLAYED, an older one as STALE; before and after a crash, with a snapshot or
    without, and also where the first one led to no record of a role."""
    for restart in (False, True):
        for snapshot in (False, True):
            node = Node()
            first, query = envelope(node, 5, Add(1)), envelope(node, 7, Ask())
            assert send(node, first) == [Told(1)]
            assert send(node, query) == [Told(1)]
            if snapshot:
                node.core.save_snapshot()
            if restart:
                node.disk.crash()
                node.start()
            assert codes(send(node, query)) == [FaultCode.REPLAYED]
            assert codes(send(node, first)) == [FaultCode.STALE]
            assert node.tally.total == 1


def test_two_envelopes_of_one_sender_in_one_group_count_in_their_order() -> None:
    """The second has to be newer than the first, though neither is in the journal yet."""
    node = Node()
    answers = send(node, envelope(node, 2, Add(1)), envelope(node, 2, Add(1)), envelope(node, 3, Add(1)))
    assert codes(answers) == [FaultCode.REPLAYED]
    assert node.tally.total == 2


def test_who_signs_is_the_sender_whoever_brings_it() -> None:
    """An envelope of the client that another peer passes on is the client's: it is answered, not the peer."""
    node = Node()
    out = node.core.step([Arrival(identity("courier").key, envelope(node, 1, Add(4)))], node.now_ns)
    assert [to for to, _ in out] == [CLIENT.key]


def test_a_forged_or_changed_envelope_is_refused_whole() -> None:
    """One flipped bit in any byte of an envelope: nothing of it is taken, whatever the bit was."""
    node = Node()
    good = envelope(node, 1, Add(1), Add(2))
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1
        node.core.step([Arrival(CLIENT.key, bytes(bad))], node.now_ns)
    assert node.tally.total == 0
    assert send(node, good) == [Told(1), Told(3)]


def test_junk_is_refused_by_name_and_counted_against_the_peer() -> None:
    """Bytes that are nothing, a tag that no role takes, a greeting inside: each has its code."""
    node = Node()
    assert codes(send(node, b"junk", frame(Told(1)), b"\x91\xcd\xff\x00")) == [
        FaultCode.MALFORMED,
        FaultCode.UNKNOWN_TAG,
        FaultCode.UNKNOWN_TAG,
    ]
    assert node.core.inbox.faults == {CLIENT.key: 3}


def test_a_flood_of_junk_is_not_answered_one_by_one() -> None:
    """Beyond a bound the refusals of one group are only counted."""
    node = Node()
    assert len(send(node, *[b"junk"] * 100)) == REFUSALS_MAX
    assert node.core.inbox.refused[FaultCode.MALFORMED] == 100


def test_refusals_are_never_refused() -> None:
    """A REFUSE that no role wants is counted, and not answered: two nodes would never end."""
    node = Node()
    assert send(node, frame(Refuse(1, 1, "no"))) == []
    assert node.core.inbox.told == 1


def test_an_input_that_a_role_cannot_judge_harms_no_other() -> None:
    """The role raises on one of three; the other two count, and the sender of the one is told."""
    node = Node()
    answers = send(node, frame(Add(1)), frame(Add(13)), frame(Add(2)))
    assert codes(answers) == [FaultCode.ROLE_FAILED]
    assert node.tally.total == 3
    assert any("thirteen" in note for note in node.core.notes)


def test_a_role_that_fails_to_apply_stops_the_node() -> None:
    """It says which role and what, and nothing of the group is sent; a restart says so again."""
    node = Node()
    for attempt in (lambda: send(node, frame(Add(17))), node.start):
        with pytest.raises(RoleFailed, match=r"role tally failed on 1 records, the first of tag 10900.*seventeen"):
            attempt()


def test_a_full_disk_acknowledges_nothing_and_goes_on_later() -> None:
    """The sender is told NOT_DURABLE, a signed request may be sent again as it is, a due timer comes later."""
    node = Node()
    send(node, frame(Add(2)))
    node.disk.full = True
    node.now_ns += 2 * SECOND_NS
    request = envelope(node, 1, Add(3))
    assert codes(send(node, request)) == [FaultCode.NOT_DURABLE]
    assert node.tally.total == 2
    assert node.core.due_ns == node.core.clock_ns + RETRY_NS
    node.disk.full = False
    assert send(node, request) == [Told(5)]
    node.now_ns += 2 * SECOND_NS
    node.core.step([], node.now_ns)
    assert node.tally.total == 10


def test_a_failing_sync_stops_the_node_before_it_says_anything() -> None:
    """Stopped is raised in place of an answer, now and for whatever follows."""
    node = Node()
    node.disk.sync_fails = True
    for _ in range(2):
        with pytest.raises(Stopped):
            send(node, frame(Add(1)))


def test_timers_are_records_and_survive_a_restart() -> None:
    """A timer doubles the total when it is due, not before; `resume` sets it again; it goes out signed."""
    node = Node()
    send(node, frame(Add(3)))
    assert node.core.due_ns == node.core.clock_ns + SECOND_NS
    node.start()
    node.now_ns = node.core.due_ns or 0
    node.now_ns -= 1
    assert node.core.step([], node.now_ns) == []
    node.now_ns += 1
    ((topic, raw),) = node.core.step([], node.now_ns)
    signed = CODEC.decode(raw)
    assert topic == "totals" and isinstance(signed, Signed)
    assert open_signed(signed, CODEC) == Told(6)
    assert node.core.timers == 0
    node.start()
    assert node.tally.total == 6


def test_roles_of_one_node_speak_by_message_and_cannot_keep_it_busy_for_ever() -> None:
    """A PING of 5 becomes six ADDs to the other role; one of 10,000 is carried on in later steps."""
    node = Node(kinds=(TALLY, PINGER))
    send(node, frame(Ping(5)))
    while node.core.due_ns == node.core.clock_ns:
        node.core.step([], node.now_ns)
    assert node.tally.total == 6
    send(node, frame(Ping(10_000)))
    assert node.tally.total <= 6 + LOCAL_ROUNDS_MAX
    assert node.core.due_ns == node.core.clock_ns


def test_a_clock_that_runs_back_does_not_take_the_node_with_it() -> None:
    """The times of records never fall, and what was sent before a restart does not make later requests stale."""
    node = Node(now_ns=100 * SECOND_NS)
    send(node, frame(Add(1)))
    node.now_ns = SECOND_NS
    (first,) = node.core.step([Arrival(CLIENT.key, frame(Add(1)))], node.now_ns)
    node.start()
    (second,) = node.core.step([Arrival(CLIENT.key, frame(Add(1)))], node.now_ns)
    sequences = []
    for _, raw in (first, second):
        message = CODEC.decode(raw)
        assert isinstance(message, Envelope)
        request = read_envelope(message, CODEC, CLIENT.verifier)
        sequences.append(getattr(request, "sequence", 0))
    times = [record.time_ns for batch in node.log.read() for record in batch.records]
    assert times == sorted(times)
    assert 100 * SECOND_NS <= sequences[0] < sequences[1]


def test_the_state_of_a_role_that_is_no_longer_run_is_kept() -> None:
    """A node with two roles takes a snapshot, runs one of them for a while, then both: the other is as it was."""
    node = Node(kinds=(TALLY, PINGER))
    send(node, frame(Ping(0)))
    node.core.save_snapshot()
    node.kinds = (TALLY,)
    node.start()
    send(node, frame(Add(1)))
    node.core.save_snapshot()
    node.kinds = (TALLY, PINGER)
    node.start()
    assert getattr(node.role("pinger"), "pings", None) == 1


def test_a_broken_invariant_stops_the_node() -> None:
    """Neither a snapshot of it is taken, nor is it started."""
    node = Node()
    send(node, frame(Add(1)))
    node.tally.total = -1
    with pytest.raises(BrokenInvariant, match="role tally: the total is -1"):
        node.core.save_snapshot()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not begin"),
        (b"OUTCRYN1\xff\xff\xff\xff", "at most"),
        (b"OUTCRYN1\x01\x00\x00\x00\xc1", "cannot be read"),
    ],
)
def test_a_snapshot_that_is_none_is_refused(content: bytes, why: str) -> None:
    """With its digest in order, and content that no node wrote."""
    node = Node()
    send(node, frame(Add(1)))
    node.log.save(1, writing(content))
    with pytest.raises(BadSnapshot, match=why):
        node.start()


def test_every_cut_of_a_snapshot_is_refused() -> None:
    """A snapshot's content is cut at each byte, and lengthened by one."""
    node = Node()
    send(node, envelope(node, 1, Add(1)))
    whole = state(node)
    for content in [whole[:size] for size in range(len(whole))] + [whole + b"\0"]:
        node.log.save(node.log.last, writing(content))
        with pytest.raises(BadSnapshot):
            node.start()


class Paced(Settings, frozen=True, forbid_unknown_fields=True):
    """Settings with something in them."""

    pace: int = 1


def test_settings_that_change_between_a_stop_and_a_start_are_taken_and_after_a_crash_they_are_not() -> None:
    """With a snapshot nothing is applied again; without one the node refuses to come to another state, until it has its
    old settings back."""
    node = Node(settings=Paced())
    send(node, frame(Add(1)))
    node.core.save_snapshot()
    node.settings = Paced(pace=2)
    node.start()
    send(node, frame(Add(2)))
    node.disk.crash()
    node.settings = Paced(pace=3)
    with pytest.raises(SettingsChanged, match="the settings of role tally are not those"):
        node.start()
    node.settings = Paced(pace=2)
    node.start()
    assert node.tally.total == 3
