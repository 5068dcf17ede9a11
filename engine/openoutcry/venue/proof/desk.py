"""`ProofDesk`: all that a venue's role calls, in five places. Keeps the chain of the venue and a watch of each member.

| where | call |
|---|---|
| admit | `judge` each COMMANDS_SIGNED; `answer` each PROOF_ASK |
| apply, each run in order | `take`, or `take_own` for what the venue itself puts into the book |
| apply, each COMMANDS_SIGNED | `hear` |
| apply, end of each group, and the timer | `close`: a head to send; `due_ns`: when to be called again |
| snapshot, restore | `dump`, `load` |
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from openoutcry.role import Topic
from openoutcry.venue.proof.chain import Placed, VenueChain
from openoutcry.venue.proof.hashes import digest_of, run_salt
from openoutcry.venue.proof.limits import KEPT_RUNS_MAX
from openoutcry.venue.proof.member import Link, MemberWatch, SignatureFault
from openoutcry.venue.proof.messages import ChainHead, ChainState, CommandsSigned, ProofAsk, ProofWanted, Receipt
from openoutcry.wire.signed import Verifier

RECEIPTS_TOPIC: Final = Topic("receipts")
"""Where heads go out, signed."""

OWN_SESSION: Final = 0
"""Session of the runs that the venue itself puts into the book."""


class ProofDesk:
    """Proof of order for one venue. Deterministic; one for each role that hosts a book."""

    __slots__ = ("_own_secret", "_secret_of", "chain", "own_sequence", "venue", "watches")

    def __init__(self, venue: bytes, secret_of: Callable[[str], bytes], *, runs_max: int = KEPT_RUNS_MAX) -> None:
        """venue: its key. secret_of: `Ports.secret`, of which the paths "proof/N" are used, N a session's number."""
        self.venue = venue
        self.chain = VenueChain(venue, runs_max=runs_max)
        self.watches: dict[int, MemberWatch] = {}
        self.own_sequence = 0
        self._secret_of = secret_of
        self._own_secret = self.secret_of(OWN_SESSION)

    def secret_of(self, session: int) -> bytes:
        """Return the secret of one session's salts, 32 bytes: for its owner, and to publish runs."""
        return self._secret_of(f"proof/{session}")

    def add(self, session: int, member: bytes) -> None:
        """Begin the chain of a new member."""
        assert session > OWN_SESSION and session not in self.watches
        self.watches[session] = MemberWatch(self.venue, member, session, self.secret_of(session))

    def take(
        self, session: int, sequence: int, count: int, book_sequence: int, records: bytes | memoryview, time_ns: int
    ) -> ChainHead | None:
        """Take a run of a member that is being applied. Return a head to send, where one had to be closed for room.

        A run is what COMMANDS_TAKEN calls one: commands that the book carries out one after the other, of one frame or
        of several, so that a thousand frames of one command in a group cost what one frame does. sequence, count: of
        its commands. book_sequence: the book's number of the first. records: count times 64 bytes, without headers.
        Cost: 10 microseconds, and 8 for the digest of 256 commands.
        """
        return self.take_digest(session, sequence, count, book_sequence, digest_of(records), time_ns)

    def take_digest(
        self, session: int, sequence: int, count: int, book_sequence: int, digest: bytes, time_ns: int
    ) -> ChainHead | None:
        """The same where the digest is known: for SEALED it is the hash, the count 1 and the book sequence 0."""
        watch = self.watches[session]
        head = self.chain.close(time_ns, now=True) if self.chain.is_full else None
        watch.take(sequence, count, digest, time_ns)
        salt = run_salt(watch.secret, sequence)
        self.chain.take(salt, session, watch.member, sequence, count, book_sequence, digest)
        return head

    def take_own(self, count: int, book_sequence: int, records: bytes | memoryview, time_ns: int) -> ChainHead | None:
        """Take commands of the venue's own: clock, phases, limits, cancellations that a timer or an operator causes."""
        head = self.chain.close(time_ns, now=True) if self.chain.is_full else None
        sequence = self.own_sequence + 1
        salt = run_salt(self._own_secret, sequence)
        self.chain.take(salt, OWN_SESSION, self.venue, sequence, count, book_sequence, digest_of(records))
        self.own_sequence += count
        return head

    def judge(self, signed: CommandsSigned, verifier: Verifier) -> SignatureFault | None:
        """Verify a member's signature, in `admit`."""
        watch = self.watches.get(signed.session)
        return SignatureFault.FOREIGN if watch is None else watch.judge(signed, verifier)

    def hear(self, signed: CommandsSigned, time_ns: int) -> SignatureFault | None:
        """Take a member's signature that was judged, in `apply`. A fault is answered with the member's CHAIN_STATE."""
        return self.watches[signed.session].hear(signed, time_ns)

    def close(self, time_ns: int, *, now: bool = False) -> ChainHead | None:
        """Return the head to send, signed, to the topic `receipts`, where one is due."""
        return self.chain.close(time_ns, now=now)

    @property
    def due_ns(self) -> int | None:
        """When `close` has something to do; a timer of the role."""
        return self.chain.due_ns

    def answer(self, ask: ProofAsk, session: int) -> ChainState | Receipt | ChainHead | None:
        """Answer a member, who owns `session`, or None where it asks for another's or for a head that is not kept.

        A CHAIN_HEAD, and a RECEIPT where somebody else shall believe it, is sent signed. Changes nothing.
        """
        if ask.wanted is ProofWanted.HEAD:
            return self.chain.head(ask.sequence)
        if ask.session != session or session not in self.watches:
            return None
        if ask.wanted is ProofWanted.CHAIN:
            return self.watches[session].state()
        return self.chain.receipt(session, ask.sequence)

    def link_of(self, session: int, sequence: int) -> tuple[Link, tuple[bytes, ...]] | None:
        """Return the run that a command is in and the leaves up to the signature over it; None where not signed yet.

        With the run's records this makes a CommandProof (`shown.show_command`).
        """
        watch = self.watches.get(session)
        link = watch.link_of(sequence) if watch else None
        after = watch.leaves_between(link) if watch and link else None
        return None if link is None or after is None else (link, after)

    def dump(self) -> bytes:
        """Return the state for a snapshot; the same state gives the same bytes."""
        watches = [(number, watch.member, watch.dump()) for number, watch in sorted(self.watches.items())]
        return _ENCODER.encode((self.own_sequence, self.chain.dump(), watches))

    def load(self, data: bytes) -> None:
        """Go on from what `dump` gave. Raises ValueError (msgspec's) for other bytes."""
        own_sequence, (last, previous, book, pending), watches = _DECODER.decode(data)
        self.own_sequence = own_sequence
        self.watches.clear()
        for number, member, state in watches:
            self.add(number, member)
            self.watches[number].load(*state)
            self.chain.forget(number, self.watches[number].sequence)
        self.chain.load(last, previous, book, pending)

    def check(self) -> list[str]:
        """Return one line for each broken invariant."""
        found = [
            f"proof of order: session {number} is signed to {watch.covered}, taken to {watch.sequence}"
            for number, watch in sorted(self.watches.items())
            if watch.covered > watch.sequence
        ]
        head = self.chain.last
        if head is not None and self.chain.before != head.before + head.count:
            found.append(f"proof of order: {self.chain.before} runs under heads, the last says {head.before}")
        return found


_WatchState = tuple[int, bytes, CommandsSigned | None, int, tuple[tuple[int, int, bytes, bytes], ...]]
_State = tuple[int, tuple[ChainHead | None, bytes, int, tuple[Placed, ...]], tuple[tuple[int, bytes, _WatchState], ...]]
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[Any] = msgspec.msgpack.Decoder(_State)
