"""Random days at a venue: groups of everything that can arrive, in any order, against what must always hold."""

from io import BytesIO
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.book.commands import batch, cancel, mass_cancel, place
from openoutcry.book.reference import ReferenceBooks
from openoutcry.domain import EventKind, MassCancelScope, OrderType, Phase, Side, TimeInForce
from openoutcry.domain.records import COMMAND, EVENT, Commands
from openoutcry.marketdata.books import digest
from openoutcry.marketdata.followers import L3Follower
from openoutcry.marketdata.plain_book import PlainBook
from openoutcry.marketdata.shown import book_digest
from openoutcry.role import FRAME_TAG, Input, Send
from openoutcry.venue.messages import (
    CancelFor,
    CommandsRefused,
    CommandsTaken,
    KeepAlive,
    MemberSuspend,
    PairPhase,
    SessionClose,
    SessionOpen,
)
from openoutcry.venue.role import Terms, VenueRole
from tests.venue.hall import (
    OPERATOR,
    Hall,
    NoChecks,
    Ports,
    events_of,
    frame_input,
    member,
    message_input,
    state_of,
)

MEMBERS = 3


@st.composite
def rows(draw: st.DrawFn, number: int) -> Commands:
    """Draw commands of a member: orders of all sorts, cancellations, and now and then somebody else's account."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        account = 2 * number - 2 + draw(st.integers(0, 1)) + draw(st.sampled_from([0] * 19 + [3]))
        what = draw(st.integers(0, 9))
        client_id = draw(st.integers(1, 12))
        if what == 0:
            made.append(cancel(draw(st.integers(0, 2)), account, client_id))
        elif what == 1:
            made.append(mass_cancel(draw(st.sampled_from(list(MassCancelScope))), account=account, session=number))
        else:
            kind = draw(st.sampled_from([OrderType.LIMIT] * 4 + list(OrderType)))
            tif = draw(st.sampled_from([TimeInForce.GTC] * 4 + list(TimeInForce)))
            price = draw(st.integers(95, 105)) if kind not in (OrderType.MARKET, OrderType.STOP) else 0
            trigger = draw(st.integers(95, 105)) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else 0
            made.append(
                place(
                    draw(st.integers(0, 1)),
                    account,
                    client_id,
                    draw(st.sampled_from(Side)),
                    draw(st.integers(1, 9)),
                    price,
                    kind=kind,
                    tif=tif,
                    trigger_ticks=trigger,
                    display_lots=2 if kind == OrderType.ICEBERG else 0,
                    expiry_ns=2 * 10**18 if tif == TimeInForce.GTD else 0,
                )
            )
    return batch(*made)


class Day:
    """A hall with three members who count their own commands. follower: level 3 of pair 0, which misses nothing."""

    def __init__(self) -> None:
        self.hall = Hall()
        self.hall.furnish(members=MEMBERS, pairs=2)
        self.following = dict.fromkeys(range(1, MEMBERS + 1), 1)
        self.heads = {n: self.hall.venue.floor.sessions.value(n, "event_head") for n in self.following}
        self.taken: dict[tuple[int, int], int] = {}
        self.kept: list[tuple[int, int, Commands]] = []
        self.follower = L3Follower(0, PlainBook)
        self.told = 0

    def draw_input(self, draw: Any) -> Input:
        """Draw one thing that arrives."""
        number = draw(st.integers(1, MEMBERS))
        what = draw(st.integers(0, 19))
        if what < 12:
            commands = draw(rows(number))
            sequence = self.following[number] + draw(st.sampled_from([0] * 12 + [1, -1]))
            if sequence == self.following[number]:
                self.following[number] += len(commands)
            self.kept.append((number, sequence, commands))
            return frame_input(member(number), number, max(sequence, 1), commands)
        if what == 12 and self.kept:
            again = draw(st.sampled_from(self.kept))
            return frame_input(member(again[0]), again[0], max(again[1], 1), again[2])
        if what < 15:
            choices = (
                SessionOpen(True),
                SessionOpen(False),
                SessionClose(number, draw(st.booleans())),
                KeepAlive(number),
            )
            return message_input(member(number), draw(st.sampled_from(choices)))
        phases = st.sampled_from([Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.AUCTION, Phase.PRE_OPEN, Phase.HALTED])
        deeds = (
            MemberSuspend(member(number), draw(st.booleans()), draw(st.booleans())),
            PairPhase(draw(st.integers(0, 1)), draw(phases), False),
            CancelFor(member(number), draw(st.sampled_from([-1, 0, 1]))),
        )
        return message_input(OPERATOR, draw(st.sampled_from(deeds)), signed=True)

    def hear(self, sends: list[Send]) -> None:
        """Hold what is sent against what was sent before; members learn where they are."""
        for number in self.following:
            events = events_of(sends, member(number))
            own = [send.body for send in sends if send.to == member(number)]
            for body in own:
                if isinstance(body, CommandsTaken):
                    self._hear_taken(number, body)
                elif isinstance(body, CommandsRefused):
                    self.following[number] = self.hall.venue.floor.sessions.value(number, "next_sequence")
            self.heads[number] += len(events)
            assert self.heads[number] == self.hall.venue.floor.sessions.value(number, "event_head")
        for send in sends:
            if send.to == "l3.0" and isinstance(send.body, memoryview):
                assert self.follower.receive(send.body) is None

    def _hear_taken(self, number: int, body: CommandsTaken) -> None:
        sequence = body.sequence
        for run in body.runs:
            for index in range(run.count):
                told = self.taken.setdefault((number, sequence), run.book_sequence + index)
                assert told == run.book_sequence + index, "a command has two numbers"
                sequence += 1


@given(st.data())
def test_a_day_holds_together(data: st.DataObject) -> None:
    """Ten groups: every command that is taken has one number and no two have the same; members' streams have no gap;
    a follower's book is the venue's; a replay, also with plain books, and one that goes on from a snapshot in the
    middle come to the same.
    """
    day = Day()
    hall = day.hall
    middle = data.draw(st.integers(0, 9))
    state, journaled = b"", 0
    for at in range(10):
        if at == middle:
            state, journaled = state_of(hall.venue), len(hall.journal)
        day.hear(hall.group([day.draw_input(data.draw) for _ in range(data.draw(st.integers(1, 5)))]))
        day.hear(hall.pass_time(data.draw(st.sampled_from([0, 10**6, 10**9, 4 * 10**9]))))
        for number in day.following:
            day.following[number] = hall.venue.floor.sessions.value(number, "next_sequence")
        assert hall.venue.check() == []
    assert len(set(day.taken.values())) == len(day.taken)
    assert day.follower.digest() == book_digest(hall.venue.floor.books, 0) == digest(day.follower.book)
    final = state_of(hall.venue)
    assert state_of(hall.replayed()) == final
    plain = VenueRole("discovery", Terms(frozenset([OPERATOR]), is_lit=False), Ports(), NoChecks(), ReferenceBooks)
    resumed = hall.make()
    resumed.restore(BytesIO(state))
    for number, records in enumerate(hall.journal):
        plain.apply(records)
        if number >= journaled:
            resumed.apply(records)
    assert plain.floor.books.state_hash() == hall.venue.floor.books.state_hash()
    assert state_of(resumed) == final


@given(st.data())
def test_events_are_those_of_plain_books_for_the_same_commands(data: st.DataObject) -> None:
    """One member alone owns all orders, so its stream is what plain books answer to its commands, the clock aside."""
    hall = Hall()
    hall.furnish(members=1, pairs=2)
    plain = ReferenceBooks.restore(hall.venue.floor.books.snapshot())
    sequence = 1
    for _ in range(data.draw(st.integers(1, 8))):
        frames = []
        for _ in range(data.draw(st.integers(1, 4))):
            commands = data.draw(rows(1))
            commands = commands[commands["account"] < 2]
            commands = commands[(commands["op"] != 5) | (commands["kind"] != MassCancelScope.PAIR)]
            if len(commands):
                frames.append(frame_input(member(1), 1, sequence, commands))
                sequence += len(commands)
        if not frames:
            continue
        sends = hall.group(frames)
        (records,) = hall.journal[-1:]
        assert all(record.tag == FRAME_TAG for record in records)
        clock = np.zeros(1, COMMAND)
        clock["op"], clock["expiry_ns"] = 8, records[0].time_ns
        own = [np.frombuffer(record.raw, COMMAND, offset=32) for record in records]
        events = plain.apply(np.concatenate([clock, *own]))
        public = (EventKind.PHASE_CHANGED, EventKind.AUCTION_RESULT)
        mine = events[1:][~np.isin(events[1:]["kind"], public)]
        found = events_of(sends, member(1))
        assert found.dtype == EVENT and found.tolist() == mine.tolist()
