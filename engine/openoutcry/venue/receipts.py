"""The receipts of a venue: every command that its books carry out goes into its chain, and members sign theirs.

What is hashed and why is the business of `venue.proof`; here it is called at the right places.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from openoutcry.domain.records import Commands
from openoutcry.role import Send
from openoutcry.venue.proof.desk import OWN_SESSION, RECEIPTS_TOPIC, ProofDesk
from openoutcry.venue.proof.messages import ChainHead, CommandsSigned, ProofAsk, ProofWanted
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.fields import KeyId
from openoutcry.wire.signed import DOMAIN, Signature, Signed
from openoutcry.wire.tags import tag_of
from openoutcry.wire.versions import refuse

_SIGNED: Final = msgspec.msgpack.Decoder(CommandsSigned)


class Receipts:
    """State of a role: changed in `apply` only, deterministic, saved and loaded."""

    def __init__(self, own: KeyId, secret_of: Callable[[str], bytes]) -> None:
        """own: key of the venue. secret_of: `Ports.secret`."""
        self._desk = ProofDesk(own, secret_of)
        self._waits = False
        """Whether a run of a member waits for a head. The venue's own runs wait for one: to sign each tick of the clock
        would be a record and a signature every 10 ms for nobody."""

    def add(self, session: int, member: KeyId) -> None:
        """A member is added, who has sent nothing yet."""
        self._desk.add(session, member)

    def chain(
        self, batch: Commands, runs: list[tuple[int, int, int, int]], first: int, time_ns: int, sends: list[Send]
    ) -> None:
        """Take the commands of a batch. runs: row, sequence, session and count of members' commands, by row; others are
        the venue's own. first: the book's number of row 0. Cost: 10 microseconds a run, 31 ns a command.
        """
        desk, at = self._desk, 0
        for row, sequence, session, count in runs:
            if at < row:
                _send(desk.take_own(row - at, first + at, batch[at:row].data, time_ns), sends)
            at = row + count
            _send(desk.take(session, sequence, count, first + row, batch[row:at].data, time_ns), sends)
            self._waits = True
        if at < len(batch):
            _send(desk.take_own(len(batch) - at, first + at, batch[at:].data, time_ns), sends)

    def close(self, time_ns: int, sends: list[Send]) -> None:
        """Send a head where one is due; at the end of each group."""
        if self._waits:
            head = self._desk.close(time_ns)
            if head is not None:
                self._waits = False
                _send(head, sends)

    @property
    def due_ns(self) -> int | None:
        """When the next head is due, for a timer; None where no member waits for one."""
        return self._desk.due_ns if self._waits else None

    def judge(self, signed: CommandsSigned, sender: KeyId, verify: Callable[[Signed], bool]) -> WireFault | None:
        """Say why a member's signature over its commands is not taken, or None. Changes nothing."""
        found = self._desk.judge(signed, PortVerifier(verify))
        if found is None and signed.member == sender:
            return None
        words = "of another's session" if found is None else found.name.lower().replace("_", " ")
        return fault(FaultCode.WRONG_SIGNATURE, f"commands signed: {words}")

    def hear(self, sender: KeyId, raw: bytes | memoryview, time_ns: int, sends: list[Send]) -> None:
        """Take a signature that was judged; one that does not fit the chain is answered with where that stands."""
        signed = _SIGNED.decode(raw)
        if self._desk.hear(signed, time_ns) is not None:
            ask = ProofAsk(ProofWanted.CHAIN, signed.session)
            state = self._desk.answer(ask, signed.session)
            assert state is not None
            sends.append(Send(sender, state))

    def answer(self, ask: ProofAsk, sender: KeyId, session: int) -> Send:
        """Answer a question about heads, receipts or a member's own chain. session: the asker's, 0 for none."""
        found = self._desk.answer(ask, session)
        if found is None:
            return Send(sender, refuse(fault(FaultCode.OUT_OF_RANGE, "nothing is kept of this"), tag_of(ProofAsk)))
        return Send(sender, found, sign=isinstance(found, ChainHead))

    def dump(self) -> bytes:
        """Return the state for a snapshot; the same state gives the same bytes."""
        return self._desk.dump()

    def load(self, data: bytes) -> None:
        """Go on from what `dump` gave. Raises ValueError for other bytes."""
        self._desk.load(data)
        self._waits = any(placed.session != OWN_SESSION for placed in self._desk.chain.dump()[3])

    def check(self, sequences: dict[int, int]) -> list[str]:
        """Return what cannot be. sequences: by session, the last command that was taken."""
        taken = {session: watch.sequence for session, watch in self._desk.watches.items()}
        return self._desk.check() + (
            [] if taken == sequences else [f"commands in the chains are {taken}, in the sessions {sequences}"]
        )


class PortVerifier:
    """`Ports.verify` as a verifier of single signatures: one that covers the bytes of a named payload."""

    def __init__(self, verify: Callable[[Signed], bool]) -> None:
        self._verify = verify

    def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` of `data` was made with the key whose id is `key`."""
        name, _, payload = data.removeprefix(DOMAIN).partition(b"|")
        return self._verify(Signed(name.decode("ascii"), payload, (Signature(key, signature),)))


def _send(head: ChainHead | None, sends: list[Send]) -> None:
    if head is not None:
        sends.append(Send(RECEIPTS_TOPIC, head, sign=True))
