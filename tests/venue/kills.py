"""A venue killed with SIGKILL at random moments under load, and what it has acknowledged held against its journal.

The node is that of `outcry run`, with the discovery role, CURVE, its keystore and its configuration. One member sends
frames of orders that follow from their numbers alone. After every kill the journal is replayed into plain books; what
was acknowledged has to be there, under the numbers that the member was told, and once.
"""

import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import zmq

from openoutcry.book import commands
from openoutcry.book.books import Books
from openoutcry.book.reference import ReferenceBooks
from openoutcry.domain import Op, Pair, Side
from openoutcry.domain.records import COMMAND, Commands
from openoutcry.marketdata import messages as feed_messages
from openoutcry.marketdata.messages import PublicDigest, PublicDigestWanted
from openoutcry.marketdata.shown import book_digest
from openoutcry.marketdata.topics import Channel, stream_of
from openoutcry.node.core.core import NODE_ROLE
from openoutcry.node.journal import FileLog, RoleVersion
from openoutcry.role import FRAME_TAG, Record
from openoutcry.venue import messages as venue_messages
from openoutcry.venue.messages import CommandsRefused, CommandsTaken, MemberAdd, PairList, SessionOpen, SessionOpened
from openoutcry.venue.role import Terms, VenueRole
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.frames import COMMANDS, KINDS, RecordFrame, encode_records
from openoutcry.wire.messages import Welcome
from openoutcry.wire.requests import enclose
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import Message
from tests.keystores import make, passphrase_file
from tests.links.nodes import identity
from tests.links.strangers import Stranger
from tests.running import run_node
from tests.venue.hall import NoChecks, Ports

ROLES: Final = (NODE_ROLE, RoleVersion(1, "discovery", 1))
OPERATOR: Final = identity("operator").signer
MEMBER: Final = identity("client").signer
ACCOUNTS: Final = 4
WINDOW: Final = 16
FRAME_MAX: Final = 5
AGAIN: Final = 3
"""Frames that were acknowledged and are sent once more after each start: they must get the same answer."""
PATIENCE_S: Final = 20.0
SEGMENT_BYTES: Final = 16 << 20
"""A small segment, so that some kills come while one is begun."""
CODEC: Final = Codec(MESSAGES.extended([*venue_messages.MESSAGES, *feed_messages.MESSAGES]))


def count_of(frame: int) -> int:
    """Return how many commands frame `frame` has, from 0."""
    return 1 + frame * 7 % FRAME_MAX


def rows_of(first: int, count: int) -> Commands:
    """Return commands `first` to `first + count - 1`: orders around one price, each fifth the end of an earlier one."""
    numbers = np.arange(first, first + count)
    rows = np.zeros(count, COMMAND)
    rows["op"] = np.where(numbers % 5 == 0, Op.CANCEL, Op.PLACE)
    rows["side"] = numbers // 2 % 2
    named = np.where(numbers % 5 == 0, np.maximum(numbers - 8, 1), numbers)
    rows["account"] = named % ACCOUNTS
    rows["client_id"] = named
    spread = numbers * 7 % 23
    rows["price_ticks"] = np.where(rows["side"] == Side.BUY, 480 + spread, 502 - spread)
    rows["qty_lots"] = 1 + numbers % 9
    return rows


class LoadPorts(Ports):
    """Ports of the role whose records are replayed."""

    number = 1


def role(kind: Any, is_lit: bool) -> VenueRole:
    """Return a venue that has applied nothing; without feeds where its books are the plain ones."""
    return VenueRole("discovery", Terms(frozenset([OPERATOR.key]), is_lit), LoadPorts(), NoChecks(), kind)


