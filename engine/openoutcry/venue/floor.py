"""The floor of a venue: books, sessions and feeds, and the one way in which commands go through them.

Commands of a group are gathered in one batch and carried out at once; `run` carries out a few of the venue's own. Both
send the events to whom they concern and, where the venue is lit, to everybody.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import EventKind, Op, Pair, Phase
from openoutcry.domain.records import COMMAND, Commands, Events
from openoutcry.marketdata.feed import FedBooks
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.topics import state_topic_of
from openoutcry.role import Send
from openoutcry.venue.kernel import RUN, gather
from openoutcry.venue.limits import KEPT_FRAMES
from openoutcry.venue.messages import RUNS_MAX, CommandsTaken, TakenRun
from openoutcry.venue.office import Office, OfficeState
from openoutcry.venue.pairs import Listed
from openoutcry.venue.receipts import Receipts
from openoutcry.venue.routing import Router
from openoutcry.venue.sessions import Sessions, SessionsState
from openoutcry.wire.fields import KeyId
from openoutcry.wire.limits import FRAME_HEADER_BYTES
from openoutcry.wire.service import MarketState, StateReason

ROWS_FIRST: Final = 4_096
RUNS_FIRST: Final = 1_024

POSITIONS_LOOKED_AT: Final = 65_536
"""Positions that `check` compares whether or not the ledger knows of them: 0.2 s of work. Of more, those it knows."""

COLLECTING: Final = frozenset({Phase.PRE_OPEN, Phase.AUCTION})


class VenueBooks(FedBooks, Protocol):
    """What a venue asks of a set of books; both kinds are such."""

    def apply(self, commands: Commands) -> Events:
        """Carry out commands and return what happened."""
        ...

    @property
    def live(self) -> int:
        """Number of live orders."""
        ...

    @property
    def next_expiry_ns(self) -> int | None:
        """When a good-till-date order may end next."""
        ...

    def order(self, handle: int) -> np.void | None:
        """Return a live order."""
        ...

    def last(self, pair: int) -> int | None:
        """Return the last price of a pair."""
        ...

    def backing(self, account: int, instrument: int) -> tuple[int, int, int]:
        """Return an account's backing in an instrument: available, drawn, spent."""
        ...

    def position(self, account: int, pair: int) -> int:
        """Return an account's net position in a pair, lots."""
        ...

    def snapshot(self) -> bytes:
        """Return the state."""
        ...

    def state_hash(self) -> str:
        """Return the SHA-256 of the state."""
        ...

    def check(self) -> None:
        """Raise AssertionError for a broken invariant."""
        ...


class BooksKind(Protocol):
    """A kind of books: makes them, or restores them."""

    def __call__(self, pairs: Iterable[Pair], *, accounts: int, capacity: int) -> VenueBooks:
        """Make empty books."""
        ...

    def restore(self, data: bytes) -> VenueBooks:
        """Return books from a snapshot."""
        ...


class Outcome(NamedTuple):
    """What became of a few commands: the first reject code, 0 for none, and how many orders were cancelled."""

    code: int
    cancelled: int


