"""Each clause of each auction rule (docs/reference/auctions.md) on the smallest book that decides it."""

from collections.abc import Callable, Sequence

import pytest

from openoutcry.book.auction import AuctionOrder, Clearing, uncross
from openoutcry.book.reference.auction import uncross_plain
from openoutcry.domain import AuctionRule, Side

BOTH = pytest.mark.parametrize("by", [uncross, uncross_plain])
Uncross = Callable[..., Clearing]
ALL = [rule.name.lower() for rule in AuctionRule]
WITHOUT_QUOTE = [rule for rule in ALL if rule != "xetra_continuous_auction"]


def buy(lots: int, price: int | None = None, minimum: int | None = None, hidden: bool = False) -> AuctionOrder:
    """Return a buy."""
    return AuctionOrder(Side.BUY, lots, price, hidden=hidden, strike_match_minimum_ticks=minimum)


def sell(lots: int, price: int | None = None, hidden: bool = False) -> AuctionOrder:
    """Return a sell."""
    return AuctionOrder(Side.SELL, lots, price, hidden=hidden)


def price(
    by: Uncross,
    orders: Sequence[AuctionOrder],
    rule: str,
    reference: int | None = None,
    collar: tuple[int, int] | None = None,
    tick: int = 1,
) -> int | None:
    """Return the clearing price."""
    return by(orders, reference_ticks=reference, tick=tick, rule=rule, collar=collar).price_ticks


BALANCED = [buy(10, 110), sell(10, 100)]  # no surplus from 100 to 110
BID_SURPLUS = [buy(30, 110), sell(10, 100)]  # 20 bid surplus from 100 to 110
ASK_SURPLUS = [buy(10, 110), sell(30, 100)]  # 20 ask surplus from 100 to 110
MIXED = [buy(10), buy(10, 100), sell(10), sell(10, 110)]  # 10 bid surplus at 100, 10 ask surplus at 110, none between


@BOTH
@pytest.mark.parametrize(
    ("rule", "reference", "expected"),
    [
        # only limits: 100 and 110 are the candidates; in the middle the higher
        *((rule, 101, 100) for rule in ("xetra_equities", "hkex", "nse", "volume_only")),
        *((rule, 105, 110) for rule in ("xetra_equities", "hkex", "volume_only")),
        *((rule, 130, 110) for rule in ("xetra_equities", "hkex", "nse", "volume_only")),
        ("nse", 105, 105),  # in the middle of the two nearest: the previous close itself
        # every tick between: the reference itself
        *((rule, 103, 103) for rule in ("lse_sets", "euronext", "sgx", "asx", "okc_binance_dex")),
        *((rule, 90, 100) for rule in ("lse_sets", "euronext", "sgx", "asx", "okc_binance_dex")),
        *((rule, 130, 110) for rule in ("lse_sets", "euronext", "sgx", "asx", "okc_binance_dex")),
        # no reference: all equally near, the highest
        *((rule, None, 110) for rule in WITHOUT_QUOTE),
    ],
)
def test_without_surplus_the_reference_decides(by: Uncross, rule: str, reference: int | None, expected: int) -> None:
    """Two orders that leave nothing over from 100 to 110."""
    assert price(by, BALANCED, rule, reference) == expected


@BOTH
@pytest.mark.parametrize("rule", ["xetra_equities", "lse_sets", "euronext", "hkex", "sgx", "asx"])
@pytest.mark.parametrize("reference", [None, 90, 104, 130])
def test_one_sided_surplus_presses_the_price(by: Uncross, rule: str, reference: int | None) -> None:
    """Bid surplus takes the highest, ask surplus the lowest candidate, whatever the reference."""
    assert price(by, BID_SURPLUS, rule, reference) == 110
    assert price(by, ASK_SURPLUS, rule, reference) == 100


@BOTH
@pytest.mark.parametrize("rule", ["nse", "volume_only"])
def test_nse_and_volume_only_know_no_pressure(by: Uncross, rule: str) -> None:
    """The reference decides although all surplus is on one side."""
    assert price(by, BID_SURPLUS, rule, 101) == 100
    assert price(by, ASK_SURPLUS, rule, 130) == 110


@BOTH
@pytest.mark.parametrize(
    ("orders", "reference", "expected"),
    [
        (BID_SURPLUS, 100, 105),  # 100 x 1.05
        (BID_SURPLUS, 90, 100),  # 94.5, below all
        (BID_SURPLUS, 130, 110),
        (BID_SURPLUS, 99, 104),  # 103.95
        (BID_SURPLUS, 103, 108),  # 108.15
        (ASK_SURPLUS, 110, 105),  # 104.5 rounds half up
        (ASK_SURPLUS, 112, 106),  # 106.4
        (ASK_SURPLUS, 90, 100),
        (BID_SURPLUS, None, 110),
        (ASK_SURPLUS, None, 100),
    ],
)
def test_okc_moves_the_reference_by_a_twentieth(
    by: Uncross, orders: Sequence[AuctionOrder], reference: int | None, expected: int
) -> None:
    """Up under bid surplus, down under ask surplus, then into the range of the candidates."""
    assert price(by, orders, "okc_binance_dex", reference) == expected


