"""Commands on their way: numbered once, sent until the venue has said what became of them, never under two numbers.

A pure state machine. The venue takes frames in order of their numbers only, so what is lost, refused or sent twice
shows at once. The states of a batch, which is one frame:

| state | on | next | and |
|---|---|---|---|
| WAITING | room in the window | SENT | |
| SENT | COMMANDS_TAKEN | TAKEN | |
| SENT | a new link, silence after an overdue answer, a gap before it, too fast | WAITING | the same bytes again |
| SENT | refused for what it holds | REFUSED | a filler takes its numbers: cancellations of nothing |
| WAITING, SENT | the client is closed | ABANDONED | |

Numbers of a refused batch are not given to other commands while later ones are on their way: a copy of those may still
lie in a link that was cut, and would be taken under a number that has come to mean something else. Nor are they where
it was sent more than once: a second refusal would be taken for that of the other commands. So fillers are rare.
"""

from collections import deque
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final

import numpy as np

from openoutcry.client.errors import ClientError, Closed, Full, Refused, VenueFault
from openoutcry.client.orders import Asked
from openoutcry.domain import Op
from openoutcry.domain.records import COMMAND, Commands
from openoutcry.venue.messages import CommandsRefused, CommandsTaken, EntryFault
from openoutcry.wire.frames import COMMANDS, encode_records
from openoutcry.wire.limits import FRAME_RECORDS_MAX

WINDOW_FRAMES_MAX: Final = 128
"""Frames on their way: two groups of a venue, which takes 64 at a time, so that one is always ready. Far fewer than a
link's queue holds (`line.SETTINGS`): with 256, and room for 122, every other frame was dropped there and sent again,
which cost nine tenths of the speed."""

WINDOW_BYTES_MAX: Final = 8 * 1024 * 1024
"""The same in bytes: a sixteenth of what a link holds, so that none is ever dropped for want of room there."""

OUTBOX_FRAMES_MAX: Final = 4_096
"""Frames kept in all, sent or not: where a venue is away, a program learns of it before its memory does."""

OUTBOX_BYTES_MAX: Final = 64 * 1024 * 1024
"""The same in bytes."""

RETRY_NS: Final = 500_000_000
"""When nothing is answered for so long, the oldest frame goes out again; then after twice as long, and so on. Only that
one: a venue that does not read would else find its queue full of the same frames."""

RETRY_NS_MAX: Final = 8_000_000_000

QUIET_NS: Final = 100_000_000
"""When the venue has answered again, and then says nothing for so long, what is still open was lost on the way."""

RATE_PAUSE_NS: Final = 50_000_000
"""Pause after the venue has said that commands come too fast: a twentieth of the second that its limit is for."""

FILLER_TRIES: Final = 3
"""How often a filler itself is refused before nothing goes on; refusals of what it replaces, which may have been sent
several times, come before and do not count."""

NO_ORDER: Final = 0
"""Client id that no order of this client ever has; what cancels it does nothing."""


class BatchState(IntEnum):
    """Where a frame of commands is."""

    WAITING = 1
    SENT = 2
    TAKEN = 3
    REFUSED = 4
    ABANDONED = 5
    """The client was closed before it knew; `Closed.sequence` tells the next one what to ask for."""


class Batch:
    """Commands that travel in one frame. sequence: the member's number of the first one; the others follow.

    book_sequence: the book's number of the first one once they are taken, 0 where the venue no longer knows it.
    event_head: the last event on the member's stream after them. error: why they were not taken.
    """

    __slots__ = (
        "asked",
        "book_sequence",
        "count",
        "echoes",
        "error",
        "event_head",
        "frame",
        "on_settled",
        "sends",
        "sent_ns",
        "sequence",
        "state",
    )

    def __init__(self, sequence: int, count: int, frame: bytearray, echoes: int = 0) -> None:
        """echoes: refusals of what had these numbers before that may still come; above 0 for a filler."""
        self.sequence = sequence
        self.count = count
        self.frame = frame
        self.echoes = echoes
        self.sends = 0
        self.state = BatchState.WAITING
        self.book_sequence = 0
        self.event_head = 0
        self.sent_ns = 0
        self.error: ClientError | None = None
        self.asked: list[Asked] = []
        self.on_settled: Callable[[Batch], object] | None = None

    @property
    def is_filler(self) -> bool:
        """Whether it only takes the numbers of a refused one."""
        return self.echoes > 0

    def __repr__(self) -> str:
        return f"Batch({self.sequence}, {self.count}, {self.state.name})"


