"""How much a peer may send, and doors that close: integers in, verdicts out."""

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.node.sessions.doors import DOORS_MAX, FORGET_FACTOR, Doors
from openoutcry.node.sessions.gate import Entry, Gate
from openoutcry.node.sessions.meter import SECOND_NS, Allowance, Meter, Verdict

MS = 1_000_000
ALLOWANCE = Allowance(messages_per_s=1_000, bytes_per_s=100_000, burst_ns=100 * MS, flood_ns=1_000 * MS)


def test_a_peer_at_its_rate_is_never_over() -> None:
    """A message each millisecond for ten seconds, and then bytes at the rate."""
    meter = Meter(ALLOWANCE)
    assert all(meter.take(100, at * MS) is Verdict.WITHIN for at in range(10_000))


def test_a_burst_passes_and_what_is_beyond_it_is_dropped_until_time_has_passed() -> None:
    """At one moment: 100 ms of the rate and the message that begins behind it; 10 ms later ten more."""
    meter = Meter(ALLOWANCE)
    verdicts = [meter.take(1, SECOND_NS) for _ in range(150)]
    assert verdicts == [Verdict.WITHIN] * 101 + [Verdict.OVER] * 49
    later = [meter.take(1, SECOND_NS + 10 * MS) for _ in range(20)]
    assert later == [Verdict.WITHIN] * 10 + [Verdict.OVER] * 10


def test_long_messages_count_by_their_bytes() -> None:
    """A message of 10,000 bytes takes a tenth of a second of 100,000 bytes a second."""
    meter = Meter(ALLOWANCE)
    assert [meter.take(10_000, 0) for _ in range(3)] == [Verdict.WITHIN, Verdict.WITHIN, Verdict.OVER]


def test_who_goes_on_far_beyond_its_rate_is_a_flood() -> None:
    """At one moment: 1,100 ms of the rate are offered, dropped ones counted; the next is a flood, and so are all."""
    meter = Meter(ALLOWANCE)
    verdicts = [meter.take(1, 0) for _ in range(1_200)]
    assert verdicts.index(Verdict.FLOOD) == 1_100
    assert set(verdicts[1_100:]) == {Verdict.FLOOD}


def test_twice_the_rate_becomes_a_flood_and_a_tenth_more_takes_ten_times_as_long() -> None:
    """Twice: after 1.1 s; 1.1 times: after 11 s; the first moment of a FLOOD, by a clock of messages."""

    def flood_after_ms(gap_us: int) -> float:
        meter = Meter(ALLOWANCE)
        return next(at * gap_us / 1_000 for at in range(10**6) if meter.take(1, at * gap_us * 1_000) is Verdict.FLOOD)

    assert 1_090 <= flood_after_ms(500) <= 1_110
    assert 10_900 <= flood_after_ms(909) <= 12_200


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 20 * MS)), max_size=200))
def test_no_timing_gets_more_through_than_rate_and_burst(messages: list[tuple[int, int]]) -> None:
    """Bytes and messages that passed, against elapsed time at the rate plus the burst plus one message."""
    meter, now, passed_bytes, passed = Meter(ALLOWANCE), 0, 0, 0
    for size, gap_ns in messages:
        now += gap_ns
        if meter.take(size, now) is Verdict.WITHIN:
            passed_bytes += size
            passed += 1
    most_ns = now + ALLOWANCE.burst_ns
    assert passed <= most_ns * ALLOWANCE.messages_per_s // SECOND_NS + 1
    assert passed_bytes <= most_ns * ALLOWANCE.bytes_per_s // SECOND_NS + 5_000


def test_each_penalty_is_twice_the_one_before_up_to_the_longest() -> None:
    """Closed again as soon as it opens: 1, 2, 4, 4 seconds; closing a closed one changes nothing."""
    doors, now = Doors(SECOND_NS, 4 * SECOND_NS), 0
    lengths = []
    for _ in range(4):
        until = doors.close(b"key", now)
        assert doors.close(b"key", until - 1) == until
        assert doors.is_closed(b"key", until - 1) and not doors.is_closed(b"key", until)
        lengths.append((until - now) // SECOND_NS)
        now = until
    assert lengths == [1, 2, 4, 4]


def test_a_door_is_forgotten_after_a_while_and_only_so_many_are_kept() -> None:
    """Eight penalties later the first one counts again; DOORS_MAX + 1 keys make the first key's door open."""
    doors = Doors(SECOND_NS, 60 * SECOND_NS)
    until = doors.close(b"key", 0)
    assert doors.close(b"key", until + FORGET_FACTOR * SECOND_NS) == until + (FORGET_FACTOR + 1) * SECOND_NS
    for number in range(DOORS_MAX):
        doors.close(b"%d" % number, 0)
    assert len(doors) == DOORS_MAX and not doors.is_closed(b"key", 0)


def gate(is_open: bool, revoked: frozenset[bytes] = frozenset()) -> Gate:
    """Return a gate that knows one key, and lets in five others a second, three at a time."""
    doors = Doors(SECOND_NS, SECOND_NS)
    return Gate({b"curve": b"node"}, is_open, doors, revoked.__contains__, 5, 3, 2 * SECOND_NS)


def test_a_closed_market_lets_in_who_is_listed_and_nobody_else() -> None:
    """The same two keys at a closed and at an open gate."""
    assert [gate(False).decide(key, 0) for key in (b"curve", b"other")] == [Entry.OPEN, Entry.UNLISTED]
    assert [gate(True).decide(key, 0) for key in (b"curve", b"other")] == [Entry.OPEN, Entry.OPEN]


def test_strangers_that_do_not_greet_take_only_so_many_places_and_none_of_a_listed_peer() -> None:
    """Three wait, the fourth is refused; one greets, or all are too late, and there is room again."""
    opened = gate(True)
    assert [opened.decide(b"%d" % number, 0) for number in range(4)] == [Entry.OPEN] * 3 + [Entry.BUSY]
    assert opened.decide(b"curve", 0) is Entry.OPEN
    opened.admitted(b"0", b"node 0")
    assert opened.decide(b"3", 0) is Entry.OPEN
    assert [opened.decide(b"%d" % number, 3 * SECOND_NS) for number in (4, 5, 6)] == [Entry.OPEN] * 3


def test_strangers_are_let_in_only_so_fast() -> None:
    """Each greets at once, so that there is room; a second's worth at one moment."""
    opened = gate(True)
    entries = []
    for number in range(10):
        entries.append(opened.decide(b"%d" % number, 0))
        opened.admitted(b"%d" % number, b"node %d" % number)
    assert entries == [Entry.OPEN] * 5 + [Entry.BUSY] * 5


def test_a_revoked_node_is_refused_by_the_curve_key_that_it_was_seen_with() -> None:
    """One is listed, one has greeted before; a key that was never seen passes here and is refused when it greets."""
    opened = gate(True, frozenset([b"node", b"bad"]))
    opened.admitted(b"seen", b"bad")
    assert [opened.decide(key, 0) for key in (b"curve", b"seen", b"new")] == [Entry.REVOKED, Entry.REVOKED, Entry.OPEN]
    assert opened.is_known_revoked(b"seen") and not opened.is_known_revoked(b"new")


def test_a_closed_door_is_closed_for_listed_peers_too() -> None:
    """Before and after its penalty."""
    opened = gate(False)
    opened.doors.close(b"curve", 0)
    assert [opened.decide(b"curve", at) for at in (0, SECOND_NS)] == [Entry.CLOSED, Entry.OPEN]
