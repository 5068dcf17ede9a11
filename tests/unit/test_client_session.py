"""A session without sockets: what is lost, cut, delayed or refused on the way is neither lost nor done twice."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.book.commands import batch, cancel, place
from openoutcry.book.state import STATE_ORDER
from openoutcry.client.desk import CODEC, RECORDS
from openoutcry.client.errors import Closed, Full, Refused
from openoutcry.client.orders import Asked, OrderEvent, OrderState, describe
from openoutcry.client.outbox import OUTBOX_FRAMES_MAX, Batch, BatchState
from openoutcry.client.session import EventFrame, Happening, SessionEvent, SessionState
from openoutcry.domain import Side
from openoutcry.domain.records import COMMAND, EVENT, Commands
from openoutcry.venue.messages import CommandsRefused, EntryFault, SessionOpen
from openoutcry.wire.frames import COMMANDS, EVENTS, RecordFrame, encode_records
from openoutcry.wire.tags import Message
from tests.clients.fake_venue import BAD_LOTS, FakeMember, events_of
from tests.clients.lossy import ME, Lossy


def opened(**options: Any) -> Lossy:
    """Return a client whose session is open."""
    lossy = Lossy(**options)
    lossy.connect()
    lossy.move()
    assert lossy.session.state is SessionState.OPEN
    return lossy


def orders(first: int, count: int, lots: int = 1) -> Commands:
    """Return orders with client ids of their own, far below each other's price."""
    return batch(*(place(0, 0, 1_000 + first + at, Side.BUY, lots, 1 + first + at) for at in range(count)))


def ids_taken(lossy: Lossy) -> list[int]:
    """Return the client ids of all that the venue has ever taken of this client, fillers left out."""
    member = lossy.venue.members[ME]
    found: list[int] = []
    for _, (raw, _) in sorted(member.frames.items()):
        frame = RECORDS.decode(raw)
        assert isinstance(frame, RecordFrame) and frame.kind is COMMANDS
        found += [name for name in frame.records["client_id"].tolist() if name]
    return found


def assert_all_told(lossy: Lossy) -> None:
    """The client has seen each event of its stream once and in order."""
    frames = [one for one in lossy.told if isinstance(one, EventFrame)]
    seen = np.concatenate([frame.events for frame in frames]) if frames else events_of(lossy.venue, ME)[:0]
    assert seen.tobytes() == events_of(lossy.venue, ME).tobytes()


def test_commands_are_numbered_taken_and_answered_by_the_books_numbers() -> None:
    """Three frames of three; the venue's numbers of each, and one event for each order."""
    lossy = opened()
    batches = [lossy.submit(orders(3 * at, 3)) for at in range(3)]
    lossy.move()
    assert [one.state for one in batches] == [BatchState.TAKEN] * 3
    assert [one.sequence for one in batches] == [1, 4, 7]
    first = batches[0].book_sequence
    assert [one.book_sequence for one in batches] == [first, first + 3, first + 6]
    assert_all_told(lossy)


def test_answers_that_were_lost_with_the_link_come_with_the_next_one() -> None:
    """The venue takes two frames, and the link is cut before it can say so."""
    lossy = opened()
    batches = [lossy.submit(orders(at, 1)) for at in range(2)]
    lossy.venue.drop = lambda outgoing: True
    lossy.move()
    lossy.cut()
    assert [one.state for one in batches] == [BatchState.SENT] * 2
    lossy.settle()
    assert [one.state for one in batches] == [BatchState.TAKEN] * 2
    assert ids_taken(lossy) == [1_000, 1_001]
    assert_all_told(lossy)
    told = [one.happening for one in lossy.told if isinstance(one, SessionEvent)]
    assert told == [Happening.OPENED, Happening.LINK_LOST, Happening.OPENED]


