"""What both sets of books answer besides events: queries, snapshots, and errors for what is no command at all."""

import numpy as np
import pytest

from openoutcry.book import commands as command
from openoutcry.domain import OrderType, Pair, Phase, Side
from openoutcry.domain.limits import ACCOUNTS_MAX, BATCH_COMMANDS_MAX, ORDERS_MAX
from openoutcry.domain.records import COMMAND, EVENT
from tests.scene import IMPLEMENTATIONS, Make, Scene


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest) -> Make:
    """Each implementation in turn."""
    return IMPLEMENTATIONS[request.param]


def test_what_is_no_array_of_commands_is_refused(make: Make) -> None:
    """Dtype and shape; nothing is carried out. No commands give no events."""
    books = make([Pair(0)])
    with pytest.raises(TypeError):
        books.apply(np.zeros(1, dtype=EVENT))
    with pytest.raises(ValueError, match="dimension"):
        books.apply(np.zeros((1, 1), dtype=COMMAND))
    with pytest.raises(ValueError, match=str(BATCH_COMMANDS_MAX)):
        books.apply(np.broadcast_to(np.zeros(1, dtype=COMMAND), BATCH_COMMANDS_MAX + 1))
    events = books.apply(np.zeros(0, dtype=COMMAND))
    assert (len(events), events.dtype, books.sequence) == (0, EVENT, 0)


def test_commands_need_not_lie_next_to_each_other(make: Make) -> None:
    """Every second record of an array, and an array that may not be written."""
    rows = command.batch(*(command.place(0, 0, number, Side.BUY, 1, 100 + number) for number in range(6)))
    rows.flags.writeable = False
    books = make([Pair(0)])
    books.apply(rows[::2])
    assert books.orders(0)["client_id"].tolist() == [4, 2, 0]


IMPOSSIBLE = (("accounts", -1), ("accounts", ACCOUNTS_MAX + 1), ("capacity", 0), ("capacity_max", ORDERS_MAX + 1))


@pytest.mark.parametrize(("name", "value"), IMPOSSIBLE)
def test_impossible_sizes_are_named(make: Make, name: str, value: int) -> None:
    """The error has the name of the argument."""
    with pytest.raises(ValueError, match=name):
        make([Pair(0)], **{name: value})


def test_a_pair_is_given_once(make: Make) -> None:
    """Twice the same id is a mistake of the caller."""
    with pytest.raises(ValueError, match="pair 3"):
        make([Pair(3), Pair(3)])


def test_an_unknown_pair_is_a_key_error(make: Make) -> None:
    """In every query that names one; a retired pair answers, empty."""
    scene = Scene(make)
    scene.buy(5, 500)
    scene.do(command.retire_pair(0))
    assert scene.levels() == ([], []) and scene.books.best(0) == (None, None) and scene.books.last(0) is None
    for query in (scene.books.depth, scene.books.best, scene.books.orders, scene.books.phase, scene.books.last):
        with pytest.raises(KeyError, match="pair 7"):
            query(7)
    assert scene.books.position(3, 7) == 0 and scene.books.backing(3, 7) == (0, 0, 0)
    assert scene.books.order(12345) is None


def test_depth_shows_the_best_levels(make: Make) -> None:
    """Displayed lots and number of orders; as many levels as asked for."""
    scene = Scene(make)
    for price in (500, 499, 498):
        scene.buy(5, price)
        scene.buy(20, price, kind=OrderType.ICEBERG, display_lots=2)
    scene.buy(5, 501, kind=OrderType.HIDDEN)
    depth = scene.books.depth(0, levels=2)
    assert depth.bids.tolist() == [(500, 7, 2), (499, 7, 2)] and len(depth.asks) == 0
    assert len(scene.books.depth(0, levels=0).bids) == 0


@pytest.mark.parametrize("other", IMPLEMENTATIONS)
def test_a_snapshot_goes_on_where_it_was_taken_in_either_implementation(make: Make, other: str) -> None:
    """Handles, time, sequence and state are the same; so is what happens next."""
    scene = Scene(make)
    scene.do(command.clock(77))
    gone = scene.buy(5, 500)
    scene.do(command.cancel(0, 0, gone, by_handle=True))
    scene.buy(5, 500)
    restored = IMPLEMENTATIONS[other].restore(scene.books.snapshot())  # type: ignore[attr-defined]
    restored.check()
    assert (restored.clock_ns, restored.sequence, restored.live) == (77, 4, 1)
    assert restored.state_hash() == scene.books.state_hash()
    following = command.batch(command.place(0, 1, 1, Side.SELL, 3, 500), command.set_phase(0, Phase.HALTED))
    assert restored.apply(following).tobytes() == scene.books.apply(following).tobytes()


def test_damaged_snapshots_are_refused(make: Make) -> None:
    """Another file, another version, cut off, one bit flipped."""
    scene = Scene(make)
    scene.buy(5, 500)
    data, restore = scene.books.snapshot(), type(scene.books).restore
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    for damaged in (b"", b"PK\x03\x04" * 20, data[:7] + b"\x02" + data[8:], data[:-1], bytes(flipped)):
        with pytest.raises(ValueError, match="snapshot"):
            restore(damaged)
