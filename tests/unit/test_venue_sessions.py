"""Sessions of a venue: opened, kept alive, silent, closed; and a member's own stream of events."""

from io import BytesIO

import numpy as np
import pytest

from openoutcry.book.commands import batch, place
from openoutcry.book.state import STATE_ORDER
from openoutcry.domain import EventKind, Side, TimeInForce
from openoutcry.domain.records import Commands
from openoutcry.role import Send
from openoutcry.venue.limits import EVENTS_KEPT, HEARD_NS, SILENCE_NS
from openoutcry.venue.messages import (
    EVENT_STREAM_MIN,
    LEASE_NS_MIN,
    CommandsRefused,
    EntryFault,
    KeepAlive,
    SessionClose,
    SessionClosed,
    SessionOpen,
    SessionOpened,
)
from openoutcry.wire.messages import (
    Refuse,
    StreamHead,
    StreamResend,
    StreamSnapshotPart,
    StreamSnapshotWanted,
    StreamUseSnapshot,
)
from tests.venue.hall import SECOND, Hall, events_of, member, messages_of, state_of

ONE = member(1)
STREAM = EVENT_STREAM_MIN + 1


def buy(number: int, lots: int = 1) -> Commands:
    """Return an order of member 1."""
    return place(0, 0, number, Side.BUY, lots, 100)


@pytest.fixture
def hall() -> Hall:
    """Two members, one pair."""
    made = Hall()
    made.furnish()
    return made


def closed(sends: list[Send]) -> list[SessionClosed]:
    """Return what member 1 is told of the end of its session."""
    return messages_of(sends, ONE, SessionClosed)


def test_opening_says_where_the_member_stands(hall: Hall) -> None:
    """After three commands and six events; the lease is at least the shortest one."""
    hall.trade(1, 1, batch(buy(1), buy(2), buy(3)))
    (found,) = messages_of(hall.say(ONE, SessionOpen(True, 1)), ONE, SessionOpened)
    assert found == SessionOpened(1, 4, STREAM, 6, (0, 1), True, LEASE_NS_MIN, 1_000_000, hall.now_ns)


def test_a_stranger_opens_nothing(hall: Hall) -> None:
    """Neither its own session, nor another's by closing it or keeping it alive."""
    for message in (SessionOpen(False), SessionClose(1, True), KeepAlive(1)):
        sends = hall.say(member(9), message)
        assert messages_of(sends, member(9), CommandsRefused)[0].reason == EntryFault.UNKNOWN_SESSION
    assert closed(hall.say(ONE, SessionClose(2, True))) == []


def test_silence_cancels_and_closes(hall: Hall) -> None:
    """At three seconds after the last word and no later; the other member's orders stay."""
    hall.say(ONE, SessionOpen(True))
    hall.trade(2, 1, place(0, 2, 1, Side.BUY, 1, 90))
    hall.trade(1, 1, batch(buy(1), buy(2)))
    assert closed(hall.pass_time(SILENCE_NS - 1)) == []
    sends = hall.pass_time(1)
    assert closed(sends) == [SessionClosed(1, 2, "silent for too long")]
    assert (events_of(sends, ONE)["kind"] == EventKind.CANCELLED).all()
    assert hall.venue.floor.books.live == 1
    assert messages_of(hall.trade(1, 3, buy(3)), ONE, CommandsRefused)[0].reason == EntryFault.UNKNOWN_SESSION


@pytest.mark.parametrize("word", ["keep alive", "commands"])
def test_any_word_puts_silence_off(hall: Hall, word: str) -> None:
    """Every second something, for ten seconds; then nothing."""
    hall.say(ONE, SessionOpen(True))
    for number in range(1, 11):
        assert closed(hall.pass_time(SECOND)) == []
        if word == "keep alive":
            hall.say(ONE, KeepAlive(1))
        else:
            hall.trade(1, number, buy(number))
    assert len(closed(hall.pass_time(SILENCE_NS))) == 1


def test_a_lease_is_shorter_than_silence(hall: Hall) -> None:
    """Two seconds, with and without cancel on disconnect; a session with neither is never silent."""
    for cancel in (False, True):
        hall.say(ONE, SessionOpen(cancel, LEASE_NS_MIN))
        assert closed(hall.pass_time(LEASE_NS_MIN - 1)) == []
        assert len(closed(hall.pass_time(1))) == 1
    hall.say(ONE, SessionOpen(False))
    assert closed(hall.pass_time(3_600 * SECOND)) == []


def test_a_flood_of_life_signs_is_no_flood_of_records(hall: Hall) -> None:
    """Ten within a tenth of a second: none is kept; each is answered with the head of the stream."""
    hall.say(ONE, SessionOpen(True))
    records = len(hall.journal)
    for _ in range(10):
        assert hall.say(ONE, KeepAlive(1)) == [Send(ONE, StreamHead(STREAM, 0))]
    assert len(hall.journal) == records
    hall.pass_time(HEARD_NS)
    hall.say(ONE, KeepAlive(1))
    assert len(hall.journal) == records + 1


