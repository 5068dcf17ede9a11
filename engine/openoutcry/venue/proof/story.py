"""A session file as facts: what was sent, taken, placed, signed and told, each as it was first seen.

Reading judges only what can be judged entry by entry: that bytes are frames, and that signatures fit. What the facts
say together is the work of `placing`, `orders` and `replaying`.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain.records import COMMAND
from openoutcry.venue.messages import EVENT_STREAM_MIN, CommandsRefused, CommandsTaken, EntryFault, OrderEntry
from openoutcry.venue.proof.findings import Finding, FindingCode
from openoutcry.venue.proof.hashes import digest_of
from openoutcry.venue.proof.limits import WAIT_NS
from openoutcry.venue.proof.messages import (
    ChainHead,
    ChainState,
    CommandsSigned,
    Match,
    ProofAsk,
    ProofWanted,
    Receipt,
    ReceiptState,
    Sealed,
    Unsealed,
)
from openoutcry.venue.proof.session_file import About, Entry, EntryKind, Revealed, read_revealed, read_session
from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.frames import COMMANDS, EVENTS, RecordFrame, RecordTable, is_record_frame
from openoutcry.wire.messages import StreamHead, StreamResend
from openoutcry.wire.requests import Envelope, Proven, read_envelope, read_proven
from openoutcry.wire.signed import Signed, Verifier, open_signed, verify
from openoutcry.wire.tags import Message

LATER = frozenset({EntryFault.GAP, EntryFault.DIFFERENT, EntryFault.FORGOTTEN})
"""Refusals that do not say that a frame was not taken."""


@dataclass(slots=True)
class Frame:
    """A frame that the member has sent. records: empty for a sealed one that was not opened."""

    sequence: int
    count: int
    digest: bytes
    records: bytes
    sent_at: int
    sealed: bool = False
    refused: bool = False

    @property
    def last(self) -> int:
        """The number of its last command."""
        return self.sequence + self.count - 1


class At(NamedTuple):
    """When something stands in the file: number of its entry, and the member's clock."""

    entry: int
    time_ns: int


START = At(0, 0)


