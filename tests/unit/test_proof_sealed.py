"""Sealed commands: what is refused, what is forfeit, and what a snapshot carries."""

import pytest

from openoutcry.book import commands
from openoutcry.domain import Side
from openoutcry.venue.proof.hashes import sealed_hash
from openoutcry.venue.proof.limits import SEALED_NS, SEALED_WAITING_MAX
from openoutcry.venue.proof.messages import Sealed, Unsealed
from openoutcry.venue.proof.sealed import Forfeit, Opened, SealedQueue, SealFault

MEMBER, SALT = b"m" * 32, b"s" * 16
ORDER = commands.place(7, 0, 1, Side.BUY, 5, 100).tobytes()
NOW_NS = 10**18


def seal(queue: SealedQueue, sequence: int, command: bytes = ORDER, pair: int = 7) -> SealFault | None:
    """Seal a command now."""
    return queue.seal(Sealed(3, sequence, pair, sealed_hash(SALT, MEMBER, sequence, command)), MEMBER, NOW_NS)


def unseal(queue: SealedQueue, sequence: int, after_ns: int, command: bytes = ORDER, salt: bytes = SALT) -> object:
    """Open a command so long after it was sealed."""
    return queue.unseal(Unsealed(3, sequence, salt, command), NOW_NS + after_ns)


def test_the_first_unopened_command_holds_all_others_back() -> None:
    """Three hashes; the last two are opened first, and come out after the first one, in order."""
    queue = SealedQueue(7)
    assert [seal(queue, number) for number in (1, 2, 3)] == [None] * 3
    assert unseal(queue, 3, 5) is None and unseal(queue, 2, 6) is None
    assert queue.take(NOW_NS + 7) == [] and queue.due_ns == NOW_NS + SEALED_NS + 1
    assert unseal(queue, 1, 8) is None
    assert queue.take(NOW_NS + 8) == [Opened(3, number, ORDER) for number in (1, 2, 3)]
    assert len(queue) == 0 and queue.forfeits == {}


def test_a_command_may_be_opened_until_its_last_moment_and_is_forfeit_after_it() -> None:
    """At 100 ms exactly it is taken; a nanosecond later it is not, and counts against its member."""
    queue = SealedQueue(7)
    seal(queue, 1)
    seal(queue, 2)
    assert unseal(queue, 1, SEALED_NS) is None
    assert queue.take(NOW_NS + SEALED_NS) == [Opened(3, 1, ORDER)]
    assert unseal(queue, 2, SEALED_NS + 1) is SealFault.UNKNOWN
    assert queue.take(NOW_NS + SEALED_NS) == []
    assert queue.take(NOW_NS + SEALED_NS + 1) == [Forfeit(3, 2)]
    assert queue.forfeits == {3: 1} and unseal(queue, 2, 5) is SealFault.UNKNOWN


def test_only_the_content_that_was_sealed_opens_a_command() -> None:
    """Another price, another salt, another member's hash; then the right one; then once more."""
    queue = SealedQueue(7)
    seal(queue, 1)
    other = commands.place(7, 0, 1, Side.BUY, 5, 101).tobytes()
    assert unseal(queue, 1, 1, other) is SealFault.WRONG_HASH
    assert unseal(queue, 1, 1, salt=b"x" * 16) is SealFault.WRONG_HASH
    assert unseal(queue, 2, 1) is SealFault.UNKNOWN
    assert unseal(queue, 1, 1) is None and unseal(queue, 1, 1) is SealFault.TWICE
    copied = SealedQueue(7)
    hash_ = sealed_hash(SALT, MEMBER, 1, ORDER)
    assert copied.seal(Sealed(4, 1, 7, hash_), b"n" * 32, NOW_NS) is None  # another member repeats what it has seen
    assert copied.unseal(Unsealed(4, 1, SALT, ORDER), NOW_NS) is SealFault.WRONG_HASH


@pytest.mark.parametrize(
    "content", [commands.place(8, 0, 1, Side.BUY, 5, 100), commands.cancel(7, 0, 1), commands.clock(1)]
)
def test_what_is_no_order_of_the_pair_is_forfeit(content: object) -> None:
    """An order of another pair, a cancellation, an operator's command: opened in time, and counted all the same."""
    queue = SealedQueue(7)
    command = bytes(memoryview(content))  # type: ignore[arg-type]
    seal(queue, 1, command)
    assert unseal(queue, 1, 1, command) is None
    assert queue.take(NOW_NS + 1) == [Forfeit(3, 1)] and queue.forfeits == {3: 1}


def test_hashes_that_have_no_place_are_refused() -> None:
    """For another pair, a number that does not rise, no room; a refusal changes nothing."""
    queue = SealedQueue(7)
    assert seal(queue, 1, pair=8) is SealFault.OTHER_PAIR
    for number in range(1, SEALED_WAITING_MAX + 1):
        assert seal(queue, number) is None
    assert seal(queue, SEALED_WAITING_MAX + 1) is SealFault.FULL
    assert len(queue.take(NOW_NS + SEALED_NS + 1)) == SEALED_WAITING_MAX
    assert seal(queue, SEALED_WAITING_MAX) is SealFault.OUT_OF_ORDER
    assert seal(queue, SEALED_WAITING_MAX + 1) is None


def test_a_hash_tells_nothing_of_its_content() -> None:
    """Every price and quantity that an order could have is tried without the salt; none gives the hash."""
    hash_ = sealed_hash(b"unknown to others"[:16], MEMBER, 1, ORDER)
    guesses = [
        commands.place(7, 0, 1, side, lots, ticks).tobytes()
        for side in Side
        for lots in range(1, 10)
        for ticks in range(95, 106)
    ]
    assert ORDER in guesses
    assert all(sealed_hash(salt, MEMBER, 1, guess) != hash_ for guess in guesses for salt in (bytes(16), SALT))


def test_a_queue_that_was_restored_goes_on_as_if_nothing_had_been() -> None:
    """A snapshot between opening and taking: the same answers, the same forfeits, the same bytes."""
    queue = SealedQueue(7)
    for number in (1, 2, 3):
        seal(queue, number)
    unseal(queue, 2, 1)
    queue.take(NOW_NS + SEALED_NS + 1)
    seal(queue, 4)
    restored = SealedQueue(7)
    restored.load(queue.dump())
    assert restored.dump() == queue.dump() and restored.forfeits == {3: 2}
    assert unseal(restored, 4, 1) is None and restored.take(NOW_NS) == [Opened(3, 4, ORDER)]
    assert seal(restored, 4) is SealFault.OUT_OF_ORDER
