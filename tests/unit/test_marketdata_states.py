"""Which market state is obeyed: the newest of each authority, the strictest of all, until it ends."""

import itertools

import pytest

from openoutcry.domain import Phase
from openoutcry.marketdata.market_states import STRICTEST_FIRST, MarketStates
from openoutcry.wire.checksum import ChecksumSigner, ChecksumVerifier
from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.service import MarketState, PairId, StateReason
from openoutcry.wire.signed import sign
from openoutcry.wire.table import MESSAGES

NETWORK = b"N" * 32
A, B, STRANGER = b"A" * 32, b"B" * 32, b"S" * 32
PAIR, OTHER = PairId(b"1" * 32, b"2" * 32), PairId(b"3" * 32, b"2" * 32)
CODEC = Codec(MESSAGES)


def state(phase: Phase, authority: bytes = A, sequence: int = 1, until_ns: int = 0, pair: PairId = PAIR) -> MarketState:
    """What an authority says."""
    return MarketState(pair, phase, StateReason.NEWS, until_ns, authority, sequence)


def test_the_newest_of_an_authority_counts_whatever_order_they_come_in() -> None:
    """Every order of three states: the third is in force, older ones are stale, the same one is a replay."""
    said = [state(Phase.HALTED, sequence=1), state(Phase.CLOSED, sequence=2), state(Phase.CONTINUOUS, sequence=3)]
    for order in itertools.permutations(said):
        states = MarketStates([A])
        for one in order:
            states.take(one, 0)
        assert states.in_force(PAIR, 0) == said[2]
        replayed, stale = states.take(said[2], 0), states.take(said[0], 0)
        assert replayed is not None and replayed.code is FaultCode.REPLAYED
        assert stale is not None and stale.code is FaultCode.STALE
    assert MarketStates([A]).in_force(PAIR, 0) is None


@pytest.mark.parametrize("phases", list(itertools.permutations(Phase, 2)))
def test_the_strictest_of_two_authorities_is_obeyed(phases: tuple[Phase, Phase]) -> None:
    """Each pair of phases; another pair of instruments is not touched."""
    states = MarketStates([A, B])
    for authority, phase in zip((A, B), phases, strict=True):
        assert states.take(state(phase, authority), 0) is None
    found = states.in_force(PAIR, 0)
    assert found is not None and found.state == min(phases, key=STRICTEST_FIRST.index)
    assert states.in_force(OTHER, 0) is None


def test_a_state_ends_by_itself_and_its_sequence_still_counts() -> None:
    """At `until_ns` it is over; an older one does not come back, and one that is over when it comes is not taken."""
    states = MarketStates([A, B])
    assert states.due_ns(0) is None
    states.take(state(Phase.HALTED, sequence=5, until_ns=100), 0)
    states.take(state(Phase.AUCTION, B, until_ns=50), 0)
    assert [states.due_ns(now) for now in (0, 50, 100)] == [50, 100, None]
    assert [found and found.state for found in (states.in_force(PAIR, 99), states.in_force(PAIR, 100))] == [
        Phase.HALTED, None,
    ]  # fmt: skip
    late, old = states.take(state(Phase.CLOSED, sequence=6, until_ns=100), 100), states.take(state(Phase.CLOSED), 100)
    assert late is not None and late.code is FaultCode.EXPIRED
    assert old is not None and old.code is FaultCode.STALE


def test_only_a_signed_word_of_a_named_authority_is_read() -> None:
    """Its own signature passes; that of another key, or of one that is not named, does not. Nothing is taken."""
    states, verifier = MarketStates([A]), ChecksumVerifier(NETWORK)
    good = sign(state(Phase.HALTED), [ChecksumSigner(NETWORK, A)])
    assert states.read(good, CODEC, verifier, 0) == state(Phase.HALTED)
    for bad, code in (
        (sign(state(Phase.HALTED), [ChecksumSigner(NETWORK, B)]), FaultCode.WRONG_SENDER),
        (sign(state(Phase.HALTED, STRANGER), [ChecksumSigner(NETWORK, STRANGER)]), FaultCode.UNKNOWN_AUTHORITY),
        (sign(state(Phase.HALTED, until_ns=5), [ChecksumSigner(NETWORK, A)]), FaultCode.EXPIRED),
    ):
        found = states.read(bad, CODEC, verifier, 5)
        assert isinstance(found, WireFault) and found.code is code
    assert states.in_force(PAIR, 0) is None
    unknown = states.take(state(Phase.HALTED, STRANGER), 0)
    assert unknown is not None and unknown.code is FaultCode.UNKNOWN_AUTHORITY


def test_what_is_remembered_comes_back_in_one_order() -> None:
    """Taken in two orders, the lists are equal, and loaded they obey the same."""
    said = [state(Phase.HALTED, B), state(Phase.CLOSED, A, pair=OTHER), state(Phase.AUCTION, A, until_ns=9)]
    lists = []
    for order in (said, said[::-1]):
        states = MarketStates([A, B])
        for one in order:
            states.take(one, 0)
        lists.append(states.states())
    assert lists[0] == lists[1]
    loaded = MarketStates([A, B])
    loaded.load(lists[0])
    assert [loaded.in_force(pair, 0) for pair in (PAIR, OTHER)] == [said[0], said[1]]
