"""Operator commands: signed, sent until they are answered, and each of them done at most once.

The venue answers an envelope with OPERATOR_DONE for its message. An envelope that it sees twice it refuses as REPLAYED
or STALE: then the first one was taken, and only its answer is lost.
"""

import os
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from openoutcry.client.errors import ClientError, Closed, OperatorRefused, OutcomeUnknown
from openoutcry.domain import RejectCode
from openoutcry.venue.messages import OperatorDone, OperatorFault
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import FaultCode, name_of
from openoutcry.wire.fields import HASH_BYTES
from openoutcry.wire.messages import Refuse
from openoutcry.wire.requests import enclose
from openoutcry.wire.signed import Signer
from openoutcry.wire.tags import Message, Tag, tag_of

LIFETIME_NS: Final = 60 * 10**9
"""How long an operator's command counts after it was signed."""

RETRY_NS: Final = 2 * 10**9
"""An answer that takes longer is asked for again."""

WAITING_MAX: Final = 1_024
"""Operator commands that wait for their answers."""

Answer: TypeAlias = Callable[[OperatorDone | None, Exception | None], object]


class _Asked:
    __slots__ = ("about", "answer", "expiry_ns", "frame", "name", "sent_ns")

    def __init__(self, message: Message, answer: Answer) -> None:
        self.about = tag_of(type(message))
        self.name = type(message).__name__
        self.answer = answer
        self.frame = b""
        self.expiry_ns = 0
        self.sent_ns = 0


class Operator:
    """Sends one command at a time, so that an answer is its. Times: `now_ns` never runs back, `utc_ns` is UTC."""

    def __init__(self, signer: Signer, venue: bytes) -> None:
        """signer: of the operator's key. venue: the node that is told."""
        self.out: list[bytes] = []
        self._signer = signer
        self._venue = venue
        self._sequence = 0
        self._waiting: deque[tuple[Message, _Asked]] = deque()
        self._sent: _Asked | None = None

    def ask(self, message: Message, answer: Answer) -> None:
        """Send a command when those before it are answered. Raises ClientError where too many wait."""
        if len(self._waiting) >= WAITING_MAX:
            raise ClientError(f"{WAITING_MAX} operator commands wait for answers: wait for them first")
        self._waiting.append((message, _Asked(message, answer)))

    def tick(self, now_ns: int, utc_ns: int) -> None:
        """Send the next one, or again the one that has no answer."""
        sent = self._sent
        if sent is not None and now_ns >= sent.sent_ns + RETRY_NS:
            if utc_ns >= sent.expiry_ns:
                self._end(None, OutcomeUnknown(f"{sent.name} was sent and never answered: look whether it was done"))
            else:
                sent.sent_ns = now_ns
                self.out.append(sent.frame)
        if self._sent is None and self._waiting:
            message, asked = self._waiting.popleft()
            self._sequence = max(self._sequence + 1, utc_ns)
            asked.expiry_ns, asked.sent_ns = utc_ns + LIFETIME_NS, now_ns
            secret = os.urandom(HASH_BYTES)
            asked.frame = encode(
                enclose([encode(message)], self._signer, self._venue, self._sequence, asked.expiry_ns, secret)
            )
            self._sent = asked
            self.out.append(asked.frame)

    def due_ns(self) -> int | None:
        """Return when `tick` has something to do."""
        if self._sent is not None:
            return self._sent.sent_ns + RETRY_NS
        return 0 if self._waiting else None

    def link_up(self) -> None:
        """Send again what a link may have swallowed."""
        if self._sent is not None:
            self._sent.sent_ns = 0

    def done(self, message: OperatorDone) -> None:
        """Take the venue's answer."""
        if self._sent is None or message.about != self._sent.about:
            return
        if message.code == 0:
            self._end(message, None)
            return
        name = _name(message.code)
        detail = f": {message.detail}" if message.detail else ""
        self._end(None, OperatorRefused(f"the venue refuses {self._sent.name}: {name}{detail}", message.code))

    def refused(self, message: Refuse) -> bool:
        """Take a REFUSE; False for one that is not about an operator's command."""
        if self._sent is None or message.about not in (Tag.ENVELOPE, self._sent.about):
            return False
        if message.reason in (FaultCode.REPLAYED, FaultCode.STALE):
            text = f"{self._sent.name} was taken, but its answer was lost: look whether it was done"
            self._end(None, OutcomeUnknown(text))
        elif message.reason != FaultCode.NOT_DURABLE:  # that one is sent again
            detail = f": {message.detail}" if message.detail else ""
            text = f"the venue refuses {self._sent.name}: {name_of(message.reason)}{detail}"
            self._end(None, OperatorRefused(text, message.reason))
        return True

    def close(self) -> None:
        """Give up what is not answered."""
        if self._sent is not None:
            self._end(None, OutcomeUnknown(f"closed before {self._sent.name} was answered: look whether it was done"))
        while self._waiting:
            self._waiting.popleft()[1].answer(None, Closed("closed before it was sent"))

    def _end(self, done: OperatorDone | None, error: Exception | None) -> None:
        sent, self._sent = self._sent, None
        assert sent is not None
        sent.answer(done, error)


def _name(code: int) -> str:
    for codes in (RejectCode, OperatorFault):
        if code in codes._value2member_map_:
            return codes(code).name
    return str(code)
