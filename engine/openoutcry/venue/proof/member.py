"""A member's own chain over its commands, run by run: the member extends and signs it, the venue follows and checks.

Both sides compute the same links, so a signature says which commands the member has sent, in which order, and no
others. A venue that inserts, drops or changes one of them has no signature that fits. Pure; times are arguments.
"""

from collections import OrderedDict
from enum import IntEnum
from typing import NamedTuple

from openoutcry.venue.proof.hashes import member_leaf, member_link, member_start, run_salt
from openoutcry.venue.proof.limits import OVERDUE_NS, SIGN_NS, SIGN_RUNS_MAX
from openoutcry.venue.proof.messages import NO_HASH, ChainState, CommandsSigned
from openoutcry.wire.fields import SIGNATURE_BYTES
from openoutcry.wire.signed import Signer, Verifier


class Link(NamedTuple):
    """One run in a member's chain: its first command, how many, and the hashes before, of and after it."""

    sequence: int
    commands: int
    digest: bytes
    previous: bytes
    leaf: bytes
    chain: bytes

    @property
    def last(self) -> int:
        """The number of its last command."""
        return self.sequence + self.commands - 1


class SignatureFault(IntEnum):
    """Why a COMMANDS_SIGNED is not taken."""

    FOREIGN = 1
    """It names another venue, member or session."""
    WRONG_SIGNATURE = 2
    """The signature does not fit."""
    UNKNOWN_SEQUENCE = 3
    """No run that is known ends with this command: it was not taken, or was signed long ago."""
    WRONG_CHAIN = 4
    """The member's chain is not the venue's: a run was changed, lost, inserted or reordered."""


def sign_commands(
    signer: Signer, venue: bytes, session: int, sequence: int, chain: bytes, seen: int = 0, seen_chain: bytes = NO_HASH
) -> CommandsSigned:
    """Sign a chain up to a command. Cost: 15 microseconds (Ed25519)."""
    blank = CommandsSigned(venue, signer.key, session, sequence, chain, seen, seen_chain, bytes(SIGNATURE_BYTES))
    signature = signer.sign(blank.signed_bytes())
    return CommandsSigned(venue, signer.key, session, sequence, chain, seen, seen_chain, signature)


class MemberChain:
    """The member's side: extends the chain with each run that the venue has taken, in order; says when to sign.

    Not with each frame that it sends: one that is refused has no place in the chain, and its numbers go to another.
    Where COMMANDS_TAKEN was lost with a link, RECEIPT says what the run is: ask for that of command `sequence` + 1.

    A client that comes back continues from what it has kept (its session file), not from what the venue says: a
    signature over a venue's own chain would sign whatever the venue has put into it.
    """

    __slots__ = ("_runs", "_since_ns", "chain", "member", "secret", "sequence", "session", "signed", "venue")

    def __init__(
        self, venue: bytes, member: bytes, session: int, secret: bytes, *, sequence: int = 0, chain: bytes | None = None
    ) -> None:
        """venue, member: keys. secret: from CHAIN_STATE. sequence, chain: where it stood; left out: its start."""
        self.venue, self.member, self.session, self.secret = venue, member, session, secret
        self.sequence = self.signed = sequence
        self.chain = member_start(venue, member, session) if chain is None else chain
        self._since_ns = 0
        self._runs = 0

    def extend(self, sequence: int, count: int, digest: bytes, now_ns: int) -> Link:
        """Add the next run once COMMANDS_TAKEN (for SEALED: a receipt) has told that it was taken; return its link.

        A SEALED is a run of one command, whose hash is the digest.

        Raises ValueError for a run that does not follow the last one. Cost: 2.5 microseconds beside the digest.
        """
        if sequence != self.sequence + 1 or count < 1:
            raise ValueError(f"run {sequence} of {count} commands after command {self.sequence}")
        if not self._runs:
            self._since_ns = now_ns
        link = make_link(self.secret, self.chain, sequence, count, digest)
        self.sequence, self.chain = link.last, link.chain
        self._runs += 1
        return link

    @property
    def due_ns(self) -> int | None:
        """When a signature is due; None where all runs are signed."""
        if not self._runs:
            return None
        return self._since_ns if self._runs >= SIGN_RUNS_MAX else self._since_ns + SIGN_NS

    def is_due(self, now_ns: int) -> bool:
        """Tell whether to call `sign` now."""
        due_ns = self.due_ns
        return due_ns is not None and now_ns >= due_ns

    def sign(self, signer: Signer, seen: int = 0, seen_chain: bytes = NO_HASH) -> CommandsSigned:
        """Sign all runs so far; seen: the last head of the venue that this member has verified, and its chain."""
        assert signer.key == self.member and self.sequence
        self.signed, self._runs = self.sequence, 0
        return sign_commands(signer, self.venue, self.session, self.sequence, self.chain, seen, seen_chain)


