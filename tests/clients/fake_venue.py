"""A venue in two hundred lines for tests of clients: sessions, books, members' streams, feeds, operators. No journal.

It is pure: frames in, frames out. It forgets nothing as long as it lives, so a venue that was "killed" and comes back
is the same object behind new sockets. `drop` loses what it would send, `deaf` what it is sent.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from openoutcry.book import ReferenceBooks
from openoutcry.book.commands import mass_cancel, set_limits, set_phase
from openoutcry.book.state import STATE_ORDER
from openoutcry.client.desk import CODEC, RECORDS
from openoutcry.domain import AccountField, EventKind, MassCancelScope, Op, Pair, Phase
from openoutcry.domain.records import COMMAND, EVENT, Commands, Events
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.messages import PublicDigestWanted
from openoutcry.node.core.traffic import Outgoing
from openoutcry.role import Topic
from openoutcry.venue import messages as say
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Verifier
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.frames import EVENTS, RecordFrame, encode_records, is_record_frame
from openoutcry.wire.messages import Refuse, StreamResend, StreamSnapshotWanted
from openoutcry.wire.requests import Envelope, HighWater, read_envelope
from openoutcry.wire.snapshots import cut
from openoutcry.wire.streams import Publisher, Resent
from openoutcry.wire.tags import Message, Tag, tag_of

FORBIDDEN: Final = frozenset({Op.SET_PHASE, Op.UNCROSS, Op.CLOCK, Op.SET_LIMITS, Op.FUND, Op.ADD_PAIR})
SILENCE_NS: Final = 3 * 10**9
BAD_LOTS: Final = 666
"""An order of so many lots is what the order check of this venue objects to."""


class FakeMember:
    """One member: its numbers, its stream, and the frames that it has sent."""

    def __init__(self, session: int, accounts: tuple[int, ...]) -> None:
        self.session = session
        self.accounts = accounts
        self.next_sequence = 1
        self.frames: dict[int, tuple[bytes, int]] = {}
        self.events = Publisher(say.EVENT_STREAM_MIN + session)
        self.is_open = False
        self.is_suspended = False
        self.cancels = False
        self.heard_ns = 0


class FakeVenue:
    """The venue. names: of its pairs, numbered from 0. accounts: each member's."""

    def __init__(self, own: bytes, members: dict[bytes, tuple[int, ...]], names: tuple[str, ...] = ("EURUSD",)) -> None:
        self.own = own
        self.names = names
        self.books = ReferenceBooks([Pair(number) for number in range(len(names))], accounts=64)
        self.feeds = Feeds(range(len(names)))
        self.members = {key: FakeMember(number, accounts) for number, (key, accounts) in enumerate(members.items(), 1)}
        self.operators: set[bytes] = set()
        self.taken: list[tuple[int, int]] = []
        """Session and member's number of every command that was ever taken."""
        self.drop: Callable[[Outgoing], bool] = lambda outgoing: False
        self.deaf: Callable[[bytes], bool] = lambda frame: False
        self.refuse_rate = 0
        self._marks = HighWater(own)
        self._owners: dict[int, FakeMember] = {}
        self._announced_ns = 0
        for member in self.members.values():
            self._place_member(member)

    def hear(self, sender: bytes, frame: bytes | memoryview, now_ns: int) -> list[Outgoing]:
        """Take one frame of a member; return what goes out."""
        raw = bytes(frame)
        if self.deaf(raw):
            return []
        out: list[Outgoing] = []
        if is_record_frame(raw):
            found = RECORDS.decode(raw)
            assert isinstance(found, RecordFrame)
            out += self._commands(sender, found.stream, found.sequence, found.records, raw, now_ns)
        else:
            message = CODEC.decode(raw)
            assert isinstance(message, Message), message
            out += self._message(sender, message, now_ns)
        return [one for one in out if not self.drop(one)]

    def tick(self, now_ns: int) -> list[Outgoing]:
        """Do what time does: cancel on silence, tell heads."""
        out: list[Outgoing] = []
        for key, member in self.members.items():
            if member.is_open and member.cancels and now_ns - member.heard_ns > SILENCE_NS:
                out += self._close(key, member, True, "silent for too long", now_ns)
        if now_ns - self._announced_ns > 200_000_000:
            self._announced_ns = now_ns
            out += [Outgoing(topic, encode(head)) for topic, head in self.feeds.announce()]
        return [one for one in out if not self.drop(one)]

    def run(self, commands: Commands, now_ns: int = 0) -> list[Outgoing]:
        """Carry out commands of nobody; return what goes out."""
        return self._run(commands, None, now_ns)

    def _message(self, sender: bytes, message: Message, now_ns: int) -> Iterator[Outgoing]:
        member = self.members.get(sender)
        match message:
            case say.PairsAsk():
                yield self._to(sender, self._pairs(message.first))
            case StreamResend() | StreamSnapshotWanted() | PublicDigestWanted():
                yield from self._question(sender, message)
            case Envelope():
                yield from self._operator(sender, message, now_ns)
            case _ if member is None:
                yield self._to(sender, say.CommandsRefused(0, 1, say.EntryFault.UNKNOWN_SESSION, 0, 1))
            case say.SessionOpen():
                member.is_open, member.cancels, member.heard_ns = True, message.cancel_on_disconnect, now_ns
                yield self._to(sender, self._opened(member, message, now_ns))
            case say.KeepAlive() if member.is_open:
                member.heard_ns = now_ns
            case say.KeepAlive():
                fault = say.EntryFault.UNKNOWN_SESSION
                number = member.next_sequence
                yield self._to(sender, say.CommandsRefused(member.session, number, fault, 0, number))
            case say.SessionClose():
                yield from self._close(sender, member, message.cancel, "", now_ns)
            case say.OrderEntry():
                commands = np.frombuffer(message.command, COMMAND)
                yield from self._commands(sender, message.session, message.sequence, commands, b"", now_ns)

    def _commands(
        self, sender: bytes, session: int, sequence: int, commands: Commands, raw: bytes, now_ns: int
    ) -> list[Outgoing]:
        member = self.members.get(sender)
        fault = say.EntryFault
        if member is None or session != member.session or not member.is_open:
            return [self._to(sender, say.CommandsRefused(session, sequence, fault.UNKNOWN_SESSION, 0, 1))]
        expected = member.next_sequence
        member.heard_ns = now_ns
        reason, index, code = None, 0, 0
        foreign = ~np.isin(commands["account"], member.accounts)
        if sequence < expected:
            kept = member.frames.get(sequence)
            if kept is not None and kept[0] == raw:
                runs = (say.TakenRun(len(commands), kept[1]),)
                return [self._to(sender, say.CommandsTaken(session, sequence, runs, member.events.head))]
            reason = fault.DIFFERENT
        elif sequence > expected:
            reason = fault.GAP
        elif self.refuse_rate:
            self.refuse_rate -= 1
            reason = fault.RATE
        elif member.is_suspended and not (commands["op"] == Op.CANCEL).all():
            reason = fault.SUSPENDED
        elif foreign.any():
            reason, index = fault.FOREIGN_ACCOUNT, int(foreign.argmax())
        elif np.isin(commands["op"], list(FORBIDDEN)).any():
            reason, index = fault.FORBIDDEN_OP, int(np.isin(commands["op"], list(FORBIDDEN)).argmax())
        elif (commands["qty_lots"] == BAD_LOTS).any():
            reason, index, code = fault.CHECK, int((commands["qty_lots"] == BAD_LOTS).argmax()), 24
        if reason is not None:
            return [self._to(sender, say.CommandsRefused(session, sequence, reason, index, expected, code))]
        member.next_sequence += len(commands)
        first = self.books.sequence + 1
        member.frames[sequence] = raw, first
        self.taken += [(session, sequence + at) for at in range(len(commands))]
        out = self._run(commands, member, now_ns)
        runs = (say.TakenRun(len(commands), first),)
        return [self._to(sender, say.CommandsTaken(session, sequence, runs, member.events.head)), *out]

    def _run(self, commands: Commands, member: FakeMember | None, now_ns: int) -> list[Outgoing]:
        first = self.books.sequence + 1
        events = self.books.apply(commands)
        out = self._route(events, member, first)
        return out + [Outgoing(topic, frame) for topic, frame in self.feeds.publish(events, self.books, now_ns)]

    def _route(self, events: Events, sender: FakeMember | None, first: int) -> list[Outgoing]:
        concerned: dict[int, list[int]] = {}
        for index, row in enumerate(events):
            kind, maker, taker = int(row["kind"]), int(row["maker"]), int(row["taker"])
            sessions = {self._owners[handle].session for handle in (maker, taker) if handle in self._owners}
            if kind in (EventKind.ACCEPTED, EventKind.REJECTED) and sender is not None:
                sessions = {sender.session}
                if kind == EventKind.ACCEPTED and maker:
                    self._owners[maker] = sender
            for session in sessions:
                concerned.setdefault(session, []).append(index)
        out = []
        for key, member in self.members.items():
            rows = concerned.get(member.session)
            if rows:
                frame = encode_records(EVENTS, member.events.stream, member.events.next_sequence(), events[rows])
                member.events.publish(bytes(frame), len(rows))
                out.append(Outgoing(key, bytes(frame)))
        return out

    def _question(
        self, sender: bytes, message: StreamResend | StreamSnapshotWanted | PublicDigestWanted
    ) -> Iterator[Outgoing]:
        if message.stream < say.EVENT_STREAM_MIN:
            found = self.feeds.answer(message, self.books)
            assert not isinstance(found, WireFault), found
            yield from (self._to(sender, body) for body in found)
            return
        member = self.members[sender]
        assert message.stream == member.events.stream
        if isinstance(message, StreamResend):
            answer = member.events.answer(message)
            assert not isinstance(answer, WireFault), answer
            if isinstance(answer, Resent):
                yield from (Outgoing(sender, item.frame) for item in answer.items)
                yield self._to(sender, answer.head)
            else:
                yield self._to(sender, answer)
        else:
            rows = [self.books.order(handle) for handle, owner in self._owners.items() if owner is member]
            orders = np.array([row for row in rows if row is not None], STATE_ORDER)
            yield from (self._to(sender, part) for part in cut(message.stream, member.events.head, orders.tobytes()))

    def _operator(self, sender: bytes, envelope: Envelope, now_ns: int) -> Iterator[Outgoing]:
        request = read_envelope(envelope, CODEC, Ed25519Verifier())
        assert not isinstance(request, WireFault), request
        refused = self._marks.take(request, now_ns)
        if refused is not None:
            yield self._to(sender, Refuse(refused.code, int(Tag.ENVELOPE), refused.detail))
            return
        message = CODEC.decode(envelope.bodies[0])
        assert isinstance(message, Message)
        about = tag_of(type(message))
        if request.sender not in self.operators:
            yield self._to(sender, say.OperatorDone(about, int(say.OperatorFault.NOT_AN_OPERATOR), 0))
            return
        number = 0
        match message:
            case say.MemberAdd() if message.member in self.members:
                yield self._to(sender, say.OperatorDone(about, int(say.OperatorFault.KNOWN_MEMBER), 0))
                return
            case say.MemberAdd():
                number = len(self.members) + 1
                first = max((max(member.accounts) for member in self.members.values()), default=-1) + 1
                member = FakeMember(number, tuple(range(first, first + message.accounts)))
                self.members[message.member] = member
                self._place_member(member)
            case say.MemberSuspend():
                self.members[message.member].is_suspended = message.suspended
            case say.PairPhase():
                yield from self.run(set_phase(message.pair, message.phase, closing=message.closing), now_ns)
            case say.CancelFor():
                session = self.members[message.member].session
                yield from self.run(mass_cancel(MassCancelScope.SESSION, session=session), now_ns)
            case say.PairList():
                yield from self.run(np.frombuffer(message.add, COMMAND), now_ns)
                self.names += (message.name,)
        yield self._to(sender, say.OperatorDone(about, 0, number))

    def _close(self, key: bytes, member: FakeMember, cancel: bool, detail: str, now_ns: int) -> Iterator[Outgoing]:
        cancelled = 0
        member.is_open = False
        if cancel:
            before = self.books.live
            yield from self.run(mass_cancel(MassCancelScope.SESSION, session=member.session), now_ns)
            cancelled = before - self.books.live
        yield self._to(key, say.SessionClosed(member.session, cancelled, detail))

    def _opened(self, member: FakeMember, message: say.SessionOpen, now_ns: int) -> say.SessionOpened:
        return say.SessionOpened(
            member.session,
            member.next_sequence,
            member.events.stream,
            member.events.head,
            member.accounts,
            message.cancel_on_disconnect,
            message.lease_ns,
            1_000_000,
            now_ns,
        )

    def _pairs(self, first: int) -> say.Pairs:
        listed = [
            say.PairListed(
                number, bytes(32), bytes([1] * 32), name, 1, 1, 65_535, 10**9, self.books.phase(number), 0, 0, 0, 0
            )
            for number, name in enumerate(self.names)
        ]
        # Two at a time, so that there is more than one page.
        return say.Pairs(tuple(listed[first : first + 2]), first + 2 < len(listed))

    def _place_member(self, member: FakeMember) -> None:
        for account in member.accounts:
            self.books.apply(set_limits(account, AccountField.SESSION, member.session))

    def _to(self, key: bytes, body: Message | memoryview) -> Outgoing:
        return Outgoing(key, body if isinstance(body, memoryview) else encode(body))


def events_of(venue: FakeVenue, key: bytes) -> Events:
    """Return every event of a member's stream that is kept."""
    items = venue.members[key].events._items
    parts = [np.frombuffer(item.frame, EVENT, item.span, 32) for item in items]
    return np.concatenate(parts) if parts else np.zeros(0, EVENT)


def halted(pair: int = 0) -> Commands:
    """Return the command that halts a pair."""
    return set_phase(pair, Phase.HALTED)


__all__ = ["FakeMember", "FakeVenue", "FaultCode", "Topic", "events_of", "halted"]
