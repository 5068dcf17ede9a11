"""A venue and members in one process that write session files: the plain books, the desk, and every way to cheat.

The venue is honest unless a `Cheat` is planned. What would be on the wire is encoded and kept as it is there.
"""

import random
from collections.abc import Sequence
from io import BytesIO
from typing import Final

import msgspec
import numpy as np

from openoutcry.book import ReferenceBooks, commands
from openoutcry.domain import (
    EventKind,
    Op,
    Pair,
    Side,
)
from openoutcry.domain.records import COMMAND, EVENT, Commands
from openoutcry.venue.messages import EVENT_STREAM_MIN, CommandsTaken, OrderEntry, TakenRun
from openoutcry.venue.proof import session_file
from openoutcry.venue.proof.chain import VenueChain
from openoutcry.venue.proof.desk import OWN_SESSION, ProofDesk
from openoutcry.venue.proof.hashes import digest_of, head_chain, run_salt, sealed_hash
from openoutcry.venue.proof.member import MemberChain
from openoutcry.venue.proof.messages import (
    NO_HASH,
    ChainHead,
    CommandProof,
    Match,
    MatchSide,
    ProofAsk,
    ProofWanted,
    Receipt,
    ReceiptState,
    Sealed,
    Unsealed,
)
from openoutcry.venue.proof.sealed import Opened, SealedQueue
from openoutcry.venue.proof.session_file import About, EntryKind, Revealed
from openoutcry.venue.proof.shown import show_command, sign_tree
from openoutcry.venue.proof.verifying import Report, verify_session
from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import COMMANDS, EVENTS, encode_records
from openoutcry.wire.messages import StreamHead
from openoutcry.wire.requests import enclose
from openoutcry.wire.signed import Signer, Verifier, sign
from openoutcry.wire.tags import Message
from tests.proof_traders import GHOST, LIMITS, Cheat, Frame, Trader, draw_command

NETWORK: Final = b"network key of a test run"
START_NS: Final = 1_700_000_000_000_000_000
MS: Final = 1_000_000


