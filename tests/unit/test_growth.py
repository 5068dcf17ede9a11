"""Every pool of the fast books starts too small and grows while orders live in it; the plain books say what is right.

Growing means that records move and, in tables, get other numbers. A mistake there shows as a lost order, a wrong
position or an event that differs, so the same commands go to both books and all events and the state are compared.
"""

import numpy as np
import pytest

from openoutcry.book import Books, ReferenceBooks, commands, storage
from openoutcry.domain import AccountField, CancelReason, EventKind, Ladder, Pair, RejectCode, Side, TimeInForce
from openoutcry.domain.records import EVENT, Commands, Events
from tests.streams import ACCOUNTS, Driver, pairs_to_stream


class Both:
    """The fast books with room for one order, and the plain ones."""

    def __init__(self, pairs: list[Pair], *, accounts: int = 1, capacity_max: int = 1 << 20) -> None:
        self.fast = Books(pairs, accounts=accounts, capacity=1, capacity_max=capacity_max)
        self.plain = ReferenceBooks(pairs, accounts=accounts, capacity_max=capacity_max)

    def do(self, *rows: Commands) -> Events:
        """Apply commands as one batch to both. Returns the events, which are the same."""
        batch = commands.batch(*rows)
        events = self.fast.apply(batch).copy()
        assert events.tobytes() == self.plain.apply(batch).tobytes()
        return events

    def compare(self) -> None:
        """The states are equal and sound."""
        assert self.fast.state_hash() == self.plain.state_hash()
        self.fast.check()


def refused(events: Events) -> list[int]:
    """Return the codes of all rejects."""
    codes: list[int] = events["code"][events["kind"] == EventKind.REJECTED].tolist()
    return codes


@pytest.mark.parametrize("ladder", Ladder)
def test_orders_are_kept_while_their_pool_grows_from_one(ladder: Ladder) -> None:
    """3,000 orders in one batch, by client id, on 300 prices; then each is found by its id, and then by its handle."""
    both = Both([Pair(0, price_ticks_max=1 << 20, ladder=ladder)])
    prices = [1_000 + 37 * (number % 300) for number in range(3_000)]
    placed = both.do(*(commands.place(0, 0, number, Side.BUY, 9, price) for number, price in enumerate(prices)))
    handles = placed["maker"][placed["kind"] == EventKind.ACCEPTED].tolist()
    both.compare()
    assert both.fast.live == 3_000
    both.do(*(commands.reduce(0, 0, number, 1 + number % 8) for number in range(3_000)))
    both.compare()
    both.do(*(commands.cancel(0, 0, handle, by_handle=True) for handle in handles))
    both.compare()
    assert (both.fast.live, both.fast.best(0)) == (0, (None, None))


def test_an_order_beyond_the_largest_capacity_is_refused_and_nothing_is_lost() -> None:
    """100 slots, 103 orders; then two are cancelled and two of three more find room. The first 98 are untouched."""
    both = Both([Pair(0)], capacity_max=100)
    events = both.do(*(commands.place(0, 0, number, Side.BUY, 5, 1 + number) for number in range(103)))
    assert refused(events) == [RejectCode.CAPACITY] * 3
    both.compare()
    before = both.fast.orders(0)
    both.do(commands.cancel(0, 0, 99), commands.cancel(0, 0, 98))
    events = both.do(*(commands.place(0, 0, 200 + number, Side.BUY, 5, 400 + number) for number in range(3)))
    assert refused(events) == [RejectCode.CAPACITY]
    both.compare()
    assert both.fast.orders(0)[2:].tobytes() == before[2:].tobytes()
    # a full pool still trades: the taker needs a slot, so it is refused until a resting order makes room for it
    assert refused(both.do(commands.place(0, 0, 900, Side.SELL, 1, 1))) == [RejectCode.CAPACITY]
    both.do(commands.cancel(0, 0, 0), commands.place(0, 0, 900, Side.SELL, 1, 1))
    assert both.fast.live == 99
    both.compare()


def test_accounts_far_beyond_the_first_ones_open() -> None:
    """Ids up to 100,000 in an order in which the table grows more than once; resting orders keep their accounts."""
    both = Both([Pair(0)], accounts=2)
    ids = [0, 1, 9, 300, 299, 70_000, 100_000, 69_999]
    for number, account in enumerate(ids):
        both.do(
            commands.set_limits(account, AccountField.OPEN_ORDERS_MAX, 2),
            *(commands.place(0, account, order, Side.BUY, 3, 10 + number) for order in range(3)),
        )
    both.compare()
    events = both.do(*(commands.place(0, 1, 90 + each, Side.SELL, 6, 10) for each in range(2)))
    assert refused(events) == [RejectCode.OPEN_ORDERS_LIMIT] * 2
    both.do(*(commands.cancel(0, account, 0) for account in ids))
    both.compare()
    assert both.fast.live == len(ids)


def test_positions_keep_their_orders_and_counts_when_their_table_grows() -> None:
    """5,000 positions, more than the first table holds, in one batch; then trades and cancellations change them all."""
    pairs = [Pair(number, price_ticks_max=100) for number in range(50)]
    both = Both(pairs, accounts=101)
    both.fast._storage._make_positions(8)
    both.fast._storage.make_room()
    rows = [commands.place(pair, account, pair, Side.BUY, 4, 40) for account in range(100) for pair in range(50)]
    both.do(*rows)
    both.compare()
    both.do(*(commands.place(pair, 100, pair, Side.SELL, 4 * 60 + 1, 40) for pair in range(50)))
    both.do(*(commands.cancel(pair, account, pair) for account in range(60, 100) for pair in range(50)))
    both.compare()
    assert both.fast.live == 0
    assert [both.fast.position(account, 7) for account in (0, 59, 60, 61, 100)] == [4, 4, 1, 0, -241]