class MemberWatch:
    """The venue's side of one member's chain: extends it with what is taken, and takes the member's signatures.

    Deterministic: belongs into `apply`. `judge`, which verifies, changes nothing and belongs into `admit`. Memory: 350
    bytes for each run that is not signed, at most `SIGN_RUNS_MAX`, and as many before them.
    """

    __slots__ = ("_at_ns", "_links", "chain", "member", "secret", "sequence", "session", "signed", "venue")

    def __init__(self, venue: bytes, member: bytes, session: int, secret: bytes) -> None:
        """venue, member: keys. secret: 32 bytes of this session alone, which the venue can derive again."""
        self.venue, self.member, self.session, self.secret = venue, member, session, secret
        self.sequence = 0
        self.chain = member_start(venue, member, session)
        self.signed: CommandsSigned | None = None
        self._links: OrderedDict[int, Link] = OrderedDict()
        self._at_ns = 0

    def take(self, sequence: int, count: int, digest: bytes, time_ns: int) -> Link:
        """Add a run that the venue applies; admission has seen to their order. Cost: 3 microseconds."""
        assert sequence == self.sequence + 1 and count >= 1, (sequence, self.sequence)
        if not self.unsigned:
            self._at_ns = time_ns
        link = make_link(self.secret, self.chain, sequence, count, digest)
        self.sequence, self.chain = link.last, link.chain
        self._links[link.last] = link
        if len(self._links) > 2 * SIGN_RUNS_MAX:
            self._links.popitem(last=False)
        return link

    @property
    def covered(self) -> int:
        """The last command that a signature of the member covers, 0 for none."""
        return self.signed.sequence if self.signed else 0

    @property
    def unsigned(self) -> int:
        """Commands that no signature covers."""
        return self.sequence - self.covered

    def is_behind(self, now_ns: int) -> bool:
        """Tell whether the member has commands without a signature for so long that the venue should take no more."""
        return self.unsigned > 0 and now_ns - self._at_ns > OVERDUE_NS

    def judge(self, signed: CommandsSigned, verifier: Verifier) -> SignatureFault | None:
        """Say whether a signature is this member's and fits. Says nothing about the chain. Cost: 40 microseconds."""
        if (signed.venue, signed.member, signed.session) != (self.venue, self.member, self.session):
            return SignatureFault.FOREIGN
        fits = verifier.verify(signed.member, signed.signature, signed.signed_bytes())
        return None if fits else SignatureFault.WRONG_SIGNATURE

    def hear(self, signed: CommandsSigned, time_ns: int) -> SignatureFault | None:
        """Take a signature that was judged: it covers what it names, if it names what the venue has taken."""
        if signed.sequence <= self.covered:
            same = self.signed is not None and (signed.sequence, signed.chain) == (self.covered, self.signed.chain)
            return None if same else SignatureFault.UNKNOWN_SEQUENCE
        link = self._links.get(signed.sequence)
        if link is None:
            return SignatureFault.UNKNOWN_SEQUENCE
        if link.chain != signed.chain:
            return SignatureFault.WRONG_CHAIN
        self.signed, self._at_ns = signed, time_ns
        return None

    def link_of(self, sequence: int) -> Link | None:
        """Return the link of the run that command `sequence` is in, None where it is no longer kept."""
        return next((link for link in reversed(self._links.values()) if link.sequence <= sequence <= link.last), None)

    def leaves_between(self, link: Link) -> tuple[bytes, ...] | None:
        """Return the leaves of the runs after `link` up to the latest signature; None where it does not cover it."""
        if link.last > self.covered:
            return None
        return tuple(one.leaf for last, one in self._links.items() if link.last < last <= self.covered)

    def state(self) -> ChainState:
        """Return what the member is told of its chain."""
        return ChainState(self.session, self.secret, self.sequence, self.chain, self.covered)

    def dump(self) -> tuple[int, bytes, CommandsSigned | None, int, tuple[tuple[int, int, bytes, bytes], ...]]:
        """Return everything but what the constructor is given, for a snapshot."""
        links = tuple((link.sequence, link.commands, link.digest, link.previous) for link in self._links.values())
        return self.sequence, self.chain, self.signed, self._at_ns, links

    def load(
        self,
        sequence: int,
        chain: bytes,
        signed: CommandsSigned | None,
        at_ns: int,
        links: tuple[tuple[int, int, bytes, bytes], ...],
    ) -> None:
        """Go on from what `dump` gave."""
        self.sequence, self.chain, self.signed, self._at_ns = sequence, chain, signed, at_ns
        made = [make_link(self.secret, previous, first, count, digest) for first, count, digest, previous in links]
        self._links = OrderedDict((link.last, link) for link in made)


def make_link(secret: bytes, previous: bytes, sequence: int, count: int, digest: bytes) -> Link:
    """Return the link of a run after the link `previous`."""
    leaf_hash = member_leaf(run_salt(secret, sequence), sequence, count, digest)
    return Link(sequence, count, digest, previous, leaf_hash, member_link(previous, leaf_hash))