def test_a_frame_that_is_lost_on_the_way_is_sent_again_and_those_behind_it_once() -> None:
    """The venue does not hear the second of four frames; it refuses those behind it, which come in order then."""
    lossy = opened()
    lost = [False]

    def deaf(raw: bytes) -> bool:
        is_it = raw[:4] == b"OORF" and int.from_bytes(raw[16:24], "little") == 2 and not lost[0]
        lost[0] = lost[0] or is_it
        return is_it

    lossy.venue.deaf = deaf
    for at in range(4):
        lossy.submit(orders(at, 1))
    lossy.move()
    lossy.move()
    assert ids_taken(lossy) == [1_000, 1_001, 1_002, 1_003] and not lossy.session.outbox.unsettled


def test_a_frame_that_is_refused_takes_nothing_else_with_it() -> None:
    """An order check refuses the second of four frames: it alone fails, the others keep their numbers."""
    lossy = opened()
    batches = [lossy.submit(orders(at, 2, BAD_LOTS if at == 2 else 1)) for at in (0, 2, 4, 6)]
    lossy.settle()
    assert [one.state.name for one in batches] == ["TAKEN", "REFUSED", "TAKEN", "TAKEN"]
    assert [one.sequence for one in batches] == [1, 3, 5, 7]
    assert isinstance(batches[1].error, Refused) and batches[1].error.reason == "CHECK" and batches[1].error.code == 24
    assert ids_taken(lossy) == [1_000, 1_001, 1_004, 1_005, 1_006, 1_007]


def test_the_numbers_of_a_refused_frame_are_used_again_where_nothing_follows_it() -> None:
    """No command of nothing is sent for it."""
    lossy = opened()
    refused = lossy.submit(orders(0, 1, BAD_LOTS))
    lossy.move()
    taken = lossy.submit(orders(1, 1))
    lossy.move()
    assert (refused.state, taken.state) == (BatchState.REFUSED, BatchState.TAKEN)
    assert refused.sequence == taken.sequence == 1


def test_commands_that_come_too_fast_wait_and_go_out_again() -> None:
    """The venue refuses three times for its rate; then everything is taken, in order."""
    lossy = opened()
    lossy.venue.refuse_rate = 3
    for at in range(3):
        lossy.submit(orders(at, 1))
    for _ in range(8):
        lossy.move()
        lossy.pass_time(60)
    assert ids_taken(lossy) == [1_000, 1_001, 1_002]


def test_a_session_that_the_venue_has_closed_is_opened_again() -> None:
    """Silence of four seconds with cancel on disconnect: the orders are cancelled, it is told, trading goes on."""
    lossy = opened(cancel_on_disconnect=True)
    lossy.submit(orders(0, 2))
    lossy.move()
    lossy.now_ns += 4 * 10**9  # a client that was stopped: no tick in between
    lossy._answered(lossy.venue.tick(lossy.now_ns))
    lossy.read()
    closed = [one for one in lossy.told if isinstance(one, SessionEvent) and one.happening is Happening.CLOSED]
    assert [one.cancelled for one in closed] == [2] and lossy.session.state is SessionState.OPENING
    lossy.move()
    taken = lossy.submit(orders(5, 1))
    lossy.settle()
    assert taken.state is BatchState.TAKEN
    assert_all_told(lossy)


def test_life_signs_keep_a_session_open() -> None:
    """A minute without a command."""
    lossy = opened(cancel_on_disconnect=True)
    lossy.submit(orders(0, 1))
    for _ in range(600):
        lossy.move()
        lossy.pass_time(100)
    assert not [one for one in lossy.told if isinstance(one, SessionEvent) and one.happening is Happening.CLOSED]
    assert lossy.venue.books.live == 1


def test_a_venue_that_has_forgotten_what_it_acknowledged_is_not_gone_on_with() -> None:
    """It comes back with an earlier number, as after a power cut without sync: that is a fault."""
    lossy = opened()
    lossy.submit(orders(0, 3))
    lossy.move()
    lossy.cut()
    member = lossy.venue.members[ME]
    member.next_sequence = 2
    lossy.connect()
    lossy.move()
    assert lossy.desk.fault is not None and "lost what it had acknowledged" in str(lossy.desk.fault)