@dataclass
class VenueKills:
    """One node with its folder; kills are drawn from the seed. taken: command to the book's number of it."""

    folder: Path
    seed: int
    kills: int = 0
    taken: dict[int, int] = field(default_factory=dict)
    recovery_s: list[float] = field(default_factory=list)
    frames: dict[int, int] = field(default_factory=lambda: {1: 0})
    """First command of a frame to its number."""
    resent: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._plain = role(ReferenceBooks, is_lit=False)
        self._fast = role(Books, is_lit=True)
        self._seen = 0
        self._commands = 0
        passphrase = passphrase_file(self.folder)
        outcry = [sys.executable, "-m", "openoutcry.cli.main"]
        command = [*outcry, "init", "discovery", "--dir", str(self.folder / "node")]
        subprocess.run(command, check=True, capture_output=True)
        public = make(self.folder / "node" / "keystore")
        self.curve, self.key = public.curve, public.identity
        self.file = self.folder / "node" / "node.toml"
        text = self.file.read_text(encoding="utf-8")
        for old, new in (
            ('unlock = "prompt"', f'unlock = "file:{passphrase}"'),
            ('listen = "tcp://127.0.0.1:7401"', 'listen = "tcp://127.0.0.1:0"'),
            ('open_to = "listed"', 'open_to = "anyone"'),
            ("operators = []", f'operators = ["{OPERATOR.key.hex()}"]'),
        ):
            assert old in text, old
            text = text.replace(old, new)
        for name, value in (("messages_per_s", 10**7), ("segment_bytes", SEGMENT_BYTES)):
            text, found = re.subn(rf"^{name} = \d+$", f"{name} = {value}", text, flags=re.MULTILINE)
            assert found == 1, name
        self.file.write_text(text, encoding="utf-8")

    def kill(self) -> None:
        """Start the node, load it, kill it at a moment that the seed gives, and look into its journal."""
        process, address = self.start()
        try:
            self.load(address, 0.05 + self._random.expovariate(6))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=PATIENCE_S)
        self.kills += 1
        self.look()

    def start(self) -> tuple["subprocess.Popen[bytes]", str]:
        """Start the node and wait until it listens."""
        process, address, seconds = run_node(self.file, self.folder / "log", PATIENCE_S)
        self.recovery_s.append(seconds)
        return process, address

    # -- the member --------------------------------------------------------------------------------------------------

    def load(self, address: str, seconds: float) -> None:
        """Open the session, compare the book where there is one from before, and send until the time is over."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            peer = Stranger(context, address, self.curve, "client")
            until = time.monotonic() + PATIENCE_S
            while not peer.is_connected():
                assert time.monotonic() < until, (self.folder / "log").read_text(encoding="utf-8")
                peer.events()  # a handshake that took too long is tried again
                time.sleep(0.001)
            peer.greet()
            self.await_one(peer, Welcome)
            if not self.kills:
                self.furnish(peer)
            opened = self.open(peer)
            lost = [number for number in self.taken if number >= opened.next_sequence]
            assert not lost, f"seed {self.seed}, kill {self.kills}: the venue has forgotten commands {lost[:9]}"
            if self.kills:
                peer.send(encode(PublicDigestWanted(stream_of(0, Channel.L3))))
                digest = self.await_one(peer, PublicDigest).digest
                assert digest == book_digest(self._plain.floor.books, 0), f"seed {self.seed}, kill {self.kills}"
            self.trade(peer, opened.session, opened.next_sequence, time.monotonic() + seconds)
        finally:
            context.destroy(linger=0)

    def furnish(self, peer: Stranger) -> None:
        """Do what the operator does on the first day; its envelopes may come by anybody's link."""
        pair = Pair(0, price_ticks_max=2_000)
        listing = PairList(commands.add_pair(pair).tobytes(), b"B" * 32, b"Q" * 32, "KILLED", 1)
        bodies = [encode(listing), encode(MemberAdd(MEMBER.key, ACCOUNTS, 10**8))]
        now_ns = time.time_ns()
        peer.send(encode(enclose(bodies, OPERATOR, self.key, now_ns, now_ns + 60 * 10**9, b"s" * 32)))

    def open(self, peer: Stranger) -> SessionOpened:
        """Open the session; on the first day it is asked for until the operator has added the member."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            peer.send(encode(SessionOpen(False)))
            peer.socket.poll(100)
            for frame in peer.heard():
                message = CODEC.decode(frame)
                if isinstance(message, SessionOpened):
                    return message
        raise AssertionError("no session was opened")

    def await_one(self, peer: Stranger, kind: type[Message]) -> Any:
        """Wait for a message of a type; others are passed over."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            peer.socket.poll(50)
            for frame in peer.heard():
                if frame[:1] != b"O":
                    message = CODEC.decode(frame)
                    if isinstance(message, kind):
                        return message
        raise AssertionError(f"no {kind.__name__} came")

    def trade(self, peer: Stranger, session: int, following: int, until: float) -> None:
        """Send the last frames that were acknowledged, and all that were not, once more, then further ones."""
        known = sorted(number for number in self.frames if number <= self.done)
        first = known[-AGAIN:][0] if known else 1
        open_ = 0
        while time.monotonic() < until:
            while open_ < WINDOW:
                frame = self.frames.setdefault(first, len(self.frames))
                count = count_of(frame)
                if first < following:
                    self.resent += 1
                peer.send(bytes(encode_records(COMMANDS, session, first, rows_of(first, count))))
                first += count
                self.frames.setdefault(first, frame + 1)
                open_ += 1
            peer.socket.poll(5)
            for raw in peer.heard():
                message = CODEC.decode(raw) if raw[:1] != b"O" else None
                assert not isinstance(message, CommandsRefused), message
                if isinstance(message, CommandsTaken):
                    open_ -= self.note(message)

    @property
    def done(self) -> int:
        """The last command that was acknowledged."""
        return max(self.taken, default=0)

    def note(self, message: CommandsTaken) -> int:
        """Remember an answer, which must be the one that was given before, if any; return how many frames it is of."""
        number = message.sequence
        frames = 0
        for run in message.runs:
            for index in range(run.count):
                told = self.taken.setdefault(number, run.book_sequence + index)
                assert told == run.book_sequence + index, f"command {number} has two numbers: {told} and another"
                frames += number in self.frames
                number += 1
        return frames

    # -- the journal -------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Replay what was added into plain and into fast books, and hold both against what was acknowledged."""
        log = FileLog.open(self.file.parent / "data" / "journal", ROLES)
        try:
            for batch in log.read(self._seen + 1):
                own = [record for record in batch.records if record.role == 1]
                if own:
                    self._count(own)
                    self._plain.apply(own)
                    self._fast.apply(own)
                self._seen = batch.first + len(batch.records) - 1
        finally:
            log.close()
        where = f"seed {self.seed}, kill {self.kills}"
        assert self.done <= self._commands, f"{where}: {self.done} acknowledged, {self._commands} in the journal"
        assert self._plain.floor.books.state_hash() == self._fast.floor.books.state_hash(), where
        assert self._plain.check() == self._fast.check() == [], where

    def _count(self, records: list[Record]) -> None:
        """Look at the member's frames: each command once, in order, as it was sent, under the number that was told."""
        first = self._plain.floor.books.sequence + 1
        before = 0
        for record in records:
            if record.tag != FRAME_TAG:
                continue
            frame = KINDS.decode(record.raw)
            assert isinstance(frame, RecordFrame)
            assert frame.sequence == self._commands + 1, f"command {frame.sequence} after {self._commands}"
            assert (frame.records == rows_of(frame.sequence, len(frame.records))).all()
            # a clock leads each group; nothing else of this member's groups goes into the books
            for index in range(len(frame.records)):
                told = self.taken.get(frame.sequence + index)
                assert told in (None, first + 1 + before + index), f"command {frame.sequence + index} was told {told}"
            before += len(frame.records)
            self._commands = frame.sequence + len(frame.records) - 1