def test_backings_keep_what_is_drawn_when_their_table_grows() -> None:
    """Live orders draw while 1,500 more backings are funded; positions must follow their backings to new numbers."""
    pairs = [Pair(number, base=10 + number, quote=0, price_ticks_max=100) for number in range(10)]
    both = Both(pairs, accounts=20)
    both.fast._storage._size_backings(4)
    rows = [commands.set_limits(account, AccountField.BACKED) for account in range(20)]
    rows += [commands.fund(account, instrument, 10_000) for account in range(20) for instrument in (0, *range(10, 20))]
    both.do(*rows)
    resting = [commands.place(pair, account, pair, Side.BUY, 4, 40) for account in range(10) for pair in range(10)]
    both.do(*resting)
    both.do(*(commands.fund(account, 1_000 + each, 1) for account in range(20) for each in range(75)))
    both.compare()
    assert both.fast.backing(3, 0) == (10_000 - 1_600, 1_600, 0)
    both.do(*(commands.place(pair, 10 + pair, 1, Side.SELL, 20, 40) for pair in range(5)))
    both.compare()
    assert both.fast.backing(3, 0) == (10_000 - 1_600, 800, 800)
    assert both.fast.backing(13, 13) == (10_000 - 20, 0, 20)


def test_good_till_date_orders_end_in_time_while_their_heap_grows_and_is_cleaned() -> None:
    """6,000 expiries at random, five in six cancelled in between, so that the heap fills with stale entries."""
    both, dice = Both([Pair(0)]), np.random.default_rng(6)
    rows, live = [], []
    for number, expiry_ns in enumerate(dice.integers(1, 1_000, 6_000).tolist()):
        rows.append(commands.place(0, 0, number, Side.BUY, 1, 50, tif=TimeInForce.GTD, expiry_ns=expiry_ns))
        live.append(number)
        if number > 1_000 and number % 6:
            rows.append(commands.cancel(0, 0, live.pop(int(dice.integers(len(live))))))
    both.do(*rows)
    both.compare()
    assert both.fast.live == len(live) > 1_500
    for time_ns in range(1, 1_001, 37):
        events = both.do(commands.clock(time_ns))
        assert (events["code"][1:] == CancelReason.GTD).all()
    assert both.fast.live == 0
    both.compare()


def test_pairs_are_added_beside_live_orders() -> None:
    """Ids from low to high to between, direct and hashed: rows, bitmaps, levels and the level table grow with them."""
    both = Both([])
    for pair_id, ticks, ladder in (
        (3, 10, Ladder.DIRECT),
        (0, 5_000, Ladder.HASHED),
        (900, 1 << 18, Ladder.DIRECT),
        (500, 1 << 24, Ladder.HASHED),
        (4, 64, Ladder.DIRECT),
    ):
        pair = Pair(pair_id, price_ticks_max=ticks, ladder=ladder)
        orders = [commands.place(pair_id, 0, 10_000 * pair_id + at, Side.BUY, 2, at) for at in (1, 2, 9, ticks)]
        both.do(commands.add_pair(pair), *orders)
        both.compare()
    for pair_id in (3, 0, 900, 500, 4):
        both.do(commands.place(pair_id, 0, 7, Side.SELL, 5, 2))
    both.compare()
    assert both.fast.live == 5 * 2


@pytest.fixture
def short_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Event buffers begin with room for 32 events, two steps of a kernel."""
    monkeypatch.setattr(storage, "EVENTS_FIRST", 32)


def shorten(books: Books) -> None:
    """Give books the smallest event buffer again; no events are in it between two batches."""
    books._storage.events = np.empty(0, dtype=EVENT)
    books._storage.grow_events(0)


def count_pauses(books: Books, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every pause of the kernel for room for events adds what it needs."""
    needs: list[int] = []
    grow = books._storage.grow_events

    def counted(need: int) -> None:
        needs.append(need)
        grow(need)

    monkeypatch.setattr(books._storage, "grow_events", counted)
    return needs


@pytest.mark.usefixtures("short_buffer")
def test_a_sweep_goes_on_where_it_paused_for_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """One taker meets 5,000 makers in one command, and the buffer doubles under it again and again."""
    both = Both([Pair(0)], accounts=2)
    both.do(*(commands.place(0, 0, number, Side.SELL, 2, 100 + number % 40) for number in range(5_000)))
    shorten(both.fast)
    needs = count_pauses(both.fast, monkeypatch)
    events = both.do(commands.place(0, 1, 1, Side.BUY, 9_999, 200), commands.place(0, 1, 2, Side.BUY, 2, 139))
    assert len(needs) == 8
    assert int((events["kind"] == EventKind.TRADED).sum()) == 5_001
    both.compare()


@pytest.mark.usefixtures("short_buffer")
@pytest.mark.parametrize("seed", range(30, 36))
def test_any_command_may_be_interrupted_for_events(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random commands of every kind, the buffer cut to 32 events before each batch, so that batches pause anywhere."""
    pairs = pairs_to_stream()
    plain = ReferenceBooks(pairs, accounts=ACCOUNTS, capacity_max=800)
    fast = Books(pairs, accounts=ACCOUNTS, capacity=4, capacity_max=800)
    driver = Driver(seed, pairs)
    needs = count_pauses(fast, monkeypatch)
    batch = driver.set_up()
    for _ in range(40):
        events = plain.apply(batch)
        shorten(fast)
        assert fast.apply(batch).tobytes() == events.tobytes()
        driver.learn(batch, events)
        batch = driver.chunk(60)
    assert fast.state_hash() == plain.state_hash()
    fast.check()
    assert len(needs) > 40