class FloorState(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The whole of it, as a snapshot has it."""

    books: bytes
    sessions: SessionsState
    pairs: list[tuple[int, Listed]]
    feeds: bytes | None
    office: OfficeState
    receipts: bytes | None


class Floor:
    """One venue. own: the key of its node. is_lit: whether it has public feeds. receipts: None where it gives none."""

    def __init__(self, books: VenueBooks, own: KeyId, is_lit: bool, office: Office, receipts: Receipts | None) -> None:
        self.books = books
        self.office = office
        self.receipts = receipts
        self.sessions = Sessions()
        self.router = Router()
        self.pairs: dict[int, Listed] = {}
        self.feeds = Feeds() if is_lit else None
        self.collecting: set[int] = set()
        self._own = own
        self._clock: NDArray[np.void] = np.zeros(1, COMMAND)
        self._clock["op"] = Op.CLOCK
        self._rows = self._run_count = 0
        self._first = 1
        self._batch: NDArray[np.void] = np.zeros(0, COMMAND)
        self._runs: NDArray[np.void] = np.zeros(0, RUN)
        self._starts: NDArray[np.int64] = np.zeros(RUNS_FIRST, np.int64)
        self._starts_at: int = self._starts.ctypes.data
        self._make_rows(ROWS_FIRST)
        self._make_runs(RUNS_FIRST)

    # -- in --------------------------------------------------------------------------------------------------------

    def begin(self, time_ns: int) -> None:
        """Begin a group: time comes first."""
        assert self._rows == 0
        self._first = self.books.sequence + 1
        self._clock["expiry_ns"] = time_ns
        self._batch[:1] = self._clock
        self._rows = 1

    def gather(self, frames: Sequence[bytes | memoryview], time_ns: int) -> None:
        """Add the commands of admitted frames to the batch. Cost: 0.3 microseconds a frame, 3 ns a command."""
        joined = b"".join(frames)
        count = len(frames)
        if count > len(self._starts):
            self._starts = np.zeros(2 * count, np.int64)
            self._starts_at = self._starts.ctypes.data
        if count > 1:
            np.cumsum([len(frame) for frame in frames[:-1]], out=self._starts[1:count])
        rows = (len(joined) - FRAME_HEADER_BYTES * count) // COMMAND.itemsize
        if self._rows + rows > len(self._batch):
            self._make_rows(2 * (self._rows + rows))
        if self._run_count + count > len(self._runs):
            self._make_runs(2 * (self._run_count + count))
        sessions = self.sessions
        self._run_count = gather(
            sessions.rows_at,
            sessions.rings_at,
            KEPT_FRAMES - 1,
            id(joined),
            self._starts_at,
            count,
            self._batch_at,
            self._rows,
            self._runs_at,
            self._run_count,
            time_ns,
            self._first + self._rows,
        )
        self._rows += rows

    def flush(self, time_ns: int, sends: list[Send]) -> None:
        """Carry out what was gathered, and add what goes out for it."""
        rows, runs = self._rows, self._run_count
        if not rows:
            return
        first = self._first
        events = self.books.apply(self._batch[:rows])
        if self.receipts is not None:
            self.receipts.chain(self._batch[:rows], self._runs[:runs].tolist(), first, time_ns)
        self._rows = self._run_count = 0
        self._first += rows
        self._tell(events, runs, first, time_ns, StateReason.BAND, sends)

    def run(
        self, commands: Commands, time_ns: int, reason: StateReason, sends: list[Send], until_ns: int = 0
    ) -> Outcome:
        """Carry out a few commands that no member has sent.

        reason, until_ns: should a phase change by them, why, and when the last one that does ends by itself.
        """
        assert self._rows == 0, "what was gathered before comes first"
        first = self._first
        events = self.books.apply(commands)
        if self.receipts is not None:
            self.receipts.chain(commands, [], first, time_ns)
        self._first += len(commands)
        kinds = events["kind"]
        refused = events["code"][kinds == EventKind.REJECTED]
        cancelled = int((kinds == EventKind.CANCELLED).sum())
        self._tell(events, 0, first, time_ns, reason, sends, until_ns)
        return Outcome(int(refused[0]) if len(refused) else 0, cancelled)

    # -- out -------------------------------------------------------------------------------------------------------

    def _tell(
        self,
        events: Events,
        runs: int,
        first: int,
        time_ns: int,
        reason: StateReason,
        sends: list[Send],
        until_ns: int = 0,
    ) -> None:
        """Send events to whom they concern: answers to each member first, then its events, then the feeds."""
        sessions = self.sessions
        routed, phases = self.router.route(events, self._runs_at, runs, self._batch_at, first, sessions)
        self.office.account(events, self.router.parties_at, sessions.session_of, time_ns)
        if runs:
            self._answer(runs, first, routed, sends)
        for frames in routed.values():
            sends += frames
        if self.feeds is not None:
            sends += [Send(topic, frame) for topic, frame in self.feeds.publish(events, self.books, time_ns)]
        if phases:
            self.office.note_phases(events, time_ns)
            self._tell_phases(events, reason, sends, until_ns)

    def _answer(self, runs: int, first: int, routed: dict[int, list[Send]], sends: list[Send]) -> None:
        """Tell each member which numbers its commands have got, and after that its events."""
        sessions = self.sessions
        mine: dict[int, tuple[int, list[TakenRun]]] = {}
        for row, sequence, session, count in self._runs[:runs].tolist():
            found = mine.get(session)
            if found is None:
                found = mine[session] = (sequence, [])
            found[1].append(TakenRun(count, first + row))
        for session, (sequence, own) in mine.items():
            key = sessions.keys[session]
            head = int(sessions.rows["event_head"][session])
            for at in range(0, len(own), RUNS_MAX):
                part = own[at : at + RUNS_MAX]
                sends.append(Send(key, CommandsTaken(session, sequence, tuple(part), head)))
                sequence += sum(run.count for run in part)
            sends += routed.pop(session, [])

    def note_phase(self, pair: int) -> None:
        """Note whether a pair collects orders for an auction."""
        if self.books.phase(pair) in COLLECTING:
            self.collecting.add(pair)
        else:
            self.collecting.discard(pair)

    def _tell_phases(self, events: Events, reason: StateReason, sends: list[Send], until_ns: int) -> None:
        changed = events[events["kind"] == EventKind.PHASE_CHANGED]
        for at, row in enumerate(changed, 1):
            pair, phase, sequence = int(row["pair"]), Phase(int(row["code"])), int(row["sequence"])
            self.note_phase(pair)
            self.tell_state(pair, phase, reason, until_ns if at == len(changed) else 0, sequence, sends)

    def tell_state(
        self, pair: int, phase: Phase, reason: StateReason, until_ns: int, sequence: int, sends: list[Send]
    ) -> None:
        """Tell everybody in which phase a pair is, why, and until when; sequence: a number of the book."""
        facts = self.pairs.get(pair)
        if facts is not None:
            state = MarketState(facts.identity, phase, reason, until_ns, self._own, sequence)
            sends.append(Send(state_topic_of(pair), state, sign=True))

    # -- memory ----------------------------------------------------------------------------------------------------

    def _make_rows(self, count: int) -> None:
        batch: NDArray[np.void] = np.zeros(count, COMMAND)
        batch[: self._rows] = self._batch[: self._rows]
        self._batch = batch
        self._batch_at = batch.ctypes.data

    def _make_runs(self, count: int) -> None:
        runs: NDArray[np.void] = np.zeros(count, RUN)
        runs[: self._run_count] = self._runs[: self._run_count]
        self._runs = runs
        self._runs_at = runs.ctypes.data

    # -- state -----------------------------------------------------------------------------------------------------

    def state(self) -> FloorState:
        """Return all of it; nothing is gathered then."""
        assert self._rows == 0
        feeds = self.feeds.snapshot() if self.feeds is not None else None
        pairs = sorted(self.pairs.items())
        receipts = self.receipts.dump() if self.receipts is not None else None
        return FloorState(self.books.snapshot(), self.sessions.state(), pairs, feeds, self.office.state(), receipts)

    @classmethod
    def restored(
        cls,
        state: FloorState,
        kind: BooksKind,
        own: KeyId,
        is_lit: bool,
        secret: bytes,
        receipts: Receipts | None,
    ) -> Self:
        """Return what `state` gave. secret: of its office. receipts: new ones.

        Raises ValueError for what is no state of a floor.
        """
        if (state.receipts is None) != (receipts is None):
            raise ValueError("whether a venue gives receipts is said before its first record, and cannot be changed")
        if receipts is not None and state.receipts is not None:
            receipts.load(state.receipts)
        if (state.feeds is not None) != is_lit:
            raise ValueError("a lit venue cannot go on as a dark one, nor the other way round")
        floor = cls(kind.restore(state.books), own, is_lit, Office.restored(state.office, secret), receipts)
        floor.sessions = Sessions.restored(state.sessions)
        floor.pairs = dict(state.pairs)
        if state.feeds is not None:
            floor.feeds = Feeds.restore(state.feeds, floor.books)
        for pair in floor.pairs:
            orders = floor.books.orders(pair)
            if len(orders) and int(orders["account"].max()) >= floor.sessions.accounts:
                raise ValueError(f"an order of pair {pair} has an account that is nobody's")
            floor.router.own(orders["handle"], orders["account"])
            floor.office.list_pair(pair, floor.pairs[pair].tick_units)
            floor.note_phase(pair)
        return floor

    def check(self) -> list[str]:
        """Return what cannot be. Cost: O(state)."""
        broken = self.sessions.check() + self.router.check(self.sessions)
        accounting, void = self.office.accounting, self.office.void
        keys = accounting.ledger.places()
        if self.sessions.accounts * len(self.pairs) <= POSITIONS_LOOKED_AT:
            keys = [(account, pair) for pair in self.pairs for account in range(self.sessions.accounts)]
        net = {key: self.books.position(*key) - void.get(key, 0) for key in keys}
        broken += accounting.check(net)
        if self.receipts is not None:
            numbers = range(1, self.sessions.count + 1)
            broken += self.receipts.check({n: self.sessions.value(n, "next_sequence") - 1 for n in numbers})
        try:
            self.books.check()
        except AssertionError as error:
            broken.append(f"books: {error}")
        for pair in self.pairs:
            for handle, account in self.books.orders(pair)[["handle", "account"]].tolist():
                if self.router.account_of(handle) != account:
                    broken.append(f"order {handle} of account {account} is taken for another's")
        return broken
