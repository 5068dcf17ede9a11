"""What an operator says of itself, and what an authority says of a pair: signed, expiring, the newest counts."""

from collections.abc import Collection
from enum import IntEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from openoutcry.domain import Phase
from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.fields import (
    Address,
    InstrumentId,
    KeyId,
    Name,
    RatePpm,
    SequenceNumber,
    TimeNs,
    Units,
)
from openoutcry.wire.limits import (
    ADDRESSES_MAX,
    MARKET_STATE_BYTES_MAX,
    PURPOSE_KEYS_MAX,
    RATES_MAX,
    ROLES_MAX,
    SERVICE_BYTES_MAX,
    SERVICE_LIFETIME_NS_MAX,
)
from openoutcry.wire.messages import Capabilities
from openoutcry.wire.signed import Signed, Verifier, open_signed, verify
from openoutcry.wire.tags import Message, Tag


class KeyPurpose(IntEnum):
    """What a key beside the identity is for."""

    CURVE = 1
    """X25519 key of the node's links (CurveZMQ)."""
    SEALED_BOX = 2
    """X25519 key to which messages for the node alone are sealed."""


class PurposeKey(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A key that the identity certifies by signing the record."""

    purpose: KeyPurpose
    key: KeyId


class Rate(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """What one role of the node charges, in parts per million of a trade's value and in units of its quote instrument.

    maker_ppm, taker_ppm: by the side that rested or came; negative: the operator pays. minimum_units: at least so much
    a trade. flat_units: so much a trade besides.
    """

    role: Name
    maker_ppm: RatePpm
    taker_ppm: RatePpm
    minimum_units: Units
    flat_units: Units


class PairId(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A pair between nodes: its two instruments, each by the hash of its certificate."""

    base: InstrumentId
    quote: InstrumentId


class ServiceRecord(Message, frozen=True, tag=int(Tag.SERVICE_RECORD)):
    """Who a node is, what it does, where, for how much, until when; travels as the payload of a SIGNED of its own key.

    sequence: grows with each record of this node; the largest one counts.
    """

    BYTES_MAX: ClassVar[int] = SERVICE_BYTES_MAX
    node: KeyId
    sequence: SequenceNumber
    expiry_ns: TimeNs
    roles: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=ROLES_MAX)]
    addresses: Annotated[tuple[Address, ...], Meta(max_length=ADDRESSES_MAX)]
    keys: Annotated[tuple[PurposeKey, ...], Meta(max_length=PURPOSE_KEYS_MAX)]
    capabilities: Capabilities
    rates: Annotated[tuple[Rate, ...], Meta(max_length=RATES_MAX)] = ()


class StateReason(IntEnum):
    """Why the state of a pair changed."""

    SCHEDULE = 1
    """The calendar says so."""
    BAND = 2
    """The price left its band: a circuit breaker."""
    NEWS = 3
    """News about an instrument is to be spread first."""
    REGULATION = 4
    """An authority's order."""
    OPERATION = 5
    """Something does not work."""


class MarketState(Message, frozen=True, tag=int(Tag.MARKET_STATE)):
    """In which phase a pair is to be, and why; travels as the payload of a SIGNED of the authority.

    until_ns: when that ends by itself; 0: with the next state. sequence: grows with each state of this authority for
    this pair; the largest one counts.
    """

    BYTES_MAX: ClassVar[int] = MARKET_STATE_BYTES_MAX
    pair: PairId
    state: Phase
    reason: StateReason
    until_ns: TimeNs
    authority: KeyId
    sequence: SequenceNumber


def read_service(signed: Signed, codec: Codec, verifier: Verifier, now_ns: int) -> ServiceRecord | WireFault:
    """Return a service record that its own node has signed and that holds now, or why it is none."""
    record = open_signed(signed, codec)
    if isinstance(record, WireFault):
        return record
    if not isinstance(record, ServiceRecord):
        return fault(FaultCode.WRONG_TYPE, f"a {signed.name} in place of a service_record")
    if record.expiry_ns <= now_ns:
        return fault(FaultCode.EXPIRED)
    if record.expiry_ns > now_ns + SERVICE_LIFETIME_NS_MAX:
        return fault(FaultCode.TOO_FAR_AHEAD, f"at most {SERVICE_LIFETIME_NS_MAX} ns")
    repeated = _repeated(record)
    if repeated:
        return fault(FaultCode.INVALID_FIELD, repeated)
    if all(signature.key != record.node for signature in signed.signatures):
        return fault(FaultCode.WRONG_SENDER, f"node {record.node.hex()[:16]} has not signed")
    return verify(signed, verifier, (record.node,)) or record


def read_market_state(
    signed: Signed, codec: Codec, verifier: Verifier, authorities: Collection[bytes]
) -> MarketState | WireFault:
    """Return a market state that the authority which it names has signed, or why it is none.

    authorities: key ids that the node's configuration names.
    """
    state = open_signed(signed, codec)
    if isinstance(state, WireFault):
        return state
    if not isinstance(state, MarketState):
        return fault(FaultCode.WRONG_TYPE, f"a {signed.name} in place of a market_state")
    if state.authority not in authorities:
        return fault(FaultCode.UNKNOWN_AUTHORITY, f"authority {state.authority.hex()[:16]}")
    if all(signature.key != state.authority for signature in signed.signatures):
        return fault(FaultCode.WRONG_SENDER, f"authority {state.authority.hex()[:16]} has not signed")
    return verify(signed, verifier, (state.authority,)) or state


def _repeated(record: ServiceRecord) -> str:
    """Name what stands twice in a record that may have it only once, or ""."""
    for name, values in (
        ("roles", record.roles),
        ("keys", tuple(key.purpose for key in record.keys)),
        ("rates", tuple(rate.role for rate in record.rates)),
    ):
        if len(set(values)) < len(values):
            return f"{name} has something twice"
    return "a rate for a role that it has not" if {rate.role for rate in record.rates} - set(record.roles) else ""