def test_events_that_the_venue_keeps_no_more_are_replaced_by_a_snapshot_of_open_orders() -> None:
    """The client was away while its orders were filled, partly filled and left alone; the venue kept no event."""
    lossy = opened()
    lossy.submit(batch(*(place(0, 0, 10 + at, Side.BUY, 10, 50 + at) for at in range(3))))
    lossy.move()
    lossy.cut()
    member = lossy.venue.members[ME]
    lossy.venue.run(place(0, 2, 1, Side.SELL, 14, 50))
    member.events._items.clear()
    lossy.settle()
    happenings = [one.happening for one in lossy.told if isinstance(one, SessionEvent)]
    assert Happening.RESTORED in happenings
    live = {order.client_id: order.leaves_lots for order in lossy.session.orders.live()}
    assert live == {10: 10, 11: 6}
    gone = lossy.session.orders.find(0, 12)
    assert gone is not None and gone.state is OrderState.LOST


def test_an_order_is_known_to_a_client_that_begins_anew() -> None:
    """A second client with the same key reads its history from the start: orders, fills, positions, the next number."""
    lossy = opened()
    lossy.submit(orders(0, 2, 5))
    lossy.move()
    lossy.venue.run(place(0, 2, 1, Side.SELL, 3, 2))
    again = Lossy(lossy.venue)
    again.connect()
    again.move()
    again.move()
    found = {order.client_id: (order.leaves_lots, order.filled_lots) for order in again.session.orders.live()}
    assert found == {1_000: (5, 0), 1_001: (2, 3)}
    assert again.submit(orders(5, 1)).sequence == 3


def test_two_programs_with_one_key_are_told_so() -> None:
    """Both send under the same number: one of them is refused as DIFFERENT, and can go on with the next number."""
    lossy = opened()
    other = Lossy(lossy.venue)
    other.connect()
    other.move()
    other.submit(orders(0, 1))
    other.move()
    mine = lossy.submit(orders(7, 1))
    lossy.move()
    assert isinstance(mine.error, Refused) and mine.error.reason == "DIFFERENT" and "another program" in str(mine.error)
    assert lossy.submit(orders(8, 1)).sequence == 2


def test_what_is_not_settled_when_a_client_closes_is_named() -> None:
    """Abandoned, with the number to ask for; nothing can be sent any more."""
    lossy = opened()
    left = lossy.submit(orders(0, 2))
    lossy.desk.close()
    lossy.collect()
    assert left.state is BatchState.ABANDONED and isinstance(left.error, Closed) and left.error.sequence == 1


def test_a_client_keeps_only_so_many_frames() -> None:
    """A venue that is away: the frame after the last that is kept is an error, and the client still works after it."""
    lossy = opened()
    lossy.cut()
    for at in range(OUTBOX_FRAMES_MAX):
        lossy.submit(orders(at, 1))
    with pytest.raises(Full):
        lossy.submit(orders(0, 1))
    lossy.settle()
    assert len(ids_taken(lossy)) == OUTBOX_FRAMES_MAX


def test_refusals_of_the_session_itself_are_kept_for_the_user() -> None:
    """A key that is no member's: asked again each second, and the last refusal is there."""
    lossy = Lossy()
    del lossy.venue.members[ME]
    lossy.connect()
    lossy.move()
    refused = lossy.session.refused_open
    assert isinstance(refused, CommandsRefused) and refused.reason is EntryFault.UNKNOWN_SESSION
    lossy.pass_time(1_100)
    assert isinstance(CODEC.decode(lossy.to_venue[-1]), SessionOpen)


def test_a_cancellation_is_answered_by_its_own_event() -> None:
    """Place, cancel and cancel again in one frame, under one client id: accepted, cancelled, refused."""
    lossy = opened()
    said: list[tuple[str, object]] = []
    commands = batch(place(0, 0, 7, Side.BUY, 1, 5), cancel(0, 0, 7), cancel(0, 0, 7))
    one = lossy.session.submit(commands)
    for name, row in zip(("place", "cancel", "again"), commands, strict=True):
        asked = Asked(
            int(row["op"]),
            0,
            0,
            7,
            1,
            lambda order, error, name=name: said.append((name, type(error) if error else order.state)),  # type: ignore[misc]
        )
        one.asked.append(asked)
        lossy.session.orders.ask(asked, Side.BUY, 5, 1)
    lossy.desk.tick(0, 0)
    lossy.collect()
    lossy.move()
    assert [name for name, _ in said] == ["place", "cancel", "again"]
    assert said[0][1] is OrderState.LIVE and said[1][1] is OrderState.CANCELLED
    assert said[2][1].__name__ == "Rejected"  # type: ignore[attr-defined]


