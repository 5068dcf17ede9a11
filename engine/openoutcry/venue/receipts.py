"""The receipts of a venue: every command that its books carry out goes into its chain, and members sign theirs.

What is hashed and why is the business of `venue.proof`; here it is called at the right places.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from openoutcry.domain.records import COMMAND, Commands
from openoutcry.role import Send
from openoutcry.venue.proof.desk import RECEIPTS_TOPIC, ProofDesk
from openoutcry.venue.proof.limits import HEAD_NS
from openoutcry.venue.proof.messages import ChainHead, CommandsSigned, ProofAsk, ProofWanted
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.fields import KeyId
from openoutcry.wire.signed import DOMAIN, Signature, Signed
from openoutcry.wire.tags import tag_of
from openoutcry.wire.versions import refuse

ROW: Final = COMMAND.itemsize

WAITING_ROWS_MAX: Final = 256
"""Commands that wait to be chained until a head is due: 16 KiB, and 1 ms of work when they are single ones."""

Run = tuple[int, int, int, int]
"""Row, the member's sequence, session, count."""

_STATE: Final = msgspec.msgpack.Decoder(tuple[bool, int, bytes])
_SIGNED: Final = msgspec.msgpack.Decoder(CommandsSigned)


class Receipts:
    """State of a role: changed in `apply` only, deterministic, saved and loaded."""

    def __init__(self, own: KeyId, secret_of: Callable[[str], bytes]) -> None:
        """own: key of the venue. secret_of: `Ports.secret`."""
        self._desk = ProofDesk(own, secret_of)
        self._members_wait = False
        """Whether a run of a member waits for a head. The venue's own runs wait for one: to sign each tick of the clock
        would be a record and a signature every 10 ms for nobody."""
        self._waiting: list[tuple[memoryview, list[Run], int, int]] = []
        self._rows = 0
        self._heads: list[ChainHead] = []
        """Heads that were closed for room while what waits was chained, and are not sent yet."""
        self._closed_ns = 0

    def add(self, session: int, member: KeyId) -> None:
        """A member is added, who has sent nothing yet."""
        self._desk.add(session, member)

    def chain(self, batch: Commands, runs: list[Run], first: int, time_ns: int) -> None:
        """Take the commands of a batch. runs: row, sequence, session and count of members' commands, by row; others are
        the venue's own. first: the book's number of row 0.

        A small batch waits for the end of its head, so that a single order is not answered later for it. Cost: 10
        microseconds a run, 31 ns a command.
        """
        self._members_wait |= bool(runs)
        self._rows += len(batch)
        if self._rows <= WAITING_ROWS_MAX:
            self._waiting.append((memoryview(batch.tobytes()), runs, first, time_ns))
        else:
            self._settle()
            self._take(batch.view(np.uint8).data, runs, first, time_ns)

    def _settle(self) -> None:
        """Chain what waits: whoever reads or closes does so first. When it is done makes no difference to the state."""
        for records, runs, first, time_ns in self._waiting:
            self._take(records, runs, first, time_ns)
        self._waiting.clear()
        self._rows = 0

    def _take(self, records: memoryview, runs: list[Run], first: int, time_ns: int) -> None:
        desk, at, rows = self._desk, 0, len(records) // ROW
        for row, sequence, session, count in runs:
            if at < row:
                self._note(desk.take_own(row - at, first + at, records[at * ROW : row * ROW], time_ns))
            at = row + count
            self._note(desk.take(session, sequence, count, first + row, records[row * ROW : at * ROW], time_ns))
        if at < rows:
            self._note(desk.take_own(rows - at, first + at, records[at * ROW :], time_ns))

    def _note(self, head: ChainHead | None) -> None:
        if head is not None:
            self._heads.append(head)

    def close(self, time_ns: int, sends: list[Send]) -> None:
        """Send a head where one is due; at the end of each group."""
        due_ns = self.due_ns
        if due_ns is not None and time_ns >= due_ns:
            self._settle()
            self._note(self._desk.close(time_ns, now=True))
            self._members_wait, self._closed_ns = False, time_ns
        if self._heads:
            sends += [Send(RECEIPTS_TOPIC, head, sign=True) for head in self._heads]
            self._heads.clear()

    @property
    def due_ns(self) -> int | None:
        """When the next head is due, for a timer; None where no member waits for one."""
        return self._closed_ns + HEAD_NS if self._members_wait else None

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
        self._settle()
        if self._desk.hear(signed, time_ns) is not None:
            ask = ProofAsk(ProofWanted.CHAIN, signed.session)
            state = self._desk.answer(ask, signed.session)
            assert state is not None
            sends.append(Send(sender, state))

    def answer(self, ask: ProofAsk, sender: KeyId, session: int) -> Send:
        """Answer a question about heads, receipts or a member's own chain. session: the asker's, 0 for none."""
        self._settle()
        found = self._desk.answer(ask, session)
        if found is None:
            return Send(sender, refuse(fault(FaultCode.OUT_OF_RANGE, "nothing is kept of this"), tag_of(ProofAsk)))
        return Send(sender, found, sign=isinstance(found, ChainHead))

    def dump(self) -> bytes:
        """Return the state for a snapshot; the same state gives the same bytes."""
        self._settle()
        return msgspec.msgpack.encode((self._members_wait, self._closed_ns, self._desk.dump()))

    def load(self, data: bytes) -> None:
        """Go on from what `dump` gave. Raises ValueError for other bytes."""
        self._members_wait, self._closed_ns, desk = _STATE.decode(data)
        self._desk.load(desk)

    def check(self, sequences: dict[int, int]) -> list[str]:
        """Return what cannot be. sequences: by session, the last command that was taken."""
        taken = {session: watch.sequence for session, watch in self._desk.watches.items()}
        for _, runs, _, _ in self._waiting:
            taken |= {session: sequence + count - 1 for _, sequence, session, count in runs}
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