def test_closing_keeps_or_cancels_orders(hall: Hall) -> None:
    """As the member says; a life sign then says that there is no session."""
    hall.trade(1, 1, batch(buy(1), buy(2)))
    assert closed(hall.say(ONE, SessionClose(1, False))) == [SessionClosed(1, 0)]
    assert hall.venue.floor.books.live == 2
    assert messages_of(hall.say(ONE, KeepAlive(1)), ONE, CommandsRefused)[0].expected == 3
    assert closed(hall.say(ONE, SessionClose(1, True))) == [SessionClosed(1, 2)]
    assert hall.venue.floor.books.live == 0


def test_a_restart_gives_members_their_time_anew(hall: Hall) -> None:
    """An hour passes while the venue is away; then nobody is silent until three seconds after it woke."""
    hall.say(ONE, SessionOpen(True))
    hall.trade(1, 1, buy(1))
    venue = hall.replayed()
    assert state_of(venue) == state_of(hall.venue)
    hall.venue, hall.due = venue, {}
    hall.now_ns += 3_600 * SECOND
    hall.take(venue.resume())
    assert closed(hall.pass_time(SILENCE_NS - 1)) == []
    assert len(closed(hall.pass_time(SECOND))) == 1


def test_missed_events_are_sent_again(hall: Hall) -> None:
    """Whole frames from the first that is missing, then the head."""
    for number in range(1, 4):
        hall.trade(1, number, buy(number))
    sends = hall.say(ONE, StreamResend(STREAM, 3, 4))
    assert events_of(sends, ONE)["taker"][0] == 2
    assert messages_of(sends, ONE, StreamHead) == [StreamHead(STREAM, 6)]


def test_what_is_not_kept_comes_as_a_snapshot(hall: Hall) -> None:
    """A venue that goes on from a snapshot has no old events: it gives the live orders, and events go on after them."""
    hall.trade(1, 1, batch(buy(1, lots=5), buy(2), place(0, 0, 3, Side.BUY, 1, 100, tif=TimeInForce.IOC)))
    hall.trade(2, 1, place(0, 2, 1, Side.SELL, 2, 100))
    fresh = hall.make()
    fresh.restore(BytesIO(state_of(hall.venue)))
    hall.venue = fresh
    head = fresh.floor.sessions.value(1, "event_head")
    assert hall.say(ONE, StreamResend(STREAM, 1, 2)) == [Send(ONE, StreamUseSnapshot(STREAM, head))]
    sends = hall.say(ONE, StreamSnapshotWanted(STREAM, 0))
    (part,) = messages_of(sends, ONE, StreamSnapshotPart)
    rows = np.frombuffer(part.body, STATE_ORDER)
    assert rows[["client_id", "displayed_lots"]].tolist() == [(1, 3), (2, 1)]
    assert (part.sequence, sends[-1].body) == (head, StreamHead(STREAM, head))
    frame = next(send.body for send in hall.trade(1, 4, buy(4)) if isinstance(send.body, memoryview))
    assert int.from_bytes(frame[16:24], "little") == head + 1


def test_nobody_reads_anothers_events(hall: Hall) -> None:
    """Ranges and snapshots of another's stream, of nobody's, and by a stranger."""
    hall.trade(1, 1, buy(1))
    for sender in (member(2), member(9)):
        for stream in (STREAM, EVENT_STREAM_MIN + 77):
            for question in (StreamResend(stream, 1, 1), StreamSnapshotWanted(stream, 0)):
                (send,) = hall.say(sender, question)
                assert isinstance(send.body, Refuse)


def test_what_a_member_missed_is_bounded() -> None:
    """The bounds of what is kept are those of the stream that the venue makes for a session."""
    hall = Hall()
    hall.furnish()
    hall.trade(1, 1, buy(1))
    stream = hall.venue.floor.router.stream(1, hall.venue.floor.sessions)
    for _ in range(3):
        stream.publish(bytes(4 * 1024 * 1024))
    assert stream.first_kept > 1 and EVENTS_KEPT < 100_000


def test_many_events_of_one_group_come_in_several_frames() -> None:
    """One order meets 17,000 others: more events than a frame holds, numbered without a gap."""
    hall = Hall()
    hall.furnish(rate=10**8)
    for at in range(17):
        rows = np.repeat(buy(0), 1_000)
        rows["client_id"] = np.arange(1_000) + at * 1_000
        hall.trade(1, 1 + 1_000 * at, rows)
    sends = hall.trade(2, 1, place(0, 2, 1, Side.SELL, 17_000, 100))
    for number in (1, 2):
        frames = [send for send in sends if send.to == member(number) and isinstance(send.body, memoryview)]
        assert len(frames) == 2
        assert (events_of(sends, member(number))["kind"] == EventKind.TRADED).sum() == 17_000
    assert hall.venue.check() == []