@dataclass(slots=True)
class Story:
    """The facts of one session. Numbers of entries count from 1 and give the order of things."""

    about: About
    frames: dict[int, Frame] = field(default_factory=dict)
    book: dict[int, int] = field(default_factory=dict)
    """The member's number of a command to the book's, as COMMANDS_TAKEN says."""
    taken_at: dict[int, At] = field(default_factory=dict)
    """First command of a frame to when it was told that it was taken."""
    sent_until: int = 0
    """The last command that the member has sent."""
    foreign: list[int] = field(default_factory=list)
    """Where COMMANDS_TAKEN speaks of commands after that."""
    told_runs: dict[int, int] = field(default_factory=dict)
    """First command of a run to how many it has, as COMMANDS_TAKEN says; receipts know better."""
    receipts: dict[int, Receipt] = field(default_factory=dict)
    receipt_at: dict[int, At] = field(default_factory=dict)
    denied: dict[int, At] = field(default_factory=dict)
    asked: dict[int, At] = field(default_factory=dict)
    heads: dict[int, ChainHead] = field(default_factory=dict)
    head_at: dict[int, At] = field(default_factory=dict)
    signed: list[tuple[At, CommandsSigned]] = field(default_factory=list)
    states: list[ChainState] = field(default_factory=list)
    opened: dict[int, At] = field(default_factory=dict)
    seals: dict[int, bytes] = field(default_factory=dict)
    event_frames: dict[int, NDArray[np.void]] = field(default_factory=dict)
    asked_heads: dict[int, At] = field(default_factory=dict)
    matches: dict[int, list[Match]] = field(default_factory=dict)
    match_at: dict[int, At] = field(default_factory=dict)
    stream_head: tuple[int, At] = (0, START)
    """The last event, as the latest STREAM_HEAD of the member's stream says."""
    revealed: list[Revealed] = field(default_factory=list)
    event_head: int = 0
    """The last event that COMMANDS_TAKEN speaks of."""
    promised: list[tuple[int, int]] = field(default_factory=list)
    """From each COMMANDS_TAKEN: the last event on the member's stream after it, and the book's last number in it."""
    asked_events: list[tuple[At, int, int]] = field(default_factory=list)
    """First and last of the events that the member has asked for once more."""
    end: At = START
    heard_ns: int = 0
    """When the venue was last heard of over the link; nothing is called withheld that could have come later."""
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    known: set[Finding] = field(default_factory=set)
    cut_runs: list[Frame] | None = None

    def find(self, code: FindingCode, detail: str, sequence: int = 0) -> None:
        """Note that something is wrong; the same thing once."""
        finding = Finding(code, sequence, detail)
        if finding not in self.known:
            self.known.add(finding)
            self.findings.append(finding)

    @property
    def secret(self) -> bytes | None:
        """The secret of the session's salts, None where the venue has never told it."""
        return self.states[0].secret if self.states else None

    def events(self) -> tuple[list[tuple[int, ...]], bool]:
        """Return the events of the member's stream up to the first that is missing, and whether others follow."""
        rows: list[tuple[int, ...]] = []
        following = self.about.first_event
        for number, frame in sorted(self.event_frames.items()):
            if number != following:
                return rows, True
            rows += frame.tolist()
            following = number + len(frame)
        return rows, False

    def told_until(self) -> int:
        """Return the number of the book up to which no event that the member must be told of can still be missing."""
        rows, _ = self.events()
        promised = [number for head, number in self.promised if head < self.about.first_event + len(rows)]
        # Other events of the last number may come in the next frame.
        return max([rows[-1][0] - 1 if rows else 0, *promised])

    def ordered(self) -> list[Frame]:
        """Return the frames that the venue has taken, in order."""
        return [
            frame
            for sequence, frame in sorted(self.frames.items())
            if sequence in self.taken_at or (frame.sealed and sequence in self.receipts)
        ]

    def runs(self) -> list[Frame]:
        """Return what stands in the chains, in order: commands that were carried out one after the other.

        A run is one frame or several that were taken together. Which, receipts say; of what has none, COMMANDS_TAKEN.
        One of commands that were not sent is left out.
        """
        if self.cut_runs is None:
            counts: dict[int, int] = {}
            end = 0
            for first, receipt in sorted(self.receipts.items()):
                if first < end:
                    self.find(FindingCode.CONTRADICTION, "two receipts with different places", first)
                else:
                    counts[first], end = receipt.count, first + receipt.count
            placed = sorted(counts)
            for first, count in self.told_runs.items():
                at = bisect_right(placed, first + count - 1)
                if not at or placed[at - 1] + counts[placed[at - 1]] <= first:
                    counts[first] = count
            frames = sorted(self.frames.items())
            firsts = [sequence for sequence, _ in frames]
            cut = (self._cut(first, count, frames, firsts) for first, count in sorted(counts.items()))
            self.cut_runs = [run for run in cut if run is not None]
        return self.cut_runs

    def _cut(self, first: int, count: int, frames: list[tuple[int, Frame]], firsts: list[int]) -> Frame | None:
        """Put a run together from the frames that its commands were sent in."""
        at, following, pieces = bisect_right(firsts, first) - 1, first, []
        while 0 <= at < len(frames) and following < first + count:
            frame = frames[at][1]
            if not frame.sequence <= following <= frame.last:
                return None
            if frame.sealed:
                return frame if (first, count) == (frame.sequence, 1) else None
            begin, end = following - frame.sequence, min(first + count - frame.sequence, frame.count)
            pieces.append(frame.records[begin * COMMAND.itemsize : end * COMMAND.itemsize])
            following, at = frame.sequence + end, at + 1
        if following != first + count:
            return None
        records = b"".join(pieces)
        return Frame(first, count, digest_of(records), records, frames[bisect_right(firsts, first) - 1][1].sent_at)

    def has_receipt(self, sequence: int) -> bool:
        """Tell whether a receipt covers a command."""
        runs = self.runs()
        at = bisect_right(runs, sequence, key=lambda run: run.sequence) - 1
        return at >= 0 and sequence <= runs[at].last and runs[at].sequence in self.receipts


def read_story(source: BinaryIO, codec: Codec, records: RecordTable, verifier: Verifier) -> Story | WireFault:
    """Read a session file. Returns a fault where it is none; what is wrong inside is among the story's findings.

    Cost: 2 microseconds an entry, 40 a signature, 0.2 a command.
    """
    read = read_session(source)
    if isinstance(read, WireFault):
        return read
    about, entries = read
    story = Story(about)
    reader = _Reader(story, codec, records, verifier)
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, WireFault):
            if entry.code is FaultCode.MALFORMED and "ends inside" in entry.detail:
                story.notes.append(f"the file ends inside entry {number}; read up to there")
            else:
                story.find(FindingCode.UNREADABLE, f"entry {number}: {entry}")
            break
        story.end = At(number, entry.time_ns)
        if entry.kind is EntryKind.RECEIVED:
            story.heard_ns = entry.time_ns
        reader.read(entry)
    return story


