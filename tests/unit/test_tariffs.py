"""What can be set, what is refused, and single fees written out by hand."""

import msgspec
import numpy as np
import pytest

from openoutcry.domain import EventFlag, EventKind
from openoutcry.domain.records import EVENT
from openoutcry.venue.tariffs.fees import trade_fees
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.venue.tariffs.tariffs import ALL_PAIRS, PLANNED_MAX, Tariffs


@pytest.mark.parametrize(
    ("tariff", "value", "is_auction", "expected"),
    [
        (Tariff(0, 10, 20), 1_000_000, False, (10, 20)),
        (Tariff(0, 10, 20), 1_000_001, False, (11, 21)),
        (Tariff(0, 10, 20), 1, False, (1, 1)),
        (Tariff(0, -20, 35), 99_999, False, (-1, 4)),
        (Tariff(0, -20, 35), 49_999, False, (0, 2)),
        (Tariff(0, 0, 20, 5), 1, False, (0, 5)),
        (Tariff(0, -20, 35, 5, 2), 1_000_000, False, (-18, 37)),
        (Tariff(0, -20, 35, 0, 0, 10), 1_000_000, False, (-10, 10)),
        (Tariff(0, -20, 35), 1_000_000, True, (8, 8)),
        (Tariff(0, 0, 0, 9, 3), 1_000_000, False, (3, 3)),
    ],
)
def test_fees_are_those_written_out_by_hand(
    tariff: Tariff, value: int, is_auction: bool, expected: tuple[int, int]
) -> None:
    """By the rule alone, and by the table for many."""
    assert trade_fees(1, value, 1, is_auction, tariff) == expected
    tariffs = Tariffs()
    assert tariffs.set(0, tariff, 0) is None
    flags = int(EventFlag.AUCTION) if is_auction else 0
    traded = np.array([(1, EventKind.TRADED, 0, 0, flags, 0, 1, 2, 1, value, 0, 0)] * 3, EVENT)
    maker, taker = tariffs.fees(traded, np.ones(1, np.int64), 0)
    assert (maker.tolist(), taker.tolist()) == ([expected[0]] * 3, [expected[1]] * 3)


@pytest.mark.parametrize(
    ("tariff", "why"),
    [
        (Tariff(4, 0, 0), "in the past"),
        (Tariff(5, -20, 19), "a sum of at least 0"),
        (Tariff(5, 0, 500_001), "at most 500000 either way"),
        (Tariff(5, -500_001, 500_000), "at most 500000 either way"),
        (Tariff(5, 1, 1, 10, 0, 9), "expected 0 or at least 10"),
    ],
)
def test_a_tariff_that_cannot_hold_is_refused(tariff: Tariff, why: str) -> None:
    """At time 5; nothing changes."""
    tariffs = Tariffs()
    before = tariffs.save()
    found = tariffs.set(0, tariff, 5)
    assert found is not None and why in found
    assert tariffs.save() == before


def test_no_more_tariffs_are_planned_than_there_is_room_for() -> None:
    """One after the other, each later."""
    tariffs = Tariffs()
    refused = [tariffs.set(0, Tariff(10 + index, 1, 1), 5) is not None for index in range(PLANNED_MAX + 2)]
    assert refused == [False] * (PLANNED_MAX + 1) + [True]
    assert Tariffs.load(tariffs.save()).all == tariffs.all


def test_a_tariff_of_its_own_goes_before_that_of_all_pairs_from_its_time_on() -> None:
    """And `next_ns` says when rates change."""
    tariffs = Tariffs()
    everyone, own = Tariff(5, 1, 2), Tariff(9, 3, 4)
    assert (tariffs.set(ALL_PAIRS, everyone, 0), tariffs.set(7, own, 0)) == (None, None)
    assert tariffs.of(7, 4) == Tariff(0, 0, 0)
    assert (tariffs.of(7, 8), tariffs.of(7, 9), tariffs.of(8, 9)) == (everyone, own, everyone)
    assert [tariffs.next_ns(now) for now in (0, 5, 9)] == [5, 9, None]


def test_a_value_that_no_listed_pair_has_is_an_error_and_not_a_wrong_fee() -> None:
    """One unit above the bound."""
    traded = np.array([(1, EventKind.TRADED, 0, 0, 0, 0, 1, 2, 2, 2**56 - 1, 0, 0)], EVENT)
    with pytest.raises(OverflowError, match="pair 0"):
        Tariffs().fees(traded, np.array([2**6], np.int64), 0)


@pytest.mark.parametrize("state", (b"", b"\x91\x01", b"\x92\x92\x01\x90\x92\x00\x90"))
def test_other_bytes_are_no_tariffs(state: bytes) -> None:
    """Empty, of another shape, out of range."""
    with pytest.raises(ValueError, match="tariffs"):
        Tariffs.load(state)


def test_saved_tariffs_out_of_order_are_refused() -> None:
    """Two of one pair, and two pairs, changed places."""
    first, second = [5, 1, 1, 0, 0, 0], [6, 1, 1, 0, 0, 0]
    for entries in ([[0, [second, first]]], [[1, [first]], [0, [first]]], [[0, [first]], [0, [second]]]):
        with pytest.raises(ValueError, match="not in order"):
            Tariffs.load(msgspec.msgpack.encode(entries))