STEPS = "submit,submit,submit,bad,move,move one,read one,time,cut,cut keep,haunt,back,drop,deaf,hear,rate,other,repeat"


@given(steps=st.lists(st.sampled_from(STEPS.split(",")), max_size=60))
def test_nothing_is_lost_and_nothing_is_done_twice_whatever_the_link_does(steps: list[str]) -> None:
    """Frames lost, repeated, delayed beyond a new link, refused for rate or content, in any order; then all is healed.

    Every batch has one end; what the venue took is what it said; each order was taken once; every event was told once.
    """
    lossy = opened()
    count = 0
    for step in steps:
        match step:
            case "submit":
                lossy.submit(orders(count, 2))
                count += 2
            case "bad":
                lossy.submit(orders(count, 2, BAD_LOTS))
                count += 2
            case "move":
                lossy.move()
            case "move one":
                lossy.move(1)
            case "read one":
                lossy.read(1)
            case "time":
                lossy.pass_time(700)
            case "cut" | "cut keep":
                lossy.cut(step == "cut keep")
            case "back" if not lossy.desk.is_up:
                lossy.connect()
            case "haunt":
                lossy.haunt()
            case "drop":
                lossy.venue.drop = lambda outgoing: True
            case "deaf":
                lossy.venue.deaf = lambda frame: True
            case "hear":
                lossy.venue.drop, lossy.venue.deaf = lambda outgoing: False, lambda frame: False
            case "rate":
                lossy.venue.refuse_rate = 2
            case "repeat" if lossy.to_venue:
                lossy.to_venue.append(lossy.to_venue[-1])
            case "other":
                lossy._answered(lossy.venue.run(place(0, 2, 0, Side.SELL, 1, 1)))
    lossy.settle()
    check_states(lossy, lossy.batches)
    assert_all_told(lossy)


def check_states(lossy: Lossy, batches: list[Batch]) -> None:
    """Each batch is TAKEN and the venue has each of its commands once, or REFUSED and the venue has none of them."""
    taken = ids_taken(lossy)
    assert len(taken) == len(set(taken))
    member: FakeMember = lossy.venue.members[ME]
    sent: dict[int, list[int]] = {}
    for number, (raw, _) in member.frames.items():
        sent[number] = np.frombuffer(raw, COMMAND, offset=32)["client_id"].tolist()
    for one in batches:
        assert one.state in (BatchState.TAKEN, BatchState.REFUSED)
        if one.state is BatchState.TAKEN:
            assert one.sequence in sent and len(sent[one.sequence]) == one.count
    wanted = sum(one.count for one in batches if one.state is BatchState.TAKEN)
    assert len(taken) == wanted


def test_a_frame_that_is_longer_than_the_rate_is_refused_and_not_tried_for_ever() -> None:
    """Three commands where two a second are allowed: told at once; two pass."""
    lossy = opened()
    lossy.session.outbox.commands_per_s = 2
    lossy.venue.refuse_rate = 1
    long = lossy.submit(orders(0, 3))
    lossy.move()
    assert isinstance(long.error, Refused) and "smaller frames" in str(long.error)
    short = lossy.submit(orders(3, 2))
    lossy.move()
    assert short.state is BatchState.TAKEN


class Witness:
    """A part that keeps the frames of what was taken."""

    def __init__(self) -> None:
        self.out: list[bytes | bytearray] = []
        self.frames: dict[int, bytes] = {}
        self.seen: list[tuple[bool, bytes]] = []

    def link_up(self, now_ns: int) -> None:
        """Nothing to do."""

    def saw(self, frame: bytes | bytearray | memoryview, is_sent: bool) -> None:
        self.seen.append((is_sent, bytes(frame)))

    def hear(self, message: Message, now_ns: int) -> bool:
        return False

    def taken(self, batch: Batch) -> None:
        self.frames[batch.sequence] = bytes(batch.frame)

    def tick(self, now_ns: int) -> None:
        """Nothing to do."""

    def due_ns(self) -> int | None:
        return None


