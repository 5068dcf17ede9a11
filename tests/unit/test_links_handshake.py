"""What two nodes say to each other first, both ends, without a socket; and what keeps links from being opened."""

from typing import Any

import pytest
import zmq

from openoutcry.node.sessions.handshake import GREETINGS, RECORD_LIFETIME_NS, Agreement, Introduction, check_record
from openoutcry.node.zmq_io import LinkError
from openoutcry.node.zmq_io.options import check_library
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.messages import Refuse
from openoutcry.wire.service import ServiceRecord
from openoutcry.wire.signed import cosign, sign
from openoutcry.wire.versions import Agreed, Offer
from tests.links.nodes import identity, key
from tests.links.strangers import introduction

NOW = 10**18
A, B = identity("a"), identity("b")


def test_a_greeting_is_answered_and_both_ends_agree() -> None:
    """HELLO and record of one, WELCOME and record of the other, through both ends."""
    hello, record = introduction(A).greeting(NOW)
    answer = introduction(B).answer(hello)
    assert isinstance(answer, Agreement) and answer.agreed.peer == key("a")
    assert isinstance(check_record(record, key("a"), A.curve_public, NOW), ServiceRecord)
    agreed = introduction(A).accept(answer.welcome)
    assert isinstance(agreed, Agreed) and agreed.peer == key("b")


@pytest.mark.parametrize(
    ("who", "curve", "at", "code"),
    [
        pytest.param("b", A.curve_public, NOW, FaultCode.WRONG_SENDER, id="named another"),
        pytest.param("a", B.curve_public, NOW, FaultCode.WRONG_SENDER, id="another CURVE key"),
        pytest.param("a", A.curve_public, NOW + RECORD_LIFETIME_NS, FaultCode.EXPIRED, id="expired"),
        pytest.param("a", A.curve_public, 1, FaultCode.TOO_FAR_AHEAD, id="of a far future"),
    ],
)
def test_a_record_that_does_not_show_whose_link_it_is(who: str, curve: bytes, at: int, code: FaultCode) -> None:
    """The good record of one node, held against another name, key and time."""
    found = check_record(introduction(A).record(NOW), key(who), curve, at)
    assert isinstance(found, WireFault) and found.code == code


def test_a_record_with_a_changed_bit_anywhere_is_none() -> None:
    """Every byte of the frame, one bit each."""
    good = introduction(A).record(NOW)
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        assert isinstance(check_record(bytes(bad), key("a"), A.curve_public, NOW), WireFault), at


def test_a_record_takes_one_signature_and_no_more() -> None:
    """Sixteen would cost a stranger nothing and the node sixteen times as much."""
    signed = GREETINGS.decode(introduction(A).record(NOW))
    both = cosign(signed, B.signer)  # type: ignore[arg-type]
    found = check_record(encode(both), key("a"), A.curve_public, NOW)
    assert isinstance(found, WireFault) and found.code == FaultCode.WRONG_SENDER


def test_other_messages_are_no_greeting_and_no_record() -> None:
    """Records in place of HELLO and WELCOME, a HELLO in place of a record, another signed message, junk."""
    hello, record = introduction(A).greeting(NOW)
    answer = introduction(B).answer(record)
    assert isinstance(answer, Refuse) and answer.reason == FaultCode.NOT_ADMITTED
    accepted = introduction(B).accept(record)
    assert isinstance(accepted, WireFault) and accepted.code == FaultCode.WRONG_ANSWER
    other = encode(sign(Refuse(1, 1, ""), [A.signer]))
    for frame in (hello, other, b"", b"\x93", bytes(100_000)):
        assert isinstance(check_record(frame, key("a"), A.curve_public, NOW), WireFault)


def test_versions_that_do_not_meet_are_refused_with_both() -> None:
    """One speaks only version 9."""
    offer = Offer(key("a"), version_min=9, version_max=9)
    hello, _ = Introduction(A.signer, A.curve_public, ("echo",), (), offer).greeting(NOW)
    answer = introduction(B).answer(hello)
    assert isinstance(answer, Refuse) and answer.reason == FaultCode.UNKNOWN_VERSION


def test_a_record_is_signed_once_in_half_a_lifetime_and_anew_when_the_clock_is_set_back() -> None:
    """The same bytes until then, others after; never one that expires in less than half a lifetime."""
    own, half = introduction(A), RECORD_LIFETIME_NS // 2
    first = own.record(NOW)
    assert own.record(NOW + half - 1) == first and own.record(NOW + half) != first
    back = own.record(NOW - 3 * RECORD_LIFETIME_NS)
    assert isinstance(check_record(back, key("a"), A.curve_public, NOW - 3 * RECORD_LIFETIME_NS), ServiceRecord)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("zmq_version_info", lambda: (4, 3, 4), "too old, at least 4.3.5", id="old"),
        pytest.param("has", lambda what: what != "curve", "no CURVE", id="without CURVE"),
    ],
)
def test_a_libzmq_that_will_not_do_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any, words: str
) -> None:
    """The library says that it is older, or has no CURVE."""
    check_library()
    monkeypatch.setattr(zmq, name, value)
    with pytest.raises(LinkError, match=words):
        check_library()


def test_an_identity_does_not_show_its_secret() -> None:
    """Its text, as it would stand in a log or a traceback."""
    assert A.curve_secret.hex() not in repr(A) and repr(A.curve_secret) not in repr(A)