@BOTH
@pytest.mark.parametrize(
    ("rule", "reference", "expected"),
    [
        ("xetra_equities", 104, 100),
        ("xetra_equities", 105, 110),
        ("hkex", 104, 100),
        ("hkex", 105, 110),
        ("nse", 105, 105),
        # between 100 and 110 nothing is left over, so only the ticks there remain
        ("lse_sets", 100, 101),
        ("euronext", 100, 101),
        ("asx", 130, 109),
        ("sgx", 105, 105),
    ],
)
def test_surplus_on_both_sides_leaves_the_reference(by: Uncross, rule: str, reference: int, expected: int) -> None:
    """Xetra's example 4 on a wider grid: rules of limits choose among them, rules of ticks find the gap between."""
    assert price(by, MIXED, rule, reference) == expected


@BOTH
def test_xetra_and_asx_leave_two_finalists_where_others_take_the_nearest_of_all(by: Uncross) -> None:
    """10 bid surplus at 100 and 101, 10 ask surplus at 102 and 103, reference at the far end."""
    orders = [buy(10, 103), buy(10, 101), sell(10, 100), sell(10, 102)]
    for reference, inner, outer in ((100, 101, 100), (104, 102, 103)):
        for rule in ("xetra_equities", "sgx", "asx"):
            assert price(by, orders, rule, reference) == inner
        for rule in ("lse_sets", "euronext", "hkex", "okc_binance_dex"):
            assert price(by, orders, rule, reference) == outer


@BOTH
@pytest.mark.parametrize(
    ("orders", "collar", "expected"),
    [
        (BALANCED, (90, 120), 105),
        (BALANCED, (103, 120), 107),  # the middle of 103 and 110, 106.5, goes up
        (BID_SURPLUS, (90, 107), 107),
        (ASK_SURPLUS, (103, 120), 103),
        (BALANCED, (111, 120), None),
        ([buy(10), sell(10)], (100, 103), 102),
        ([buy(20), sell(10)], (100, 103), 103),
        ([buy(10), sell(20)], (100, 103), 100),
    ],
)
def test_the_continuous_auction_clears_within_the_quote(
    by: Uncross, orders: Sequence[AuctionOrder], collar: tuple[int, int], expected: int | None
) -> None:
    """Every tick of the quote is a candidate, limits there or not; ties go to the middle, rounded up."""
    assert price(by, orders, "xetra_continuous_auction", 1, collar) == expected


@BOTH
@pytest.mark.parametrize("rule", WITHOUT_QUOTE)
def test_only_market_orders_trade_at_the_reference(by: Uncross, rule: str) -> None:
    """Without a reference nothing trades; a collar holds the reference inside."""
    orders = [buy(20), sell(30)]
    assert by(orders, reference_ticks=77, tick=1, rule=rule) == Clearing(77, 20, 10, Side.SELL, ((0, 20), (1, 20)))
    assert by(orders, reference_ticks=None, tick=1, rule=rule) == Clearing(None, 0, 0, None, ())
    assert price(by, orders, rule, 77, (80, 90)) == 80
    assert price(by, orders, rule, 74, tick=5) == 75
    assert price(by, orders, rule, 1, tick=5) == 5


@BOTH
@pytest.mark.parametrize(("rule", "expected"), [("euronext", 105), ("lse_sets", 100), ("xetra_equities", 100)])
def test_euronext_goes_beyond_the_limits_towards_the_reference(by: Uncross, rule: str, expected: int) -> None:
    """Market buys against a sell at 100 trade at any price from there on: Euronext takes the reference, 105."""
    assert price(by, [buy(10), sell(10, 100)], rule, 105) == expected
    assert price(by, [buy(20), sell(10, 100)], rule, 105) == expected
    assert price(by, [buy(10), sell(20, 100)], rule, 105) == 100


@BOTH
def test_hkex_takes_limits_between_best_bid_and_best_ask_only(by: Uncross) -> None:
    """At 90 most would trade, but it is below the best ask."""
    orders = [buy(10, 110), buy(90, 90), sell(90), sell(10, 100)]
    assert price(by, orders, "xetra_equities", 100) == 90
    assert price(by, orders, "hkex", 100) == 100