def test_a_part_sees_every_frame_that_was_taken_byte_for_byte() -> None:
    """With a refused frame in the middle, whose numbers a filler has taken, and a link that was cut."""
    lossy = opened()
    witness = Witness()
    lossy.desk.parts.append(witness)
    for at in (0, 2, 4):
        lossy.submit(orders(at, 2, BAD_LOTS if at == 2 else 1))
    lossy.cut()
    lossy.settle()
    assert witness.frames == {number: raw for number, (raw, _) in lossy.venue.members[ME].frames.items()}
    assert sorted(witness.frames) == [1, 3, 5]
    sent = [frame for is_sent, frame in witness.seen if is_sent]
    assert set(witness.frames.values()) <= set(sent) and len(sent) < len(witness.seen)


def test_a_part_sees_frames_in_order_although_an_answer_was_lost() -> None:
    """The answer to the first of three frames is lost: the other two are shown when it has come, after it."""
    lossy = opened()
    shown: list[int] = []

    class Orderly(Witness):
        def taken(self, batch: Batch) -> None:
            shown.append(batch.sequence)

    lossy.desk.parts.append(Orderly())
    lossy.submit(orders(0, 1))
    lossy.venue.drop = lambda outgoing: True
    lossy.move()
    lossy.venue.drop = lambda outgoing: False
    lossy.submit(orders(1, 1))
    lossy.submit(orders(2, 1))
    lossy.move()
    assert shown == []
    lossy.settle()
    assert shown == [1, 2, 3]


@given(
    rows=st.lists(st.tuples(st.integers(1, 12), st.binary(min_size=64, max_size=64)), max_size=12),
    ids=st.lists(st.integers(0, 3), max_size=6),
    orders_=st.binary(max_size=3 * STATE_ORDER.itemsize),
)
def test_whatever_a_venue_says_of_orders_raises_nothing(
    rows: list[tuple[int, bytes]], ids: list[int], orders_: bytes
) -> None:
    """Events of every kind with random fields, small handles and ids so that they meet; random snapshots."""
    lossy = opened()
    for name in ids:
        batch_ = lossy.session.submit(place(0, 0, name, Side.BUY, 5, 50))
        batch_.asked = [Asked(name % 20, 0, 0, name, 1, lambda order, error: None)]
        lossy.session.orders.ask(batch_.asked[0], 7, 50, 5)
    events = np.zeros(len(rows), EVENT)
    for at, (kind, raw) in enumerate(rows):
        events[at : at + 1] = np.frombuffer(raw, EVENT)
        events["kind"][at], events["pair"][at] = kind, 0
        events["maker"][at] %= 4
        events["taker"][at] %= 4
    if len(events):
        stream = lossy.venue.members[ME].events.stream
        lossy.desk.arrive([encode_records(EVENTS, stream, 1, events)], 0)  # type: ignore[list-item]
    lossy.collect()
    for one in lossy.told:
        if isinstance(one, OrderEvent):
            assert describe(one)["state"]
    whole = len(orders_) // STATE_ORDER.itemsize
    lossy.session.orders.restore(np.frombuffer(orders_, STATE_ORDER, whole))
    assert all(order.reason_name is not None for order in lossy.session.orders.live())


@given(
    frames=st.lists(st.one_of(st.binary(max_size=200), st.builds(lambda tail: b"OORF" + tail, st.binary(max_size=99))))
)
def test_junk_is_counted_and_changes_nothing(frames: list[bytes]) -> None:
    """Random bytes, some of which begin as frames of records do."""
    lossy = opened()
    lossy.desk.arrive(frames, 0)
    assert lossy.desk.junk <= len(frames) and lossy.session.state is SessionState.OPEN and lossy.desk.fault is None
    taken = lossy.submit(orders(0, 1))
    lossy.move()
    assert taken.state is BatchState.TAKEN