class Outbox:
    """The commands of one session. Times are of a clock that never runs back.

    settled: batches that have reached an end since the owner last took them, fillers among them, in order; it empties
    the list.
    """

    def __init__(self) -> None:
        self.settled: list[Batch] = []
        self.next_sequence = 0
        self.session = 0
        self.fault: VenueFault | None = None
        self.commands_per_s = 0
        self._account = 0
        self._waiting: deque[Batch] = deque()
        self._sent: dict[int, Batch] = {}
        self._bytes = 0
        self._sent_bytes = 0
        self._pause_ns = 0
        self._retry_ns = RETRY_NS
        self._gap = (0, 0)
        self._heard_ns = 0
        self._is_probing = False
        self._is_back = False

    @property
    def unsettled(self) -> int:
        """Batches that are not settled."""
        return len(self._waiting) + len(self._sent)

    @property
    def first_unsettled(self) -> int:
        """The number of the first command that is not settled; the next one's where all are."""
        first = min(self._sent, default=self.next_sequence)
        return min(first, self._waiting[0].sequence) if self._waiting else first

    @property
    def is_numbered(self) -> bool:
        """Whether the venue has ever said which number is next."""
        return self.next_sequence > 0

    def add(self, commands: Commands) -> Batch:
        """Number commands and keep them until they are settled. The array is copied.

        commands: (n,) COMMAND, n 1 to `FRAME_RECORDS_MAX`. Raises Full where nothing more is kept, ValueError and
        TypeError for another array. Cost: 5 microseconds for 256 commands.
        """
        if commands.dtype != COMMAND or commands.ndim != 1:
            raise TypeError("commands are a one-dimensional array of COMMAND")
        if not 1 <= len(commands) <= FRAME_RECORDS_MAX:
            raise ValueError(f"a frame has 1 to {FRAME_RECORDS_MAX} commands, not {len(commands)}")
        assert self.is_numbered
        if self.unsettled >= OUTBOX_FRAMES_MAX or self._bytes >= OUTBOX_BYTES_MAX:
            raise Full(f"{self.unsettled} frames wait for the venue already: wait for answers, or send larger frames")
        frame = encode_records(COMMANDS, self.session, self.next_sequence, commands)
        batch = Batch(self.next_sequence, len(commands), frame)
        self.next_sequence += len(commands)
        self._bytes += len(frame)
        self._waiting.append(batch)
        return batch

    def opened(self, session: int, next_sequence: int, account: int, commands_per_s: int = 0) -> None:
        """Begin, or go on over a new link: whatever is not settled goes out again.

        commands_per_s: what the member may send; a longer frame is never taken. 0 where that is not known.
        Sets `fault` where the venue expects an earlier number than one that it has taken.
        """
        self._account, self.commands_per_s = account, commands_per_s
        self._rewind(0)
        first = self._waiting[0].sequence if self._waiting else self.next_sequence
        if self.is_numbered and (next_sequence < first or session != self.session):
            self.fault = VenueFault(
                f"the venue expects command {next_sequence} of session {session}, after it has taken all before "
                f"{first} of session {self.session}: it has lost what it had acknowledged; ask its operator"
            )
            return
        self.session = session
        self.next_sequence = max(self.next_sequence, next_sequence)
        self._pause_ns, self._retry_ns, self._gap = 0, RETRY_NS, (0, 0)
        self._is_probing = self._is_back = False

    def due_ns(self) -> int | None:
        """Return when `sendable` has something to do next, None for not before something else happens."""
        if self._sent:
            if self._is_back:
                return self._heard_ns + QUIET_NS
            return max(self._heard_ns, next(iter(self._sent.values())).sent_ns) + self._retry_ns
        return self._pause_ns if self._waiting else None

    def sendable(self, now_ns: int) -> list[bytearray]:
        """Return the frames that go out now, in order: as many as the window has room for, again what is overdue."""
        frames: list[bytearray] = []
        due_ns = self.due_ns() if self._sent else None
        if due_ns is not None and now_ns >= due_ns:
            if self._is_back:
                self._is_back = False
                self._rewind(0)
            else:
                self._is_probing = True
                self._retry_ns = min(2 * self._retry_ns, RETRY_NS_MAX)
                oldest = next(iter(self._sent.values()))
                oldest.sent_ns = now_ns
                oldest.sends += 1
                frames.append(oldest.frame)
        if now_ns < self._pause_ns:
            return frames
        waiting, sent = self._waiting, self._sent
        while waiting and len(sent) < WINDOW_FRAMES_MAX and self._sent_bytes < WINDOW_BYTES_MAX:
            batch = waiting.popleft()
            batch.state, batch.sent_ns = BatchState.SENT, now_ns
            batch.sends += 1
            sent[batch.sequence] = batch
            self._sent_bytes += len(batch.frame)
            frames.append(batch.frame)
        return frames

    def taken(self, answer: CommandsTaken, now_ns: int) -> None:
        """Take the venue's word that frames are durable; one that says nothing new changes nothing."""
        self._hear(now_ns)
        begin = answer.sequence
        for run in answer.runs:
            end = begin + run.count
            for batch in self._between(begin, end):
                if batch.sequence + batch.count > end:
                    self.fault = VenueFault(
                        f"the venue took commands up to {end - 1}, in the middle of a frame that was sent: "
                        "another program trades with this key"
                    )
                    return
                batch.book_sequence = run.book_sequence + batch.sequence - begin
                batch.event_head = answer.event_head
                self._settle(batch, BatchState.TAKEN)
            begin = end

    def refused(self, answer: CommandsRefused, now_ns: int) -> None:
        """Take the venue's word that it has taken nothing of a frame; see the table above for what comes of it."""
        self._hear(now_ns)
        batch = self._find(answer.sequence)
        if batch is None:
            return
        match answer.reason:
            case EntryFault.GAP:
                self._gap_before(batch, answer, now_ns)
            case EntryFault.RATE if 0 < self.commands_per_s < batch.count:
                detail = f"more than the {self.commands_per_s} commands a second that this member may send"
                batch.error = _error(batch, answer, f"{detail}: cut it into smaller frames")
                self._refuse(batch)
            case EntryFault.RATE | EntryFault.UNKNOWN_SESSION:
                self._rewind(batch.sequence)
                self._pause_ns = now_ns + RATE_PAUSE_NS
            case EntryFault.FORGOTTEN:
                # Taken, over a link that is gone, and so long ago that the venue keeps no answer any more.
                self._settle(batch, BatchState.TAKEN)
            case EntryFault.DIFFERENT:
                self.next_sequence = max(self.next_sequence, answer.expected)
                batch.error = _error(batch, answer, "another program trades with this key: stop one of the two")
                self._settle(batch, BatchState.REFUSED)
            case _:
                if batch.echoes > 1:
                    batch.echoes -= 1
                    return
                batch.error = _error(batch, answer, answer.detail)
                self._refuse(batch)

    def close(self) -> None:
        """Give up: every batch that is not settled is abandoned."""
        self._rewind(0)
        while self._waiting:
            batch = self._waiting[0]
            batch.error = Closed("closed before the venue had answered: ask it what became of them", batch.sequence)
            self._settle(batch, BatchState.ABANDONED)

    def _hear(self, now_ns: int) -> None:
        """Note that the venue answers."""
        self._heard_ns = now_ns
        if self._is_probing:
            self._is_probing, self._is_back = False, True

    def _gap_before(self, batch: Batch, answer: CommandsRefused, now_ns: int) -> None:
        """Send again what the venue misses. Each frame behind the gap is refused as well, and only the first counts."""
        expected = answer.expected
        if self._gap[0] != expected or now_ns >= self._gap[1]:
            self._gap = expected, now_ns + self._retry_ns
            first = min(self._sent, default=batch.sequence)
            if self._waiting:
                first = min(first, self._waiting[0].sequence)
            if expected < first:
                self.fault = VenueFault(
                    f"the venue expects command {expected}, after it has taken all before {first}: "
                    "it has lost what it had acknowledged; ask its operator"
                )
                return
            self._rewind(expected)

    def _refuse(self, batch: Batch) -> None:
        if batch.echoes:
            # Not even cancellations pass: whatever waits behind them never will.
            self._rewind(batch.sequence)
            error = batch.error
            for other in list(self._waiting):
                other.error = other.error or error
                self._settle(other, BatchState.REFUSED)
            self.next_sequence = batch.sequence
            return
        self._settle(batch, BatchState.REFUSED)
        if batch.sequence + batch.count == self.next_sequence and batch.sends == 1:
            self.next_sequence = batch.sequence
            return
        self._rewind(batch.sequence)
        filler = _filler(batch, self.session, self._account)
        self._bytes += len(filler.frame)
        self._waiting.appendleft(filler)

    def _rewind(self, sequence: int) -> None:
        """Let everything from a number on go out again."""
        back = [batch for batch in self._sent.values() if batch.sequence >= sequence]
        for batch in back:
            del self._sent[batch.sequence]
            self._sent_bytes -= len(batch.frame)
            batch.state = BatchState.WAITING
        if back:
            self._waiting = deque(sorted([*back, *self._waiting], key=lambda one: one.sequence))

    def _between(self, begin: int, end: int) -> list[Batch]:
        """Return the unsettled batches that begin in a span, in order."""
        found = []
        while begin < end and (batch := self._sent.get(begin)) is not None:
            found.append(batch)
            begin += batch.count
        if begin < end:
            found += [one for one in self if begin <= one.sequence < end]
        return found

    def _find(self, sequence: int) -> Batch | None:
        """Return an unsettled batch; one that waits was sent before, or nothing would be said of it."""
        batch = self._sent.get(sequence)
        return batch or next((one for one in self._waiting if one.sequence == sequence), None)

    def _settle(self, batch: Batch, state: BatchState) -> None:
        if self._sent.pop(batch.sequence, None) is not None:
            self._sent_bytes -= len(batch.frame)
            self._is_back = self._is_back and bool(self._sent)
            if state is BatchState.TAKEN:
                self._retry_ns = RETRY_NS
        else:
            self._waiting.remove(batch)
        self._bytes -= len(batch.frame)
        batch.state = state
        self.settled.append(batch)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches that are not settled, in order of their numbers."""
        return iter(sorted([*self._sent.values(), *self._waiting], key=lambda one: one.sequence))


def _error(batch: Batch, answer: CommandsRefused, detail: str) -> Refused:
    reason = EntryFault(answer.reason)
    text = f"the venue refuses {batch.count} commands from {batch.sequence} on: {reason.name}"
    return Refused(text + (f": {detail}" if detail else ""), reason.name, answer.index, answer.code)


def _filler(batch: Batch, session: int, account: int) -> Batch:
    """Return cancellations of an order that is not there, under the numbers of a refused batch."""
    nothing = np.zeros(batch.count, COMMAND)
    nothing["op"], nothing["account"], nothing["client_id"] = Op.CANCEL, account, NO_ORDER
    frame = encode_records(COMMANDS, session, batch.sequence, nothing)
    return Batch(batch.sequence, batch.count, frame, batch.sends + FILLER_TRIES)