class Market:
    """The venue with its members. `run` a number of groups, `finish`, then read the files."""

    def __init__(
        self,
        seed: int,
        members: int = 3,
        cheat: Cheat | None = None,
        at: int = 0,
        trees: bool = False,
        real: bool = False,
    ) -> None:
        """cheat: what the venue tries, once so many frames are placed. trees: commands are shown by trees, not whole
        frames. real: Ed25519 in place of checksums."""
        self.draw = random.Random(seed)
        self.real = real
        self.verifier: Verifier = Ed25519Verifier() if real else ChecksumVerifier(NETWORK)
        self.venue = self._signer(b"V" * 32)
        self.now_ns = START_NS
        self.books = ReferenceBooks((), accounts=0)
        self.desk = ProofDesk(self.venue.key, lambda path: digest_of(f"{seed} {path}".encode()))
        self.cheat, self.at, self.cheated, self.victim = cheat, at, False, 0
        self.trees = trees
        self.owner: dict[int, tuple[Trader, int]] = {}
        self.matches: list[Match] = []
        self.own: list[tuple[int, int, bytes]] = []
        self.placed: list[tuple[int, int, int, bytes]] = []
        self.queue = SealedQueue(1)
        self.heads: list[ChainHead] = []
        self.seals: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self.second = VenueChain(self.venue.key)
        self.log: list[tuple[bytes, int, bytes, int, int, int, bytes]] = []
        self.requests = 0
        self.traders = [self._join(number) for number in range(1, members + 1)]
        limits = [commands.set_limits(trader.account, kind, value) for trader in self.traders for kind, value in LIMITS]
        self._own([commands.clock(self.now_ns), commands.add_pair(Pair(0)), commands.add_pair(Pair(1)), *limits])

    def _signer(self, seed: bytes) -> Signer:
        return Ed25519Signer(seed) if self.real else ChecksumSigner(NETWORK, seed)

    def _join(self, number: int) -> Trader:
        signer = self._signer(bytes([number]) * 32)
        self.desk.add(number, signer.key)
        answer = self.desk.answer(ProofAsk(ProofWanted.CHAIN, number), number)
        assert not isinstance(answer, ChainHead | Receipt) and answer is not None
        trader = Trader(number, signer, MemberChain(self.venue.key, signer.key, number, answer.secret), BytesIO())
        session_file.begin(About(self.venue.key, signer.key, number), trader.file)
        self._tell(trader, answer)
        return trader

    # -- the wire ------------------------------------------------------------------------------------------------

    def _sent(self, trader: Trader, frame: bytes | bytearray) -> None:
        session_file.append(EntryKind.SENT, self.now_ns, frame, trader.file)

    def _tell(self, trader: Trader, message: Message, *, signed: bool = False) -> None:
        frame = encode(message)
        if signed:
            self.requests += 1
            secret = digest_of(self.requests.to_bytes(8, "little"))
            expiry_ns = self.now_ns + 10**9
            frame = encode(
                enclose([frame], self.venue, trader.signer.key, self.now_ns + self.requests, expiry_ns, secret)
            )
        session_file.append(EntryKind.RECEIVED, self.now_ns, frame, trader.file)

    def _publish(self, head: ChainHead | None, second: ChainHead | None = None) -> None:
        if head is None or second is None:
            assert head is second
            return
        self.heads.append(head)
        for trader in self.traders:
            trader.seen = second if self.cheat is Cheat.TWO_CHAINS and trader.number == 1 else head
            session_file.append(EntryKind.HEARD, self.now_ns, encode(sign(trader.seen, [self.venue])), trader.file)
        if self.cheat is Cheat.TWO_CHAINS and head != second:
            self.cheated, self.victim = True, 1

    def _due(self, trader: Trader) -> bool:
        """Tell whether the planned cheat is to be tried with this frame."""
        if self.cheated or len(self.placed) < self.at:
            return False
        self.cheated, self.victim = True, trader.number
        return True

    # -- one group -----------------------------------------------------------------------------------------------

    def run(self, groups: int) -> None:
        """Let members send frames, group after group."""
        for _ in range(groups):
            self.now_ns += self.draw.randrange(1, 15) * MS
            self._own([commands.clock(self.now_ns)])
            frames = [self._send(self.draw.choice(self.traders)) for _ in range(self.draw.randrange(1, 4))]
            for frame in self._joined(self._reordered(frames)):
                self._apply(frame)
            self._open_sealed()
            self._sign()
            self._close()

    def _close(self, *, now: bool = False) -> None:
        """Close the group with a head, and for TWO_CHAINS with another one, in which the frames of a member differ."""
        head = self.desk.close(self.now_ns, now=now)
        for salt, session, member, sequence, count, first, digest in self.log:
            changed = self.cheat is Cheat.TWO_CHAINS and session == 2 and len(self.heads) >= self.at
            shown = digest_of(digest) if changed else digest
            self.second.take(salt, session, member, sequence, count, first, shown)
        self.log.clear()
        self._publish(head, self.second.close(self.now_ns, now=now))

    def _send(self, trader: Trader) -> Frame:
        if self.draw.random() < 0.15:
            return self._send_sealed(trader)
        rows = np.concatenate([draw_command(self.draw, trader) for _ in range(self.draw.choice([1, 1, 2, 4]))])
        sequence = trader.sequence + 1
        trader.sequence += len(rows)
        trader.records[sequence] = rows.tobytes()
        if len(rows) == 1 and self.draw.random() < 0.3:
            self._sent(trader, encode(OrderEntry(trader.number, sequence, rows.tobytes())))
        else:
            self._sent(trader, encode_records(COMMANDS, trader.number, sequence, rows))
        return Frame(trader, sequence, rows)

    def _send_sealed(self, trader: Trader) -> Frame:
        row = commands.place(1, trader.account, 10_000 + trader.sequence, Side.BUY, 1 + self.draw.randrange(9), 100)
        row["side"] = self.draw.randrange(2)
        trader.sequence += 1
        salt = self.draw.randbytes(16)
        hash_ = sealed_hash(salt, trader.signer.key, trader.sequence, row.tobytes())
        trader.sealed[trader.sequence] = self.seals[trader.number, trader.sequence] = (salt, row.tobytes())
        sealed = Sealed(trader.number, trader.sequence, 1, hash_)
        self._sent(trader, encode(sealed))
        return Frame(trader, trader.sequence, np.empty(0, COMMAND), sealed)

    def _open_sealed(self) -> None:
        """Members open what a head covers; the venue carries out what is decided, as commands that it enters itself."""
        for trader in self.traders:
            for sequence in sorted(trader.sealed):
                answer = self._receipt(trader, sequence)
                if answer.state is ReceiptState.PLACED and self.draw.random() < 0.8:
                    self._tell(trader, answer)
                    salt, command = trader.sealed.pop(sequence)
                    unsealed = Unsealed(trader.number, sequence, salt, command)
                    self._sent(trader, encode(unsealed))
                    self.queue.unseal(unsealed, self.now_ns)
        for one in self.queue.take(self.now_ns):
            if isinstance(one, Opened):
                trader = self.traders[one.session - 1]
                rows = np.frombuffer(one.command, COMMAND)
                first = self.books.sequence + 1
                self._own([rows], tell=(trader, one.sequence))
                self._tell(trader, self._commands_taken(trader, one.sequence, 1, first))

    def _joined(self, frames: Sequence[Frame]) -> list[Frame]:
        """Take frames of one member that follow one another together, or not: as a venue's groups fall."""
        joined: list[Frame] = []
        for frame in frames:
            before = joined[-1] if joined else None
            if before is None or before.trader is not frame.trader or not len(frame.rows) or not len(before.rows):
                joined.append(frame)
            elif self.draw.random() < 0.7:
                parts = (*(before.parts or [len(before.rows)]), len(frame.rows))
                rows = np.concatenate([before.rows, frame.rows])
                joined[-1] = Frame(frame.trader, before.sequence, rows, parts=list(parts))
            else:
                joined.append(frame)
        return joined

    def _reordered(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        """Carry out two frames of the group in a wrong order, if that is planned; return what is left of it."""
        if self.cheat not in (Cheat.REORDER, Cheat.REORDER_CHAIN):
            return frames
        for one in range(len(frames)):
            for other in range(one + 1, len(frames)):
                pair = (frames[one], frames[other])
                mine, later = pair
                same = mine.trader is later.trader
                following = mine.sequence + len(mine.rows) if same else self._next(later.trader)
                in_order = mine.sequence == self._next(mine.trader) and later.sequence == following
                fits = in_order and same == (self.cheat is Cheat.REORDER)
                if fits and len(pair[0].rows) and len(pair[1].rows) and self._due(pair[0].trader):
                    self._reorder(*pair)
                    return [frame for frame in frames if frame not in pair]
        return frames

    def _next(self, trader: Trader) -> int:
        return self.desk.watches[trader.number].sequence + 1

    def _reorder(self, mine: Frame, later: Frame) -> None:
        """REORDER: two frames of a member change places. REORDER_CHAIN: of two members, in the chain alone."""
        carried = (later, mine) if self.cheat is Cheat.REORDER else (mine, later)
        first = {id(frame): self._book(frame.trader, frame.sequence, frame.rows) for frame in carried}
        for frame in (later, mine):
            who, digest = frame.trader, digest_of(frame.rows.tobytes())
            count, at = len(frame.rows), first[id(frame)]
            self._place(who.number, who.signer.key, frame.sequence, count, at, digest)
            self.placed.append((who.number, frame.sequence, at, frame.rows.tobytes()))
        for frame in (mine, later):
            who, digest, count = frame.trader, digest_of(frame.rows.tobytes()), len(frame.rows)
            self.desk.watches[who.number].take(frame.sequence, count, digest, self.now_ns)
            self._taken(who, frame.sequence, count, digest)
            self._tell(who, self._commands_taken(who, frame.sequence, count, first[id(frame)]))

    def _apply(self, frame: Frame) -> None:
        trader, rows, count = frame.trader, frame.rows, len(frame.rows)
        if frame.sealed is not None:
            assert self.queue.seal(frame.sealed, trader.signer.key, self.now_ns) is None
            self._take(trader, frame.sequence, 1, 0, frame.sealed.hash)
            self._taken(trader, frame.sequence, 1, frame.sealed.hash)
            self._tell(trader, self._receipt(trader, frame.sequence))
            return
        carried, chained = rows, rows
        if self.cheat in (Cheat.TAMPER, Cheat.TAMPER_CHAIN) and rows[0]["op"] == Op.PLACE and self._due(trader):
            changed = rows.copy()
            changed["qty_lots"][0] += 1
            chained = changed
            carried = changed if self.cheat is Cheat.TAMPER else rows
        if self.cheat is Cheat.INSERT and self._due(trader):
            self._insert(trader)
        digest = digest_of(rows.tobytes())
        if self.cheat is Cheat.DROP and self._due(trader):
            self._tell(trader, self._commands_taken(trader, frame.sequence, count, self.books.sequence + 1))
            self._taken(trader, frame.sequence, count, digest)
            self.desk.watches[trader.number].take(frame.sequence, count, digest, self.now_ns)
            return
        first = self._book(trader, frame.sequence, carried)
        placed = digest_of(chained.tobytes())
        self._take(trader, frame.sequence, count, first, placed)
        self.placed.append((trader.number, frame.sequence, first, chained.tobytes()))
        self._tell_taken(frame, first)
        self._taken(trader, frame.sequence, count, digest)
        if self.cheat is Cheat.INVENT_FILL and self._due(trader):
            self._invent_fill(trader)
        if self.cheat is Cheat.INVENT_MATCH and self._due(trader):
            self._invent_match(trader)

    def _insert(self, trader: Trader) -> None:
        """An order in the member's name and account that it never sent; what becomes of it is told as of any other."""
        ghost = commands.place(0, trader.account, 77_777, Side.BUY, 1, 99)
        first = self._book(trader, GHOST, ghost)
        self._place(trader.number, self.venue.key, GHOST, 1, first, digest_of(ghost.tobytes()))

    def _place(self, session: int, member: bytes, sequence: int, count: int, first: int, digest: bytes) -> None:
        salt = run_salt(self.desk.secret_of(session), sequence)
        self.desk.chain.take(salt, session, member, sequence, count, first, digest)
        self.log.append((salt, session, member, sequence, count, first, digest))

    def _own(self, rows: Sequence[Commands], tell: tuple[Trader, int] | None = None) -> None:
        joined = np.concatenate(rows)
        first = self.books.sequence + 1
        sequence = self.desk.own_sequence + 1
        self._events(self.books.apply(joined), joined, first, *(tell or (None, 0)))
        self.own.append((sequence, first, joined.tobytes()))
        assert self.desk.take_own(len(joined), first, joined.tobytes(), self.now_ns) is None
        salt = run_salt(self.desk.secret_of(OWN_SESSION), sequence)
        self.log.append((salt, OWN_SESSION, self.venue.key, sequence, len(joined), first, digest_of(joined.tobytes())))

    def _take(self, trader: Trader, sequence: int, count: int, first: int, digest: bytes) -> None:
        assert self.desk.take_digest(trader.number, sequence, count, first, digest, self.now_ns) is None
        salt = run_salt(trader.chain.secret, sequence)
        self.log.append((salt, trader.number, trader.signer.key, sequence, count, first, digest))

    def _book(self, trader: Trader, sequence: int, rows: Commands) -> int:
        first = self.books.sequence + 1
        self._events(self.books.apply(rows), rows, first, trader, sequence)
        return first

    def _tell_taken(self, frame: Frame, first: int) -> None:
        """Answer a run with one message, or each frame of it on its own, as when they are sent again."""
        parts = frame.parts if frame.parts and self.draw.random() < 0.5 else [len(frame.rows)]
        sequence = frame.sequence
        for part in parts:
            self._tell(frame.trader, self._commands_taken(frame.trader, sequence, part, first))
            sequence, first = sequence + part, first + part

    def _commands_taken(self, trader: Trader, sequence: int, count: int, first: int) -> CommandsTaken:
        return CommandsTaken(trader.number, sequence, (TakenRun(count, first),), trader.event)

    def _taken(self, trader: Trader, sequence: int, count: int, digest: bytes) -> None:
        """The member learns that its frame was taken, and adds it to its chain."""
        trader.links.append(trader.chain.extend(sequence, count, digest, self.now_ns))
        sent = b"".join(records for first, records in sorted(trader.records.items()) if first >= sequence)
        trader.runs[sequence] = sent[: count * COMMAND.itemsize]

    def _sign(self, *, everything: bool = False) -> None:
        for trader in self.traders:
            if trader.chain.is_due(self.now_ns) or (everything and trader.chain.due_ns is not None):
                seen = trader.seen
                named = (seen.sequence, head_chain(seen)) if seen else (0, NO_HASH)
                signed = trader.chain.sign(trader.signer, *named)
                self._sent(trader, encode(signed))
                assert self.desk.judge(signed, self.verifier) is None
                fault = self.desk.hear(signed, self.now_ns)
                assert fault is None or self.cheated, fault

    # -- events --------------------------------------------------------------------------------------------------

    def _events(self, events: Commands, rows: Commands, first: int, trader: Trader | None, sequence: int) -> None:
        told: dict[int, list[np.void]] = {}
        for event in events:
            owners: list[Trader] = []
            at = int(event["sequence"]) - first
            if event["kind"] in (EventKind.ACCEPTED, EventKind.REJECTED):
                if trader is not None:
                    owners.append(trader)
                    if event["kind"] == EventKind.ACCEPTED and event["code"] == Op.PLACE:
                        self.owner[int(event["maker"])] = (trader, sequence + at)
            else:
                handles = [int(event["maker"])] + [int(event["taker"])] * int(event["kind"] == EventKind.TRADED)
                owners = [self.owner[handle][0] for handle in handles if handle in self.owner]
            if event["kind"] == EventKind.REPLACED and trader is not None and rows[at]["op"] == Op.REPLACE:
                self.owner[int(event["maker"])] = (trader, sequence + at)
            if event["kind"] == EventKind.TRADED:
                self._match(event)
            for owner in dict.fromkeys(one.number for one in owners):
                if self._hides(owner, event):
                    continue
                told.setdefault(owner, []).append(event)
        for number, mine in told.items():
            self._tell_events(self._trader(number), np.array(mine, EVENT))

    def _hides(self, owner: int, event: np.void) -> bool:
        return (
            self.cheat is Cheat.HIDE_EVENT
            and event["kind"] == EventKind.TRADED
            and self._due(self._trader(owner))
            and self.victim == owner
        )

    def _trader(self, number: int) -> Trader:
        return next(trader for trader in self.traders if trader.number == number)

    def _tell_events(self, trader: Trader, rows: Commands) -> None:
        frame = encode_records(EVENTS, EVENT_STREAM_MIN + trader.number, trader.event + 1, rows)
        trader.event += len(rows)
        session_file.append(EntryKind.RECEIVED, self.now_ns, frame, trader.file)

    def _match(self, event: np.void) -> None:
        sides = []
        for name in ("maker", "taker"):
            trader, sequence = self.owner[int(event[name])]
            sides.append(MatchSide(trader.signer.key, trader.number, sequence, 0))
        numbers = (len(self.matches) + 1, int(event["sequence"]), self.now_ns, int(event["pair"]))
        values = (int(event["price_ticks"]), int(event["qty_lots"]))
        self.matches.append(Match(*numbers, Side(int(event["side"])), *values, sides[0], sides[1]))

    def _invent_fill(self, trader: Trader) -> None:
        row = np.zeros(1, EVENT)
        row["sequence"], row["kind"], row["price_ticks"], row["qty_lots"] = (
            self.books.sequence,
            EventKind.TRADED,
            100,
            3,
        )
        handles = [handle for handle, (owner, _) in self.owner.items() if owner is trader]
        row["maker"] = self.draw.choice([*handles, 2**40])
        row["taker"], row["side"] = 2**41, self.draw.randrange(2)
        row["maker_leaves"] = 2**30  # whatever was left of it, three fewer are not so many
        self._tell_events(trader, row)

    def _invent_match(self, trader: Trader) -> None:
        """The venue takes a good match and changes it: more lots, a better price, another command."""
        side = MatchSide(trader.signer.key, trader.number, 1, 0)
        numbers = (10**6, 1, self.now_ns, 0)
        self.matches.append(Match(*numbers, Side.BUY, 100, 2**30, side, side))

    # -- the end -------------------------------------------------------------------------------------------------

    def finish(self, reveal: bool = True) -> None:
        """Sign and close everything, ask for every receipt, tell every match with its proofs, wait two seconds."""
        self._sign(everything=True)
        self._close(now=True)
        for trader in self.traders:
            for link in trader.links:
                ask = ProofAsk(ProofWanted.RECEIPT, trader.number, link.sequence)
                self._sent(trader, encode(ask))
                self._answer(trader, ask)
        for match in self.matches:
            for trader in self.traders:
                if trader.signer.key in (match.maker.member, match.taker.member):
                    proofs = self._proofs(match)
                    self._tell(trader, Match(*_fields(match), proofs), signed=True)
        if reveal:
            for trader in self.traders:
                self._reveal(trader)
        self.now_ns += 2_000 * MS
        for trader in self.traders:
            answer = self.desk.answer(ProofAsk(ProofWanted.CHAIN, trader.number), trader.number)
            assert answer is not None
            self._tell(trader, answer, signed=True)
            self._tell(trader, StreamHead(EVENT_STREAM_MIN + trader.number, trader.event))

    def _answer(self, trader: Trader, ask: ProofAsk) -> None:
        if self.cheat is Cheat.WITHHOLD and ask.sequence in trader.records and self._due(trader):
            return
        answer = self._receipt(trader, ask.sequence)
        if self.cheat is Cheat.OTHER_PLACE and answer.state is ReceiptState.PLACED and self._due(trader):
            answer = msgspec.structs.replace(answer, index=answer.index ^ 1)
        self._tell(trader, answer, signed=self.draw.random() < 0.3)

    def _receipt(self, trader: Trader, sequence: int) -> Receipt:
        answer = self.desk.answer(ProofAsk(ProofWanted.RECEIPT, trader.number, sequence), trader.number)
        if self.cheat is Cheat.TWO_CHAINS and trader.number == 1:
            answer = self.second.receipt(trader.number, sequence)
        assert isinstance(answer, Receipt)
        return answer

    def _proofs(self, match: Match) -> tuple[CommandProof, ...]:
        """Return what the members can prove; a command that was never sent has no proof."""
        sides = [side for side in (match.maker, match.taker) if side.sequence != GHOST]
        return tuple(self._proof(side) for side in sides)

    def _proof(self, side: MatchSide) -> CommandProof:
        """Show a member's command, as its own client would on demand: from its links and its latest signature."""
        trader = self._trader(side.session)
        at = next(at for at, link in enumerate(trader.links) if link.sequence <= side.sequence <= link.last)
        link = trader.links[at]
        signed = trader.chain.sign(trader.signer)
        after = [one.leaf for one in trader.links[at + 1 :]]
        secret, records = trader.chain.secret, trader.runs[link.sequence]
        if (trader.number, link.sequence) in self.seals:
            salt, command = self.seals[trader.number, link.sequence]
            return show_command(signed, link, after, secret, 0, command, seal=salt)
        tree = (
            sign_tree(trader.signer, self.venue.key, trader.number, secret, link.sequence, records)
            if self.trees
            else None
        )
        return show_command(signed, link, after, secret, side.sequence - link.sequence, records, tree=tree)

    def _reveal(self, trader: Trader) -> None:
        frames = [(OWN_SESSION, self.venue.key, *one) for one in self.own]
        frames += [(one[0], self._trader(one[0]).signer.key, *one[1:]) for one in self.placed if one[3]]
        for session, member, sequence, first, records in frames:
            if session == trader.number:
                continue
            receipt = self.desk.chain.receipt(session, sequence)
            if receipt.state is not ReceiptState.PLACED:
                continue
            secret = self.desk.secret_of(session)
            revealed = Revealed(
                member, sequence, len(records) // COMMAND.itemsize, first, run_salt(secret, sequence), receipt.head,
                receipt.index, receipt.path, records,
            )  # fmt: skip
            session_file.append_revealed(revealed, self.now_ns, trader.file)

    def report(self, trader: Trader) -> Report:
        """Verify a member's file."""
        found = verify_session(BytesIO(trader.file.getvalue()), trader.signer.key, self.verifier)
        assert not isinstance(found, WireFault), found
        return found


def _fields(match: Match) -> tuple[int, int, int, int, Side, int, int, MatchSide, MatchSide]:
    return (
        match.number, match.book_sequence, match.time_ns, match.pair, match.side, match.price_ticks, match.qty_lots,
        match.maker, match.taker,
    )  # fmt: skip
