"""From the events of a batch to the streams of the members whom they concern: numbered, in frames, kept for a while."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain.ids import generation_of, slot_of
from openoutcry.domain.records import EVENT, Events
from openoutcry.role import Send
from openoutcry.venue.kernel import OWNER, PARTIES, TARGET, assign, scatter
from openoutcry.venue.limits import EVENTS_KEPT, EVENTS_KEPT_BYTES
from openoutcry.venue.messages import EVENT_STREAM_MIN
from openoutcry.venue.sessions import Sessions
from openoutcry.wire.frames import EVENTS, encode_records, room, seal
from openoutcry.wire.limits import FRAME_RECORDS_MAX
from openoutcry.wire.streams import Publisher

OWNERS_FIRST: Final = 65_536
TARGETS_FIRST: Final = 16_384


class Router:
    """Whose order is in which slot of the books, and each member's stream of events.

    owners: (slots,) OWNER. The number of the last event of a stream stands in the sessions' table; what is kept of it
    is not part of the state.
    """

    def __init__(self) -> None:
        self.owners: NDArray[np.void] = np.zeros(OWNERS_FIRST, OWNER)
        self._streams: dict[int, Publisher] = {}
        self._targets: NDArray[np.void] = np.zeros(TARGETS_FIRST, TARGET)
        self._parties: NDArray[np.void] = np.zeros(TARGETS_FIRST, PARTIES)
        self._make(0)
        self._reach()

    def _make(self, sessions: int) -> None:
        self._counts = np.zeros(sessions, np.int64)
        self._cursors = np.zeros(sessions, np.int64)
        self._touched = np.zeros(sessions, np.uint32)

    def _reach(self) -> None:
        """Look up where the arrays are; asking numpy costs a microsecond each."""
        self._owners_at = self.owners.ctypes.data
        self._targets_at = self._targets.ctypes.data
        self._parties_at = self._parties.ctypes.data
        self._counts_at = self._counts.ctypes.data
        self._cursors_at = self._cursors.ctypes.data
        self._touched_at = self._touched.ctypes.data

    def own(self, handles: NDArray[np.uint64], accounts: NDArray[np.uint32]) -> None:
        """Note whose the orders with these handles are: after books were restored."""
        if not len(handles):
            return
        slots = (handles & 0xFFFFFFFF).astype(np.int64)
        self._grow_owners(int(slots.max()) + 1)
        self.owners["generation"][slots] = handles >> 32
        self.owners["holder"][slots] = accounts + 1

    def account_of(self, handle: int) -> int | None:
        """Return the account of the order that a handle names, None for nobody's."""
        slot = slot_of(handle)
        if slot >= len(self.owners) or int(self.owners[slot]["generation"]) != generation_of(handle):
            return None
        return int(self.owners[slot]["holder"]) - 1

    def parties(self, count: int) -> NDArray[np.void]:
        """Return the PARTIES of the `count` events that were routed last; valid until the next ones are."""
        return self._parties[:count]

    @property
    def parties_at(self) -> int:
        """Where the PARTIES of the events are that were routed last; valid until the next ones are."""
        return self._parties_at

    def handles_of(self, accounts: range) -> list[int]:
        """Return handles of the orders of accounts, those that have ended and whose slot is free among them."""
        holders = self.owners["holder"]
        slots = np.flatnonzero((holders > accounts.start) & (holders <= accounts.stop))
        return [int(self.owners[slot]["generation"]) << 32 | int(slot) for slot in slots]

    def _grow_owners(self, slots: int) -> None:
        size = len(self.owners)
        while size < slots:
            size *= 2
        if size > len(self.owners):
            old, self.owners = self.owners, np.zeros(size, OWNER)
            self.owners[: len(old)] = old
            self._reach()

    def stream(self, session: int, sessions: Sessions) -> Publisher:
        """Return the stream of a session's events, which begins after the last event that it was sent."""
        stream = self._streams.get(session)
        if stream is None:
            head = sessions.value(session, "event_head")
            stream = Publisher(EVENT_STREAM_MIN + session, head, EVENTS_KEPT, EVENTS_KEPT_BYTES)
            self._streams[session] = stream
        return stream

    def route(
        self, events: Events, runs_at: int, run_count: int, batch_at: int, first: int, sessions: Sessions
    ) -> tuple[dict[int, list[Send]], bool]:
        """Return, session by session, the frames that go to it, and whether a phase has changed; moves `event_head` on.

        events: (m,) EVENT, contiguous. runs_at: address of the batch's RUNs. batch_at: of its commands. first: the
        book's number of its first row.
        Cost: 3 microseconds a session and 5 ns an event.
        """
        count = len(events)
        if len(sessions.rows) != len(self._counts) or count > len(self._targets):
            self._make(len(sessions.rows))
            size = max(len(self._targets), 2 * count)
            self._targets, self._parties = np.zeros(size, TARGET), np.zeros(size, PARTIES)
            self._reach()
        array = id(events)
        while True:
            answer: int = assign(
                self._owners_at,
                len(self.owners),
                array,
                count,
                runs_at,
                run_count,
                batch_at,
                first,
                sessions.session_of_at,
                self._parties_at,
                self._targets_at,
                self._counts_at,
                self._touched_at,
            )
            if answer >= 0:
                break
            self._grow_owners(-answer)
        touched = answer >> 1
        sends: dict[int, list[Send]] = {}
        if not touched:
            return sends, bool(answer & 1)
        made: list[tuple[int, int, bytearray | NDArray[np.void], NDArray[np.void]]] = []
        for session in self._touched[:touched].tolist():
            n = int(self._counts[session])
            self._counts[session] = 0
            buffer: bytearray | NDArray[np.void]
            if n <= FRAME_RECORDS_MAX:
                buffer, body = room(EVENTS, n)
            else:
                buffer = body = np.empty(n, EVENT)
            self._cursors[session] = id(body)
            made.append((session, n, buffer, body))
        scatter(array, count, self._targets_at, self._cursors_at, self._touched_at, touched)
        for session, n, buffer, body in made:
            sends[session] = self._publish(session, n, buffer, body, sessions)
        return sends, bool(answer & 1)

    def _publish(
        self, session: int, n: int, buffer: "bytearray | NDArray[np.void]", body: NDArray[np.void], sessions: Sessions
    ) -> list[Send]:
        """Number the events of one session, seal them in frames, and keep those."""
        stream = self.stream(session, sessions)
        key = sessions.keys[session]
        if isinstance(buffer, bytearray):
            frames: Iterable[tuple[int, memoryview]] = [(n, seal(buffer, EVENTS, stream.stream, stream.head + 1, n))]
        else:
            parts = [body[at : at + FRAME_RECORDS_MAX] for at in range(0, n, FRAME_RECORDS_MAX)]
            frames = [
                (len(part), memoryview(encode_records(EVENTS, stream.stream, stream.head + 1 + at, part)))
                for at, part in zip(range(0, n, FRAME_RECORDS_MAX), parts, strict=True)
            ]
        sends = []
        for span, frame in frames:
            stream.publish(frame, span)
            sends.append(Send(key, frame))
        sessions.rows[session]["event_head"] = stream.head
        return sends

    def check(self, sessions: Sessions) -> list[str]:
        """Return what cannot be."""
        return [
            f"the stream of session {session} ends at {stream.head}, its table says otherwise"
            for session, stream in self._streams.items()
            if stream.head != sessions.value(session, "event_head")
        ]
