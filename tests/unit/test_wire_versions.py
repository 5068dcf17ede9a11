"""Greeting: which version two nodes speak and what both can do."""

import msgspec
import pytest

from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.messages import Hello, Refuse, Welcome
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.versions import Agreed, Capability, Offer, accept, answer, hello, refuse

HERE = Offer(b"h" * 32, (Capability.STREAM_RESEND, Capability.RECORD_FRAMES, 10_001), 4_096, 8_192, "here 1")
THERE = Offer(b"t" * 32, (Capability.RECORD_FRAMES, 500, 10_001), 2_048, 16_384, "there 1")


def speaking(low: int, high: int) -> Offer:
    """Return an offer of some versions."""
    return Offer(b"v" * 32, version_min=low, version_max=high)


def test_both_sides_agree_on_the_same_version_and_capabilities() -> None:
    """HELLO and WELCOME go over the wire; each side ends with what the other takes and what both can do."""
    greeting = Codec(MESSAGES).decode(encode(hello(HERE)))
    assert isinstance(greeting, Hello)
    answered = answer(greeting, THERE)
    assert not isinstance(answered, Refuse)
    welcome = Codec(MESSAGES).decode(encode(answered[0]))
    assert isinstance(welcome, Welcome)
    assert accept(welcome, HERE) == Agreed(THERE.key, 1, (1, 10_001), 2_048, 16_384)
    assert answered[1] == Agreed(HERE.key, 1, (1, 10_001), 4_096, 8_192)


@pytest.mark.parametrize(
    ("theirs", "ours", "version"),
    [((1, 1), (1, 1), 1), ((1, 5), (2, 3), 3), ((2, 3), (1, 5), 3), ((3, 9), (1, 3), 3), ((1, 3), (3, 9), 3)],
)
def test_the_newest_common_version_is_spoken(theirs: tuple[int, int], ours: tuple[int, int], version: int) -> None:
    """Ranges that overlap in one version or more."""
    answered = answer(hello(speaking(*theirs)), speaking(*ours))
    assert not isinstance(answered, Refuse)
    assert answered[0].version == version


@pytest.mark.parametrize(("theirs", "ours"), [((2, 3), (1, 1)), ((1, 1), (2, 3))])
def test_an_unknown_version_is_refused_by_name(theirs: tuple[int, int], ours: tuple[int, int]) -> None:
    """Ranges that do not meet, on either side: the refusal names both and travels."""
    refused = answer(hello(speaking(*theirs)), speaking(*ours))
    assert isinstance(refused, Refuse)
    assert (refused.reason, refused.version_min, refused.version_max) == (FaultCode.UNKNOWN_VERSION, *ours)
    assert f"{theirs[0]} to {theirs[1]} were offered, {ours[0]} to {ours[1]} are spoken here" in refused.detail
    assert Codec(MESSAGES).decode(encode(refused)) == refused


def test_a_range_that_is_none_is_refused() -> None:
    """A HELLO from 3 to 2."""
    refused = answer(msgspec.structs.replace(hello(HERE), version_min=3, version_max=2), HERE)
    assert isinstance(refused, Refuse)
    assert refused.reason == FaultCode.OUT_OF_RANGE


@pytest.mark.parametrize(("version", "capabilities"), [(2, ()), (1, (Capability.ENVELOPES,)), (1, (0,))])
def test_a_welcome_for_what_was_not_offered_is_a_fault(version: int, capabilities: tuple[int, ...]) -> None:
    """A version above ours, a capability that we lack, a number that is none."""
    found = accept(Welcome(b"x" * 32, version, capabilities, 1_024, 1_024), HERE)
    assert isinstance(found, WireFault)
    assert found.code is FaultCode.WRONG_ANSWER


def test_a_fault_is_told_to_its_sender() -> None:
    """The code, the tag that it is about and the words, within the bounds of a REFUSE."""
    found = Codec(MESSAGES).decode(b"\x91\x09")
    assert isinstance(found, WireFault)
    assert refuse(found, 9) == Refuse(FaultCode.INVALID_FIELD, 9, found.detail)