class _Reader:
    """Puts entries into a story, one after the other."""

    def __init__(self, story: Story, codec: Codec, records: RecordTable, verifier: Verifier) -> None:
        self.story, self.codec, self.records, self.verifier = story, codec, records, verifier
        self.venue = story.about.venue

    def read(self, entry: Entry) -> None:
        """Take one entry; its number and time are the story's end."""
        if entry.kind is EntryKind.REVEALED:
            revealed = read_revealed(entry)
            if isinstance(revealed, WireFault):
                self._unreadable(revealed)
            else:
                self.story.revealed.append(revealed)
            return
        if is_record_frame(entry.frame):
            frame = self.records.decode(entry.frame)
            if isinstance(frame, WireFault):
                self._unreadable(frame)
            elif entry.kind is EntryKind.SENT:
                self._sent_frame(frame)
            else:
                self._events(frame)
            return
        message = self.codec.decode(entry.frame)
        if isinstance(message, WireFault):
            self._unreadable(message)
        elif entry.kind is EntryKind.SENT:
            self._sent(message)
        else:
            self._open(message)

    def _unreadable(self, found: WireFault) -> None:
        self.story.find(FindingCode.UNREADABLE, f"entry {self.story.end.entry}: {found}")

    def _forged(self, what: object) -> None:
        self.story.find(FindingCode.FORGED, f"entry {self.story.end.entry}: {what}")

    def _sent_frame(self, frame: RecordFrame) -> None:
        if frame.kind is not COMMANDS:
            return
        if frame.stream != self.story.about.session:
            self.story.find(FindingCode.OTHER_SESSION, f"a frame of session {frame.stream}", frame.sequence)
            return
        self._keep(frame.sequence, len(frame.records), frame.records.tobytes())

    def _keep(self, sequence: int, count: int, records: bytes, seal: bytes = b"") -> None:
        """Keep a frame that was sent; one that is not taken yet may be sent again with another content, if refused."""
        story, digest = self.story, seal or digest_of(records)
        before = story.frames.get(sequence)
        if before is not None and (before.count, before.digest) != (count, digest):
            if not before.refused:
                story.find(FindingCode.SENT_DIFFERENT, "sent twice, with other commands the second time", sequence)
                return
            before = None
        if before is None:
            story.sent_until = max(story.sent_until, sequence + count - 1)
            story.frames[sequence] = Frame(sequence, count, digest, records, story.end.entry, bool(seal))

    def _sent(self, message: Message) -> None:
        story = self.story
        match message:
            case OrderEntry(session=session, sequence=sequence, command=command) if session == story.about.session:
                self._keep(sequence, 1, command)
            case Sealed(session=session, sequence=sequence, hash=hash_) if session == story.about.session:
                self._keep(sequence, 1, b"", hash_)
            case Unsealed(sequence=sequence, salt=salt, command=command):
                story.opened.setdefault(sequence, story.end)
                story.seals.setdefault(sequence, salt)
                frame = story.frames.get(sequence)
                if frame is not None and frame.sealed:
                    frame.records = command
            case CommandsSigned():
                if self.verifier.verify(message.member, message.signature, message.signed_bytes()):
                    story.signed.append((story.end, message))
                else:
                    self._forged("a signature of the member that does not fit")
            case ProofAsk(wanted=ProofWanted.RECEIPT, sequence=sequence):
                story.asked[sequence] = story.end
            case StreamResend(stream=stream, first=first, last=last) if (
                stream == EVENT_STREAM_MIN + story.about.session
            ):
                story.asked_events.append((story.end, first, last))
            case ProofAsk(wanted=ProofWanted.HEAD, sequence=sequence) if sequence:
                story.asked_heads[sequence] = story.end
            case _:
                return

    def _open(self, message: Message) -> None:
        """Take a message from the venue, out of what signs it."""
        if isinstance(message, Signed):
            if message.name not in ("chain_head", "match"):
                return
            found = verify(message, self.verifier, (self.venue,))
            body = open_signed(message, self.codec)
            if found is not None or isinstance(body, WireFault):
                self._forged(found or body)
            else:
                self._received(body, is_signed=True)
        elif isinstance(message, Envelope | Proven):
            is_envelope = isinstance(message, Envelope)
            request = (
                read_envelope(message, self.codec, self.verifier)
                if isinstance(message, Envelope)
                else read_proven(message, self.codec, self.verifier)
            )
            if isinstance(request, WireFault):
                self._forged(request)
            elif request.sender == self.venue:
                for raw in message.bodies if is_envelope and isinstance(message, Envelope) else [_body(message)]:
                    self._enclosed(raw)
        else:
            self._received(message, is_signed=False)

    def _enclosed(self, raw: bytes) -> None:
        if is_record_frame(raw):
            frame = self.records.decode(raw)
            if isinstance(frame, WireFault):
                self._unreadable(frame)
            else:
                self._events(frame)
            return
        body = self.codec.decode(raw)
        if isinstance(body, WireFault):
            self._unreadable(body)
        else:
            self._received(body, is_signed=True)

    def _received(self, message: Message, *, is_signed: bool) -> None:
        story, session = self.story, self.story.about.session
        match message:
            case ChainHead():
                self._head(message) if is_signed else self._forged(f"head {message.sequence} without a signature")
            case Match():
                if is_signed:
                    story.matches.setdefault(message.number, []).append(message)
                    story.match_at.setdefault(message.number, story.end)
                else:
                    self._forged(f"match {message.number} without the venue's signature")
            case StreamHead(stream=stream, sequence=sequence) if stream == EVENT_STREAM_MIN + session:
                story.stream_head = (sequence, story.end)
            case CommandsTaken() if message.session == session:
                self._taken(message)
            case CommandsRefused() if message.session == session:
                frame = story.frames.get(message.sequence)
                if frame is not None and message.sequence not in story.taken_at and message.reason not in LATER:
                    frame.refused = True  # the same again, or another frame under these numbers, may come
            case Receipt() if message.session == session:
                self._receipt(message)
            case ChainState() if message.session == session:
                story.states.append(message)
            case _:
                return

    def _head(self, head: ChainHead) -> None:
        known = self.story.heads.setdefault(head.sequence, head)
        self.story.head_at.setdefault(head.sequence, self.story.end)
        if known != head:
            self.story.find(FindingCode.TWO_CHAINS, f"two different heads {head.sequence}, both signed by the venue")

    def _taken(self, taken: CommandsTaken) -> None:
        story, at, sequence = self.story, self.story.end, taken.sequence
        story.event_head = max(story.event_head, taken.event_head)
        story.promised.append((taken.event_head, taken.runs[-1].book_sequence + taken.runs[-1].count - 1))
        for run in taken.runs:
            if sequence + run.count <= story.about.first:  # sent before the file begins
                sequence += run.count
                continue
            story.told_runs.setdefault(sequence, run.count)
            known = min(run.count, story.sent_until + 1 - sequence)
            if known < run.count:  # a stranger's count is not looped over
                story.foreign.append(max(sequence, story.sent_until + 1))
            for offset in range(known):
                book = story.book.setdefault(sequence + offset, run.book_sequence + offset)
                if book != run.book_sequence + offset:
                    detail = f"taken as {book}, and then as {run.book_sequence + offset}"
                    story.find(FindingCode.CONTRADICTION, detail, sequence + offset)
                    break
                if sequence + offset in story.frames:
                    story.taken_at.setdefault(sequence + offset, at)
            sequence += run.count

    def _receipt(self, receipt: Receipt) -> None:
        story, sequence = self.story, receipt.sequence
        if receipt.state is ReceiptState.PLACED:
            known = story.receipts.setdefault(sequence, receipt)
            story.receipt_at.setdefault(sequence, story.end)
            if known != receipt:
                story.find(FindingCode.CONTRADICTION, "two receipts with different places", sequence)
        elif receipt.state is ReceiptState.UNKNOWN and sequence in story.book:
            story.denied.setdefault(sequence, story.end)
        elif receipt.state is ReceiptState.FORGOTTEN:
            story.notes.append(f"command {sequence}: the receipt has to be built from the venue's journal")
            story.asked.pop(sequence, None)
        elif receipt.state is ReceiptState.PENDING:
            frame = story.frames.get(sequence)
            if frame is not None and frame.sealed:  # for a hash this is what says that it was taken
                story.taken_at.setdefault(sequence, story.end)
            taken = story.taken_at.get(sequence)
            if taken is not None and story.end.time_ns - taken.time_ns > WAIT_NS:
                story.find(FindingCode.WITHHELD, "still not under a head, a second after it was taken", sequence)
            story.asked.pop(sequence, None)

    def _events(self, frame: RecordFrame) -> None:
        story = self.story
        if frame.kind is not EVENTS or frame.stream != EVENT_STREAM_MIN + story.about.session:
            return
        known = story.event_frames.setdefault(frame.sequence, frame.records)
        if known is not frame.records and known.tobytes() != frame.records.tobytes():
            story.find(FindingCode.CONTRADICTION, f"event {frame.sequence} was sent twice, and not the same")


def _body(message: Envelope | Proven) -> bytes:
    assert isinstance(message, Proven)
    return message.body


def commands_of(frame: Frame) -> NDArray[np.void]:
    """Return the commands of a frame, none for a sealed one that was not opened."""
    return np.frombuffer(frame.records, COMMAND)