@BOTH
def test_hkex_takes_any_limit_when_one_side_has_none(by: Uncross) -> None:
    """There is no best bid, so no range."""
    assert price(by, [buy(20), sell(10, 100), sell(10, 101)], "hkex") == 101


@BOTH
@pytest.mark.parametrize("rule", WITHOUT_QUOTE)
@pytest.mark.parametrize(("collar", "expected"), [((90, 95), 95), ((120, 130), 120), ((105, 105), 105)])
def test_a_limit_outside_the_collar_counts_at_its_end(
    by: Uncross, rule: str, collar: tuple[int, int], expected: int
) -> None:
    """Orders that would also trade in the collar do: at the end nearest to their limits."""
    orders = [buy(10), buy(10, 110), sell(10), sell(10, 100)]
    assert price(by, orders, rule, 100, collar) == expected


@BOTH
def test_a_minimum_counts_only_from_its_price_on(by: Uncross) -> None:
    """A strike-match buy that counts at 110 brings most volume there; one that does not leaves the price at 100."""
    orders = [buy(10, 110), sell(10, 100), sell(10, 110), buy(10, minimum=105)]
    assert by(orders, reference_ticks=None, tick=1, rule="xetra_equities") == Clearing(
        110, 20, 0, None, ((0, 10), (1, 10), (2, 10), (3, 10))
    )
    orders[-1] = buy(10, minimum=111)
    assert by(orders, reference_ticks=100, tick=1, rule="xetra_equities") == Clearing(
        100, 10, 0, None, ((0, 10), (1, 10))
    )


@BOTH
def test_a_minimum_between_two_allowed_prices_is_the_next_one(by: Uncross) -> None:
    """From 101 on a grid of 5: takes part at 105, not at 100."""
    orders = [buy(10, minimum=101), sell(10, 100), sell(10, 105)]
    assert price(by, orders, "xetra_equities", tick=5) == 105


@BOTH
@pytest.mark.parametrize("rule", ["nse", "okc_binance_dex"])
def test_a_price_between_two_limits_is_not_taken_where_less_trades(by: Uncross, rule: str) -> None:
    """10 lots at 100 and, because of a minimum, at 110; none at 105, where the reference is."""
    orders = [buy(12, 100), sell(10, 100), sell(2, 110), buy(10, minimum=110)]
    assert price(by, orders, rule, 105) == 110
    assert price(by, orders, rule, 104) == 100


@BOTH
@pytest.mark.parametrize("rule", WITHOUT_QUOTE)
def test_the_end_of_a_collar_may_be_where_a_minimum_lies(by: Uncross, rule: str) -> None:
    """One allowed price, at which no order has its limit but one its minimum."""
    orders = [buy(10, 110), sell(20, 90), buy(10, minimum=100)]
    assert price(by, orders, rule, 90, (100, 100)) == 100


@BOTH
def test_a_reference_below_the_lowest_allowed_price_is_that_price(by: Uncross) -> None:
    """On a grid of 10 the nearest multiple of a reference of 3 would be 0."""
    assert price(by, [buy(10, 20), sell(10)], "euronext", 3, tick=10) == 10
    assert price(by, [buy(20, 20), sell(10)], "euronext", 3, tick=10) == 20


@BOTH
def test_fills_go_by_market_price_display_and_time(by: Uncross) -> None:
    """Seven buys for eleven lots at 100: market orders first, hidden ones behind displayed ones at their price."""
    orders = [
        buy(2, 100),
        buy(2, 101, hidden=True),
        buy(2, 101),
        buy(2, 100),
        buy(2, hidden=True),
        buy(2),
        buy(2, 99),
        sell(11, 100),
    ]
    clearing = by(orders, reference_ticks=None, tick=1, rule="nse", collar=(100, 100))
    assert clearing == Clearing(100, 11, 1, Side.BUY, ((0, 2), (1, 2), (2, 2), (3, 1), (4, 2), (5, 2), (7, 11)))
    orders[-1] = sell(5, 100)
    clearing = by(orders, reference_ticks=None, tick=1, rule="nse", collar=(100, 100))
    assert clearing == Clearing(100, 5, 7, Side.BUY, ((2, 1), (4, 2), (5, 2), (7, 5)))


@BOTH
@pytest.mark.parametrize("rule", ALL)
@pytest.mark.parametrize("orders", [[], [buy(1)], [sell(1, 5)], [buy(5, 99), sell(5, 100)], [buy(1, minimum=9)]])
def test_nothing_trades_where_nothing_can(by: Uncross, rule: str, orders: Sequence[AuctionOrder]) -> None:
    """No orders, one side, and no price that suits both."""
    clearing = by(orders, reference_ticks=100, tick=1, rule=rule, collar=(90, 110))
    assert clearing == Clearing(None, 0, 0, None, ())
