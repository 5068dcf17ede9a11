"""Which frames of commands become records: all of a frame or nothing; the same frame again gets its answer again."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.domain.records import COMMAND
from openoutcry.role import FRAME_TAG, Record, Send
from openoutcry.venue.kernel import FRAME, OLD, admit
from openoutcry.venue.messages import (
    EVENT_STREAM_MIN,
    CommandsRefused,
    CommandsTaken,
    EntryFault,
    TakenRun,
)
from openoutcry.venue.sessions import Sessions
from openoutcry.wire.fields import KeyId
from openoutcry.wire.limits import FRAME_HEADER_BYTES
from openoutcry.wire.messages import StreamHead

REFUSED_EACH: Final = 8
"""Refusals that one session is told of in one group: after a gap all of its frames are refused for the same reason."""


FRAMES_FIRST: Final = 1_024
"""Frames of one group that there is room for at first."""


class Checks(Protocol):
    """What a venue asks order checks (`host.kinds.Answers`)."""

    def check_orders(
        self, commands: NDArray[np.void], last_ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.int16] | None:
        """Return a reject code for each command, 0 for none; None where nobody checks."""
        ...


class LastPrices(Protocol):
    """Who knows the last price of a pair."""

    def last(self, pair: int) -> int | None:
        """Return the last price of a pair; raises KeyError for an unknown one."""
        ...


class Arrived:
    """Frames of one group: from whom, of which session that is open (0: none), and as they came."""

    __slots__ = ("raws", "senders", "sessions")

    def __init__(self, senders: Sequence[KeyId], sessions: Sequence[int], raws: Sequence[bytes | memoryview]) -> None:
        self.senders = senders
        self.sessions = sessions
        self.raws = raws


class Admission:
    """Judges the frames of a group against the sessions, and changes nothing."""

    def __init__(self, number: int, checks: Checks) -> None:
        self._number = number
        self._checks = checks
        self._stamp = 0
        self._make(FRAMES_FIRST)

    def take(
        self, arrived: Arrived, sessions: Sessions, books: LastPrices, now_ns: int
    ) -> tuple[list[Record | None], list[Send]]:
        """Return the record of each frame, None where there is none, and what is answered at once.

        Cost: 1 microsecond a frame, 4 ns a command.
        """
        raws = arrived.raws
        count = len(raws)
        joined = b"".join(raws)
        if count > len(self._frames):
            self._make(2 * count)
        self._sessions[:count] = arrived.sessions
        if count > 1:
            np.cumsum([len(raw) for raw in raws[:-1]], out=self._starts[1:count])
        frames = self._frames[:count]
        objections: dict[int, int] = {}
        refused = self._judge(count, joined, sessions, now_ns, keep=False)
        if refused < len(raws) and self._checks.check_orders(_NO_COMMANDS, _NO_PRICES) is not None:
            refused = self._ask_checks(frames, joined, sessions, books, now_ns, objections)
        number = self._number
        if not refused:
            return [
                Record(number, FRAME_TAG, now_ns, sender, raw)
                for sender, raw in zip(arrived.senders, raws, strict=True)
            ], []
        records: list[Record | None] = []
        sends: list[Send] = []
        told: dict[int, int] = {}
        for at, frame in enumerate(frames):
            code = int(frame["code"])
            if code == 0:
                records.append(Record(number, FRAME_TAG, now_ns, arrived.senders[at], raws[at]))
                continue
            records.append(None)
            session = int(frame["session"])
            sender = arrived.senders[at]
            if code == OLD:
                sends += self._again(sender, session, frames[: at + 1], sessions)
                continue
            told[session] = told.get(session, 0) + 1
            if session and told[session] > REFUSED_EACH:
                continue
            check = objections[at] if code == EntryFault.CHECK else 0
            stream = int.from_bytes(raws[at][8:16], "little")
            sends.append(Send(sender, _refusal(stream, frame, EntryFault(code), check)))
        return records, sends

    def _make(self, count: int) -> None:
        """Make room for the frames of one group."""
        self._frames: NDArray[np.void] = np.zeros(count, FRAME)
        self._starts: NDArray[np.int64] = np.zeros(count, np.int64)
        self._sessions: NDArray[np.uint32] = np.zeros(count, np.uint32)
        self._starts_at: int = self._starts.ctypes.data
        self._sessions_at: int = self._sessions.ctypes.data
        self._frames_at: int = self._frames.ctypes.data

    def _judge(self, count: int, joined: bytes, sessions: Sessions, now_ns: int, *, keep: bool) -> int:
        """keep: go on with what checks have said of frames."""
        self._stamp += 1
        found: int = admit(
            sessions.rows_at,
            sessions.overlay_at,
            id(joined),
            self._starts_at,
            self._sessions_at,
            self._frames_at,
            count,
            now_ns,
            self._stamp,
            int(keep),
        )
        return found

    def _ask_checks(
        self,
        frames: NDArray[np.void],
        joined: bytes,
        sessions: Sessions,
        books: LastPrices,
        now_ns: int,
        objections: dict[int, int],
    ) -> int:
        """Ask about the commands of all frames that would be taken, until nobody objects to what is left.

        Where a frame is objected to, a later one may take its sequence: that one is asked about as well. Fills
        `objections`, frame to reject code; returns how many frames are refused.
        """
        asked = np.zeros(len(frames), np.bool_)
        while True:
            taken = np.flatnonzero((frames["code"] == 0) & ~asked)
            before = len(objections)
            if len(taken):
                asked[taken] = True
                self._object(frames, taken, joined, books, objections)
            if len(objections) == before:
                return int((frames["code"] != 0).sum())
            indices = {at: int(frames[at]["index"]) for at in objections}
            frames["code"] = 0
            frames["index"] = 0
            for at, index in indices.items():
                frames[at]["code"], frames[at]["index"] = EntryFault.CHECK, index
            self._judge(len(frames), joined, sessions, now_ns, keep=True)

    def _object(
        self,
        frames: NDArray[np.void],
        taken: NDArray[np.intp],
        joined: bytes,
        books: LastPrices,
        objections: dict[int, int],
    ) -> None:
        """Ask about some frames; note the first command of each that is objected to."""
        parts = [
            np.frombuffer(joined, COMMAND, int(frames[at]["count"]), int(self._starts[at]) + FRAME_HEADER_BYTES)
            for at in taken
        ]
        commands = np.concatenate(parts)
        codes = self._checks.check_orders(commands, _last_ticks(commands, books))
        if codes is None or not codes.any():
            return
        begin = 0
        for at, part in zip(taken.tolist(), parts, strict=True):
            bad = np.flatnonzero(codes[begin : begin + len(part)])
            if len(bad):
                frames[at]["index"] = bad[0]
                objections[at] = int(codes[begin + bad[0]])
            begin += len(part)

    def _again(self, sender: KeyId, session: int, frames: NDArray[np.void], sessions: Sessions) -> list[Send]:
        """Answer a frame whose sequence was taken before: the last of `frames`, which are those of this group."""
        frame = frames[-1]
        sequence, count, checksum = (int(frame[name]) for name in ("sequence", "count", "checksum"))
        if sequence >= sessions.value(session, "next_sequence"):
            # taken in this very group: the answer to the first one answers this one as well
            same = (
                (frames["session"][:-1] == session)
                & (frames["code"][:-1] == 0)
                & (frames["sequence"][:-1] == sequence)
                & (frames["count"][:-1] == count)
                & (frames["checksum"][:-1] == checksum)
            )
            return [] if same.any() else [Send(sender, _refusal(session, frame, EntryFault.DIFFERENT))]
        kept = sessions.kept(session, sequence)
        if kept is None:
            old = sequence < sessions.first_kept(session)
            return [Send(sender, _refusal(session, frame, EntryFault.FORGOTTEN if old else EntryFault.DIFFERENT))]
        if int(kept["count"]) != count or int(kept["checksum"]) != checksum:
            return [Send(sender, _refusal(session, frame, EntryFault.DIFFERENT))]
        head = sessions.value(session, "event_head")
        runs = (TakenRun(count, int(kept["book_sequence"])),)
        return [
            Send(sender, CommandsTaken(session, sequence, runs, head)),
            Send(sender, StreamHead(EVENT_STREAM_MIN + session, head)),
        ]


def _refusal(session: int, frame: np.void, reason: EntryFault, code: int = 0) -> CommandsRefused:
    return CommandsRefused(
        session, int(frame["sequence"]), reason, int(frame["index"]), int(frame["expected"]), min(max(code, 0), 255)
    )


def _last_ticks(commands: NDArray[np.void], books: LastPrices) -> NDArray[np.int64]:
    """Return the last price of each command's pair, 0 for none."""
    pairs, places = np.unique(commands["pair"], return_inverse=True)
    prices = np.zeros(len(pairs), np.int64)
    for at, pair in enumerate(pairs.tolist()):
        if pair < PAIRS_MAX:
            try:
                prices[at] = books.last(pair) or 0
            except KeyError:
                continue  # a pair that is not traded has no price; the book refuses the command
    return prices[places]


_NO_COMMANDS: Final = np.zeros(0, COMMAND)
_NO_PRICES: Final = np.zeros(0, np.int64)
