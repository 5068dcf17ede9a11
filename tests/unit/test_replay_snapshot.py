"""Orders of an opening snapshot that were gone before the live messages began."""

from openoutcry.domain import Side
from openoutcry.replay.flow import Action, MessageFlag
from openoutcry.replay.snapshot import drop_stale
from tests.flows import message, messages

SNAPSHOT = MessageFlag.SNAPSHOT


def test_an_order_that_the_venue_lets_others_pass_is_dropped_just_before_them() -> None:
    """A stale ask at 105; a bid at 104 rests, then one at 105 does: the ask is deleted before that one."""
    rows = messages(
        message(Action.ADD, 1, price=105, side=Side.SELL, flags=SNAPSHOT),
        message(Action.ADD, 2, price=110, side=Side.SELL, flags=SNAPSHOT),
        message(Action.ADD, 3, price=104, group=1),
        message(Action.ADD, 4, price=105, group=2),
    )
    kept, stale = drop_stale(rows)
    assert stale == 1
    assert kept["order_id"].tolist() == [1, 2, 3, 1, 4]
    assert kept["action"].tolist()[3] == Action.DELETE
    assert (kept["group"][3], kept["time_ns"][3]) == (2, 2_000_000)
    assert kept["flags"].tolist()[:2] == [SNAPSHOT | MessageFlag.STALE, SNAPSHOT]


def test_an_order_with_a_later_message_of_its_own_is_never_stale() -> None:
    """The venue itself deletes the ask later: the recording is crossed in between, and is left so."""
    rows = messages(
        message(Action.ADD, 1, price=105, side=Side.SELL, flags=SNAPSHOT),
        message(Action.ADD, 4, price=106, group=1),
        message(Action.DELETE, 1, side=Side.SELL, group=2),
    )
    kept, stale = drop_stale(rows)
    assert stale == 0
    assert kept is rows


def test_an_order_that_only_passes_within_its_transaction_proves_nothing() -> None:
    """A bid at 106 comes and goes in one transaction; bids of the snapshot do not prove anything either."""
    rows = messages(
        message(Action.ADD, 1, price=105, side=Side.SELL, flags=SNAPSHOT),
        message(Action.ADD, 2, price=105, flags=SNAPSHOT),
        message(Action.ADD, 3, price=106, group=1),
        message(Action.DELETE, 3, price=106, group=1),
    )
    assert drop_stale(rows)[1] == 0


def test_stale_bids_are_found_as_asks_are() -> None:
    """The mirror image."""
    rows = messages(
        message(Action.ADD, 1, price=105, flags=SNAPSHOT),
        message(Action.ADD, 4, price=105, side=Side.SELL, group=1),
    )
    kept, stale = drop_stale(rows)
    assert stale == 1
    assert kept["order_id"].tolist() == [1, 1, 4]
