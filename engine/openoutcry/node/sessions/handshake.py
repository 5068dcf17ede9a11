"""What two nodes say to each other before anything else, as frames; both ends, without a socket.

The opener sends HELLO and then its service record, signed; the other answers WELCOME and its own record, or REFUSE.
The transport has shown which CURVE key is at the other end, the record shows which node has certified that key. Only
both together say whose link it is.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.ed25519 import Ed25519Verifier
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.limits import HANDSHAKE_BYTES_MAX, RECORD_SIGNED_BYTES_MAX
from openoutcry.wire.messages import Hello, Refuse, Welcome
from openoutcry.wire.service import KeyPurpose, PurposeKey, ServiceRecord, read_service
from openoutcry.wire.signed import Signed, Signer, sign
from openoutcry.wire.tags import TagTable
from openoutcry.wire.versions import Agreed, Offer, accept, answer, hello

RECORD_LIFETIME_NS: Final = 86_400 * 10**9
"""How long a service record that a node shows on its links holds, in ns: a day. It is made anew after half of that."""

GREETINGS: Final = Codec(TagTable([Hello, Welcome, Refuse, Signed, ServiceRecord]))
"""All that is decoded of a peer before it is admitted."""


class Agreement(NamedTuple):
    """What an opener's HELLO leads to: the answer, and what then holds."""

    welcome: bytes
    agreed: Agreed


class Introduction:
    """What a node says of itself on its links: HELLO or WELCOME, and its signed record, renewed in time."""

    def __init__(
        self, signer: Signer, curve_public: bytes, roles: Sequence[str], addresses: Sequence[str], offer: Offer
    ) -> None:
        """offer.key must be the signer's. Nothing is signed yet."""
        assert offer.key == signer.key
        self.offer = offer
        self._signer = signer
        self._curve_public = curve_public
        self._roles = tuple(roles)
        self._addresses = tuple(addresses)
        self._record = b""
        self._renew_ns = 0

    def record(self, now_ns: int) -> bytes:
        """Return the frame of the signed record. now_ns: UTC; also the record's sequence, so that it grows.

        Cost: 30 microseconds once in half a lifetime, or when the clock was set back by as much; else none.
        """
        if not self._renew_ns - RECORD_LIFETIME_NS // 2 <= now_ns < self._renew_ns:
            self._renew_ns = now_ns + RECORD_LIFETIME_NS // 2
            record = ServiceRecord(
                self.offer.key,
                now_ns,
                now_ns + RECORD_LIFETIME_NS,
                self._roles,
                self._addresses,
                (PurposeKey(KeyPurpose.CURVE, self._curve_public),),
                self.offer.capabilities,
            )
            self._record = encode(sign(record, [self._signer]))
        return self._record

    def greeting(self, now_ns: int) -> tuple[bytes, bytes]:
        """Return what an opener sends first, in this order."""
        return encode(hello(self.offer)), self.record(now_ns)

    def answer(self, frame: bytes) -> Agreement | Refuse:
        """Answer the HELLO of an opener, or say why not."""
        found = GREETINGS.decode(frame, HANDSHAKE_BYTES_MAX)
        if isinstance(found, WireFault):
            return Refuse(found.code, 0, found.detail)
        if not isinstance(found, Hello):
            return Refuse(FaultCode.NOT_ADMITTED, 0, "a link begins with HELLO")
        answered = answer(found, self.offer)
        if isinstance(answered, Refuse):
            return answered
        return Agreement(encode(answered[0]), answered[1])

    def accept(self, frame: bytes) -> Agreed | Refuse | WireFault:
        """Take the answer to our HELLO."""
        found = GREETINGS.decode(frame, HANDSHAKE_BYTES_MAX)
        if isinstance(found, Welcome):
            return accept(found, self.offer)
        if isinstance(found, Refuse | WireFault):
            return found
        return fault(FaultCode.WRONG_ANSWER, "neither WELCOME nor REFUSE")


def check_record(frame: bytes, key: bytes, curve_key: bytes, now_ns: int) -> ServiceRecord | WireFault:
    """Return the record of the node at the other end of a link, or say why it is not.

    key: whom its HELLO or WELCOME names. curve_key: whose the transport has shown it to be.
    Cost: 70 microseconds, nearly all of it one signature; nothing is verified that fails for another reason.
    """
    signed = GREETINGS.decode(frame, RECORD_SIGNED_BYTES_MAX)
    if isinstance(signed, WireFault):
        return signed
    if not isinstance(signed, Signed):
        return fault(FaultCode.NOT_ADMITTED, "a service record follows HELLO and WELCOME")
    if len(signed.signatures) != 1 or signed.signatures[0].key != key:
        return fault(FaultCode.WRONG_SENDER, "the record is not signed by the key that was named, and by it alone")
    record = read_service(signed, GREETINGS, Ed25519Verifier(), now_ns)
    if isinstance(record, WireFault):
        return record
    if all(held.purpose is not KeyPurpose.CURVE or held.key != curve_key for held in record.keys):
        return fault(FaultCode.WRONG_SENDER, "the record certifies another CURVE key than the link's")
    return record
